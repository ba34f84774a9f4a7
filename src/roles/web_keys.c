/* Keys and the account itself, after a sign-in. The work is that of the operator's commands. */
#include "base/error.h"
#include "base/log.h"
#include "keys/verifier.h"
#include "os/clock.h"
#include "roles/language.h"
#include "roles/web.h"

#include <string.h>

int
web_account_info(struct web_call *c, struct slice body)
{
	const struct directory_account *a = &c->owner;
	struct web_account_form m = {.address = slice_str(a->address),
		.created = (uint64_t)a->created,
		.quota = a->quota,
		.identity = SLICE_OF(a->pin.identity),
		.seq = a->pin.seq,
		.hash = SLICE_OF(a->pin.hash),
		.totp = web_factor_totp(c->account) != NULL,
		.passkey = web_has_passkey(c->account),
		.alerts = c->account->alerts,
		.language = (uint8_t)language_account(a),
		.confirmed_until =
			web_is_fresh(c) ? (uint64_t)(c->session->confirmed + WEB_FRESH_S) : 0};
	struct store_stat st;
	struct store_id id;
	int r;

	memcpy(id.b, a->id, sizeof(id.b));
	memcpy(m.account, a->id, sizeof(m.account));
	memcpy(m.session, c->session->id, sizeof(m.session));
	r = store_stat(auth.store, id, &st);
	m.used = r ? 0 : st.blob_bytes;
	return r ? r : web_account_form_put(&c->answer, &m);
}

/* A frontend asks whether the account may have one more picture fetched. No page can. */
int
web_picture(struct web_call *c, struct slice body)
{
	return web_take(c, WEB_RULE_PICTURE, slice_new(c->account->id, WEB_ID));
}

/* Where a session's changes are collected. */
static int
keys_flow(struct web_call *c, struct web_flow **ret)
{
	struct web_flow *f;
	int r = web_flow_find(c, c->session->id, FLOW_KEYS, &f);

	c->code = c->title = NULL;
	if (r == LL_ERR_NOTFOUND)
		r = web_flow_new(c, FLOW_KEYS, &f);
	if (r)
		return r;
	memcpy(f->control.owner.account, c->owner.id, WEB_ID);
	f->control.owner.known = f->control.owner.proved = true;
	*ret = f;
	return LL_OK;
}

int
web_keys_read(struct web_call *c, struct slice body)
{
	struct control_items items;
	struct web_flow *f;
	int r = keys_flow(c, &f);

	/* The page's number, and the items, are encoded alike. */
	if (r == LL_OK)
		r = web_control(c, f, control_keys_read, body);
	if (r == LL_OK)
		r = control_items_get(buf_slice(&f->control.answer), &items);
	return r ? r
		 : web_changes_put(&c->answer,
			   &(struct web_changes){.more = items.more, .records = items.items});
}

/* The flow of the change to stage. A page may go between staging and storing; what it leaves behind
 * is no part of the next change. */
static int
stage_flow(struct web_call *c, const struct web_stage *m, struct web_flow **ret)
{
	static const uint8_t none[WEB_ID];
	int r;

	if (memcmp(m->handle, none, WEB_ID) != 0)
		return web_flow_find(c, m->handle, FLOW_SIGNUP, ret);
	if (!c->session)
		return web_fail(c, LL_ERR_NOTFOUND, "signed-out", "Nobody is signed in here.");
	if (memcmp(m->change, none, WEB_ID) == 0)
		return LL_ERR_SYNTAX;
	r = keys_flow(c, ret);
	if (r == LL_OK && memcmp((*ret)->change, m->change, WEB_ID) != 0) {
		control_unstage(&(*ret)->control);
		memcpy((*ret)->change, m->change, WEB_ID);
	}
	return r;
}

int
web_keys_stage(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(IPC_PAYLOAD_MAX);
	struct web_stage m;
	struct web_flow *f = NULL;
	int r = web_stage_get(body, &m);

	if (r == LL_OK)
		r = stage_flow(c, &m, &f);
	if (r == LL_OK)
		r = control_items_put(&items, &(struct control_items){.items = m.changes});
	if (r)
		return r;
	r = web_control(c, f, control_keys_stage, buf_slice(&items));
	if (r)
		control_unstage(&f->control);
	return r;
}

