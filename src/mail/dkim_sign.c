/* DKIM signing. Which fields are signed is a table: those whose absence matters are named once more
 * than they occur, so that adding one breaks the signature. */
#include "base/error.h"
#include "base/text.h"
#include "mail/dkim_internal.h"
#include "mail/dkim_private.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#define LINE_MAX_CHARS 72u
#define SIGNATURE_MAX 1024u

static const struct {
	const char *name;
	bool once_more;
} signed_fields[] = {
	{"From", true},
	{"Reply-To", true},
	{"Subject", true},
	{"Date", true},
	{"To", true},
	{"Cc", true},
	{"Message-ID", true},
	{"In-Reply-To", true},
	{"References", true},
	{"MIME-Version", true},
	{"Content-Type", true},
	{"Content-Transfer-Encoding", true},
	{"Content-Disposition", false},
	{"Sender", false},
	{"Resent-From", false},
	{"Resent-To", false},
	{"Resent-Date", false},
	{"Resent-Message-ID", false},
	{"List-Id", false},
	{"List-Post", false},
	{"List-Unsubscribe", false},
	{"List-Unsubscribe-Post", false},
	{"Auto-Submitted", false},
	{"Autocrypt", false},
};

/* Appends text that may be broken before, folding when the line is full. */
static void
put_folding(struct buf *out, size_t *line, struct slice text)
{
	if (out->len - *line + text.len > LINE_MAX_CHARS) {
		buf_puts(out, "\r\n\t");
		*line = out->len - 1;
	}
	buf_put(out, text);
}

static size_t
field_count(const struct dkim_fields *fields, struct slice name)
{
	size_t n = 0;

	for (size_t i = 0; i < fields->count; i++)
		n += slice_ieq(fields->at[i].name, name);
	return n;
}

/* The names for h=, as often as each is signed. */
static void
put_names(struct buf *out, size_t *line, const struct dkim_fields *fields)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(signed_fields); i++) {
		struct slice name = slice_str(signed_fields[i].name);
		size_t n = field_count(fields, name) + signed_fields[i].once_more;

		for (; n; n--) {
			if (!first)
				buf_putc(out, ':');
			put_folding(out, line, name);
			first = false;
		}
	}
}

static const char *
canon_name(enum dkim_canon canon)
{
	return canon == DKIM_RELAXED ? "relaxed" : "simple";
}

/* The field up to and with "b=", which is what the signature covers. */
static void
put_unsigned(struct buf *out, const struct dkim_key *key, const struct dkim_sign_options *o,
	const struct dkim_fields *fields, const uint8_t *body_hash)
{
	size_t line;

	buf_printf(out, "DKIM-Signature: v=1; a=%s; c=%s/%s;\r\n\td=%.*s; s=%.*s;",
		dkim_alg_name(key->alg), canon_name(o->header_canon), canon_name(o->body_canon),
		SLICE_ARG(o->domain), SLICE_ARG(o->selector));
	if (o->identity.len)
		buf_printf(out, " i=%.*s;", SLICE_ARG(o->identity));
	if (o->now)
		buf_printf(out, " t=%lld;", (long long)o->now);
	if (o->expires)
		buf_printf(out, " x=%lld;", (long long)o->expires);
	line = out->len;
	buf_puts(out, "\r\n\th=");
	put_names(out, &line, fields);
	buf_puts(out, ";\r\n\tbh=");
	base64_encode(out, slice_new(body_hash, DKIM_HASH_SIZE));
	buf_puts(out, ";\r\n\tb=");
}

static int
sign_rsa(EVP_PKEY *pkey, const uint8_t *hash, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		EVP_PKEY_sign(ctx, out, len, hash, DKIM_HASH_SIZE) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok ? LL_OK : LL_ERR_CRYPTO;
}

static int
sign_ed25519(EVP_PKEY *pkey, const uint8_t *hash, uint8_t *out, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		EVP_DigestSign(ctx, out, len, hash, DKIM_HASH_SIZE) == 1;

	EVP_MD_CTX_free(ctx);
	return ok ? LL_OK : LL_ERR_CRYPTO;
}

/* Signs the hash and appends b='s value, folded, and the line end. */
static int
put_signature(struct buf *out, const struct dkim_key *key, const uint8_t *hash)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(SIGNATURE_MAX * 2);
	uint8_t signature[SIGNATURE_MAX];
	size_t len = sizeof(signature), line = out->len - 3;
	int r = key->alg == DKIM_RSA_SHA256 ? sign_rsa(key->pkey, hash, signature, &len)
					    : sign_ed25519(key->pkey, hash, signature, &len);
	struct slice rest;

	ERR_clear_error();
	if (r)
		return r;
	base64_encode(&text, slice_new(signature, len));
	if (buf_err(&text))
		return buf_err(&text);
	rest = buf_slice(&text);
	while (rest.len) {
		size_t n = MIN(rest.len, (size_t)LINE_MAX_CHARS - (out->len - line));

		buf_put(out, slice_sub(rest, 0, n));
		rest = slice_skip(rest, n);
		if (rest.len) {
			buf_puts(out, "\r\n\t");
			line = out->len - 1;
		}
		if (buf_err(out))
			return buf_err(out);
	}
	return buf_puts(out, "\r\n");
}

/* The hash of the fields named in h= (as put_names wrote it) and of the new field itself. */
static int
hash_new_field(const struct dkim_sign_options *o, const struct dkim_fields *fields,
	struct slice field, struct arena *arena, uint8_t *ret)
{
	struct header_field *all = ARENA_ARRAY(arena, struct header_field, fields->count + 1);
	struct dkim_fields with_self = {all, fields->count + 1};
	struct dkim_signature s = {.header_canon = o->header_canon};
	struct taglist tags;
	const struct tag *b;

	if (!all)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < fields->count; i++)
		all[i + 1] = fields->at[i];
	all[0] = (struct header_field){.name = S("DKIM-Signature"), .raw = field};
	if (taglist_parse(slice_skip(field, slice_find_byte(field, ':') + 1), &tags))
		return LL_ERR_INTERNAL;
	b = taglist_find(&tags, "b");
	if (!b)
		return LL_ERR_INTERNAL;
	s.headers = taglist_get(&tags, "h");
	s.signature_raw = b->raw;
	return dkim_signature_hash(&s, &with_self, 0, arena, ret);
}

int
dkim_sign(const struct dkim_key *key, const struct dkim_sign_options *options, struct slice header,
	const uint8_t *body_hash, struct buf *out)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)8 << 20);
	struct dkim_fields fields;
	uint8_t hash[DKIM_HASH_SIZE];
	size_t start = out->len;
	int r = dkim_fields_read(header, &arena, &fields);

	if (r)
		return r;
	if (!field_count(&fields, S("From")))
		return LL_ERR_SYNTAX;
	put_unsigned(out, key, options, &fields, body_hash);
	r = buf_err(out);
	if (!r)
		r = hash_new_field(
			options, &fields, slice_skip(buf_slice(out), start), &arena, hash);
	if (!r)
		r = put_signature(out, key, hash);
	if (r)
		buf_truncate(out, start);
	return r;
}
