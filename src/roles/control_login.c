/* Signing in as an account's owner on the operator's socket, to change its keys; and what the
 * operator may see and do about unlockers without.
 *
 * A name that nobody has gets an answer of the same form, made from the server's keys. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "keys/verifier.h"
#include "roles/control.h"
#include "roles/web.h"

#include <string.h>

/* --- signing out --- */

void
control_sign_out(const uint8_t account[RECORD_ID_LEN], const uint8_t *unlocker)
{
	size_t pos = 0;
	void *value;

	while (map_next(auth.tickets, &pos, NULL, &value)) {
		struct ticket *t = value;
		/* One that no frontend holds is its session's own, and ends with that. */
		if (t->frontend && memcmp(t->account, account, RECORD_ID_LEN) == 0 &&
			(!unlocker || memcmp(t->unlocker, unlocker, RECORD_ID_LEN) == 0))
			ticket_revoke(t);
	}
	session_end(account);
}

/* --- signing in --- */

struct find_type {
	enum unlock_type type;
	bool found;
	struct verifier v;
};

static int
is_type(void *ctx, const struct verifier *v)
{
	struct find_type *f = ctx;

	if (v->type == f->type && !f->found) {
		f->found = true;
		f->v = *v;
	}
	return LL_OK;
}

static void
owner_reset(struct control_owner *o)
{
	if (o->opaque)
		SECRET_FREE(o->opaque);
	memset(o, 0, sizeof(*o));
}

/* Ids of nobody, the same at every attempt. */
static void
make_up(struct control_owner *o, struct slice name)
{
	struct directory_keys keys = *auth.keys;
	uint8_t ids[32];

	memcpy(keys.name, keys.fake, sizeof(keys.name));
	directory_name(&keys, "account", name, ids);
	memcpy(o->account, ids, sizeof(o->account));
	memcpy(o->unlocker, ids + 16, sizeof(o->unlocker));
	secret_wipe(&keys, sizeof(keys));
}

static int
find_owner(struct control *c, struct slice name, enum unlock_type type, struct find_type *f)
{
	struct control_owner *o = &c->owner;
	struct directory_account a;
	int r = control_find(c, name, &a);

	*f = (struct find_type){.type = type};
	if (r == LL_OK)
		r = login_verifiers(a.id, is_type, f);
	if (r && r != LL_ERR_NOTFOUND)
		return r;
	o->known = f->found;
	if (!f->found) {
		make_up(o, name);
		/* The store is asked as often as for an account that is here. */
		return r == LL_ERR_NOTFOUND ? login_verifiers(o->account, is_type, f) : LL_OK;
	}
	memcpy(o->account, a.id, sizeof(o->account));
	memcpy(o->unlocker, f->v.id, sizeof(o->unlocker));
	memcpy(o->auth_hash, f->v.auth_hash, sizeof(o->auth_hash));
	return LL_OK;
}

static int
answer_login(struct control *c, struct slice data)
{
	struct control_login m = {.data = data};
	struct directory_account a;
	int r = LL_OK;

	memcpy(m.account, c->owner.account, sizeof(m.account));
	memcpy(m.unlocker, c->owner.unlocker, sizeof(m.unlocker));
	if (c->owner.proved) {
		r = directory_account(auth.directory, c->owner.account, &a);
		m.identity = SLICE_OF(a.pin.identity);
		m.seq = a.pin.seq;
		m.hash = SLICE_OF(a.pin.hash);
	}
	return r ? r : control_login_put(&c->answer, &m);
}

int
control_login_start(struct control *c, struct slice body)
{
	const struct opaque_params params = OPAQUE_SUITE;
	struct control_opaque_name m;
	uint8_t ke2[OPAQUE_KE2_LEN];
	struct find_type f;
	int r = control_opaque_name_get(body, &m);

	if (r)
		return r;
	owner_reset(&c->owner);
	r = find_owner(c, m.name, m.data.len ? UNLOCK_PASSWORD : UNLOCK_RECOVERY, &f);
	if (r || m.data.len == 0)
		return r ? r : answer_login(c, SLICE_NONE);
	c->owner.opaque = SECRET_NEW(struct opaque_login);
	if (!c->owner.opaque)
		return LL_ERR_NOMEM;
	r = opaque_server_login(auth.opaque, &params, SLICE_OF(c->owner.account),
		f.found ? SLICE_OF(f.v.opaque) : SLICE_NONE, m.data, NULL, c->owner.opaque, ke2);
	return r ? r : answer_login(c, SLICE_OF(ke2));
}

static int
proved(struct control *c, int r)
{
	if (r == LL_OK && c->owner.known) {
		auth.logins++;
		c->owner.proved = true;
		return answer_login(c, SLICE_NONE);
	}
	auth.failures++;
	owner_reset(&c->owner);
	return control_fail(c, LL_ERR_AUTH, "this is not the right password or recovery code");
}

