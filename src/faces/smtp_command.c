/* The commands of the server dialogue as a table: name, states it is allowed in, what it needs,
 * handler. A line is looked at only when it is whole; a handler that cannot go on yet (RCPT answers
 * are owed and a reply must not overtake theirs) leaves it where it is by returning SMTP_TURN_WAIT.
 */
#include "base/secret.h"
#include "base/text.h"
#include "faces/smtp_param.h"
#include "faces/smtp_server_priv.h"

#include <string.h>

#define READY SMTP_STATE_READY
#define ANY                                                                                        \
	(SMTP_STATE_START | SMTP_STATE_READY | SMTP_STATE_MAIL | SMTP_STATE_CHUNKS |               \
		SMTP_STATE_FAILED)
#define NOT_CHUNKS (SMTP_STATE_START | SMTP_STATE_READY | SMTP_STATE_MAIL)

#define NEEDS_TLS 1u /* on submission: 530 before STARTTLS (RFC 3207 section 4) */
#define NEEDS_AUTH 2u /* on submission: 530 before AUTH (RFC 6409 section 4.3) */
#define NO_ARGS 4u
#define OVERTAKES 8u /* may be handled while RCPT answers are owed */

struct command {
	struct slice name;
	unsigned states, flags;
	enum smtp_turn (*run)(struct smtp_server *s, struct slice args);
};

static const struct smtp_text auth_too_long = {500, "5.5.6", "The line is too long"};
static const struct smtp_text unknown = {500, "5.5.1", "Unknown command"};
static const struct smtp_text not_offered = {502, "5.5.1", "This is not offered here"};
static const struct smtp_text no_args = {501, "5.5.4", "This command takes no arguments"};
static const struct smtp_text bad_sequence = {503, "5.5.1", "This command is not for now"};
static const struct smtp_text say_ehlo = {503, "5.5.1", "Say EHLO first"};
static const struct smtp_text say_starttls = {530, "5.7.0", "Say STARTTLS first"};
static const struct smtp_text say_auth = {530, "5.7.0", "Authentication required"};
static const struct smtp_text too_many_commands = {421, "4.7.0", "Too many commands"};
static const struct smtp_text too_many_messages = {
	421, "4.7.0", "Enough messages for one connection"};

/* ---- HELO, EHLO ---- */

/* What a client may call itself: RFC 5321 forbids to refuse a name for what it says, so only
 * characters that have no business in a name are. */
static bool
good_helo(struct slice name)
{
	if (!name.len || name.len > 255)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		if (!is_alpha(c) && !is_digit(c) && !memchr("-._:[]%", c, 7))
			return false;
	}
	return true;
}

static bool
take_helo(struct smtp_server *s, struct slice args, bool esmtp)
{
	static const struct smtp_text bad = {501, NULL, "That is not a host name"};

	args = slice_trim(args);
	if (!good_helo(args)) {
		smtp_server_refuse(s, &bad);
		return false;
	}
	smtp_server_drop(s);
	memcpy(s->helo, args.ptr, args.len);
	s->helo_len = args.len;
	s->esmtp = esmtp;
	s->state = SMTP_STATE_READY;
	return true;
}

static enum smtp_turn
run_helo(struct smtp_server *s, struct slice args)
{
	if (take_helo(s, args, false))
		smtp_say_more(s, 250, true, s->config.hostname);
	return SMTP_TURN_ON;
}

static const struct {
	struct slice name;
	unsigned flag;
} mechanisms[] = {
	{S("SCRAM-SHA-256-PLUS"), SMTP_AUTH_SCRAM_SHA_256_PLUS},
	{S("SCRAM-SHA-256"), SMTP_AUTH_SCRAM_SHA_256},
	{S("PLAIN"), SMTP_AUTH_PLAIN},
	{S("OAUTHBEARER"), SMTP_AUTH_OAUTHBEARER},
	{S("XOAUTH2"), SMTP_AUTH_XOAUTH2},
};

/* Passwords only where TLS protects them. */
static unsigned
offered(const struct smtp_server *s)
{
	return s->tls ? s->config.auth : 0;
}

