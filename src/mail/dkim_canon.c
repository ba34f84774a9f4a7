/* DKIM canonicalisation, RFC 6376 section 3.4: header fields at once, the body as a stream that
 * gives the same hash however it is cut into pieces. */
#include "base/error.h"
#include "base/text.h"
#include "mail/dkim.h"

#include <openssl/evp.h>
#include <string.h>

#define STAGE_SIZE 4096u

struct dkim_body {
	EVP_MD_CTX *hash;
	enum dkim_canon canon;
	uint64_t limit, length; /* canonicalised bytes to hash; seen */
	uint64_t line_ends; /* held back: they may be the empty lines at the end */
	bool cr, space; /* held back: a CR whose LF may follow; white space (relaxed) */
	bool content; /* anything but empty lines was seen */
	bool failed;
	size_t staged;
	uint8_t stage[STAGE_SIZE];
};

static bool
is_wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Name in lower case, unfolded, white space reduced to one space and removed around the colon and
 * at the end. */
static int
header_relaxed(struct buf *out, struct slice field)
{
	size_t colon = slice_find_byte(field, ':');
	struct slice name = slice_sub(field, 0, colon);
	struct slice value = colon == SLICE_NPOS ? SLICE_NONE : slice_skip(field, colon + 1);
	bool space = false, started = false;

	name = slice_trim(name);
	for (size_t i = 0; i < name.len; i++)
		buf_putc(out, to_lower(name.ptr[i]));
	if (colon != SLICE_NPOS)
		buf_putc(out, ':');
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (c == '\r' && i + 1 < value.len && value.ptr[i + 1] == '\n')
			continue;
		if (c == '\n')
			continue;
		if (is_wsp(c)) {
			space = started;
			continue;
		}
		if (space)
			buf_putc(out, ' ');
		space = false;
		started = true;
		buf_putc(out, c);
	}
	return buf_puts(out, "\r\n");
}

int
dkim_header_canon(struct buf *out, enum dkim_canon canon, struct slice field)
{
	if (canon == DKIM_RELAXED)
		return header_relaxed(out, field);
	buf_put(out, field);
	return slice_ends(field, S("\r\n")) ? LL_OK : buf_puts(out, "\r\n");
}

struct dkim_body *
dkim_body_new(enum dkim_canon canon, uint64_t limit)
{
	struct dkim_body *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->canon = canon;
	b->limit = limit;
	b->hash = EVP_MD_CTX_new();
	if (!b->hash || EVP_DigestInit_ex(b->hash, EVP_sha256(), NULL) != 1) {
		dkim_body_free(b);
		return NULL;
	}
	return b;
}

void
dkim_body_free(struct dkim_body *b)
{
	if (!b)
		return;
	EVP_MD_CTX_free(b->hash);
	free(b);
}

static void
stage_flush(struct dkim_body *b)
{
	if (EVP_DigestUpdate(b->hash, b->stage, b->staged) != 1)
		b->failed = true;
	b->staged = 0;
}

/* Canonicalised bytes: those within the limit are hashed, all are counted. */
static void
body_emit(struct dkim_body *b, const uint8_t *p, size_t n)
{
	uint64_t left = b->length < b->limit ? b->limit - b->length : 0;

	b->length += n;
	if (n > left)
		n = (size_t)left;
	if (!n)
		return;
	if (n > STAGE_SIZE - b->staged)
		stage_flush(b);
	if (n > STAGE_SIZE) {
		if (EVP_DigestUpdate(b->hash, p, n) != 1)
			b->failed = true;
		return;
	}
	memcpy(b->stage + b->staged, p, n);
	b->staged += n;
}

/* What was held back and turned out to stand before something. */
static void
body_release(struct dkim_body *b)
{
	for (; b->line_ends; b->line_ends--)
		body_emit(b, (const uint8_t *)"\r\n", 2);
	if (b->space)
		body_emit(b, (const uint8_t *)" ", 1);
	b->space = false;
	if (b->cr)
		body_emit(b, (const uint8_t *)"\r", 1);
	b->cr = false;
	b->content = true;
}

/* Length of the run at p that canonicalisation leaves as it is. */
static size_t
plain_run(const struct dkim_body *b, const uint8_t *p, size_t n)
{
	const uint8_t *cr = memchr(p, '\r', n);
	size_t end = cr ? (size_t)(cr - p) : n, i;

	if (b->canon == DKIM_SIMPLE)
		return end;
	for (i = 0; i < end; i++) {
		if (!is_wsp(p[i]))
			continue;
		/* A single space before something else is as it should be. */
		if (p[i] != ' ' || i + 1 >= end || is_wsp(p[i + 1]))
			break;
	}
	return i;
}

/* One byte that is not plain: CR, LF behind a CR, white space. */
static void
body_special(struct dkim_body *b, uint8_t c)
{
	if (c == '\n') {
		b->cr = b->space = false;
		b->line_ends++;
		return;
	}
	if (b->cr)
		body_release(b);
	if (c == '\r')
		b->cr = true;
	else
		b->space = true;
}

int
dkim_body_update(struct dkim_body *b, struct slice piece)
{
	const uint8_t *p = piece.ptr, *end = piece.len ? p + piece.len : p;

	while (p < end) {
		bool wsp = b->canon == DKIM_RELAXED && is_wsp(*p);
		size_t n;

		/* White space that follows white space held back is not plain. */
		if ((*p == '\n' && b->cr) || *p == '\r' || (wsp && b->space && !b->cr)) {
			body_special(b, *p++);
			continue;
		}
		n = plain_run(b, p, (size_t)(end - p));
		if (!n) {
			body_special(b, *p++);
			continue;
		}
		body_release(b);
		body_emit(b, p, n);
		p += n;
	}
	return b->failed ? LL_ERR_CRYPTO : LL_OK;
}

int
dkim_body_final(struct dkim_body *b, uint8_t *ret_hash, uint64_t *ret_length)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	if (b->cr) /* a bare CR is content */
		body_release(b);
	b->line_ends = 0;
	if (b->content || b->canon == DKIM_SIMPLE)
		body_emit(b, (const uint8_t *)"\r\n", 2);
	stage_flush(b);
	if (b->failed || EVP_DigestFinal_ex(b->hash, hash, NULL) != 1)
		return LL_ERR_CRYPTO;
	memcpy(ret_hash, hash, DKIM_HASH_SIZE);
	if (ret_length)
		*ret_length = b->length;
	return LL_OK;
}
