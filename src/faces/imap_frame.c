/* Framing is kept apart from grammar so that a client which announces gigabytes, never ends a line
 * or sends a literal that nobody wants costs neither memory nor a confused parser. */
#include "faces/imap_frame.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#include <string.h>

/* A dropped line keeps this much of its end: enough for "~{18446744073709551615+}" and CR. */
#define TAIL 32
/* An empty buffer that has grown beyond this is given back. */
#define KEEP_CAP ((size_t)8 * 1024)

void
imap_frame_init(struct imap_frame *f, size_t max_line)
{
	*f = (struct imap_frame){.in = BUF_SECRET(SIZE_MAX / 2), .max_line = max_line};
}

void
imap_frame_done(struct imap_frame *f)
{
	buf_done(&f->in);
}

/* Handled commands are dropped from the front only when that moves little or frees much. */
static void
compact(struct imap_frame *f)
{
	if (f->in.len > f->start && f->in.len - f->start > f->start)
		return;
	buf_consume(&f->in, f->start);
	f->scan -= f->start;
	f->line_start -= f->start;
	f->start = 0;
}

int
imap_frame_put(struct imap_frame *f, struct slice bytes)
{
	size_t n = (size_t)MIN((uint64_t)bytes.len, f->skip);

	if (f->scan >= f->in.len) { /* what is to be skipped is not in the buffer but comes now */
		bytes = slice_skip(bytes, n);
		f->skip -= n;
	}
	compact(f);
	return buf_put(&f->in, bytes);
}

/* Parses the "{n}" or "{n+}" at the end of a line. */
static bool
literal_at_end(struct slice line, uint64_t *ret_size, bool *ret_sync)
{
	size_t end = line.len, open;
	bool sync = true;

	if (end < 3 || line.ptr[end - 1] != '}')
		return false;
	end--;
	if (line.ptr[end - 1] == '+') {
		sync = false;
		end--;
	}
	open = end;
	while (open > 0 && is_digit(line.ptr[open - 1]))
		open--;
	if (open == 0 || line.ptr[open - 1] != '{')
		return false;
	if (slice_u64(slice_sub(line, open, end - open), INT64_MAX, ret_size) != LL_OK) {
		if (open == end)
			return false;
		*ret_size = INT64_MAX;
	}
	*ret_sync = sync;
	return true;
}

static struct slice
so_far(const struct imap_frame *f)
{
	return slice_new(f->in.ptr + f->start, f->scan - f->start);
}

/* Finds the LF that ends the current line: its offset in ret_lf; scan then stands after it. */
static bool
find_line(struct imap_frame *f, size_t *ret_lf)
{
	const uint8_t *lf;

	if (f->scan >= f->in.len)
		return false;
	lf = memchr(f->in.ptr + f->scan, '\n', f->in.len - f->scan);
	if (!lf) {
		f->scan = f->in.len;
		return false;
	}
	*ret_lf = (size_t)(lf - f->in.ptr);
	f->scan = *ret_lf + 1;
	return true;
}

/* Forgets the current command; scan is where the next one starts. */
static void
restart(struct imap_frame *f)
{
	f->start = f->line_start = f->scan;
	f->line_bytes = 0;
	f->skipping = f->announced = false;
}

/* Drops literal bytes that nobody wants. */
static void
skip_literal(struct imap_frame *f)
{
	size_t n = (size_t)MIN(f->skip, (uint64_t)(f->in.len - f->scan));

	f->skip -= n;
	f->scan += n;
	f->start = f->line_start = f->scan;
}

/* In a dropped command only the end of the line matters: it may announce one more literal. */
static bool
skip_line(struct imap_frame *f)
{
	struct slice line;
	uint64_t size;
	bool sync;
	size_t lf;

	if (!find_line(f, &lf)) {
		if (f->scan - f->line_start > TAIL)
			f->start = f->line_start = f->scan - TAIL;
		compact(f);
		return false;
	}
	line = slice_new(f->in.ptr + f->line_start, lf - f->line_start);
	f->start = f->line_start = f->scan;
	if (line.len && line.ptr[line.len - 1] == '\r') {
		line.len--;
		if (literal_at_end(line, &size, &sync) && !sync) {
			f->skip = size;
			return true;
		}
	}
	restart(f);
	return true;
}

