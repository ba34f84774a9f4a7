/* See webpush.h. */
#include "keys/webpush.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/kdf.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define RECORD_SIZE 4096
#define TAG_LEN 16
#define SCALAR_LEN 32

/* ---- P-256 ---- */

int
webpush_public(const uint8_t private[WEBPUSH_PRIVATE_LEN], uint8_t ret_public[WEBPUSH_PUBLIC_LEN])
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *d = BN_bin2bn(private, (int)WEBPUSH_PRIVATE_LEN, NULL);
	EC_POINT *p = g ? EC_POINT_new(g) : NULL;
	bool ok = d && p && !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(g)) < 0;

	if (ok)
		BN_set_flags(d, BN_FLG_CONSTTIME);
	ok = ok && EC_POINT_mul(g, p, d, NULL, NULL, NULL) == 1 &&
		EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, ret_public,
			WEBPUSH_PUBLIC_LEN, NULL) == WEBPUSH_PUBLIC_LEN;
	EC_POINT_free(p);
	BN_clear_free(d);
	EC_GROUP_free(g);
	return ok ? LL_OK : LL_ERR_CRYPTO;
}

bool webpush_public_ok(struct slice public)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *p = g ? EC_POINT_new(g) : NULL;
	bool ok = p && public.len == WEBPUSH_PUBLIC_LEN && public.ptr[0] == 4 &&
		EC_POINT_oct2point(g, p, public.ptr, public.len, NULL) == 1;

	EC_POINT_free(p);
	EC_GROUP_free(g);
	return ok;
}

/* private may be NULL. */
static EVP_PKEY *
key_new(const uint8_t public[WEBPUSH_PUBLIC_LEN], const uint8_t *private)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *d = private ? BN_secure_new() : NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	bool ok = b && ctx &&
		OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
		OSSL_PARAM_BLD_push_octet_string(
			b, OSSL_PKEY_PARAM_PUB_KEY, public, WEBPUSH_PUBLIC_LEN);

	if (ok && private)
		ok = d && BN_bin2bn(private, (int)WEBPUSH_PRIVATE_LEN, d) &&
			OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d);
	if (ok && (params = OSSL_PARAM_BLD_to_param(b)) != NULL &&
		(EVP_PKEY_fromdata_init(ctx) != 1 ||
			EVP_PKEY_fromdata(ctx, &key,
				private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1))
		key = NULL;
	OSSL_PARAM_free(params);
	BN_clear_free(d);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(b);
	return key;
}

static int
agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret[SCALAR_LEN])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t n = SCALAR_LEN;
	bool ok = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, ret, &n) == 1 &&
		n == SCALAR_LEN;

	EVP_PKEY_CTX_free(ctx);
	return ok ? LL_OK : LL_ERR_CRYPTO;
}

/* ---- Message encryption ---- */

struct keys {
	uint8_t cek[16], nonce[12];
};

/* RFC 8291 section 3.4, from the shared point on. */
static int
keys_derive(const uint8_t shared[SCALAR_LEN], const uint8_t *receiver, const uint8_t *sender,
	const uint8_t *auth, const uint8_t *salt, struct keys *ret)
{
	static const char key_info[] = "WebPush: info";
	static const char cek_info[] = "Content-Encoding: aes128gcm";
	static const char nonce_info[] = "Content-Encoding: nonce";
	struct slice info[3] = {slice_new(key_info, sizeof(key_info)),
		slice_new(receiver, WEBPUSH_PUBLIC_LEN), slice_new(sender, WEBPUSH_PUBLIC_LEN)};
	struct slice cek = slice_new(cek_info, sizeof(cek_info));
	struct slice nonce = slice_new(nonce_info, sizeof(nonce_info));
	uint8_t prk[HASH_SHA256_LEN], ikm[HASH_SHA256_LEN];
	int r;

	hkdf_extract(
		HASH_SHA256, slice_new(auth, WEBPUSH_AUTH_LEN), slice_new(shared, SCALAR_LEN), prk);
	r = hkdf_expand(HASH_SHA256, SLICE_OF(prk), info, ARRAY_SIZE(info), ikm, sizeof(ikm));
	hkdf_extract(HASH_SHA256, slice_new(salt, WEBPUSH_SALT_LEN), SLICE_OF(ikm), prk);
	if (!r)
		r = hkdf_expand(HASH_SHA256, SLICE_OF(prk), &cek, 1, ret->cek, sizeof(ret->cek));
	if (!r)
		r = hkdf_expand(
			HASH_SHA256, SLICE_OF(prk), &nonce, 1, ret->nonce, sizeof(ret->nonce));
	secret_wipe(prk, sizeof(prk));
	secret_wipe(ikm, sizeof(ikm));
	return r;
}

