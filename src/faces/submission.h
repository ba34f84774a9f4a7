/* What submission does to a message before it is signed and queued (RFC 6409 section 8), without
 * I/O: the author's fields are checked, what is missing is added, what must not travel is taken
 * out. The body is never touched. */
#ifndef FACES_SUBMISSION_H
#define FACES_SUBMISSION_H

#include "base/arena.h"
#include "base/buf.h"
#include "faces/smtp_received.h"

#define SUBMISSION_HEADER_MAX ((size_t)1 << 20) /* of the header as it was submitted */
#define SUBMISSION_RANDOM 16 /* octets for a Message-ID */

/* Whom the signed-in user may write as: lookup keys as address_key makes them (local@domain), or
 * "@domain" for every address of a domain. */
struct submission_rights {
	const struct slice *keys;
	size_t count;
};

struct submission_options {
	const struct submission_rights *rights;
	const struct smtp_received *received; /* service not MX: no trace of where the author is */
	struct slice random; /* SUBMISSION_RANDOM octets */
	int64_t now;
};

struct submission_result {
	enum smtp_verdict verdict; /* SMTP_OK, or how to answer MESSAGE */
	const char *why; /* static text for that answer, or NULL */
	size_t body; /* offset in the message where the body starts */
	struct slice from; /* local@domain of the author, in the arena: its domain signs (DKIM) */
	bool header_utf8; /* the header has octets above 127: SMTPUTF8 is needed to relay it */
	bool added_date, added_message_id;
};

/* May this address (as written, quotes and all) be used? Subaddresses of a right are in it:
 * alice+x@ goes with alice@; separator 0 turns that off. LL_ERR_DENIED, LL_ERR_SYNTAX. */
int submission_may_use(const struct submission_rights *rights, struct slice local,
	struct slice domain, uint8_t separator) CHECKED;

/* Reads the header at the front of message and appends to out the header to use in its place, with
 * the empty line at its end. What follows in the result's body offset is sent behind it unchanged.
 * A refusal is a verdict in the result and 0 is returned; LL_ERR_NOMEM and the buffer's errors are
 * not. out is then useless. */
int submission_prepare(const struct submission_options *options, struct slice message,
	struct arena *arena, struct buf *out, struct submission_result *ret) CHECKED;

#endif
