/* Transfer decoders as byte-driven state machines with a fast run for ordinary bytes, so that the
 * result does not depend on how the input is cut. */
#include "mail/transfer.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

enum qp_state { QP_TEXT, QP_CR, QP_EQ, QP_HEX, QP_EQ_SPACE, QP_EQ_CR };

static struct slice
without_comment(struct slice s)
{
	size_t n = slice_find_byte(s, '(');

	s = slice_trim(slice_sub(s, 0, n == SLICE_NPOS ? s.len : n));
	while (s.len && s.ptr[s.len - 1] == ';')
		s.len--;
	if (s.len > 1 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
		s = slice_sub(s, 1, s.len - 2);
	return slice_trim(s);
}

enum transfer_encoding
transfer_encoding_parse(struct slice value)
{
	static const struct {
		const char *name;
		enum transfer_encoding encoding;
	} names[] = {
		{"", TRANSFER_7BIT},
		{"7bit", TRANSFER_7BIT},
		{"8bit", TRANSFER_8BIT},
		{"binary", TRANSFER_BINARY},
		{"base64", TRANSFER_BASE64},
		{"quoted-printable", TRANSFER_QP},
		{"x-uuencode", TRANSFER_UUENCODE},
		{"uuencode", TRANSFER_UUENCODE},
		{"x-uue", TRANSFER_UUENCODE},
	};

	value = without_comment(value);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_ieq(value, slice_str(names[i].name)))
			return names[i].encoding;
	return TRANSFER_UNKNOWN;
}

void
transfer_decoder_init(struct transfer_decoder *d, enum transfer_encoding encoding)
{
	*d = (struct transfer_decoder){.encoding = encoding};
}

/* ---- base64 ---- */

#define B64_SKIP 64
#define B64_PAD 65

static const uint8_t *
base64_table(void)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static uint8_t table[256];

	if (!table['B']) {
		memset(table, B64_SKIP, sizeof(table));
		for (uint8_t i = 0; i < 64; i++)
			table[(uint8_t)digits[i]] = i;
		table['='] = B64_PAD;
	}
	return table;
}

/* Whole groups of four digits, as far as nothing else stands between. */
static size_t
base64_run(const uint8_t *t, struct slice in, uint8_t **out)
{
	size_t i = 0;
	uint8_t *p = *out;

	while (i + 4 <= in.len) {
		uint8_t a = t[in.ptr[i]], b = t[in.ptr[i + 1]], c = t[in.ptr[i + 2]],
			e = t[in.ptr[i + 3]];
		if ((a | b | c | e) & 0xc0)
			break;
		*p++ = (uint8_t)(a << 2 | b >> 4);
		*p++ = (uint8_t)(b << 4 | c >> 2);
		*p++ = (uint8_t)(c << 6 | e);
		i += 4;
	}
	*out = p;
	return i;
}

/* Gives out the bytes of an incomplete group: at padding, and at the end. */
static uint8_t *
base64_flush(struct transfer_decoder *d, uint8_t *p)
{
	if (d->count >= 2)
		*p++ = (uint8_t)(d->bits >> (d->count == 2 ? 4 : 10));
	if (d->count == 3)
		*p++ = (uint8_t)(d->bits >> 2);
	d->bits = 0;
	d->count = 0;
	return p;
}

static uint8_t *
base64_digit(struct transfer_decoder *d, uint8_t v, uint8_t *p)
{
	d->bits = d->bits << 6 | v;
	if (++d->count < 4)
		return p;
	*p++ = (uint8_t)(d->bits >> 16);
	*p++ = (uint8_t)(d->bits >> 8);
	*p++ = (uint8_t)d->bits;
	d->bits = 0;
	d->count = 0;
	return p;
}

static int
base64_stream(struct transfer_decoder *d, struct slice in, struct buf *out)
{
	const uint8_t *t = base64_table();
	uint8_t *p = buf_room(out, in.len + 4), *start = p;

	if (!p)
		return buf_err(out);
	for (size_t i = 0; i < in.len; i++) {
		uint8_t v;
		if (d->count == 0)
			i += base64_run(t, slice_skip(in, i), &p);
		if (i == in.len)
			break;
		v = t[in.ptr[i]];
		if (v < 64)
			p = base64_digit(d, v, p);
		else if (v == B64_PAD)
			p = base64_flush(d, p);
	}
	buf_grow(out, (size_t)(p - start));
	return LL_OK;
}

/* ---- quoted-printable ---- */

/* White space that may stand before a line end is held; a run that fills the hold is no such. */
static uint8_t *
qp_give_held(struct transfer_decoder *d, uint8_t *p)
{
	memcpy(p, d->line, d->spaces);
	p += d->spaces;
	d->spaces = 0;
	return p;
}

