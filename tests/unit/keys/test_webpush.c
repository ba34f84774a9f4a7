/* Push messages: the example of RFC 8291 (appendix A), and VAPID tokens that libcrypto verifies. */
#include "base/error.h"
#include "base/text.h"
#include "keys/webpush.h"
#include "t.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

static void
decode(const char *text, uint8_t *ret, size_t len)
{
	struct buf b = BUF_INIT(4096);

	CHECK_INT(base64url_decode(&b, slice_str(text)), 0);
	CHECK_INT(b.len, len);
	if (b.len == len)
		memcpy(ret, b.ptr, len);
	buf_done(&b);
}

static const char ua_public[] =
	"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
static const char as_public[] =
	"BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
static const char as_private[] = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";

static void
rfc8291_example(void)
{
	static const char body[] =
		"DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYL"
		"ocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyou"
		"BWLVWGNWQexSgSxsj_Qulcy4a-fN";
	uint8_t receiver[WEBPUSH_PUBLIC_LEN], auth[WEBPUSH_AUTH_LEN];
	uint8_t private[WEBPUSH_PRIVATE_LEN], salt[WEBPUSH_SALT_LEN];
	uint8_t sender[WEBPUSH_PUBLIC_LEN], want[WEBPUSH_PUBLIC_LEN];
	struct buf out = BUF_INIT(4096), text = BUF_INIT(8192);

	decode(ua_public, receiver, sizeof(receiver));
	decode(as_public, want, sizeof(want));
	decode(as_private, private, sizeof(private));
	decode("BTBZMqHH6r4Tts7J_aSIgg", auth, sizeof(auth));
	decode("DGv6ra1nlYgDCS1FRnbzlw", salt, sizeof(salt));
	CHECK_INT(webpush_public(private, sender), 0);
	CHECK(!memcmp(sender, want, sizeof(want)));
	CHECK_INT(webpush_seal(receiver, auth, private, salt,
			  S("When I grow up, I want to be a watermelon"), &out),
		0);
	CHECK_INT(base64url_encode(&text, buf_slice(&out)), 0);
	CHECK_SLICE(buf_slice(&text), slice_str(body));
	buf_done(&out);
	buf_done(&text);
}

static void
keys_are_checked(void)
{
	uint8_t point[WEBPUSH_PUBLIC_LEN], zero[WEBPUSH_PRIVATE_LEN] = {0};
	uint8_t high[WEBPUSH_PRIVATE_LEN], salt[WEBPUSH_SALT_LEN] = {1},
					   auth[WEBPUSH_AUTH_LEN] = {2};
	uint8_t private[WEBPUSH_PRIVATE_LEN];
	static const uint8_t large[WEBPUSH_PLAIN_MAX + 1];
	struct buf out = BUF_INIT(8192);

	decode(ua_public, point, sizeof(point));
	decode(as_private, private, sizeof(private));
	CHECK(webpush_public_ok(SLICE_OF(point)));
	CHECK(!webpush_public_ok(slice_sub(SLICE_OF(point), 0, 64)));
	CHECK_INT(webpush_seal(point, auth, private, salt, SLICE_OF(large), &out), LL_ERR_LIMIT);
	CHECK_INT(webpush_seal(point, auth, private, salt,
			  slice_sub(SLICE_OF(large), 0, WEBPUSH_PLAIN_MAX), &out),
		0);
	CHECK(out.len <= 4096);
	point[40] ^= 1; /* not on the curve any more */
	CHECK(!webpush_public_ok(SLICE_OF(point)));
	CHECK_INT(webpush_seal(point, auth, private, salt, S("x"), &out), LL_ERR_CRYPTO);
	memset(high, 0xff, sizeof(high));
	CHECK_INT(webpush_public(zero, point), LL_ERR_CRYPTO);
	CHECK_INT(webpush_public(high, point), LL_ERR_CRYPTO);
	buf_done(&out);
}

static bool
verifies(const uint8_t public[WEBPUSH_PUBLIC_LEN], struct slice data, struct slice rs)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *key = NULL;
	unsigned char *der = NULL;
	OSSL_PARAM *p;
	int n;
	bool ok;

	OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, public, WEBPUSH_PUBLIC_LEN);
	p = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, p);
	ECDSA_SIG_set0(sig, BN_bin2bn(rs.ptr, 32, NULL), BN_bin2bn(rs.ptr + 32, 32, NULL));
	n = i2d_ECDSA_SIG(sig, &der);
	ok = n > 0 && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(md, der, (size_t)n, data.ptr, data.len) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	ECDSA_SIG_free(sig);
	EVP_PKEY_free(key);
	OSSL_PARAM_free(p);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static void
vapid(void)
{
	uint8_t private[WEBPUSH_PRIVATE_LEN], public[WEBPUSH_PUBLIC_LEN];
	struct buf out = BUF_INIT(4096), part = BUF_INIT(4096);
	struct slice token, rest, key, head, claims, signature;

	decode(as_private, private, sizeof(private));
	decode(as_public, public, sizeof(public));
	CHECK_INT(webpush_vapid(private, S("https://push.example"), S("https://mail.example"), 1234,
			  &out),
		0);
	rest = buf_slice(&out);
	CHECK(slice_starts(rest, S("vapid t=")));
	rest = slice_skip(rest, 8);
	token = slice_split(&rest, ',');
	key = slice_skip(rest, 3);
	CHECK_SLICE(key, slice_str(as_public));
	rest = token;
	head = slice_split(&rest, '.');
	claims = slice_split(&rest, '.');
	signature = rest;
	CHECK_INT(base64url_decode(&part, head), 0);
	CHECK_SLICE(buf_slice(&part), S("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"));
	buf_reset(&part);
	CHECK_INT(base64url_decode(&part, claims), 0);
	CHECK_SLICE(buf_slice(&part),
		S("{\"aud\":\"https://push.example\",\"exp\":1234,"
		  "\"sub\":\"https://mail.example\"}"));
	buf_reset(&part);
	CHECK_INT(base64url_decode(&part, signature), 0);
	CHECK_INT(part.len, 64);
	token = slice_sub(token, 0, token.len - signature.len - 1);
	CHECK(verifies(public, token, buf_slice(&part)));
	CHECK(!verifies(public, slice_skip(token, 1), buf_slice(&part)));
	CHECK_INT(
		webpush_vapid(private, S("https://a\"b"), S("https://x"), 1, &out), LL_ERR_SYNTAX);
	buf_done(&out);
	buf_done(&part);
}

T_MAIN(T(rfc8291_example), T(keys_are_checked), T(vapid))
