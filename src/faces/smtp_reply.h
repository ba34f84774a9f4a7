/* Strict parser of SMTP replies (RFC 5321 section 4.2, enhanced codes RFC 2034/3463). */
#ifndef FACES_SMTP_REPLY_H
#define FACES_SMTP_REPLY_H

#include "base/buf.h"
#include "base/error.h"

#define SMTP_REPLY_LINE_MAX ((size_t)2048) /* with CRLF; RFC 5321 says 512 */
#define SMTP_REPLY_LINES_MAX 128u
#define SMTP_REPLY_TEXT_MAX ((size_t)16384)

struct smtp_reply {
	uint16_t code; /* 200-599 */
	uint16_t
		enhanced[3]; /* class, subject, detail; class 0: none, or not of the code's class */
	struct buf
		text; /* lines joined by LF, codes taken off; control characters replaced by "?" */
	unsigned lines; /* complete ones so far */
	bool begun;
};

/* Takes one reply from the front of *in, which it advances over complete lines. PARSE_MORE: feed
 * again with what is left plus more. PARSE_BAD: the peer does not speak SMTP; *ret_why is static.
 * reply is made with smtp_reply_init, and with smtp_reply_reset before each further reply. */
enum parse_result smtp_reply_parse(
	struct smtp_reply *reply, struct slice *in, const char **ret_why);
void smtp_reply_init(struct smtp_reply *reply);
void smtp_reply_reset(struct smtp_reply *reply);
void smtp_reply_done(struct smtp_reply *reply);

#endif
