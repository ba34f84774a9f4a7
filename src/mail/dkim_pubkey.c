/* Public keys of DKIM: the key record of RFC 6376 section 3.6.1, RSA and Ed25519 (RFC 8463) keys,
 * and the check of one signature against what the DNS has. */
#include "base/error.h"
#include "mail/dkim_internal.h"
#include "mail/domain.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define KEY_RECORDS_TRIED 4u /* when there are several, which there should not be */
#define ED25519_KEY_SIZE 32u
#define ED25519_SIGNATURE_SIZE 64u

struct key_record {
	enum dkim_alg alg;
	struct slice key; /* p=, decoded */
	bool testing, strict; /* t=y, t=s */
};

static void
pkey_free(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void
pkey_ctx_free(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void
md_ctx_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static int
outcome(struct dkim_check *c, enum dkim_result result, const char *reason)
{
	c->result = result;
	c->reason = reason;
	return LL_OK;
}

/* Whether a colon-separated list holds one of two words; an absent list holds everything. */
static bool
list_allows(struct slice list, struct slice word, struct slice other)
{
	if (!list.ptr)
		return true;
	while (list.len) {
		struct slice item = taglist_item(&list);

		if (slice_ieq(item, word) || (other.len && slice_ieq(item, other)))
			return true;
	}
	return false;
}

/* LL_OK and the record; LL_ERR_SYNTAX with the outcome in c; LL_ERR_NOMEM. */
static int
record_parse(struct slice text, struct arena *arena, struct key_record *ret, struct dkim_check *c)
{
	struct taglist tags;
	struct slice v, k, t, p;
	int r = taglist_parse(text, &tags);

	v = taglist_get(&tags, "v");
	k = taglist_get(&tags, "k");
	t = taglist_get(&tags, "t");
	p = taglist_get(&tags, "p");
	outcome(c, DKIM_PERMERROR, "malformed key record");
	if (r || !p.ptr || (v.ptr && (!slice_eq(v, S("DKIM1")) || tags.tags[0].name.ptr[0] != 'v')))
		return LL_ERR_SYNTAX;
	if (k.ptr && !slice_ieq(k, S("rsa")) && !slice_ieq(k, S("ed25519")))
		return outcome(c, DKIM_PERMERROR, "unknown key type"), LL_ERR_SYNTAX;
	ret->alg = k.ptr && slice_ieq(k, S("ed25519")) ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256;
	if (!list_allows(taglist_get(&tags, "h"), S("sha256"), SLICE_NONE))
		return outcome(c, DKIM_PERMERROR, "key is not for SHA-256"), LL_ERR_SYNTAX;
	if (!list_allows(taglist_get(&tags, "s"), S("email"), S("*")))
		return outcome(c, DKIM_PERMERROR, "key is not for mail"), LL_ERR_SYNTAX;
	ret->testing = t.ptr && list_allows(t, S("y"), SLICE_NONE);
	ret->strict = t.ptr && list_allows(t, S("s"), SLICE_NONE);
	if (!p.len)
		return outcome(c, DKIM_PERMERROR, "key is revoked"), LL_ERR_SYNTAX;
	return taglist_base64(p, arena, &ret->key);
}

static EVP_PKEY *
pkey_make(const struct key_record *k)
{
	const uint8_t *p = k->key.ptr;
	EVP_PKEY *pkey;

	if (k->alg == DKIM_ED25519_SHA256)
		return k->key.len == ED25519_KEY_SIZE
			? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, k->key.len)
			: NULL;
	pkey = d2i_PUBKEY(NULL, &p, (long)k->key.len);
	if (pkey)
		return pkey;
	p = k->key.ptr; /* a bare RSAPublicKey, as RFC 6376 had it */
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)k->key.len);
}

