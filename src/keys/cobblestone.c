/* C2SP chunked encryption v1, instantiated as Cobblestone-256
 * (https://c2sp.org/chunked-encryption).
 *
 * key || base nonce || commitment = HKDF-SHA512-Expand(input key, name || salt || context); chunk i
 * is sealed under the base nonce XOR i. The commitment is checked before any chunk is touched,
 * which is what makes the whole key-committing. */
#include "keys/cobblestone.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/aead.h"
#include "keys/kdf.h"

#include <sodium.h>
#include <string.h>

#define COMMITMENT_LEN 32
#define SEALED_CHUNK ((uint64_t)COBBLESTONE_CHUNK_LEN + COBBLESTONE_TAG_LEN)
/* With its NUL: the name of the AEAD ends with 0x00. */
static const char suite_name[] = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM";

struct derived {
	uint8_t key[AEAD_KEY_LEN];
	uint8_t nonce[AEAD_NONCE_LEN];
	uint8_t commitment[COMMITMENT_LEN];
};

struct cobblestone_reader {
	struct derived keys;
	uint64_t sealed_len, plain_len;
};

uint64_t
cobblestone_sealed_len(uint64_t plain_len)
{
	uint64_t chunks = plain_len / COBBLESTONE_CHUNK_LEN + 1;

	return COBBLESTONE_HEADER_LEN + plain_len + chunks * COBBLESTONE_TAG_LEN;
}

int
cobblestone_plain_len(uint64_t sealed_len, uint64_t *ret_len)
{
	uint64_t body = sealed_len - COBBLESTONE_HEADER_LEN;
	uint64_t last = body % SEALED_CHUNK, full = body / SEALED_CHUNK;

	if (sealed_len < COBBLESTONE_HEADER_LEN || last < COBBLESTONE_TAG_LEN ||
		full >= COBBLESTONE_PLAIN_MAX / COBBLESTONE_CHUNK_LEN)
		return LL_ERR_SYNTAX;
	*ret_len = full * COBBLESTONE_CHUNK_LEN + last - COBBLESTONE_TAG_LEN;
	return LL_OK;
}

static void
derive(struct derived *ret, const uint8_t *key, const uint8_t *salt, struct slice context)
{
	const struct slice info[] = {
		SLICE_OF(suite_name),
		slice_new(salt, COBBLESTONE_SALT_LEN),
		context,
	};
	int err;

	_Static_assert(sizeof(struct derived) == AEAD_KEY_LEN + AEAD_NONCE_LEN + COMMITMENT_LEN,
		"no padding");
	err = hkdf_expand(HASH_SHA512, slice_new(key, COBBLESTONE_KEY_LEN), info, ARRAY_SIZE(info),
		(uint8_t *)ret, sizeof(*ret));
	assert(err == LL_OK);
	(void)err;
}

static void
chunk_nonce(uint8_t ret[AEAD_NONCE_LEN], const struct derived *d, uint64_t chunk)
{
	memcpy(ret, d->nonce, AEAD_NONCE_LEN);
	be64_put(ret + 4, be64_get(ret + 4) ^ chunk);
}

static int
seal_chunks(const struct derived *d, struct slice plain, uint8_t *at)
{
	struct aead *aead = aead_new(AEAD_AES_256_GCM, true, d->key);
	uint8_t nonce[AEAD_NONCE_LEN];
	int err = aead ? LL_OK : LL_ERR_CRYPTO;

	for (uint64_t chunk = 0; !err; chunk++) {
		struct slice part = slice_sub(plain, 0, COBBLESTONE_CHUNK_LEN);

		chunk_nonce(nonce, d, chunk);
		err = aead_seal(aead, nonce, SLICE_NONE, part, at);
		at += SEALED_CHUNK;
		plain = slice_skip(plain, part.len);
		if (part.len < COBBLESTONE_CHUNK_LEN)
			break;
	}
	aead_free(aead);
	return err;
}

int
cobblestone_seal_salt(const uint8_t key[COBBLESTONE_KEY_LEN],
	const uint8_t salt[COBBLESTONE_SALT_LEN], struct slice context, struct slice plain,
	struct buf *out)
{
	struct derived d;
	uint8_t *at;
	size_t len;
	int err;

	if (plain.len > COBBLESTONE_PLAIN_MAX - 1)
		return LL_ERR_LIMIT;
	len = (size_t)cobblestone_sealed_len(plain.len);
	at = buf_room(out, len);
	if (!at)
		return buf_err(out);
	derive(&d, key, salt, context);
	memcpy(at, salt, COBBLESTONE_SALT_LEN);
	memcpy(at + COBBLESTONE_SALT_LEN, d.commitment, COMMITMENT_LEN);
	err = seal_chunks(&d, plain, at + COBBLESTONE_HEADER_LEN);
	secret_wipe(&d, sizeof(d));
	if (!err)
		buf_grow(out, len);
	return err;
}

int
cobblestone_seal(const uint8_t key[COBBLESTONE_KEY_LEN], struct slice context, struct slice plain,
	struct buf *out)
{
	uint8_t salt[COBBLESTONE_SALT_LEN];

	randombytes_buf(salt, sizeof(salt));
	return cobblestone_seal_salt(key, salt, context, plain, out);
}

