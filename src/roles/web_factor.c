/* Second factors: listing, adding, taking off. */
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/verifier.h"
#include "os/clock.h"
#include "roles/web.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static int
save(struct web_call *c)
{
	const struct web_place p = web_place();

	return web_account_save(&p, c->account);
}

static void
set_name(struct web_factor *f, struct slice name)
{
	size_t n = MIN(name.len, (size_t)WEB_NAME_MAX);

	memset(f->name, 0, sizeof(f->name));
	if (n)
		memcpy(f->name, name.ptr, n);
}

static struct webauthn_expect
expected(const uint8_t *challenge)
{
	return (struct webauthn_expect){slice_str(auth.env->config.web_host), challenge};
}

int
web_assertion_check(struct web_account *a, const uint8_t challenge[WEB_CHALLENGE_LEN],
	const struct web_assertion *m, struct web_factor **ret)
{
	const struct webauthn_expect e = expected(challenge);
	struct web_factor *f = web_factor_passkey(a, m->credential);
	int r;

	if (!f || (m->user_handle.len && !slice_eq(m->user_handle, SLICE_OF(a->id))))
		return LL_ERR_AUTH;
	r = webauthn_assert(&e, slice_new(f->key, f->key_len), f->counter, m->client_data,
		m->authenticator_data, m->signature, &f->counter);
	if (r)
		log_info("passkey-refused", "error=%s", log_quote(slice_str(ll_strerror(r))));
	*ret = f;
	return r ? LL_ERR_AUTH : LL_OK;
}

int
web_credentials(const struct web_account *a, struct buf *items)
{
	int r = LL_OK;

	VEC_EACH (f, &a->factors)
		if (f->kind == WEB_FACTOR_PASSKEY && r == LL_OK)
			r = control_items_add(items, slice_new(f->credential, f->credential_len));
	return r;
}

/* --- what there is --- */

static int
put_factor(const struct web_factor *f, struct buf *items)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(4096);
	struct web_factor_form m = {.type = (uint8_t)f->kind,
		.name = slice_str(f->name),
		.created = (uint64_t)f->created,
		.last_used = (uint64_t)f->used};
	int r;

	memcpy(m.id, f->id, sizeof(m.id));
	memcpy(m.unlocker, f->unlocker, sizeof(m.unlocker));
	r = web_factor_form_put(&item, &m);
	return r ? r : control_items_add(items, buf_slice(&item));
}

int
web_factors(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(CONTROL_ITEMS_MAX);
	int r = LL_OK;

	VEC_EACH (f, &c->account->factors)
		if (r == LL_OK)
			r = put_factor(f, &items);
	return r ? r
		 : web_factors_form_put(
			   &c->answer, &(struct web_factors_form){.factors = buf_slice(&items)});
}

struct find_webauthn {
	const uint8_t *id;
	bool found;
};

static int
is_webauthn(void *ctx, const struct verifier *v)
{
	struct find_webauthn *f = ctx;

	f->found = f->found ||
		(v->type == UNLOCK_WEBAUTHN && memcmp(v->id, f->id, RECORD_ID_LEN) == 0);
	return LL_OK;
}

int
web_factor_edit(struct web_call *c, struct slice body)
{
	struct web_factor *f;
	struct web_factor_edit m;
	struct find_webauthn u = {.id = m.unlocker};
	int r = web_factor_edit_get(body, &m);

	if (r)
		return r;
	f = web_factor_find(c->account, m.id);
	if (!f)
		return LL_ERR_NOTFOUND;
	if (!sodium_is_zero(m.unlocker, sizeof(m.unlocker))) {
		r = f->kind == WEB_FACTOR_PASSKEY ? login_verifiers(c->owner.id, is_webauthn, &u)
						  : LL_ERR_STATE;
		if (r || !u.found)
			return r ? r : LL_ERR_NOTFOUND;
		memcpy(f->unlocker, m.unlocker, sizeof(f->unlocker));
	}
	if (m.name.len)
		set_name(f, m.name);
	return save(c);
}

int
web_factor_remove(struct web_call *c, struct slice body)
{
	char name[WEB_NAME_MAX + 1];
	struct web_ref m;
	int r = web_ref_get(body, &m);

	for (size_t i = 0; r == LL_OK && i < c->account->factors.len; i++) {
		if (memcmp(c->account->factors.at[i].id, m.id, WEB_ID) != 0)
			continue;
		memcpy(name, c->account->factors.at[i].name, sizeof(name));
		VEC_REMOVE(&c->account->factors, i);
		r = save(c);
		if (r == LL_OK)
			web_alert_done(c, ALERT_FACTOR_REMOVED, name);
		return r;
	}
	return r ? r : LL_ERR_NOTFOUND;
}

int
web_factors_clear(const struct directory_account *a)
{
	CLEANUP(web_account_cleanup) struct web_account *w = NULL;
	const struct web_place p = web_place();
	int r = web_account_load(&p, a->id, &w);

	if (r == LL_OK && w->factors.len == 0)
		r = LL_ERR_NOTFOUND;
	if (r)
		return r;
	w->factors.len = 0;
	r = web_account_save(&p, w);
	if (r == LL_OK)
		web_alert(a, ALERT_FACTORS_CLEARED);
	return r;
}