static uint8_t *
qp_hold(struct transfer_decoder *d, uint8_t c, uint8_t *p)
{
	if (d->spaces == sizeof(d->line))
		p = qp_give_held(d, p);
	d->line[d->spaces++] = c;
	return p;
}

static uint8_t *
qp_text(struct transfer_decoder *d, uint8_t c, uint8_t *p)
{
	d->state = QP_TEXT;
	if (c == ' ' || c == '\t')
		return qp_hold(d, c, p);
	if (c == '\n') {
		d->spaces = 0;
		*p++ = c;
		return p;
	}
	if (c == '\r') {
		d->state = QP_CR;
		return p;
	}
	p = qp_give_held(d, p);
	if (c == '=')
		d->state = QP_EQ;
	else
		*p++ = c;
	return p;
}

static uint8_t *
qp_cr(struct transfer_decoder *d, uint8_t c, uint8_t *p)
{
	if (c == '\n')
		d->spaces = 0;
	else
		p = qp_give_held(d, p);
	*p++ = '\r';
	return qp_text(d, c, p);
}

static uint8_t *
qp_equals(struct transfer_decoder *d, uint8_t c, uint8_t *p)
{
	if (c == '\n') {
		d->state = QP_TEXT;
		return p;
	}
	if (c == ' ' || c == '\t' || c == '\r') {
		d->state = c == '\r' ? QP_EQ_CR : QP_EQ_SPACE;
		return c == '\r' ? p : qp_hold(d, c, p);
	}
	if (hex_value(c) >= 0) {
		d->held[0] = c;
		d->state = QP_HEX;
		return p;
	}
	*p++ = '=';
	return qp_text(d, c, p);
}

static uint8_t *
qp_hex(struct transfer_decoder *d, uint8_t c, uint8_t *p)
{
	if (hex_value(c) >= 0) {
		*p++ = (uint8_t)(hex_value(d->held[0]) << 4 | hex_value(c));
		d->state = QP_TEXT;
		return p;
	}
	*p++ = '=';
	*p++ = d->held[0];
	return qp_text(d, c, p);
}

static uint8_t *
qp_equals_space(struct transfer_decoder *d, uint8_t c, uint8_t *p)
{
	if ((c == ' ' || c == '\t') && d->spaces < sizeof(d->line))
		return qp_hold(d, c, p);
	if (c == '\n' || c == '\r') {
		d->state = c == '\r' ? QP_EQ_CR : QP_TEXT;
		if (c == '\n')
			d->spaces = 0;
		return p;
	}
	*p++ = '=';
	p = qp_give_held(d, p);
	return qp_text(d, c, p);
}

static uint8_t *
qp_equals_cr(struct transfer_decoder *d, uint8_t c, uint8_t *p)
{
	if (c == '\n') {
		d->spaces = 0;
		d->state = QP_TEXT;
		return p;
	}
	*p++ = '=';
	p = qp_give_held(d, p);
	*p++ = '\r';
	return qp_text(d, c, p);
}

static uint8_t *(*const qp_states[])(struct transfer_decoder *, uint8_t, uint8_t *) = {
	[QP_TEXT] = qp_text,
	[QP_CR] = qp_cr,
	[QP_EQ] = qp_equals,
	[QP_HEX] = qp_hex,
	[QP_EQ_SPACE] = qp_equals_space,
	[QP_EQ_CR] = qp_equals_cr,
};

static int
qp_stream(struct transfer_decoder *d, struct slice in, struct buf *out)
{
	uint8_t *p = buf_room(out, in.len + sizeof(d->line) + 4), *start = p;

	if (!p)
		return buf_err(out);
	for (size_t i = 0; i < in.len; i++) {
		if (d->state == QP_TEXT && !d->spaces)
			while (i < in.len && in.ptr[i] > ' ' && in.ptr[i] != '=')
				*p++ = in.ptr[i++];
		if (i == in.len)
			break;
		p = qp_states[d->state](d, in.ptr[i], p);
	}
	buf_grow(out, (size_t)(p - start));
	return LL_OK;
}

static int
qp_end(struct transfer_decoder *d, struct buf *out)
{
	/* White space at the very end is at a line end; "=" there is a soft line break. */
	if (d->state == QP_CR)
		buf_putc(out, '\r');
	if (d->state == QP_HEX) {
		buf_putc(out, '=');
		buf_putc(out, d->held[0]);
	}
	return buf_err(out);
}

/* ---- uuencode ---- */

