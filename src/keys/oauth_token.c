/* OAuth without a table of tokens: what a token stands for is sealed in it. */
#include "keys/oauth_token.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/cobblestone.h"
#include "keys/kdf.h"

#include <string.h>

#define PLAIN_LEN (2 * RECORD_ID_LEN + OAUTH_HASH_LEN + OAUTH_NONCE_LEN + 8 + APP_PASSWORD_LEN)
#define CODE_CONTEXT "letterlock/1/oauth-code"

static const struct {
	struct slice prefix, context;
} kinds[] = {
	[OAUTH_ACCESS] = {S("lla1_"), S("oauth/access")},
	[OAUTH_REFRESH] = {S("llr1_"), S("oauth/refresh")},
};

/* Nothing is stored under these keys. */
static const uint8_t no_partition[16];

int
oauth_token_seal(const struct directory_keys *k, enum oauth_kind kind, const struct oauth_token *t,
	struct buf *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(PLAIN_LEN), sealed = BUF_SECRET(512);
	int r;

	buf_put(&plain, SLICE_OF(t->account));
	buf_put(&plain, SLICE_OF(t->unlocker));
	buf_put(&plain, SLICE_OF(t->client));
	buf_put(&plain, SLICE_OF(t->nonce));
	buf_put_be64(&plain, (uint64_t)t->expires);
	buf_put(&plain, app_password_slice(&t->password));
	r = buf_err(&plain);
	if (r == LL_OK)
		r = directory_seal(
			k, no_partition, kinds[kind].context, buf_slice(&plain), &sealed);
	if (r)
		return r;
	buf_put(ret, kinds[kind].prefix);
	return base64url_encode(ret, buf_slice(&sealed));
}

bool
oauth_token_is(enum oauth_kind kind, struct slice text)
{
	return slice_starts(text, kinds[kind].prefix);
}

int
oauth_token_open(const struct directory_keys *k, enum oauth_kind kind, struct slice text,
	struct oauth_token *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(PLAIN_LEN), sealed = BUF_SECRET(512);
	struct oauth_token t = {};
	struct reader rd;

	if (text.len > OAUTH_TOKEN_MAX || !oauth_token_is(kind, text) ||
		base64url_decode(&sealed, slice_skip(text, kinds[kind].prefix.len)) ||
		directory_open(k, no_partition, kinds[kind].context, buf_slice(&sealed), &plain))
		return LL_ERR_AUTH;
	rd = reader_new(buf_slice(&plain));
	reader_copy(&rd, t.account, sizeof(t.account));
	reader_copy(&rd, t.unlocker, sizeof(t.unlocker));
	reader_copy(&rd, t.client, sizeof(t.client));
	reader_copy(&rd, t.nonce, sizeof(t.nonce));
	t.expires = (int64_t)reader_be64(&rd);
	if (app_password_parse(reader_bytes(&rd, APP_PASSWORD_LEN), &t.password) || reader_end(&rd))
		return LL_ERR_AUTH;
	*ret = t;
	secret_wipe(&t, sizeof(t));
	return LL_OK;
}

/* --- codes --- */

void
oauth_code_hash(struct slice code, uint8_t ret[OAUTH_HASH_LEN])
{
	hash_sha256(code, ret);
}

void
oauth_binding(struct slice client_id, struct slice redirect_uri, struct slice challenge,
	uint8_t ret[OAUTH_HASH_LEN])
{
	static const uint8_t end = 0;
	struct hash h;

	hash_init(&h, HASH_SHA256);
	hash_put(&h, client_id);
	hash_put(&h, slice_new(&end, 1));
	hash_put(&h, redirect_uri);
	hash_put(&h, slice_new(&end, 1));
	hash_put(&h, challenge);
	hash_end(&h, ret);
}

int
oauth_challenge(struct slice verifier, struct buf *ret)
{
	uint8_t digest[HASH_SHA256_LEN];

	if (verifier.len < 43 || verifier.len > 128)
		return LL_ERR_SYNTAX;
	for (size_t i = 0; i < verifier.len; i++)
		if (!is_alpha(verifier.ptr[i]) && !is_digit(verifier.ptr[i]) &&
			slice_find_byte(S("-._~"), verifier.ptr[i]) == SLICE_NPOS)
			return LL_ERR_SYNTAX;
	hash_sha256(verifier, digest);
	return base64url_encode(ret, SLICE_OF(digest));
}

static void
code_key(struct slice code, uint8_t ret[COBBLESTONE_KEY_LEN])
{
	uint8_t secret[HASH_SHA256_LEN];

	hkdf_extract(HASH_SHA256, S(CODE_CONTEXT), code, secret);
	kdf_derive(secret, "password", ret, COBBLESTONE_KEY_LEN);
	secret_wipe(secret, sizeof(secret));
}

