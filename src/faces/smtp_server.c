/* The server dialogue's frame: buffers, the table of modes, events and answers. What a command
 * means is in smtp_command.c, what a body is in smtp_transfer.c. */
#include "base/secret.h"
#include "base/text.h"
#include "faces/smtp_server_priv.h"

#include <stdlib.h>
#include <string.h>

/* Input held at most, and what one read of commands takes. A line of any kind is shorter than the
 * difference, so that the dialogue cannot starve on a full buffer. */
#define IN_MAX ((size_t)65536)
#define IN_LEAST ((size_t)16384)
/* The dialogue rests while the peer does not take its replies. */
#define OUT_HIGH ((size_t)32768)
/* Above OUT_HIGH: one batch of RCPT replies and one EHLO reply fit in any case. */
#define OUT_MAX ((size_t)4 << 20)
#define RCPT_ARENA ((size_t)2048)

#define DEFAULT_SIZE ((uint64_t)50 << 20)
#define DEFAULT_RCPTS 1000u
#define DEFAULT_MESSAGES 1000u
#define DEFAULT_ERRORS 20u
#define DEFAULT_UNKNOWN 200u
#define DEFAULT_COMMANDS 10000u
#define DEFAULT_AUTH_FAILURES 5u

static const struct smtp_text timed_out = {421, "4.4.2", "Nothing came for too long"};
static const struct smtp_text shut_down = {421, "4.3.2", "Shutting down, please try again later"};
static const struct smtp_text too_many_errors = {421, "4.7.0", "Too many errors"};
static const struct smtp_text too_many_unknown = {421, "4.7.0", "Too many refused recipients"};
static const struct smtp_text too_many_failures = {421, "4.7.0", "Too many failed attempts"};
static const struct smtp_text no_memory = {421, "4.3.1", "Not enough memory, try again later"};

static void
set_defaults(struct smtp_server_config *c)
{
	c->max_size = c->max_size ? c->max_size : DEFAULT_SIZE;
	c->max_rcpts = c->max_rcpts ? c->max_rcpts : DEFAULT_RCPTS;
	c->max_messages = c->max_messages ? c->max_messages : DEFAULT_MESSAGES;
	c->max_errors = c->max_errors ? c->max_errors : DEFAULT_ERRORS;
	c->max_unknown = c->max_unknown ? c->max_unknown : DEFAULT_UNKNOWN;
	c->max_commands = c->max_commands ? c->max_commands : DEFAULT_COMMANDS;
	c->max_auth_failures = c->max_auth_failures ? c->max_auth_failures : DEFAULT_AUTH_FAILURES;
	if (c->service == SMTP_SERVICE_MX)
		c->auth = 0;
}

struct smtp_server *
smtp_server_new(const struct smtp_server_config *config)
{
	struct smtp_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = *config;
	set_defaults(&s->config);
	s->in = BUF_SECRET(IN_MAX);
	s->out = BUF_INIT(OUT_MAX);
	s->secret = BUF_SECRET(SMTP_AUTH_LINE_MAX);
	s->arena = ARENA_INIT((size_t)s->config.max_rcpts * RCPT_ARENA + RCPT_ARENA);
	s->state = SMTP_STATE_START;
	s->tls = config->service == SMTP_SERVICE_SUBMISSIONS;
	return s;
}

void
smtp_server_free(struct smtp_server *s)
{
	if (!s)
		return;
	buf_done(&s->in);
	buf_done(&s->secret);
	buf_done(&s->out);
	VEC_DONE(&s->rcpts);
	VEC_DONE(&s->slots);
	arena_done(&s->arena);
	free(s);
}

/* ---- Input and output ---- */

struct slice
smtp_server_unread(const struct smtp_server *s)
{
	return slice_new(s->in.ptr ? s->in.ptr + s->at : NULL, s->in.len - s->at);
}

void
smtp_server_take(struct smtp_server *s, size_t n)
{
	assert(n <= s->in.len - s->at);
	s->at += n;
	s->scanned = 0;
}

