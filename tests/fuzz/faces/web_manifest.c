/* Manifests of the web client, as a server sends them: what is read can be written again from what
 * was understood, and is the same text; every file is found by its path. */
#include "faces/web_manifest.h"
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_fields(struct buf *out, const struct web_header *fields, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		buf_put(out, fields[i].name);
		buf_puts(out, ": ");
		buf_put(out, fields[i].value);
		buf_putc(out, '\n');
	}
}

static void
put_file(struct buf *out, const struct web_manifest_file *f)
{
	buf_puts(out, "\nfile ");
	buf_put(out, f->path);
	buf_puts(out, "\nsize ");
	buf_put_u64dec(out, f->size);
	buf_puts(out, "\nsha384 ");
	base64_encode(out, SLICE_OF(f->hash));
	buf_putc(out, '\n');
	put_fields(out, f->fields, f->n_fields);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(WEB_MANIFEST_MAX);
	struct slice text = slice_new(data, size);
	const struct web_header *common;
	struct web_manifest *m;
	unsigned n;

	if (web_manifest_new(text, &m))
		return 0;
	buf_puts(&again, "letterlock web manifest 1\nversion ");
	buf_put(&again, web_manifest_version(m));
	buf_puts(&again, "\nview /index.html\n");
	common = web_manifest_common(m, &n);
	put_fields(&again, common, n);
	for (size_t i = 0; i < web_manifest_len(m); i++) {
		const struct web_manifest_file *f = web_manifest_at(m, i);
		if (web_manifest_find(m, f->path) != f || f->size > WEB_PACK_FILE_MAX ||
			slice_find(f->path, S("/.")) != SLICE_NPOS)
			abort();
		put_file(&again, f);
	}
	if (!slice_eq(buf_slice(&again), text))
		abort();
	web_manifest_free(m);
	return 0;
}
