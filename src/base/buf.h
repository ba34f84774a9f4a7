/* A growing byte buffer that cannot be made without a maximum. Errors stick: after the first failed
 * put every later put fails too, so a writer may put many things and look once with buf_err. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

struct buf {
	uint8_t *ptr;
	size_t len, cap, max;
	int err;
	bool secret;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})
/* For what must not stay in memory: bytes are wiped as soon as the buffer no longer holds them, also
 * where it grows into other storage. */
#define BUF_SECRET(maximum) ((struct buf){.max = (maximum), .secret = true})

/* Frees the storage; the buffer is empty and usable again. For CLEANUP too. */
void buf_done(struct buf *b);
/* Empties the buffer and clears its error; keeps the storage. */
void buf_reset(struct buf *b);

/* 0, or the first error: LL_ERR_NOMEM, LL_ERR_LIMIT. */
int buf_err(const struct buf *b) CHECKED;
struct slice buf_slice(const struct buf *b);

/* Makes room for n more bytes and returns where they go, or NULL (sticky error). Follow with
 * buf_grow(b, written). */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_grow(struct buf *b, size_t n);

int buf_put(struct buf *b, struct slice s);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, uint8_t c);
int buf_put_fill(struct buf *b, uint8_t c, size_t n);
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
int buf_put_u64dec(struct buf *b, uint64_t v);
int buf_put_be16(struct buf *b, uint16_t v);
int buf_put_be32(struct buf *b, uint32_t v);
int buf_put_be64(struct buf *b, uint64_t v);
/* LEB128, at most 10 bytes. */
int buf_put_varint(struct buf *b, uint64_t v);
/* The same of a signed number, small ones of either sign first ("zigzag"). */
int buf_put_svarint(struct buf *b, int64_t v);
/* varint length, then the bytes. */
int buf_put_blob(struct buf *b, struct slice s);
/* Appends, and returns what was appended, or nothing: a view, good as long as the buffer does not
 * move. So make the room for all of it beforehand. */
struct slice buf_keep(struct buf *b, struct slice s);

/* Drops the first n bytes (clamped) and moves the rest forward. */
void buf_consume(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t len);

/* A reader of the same encodings. Errors stick (LL_ERR_SYNTAX); reads after an error give zeros and
 * empty slices. */
struct reader {
	struct slice rest;
	int err;
};

struct reader reader_new(struct slice s);
uint8_t reader_u8(struct reader *r);
uint16_t reader_be16(struct reader *r);
uint32_t reader_be32(struct reader *r);
uint64_t reader_be64(struct reader *r);
uint64_t reader_varint(struct reader *r);
int64_t reader_svarint(struct reader *r);
/* A view of the next n bytes of the input. */
struct slice reader_bytes(struct reader *r, size_t n);
struct slice reader_blob(struct reader *r);
/* Copies the next n bytes to `to`, which is left as it was after an error. */
void reader_copy(struct reader *r, uint8_t *to, size_t n);
/* Copies a blob of at most max bytes and returns its length; a longer one is an error. After an
 * error 0, and `to` is left as it was. */
size_t reader_blob_copy(struct reader *r, uint8_t *to, size_t max);
/* 0 if nothing failed and nothing is left over. */
int reader_end(const struct reader *r) CHECKED;

static inline uint16_t
be16_get(const uint8_t *p)
{
	return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}

static inline uint32_t
be32_get(const uint8_t *p)
{
	return (uint32_t)be16_get(p) << 16 | be16_get(p + 2);
}

static inline uint64_t
be64_get(const uint8_t *p)
{
	return (uint64_t)be32_get(p) << 32 | be32_get(p + 4);
}

static inline void
be32_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void
be64_put(uint8_t *p, uint64_t v)
{
	be32_put(p, (uint32_t)(v >> 32));
	be32_put(p + 4, (uint32_t)v);
}

#endif
