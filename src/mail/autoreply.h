/* Replies without a person, for the vacation notice: when one may be sent, and what it looks like
 * (RFC 3834, RFC 5230 section 4). */
#ifndef MAIL_AUTOREPLY_H
#define MAIL_AUTOREPLY_H

#include "base/buf.h"
#include "base/language.h"
#include "base/slice.h"

#define AUTOREPLY_SUBJECT_MAX 998
#define AUTOREPLY_REFERENCES_MAX ((size_t)4096)

/* Whether the letter with this header came from a person and was written to the recipient: not from
 * a list, a robot, a report or a bulk sender, and the recipient is named in its address fields.
 * return_path: of the envelope, empty for reports. recipient: local@domain as delivered. */
bool autoreply_allowed(struct slice header, struct slice return_path, struct slice recipient);

struct autoreply {
	struct slice header; /* of the letter that is answered */
	struct slice from; /* local@domain: the address that it came to */
	struct slice to; /* its return path */
	enum language language; /* of what is not given */
	struct slice subject; /* UTF-8; empty: "Auto: " and the letter's own */
	struct slice text, html; /* UTF-8; both empty: it only says that nobody is there */
	struct slice message_id; /* with brackets */
	struct slice boundary; /* ASCII, unique */
	int64_t now; /* Unix seconds */
};
/* Appends the whole reply, lines ending in CRLF, bodies in base64. To be sent with the null return
 * path. Sticky errors of buf. */
int autoreply_build(struct buf *out, const struct autoreply *a) CHECKED;

#endif
