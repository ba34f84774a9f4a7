/* The MIME tree in one pass over the lines of the message. Open parts are on a stack no deeper than
 * MIME_DEPTH_MAX; a line that starts with "--" is held against the boundaries on it, innermost
 * first. Only whole lines count as boundaries (boundary, "--" at the last one, white space): so one
 * boundary may be the start of another. */
#include "mail/mime.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/header.h"

#include <string.h>

#define BOUNDARY_MAX 512 /* RFC 2046 allows 70; longer ones are seen */

struct open_part {
	uint32_t index;
	uint32_t last_child; /* index, or 0 */
	uint32_t body_lines; /* lines before its body */
	struct slice boundary; /* ptr NULL: none, or its last one was seen */
};

struct mime_reader {
	struct slice in;
	size_t pos;
	uint32_t lines; /* line ends before pos */
	struct arena *arena;
	struct mime_tree tree;
	size_t cap;
	struct open_part stack[MIME_DEPTH_MAX + 1];
	size_t depth; /* entries on the stack */
};

/* ---- lines ---- */

static struct slice
line_at(const struct mime_reader *r)
{
	const uint8_t *p = r->in.ptr + r->pos, *nl = memchr(p, '\n', r->in.len - r->pos);

	return slice_new(p, nl ? (size_t)(nl - p) + 1 : r->in.len - r->pos);
}

static void
skip_line(struct mime_reader *r, struct slice line)
{
	r->lines += line.ptr[line.len - 1] == '\n';
	r->pos += line.len;
}

static bool
is_empty_line(struct slice line)
{
	return slice_eq(line, S("\n")) || slice_eq(line, S("\r\n"));
}

/* The entry of the stack whose boundary the line is; depth when it is none. */
static size_t
boundary_find(const struct mime_reader *r, struct slice line, bool *ret_last)
{
	struct slice text = slice_trim(slice_skip(line, 2));

	for (size_t i = r->depth; i > 0; i--) {
		struct slice b = r->stack[i - 1].boundary;
		if (!b.ptr || text.len < b.len || memcmp(text.ptr, b.ptr, b.len) != 0)
			continue;
		*ret_last = text.len == b.len + 2 && slice_ends(text, S("--"));
		if (text.len == b.len || *ret_last)
			return i - 1;
	}
	return r->depth;
}

static bool
is_boundary(const struct mime_reader *r, struct slice line)
{
	bool last;

	return line.len > 2 && line.ptr[0] == '-' && line.ptr[1] == '-' &&
		boundary_find(r, line, &last) < r->depth;
}

/* ---- headers ---- */

static int
set_type(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	struct mime_content c;
	int err = p->typed ? LL_OK : mime_content_parse(value, r->arena, &c);

	if (err || p->typed || !c.type.len || !c.subtype.ptr)
		return err; /* the default stays: RFC 2045 section 5.2 */
	p->content = c;
	p->typed = true;
	return LL_OK;
}

/* Parameters without a type are a file name meant for an attachment. */
static int
set_disposition(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	struct mime_content c;
	int err = p->disposition.type.ptr ? LL_OK : mime_content_parse(value, r->arena, &c);

	if (err || p->disposition.type.ptr || (!c.type.len && !c.params.len))
		return err;
	if (!c.type.len)
		c.type = S("attachment");
	p->disposition = c;
	return LL_OK;
}

static int
set_encoding(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	if (!p->encoding_name.ptr) {
		p->encoding_name = slice_trim(value);
		p->encoding = (uint8_t)transfer_encoding_parse(value);
	}
	return LL_OK;
}

static int
set_language(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	while (value.len && p->languages < MIME_LANGUAGES_MAX) {
		struct slice tag = slice_trim(slice_split(&value, ','));
		if (tag.len)
			p->language[p->languages++] = tag;
	}
	return LL_OK;
}

static int
set_string(struct slice *field, struct slice value)
{
	if (!field->ptr)
		*field = slice_trim(value);
	if (!field->ptr)
		*field = S("");
	return LL_OK;
}

static int
set_id(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	return set_string(&p->id, value);
}

static int
set_description(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	return set_string(&p->description, value);
}

static int
set_md5(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	return set_string(&p->md5, value);
}

static int
set_location(struct mime_reader *r, struct mime_part *p, struct slice value)
{
	return set_string(&p->location, value);
}

