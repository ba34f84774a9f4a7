/* Signing in, step by step; and proving the password again. What an unknown address gets differs in
 * nothing from what a wrong password gets. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "keys/verifier.h"
#include "os/clock.h"
#include "roles/web.h"

#include <sodium.h>
#include <string.h>

static void
copy_slice(char *to, size_t size, struct slice from)
{
	size_t n = MIN(from.len, size - 1);

	if (n)
		memcpy(to, from.ptr, n);
	to[n] = 0;
}

/* --- the end --- */

static int
put_done(struct web_call *c, const struct web_flow *f, const struct directory_account *a)
{
	struct web_signed m = {.next = WEB_NEXT_DONE,
		.address = slice_str(a->address),
		.identity = SLICE_OF(a->pin.identity),
		.seq = a->pin.seq,
		.hash = SLICE_OF(a->pin.hash)};

	memcpy(m.account, a->id, sizeof(m.account));
	memcpy(m.unlocker, f->control.owner.unlocker, sizeof(m.unlocker));
	return web_signed_put(&c->answer, &m);
}

int
web_sign_in(struct web_call *c, struct web_flow *f)
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	const uint8_t *id =
		f->kind == FLOW_SIGNUP ? f->control.new_account : f->control.owner.account;
	const struct web_place p = web_place();
	struct directory_account owner;
	struct web_session *s;
	bool news;
	int r = directory_account(auth.directory, id, &owner);

	if (r == LL_OK)
		r = web_account_load(&p, id, &a);
	if (r == LL_OK)
		r = web_session_new(c, a, f, &s);
	if (r)
		return r;
	news = web_device_note(a, slice_str(s->agent), s->peer);
	r = web_account_save(&p, a);
	if (r == LL_OK && f->kind != FLOW_SIGNUP && (f->recovery || (news && a->alerts)))
		web_alert_sign_in(&owner, s, f->recovery);
	if (r == LL_OK)
		r = put_done(c, f, &owner);
	if (r == LL_OK && f->kind == FLOW_LOGIN)
		web_guess_was_right(c, slice_str(f->address));
	if (r == LL_OK)
		log_info("web-login", "recovery=%d", f->recovery);
	web_flow_free(f);
	return r;
}

/* --- what comes next --- */

struct find_recovery {
	struct verifier v;
	bool found;
};

static int
is_recovery(void *ctx, const struct verifier *v)
{
	struct find_recovery *f = ctx;

	if (v->type == UNLOCK_RECOVERY) {
		f->v = *v;
		f->found = true;
	}
	return LL_OK;
}

static int
ask_factor(struct web_call *c, struct web_flow *f, const struct web_account *a)
{
	CLEANUP(buf_done) struct buf credentials = BUF_INIT(CONTROL_ITEMS_MAX);
	struct find_recovery rec = {0};
	struct web_signed m = {.next = WEB_NEXT_FACTOR,
		.totp = web_factor_totp(a) != NULL,
		.passkey = web_has_passkey(a)};
	int r = web_credentials(a, &credentials);

	if (r == LL_OK && f->password)
		r = login_verifiers(a->id, is_recovery, &rec);
	if (r)
		return r;
	if (m.passkey) {
		randombytes_buf(f->challenge, sizeof(f->challenge));
		m.challenge = SLICE_OF(f->challenge);
		m.rp_id = slice_str(auth.env->config.web_host);
		m.credentials = buf_slice(&credentials);
	}
	if (rec.found)
		memcpy(m.recovery, rec.v.id, sizeof(m.recovery));
	return web_signed_put(&c->answer, &m);
}