/* Fills r in place; it is on the caller's stack or in secret memory. */
static int
reader_init(struct cobblestone_reader *r, const uint8_t *key, struct slice context,
	struct slice header, uint64_t sealed_len)
{
	int err = cobblestone_plain_len(sealed_len, &r->plain_len);

	if (err)
		return err;
	if (header.len < COBBLESTONE_HEADER_LEN)
		return LL_ERR_SYNTAX;
	r->sealed_len = sealed_len;
	derive(&r->keys, key, header.ptr, context);
	if (!secret_eq(r->keys.commitment, header.ptr + COBBLESTONE_SALT_LEN, COMMITMENT_LEN))
		return LL_ERR_AUTH;
	return LL_OK;
}

int
cobblestone_reader_new(const uint8_t key[COBBLESTONE_KEY_LEN], struct slice context,
	struct slice header, uint64_t sealed_len, struct cobblestone_reader **ret_reader)
{
	struct cobblestone_reader *r = SECRET_NEW(struct cobblestone_reader);
	int err;

	if (!r)
		return LL_ERR_NOMEM;
	err = reader_init(r, key, context, header, sealed_len);
	if (err)
		SECRET_FREE(r);
	else
		*ret_reader = r;
	return err;
}

void
cobblestone_reader_free(struct cobblestone_reader *r)
{
	SECRET_FREE(r);
}

uint64_t
cobblestone_reader_len(const struct cobblestone_reader *r)
{
	return r->plain_len;
}

int
cobblestone_reader_range(const struct cobblestone_reader *r, uint64_t offset, uint64_t len,
	struct cobblestone_range *ret_range)
{
	uint64_t first, last, end;

	if (offset > r->plain_len || len > r->plain_len - offset)
		return LL_ERR_RANGE;
	first = offset / COBBLESTONE_CHUNK_LEN;
	last = (offset + len - (len > 0)) / COBBLESTONE_CHUNK_LEN;
	/* Who reads up to the end gets the final chunk with it, which proves the length. */
	if (offset + len == r->plain_len)
		last = r->plain_len / COBBLESTONE_CHUNK_LEN;
	end = COBBLESTONE_HEADER_LEN + (last + 1) * SEALED_CHUNK;
	ret_range->offset = COBBLESTONE_HEADER_LEN + first * SEALED_CHUNK;
	ret_range->len = MIN(end, r->sealed_len) - ret_range->offset;
	return LL_OK;
}

/* Opens one chunk and copies the bytes [skip, skip + len) of its plaintext to at. */
static int
open_part(struct aead *aead, const uint8_t *nonce, struct slice sealed, size_t skip, size_t len,
	uint8_t *at)
{
	uint8_t whole[COBBLESTONE_CHUNK_LEN];
	size_t plain_len = sealed.len - COBBLESTONE_TAG_LEN;
	int err;

	if (len == plain_len)
		return aead_open(aead, nonce, SLICE_NONE, sealed, at);
	err = aead_open(aead, nonce, SLICE_NONE, sealed, whole);
	if (!err)
		memcpy(at, whole + skip, len);
	secret_wipe(whole, plain_len);
	return err;
}

/* sealed holds the chunks that plaintext [offset, offset + len) lies in. */
static int
open_chunks(const struct derived *d, uint64_t offset, size_t len, struct slice sealed, uint8_t *at)
{
	struct aead *aead = aead_new(AEAD_AES_256_GCM, false, d->key);
	uint8_t nonce[AEAD_NONCE_LEN];
	uint64_t chunk = offset / COBBLESTONE_CHUNK_LEN;
	size_t skip = (size_t)(offset % COBBLESTONE_CHUNK_LEN);
	int err = aead ? LL_OK : LL_ERR_CRYPTO;

	for (; !err && sealed.len; chunk++, skip = 0) {
		struct slice part = slice_sub(sealed, 0, (size_t)SEALED_CHUNK);
		size_t n = MIN(len, part.len - COBBLESTONE_TAG_LEN - skip);

		chunk_nonce(nonce, d, chunk);
		err = open_part(aead, nonce, part, skip, n, at);
		at += n;
		len -= n;
		sealed = slice_skip(sealed, part.len);
	}
	aead_free(aead);
	return err;
}

int
cobblestone_reader_open(const struct cobblestone_reader *r, uint64_t offset, uint64_t len,
	struct slice sealed, struct buf *out)
{
	struct cobblestone_range range;
	uint8_t *at;
	int err = cobblestone_reader_range(r, offset, len, &range);

	if (err)
		return err;
	if (sealed.len != range.len)
		return LL_ERR_SYNTAX;
	at = buf_room(out, (size_t)len);
	if (!at)
		return buf_err(out);
	err = open_chunks(&r->keys, offset, (size_t)len, sealed, at);
	if (err)
		secret_wipe(at, (size_t)len);
	else
		buf_grow(out, (size_t)len);
	return err;
}

int
cobblestone_open(const uint8_t key[COBBLESTONE_KEY_LEN], struct slice context, struct slice sealed,
	struct buf *out)
{
	struct cobblestone_reader r;
	int err = reader_init(&r, key, context, sealed, sealed.len);

	if (!err)
		err = cobblestone_reader_open(
			&r, 0, r.plain_len, slice_skip(sealed, COBBLESTONE_HEADER_LEN), out);
	secret_wipe(&r, sizeof(r));
	return err;
}
