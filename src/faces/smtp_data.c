/* The scanner looks at the text a line at a time with memchr, never byte by byte, and hands out
 * views: a message without leading dots leaves as it came. An end of DATA is CRLF . CRLF and
 * nothing else; every other arrangement of CR, LF and dot is text (and a fault), so that no peer
 * with looser rules can be made to see two messages where we saw one. */
#include "faces/smtp_data.h"
#include "faces/smtp.h"

#include <string.h>

/* A word at a time: this pass is over every octet of every message. */
static bool
has_eight_bit(struct slice s)
{
	uint64_t word[4], all = 0;
	size_t i = 0;

	for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(word, s.ptr + i, sizeof(word));
		all |= word[0] | word[1] | word[2] | word[3];
	}
	for (; i < s.len; i++)
		all |= s.ptr[i];
	return all & 0x8080808080808080u;
}

static void
look_at_octets(struct smtp_data *d, struct slice piece)
{
	d->size += piece.len;
	if (piece.len && memchr(piece.ptr, 0, piece.len))
		d->faults |= SMTP_DATA_NUL;
	if (!d->eight_bit)
		d->eight_bit = has_eight_bit(piece);
}

static void
look_at_line(struct smtp_data *d, size_t more)
{
	d->line += more;
	if (d->line > SMTP_TEXT_LINE_MAX)
		d->faults |= SMTP_DATA_LONG;
}

/* CR within n octets that are known not to hold its LF. */
static void
look_for_cr(struct smtp_data *d, const uint8_t *p, size_t n)
{
	if (n && memchr(p, '\r', n))
		d->faults |= SMTP_DATA_BARE;
}

/* The end of the line that starts at p + from: behind its LF, and *ret_crlf whether that ended it.
 * 0 without an LF. */
static size_t
line_end(struct smtp_data *d, const uint8_t *p, size_t from, size_t n, bool *ret_crlf)
{
	const uint8_t *lf = memchr(p + from, '\n', n - from);
	size_t at, cr;

	if (!lf)
		return 0;
	at = (size_t)(lf - p);
	*ret_crlf = at > from && p[at - 1] == '\r';
	cr = *ret_crlf ? at - 1 : at;
	look_for_cr(d, p + from, cr - from);
	if (!*ret_crlf)
		d->faults |= SMTP_DATA_BARE;
	look_at_line(d, at + 1 - from);
	if (*ret_crlf)
		d->line = 0;
	return at + 1;
}

/* A piece ends before a line that starts with a dot, or with the input. A CR at the end of the
 * input is kept back, so that an LF is never parted from its CR. */
static size_t
piece_length(struct smtp_data *d, struct slice in)
{
	size_t at = 0;

	while (at < in.len) {
		bool crlf;
		size_t end = line_end(d, in.ptr, at, in.len, &crlf);

		if (!end) {
			size_t rest = in.len - at;
			rest -= in.ptr[in.len - 1] == '\r';
			look_for_cr(d, in.ptr + at, rest);
			look_at_line(d, rest);
			if (rest)
				d->inside = true;
			return at + rest;
		}
		at = end;
		d->inside = !crlf;
		if (crlf && at < in.len && in.ptr[at] == '.')
			break;
	}
	return at;
}

/* A dot at the start of a line: END, MORE, or PIECE when it only was stuffing and is gone. */
static enum smtp_data_result
leading_dot(struct smtp_data *d, struct slice *in)
{
	if (in->len == 1 || (in->len == 2 && in->ptr[1] == '\r'))
		return SMTP_DATA_MORE;
	if (in->ptr[1] == '\r' && in->ptr[2] == '\n') {
		*in = slice_skip(*in, 3);
		return SMTP_DATA_END;
	}
	*in = slice_skip(*in, 1);
	d->inside = true;
	return SMTP_DATA_PIECE;
}

enum smtp_data_result
smtp_data_next(struct smtp_data *d, struct slice *in, struct slice *ret_piece)
{
	struct slice piece;

	if (!d->inside && in->len && in->ptr[0] == '.') {
		enum smtp_data_result r = leading_dot(d, in);
		if (r != SMTP_DATA_PIECE)
			return r;
	}
	piece = slice_sub(*in, 0, piece_length(d, *in));
	if (!piece.len)
		return SMTP_DATA_MORE;
	look_at_octets(d, piece);
	*in = slice_skip(*in, piece.len);
	*ret_piece = piece;
	return SMTP_DATA_PIECE;
}

void
smtp_data_check(struct smtp_data *d, struct slice piece)
{
	size_t at = 0;

	if (!piece.len)
		return;
	look_at_octets(d, piece);
	if (d->cr && piece.ptr[0] != '\n')
		d->faults |= SMTP_DATA_BARE;
	if (d->cr && piece.ptr[0] == '\n') {
		d->line = 0;
		at = 1;
	}
	d->cr = piece.ptr[piece.len - 1] == '\r';
	while (at < piece.len) {
		bool crlf;
		size_t end = line_end(d, piece.ptr, at, piece.len, &crlf);
		if (!end)
			break;
		at = end;
	}
	look_for_cr(d, piece.ptr + at, piece.len - at - (d->cr && at < piece.len));
	look_at_line(d, piece.len - at);
}

void
smtp_data_check_end(struct smtp_data *d)
{
	if (d->cr)
		d->faults |= SMTP_DATA_BARE;
}

/* Octets up to the next line that starts with a dot, at least one, at most `most`. */
static size_t
run_length(struct slice in, size_t most)
{
	const uint8_t *lf = in.ptr - 1, *end = in.ptr + most;

	while ((lf = memchr(lf + 1, '\n', (size_t)(end - lf - 1)))) {
		size_t n = (size_t)(lf - in.ptr) + 1;
		if (n == most || in.ptr[n] == '.')
			return n;
	}
	return most;
}

/* A dot behind a bare LF is stuffed as well: to a peer that takes LF for a line end it must not be
 * the end of the message. */
int
smtp_data_stuff(struct smtp_stuffing *st, struct slice *in, struct buf *out, size_t room)
{
	while (in->len && room >= 2) {
		bool dot = in->ptr[0] == '.' && (!st->begun || st->last == '\n');
		size_t n = run_length(*in, MIN(in->len, room - 1));

		if (dot)
			buf_putc(out, '.');
		buf_put(out, slice_new(in->ptr, n));
		st->before = n > 1 ? in->ptr[n - 2] : st->last;
		st->last = in->ptr[n - 1];
		st->begun = true;
		*in = slice_skip(*in, n);
		room -= n + dot;
	}
	return out->err;
}

int
smtp_data_stuff_end(const struct smtp_stuffing *st, struct buf *out)
{
	bool line_start = !st->begun || (st->before == '\r' && st->last == '\n');

	return buf_put(out, line_start ? S(".\r\n") : S("\r\n.\r\n"));
}