static const struct {
	const char *name; /* behind "Content-" */
	int (*set)(struct mime_reader *r, struct mime_part *p, struct slice value);
} content_fields[] = {
	{"type", set_type},
	{"disposition", set_disposition},
	{"transfer-encoding", set_encoding},
	{"language", set_language},
	{"id", set_id},
	{"description", set_description},
	{"md5", set_md5},
	{"location", set_location},
};

static int
read_fields(struct mime_reader *r, struct mime_part *p, struct slice header)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f;

	while (header_next(&it, &f)) {
		struct slice name = slice_skip(f.name, 8);
		int err = LL_OK;
		if (!slice_istarts(f.name, S("content-")))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(content_fields) && !err; i++)
			if (slice_ieq(name, slice_str(content_fields[i].name)))
				err = content_fields[i].set(r, p, f.value);
		if (err)
			return err;
	}
	r->tree.truncated |= it.fields == HEADER_FIELDS_MAX;
	return LL_OK;
}

/* To the empty line and over it, or to a boundary that cuts the header off. */
static void
skip_header(struct mime_reader *r)
{
	while (r->pos < r->in.len) {
		struct slice line = line_at(r);
		if (is_boundary(r, line))
			return;
		skip_line(r, line);
		if (is_empty_line(line))
			return;
	}
}

/* ---- parts ---- */

static struct mime_part *
part_at(const struct mime_reader *r, uint32_t index)
{
	return &r->tree.parts[index];
}

static int
grow_parts(struct mime_reader *r)
{
	size_t cap = MAX(r->cap * 2, (size_t)8);
	struct mime_part *parts;

	if (r->tree.len < r->cap)
		return LL_OK;
	parts = ARENA_ARRAY(r->arena, struct mime_part, cap);
	if (!parts)
		return LL_ERR_NOMEM;
	if (r->tree.len)
		memcpy(parts, r->tree.parts, r->tree.len * sizeof(*parts));
	r->tree.parts = parts;
	r->cap = cap;
	return LL_OK;
}

/* Links a new part below the innermost open one. */
static void
link_part(struct mime_reader *r, uint32_t index)
{
	struct open_part *up = r->depth ? &r->stack[r->depth - 1] : NULL;
	struct mime_part *p = part_at(r, index);

	if (!up)
		return;
	p->parent = up->index;
	p->depth = (uint16_t)(part_at(r, up->index)->depth + 1);
	part_at(r, up->index)->children++;
	if (up->last_child)
		part_at(r, up->last_child)->next = index;
	up->last_child = index;
}

static bool
in_digest(const struct mime_reader *r, const struct mime_part *p, uint32_t index)
{
	const struct mime_part *up = part_at(r, p->parent);

	return index && up->kind == MIME_MULTIPART && slice_ieq(up->content.subtype, S("digest"));
}

static void
set_defaults(const struct mime_reader *r, struct mime_part *p, uint32_t index)
{
	bool digest = in_digest(r, p, index);

	p->content.type = digest ? S("message") : S("text");
	p->content.subtype = digest ? S("rfc822") : S("plain");
}

static bool
is_message_type(const struct mime_content *c)
{
	return slice_ieq(c->type, S("message")) &&
		(slice_ieq(c->subtype, S("rfc822")) || slice_ieq(c->subtype, S("global")));
}

static bool
holds_message(struct mime_reader *r, const struct mime_part *p)
{
	if (!is_message_type(&p->content) || p->encoding == TRANSFER_BASE64 ||
		p->encoding == TRANSFER_QP || p->encoding == TRANSFER_UUENCODE)
		return false;
	if (r->tree.len < MIME_PARTS_MAX && p->depth < MIME_DEPTH_MAX)
		return true;
	r->tree.truncated = true;
	return false;
}

/* Trailing white space of a boundary cannot be told from padding: RFC 2046 section 5.1.1. */
static struct slice
boundary_of(const struct mime_part *p)
{
	struct slice b = mime_param_raw(&p->content.params, S("boundary"));

	while (b.len && (b.ptr[b.len - 1] == ' ' || b.ptr[b.len - 1] == '\t'))
		b.len--;
	return b.len && b.len <= BOUNDARY_MAX ? b : SLICE_NONE;
}

static void
set_kind(struct mime_reader *r, struct mime_part *p, struct open_part *open)
{
	if (holds_message(r, p)) {
		p->kind = MIME_MESSAGE;
	} else if (slice_ieq(p->content.type, S("multipart"))) {
		p->kind = MIME_MULTIPART;
		open->boundary = boundary_of(p);
		r->tree.damaged |= !open->boundary.ptr;
		if (p->depth == MIME_DEPTH_MAX) {
			open->boundary = SLICE_NONE;
			r->tree.truncated = true;
		}
	}
}

