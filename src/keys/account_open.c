/* Opening an account with an unlock secret. The order is the order of trust: the secret opens the
 * anchor, the anchor names the identity key, that key has signed the manifest, and the manifest
 * says what everything else must be. Nothing that the store returned is used before that. */
#include "base/error.h"
#include "base/secret.h"
#include "keys/account_priv.h"
#include "keys/grant.h"
#include "keys/kdf.h"
#include "keys/wire.h"

#include <stdlib.h>
#include <string.h>

struct account_unlocked {
	struct account_entry entry;
	struct area_secrets secrets;
};

void
account_entry_done(struct account_entry *e)
{
	manifest_free(e->manifest);
	record_opener_free(e->opener);
	memset(e, 0, sizeof(*e));
}

static int
open_anchor(const struct account_open *open, const struct unlock_keys *keys, struct anchor *ret)
{
	struct account_key key = account_key_anchor(open->unlocker);
	struct slice record = key_records_get(open->records, account_key_slice(&key));
	int err;

	if (record.len == 0)
		return LL_ERR_NOTFOUND;
	err = anchor_open(keys->anchor, open->account, open->unlocker, record, ret);
	if (!err && ret->type != open->type)
		err = LL_ERR_AUTH;
	return err;
}

/* The manifest against the anchor's floor. */
static int
check_floor(const struct anchor *a, const struct manifest *m)
{
	return m->seq < a->floor_seq ? LL_ERR_AUTH : wire_floor_check(&m->floor, &a->floor);
}

static bool
scope_eq(const struct scope *a, const struct scope *b)
{
	return a->areas == b->areas && a->protocols == b->protocols && a->expires == b->expires;
}

/* The manifest's line about this unlocker against the anchor and the public key of the secret. */
static int
check_listed(const struct anchor *a, const struct manifest *m, const uint8_t *public, int64_t now)
{
	const struct manifest_unlocker *u = manifest_find(m, a->unlocker);
	uint8_t hash[MANIFEST_HASH_LEN];

	if (!u || u->type != a->type || !scope_eq(&u->scope, &a->scope))
		return LL_ERR_AUTH;
	hash_sha256(slice_new(public, XWING_PUBLIC_LEN), hash);
	if (memcmp(hash, u->public_hash, sizeof(hash)) != 0)
		return LL_ERR_AUTH;
	return u->scope.expires && now >= u->scope.expires ? LL_ERR_DENIED : LL_OK;
}

static int
enter(const struct account_open *open, const struct unlock_keys *keys, struct account_entry *e)
{
	int err = open_anchor(open, keys, &e->anchor);

	if (!err)
		err = account_manifest_under(open->account, e->anchor.identity, open->pin,
			open->records, &e->manifest, &e->pin);
	if (!err)
		err = check_floor(&e->anchor, e->manifest);
	if (!err)
		err = record_opener_new(keys->kem, &e->opener);
	if (!err)
		err = check_listed(
			&e->anchor, e->manifest, record_opener_public(e->opener), open->now);
	return err;
}

int
account_enter(const struct account_open *open, struct account_entry *ret)
{
	struct unlock_keys *keys = SECRET_NEW(struct unlock_keys);
	struct account_entry e = {.manifest = NULL};
	int err;

	if (!keys)
		return LL_ERR_NOMEM;
	err = unlock_derive(open->type, open->secret, open->account, open->unlocker, keys);
	if (!err)
		err = enter(open, keys, &e);
	SECRET_FREE(keys);
	if (err)
		account_entry_done(&e);
	else
		*ret = e;
	return err;
}

/* The key of one of the unlocker's grants. LL_ERR_NOTFOUND, LL_ERR_AUTH. */
static int
account_granted(const struct account_entry *e, const struct key_records *records,
	enum record_area area, uint32_t version, uint8_t ret_key[RECORD_KEY_LEN])
{
	struct account_key key = account_key_grant(
		e->anchor.unlocker, area, version, manifest_grant_tag(e->manifest, area, version));
	struct slice record = key_records_get(records, account_key_slice(&key));
	struct grant g = {.area = area, .version = version};

	if (record.len == 0)
		return LL_ERR_NOTFOUND;
	memcpy(g.account, e->anchor.account, RECORD_ID_LEN);
	memcpy(g.unlocker, e->anchor.unlocker, RECORD_ID_LEN);
	return grant_open(e->opener, e->anchor.identity, &g, record, ret_key);
}

