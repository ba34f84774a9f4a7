/* Charsets by ICU, with paths of our own for the two that most mail is in: UTF-8 and windows-1252.
 */
#include "mail/charset.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/icu.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/udata.h>

#define CHARSET_NAME_MAX 60
#define PIVOT_UNITS 1024
#define CONVERT_BYTES 1024

struct charset {
	UConverter *icu; /* NULL: UTF-8 or windows-1252 */
	bool utf8; /* valid UTF-8 passes */
	bool strict; /* bytes that are not UTF-8 become U+FFFD, else windows-1252 */
	uint8_t held[4];
	size_t held_len;
	uint16_t high; /* a high surrogate at the end of the last pivot */
};

void
mail_icu_init(void)
{
	static bool done;
	UErrorCode err = U_ZERO_ERROR;

	if (!done)
		udata_setFileAccess(UDATA_NO_FILES, &err);
	done = true;
}

/* ---- names ---- */

enum charset_own { OWN_GUESS, OWN_UTF8, OWN_1252, OWN_ICU };

/* What mail calls charsets, and what it means by it. */
static const struct charset_alias {
	const char *name;
	enum charset_own own;
	const char *icu;
} aliases[] = {
	{"", OWN_GUESS, NULL},
	{"us-ascii", OWN_GUESS, NULL},
	{"ascii", OWN_GUESS, NULL},
	{"ansi_x3.4-1968", OWN_GUESS, NULL},
	{"7bit", OWN_GUESS, NULL},
	{"8bit", OWN_GUESS, NULL},
	{"utf-8", OWN_UTF8, NULL},
	{"utf8", OWN_UTF8, NULL},
	{"unicode-1-1-utf-8", OWN_UTF8, NULL},
	{"iso-8859-1", OWN_1252, NULL},
	{"iso8859-1", OWN_1252, NULL},
	{"iso_8859-1", OWN_1252, NULL},
	{"latin1", OWN_1252, NULL},
	{"windows-1252", OWN_1252, NULL},
	{"cp1252", OWN_1252, NULL},
	{"iso-8859-9", OWN_ICU, "windows-1254"},
	{"iso-8859-11", OWN_ICU, "windows-874"},
	{"tis-620", OWN_ICU, "windows-874"},
	{"gb2312", OWN_ICU, "gb18030"},
	{"gbk", OWN_ICU, "gb18030"},
	{"x-gbk", OWN_ICU, "gb18030"},
	{"euc-kr", OWN_ICU, "windows-949"},
	{"ks_c_5601-1987", OWN_ICU, "windows-949"},
	{"shift_jis", OWN_ICU, "windows-31j"},
	{"x-sjis", OWN_ICU, "windows-31j"},
	{"big5", OWN_ICU, "windows-950"},
	{"iso-8859-8-i", OWN_ICU, "iso-8859-8"},
	{"cp-850", OWN_ICU, "ibm-850"},
};

static const struct charset_alias *
alias_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (slice_ieq(name, slice_str(aliases[i].name)))
			return &aliases[i];
	return NULL;
}

/* NULL for names ICU does not know, and for those that are no ASCII word. */
static UConverter *
icu_open(struct slice name)
{
	char text[CHARSET_NAME_MAX + 1];
	UErrorCode err = U_ZERO_ERROR;
	UConverter *c;

	if (!name.len || name.len > CHARSET_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < name.len; i++)
		if (!is_alpha(name.ptr[i]) && !is_digit(name.ptr[i]) &&
			!strchr("-_.:+", (char)name.ptr[i]))
			return NULL;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	mail_icu_init();
	c = ucnv_open(text, &err);
	return U_SUCCESS(err) ? c : NULL;
}

static UConverter *
icu_open_alias(struct slice name, const struct charset_alias *alias)
{
	UConverter *c = NULL;

	if (alias && alias->own != OWN_ICU)
		return NULL;
	if (alias)
		c = icu_open(slice_str(alias->icu));
	return c ? c : icu_open(name);
}

