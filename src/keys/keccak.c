/* A Keccak of our own: ML-KEM calls SHAKE some forty times per operation on a few dozen bytes,
 * where libcrypto's set-up costs more than the permutation, and has no way to run four at once. */
#include "keys/keccak.h"
#include "base/secret.h"

#include <string.h>

static const uint64_t round_constants[24] = {
	0x0000000000000001,
	0x0000000000008082,
	0x800000000000808a,
	0x8000000080008000,
	0x000000000000808b,
	0x0000000080000001,
	0x8000000080008081,
	0x8000000000008009,
	0x000000000000008a,
	0x0000000000000088,
	0x0000000080008009,
	0x000000008000000a,
	0x000000008000808b,
	0x800000000000008b,
	0x8000000000008089,
	0x8000000000008003,
	0x8000000000008002,
	0x8000000000000080,
	0x000000000000800a,
	0x800000008000000a,
	0x8000000080008081,
	0x8000000000008080,
	0x0000000080000001,
	0x8000000080008008,
};
static const uint8_t rotations[5][5] = {
	{0, 1, 62, 28, 27},
	{36, 44, 6, 55, 20},
	{3, 10, 43, 25, 39},
	{41, 45, 15, 21, 8},
	{18, 2, 61, 56, 14},
};

typedef uint64_t lane_x4 __attribute__((vector_size(32), may_alias));

#define LANE uint64_t
#define KECCAK_F permute_inline
#include "keys/keccak_round.h"
#undef LANE
#undef KECCAK_F
#define LANE lane_x4
#define KECCAK_F permute_x4_inline
#include "keys/keccak_round.h"

static void
permute(uint64_t s[25])
{
	permute_inline(s);
}

#if defined(__x86_64__)
/* AVX-512VL has 64-bit rotates and three-operand logic for 256-bit vectors. */
__attribute__((target("avx512f,avx512vl"))) static void
permute_x4_avx512(lane_x4 *s)
{
	permute_x4_inline(s);
}

__attribute__((target("avx2"))) static void
permute_x4_avx2(lane_x4 *s)
{
	permute_x4_inline(s);
}
#endif

static void
permute_x4(struct shake_x4 *k)
{
	lane_x4 *s = (lane_x4 *)(void *)k->s;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512vl")) {
		permute_x4_avx512(s);
		return;
	}
	if (__builtin_cpu_supports("avx2")) {
		permute_x4_avx2(s);
		return;
	}
#endif
	permute_x4_inline(s);
}

static uint64_t
le64_get(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
}

static void
le64_put(uint8_t *p, uint64_t v)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

struct sponge {
	uint64_t s[25];
	uint8_t block[SHAKE128_RATE];
	size_t rate, used;
};

static void
absorb_block(struct sponge *k)
{
	for (size_t i = 0; i < k->rate / 8; i++)
		k->s[i] ^= le64_get(k->block + 8 * i);
	permute(k->s);
	k->used = 0;
}

static void
absorb(struct sponge *k, struct slice data)
{
	while (data.len) {
		struct slice part = slice_sub(data, 0, k->rate - k->used);

		memcpy(k->block + k->used, part.ptr, part.len);
		k->used += part.len;
		data = slice_skip(data, part.len);
		if (k->used == k->rate)
			absorb_block(k);
	}
}

static void
squeeze(struct sponge *k, uint8_t *out, size_t len)
{
	for (;; permute(k->s)) {
		size_t n = MIN(len, k->rate);

		for (size_t i = 0; i < k->rate / 8; i++)
			le64_put(k->block + 8 * i, k->s[i]);
		memcpy(out, k->block, n);
		out += n;
		len -= n;
		if (!len)
			return;
	}
}

static void
run(size_t rate, uint8_t domain, struct slice a, struct slice b, uint8_t *out, size_t len)
{
	struct sponge k = {.rate = rate};

	absorb(&k, a);
	absorb(&k, b);
	memset(k.block + k.used, 0, rate - k.used);
	k.block[k.used] = domain;
	k.block[rate - 1] |= 0x80;
	absorb_block(&k);
	squeeze(&k, out, len);
	secret_wipe(&k, sizeof(k));
}

void
sha3_256(struct slice a, struct slice b, uint8_t ret_digest[32])
{
	run(136, 0x06, a, b, ret_digest, 32);
}

void
sha3_512(struct slice a, struct slice b, uint8_t ret_digest[64])
{
	run(72, 0x06, a, b, ret_digest, 64);
}

void
shake256(struct slice a, struct slice b, uint8_t *ret_out, size_t len)
{
	run(SHAKE256_RATE, 0x1f, a, b, ret_out, len);
}

void
shake_x4_init(struct shake_x4 *k, size_t rate, const uint8_t *const in[4], size_t len)
{
	uint8_t block[SHAKE128_RATE];

	assert(len < rate && rate <= sizeof(block));
	memset(k, 0, sizeof(*k));
	k->rate = rate;
	for (size_t n = 0; n < 4; n++) {
		memset(block, 0, sizeof(block));
		memcpy(block, in[n], len);
		block[len] = 0x1f;
		block[rate - 1] |= 0x80;
		for (size_t i = 0; i < rate / 8; i++)
			k->s[i][n] = le64_get(block + 8 * i);
	}
	secret_wipe(block, sizeof(block));
}

void
shake_x4_block(struct shake_x4 *k, uint8_t *const ret_out[4])
{
	permute_x4(k);
	for (size_t n = 0; n < 4; n++)
		for (size_t i = 0; i < k->rate / 8; i++)
			le64_put(ret_out[n] + 8 * i, k->s[i][n]);
}
