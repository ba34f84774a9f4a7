/* Store keys, copies of stored records, the chain of manifests, and what an area secret stands for.
 */
#include "keys/account_keys.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/account_priv.h"
#include "keys/kdf.h"

#include <stdlib.h>
#include <string.h>

struct slice
account_key_slice(const struct account_key *k)
{
	return slice_new(k->bytes, k->len);
}

static void
key_put(struct account_key *k, const void *bytes, size_t n)
{
	assert(k->len + n <= sizeof(k->bytes));
	memcpy(k->bytes + k->len, bytes, n);
	k->len += n;
}

static struct account_key
key_of_id(const char *prefix, const uint8_t id[RECORD_ID_LEN])
{
	struct account_key k = {.len = 0};

	key_put(&k, prefix, strlen(prefix));
	key_put(&k, id, RECORD_ID_LEN);
	return k;
}

struct account_key
account_key_anchor(const uint8_t id[RECORD_ID_LEN])
{
	return key_of_id(ACCOUNT_ANCHOR_PREFIX, id);
}

/* The prefix of all grants of one unlocker. */
static struct account_key
account_key_grants(const uint8_t id[RECORD_ID_LEN])
{
	return key_of_id(ACCOUNT_GRANT_PREFIX, id);
}

struct account_key
account_key_grant(const uint8_t id[RECORD_ID_LEN], enum record_area area, uint32_t version,
	const uint8_t tag[MANIFEST_TAG_LEN])
{
	struct account_key k = account_key_grants(id);
	uint8_t key[5] = {(uint8_t)area};

	be32_put(key + 1, version);
	key_put(&k, key, sizeof(key));
	key_put(&k, tag, MANIFEST_TAG_LEN);
	return k;
}

struct account_key
account_key_keyring(const uint8_t hash[MANIFEST_HASH_LEN])
{
	return key_of_id(ACCOUNT_KEYRING_PREFIX, hash);
}

struct account_key
account_key_manifest(uint64_t seq)
{
	struct account_key k = {.len = 0};
	uint8_t number[8];

	be64_put(number, UINT64_MAX - seq);
	key_put(&k, ACCOUNT_MANIFEST_PREFIX, strlen(ACCOUNT_MANIFEST_PREFIX));
	key_put(&k, number, sizeof(number));
	return k;
}

struct account_key
account_key_unlock(const uint8_t id[RECORD_ID_LEN])
{
	return key_of_id(ACCOUNT_UNLOCK_PREFIX, id);
}

struct account_key
account_key_verifier(const uint8_t id[RECORD_ID_LEN])
{
	return key_of_id(ACCOUNT_VERIFIER_PREFIX, id);
}

void
key_records_done(struct key_records *r)
{
	VEC_EACH (p, &r->v)
		free(p->mem);
	VEC_DONE(&r->v);
}

int
key_records_row(void *records, struct slice key, struct slice value)
{
	struct key_records *r = records;
	uint8_t *mem = malloc(key.len + value.len + 1);
	struct key_record record;

	if (!mem)
		return LL_ERR_NOMEM;
	if (key.len)
		memcpy(mem, key.ptr, key.len);
	if (value.len)
		memcpy(mem + key.len, value.ptr, value.len);
	record = (struct key_record){
		mem, slice_new(mem, key.len), slice_new(mem + key.len, value.len)};
	if (VEC_PUSH(&r->v, record) != LL_OK) {
		free(mem);
		return LL_ERR_NOMEM;
	}
	return LL_OK;
}

struct slice
key_records_get(const struct key_records *r, struct slice key)
{
	for (size_t i = 0; i < r->v.len; i++)
		if (slice_eq(r->v.at[i].key, key))
			return r->v.at[i].value;
	return SLICE_NONE;
}

/* The highest seq that a stored manifest's key claims. */
static int
newest_seq(const struct key_records *records, uint64_t *ret)
{
	const struct slice prefix = S(ACCOUNT_MANIFEST_PREFIX);
	int err = LL_ERR_NOTFOUND;
	uint64_t newest = 0;

	for (size_t i = 0; i < records->v.len; i++) {
		struct slice key = records->v.at[i].key;

		if (!slice_starts(key, prefix) || key.len != prefix.len + 8)
			continue;
		newest = MAX(newest, UINT64_MAX - be64_get(key.ptr + prefix.len));
		err = LL_OK;
	}
	if (!err)
		*ret = newest;
	return err;
}

