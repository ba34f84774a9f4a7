/* SHA-2, HMAC and HKDF over the block functions of libcrypto.
 *
 * The EVP interface of OpenSSL 3 allocates for every digest and costs more than hashing the hundred
 * bytes that most calls here have, and its states cannot be copied without allocating again. The
 * SHA*_Init/Update/Final functions have neither cost nor a way to fail, so they are used although
 * their declarations are marked deprecated. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "keys/kdf.h"
#include "base/error.h"
#include "base/secret.h"

#include <string.h>

#define SHA256_BLOCK_LEN 64
#define SHA512_BLOCK_LEN 128

size_t
hash_len(enum hash_kind kind)
{
	return kind == HASH_SHA256 ? HASH_SHA256_LEN : HASH_SHA512_LEN;
}

static size_t
block_len(enum hash_kind kind)
{
	return kind == HASH_SHA256 ? SHA256_BLOCK_LEN : SHA512_BLOCK_LEN;
}

void
hash_init(struct hash *h, enum hash_kind kind)
{
	h->kind = kind;
	if (kind == HASH_SHA256)
		SHA256_Init(&h->u.sha256);
	else
		SHA512_Init(&h->u.sha512);
}

void
hash_put(struct hash *h, struct slice data)
{
	if (!data.len)
		return;
	if (h->kind == HASH_SHA256)
		SHA256_Update(&h->u.sha256, data.ptr, data.len);
	else
		SHA512_Update(&h->u.sha512, data.ptr, data.len);
}

void
hash_end(struct hash *h, uint8_t *ret_digest)
{
	if (h->kind == HASH_SHA256)
		SHA256_Final(ret_digest, &h->u.sha256);
	else
		SHA512_Final(ret_digest, &h->u.sha512);
}

static void
hash_once(enum hash_kind kind, struct slice data, uint8_t *ret_digest)
{
	struct hash h;

	hash_init(&h, kind);
	hash_put(&h, data);
	hash_end(&h, ret_digest);
	secret_wipe(&h, sizeof(h));
}

void
hash_sha256(struct slice data, uint8_t ret_digest[HASH_SHA256_LEN])
{
	hash_once(HASH_SHA256, data, ret_digest);
}

void
hash_sha512(struct slice data, uint8_t ret_digest[HASH_SHA512_LEN])
{
	hash_once(HASH_SHA512, data, ret_digest);
}

static void
put_pad(struct hash *h, enum hash_kind kind, const uint8_t key[SHA512_BLOCK_LEN], uint8_t with)
{
	uint8_t pad[SHA512_BLOCK_LEN];

	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = key[i] ^ with;
	hash_init(h, kind);
	hash_put(h, slice_new(pad, block_len(kind)));
	secret_wipe(pad, sizeof(pad));
}

void
hmac_init(struct hmac *m, enum hash_kind kind, struct slice key)
{
	uint8_t block[SHA512_BLOCK_LEN] = {0};

	if (key.len > block_len(kind))
		hash_once(kind, key, block);
	else if (key.len)
		memcpy(block, key.ptr, key.len);
	put_pad(&m->inner, kind, block, 0x36);
	put_pad(&m->outer, kind, block, 0x5c);
	secret_wipe(block, sizeof(block));
}

void
hmac_put(struct hmac *m, struct slice data)
{
	hash_put(&m->inner, data);
}

void
hmac_end(struct hmac *m, uint8_t *ret_tag)
{
	uint8_t digest[HASH_MAX_LEN];

	hash_end(&m->inner, digest);
	hash_put(&m->outer, slice_new(digest, hash_len(m->inner.kind)));
	hash_end(&m->outer, ret_tag);
	secret_wipe(digest, sizeof(digest));
	secret_wipe(m, sizeof(*m));
}

void
hmac_once(enum hash_kind kind, struct slice key, struct slice data, uint8_t *ret_tag)
{
	struct hmac m;

	hmac_init(&m, kind, key);
	hmac_put(&m, data);
	hmac_end(&m, ret_tag);
}

void
hkdf_extract(enum hash_kind kind, struct slice salt, struct slice ikm, uint8_t *ret_prk)
{
	/* HMAC pads its key with zeros, so the empty salt already is the RFC's string of zeros. */
	hmac_once(kind, salt, ikm, ret_prk);
}

int
hkdf_expand(enum hash_kind kind, struct slice prk, const struct slice *info, size_t n,
	uint8_t *ret_out, size_t out_len)
{
	size_t len = hash_len(kind);
	uint8_t t[HASH_MAX_LEN];
	struct hmac keyed, m;

	if (out_len > 255 * len)
		return LL_ERR_RANGE;
	hmac_init(&keyed, kind, prk);
	for (size_t done = 0, i = 1; done < out_len; done += len, i++) {
		uint8_t counter = (uint8_t)i;

		m = keyed;
		hmac_put(&m, slice_new(t, done ? len : 0));
		for (size_t k = 0; k < n; k++)
			hmac_put(&m, info[k]);
		hmac_put(&m, slice_new(&counter, 1));
		hmac_end(&m, t);
		memcpy(ret_out + done, t, MIN(len, out_len - done));
	}
	secret_wipe(&keyed, sizeof(keyed));
	secret_wipe(t, sizeof(t));
	return LL_OK;
}

void
kdf_derive(
	const uint8_t secret[HASH_SHA256_LEN], const char *label, uint8_t *ret_out, size_t out_len)
{
	struct slice info = slice_str(label);
	int err;

	assert(out_len <= HASH_MAX_LEN);
	err = hkdf_expand(
		HASH_SHA256, slice_new(secret, HASH_SHA256_LEN), &info, 1, ret_out, out_len);
	assert(err == LL_OK);
	(void)err;
}
