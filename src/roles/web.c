/* The web's commands: their table, the dialogues they belong to, and the answers. */
#include "roles/web.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "mail/ip.h"
#include "os/clock.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS_MAX 4096
#define SWEEP_S 10

static struct map *flows; /* id -> struct web_flow */
static int64_t swept;
static struct web_limits *limits;

struct web_place
web_place(void)
{
	return (struct web_place){auth.store, auth.keys};
}

struct web_limits *
web_limits(void)
{
	if (!limits)
		limits = web_limits_new();
	return limits;
}

/* --- errors --- */

int
web_fail(struct web_call *c, int err, const char *code, const char *title)
{
	c->code = code;
	c->title = title;
	return err;
}

/* What an error means when nobody said more. */
static const struct {
	int err;
	const char *code, *title;
} meanings[] = {
	{LL_ERR_SYNTAX, "malformed", "The request is malformed."},
	{LL_ERR_LIMIT, "too-large", "This is too long."},
	{LL_ERR_QUOTA, "quota", "There is no room for this."},
	{LL_ERR_AUTH, "refused", "The proof is not right."},
	{LL_ERR_DENIED, "denied", "This is not permitted."},
	{LL_ERR_NOTFOUND, "not-found", "There is no such thing."},
	{LL_ERR_EXISTS, "exists", "It is there already."},
	{LL_ERR_STATE, "state", "The command does not fit here."},
	{LL_ERR_UNSUPPORTED, "unknown-command", "There is no such command."},
	{LL_ERR_AGAIN, "unavailable", "Try again later."},
	{LL_ERR_CLOSED, "unavailable", "Try again later."},
	{LL_ERR_IO, "unavailable", "Try again later."},
	{LL_ERR_NOMEM, "unavailable", "Try again later."},
};

static void
put_problem(struct web_call *c, int err)
{
	struct web_problem p = {.code = slice_str(c->code), .title = slice_str(c->title)};

	for (size_t i = 0; i < ARRAY_SIZE(meanings) && !c->code; i++)
		if (meanings[i].err == err)
			p = (struct web_problem){.code = slice_str(meanings[i].code),
				.title = slice_str(c->title ? c->title : meanings[i].title)};
	if (p.code.len == 0)
		p = (struct web_problem){.code = S("internal"), .title = S("The server failed.")};
	p.retry_after = c->retry;
	buf_reset(&c->answer);
	if (web_problem_put(&c->answer, &p))
		buf_reset(&c->answer);
}

/* --- limits --- */

int
web_take(struct web_call *c, enum web_rule rule, struct slice key)
{
	struct web_limits *l = web_limits();

	c->retry = l ? web_limits_take(l, rule, key, clock_ms()) : 1;
	return c->retry ? web_fail(c, LL_ERR_AGAIN, "rate", "Too many attempts; wait a while.")
			: LL_OK;
}

/* Both keys of an address: folded, so that spellings count together. */
static void
guess_keys(const struct web_call *c, struct slice address, struct buf *one, struct buf *both)
{
	if (directory_key(address, one)) {
		buf_reset(one);
		buf_put(one, slice_sub(address, 0, CONTROL_NAME_MAX));
	}
	buf_put(both, ip_network(c->m->peer.ptr));
	buf_put(both, buf_slice(one));
}

/* Programs on this machine, such as a proxy, speak for many people. */
int
web_take_network(struct web_call *c, enum web_rule rule)
{
	return ip_is_loopback(c->m->peer.ptr) ? LL_OK
					      : web_take(c, rule, ip_network(c->m->peer.ptr));
}

int
web_guess(struct web_call *c, struct slice address)
{
	CLEANUP(buf_done) struct buf one = BUF_INIT(4096), both = BUF_INIT(8192);
	int r = web_take_network(c, WEB_RULE_NETWORK);

	guess_keys(c, address, &one, &both);
	if (r == LL_OK)
		r = web_take(c, WEB_RULE_ADDRESS_NETWORK, buf_slice(&both));
	return r ? r : web_take(c, WEB_RULE_ADDRESS, buf_slice(&one));
}

void
web_guess_was_right(struct web_call *c, struct slice address)
{
	CLEANUP(buf_done) struct buf one = BUF_INIT(4096), both = BUF_INIT(8192);

	if (!limits)
		return;
	guess_keys(c, address, &one, &both);
	web_limits_give(limits, WEB_RULE_ADDRESS_NETWORK, buf_slice(&both), clock_ms());
	web_limits_give(limits, WEB_RULE_ADDRESS, buf_slice(&one), clock_ms());
	web_limits_give(limits, WEB_RULE_NETWORK, ip_network(c->m->peer.ptr), clock_ms());
}

/* --- dialogues --- */

