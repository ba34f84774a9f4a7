/* A stranger's IMAP dialogue ends here until somebody vouched for it: this is the only IMAP code
 * that reads bytes of people who have not signed in, so it is small and knows few commands. */
#include "faces/imap_preauth.h"

#include "base/error.h"
#include "base/text.h"
#include "faces/imap_caps.h"
#include "faces/imap_frame.h"
#include "faces/imap_lex.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINE ((size_t)8192)
#define MAX_SASL_LINE ((size_t)12288)
#define MAX_LITERAL ((uint64_t)1024)
#define MAX_TAG ((size_t)64)
#define MAX_CLIENT_ID ((size_t)1024)
#define MAX_BUFFERED ((size_t)65536)
#define MAX_ARENA ((size_t)65536)
#define MAX_BAD 10
#define DEFAULT_FAILURES 5
#define DEFAULT_COMMANDS 100

enum state {
	READY, /* reads commands */
	STARTING_TLS, /* the caller was or is to be told */
	NEED_AUTH, /* a request is to be given out */
	ASKING, /* a request is open */
	SASL_LINE, /* the client's next line answers a challenge */
	FINAL_LINE, /* accepted; the client's empty answer is missing */
	SIGNED_IN,
	CLOSING,
};

struct imap_preauth {
	struct imap_preauth_options options;
	struct imap_frame frame;
	struct arena arena;
	struct buf out;
	struct buf data; /* the SASL message; wiped */
	struct buf client_id;
	struct imap_auth_request request;
	enum state state;
	unsigned commands, failures, bad;
	size_t tag_len;
	uint8_t tag[MAX_TAG];
};

struct command {
	struct slice name;
	void (*run)(struct imap_preauth *p, struct imap_lex *l);
};

static struct slice
tag_of(const struct imap_preauth *p)
{
	return slice_new(p->tag, p->tag_len);
}

/* One tagged line; text begins with OK, NO or BAD. */
static void
reply(struct imap_preauth *p, const char *text)
{
	if (p->tag_len)
		buf_put(&p->out, tag_of(p));
	else
		buf_putc(&p->out, '*');
	buf_putc(&p->out, ' ');
	buf_puts(&p->out, text);
	buf_puts(&p->out, "\r\n");
}

void
imap_preauth_bye(struct imap_preauth *p, const char *why)
{
	if (p->state == CLOSING || p->state == SIGNED_IN)
		return;
	buf_puts(&p->out, "* BYE ");
	buf_puts(&p->out, why);
	buf_puts(&p->out, "\r\n");
	p->state = CLOSING;
}

static void
bad(struct imap_preauth *p, const char *why)
{
	if (p->tag_len)
		buf_put(&p->out, tag_of(p));
	else
		buf_putc(&p->out, '*');
	buf_printf(&p->out, " BAD %s\r\n", why);
	if (++p->bad >= MAX_BAD)
		imap_preauth_bye(p, "Too many bad commands");
}

static void
put_caps(struct imap_preauth *p)
{
	struct imap_caps_preauth caps = {.tls = p->options.tls,
		.starttls = p->options.starttls,
		.channel_binding = p->options.channel_binding};

	buf_puts(&p->out, "CAPABILITY ");
	imap_caps_put_preauth(&p->out, &caps);
}

static void
run_capability(struct imap_preauth *p, struct imap_lex *l)
{
	if (!imap_lex_end(l)) {
		bad(p, l->bad);
		return;
	}
	buf_puts(&p->out, "* ");
	put_caps(p);
	buf_puts(&p->out, "\r\n");
	reply(p, "OK Done");
}

static void
run_noop(struct imap_preauth *p, struct imap_lex *l)
{
	if (imap_lex_end(l))
		reply(p, "OK Done");
	else
		bad(p, l->bad);
}

static void
run_logout(struct imap_preauth *p, struct imap_lex *l)
{
	if (!imap_lex_end(l)) {
		bad(p, l->bad);
		return;
	}
	buf_puts(&p->out, "* BYE Good bye\r\n");
	reply(p, "OK Done");
	p->state = CLOSING;
}

/* "(" field value ... ")" or NIL (RFC 2971); kept for the log of the session. */
static bool
parse_id(struct imap_lex *l)
{
	struct slice s;
	unsigned n = 0;

	if (!imap_lex_sp(l))
		return false;
	if (imap_lex_try_word(l, S("NIL")))
		return imap_lex_end(l);
	if (!imap_lex_char(l, '('))
		return false;
	while (!imap_lex_try(l, ')')) {
		if ((n && !imap_lex_sp(l)) || !imap_lex_string(l, &s) || !imap_lex_sp(l) ||
			!imap_lex_nstring(l, &s))
			return false;
		if (++n > 30)
			return imap_lex_fail(l, "Too many fields");
	}
	return imap_lex_end(l);
}

