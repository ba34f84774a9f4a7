/* Body parts (RFC 8621 section 4.1.4): structure, the three lists of parts, and text values. */
#include "faces/jmap_email.h"

#include "base/text.h"
#include "mail/charset.h"
#include "mail/transfer.h"

#include <stdio.h>
#include <stdlib.h>

#define STEP ((uint64_t)256 << 10)

/* ---- Content ---- */

int
jmap_part_content(struct jmap_email *e, const struct meta_part *p, uint64_t max, struct buf *out)
{
	CLEANUP(buf_done) struct buf piece = BUF_SECRET((size_t)STEP);
	struct transfer_decoder d;
	uint64_t len = MIN(p->body_end - p->body_start, max);
	int err = LL_OK;

	transfer_decoder_init(&d, (enum transfer_encoding)p->encoding);
	for (uint64_t at = 0; at < len && !err; at += STEP) {
		buf_reset(&piece);
		err = jmap_email_bytes(e, p->body_start + at, MIN(STEP, len - at), &piece);
		if (!err)
			err = transfer_decode(&d, buf_slice(&piece), out);
	}
	return err ? err : transfer_decode_end(&d, out);
}

/* ---- Properties of a part ---- */

static bool
is_multipart(const struct meta_part *p)
{
	return p->kind == MIME_MULTIPART;
}

static void
put_part_id(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", p->index);
	if (is_multipart(p))
		jo_null(o);
	else
		jo_str(o, id);
}

static void
put_blob_id(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(512);

	buf_put(&id, e->blob);
	buf_printf(&id, "-%u", p->index);
	if (is_multipart(p) || !e->blob.len)
		jo_null(o);
	else
		jo_slice(o, buf_slice(&id));
}

/* Of the content: it is decoded to be counted, unless it stands as it is. */
static void
put_size(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	CLEANUP(buf_done) struct buf content = BUF_SECRET(MESSAGE_SIZE_MAX + 64);

	if (p->encoding <= TRANSFER_BINARY || is_multipart(p))
		jo_uint(o, p->body_end - p->body_start);
	else if (jmap_part_content(e, p, UINT64_MAX, &content))
		jo_uint(o, 0);
	else
		jo_uint(o, content.len);
}

static void
put_headers(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	CLEANUP(buf_done) struct buf header = BUF_SECRET(MESSAGE_SIZE_MAX);

	if (!jmap_email_bytes(e, p->header_start, p->body_start - p->header_start, &header))
		jmap_headers_put(o, buf_slice(&header));
	else
		jo_null(o);
}

static void
put_name(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT((size_t)1 << 20);

	if (meta_part_filename(&name, p))
		jo_null(o);
	else
		jo_slice(o, buf_slice(&name));
}

static void
put_lower(struct json_out *o, struct slice a, struct slice b)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(65536);

	for (size_t i = 0; i < a.len; i++)
		buf_putc(&text, to_lower(a.ptr[i]));
	if (b.ptr)
		buf_putc(&text, '/');
	for (size_t i = 0; i < b.len; i++)
		buf_putc(&text, to_lower(b.ptr[i]));
	jo_slice(o, buf_slice(&text));
}

static void
put_type(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	put_lower(o, p->type, p->subtype);
}

static void
put_charset(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	struct slice charset;

	if (!meta_param_find(p->params, S("charset"), &charset))
		jo_slice(o, charset);
	else if (slice_ieq(p->type, S("text")))
		jo_str(o, "us-ascii");
	else
		jo_null(o);
}

static void
put_disposition(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	if (p->disposition.ptr)
		put_lower(o, p->disposition, SLICE_NONE);
	else
		jo_null(o);
}