/* --- TOTP --- */

/* otpauth://totp/HOST:ADDRESS?secret=..&issuer=HOST */
static int
put_uri(struct buf *out, const char *host, const char *address, struct slice secret)
{
	buf_printf(out, "otpauth://totp/%s:", host);
	for (const char *p = address; *p; p++)
		if (is_alpha((uint8_t)*p) || is_digit((uint8_t)*p) || strchr("@.-_", *p))
			buf_putc(out, (uint8_t)*p);
		else
			buf_printf(out, "%%%02X", (uint8_t)*p);
	buf_puts(out, "?secret=");
	buf_put(out, secret);
	return buf_printf(out, "&issuer=%s", host);
}

int
web_totp_begin(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf secret = BUF_SECRET(64), uri = BUF_SECRET(4096);
	struct web_totp m;
	struct web_flow *f;
	int r = web_factor_totp(c->account) ? LL_ERR_EXISTS : web_flow_new(c, FLOW_TOTP, &f);

	if (r)
		return r;
	randombytes_buf(f->secret, sizeof(f->secret));
	r = totp_secret_put(&secret, f->secret);
	if (r == LL_OK)
		r = put_uri(&uri, auth.env->config.hostname, c->owner.address, buf_slice(&secret));
	m = (struct web_totp){.secret = buf_slice(&secret), .uri = buf_slice(&uri)};
	memcpy(m.handle, f->id, sizeof(m.handle));
	return r ? r : web_totp_put(&c->answer, &m);
}

static int
add(struct web_call *c, struct web_factor *f, struct slice name)
{
	struct web_ref answer;
	int r;

	f->created = clock_unix();
	randombytes_buf(f->id, sizeof(f->id));
	set_name(f, name);
	memcpy(answer.id, f->id, sizeof(answer.id));
	r = VEC_PUSH(&c->account->factors, *f) ? LL_ERR_NOMEM : save(c);
	if (r == LL_OK)
		web_alert_done(c,
			f->kind == WEB_FACTOR_PASSKEY ? ALERT_PASSKEY_ADDED : ALERT_TOTP_ADDED,
			f->name);
	secret_wipe(f, sizeof(*f));
	return r ? r : web_ref_put(&c->answer, &answer);
}

int
web_totp_confirm(struct web_call *c, struct slice body)
{
	struct web_factor factor = {.kind = WEB_FACTOR_TOTP};
	struct web_totp_confirm m;
	struct web_flow *f;
	int r = web_totp_confirm_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_TOTP, &f);
	if (r == LL_OK && web_factor_totp(c->account))
		r = LL_ERR_EXISTS;
	if (r == LL_OK)
		r = totp_check(f->secret, 0, clock_unix(), m.code, &factor.step);
	if (r)
		return r;
	memcpy(factor.secret, f->secret, sizeof(factor.secret));
	web_flow_free(f);
	return add(c, &factor, m.name);
}

/* --- passkeys --- */

int
web_passkey_begin(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf credentials = BUF_INIT(CONTROL_ITEMS_MAX);
	struct web_challenge m;
	struct web_flow *f;
	int r = web_credentials(c->account, &credentials);

	if (r == LL_OK)
		r = web_flow_new(c, FLOW_PASSKEY_ADD, &f);
	if (r)
		return r;
	randombytes_buf(f->challenge, sizeof(f->challenge));
	m = (struct web_challenge){.rp_id = slice_str(auth.env->config.web_host),
		.challenge = SLICE_OF(f->challenge),
		.credentials = buf_slice(&credentials)};
	memcpy(m.handle, f->id, sizeof(m.handle));
	memcpy(m.account, c->owner.id, sizeof(m.account));
	return web_challenge_put(&c->answer, &m);
}

static size_t
passkeys(const struct web_account *a)
{
	size_t n = 0;

	VEC_EACH (f, &a->factors)
		n += f->kind == WEB_FACTOR_PASSKEY;
	return n;
}

int
web_passkey_add(struct web_call *c, struct slice body)
{
	struct web_factor factor = {.kind = WEB_FACTOR_PASSKEY};
	struct webauthn_credential cred;
	struct webauthn_expect e;
	struct web_passkey_add m;
	struct web_flow *f;
	int r = web_passkey_add_get(body, &m);

	if (r == LL_OK)
		r = web_flow_find(c, m.handle, FLOW_PASSKEY_ADD, &f);
	if (r)
		return r;
	e = expected(f->challenge);
	r = webauthn_register(&e, m.client_data, m.attestation_object, &cred);
	web_flow_free(f);
	if (r)
		return r == LL_ERR_UNSUPPORTED ? LL_ERR_SYNTAX : r;
	if (web_factor_passkey(c->account, cred.id))
		return LL_ERR_EXISTS;
	if (passkeys(c->account) >= WEB_PASSKEYS_MAX)
		return web_fail(c, LL_ERR_LIMIT, "limit", "There are too many passkeys.");
	factor.counter = cred.counter;
	factor.credential_len = (uint16_t)cred.id.len;
	factor.key_len = (uint16_t)cred.key.len;
	memcpy(factor.credential, cred.id.ptr, cred.id.len);
	memcpy(factor.key, cred.key.ptr, cred.key.len);
	return add(c, &factor, m.name);
}
