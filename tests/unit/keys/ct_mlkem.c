/* ML-KEM under valgrind's memcheck with its secrets marked as undefined: memcheck then reports
 * every branch and every address that depends on one. What the scheme itself publishes is marked
 * defined again. Without valgrind it is an ordinary round trip. */
#include "base/error.h"
#include "keys/mlkem.h"
#include "t.h"

#include <valgrind/memcheck.h>

#define SECRET(x) (void)VALGRIND_MAKE_MEM_UNDEFINED(&(x), sizeof(x))
#define PUBLIC(x) (void)VALGRIND_MAKE_MEM_DEFINED(&(x), sizeof(x))

/* Whether the marks are there: memcheck keeps them per bit. Always true without valgrind. */
static bool
is_secret(const void *p)
{
	uint8_t marks = 0;

	return !RUNNING_ON_VALGRIND || (VALGRIND_GET_VBITS(p, &marks, 1) == 1 && marks);
}

static struct mlkem_public public;
static struct mlkem_key key;
static uint8_t enc[MLKEM_ENC_LEN], sent[MLKEM_SECRET_LEN], received[MLKEM_SECRET_LEN];

static void
test_keygen(void)
{
	struct mlkem_seeds seeds;
	uint8_t d[32], z[32];

	memset(d, 0x5a, sizeof(d));
	memset(z, 0xa5, sizeof(z));
	SECRET(d);
	SECRET(z);
	mlkem_expand(&seeds, d);
	PUBLIC(seeds.rho);
	mlkem_keygen_expanded(&key, &public, &seeds, z);
	CHECK(is_secret(&key.s) && is_secret(&key.z) && is_secret(&public.t));
	PUBLIC(public);
}

static void
test_encaps(void)
{
	uint8_t coins[MLKEM_COINS_LEN];

	memset(coins, 0x3c, sizeof(coins));
	SECRET(coins);
	mlkem_encaps(&public, coins, enc, sent);
	CHECK(is_secret(enc) && is_secret(sent));
	PUBLIC(enc);
}

static void
test_decaps(void)
{
	mlkem_decaps(&key, &public, enc, received);
	CHECK(is_secret(received));
	PUBLIC(sent);
	PUBLIC(received);
	CHECK(memcmp(sent, received, sizeof(sent)) == 0);
}

static void
test_implicit_rejection(void)
{
	enc[7] ^= 1;
	mlkem_decaps(&key, &public, enc, received);
	PUBLIC(received);
	CHECK(memcmp(sent, received, sizeof(sent)) != 0);
}

/* Proves that the harness sees what it should: a branch on a secret byte, for a run that must fail.
 */
static void
leak(void)
{
	static volatile int taken;
	uint8_t secret = 1;

	SECRET(secret);
	if (secret & 1)
		taken++;
}

int
main(int argc, char **argv)
{
	static const struct t_case cases[] = {
		T(test_keygen), T(test_encaps), T(test_decaps), T(test_implicit_rejection)};

	if (argc > 1)
		leak();
	return t_main(cases, ARRAY_SIZE(cases));
}
