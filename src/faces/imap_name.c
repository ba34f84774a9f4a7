/* Mailbox names on the wire: modified UTF-7 for IMAP4rev1 clients, UTF-8 for the others. And flag
 * lists, the other kind of name a client makes up. */
#include "base/text.h"
#include "faces/imap_conn.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Bits waiting for a whole digit, or digits waiting for a whole UTF-16 unit. */
struct bits {
	uint32_t acc;
	unsigned n;
};

static void
put_unit(struct buf *out, struct bits *b, uint32_t unit)
{
	b->acc = b->acc << 16 | unit;
	for (b->n += 16; b->n >= 6; b->n -= 6)
		buf_putc(out, (uint8_t)alphabet[b->acc >> (b->n - 6) & 63]);
}

static void
put_char(struct buf *out, struct bits *b, uint32_t ch)
{
	if (ch < 0x10000) {
		put_unit(out, b, ch);
		return;
	}
	put_unit(out, b, 0xd800 + ((ch - 0x10000) >> 10));
	put_unit(out, b, 0xdc00 + ((ch - 0x10000) & 0x3ff));
}

static void
end_shift(struct buf *out, struct bits *b)
{
	if (b->n)
		buf_putc(out, (uint8_t)alphabet[b->acc << (6 - b->n) & 63]);
	buf_putc(out, '-');
	*b = (struct bits){0};
}

int
mutf7_encode(struct buf *out, struct slice utf8)
{
	struct bits b = {0};
	bool shifted = false;

	while (utf8.len) {
		size_t n;
		uint32_t ch = utf8_get(utf8, &n);
		bool plain = ch >= 0x20 && ch < 0x7f;

		utf8 = slice_skip(utf8, n);
		if (!plain) {
			if (!shifted)
				buf_putc(out, '&');
			shifted = true;
			put_char(out, &b, ch);
			continue;
		}
		if (shifted)
			end_shift(out, &b);
		shifted = false;
		buf_putc(out, (uint8_t)ch);
		if (ch == '&')
			buf_putc(out, '-');
	}
	if (shifted)
		end_shift(out, &b);
	return buf_err(out);
}

/* One UTF-16 unit; surrogates must come in pairs, and what can stand for itself must. */
static int
take_unit(struct buf *out, uint32_t *high, uint32_t unit)
{
	bool low = unit >= 0xdc00 && unit < 0xe000;

	if (*high) {
		if (!low)
			return LL_ERR_SYNTAX;
		utf8_put(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return LL_OK;
	}
	if (low || !unit || (unit >= 0x20 && unit < 0x7f))
		return LL_ERR_SYNTAX;
	if (unit >= 0xd800 && unit < 0xdc00)
		*high = unit;
	else
		utf8_put(out, unit);
	return LL_OK;
}

/* The base64 between '&' and '-'. */
static int
take_shift(struct buf *out, struct slice digits)
{
	struct bits b = {0};
	uint32_t high = 0;

	for (size_t i = 0; i < digits.len; i++) {
		const char *p = digits.ptr[i] ? strchr(alphabet, digits.ptr[i]) : NULL;
		if (!p)
			return LL_ERR_SYNTAX;
		b.acc = b.acc << 6 | (uint32_t)(p - alphabet);
		b.n += 6;
		if (b.n >= 16) {
			b.n -= 16;
			if (take_unit(out, &high, b.acc >> b.n & 0xffff) != LL_OK)
				return LL_ERR_SYNTAX;
			b.acc &= (1U << b.n) - 1;
		}
	}
	return high || b.n >= 6 || b.acc ? LL_ERR_SYNTAX : LL_OK;
}

int
mutf7_decode(struct buf *out, struct slice mutf7)
{
	for (size_t i = 0; i < mutf7.len; i++) {
		struct slice rest = slice_skip(mutf7, i + 1);
		size_t end;

		if (mutf7.ptr[i] < 0x20 || mutf7.ptr[i] >= 0x7f)
			return LL_ERR_SYNTAX;
		if (mutf7.ptr[i] != '&') {
			buf_putc(out, mutf7.ptr[i]);
			continue;
		}
		end = slice_find_byte(rest, '-');
		if (end == SLICE_NPOS)
			return LL_ERR_SYNTAX;
		if (end == 0)
			buf_putc(out, '&');
		else if (take_shift(out, slice_sub(rest, 0, end)) != LL_OK)
			return LL_ERR_SYNTAX;
		i += end + 1;
	}
	return buf_err(out);
}

int
imap_name_decode(struct imap_conn *c, struct slice wire, struct slice *ret)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(8 * MAILBOX_NAME_MAX);
	int err;

	if (imap_utf8(c) || slice_find_byte(wire, '&') == SLICE_NPOS) {
		if (!utf8_valid(wire))
			return LL_ERR_SYNTAX;
		*ret = wire;
		return LL_OK;
	}
	err = mutf7_decode(&name, wire);
	if (err != LL_OK)
		return err;
	*ret = arena_dup(&c->arena, buf_slice(&name));
	return ret->ptr ? LL_OK : LL_ERR_NOMEM;
}

bool
imap_take_mailbox(struct imap_conn *c, struct imap_lex *l, struct slice *ret)
{
	struct slice wire;
	int err;

	if (!imap_lex_sp(l) || !imap_lex_astring(l, &wire)) {
		imap_syntax(c, l);
		return false;
	}
	err = imap_name_decode(c, wire, ret);
	if (err == LL_ERR_SYNTAX)
		imap_done(c, "NO [CANNOT] The name is not valid %s",
			imap_utf8(c) ? "UTF-8" : "modified UTF-7");
	else if (err != LL_OK)
		imap_error(c, err);
	return err == LL_OK;
}

static size_t
count_words(const struct imap_lex *l)
{
	size_t n = 1;

	for (const uint8_t *p = l->at; p < l->end && *p != ')'; p++)
		n += *p == ' ';
	return n;
}

static bool
take_flag(struct imap_flags *f, struct slice word, struct imap_lex *l)
{
	uint64_t bit;

	if (word.ptr[0] != '\\') {
		f->keywords[f->n_keywords++] = word;
		return true;
	}
	if (imap_system_flag(word, &bit))
		f->system |= bit;
	else if (!slice_ieq(word, S("\\Recent"))) /* clients copy it; it cannot be set */
		return imap_lex_fail(l, "Unknown system flag");
	return true;
}

bool
imap_parse_flags(struct imap_lex *l, bool list_only, struct imap_flags *ret)
{
	struct imap_flags f = {.keywords = ARENA_ARRAY(l->arena, struct slice, count_words(l))};
	bool list = imap_lex_try(l, '(');
	struct slice word;

	if (!f.keywords || (list_only && !list))
		return imap_lex_fail(l, "Expected a flag list");
	if (!list || !imap_lex_try(l, ')')) {
		do {
			if (!imap_lex_flag(l, &word) || !take_flag(&f, word, l))
				return false;
		} while (imap_lex_try(l, ' '));
		if (list && !imap_lex_char(l, ')'))
			return false;
	}
	*ret = f;
	return true;
}

int
imap_flags_bits(struct mailbox *mb, const struct imap_flags *f, uint64_t *ret)
{
	uint64_t bits = 0;
	int err = LL_OK;

	if (f->n_keywords)
		err = mailbox_keywords_add(mb, f->keywords, f->n_keywords, &bits);
	if (err != LL_OK)
		return err;
	*ret = bits | f->system;
	return LL_OK;
}