static enum imap_frame_event
too_long(struct imap_frame *f, struct slice *ret)
{
	*ret = slice_sub(so_far(f), 0, f->max_line);
	f->skipping = true;
	return IMAP_FRAME_TOO_LONG;
}

static enum imap_frame_event
end_of_line(struct imap_frame *f, size_t lf, bool literals, struct slice *ret)
{
	struct slice line = slice_new(f->in.ptr + f->line_start, lf - f->line_start);

	if (!line.len || line.ptr[line.len - 1] != '\r') {
		*ret = so_far(f);
		return IMAP_FRAME_BARE_LF;
	}
	line.len--;
	f->line_bytes += line.len;
	if (literals && literal_at_end(line, &f->literal_size, &f->literal_sync)) {
		f->announced = true;
		*ret = so_far(f);
		return IMAP_FRAME_LITERAL;
	}
	*ret = slice_new(f->in.ptr + f->start, lf - 1 - f->start);
	return IMAP_FRAME_COMMAND;
}

static enum imap_frame_event
next_event(struct imap_frame *f, bool literals, struct slice *ret)
{
	size_t lf;

	while (f->skipping) {
		if (f->skip)
			skip_literal(f);
		if (f->skip || !skip_line(f))
			return IMAP_FRAME_MORE;
	}
	if (f->announced) {
		*ret = so_far(f);
		return IMAP_FRAME_LITERAL;
	}
	if (f->scan > f->in.len) /* inside an accepted literal */
		return IMAP_FRAME_MORE;
	if (!find_line(f, &lf)) {
		/* One more than max_line: the CR of a line whose LF has not come yet. */
		if (f->scan - f->line_start + f->line_bytes > f->max_line + 1)
			return too_long(f, ret);
		return IMAP_FRAME_MORE;
	}
	if (lf - f->line_start + f->line_bytes > f->max_line + 1) {
		/* The whole line is here: step back so that its end is seen while skipping. */
		enum imap_frame_event event = too_long(f, ret);
		f->scan = lf;
		return event;
	}
	return end_of_line(f, lf, literals, ret);
}

enum imap_frame_event
imap_frame_command(struct imap_frame *f, struct slice *ret)
{
	return next_event(f, true, ret);
}

enum imap_frame_event
imap_frame_line(struct imap_frame *f, struct slice *ret)
{
	return next_event(f, false, ret);
}

int
imap_frame_accept(struct imap_frame *f)
{
	size_t have = f->in.len - f->scan;

	/* Room for the literal at once: a large one must not be copied at every doubling. */
	if (f->literal_size > have && !buf_room(&f->in, (size_t)f->literal_size - have + 2))
		return buf_err(&f->in);
	f->announced = false;
	f->scan += (size_t)f->literal_size;
	f->line_start = f->scan;
	return LL_OK;
}

void
imap_frame_refuse(struct imap_frame *f)
{
	f->announced = false;
	if (f->literal_sync) {
		restart(f);
		return;
	}
	f->skip = f->literal_size;
	f->skipping = true;
	f->start = f->line_start = f->scan;
}

void
imap_frame_next(struct imap_frame *f)
{
	if (f->skipping)
		return;
	restart(f);
	if (f->scan < f->in.len)
		return;
	if (f->in.cap > KEEP_CAP)
		buf_done(&f->in);
	buf_reset(&f->in);
	f->start = f->line_start = f->scan = 0;
}

void
imap_frame_next_wipe(struct imap_frame *f)
{
	if (f->scan > f->start)
		secret_wipe(f->in.ptr + f->start, f->scan - f->start);
	imap_frame_next(f);
}

struct slice
imap_frame_rest(const struct imap_frame *f)
{
	if (f->scan >= f->in.len)
		return SLICE_NONE;
	return slice_new(f->in.ptr + f->scan, f->in.len - f->scan);
}

void
imap_frame_cut_rest(struct imap_frame *f)
{
	if (f->scan < f->in.len)
		buf_truncate(&f->in, f->scan);
}

void
imap_frame_cut_start(struct imap_frame *f, size_t n)
{
	f->start += n;
	buf_consume(&f->in, f->start);
	f->scan -= f->start;
	f->line_start -= f->start;
	f->start = 0;
}
