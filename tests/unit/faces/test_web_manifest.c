/* Manifests: what is written of a pack, byte for byte, and that nothing else is read. */
#include "t.h"
#include "base/text.h"
#include "faces/web_manifest.h"

static const char expected[] =
	"letterlock web manifest 1\n"
	"version 1.2.3\n"
	"view /index.html\n"
	"cross-origin-opener-policy: same-origin\n"
	"cross-origin-resource-policy: same-origin\n"
	"permissions-policy: camera=(self), microphone=(self), display-capture=(self), "
	"geolocation=(), payment=(), usb=()\n"
	"referrer-policy: no-referrer\n"
	"x-content-type-options: nosniff\n"
	"\n"
	"file /assets/a-1.js\n"
	"size 5\n"
	"sha384 WeF0h3dEjGnea4ANejO7+5/xtGPkQ1TDVTvNucZm+pASWjx5+QOXvfX2oT3oKGhP\n"
	"access-control-allow-origin: *\n"
	"cache-control: public, max-age=31536000, immutable\n"
	"content-security-policy: default-src 'none'; script-src 'self'; connect-src 'self'\n"
	"content-type: text/javascript\n"
	"\n"
	"file /index.html\n"
	"size 0\n"
	"sha384 OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb\n"
	"cache-control: no-cache\n"
	"content-security-policy: default-src 'self'\n"
	"content-type: text/html\n"
	"integrity-policy: blocked-destinations=(script)\n";

static void
put16(struct buf *out, struct slice s)
{
	buf_put_be16(out, (uint16_t)s.len);
	buf_put(out, s);
}

static void
put_entry(struct buf *out, struct slice path, struct slice type, enum web_pack_class class,
	struct slice csp, struct slice body)
{
	put16(out, path);
	put16(out, type);
	buf_putc(out, (uint8_t) class);
	put16(out, csp);
	buf_put_be32(out, (uint32_t)body.len);
	buf_put_be32(out, 0);
	buf_put(out, body);
}

/* The page comes first: the manifest has its own order. */
static struct web_pack *
make_pack(struct buf *file, struct slice script, struct slice body)
{
	struct web_pack *p = NULL;

	buf_reset(file);
	buf_puts(file, "LLWEB1\n");
	buf_put_be32(file, 2);
	put_entry(file, S("/index.html"), S("text/html"), WEB_PACK_PAGE, S("default-src 'self'"),
		S(""));
	put_entry(file, script, S("text/javascript"), WEB_PACK_ASSET, S(""), body);
	CHECK_INT(web_pack_new(buf_slice(file), &p), 0);
	return p;
}

static void
written(void)
{
	CLEANUP(buf_done) struct buf file = BUF_INIT(4096), text = BUF_INIT(65536);
	struct web_pack *p = make_pack(&file, S("/assets/a-1.js"), S("hello"));

	CHECK_INT(web_manifest_put(&text, p, S("1.2.3")), 0);
	CHECK_SLICE(buf_slice(&text), slice_str(expected));
	web_pack_free(p);
	buf_reset(&text);
	p = make_pack(&file, S("/assets/a-1.js"), S("hellO"));
	CHECK_INT(web_manifest_put(&text, p, S("1.2.3")), 0);
	CHECK(!slice_eq(buf_slice(&text), slice_str(expected)));
	CHECK_INT(web_manifest_put(&text, p, S("1 2")), LL_ERR_SYNTAX);
	web_pack_free(p);
	/* What a URL would have to escape cannot be compared by its path. */
	static const char *const bad[] = {
		"/a b.js", "/a%41.js", "/../a.js", "/a//b.js", "/a?b", "/", "/a/", "/a#b"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		p = make_pack(&file, slice_str(bad[i]), S("x"));
		CHECK_INT(web_manifest_put(&text, p, S("1")), LL_ERR_SYNTAX);
		web_pack_free(p);
	}
}

