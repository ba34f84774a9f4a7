/* What the parts of SMTP in the frontend share. */
#ifndef ROLES_FRONT_SMTP_H
#define ROLES_FRONT_SMTP_H

#include "faces/smtp_server.h"
#include "roles/front.h"

struct smtp_state {
	struct smtp_server *server;
	struct smtp_server_config config;
	/* The body so far: in memory, then in a memory file. */
	struct buf body;
	int file;
	uint64_t body_len;
	bool body_failed, delivering, awaiting;
	/* What auth has been asked, so that it is answered should auth die. */
	enum { ASKED_NOTHING, ASKED_LOGIN, ASKED_SENDER } asked;
	uint32_t rcpts_asked; /* recipients that auth has been asked about, or more */
	bool challenged; /* a sign-in is half done, and auth knows the other half */
	bool orphaned; /* auth has forgotten the sign-in */
	bool accepted; /* signed in, once the client has taken the mechanism's last message */
	const struct ipc_channel *delivery; /* has the message */
};

/* --- front_smtp_body.c: the message on its way to delivery --- */
void front_smtp_begin(struct smtp_state *s);
/* The next piece of the body. What is too much is only counted, and not delivered. */
void front_smtp_add(struct smtp_state *s, struct slice data);
/* Hands body and envelope to delivery. LL_ERR_AGAIN, LL_ERR_NOMEM: it did not get them. */
int front_smtp_deliver(
	struct front_conn *c, struct smtp_state *s, const struct smtp_envelope *e) CHECKED;
void front_smtp_forget(struct smtp_state *s);

#endif
