/* The client dialogue's session: greeting, EHLO, STARTTLS, QUIT, and the frame around messages. A
 * table says for each phase which replies are good and how long to wait for them. */
#include "base/text.h"
#include "faces/smtp_client_priv.h"

#include <stdlib.h>
#include <string.h>

#define IN_MAX ((size_t)131072)
#define OUT_MAX ((size_t)1 << 20)
/* While more than this waits to be written, no body is asked for. */
#define OUT_HIGH ((size_t)131072)
/* The output of one smtp_client_body call stays below this. */
#define BODY_ROOM ((size_t)262144)
#define ARENA_MAX ((size_t)64 << 20)
#define ERROR_TEXT_MAX ((size_t)1024)

struct smtp_client *
smtp_client_new(const struct smtp_client_config *config)
{
	struct smtp_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->caps.tls = config->tls;
	c->in = BUF_INIT(IN_MAX);
	c->out = BUF_INIT(OUT_MAX);
	c->error_text = BUF_INIT(ERROR_TEXT_MAX);
	c->arena = ARENA_INIT(ARENA_MAX);
	smtp_reply_init(&c->reply);
	return c;
}

void
smtp_client_free(struct smtp_client *c)
{
	if (!c)
		return;
	buf_done(&c->in);
	buf_done(&c->out);
	buf_done(&c->error_text);
	arena_done(&c->arena);
	smtp_reply_done(&c->reply);
	free(c);
}

/* ---- Failing ---- */

static void
end_connection(struct smtp_client *c, struct smtp_client_result result, struct slice text)
{
	if (c->phase == SMTP_PHASE_CLOSED)
		return;
	buf_reset(&c->error_text);
	buf_put(&c->error_text, slice_sub(text, 0, ERROR_TEXT_MAX));
	result.text = buf_slice(&c->error_text);
	c->error = result;
	if (smtp_client_in_message(c)) {
		result.outcome = result.outcome == SMTP_OUTCOME_PERMANENT && result.local
			? SMTP_OUTCOME_PERMANENT
			: SMTP_OUTCOME_TEMPORARY;
		result.enhanced[0] = result.outcome == SMTP_OUTCOME_PERMANENT ? 5 : 4;
		smtp_client_decide_open(c, &result);
		c->done_due = true;
	}
	c->phase = SMTP_PHASE_CLOSED;
}

void
smtp_client_fail(struct smtp_client *c, enum smtp_outcome outcome, const char *why)
{
	struct smtp_client_result r = {.outcome = outcome, .local = true};

	r.enhanced[0] = outcome == SMTP_OUTCOME_PERMANENT ? 5 : 4;
	r.enhanced[1] = outcome == SMTP_OUTCOME_PERMANENT ? 6 : 4;
	r.enhanced[2] = outcome == SMTP_OUTCOME_PERMANENT ? 0 : 2;
	end_connection(c, r, slice_str(why));
}

void
smtp_client_fail_reply(struct smtp_client *c)
{
	end_connection(c, smtp_client_reply_result(c, NULL), buf_slice(&c->reply.text));
}

static void
fail_protocol(struct smtp_client *c, const char *why)
{
	smtp_client_fail(c, SMTP_OUTCOME_TEMPORARY, why);
}

void
smtp_client_eof(struct smtp_client *c)
{
	fail_protocol(c,
		c->phase == SMTP_PHASE_QUIT ? "the connection ended"
					    : "the peer closed the connection");
}

void
smtp_client_timeout(struct smtp_client *c)
{
	fail_protocol(c, "the peer did not answer in time");
}

/* ---- Bytes ---- */

void
smtp_client_feed(struct smtp_client *c, struct slice in)
{
	if (c->phase != SMTP_PHASE_CLOSED && buf_put(&c->in, in))
		fail_protocol(c, "the peer says too much");
}

struct slice
smtp_client_output(const struct smtp_client *c)
{
	return slice_skip(buf_slice(&c->out), c->sent);
}

void
smtp_client_sent(struct smtp_client *c, size_t n)
{
	assert(n <= c->out.len - c->sent);
	c->sent += n;
	if (c->sent == c->out.len || (c->sent >= OUT_HIGH && c->sent >= c->out.len / 2)) {
		buf_consume(&c->out, c->sent);
		c->sent = 0;
	}
}

static void
say(struct smtp_client *c, const char *word, struct slice arg)
{
	buf_puts(&c->out, word);
	buf_put(&c->out, arg);
	buf_put(&c->out, S("\r\n"));
}

/* ---- Greeting, EHLO, HELO ---- */

static void
say_ehlo(struct smtp_client *c)
{
	bool tls = c->caps.tls;

	c->caps = (struct smtp_client_caps){.tls = tls};
	say(c, "EHLO ", c->config.hostname);
	c->phase = SMTP_PHASE_EHLO;
}

static void
on_greeting(struct smtp_client *c)
{
	if (c->reply.code == 220)
		say_ehlo(c);
	else
		smtp_client_fail_reply(c);
}

