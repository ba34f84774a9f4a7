/* X-Wing: the KEM of ML-KEM-768 and X25519 (draft-connolly-cfrg-xwing-kem, HPKE KEM 0x647a).
 *
 * A private key is its 32-byte seed; everything else is derived from it. Both sides prepare a key
 * once (matrix expansion is most of the work) and may then use it for many messages. */
#ifndef KEYS_XWING_H
#define KEYS_XWING_H

#include "base/slice.h"

#define XWING_SEED_LEN 32
#define XWING_PUBLIC_LEN 1216
#define XWING_ENC_LEN 1120
#define XWING_SECRET_LEN 32
#define XWING_COINS_LEN 64

/* A private key, expanded; its secrets are in secret memory. */
struct xwing_key;
/* LL_ERR_NOMEM. */
int xwing_key_new(const uint8_t seed[XWING_SEED_LEN], struct xwing_key **ret_key) CHECKED;
/* Wipes; NULL is accepted. */
void xwing_key_free(struct xwing_key *key);
/* XWING_PUBLIC_LEN bytes, valid as long as the key. */
const uint8_t *xwing_key_public(const struct xwing_key *key);

/* The shared secret of enc. A forged ML-KEM part gives an unrelated secret (implicit rejection);
 * LL_ERR_AUTH only when the X25519 part is of small order. */
int xwing_decaps(const struct xwing_key *key, const uint8_t enc[XWING_ENC_LEN],
	uint8_t ret_secret[XWING_SECRET_LEN]) CHECKED;

/* A public key, checked and expanded. Holds no secret. */
struct xwing_public;
/* LL_ERR_SYNTAX when pk is not a valid encoding (FIPS 203 section 7.2), LL_ERR_NOMEM. */
int xwing_public_new(const uint8_t pk[XWING_PUBLIC_LEN], struct xwing_public **ret_public) CHECKED;
/* NULL is accepted. */
void xwing_public_free(struct xwing_public *public);

/* A fresh shared secret and its encapsulation. LL_ERR_CRYPTO: the key is unusable (small order). */
int xwing_encaps(const struct xwing_public *public, uint8_t ret_enc[XWING_ENC_LEN],
	uint8_t ret_secret[XWING_SECRET_LEN]) CHECKED;
/* The same from given coins; only for test vectors. */
int xwing_encaps_coins(const struct xwing_public *public, const uint8_t coins[XWING_COINS_LEN],
	uint8_t ret_enc[XWING_ENC_LEN], uint8_t ret_secret[XWING_SECRET_LEN]) CHECKED;

#endif
