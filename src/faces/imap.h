/* IMAP after sign-in, in the account's session process: IMAP4rev1 (RFC 3501), IMAP4rev2 (RFC 9051)
 * and the extensions named in imap_caps.c, over the account engine. No I/O.
 *
 * Use: after imap_conn_new, and whenever one of input, sent or the wake callback happened, call
 * imap_conn_run and send what imap_conn_output gives. */
#ifndef FACES_IMAP_H
#define FACES_IMAP_H

#include "account/account.h"
#include "base/buf.h"
#include "faces/imap_preauth.h"

struct imap_conn;

/* What all connections of one account share. Outlives them. */
struct imap_env {
	struct account *account;
	int64_t (*now)(void *ctx); /* Unix seconds */
	/* A connection has something to say unasked: call imap_conn_run for it soon, not from here.
	 */
	void (*wake)(void *ctx, struct imap_conn *c);
	void *ctx;
	uint64_t append_limit; /* bytes of one message; 0: 50 MiB */
	size_t memory_max; /* for the large literals of all connections together; 0: 256 MiB */
	size_t memory_used; /* the connections' own */
};

enum imap_conn_wants {
	IMAP_CONN_INPUT, /* nothing to do until input or wake */
	IMAP_CONN_DRAIN, /* there is more to come: run again when output has been sent */
	IMAP_CONN_AGAIN, /* a long search goes on: run again when the others had their turn */
	IMAP_CONN_CLOSE, /* send the output, then close */
};

/* Continues a dialogue that imap_preauth ended: completes the command that signed in. NULL without
 * memory. */
struct imap_conn *imap_conn_new(struct imap_env *env, const struct imap_handover *handover);
/* NULL is accepted. */
void imap_conn_free(struct imap_conn *c);

/* True when the last run gave IMAP_CONN_INPUT: until then leave bytes with the sender. */
bool imap_conn_wants_input(const struct imap_conn *c);
/* Takes all the bytes. LL_ERR_STATE when input is not wanted, LL_ERR_NOMEM. */
int imap_conn_input(struct imap_conn *c, struct slice bytes) CHECKED;
/* Works until it needs input or has about IMAP_CONN_SLICE bytes to send. */
#define IMAP_CONN_SLICE ((size_t)256 * 1024)
enum imap_conn_wants imap_conn_run(struct imap_conn *c);
/* What is to be sent: a view until the next call; say how much was sent. */
struct slice imap_conn_output(struct imap_conn *c);
void imap_conn_sent(struct imap_conn *c, size_t n);

/* Ends it from outside with "* BYE why" (shutdown, idle for 30 minutes); then run and send. Nothing
 * is said in the middle of a reply. */
void imap_conn_bye(struct imap_conn *c, const char *why);
/* The client waits in IDLE: an idle limit may be longer. */
bool imap_conn_idling(const struct imap_conn *c);
/* For status lines and logs: name of the running or last command; static. */
const char *imap_conn_command(const struct imap_conn *c);

#endif
