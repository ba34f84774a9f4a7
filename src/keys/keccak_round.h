/* Keccak-f[1600] (FIPS 202 section 3) over lanes of any type with the operators of uint64_t:
 * included once with plain lanes and again with vectors of four, which gives four states for little
 * more than the price of one. KECCAK_F is the name of the function, LANE the type. */

#ifndef KECCAK_ROTATE
#define KECCAK_ROTATE(v, n) ((v) << (n) | (v) >> ((64 - (n)) & 63))
#endif

static inline __attribute__((always_inline)) void
KECCAK_F(LANE s[25])
{
	LANE b[25], c[5];

	for (size_t round = 0; round < 24; round++) {
		for (size_t x = 0; x < 5; x++)
			c[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
		for (size_t x = 0; x < 5; x++) {
			LANE d = c[(x + 4) % 5] ^ KECCAK_ROTATE(c[(x + 1) % 5], 1);

			for (size_t y = 0; y < 25; y += 5)
				s[x + y] ^= d;
		}
		for (size_t y = 0; y < 5; y++)
			for (size_t x = 0; x < 5; x++)
				b[y + 5 * ((2 * x + 3 * y) % 5)] =
					KECCAK_ROTATE(s[x + 5 * y], rotations[y][x]);
		for (size_t y = 0; y < 25; y += 5)
			for (size_t x = 0; x < 5; x++)
				s[x + y] = b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y]);
		s[0] ^= round_constants[round];
	}
}
