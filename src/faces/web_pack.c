/* Reads web.pack:
 *
 *	"LLWEB1\n", u32 number of entries, then for each:
 *	u16 + path, u16 + content type, u8 class, u16 + policy, u32 length, u32 length of gzip (0:
 *none), the bytes, the gzip bytes
 *
 * all numbers big-endian. The file comes with the program, but is checked like any other. */
#include "faces/web_pack.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_LEN 512

struct web_pack {
	size_t n;
	struct web_pack_entry *entries;
	struct map *paths;
};

static bool
is_line(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] >= 0x7f)
			return false;
	return true;
}

static struct slice
text16(struct reader *r)
{
	size_t n = reader_be16(r);

	return reader_bytes(r, n);
}

static int
make_etag(struct web_pack_entry *e)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(e->identity.ptr, e->identity.len, digest, &n, EVP_sha256(), NULL) != 1)
		return LL_ERR_CRYPTO;
	buf_putc(&b, '"');
	base64url_encode(&b, slice_new(digest, 16));
	buf_putc(&b, '"');
	if (buf_err(&b) || b.len != WEB_PACK_ETAG_LEN)
		return LL_ERR_INTERNAL;
	memcpy(e->etag, b.ptr, b.len);
	return LL_OK;
}

static int
read_entry(struct reader *r, struct web_pack_entry *e)
{
	uint32_t identity, gzip;
	unsigned class;

	e->path = text16(r);
	e->type = text16(r);
	class = reader_u8(r);
	e->csp = text16(r);
	identity = reader_be32(r);
	gzip = reader_be32(r);
	e->identity = reader_bytes(r, identity);
	e->gzip = reader_bytes(r, gzip);
	if (r->err || class >= WEB_PACK_CLASSES || e->path.len > PATH_MAX_LEN || !e->type.len ||
		!slice_starts(e->path, S("/")) || !is_line(e->path) || !is_line(e->type) ||
		!is_line(e->csp))
		return LL_ERR_SYNTAX;
	e->class = (enum web_pack_class) class;
	return make_etag(e);
}

static int
read_entries(struct web_pack *p, struct reader *r)
{
	for (size_t i = 0; i < p->n; i++) {
		void *old = NULL;
		int err = read_entry(r, &p->entries[i]);
		if (err == LL_OK)
			err = map_set(p->paths, p->entries[i].path, &p->entries[i], &old);
		if (err == LL_OK && old)
			err = LL_ERR_SYNTAX; /* the same path twice */
		if (err)
			return err;
	}
	return reader_end(r);
}

int
web_pack_new(struct slice file, struct web_pack **ret)
{
	struct reader r = reader_new(file);
	struct web_pack *p;
	size_t n;
	int err;

	if (file.len > WEB_PACK_FILE_MAX)
		return LL_ERR_LIMIT;
	if (!slice_eq(reader_bytes(&r, 7), S("LLWEB1\n")))
		return LL_ERR_SYNTAX;
	n = reader_be32(&r);
	if (r.err || n > WEB_PACK_ENTRIES_MAX)
		return LL_ERR_SYNTAX;
	p = calloc(1, sizeof(*p));
	if (!p)
		return LL_ERR_NOMEM;
	p->n = n;
	p->entries = calloc(MAX(n, (size_t)1), sizeof(*p->entries));
	p->paths = map_new();
	err = p->entries && p->paths ? read_entries(p, &r) : LL_ERR_NOMEM;
	if (err)
		web_pack_free(p);
	else
		*ret = p;
	return err;
}

void
web_pack_free(struct web_pack *p)
{
	if (!p)
		return;
	map_free(p->paths, NULL);
	free(p->entries);
	free(p);
}

const struct web_pack_entry *
web_pack_find(const struct web_pack *p, struct slice path)
{
	return p ? map_get(p->paths, path) : NULL;
}

size_t
web_pack_len(const struct web_pack *p)
{
	return p ? p->n : 0;
}

const struct web_pack_entry *
web_pack_at(const struct web_pack *p, size_t i)
{
	return p && i < p->n ? &p->entries[i] : NULL;
}
