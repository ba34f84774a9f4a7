/* The server side of an SMTP connection (RFC 5321 and its extensions) as bytes in, bytes and events
 * out. No I/O, no clock.
 *
 *	room/fed    the caller reads from the network straight into the dialogue's buffer
 *	step        takes the next event; call it until it says SMTP_SERVER_NONE
 *	answer      says what to do with the event; the dialogue goes on at the next step
 *	output/sent the replies to write; pipelined commands give one batch of them
 *
 * Loop of the caller: after every read and every answer: step until NONE, then write the output.
 * While an answer is owed the dialogue reads on only where RFC 2920 pipelining allows it: any
 * number of RCPT questions are handed out one after the other, so that they can be asked in one
 * request; they may be answered in any order and the replies still leave in the order of the
 * commands. Everything else waits in the buffer, and when that is full room() gives nothing: stop
 * reading. */
#ifndef FACES_SMTP_SERVER_H
#define FACES_SMTP_SERVER_H

#include "faces/smtp.h"

enum smtp_service {
	SMTP_SERVICE_MX, /* port 25: no AUTH */
	SMTP_SERVICE_SUBMISSION, /* port 587: STARTTLS, then AUTH, then mail (RFC 6409) */
	SMTP_SERVICE_SUBMISSIONS, /* port 465: TLS from the first byte (RFC 8314) */
};

#define SMTP_AUTH_PLAIN 1u
#define SMTP_AUTH_SCRAM_SHA_256 2u
#define SMTP_AUTH_SCRAM_SHA_256_PLUS 4u
#define SMTP_AUTH_OAUTHBEARER 8u
#define SMTP_AUTH_XOAUTH2 16u

/* Zero in a limit means its default, named beside it. Slices must outlive the dialogue. */
struct smtp_server_config {
	enum smtp_service service;
	struct slice hostname; /* our name in greeting and replies */
	bool starttls; /* TLS can be had by STARTTLS (not for SUBMISSIONS) */
	bool ask_mail; /* SMTP_SERVER_MAIL is asked; else every sender is accepted */
	unsigned auth; /* SMTP_AUTH_* offered once TLS is on; ignored on MX */
	uint64_t max_size; /* octets of a message: 50 MiB */
	uint32_t max_rcpts; /* of a transaction, refused ones included: 1000 */
	uint32_t max_messages; /* of a connection: 1000, then 421 */
	uint32_t max_errors; /* bad commands of a connection: 20, then 421 */
	uint32_t max_unknown; /* refused recipients of a connection: 200, then 421 */
	uint32_t max_commands; /* since the last completed message: 10000, then 421 */
	uint32_t max_auth_failures; /* of a connection: 5, then 421 */
};

enum smtp_server_event_kind {
	SMTP_SERVER_NONE, /* nothing to do before more input, an answer, or room in the output */
	SMTP_SERVER_CONNECT, /* answer: OK greets, BUSY or POLICY refuses. The first event */
	SMTP_SERVER_STARTTLS, /* write the output, shake hands, call smtp_server_tls_done */
	SMTP_SERVER_AUTH, /* answer: smtp_server_auth_continue, or OK, AUTH_* */
	SMTP_SERVER_AUTH_DATA, /* the client's next message; answer in the same way */
	SMTP_SERVER_MAIL, /* answer: OK, SENDER_*, POLICY, TEMPORARY (only with ask_mail) */
	SMTP_SERVER_RCPT, /* answer with smtp_server_answer_rcpt; further events follow meanwhile */
	SMTP_SERVER_DATA, /* a body comes; answer: OK or TEMPORARY, STORAGE, POLICY */
	SMTP_SERVER_BODY, /* body bytes; nothing to answer */
	SMTP_SERVER_MESSAGE, /* the body is complete; answer: OK only when it is durable */
	SMTP_SERVER_ABORT, /* forget the transaction: what was collected of a body. No answer */
	SMTP_SERVER_CLOSE, /* write the output, then close the connection. The last event, repeated
			    */
};

struct smtp_rcpt {
	struct smtp_path path;
	struct slice orcpt; /* RFC 3461: "type;xtext" as given, or empty */
	unsigned notify; /* SMTP_NOTIFY_* */
	bool accepted; /* answered with OK */
};

/* The transaction so far. Lives until the answer to MESSAGE, or until ABORT. */
struct smtp_envelope {
	struct smtp_path from;
	enum smtp_body body;
	enum smtp_ret ret;
	bool smtputf8;
	bool eight_bit; /* from MESSAGE on: an octet above 127 was seen */
	struct slice envid; /* xtext as given, or empty */
	struct slice auth; /* MAIL's AUTH= as xtext (RFC 4954 section 5), or empty; never trusted */
	uint64_t declared; /* SIZE=, or 0 */
	uint64_t size; /* octets of the body handed out */
	const struct smtp_rcpt *rcpts; /* all that were named, in order; see accepted */
	uint32_t rcpt_count, rcpt_accepted;
};

struct smtp_server_event {
	enum smtp_server_event_kind kind;
	/* BODY: the next octets, dots unstuffed; a view until the next room, fed or step.
	 * AUTH: the decoded initial response, AUTH_DATA: the decoded response; wiped by the answer.
	 */
	struct slice data;
	bool has_data; /* AUTH: an initial response was given (it may be empty) */
	unsigned mechanism; /* AUTH: one of SMTP_AUTH_* */
	/* RCPT: its index in the envelope, for smtp_server_answer_rcpt */
	uint32_t rcpt;
	/* MAIL, RCPT, DATA, MESSAGE: the transaction. */
	const struct smtp_envelope *envelope;
};

