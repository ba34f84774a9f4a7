/* X-Wing: both shared secrets and the X25519 part of the transcript under SHA3-256. ML-KEM's own
 * transcript need not be hashed again, because it is bound into its secret already.
 *
 * A private key's secrets are in secret memory; what a peer may know (the matrix alone is 4.5 KiB)
 * is not. */
#include "keys/xwing.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/keccak.h"
#include "keys/mlkem.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define X25519_LEN 32
#define LABEL "\\.//^\\"

_Static_assert(MLKEM_PUBLIC_LEN + X25519_LEN == XWING_PUBLIC_LEN, "public key");
_Static_assert(MLKEM_ENC_LEN + X25519_LEN == XWING_ENC_LEN, "encapsulation");

struct xwing_public {
	struct mlkem_public mlkem;
	uint8_t x25519[X25519_LEN];
};

struct xwing_secret {
	struct mlkem_key mlkem;
	uint8_t x25519[X25519_LEN];
};

struct xwing_key {
	struct xwing_secret *secret;
	struct xwing_public public;
	uint8_t encoded[XWING_PUBLIC_LEN];
};

/* What is hashed, in the order of the draft. */
struct transcript {
	uint8_t mlkem_secret[MLKEM_SECRET_LEN];
	uint8_t x25519_secret[X25519_LEN];
	uint8_t x25519_enc[X25519_LEN];
	uint8_t x25519_public[X25519_LEN];
	uint8_t label[sizeof(LABEL) - 1];
};

static void
combine(struct transcript *t, const uint8_t *x25519_enc, const uint8_t *x25519_public,
	uint8_t *ret_secret)
{
	_Static_assert(sizeof(*t) == 134, "no padding");
	memcpy(t->x25519_enc, x25519_enc, X25519_LEN);
	memcpy(t->x25519_public, x25519_public, X25519_LEN);
	memcpy(t->label, LABEL, sizeof(t->label));
	sha3_256(slice_new(t, sizeof(*t)), SLICE_NONE, ret_secret);
}

static void
expand_seed(struct xwing_key *key, const uint8_t *seed)
{
	uint8_t expanded[MLKEM_SEED_LEN + X25519_LEN];

	shake256(slice_new(seed, XWING_SEED_LEN), SLICE_NONE, expanded, sizeof(expanded));
	mlkem_keygen(&key->secret->mlkem, &key->public.mlkem, expanded);
	memcpy(key->secret->x25519, expanded + MLKEM_SEED_LEN, X25519_LEN);
	crypto_scalarmult_base(key->public.x25519, key->secret->x25519);
	secret_wipe(expanded, sizeof(expanded));
	memcpy(key->encoded, key->public.mlkem.encoded, MLKEM_PUBLIC_LEN);
	memcpy(key->encoded + MLKEM_PUBLIC_LEN, key->public.x25519, X25519_LEN);
}

/* Memory for the vectors in it, which are aligned beyond what malloc gives. */
static void *
aligned_new(size_t align, size_t n)
{
	void *p = aligned_alloc(align, n);

	if (p)
		memset(p, 0, n);
	return p;
}

int
xwing_key_new(const uint8_t seed[XWING_SEED_LEN], struct xwing_key **ret_key)
{
	struct xwing_key *key = aligned_new(_Alignof(struct xwing_key), sizeof(*key));

	if (!key)
		return LL_ERR_NOMEM;
	key->secret = SECRET_NEW(struct xwing_secret);
	if (!key->secret) {
		xwing_key_free(key);
		return LL_ERR_NOMEM;
	}
	expand_seed(key, seed);
	*ret_key = key;
	return LL_OK;
}

void
xwing_key_free(struct xwing_key *key)
{
	if (!key)
		return;
	SECRET_FREE(key->secret);
	free(key);
}

const uint8_t *
xwing_key_public(const struct xwing_key *key)
{
	return key->encoded;
}

int
xwing_decaps(const struct xwing_key *key, const uint8_t enc[XWING_ENC_LEN],
	uint8_t ret_secret[XWING_SECRET_LEN])
{
	const uint8_t *x25519_enc = enc + MLKEM_ENC_LEN;
	struct transcript t;
	int err = LL_OK;

	mlkem_decaps(&key->secret->mlkem, &key->public.mlkem, enc, t.mlkem_secret);
	if (crypto_scalarmult(t.x25519_secret, key->secret->x25519, x25519_enc) != 0)
		err = LL_ERR_AUTH;
	else
		combine(&t, x25519_enc, key->public.x25519, ret_secret);
	secret_wipe(&t, sizeof(t));
	return err;
}

int
xwing_public_new(const uint8_t pk[XWING_PUBLIC_LEN], struct xwing_public **ret_public)
{
	struct xwing_public *p = aligned_new(_Alignof(struct xwing_public), sizeof(*p));
	int err;

	if (!p)
		return LL_ERR_NOMEM;
	err = mlkem_public_init(&p->mlkem, pk);
	if (err) {
		xwing_public_free(p);
		return err;
	}
	memcpy(p->x25519, pk + MLKEM_PUBLIC_LEN, X25519_LEN);
	*ret_public = p;
	return LL_OK;
}

void
xwing_public_free(struct xwing_public *public)
{
	free(public);
}

int
xwing_encaps_coins(const struct xwing_public *public, const uint8_t coins[XWING_COINS_LEN],
	uint8_t ret_enc[XWING_ENC_LEN], uint8_t ret_secret[XWING_SECRET_LEN])
{
	const uint8_t *scalar = coins + MLKEM_COINS_LEN;
	uint8_t x25519_enc[X25519_LEN];
	struct transcript t;
	int err = LL_OK;

	if (crypto_scalarmult(t.x25519_secret, scalar, public->x25519) != 0) {
		err = LL_ERR_CRYPTO;
	} else {
		crypto_scalarmult_base(x25519_enc, scalar);
		mlkem_encaps(&public->mlkem, coins, ret_enc, t.mlkem_secret);
		memcpy(ret_enc + MLKEM_ENC_LEN, x25519_enc, X25519_LEN);
		combine(&t, x25519_enc, public->x25519, ret_secret);
	}
	secret_wipe(&t, sizeof(t));
	return err;
}

int
xwing_encaps(const struct xwing_public *public, uint8_t ret_enc[XWING_ENC_LEN],
	uint8_t ret_secret[XWING_SECRET_LEN])
{
	uint8_t coins[XWING_COINS_LEN];
	int err;

	randombytes_buf(coins, sizeof(coins));
	err = xwing_encaps_coins(public, coins, ret_enc, ret_secret);
	secret_wipe(coins, sizeof(coins));
	return err;
}