static void
run_id(struct imap_preauth *p, struct imap_lex *l)
{
	const uint8_t *start = l->at;

	if (!parse_id(l)) {
		bad(p, l->bad);
		return;
	}
	buf_reset(&p->client_id);
	if ((size_t)(l->end - start) <= MAX_CLIENT_ID)
		buf_put(&p->client_id, slice_trim(slice_new(start, (size_t)(l->end - start))));
	imap_caps_put_id(&p->out);
	reply(p, "OK Done");
}

static void
run_starttls(struct imap_preauth *p, struct imap_lex *l)
{
	if (!imap_lex_end(l)) {
		bad(p, l->bad);
		return;
	}
	if (p->options.tls || !p->options.starttls) {
		bad(p, p->options.tls ? "TLS is on already" : "No TLS here");
		return;
	}
	/* Commands that came in plain text together with STARTTLS were perhaps put there by
	 * somebody else (command injection); they must not run inside TLS. */
	if (imap_frame_rest(&p->frame).len) {
		imap_preauth_bye(p, "Commands after STARTTLS");
		return;
	}
	reply(p, "OK Begin TLS now");
	p->state = STARTING_TLS;
}

static bool
may_sign_in(struct imap_preauth *p)
{
	if (p->options.tls)
		return true;
	reply(p, "NO [PRIVACYREQUIRED] Use TLS first");
	return false;
}

static void
ask(struct imap_preauth *p, const char *mechanism, bool first)
{
	p->request = (struct imap_auth_request){.mechanism = mechanism, .first = first};
	p->state = NEED_AUTH;
}

static void
run_login(struct imap_preauth *p, struct imap_lex *l)
{
	struct slice user, password;

	if (!imap_lex_sp(l) || !imap_lex_astring(l, &user) || !imap_lex_sp(l) ||
		!imap_lex_astring(l, &password) || !imap_lex_end(l)) {
		bad(p, l->bad);
		return;
	}
	if (!may_sign_in(p))
		return;
	/* The message of SASL PLAIN (RFC 4616), so that one judge serves both. */
	buf_putc(&p->data, 0);
	buf_put(&p->data, user);
	buf_putc(&p->data, 0);
	buf_put(&p->data, password);
	ask(p, "PLAIN", true);
}

static const char *
find_mechanism(const struct imap_preauth *p, struct slice name)
{
	static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"};

	for (size_t i = 0; i < ARRAY_SIZE(mechanisms) - !p->options.channel_binding; i++)
		if (slice_ieq(name, slice_str(mechanisms[i])))
			return mechanisms[i];
	return NULL;
}

static bool
parse_authenticate(struct imap_lex *l, struct slice *ret_name, struct slice *ret_initial)
{
	*ret_initial = SLICE_NONE;
	if (!imap_lex_sp(l) || !imap_lex_name(l, ret_name))
		return false;
	if (imap_lex_peek(l) < 0)
		return true;
	if (!imap_lex_sp(l) || imap_lex_peek(l) < 0)
		return imap_lex_fail(l, "Expected an initial response");
	*ret_initial = slice_new(l->at, (size_t)(l->end - l->at));
	return true;
}

/* Decodes the client's message into p->data. */
static bool
take_data(struct imap_preauth *p, struct slice base64)
{
	buf_wipe(&p->data);
	if (!base64.len || base64_decode(&p->data, base64) == LL_OK)
		return true;
	buf_wipe(&p->data);
	bad(p, "Not base64");
	return false;
}

static void
run_authenticate(struct imap_preauth *p, struct imap_lex *l)
{
	struct slice name, initial;
	const char *mechanism;

	if (!parse_authenticate(l, &name, &initial)) {
		bad(p, l->bad);
		return;
	}
	if (!may_sign_in(p))
		return;
	mechanism = find_mechanism(p, name);
	if (!mechanism) {
		reply(p, "NO [CANNOT] Mechanism not offered");
		return;
	}
	if (slice_eq(initial, S("=")))
		initial.len = 0; /* an empty initial response (RFC 4959) */
	if (!take_data(p, initial))
		return;
	ask(p, mechanism, true);
	if (!initial.ptr) { /* every mechanism here begins with the client */
		buf_puts(&p->out, "+ \r\n");
		p->state = SASL_LINE;
	}
}

static const struct command commands[] = {
	{S("CAPABILITY"), run_capability},
	{S("NOOP"), run_noop},
	{S("LOGOUT"), run_logout},
	{S("ID"), run_id},
	{S("STARTTLS"), run_starttls},
	{S("LOGIN"), run_login},
	{S("AUTHENTICATE"), run_authenticate},
};

