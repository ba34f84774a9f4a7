/* The manifest: the signed list of everything that may open or receive anything of an account. Each
 * version names the hash of the one before. Nothing the store returns is believed unless it follows
 * from a manifest that the identity key signed. */
#ifndef KEYS_MANIFEST_H
#define KEYS_MANIFEST_H

#include "keys/record.h"
#include "keys/scope.h"
#include "keys/scram.h"
#include "keys/unlock.h"

#define MANIFEST_UNLOCKERS_MAX 64
#define MANIFEST_VERSIONS_MAX 128 /* of one area's key */
#define MANIFEST_FINGERPRINTS_MAX 8
#define MANIFEST_DEVICES_MAX 32
#define MANIFEST_HASH_LEN 32
#define MANIFEST_TAG_LEN 8

/* Lowest suite that readers accept, for each form of record. Only ever rises. */
struct suite_floor {
	uint8_t sym, kem, sig;
};
#define SUITE_FLOOR_NOW ((struct suite_floor){RECORD_SYM, RECORD_KEM, RECORD_SIG})

struct manifest_unlocker {
	uint8_t id[RECORD_ID_LEN];
	enum unlock_type type;
	struct scope scope;
	int64_t created;
	uint8_t public_hash[MANIFEST_HASH_LEN]; /* SHA-256 of pk_U */
};

struct manifest_area {
	uint32_t version; /* of the current key; 1 is the first */
	uint8_t seal_public[XWING_PUBLIC_LEN]; /* of the current version */
	/* SHA-256 of the seal key of version i + 1, for all versions including the current one. */
	uint8_t seal_hash[MANIFEST_VERSIONS_MAX][MANIFEST_HASH_LEN];
};

struct manifest_fingerprint {
	uint8_t len; /* 20 or 32 */
	uint8_t bytes[32];
};

struct manifest_device {
	uint8_t id[RECORD_ID_LEN];
	uint8_t certificate_hash[MANIFEST_HASH_LEN];
};

/* About 35 KB: on the heap, with manifest_free. Holds no secret. */
struct manifest {
	uint8_t account[RECORD_ID_LEN];
	uint64_t seq; /* 0 is the first */
	uint8_t previous[MANIFEST_HASH_LEN]; /* zeros in the first */
	uint8_t identity[ED25519_PUBLIC_LEN];
	int64_t created;
	struct suite_floor floor;
	uint32_t root_version;
	uint8_t root_tag[MANIFEST_TAG_LEN]; /* random, new with each version of Root */
	uint64_t keyring_rev;
	uint8_t keyring_hash[MANIFEST_HASH_LEN];
	uint8_t salt[SCRAM_SALT_LEN]; /* of all app passwords */
	uint32_t iterations;
	struct manifest_area areas[RECORD_AREAS]; /* [RECORD_AREA_NONE] is unused */
	size_t n_unlockers; /* ascending by id */
	struct manifest_unlocker unlockers[MANIFEST_UNLOCKERS_MAX];
	size_t n_fingerprints;
	struct manifest_fingerprint fingerprints[MANIFEST_FINGERPRINTS_MAX];
	size_t n_devices; /* ascending by id */
	struct manifest_device devices[MANIFEST_DEVICES_MAX];
};

void manifest_free(struct manifest *m);
void manifest_cleanup(struct manifest **m);
/* The body without header and signature. LL_ERR_SYNTAX for anything but the one encoding of a valid
 * manifest; LL_ERR_NOMEM. Account and seq stay zero: they stand in the header. */
int manifest_decode(struct slice body, struct manifest **ret) CHECKED;
int manifest_encode(const struct manifest *m, struct buf *ret) CHECKED;

/* Appends the signed record. LL_ERR_AUTH when key is not m->identity. */
int manifest_sign(const struct manifest *m, const struct ed25519_key *key, struct buf *ret) CHECKED;
/* Verifies a stored manifest of that account under a pinned identity key: the way to a recipient's
 * seal key. LL_ERR_AUTH, LL_ERR_SYNTAX, LL_ERR_UNSUPPORTED (its floor is above what is known here).
 */
int manifest_open(const uint8_t account[RECORD_ID_LEN], const uint8_t identity[ED25519_PUBLIC_LEN],
	struct slice record, struct manifest **ret) CHECKED;
/* SHA-256 of the whole record: what the next manifest, pins and the log name. */
void manifest_hash(struct slice record, uint8_t ret[MANIFEST_HASH_LEN]);

/* NULL when the id is not listed. */
const struct manifest_unlocker *manifest_find(
	const struct manifest *m, const uint8_t id[RECORD_ID_LEN]);
/* The tag of an area key's version, or of Root for RECORD_AREA_NONE, in the store key of its
 * grants. The version must exist. */
const uint8_t *manifest_grant_tag(
	const struct manifest *m, enum record_area area, uint32_t version);
/* 0 when the X-Wing public key is the area's version; LL_ERR_AUTH. */
int manifest_check_seal(const struct manifest *m, enum record_area area, uint32_t version,
	const uint8_t public[XWING_PUBLIC_LEN]) CHECKED;

#endif
