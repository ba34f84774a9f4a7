/* Folding works on single characters, so it needs no look-ahead. The answers for the characters of
 * alphabets are kept in a table made at first use; ideographs and Hangul need no ICU. */
#include "mail/fold.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/icu.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#define FOLD_UNITS 64 /* UTF-16 units one character may become; the longest of Unicode is 18 */
#define FOLD_BYTES (3 * FOLD_UNITS)
#define FOLD_OUT 2048 /* bytes folded before they are put */
#define FOLD_TABLE 0x3200 /* characters below this are in the table */
#define FOLD_POOL (FOLD_TABLE * 4)
#define FOLD_SPACE ' '
#define FOLD_RECENT 256 /* characters above the table whose answers are remembered */
#define FOLD_RECENT_BYTES 11

static struct {
	const UNormalizer2 *nfkd;
	uint16_t at[FOLD_TABLE]; /* offset in the pool */
	uint8_t len[FOLD_TABLE];
	uint8_t ascii[128];
	uint8_t pool[FOLD_POOL];
	struct recent {
		uint32_t c;
		uint8_t len, bytes[FOLD_RECENT_BYTES];
	} recent[FOLD_RECENT];
} tables;

/* ---- one character, by ICU ---- */

/* Diacritics in the sense of fold.h. */
static bool
is_dropped(uint32_t c)
{
	uint8_t cc = u_getCombiningClass((UChar32)c);

	return cc == 1 || (cc >= 10 && cc <= 36) || cc >= 200 ||
		u_hasBinaryProperty((UChar32)c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

static bool
is_space(uint32_t c)
{
	return u_isUWhiteSpace((UChar32)c) || u_charType((UChar32)c) == U_CONTROL_CHAR;
}

/* The character at *i of well-formed UTF-16. */
static uint32_t
next_char(const UChar *s, int32_t *i)
{
	uint32_t c = s[(*i)++];

	if (c >= 0xd800 && c < 0xdc00)
		c = 0x10000 + ((c - 0xd800) << 10) + (s[(*i)++] - 0xdc00u);
	return c;
}

static int32_t
put_units(UChar *p, uint32_t c)
{
	if (c < 0x10000) {
		p[0] = (UChar)c;
		return 1;
	}
	p[0] = (UChar)(0xd7c0 + (c >> 10));
	p[1] = (UChar)(0xdc00 | (c & 0x3ff));
	return 2;
}

/* Writes UTF-8; the length. */
static size_t
put_utf8(uint8_t *p, uint32_t c)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len - 1; i; i--, c >>= 6)
		p[i] = (uint8_t)(0x80 | (c & 63));
	p[0] = (uint8_t)(lead[len] | c);
	return len;
}

static int32_t
decompose(const UChar *in, int32_t len, UChar out[FOLD_UNITS])
{
	UErrorCode err = U_ZERO_ERROR;
	int32_t n = unorm2_normalize(tables.nfkd, in, len, out, FOLD_UNITS, &err);

	return U_SUCCESS(err) ? n : 0;
}

static int32_t
fold_units(uint32_t c, UChar out[FOLD_UNITS])
{
	UChar one[2], a[FOLD_UNITS], b[FOLD_UNITS];
	UErrorCode err = U_ZERO_ERROR;
	int32_t n = decompose(one, put_units(one, c), a);

	n = u_strFoldCase(b, FOLD_UNITS, a, n, U_FOLD_CASE_DEFAULT, &err);
	return U_SUCCESS(err) ? decompose(b, n, out) : 0;
}

/* The folded form as UTF-8; its length. White space gives one space. */
static size_t
fold_by_icu(uint32_t c, uint8_t out[FOLD_BYTES])
{
	UChar units[FOLD_UNITS];
	int32_t n, i = 0;
	size_t len = 0;

	if (is_space(c)) {
		out[0] = FOLD_SPACE;
		return 1;
	}
	n = fold_units(c, units);
	while (i < n) {
		uint32_t u = next_char(units, &i);
		if (is_space(u))
			out[len++] = FOLD_SPACE;
		else if (!is_dropped(u))
			len += put_utf8(out + len, u);
	}
	return len;
}

