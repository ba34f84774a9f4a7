/* The tags of a DKIM-Signature, ARC-Message-Signature or ARC-Seal field (RFC 6376 section 3.5, RFC
 * 8617 section 4.1), and the hash over the header fields it names. */
#include "base/error.h"
#include "base/text.h"
#include "mail/dkim_internal.h"
#include "mail/domain.h"

#include <string.h>

/* One step of the parse; they run in order until one refuses. */
struct parse {
	const struct taglist *tags;
	struct dkim_signature *s;
	struct dkim_refusal *refusal;
	struct arena *arena;
	int64_t now;
};

static int
refuse(struct parse *p, enum dkim_result result, const char *reason)
{
	*p->refusal = (struct dkim_refusal){result, reason};
	return LL_ERR_SYNTAX;
}

static int
parse_required(struct parse *p)
{
	static const struct {
		const char *tag, *reason;
		bool seal; /* in ARC-Seal as well */
	} required[] = {
		{"d", "d= is missing", true},
		{"s", "s= is missing", true},
		{"a", "a= is missing", true},
		{"b", "b= is missing", true},
		{"bh", "bh= is missing", false},
		{"h", "h= is missing", false},
	};
	struct slice v = taglist_get(p->tags, "v");

	if (p->s->kind == DKIM_SIGNATURE && !v.ptr)
		return refuse(p, DKIM_PERMERROR, "v= is missing");
	if (p->s->kind == DKIM_SIGNATURE && !slice_eq(v, S("1")))
		return refuse(p, DKIM_NEUTRAL, "unknown version");
	for (size_t i = 0; i < ARRAY_SIZE(required); i++)
		if ((required[i].seal || p->s->kind != DKIM_ARC_SEAL) &&
			!taglist_get(p->tags, required[i].tag).ptr)
			return refuse(p, DKIM_PERMERROR, required[i].reason);
	return LL_OK;
}

static int
parse_domain(struct parse *p)
{
	int r = domain_normal(p->arena, taglist_get(p->tags, "d"), &p->s->domain);

	if (r == LL_ERR_NOMEM)
		return r;
	if (r || domain_labels(p->s->domain) < 2)
		return refuse(p, DKIM_NEUTRAL, "malformed d=");
	r = domain_normal(p->arena, taglist_get(p->tags, "s"), &p->s->selector);
	return r == LL_ERR_SYNTAX ? refuse(p, DKIM_NEUTRAL, "malformed s=") : r;
}

static int
parse_algorithm(struct parse *p)
{
	struct slice a = taglist_get(p->tags, "a");

	if (slice_ieq(a, S("rsa-sha256")))
		p->s->alg = DKIM_RSA_SHA256;
	else if (slice_ieq(a, S("ed25519-sha256")))
		p->s->alg = DKIM_ED25519_SHA256;
	else if (slice_ieq(a, S("rsa-sha1")))
		return refuse(p, DKIM_POLICY, "SHA-1 is not acceptable");
	else
		return refuse(p, DKIM_NEUTRAL, "unknown algorithm");
	return LL_OK;
}

static bool
canon_get(struct slice name, enum dkim_canon *ret)
{
	*ret = slice_ieq(name, S("relaxed")) ? DKIM_RELAXED : DKIM_SIMPLE;
	return *ret == DKIM_RELAXED || slice_ieq(name, S("simple"));
}

static int
parse_canon(struct parse *p)
{
	struct slice body = taglist_get(p->tags, "c"), header;
	bool ok = true;

	if (p->s->kind == DKIM_ARC_SEAL) {
		p->s->header_canon = DKIM_RELAXED; /* RFC 8617 section 4.1.3 */
		return LL_OK;
	}
	header = slice_trim(slice_split(&body, '/'));
	body = slice_trim(body);
	if (header.len)
		ok = canon_get(header, &p->s->header_canon);
	if (body.len)
		ok &= canon_get(body, &p->s->body_canon);
	return ok ? LL_OK : refuse(p, DKIM_NEUTRAL, "unknown canonicalisation");
}

static int
parse_hashes(struct parse *p)
{
	const struct tag *b = taglist_find(p->tags, "b");
	struct slice hash;
	int r = taglist_base64(b->value, p->arena, &p->s->signature);

	p->s->signature_raw = b->raw;
	if (!r && !p->s->signature.len)
		r = LL_ERR_SYNTAX;
	if (r)
		return r == LL_ERR_NOMEM ? r : refuse(p, DKIM_NEUTRAL, "malformed b=");
	if (p->s->kind == DKIM_ARC_SEAL)
		return LL_OK;
	r = taglist_base64(taglist_get(p->tags, "bh"), p->arena, &hash);
	if (!r && hash.len != DKIM_HASH_SIZE)
		r = LL_ERR_SYNTAX;
	if (r)
		return r == LL_ERR_NOMEM ? r : refuse(p, DKIM_NEUTRAL, "malformed bh=");
	memcpy(p->s->body_hash, hash.ptr, DKIM_HASH_SIZE);
	return LL_OK;
}