static void
say_auth_line(struct smtp_server *s)
{
	CLEANUP(buf_done) struct buf line = BUF_INIT(256);

	buf_puts(&line, "AUTH");
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (offered(s) & mechanisms[i].flag) {
			buf_putc(&line, ' ');
			buf_put(&line, mechanisms[i].name);
		}
	smtp_say_more(s, 250, false, buf_slice(&line));
}

static enum smtp_turn
run_ehlo(struct smtp_server *s, struct slice args)
{
	static const char *const always[] = {"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING",
		"BINARYMIME", "ENHANCEDSTATUSCODES", "DSN"};
	CLEANUP(buf_done) struct buf line = BUF_INIT(256);

	if (!take_helo(s, args, true))
		return SMTP_TURN_ON;
	smtp_say_more(s, 250, false, s->config.hostname);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		smtp_say_more(s, 250, false, slice_str(always[i]));
	if (s->config.starttls && !s->tls)
		smtp_say_more(s, 250, false, S("STARTTLS"));
	if (offered(s))
		say_auth_line(s);
	buf_printf(&line, "LIMITS MAILMAX=%u RCPTMAX=%u", s->config.max_messages,
		s->config.max_rcpts); /* RFC 9422 */
	smtp_say_more(s, 250, false, buf_slice(&line));
	buf_reset(&line);
	buf_printf(&line, "SIZE %llu", (unsigned long long)s->config.max_size);
	smtp_say_more(s, 250, true, buf_slice(&line));
	return SMTP_TURN_ON;
}

/* ---- STARTTLS, AUTH ---- */

static enum smtp_turn
run_starttls(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text go = {220, "2.0.0", "Go ahead with TLS"};
	static const struct smtp_text already = {503, "5.5.1", "TLS is on already"};

	if (s->tls)
		return smtp_server_refuse(s, &already);
	if (!s->config.starttls)
		return smtp_server_refuse(s, &not_offered);
	smtp_say_text(s, &go);
	s->mode = SMTP_MODE_TLS;
	return smtp_server_ask(s, SMTP_SERVER_STARTTLS);
}

/* Decodes a response ("=" is an empty one, RFC 4954 section 4) and asks. */
static enum smtp_turn
ask_auth(struct smtp_server *s, enum smtp_server_event_kind kind, struct slice base64, bool given)
{
	static const struct smtp_text bad = {501, "5.5.2", "That is not base64"};

	if (slice_eq(base64, S("=")))
		base64 = SLICE_NONE;
	if (base64_decode(&s->secret, base64)) {
		buf_done(&s->secret);
		s->mode = SMTP_MODE_COMMAND;
		return smtp_server_refuse(s, &bad);
	}
	smtp_server_ask(s, kind);
	s->event.data = buf_slice(&s->secret);
	s->event.has_data = given;
	s->event.mechanism = s->mechanism;
	return SMTP_TURN_EVENT;
}

static enum smtp_turn
run_auth(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text already = {503, "5.5.1", "You are signed in already"};
	static const struct smtp_text no_such = {504, "5.5.4", "This mechanism is not offered"};
	struct slice response = args, name = slice_split(&response, ' ');
	size_t i = 0;

	if (!s->config.auth)
		return smtp_server_refuse(s, &not_offered);
	if (s->authenticated)
		return smtp_server_refuse(s, &already);
	while (i < ARRAY_SIZE(mechanisms) && !slice_ieq(name, mechanisms[i].name))
		i++;
	if (i == ARRAY_SIZE(mechanisms) || !(offered(s) & mechanisms[i].flag))
		return smtp_server_refuse(s, &no_such);
	s->mechanism = mechanisms[i].flag;
	response = slice_trim(response);
	return ask_auth(s, SMTP_SERVER_AUTH, response, response.len > 0);
}

/* A line that held a password leaves nothing behind. */
static void
take_secret_line(struct smtp_server *s, size_t n)
{
	secret_wipe(s->in.ptr + s->at, n);
	smtp_server_take(s, n);
}

