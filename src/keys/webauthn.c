/* Everything here comes from a browser that anybody may have made: views and lengths are checked
 * before use, and nothing is believed but the signature. */
#include "keys/webauthn.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/cbor.h"
#include "keys/kdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define AUTH_DATA_MIN 37
#define AUTH_DATA_MAX 4096
#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 512

enum { FLAG_PRESENT = 1, FLAG_VERIFIED = 4, FLAG_ATTESTED = 0x40, FLAG_EXTENSIONS = 0x80 };
enum { COSE_KTY = 1, COSE_ALG = 3, COSE_CRV = -1, COSE_X = -2, COSE_Y = -3 };
enum { ALG_ES256 = -7, ALG_EDDSA = -8, ALG_RS256 = -257 };

/* --- client data --- */

static bool
take(struct slice *s, struct slice what)
{
	if (!slice_starts(*s, what))
		return false;
	*s = slice_skip(*s, what.len);
	return true;
}

/* https://HOST or https://HOST:PORT */
static bool
origin_is(struct slice origin, struct slice host)
{
	uint64_t port;

	return take(&origin, S("https://")) && take(&origin, host) &&
		(origin.len == 0 ||
			(take(&origin, S(":")) && slice_u64(origin, 65535, &port) == LL_OK));
}

static int
check_client_data(const struct webauthn_expect *e, const char *type, struct slice data)
{
	CLEANUP(buf_done) struct buf start = BUF_INIT(256);
	size_t end;

	buf_printf(&start, "{\"type\":\"%s\",\"challenge\":\"", type);
	base64url_encode(&start, slice_new(e->challenge, WEBAUTHN_CHALLENGE_LEN));
	buf_puts(&start, "\",\"origin\":\"");
	if (buf_err(&start))
		return buf_err(&start);
	if (!take(&data, buf_slice(&start)))
		return LL_ERR_AUTH;
	end = slice_find_byte(data, '"');
	if (end == SLICE_NPOS || !origin_is(slice_sub(data, 0, end), e->rp_id))
		return LL_ERR_AUTH;
	data = slice_skip(data, end);
	if (!take(&data, S("\",\"crossOrigin\":false")))
		return LL_ERR_AUTH;
	return slice_eq(data, S("}")) || (slice_starts(data, S(",")) && slice_ends(data, S("}")))
		? LL_OK
		: LL_ERR_AUTH;
}

/* --- authenticator data (section 6.1) --- */

struct auth_data {
	uint8_t flags;
	uint32_t counter;
	struct slice id, key;
};

static int
read_attested(struct cbor *c, struct auth_data *ret)
{
	struct reader r = reader_new(c->rest);
	struct slice before;

	(void)reader_bytes(&r, 16); /* AAGUID */
	ret->id = reader_bytes(&r, reader_be16(&r));
	if (r.err || ret->id.len == 0 || ret->id.len > WEBAUTHN_ID_MAX)
		return LL_ERR_SYNTAX;
	*c = cbor_new(r.rest);
	before = c->rest;
	if (!cbor_is(c, CBOR_MAP))
		return LL_ERR_SYNTAX;
	cbor_skip(c);
	ret->key = slice_sub(before, 0, before.len - c->rest.len);
	return c->err || ret->key.len > WEBAUTHN_KEY_MAX ? LL_ERR_SYNTAX : LL_OK;
}

static int
read_auth_data(const struct webauthn_expect *e, struct slice data, struct auth_data *ret)
{
	struct cbor c = cbor_new(slice_skip(data, AUTH_DATA_MIN));
	uint8_t rp_hash[HASH_SHA256_LEN];
	int r = LL_OK;

	if (data.len < AUTH_DATA_MIN || data.len > AUTH_DATA_MAX)
		return LL_ERR_SYNTAX;
	hash_sha256(e->rp_id, rp_hash);
	*ret = (struct auth_data){.flags = data.ptr[32], .counter = be32_get(data.ptr + 33)};
	if (!secret_eq(data.ptr, rp_hash, sizeof(rp_hash)) ||
		(ret->flags & (FLAG_PRESENT | FLAG_VERIFIED)) != (FLAG_PRESENT | FLAG_VERIFIED))
		return LL_ERR_AUTH;
	if (ret->flags & FLAG_ATTESTED)
		r = read_attested(&c, ret);
	if (r == LL_OK && (ret->flags & FLAG_EXTENSIONS)) {
		if (!cbor_is(&c, CBOR_MAP))
			return LL_ERR_SYNTAX;
		cbor_skip(&c);
	}
	return r ? r : c.err || c.rest.len ? LL_ERR_SYNTAX : LL_OK;
}

/* --- keys (RFC 9053, RFC 8230) --- */

struct cose_key {
	int64_t kty, alg, crv;
	struct slice a, b, c; /* labels -1 (when it is a byte string), -2, -3 */
};

