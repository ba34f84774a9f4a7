/* MIME trees and metadata. Properties: parts nest and follow one another; metadata that is made
 * decodes, and encodes again to its own bytes; IMAP's renderings are balanced, with nothing
 * forbidden in quoted strings; every section number leads back to its part. The input is tried as
 * metadata too: what decodes encodes to itself and renders. */
#include "../must.h"
#include "base/text.h"
#include "mail/meta.h"

#include <stdlib.h>

#define OUT_MAX ((size_t)1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_tree(const struct mime_tree *t)
{
	must(t->len >= 1 && t->len <= MIME_PARTS_MAX);
	for (uint32_t i = 0; i < t->len; i++) {
		const struct mime_part *p = &t->parts[i], *up = &t->parts[p->parent];
		must(p->header_start <= p->body_start && p->body_start <= p->body_end &&
			p->body_end <= t->message.len);
		must(!i ||
			(p->parent < i && p->header_start >= up->body_start &&
				p->body_end <= up->body_end && p->depth == up->depth + 1));
		must(!p->next || t->parts[p->next].header_start >= p->body_end);
	}
}

/* Length of a literal "{n}CRLF" and its bytes. */
static size_t
literal_length(struct slice s)
{
	size_t close = slice_find(s, S("}\r\n"));
	uint64_t n;

	must(close != SLICE_NPOS);
	must(slice_u64(slice_sub(s, 1, close - 1), s.len, &n) == 0);
	must(close + 3 + n <= s.len);
	return close + 3 + (size_t)n;
}

static size_t
quoted_length(struct slice s, unsigned flags)
{
	for (size_t i = 1; i < s.len; i++) {
		must(s.ptr[i] != '\r' && s.ptr[i] != '\n' && s.ptr[i] != 0);
		must(s.ptr[i] < 0x80 || (flags & META_IMAP_UTF8));
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	}
	abort();
}

static void
check_imap(const struct buf *b, unsigned flags)
{
	struct slice s = buf_slice(b);
	size_t depth = 0, n;

	must(!buf_err(b) && s.len && s.ptr[0] == '(');
	for (; s.len; s = slice_skip(s, n)) {
		uint8_t c = s.ptr[0];
		n = c == '"' ? quoted_length(s, flags) : c == '{' ? literal_length(s) : 1;
		depth += c == '(';
		if (c == ')')
			must(depth-- > 0);
		must(c == '"' || c == '{' || (c > 0x1f && c < 0x7f));
		must(depth > 0 || s.len == 1);
	}
	must(depth == 0);
}

static void
check_renderings(const struct message_meta *m)
{
	static int (*const renderers[])(struct buf *, const struct message_meta *, unsigned) = {
		meta_imap_envelope, meta_imap_body, meta_imap_bodystructure};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(renderers); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(OUT_MAX);
		must(renderers[i / 2](&b, m, i % 2) == 0);
		check_imap(&b, i % 2);
	}
}

static void
check_number(const struct message_meta *m, uint32_t index)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
	struct slice rest;
	uint32_t path[2 * MIME_DEPTH_MAX];
	size_t n = 0;
	struct meta_part p;
	uint64_t v;

	must(meta_part_at(m, index, &p) == 0 && p.index == index);
	if (meta_part_number(&b, m, index))
		return;
	for (rest = buf_slice(&b); rest.len; path[n++] = (uint32_t)v)
		must(slice_u64(slice_split(&rest, '.'), UINT32_MAX, &v) == 0);
	must(meta_part_find(m, path, n, &p) == 0);
	must(p.index == index);
}

static void
check_meta(struct slice bytes, const struct message_meta *m)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(META_BYTES_MAX * 2);

	must(message_meta_encode(&again, m) == 0);
	must(slice_eq(buf_slice(&again), bytes));
	check_renderings(m);
	for (uint32_t i = 0; i < m->parts.count && i < 50; i++)
		check_number(m, i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(MIME_ARENA_BYTES);
	CLEANUP(buf_done) struct buf b = BUF_INIT(META_BYTES_MAX);
	struct slice in = slice_new(data, size);
	struct message_meta m;
	struct mime_tree t;

	if (message_meta_decode(in, &m) == 0)
		check_meta(in, &m);
	must(mime_parse(in, &a, &t) == 0);
	check_tree(&t);
	must(message_meta_make(&b, in, &t, &a) == 0);
	must(message_meta_decode(buf_slice(&b), &m) == 0);
	must(m.size == size && m.parts.count == t.len);
	must(utf8_valid(m.preview));
	check_meta(buf_slice(&b), &m);
	return 0;
}