static void
put_cid(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	struct slice id = slice_trim(p->id);

	if (id.len > 1 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
		id = slice_sub(id, 1, id.len - 2);
	if (p->id.ptr)
		jo_slice(o, id);
	else
		jo_null(o);
}

static void
put_language(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	struct meta_list l = p->languages;
	struct slice one;

	if (!l.count) {
		jo_null(o);
		return;
	}
	jo_open(o, '[');
	while (meta_string_next(&l, &one))
		jo_slice(o, one);
	jo_close(o, ']');
}

static void
put_location(struct json_out *o, struct jmap_email *e, const struct meta_part *p)
{
	jo_slice_or_null(o, p->location);
}

static const struct {
	const char *name;
	void (*put)(struct json_out *o, struct jmap_email *e, const struct meta_part *p);
	bool standard; /* of bodyProperties when it is not given */
} part_props[] = {
	{"partId", put_part_id, true},
	{"blobId", put_blob_id, true},
	{"size", put_size, true},
	{"headers", put_headers, false},
	{"name", put_name, true},
	{"type", put_type, true},
	{"charset", put_charset, true},
	{"disposition", put_disposition, true},
	{"cid", put_cid, true},
	{"language", put_language, true},
	{"location", put_location, true},
	{"subParts", NULL, false},
};
#define SUB_PARTS (1u << 11)

bool
jmap_part_want_read(const json_t *names, struct jmap_part_want *ret)
{
	*ret = (struct jmap_part_want){.props = 0};
	for (size_t i = 0; i < ARRAY_SIZE(part_props) && !names; i++)
		ret->props |= part_props[i].standard ? 1u << i : 0;
	for (size_t k = 0; k < json_array_size(names); k++) {
		const char *name = json_string_value(json_array_get(names, k));
		size_t i = 0;
		while (name && i < ARRAY_SIZE(part_props) && strcmp(name, part_props[i].name))
			i++;
		if (!name)
			return false;
		if (i < ARRAY_SIZE(part_props))
			ret->props |= 1u << i;
		else if (ret->n_headers == JMAP_HEADERS_WANTED_MAX ||
			!jmap_header_parse(name, &ret->headers[ret->n_headers++]))
			return false;
	}
	return !names || json_is_array(names);
}

static void
part_members(struct json_out *o, struct jmap_email *e, const struct meta_part *p,
	const struct jmap_part_want *w)
{
	CLEANUP(buf_done) struct buf header = BUF_SECRET(MESSAGE_SIZE_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(part_props); i++)
		if ((w->props & 1u << i) && part_props[i].put) {
			jo_key(o, part_props[i].name);
			part_props[i].put(o, e, p);
		}
	if (w->n_headers &&
		jmap_email_bytes(e, p->header_start, p->body_start - p->header_start, &header))
		return;
	for (size_t i = 0; i < w->n_headers; i++) {
		jo_key(o, w->headers[i].key);
		jmap_header_find(o, &w->headers[i], buf_slice(&header));
	}
}

void
jmap_part_put(struct json_out *o, struct jmap_email *e, const struct jmap_lists *l, uint32_t index,
	const struct jmap_part_want *w)
{
	jo_open(o, '{');
	part_members(o, e, &l->parts[index], w);
	if (w->props & SUB_PARTS) {
		jo_key(o, "subParts");
		jo_null(o);
	}
	jo_close(o, '}');
}

void
jmap_structure_put(struct json_out *o, struct jmap_email *e, const struct jmap_lists *l,
	uint32_t index, const struct jmap_part_want *w)
{
	const struct meta_part *p = &l->parts[index];

	jo_open(o, '{');
	part_members(o, e, p, w);
	if (is_multipart(p)) {
		jo_key(o, "subParts");
		jo_open(o, '[');
		for (uint32_t k = index + 1; k < p->end && k < l->n; k = l->parts[k].end)
			jmap_structure_put(o, e, l, k, w);
		jo_close(o, ']');
	}
	jo_close(o, '}');
}

/* ---- The lists ---- */

struct sorting {
	struct jmap_lists *l;
	bool text, html; /* lists that this level still fills */
	const struct meta_part *parent;
};

static bool
is_media(const struct meta_part *p)
{
	return slice_ieq(p->type, S("image")) || slice_ieq(p->type, S("audio")) ||
		slice_ieq(p->type, S("video"));
}

static bool
is_text(const struct meta_part *p, const char *subtype)
{
	return slice_ieq(p->type, S("text")) && slice_ieq(p->subtype, slice_str(subtype));
}

static bool
has_name(const struct meta_part *p)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT((size_t)1 << 20);

	return !meta_part_filename(&name, p) && name.len;
}

/* Whether a part is body rather than attachment. */
static bool
is_inline(const struct meta_part *p, bool first, struct slice multipart)
{
	if (slice_ieq(p->disposition, S("attachment")) || p->kind != MIME_LEAF ||
		!(is_text(p, "plain") || is_text(p, "html") || is_media(p)))
		return false;
	return first || (!slice_ieq(multipart, S("related")) && (is_media(p) || !has_name(p)));
}

static void
list_add(uint32_t *list, size_t *n, const struct meta_part *p)
{
	list[(*n)++] = p->index;
}

static void lists_walk(struct jmap_lists *l, uint32_t from, uint32_t to, struct slice multipart,
	bool alternative, bool text, bool html);

static void
sort_inline(struct jmap_lists *l, const struct meta_part *p, struct slice multipart,
	bool alternative, bool *text, bool *html)
{
	if (slice_ieq(multipart, S("alternative"))) {
		if (is_text(p, "plain") && *text)
			list_add(l->text, &l->n_text, p);
		else if (is_text(p, "html") && *html)
			list_add(l->html, &l->n_html, p);
		else if (is_media(p))
			list_add(l->attachments, &l->n_attachments, p);
		return;
	}
	if (alternative && is_text(p, "plain"))
		*html = false;
	if (alternative && is_text(p, "html"))
		*text = false;
	if (*text)
		list_add(l->text, &l->n_text, p);
	if (*html)
		list_add(l->html, &l->n_html, p);
	if ((!*text || !*html) && is_media(p))
		list_add(l->attachments, &l->n_attachments, p);
}