/* What the caller decides; each stands for one reply of a table. */
enum smtp_verdict {
	SMTP_OK, /* 220, 235, 250 or 354, as the event wants */
	SMTP_TEMPORARY, /* 451 4.3.0 */
	SMTP_BUSY, /* 421 4.3.2, closes */
	SMTP_POLICY, /* 550 5.7.1 (554 at CONNECT, closes) */
	SMTP_POLICY_TEMPORARY, /* 451 4.7.1 */
	SMTP_RCPT_UNKNOWN, /* 550 5.1.1 */
	SMTP_RCPT_DISABLED, /* 550 5.2.1 */
	SMTP_RCPT_INACTIVE, /* 450 4.2.1: not activated yet */
	SMTP_RCPT_QUOTA, /* 452 4.2.2 */
	SMTP_RCPT_RELAY, /* 550 5.7.1 relaying denied */
	SMTP_RCPT_DOMAIN, /* 550 5.1.2: no such domain */
	SMTP_SENDER_DENIED, /* 550 5.7.1: not the sender's right */
	SMTP_SENDER_DOMAIN, /* 550 5.1.8: the sender's domain takes no mail */
	SMTP_STORAGE, /* 452 4.3.1 */
	SMTP_TOO_BIG, /* 552 5.3.4 */
	SMTP_MALFORMED, /* 554 5.6.0: not a message */
	SMTP_REJECTED, /* 554 5.7.1: refused for its content */
	SMTP_UNAUTHENTIC, /* 550 5.7.26: DMARC (RFC 7372) */
	SMTP_LOOP, /* 554 5.4.6: too many Received fields */
	SMTP_RATE, /* 450 4.7.1: too much at once */
	SMTP_AUTH_FAILED, /* 535 5.7.8 */
	SMTP_AUTH_TEMPORARY, /* 454 4.7.0 */
	SMTP_AUTH_MALFORMED, /* 501 5.5.2 */
	SMTP_AUTH_WEAK, /* 534 5.7.9: mechanism too weak for this account */
	SMTP_VERDICTS
};

struct smtp_server;

/* A dialogue about to ask for CONNECT. NULL without memory. */
struct smtp_server *smtp_server_new(const struct smtp_server_config *config);
/* Wipes what may have held secrets. NULL is accepted. */
void smtp_server_free(struct smtp_server *s);

/* Where to read to, and how much fits (0: do not read now). NULL with 0. Valid until the next call.
 */
uint8_t *smtp_server_room(struct smtp_server *s, size_t *ret_size);
/* n octets were read to smtp_server_room. */
void smtp_server_fed(struct smtp_server *s, size_t n);
/* room, copy and fed in one: takes what fits and returns how much that was. */
size_t smtp_server_feed(struct smtp_server *s, struct slice in);
/* No more input will come: what is half done is aborted, then SMTP_SERVER_CLOSE. */
void smtp_server_eof(struct smtp_server *s);

/* The next event. Its views live until the next call that is not a query. */
enum smtp_server_event_kind smtp_server_step(
	struct smtp_server *s, struct smtp_server_event *ret_event);

/* Replies not yet written; a view until the next call. sent() takes n octets off its front. */
struct slice smtp_server_output(const struct smtp_server *s);
void smtp_server_sent(struct smtp_server *s, size_t n);

/* Answers the question that step gave (not RCPT). text, if any, follows the enhanced code instead
 * of the table's words; control characters in it become "?". LL_ERR_STATE: nothing was asked. */
int smtp_server_answer(struct smtp_server *s, enum smtp_verdict verdict, struct slice text) CHECKED;
/* Answers one RCPT question by its index. LL_ERR_STATE: not open. */
int smtp_server_answer_rcpt(
	struct smtp_server *s, uint32_t rcpt, enum smtp_verdict verdict, struct slice text) CHECKED;
/* AUTH goes on: a challenge (not yet base64; may be empty) is sent as 334. */
int smtp_server_auth_continue(struct smtp_server *s, struct slice challenge) CHECKED;
/* The handshake after SMTP_SERVER_STARTTLS is done: forgets all that was said in clear, drops what
 * was pipelined behind STARTTLS (RFC 3207, CVE-2011-0411). auth: what may be offered now, since
 * channel binding is known only here. LL_ERR_STATE. */
int smtp_server_tls_done(struct smtp_server *s, unsigned auth) CHECKED;

/* Ends the dialogue from outside, whatever its state: ABORT if needed, a 421, CLOSE. */
void smtp_server_timeout(struct smtp_server *s); /* 421 4.4.2 */
void smtp_server_shutdown(struct smtp_server *s); /* 421 4.3.2 */

/* Facts for the Received field, logs and timers. */
struct slice smtp_server_helo(const struct smtp_server *s); /* empty before HELO */
bool smtp_server_is_esmtp(const struct smtp_server *s);
bool smtp_server_is_tls(const struct smtp_server *s);
bool smtp_server_is_authenticated(const struct smtp_server *s);
/* Input came before the greeting or behind STARTTLS: a sign of a careless or hostile client. */
bool smtp_server_is_hasty(const struct smtp_server *s);
/* Seconds the caller should wait for input now (RFC 5321 section 4.5.3.2.7). */
unsigned smtp_server_timeout_seconds(const struct smtp_server *s);

#endif