static int
parse_headers(struct parse *p)
{
	struct slice rest = taglist_get(p->tags, "h");
	bool from = false, seal = false;
	size_t names = 0;

	if (p->s->kind == DKIM_ARC_SEAL)
		return rest.ptr ? refuse(p, DKIM_PERMERROR, "h= in a seal") : LL_OK;
	p->s->headers = rest;
	while (rest.len) {
		struct slice name = taglist_item(&rest);

		if (!name.len)
			return refuse(p, DKIM_NEUTRAL, "malformed h=");
		from |= slice_ieq(name, S("from"));
		seal |= slice_ieq(name, S("arc-seal"));
		if (++names > DKIM_HEADER_NAMES_MAX)
			return refuse(p, DKIM_NEUTRAL, "too many names in h=");
	}
	if (!from && p->s->kind == DKIM_SIGNATURE)
		return refuse(p, DKIM_PERMERROR, "From is not signed");
	if (seal && p->s->kind == DKIM_ARC_MESSAGE)
		return refuse(p, DKIM_PERMERROR, "a message signature covers a seal");
	return LL_OK;
}

/* l=: digits without end are allowed, and mean more than any message has. */
static int
parse_limit(struct parse *p)
{
	struct slice l = taglist_get(p->tags, "l");
	uint64_t v = UINT64_MAX - 1;
	int r;

	p->s->limit = UINT64_MAX;
	if (!l.ptr || p->s->kind == DKIM_ARC_SEAL)
		return LL_OK;
	r = slice_u64(l, UINT64_MAX - 1, &v);
	if ((r && r != LL_ERR_RANGE) || l.len > 76)
		return refuse(p, DKIM_NEUTRAL, "malformed l=");
	p->s->limit = v;
	p->s->limited = true;
	return LL_OK;
}

static int
parse_times(struct parse *p)
{
	struct slice t = taglist_get(p->tags, "t"), x = taglist_get(p->tags, "x");
	uint64_t made = 0, ends = INT64_MAX;

	if (t.ptr && slice_u64(t, INT64_MAX, &made))
		return refuse(p, DKIM_NEUTRAL, "malformed t=");
	if (x.ptr && slice_u64(x, INT64_MAX, &ends))
		return refuse(p, DKIM_NEUTRAL, "malformed x=");
	if (t.ptr && x.ptr && ends < made)
		return refuse(p, DKIM_NEUTRAL, "x= is before t=");
	if (t.ptr && (int64_t)made > p->now + DKIM_CLOCK_SKEW)
		return refuse(p, DKIM_NEUTRAL, "signed in the future");
	if (x.ptr && (int64_t)ends < p->now)
		return refuse(p, DKIM_PERMERROR, "signature has expired");
	return LL_OK;
}

static int
parse_identity(struct parse *p)
{
	struct slice i = taglist_get(p->tags, "i"), domain;
	size_t at = slice_rfind_byte(i, '@');
	int r;

	if (p->s->kind != DKIM_SIGNATURE)
		return LL_OK;
	if (!i.ptr) {
		p->s->identity = arena_printf(p->arena, "@%.*s", SLICE_ARG(p->s->domain));
		return p->s->identity.ptr ? LL_OK : LL_ERR_NOMEM;
	}
	if (at == SLICE_NPOS)
		return refuse(p, DKIM_NEUTRAL, "malformed i=");
	r = domain_normal(p->arena, slice_skip(i, at + 1), &domain);
	if (r == LL_ERR_NOMEM)
		return r;
	if (r || !domain_within(domain, p->s->domain))
		return refuse(p, DKIM_PERMERROR, "i= is not within d=");
	p->s->identity = i;
	return LL_OK;
}

/* q= names how the key is fetched; dns/txt is all there is. */
static int
parse_query(struct parse *p)
{
	struct slice rest = taglist_get(p->tags, "q");

	if (!rest.ptr)
		return LL_OK;
	while (rest.len)
		if (slice_ieq(taglist_item(&rest), S("dns/txt")))
			return LL_OK;
	return refuse(p, DKIM_NEUTRAL, "unknown query method");
}