void
web_flow_free(struct web_flow *f)
{
	if (flows && map_get(flows, SLICE_OF(f->id)) == f)
		(void)map_del(flows, SLICE_OF(f->id));
	control_unstage(&f->control);
	if (f->control.owner.opaque)
		SECRET_FREE(f->control.owner.opaque);
	buf_done(&f->control.answer);
	secret_wipe(f, sizeof(*f));
	free(f);
}

static void
sweep(void)
{
	int64_t now = clock_unix();
	size_t pos = 0;
	void *value;

	if (now - swept < SWEEP_S && now >= swept)
		return;
	swept = now;
	while (map_next(flows, &pos, NULL, &value))
		if (((struct web_flow *)value)->until < now)
			web_flow_free(value);
}

/* Whoever begins many sign-ins and proves nothing keeps nobody else from signing in: the oldest
 * such dialogue makes room. False: each one is more than a beginning. */
static bool
make_room(void)
{
	struct web_flow *oldest = NULL;
	size_t pos = 0;
	void *value;

	while (map_next(flows, &pos, NULL, &value)) {
		struct web_flow *f = value;
		bool begun = (f->kind == FLOW_LOGIN || f->kind == FLOW_PASSKEY) && !f->password &&
			!f->recovery && !f->passkey;
		if (begun && (!oldest || f->until < oldest->until))
			oldest = f;
	}
	if (oldest)
		web_flow_free(oldest);
	return oldest != NULL;
}

int
web_flow_new(struct web_call *c, enum web_flow_kind kind, struct web_flow **ret)
{
	struct web_flow *f;

	if (!flows && !(flows = map_new()))
		return LL_ERR_NOMEM;
	sweep();
	if (map_len(flows) >= FLOWS_MAX && !make_room())
		return LL_ERR_AGAIN;
	f = calloc(1, sizeof(*f));
	if (!f)
		return LL_ERR_NOMEM;
	randombytes_buf(f->id, sizeof(f->id));
	f->kind = kind;
	f->until = clock_unix() + WEB_FLOW_S;
	f->control.answer = BUF_SECRET(IPC_PAYLOAD_MAX);
	if (c->session)
		memcpy(f->session, c->session->id, sizeof(f->session));
	if (c->session && kind == FLOW_KEYS) {
		struct web_flow *old = map_get(flows, SLICE_OF(c->session->id));
		if (old)
			web_flow_free(old); /* its time is over */
		memcpy(f->id, c->session->id, sizeof(f->id));
	}
	if (map_set(flows, SLICE_OF(f->id), f, NULL)) {
		web_flow_free(f);
		return LL_ERR_NOMEM;
	}
	*ret = f;
	return LL_OK;
}

static bool
is_signed_in(enum web_flow_kind kind)
{
	return kind == FLOW_CONFIRM || kind == FLOW_TOTP || kind == FLOW_PASSKEY_ADD ||
		kind == FLOW_KEYS;
}

int
web_flow_find(struct web_call *c, const uint8_t id[WEB_ID], enum web_flow_kind kind,
	struct web_flow **ret)
{
	struct web_flow *f = flows ? map_get(flows, slice_new(id, WEB_ID)) : NULL;

	if (!f || f->kind != kind || f->until < clock_unix() ||
		(is_signed_in(kind) &&
			(!c->session || memcmp(f->session, c->session->id, WEB_ID) != 0)))
		return web_fail(
			c, LL_ERR_NOTFOUND, "expired", "This dialogue is over; begin again.");
	*ret = f;
	return LL_OK;
}

int
web_control(struct web_call *c, struct web_flow *f, control_handler *handle, struct slice body)
{
	int r;

	f->control.why = NULL;
	buf_reset(&f->control.answer);
	r = handle(&f->control, body);
	if (r)
		c->title = f->control.why;
	return r;
}

int
web_register_with(
	struct web_call *c, struct web_flow *f, control_handler *handle, struct slice request)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct control_opaque o;
	int r = control_opaque_put(&body, &(struct control_opaque){.data = request});

	if (r == LL_OK)
		r = web_control(c, f, handle, buf_slice(&body));
	if (r == LL_OK)
		r = control_opaque_get(buf_slice(&f->control.answer), &o);
	return r ? r : web_registered_put(&c->answer, &(struct web_registered){.response = o.data});
}

/* --- the table --- */

enum { SIGNED = 1, FRESH = 2 };