/* One proof is there: another, or the end. */
static int
progress(struct web_call *c, struct web_flow *f)
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	const struct web_place p = web_place();
	struct directory_account owner;
	int proofs = f->password + f->recovery + f->passkey + f->code;
	int r = directory_account(auth.directory, f->control.owner.account, &owner);

	if (r == LL_OK && owner.disabled)
		r = web_fail(c, LL_ERR_DENIED, "denied", "The account is disabled.");
	if (r == LL_OK)
		r = web_account_load(&p, owner.id, &a);
	if (r)
		return r;
	return a->factors.len == 0 || proofs > 1 ? web_sign_in(c, f) : ask_factor(c, f, a);
}

static int
refused(struct web_call *c)
{
	return web_fail(c, LL_ERR_AUTH, "refused", "This is not right, or not known here.");
}

/* --- commands: the first proof --- */

static int
start_opaque(struct web_call *c, struct web_flow *f, struct slice address, struct slice ke1)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(2048);
	struct control_login l;
	struct web_login m;
	int r = ke1.len && ke1.len != OPAQUE_KE1_LEN
		? LL_ERR_SYNTAX
		: control_opaque_name_put(
			  &body, &(struct control_opaque_name){.name = address, .data = ke1});

	if (r == LL_OK)
		r = web_control(c, f, control_login_start, buf_slice(&body));
	if (r == LL_OK)
		r = control_login_get(buf_slice(&f->control.answer), &l);
	if (r)
		return r;
	m = (struct web_login){.ke2 = l.data};
	memcpy(m.handle, f->id, sizeof(m.handle));
	memcpy(m.account, l.account, sizeof(m.account));
	memcpy(m.unlocker, l.unlocker, sizeof(m.unlocker));
	return web_login_put(&c->answer, &m);
}

int
web_login_start(struct web_call *c, struct slice body)
{
	struct web_login_start m;
	struct web_flow *f;
	int r = web_login_start_get(body, &m);

	if (r == LL_OK)
		r = web_guess(c, m.address);
	if (r == LL_OK)
		r = web_flow_new(c, FLOW_LOGIN, &f);
	if (r)
		return r;
	f->remember = m.remember;
	copy_slice(f->device, sizeof(f->device), m.device);
	copy_slice(f->address, sizeof(f->address), m.address);
	r = start_opaque(c, f, m.address, m.ke1);
	if (r)
		web_flow_free(f);
	return r;
}

static int
put_opaque(struct buf *body, struct slice proof)
{
	return control_opaque_put(body, &(struct control_opaque){.data = proof});
}

/* A dialogue that fails is over. */
static int
prove(struct web_call *c, struct web_flow *f, control_handler *handle, struct slice proof)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	int r = put_opaque(&body, proof);

	if (r == LL_OK)
		r = web_control(c, f, handle, buf_slice(&body));
	if (r == LL_ERR_AUTH || r == LL_ERR_SYNTAX)
		r = refused(c);
	if (r)
		web_flow_free(f);
	return r;
}

int
web_login_password(struct web_call *c, struct slice body)
{
	struct web_proof m;
	struct web_flow *f;
	int r = web_proof_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_LOGIN, &f);
	if (r == LL_OK && (!f->control.owner.opaque || f->password))
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = prove(c, f, control_login_password, m.proof);
	if (r)
		return r;
	f->password = true;
	return progress(c, f);
}

static void
second_was_right(const uint8_t account[WEB_ID])
{
	if (web_limits())
		web_limits_give(
			web_limits(), WEB_RULE_CODE, slice_new(account, WEB_ID), clock_ms());
}

/* The code in the place of the second factor. */
static int
recovery_second(struct web_call *c, struct web_flow *f, struct slice proof)
{
	struct find_recovery rec = {0};
	int r = web_take(c, WEB_RULE_CODE, SLICE_OF(f->control.owner.account));

	if (r == LL_OK)
		r = login_verifiers(f->control.owner.account, is_recovery, &rec);
	if (r == LL_OK && (!rec.found || unlock_auth_check(proof, rec.v.auth_hash)))
		r = refused(c);
	if (r == LL_OK)
		second_was_right(f->control.owner.account);
	return r;
}

