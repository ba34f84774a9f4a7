/* Tokens, codes, and the message of OAUTHBEARER. */
#include "t.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/oauth_token.h"

#include <sodium.h>

static const struct directory_keys keys = {.value = {1}}, others = {.value = {2}};

static struct oauth_token
sample(void)
{
	struct oauth_token t = {.account = {1, 2}, .unlocker = {3}, .client = {4}, .nonce = {5}};

	t.expires = 1795000000;
	app_password_make(&t.password);
	return t;
}

static void
tokens(void)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(OAUTH_TOKEN_MAX);
	struct oauth_token t = sample(), got = {};

	CHECK_INT(oauth_token_seal(&keys, OAUTH_ACCESS, &t, &text), LL_OK);
	CHECK(oauth_token_is(OAUTH_ACCESS, buf_slice(&text)));
	CHECK(!oauth_token_is(OAUTH_REFRESH, buf_slice(&text)));
	CHECK(slice_find(buf_slice(&text), app_password_slice(&t.password)) == SLICE_NPOS);
	CHECK_INT(oauth_token_open(&keys, OAUTH_ACCESS, buf_slice(&text), &got), LL_OK);
	CHECK_SLICE(app_password_slice(&got.password), app_password_slice(&t.password));
	CHECK_SLICE(SLICE_OF(got.account), SLICE_OF(t.account));
	CHECK_SLICE(SLICE_OF(got.unlocker), SLICE_OF(t.unlocker));
	CHECK_SLICE(SLICE_OF(got.client), SLICE_OF(t.client));
	CHECK_SLICE(SLICE_OF(got.nonce), SLICE_OF(t.nonce));
	CHECK_INT(got.expires, t.expires);
	CHECK_INT(oauth_token_open(&others, OAUTH_ACCESS, buf_slice(&text), &got), LL_ERR_AUTH);
	CHECK_INT(oauth_token_open(&keys, OAUTH_REFRESH, buf_slice(&text), &got), LL_ERR_AUTH);
}

/* One kind is not taken for the other, whatever its prefix says; and each character counts. */
static void
altered_tokens(void)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(OAUTH_TOKEN_MAX);
	struct oauth_token t = sample(), got;

	CHECK_INT(oauth_token_seal(&keys, OAUTH_ACCESS, &t, &text), LL_OK);
	text.ptr[2] = 'r';
	CHECK_INT(oauth_token_open(&keys, OAUTH_REFRESH, buf_slice(&text), &got), LL_ERR_AUTH);
	text.ptr[2] = 'a';
	for (size_t i = 0; i < text.len; i++) {
		uint8_t was = text.ptr[i];
		text.ptr[i] = was == 'A' ? 'B' : 'A';
		CHECK_INT(
			oauth_token_open(&keys, OAUTH_ACCESS, buf_slice(&text), &got), LL_ERR_AUTH);
		CHECK_INT(oauth_token_open(
				  &keys, OAUTH_ACCESS, slice_sub(buf_slice(&text), 0, i), &got),
			LL_ERR_AUTH);
		text.ptr[i] = was;
	}
	CHECK_INT(oauth_token_open(&keys, OAUTH_ACCESS, buf_slice(&text), &got), LL_OK);
}

static void
codes(void)
{
	static const uint8_t client[] = "c1.x", to[] = "com.example:/", challenge[] = "ch";
	struct slice code = S("0123456789012345678901234567890123456789012");
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(256);
	uint8_t binding[OAUTH_HASH_LEN], other[OAUTH_HASH_LEN];
	struct app_password p, got;

	app_password_make(&p);
	oauth_binding(SLICE_OF(client), SLICE_OF(to), SLICE_OF(challenge), binding);
	oauth_binding(SLICE_OF(to), SLICE_OF(client), SLICE_OF(challenge), other);
	CHECK_INT(oauth_code_seal(code, binding, &p, &sealed), LL_OK);
	CHECK_INT(sealed.len, OAUTH_SEALED_LEN);
	CHECK_INT(oauth_code_open(code, binding, buf_slice(&sealed), &got), LL_OK);
	CHECK_SLICE(app_password_slice(&got), app_password_slice(&p));
	CHECK_INT(oauth_code_open(code, other, buf_slice(&sealed), &got), LL_ERR_AUTH);
	CHECK_INT(oauth_code_open(slice_skip(code, 1), binding, buf_slice(&sealed), &got),
		LL_ERR_AUTH);
	sealed.ptr[70] ^= 1;
	CHECK_INT(oauth_code_open(code, binding, buf_slice(&sealed), &got), LL_ERR_AUTH);
}

/* What is joined is told apart. */
static void
bindings(void)
{
	uint8_t a[OAUTH_HASH_LEN], b[OAUTH_HASH_LEN];

	oauth_binding(S("ab"), S("c"), S("d"), a);
	oauth_binding(S("a"), S("bc"), S("d"), b);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
}

