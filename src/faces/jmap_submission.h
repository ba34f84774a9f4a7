/* EmailSubmission's two files: what was sent, and sending. */
#ifndef FACES_JMAP_SUBMISSION_H
#define FACES_JMAP_SUBMISSION_H

#include "faces/jmap_stored.h"

/* Stored are identityId, emailId, threadId, envelope, sendAt, reply, canceled. */

/* "pending", "final" or "canceled". */
const char *jmap_submission_undo(const struct jmap_call *c, const json_t *v);
/* Writes all properties of one, as a value. */
void jmap_submission_put(struct jmap_call *c, struct store_id id, json_t *v, struct json_out *out);
enum jmap_error jmap_submission_set(struct jmap_call *c);

/* What the way out answered, in JMAP's terms; err: of outbound.send. refused: for a description
 * that comes from the answer. type NULL: it went. */
struct jmap_set_error jmap_outbound_error(
	int err, const struct outbound_answer *answer, char refused[OUTBOUND_TEXT_MAX]);
/* The Email of what went well, under prefix and key, for what follows. */
void jmap_remember_email(json_t *emails, const char *prefix, const char *key, uint32_t email);
/* The Email/set that follows (RFC 8621 section 7.5): the arguments onSuccessUpdateEmail and
 * onSuccessDestroyEmail with the Emails that their keys mean. NULL when there is nothing to do. */
/* Whether those arguments are what they must be. */
bool jmap_following_ok(const json_t *args);
json_t *jmap_following(const json_t *args, const json_t *emails);

#endif
