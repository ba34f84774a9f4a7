/* From an unlock secret S_U to its three keys (KEYS.md, hierarchy).
 *
 * S_U is the OPAQUE export key of a password, the 26 characters of a recovery code, the SCRAM
 * ClientKey of an app password, or a WebAuthn PRF output. It is never used as a key itself. */
#ifndef KEYS_UNLOCK_H
#define KEYS_UNLOCK_H

#include "keys/record.h"

#define UNLOCK_KEY_LEN 32

/* Stable numbers: they stand in manifests. */
enum unlock_type {
	UNLOCK_PASSWORD = 1,
	UNLOCK_RECOVERY = 2,
	UNLOCK_WEBAUTHN = 3,
	UNLOCK_APP = 4,
};

/* "password", "recovery", "webauthn", "app-password"; NULL for a number that is none. */
const char *unlock_type_name(unsigned type);

/* Keep in secret memory. */
struct unlock_keys {
	uint8_t auth[UNLOCK_KEY_LEN]; /* proves the secret to the server, which keeps a hash of it
				       */
	uint8_t anchor[UNLOCK_KEY_LEN]; /* opens the anchor */
	uint8_t kem[UNLOCK_KEY_LEN]; /* X-Wing seed: opens the grants */
};

/* LL_ERR_UNSUPPORTED for an unknown type, LL_ERR_SYNTAX for a secret shorter than 16 bytes. */
int unlock_derive(enum unlock_type type, struct slice secret, const uint8_t account[RECORD_ID_LEN],
	const uint8_t unlocker[RECORD_ID_LEN], struct unlock_keys *ret) CHECKED;

/* What the server keeps of U_auth, and the check of it. LL_ERR_AUTH. */
void unlock_auth_hash(const uint8_t auth[UNLOCK_KEY_LEN], uint8_t ret_hash[32]);
int unlock_auth_check(struct slice auth, const uint8_t hash[32]) CHECKED;

#endif