/* RFC 7636, appendix B. */
static void
challenges(void)
{
	static const char *const bad[] = {"", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj",
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX+",
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX "};
	CLEANUP(buf_done) struct buf out = BUF_INIT(64);
	char longest[130];

	CHECK_INT(oauth_challenge(S("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(oauth_challenge(slice_str(bad[i]), &out), LL_ERR_SYNTAX);
	memset(longest, 'a', sizeof(longest));
	buf_reset(&out);
	CHECK_INT(oauth_challenge(slice_new(longest, 128), &out), LL_OK);
	CHECK_INT(oauth_challenge(slice_new(longest, 129), &out), LL_ERR_SYNTAX);
}

static void
bearer(void)
{
	static const struct {
		struct slice message, user, token;
		int err;
	} rows[] = {
		{S("n,,\1auth=Bearer abc\1\1"), S(""), S("abc"), LL_OK},
		{S("n,a=u@x.y,\1host=x\1port=993\1auth=bearer vF9dft4qmT==\1\1"), S("u@x.y"),
			S("vF9dft4qmT=="), LL_OK},
		{S("y,,\1auth=Bearer a\1user=b\1\1"), S(""), S("a"), LL_OK},
		{S(""), S(""), S(""), LL_ERR_SYNTAX},
		{S("\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,\1auth=Bearer abc\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,,\1auth=Bearer abc\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,u@x.y,\1auth=Bearer abc\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,a=,\1auth=Bearer abc\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("p=tls,,\1auth=Bearer abc\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1auth=Bearer abc\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1auth=Bearer \1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1auth=Bearer a b\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1auth=Basic abc\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1auth=Bearer a\1auth=Bearer b\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1\1auth=Bearer a\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1auth=Bearer a\1\1\1"), S(""), S(""), LL_ERR_SYNTAX},
		{S("n,,\1host=a\r\nb\1auth=Bearer a\1\1"), S(""), S(""), LL_ERR_SYNTAX},
	};
	struct oauth_bearer b;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = oauth_bearer_parse(rows[i].message, &b);
		CHECK_INT(r, rows[i].err);
		if (r)
			continue;
		CHECK_SLICE(b.user, rows[i].user);
		CHECK_SLICE(b.token, rows[i].token);
	}
}

static void
xoauth2(void)
{
	static const struct slice bad[] = {S(""), S("\1\1"), S("user=a@x\1auth=Bearer abc\1"),
		S("user=\1auth=Bearer abc\1\1"), S("user=a@x\1auth=Bearer \1\1"),
		S("user=a@x\1auth=Basic abc\1\1"), S("user=a@x\1auth=Bearer a b\1\1"),
		S("user=a@x\1auth=Bearer abc\1\1\1"), S("user=a@x\1auth=Bearer abc\1x=y\1\1"),
		S("auth=Bearer abc\1user=a@x\1\1"), S("user=a\nb\1auth=Bearer abc\1\1"),
		S("n,,\1auth=Bearer abc\1\1"), S("user")};
	CLEANUP(buf_done) struct buf out = BUF_INIT(64);
	struct oauth_bearer b;

	CHECK_INT(oauth_xoauth2_parse(S("user=a=2C@x\1auth=bearer lla1_x==\1\1"), &b), LL_OK);
	CHECK_SLICE(b.token, S("lla1_x=="));
	CHECK_INT(oauth_bearer_user(&b, &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("a=2C@x"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(oauth_xoauth2_parse(bad[i], &b), LL_ERR_SYNTAX);
}

static void
names(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(64), message = BUF_INIT(64);
	struct oauth_bearer b;

	b = (struct oauth_bearer){.user = S("a=2Cb=3Dc@x"), .escaped = true};
	CHECK_INT(oauth_bearer_user(&b, &out), LL_OK);
	CHECK_SLICE(buf_slice(&out), S("a,b=c@x"));
	b.user = S("a=2c");
	CHECK_INT(oauth_bearer_user(&b, &out), LL_ERR_SYNTAX);
	b.user = S("a=2");
	CHECK_INT(oauth_bearer_user(&b, &out), LL_ERR_SYNTAX);
	CHECK_INT(oauth_bearer_put(&message, S("a b")), LL_ERR_SYNTAX);
	CHECK_INT(oauth_bearer_put(&message, S("a\1b")), LL_ERR_SYNTAX);
	CHECK_INT(oauth_bearer_put(&message, S("lla1_x")), LL_OK);
	CHECK_INT(oauth_bearer_parse(buf_slice(&message), &b), LL_OK);
	CHECK_SLICE(b.token, S("lla1_x"));
}

T_MAIN(T(tokens), T(altered_tokens), T(codes), T(bindings), T(challenges), T(bearer), T(xoauth2),
	T(names))