static const struct {
	const char *name;
	web_handler *handle;
	unsigned needs;
} commands[] = {
	{"signup-domains", web_signup_domains, 0},
	{"signup-work", web_signup_work, 0},
	{"account-begin", web_account_begin, 0},
	{"account-register", web_account_register, 0},
	{"account-create", web_account_create, 0},
	{"keys-stage", web_keys_stage, 0},
	{"login-start", web_login_start, 0},
	{"login-password", web_login_password, 0},
	{"login-recovery", web_login_recovery, 0},
	{"login-totp", web_login_totp, 0},
	{"login-passkey", web_login_passkey, 0},
	{"passkey-start", web_passkey_start, 0},
	{"passkey-assert", web_passkey_assert, 0},
	{"passkey-unlock", web_passkey_unlock, 0},
	{"logout", web_logout, 0},
	{"account", web_account_info, SIGNED},
	{"picture", web_picture, SIGNED},
	{"keys-read", web_keys_read, SIGNED},
	{"keys-register", web_keys_register, SIGNED | FRESH},
	{"keys-update", web_keys_update, SIGNED},
	{"unlockers", web_unlockers, SIGNED},
	{"sessions", web_sessions, SIGNED},
	{"session-end", web_session_end, SIGNED},
	{"sessions-end", web_sessions_end, SIGNED},
	{"confirm-start", web_confirm_start, SIGNED},
	{"confirm-password", web_confirm_password, SIGNED},
	{"factors", web_factors, SIGNED},
	{"factor-edit", web_factor_edit, SIGNED},
	{"factor-remove", web_factor_remove, SIGNED | FRESH},
	{"totp-begin", web_totp_begin, SIGNED | FRESH},
	{"totp-confirm", web_totp_confirm, SIGNED},
	{"passkey-begin", web_passkey_begin, SIGNED | FRESH},
	{"passkey-add", web_passkey_add, SIGNED},
	{"key-publish", web_key_publish, SIGNED},
	{"alerts", web_alerts, SIGNED},
	{"language", web_language, SIGNED},
	{"account-delete", web_account_delete, SIGNED | FRESH},
	{"oauth-grant", web_oauth_grant, SIGNED | FRESH},
	{"oauth-code", web_oauth_code, 0},
	{"oauth-refresh", web_oauth_refresh, 0},
	{"oauth-revoke", web_oauth_revoke, 0},
	{"letter-create", web_letter_create, SIGNED},
	{"letter-put", web_letter_put, SIGNED},
	{"letter-publish", web_letter_publish, SIGNED},
	{"letters", web_letters, SIGNED},
	{"letter-change", web_letter_change, SIGNED},
	{"letter-withdraw", web_letter_withdraw, SIGNED},
	{"letter-forget", web_letter_forget, SIGNED},
	{"letter-state", web_letter_state, 0},
	{"letter-open", web_letter_open, 0},
	{"letter-part", web_letter_part, 0},
	{"letter-reply", web_letter_reply, 0},
	{"letter-reply-put", web_letter_reply_put, 0},
	{"letter-reply-send", web_letter_reply_send, 0},
};

bool
web_is_fresh(const struct web_call *c)
{
	return c->session && clock_unix() - c->session->confirmed < WEB_FRESH_S;
}

int
web_need_fresh(struct web_call *c)
{
	return web_is_fresh(c) ? LL_OK
			       : web_fail(c, LL_ERR_DENIED, "confirm",
					 "This needs a fresh proof of the password.");
}

static int
dispatch(struct web_call *c)
{
	size_t i = 0;
	int r;

	while (i < ARRAY_SIZE(commands) && !slice_eq(slice_str(commands[i].name), c->m->command))
		i++;
	if (i == ARRAY_SIZE(commands))
		return LL_ERR_UNSUPPORTED;
	if (!auth.store)
		return LL_ERR_CLOSED;
	if (c->m->peer.len != 16)
		return LL_ERR_SYNTAX;
	r = web_session_open(c);
	if (r && (r != LL_ERR_NOTFOUND || (commands[i].needs & SIGNED)))
		return r;
	c->code = c->title = NULL;
	r = commands[i].needs & FRESH ? web_need_fresh(c) : LL_OK;
	return r ? r : commands[i].handle(c, c->m->body);
}

void
web_command(struct ipc_channel *frontend, const struct msg_web_command *m)
{
	struct web_call c = {.frontend = frontend, .m = m, .answer = BUF_SECRET(IPC_PAYLOAD_MAX)};
	struct msg_web_reply reply = {.id = m->id};
	int r = dispatch(&c);

	if (r) {
		put_problem(&c, r);
		auth.failures += r == LL_ERR_AUTH;
	}
	reply.err = (uint8_t)-r;
	reply.cookie = (uint8_t)(r && c.cookie == WEB_COOKIE_SET ? WEB_COOKIE_KEEP : c.cookie);
	if (reply.cookie == WEB_COOKIE_SET) {
		reply.token = SLICE_OF(c.token);
		reply.max_age = c.max_age;
	}
	reply.body = buf_slice(&c.answer);
	if (ipc_send_web_reply(frontend, &reply, -1))
		log_warn("web-reply", "error=not-sent");
	secret_wipe(c.token, sizeof(c.token));
	web_account_free(c.account);
	buf_done(&c.answer);
}
