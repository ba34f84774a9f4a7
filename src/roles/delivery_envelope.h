/* What a frontend tells delivery about a message, beside its body. */
#ifndef ROLES_DELIVERY_ENVELOPE_H
#define ROLES_DELIVERY_ENVELOPE_H

#include "base/buf.h"
#include "base/language.h"
#include "faces/smtp.h"
#include "os/roles.h"

#define ENVELOPE_RCPTS_MAX 2000
#define ENVELOPE_MAX ((size_t)4 << 20)

struct envelope_rcpt {
	struct slice address; /* local@domain */
	struct slice orcpt; /* RFC 3461, or empty */
	unsigned notify; /* SMTP_NOTIFY_* */
};

struct delivery_envelope {
	enum service service;
	uint8_t client_ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	bool tls;
	bool smtputf8, eight_bit;
	enum language language; /* of its sender, for reports; LANGUAGE_NONE: not known */
	enum smtp_body body;
	enum smtp_ret ret;
	uint8_t ticket[16]; /* of a submission */
	int64_t hold_until; /* of a submission: Unix seconds before which it does not go; 0: goes
			       now */
	uint8_t hold_id[16]; /* under which its author may take it back until then */
	struct slice helo;
	struct slice received; /* the Received field for the top of the message, with its CRLF */
	struct slice from; /* empty: the null path */
	struct slice envid;
	uint32_t n_rcpts;
	struct envelope_rcpt *rcpts;
};

int delivery_envelope_encode(struct buf *out, const struct delivery_envelope *e) CHECKED;
/* Strict. ret->rcpts is to be given room for ENVELOPE_RCPTS_MAX. Slices are views. LL_ERR_SYNTAX,
 * LL_ERR_LIMIT. */
int delivery_envelope_decode(struct slice in, struct delivery_envelope *ret) CHECKED;

#endif
