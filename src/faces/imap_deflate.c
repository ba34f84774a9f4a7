/* COMPRESS=DEFLATE (RFC 4978): raw deflate in both directions. Input is inflated in small steps, so
 * that a few bytes which stand for gigabytes cost no memory. */
#include "faces/imap_conn.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define WIRE_MAX ((size_t)1 << 30)
#define STEP ((size_t)64 * 1024)
#define WINDOW_BITS (-15) /* raw */
#define MEMORY_LEVEL 8

struct imap_deflate {
	z_stream in, out;
	struct buf waiting; /* compressed input */
	struct buf wire;
	bool inflater_full; /* the last step ended for lack of room: there is more inside zlib */
};

struct imap_deflate *
imap_deflate_new(void)
{
	struct imap_deflate *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->waiting = BUF_INIT(WIRE_MAX);
	d->wire = BUF_INIT(WIRE_MAX);
	if (inflateInit2(&d->in, WINDOW_BITS) != Z_OK ||
		deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
			Z_DEFAULT_STRATEGY) != Z_OK) {
		imap_deflate_free(d);
		return NULL;
	}
	return d;
}

void
imap_deflate_free(struct imap_deflate *d)
{
	if (!d)
		return;
	inflateEnd(&d->in);
	deflateEnd(&d->out);
	buf_done(&d->waiting);
	buf_done(&d->wire);
	free(d);
}

int
imap_deflate_input(struct imap_deflate *d, struct slice bytes)
{
	return buf_put(&d->waiting, bytes);
}

bool
imap_deflate_pending(const struct imap_deflate *d)
{
	return d->waiting.len || d->inflater_full;
}

int
imap_deflate_inflate(struct imap_deflate *d, size_t max, struct imap_frame *frame)
{
	uint8_t plain[4096];
	size_t total = 0;
	int r = Z_OK;

	d->in.next_in = d->waiting.ptr;
	d->in.avail_in = (uInt)MIN(d->waiting.len, STEP);
	do {
		d->in.next_out = plain;
		d->in.avail_out = sizeof(plain);
		r = inflate(&d->in, Z_SYNC_FLUSH);
		if (r != Z_OK && r != Z_BUF_ERROR)
			return LL_ERR_SYNTAX; /* a stream that ends is damage too */
		total += sizeof(plain) - d->in.avail_out;
		if (imap_frame_put(frame, slice_new(plain, sizeof(plain) - d->in.avail_out)) !=
			LL_OK)
			return LL_ERR_NOMEM;
	} while (r == Z_OK && d->in.avail_out == 0 && total < max);
	d->inflater_full = d->in.avail_out == 0;
	buf_consume(&d->waiting, MIN(d->waiting.len, STEP) - d->in.avail_in);
	return LL_OK;
}

int
imap_deflate_output(struct imap_deflate *d, struct slice plain)
{
	while (plain.len) {
		size_t n = MIN(plain.len, STEP);
		int flush = n == plain.len ? Z_SYNC_FLUSH : Z_NO_FLUSH;

		/* zlib does not write through next_in; its type lacks the const. */
		memcpy(&d->out.next_in, &plain.ptr, sizeof(plain.ptr));
		d->out.avail_in = (uInt)n;
		do {
			uint8_t *room = buf_room(&d->wire, STEP);
			if (!room)
				return buf_err(&d->wire);
			d->out.next_out = room;
			d->out.avail_out = (uInt)STEP;
			if (deflate(&d->out, flush) == Z_STREAM_ERROR)
				return LL_ERR_INTERNAL;
			buf_grow(&d->wire, STEP - d->out.avail_out);
		} while (d->out.avail_out == 0);
		plain = slice_skip(plain, n);
	}
	return LL_OK;
}

struct buf *
imap_deflate_wire(struct imap_deflate *d)
{
	return &d->wire;
}
