/* Arithmetic for ML-KEM.
 *
 * Products are reduced by Montgomery's method and sums by Barrett's: there is no division, since
 * the time of one depends on secrets. The loops are written with 16-bit products in the forms that
 * compilers turn into vector code. */
#include "keys/mlkem_poly.h"

#define Q MLKEM_Q
#define Q_INVERSE (-3327) /* of q, modulo 2^16 */

/* 2^16 * 17^bitreverse7(i) mod q */
static const int16_t zetas[128] = {
	-1044,
	-758,
	-359,
	-1517,
	1493,
	1422,
	287,
	202,
	-171,
	622,
	1577,
	182,
	962,
	-1202,
	-1474,
	1468,
	573,
	-1325,
	264,
	383,
	-829,
	1458,
	-1602,
	-130,
	-681,
	1017,
	732,
	608,
	-1542,
	411,
	-205,
	-1571,
	1223,
	652,
	-552,
	1015,
	-1293,
	1491,
	-282,
	-1544,
	516,
	-8,
	-320,
	-666,
	-1618,
	-1162,
	126,
	1469,
	-853,
	-90,
	-271,
	830,
	107,
	-1421,
	-247,
	-951,
	-398,
	961,
	-1508,
	-725,
	448,
	-1065,
	677,
	-1275,
	-1103,
	430,
	555,
	843,
	-1251,
	871,
	1550,
	105,
	422,
	587,
	177,
	-235,
	-291,
	-460,
	1574,
	1653,
	-246,
	778,
	1159,
	-147,
	-777,
	1483,
	-602,
	1119,
	-1590,
	644,
	-872,
	349,
	418,
	329,
	-156,
	-75,
	817,
	1097,
	603,
	610,
	1322,
	-1285,
	-1465,
	384,
	-1215,
	-136,
	1218,
	-1335,
	-874,
	220,
	-1187,
	-1659,
	-1185,
	-1530,
	-1278,
	794,
	-1510,
	-854,
	-870,
	478,
	-108,
	-308,
	996,
	991,
	958,
	-1460,
	1522,
	1628,
};
/* a * b * 2^-16 mod q, |result| < q, for |a * b| < q * 2^15. The low halves of a * b and m * q are
 * equal, so that only the high halves need to be subtracted. */
static inline int16_t
mul(int16_t a, int16_t b)
{
	int16_t high = (int16_t)((int32_t)a * b >> 16);
	int16_t m = (int16_t)((uint16_t)((uint16_t)a * (uint32_t)(uint16_t)b) *
		(uint32_t)(uint16_t)Q_INVERSE);

	return (int16_t)(high - (int16_t)((int32_t)m * Q >> 16));
}

/* The same for a product that is already there, |t| < q * 2^15. */
static inline int16_t
montgomery(int32_t t)
{
	int16_t m = (int16_t)((uint32_t)t * (uint32_t)Q_INVERSE);

	return (int16_t)((t - (int32_t)m * Q) >> 16);
}

/* a modulo q, |result| <= q / 2 + 1: subtracts q * round(a / q), the quotient from 2^26 / q. */
static inline int16_t
barrett(int16_t a)
{
	int16_t quotient = (int16_t)(((int16_t)((int32_t)a * 20159 >> 16) + 512) >> 10);

	return (int16_t)(a - quotient * Q);
}

void
poly_ntt(struct poly *p)
{
	const int16_t *zeta = zetas + 1;

	for (size_t len = 128; len >= 2; len /= 2)
		for (size_t start = 0; start < MLKEM_N; start += 2 * len, zeta++)
			for (size_t j = start; j < start + len; j++) {
				int16_t t = mul(p->c[j + len], *zeta);

				p->c[j + len] = (int16_t)(p->c[j] - t);
				p->c[j] = (int16_t)(p->c[j] + t);
			}
	/* Seven layers added at most 7q to q: within 16 bits. */
	for (size_t i = 0; i < MLKEM_N; i++)
		p->c[i] = barrett(p->c[i]);
}