static void
cap_size(struct smtp_client *c, struct slice args)
{
	if (slice_u64(slice_split(&args, ' '), UINT64_MAX, &c->caps.size))
		c->caps.size = 0;
}

static void
cap_limits(struct smtp_client *c, struct slice args)
{
	while (args.len) {
		struct slice value = slice_split(&args, ' '), name = slice_split(&value, '=');
		uint64_t n;

		/* RFC 9422 section 3: at most six digits, not zero. */
		if (slice_u64(value, 999999, &n) || !n)
			continue;
		if (slice_ieq(name, S("RCPTMAX")))
			c->caps.rcpt_max = (uint32_t)n;
		else if (slice_ieq(name, S("MAILMAX")))
			c->caps.mail_max = (uint32_t)n;
	}
}

static const struct {
	struct slice name;
	unsigned flag;
	void (*args)(struct smtp_client *c, struct slice args);
} capabilities[] = {
	{S("PIPELINING"), SMTP_CAP_PIPELINING, NULL},
	{S("SIZE"), SMTP_CAP_SIZE, cap_size},
	{S("8BITMIME"), SMTP_CAP_8BITMIME, NULL},
	{S("SMTPUTF8"), SMTP_CAP_SMTPUTF8, NULL},
	{S("CHUNKING"), SMTP_CAP_CHUNKING, NULL},
	{S("BINARYMIME"), SMTP_CAP_BINARYMIME, NULL},
	{S("ENHANCEDSTATUSCODES"), SMTP_CAP_ENHANCED, NULL},
	{S("STARTTLS"), SMTP_CAP_STARTTLS, NULL},
	{S("DSN"), SMTP_CAP_DSN, NULL},
	{S("REQUIRETLS"), SMTP_CAP_REQUIRETLS, NULL},
	{S("LIMITS"), 0, cap_limits},
};

static void
take_capability(struct smtp_client *c, struct slice line)
{
	struct slice args = line, name = slice_split(&args, ' ');

	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (!slice_ieq(name, capabilities[i].name))
			continue;
		c->caps.flags |= capabilities[i].flag;
		if (capabilities[i].args)
			capabilities[i].args(c, args);
	}
}

static void
on_ehlo(struct smtp_client *c)
{
	struct slice lines = buf_slice(&c->reply.text);

	if (c->reply.code / 100 == 5) { /* RFC 5321 section 3.2: an old peer */
		say(c, "HELO ", c->config.hostname);
		c->phase = SMTP_PHASE_HELO;
		return;
	}
	if (c->reply.code != 250) {
		smtp_client_fail_reply(c);
		return;
	}
	c->caps.esmtp = true;
	slice_split(&lines, '\n'); /* its name */
	while (lines.len)
		take_capability(c, slice_split(&lines, '\n'));
	if (c->caps.tls)
		c->caps.flags &= ~SMTP_CAP_STARTTLS;
	c->phase = SMTP_PHASE_READY;
}

static void
on_helo(struct smtp_client *c)
{
	if (c->reply.code == 250)
		c->phase = SMTP_PHASE_READY;
	else
		smtp_client_fail_reply(c);
}

/* ---- STARTTLS, QUIT ---- */

int
smtp_client_starttls(struct smtp_client *c)
{
	if (c->phase != SMTP_PHASE_READY || c->caps.tls)
		return LL_ERR_STATE;
	say(c, "STARTTLS", SLICE_NONE);
	c->phase = SMTP_PHASE_STARTTLS;
	return LL_OK;
}

static void
on_starttls(struct smtp_client *c)
{
	if (c->reply.code != 220) {
		/* Whether to go on in clear is the caller's decision. */
		c->caps.flags &= ~SMTP_CAP_STARTTLS;
		c->phase = SMTP_PHASE_READY;
	} else if (c->in.len) {
		/* Injected to be taken for the first replies under TLS (CVE-2021-38371 and kin). */
		fail_protocol(c, "the peer spoke in clear behind STARTTLS");
	} else {
		c->phase = SMTP_PHASE_TLS;
	}
}

int
smtp_client_tls_done(struct smtp_client *c)
{
	if (c->phase != SMTP_PHASE_TLS || c->in.len)
		return LL_ERR_STATE;
	c->caps.tls = true;
	say_ehlo(c);
	return LL_OK;
}

int
smtp_client_quit(struct smtp_client *c)
{
	if (c->phase != SMTP_PHASE_READY)
		return LL_ERR_STATE;
	say(c, "QUIT", SLICE_NONE);
	c->phase = SMTP_PHASE_QUIT;
	return LL_OK;
}

static void
on_quit(struct smtp_client *c)
{
	smtp_client_fail_reply(c);
}

/* A reply to nothing; only 421 has a meaning. */
static void
on_unasked(struct smtp_client *c)
{
	if (c->reply.code == 421)
		smtp_client_fail_reply(c);
	else
		fail_protocol(c, "the peer answered what was not asked");
}

/* ---- Phases ---- */