uint8_t *
smtp_server_room(struct smtp_server *s, size_t *ret_size)
{
	uint8_t *p;
	size_t n;

	*ret_size = 0;
	if (s->closing)
		return NULL;
	if (s->at && (s->at == s->in.len || (s->in.len > IN_MAX - IN_LEAST && s->at >= IN_LEAST))) {
		buf_consume(&s->in, s->at);
		s->at = 0;
	}
	/* All at once where passwords come: a buffer that grows leaves a copy behind. */
	n = s->mode < SMTP_MODE_DATA && !s->config.auth ? IN_LEAST : IN_MAX;
	n = MIN(n, IN_MAX - s->in.len);
	if (!n)
		return NULL;
	p = buf_room(&s->in, n);
	if (p)
		*ret_size = n;
	else
		smtp_server_close(s, &no_memory);
	return p;
}

void
smtp_server_fed(struct smtp_server *s, size_t n)
{
	if (n && s->mode == SMTP_MODE_CONNECT)
		s->hasty = true;
	buf_grow(&s->in, n);
}

size_t
smtp_server_feed(struct smtp_server *s, struct slice in)
{
	size_t size;
	uint8_t *p = smtp_server_room(s, &size);

	size = MIN(size, in.len);
	if (!p || !size)
		return 0;
	memcpy(p, in.ptr, size);
	smtp_server_fed(s, size);
	return size;
}

void
smtp_server_eof(struct smtp_server *s)
{
	if (s->closing)
		return;
	smtp_server_drop(s);
	s->closing = true;
}

struct slice
smtp_server_output(const struct smtp_server *s)
{
	return slice_skip(buf_slice(&s->out), s->sent);
}

void
smtp_server_sent(struct smtp_server *s, size_t n)
{
	assert(n <= s->out.len - s->sent);
	s->sent += n;
	if (s->sent == s->out.len) {
		buf_done(&s->out);
		s->sent = 0;
	} else if (s->sent >= OUT_HIGH && s->sent >= s->out.len / 2) {
		buf_consume(&s->out, s->sent);
		s->sent = 0;
	}
}

/* An idle connection holds no buffer. */
static void
release_input(struct smtp_server *s)
{
	if (s->at != s->in.len || !s->in.ptr)
		return;
	if (s->mode != SMTP_MODE_AUTH && s->mode != SMTP_MODE_COMMAND)
		return;
	if (s->config.auth) /* passwords come this way */
		buf_done(&s->in);
	else
		buf_done(&s->in);
	s->at = 0;
}

/* ---- The transaction's end ---- */

static void
forget_transaction(struct smtp_server *s)
{
	arena_done(&s->arena);
	VEC_DONE(&s->rcpts);
	VEC_DONE(&s->slots);
	s->envelope = (struct smtp_envelope){.size = 0};
	s->data = (struct smtp_data){.size = 0};
	s->open = s->replied = 0;
	s->transaction = false;
	s->refusal = NULL;
	s->lost = false;
	if (s->state != SMTP_STATE_START)
		s->state = SMTP_STATE_READY;
}

void
smtp_server_drop(struct smtp_server *s)
{
	if (s->transaction)
		s->abort_due = true;
	forget_transaction(s);
}

void
smtp_server_close(struct smtp_server *s, const struct smtp_text *t)
{
	if (s->closing)
		return;
	if (s->mode != SMTP_MODE_TLS) /* not in clear into a handshake */
		smtp_say_text(s, t);
	smtp_server_drop(s);
	s->asked = SMTP_SERVER_NONE;
	s->closing = true;
}

enum smtp_turn
smtp_server_refuse(struct smtp_server *s, const struct smtp_text *t)
{
	smtp_say_text(s, t);
	if (++s->errors >= s->config.max_errors)
		smtp_server_close(s, &too_many_errors);
	return SMTP_TURN_ON;
}

void
smtp_server_timeout(struct smtp_server *s)
{
	smtp_server_close(s, &timed_out);
}

void
smtp_server_shutdown(struct smtp_server *s)
{
	/* A message that is being made durable gets its answer first. */
	if (s->asked == SMTP_SERVER_MESSAGE)
		s->shutdown = true;
	else
		smtp_server_close(s, &shut_down);
}

/* ---- Events ---- */

