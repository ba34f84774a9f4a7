/* The inside of the server dialogue, shared by its files: smtp_server.c (buffers, modes, events),
 * smtp_line.c (command lines), smtp_command.c (the command table), smtp_transfer.c (DATA and BDAT),
 * smtp_verdict.c (replies). */
#ifndef FACES_SMTP_SERVER_PRIV_H
#define FACES_SMTP_SERVER_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"
#include "faces/smtp_data.h"
#include "faces/smtp_server.h"

/* Where in the dialogue; commands name the states they are allowed in. */
enum smtp_state {
	SMTP_STATE_START = 1, /* no EHLO yet */
	SMTP_STATE_READY = 2, /* EHLO or HELO said */
	SMTP_STATE_MAIL = 4, /* MAIL accepted */
	SMTP_STATE_CHUNKS = 8, /* at least one BDAT taken */
	SMTP_STATE_FAILED = 16, /* BDAT failed: RSET or EHLO only (RFC 3030 section 2) */
};

/* What the next input octets are. */
enum smtp_mode {
	SMTP_MODE_CONNECT, /* not looked at before the greeting */
	SMTP_MODE_COMMAND,
	SMTP_MODE_SKIP, /* the rest of a line that was too long */
	SMTP_MODE_AUTH, /* a line of an authentication exchange */
	SMTP_MODE_TLS, /* nothing of ours: dropped */
	SMTP_MODE_DATA,
	SMTP_MODE_CHUNK, /* counted octets of BDAT */
	SMTP_MODES
};

enum smtp_turn {
	SMTP_TURN_WAIT, /* more input or an answer first */
	SMTP_TURN_ON, /* progress; go on */
	SMTP_TURN_EVENT, /* s->event is filled */
};

/* What becomes of the reply to one RCPT. */
struct smtp_rcpt_slot {
	bool answered;
	enum smtp_verdict verdict;
	struct slice text;
};

struct smtp_server {
	struct smtp_server_config config;
	struct buf in; /* in.ptr[at..len) is not yet taken */
	size_t at, scanned; /* scanned: octets from at without a line end */
	struct buf out;
	size_t sent;
	enum smtp_mode mode;
	unsigned state; /* one of enum smtp_state */
	enum smtp_server_event_kind asked; /* or NONE */
	struct smtp_server_event event;
	bool tls, esmtp, authenticated, hasty;
	bool closing, abort_due, transaction, shutdown;
	uint8_t helo[256];
	size_t helo_len;
	uint32_t errors, unknown, commands, messages, auth_failures;
	/* authentication */
	unsigned mechanism;
	struct buf secret; /* decoded response; wiped */
	/* transaction */
	struct arena arena;
	struct smtp_envelope envelope;
	VEC(struct smtp_rcpt) rcpts;
	VEC(struct smtp_rcpt_slot) slots;
	uint32_t open, replied; /* RCPT questions unanswered; replies written */
	/* body */
	struct smtp_data data;
	uint64_t chunk_left, chunk_size;
	const struct smtp_text *refusal; /* of the body, if not for what its octets are */
	bool lost; /* the body is read for nothing; the refusal follows its end */
	bool chunk_last;
	size_t skipped; /* octets of the overlong line */
};

/* ---- smtp_verdict.c ---- */
void smtp_say(struct smtp_server *s, uint16_t code, const char *enhanced, struct slice text);
void smtp_say_text(struct smtp_server *s, const struct smtp_text *t);
/* One line of several ("250-..."); no enhanced code. */
void smtp_say_more(struct smtp_server *s, uint16_t code, bool last, struct slice text);
/* The reply to a question: kind decides what OK means. Also whether it ends the connection. */
bool smtp_say_verdict(struct smtp_server *s, enum smtp_server_event_kind kind,
	enum smtp_verdict verdict, struct slice text);

/* The words of a verdict that is not OK; static. */
const struct smtp_text *smtp_verdict_text(enum smtp_verdict verdict);

/* ---- smtp_server.c ---- */
struct slice smtp_server_unread(const struct smtp_server *s);
void smtp_server_take(struct smtp_server *s, size_t n);
enum smtp_turn smtp_server_ask(struct smtp_server *s, enum smtp_server_event_kind kind);
/* Forgets the transaction; with an ABORT event if the caller knew of it. */
void smtp_server_drop(struct smtp_server *s);
/* After a bad command: 421 when there were too many. Always SMTP_TURN_ON. */
enum smtp_turn smtp_server_refuse(struct smtp_server *s, const struct smtp_text *t);
void smtp_server_close(struct smtp_server *s, const struct smtp_text *t);

/* ---- smtp_line.c ---- */
enum smtp_line { SMTP_LINE_NONE, SMTP_LINE_GOOD, SMTP_LINE_TOO_LONG, SMTP_LINE_BARE_LF };

extern const struct smtp_text smtp_bare_lf;
/* The next line without its CRLF; nothing is taken. max counts the CRLF. */
enum smtp_line smtp_line_next(struct smtp_server *s, size_t max, struct slice *ret);
/* Why these octets may not be in a command, or NULL. */
const struct smtp_text *smtp_line_check(struct slice line);
/* After SMTP_LINE_TOO_LONG: drops the line. */
enum smtp_turn smtp_line_skip(struct smtp_server *s, size_t max);
enum smtp_turn smtp_skip_turn(struct smtp_server *s);

/* ---- smtp_command.c ---- */
enum smtp_turn smtp_command_turn(struct smtp_server *s);
enum smtp_turn smtp_auth_turn(struct smtp_server *s);
void smtp_auth_failed(struct smtp_server *s);

/* ---- smtp_transfer.c ---- */
enum smtp_turn smtp_data_command(struct smtp_server *s, struct slice args);
enum smtp_turn smtp_bdat_command(struct smtp_server *s, struct slice args);
enum smtp_turn smtp_data_turn(struct smtp_server *s);
enum smtp_turn smtp_chunk_turn(struct smtp_server *s);
/* The answers to DATA and MESSAGE. */
void smtp_data_answered(struct smtp_server *s, enum smtp_verdict verdict, struct slice text);
void smtp_message_answered(struct smtp_server *s, enum smtp_verdict verdict, struct slice text);

#endif