static enum smtp_turn
auth_line(struct smtp_server *s, struct slice line)
{
	static const struct smtp_text cancelled = {501, "5.7.0", "Cancelled"};
	enum smtp_turn turn;
	size_t n = line.len + 2;

	if (slice_eq(line, S("*"))) {
		s->mode = SMTP_MODE_COMMAND;
		turn = smtp_server_refuse(s, &cancelled);
		smtp_auth_failed(s);
	} else {
		turn = ask_auth(s, SMTP_SERVER_AUTH_DATA, line, true);
	}
	take_secret_line(s, n);
	return turn;
}

enum smtp_turn
smtp_auth_turn(struct smtp_server *s)
{
	struct slice line;

	switch (smtp_line_next(s, SMTP_AUTH_LINE_MAX, &line)) {
	case SMTP_LINE_NONE:
		return SMTP_TURN_WAIT;
	case SMTP_LINE_GOOD:
		return auth_line(s, line);
	case SMTP_LINE_BARE_LF:
		smtp_server_close(s, &smtp_bare_lf);
		return SMTP_TURN_ON;
	default: /* nobody's response is that long: no reason to read on */
		smtp_server_close(s, &auth_too_long);
		return SMTP_TURN_ON;
	}
}

/* ---- MAIL, RCPT ---- */

static bool
copy_path(struct arena *a, struct smtp_path *p)
{
	size_t local = p->local.len, domain = p->domain.len;

	if (!p->text.len)
		return true;
	p->text = arena_dup(a, p->text);
	if (!p->text.ptr)
		return false;
	p->local = slice_sub(p->text, 0, local);
	p->domain = slice_skip(p->text, p->text.len - domain);
	return true;
}

static bool
copy_slice(struct arena *a, struct slice *s)
{
	if (!s->len)
		return true;
	*s = arena_dup(a, *s);
	return s->ptr;
}

/* "FROM:" or "TO:" taken off the front of *args. */
static bool
take_word(struct slice *args, struct slice word)
{
	if (!slice_istarts(*args, word))
		return false;
	*args = slice_skip(*args, word.len);
	return true;
}

static const struct smtp_text storage = {452, "4.3.1", "Not enough memory, try again later"};

static enum smtp_turn
begin_transaction(struct smtp_server *s, struct smtp_mail_args *m)
{
	s->envelope = (struct smtp_envelope){.from = m->from,
		.body = m->body,
		.ret = m->ret,
		.smtputf8 = m->smtputf8,
		.envid = m->envid,
		.auth = m->auth,
		.declared = m->size};
	if (!copy_path(&s->arena, &s->envelope.from) ||
		!copy_slice(&s->arena, &s->envelope.envid) ||
		!copy_slice(&s->arena, &s->envelope.auth)) {
		smtp_say_text(s, &storage);
		return SMTP_TURN_ON;
	}
	s->transaction = true;
	smtp_server_ask(s, SMTP_SERVER_MAIL);
	if (s->config.ask_mail)
		return SMTP_TURN_EVENT;
	return smtp_server_answer(s, SMTP_OK, SLICE_NONE) ? SMTP_TURN_WAIT : SMTP_TURN_ON;
}

static enum smtp_turn
run_mail(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text syntax = {501, "5.5.4", "Syntax: MAIL FROM:<address>"};
	static const struct smtp_text too_big = {552, "5.3.4", "The message is too big"};
	struct smtp_mail_args m;
	const struct smtp_text *bad;

	if (s->messages >= s->config.max_messages) {
		smtp_server_close(s, &too_many_messages);
		return SMTP_TURN_ON;
	}
	if (!take_word(&args, S("FROM:")))
		return smtp_server_refuse(s, &syntax);
	bad = smtp_mail_args_parse(args, s->config.auth != 0, &m);
	if (bad)
		return smtp_server_refuse(s, bad);
	if (m.size > s->config.max_size) {
		smtp_say_text(s, &too_big);
		return SMTP_TURN_ON;
	}
	return begin_transaction(s, &m);
}