int
control_login_password(struct control *c, struct slice body)
{
	struct control_opaque m;
	int r = control_opaque_get(body, &m);

	if (r || !c->owner.opaque)
		return r ? r : LL_ERR_STATE;
	r = opaque_server_finish(c->owner.opaque, m.data);
	SECRET_FREE(c->owner.opaque);
	return proved(c, r);
}

int
control_login_recovery(struct control *c, struct slice body)
{
	struct control_opaque m;
	int r = control_opaque_get(body, &m);

	if (r)
		return r;
	return proved(
		c, c->owner.known ? unlock_auth_check(m.data, c->owner.auth_hash) : LL_ERR_AUTH);
}

int
control_login_register(struct control *c, struct slice body)
{
	uint8_t response[OPAQUE_RESPONSE_LEN];
	struct control_opaque m;
	int r = control_opaque_get(body, &m);

	if (r == LL_OK && !c->owner.proved)
		r = LL_ERR_STATE;
	if (r == LL_OK)
		r = opaque_server_register(
			auth.opaque, SLICE_OF(c->owner.account), m.data, response);
	return r ? r
		 : control_opaque_put(
			   &c->answer, &(struct control_opaque){.data = SLICE_OF(response)});
}

/* --- without the owner --- */

struct unlocker_listing {
	const struct web_account *uses;
	struct control_list list;
};

static int
list_unlocker(void *ctx, const struct verifier *v)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(4096);
	struct unlocker_listing *l = ctx;
	struct control_unlocker m = {.type = (uint8_t)v->type,
		.areas = v->scope.areas,
		.protocols = v->scope.protocols,
		.expires = (uint64_t)v->scope.expires,
		.created = (uint64_t)v->created,
		.last_used = (uint64_t)web_use_last(l->uses, v->id),
		.name = slice_str(v->name)};
	int r;

	memcpy(m.id, v->id, sizeof(m.id));
	r = control_unlocker_put(&item, &m);
	return r ? r : control_list_add(&l->list, buf_slice(&item));
}

int
control_unlocker_list(struct control *c, struct slice body)
{
	CLEANUP(web_account_cleanup) struct web_account *uses = NULL;
	struct unlocker_listing l = {.list = {.items = BUF_INIT(CONTROL_ITEMS_MAX)}};
	const struct web_place p = web_place();
	struct directory_account a;
	int r = control_find_named(c, body, &a);

	if (r == LL_OK)
		r = web_account_load(&p, a.id, &uses);
	l.uses = uses;
	if (r == LL_OK)
		r = login_verifiers(a.id, list_unlocker, &l);
	r = control_list_end(c, &l.list, r);
	control_list_done(&l.list);
	return r;
}

static int
delete_all(const uint8_t account[RECORD_ID_LEN], const struct key_changes *changes)
{
	struct store_op ops[STORE_OPS_MAX];
	struct store_commit commit = {.expect = STORE_ANY_VERSION, .ops = ops, .n = changes->v.len};

	memcpy(commit.partition.b, account, sizeof(commit.partition.b));
	if (changes->v.len > ARRAY_SIZE(ops))
		return LL_ERR_LIMIT;
	for (size_t i = 0; i < changes->v.len; i++)
		ops[i] = (struct store_op){.kind = STORE_DEL, .key = changes->v.at[i].key};
	return store_commit_sync(auth.store, &commit, NULL);
}

static int
forget(const struct directory_account *a, const uint8_t unlocker[RECORD_ID_LEN])
{
	struct key_records records = {.v = {0}};
	struct key_changes changes = {.v = {0}};
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	const struct manifest_unlocker *u;
	struct account_pin pin;
	int r = login_manifests(a->id, &a->pin, &records);

	if (r == LL_OK)
		r = account_manifest(a->id, &a->pin, &records, &m, &pin);
	key_records_done(&records);
	if (r)
		return r;
	u = manifest_find(m, unlocker);
	if (u && u->type != UNLOCK_APP)
		return LL_ERR_DENIED;
	r = u ? account_forget_unlocker(m, unlocker, &changes) : LL_ERR_NOTFOUND;
	if (r == LL_OK)
		r = delete_all(a->id, &changes);
	key_changes_done(&changes);
	return r;
}

int
control_unlocker_revoke(struct control *c, struct slice body)
{
	struct control_unlocker_ref m;
	struct directory_account a;
	int r = control_unlocker_ref_get(body, &m);

	if (r == LL_OK)
		r = control_find(c, m.name, &a);
	if (r)
		return r;
	r = forget(&a, m.id);
	if (r == LL_ERR_DENIED)
		c->why = "only its owner can replace a password or recovery code";
	else if (r == LL_ERR_NOTFOUND)
		c->why = "there is no such app password";
	if (r == LL_OK)
		control_sign_out(a.id, m.id);
	return r;
}