/* Private keys are kept as seeds, and their public halves are derived again (R2). */
static int
check_keyring(const struct account_entry *e, const struct keyring *k)
{
	struct ed25519_key identity;
	int err = LL_OK;

	ed25519_key_init(&identity, k->identity_seed);
	if (memcmp(identity.public, e->anchor.identity, ED25519_PUBLIC_LEN) != 0)
		err = LL_ERR_AUTH;
	ed25519_key_wipe(&identity);
	/* A keyring goes with one manifest: the one that has its hash. */
	if (!err && k->floor_seq > e->manifest->seq)
		err = LL_ERR_AUTH;
	if (!err)
		err = wire_floor_check(&e->manifest->floor, &k->floor);
	return err ? err : area_secrets_check(&k->secrets, e->manifest, SCOPE_AREAS_ALL);
}

int
account_open_keyring(const struct account_entry *e, const struct key_records *records,
	uint8_t ret_root[RECORD_KEY_LEN], struct keyring *ret)
{
	struct account_key key = account_key_keyring(e->manifest->keyring_hash);
	struct slice record = key_records_get(records, account_key_slice(&key));
	struct keyring k;
	int err;

	if (e->anchor.scope.areas != SCOPE_ROOT)
		return LL_ERR_DENIED;
	if (record.len == 0)
		return LL_ERR_NOTFOUND;
	err = account_granted(e, records, RECORD_AREA_NONE, e->manifest->root_version, ret_root);
	if (!err)
		err = keyring_open(ret_root, e->manifest, record, &k);
	if (err)
		return err;
	err = check_keyring(e, &k);
	if (err)
		keyring_done(&k);
	else
		*ret = k;
	return err;
}

void
account_unlocked_free(struct account_unlocked *u)
{
	if (!u)
		return;
	account_entry_done(&u->entry);
	area_secrets_done(&u->secrets);
	free(u);
}

void
account_unlocked_cleanup(struct account_unlocked **u)
{
	account_unlocked_free(*u);
}

/* Every version of every area in scope, in the order that area_secrets_check wants. */
static int
open_grants(struct account_unlocked *u, const struct key_records *records)
{
	const struct manifest *m = u->entry.manifest;
	uint8_t *key = secret_alloc(RECORD_KEY_LEN);
	int err = key ? LL_OK : LL_ERR_NOMEM;

	for (enum record_area a = RECORD_AREA_MAIL; a < RECORD_AREAS && !err; a++) {
		if (!(u->entry.anchor.scope.areas & SCOPE_AREA(a)))
			continue;
		for (uint32_t v = 1; v <= m->areas[a].version && !err; v++) {
			err = account_granted(&u->entry, records, a, v, key);
			if (!err)
				err = area_secrets_add(&u->secrets, a, v, key);
		}
	}
	secret_free(key, RECORD_KEY_LEN);
	return err ? err : area_secrets_check(&u->secrets, m, u->entry.anchor.scope.areas);
}

static int
open_root(struct account_unlocked *u, const struct key_records *records)
{
	uint8_t *root = secret_alloc(RECORD_KEY_LEN);
	struct keyring k;
	int err;

	if (!root)
		return LL_ERR_NOMEM;
	err = account_open_keyring(&u->entry, records, root, &k);
	secret_free(root, RECORD_KEY_LEN);
	if (err)
		return err;
	u->secrets = k.secrets;
	k.secrets = (struct area_secrets){.v = {0}};
	keyring_done(&k);
	return LL_OK;
}

int
account_unlock(const struct account_open *open, struct account_unlocked **ret)
{
	CLEANUP(account_unlocked_cleanup) struct account_unlocked *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return LL_ERR_NOMEM;
	err = account_enter(open, &u->entry);
	if (!err)
		err = u->entry.anchor.scope.areas == SCOPE_ROOT ? open_root(u, open->records)
								: open_grants(u, open->records);
	if (err)
		return err;
	/* It has opened what it was for. */
	record_opener_free(TAKE(u->entry.opener));
	*ret = TAKE(u);
	return LL_OK;
}

const struct scope *
account_unlocked_scope(const struct account_unlocked *u)
{
	return &u->entry.anchor.scope;
}

const struct account_pin *
account_unlocked_pin(const struct account_unlocked *u)
{
	return &u->entry.pin;
}

const struct manifest *
account_unlocked_manifest(const struct account_unlocked *u)
{
	return u->entry.manifest;
}

size_t
account_unlocked_len(const struct account_unlocked *u)
{
	return u->secrets.v.len;
}

const struct area_secret *
account_unlocked_at(const struct account_unlocked *u, size_t i)
{
	return u->secrets.v.at[i];
}
