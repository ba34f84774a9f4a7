/* A manifest is read by whoever compares, from a server that is not trusted: one text for one
 * meaning, and nothing else is accepted.
 *
 *	letterlock web manifest 1
 *	version 0.1.0
 *	view /index.html
 *	referrer-policy: no-referrer
 *	                                      an empty line before each file
 *	file /assets/app-1.js
 *	size 1234
 *	sha384 (base64)
 *	cache-control: no-cache
 *
 * Files are in the order of their paths, fields in that of their names. */
#include "faces/web_manifest.h"
#include "base/text.h"
#include "base/vec.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "letterlock web manifest 1"
#define VIEW "/index.html"
#define PATH_MAX_LEN 512
#define VALUE_MAX_LEN 4096
#define VERSION_MAX_LEN 64
#define HASH_TEXT_LEN 64

struct web_manifest {
	struct slice version, view;
	struct web_header common[WEB_MANIFEST_FIELDS_MAX];
	unsigned n_common;
	VEC(struct web_manifest_file) files;
	VEC(struct web_header) fields;
};

int
web_hash(struct slice bytes, uint8_t ret[WEB_HASH_LEN])
{
	return EVP_Digest(bytes.ptr, bytes.len, ret, NULL, EVP_sha384(), NULL) == 1 ? LL_OK
										    : LL_ERR_CRYPTO;
}

void
web_hash_words(const uint8_t hash[WEB_HASH_LEN], char ret[WEB_HASH_WORDS_LEN + 1])
{
	for (unsigned i = 0; i < 8; i++)
		snprintf(ret + (size_t)i * 5, 6, "%02x%02x%s", hash[2 * i], hash[2 * i + 1],
			i < 7 ? " " : "");
}

/* --- what may stand in it --- */

/* Nothing that a URL would have to escape, and no segment that stands for another path. */
static bool
is_path(struct slice path)
{
	struct slice rest = slice_skip(path, 1);

	if (!slice_starts(path, S("/")) || path.len > PATH_MAX_LEN || rest.len == 0)
		return false;
	for (size_t i = 0; i < path.len; i++)
		if (!is_digit(path.ptr[i]) && !is_alpha(path.ptr[i]) &&
			slice_find_byte(S("/._-"), path.ptr[i]) == SLICE_NPOS)
			return false;
	while (rest.len) {
		struct slice part = slice_split(&rest, '/');
		if (part.len == 0 || slice_starts(part, S(".")))
			return false;
	}
	return !slice_ends(path, S("/"));
}

static bool
is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '-' && !is_digit(s.ptr[i]) && (s.ptr[i] < 'a' || s.ptr[i] > 'z'))
			return false;
	return s.len > 0 && s.len <= 64;
}

static bool
is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
			return false;
	return s.len > 0 && s.len <= VALUE_MAX_LEN && slice_eq(slice_trim(s), s);
}

static bool
is_version(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= 0x20 || s.ptr[i] > 0x7e)
			return false;
	return s.len > 0 && s.len <= VERSION_MAX_LEN;
}

/* --- writing --- */

static int
put_fields(struct buf *out, const struct web_header *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_name(fields[i].name) || !is_value(fields[i].value))
			return LL_ERR_SYNTAX;
		buf_put(out, fields[i].name);
		buf_puts(out, ": ");
		buf_put(out, fields[i].value);
		buf_putc(out, '\n');
	}
	return LL_OK;
}

static int
put_file(struct buf *out, const struct web_pack_entry *e)
{
	struct web_header fields[WEB_POLICY_FIELDS_MAX];
	uint8_t hash[WEB_HASH_LEN];

	if (!is_path(e->path))
		return LL_ERR_SYNTAX;
	if (web_hash(e->identity, hash))
		return LL_ERR_CRYPTO;
	buf_puts(out, "\nfile ");
	buf_put(out, e->path);
	buf_printf(out, "\nsize %zu\nsha384 ", e->identity.len);
	base64_encode(out, SLICE_OF(hash));
	buf_putc(out, '\n');
	return put_fields(out, fields, web_policy_entry(e, fields));
}

static int
by_path(const void *a, const void *b)
{
	const struct web_pack_entry *const *x = a, *const *y = b;

	return slice_cmp((*x)->path, (*y)->path);
}

int
web_manifest_put(struct buf *out, const struct web_pack *p, struct slice version)
{
	size_t n = web_pack_len(p);
	const struct web_pack_entry **sorted;
	int r;

	if (!is_version(version))
		return LL_ERR_SYNTAX;
	sorted = calloc(MAX(n, (size_t)1), sizeof(struct web_pack_entry *));
	if (!sorted)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = web_pack_at(p, i);
	qsort(sorted, n, sizeof(struct web_pack_entry *), by_path);
	buf_puts(out, MAGIC "\nversion ");
	buf_put(out, version);
	buf_puts(out, "\nview " VIEW "\n");
	r = put_fields(out, web_policy_common, n_web_policy_common);
	for (size_t i = 0; i < n && r == LL_OK; i++)
		r = put_file(out, sorted[i]);
	free(sorted);
	return r ? r : buf_err(out);
}

/* --- reading --- */

