/* Encoded words as they are met: adjacent ones are joined before their charset is applied, because
 * writers split characters between them. */
#include "mail/encoded_word.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/header.h"
#include "mail/transfer.h"

#define WORD_CHARSET_MAX 80
/* Bytes that base64 makes 52 of: with the frame 64 characters, so that the first word stands beside
 * the field's name within 76 (RFC 2047 section 2). */
#define WORD_PAYLOAD 39

struct word {
	struct slice charset, text;
	uint8_t encoding; /* 'q' or 'b' */
	size_t len; /* from "=?" to "?=" */
};

/* Words decoded and not given out yet, all in one charset. */
struct words {
	struct buf *out;
	struct buf *bytes;
	struct slice charset;
	bool open; /* nothing but white space came after the last encoded word */
};

/* Reads an encoded word at the start of s. Spaces within its text are accepted. */
static bool
word_read(struct slice s, struct word *ret)
{
	struct slice rest = slice_skip(s, 2);
	size_t q = slice_find_byte(slice_sub(rest, 0, WORD_CHARSET_MAX), '?'), end;

	if (!slice_starts(s, S("=?")) || q == SLICE_NPOS || q == 0 || rest.len < q + 3 ||
		rest.ptr[q + 2] != '?')
		return false;
	ret->charset = slice_sub(rest, 0, q);
	ret->charset = slice_split(&ret->charset, '*'); /* a language may follow, RFC 2231 */
	ret->encoding = to_lower(rest.ptr[q + 1]);
	rest = slice_skip(rest, q + 3);
	if (ret->encoding != 'q' && ret->encoding != 'b')
		return false;
	end = slice_find(rest, S("?="));
	if (end == SLICE_NPOS)
		return false;
	ret->text = slice_sub(rest, 0, end);
	ret->len = (size_t)(rest.ptr - s.ptr) + end + 2;
	return true;
}

static int
decode_q(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		int hi = c == '=' && i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
		int lo = hi >= 0 ? hex_value(s.ptr[i + 2]) : -1;
		if (lo >= 0) {
			c = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else if (c == '_') {
			c = ' ';
		}
		buf_putc(out, c);
	}
	return buf_err(out);
}

static int
decode_b(struct buf *out, struct slice s)
{
	struct transfer_decoder d;

	transfer_decoder_init(&d, TRANSFER_BASE64);
	transfer_decode(&d, s, out);
	return transfer_decode_end(&d, out);
}

static void
words_flush(struct words *w)
{
	if (w->bytes->len)
		charset_to_utf8(w->charset, buf_slice(w->bytes), w->out);
	buf_reset(w->bytes);
}

static void
words_add(struct words *w, const struct word *word)
{
	if (!slice_ieq(w->charset, word->charset))
		words_flush(w);
	w->charset = word->charset;
	w->open = true;
	if (word->encoding == 'q')
		decode_q(w->bytes, word->text);
	else
		decode_b(w->bytes, word->text);
}

static bool
is_blank(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != ' ' && s.ptr[i] != '\t')
			return false;
	return true;
}

/* Text between encoded words; white space alone between two of them means nothing. */
static void
words_text(struct words *w, struct slice text, bool word_follows)
{
	if (!text.len || (w->open && word_follows && is_blank(text)))
		return;
	words_flush(w);
	w->open = false;
	charset_to_utf8(SLICE_NONE, text, w->out);
}

static void
decode_unfolded(struct words *w, struct slice s)
{
	size_t from = 0, at = 0, close = 0, n;
	struct word word;

	while ((n = slice_find(slice_skip(s, at), S("=?"))) != SLICE_NPOS) {
		at += n;
		if (close < at + 2) { /* looked for once, so that this stays linear */
			n = slice_find(slice_skip(s, at + 2), S("?="));
			if (n == SLICE_NPOS)
				break;
			close = at + 2 + n;
		}
		if (!word_read(slice_skip(s, at), &word)) {
			at += 2;
			continue;
		}
		words_text(w, slice_sub(s, from, at - from), true);
		words_add(w, &word);
		from = at = at + word.len;
	}
	words_text(w, slice_skip(s, from), false);
	words_flush(w);
}

/* CR, LF and NUL that came out of encoded words. */
static void
clean_from(struct buf *out, size_t from)
{
	for (size_t i = from; i < out->len; i++)
		if (out->ptr[i] == '\r' || out->ptr[i] == '\n' || out->ptr[i] == 0)
			out->ptr[i] = ' ';
}

int
encoded_word_decode(struct buf *out, struct slice value)
{
	CLEANUP(buf_done) struct buf flat = BUF_INIT(value.len);
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(value.len + 4);
	struct words w = {.out = out, .bytes = &bytes};
	size_t from = out->len;

	if (header_unfold(&flat, value))
		return buf_err(&flat);
	decode_unfolded(&w, buf_slice(&flat));
	clean_from(out, from);
	return buf_err(out);
}

/* ---- writing ---- */

/* Whether the text may stand in a field as it is. */
static bool
is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] >= 0x7f)
			return false;
	return slice_find(s, S("=?")) == SLICE_NPOS;
}

/* As many bytes as one word holds, cut between characters. */
static size_t
word_cut(struct slice s)
{
	size_t n = MIN(s.len, (size_t)WORD_PAYLOAD);

	if (n == s.len)
		return n;
	for (size_t back = 0; back < 3 && back < n; back++)
		if ((s.ptr[n - back] & 0xc0) != 0x80)
			return n - back;
	return n;
}

int
encoded_word_encode(struct buf *out, struct slice utf8)
{
	size_t n;

	if (is_plain(utf8))
		return buf_put(out, utf8);
	for (; utf8.len; utf8 = slice_skip(utf8, n)) {
		n = word_cut(utf8);
		buf_puts(out, "=?utf-8?B?");
		base64_encode(out, slice_sub(utf8, 0, n));
		buf_puts(out, utf8.len > n ? "?= " : "?=");
	}
	return buf_err(out);
}
