/* ML-KEM-768 (FIPS 203), the half of X-Wing that withstands a quantum computer. Private keys are
 * their seeds; the expanded forms below are never stored.
 *
 * Nothing here branches on, indexes by, or divides a secret; tests/unit/keys/ct_mlkem.c checks
 * that. */
#ifndef KEYS_MLKEM_H
#define KEYS_MLKEM_H

#include "keys/mlkem_poly.h"

#define MLKEM_SEED_LEN 64 /* d || z */
#define MLKEM_PUBLIC_LEN 1184
#define MLKEM_ENC_LEN 1088
#define MLKEM_SECRET_LEN 32
#define MLKEM_COINS_LEN 32

/* A public key and what follows from it; no secret. */
struct mlkem_public {
	struct poly a[MLKEM_K][MLKEM_K]; /* the matrix, in the NTT domain */
	struct poly_vec t;
	uint8_t encoded[MLKEM_PUBLIC_LEN];
	uint8_t hash[32];
};

/* Lives in secret memory. */
struct mlkem_key {
	struct poly_vec s; /* in the NTT domain */
	uint8_t z[32];
};

/* What the seed d expands to: rho goes public, sigma is secret. */
struct mlkem_seeds {
	uint8_t rho[32];
	uint8_t sigma[32];
};

void mlkem_expand(struct mlkem_seeds *ret, const uint8_t d[32]);
/* ML-KEM.KeyGen_internal from an expanded seed, and from the whole one. */
void mlkem_keygen_expanded(struct mlkem_key *ret_key, struct mlkem_public *ret_public,
	const struct mlkem_seeds *seeds, const uint8_t z[32]);
void mlkem_keygen(struct mlkem_key *ret_key, struct mlkem_public *ret_public,
	const uint8_t seed[MLKEM_SEED_LEN]);

/* LL_ERR_SYNTAX: a coefficient is not below q. */
int mlkem_public_init(
	struct mlkem_public *ret_public, const uint8_t encoded[MLKEM_PUBLIC_LEN]) CHECKED;

/* ML-KEM.Encaps_internal: the coins are 32 random bytes, secret and never used twice. */
void mlkem_encaps(const struct mlkem_public *public, const uint8_t coins[MLKEM_COINS_LEN],
	uint8_t ret_enc[MLKEM_ENC_LEN], uint8_t ret_secret[MLKEM_SECRET_LEN]);
/* A forged enc gives a secret that only the key's owner could compute (implicit rejection). */
void mlkem_decaps(const struct mlkem_key *key, const struct mlkem_public *public,
	const uint8_t enc[MLKEM_ENC_LEN], uint8_t ret_secret[MLKEM_SECRET_LEN]);

#endif