void
poly_ntt_inverse(struct poly *p)
{
	const int16_t *zeta = zetas + 127;

	for (size_t len = 2; len <= 128; len *= 2)
		for (size_t start = 0; start < MLKEM_N; start += 2 * len, zeta--)
			for (size_t j = start; j < start + len; j++) {
				int16_t a = p->c[j], b = p->c[j + len];

				p->c[j] = barrett((int16_t)(a + b));
				p->c[j + len] = mul((int16_t)(b - a), *zeta);
			}
	/* 2^32 / 128 mod q */
	for (size_t i = 0; i < MLKEM_N; i++)
		p->c[i] = mul(p->c[i], 1441);
}

void
vec_twist(struct poly_vec *ret, const struct poly_vec *b)
{
	for (size_t k = 0; k < MLKEM_K; k++)
		for (size_t i = 0; i < MLKEM_N / 4; i++) {
			const int16_t *in = b->p[k].c + 4 * i;
			int16_t *out = ret->p[k].c + 4 * i, zeta = zetas[64 + i];

			out[0] = in[0];
			out[1] = mul(in[1], zeta);
			out[2] = in[2];
			out[3] = (int16_t)-mul(in[3], zeta);
		}
}

void
vec_dot(struct poly *r, const struct poly *a, size_t step, const struct poly_vec *b,
	const struct poly_vec *twisted)
{
	for (size_t i = 0; i < MLKEM_N; i += 2) {
		int32_t even = 0, odd = 0;

		for (size_t k = 0; k < MLKEM_K; k++) {
			const int16_t *x = a[k * step].c + i, *y = b->p[k].c + i;

			even += x[0] * y[0] + x[1] * twisted->p[k].c[i + 1];
			odd += x[0] * y[1] + x[1] * y[0];
		}
		/* Six products of at most q^2: below q * 2^15. */
		r->c[i] = montgomery(even);
		r->c[i + 1] = montgomery(odd);
	}
}

void
poly_to_montgomery(struct poly *p)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		p->c[i] = mul(p->c[i], 1353); /* 2^32 mod q */
}

void
poly_add(struct poly *a, const struct poly *b)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		a->c[i] = (int16_t)(a->c[i] + b->c[i]);
}

void
poly_sub(struct poly *a, const struct poly *b)
{
	for (size_t i = 0; i < MLKEM_N; i++)
		a->c[i] = (int16_t)(a->c[i] - b->c[i]);
}

void
poly_reduce(struct poly *p)
{
	for (size_t i = 0; i < MLKEM_N; i++) {
		int16_t v = barrett(p->c[i]);

		p->c[i] = (int16_t)(v + (v >> 15 & Q));
	}
}

void
poly_encode(uint8_t ret[POLY_BYTES], const struct poly *p)
{
	for (size_t i = 0; i < MLKEM_N / 2; i++) {
		uint16_t a = (uint16_t)p->c[2 * i], b = (uint16_t)p->c[2 * i + 1];

		ret[3 * i] = (uint8_t)a;
		ret[3 * i + 1] = (uint8_t)(a >> 8 | b << 4);
		ret[3 * i + 2] = (uint8_t)(b >> 4);
	}
}

bool
poly_decode(struct poly *ret, const uint8_t in[POLY_BYTES])
{
	int over = 0;

	for (size_t i = 0; i < MLKEM_N / 2; i++) {
		int a = in[3 * i] | (in[3 * i + 1] & 0xf) << 8;
		int b = in[3 * i + 1] >> 4 | in[3 * i + 2] << 4;

		over |= (Q - 1 - a) | (Q - 1 - b);
		ret->c[2 * i] = (int16_t)a;
		ret->c[2 * i + 1] = (int16_t)b;
	}
	return over >= 0;
}

/* round(c * 2^bits / q) mod 2^bits, with multiplication by 2^29 / q or 2^20 / q for the division;
 * exact for every c below q. */
static inline uint16_t
compress10(int16_t c)
{
	return (uint16_t)((((uint64_t)(uint16_t)c << 10) + Q / 2) * 161271 >> 29 & 0x3ff);
}

static inline uint8_t
compress4(int16_t c)
{
	return (uint8_t)((((uint32_t)(uint16_t)c << 4) + Q / 2) * 315 >> 20 & 0xf);
}