/* One record, the last: the text and the delimiter 2. */
static int
record_seal(const struct keys *k, struct slice plain, struct buf *out)
{
	static const uint8_t last = 2;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t *p = buf_room(out, plain.len + 1 + TAG_LEN);
	int n = 0, m = 0;
	bool ok = c && p && EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, k->cek, k->nonce) == 1 &&
		(!plain.len || EVP_EncryptUpdate(c, p, &n, plain.ptr, (int)plain.len) == 1) &&
		EVP_EncryptUpdate(c, p + n, &m, &last, 1) == 1 &&
		EVP_EncryptFinal_ex(c, p + n + m, &(int){0}) == 1 &&
		EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_LEN, p + plain.len + 1) == 1;

	EVP_CIPHER_CTX_free(c);
	if (ok)
		buf_grow(out, plain.len + 1 + TAG_LEN);
	return ok ? LL_OK : p ? LL_ERR_CRYPTO : buf_err(out);
}

int
webpush_seal(const uint8_t receiver[WEBPUSH_PUBLIC_LEN], const uint8_t auth[WEBPUSH_AUTH_LEN],
	const uint8_t ephemeral[WEBPUSH_PRIVATE_LEN], const uint8_t salt[WEBPUSH_SALT_LEN],
	struct slice plain, struct buf *out)
{
	uint8_t sender[WEBPUSH_PUBLIC_LEN], shared[SCALAR_LEN] = {0};
	EVP_PKEY *own = NULL, *peer = NULL;
	struct keys k;
	int r = plain.len > WEBPUSH_PLAIN_MAX ? LL_ERR_LIMIT : webpush_public(ephemeral, sender);

	if (r)
		return r;
	own = key_new(sender, ephemeral);
	peer = key_new(receiver, NULL);
	r = own && peer ? agree(own, peer, shared) : LL_ERR_CRYPTO;
	if (!r)
		r = keys_derive(shared, receiver, sender, auth, salt, &k);
	if (!r) {
		buf_put(out, slice_new(salt, WEBPUSH_SALT_LEN));
		buf_put_be32(out, RECORD_SIZE);
		buf_putc(out, (uint8_t)WEBPUSH_PUBLIC_LEN);
		buf_put(out, SLICE_OF(sender));
		r = record_seal(&k, plain, out);
	}
	secret_wipe(shared, sizeof(shared));
	secret_wipe(&k, sizeof(k));
	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
	return r;
}

/* ---- VAPID ---- */

/* ES256: r and s, as JWS has them. */
static int
sign_es256(EVP_PKEY *key, struct slice data, uint8_t ret[2 * SCALAR_LEN])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t n = sizeof(der);
	ECDSA_SIG *sig = NULL;
	bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestSign(md, der, &n, data.ptr, data.len) == 1 &&
		(sig = d2i_ECDSA_SIG(NULL, &at, (long)n)) != NULL &&
		BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, SCALAR_LEN) == SCALAR_LEN &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + SCALAR_LEN, SCALAR_LEN) == SCALAR_LEN;

	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
	return ok ? LL_OK : LL_ERR_CRYPTO;
}

/* Text of ours that stands in a JSON string as it is. */
static bool
plain_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == '"' || s.ptr[i] == '\\')
			return false;
	return s.len > 0;
}

int
webpush_vapid(const uint8_t private[WEBPUSH_PRIVATE_LEN], struct slice origin, struct slice subject,
	int64_t expires, struct buf *out)
{
	CLEANUP(buf_done) struct buf claims = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf token = BUF_INIT(8192);
	uint8_t public[WEBPUSH_PUBLIC_LEN], signature[2 * SCALAR_LEN];
	EVP_PKEY *key;
	int r;

	if (!plain_text(origin) || !plain_text(subject))
		return LL_ERR_SYNTAX;
	buf_printf(&claims, "{\"aud\":\"%.*s\",\"exp\":%lld,\"sub\":\"%.*s\"}", SLICE_ARG(origin),
		(long long)expires, SLICE_ARG(subject));
	r = buf_err(&claims) ? buf_err(&claims) : webpush_public(private, public);
	base64url_encode(&token, S("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"));
	buf_putc(&token, '.');
	base64url_encode(&token, buf_slice(&claims));
	if (!r)
		r = buf_err(&token);
	if (r)
		return r;
	key = key_new(public, private);
	r = key ? sign_es256(key, buf_slice(&token), signature) : LL_ERR_CRYPTO;
	EVP_PKEY_free(key);
	if (r)
		return r;
	buf_puts(out, "vapid t=");
	buf_put(out, buf_slice(&token));
	buf_putc(out, '.');
	base64url_encode(out, SLICE_OF(signature));
	buf_puts(out, ", k=");
	return base64url_encode(out, SLICE_OF(public));
}
