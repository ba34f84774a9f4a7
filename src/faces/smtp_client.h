/* The client side of an SMTP connection, for relaying: bytes in, bytes and events out; no I/O, no
 * clock. It says EHLO (HELO when that is refused), then READY: the caller looks at the capabilities
 * and calls smtp_client_starttls, smtp_client_send or smtp_client_quit. After each message it is
 * READY again, on the same connection.
 *
 * Where PIPELINING is offered a message costs two round trips: MAIL and all RCPT, then the body.
 * The body goes by BDAT where CHUNKING is offered, since counted octets leave no room for smuggling
 * and need no dot-stuffing; else by DATA, pipelined behind the RCPTs. */
#ifndef FACES_SMTP_CLIENT_H
#define FACES_SMTP_CLIENT_H

#include "faces/smtp.h"

#define SMTP_CAP_PIPELINING 0x001u
#define SMTP_CAP_SIZE 0x002u
#define SMTP_CAP_8BITMIME 0x004u
#define SMTP_CAP_SMTPUTF8 0x008u
#define SMTP_CAP_CHUNKING 0x010u
#define SMTP_CAP_BINARYMIME 0x020u
#define SMTP_CAP_ENHANCED 0x040u
#define SMTP_CAP_STARTTLS 0x080u
#define SMTP_CAP_DSN 0x100u
#define SMTP_CAP_REQUIRETLS 0x200u

struct smtp_client_config {
	struct slice hostname; /* for EHLO; must outlive the client */
	bool tls; /* the connection is already encrypted */
	bool no_chunking; /* always DATA */
};

/* What the peer said to EHLO. */
struct smtp_client_caps {
	unsigned flags; /* SMTP_CAP_* */
	uint64_t size; /* SIZE's limit, or 0: none told */
	uint32_t mail_max, rcpt_max; /* LIMITS (RFC 9422), or 0 */
	bool esmtp; /* it understood EHLO */
	bool tls;
};

struct smtp_client_rcpt {
	struct slice address; /* local@domain */
	struct slice orcpt; /* "type;xtext" or empty */
	unsigned notify; /* SMTP_NOTIFY_* */
};

/* A message to send; all slices and arrays live until DONE. */
struct smtp_client_message {
	struct slice from; /* empty: the null path */
	const struct smtp_client_rcpt *rcpts;
	uint32_t rcpt_count; /* at least 1 */
	uint64_t size; /* exact octets of the body */
	bool eight_bit; /* the body has octets above 127 */
	bool binary; /* it has NUL, bare CR or LF, or lines over 998: needs BINARYMIME */
	bool smtputf8; /* addresses or header fields are UTF-8 */
	enum smtp_ret ret;
	struct slice envid; /* xtext, or empty */
};

enum smtp_outcome {
	SMTP_OUTCOME_SENT, /* the peer took responsibility */
	SMTP_OUTCOME_TEMPORARY,
	SMTP_OUTCOME_PERMANENT,
	SMTP_OUTCOME_UNTRIED, /* left for the next transaction (452 after accepted recipients) */
};

struct smtp_client_result {
	enum smtp_outcome outcome;
	bool local; /* our own decision or a broken connection: code is 0 */
	uint16_t code; /* the peer's, or 0 */
	uint16_t enhanced[3]; /* always filled: where the peer gave none, from its code */
	struct slice text; /* the peer's words or ours, UTF-8 or ASCII without control characters */
};

enum smtp_client_event {
	SMTP_CLIENT_NONE, /* needs input, or the output written */
	SMTP_CLIENT_READY, /* starttls, send or quit now */
	SMTP_CLIENT_STARTTLS, /* shake hands, then smtp_client_tls_done */
	SMTP_CLIENT_BODY, /* smtp_client_body is welcome; repeated until all of it was given */
	SMTP_CLIENT_DONE, /* smtp_client_result for each recipient; then READY or CLOSED */
	SMTP_CLIENT_CLOSED, /* write the output if any, close; smtp_client_error says why */
};

struct smtp_client;

struct smtp_client *smtp_client_new(const struct smtp_client_config *config);
void smtp_client_free(struct smtp_client *c);

/* Takes what was read from the network (all of it, or the connection is at fault and CLOSED). */
void smtp_client_feed(struct smtp_client *c, struct slice in);
enum smtp_client_event smtp_client_step(struct smtp_client *c);
struct slice smtp_client_output(const struct smtp_client *c);
void smtp_client_sent(struct smtp_client *c, size_t n);

const struct smtp_client_caps *smtp_client_caps(const struct smtp_client *c);

/* All three: LL_ERR_STATE unless READY. */
int smtp_client_starttls(struct smtp_client *c) CHECKED;
/* LL_ERR_NOMEM. What the peer cannot take (size, 8BITMIME, SMTPUTF8, BINARYMIME) is decided without
 * asking it: DONE follows at once with a local permanent result (5.3.4, 5.6.3, 5.6.7). */
int smtp_client_send(struct smtp_client *c, const struct smtp_client_message *message) CHECKED;
int smtp_client_quit(struct smtp_client *c) CHECKED;
/* The handshake is done: EHLO again, then READY. */
int smtp_client_tls_done(struct smtp_client *c) CHECKED;

/* Gives body octets after SMTP_CLIENT_BODY; returns how many were taken, 0 when the next step says
 * something else (the body is not what the message said, or is complete). Exactly message->size in
 * all; DATA adds a line end where the last line has none. */
size_t smtp_client_body(struct smtp_client *c, struct slice data);

/* Results of DONE, in the order of the message's recipients; views until the next send or free. */
const struct smtp_client_result *smtp_client_result(const struct smtp_client *c, uint32_t rcpt);

/* The connection ended or timed out: open recipients become temporary, then CLOSED. */
void smtp_client_eof(struct smtp_client *c);
void smtp_client_timeout(struct smtp_client *c);
/* Seconds to wait for the peer now (RFC 5321 section 4.5.3.2). */
unsigned smtp_client_timeout_seconds(const struct smtp_client *c);
/* Why CLOSED: the peer's last words (421, 554 greeting) or ours. Its outcome says whether trying
 * another host or later makes sense (a 5xx greeting is temporary for the domain: try the next MX).
 */
const struct smtp_client_result *smtp_client_error(const struct smtp_client *c);

#endif
