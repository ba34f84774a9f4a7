/* The account's keys in this process, and sealing and opening with the one that a record's type and
 * key version ask for. */
#include "account/engine.h"

#include "base/secret.h"
#include "keys/kdf.h"

#include <stdlib.h>

static const uint8_t *
vault_key(const struct vault_version *v, enum rec_type type)
{
	switch (type) {
	case REC_KEY:
		return v->area.object;
	case REC_HEAD:
		return v->area.journal;
	case REC_THR:
	case REC_SIG:
		return v->area.index;
	default:
		return v->ready ? v->collection : NULL;
	}
}

static const struct vault_version *
vault_find(const struct vault *v, uint32_t version)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->at[i].version == version)
			return &v->at[i];
	return NULL;
}

uint32_t
vault_current(const struct vault *v)
{
	return v->at[v->n - 1].version;
}

static int
version_cmp(const void *a, const void *b)
{
	const struct vault_version *x = a, *y = b;

	return x->version < y->version ? -1 : x->version > y->version;
}

int
vault_new(const struct account_env *env, struct vault **ret)
{
	struct vault *v = SECRET_NEW(struct vault);

	if (!v)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < env->n_secrets; i++) {
		if (env->secrets[i].area != RECORD_AREA_MAIL)
			continue;
		if (v->n == VAULT_VERSIONS_MAX) {
			vault_free(v);
			return LL_ERR_LIMIT;
		}
		v->at[v->n].version = env->secrets[i].version;
		area_keys_derive(&env->secrets[i], &v->at[v->n++].area);
	}
	if (!v->n) {
		vault_free(v);
		return LL_ERR_AUTH;
	}
	qsort(v->at, v->n, sizeof(v->at[0]), version_cmp);
	*ret = v;
	return LL_OK;
}

void
vault_free(struct vault *v)
{
	if (v)
		SECRET_FREE(v);
}

static void
version_ready(struct vault_version *v)
{
	kdf_derive(v->collection, "body mask", v->mask, sizeof(v->mask));
	v->ready = true;
}

int
vault_make_key(
	struct vault *v, const struct account_env *env, struct rec_key *ret_key, struct buf *out)
{
	struct vault_version *cur = &v->at[v->n - 1];
	struct rec_id id = {.type = REC_KEY, .number = cur->version};
	int err = env->random(env->ctx, cur->collection, sizeof(cur->collection));

	if (!err)
		err = vault_seal(v, env->id, &id, 0, SLICE_OF(cur->collection), out);
	if (err)
		return err;
	version_ready(cur);
	*ret_key = rec_key_make(&id);
	return LL_OK;
}

static int
version_load(struct account *a, struct vault_version *v)
{
	struct rec_id id = {.type = REC_KEY, .number = v->version};
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(RECORD_KEY_LEN);
	int err = rec_get(a, &id, 0, NULL, &plain);

	if (err)
		return err;
	if (plain.len != RECORD_KEY_LEN)
		return LL_ERR_CORRUPT;
	memcpy(v->collection, plain.ptr, RECORD_KEY_LEN);
	version_ready(v);
	return LL_OK;
}

/* The area secret has a new version that nothing was sealed under yet. */
int
vault_start(struct account *a)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	struct rec_key key;
	struct store_op op = {.kind = STORE_PUT_NEW};
	struct store_commit c = {a->env.id, STORE_ANY_VERSION, &op, 1, 0};
	int err = vault_make_key(a->vault, &a->env, &key, &sealed);

	if (err)
		return err;
	op.key = rec_key_slice(&key);
	op.value = buf_slice(&sealed);
	err = store_commit_sync(a->env.store, &c, NULL);
	/* Another process was first: take its key. */
	return err == LL_ERR_EXISTS ? version_load(a, &a->vault->at[a->vault->n - 1]) : err;
}

int
vault_load(struct account *a)
{
	struct vault *v = a->vault;
	bool any = false;

	for (size_t i = 0; i < v->n; i++) {
		int err = version_load(a, &v->at[i]);
		if (err && err != LL_ERR_NOTFOUND)
			return err;
		any |= !err;
	}
	if (!any)
		return LL_ERR_NOTFOUND;
	return v->at[v->n - 1].ready ? LL_OK : vault_start(a);
}

int
vault_seal(const struct vault *v, struct store_id account, const struct rec_id *id, uint64_t rev,
	struct slice plain, struct buf *out)
{
	const struct vault_version *cur = &v->at[v->n - 1];
	struct record_header h = rec_header(account, id, cur->version, rev);
	const uint8_t *key = vault_key(cur, id->type);

	return key ? record_sym_seal(key, &h, plain, out) : LL_ERR_AUTH;
}

int
vault_open(const struct vault *v, struct store_id account, const struct rec_id *id, uint64_t rev,
	struct slice sealed, uint64_t *ret_rev, struct buf *out)
{
	struct record_header h;
	struct record_want want = {.any = rev == REV_ANY ? RECORD_ANY_REV : 0};
	const struct vault_version *ver;
	const uint8_t *key;
	int err = record_parse(sealed, &h);

	if (err)
		return err == LL_ERR_NOMEM ? err : LL_ERR_AUTH;
	ver = vault_find(v, h.keyver);
	key = ver ? vault_key(ver, id->type) : NULL;
	if (!key)
		return LL_ERR_AUTH;
	want.header = rec_header(account, id, ver->version, rev == REV_ANY ? 0 : rev);
	err = record_sym_open(key, &want, sealed, &h, out);
	if (!err && ret_rev)
		*ret_rev = h.rev;
	return err;
}

int
vault_mask(const struct vault *v, uint32_t version, struct store_id blob,
	const uint8_t in[RECORD_KEY_LEN], uint8_t out[RECORD_KEY_LEN])
{
	const struct vault_version *ver = vault_find(v, version);
	uint8_t mask[HASH_MAX_LEN];

	if (!ver || !ver->ready)
		return LL_ERR_AUTH;
	hmac_once(HASH_SHA256, SLICE_OF(ver->mask), SLICE_OF(blob.b), mask);
	for (size_t i = 0; i < RECORD_KEY_LEN; i++)
		out[i] = in[i] ^ mask[i];
	secret_wipe(mask, sizeof(mask));
	return LL_OK;
}
