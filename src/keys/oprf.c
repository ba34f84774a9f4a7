/* RFC 9497 over libsodium's ristretto255. Only what OPAQUE needs: base mode, one input at a time.
 */
#include "keys/oprf.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/kdf.h"

#include <sodium.h>
#include <string.h>

#define CONTEXT "OPRFV1-\0-ristretto255-SHA512"
#define UNIFORM_LEN 64
#define SHA512_BLOCK 128

static_assert(crypto_core_ristretto255_BYTES == OPRF_ELEMENT_LEN, "element length");
static_assert(crypto_core_ristretto255_SCALARBYTES == OPRF_SCALAR_LEN, "scalar length");
static_assert(crypto_core_ristretto255_HASHBYTES == UNIFORM_LEN, "hash length");

/* expand_message_xmd (RFC 9380 section 5.3.1) with SHA-512 for exactly one digest of output. dst
 * carries its own length as last byte. */
static void
expand_message(const struct slice *message, size_t n, struct slice dst, uint8_t ret[UNIFORM_LEN])
{
	static const uint8_t pad[SHA512_BLOCK];
	static const uint8_t length[] = {0, UNIFORM_LEN, 0};
	static const uint8_t one = 1;
	uint8_t b0[HASH_SHA512_LEN];
	struct hash h;

	hash_init(&h, HASH_SHA512);
	hash_put(&h, SLICE_OF(pad));
	for (size_t i = 0; i < n; i++)
		hash_put(&h, message[i]);
	hash_put(&h, SLICE_OF(length));
	hash_put(&h, dst);
	hash_end(&h, b0);
	hash_init(&h, HASH_SHA512);
	hash_put(&h, SLICE_OF(b0));
	hash_put(&h, slice_new(&one, 1));
	hash_put(&h, dst);
	hash_end(&h, ret);
	secret_wipe(b0, sizeof(b0));
	secret_wipe(&h, sizeof(h));
}

/* A domain separation tag with its length behind it. */
#define DST(prefix) prefix CONTEXT
#define DST_BYTES(prefix)                                                                          \
	{                                                                                          \
		DST(prefix), sizeof(DST(prefix)) - 1                                               \
	}
struct dst {
	char text[sizeof(DST("DeriveKeyPair"))];
	uint8_t len;
};

static struct slice
dst_slice(struct dst *d)
{
	/* The NUL behind the text gives its place to the length. */
	d->text[d->len] = (char)d->len;
	return slice_new(d->text, (size_t)d->len + 1);
}

int
oprf_derive_key(
	const uint8_t seed[OPRF_SEED_LEN], struct slice info, uint8_t ret_key[OPRF_SCALAR_LEN])
{
	struct dst dst = DST_BYTES("DeriveKeyPair");
	uint8_t len[2] = {(uint8_t)(info.len >> 8), (uint8_t)info.len};
	uint8_t uniform[UNIFORM_LEN], key[OPRF_SCALAR_LEN];
	struct slice tag = dst_slice(&dst);

	if (info.len > UINT16_MAX)
		return LL_ERR_RANGE;
	for (unsigned counter = 0; counter < 256; counter++) {
		uint8_t last = (uint8_t)counter;
		const struct slice message[] = {
			slice_new(seed, OPRF_SEED_LEN), SLICE_OF(len), info, slice_new(&last, 1)};

		expand_message(message, ARRAY_SIZE(message), tag, uniform);
		crypto_core_ristretto255_scalar_reduce(key, uniform);
		secret_wipe(uniform, sizeof(uniform));
		if (sodium_is_zero(key, sizeof(key)))
			continue;
		memcpy(ret_key, key, sizeof(key));
		secret_wipe(key, sizeof(key));
		return LL_OK;
	}
	return LL_ERR_CRYPTO;
}

int
oprf_public_key(const uint8_t key[OPRF_SCALAR_LEN], uint8_t ret_public[OPRF_ELEMENT_LEN])
{
	return crypto_scalarmult_ristretto255_base(ret_public, key) == 0 ? LL_OK : LL_ERR_CRYPTO;
}

int
oprf_multiply(const uint8_t key[OPRF_SCALAR_LEN], const uint8_t element[OPRF_ELEMENT_LEN],
	uint8_t ret[OPRF_ELEMENT_LEN])
{
	uint8_t product[OPRF_ELEMENT_LEN];

	if (sodium_is_zero(element, OPRF_ELEMENT_LEN) ||
		!crypto_core_ristretto255_is_valid_point(element))
		return LL_ERR_SYNTAX;
	if (crypto_scalarmult_ristretto255(product, key, element) != 0)
		return LL_ERR_SYNTAX;
	memcpy(ret, product, sizeof(product));
	secret_wipe(product, sizeof(product));
	return LL_OK;
}

int
oprf_blind(struct slice input, const uint8_t *coins, uint8_t ret_blind[OPRF_SCALAR_LEN],
	uint8_t ret_blinded[OPRF_ELEMENT_LEN])
{
	struct dst dst = DST_BYTES("HashToGroup-");
	uint8_t uniform[UNIFORM_LEN], element[OPRF_ELEMENT_LEN], blind[OPRF_SCALAR_LEN];
	int err;

	expand_message(&input, 1, dst_slice(&dst), uniform);
	crypto_core_ristretto255_from_hash(element, uniform);
	if (coins)
		memcpy(blind, coins, sizeof(blind));
	else
		crypto_core_ristretto255_scalar_random(blind);
	err = oprf_multiply(blind, element, ret_blinded);
	if (!err)
		memcpy(ret_blind, blind, sizeof(blind));
	secret_wipe(uniform, sizeof(uniform));
	secret_wipe(element, sizeof(element));
	secret_wipe(blind, sizeof(blind));
	return err;
}

int
oprf_finalize(struct slice input, const uint8_t blind[OPRF_SCALAR_LEN],
	const uint8_t evaluated[OPRF_ELEMENT_LEN], uint8_t ret[OPRF_OUTPUT_LEN])
{
	uint8_t inverse[OPRF_SCALAR_LEN], element[OPRF_ELEMENT_LEN];
	uint8_t input_len[2] = {(uint8_t)(input.len >> 8), (uint8_t)input.len};
	static const uint8_t element_len[2] = {0, OPRF_ELEMENT_LEN};
	struct hash h;
	int err;

	if (input.len > UINT16_MAX || crypto_core_ristretto255_scalar_invert(inverse, blind) != 0)
		return LL_ERR_RANGE;
	err = oprf_multiply(inverse, evaluated, element);
	if (!err) {
		hash_init(&h, HASH_SHA512);
		hash_put(&h, SLICE_OF(input_len));
		hash_put(&h, input);
		hash_put(&h, SLICE_OF(element_len));
		hash_put(&h, SLICE_OF(element));
		hash_put(&h, S("Finalize"));
		hash_end(&h, ret);
		secret_wipe(&h, sizeof(h));
	}
	secret_wipe(inverse, sizeof(inverse));
	secret_wipe(element, sizeof(element));
	return err;
}