static bool
verify_rsa(EVP_PKEY *pkey, struct slice signature, const uint8_t *hash)
{
	CLEANUP(pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

	return ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		EVP_PKEY_verify(ctx, signature.ptr, signature.len, hash, DKIM_HASH_SIZE) == 1;
}

/* RFC 8463 section 3: plain Ed25519 over the SHA-256 hash. */
static bool
verify_ed25519(EVP_PKEY *pkey, struct slice signature, const uint8_t *hash)
{
	CLEANUP(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return ctx && signature.len == ED25519_SIGNATURE_SIZE &&
		EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestVerify(ctx, signature.ptr, signature.len, hash, DKIM_HASH_SIZE) == 1;
}

static bool
identity_is_domain(const struct dkim_signature *s)
{
	size_t at = slice_rfind_byte(s->identity, '@');

	return at == SLICE_NPOS || slice_ieq(slice_skip(s->identity, at + 1), s->domain);
}

static int
check_key(const struct dkim_signature *s, const uint8_t *hash, const struct key_record *k,
	struct dkim_check *c)
{
	CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;
	bool rsa = s->alg == DKIM_RSA_SHA256, ok;

	c->testing = k->testing;
	if (k->alg != s->alg)
		return outcome(c, DKIM_PERMERROR, "key is of another type");
	if (k->strict && !identity_is_domain(s))
		return outcome(c, DKIM_PERMERROR, "i= must be d= for this key");
	pkey = pkey_make(k);
	if (!pkey || EVP_PKEY_is_a(pkey, rsa ? "RSA" : "ED25519") != 1)
		return ERR_clear_error(), outcome(c, DKIM_PERMERROR, "malformed key");
	c->key_bits = rsa ? (unsigned)EVP_PKEY_get_bits(pkey) : 256;
	if (rsa && c->key_bits < DKIM_RSA_BITS_MIN)
		return outcome(c, DKIM_POLICY, "key is too short");
	if (rsa && c->key_bits > DKIM_RSA_BITS_MAX)
		return outcome(c, DKIM_POLICY, "key is too long");
	ok = rsa ? verify_rsa(pkey, s->signature, hash) : verify_ed25519(pkey, s->signature, hash);
	ERR_clear_error();
	return ok ? outcome(c, DKIM_PASS, NULL) : outcome(c, DKIM_FAIL, "signature does not match");
}

static int
check_records(const struct dkim_signature *s, const uint8_t *hash, const struct dns_answer *txt,
	struct arena *arena, struct dkim_check *ret)
{
	for (size_t i = 0; i < MIN(txt->count, (size_t)KEY_RECORDS_TRIED); i++) {
		struct dkim_check c = {.secure = txt->secure};
		struct key_record k = {0};
		int r = record_parse(txt->records[i].text, arena, &k, &c);

		if (!r)
			r = check_key(s, hash, &k, &c);
		if (r == LL_ERR_NOMEM)
			return r;
		/* The first speaks, unless a later one holds. */
		if (i == 0 || c.result == DKIM_PASS)
			*ret = c;
		if (c.result == DKIM_PASS)
			break;
	}
	return LL_OK;
}

int
dkim_signature_check(const struct dkim_signature *s, const uint8_t *hash, struct dns_memo *memo,
	struct arena *arena, struct dkim_check *ret)
{
	const struct dns_answer *txt;
	struct slice name = arena_printf(
		arena, "%.*s._domainkey.%.*s", SLICE_ARG(s->selector), SLICE_ARG(s->domain));

	if (!name.ptr)
		return LL_ERR_NOMEM;
	txt = dns_memo_get(memo, name, DNS_TXT);
	if (!txt)
		return LL_ERR_AGAIN;
	*ret = (struct dkim_check){.secure = txt->secure};
	if (txt->status >= DNS_SERVFAIL)
		return outcome(ret, DKIM_TEMPERROR, "key could not be fetched");
	if (!txt->count)
		return outcome(ret, DKIM_PERMERROR, "no key");
	return check_records(s, hash, txt, arena, ret);
}