static void
read_again(void)
{
	const struct web_manifest_file *f;
	struct web_manifest *m = NULL;
	char words[WEB_HASH_WORDS_LEN + 1];
	unsigned n = 0;

	CHECK_INT(web_manifest_new(slice_str(expected), &m), 0);
	if (!m)
		return;
	CHECK_SLICE(web_manifest_version(m), S("1.2.3"));
	CHECK_INT(web_manifest_len(m), 2);
	CHECK_SLICE(web_manifest_common(m, &n)[4].name, S("x-content-type-options"));
	CHECK_INT(n, 5);
	f = web_manifest_find(m, S("/assets/a-1.js"));
	CHECK(f && f == web_manifest_at(m, 0) && f->size == 5 && f->n_fields == 4);
	CHECK_SLICE(f->fields[3].value, S("text/javascript"));
	f = web_manifest_view(m);
	CHECK(f && f == web_manifest_at(m, 1) && f->n_fields == 4);
	CHECK_SLICE(f->fields[3].name, S("integrity-policy"));
	CHECK(web_manifest_find(m, S("/assets/a-1.j")) == NULL);
	CHECK(web_manifest_find(m, S("/zzz")) == NULL && web_manifest_find(m, S("/a")) == NULL);
	web_hash_words(f->hash, words);
	CHECK_SLICE(slice_str(words), S("38b0 60a7 51ac 9638 4cd9 327e b1b1 e36a"));
	web_manifest_free(m);
}

static int
read_changed(const char *from, const char *to)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);
	struct web_manifest *m = NULL;
	size_t at = slice_find(slice_str(expected), slice_str(from));
	int r;

	CHECK(at != SLICE_NPOS);
	buf_put(&text, slice_sub(slice_str(expected), 0, at));
	buf_puts(&text, to);
	buf_put(&text, slice_skip(slice_str(expected), at + strlen(from)));
	r = web_manifest_new(buf_slice(&text), &m);
	CHECK((r == LL_OK) == (m != NULL));
	web_manifest_free(m);
	return r;
}

static void
refused(void)
{
	static const char *const changes[][2] = {
		{"manifest 1", "manifest 2"},
		{"1.2.3\n", "1.2.3\r\n"},
		{"view /index.html\n", ""},
		{"view /index.html", "view /other.html"},
		{"referrer-policy", "Referrer-policy"},
		{"referrer-policy", "zz"}, /* the order */
		{"referrer-policy: no-referrer\n", "permissions-policy: x\n"}, /* twice */
		{"no-referrer", " no-referrer"},
		{"no-referrer", ""},
		{"\n\nfile", "\nfile"},
		{"\n\nfile", "\n\n\nfile"},
		{"file /assets/a-1.js", "file /z.js"}, /* the order */
		{"file /assets/a-1.js", "file /index.html"}, /* twice */
		{"file /assets/a-1.js", "file /assets/../a-1.js"},
		{"file /assets/a-1.js", "file //evil.example/a.js"},
		{"file /assets/a-1.js", "file assets/a-1.js"},
		{"size 5", "size 05"},
		{"size 5", "size -5"},
		{"size 5", "size 99999999999"},
		{"sha384 WeF", "sha384 We"},
		{"sha384 WeF", "sha384 WeF "},
		{"KGhP\n", "KGhP=\n"},
		{"(script)\n", "(script)"},
		{"(script)\n", "(script)\n\n"},
		{"(script)\n", "(script)\nx"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		int r = read_changed(changes[i][0], changes[i][1]);
		if (r != LL_ERR_SYNTAX)
			fprintf(stderr, "\"%s\" for \"%s\": %d\n", changes[i][1], changes[i][0], r);
		CHECK_INT(r, LL_ERR_SYNTAX);
	}
	CHECK_INT(read_changed("size 5", "size 6"), LL_OK);
}

static void
limits(void)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(WEB_MANIFEST_MAX + 10);
	struct web_manifest *m = NULL;

	for (size_t i = 1; i < sizeof(expected) - 1; i++) {
		int r = web_manifest_new(slice_sub(slice_str(expected), 0, i), &m);
		if (r == LL_OK)
			web_manifest_free(m);
		/* Whole lines of fields may be missing at the end; nothing else. */
		CHECK(r == LL_ERR_SYNTAX || expected[i - 1] == '\n');
	}
	buf_put_fill(&text, 'x', WEB_MANIFEST_MAX + 1);
	CHECK_INT(web_manifest_new(buf_slice(&text), &m), LL_ERR_LIMIT);
	buf_reset(&text);
	buf_puts(&text, "letterlock web manifest 1\nversion 1\nview /index.html\n");
	for (unsigned i = 0; i <= WEB_MANIFEST_FIELDS_MAX; i++)
		buf_printf(&text, "field-%02u: x\n", i);
	CHECK_INT(web_manifest_new(buf_slice(&text), &m), LL_ERR_LIMIT);
}

T_MAIN(T(written), T(read_again), T(refused), T(limits))
