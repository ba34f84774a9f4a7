/* SHA-3 and SHAKE (FIPS 202), one at a time or four at a time; ML-KEM is mostly made of them. */
#ifndef KEYS_KECCAK_H
#define KEYS_KECCAK_H

#include "base/slice.h"

#define SHAKE128_RATE 168
#define SHAKE256_RATE 136

/* Digest of the concatenation a || b. */
void sha3_256(struct slice a, struct slice b, uint8_t ret_digest[32]);
void sha3_512(struct slice a, struct slice b, uint8_t ret_digest[64]);
void shake256(struct slice a, struct slice b, uint8_t *ret_out, size_t len);

/* Four SHAKE streams side by side. Wipe with secret_wipe when the inputs were secret. */
struct shake_x4 {
	uint64_t s[25][4] __attribute__((aligned(32)));
	size_t rate;
};

/* in: four messages of len bytes, less than rate. */
void shake_x4_init(struct shake_x4 *k, size_t rate, const uint8_t *const in[4], size_t len);
/* The next rate bytes of each stream. */
void shake_x4_block(struct shake_x4 *k, uint8_t *const ret_out[4]);

#endif
