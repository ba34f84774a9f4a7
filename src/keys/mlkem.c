/* ML-KEM-768: K-PKE and the Fujisaki-Okamoto transform around it (FIPS 203 sections 5 and 6). */
#include "keys/mlkem.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/keccak.h"

#include <string.h>

#define UNIFORM_SEED_LEN 34
#define NOISE_SEED_LEN 33

/* Four polynomials of the matrix from rho || j || i; `first` is the number of the first one. The
 * ninth comes alone, and its fellows are computed in vain. */
static void
matrix_four(struct mlkem_public *pk, const uint8_t rho[32], size_t first)
{
	uint8_t seeds[4][UNIFORM_SEED_LEN], blocks[4][SHAKE128_RATE];
	const uint8_t *const in[4] = {seeds[0], seeds[1], seeds[2], seeds[3]};
	uint8_t *const out[4] = {blocks[0], blocks[1], blocks[2], blocks[3]};
	size_t counts[4] = {0}, missing = MIN((size_t)4, MLKEM_K * MLKEM_K - first);
	const size_t n = missing;
	struct poly *polys = &pk->a[0][0] + first;
	struct shake_x4 xof;

	for (size_t i = 0; i < 4; i++) {
		memcpy(seeds[i], rho, 32);
		seeds[i][32] = (uint8_t)((first + i) % MLKEM_K);
		seeds[i][33] = (uint8_t)((first + i) / MLKEM_K);
	}
	shake_x4_init(&xof, SHAKE128_RATE, in, UNIFORM_SEED_LEN);
	while (missing) {
		shake_x4_block(&xof, out);
		missing = 0;
		for (size_t i = 0; i < n; i++) {
			poly_uniform(polys + i, counts + i, blocks[i], SHAKE128_RATE);
			missing += counts[i] < MLKEM_N;
		}
	}
}

static void
matrix_expand(struct mlkem_public *pk, const uint8_t rho[32])
{
	for (size_t first = 0; first < (size_t)MLKEM_K * MLKEM_K; first += 4)
		matrix_four(pk, rho, first);
}

/* Up to four noise polynomials with the numbers from `first` on; NULL for one not needed. */
static void
noise_four(struct poly *const ret[4], const uint8_t seed[32], uint8_t first)
{
	uint8_t seeds[4][NOISE_SEED_LEN], blocks[4][SHAKE256_RATE];
	const uint8_t *const in[4] = {seeds[0], seeds[1], seeds[2], seeds[3]};
	uint8_t *const out[4] = {blocks[0], blocks[1], blocks[2], blocks[3]};
	struct shake_x4 prf;

	for (size_t i = 0; i < 4; i++) {
		memcpy(seeds[i], seed, 32);
		seeds[i][32] = (uint8_t)(first + i);
	}
	shake_x4_init(&prf, SHAKE256_RATE, in, NOISE_SEED_LEN);
	shake_x4_block(&prf, out);
	for (size_t i = 0; i < 4; i++)
		if (ret[i])
			poly_noise(ret[i], blocks[i]);
	secret_wipe(&prf, sizeof(prf));
	secret_wipe(seeds, sizeof(seeds));
	secret_wipe(blocks, sizeof(blocks));
}

void
mlkem_expand(struct mlkem_seeds *ret, const uint8_t d[32])
{
	static const uint8_t k = MLKEM_K;

	_Static_assert(sizeof(*ret) == 64, "no padding");
	sha3_512(slice_new(d, 32), slice_new(&k, 1), (uint8_t *)ret);
}

void
mlkem_keygen_expanded(struct mlkem_key *ret_key, struct mlkem_public *ret_public,
	const struct mlkem_seeds *seeds, const uint8_t z[32])
{
	struct poly_vec *s = &ret_key->s, *t = &ret_public->t, e, twisted;

	matrix_expand(ret_public, seeds->rho);
	noise_four((struct poly *[4]){&s->p[0], &s->p[1], &s->p[2], &e.p[0]}, seeds->sigma, 0);
	noise_four((struct poly *[4]){&e.p[1], &e.p[2]}, seeds->sigma, 4);
	for (size_t i = 0; i < MLKEM_K; i++) {
		poly_ntt(&s->p[i]);
		poly_ntt(&e.p[i]);
	}
	vec_twist(&twisted, s);
	for (size_t i = 0; i < MLKEM_K; i++) {
		vec_dot(&t->p[i], ret_public->a[i], 1, s, &twisted);
		poly_to_montgomery(&t->p[i]);
		poly_add(&t->p[i], &e.p[i]);
		poly_reduce(&t->p[i]);
		poly_encode(ret_public->encoded + i * POLY_BYTES, &t->p[i]);
	}
	memcpy(ret_public->encoded + MLKEM_K * POLY_BYTES, seeds->rho, 32);
	sha3_256(SLICE_OF(ret_public->encoded), SLICE_NONE, ret_public->hash);
	memcpy(ret_key->z, z, 32);
	secret_wipe(&e, sizeof(e));
	secret_wipe(&twisted, sizeof(twisted));
}

void
mlkem_keygen(struct mlkem_key *ret_key, struct mlkem_public *ret_public,
	const uint8_t seed[MLKEM_SEED_LEN])
{
	struct mlkem_seeds seeds;

	mlkem_expand(&seeds, seed);
	mlkem_keygen_expanded(ret_key, ret_public, &seeds, seed + 32);
	secret_wipe(&seeds, sizeof(seeds));
}