/* Takes the tag of a command, as far as it has a good one. */
static bool
take_tag(struct imap_preauth *p, struct imap_lex *l)
{
	struct slice tag;

	p->tag_len = 0;
	if (!imap_lex_tag(l, &tag))
		return false;
	if (tag.len > MAX_TAG)
		return imap_lex_fail(l, "Tag too long");
	memcpy(p->tag, tag.ptr, tag.len);
	p->tag_len = tag.len;
	return imap_lex_sp(l);
}

static void
run_command(struct imap_preauth *p, struct slice text)
{
	struct imap_lex l = imap_lex_new(text, &p->arena);
	struct slice name;

	if (++p->commands > p->options.max_commands) {
		imap_preauth_bye(p, "Too many commands before sign-in");
		return;
	}
	if (!take_tag(p, &l) || !imap_lex_name(&l, &name)) {
		bad(p, l.bad);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (slice_ieq(name, commands[i].name)) {
			commands[i].run(p, &l);
			return;
		}
	}
	bad(p, "Unknown command, or one that needs a sign-in first");
}

static void
on_literal(struct imap_preauth *p, struct slice so_far)
{
	struct imap_lex l = imap_lex_new(so_far, &p->arena);

	if (p->frame.literal_size <= MAX_LITERAL && so_far.len <= MAX_LINE) {
		if (p->frame.literal_sync)
			buf_puts(&p->out, "+ Go on\r\n");
		if (imap_frame_accept(&p->frame) != LL_OK)
			imap_preauth_bye(p, "Out of memory");
		return;
	}
	take_tag(p, &l);
	bad(p, "Literal too large before sign-in");
	imap_frame_refuse(&p->frame);
}

static void
on_too_long(struct imap_preauth *p, struct slice start)
{
	struct imap_lex l = imap_lex_new(start, &p->arena);

	take_tag(p, &l);
	bad(p, "Line too long");
	imap_preauth_bye(p, "Line too long");
}

/* One step of READY; false when more input is needed. */
static bool
read_command(struct imap_preauth *p)
{
	struct slice text;

	switch (imap_frame_command(&p->frame, &text)) {
	case IMAP_FRAME_MORE:
		return false;
	case IMAP_FRAME_LITERAL:
		on_literal(p, text);
		return true;
	case IMAP_FRAME_TOO_LONG:
		on_too_long(p, text);
		return true;
	case IMAP_FRAME_BARE_LF:
		p->tag_len = 0;
		bad(p, "Lines end with CR LF");
		break;
	case IMAP_FRAME_COMMAND:
		run_command(p, text);
		break;
	}
	arena_reset(&p->arena);
	imap_frame_next_wipe(&p->frame);
	return true;
}

static void
sasl_answer(struct imap_preauth *p, struct slice line)
{
	p->state = READY;
	if (slice_eq(line, S("*")))
		bad(p, "Cancelled");
	else if (take_data(p, line))
		p->state = NEED_AUTH;
}

static void
final_answer(struct imap_preauth *p, struct slice line)
{
	p->state = line.len ? READY : SIGNED_IN;
	if (line.len)
		bad(p, "Expected an empty line");
}

/* One step of SASL_LINE and FINAL_LINE. */
static bool
read_answer(struct imap_preauth *p)
{
	enum state was = p->state;
	struct slice line;

	switch (imap_frame_line(&p->frame, &line)) {
	case IMAP_FRAME_MORE:
		return false;
	case IMAP_FRAME_TOO_LONG:
		imap_preauth_bye(p, "Line too long");
		return true;
	case IMAP_FRAME_COMMAND:
		if (was == SASL_LINE)
			sasl_answer(p, line);
		else
			final_answer(p, line);
		break;
	default:
		p->state = READY;
		bad(p, "Lines end with CR LF");
		break;
	}
	imap_frame_next_wipe(&p->frame);
	return true;
}

enum imap_preauth_event
imap_preauth_next(struct imap_preauth *p, struct imap_auth_request *ret)
{
	for (;;) {
		switch (p->state) {
		case READY:
			if (!read_command(p))
				return IMAP_PREAUTH_MORE;
			break;
		case SASL_LINE:
		case FINAL_LINE:
			if (!read_answer(p))
				return IMAP_PREAUTH_MORE;
			break;
		case NEED_AUTH:
			p->state = ASKING;
			*ret = p->request;
			ret->data = buf_slice(&p->data);
			return IMAP_PREAUTH_AUTH;
		case ASKING:
			return IMAP_PREAUTH_MORE;
		case STARTING_TLS:
			return IMAP_PREAUTH_STARTTLS;
		case SIGNED_IN:
			return IMAP_PREAUTH_SIGNED_IN;
		case CLOSING:
			return IMAP_PREAUTH_CLOSE;
		}
	}
}

