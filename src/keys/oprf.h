/* The oblivious pseudorandom function under OPAQUE: OPRF(ristretto255, SHA-512), base mode of RFC
 * 9497.
 */
#ifndef KEYS_OPRF_H
#define KEYS_OPRF_H

#include "base/slice.h"

#define OPRF_ELEMENT_LEN 32
#define OPRF_SCALAR_LEN 32
#define OPRF_SEED_LEN 32
#define OPRF_OUTPUT_LEN 64

/* DeriveKeyPair without its public half (section 3.2.1). LL_ERR_CRYPTO is not to be expected. */
int oprf_derive_key(const uint8_t seed[OPRF_SEED_LEN], struct slice info,
	uint8_t ret_key[OPRF_SCALAR_LEN]) CHECKED;
/* key * G. */
int oprf_public_key(
	const uint8_t key[OPRF_SCALAR_LEN], uint8_t ret_public[OPRF_ELEMENT_LEN]) CHECKED;
/* key * element; LL_ERR_SYNTAX when the element is not canonical or the identity. */
int oprf_multiply(const uint8_t key[OPRF_SCALAR_LEN], const uint8_t element[OPRF_ELEMENT_LEN],
	uint8_t ret[OPRF_ELEMENT_LEN]) CHECKED;

/* Client: the blinded element of an input. coins: the blind to use, or NULL. */
int oprf_blind(struct slice input, const uint8_t *coins, uint8_t ret_blind[OPRF_SCALAR_LEN],
	uint8_t ret_blinded[OPRF_ELEMENT_LEN]) CHECKED;
/* Client: the output of the function, from the server's answer. */
int oprf_finalize(struct slice input, const uint8_t blind[OPRF_SCALAR_LEN],
	const uint8_t evaluated[OPRF_ELEMENT_LEN], uint8_t ret[OPRF_OUTPUT_LEN]) CHECKED;

#endif