int
web_login_recovery(struct web_call *c, struct slice body)
{
	struct web_proof m;
	struct web_flow *f;
	int r = web_proof_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_LOGIN, &f);
	if (r == LL_OK && (f->control.owner.opaque || f->recovery))
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = f->password ? recovery_second(c, f, m.proof)
				: prove(c, f, control_login_recovery, m.proof);
	if (r)
		return r;
	f->recovery = true;
	return progress(c, f);
}

/* --- commands: the second proof --- */

/* The dialogue and its account, after one proof. */
static int
second(struct web_call *c, const uint8_t handle[WEB_ID], struct web_flow **ret,
	struct web_account **ret_account)
{
	const struct web_place p = web_place();
	int r = web_flow_find(c, handle, FLOW_LOGIN, ret);

	if (r == LL_OK && !(*ret)->password && !(*ret)->recovery)
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = web_take(c, WEB_RULE_CODE, SLICE_OF((*ret)->control.owner.account));
	return r ? r : web_account_load(&p, (*ret)->control.owner.account, ret_account);
}

int
web_login_totp(struct web_call *c, struct slice body)
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	const struct web_place p = web_place();
	struct web_factor *factor;
	struct web_flow *f;
	struct web_code m;
	int r = web_code_get(body, &m);

	if (r == LL_OK)
		r = second(c, m.handle, &f, &a);
	if (r)
		return r;
	factor = web_factor_totp(a);
	if (!factor ||
		totp_check(factor->secret, factor->step, clock_unix(), m.code, &factor->step))
		return refused(c);
	factor->used = clock_unix();
	r = web_account_save(&p, a); /* before it counts: no code is used twice */
	if (r)
		return r;
	second_was_right(a->id);
	f->code = true;
	return progress(c, f);
}

static int
assertion_used(struct web_account *a, struct web_factor *factor)
{
	const struct web_place p = web_place();

	factor->used = clock_unix();
	return web_account_save(&p, a);
}

int
web_login_passkey(struct web_call *c, struct slice body)
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	uint8_t challenge[WEB_CHALLENGE_LEN];
	struct web_factor *factor;
	struct web_assertion m;
	struct web_flow *f;
	int r = web_assertion_get(body, &m);

	if (r == LL_OK)
		r = second(c, m.handle, &f, &a);
	if (r)
		return r;
	memcpy(challenge, f->challenge, sizeof(challenge));
	randombytes_buf(f->challenge, sizeof(f->challenge)); /* each is good for one try */
	if (sodium_is_zero(challenge, sizeof(challenge)) ||
		web_assertion_check(a, challenge, &m, &factor))
		return refused(c);
	r = assertion_used(a, factor);
	if (r)
		return r;
	second_was_right(a->id);
	f->passkey = true;
	return progress(c, f);
}

/* --- commands: a passkey alone --- */

int
web_passkey_start(struct web_call *c, struct slice body)
{
	struct web_passkey_start m;
	struct web_challenge answer;
	struct web_flow *f;
	int r = web_passkey_start_get(body, &m);

	if (r == LL_OK)
		r = web_take_network(c, WEB_RULE_NETWORK);
	if (r == LL_OK)
		r = web_flow_new(c, FLOW_PASSKEY, &f);
	if (r)
		return r;
	f->remember = m.remember;
	copy_slice(f->device, sizeof(f->device), m.device);
	randombytes_buf(f->challenge, sizeof(f->challenge));
	answer = (struct web_challenge){
		.rp_id = slice_str(auth.env->config.web_host), .challenge = SLICE_OF(f->challenge)};
	memcpy(answer.handle, f->id, sizeof(answer.handle));
	return web_challenge_put(&c->answer, &answer);
}

struct find_unlocker {
	const uint8_t *id;
	struct verifier v;
	bool found;
};