static int
open_at(const uint8_t account[RECORD_ID_LEN], const uint8_t identity[ED25519_PUBLIC_LEN],
	const struct key_records *records, uint64_t seq, struct manifest **ret,
	uint8_t ret_hash[MANIFEST_HASH_LEN])
{
	struct account_key key = account_key_manifest(seq);
	struct slice record = key_records_get(records, account_key_slice(&key));
	struct manifest *m;
	int err;

	if (record.len == 0)
		return LL_ERR_AUTH;
	err = manifest_open(account, identity, record, &m);
	if (err)
		return err;
	if (m->seq != seq) {
		manifest_free(m);
		return LL_ERR_AUTH;
	}
	manifest_hash(record, ret_hash);
	*ret = m;
	return LL_OK;
}

/* Walks from the newest manifest, whose hash is known, down to the pinned one. Each must be what
 * the next one names as its previous. */
static int
check_links(const struct account_pin *newest, const struct manifest *m,
	const struct account_pin *pin, const struct key_records *records)
{
	uint8_t previous[MANIFEST_HASH_LEN], hash[MANIFEST_HASH_LEN];

	if (newest->seq < pin->seq)
		return LL_ERR_AUTH;
	memcpy(hash, newest->hash, sizeof(hash));
	memcpy(previous, m->previous, sizeof(previous));
	for (uint64_t seq = newest->seq; seq > pin->seq; seq--) {
		struct manifest *older;
		int err = open_at(m->account, newest->identity, records, seq - 1, &older, hash);

		if (err)
			return err;
		err = memcmp(hash, previous, sizeof(hash)) == 0 ? LL_OK : LL_ERR_AUTH;
		memcpy(previous, older->previous, sizeof(previous));
		manifest_free(older);
		if (err)
			return err;
	}
	return memcmp(hash, pin->hash, sizeof(hash)) == 0 ? LL_OK : LL_ERR_AUTH;
}

int
account_manifest_under(const uint8_t account[RECORD_ID_LEN],
	const uint8_t identity[ED25519_PUBLIC_LEN], const struct account_pin *pin,
	const struct key_records *records, struct manifest **ret, struct account_pin *ret_pin)
{
	CLEANUP(manifest_cleanup) struct manifest *m = NULL;
	struct account_pin newest;
	int err = newest_seq(records, &newest.seq);

	if (err)
		return err;
	if (pin && memcmp(pin->identity, identity, ED25519_PUBLIC_LEN) != 0)
		return LL_ERR_AUTH;
	memcpy(newest.identity, identity, ED25519_PUBLIC_LEN);
	err = open_at(account, identity, records, newest.seq, &m, newest.hash);
	if (!err && pin)
		err = check_links(&newest, m, pin, records);
	if (err)
		return err;
	*ret_pin = newest;
	*ret = TAKE(m);
	return LL_OK;
}

int
account_manifest(const uint8_t account[RECORD_ID_LEN], const struct account_pin *pin,
	const struct key_records *records, struct manifest **ret, struct account_pin *ret_pin)
{
	return account_manifest_under(account, pin->identity, pin, records, ret, ret_pin);
}

void
area_keys_derive(const struct area_secret *secret, struct area_keys *ret)
{
	kdf_derive(secret->key, "seal", ret->seal, sizeof(ret->seal));
	kdf_derive(secret->key, "object", ret->object, sizeof(ret->object));
	kdf_derive(secret->key, "index", ret->index, sizeof(ret->index));
	kdf_derive(secret->key, "journal", ret->journal, sizeof(ret->journal));
}

int
area_seal_public(const struct area_secret *secret, uint8_t ret[XWING_PUBLIC_LEN])
{
	struct xwing_key *key;
	uint8_t seed[XWING_SEED_LEN];
	int err;

	kdf_derive(secret->key, "seal", seed, sizeof(seed));
	err = xwing_key_new(seed, &key);
	secret_wipe(seed, sizeof(seed));
	if (err)
		return err;
	memcpy(ret, xwing_key_public(key), XWING_PUBLIC_LEN);
	xwing_key_free(key);
	return LL_OK;
}
