/* The keyring: all that Root opens. One sealed record with a revision, named by the manifest. */
#ifndef KEYS_KEYRING_H
#define KEYS_KEYRING_H

#include "base/secret.h"
#include "keys/account_keys.h"
#include "keys/verifier.h"

#define KEYRING_BODY_MAX ((size_t)58 << 10)
#define KEYRING_OPENPGP_MAX 8
#define KEYRING_OPENPGP_LEN_MAX (2 * SECRET_MAX)
/* Bytes of all OpenPGP keys together: with all lists full, the body still fits. */
#define KEYRING_OPENPGP_BYTES_MAX ((size_t)28 << 10)

/* Area secrets, each in secret memory, by area, then by version; complete from version 1. */
struct area_secrets {
	VEC(struct area_secret *) v;
};
void area_secrets_done(struct area_secrets *s);
/* Appends a copy. LL_ERR_NOMEM. */
int area_secrets_add(struct area_secrets *s, enum record_area area, uint32_t version,
	const uint8_t key[RECORD_KEY_LEN]) CHECKED;
/* Inserts a random next version behind those of its area; *ret lives as long as s. */
int area_secrets_next(struct area_secrets *s, enum record_area area, uint32_t version,
	const struct area_secret **ret) CHECKED;
const struct area_secret *area_secrets_find(
	const struct area_secrets *s, enum record_area area, uint32_t version);
/* Each secret's seal key against the manifest; every version of every area in `areas` must be there
 * and none besides. LL_ERR_AUTH. */
int area_secrets_check(
	const struct area_secrets *s, const struct manifest *m, unsigned areas) CHECKED;

struct unlock_name {
	uint8_t id[RECORD_ID_LEN];
	char text[UNLOCK_NAME_MAX + 1];
};

/* A transferable secret key (RFC 9580 section 10.2) without passphrase. Made and used by the web
 * client alone; here it is only kept. */
struct openpgp_secret {
	size_t len;
	uint8_t *piece[KEYRING_OPENPGP_LEN_MAX / SECRET_MAX]; /* secret memory, SECRET_MAX each */
};

struct keyring {
	uint8_t *identity_seed; /* ED25519_SEED_LEN bytes of secret memory */
	uint64_t floor_seq; /* the manifest made with it */
	struct suite_floor floor;
	struct area_secrets secrets;
	size_t n_names; /* ascending by id */
	struct unlock_name names[MANIFEST_UNLOCKERS_MAX];
	size_t n_openpgp; /* the first is the one in use */
	struct openpgp_secret openpgp[KEYRING_OPENPGP_MAX];
};

/* A zeroed keyring with its secret memory. LL_ERR_NOMEM. */
int keyring_init(struct keyring *k) CHECKED;
void keyring_done(struct keyring *k);

/* Appends a copy of an OpenPGP secret key. LL_ERR_LIMIT, LL_ERR_NOMEM. */
int keyring_add_openpgp(struct keyring *k, struct slice secret) CHECKED;

int keyring_encode(const struct keyring *k, struct buf *ret) CHECKED;
/* Strict: LL_ERR_SYNTAX; LL_ERR_NOMEM. ret is initialised by this call, and untouched on failure.
 */
int keyring_decode(struct slice body, struct keyring *ret) CHECKED;

/* Appends the record, sealed under Expand(Root, "keyring"). */
int keyring_seal(const struct keyring *k, const uint8_t root[RECORD_KEY_LEN],
	const uint8_t account[RECORD_ID_LEN], uint32_t root_version, uint64_t rev,
	struct buf *ret) CHECKED;
/* Opens the keyring that the manifest names. LL_ERR_AUTH. */
int keyring_open(const uint8_t root[RECORD_KEY_LEN], const struct manifest *m, struct slice record,
	struct keyring *ret) CHECKED;

#endif
