/* The inside of the client dialogue, shared by its files: smtp_client.c (buffers, session, events)
 * and smtp_client_message.c (one message). */
#ifndef FACES_SMTP_CLIENT_PRIV_H
#define FACES_SMTP_CLIENT_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "faces/smtp_client.h"
#include "faces/smtp_data.h"
#include "faces/smtp_reply.h"

/* What the peer's next reply belongs to, or who is to act. */
enum smtp_phase {
	SMTP_PHASE_GREETING,
	SMTP_PHASE_EHLO,
	SMTP_PHASE_HELO,
	SMTP_PHASE_READY,
	SMTP_PHASE_STARTTLS,
	SMTP_PHASE_TLS, /* the caller shakes hands */
	SMTP_PHASE_RSET, /* before MAIL, after a transaction that was left open */
	SMTP_PHASE_MAIL,
	SMTP_PHASE_RCPT,
	SMTP_PHASE_DATA,
	SMTP_PHASE_BODY,
	SMTP_PHASE_END,
	SMTP_PHASE_QUIT,
	SMTP_PHASE_CLOSED,
	SMTP_PHASES
};

enum smtp_rcpt_state { SMTP_RCPT_OPEN, SMTP_RCPT_ACCEPTED, SMTP_RCPT_DECIDED };

struct smtp_client_slot {
	struct smtp_client_result result;
	enum smtp_rcpt_state state;
};

struct smtp_client {
	struct smtp_client_config config;
	struct smtp_client_caps caps;
	enum smtp_phase phase;
	struct buf in, out;
	size_t sent;
	struct smtp_reply reply;
	struct smtp_client_result error;
	struct buf error_text;
	bool done_due;
	/* the message */
	struct smtp_client_message message;
	struct arena arena;
	struct smtp_client_slot *slots;
	uint32_t slot_count;
	bool in_transaction; /* the peer holds a MAIL of ours: RSET before the next */
	bool utf8, chunked; /* SMTPUTF8 is said; the body goes by BDAT */
	bool mail_written, data_written, mail_refused;
	uint32_t *todo; /* indices of the recipients that the peer is asked about */
	uint32_t todo_count, rcpt_written, rcpt_answered; /* counts of todo */
	uint32_t accepted;
	uint64_t given; /* octets of the body */
	struct smtp_stuffing stuffing;
	struct smtp_data check;
};

/* ---- smtp_client.c ---- */
/* Ends the connection. Open recipients become temporary with the same words. */
void smtp_client_fail(struct smtp_client *c, enum smtp_outcome outcome, const char *why);
/* The same in the peer's words. */
void smtp_client_fail_reply(struct smtp_client *c);

/* ---- smtp_client_message.c ---- */
/* Writes the commands that may go out now. */
void smtp_client_pump(struct smtp_client *c);
bool smtp_client_in_message(const struct smtp_client *c);
/* Decides all recipients that are not. */
void smtp_client_decide_open(struct smtp_client *c, const struct smtp_client_result *result);
/* The reply in c->reply, as a result; its text is copied to the arena. */
struct smtp_client_result smtp_client_reply_result(struct smtp_client *c, struct arena *a);
void smtp_client_on_rset(struct smtp_client *c);
void smtp_client_on_mail(struct smtp_client *c);
void smtp_client_on_rcpt(struct smtp_client *c);
void smtp_client_on_data(struct smtp_client *c);
void smtp_client_on_early(struct smtp_client *c);
void smtp_client_on_end(struct smtp_client *c);

#endif