int
web_keys_register(struct web_call *c, struct slice body)
{
	struct web_register m;
	struct web_flow *f;
	int r = web_register_get(body, &m);

	if (r == LL_OK)
		r = keys_flow(c, &f);
	return r ? r : web_register_with(c, f, control_login_register, m.request);
}

/* What new verifiers are there? */
static int
new_verifiers(struct slice items, bool *ret_any, bool *ret_password)
{
	struct reader rd = reader_new(items);
	struct slice item;
	struct verifier v;
	int r = LL_OK;

	*ret_any = *ret_password = false;
	while (r == LL_OK && control_items_next(&rd, &item)) {
		r = verifier_decode(item, &v);
		*ret_any = true;
		*ret_password = *ret_password || (r == LL_OK && v.type == UNLOCK_PASSWORD);
	}
	return r ? r : rd.err;
}

static void
password_changed(struct web_call *c)
{
	int r = web_sessions_close(c->account, c->session->id);

	if (r)
		log_error("web-account", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

int
web_keys_update(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf verifiers = BUF_INIT(IPC_PAYLOAD_MAX);
	bool any = false, password = false;
	struct web_update m;
	struct web_flow *f;
	int r = web_update_get(body, &m);

	if (r == LL_OK)
		r = new_verifiers(m.verifiers, &any, &password);
	if (r == LL_OK && any)
		r = web_need_fresh(c);
	if (r == LL_OK)
		r = keys_flow(c, &f);
	if (r == LL_OK && memcmp(f->change, m.change, WEB_ID) != 0)
		return web_fail(c, LL_ERR_EXISTS, "conflict",
			"Another change of the keys came between; try again.");
	if (r == LL_OK)
		r = control_verifiers_put(
			&verifiers, &(struct control_verifiers){.items = m.verifiers});
	if (r)
		return r;
	r = web_control(c, f, control_keys_update, buf_slice(&verifiers));
	if (r == LL_ERR_EXISTS)
		c->code = "conflict";
	else if (r == LL_ERR_AUTH)
		c->code = "malformed";
	if (r == LL_OK)
		r = directory_account(auth.directory, c->owner.id, &c->owner);
	if (r)
		return r;
	web_alert_unlockers(&c->owner, c, m.verifiers);
	if (password)
		password_changed(c);
	return web_pin_put(&c->answer,
		&(struct web_pin){.identity = SLICE_OF(c->owner.pin.identity),
			.seq = c->owner.pin.seq,
			.hash = SLICE_OF(c->owner.pin.hash)});
}

struct listing {
	struct web_call *c;
	struct buf items;
};

static int
put_unlocker(void *ctx, const struct verifier *v)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(4096);
	struct listing *l = ctx;
	struct web_unlocker m = {.type = (uint8_t)v->type,
		.name = slice_str(v->name),
		.areas = v->scope.areas,
		.protocols = v->scope.protocols,
		.created = (uint64_t)v->created,
		.expires = (uint64_t)v->scope.expires,
		.last_used = (uint64_t)web_use_last(l->c->account, v->id)};
	int r;

	memcpy(m.id, v->id, sizeof(m.id));
	r = web_unlocker_put(&item, &m);
	return r ? r : control_items_add(&l->items, buf_slice(&item));
}

int
web_unlockers(struct web_call *c, struct slice body)
{
	struct listing l = {c, BUF_INIT(CONTROL_ITEMS_MAX)};
	int r;

	web_oauth_sweep();
	r = login_verifiers(c->owner.id, put_unlocker, &l);

	if (r == LL_OK)
		r = web_unlockers_form_put(
			&c->answer, &(struct web_unlockers_form){.unlockers = buf_slice(&l.items)});
	buf_done(&l.items);
	return r;
}

int
web_account_delete(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	struct web_flow *f;
	int r = keys_flow(c, &f);

	if (r == LL_OK)
		r = control_name_put(
			&name, &(struct control_name){.name = slice_str(c->owner.address)});
	if (r == LL_OK)
		r = web_control(c, f, control_account_delete, buf_slice(&name));
	if (r)
		return r;
	web_flow_free(f);
	c->cookie = WEB_COOKIE_CLEAR;
	return LL_OK;
}