struct charset *
charset_new(struct slice name)
{
	struct charset *c = calloc(1, sizeof(*c));
	const struct charset_alias *alias;

	if (!c)
		return NULL;
	name = slice_trim(name);
	alias = alias_find(name);
	c->icu = icu_open_alias(name, alias);
	c->utf8 = !alias || alias->own != OWN_1252;
	c->strict = alias && alias->own == OWN_UTF8;
	return c;
}

void
charset_free(struct charset *c)
{
	if (c && c->icu)
		ucnv_close(c->icu);
	free(c);
}

void
charset_freep(struct charset **c)
{
	charset_free(*c);
	*c = NULL;
}

bool
charset_known(struct slice name)
{
	const struct charset_alias *alias = alias_find(name);
	UConverter *c;

	if (!name.len || (alias && alias->own != OWN_ICU))
		return name.len > 0;
	c = icu_open_alias(name, alias);
	if (c)
		ucnv_close(c);
	return c != NULL;
}

/* ---- by ICU ---- */

static int
put_utf16(struct charset *c, const UChar *p, const UChar *end, struct buf *out)
{
	for (; p < end; p++) {
		uint16_t unit = *p;
		bool low = unit >= 0xdc00 && unit < 0xe000;
		if (c->high && low) {
			utf8_put(out,
				0x10000 + ((uint32_t)(c->high - 0xd800) << 10) + (unit - 0xdc00u));
			c->high = 0;
			continue;
		}
		if (c->high)
			utf8_put(out, 0xfffd);
		c->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
		if (!c->high)
			utf8_put(out, unit);
	}
	return buf_err(out);
}

static int
convert_icu(struct charset *c, struct slice in, bool last, struct buf *out)
{
	const char *src = in.len ? (const char *)in.ptr : "", *end = src + in.len;
	UChar pivot[PIVOT_UNITS], *to;
	UErrorCode err;

	do {
		err = U_ZERO_ERROR;
		to = pivot;
		ucnv_toUnicode(c->icu, &to, pivot + PIVOT_UNITS, &src, end, NULL, last, &err);
		put_utf16(c, pivot, to, out);
		if (U_FAILURE(err) && err != U_BUFFER_OVERFLOW_ERROR) {
			utf8_put(out, 0xfffd);
			ucnv_resetToUnicode(c->icu);
			src = end;
		}
	} while (err == U_BUFFER_OVERFLOW_ERROR && !buf_err(out));
	if (last && c->high) {
		utf8_put(out, 0xfffd);
		c->high = 0;
	}
	return buf_err(out);
}

/* ---- UTF-8 and windows-1252 ---- */

static uint32_t
windows_1252(uint8_t b)
{
	static const uint16_t high[32] = {0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020,
		0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f, 0x90, 0x2018,
		0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153,
		0x9d, 0x17e, 0x178};

	return b >= 0x80 && b < 0xa0 ? high[b - 0x80] : b;
}

/* Length of the run of ASCII at the start. */
static size_t
ascii_run(struct slice s)
{
	size_t i = 0;
	uint64_t word;

	for (; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.ptr + i, 8);
		if (word & 0x8080808080808080u)
			break;
	}
	while (i < s.len && s.ptr[i] < 0x80)
		i++;
	return i;
}

/* Whether s, not empty, is the start of a UTF-8 character that more bytes could complete. */
static bool
utf8_cut(struct slice s)
{
	size_t want = s.ptr[0] >= 0xf0 ? 4 : s.ptr[0] >= 0xe0 ? 3 : 2, len;
	uint8_t probe[4] = {0x80, 0x80, 0x80, 0x80};

	if (s.ptr[0] < 0xc2 || s.ptr[0] > 0xf4 || s.len >= want)
		return false;
	memcpy(probe, s.ptr, s.len);
	if (s.len == 1) /* the one byte whose range depends on the first */
		probe[1] = s.ptr[0] == 0xe0 || s.ptr[0] == 0xf0 ? 0xa0 : 0x80;
	utf8_get(slice_new(probe, want), &len);
	return len == want;
}