int
mlkem_public_init(struct mlkem_public *ret_public, const uint8_t encoded[MLKEM_PUBLIC_LEN])
{
	for (size_t i = 0; i < MLKEM_K; i++)
		if (!poly_decode(&ret_public->t.p[i], encoded + i * POLY_BYTES))
			return LL_ERR_SYNTAX;
	matrix_expand(ret_public, encoded + MLKEM_K * POLY_BYTES);
	memcpy(ret_public->encoded, encoded, MLKEM_PUBLIC_LEN);
	sha3_256(SLICE_OF(ret_public->encoded), SLICE_NONE, ret_public->hash);
	return LL_OK;
}

struct pke_scratch {
	struct poly_vec r, twisted, e;
	struct poly e2, w, message;
};

/* K-PKE.Encrypt (algorithm 14). */
static void
pke_encrypt(const struct mlkem_public *pk, const uint8_t m[32], const uint8_t coins[32],
	uint8_t ret_enc[MLKEM_ENC_LEN])
{
	struct pke_scratch x;

	noise_four((struct poly *[4]){&x.r.p[0], &x.r.p[1], &x.r.p[2], &x.e.p[0]}, coins, 0);
	noise_four((struct poly *[4]){&x.e.p[1], &x.e.p[2], &x.e2}, coins, 4);
	for (size_t i = 0; i < MLKEM_K; i++)
		poly_ntt(&x.r.p[i]);
	vec_twist(&x.twisted, &x.r);
	for (size_t i = 0; i < MLKEM_K; i++) {
		vec_dot(&x.w, &pk->a[0][i], MLKEM_K, &x.r, &x.twisted);
		poly_ntt_inverse(&x.w);
		poly_add(&x.w, &x.e.p[i]);
		poly_reduce(&x.w);
		poly_compress10(ret_enc + i * POLY_DU_BYTES, &x.w);
	}
	vec_dot(&x.w, pk->t.p, 1, &x.r, &x.twisted);
	poly_ntt_inverse(&x.w);
	poly_from_message(&x.message, m);
	poly_add(&x.w, &x.e2);
	poly_add(&x.w, &x.message);
	poly_reduce(&x.w);
	poly_compress4(ret_enc + MLKEM_K * POLY_DU_BYTES, &x.w);
	secret_wipe(&x, sizeof(x));
}

/* K-PKE.Decrypt (algorithm 15). */
static void
pke_decrypt(const struct mlkem_key *key, const uint8_t enc[MLKEM_ENC_LEN], uint8_t ret_m[32])
{
	struct poly_vec u, twisted;
	struct poly v, w;

	for (size_t i = 0; i < MLKEM_K; i++) {
		poly_decompress10(&u.p[i], enc + i * POLY_DU_BYTES);
		poly_ntt(&u.p[i]);
	}
	poly_decompress4(&v, enc + MLKEM_K * POLY_DU_BYTES);
	vec_twist(&twisted, &u);
	vec_dot(&w, key->s.p, 1, &u, &twisted);
	poly_ntt_inverse(&w);
	poly_sub(&v, &w);
	poly_reduce(&v);
	poly_to_message(ret_m, &v);
	secret_wipe(&w, sizeof(w));
	secret_wipe(&v, sizeof(v));
}

/* K || r = G(m || H(ek)) */
struct fo_keys {
	uint8_t secret[32];
	uint8_t coins[32];
};

static void
fo_derive(struct fo_keys *ret, const struct mlkem_public *pk, const uint8_t m[32])
{
	_Static_assert(sizeof(*ret) == 64, "no padding");
	sha3_512(slice_new(m, 32), SLICE_OF(pk->hash), (uint8_t *)ret);
}

void
mlkem_encaps(const struct mlkem_public *public, const uint8_t coins[MLKEM_COINS_LEN],
	uint8_t ret_enc[MLKEM_ENC_LEN], uint8_t ret_secret[MLKEM_SECRET_LEN])
{
	struct fo_keys fo;

	fo_derive(&fo, public, coins);
	pke_encrypt(public, coins, fo.coins, ret_enc);
	memcpy(ret_secret, fo.secret, MLKEM_SECRET_LEN);
	secret_wipe(&fo, sizeof(fo));
}

/* 0xff when the two differ, else 0. */
static uint8_t
differ(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < len; i++)
		bits |= a[i] ^ b[i];
	bits = (bits + 0xff) >> 8;
	/* Hidden from the optimiser, which would make the selection a branch. */
	__asm__("" : "+r"(bits));
	return (uint8_t)-bits;
}

void
mlkem_decaps(const struct mlkem_key *key, const struct mlkem_public *public,
	const uint8_t enc[MLKEM_ENC_LEN], uint8_t ret_secret[MLKEM_SECRET_LEN])
{
	uint8_t m[32], again[MLKEM_ENC_LEN], rejected[32], wrong;
	struct fo_keys fo;

	pke_decrypt(key, enc, m);
	fo_derive(&fo, public, m);
	shake256(SLICE_OF(key->z), slice_new(enc, MLKEM_ENC_LEN), rejected, sizeof(rejected));
	pke_encrypt(public, m, fo.coins, again);
	wrong = differ(enc, again, MLKEM_ENC_LEN);
	for (size_t i = 0; i < MLKEM_SECRET_LEN; i++)
		ret_secret[i] = (uint8_t)(fo.secret[i] ^ (wrong & (fo.secret[i] ^ rejected[i])));
	secret_wipe(m, sizeof(m));
	secret_wipe(&fo, sizeof(fo));
	secret_wipe(again, sizeof(again));
	secret_wipe(rejected, sizeof(rejected));
}