static enum smtp_turn
add_rcpt(struct smtp_server *s, const struct smtp_rcpt_args *r)
{
	struct smtp_rcpt rcpt = {.path = r->path, .orcpt = r->orcpt, .notify = r->notify};
	struct smtp_rcpt_slot slot = {.answered = false};

	if (!copy_path(&s->arena, &rcpt.path) || !copy_slice(&s->arena, &rcpt.orcpt) ||
		VEC_RESERVE(&s->slots, s->slots.len + 1) || VEC_PUSH(&s->rcpts, rcpt)) {
		smtp_server_close(s, &storage);
		return SMTP_TURN_ON;
	}
	s->slots.at[s->slots.len++] = slot;
	s->open++;
	s->envelope.rcpts = s->rcpts.at;
	s->envelope.rcpt_count = (uint32_t)s->rcpts.len;
	s->event = (struct smtp_server_event){.kind = SMTP_SERVER_RCPT,
		.rcpt = (uint32_t)s->rcpts.len - 1,
		.envelope = &s->envelope};
	return SMTP_TURN_EVENT;
}

static enum smtp_turn
run_rcpt(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text syntax = {501, "5.5.4", "Syntax: RCPT TO:<address>"};
	static const struct smtp_text too_many = {
		452, "4.5.3", "Enough recipients for one message, send another one"};
	struct smtp_rcpt_args r;
	const struct smtp_text *bad = &syntax;

	if (take_word(&args, S("TO:")))
		bad = smtp_rcpt_args_parse(args, s->envelope.smtputf8, &r);
	if (!bad && s->rcpts.len < s->config.max_rcpts)
		return add_rcpt(s, &r);
	if (s->open)
		return SMTP_TURN_WAIT;
	if (bad)
		return smtp_server_refuse(s, bad);
	smtp_say_text(s, &too_many);
	return SMTP_TURN_ON;
}

/* ---- The small ones ---- */

static enum smtp_turn
run_rset(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text done = {250, "2.0.0", "Forgotten"};

	smtp_server_drop(s);
	smtp_say_text(s, &done);
	return SMTP_TURN_ON;
}

static enum smtp_turn
run_noop(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text done = {250, "2.0.0", "Nothing done"};

	smtp_say_text(s, &done);
	return SMTP_TURN_ON;
}

/* Who has a mailbox here is nobody's business before a message is there for it. */
static enum smtp_turn
run_vrfy(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text shrug = {252, "2.0.0", "Send a message and it will be seen"};
	static const struct smtp_text syntax = {501, "5.5.4", "Syntax: VRFY address"};

	if (!slice_trim(args).len)
		return smtp_server_refuse(s, &syntax);
	smtp_say_text(s, &shrug);
	return SMTP_TURN_ON;
}

static enum smtp_turn
run_not_offered(struct smtp_server *s, struct slice args)
{
	return smtp_server_refuse(s, &not_offered);
}

static enum smtp_turn
run_help(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text help = {214, "2.0.0",
		"EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT: RFC 5321"};

	smtp_say_text(s, &help);
	return SMTP_TURN_ON;
}

static enum smtp_turn
run_quit(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text bye = {221, "2.0.0", "Goodbye"};

	smtp_server_close(s, &bye);
	return SMTP_TURN_ON;
}

/* A browser that was made to post to this port must not get to its second line. */
static enum smtp_turn
run_http(struct smtp_server *s, struct slice args)
{
	static const struct smtp_text not_http = {500, "5.5.1", "This is SMTP, not HTTP"};

	smtp_server_close(s, &not_http);
	return SMTP_TURN_ON;
}

