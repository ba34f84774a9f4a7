/* Second factors: TOTP by the vectors of RFC 6238, and WebAuthn against an authenticator that is
 * made here, with every kind of key. */
#include "base/error.h"
#include "base/text.h"
#include "keys/cbor.h"
#include "keys/kdf.h"
#include "keys/totp.h"
#include "keys/webauthn.h"
#include "t.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* --- TOTP --- */

static const uint8_t secret[TOTP_SECRET_LEN] = {'1', '2', '3', '4', '5', '6', '7', '8', '9', '0',
	'1', '2', '3', '4', '5', '6', '7', '8', '9', '0'};

static void
totp_vectors(void)
{
	static const struct {
		uint64_t at;
		uint32_t code;
	} v[] = {{59, 287082}, {1111111109, 81804}, {1111111111, 50471}, {1234567890, 5924},
		{2000000000, 279037}, {20000000000, 353130}};
	CLEANUP(buf_done) struct buf text = BUF_INIT(64);

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		CHECK_INT(totp_code(secret, v[i].at / 30), v[i].code);
	CHECK_INT(totp_secret_put(&text, secret), LL_OK);
	CHECK_SLICE(buf_slice(&text), S("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
}

static void
totp_window_and_replay(void)
{
	const int64_t now = 1111111109; /* step 37037036 */
	uint64_t step = 0;

	CHECK_INT(totp_check(secret, 0, now, S("081804"), &step), LL_OK);
	CHECK_INT(step, 37037036);
	CHECK_INT(totp_check(secret, 0, now, S("081 804"), &step), LL_OK);
	CHECK_INT(totp_check(secret, step, now, S("081804"), &step), LL_ERR_AUTH);
	CHECK_INT(totp_check(secret, step - 1, now, S("081804"), &step), LL_OK);
	CHECK_INT(totp_check(secret, 0, now + 30, S("081804"), &step), LL_OK);
	CHECK_INT(totp_check(secret, 0, now - 30, S("081804"), &step), LL_OK);
	CHECK_INT(totp_check(secret, 0, now + 61, S("081804"), &step), LL_ERR_AUTH);
	CHECK_INT(totp_check(secret, 0, now - 60, S("081804"), &step), LL_ERR_AUTH);
	CHECK_INT(totp_check(secret, 0, now, S("81804"), &step), LL_ERR_AUTH);
	CHECK_INT(totp_check(secret, 0, now, S("0081804"), &step), LL_ERR_AUTH);
	CHECK_INT(totp_check(secret, 0, now, S("08180a"), &step), LL_ERR_AUTH);
	CHECK_INT(totp_check(secret, 0, now, S(""), &step), LL_ERR_AUTH);
	CHECK_INT(totp_check(secret, 0, 10, S("755224"), &step), LL_ERR_AUTH); /* step 0 is none */
}

/* --- an authenticator --- */

static const uint8_t challenge[WEBAUTHN_CHALLENGE_LEN] = {1, 2, 3};
static const struct webauthn_expect expect = {S("mail.example.org"), challenge};

static void
client_data(struct buf *out, const char *type, const char *origin, const char *end)
{
	buf_reset(out);
	buf_printf(out, "{\"type\":\"%s\",\"challenge\":\"", type);
	base64url_encode(out, SLICE_OF(challenge));
	buf_printf(out, "\",\"origin\":\"%s\",\"crossOrigin\":false%s", origin, end);
}

static void
put_bytes(struct buf *out, struct slice s)
{
	buf_putc(out, 0x59);
	buf_put_be16(out, (uint16_t)s.len);
	buf_put(out, s);
}

static void
bignum(EVP_PKEY *key, const char *name, uint8_t *to, int len)
{
	BIGNUM *n = NULL;

	CHECK(EVP_PKEY_get_bn_param(key, name, &n));
	CHECK(BN_bn2binpad(n, to, len) == len);
	BN_free(n);
}

static EVP_PKEY *
make_key(int kind, struct buf *cose)
{
	static const uint8_t heads[3][7] = {{0xa5, 1, 2, 3, 0x26, 0x20, 1},
		{0xa4, 1, 1, 3, 0x27, 0x20, 6}, {0xa4, 1, 3, 3, 0x39, 1, 0}};
	EVP_PKEY *key = kind == 0 ? EVP_EC_gen("P-256")
		: kind == 1	  ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
				  : EVP_RSA_gen(2048);
	uint8_t a[256], b[32];
	size_t len = 32;

	buf_reset(cose);
	buf_put(cose, SLICE_OF(heads[kind]));
	if (kind == 0) {
		bignum(key, OSSL_PKEY_PARAM_EC_PUB_X, a, 32);
		bignum(key, OSSL_PKEY_PARAM_EC_PUB_Y, b, 32);
		buf_putc(cose, 0x21);
		put_bytes(cose, slice_new(a, 32));
		buf_putc(cose, 0x22);
		put_bytes(cose, SLICE_OF(b));
	} else if (kind == 1) {
		CHECK(EVP_PKEY_get_raw_public_key(key, b, &len) == 1);
		buf_putc(cose, 0x21);
		put_bytes(cose, SLICE_OF(b));
	} else {
		bignum(key, OSSL_PKEY_PARAM_RSA_N, a, 256);
		buf_putc(cose, 0x20);
		put_bytes(cose, SLICE_OF(a));
		buf_putc(cose, 0x21);
		put_bytes(cose, S("\x01\x00\x01"));
	}
	return key;
}

static void
auth_data(struct buf *out, uint8_t flags, uint32_t counter, struct slice cose)
{
	uint8_t hash[32];

	buf_reset(out);
	hash_sha256(expect.rp_id, hash);
	buf_put(out, SLICE_OF(hash));
	buf_putc(out, flags);
	buf_put_be32(out, counter);
	if (!(flags & 0x40))
		return;
	buf_put_fill(out, 7, 16);
	buf_put_be16(out, 5);
	buf_puts(out, "cred!");
	buf_put(out, cose);
}

static void
attestation(struct buf *out, struct slice data)
{
	buf_reset(out);
	buf_putc(out, 0xa3);
	buf_puts(out,
		"\x63"
		"fmt"
		"\x64"
		"none"
		"\x67"
		"attStmt");
	buf_putc(out, 0xa0);
	buf_puts(out,
		"\x68"
		"authData");
	put_bytes(out, data);
}

static size_t
sign(EVP_PKEY *key, bool hashed, struct slice data, struct slice client, uint8_t sig[512])
{
	CLEANUP(buf_done) struct buf whole = BUF_INIT(8192);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[32];
	size_t len = 512;

	hash_sha256(client, hash);
	buf_put(&whole, data);
	buf_put(&whole, SLICE_OF(hash));
	CHECK(EVP_DigestSignInit(ctx, NULL, hashed ? EVP_sha256() : NULL, NULL, key) == 1);
	CHECK(EVP_DigestSign(ctx, sig, &len, whole.ptr, whole.len) == 1);
	EVP_MD_CTX_free(ctx);
	return len;
}

#define ORIGIN "https://mail.example.org"

static void
ceremonies(int kind)
{
	CLEANUP(buf_done)
	struct buf client = BUF_INIT(4096), cose = BUF_INIT(4096), data = BUF_INIT(4096),
		   object = BUF_INIT(8192);
	EVP_PKEY *key = make_key(kind, &cose);
	struct webauthn_credential c;
	uint8_t sig[512];
	uint32_t counter = 0;
	size_t len;

	client_data(&client, "webauthn.create", ORIGIN ":8443", "}");
	auth_data(&data, 0x45, 1, buf_slice(&cose));
	attestation(&object, buf_slice(&data));
	CHECK_INT(webauthn_register(&expect, buf_slice(&client), buf_slice(&object), &c), LL_OK);
	CHECK_SLICE(c.id, S("cred!"));
	CHECK_SLICE(c.key, buf_slice(&cose));
	CHECK_INT(c.counter, 1);
	client_data(&client, "webauthn.get", ORIGIN, ",\"other\":{}}");
	auth_data(&data, 5, 2, SLICE_NONE);
	len = sign(key, kind != 1, buf_slice(&data), buf_slice(&client), sig);
#define ASSERT_WITH(before)                                                                        \
	webauthn_assert(&expect, buf_slice(&cose), before, buf_slice(&client), buf_slice(&data),   \
		slice_new(sig, len), &counter)
	CHECK_INT(ASSERT_WITH(1), LL_OK);
	CHECK_INT(counter, 2);
	CHECK_INT(ASSERT_WITH(2), LL_ERR_AUTH);
	/* One bit of what is signed, or of the signature. */
	for (size_t i = 0; i < data.len; i++) {
		data.ptr[i] ^= 1;
		CHECK(ASSERT_WITH(1) != LL_OK);
		data.ptr[i] ^= 1;
	}
	for (size_t i = 0; i < client.len; i++) {
		client.ptr[i] ^= 1;
		CHECK(ASSERT_WITH(1) != LL_OK);
		client.ptr[i] ^= 1;
	}
	sig[len - 1] ^= 1;
	CHECK_INT(ASSERT_WITH(1), LL_ERR_AUTH);
	EVP_PKEY_free(key);
}

static void
es256(void)
{
	ceremonies(0);
}

static void
eddsa(void)
{
	ceremonies(1);
}

static void
rs256(void)
{
	ceremonies(2);
}

static void
other_ceremonies_are_refused(void)
{
	static const struct {
		const char *type, *origin, *end;
	} bad[] = {
		{"webauthn.get", ORIGIN, "}"},
		{"webauthn.create", "http://mail.example.org", "}"},
		{"webauthn.create", "https://mail.example.org.evil.example", "}"},
		{"webauthn.create", "https://evil.example", "}"},
		{"webauthn.create", ORIGIN ":", "}"},
		{"webauthn.create", ORIGIN ":80x", "}"},
		{"webauthn.create", ORIGIN "/", "}"},
		{"webauthn.create", ORIGIN, ""},
		{"webauthn.create", ORIGIN, "x}"},
	};
	CLEANUP(buf_done)
	struct buf client = BUF_INIT(4096), cose = BUF_INIT(4096), data = BUF_INIT(4096),
		   object = BUF_INIT(8192);
	struct webauthn_credential c;

	EVP_PKEY_free(make_key(0, &cose));
	auth_data(&data, 0x45, 0, buf_slice(&cose));
	attestation(&object, buf_slice(&data));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		client_data(&client, bad[i].type, bad[i].origin, bad[i].end);
		CHECK_INT(webauthn_register(&expect, buf_slice(&client), buf_slice(&object), &c),
			LL_ERR_AUTH);
	}
	client_data(&client, "webauthn.create", ORIGIN, "}");
	CHECK_INT(webauthn_register(&expect, buf_slice(&client), buf_slice(&object), &c), LL_OK);
	for (size_t n = 0; n < object.len; n++)
		CHECK(webauthn_register(
			      &expect, buf_slice(&client), slice_new(object.ptr, n), &c) != LL_OK);
	/* Without user verification; without a credential; with bytes left over. */
	auth_data(&data, 0x41, 0, buf_slice(&cose));
	attestation(&object, buf_slice(&data));
	CHECK_INT(webauthn_register(&expect, buf_slice(&client), buf_slice(&object), &c),
		LL_ERR_AUTH);
	auth_data(&data, 5, 0, SLICE_NONE);
	attestation(&object, buf_slice(&data));
	CHECK_INT(webauthn_register(&expect, buf_slice(&client), buf_slice(&object), &c),
		LL_ERR_SYNTAX);
	buf_putc(&cose, 0);
	auth_data(&data, 0x45, 0, buf_slice(&cose));
	attestation(&object, buf_slice(&data));
	CHECK_INT(webauthn_register(&expect, buf_slice(&client), buf_slice(&object), &c),
		LL_ERR_SYNTAX);
}

static void
keys_that_are_none(void)
{
	CLEANUP(buf_done)
	struct buf client = BUF_INIT(4096), cose = BUF_INIT(4096), data = BUF_INIT(4096),
		   object = BUF_INIT(8192);
	struct webauthn_credential c;

	client_data(&client, "webauthn.create", ORIGIN, "}");
	EVP_PKEY_free(make_key(0, &cose));
	for (size_t i = 0; i < 2; i++) {
		cose.ptr[i ? 4 : cose.len - 1] ^= 1; /* not on the curve; ES256 becomes -8 */
		auth_data(&data, 0x45, 0, buf_slice(&cose));
		attestation(&object, buf_slice(&data));
		CHECK_INT(webauthn_register(&expect, buf_slice(&client), buf_slice(&object), &c),
			i ? LL_ERR_UNSUPPORTED : LL_ERR_SYNTAX);
	}
}

static void
cbor_limits(void)
{
	static const struct {
		struct slice in;
		int err;
	} cases[] = {
		{S("\x81\x81\x81\x81\x81\x81\x81\x81\x00"), LL_ERR_SYNTAX},
		{S("\x81\x81\x81\x81\x81\x81\x81\x00"), LL_OK},
		{S("\xa1\x00\xf6"), LL_OK},
		{S("\x9f\xff"), LL_ERR_SYNTAX}, /* indefinite */
		{S("\xfb\x00\x00\x00\x00\x00\x00\x00\x00"), LL_ERR_SYNTAX}, /* a float */
		{S("\xc0\x00"), LL_ERR_SYNTAX}, /* a tag */
		{S("\x5a\xff\xff\xff\xff"), LL_ERR_SYNTAX},
		{S("\xba\xff\xff\xff\xff"), LL_ERR_SYNTAX},
		{S("\x1b\x00\x00\x00\x00\x00\x00\x00\x00"), LL_ERR_SYNTAX}, /* 64 bits */
		{S(""), LL_ERR_SYNTAX},
	};
	struct cbor c = cbor_new(S("\x39\x01\x00\x18\xff"));

	CHECK_INT(cbor_int(&c), -257);
	CHECK_INT(cbor_int(&c), 255);
	CHECK_INT(cbor_int(&c), 0);
	CHECK_INT(c.err, LL_ERR_SYNTAX);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c = cbor_new(cases[i].in);
		cbor_skip(&c);
		CHECK_INT(c.err, cases[i].err);
		CHECK_INT(c.rest.len, 0);
	}
}

T_MAIN(T(totp_vectors), T(totp_window_and_replay), T(es256), T(eddsa), T(rs256),
	T(other_ceremonies_are_refused), T(keys_that_are_none), T(cbor_limits))
