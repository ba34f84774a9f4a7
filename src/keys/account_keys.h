/* An account's keys as they are stored, and how a server process opens them with an unlock secret.
 *
 * Records in the account's partition; ids are 16 raw bytes, numbers big-endian, so that "k/" is one
 * range and the newest manifest is the first record of its own:
 *
 *	k/anchor/   id                    ANCHOR: sealed under U_anchor
 *	k/grant/    id area:1 version:4 tag:8
 *	                                  GRANT: to pk_U, signed by the identity key; area 0 is Root
 *	k/keyring/  hash:16               KEYRING: sealed under Expand(Root, "keyring")
 *	k/manifest/ (2^64-1 - seq):8      MANIFEST: signed by the identity key
 *	k/unlock/   id                    pk_U; the manifest has its hash
 *	k/verifier/ id                    verifier.h, sealed by auth under the directory key
 *
 * A grant's tag names the key itself (manifest_grant_tag) and a keyring's hash its content: two
 * clients that change an account at once never overwrite each other's records; the one whose
 * manifest is second loses and starts again.
 *
 * The first five are made by the owner's client (account_owner.h), and no process of the server can
 * make or alter them unnoticed. */
#ifndef KEYS_ACCOUNT_KEYS_H
#define KEYS_ACCOUNT_KEYS_H

#include "base/vec.h"
#include "keys/manifest.h"
#include "keys/unlock.h"

#define ACCOUNT_KEY_MAX 64
#define ACCOUNT_KEYS_PREFIX "k/"
#define ACCOUNT_ANCHOR_PREFIX "k/anchor/"
#define ACCOUNT_GRANT_PREFIX "k/grant/"
#define ACCOUNT_KEYRING_PREFIX "k/keyring/"
#define ACCOUNT_MANIFEST_PREFIX "k/manifest/"
#define ACCOUNT_UNLOCK_PREFIX "k/unlock/"
#define ACCOUNT_VERIFIER_PREFIX "k/verifier/"

/* A store key by value. */
struct account_key {
	uint8_t bytes[ACCOUNT_KEY_MAX];
	size_t len;
};
struct slice account_key_slice(const struct account_key *k);
struct account_key account_key_anchor(const uint8_t id[RECORD_ID_LEN]);
struct account_key account_key_grant(const uint8_t id[RECORD_ID_LEN], enum record_area area,
	uint32_t version, const uint8_t tag[MANIFEST_TAG_LEN]);
struct account_key account_key_keyring(const uint8_t hash[MANIFEST_HASH_LEN]);
struct account_key account_key_manifest(uint64_t seq);
struct account_key account_key_unlock(const uint8_t id[RECORD_ID_LEN]);
struct account_key account_key_verifier(const uint8_t id[RECORD_ID_LEN]);

/* Copies of stored records, as read from a partition. Others than those needed do no harm. */
struct key_record {
	uint8_t *mem;
	struct slice key, value;
};
struct key_records {
	VEC(struct key_record) v;
};
void key_records_done(struct key_records *r);
/* Has the form of a store_row: store_each(store, partition, prefix, key_records_row, &records). */
int key_records_row(void *records, struct slice key, struct slice value);
/* SLICE_NONE when absent. */
struct slice key_records_get(const struct key_records *r, struct slice key);

/* What is remembered of an account between openings, outside its partition: auth keeps it, sealed,
 * in the directory; a client keeps its own. */
struct account_pin {
	uint8_t identity[ED25519_PUBLIC_LEN];
	uint64_t seq; /* of the newest manifest seen */
	uint8_t hash[MANIFEST_HASH_LEN]; /* of it */
};

/* The newest stored manifest, verified under the pinned identity and linked, one by one, to the
 * pinned one: the records must hold k/manifest/ from the first one up to and including the pin's.
 * LL_ERR_AUTH: rolled back, forked, unlinked or forged. LL_ERR_NOTFOUND: there is none. */
int account_manifest(const uint8_t account[RECORD_ID_LEN], const struct account_pin *pin,
	const struct key_records *records, struct manifest **ret,
	struct account_pin *ret_pin) CHECKED;

/* One version of an area's secret; keep in secret memory. */
struct area_secret {
	enum record_area area;
	uint32_t version;
	uint8_t key[RECORD_KEY_LEN];
};

/* What an area secret stands for; keep in secret memory. seal opens deliveries and shares, object
 * wraps collection keys, index seals search segments, journal authenticates the head of changes. */
struct area_keys {
	uint8_t seal[XWING_SEED_LEN];
	uint8_t object[RECORD_KEY_LEN];
	uint8_t index[RECORD_KEY_LEN];
	uint8_t journal[RECORD_KEY_LEN];
};
void area_keys_derive(const struct area_secret *secret, struct area_keys *ret);
/* The X-Wing public key of an area secret. LL_ERR_NOMEM. */
int area_seal_public(const struct area_secret *secret, uint8_t ret[XWING_PUBLIC_LEN]) CHECKED;

struct account_open {
	uint8_t account[RECORD_ID_LEN];
	uint8_t unlocker[RECORD_ID_LEN];
	enum unlock_type type;
	struct slice secret; /* S_U */
	const struct key_records *records;
	const struct account_pin
		*pin; /* NULL: never seen before; only for a client's first sight */
	int64_t now; /* seconds since 1970 */
};

/* What an unlocker opened. */
struct account_unlocked;
/* Wipes; NULL is accepted. */
void account_unlocked_free(struct account_unlocked *u);
void account_unlocked_cleanup(struct account_unlocked **u);

/* Opens the areas in the unlocker's scope. Needs k/anchor/ID, k/grant/ID..., and k/manifest/ as
 * account_manifest does. Checked are: the anchor's AEAD, its account and unlocker; the identity key
 * against the pin; the manifest's signature, chain and floors; the unlocker's entry in the manifest
 * (type, scope, expiry, public key); every grant's signature and context; every area key against
 * the manifest. All versions of all areas in scope must be there. A Root unlocker gets every area
 * the same way through its keyring (then k/keyring/ is needed, too).
 * LL_ERR_AUTH: anything does not fit; LL_ERR_DENIED: expired; LL_ERR_NOTFOUND: a record is missing.
 */
int account_unlock(const struct account_open *open, struct account_unlocked **ret) CHECKED;

const struct scope *account_unlocked_scope(const struct account_unlocked *u);
/* To be remembered for the next opening. */
const struct account_pin *account_unlocked_pin(const struct account_unlocked *u);
const struct manifest *account_unlocked_manifest(const struct account_unlocked *u);
size_t account_unlocked_len(const struct account_unlocked *u);
/* In secret memory, valid as long as u; by area, then by version, oldest first. */
const struct area_secret *account_unlocked_at(const struct account_unlocked *u, size_t i);

#endif