/* Writes a character of the basic plane that is not ASCII; its length. */
static size_t
put_plain(uint8_t *p, uint32_t c)
{
	size_t n = 0;

	if (c >= 0x800) {
		p[n++] = (uint8_t)(0xe0 | c >> 12);
		p[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
	} else {
		p[n++] = (uint8_t)(0xc0 | c >> 6);
	}
	p[n++] = (uint8_t)(0x80 | (c & 63));
	return n;
}

/* One character or bad byte that is not ASCII at the start of s: its length; what it becomes, at
 * most 4 bytes, goes to *p, which moves on. */
static size_t
put_one(const struct charset *c, struct slice s, uint8_t **p)
{
	bool starts = s.len > 1 && s.ptr[0] >= 0xc2 && s.ptr[0] < 0xf5 && (s.ptr[1] & 0xc0) == 0x80;
	size_t len = 1;

	if (c->utf8 && starts)
		(void)utf8_get(s, &len);
	if (len == 1) {
		*p += put_plain(*p, c->strict ? 0xfffd : windows_1252(s.ptr[0]));
	} else { /* well-formed: it stays as it is */
		memcpy(*p, s.ptr, len);
		*p += len;
	}
	return len;
}

/* Characters that are not ASCII, and what little ASCII stands between them. */
static size_t
convert_some(const struct charset *c, struct slice in, bool last, struct buf *out)
{
	uint8_t given[CONVERT_BYTES], *p = given;
	size_t i = 0, plain = 0;

	while (i < in.len && p - given <= CONVERT_BYTES - 4 && plain < 16) {
		if (in.ptr[i] < 0x80) {
			*p++ = in.ptr[i++];
			plain++;
			continue;
		}
		if (!last && c->utf8 && in.len - i < 4 && utf8_cut(slice_skip(in, i)))
			break;
		i += put_one(c, slice_skip(in, i), &p);
		plain = 0;
	}
	buf_put(out, slice_new(given, (size_t)(p - given)));
	return i;
}

/* Converts until the end or until a character that the end cuts; the bytes used. */
static size_t
convert_run(const struct charset *c, struct slice in, bool last, struct buf *out)
{
	size_t i = 0, n = 1;

	while (i < in.len && n) {
		size_t ascii = ascii_run(slice_skip(in, i));
		buf_put(out, slice_sub(in, i, ascii));
		i += ascii;
		n = convert_some(c, slice_skip(in, i), last, out);
		i += n;
	}
	return i;
}

static int
convert_own(struct charset *c, struct slice in, bool last, struct buf *out)
{
	uint8_t join[8];
	size_t n, used;

	while (c->held_len && in.len) {
		n = MIN(in.len, sizeof(join) - c->held_len);
		memcpy(join, c->held, c->held_len);
		memcpy(join + c->held_len, in.ptr, n);
		n += c->held_len;
		used = convert_run(c, slice_new(join, n), last && n - c->held_len == in.len, out);
		if (used < c->held_len) { /* still cut: everything given is held now */
			c->held_len = n;
			memcpy(c->held, join, n);
			return buf_err(out);
		}
		in = slice_skip(in, used - c->held_len);
		c->held_len = 0;
	}
	if (in.len) { /* then nothing is held any more */
		used = convert_run(c, in, last, out);
		c->held_len = in.len - used;
		memcpy(c->held, in.ptr + used, c->held_len);
	}
	if (!last || !c->held_len)
		return buf_err(out);
	n = c->held_len;
	c->held_len = 0;
	convert_run(c, slice_new(c->held, n), true, out);
	return buf_err(out);
}

int
charset_convert(struct charset *c, struct slice in, bool last, struct buf *out)
{
	int err = c->icu ? convert_icu(c, in, last, out) : convert_own(c, in, last, out);

	if (last && c->icu)
		ucnv_resetToUnicode(c->icu);
	return err;
}

int
charset_to_utf8(struct slice name, struct slice in, struct buf *out)
{
	struct charset *c;
	int err;

	if (ascii_run(in) == in.len && (!name.len || slice_ieq(name, S("utf-8"))))
		return buf_put(out, in);
	c = charset_new(name);
	err = c ? charset_convert(c, in, true, out) : LL_ERR_NOMEM;
	charset_free(c);
	return err;
}

int
charset_scrub_utf8(struct slice in, struct buf *out)
{
	struct charset c = {.utf8 = true, .strict = true};

	return convert_own(&c, in, true, out);
}
