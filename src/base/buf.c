/* Growing buffers with a maximum, and the reader for what they hold. */
#include "base/buf.h"
#include "base/error.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_CAP 256

static int
buf_fail(struct buf *b, int err)
{
	if (!b->err)
		b->err = err;
	return b->err;
}

/* Of what a buffer held, the bytes from `from` up to `to` are no longer wanted. */
static void
forget(const struct buf *b, size_t from, size_t to)
{
	if (b->secret && to > from)
		sodium_memzero(b->ptr + from, to - from);
}

void
buf_done(struct buf *b)
{
	forget(b, 0, b->cap);
	free(b->ptr);
	*b = (struct buf){.max = b->max, .secret = b->secret};
}

void
buf_reset(struct buf *b)
{
	buf_truncate(b, 0);
	b->err = 0;
}

int
buf_err(const struct buf *b)
{
	return b->err;
}

struct slice
buf_slice(const struct buf *b)
{
	return slice_new(b->ptr, b->len);
}

/* Storage of cap bytes with what the buffer holds, or NULL; the old one is gone then. */
static uint8_t *
move(struct buf *b, size_t cap)
{
	uint8_t *p;

	if (!b->secret)
		return realloc(b->ptr, cap);
	p = malloc(cap);
	if (!p)
		return NULL;
	if (b->len)
		memcpy(p, b->ptr, b->len);
	forget(b, 0, b->cap);
	free(b->ptr);
	return p;
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
	size_t need, cap;
	uint8_t *p;

	if (b->err)
		return NULL;
	if (__builtin_add_overflow(b->len, n, &need) || need > b->max) {
		buf_fail(b, LL_ERR_LIMIT);
		return NULL;
	}
	if (need <= b->cap && b->ptr)
		return b->ptr + b->len;
	cap = MAX(b->cap * 2, MAX(need, (size_t)BUF_FIRST_CAP));
	cap = MIN(cap, MAX(b->max, (size_t)1));
	p = move(b, cap);
	if (!p) {
		buf_fail(b, LL_ERR_NOMEM);
		return NULL;
	}
	b->ptr = p;
	b->cap = cap;
	return b->ptr + b->len;
}

void
buf_grow(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->len);
	b->len += n;
}

int
buf_put(struct buf *b, struct slice s)
{
	uint8_t *p = buf_room(b, s.len);

	if (!p)
		return b->err;
	if (s.len)
		memcpy(p, s.ptr, s.len);
	b->len += s.len;
	return LL_OK;
}

struct slice
buf_keep(struct buf *b, struct slice s)
{
	size_t at = b->len;

	return buf_put(b, s) ? SLICE_NONE : slice_new(b->ptr + at, s.len);
}

int
buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, slice_str(s));
}

int
buf_putc(struct buf *b, uint8_t c)
{
	if (b->len < b->cap && !b->err) {
		b->ptr[b->len++] = c;
		return LL_OK;
	}
	return buf_put(b, slice_new(&c, 1));
}

