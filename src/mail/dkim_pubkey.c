/* Public keys of DKIM: the key record of RFC 6376 section 3.6.1, RSA and Ed25519 (RFC 8463) keys,
 * and the check of one signature against what the DNS has. */
#include "base/error.h"
#include "mail/dkim_internal.h"
#include "mail/domain.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define KEY_RECORDS_TRIED 4u /* when there are several, which there should not be */
#define ED25519_KEY_SIZE 32u
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OID 0x06
#define DER_SEQUENCE 0x30
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

/* ---- RSA keys ----
 * Read here rather than by OpenSSL's decoders: those take several times as long as the signature's
 * verification, and know many more formats than a stranger's DNS record should reach. */

/* Takes one DER element of the given tag off the front. */
static bool
der_take(struct slice *in, uint8_t tag, struct slice *ret)
{
	struct reader r = reader_new(*in);
	uint8_t found = reader_u8(&r);
	size_t len = reader_u8(&r);

	if (len == 0x81)
		len = reader_u8(&r);
	else if (len == 0x82)
		len = reader_be16(&r);
	else if (len > 0x7f)
		return false;
	*ret = reader_bytes(&r, len);
	*in = r.rest;
	return !r.err && found == tag;
}

/* Modulus and exponent of a SubjectPublicKeyInfo, or of a bare RSAPublicKey as RFC 6376 had it. */
static bool
rsa_numbers(struct slice der, struct slice *ret_n, struct slice *ret_e)
{
	static const uint8_t rsa_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
	struct slice key, algorithm, oid, bits;

	if (!der_take(&der, DER_SEQUENCE, &key) || der.len)
		return false;
	if (key.len && key.ptr[0] == DER_SEQUENCE) {
		if (!der_take(&key, DER_SEQUENCE, &algorithm) ||
			!der_take(&algorithm, DER_OID, &oid) || !slice_eq(oid, SLICE_OF(rsa_oid)) ||
			!der_take(&key, DER_BIT_STRING, &bits) || key.len || !bits.len ||
			bits.ptr[0] != 0)
			return false;
		bits = slice_skip(bits, 1);
		if (!der_take(&bits, DER_SEQUENCE, &key) || bits.len)
			return false;
	}
	return der_take(&key, DER_INTEGER, ret_n) && der_take(&key, DER_INTEGER, ret_e) &&
		!key.len && ret_n->len && ret_e->len && !(ret_n->ptr[0] & 0x80) &&
		!(ret_e->ptr[0] & 0x80);
}

static EVP_PKEY *
rsa_make(const BIGNUM *n, const BIGNUM *e)
{
	CLEANUP(pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *
pkey_make_rsa(struct slice der)
{
	struct slice n_bytes, e_bytes;
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *pkey = NULL;

	if (!rsa_numbers(der, &n_bytes, &e_bytes))
		return NULL;
	n = BN_bin2bn(n_bytes.ptr, (int)n_bytes.len, NULL);
	e = BN_bin2bn(e_bytes.ptr, (int)e_bytes.len, NULL);
	if (n && e && BN_is_odd(n) && BN_is_odd(e))
		pkey = rsa_make(n, e);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *
pkey_make(const struct key_record *k)
{
	if (k->alg == DKIM_RSA_SHA256)
		return pkey_make_rsa(k->key);
	if (k->key.len != ED25519_KEY_SIZE)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->key.ptr, k->key.len);
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

static int
key_answer(const struct dkim_signature *s, struct dns_memo *memo, struct arena *arena,
	const struct dns_answer **ret)
{
	struct slice name = arena_printf(
		arena, "%.*s._domainkey.%.*s", SLICE_ARG(s->selector), SLICE_ARG(s->domain));

	if (!name.ptr)
		return LL_ERR_NOMEM;
	*ret = dns_memo_get(memo, name, DNS_TXT);
	return *ret ? LL_OK : LL_ERR_AGAIN;
}

int
dkim_signature_ask(const struct dkim_signature *s, struct dns_memo *memo, struct arena *arena)
{
	const struct dns_answer *txt;

	return key_answer(s, memo, arena, &txt);
}

int
dkim_signature_check(const struct dkim_signature *s, const uint8_t *hash, struct dns_memo *memo,
	struct arena *arena, struct dkim_check *ret)
{
	const struct dns_answer *txt;
	int r = key_answer(s, memo, arena, &txt);

	if (r)
		return r;
	*ret = (struct dkim_check){.secure = txt->secure};
	if (txt->status >= DNS_SERVFAIL)
		return outcome(ret, DKIM_TEMPERROR, "key could not be fetched");
	if (!txt->count)
		return outcome(ret, DKIM_PERMERROR, "no key");
	return check_records(s, hash, txt, arena, ret);
}