static void
lists_walk(struct jmap_lists *l, uint32_t from, uint32_t to, struct slice multipart,
	bool alternative, bool text, bool html)
{
	size_t text_before = l->n_text, html_before = l->n_html, text_after, html_after;

	for (uint32_t i = from; i < to && i < l->n; i = l->parts[i].end) {
		const struct meta_part *p = &l->parts[i];
		if (is_multipart(p))
			lists_walk(l, i + 1, p->end, p->subtype,
				alternative || slice_ieq(p->subtype, S("alternative")), text, html);
		else if (is_inline(p, i == from, multipart))
			sort_inline(l, p, multipart, alternative, &text, &html);
		else
			list_add(l->attachments, &l->n_attachments, p);
	}
	if (!slice_ieq(multipart, S("alternative")) || !text || !html)
		return;
	text_after = l->n_text;
	html_after = l->n_html;
	if (text_before == text_after) /* only HTML was found, or only text */
		for (size_t i = html_before; i < html_after; i++)
			l->text[l->n_text++] = l->html[i];
	else if (html_before == html_after)
		for (size_t i = text_before; i < text_after; i++)
			l->html[l->n_html++] = l->text[i];
}

int
jmap_lists_make(const struct message_meta *m, struct jmap_lists *ret)
{
	struct jmap_lists l = {.n = m->parts.count};
	struct meta_walk w = meta_walk_new(m);
	size_t most = 4 * l.n + 4, i = 0;

	l.parts = calloc(l.n + 1, sizeof(*l.parts));
	l.text = calloc(3 * most, sizeof(*l.text));
	if (!l.parts || !l.text) {
		free(l.parts);
		free(l.text);
		return LL_ERR_NOMEM;
	}
	l.html = l.text + most;
	l.attachments = l.html + most;
	while (i < l.n && meta_walk_next(&w, &l.parts[i]))
		i++;
	l.n = i;
	if (l.n)
		lists_walk(&l, 0, l.parts[0].end, S("mixed"), false, true, true);
	*ret = l;
	return LL_OK;
}

void
jmap_lists_done(struct jmap_lists *l)
{
	free(l->parts);
	free(l->text);
	*l = (struct jmap_lists){.n = 0};
}

/* ---- bodyValues ---- */

/* CRLF becomes LF. */
static void
lines_plain(struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->ptr[i] != '\r' || i + 1 == b->len || b->ptr[i + 1] != '\n')
			b->ptr[to++] = b->ptr[i];
	buf_truncate(b, to);
}

/* Not within a character, nor within a tag of HTML. */
static size_t
cut_at(const struct meta_part *p, struct slice text, uint64_t max)
{
	size_t n = (size_t)max;

	while (n && (text.ptr[n] & 0xc0) == 0x80)
		n--;
	if (is_text(p, "html")) {
		size_t open = slice_rfind_byte(slice_sub(text, 0, n), '<');
		size_t close = slice_rfind_byte(slice_sub(text, 0, n), '>');
		if (open != SLICE_NPOS && (close == SLICE_NPOS || close < open))
			n = open;
	}
	return n;
}

static void
put_value(struct json_out *o, struct jmap_email *e, const struct meta_part *p, uint64_t max)
{
	CLEANUP(buf_done) struct buf content = BUF_SECRET(MESSAGE_SIZE_MAX + 64);
	CLEANUP(buf_done) struct buf text = BUF_SECRET(4 * MESSAGE_SIZE_MAX);
	struct slice charset = SLICE_NONE, value;
	bool cut, problem;
	int err = jmap_part_content(e, p, UINT64_MAX, &content);

	(void)!meta_param_find(p->params, S("charset"), &charset);
	if (!err)
		err = charset_to_utf8(charset, buf_slice(&content), &text);
	problem = err || (charset.len && !charset_known(charset)) ||
		(slice_find(buf_slice(&text), S("\xef\xbf\xbd")) != SLICE_NPOS &&
			slice_find(buf_slice(&content), S("\xef\xbf\xbd")) == SLICE_NPOS);
	lines_plain(&text);
	value = buf_slice(&text);
	cut = max && value.len > max;
	if (cut)
		value.len = cut_at(p, value, max);
	jo_open(o, '{');
	jo_key(o, "value");
	jo_slice(o, value);
	jo_key(o, "isEncodingProblem");
	jo_bool(o, problem);
	jo_key(o, "isTruncated");
	jo_bool(o, cut);
	jo_close(o, '}');
}

static bool
listed(const uint32_t *at, size_t n, uint32_t index)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] == index)
			return true;
	return false;
}

void
jmap_values_put(struct json_out *o, struct jmap_email *e, const struct jmap_lists *l,
	const struct jmap_email_want *w)
{
	char id[16];

	jo_open(o, '{');
	for (uint32_t i = 0; i < l->n;
		i = l->parts[i].kind == MIME_MULTIPART ? i + 1 : l->parts[i].end) {
		const struct meta_part *p = &l->parts[i];
		if (p->kind != MIME_LEAF || !slice_ieq(p->type, S("text")))
			continue;
		if (!w->all_values && !(w->text_values && listed(l->text, l->n_text, i)) &&
			!(w->html_values && listed(l->html, l->n_html, i)))
			continue;
		snprintf(id, sizeof(id), "%u", i);
		jo_key(o, id);
		put_value(o, e, p, w->max_value);
	}
	jo_close(o, '}');
}