static inline uint8_t
compress1(int16_t c)
{
	return (uint8_t)((((uint32_t)(uint16_t)c << 1) + Q / 2) * 315 >> 20 & 1);
}

void
poly_compress10(uint8_t ret[POLY_DU_BYTES], const struct poly *p)
{
	for (size_t i = 0; i < MLKEM_N / 4; i++) {
		uint16_t v[4];

		for (size_t j = 0; j < 4; j++)
			v[j] = compress10(p->c[4 * i + j]);
		ret[5 * i] = (uint8_t)v[0];
		ret[5 * i + 1] = (uint8_t)(v[0] >> 8 | v[1] << 2);
		ret[5 * i + 2] = (uint8_t)(v[1] >> 6 | v[2] << 4);
		ret[5 * i + 3] = (uint8_t)(v[2] >> 4 | v[3] << 6);
		ret[5 * i + 4] = (uint8_t)(v[3] >> 2);
	}
}

void
poly_decompress10(struct poly *ret, const uint8_t in[POLY_DU_BYTES])
{
	for (size_t i = 0; i < MLKEM_N / 4; i++) {
		const uint8_t *b = in + 5 * i;
		const int v[4] = {b[0] | b[1] << 8, b[1] >> 2 | b[2] << 6, b[2] >> 4 | b[3] << 4,
			b[3] >> 6 | b[4] << 2};

		for (size_t j = 0; j < 4; j++)
			ret->c[4 * i + j] = (int16_t)(((v[j] & 0x3ff) * Q + 512) >> 10);
	}
}

void
poly_compress4(uint8_t ret[POLY_DV_BYTES], const struct poly *p)
{
	for (size_t i = 0; i < MLKEM_N / 2; i++)
		ret[i] = (uint8_t)(compress4(p->c[2 * i]) | compress4(p->c[2 * i + 1]) << 4);
}

void
poly_decompress4(struct poly *ret, const uint8_t in[POLY_DV_BYTES])
{
	for (size_t i = 0; i < MLKEM_N / 2; i++) {
		ret->c[2 * i] = (int16_t)(((in[i] & 0xf) * Q + 8) >> 4);
		ret->c[2 * i + 1] = (int16_t)(((in[i] >> 4) * Q + 8) >> 4);
	}
}

void
poly_to_message(uint8_t ret[32], const struct poly *p)
{
	for (size_t i = 0; i < 32; i++) {
		uint8_t v = 0;

		for (size_t j = 0; j < 8; j++)
			v |= (uint8_t)(compress1(p->c[8 * i + j]) << j);
		ret[i] = v;
	}
}

void
poly_from_message(struct poly *ret, const uint8_t in[32])
{
	for (size_t i = 0; i < MLKEM_N; i++) {
		uint32_t bit = in[i / 8] >> (i % 8) & 1;

		/* Hidden from the optimiser, which would make the mask a branch on the secret bit.
		 */
		__asm__("" : "+r"(bit));
		ret->c[i] = (int16_t)(-bit & ((Q + 1) / 2));
	}
}

void
poly_noise(struct poly *ret, const uint8_t in[POLY_NOISE_BYTES])
{
	for (size_t i = 0; i < POLY_NOISE_BYTES; i++) {
		/* In each nibble: the number of ones among its low two bits, and its high two. */
		int pairs = (in[i] & 0x55) + (in[i] >> 1 & 0x55);

		ret->c[2 * i] = (int16_t)((pairs & 3) - (pairs >> 2 & 3));
		ret->c[2 * i + 1] = (int16_t)((pairs >> 4 & 3) - (pairs >> 6 & 3));
	}
}

void
poly_uniform(struct poly *ret, size_t *count, const uint8_t *in, size_t len)
{
	size_t n = *count;

	for (size_t i = 0; i + 3 <= len && n < MLKEM_N; i += 3) {
		int a = in[i] | (in[i + 1] & 0xf) << 8, b = in[i + 1] >> 4 | in[i + 2] << 4;

		if (a < Q)
			ret->c[n++] = (int16_t)a;
		if (b < Q && n < MLKEM_N)
			ret->c[n++] = (int16_t)b;
	}
	*count = n;
}