static struct slice
code_context(const uint8_t binding[OAUTH_HASH_LEN], struct buf *out)
{
	buf_puts(out, CODE_CONTEXT);
	buf_putc(out, 0);
	buf_put(out, slice_new(binding, OAUTH_HASH_LEN));
	return buf_slice(out);
}

int
oauth_code_open(struct slice code, const uint8_t binding[OAUTH_HASH_LEN], struct slice sealed,
	struct app_password *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(APP_PASSWORD_LEN);
	CLEANUP(buf_done) struct buf context = BUF_INIT(128);
	uint8_t key[COBBLESTONE_KEY_LEN];
	int r;

	code_key(code, key);
	r = cobblestone_open(key, code_context(binding, &context), sealed, &plain);
	secret_wipe(key, sizeof(key));
	return r || app_password_parse(buf_slice(&plain), ret) ? LL_ERR_AUTH : LL_OK;
}

int
oauth_code_seal(struct slice code, const uint8_t binding[OAUTH_HASH_LEN],
	const struct app_password *p, struct buf *ret)
{
	CLEANUP(buf_done) struct buf context = BUF_INIT(128);
	uint8_t key[COBBLESTONE_KEY_LEN];
	int r;

	code_key(code, key);
	r = cobblestone_seal(key, code_context(binding, &context), app_password_slice(p), ret);
	secret_wipe(key, sizeof(key));
	return r;
}

/* --- OAUTHBEARER, XOAUTH2 --- */

/* token68 of RFC 9110, section 11.2; other credentials are none of ours. */
static bool
is_token(struct slice s)
{
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) &&
			slice_find_byte(S("-._~+/="), s.ptr[i]) == SLICE_NPOS)
			return false;
	return true;
}

/* "n," [ "a=" user ] ",": without channel binding, which this mechanism has none of. */
static int
take_gs2(struct slice *rest, struct slice *ret_user)
{
	struct slice head = slice_split(rest, 1), flag = slice_split(&head, ',');
	bool ends = slice_ends(head, S(","));
	struct slice user = slice_split(&head, ',');

	if ((!slice_eq(flag, S("n")) && !slice_eq(flag, S("y"))) || !ends || head.len)
		return LL_ERR_SYNTAX;
	if (user.len && (!slice_starts(user, S("a=")) || user.len == 2))
		return LL_ERR_SYNTAX;
	*ret_user = slice_skip(user, 2);
	return LL_OK;
}

int
oauth_bearer_parse(struct slice message, struct oauth_bearer *ret)
{
	struct oauth_bearer b = {.escaped = true};
	struct slice rest = message;

	/* Each pair ends with 0x01, and so does the whole. */
	if (!slice_ends(message, S("\1\1")) || take_gs2(&rest, &b.user))
		return LL_ERR_SYNTAX;
	while (rest.len > 1) {
		struct slice value = slice_split(&rest, 1), name = slice_split(&value, '=');
		if (name.len == 0 || has_controls(value))
			return LL_ERR_SYNTAX;
		if (!slice_eq(name, S("auth")))
			continue; /* host, port and what may come to be */
		if (b.token.len || !slice_istarts(value, S("Bearer ")))
			return LL_ERR_SYNTAX;
		b.token = slice_trim(slice_skip(value, 7));
	}
	if (rest.len != 1 || !is_token(b.token))
		return LL_ERR_SYNTAX;
	*ret = b;
	return LL_OK;
}

int
oauth_xoauth2_parse(struct slice message, struct oauth_bearer *ret)
{
	struct slice rest = message, user = slice_split(&rest, 1), auth = slice_split(&rest, 1);
	struct oauth_bearer b = {.user = slice_skip(user, 5), .token = slice_skip(auth, 12)};

	if (!slice_starts(user, S("user=")) || b.user.len == 0 || has_controls(b.user) ||
		!slice_istarts(auth, S("auth=Bearer ")) || !is_token(b.token) ||
		!slice_eq(rest, S("\1")))
		return LL_ERR_SYNTAX;
	*ret = b;
	return LL_OK;
}

int
oauth_bearer_put(struct buf *out, struct slice token)
{
	if (!is_token(token))
		return LL_ERR_SYNTAX;
	buf_puts(out, "n,,\1auth=Bearer ");
	buf_put(out, token);
	return buf_puts(out, "\1\1");
}

int
oauth_bearer_user(const struct oauth_bearer *b, struct buf *ret)
{
	struct slice user = b->user;

	if (!b->escaped)
		return buf_put(ret, user);
	for (size_t i = 0; i < user.len; i++) {
		struct slice escape = slice_sub(user, i, 3);
		if (user.ptr[i] != '=') {
			buf_putc(ret, user.ptr[i]);
			continue;
		}
		if (!slice_eq(escape, S("=2C")) && !slice_eq(escape, S("=3D")))
			return LL_ERR_SYNTAX;
		buf_putc(ret, slice_eq(escape, S("=2C")) ? ',' : '=');
		i += 2;
	}
	return buf_err(ret);
}
