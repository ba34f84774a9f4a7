/* Polynomials of ML-KEM (FIPS 203 section 4): Z_q[X]/(X^256 + 1), q = 3329, and vectors of three of
 * them. Every function takes time that depends on nothing but its arguments' sizes, except
 * poly_uniform, whose input is public. */
#ifndef KEYS_MLKEM_POLY_H
#define KEYS_MLKEM_POLY_H

#include "base/macros.h"

#include <stdbool.h>

#define MLKEM_N 256
#define MLKEM_Q 3329
#define MLKEM_K 3
#define POLY_BYTES 384 /* 12 bits per coefficient */
#define POLY_DU_BYTES 320 /* 10 bits */
#define POLY_DV_BYTES 128 /* 4 bits */
#define POLY_NOISE_BYTES 128

/* Coefficients are signed representatives; each function says in which range it leaves them. */
struct poly {
	int16_t c[MLKEM_N] __attribute__((aligned(32)));
};

struct poly_vec {
	struct poly p[MLKEM_K];
};

/* To and from the NTT domain, in place. Input |c| <= q; output |c| <= q. The inverse multiplies by
 * 2^16, which undoes the 2^-16 of vec_dot. */
void poly_ntt(struct poly *p);
void poly_ntt_inverse(struct poly *p);
/* b with each odd coefficient multiplied by the root that X^2 stands for there; |c| <= q. */
void vec_twist(struct poly_vec *ret, const struct poly_vec *b);
/* r = sum of a[i] * b[i] * 2^-16 in the NTT domain, |c| < q. step: distance of the elements of a,
 * so that a column of a matrix can be taken. |c| <= q in both. twisted is vec_twist of b. */
void vec_dot(struct poly *r, const struct poly *a, size_t step, const struct poly_vec *b,
	const struct poly_vec *twisted);
/* p = p * 2^16, |c| < q. */
void poly_to_montgomery(struct poly *p);
/* a += b; a -= b; no reduction. */
void poly_add(struct poly *a, const struct poly *b);
void poly_sub(struct poly *a, const struct poly *b);
/* To 0 <= c < q; every encoder below needs it. */
void poly_reduce(struct poly *p);

void poly_encode(uint8_t ret[POLY_BYTES], const struct poly *p);
/* False when a coefficient is not below q (the modulus check of section 7.2). */
bool poly_decode(struct poly *ret, const uint8_t in[POLY_BYTES]);
void poly_compress10(uint8_t ret[POLY_DU_BYTES], const struct poly *p);
void poly_decompress10(struct poly *ret, const uint8_t in[POLY_DU_BYTES]);
void poly_compress4(uint8_t ret[POLY_DV_BYTES], const struct poly *p);
void poly_decompress4(struct poly *ret, const uint8_t in[POLY_DV_BYTES]);
/* One bit per coefficient. */
void poly_to_message(uint8_t ret[32], const struct poly *p);
void poly_from_message(struct poly *ret, const uint8_t in[32]);

/* SamplePolyCBD with eta = 2: |c| <= 2. */
void poly_noise(struct poly *ret, const uint8_t in[POLY_NOISE_BYTES]);
/* SampleNTT, one block of the stream at a time: takes coefficients from len bytes (a multiple of 3)
 * until there are 256; *count is how many there are. */
void poly_uniform(struct poly *ret, size_t *count, const uint8_t *in, size_t len);

#endif