static int
read_key(struct slice in, struct cose_key *ret)
{
	struct cbor c = cbor_new(in);
	uint32_t n = cbor_map(&c);

	*ret = (struct cose_key){0};
	for (uint32_t i = 0; i < n && !c.err; i++) {
		int64_t label = cbor_int(&c);
		if (label == COSE_KTY)
			ret->kty = cbor_int(&c);
		else if (label == COSE_ALG)
			ret->alg = cbor_int(&c);
		else if (label == COSE_CRV && !cbor_is(&c, CBOR_BYTES))
			ret->crv = cbor_int(&c);
		else if (label == COSE_CRV)
			ret->a = cbor_bytes(&c);
		else if (label == COSE_X)
			ret->b = cbor_bytes(&c);
		else if (label == COSE_Y)
			ret->c = cbor_bytes(&c);
		else
			cbor_skip(&c);
	}
	return c.err || c.rest.len ? LL_ERR_SYNTAX : LL_OK;
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

/* An uncompressed point of P-256; OpenSSL refuses one that is not on the curve. */
static EVP_PKEY *
ec_key(const struct cose_key *k)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[65] = {4};
	EVP_PKEY *key = NULL;

	if (build && k->crv == 1 && k->b.len == 32 && k->c.len == 32) {
		memcpy(point + 1, k->b.ptr, 32);
		memcpy(point + 33, k->c.ptr, 32);
		if (OSSL_PARAM_BLD_push_utf8_string(
			    build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
			OSSL_PARAM_BLD_push_octet_string(
				build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
			key = from_params("EC", build);
	}
	OSSL_PARAM_BLD_free(build);
	return key;
}

static EVP_PKEY *
rsa_key(const struct cose_key *k)
{
	bool fits = k->a.len >= RSA_BYTES_MIN && k->a.len <= RSA_BYTES_MAX && k->a.ptr[0] &&
		k->b.len > 0 && k->b.len <= 4 && (k->b.ptr[k->b.len - 1] & 1);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = fits ? BN_bin2bn(k->a.ptr, (int)k->a.len, NULL) : NULL;
	BIGNUM *e = fits ? BN_bin2bn(k->b.ptr, (int)k->b.len, NULL) : NULL;
	EVP_PKEY *key = NULL;

	if (build && n && e && !BN_is_one(e) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		key = from_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return key;
}

static EVP_PKEY *
ed_key(const struct cose_key *k)
{
	return k->crv == 6 && k->b.len == 32
		? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->b.ptr, k->b.len)
		: NULL;
}

static const struct {
	int64_t kty, alg;
	EVP_PKEY *(*make)(const struct cose_key *k);
	bool hashed; /* with SHA-256 */
} algorithms[] = {
	{2, ALG_ES256, ec_key, true},
	{1, ALG_EDDSA, ed_key, false},
	{3, ALG_RS256, rsa_key, true},
};

static int
open_key(struct slice in, EVP_PKEY **ret, bool *ret_hashed)
{
	struct cose_key k;
	int r = read_key(in, &k);

	for (size_t i = 0; r == LL_OK && i < ARRAY_SIZE(algorithms); i++) {
		if (algorithms[i].kty != k.kty || algorithms[i].alg != k.alg)
			continue;
		*ret = algorithms[i].make(&k);
		*ret_hashed = algorithms[i].hashed;
		return *ret ? LL_OK : LL_ERR_SYNTAX;
	}
	return r ? r : LL_ERR_UNSUPPORTED;
}

static int
verify(struct slice key, struct slice signed_bytes, struct slice signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *pkey = NULL;
	bool hashed = false;
	int r = ctx ? open_key(key, &pkey, &hashed) : LL_ERR_NOMEM;

	if (r == LL_OK &&
		(EVP_DigestVerifyInit(ctx, NULL, hashed ? EVP_sha256() : NULL, NULL, pkey) != 1 ||
			EVP_DigestVerify(ctx, signature.ptr, signature.len, signed_bytes.ptr,
				signed_bytes.len) != 1))
		r = LL_ERR_AUTH;
	EVP_PKEY_free(pkey);
	EVP_MD_CTX_free(ctx);
	return r;
}

/* --- ceremonies --- */

/* The authenticator data in an attestation object (section 6.5.4). */
static int
attested_data(struct slice object, struct slice *ret)
{
	struct cbor c = cbor_new(object);
	uint32_t n = cbor_map(&c);

	*ret = SLICE_NONE;
	for (uint32_t i = 0; i < n && !c.err; i++) {
		struct slice name = cbor_text(&c);
		if (slice_eq(name, S("authData")))
			*ret = cbor_bytes(&c);
		else
			cbor_skip(&c);
	}
	return c.err || c.rest.len ? LL_ERR_SYNTAX : LL_OK;
}

int
webauthn_register(const struct webauthn_expect *e, struct slice client_data,
	struct slice attestation_object, struct webauthn_credential *ret)
{
	struct auth_data ad;
	struct slice data;
	EVP_PKEY *key = NULL;
	bool hashed;
	int r = check_client_data(e, "webauthn.create", client_data);

	if (r == LL_OK)
		r = attested_data(attestation_object, &data);
	if (r == LL_OK)
		r = read_auth_data(e, data, &ad);
	if (r == LL_OK && !(ad.flags & FLAG_ATTESTED))
		r = LL_ERR_SYNTAX;
	if (r == LL_OK)
		r = open_key(ad.key, &key, &hashed);
	EVP_PKEY_free(key);
	if (r == LL_OK)
		*ret = (struct webauthn_credential){ad.id, ad.key, ad.counter};
	return r;
}

int
webauthn_assert(const struct webauthn_expect *e, struct slice key, uint32_t counter,
	struct slice client_data, struct slice authenticator_data, struct slice signature,
	uint32_t *ret_counter)
{
	CLEANUP(buf_done) struct buf whole = BUF_INIT(AUTH_DATA_MAX + HASH_SHA256_LEN);
	uint8_t hash[HASH_SHA256_LEN];
	struct auth_data ad;
	int r = check_client_data(e, "webauthn.get", client_data);

	if (r == LL_OK)
		r = read_auth_data(e, authenticator_data, &ad);
	if (r)
		return r;
	hash_sha256(client_data, hash);
	buf_put(&whole, authenticator_data);
	buf_put(&whole, SLICE_OF(hash));
	r = buf_err(&whole);
	if (r == LL_OK)
		r = verify(key, buf_slice(&whole), signature);
	if (r == LL_OK && (ad.counter || counter) && ad.counter <= counter)
		r = LL_ERR_AUTH;
	if (r == LL_OK)
		*ret_counter = ad.counter;
	return r;
}
