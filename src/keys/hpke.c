/* HPKE base mode: the key schedule of RFC 9180 section 5 around a KEM that already gives a uniform
 * shared secret. */
#include "keys/hpke.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/aead.h"
#include "keys/kdf.h"

#include <string.h>

#define SUITE_ID_LEN 10
#define MODE_BASE 0x00
#define VERSION S("HPKE-v1")

_Static_assert(HPKE_TAG_LEN == AEAD_TAG_LEN, "tag");

struct suite_id {
	uint8_t b[SUITE_ID_LEN];
};

static struct suite_id
suite_id(enum hpke_aead aead)
{
	return (struct suite_id){{'H', 'P', 'K', 'E', HPKE_KEM_XWING >> 8, HPKE_KEM_XWING & 0xff,
		HPKE_KDF_HKDF_SHA256 >> 8, HPKE_KDF_HKDF_SHA256 & 0xff, (uint8_t)(aead >> 8),
		(uint8_t)aead}};
}

static void
labeled_extract(const struct suite_id *id, struct slice salt, struct slice label, struct slice ikm,
	uint8_t ret_prk[HASH_SHA256_LEN])
{
	struct hmac m;

	hmac_init(&m, HASH_SHA256, salt);
	hmac_put(&m, VERSION);
	hmac_put(&m, SLICE_OF(id->b));
	hmac_put(&m, label);
	hmac_put(&m, ikm);
	hmac_end(&m, ret_prk);
}

static int
labeled_expand(const struct suite_id *id, const uint8_t prk[HASH_SHA256_LEN], struct slice label,
	struct slice info, uint8_t *ret_out, size_t len)
{
	const uint8_t size[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	const struct slice parts[] = {SLICE_OF(size), VERSION, SLICE_OF(id->b), label, info};

	return hkdf_expand(HASH_SHA256, slice_new(prk, HASH_SHA256_LEN), parts, ARRAY_SIZE(parts),
		ret_out, len);
}

void
hpke_wipe(struct hpke *h)
{
	secret_wipe(h, sizeof(*h));
}

void
hpke_schedule(struct hpke *ret_h, enum hpke_aead aead,
	const uint8_t shared_secret[XWING_SECRET_LEN], struct slice info)
{
	const struct suite_id id = suite_id(aead);
	uint8_t context[1 + 2 * HASH_SHA256_LEN] = {MODE_BASE}, secret[HASH_SHA256_LEN];
	const struct slice ctx = SLICE_OF(context);
	int err = 0;

	labeled_extract(&id, SLICE_NONE, S("psk_id_hash"), SLICE_NONE, context + 1);
	labeled_extract(&id, SLICE_NONE, S("info_hash"), info, context + 1 + HASH_SHA256_LEN);
	labeled_extract(
		&id, slice_new(shared_secret, XWING_SECRET_LEN), S("secret"), SLICE_NONE, secret);
	err |= labeled_expand(&id, secret, S("key"), ctx, ret_h->key, sizeof(ret_h->key));
	err |= labeled_expand(
		&id, secret, S("base_nonce"), ctx, ret_h->nonce, sizeof(ret_h->nonce));
	err |= labeled_expand(&id, secret, S("exp"), ctx, ret_h->exporter, sizeof(ret_h->exporter));
	assert(err == LL_OK);
	(void)err;
	ret_h->aead = aead;
	ret_h->seq = 0;
	secret_wipe(secret, sizeof(secret));
}

int
hpke_sender(struct hpke *ret_h, const struct xwing_public *public, struct slice info,
	uint8_t ret_enc[XWING_ENC_LEN])
{
	uint8_t secret[XWING_SECRET_LEN];
	int err = xwing_encaps(public, ret_enc, secret);

	if (!err)
		hpke_schedule(ret_h, HPKE_AES_256_GCM, secret, info);
	secret_wipe(secret, sizeof(secret));
	return err;
}

int
hpke_receiver(struct hpke *ret_h, const struct xwing_key *key, const uint8_t enc[XWING_ENC_LEN],
	struct slice info)
{
	uint8_t secret[XWING_SECRET_LEN];
	int err = xwing_decaps(key, enc, secret);

	if (!err)
		hpke_schedule(ret_h, HPKE_AES_256_GCM, secret, info);
	secret_wipe(secret, sizeof(secret));
	return err;
}

/* The cipher and the nonce of the next message, ComputeNonce of section 5.2. */
static struct aead *
next_message(const struct hpke *h, bool seal, uint8_t ret_nonce[AEAD_NONCE_LEN])
{
	enum aead_kind kind =
		h->aead == HPKE_AES_256_GCM ? AEAD_AES_256_GCM : AEAD_CHACHA20_POLY1305;

	memcpy(ret_nonce, h->nonce, AEAD_NONCE_LEN);
	be64_put(ret_nonce + 4, be64_get(ret_nonce + 4) ^ h->seq);
	return aead_new(kind, seal, h->key);
}

int
hpke_seal(struct hpke *h, struct slice aad, struct slice plain, struct buf *out)
{
	uint8_t nonce[AEAD_NONCE_LEN], *at;
	struct aead *aead;
	int err;

	if (h->seq == UINT64_MAX)
		return LL_ERR_LIMIT;
	at = buf_room(out, plain.len + HPKE_TAG_LEN);
	if (!at)
		return buf_err(out);
	aead = next_message(h, true, nonce);
	err = aead ? aead_seal(aead, nonce, aad, plain, at) : LL_ERR_CRYPTO;
	aead_free(aead);
	if (err)
		return err;
	h->seq++;
	buf_grow(out, plain.len + HPKE_TAG_LEN);
	return LL_OK;
}

int
hpke_open(struct hpke *h, struct slice aad, struct slice sealed, struct buf *out)
{
	uint8_t nonce[AEAD_NONCE_LEN], *at;
	struct aead *aead;
	int err;

	if (sealed.len < HPKE_TAG_LEN)
		return LL_ERR_AUTH;
	if (h->seq == UINT64_MAX)
		return LL_ERR_LIMIT;
	at = buf_room(out, sealed.len - HPKE_TAG_LEN);
	if (!at)
		return buf_err(out);
	aead = next_message(h, false, nonce);
	err = aead ? aead_open(aead, nonce, aad, sealed, at) : LL_ERR_CRYPTO;
	aead_free(aead);
	if (err)
		return err;
	h->seq++;
	buf_grow(out, sealed.len - HPKE_TAG_LEN);
	return LL_OK;
}

int
hpke_export(const struct hpke *h, struct slice context, uint8_t *ret_out, size_t out_len)
{
	const struct suite_id id = suite_id(h->aead);

	return labeled_expand(&id, h->exporter, S("sec"), context, ret_out, out_len);
}