enum smtp_turn
smtp_server_ask(struct smtp_server *s, enum smtp_server_event_kind kind)
{
	s->event = (struct smtp_server_event){.kind = kind, .envelope = &s->envelope};
	s->asked = kind;
	return SMTP_TURN_EVENT;
}

static enum smtp_turn
connect_turn(struct smtp_server *s)
{
	return smtp_server_ask(s, SMTP_SERVER_CONNECT);
}

static enum smtp_turn
tls_turn(struct smtp_server *s)
{
	return SMTP_TURN_WAIT;
}

static enum smtp_turn (*const mode_turns[SMTP_MODES])(struct smtp_server *) = {
	[SMTP_MODE_CONNECT] = connect_turn,
	[SMTP_MODE_COMMAND] = smtp_command_turn,
	[SMTP_MODE_SKIP] = smtp_skip_turn,
	[SMTP_MODE_AUTH] = smtp_auth_turn,
	[SMTP_MODE_TLS] = tls_turn,
	[SMTP_MODE_DATA] = smtp_data_turn,
	[SMTP_MODE_CHUNK] = smtp_chunk_turn,
};

static enum smtp_server_event_kind
give(struct smtp_server *s, enum smtp_server_event_kind kind, struct smtp_server_event *ret_event)
{
	*ret_event = (struct smtp_server_event){.kind = kind};
	return kind;
}

static bool
must_rest(const struct smtp_server *s)
{
	return s->asked != SMTP_SERVER_NONE || s->out.len - s->sent > OUT_HIGH;
}

enum smtp_server_event_kind
smtp_server_step(struct smtp_server *s, struct smtp_server_event *ret_event)
{
	for (;;) {
		enum smtp_turn turn;

		if (s->out.err && !s->closing)
			smtp_server_eof(s); /* half a reply must not be followed by another */
		if (s->abort_due) {
			s->abort_due = false;
			return give(s, SMTP_SERVER_ABORT, ret_event);
		}
		if (s->closing)
			return give(s, SMTP_SERVER_CLOSE, ret_event);
		turn = must_rest(s) ? SMTP_TURN_WAIT : mode_turns[s->mode](s);
		if (turn == SMTP_TURN_EVENT) {
			*ret_event = s->event;
			return s->event.kind;
		}
		if (turn == SMTP_TURN_WAIT) {
			release_input(s);
			return give(s, SMTP_SERVER_NONE, ret_event);
		}
	}
}

/* ---- Answers ---- */

static void
greet(struct smtp_server *s, enum smtp_verdict verdict, struct slice text)
{
	if (verdict != SMTP_OK) {
		smtp_say_verdict(s, SMTP_SERVER_CONNECT, verdict, text);
		s->closing = true;
		return;
	}
	buf_puts(&s->out, "220 ");
	buf_put(&s->out, s->config.hostname);
	buf_puts(&s->out, " ESMTP\r\n");
	s->mode = SMTP_MODE_COMMAND;
}

static void
auth_answered(struct smtp_server *s, enum smtp_verdict verdict, struct slice text)
{
	buf_done(&s->secret);
	s->mode = SMTP_MODE_COMMAND;
	if (smtp_say_verdict(s, SMTP_SERVER_AUTH, verdict, text))
		s->closing = true;
	if (verdict == SMTP_OK)
		s->authenticated = true;
	else
		smtp_auth_failed(s);
}

void
smtp_auth_failed(struct smtp_server *s)
{
	if (++s->auth_failures >= s->config.max_auth_failures)
		smtp_server_close(s, &too_many_failures);
}

static void
mail_answered(struct smtp_server *s, enum smtp_verdict verdict, struct slice text)
{
	if (smtp_say_verdict(s, SMTP_SERVER_MAIL, verdict, text))
		s->closing = true;
	if (verdict == SMTP_OK)
		s->state = SMTP_STATE_MAIL;
	else
		forget_transaction(s);
}

static void (*const answered[])(struct smtp_server *, enum smtp_verdict, struct slice) = {
	[SMTP_SERVER_CONNECT] = greet,
	[SMTP_SERVER_AUTH] = auth_answered,
	[SMTP_SERVER_AUTH_DATA] = auth_answered,
	[SMTP_SERVER_MAIL] = mail_answered,
	[SMTP_SERVER_DATA] = smtp_data_answered,
	[SMTP_SERVER_MESSAGE] = smtp_message_answered,
};