int
buf_put_fill(struct buf *b, uint8_t c, size_t n)
{
	uint8_t *p = buf_room(b, n);

	if (!p)
		return b->err;
	memset(p, c, n);
	b->len += n;
	return LL_OK;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	uint8_t *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return buf_fail(b, LL_ERR_INTERNAL);
	p = buf_room(b, (size_t)n + 1); /* the NUL is written, not counted */
	if (!p)
		return b->err;
	va_start(ap, fmt);
	vsnprintf((char *)p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return LL_OK;
}

int
buf_put_u64dec(struct buf *b, uint64_t v)
{
	uint8_t tmp[20];
	size_t at = sizeof(tmp);

	do {
		tmp[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v);
	return buf_put(b, slice_new(tmp + at, sizeof(tmp) - at));
}

int
buf_put_be16(struct buf *b, uint16_t v)
{
	uint8_t p[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	return buf_put(b, slice_new(p, sizeof(p)));
}

int
buf_put_be32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	be32_put(p, v);
	return buf_put(b, slice_new(p, sizeof(p)));
}

int
buf_put_be64(struct buf *b, uint64_t v)
{
	uint8_t p[8];

	be64_put(p, v);
	return buf_put(b, slice_new(p, sizeof(p)));
}

int
buf_put_varint(struct buf *b, uint64_t v)
{
	uint8_t tmp[10];
	size_t n = 0;

	while (v >= 0x80) {
		tmp[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	tmp[n++] = (uint8_t)v;
	return buf_put(b, slice_new(tmp, n));
}

int
buf_put_svarint(struct buf *b, int64_t v)
{
	return buf_put_varint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

int
buf_put_blob(struct buf *b, struct slice s)
{
	buf_put_varint(b, s.len);
	return buf_put(b, s);
}

void
buf_consume(struct buf *b, size_t n)
{
	n = MIN(n, b->len);
	if (n && b->len > n)
		memmove(b->ptr, b->ptr + n, b->len - n);
	buf_truncate(b, b->len - n);
}

void
buf_truncate(struct buf *b, size_t len)
{
	len = MIN(b->len, len);
	forget(b, len, b->len);
	b->len = len;
}

struct reader
reader_new(struct slice s)
{
	return (struct reader){.rest = s};
}

struct slice
reader_bytes(struct reader *r, size_t n)
{
	struct slice s;

	if (r->err || n > r->rest.len) {
		r->err = LL_ERR_SYNTAX;
		return SLICE_NONE;
	}
	s = slice_new(r->rest.ptr, n);
	r->rest = slice_new(n ? r->rest.ptr + n : r->rest.ptr, r->rest.len - n);
	return s;
}

uint8_t
reader_u8(struct reader *r)
{
	if (r->err || !r->rest.len) {
		r->err = LL_ERR_SYNTAX;
		return 0;
	}
	r->rest.len--;
	return *r->rest.ptr++;
}

uint16_t
reader_be16(struct reader *r)
{
	struct slice s = reader_bytes(r, 2);

	return s.len ? be16_get(s.ptr) : 0;
}

uint32_t
reader_be32(struct reader *r)
{
	struct slice s = reader_bytes(r, 4);

	return s.len ? be32_get(s.ptr) : 0;
}

uint64_t
reader_be64(struct reader *r)
{
	struct slice s = reader_bytes(r, 8);

	return s.len ? be64_get(s.ptr) : 0;
}

uint64_t
reader_varint(struct reader *r)
{
	uint64_t v = 0;

	if (!r->err && r->rest.len && r->rest.ptr[0] < 0x80) /* most are small */
		return reader_u8(r);
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = reader_u8(r);
		if (r->err)
			return 0;
		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			if (c == 0 && shift)
				break; /* not the shortest form */
			return v;
		}
	}
	r->err = LL_ERR_SYNTAX;
	return 0;
}

int64_t
reader_svarint(struct reader *r)
{
	uint64_t v = reader_varint(r);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

struct slice
reader_blob(struct reader *r)
{
	uint64_t n = reader_varint(r);

	if (n > r->rest.len)
		r->err = LL_ERR_SYNTAX;
	return reader_bytes(r, (size_t)n);
}

void
reader_copy(struct reader *r, uint8_t *to, size_t n)
{
	struct slice s = reader_bytes(r, n);

	if (s.len)
		memcpy(to, s.ptr, s.len);
}

size_t
reader_blob_copy(struct reader *r, uint8_t *to, size_t max)
{
	struct slice s = reader_blob(r);

	if (s.len > max)
		r->err = LL_ERR_SYNTAX;
	else if (s.len)
		memcpy(to, s.ptr, s.len);
	return r->err ? 0 : s.len;
}

int
reader_end(const struct reader *r)
{
	return r->err ? r->err : r->rest.len ? LL_ERR_SYNTAX : LL_OK;
}