/* BDAT looks after itself: whatever is wrong with it, its octets follow. */
static const struct command commands[] = {
	{S("RCPT"), SMTP_STATE_MAIL, NEEDS_TLS | NEEDS_AUTH | OVERTAKES, run_rcpt},
	{S("MAIL"), READY, NEEDS_TLS | NEEDS_AUTH, run_mail},
	{S("DATA"), SMTP_STATE_MAIL, NEEDS_TLS | NEEDS_AUTH | NO_ARGS, smtp_data_command},
	{S("BDAT"), ANY, 0, smtp_bdat_command},
	{S("EHLO"), ANY, 0, run_ehlo},
	{S("HELO"), ANY, 0, run_helo},
	{S("RSET"), ANY, NEEDS_TLS | NO_ARGS, run_rset},
	{S("NOOP"), ANY, 0, run_noop},
	{S("QUIT"), ANY, NO_ARGS, run_quit},
	{S("STARTTLS"), READY, NO_ARGS, run_starttls},
	{S("AUTH"), READY, NEEDS_TLS, run_auth},
	{S("VRFY"), NOT_CHUNKS, NEEDS_TLS | NEEDS_AUTH, run_vrfy},
	{S("EXPN"), NOT_CHUNKS, 0, run_not_offered},
	{S("HELP"), ANY, 0, run_help},
	{S("ETRN"), ANY, 0, run_not_offered},
	{S("TURN"), ANY, 0, run_not_offered},
	{S("ATRN"), ANY, 0, run_not_offered},
	{S("SEND"), ANY, 0, run_not_offered},
	{S("SOML"), ANY, 0, run_not_offered},
	{S("SAML"), ANY, 0, run_not_offered},
	{S("GET"), ANY, 0, run_http},
	{S("POST"), ANY, 0, run_http},
	{S("PUT"), ANY, 0, run_http},
	{S("HEAD"), ANY, 0, run_http},
	{S("OPTIONS"), ANY, 0, run_http},
	{S("CONNECT"), ANY, 0, run_http},
};

static const struct command *
find_command(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (slice_ieq(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* Why this command may not run now, or NULL. */
static const struct smtp_text *
check_command(const struct smtp_server *s, const struct command *c, struct slice args)
{
	bool submission = s->config.service != SMTP_SERVICE_MX;

	if (c->flags & NO_ARGS && slice_trim(args).len)
		return &no_args;
	if (submission && c->flags & NEEDS_TLS && !s->tls)
		return &say_starttls;
	if (submission && c->flags & NEEDS_AUTH && !s->authenticated)
		return &say_auth;
	if (!(c->states & s->state))
		return s->state == SMTP_STATE_START ? &say_ehlo : &bad_sequence;
	return NULL;
}

static enum smtp_turn
run_line(struct smtp_server *s, struct slice line)
{
	const struct smtp_text *bad = smtp_line_check(line);
	struct slice args = line, name = slice_split(&args, ' ');
	const struct command *c = bad ? NULL : find_command(name);
	size_t n = line.len + 2;
	enum smtp_turn turn;

	bool enough = s->commands >= s->config.max_commands;

	/* A 421 must not overtake replies that are owed either. */
	if (s->open && (enough || !(c && c->flags & OVERTAKES)))
		return SMTP_TURN_WAIT;
	if (enough) {
		smtp_server_close(s, &too_many_commands);
		return SMTP_TURN_ON;
	}
	if (c)
		bad = check_command(s, c, args);
	else if (!bad)
		bad = &unknown;
	turn = bad ? smtp_server_refuse(s, bad) : c->run(s, args);
	if (turn == SMTP_TURN_WAIT)
		return turn;
	if (c && c->run == run_auth)
		take_secret_line(s, n);
	else
		smtp_server_take(s, n);
	s->commands++;
	return turn;
}

enum smtp_turn
smtp_command_turn(struct smtp_server *s)
{
	bool auth = s->config.auth && slice_istarts(smtp_server_unread(s), S("AUTH "));
	size_t max = auth ? SMTP_AUTH_LINE_MAX : SMTP_COMMAND_MAX;
	struct slice line = SLICE_NONE;

	switch (smtp_line_next(s, max, &line)) {
	case SMTP_LINE_NONE:
		return SMTP_TURN_WAIT;
	case SMTP_LINE_GOOD:
		return run_line(s, line);
	case SMTP_LINE_TOO_LONG:
		return s->open ? SMTP_TURN_WAIT : smtp_line_skip(s, max);
	default:
		break;
	}
	if (s->open)
		return SMTP_TURN_WAIT;
	smtp_server_close(s, &smtp_bare_lf);
	return SMTP_TURN_ON;
}
