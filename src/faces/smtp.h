/* What both ends of the SMTP dialogue share: the envelope's words and their limits. */
#ifndef FACES_SMTP_H
#define FACES_SMTP_H

#include "base/slice.h"

/* RFC 5321 section 4.5.3.1, with room for the extensions: a command line with its CRLF. MAIL with
 * SIZE, BODY, SMTPUTF8, ENVID, RET and AUTH stays below it. */
#define SMTP_COMMAND_MAX ((size_t)2048)
/* RFC 4954 section 4: a line of an authentication exchange, with its CRLF. */
#define SMTP_AUTH_LINE_MAX ((size_t)12288)
/* RFC 5321 forbids text lines over 998 octets and everybody receives them: senders that put a whole
 * HTML part on one line are common and the next hop's refusal would be ours to bounce. So a line
 * may be longer, and what no sane message has is refused with 554 5.6.0. Nothing here grows with
 * it. */
#define SMTP_TEXT_LINE_MAX ((size_t)65536)
#define SMTP_PATH_MAX ((size_t)254) /* RFC 5321 section 4.5.3.1.3, without < and > */
#define SMTP_ENVID_MAX ((size_t)100) /* RFC 3461 section 4.4, as xtext */
#define SMTP_ORCPT_MAX ((size_t)500) /* RFC 3461 section 4.2, as xtext with its type */

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

/* RFC 3461 section 4.1. Zero: not given, that is FAILURE and perhaps DELAY. NEVER stands alone. */
#define SMTP_NOTIFY_NEVER 1u
#define SMTP_NOTIFY_SUCCESS 2u
#define SMTP_NOTIFY_FAILURE 4u
#define SMTP_NOTIFY_DELAY 8u

/* A mailbox without < and > and without a source route. The null path of a bounce is all empty;
 * "Postmaster" without a domain (RFC 5321 section 4.5.1) has an empty domain. */
struct smtp_path {
	struct slice text; /* as it was written: local@domain */
	struct slice local; /* as written, with its quotes if quoted */
	struct slice domain; /* or an address literal with its brackets */
	bool utf8; /* needs SMTPUTF8 (RFC 6531) */
};

/* A reply as text: code 2xx-5xx, enhanced code ("5.1.1", or NULL for none), one line of text. */
struct smtp_text {
	uint16_t code;
	const char *enhanced;
	const char *text;
};

#endif