enum uu_state { UU_BEFORE, UU_DATA, UU_AFTER };

static int
uu_data_line(struct transfer_decoder *d, struct buf *out)
{
	size_t want = (size_t)((d->line[0] - 0x20) & 0x3f), have = d->spaces, n = 0;
	uint8_t v[4];

	if (want == 0) {
		d->state = UU_AFTER;
		return LL_OK;
	}
	for (size_t i = 1; n < want && i < have; i += 4) {
		for (size_t k = 0; k < 4; k++)
			v[k] = i + k < have ? (uint8_t)((d->line[i + k] - 0x20) & 0x3f) : 0;
		uint8_t three[3] = {(uint8_t)(v[0] << 2 | v[1] >> 4),
			(uint8_t)(v[1] << 4 | v[2] >> 2), (uint8_t)(v[2] << 6 | v[3])};
		buf_put(out, slice_new(three, MIN(want - n, (size_t)3)));
		n += 3;
	}
	return buf_err(out);
}

static int
uu_line(struct transfer_decoder *d, struct buf *out)
{
	struct slice line = slice_new(d->line, d->spaces);
	int err = LL_OK;

	if (d->state == UU_BEFORE && slice_starts(line, S("begin ")))
		d->state = UU_DATA;
	else if (d->state == UU_DATA && slice_eq(slice_trim(line), S("end")))
		d->state = UU_AFTER;
	else if (d->state == UU_DATA && line.len)
		err = uu_data_line(d, out);
	d->spaces = 0;
	return err;
}

static int
uu_stream(struct transfer_decoder *d, struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len && !buf_err(out); i++) {
		uint8_t c = in.ptr[i];
		if (c == '\n')
			uu_line(d, out);
		else if (c != '\r' && d->spaces < sizeof(d->line))
			d->line[d->spaces++] = c;
	}
	return buf_err(out);
}

/* ---- the common face ---- */

int
transfer_decode(struct transfer_decoder *d, struct slice in, struct buf *out)
{
	if (!in.len)
		return buf_err(out);
	switch (d->encoding) {
	case TRANSFER_BASE64:
		return base64_stream(d, in, out);
	case TRANSFER_QP:
		return qp_stream(d, in, out);
	case TRANSFER_UUENCODE:
		return uu_stream(d, in, out);
	default:
		return buf_put(out, in);
	}
}

int
transfer_decode_end(struct transfer_decoder *d, struct buf *out)
{
	uint8_t tail[4];

	if (d->encoding == TRANSFER_BASE64)
		buf_put(out, slice_new(tail, (size_t)(base64_flush(d, tail) - tail)));
	else if (d->encoding == TRANSFER_QP)
		qp_end(d, out);
	else if (d->encoding == TRANSFER_UUENCODE)
		uu_line(d, out);
	transfer_decoder_init(d, d->encoding);
	return buf_err(out);
}

/* ---- encoders ---- */

#define ENCODED_LINE 76

int
transfer_encode_base64(struct buf *out, struct slice in)
{
	for (size_t i = 0; i < in.len; i += ENCODED_LINE / 4 * 3) {
		base64_encode(out, slice_sub(in, i, ENCODED_LINE / 4 * 3));
		buf_puts(out, "\r\n");
	}
	return buf_err(out);
}

static size_t
qp_line_end(struct slice in, size_t i)
{
	if (in.ptr[i] == '\n')
		return 1;
	return in.ptr[i] == '\r' && i + 1 < in.len && in.ptr[i + 1] == '\n' ? 2 : 0;
}

/* A byte that may stand for itself; white space only where no line end follows. */
static bool
qp_plain(struct slice in, size_t i)
{
	uint8_t c = in.ptr[i];

	if (c == ' ' || c == '\t')
		return i + 1 < in.len && !qp_line_end(in, i + 1);
	return c > ' ' && c < 0x7f && c != '=';
}

int
transfer_encode_qp(struct buf *out, struct slice in)
{
	size_t column = 0, end, width;

	for (size_t i = 0; i < in.len; i++) {
		end = qp_line_end(in, i);
		if (end) {
			buf_puts(out, "\r\n");
			i += end - 1;
			column = 0;
			continue;
		}
		width = qp_plain(in, i) ? 1 : 3;
		if (column + width > ENCODED_LINE - 1) {
			buf_puts(out, "=\r\n");
			column = 0;
		}
		if (width == 1)
			buf_putc(out, in.ptr[i]);
		else
			buf_printf(out, "=%02X", in.ptr[i]);
		column += width;
	}
	if (column)
		buf_puts(out, "\r\n");
	return buf_err(out);
}
