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

#endif