static void
tables_fill(void)
{
	uint8_t tmp[FOLD_BYTES];
	UErrorCode err = U_ZERO_ERROR;
	size_t used = 0, n;

	mail_icu_init();
	tables.nfkd = unorm2_getNFKDInstance(&err);
	assert(U_SUCCESS(err)); /* part of ICU's library */
	for (uint32_t c = 0; c < FOLD_TABLE; c++) {
		n = fold_by_icu(c, tmp);
		assert(n <= UINT8_MAX && used + n <= MIN(FOLD_POOL, UINT16_MAX));
		memcpy(tables.pool + used, tmp, n);
		tables.at[c] = (uint16_t)used;
		tables.len[c] = (uint8_t)n;
		used += n;
		if (c < 128)
			tables.ascii[c] = tmp[0];
	}
}

static inline void
tables_init(void)
{
	if (!tables.nfkd)
		tables_fill();
}

/* ---- one character, fast ---- */

static bool
is_ideograph(uint32_t c)
{
	return (c >= 0x3400 && c < 0x4dc0) || (c >= 0x4e00 && c < 0xa000);
}

/* Hangul syllables into their letters (Unicode section 3.12). */
static size_t
fold_hangul(uint32_t c, uint8_t *p)
{
	uint32_t s = c - 0xac00,
		 jamo[3] = {0x1100 + s / 588, 0x1161 + s % 588 / 28, 0x11a7 + s % 28};
	size_t n = s % 28 ? 3 : 2, len = 0;

	for (size_t i = 0; i < n; i++)
		len += put_utf8(p + len, jamo[i]);
	return len;
}

/* Text keeps to few characters, even of emoji and presentation forms. Each slot holds the last one
 * that fell on it. */
static size_t
fold_recent(uint32_t c, uint8_t *p)
{
	struct recent *r = &tables.recent[c % FOLD_RECENT];
	size_t n;

	if (r->c != c) {
		n = fold_by_icu(c, p);
		if (n > FOLD_RECENT_BYTES)
			return n;
		r->c = c;
		r->len = (uint8_t)n;
		memcpy(r->bytes, p, n);
	}
	memcpy(p, r->bytes, r->len);
	return r->len;
}

/* Writes the folded form of a character that is not ASCII. */
static size_t
fold_one(uint32_t c, const uint8_t *utf8, size_t utf8_len, uint8_t *p)
{
	if (c < FOLD_TABLE) {
		memcpy(p, tables.pool + tables.at[c], tables.len[c]);
		return tables.len[c];
	}
	if (c == 0xfffd) { /* what is no text parts words */
		*p = FOLD_SPACE;
		return 1;
	}
	if (is_ideograph(c)) {
		memcpy(p, utf8, utf8_len);
		return utf8_len;
	}
	if (c >= 0xac00 && c < 0xd7a4)
		return fold_hangul(c, p);
	return fold_recent(c, p);
}

/* ---- streams ---- */

/* Whether the end of the chunk cuts a character: how many bytes to hold. */
static size_t
cut_bytes(struct slice s)
{
	for (size_t n = 1; n <= MIN(s.len, (size_t)3); n++) {
		uint8_t c = s.ptr[s.len - n];
		if (c >= 0xc2 && c < 0xf5)
			return n < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) ? n : 0;
		if (c < 0x80)
			return 0;
	}
	return 0;
}

static inline uint8_t *
put_folded(struct fold *f, uint8_t *p, const uint8_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == FOLD_SPACE && f->space)
			continue;
		f->space = s[i] == FOLD_SPACE;
		*p++ = s[i];
	}
	return p;
}