static const struct {
	void (*on_reply)(struct smtp_client *c);
	unsigned timeout; /* RFC 5321 section 4.5.3.2 */
} phases[SMTP_PHASES] = {
	[SMTP_PHASE_GREETING] = {on_greeting, 300},
	[SMTP_PHASE_EHLO] = {on_ehlo, 300},
	[SMTP_PHASE_HELO] = {on_helo, 300},
	[SMTP_PHASE_READY] = {on_unasked, 300},
	[SMTP_PHASE_STARTTLS] = {on_starttls, 120},
	[SMTP_PHASE_TLS] = {on_unasked, 120},
	[SMTP_PHASE_RSET] = {smtp_client_on_rset, 120},
	[SMTP_PHASE_MAIL] = {smtp_client_on_mail, 300},
	[SMTP_PHASE_RCPT] = {smtp_client_on_rcpt, 300},
	[SMTP_PHASE_DATA] = {smtp_client_on_data, 120},
	[SMTP_PHASE_BODY] = {smtp_client_on_early, 180},
	[SMTP_PHASE_END] = {smtp_client_on_end, 600},
	[SMTP_PHASE_QUIT] = {on_quit, 30},
	[SMTP_PHASE_CLOSED] = {on_unasked, 30},
};

unsigned
smtp_client_timeout_seconds(const struct smtp_client *c)
{
	return phases[c->phase].timeout;
}

/* Handles one reply; false when there is none whole. */
static bool
take_reply(struct smtp_client *c)
{
	struct slice in = buf_slice(&c->in);
	const char *why;
	enum parse_result r;

	if (c->phase == SMTP_PHASE_CLOSED || c->phase == SMTP_PHASE_TLS)
		return false;
	r = smtp_reply_parse(&c->reply, &in, &why);
	buf_consume(&c->in, c->in.len - in.len);
	if (r == PARSE_MORE)
		return false;
	if (r == PARSE_BAD)
		fail_protocol(c, why);
	else
		phases[c->phase].on_reply(c);
	smtp_reply_reset(&c->reply);
	return true;
}

enum smtp_client_event
smtp_client_step(struct smtp_client *c)
{
	do {
		if (c->out.err)
			fail_protocol(c, "not enough memory");
		if (c->done_due) {
			c->done_due = false;
			return SMTP_CLIENT_DONE;
		}
		if (smtp_client_in_message(c))
			smtp_client_pump(c);
	} while (c->done_due || take_reply(c));
	switch (c->phase) {
	case SMTP_PHASE_READY:
		return SMTP_CLIENT_READY;
	case SMTP_PHASE_TLS:
		return SMTP_CLIENT_STARTTLS;
	case SMTP_PHASE_CLOSED:
		return SMTP_CLIENT_CLOSED;
	case SMTP_PHASE_BODY:
		return c->out.len - c->sent < OUT_HIGH ? SMTP_CLIENT_BODY : SMTP_CLIENT_NONE;
	default:
		return SMTP_CLIENT_NONE;
	}
}

/* ---- The body ---- */

/* Text that is not what the envelope says must not go out: a peer could see other messages in it.
 * The connection ends before the end of the body is said. */
static bool
body_is_good(struct smtp_client *c, struct slice piece)
{
	if (c->message.binary)
		return true;
	smtp_data_check(&c->check, piece);
	if (c->given + piece.len == c->message.size)
		smtp_data_check_end(&c->check);
	if (!(c->check.faults & (SMTP_DATA_BARE | SMTP_DATA_NUL)))
		return true;
	smtp_client_fail(c, SMTP_OUTCOME_PERMANENT,
		"the message has NUL, CR or LF that are no line ends; it cannot be sent");
	return false;
}

static size_t
put_body(struct smtp_client *c, struct slice data)
{
	size_t room = BODY_ROOM - MIN(BODY_ROOM, c->out.len - c->sent);
	struct slice rest = data;

	/* Worst case of stuffing: "\n." over and over, half as much again. */
	rest = slice_sub(rest, 0, c->chunked ? room : room / 2);
	data = rest;
	if (!data.len || !body_is_good(c, data))
		return 0;
	if (c->chunked)
		buf_put(&c->out, data);
	else
		smtp_data_stuff(&c->stuffing, &rest, &c->out, SIZE_MAX);
	return data.len;
}

size_t
smtp_client_body(struct smtp_client *c, struct slice data)
{
	size_t n;

	if (c->phase != SMTP_PHASE_BODY)
		return 0;
	if (data.len > c->message.size - c->given)
		data.len = (size_t)(c->message.size - c->given);
	n = put_body(c, data);
	c->given += n;
	if (c->phase == SMTP_PHASE_BODY)
		smtp_client_pump(c);
	return n;
}

/* ---- Facts ---- */

const struct smtp_client_caps *
smtp_client_caps(const struct smtp_client *c)
{
	return &c->caps;
}

const struct smtp_client_result *
smtp_client_error(const struct smtp_client *c)
{
	return &c->error;
}

const struct smtp_client_result *
smtp_client_result(const struct smtp_client *c, uint32_t rcpt)
{
	return rcpt < c->slot_count ? &c->slots[rcpt].result : NULL;
}