/* The next line, which ends with LF; false without one. */
static bool
take_line(struct slice *text, struct slice *ret)
{
	if (slice_find_byte(*text, '\n') == SLICE_NPOS)
		return false;
	*ret = slice_split(text, '\n');
	return true;
}

static bool
take_word(struct slice *text, struct slice word, struct slice *ret)
{
	struct slice line;

	if (!take_line(text, &line) || !slice_starts(line, word))
		return false;
	*ret = slice_skip(line, word.len);
	return true;
}

/* The fields until an empty line or the end, in the order of their names. */
static int
read_fields(struct slice *text, struct web_header *out, unsigned *n)
{
	while (text->len && text->ptr[0] != '\n') {
		struct slice value, name;
		if (!take_line(text, &value))
			return LL_ERR_SYNTAX;
		name = slice_split(&value, ':');
		if (!is_name(name) || !slice_starts(value, S(" ")) ||
			!is_value(slice_skip(value, 1)) ||
			(*n && slice_cmp(out[*n - 1].name, name) >= 0))
			return LL_ERR_SYNTAX;
		if (*n == WEB_MANIFEST_FIELDS_MAX)
			return LL_ERR_LIMIT;
		out[(*n)++] = (struct web_header){name, slice_skip(value, 1)};
	}
	return LL_OK;
}

static bool
read_hash(struct slice text, uint8_t out[WEB_HASH_LEN])
{
	CLEANUP(buf_done) struct buf raw = BUF_INIT(WEB_HASH_LEN);

	if (text.len != HASH_TEXT_LEN || base64_decode(&raw, text) || raw.len != WEB_HASH_LEN)
		return false;
	memcpy(out, raw.ptr, raw.len);
	return true;
}

static bool
read_size(struct slice text, uint64_t *ret)
{
	return slice_u64(text, WEB_PACK_FILE_MAX, ret) == LL_OK &&
		(text.len == 1 || text.ptr[0] != '0');
}

static int
read_file(struct web_manifest *m, struct slice *text)
{
	struct web_manifest_file f = {.n_fields = 0};
	struct web_header fields[WEB_MANIFEST_FIELDS_MAX];
	struct slice line, size, hash;
	int r;

	if (!take_line(text, &line) || line.len || !take_word(text, S("file "), &f.path) ||
		!is_path(f.path) || !take_word(text, S("size "), &size) ||
		!read_size(size, &f.size) || !take_word(text, S("sha384 "), &hash) ||
		!read_hash(hash, f.hash))
		return LL_ERR_SYNTAX;
	if (m->files.len && slice_cmp(m->files.at[m->files.len - 1].path, f.path) >= 0)
		return LL_ERR_SYNTAX;
	if (m->files.len == WEB_PACK_ENTRIES_MAX)
		return LL_ERR_LIMIT;
	r = read_fields(text, fields, &f.n_fields);
	for (unsigned i = 0; i < f.n_fields && r == LL_OK; i++)
		r = VEC_PUSH(&m->fields, fields[i]);
	return r ? r : VEC_PUSH(&m->files, f);
}

static int
read_all(struct web_manifest *m, struct slice text)
{
	struct slice line;
	size_t at = 0;
	int r;

	if (!take_line(&text, &line) || !slice_eq(line, S(MAGIC)) ||
		!take_word(&text, S("version "), &m->version) || !is_version(m->version) ||
		!take_word(&text, S("view "), &m->view) || !slice_eq(m->view, S(VIEW)))
		return LL_ERR_SYNTAX;
	r = read_fields(&text, m->common, &m->n_common);
	while (text.len && r == LL_OK)
		r = read_file(m, &text);
	/* Only now do they stay where they are. */
	VEC_EACH (f, &m->files) {
		f->fields = f->n_fields ? m->fields.at + at : NULL;
		at += f->n_fields;
	}
	return r;
}

int
web_manifest_new(struct slice text, struct web_manifest **ret)
{
	struct web_manifest *m;
	int r;

	if (text.len > WEB_MANIFEST_MAX)
		return LL_ERR_LIMIT;
	m = calloc(1, sizeof(*m));
	if (!m)
		return LL_ERR_NOMEM;
	r = read_all(m, text);
	if (r)
		web_manifest_free(m);
	else
		*ret = m;
	return r;
}

void
web_manifest_free(struct web_manifest *m)
{
	if (!m)
		return;
	VEC_DONE(&m->files);
	VEC_DONE(&m->fields);
	free(m);
}

struct slice
web_manifest_version(const struct web_manifest *m)
{
	return m->version;
}

const struct web_manifest_file *
web_manifest_view(const struct web_manifest *m)
{
	return web_manifest_find(m, m->view);
}

const struct web_header *
web_manifest_common(const struct web_manifest *m, unsigned *ret_n)
{
	*ret_n = m->n_common;
	return m->common;
}

size_t
web_manifest_len(const struct web_manifest *m)
{
	return m->files.len;
}

const struct web_manifest_file *
web_manifest_at(const struct web_manifest *m, size_t i)
{
	return i < m->files.len ? &m->files.at[i] : NULL;
}

const struct web_manifest_file *
web_manifest_find(const struct web_manifest *m, struct slice path)
{
	size_t low = 0, high = m->files.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = slice_cmp(path, m->files.at[mid].path);
		if (order == 0)
			return &m->files.at[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