int
dkim_signature_parse(enum dkim_kind kind, const struct taglist *tags, int64_t now,
	struct arena *arena, struct dkim_signature *ret, struct dkim_refusal *ret_refusal)
{
	static int (*const steps[])(struct parse *) = {parse_required, parse_domain, parse_identity,
		parse_algorithm, parse_canon, parse_hashes, parse_headers, parse_limit, parse_query,
		parse_times};
	struct parse p = {tags, ret, ret_refusal, arena, now};

	*ret = (struct dkim_signature){.kind = kind};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](&p);

		if (r)
			return r;
	}
	return LL_OK;
}

int
dkim_fields_read(struct slice header, struct arena *arena, struct dkim_fields *ret)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f;
	size_t n = 0;

	while (header_next(&it, &f))
		n++;
	ret->at = ARENA_ARRAY(arena, struct header_field, n + 1);
	if (!ret->at)
		return LL_ERR_NOMEM;
	it = header_iter_new(header);
	for (ret->count = 0; ret->count < n && header_next(&it, &f);)
		ret->at[ret->count++] = f;
	return LL_OK;
}

int
dkim_header_hash_init(struct dkim_header_hash *h, enum dkim_canon canon)
{
	*h = (struct dkim_header_hash){.canon = canon, .field = BUF_INIT((size_t)64 << 20)};
	h->hash = EVP_MD_CTX_new();
	if (!h->hash)
		return LL_ERR_NOMEM;
	return EVP_DigestInit_ex(h->hash, EVP_sha256(), NULL) == 1 ? LL_OK : LL_ERR_CRYPTO;
}

void
dkim_header_hash_done(struct dkim_header_hash *h)
{
	EVP_MD_CTX_free(h->hash);
	buf_done(&h->field);
}

static void
hash_put(struct dkim_header_hash *h, struct slice s)
{
	if (s.len && EVP_DigestUpdate(h->hash, s.ptr, s.len) != 1)
		h->failed = true;
}

void
dkim_header_hash_field(struct dkim_header_hash *h, struct slice raw)
{
	buf_reset(&h->field);
	dkim_header_canon(&h->field, h->canon, raw);
	if (buf_err(&h->field))
		h->failed = true;
	hash_put(h, buf_slice(&h->field));
}

void
dkim_header_hash_self(struct dkim_header_hash *h, struct slice raw, struct slice b_raw)
{
	CLEANUP(buf_done) struct buf bare = BUF_INIT(raw.len);
	size_t offset = (size_t)(b_raw.ptr - raw.ptr);

	buf_put(&bare, slice_sub(raw, 0, offset));
	buf_put(&bare, slice_skip(raw, offset + b_raw.len));
	buf_reset(&h->field);
	dkim_header_canon(&h->field, h->canon, buf_slice(&bare));
	if (buf_err(&bare) || buf_err(&h->field))
		h->failed = true;
	else
		hash_put(h, slice_sub(buf_slice(&h->field), 0, h->field.len - 2));
}

int
dkim_header_hash_final(struct dkim_header_hash *h, uint8_t *ret)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (h->failed || EVP_DigestFinal_ex(h->hash, hash, NULL) != 1)
		return LL_ERR_CRYPTO;
	memcpy(ret, hash, DKIM_HASH_SIZE);
	return LL_OK;
}

/* Section 5.4.2: each name takes the lowest instance that is not taken yet; a name without one
 * stands for nothing, which is what keeps fields from being added. The signature itself is never
 * taken: it was not there when it was made. */
static void
hash_named(struct dkim_header_hash *h, const struct dkim_fields *fields, struct slice name,
	uint8_t *taken)
{
	for (size_t i = fields->count; i-- > 0;) {
		if (taken[i] || !slice_ieq(fields->at[i].name, name))
			continue;
		taken[i] = 1;
		dkim_header_hash_field(h, fields->at[i].raw);
		return;
	}
}

int
dkim_signature_hash(const struct dkim_signature *s, const struct dkim_fields *fields, size_t self,
	struct arena *arena, uint8_t *ret)
{
	CLEANUP(dkim_header_hash_done) struct dkim_header_hash h;
	uint8_t *taken = arena_alloc(arena, fields->count + 1);
	struct slice names = s->headers;
	int r = dkim_header_hash_init(&h, s->header_canon);

	if (r || !taken)
		return r ? r : LL_ERR_NOMEM;
	taken[self] = 1;
	while (names.len)
		hash_named(&h, fields, taglist_item(&names), taken);
	dkim_header_hash_self(&h, fields->at[self].raw, s->signature_raw);
	return dkim_header_hash_final(&h, ret);
}
