/* web.pack: what is accepted lies inside the file, every path is found again, and written anew it
 * is the same file. */
#include "faces/web_pack.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct slice file, struct slice s)
{
	if (s.len && (s.ptr < file.ptr || s.ptr + s.len > file.ptr + file.len))
		abort();
}

static void
put16(struct buf *out, struct slice s)
{
	buf_put_be16(out, (uint16_t)s.len);
	buf_put(out, s);
}

static void
put_entry(struct buf *out, const struct web_pack_entry *e)
{
	put16(out, e->path);
	put16(out, e->type);
	buf_putc(out, (uint8_t)e->class);
	put16(out, e->csp);
	buf_put_be32(out, (uint32_t)e->identity.len);
	buf_put_be32(out, (uint32_t)e->gzip.len);
	buf_put(out, e->identity);
	buf_put(out, e->gzip);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice file = slice_new(data, size);
	CLEANUP(buf_done) struct buf again = BUF_INIT((size_t)16 << 20);
	struct web_pack *p;

	if (web_pack_new(file, &p))
		return 0;
	buf_put(&again, S("LLWEB1\n"));
	buf_put_be32(&again, (uint32_t)web_pack_len(p));
	for (size_t i = 0; i < web_pack_len(p); i++) {
		const struct web_pack_entry *e = web_pack_at(p, i);
		inside(file, e->path);
		inside(file, e->csp);
		inside(file, e->identity);
		inside(file, e->gzip);
		if (web_pack_find(p, e->path) != e || strlen(e->etag) != WEB_PACK_ETAG_LEN)
			abort();
		put_entry(&again, e);
	}
	if (!slice_eq(buf_slice(&again), file))
		abort();
	web_pack_free(p);
	return 0;
}