/* Takes ASCII off the front, at most as much as there is room for. */
static uint8_t *
fold_ascii(struct fold *f, struct slice *in, uint8_t *p, const uint8_t *end)
{
	bool space = f->space;
	size_t i = 0, n = MIN(in->len, (size_t)(end - p));

	for (; i < n && in->ptr[i] < 0x80; i++) {
		/* Without a branch: where words end cannot be foretold. */
		uint8_t c = tables.ascii[in->ptr[i]];
		bool blank = c == FOLD_SPACE;
		*p = c;
		p += !(blank & space);
		space = blank;
	}
	*in = slice_skip(*in, i);
	f->space = space;
	return p;
}

/* U+FFFD at the start, of which there are many where there is one. */
static struct slice
skip_bad(struct slice in)
{
	size_t i = 0;

	while (in.len - i >= 3 && in.ptr[i] == 0xef && in.ptr[i + 1] == 0xbf &&
		in.ptr[i + 2] == 0xbd)
		i += 3;
	return slice_skip(in, i);
}

/* Whole characters; bad bytes become a space. */
static int
fold_run(struct fold *f, struct slice in, struct buf *out)
{
	uint8_t given[FOLD_OUT + FOLD_BYTES], one[FOLD_BYTES], *p = given;
	const uint8_t *end = given + FOLD_OUT;
	size_t len, n;

	while (in.len) {
		p = fold_ascii(f, &in, p, end);
		if (in.len && p < end) {
			uint32_t c = utf8_get(in, &len);
			n = fold_one(c, in.ptr, len, one);
			p = put_folded(f, p, one, n);
			in = slice_skip(in, len);
			if (c == 0xfffd)
				in = skip_bad(in);
		}
		if (p < end && in.len)
			continue;
		if (buf_put(out, slice_new(given, (size_t)(p - given))))
			break;
		p = given;
	}
	return buf_err(out);
}

int
fold_text(struct fold *f, struct slice utf8, struct buf *out)
{
	uint8_t join[4];
	size_t n;

	tables_init();
	while (f->held_len && utf8.len) { /* one byte more at a time */
		memcpy(join, f->held, f->held_len);
		join[f->held_len] = utf8.ptr[0];
		n = f->held_len + 1u;
		utf8 = slice_skip(utf8, 1);
		f->held_len = (uint8_t)cut_bytes(slice_new(join, n));
		memcpy(f->held, join + n - f->held_len, f->held_len);
		fold_run(f, slice_new(join, n - f->held_len), out);
	}
	n = cut_bytes(utf8);
	if (n) {
		f->held_len = (uint8_t)n;
		memcpy(f->held, utf8.ptr + utf8.len - n, n);
	}
	return fold_run(f, slice_sub(utf8, 0, utf8.len - n), out);
}

int
fold_end(struct fold *f, struct buf *out)
{
	size_t n = f->held_len;

	tables_init();
	f->held_len = 0;
	return fold_run(f, slice_new(f->held, n), out);
}

int
fold_all(struct slice utf8, struct buf *out)
{
	struct fold f = {0};

	fold_text(&f, utf8, out);
	return fold_end(&f, out);
}

/* ---- i;unicode-casemap ---- */

static int
casemap_one(uint32_t c, struct buf *out)
{
	UChar title[2], d[FOLD_UNITS];
	int32_t n, i = 0;

	if (c < 0x80)
		return buf_putc(out, to_upper((uint8_t)c));
	n = decompose(title, put_units(title, (uint32_t)u_totitle((UChar32)c)), d);
	while (i < n)
		utf8_put(out, next_char(d, &i));
	return buf_err(out);
}

int
fold_casemap(struct slice utf8, struct buf *out)
{
	size_t len;

	tables_init();
	for (size_t i = 0; i < utf8.len && !buf_err(out); i += len)
		casemap_one(utf8_get(slice_skip(utf8, i), &len), out);
	return buf_err(out);
}