static int
is_unlocker(void *ctx, const struct verifier *v)
{
	struct find_unlocker *f = ctx;

	if (v->type == UNLOCK_WEBAUTHN && memcmp(v->id, f->id, RECORD_ID_LEN) == 0) {
		f->v = *v;
		f->found = true;
	}
	return LL_OK;
}

/* Whose passkey is it, and what does it unlock? */
static int
passkey_owner(struct web_flow *f, const struct web_assertion *m, struct web_account **ret)
{
	const struct web_place p = web_place();
	struct find_unlocker u = {0};
	struct web_factor *factor;
	int r = m->user_handle.len == WEB_ID ? web_account_load(&p, m->user_handle.ptr, ret)
					     : LL_ERR_AUTH;

	if (r == LL_OK)
		r = web_assertion_check(*ret, f->challenge, m, &factor);
	if (r)
		return r;
	u.id = factor->unlocker;
	r = login_verifiers((*ret)->id, is_unlocker, &u);
	if (r || !u.found)
		return r ? r : LL_ERR_AUTH;
	memcpy(f->control.owner.account, (*ret)->id, WEB_ID);
	memcpy(f->control.owner.unlocker, u.v.id, WEB_ID);
	memcpy(f->control.owner.auth_hash, u.v.auth_hash, sizeof(u.v.auth_hash));
	f->control.owner.known = true;
	return assertion_used(*ret, factor);
}

int
web_passkey_assert(struct web_call *c, struct slice body)
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	struct web_signed answer = {.next = WEB_NEXT_PROOF};
	struct web_assertion m;
	struct web_flow *f;
	int r = web_assertion_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_PASSKEY, &f);
	if (r == LL_OK && f->passkey)
		r = LL_ERR_STATE;
	if (r)
		return r;
	r = passkey_owner(f, &m, &a);
	if (r) {
		web_flow_free(f);
		return r == LL_ERR_AUTH || r == LL_ERR_SYNTAX ? refused(c) : r;
	}
	f->passkey = true;
	memcpy(answer.account, f->control.owner.account, WEB_ID);
	memcpy(answer.unlocker, f->control.owner.unlocker, WEB_ID);
	return web_signed_put(&c->answer, &answer);
}

int
web_passkey_unlock(struct web_call *c, struct slice body)
{
	struct directory_account owner;
	struct web_proof m;
	struct web_flow *f;
	int r = web_proof_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_PASSKEY, &f);
	if (r == LL_OK && !f->passkey)
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = prove(c, f, control_login_recovery, m.proof);
	if (r == LL_OK)
		r = directory_account(auth.directory, f->control.owner.account, &owner);
	if (r == LL_OK && owner.disabled)
		r = web_fail(c, LL_ERR_DENIED, "denied", "The account is disabled.");
	return r ? r : web_sign_in(c, f);
}

/* --- commands: the password again --- */

int
web_confirm_start(struct web_call *c, struct slice body)
{
	struct slice address = slice_str(c->owner.address);
	struct web_login_start m;
	struct web_flow *f;
	int r = web_login_start_get(body, &m);

	if (r == LL_OK && m.ke1.len == 0)
		r = LL_ERR_SYNTAX;
	if (r == LL_OK)
		r = web_guess(c, address);
	if (r == LL_OK)
		r = web_flow_new(c, FLOW_CONFIRM, &f);
	if (r)
		return r;
	r = start_opaque(c, f, address, m.ke1);
	if (r)
		web_flow_free(f);
	return r;
}

int
web_confirm_password(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_proof m;
	struct web_flow *f;
	int r = web_proof_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_CONFIRM, &f);
	if (r == LL_OK && !f->control.owner.opaque)
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = prove(c, f, control_login_password, m.proof);
	if (r)
		return r;
	web_flow_free(f);
	web_guess_was_right(c, slice_str(c->owner.address));
	c->session->confirmed = clock_unix();
	return web_account_save(&p, c->account);
}
