/* What both sides of OPAQUE compute alike. Only for opaque_*.c. */
#ifndef KEYS_OPAQUE_CORE_H
#define KEYS_OPAQUE_CORE_H

#include "keys/opaque.h"

/* KE1 = blinded 32 | client nonce 32 | client key share 32 */
#define KE1_NONCE 32
#define KE1_KEYSHARE 64
/* KE2 = evaluated 32 | masking nonce 32 | masked response 128 | server nonce 32 | key share 32 |
 * mac 64 */
#define KE2_MASKING_NONCE 32
#define KE2_MASKED 64
#define KE2_NONCE 192
#define KE2_KEYSHARE 224
#define KE2_MAC 256
/* record = client public key 32 | masking key 64 | envelope 96 */
#define RECORD_MASKING_KEY 32
#define RECORD_ENVELOPE 96

#define OPAQUE_MASKED_LEN (OPAQUE_KEY_LEN + OPAQUE_ENVELOPE_LEN)
#define OPAQUE_IKM_LEN (3 * OPAQUE_KEY_LEN)

/* One side's view of a login, for the key schedule. ke2 up to its mac. */
struct opaque_transcript {
	const struct opaque_params *params;
	const uint8_t *client_public, *server_public;
	const uint8_t *ke1, *ke2;
	uint8_t ikm[OPAQUE_IKM_LEN]; /* dh1 dh2 dh3 */
};

struct opaque_schedule {
	uint8_t server_mac[OPAQUE_HASH_LEN];
	uint8_t client_mac[OPAQUE_HASH_LEN];
	uint8_t session_key[OPAQUE_HASH_LEN];
};

/* DeriveDiffieHellmanKeyPair (RFC 9807 section 2.1). */
int opaque_dh_keypair(const uint8_t seed[OPAQUE_SEED_LEN], uint8_t ret_private[OPAQUE_KEY_LEN],
	uint8_t ret_public[OPAQUE_KEY_LEN]) CHECKED;
/* HKDF-SHA512-Expand(key, first || label) */
void opaque_expand(const uint8_t key[OPAQUE_HASH_LEN], struct slice first, const char *label,
	uint8_t *ret, size_t len);
/* Masks or unmasks a server public key and envelope in place (section 6.3.2). */
void opaque_mask(const uint8_t masking_key[OPAQUE_HASH_LEN],
	const uint8_t masking_nonce[OPAQUE_NONCE_LEN], uint8_t response[OPAQUE_MASKED_LEN]);
/* DeriveKeys and both MACs (section 6.4.2). */
void opaque_derive_schedule(const struct opaque_transcript *t, struct opaque_schedule *ret);
/* The identity, or the public key when it is empty (section 4). */
struct slice opaque_identity(struct slice identity, const uint8_t public[OPAQUE_KEY_LEN]);

#endif