void
imap_preauth_tls_started(struct imap_preauth *p, bool channel_binding)
{
	if (p->state != STARTING_TLS)
		return;
	/* Nothing learnt before TLS is kept (RFC 9051 section 6.2.1). */
	imap_frame_done(&p->frame);
	imap_frame_init(&p->frame, MAX_SASL_LINE);
	buf_reset(&p->client_id);
	p->options.tls = true;
	p->options.channel_binding = channel_binding;
	p->state = READY;
}

static void
put_challenge(struct imap_preauth *p, struct slice data)
{
	buf_wipe(&p->data);
	buf_puts(&p->out, "+ ");
	base64_encode(&p->out, data);
	buf_puts(&p->out, "\r\n");
}

void
imap_preauth_challenge(struct imap_preauth *p, struct slice data)
{
	if (p->state != ASKING)
		return;
	put_challenge(p, data);
	p->request.first = false;
	p->state = SASL_LINE;
}

void
imap_preauth_accept(struct imap_preauth *p, struct slice final)
{
	if (p->state != ASKING)
		return;
	buf_wipe(&p->data);
	p->state = SIGNED_IN;
	if (final.len) {
		put_challenge(p, final);
		p->state = FINAL_LINE;
	}
}

void
imap_preauth_reject(struct imap_preauth *p, enum imap_auth_failure why)
{
	static const char *const texts[] = {
		[IMAP_AUTH_WRONG] = "NO [AUTHENTICATIONFAILED] Wrong address or app password",
		[IMAP_AUTH_DISABLED] = "NO [AUTHORIZATIONFAILED] This account may not sign in here",
		[IMAP_AUTH_EXPIRED] = "NO [EXPIRED] This app password has expired",
		[IMAP_AUTH_TEMPORARY] =
			"NO [UNAVAILABLE] Sign-in does not work now; try again later",
		[IMAP_AUTH_LIMIT] = "NO [LIMIT] Too many attempts or connections; try again later",
	};

	if (p->state != ASKING)
		return;
	buf_wipe(&p->data);
	reply(p, texts[why]);
	p->state = READY;
	if (why != IMAP_AUTH_TEMPORARY && ++p->failures >= p->options.max_failures)
		imap_preauth_bye(p, "Too many failed sign-ins");
}

void
imap_preauth_handover(const struct imap_preauth *p, struct imap_handover *ret)
{
	*ret = (struct imap_handover){.tag = tag_of(p),
		.rest = imap_frame_rest(&p->frame),
		.client_id = buf_slice(&p->client_id)};
}

void
imap_preauth_handover_failed(struct imap_preauth *p)
{
	if (p->state != SIGNED_IN)
		return;
	reply(p, "NO [UNAVAILABLE] The mailbox cannot be opened now; try again later");
	p->state = READY;
}

bool
imap_preauth_wants_input(const struct imap_preauth *p)
{
	switch (p->state) {
	case READY:
	case SASL_LINE:
	case FINAL_LINE:
		return p->frame.in.len < MAX_BUFFERED;
	default:
		return false;
	}
}

int
imap_preauth_input(struct imap_preauth *p, struct slice bytes)
{
	if (!imap_preauth_wants_input(p))
		return LL_ERR_STATE;
	return imap_frame_put(&p->frame, bytes);
}

struct buf *
imap_preauth_output(struct imap_preauth *p)
{
	return &p->out;
}

struct imap_preauth *
imap_preauth_new(const struct imap_preauth_options *options)
{
	struct imap_preauth *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->options = *options;
	if (!p->options.max_failures)
		p->options.max_failures = DEFAULT_FAILURES;
	if (!p->options.max_commands)
		p->options.max_commands = DEFAULT_COMMANDS;
	imap_frame_init(&p->frame, MAX_SASL_LINE);
	p->arena = ARENA_INIT(MAX_ARENA);
	p->out = BUF_INIT(MAX_BUFFERED);
	p->data = BUF_INIT(2 * MAX_SASL_LINE);
	p->client_id = BUF_INIT(MAX_CLIENT_ID);
	buf_puts(&p->out, "* OK [");
	put_caps(p);
	buf_puts(&p->out, "] Letterlock is ready\r\n");
	return p;
}

void
imap_preauth_free(struct imap_preauth *p)
{
	if (!p)
		return;
	imap_frame_done(&p->frame);
	arena_done(&p->arena);
	buf_done(&p->out);
	buf_wipe(&p->data);
	buf_done(&p->client_id);
	free(p);
}