int
smtp_server_answer(struct smtp_server *s, enum smtp_verdict verdict, struct slice text)
{
	enum smtp_server_event_kind kind = s->asked;

	if (s->closing || kind >= ARRAY_SIZE(answered) || !answered[kind] ||
		(unsigned)verdict >= SMTP_VERDICTS)
		return LL_ERR_STATE;
	s->asked = SMTP_SERVER_NONE;
	answered[kind](s, verdict, text);
	if (kind == SMTP_SERVER_MESSAGE)
		forget_transaction(s);
	if (s->shutdown)
		smtp_server_close(s, &shut_down);
	return LL_OK;
}

/* Writes the replies that are due, in the order of the commands. */
static void
flush_rcpt_replies(struct smtp_server *s)
{
	while (s->replied < s->slots.len && s->slots.at[s->replied].answered && !s->closing) {
		struct smtp_rcpt_slot *slot = &s->slots.at[s->replied++];
		if (smtp_say_verdict(s, SMTP_SERVER_RCPT, slot->verdict, slot->text)) {
			smtp_server_drop(s);
			s->closing = true;
		} else if (slot->verdict != SMTP_OK && ++s->unknown >= s->config.max_unknown) {
			smtp_server_close(s, &too_many_unknown);
		}
	}
}

int
smtp_server_answer_rcpt(
	struct smtp_server *s, uint32_t rcpt, enum smtp_verdict verdict, struct slice text)
{
	if (s->closing || rcpt >= s->slots.len || s->slots.at[rcpt].answered ||
		(unsigned)verdict >= SMTP_VERDICTS)
		return LL_ERR_STATE;
	s->slots.at[rcpt] = (struct smtp_rcpt_slot){true, verdict, SLICE_NONE};
	if (text.len) /* without memory the table's words must do */
		s->slots.at[rcpt].text = arena_dup(&s->arena, text);
	s->rcpts.at[rcpt].accepted = verdict == SMTP_OK;
	s->envelope.rcpt_accepted += verdict == SMTP_OK;
	s->open--;
	flush_rcpt_replies(s);
	return LL_OK;
}

int
smtp_server_auth_continue(struct smtp_server *s, struct slice challenge)
{
	if (s->closing || (s->asked != SMTP_SERVER_AUTH && s->asked != SMTP_SERVER_AUTH_DATA))
		return LL_ERR_STATE;
	buf_done(&s->secret);
	s->asked = SMTP_SERVER_NONE;
	buf_puts(&s->out, "334 ");
	base64_encode(&s->out, challenge);
	buf_puts(&s->out, "\r\n");
	s->mode = SMTP_MODE_AUTH;
	return LL_OK;
}

int
smtp_server_tls_done(struct smtp_server *s, unsigned auth)
{
	if (s->closing || s->mode != SMTP_MODE_TLS)
		return LL_ERR_STATE;
	if (s->at < s->in.len)
		s->hasty = true;
	buf_done(&s->in);
	s->at = s->scanned = 0;
	s->tls = true;
	s->esmtp = false;
	s->helo_len = 0;
	s->state = SMTP_STATE_START;
	s->mode = SMTP_MODE_COMMAND;
	s->asked = SMTP_SERVER_NONE;
	if (s->config.service != SMTP_SERVICE_MX)
		s->config.auth = auth;
	return LL_OK;
}

/* ---- Facts ---- */

struct slice
smtp_server_helo(const struct smtp_server *s)
{
	return slice_new(s->helo, s->helo_len);
}

bool
smtp_server_is_esmtp(const struct smtp_server *s)
{
	return s->esmtp;
}

bool
smtp_server_is_tls(const struct smtp_server *s)
{
	return s->tls;
}

bool
smtp_server_is_authenticated(const struct smtp_server *s)
{
	return s->authenticated;
}

bool
smtp_server_is_hasty(const struct smtp_server *s)
{
	return s->hasty;
}

unsigned
smtp_server_timeout_seconds(const struct smtp_server *s)
{
	return 300;
}