/* A part starts at pos: reads its header and puts it on the stack. */
static int
open_one(struct mime_reader *r)
{
	uint32_t index = r->tree.len, lines = r->lines;
	struct open_part open = {.index = index};
	struct mime_part *p;
	int err = grow_parts(r);

	if (err)
		return err;
	p = part_at(r, index);
	*p = (struct mime_part){.header_start = (uint32_t)r->pos};
	r->tree.len++;
	link_part(r, index);
	set_defaults(r, p, index);
	skip_header(r);
	p->body_start = (uint32_t)r->pos;
	p->header_lines = r->lines - lines;
	open.body_lines = r->lines;
	err = read_fields(r, p, slice_sub(r->in, p->header_start, p->body_start - p->header_start));
	set_kind(r, p, &open);
	r->stack[r->depth++] = open;
	return err;
}

static int
open_part(struct mime_reader *r)
{
	int err;

	do
		err = open_one(r);
	while (!err && part_at(r, r->tree.len - 1)->kind == MIME_MESSAGE);
	return err;
}

static uint32_t
count_lines(struct slice s)
{
	uint32_t n = s.len && s.ptr[s.len - 1] != '\n';

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == '\n';
	return n;
}

/* A boundary cut the header off, and its last line end belongs to the boundary. */
static void
cut_header(const struct mime_reader *r, struct mime_part *p, uint32_t end)
{
	p->header_start = MIN(p->header_start, end);
	p->body_start = MIN(p->body_start, end);
	p->header_lines =
		count_lines(slice_sub(r->in, p->header_start, p->body_start - p->header_start));
}

/* The innermost open part ends at end; lines is the number of line ends before that. */
static void
close_part(struct mime_reader *r, size_t end, uint32_t lines)
{
	struct open_part *open = &r->stack[--r->depth];
	struct mime_part *p = part_at(r, open->index);

	r->tree.damaged |= p->kind == MIME_MULTIPART && (open->boundary.ptr || !p->children);
	if (p->body_start > end)
		cut_header(r, p, (uint32_t)end);
	p->body_end = (uint32_t)end;
	if (p->body_end > p->body_start && lines >= open->body_lines)
		p->body_lines = lines - open->body_lines + (r->in.ptr[end - 1] != '\n');
}

/* A boundary line at pos: the line end before it belongs to it. */
static void
close_to(struct mime_reader *r, size_t depth)
{
	size_t end = r->pos;
	uint32_t lines = r->lines;

	if (end && r->in.ptr[end - 1] == '\n') {
		end--;
		lines--;
	}
	if (end && end < r->pos && r->in.ptr[end - 1] == '\r')
		end--;
	/* A body that did not begin keeps the empty line before it, which ended the header. */
	if (r->depth > depth)
		end = MAX(end, (size_t)part_at(r, r->stack[depth].index)->body_start);
	while (r->depth > depth)
		close_part(r, end, lines);
}

static int
read_boundary(struct mime_reader *r, struct slice line)
{
	bool last = false;
	size_t hit = boundary_find(r, line, &last);

	if (hit == r->depth || (!last && r->tree.len >= MIME_PARTS_MAX)) {
		r->tree.truncated |= hit < r->depth;
		skip_line(r, line);
		return LL_OK;
	}
	close_to(r, hit + 1);
	skip_line(r, line);
	if (!last)
		return open_part(r);
	r->stack[hit].boundary = SLICE_NONE;
	return LL_OK;
}

int
mime_parse(struct slice message, struct arena *a, struct mime_tree *ret)
{
	struct mime_reader r = {.in = message, .arena = a, .tree = {.message = message}};
	int err;

	if (message.len > MIME_MESSAGE_MAX)
		return LL_ERR_LIMIT;
	if (!message.ptr)
		r.in = r.tree.message = S("");
	err = open_part(&r);
	while (!err && r.pos < r.in.len) {
		struct slice line = line_at(&r);
		if (line.len > 2 && line.ptr[0] == '-' && line.ptr[1] == '-')
			err = read_boundary(&r, line);
		else
			skip_line(&r, line);
	}
	if (err)
		return err;
	while (r.depth)
		close_part(&r, r.in.len, r.lines);
	*ret = r.tree;
	return LL_OK;
}
