/* The few commands that a stranger may give. */
#include "base/error.h"
#include "base/text.h"
#include "faces/imap_caps.h"
#include "faces/imap_preauth_priv.h"

#include <string.h>

#define MAX_BAD 10

struct command {
	struct slice name;
	void (*run)(struct imap_preauth *p, struct imap_lex *l);
};

struct slice
preauth_tag(const struct imap_preauth *p)
{
	return slice_new(p->tag, p->tag_len);
}

void
preauth_reply(struct imap_preauth *p, const char *text)
{
	if (p->tag_len)
		buf_put(&p->out, preauth_tag(p));
	else
		buf_putc(&p->out, '*');
	buf_putc(&p->out, ' ');
	buf_puts(&p->out, text);
	buf_puts(&p->out, "\r\n");
}

void
preauth_bad(struct imap_preauth *p, const char *why)
{
	if (p->tag_len)
		buf_put(&p->out, preauth_tag(p));
	else
		buf_putc(&p->out, '*');
	buf_printf(&p->out, " BAD %s\r\n", why);
	if (++p->bad >= MAX_BAD)
		imap_preauth_bye(p, "Too many bad commands");
}

void
preauth_put_caps(struct imap_preauth *p)
{
	struct imap_caps_preauth caps = {.tls = p->options.tls,
		.starttls = p->options.starttls,
		.channel_binding = p->options.channel_binding,
		.tokens = p->options.tokens};

	buf_puts(&p->out, "CAPABILITY ");
	imap_caps_put_preauth(&p->out, &caps);
}

static void
run_capability(struct imap_preauth *p, struct imap_lex *l)
{
	if (!imap_lex_end(l)) {
		preauth_bad(p, l->bad);
		return;
	}
	buf_puts(&p->out, "* ");
	preauth_put_caps(p);
	buf_puts(&p->out, "\r\n");
	preauth_reply(p, "OK Done");
}

static void
run_noop(struct imap_preauth *p, struct imap_lex *l)
{
	if (imap_lex_end(l))
		preauth_reply(p, "OK Done");
	else
		preauth_bad(p, l->bad);
}

static void
run_logout(struct imap_preauth *p, struct imap_lex *l)
{
	if (!imap_lex_end(l)) {
		preauth_bad(p, l->bad);
		return;
	}
	buf_puts(&p->out, "* BYE Good bye\r\n");
	preauth_reply(p, "OK Done");
	p->state = CLOSING;
}

static void
run_id(struct imap_preauth *p, struct imap_lex *l)
{
	const uint8_t *start = l->at;

	if (!imap_caps_take_id(l)) {
		preauth_bad(p, l->bad);
		return;
	}
	buf_reset(&p->client_id);
	if ((size_t)(l->end - start) <= MAX_CLIENT_ID)
		buf_put(&p->client_id, slice_trim(slice_new(start, (size_t)(l->end - start))));
	imap_caps_put_id(&p->out);
	preauth_reply(p, "OK Done");
}

static void
run_starttls(struct imap_preauth *p, struct imap_lex *l)
{
	if (!imap_lex_end(l)) {
		preauth_bad(p, l->bad);
		return;
	}
	if (p->options.tls || !p->options.starttls) {
		preauth_bad(p, p->options.tls ? "TLS is on already" : "No TLS here");
		return;
	}
	/* Commands that came in plain text together with STARTTLS were perhaps put there by
	 * somebody else (command injection); they must not run inside TLS. */
	if (imap_frame_rest(&p->frame).len) {
		imap_preauth_bye(p, "Commands after STARTTLS");
		return;
	}
	preauth_reply(p, "OK Begin TLS now");
	p->state = STARTING_TLS;
}

static bool
may_sign_in(struct imap_preauth *p)
{
	if (p->options.tls)
		return true;
	preauth_reply(p, "NO [PRIVACYREQUIRED] Use TLS first");
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
		preauth_bad(p, l->bad);
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
	static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256"},
				 *const by_token[] = {"OAUTHBEARER", "XOAUTH2"};

	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++)
		if (slice_ieq(name, slice_str(mechanisms[i])))
			return mechanisms[i];
	if (p->options.channel_binding && slice_ieq(name, S("SCRAM-SHA-256-PLUS")))
		return "SCRAM-SHA-256-PLUS";
	for (size_t i = 0; p->options.tokens && i < ARRAY_SIZE(by_token); i++)
		if (slice_ieq(name, slice_str(by_token[i])))
			return by_token[i];
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

bool
preauth_take_data(struct imap_preauth *p, struct slice base64)
{
	buf_done(&p->data);
	if (!base64.len || base64_decode(&p->data, base64) == LL_OK)
		return true;
	buf_done(&p->data);
	preauth_bad(p, "Not base64");
	return false;
}

static void
run_authenticate(struct imap_preauth *p, struct imap_lex *l)
{
	struct slice name, initial;
	const char *mechanism;

	if (!parse_authenticate(l, &name, &initial)) {
		preauth_bad(p, l->bad);
		return;
	}
	if (!may_sign_in(p))
		return;
	mechanism = find_mechanism(p, name);
	if (!mechanism) {
		preauth_reply(p, "NO [CANNOT] Mechanism not offered");
		return;
	}
	if (slice_eq(initial, S("=")))
		initial.len = 0; /* an empty initial response (RFC 4959) */
	if (!preauth_take_data(p, initial))
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

bool
preauth_take_tag(struct imap_preauth *p, struct imap_lex *l)
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

void
preauth_run(struct imap_preauth *p, struct slice text)
{
	struct imap_lex l = imap_lex_new(text, &p->arena);
	struct slice name;

	if (++p->commands > p->options.max_commands) {
		imap_preauth_bye(p, "Too many commands before sign-in");
		return;
	}
	if (!preauth_take_tag(p, &l) || !imap_lex_name(&l, &name)) {
		preauth_bad(p, l.bad);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (slice_ieq(name, commands[i].name)) {
			commands[i].run(p, &l);
			return;
		}
	}
	preauth_bad(p, "Unknown command, or one that needs a sign-in first");
}
