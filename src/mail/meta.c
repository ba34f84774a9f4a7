/* Reading metadata in place: strict decoding, walks, and encoding again. */
#include "mail/meta.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/meta_code.h"

#include <string.h>

/* ---- writing ---- */

int
meta_put_string(struct buf *out, struct slice s)
{
	if (!s.ptr)
		return buf_putc(out, 0);
	buf_put_varint(out, (uint64_t)s.len + 1);
	return buf_put(out, s);
}

int
meta_put_list(struct buf *out, struct meta_list l)
{
	buf_put_varint(out, l.count);
	return buf_put_blob(out, l.bytes);
}

int
meta_put_fixed(struct buf *out, const struct message_meta *m)
{
	buf_putc(out, META_VERSION);
	buf_put_varint(out, m->flags);
	buf_put_varint(out, m->size);
	buf_put_varint(out, m->header_size);
	buf_put_svarint(out, m->date);
	return buf_put_svarint(out, m->zone);
}

static int
meta_put_envelope(struct buf *out, const struct meta_envelope *e)
{
	meta_put_string(out, e->date);
	meta_put_string(out, e->subject);
	meta_put_string(out, e->in_reply_to);
	meta_put_string(out, e->message_id);
	for (size_t i = 0; i < META_ENVELOPE_LISTS; i++)
		meta_put_list(out, e->lists[i]);
	return buf_err(out);
}

int
message_meta_encode(struct buf *out, const struct message_meta *m)
{
	meta_put_fixed(out, m);
	meta_put_envelope(out, &m->envelope);
	meta_put_string(out, m->id);
	meta_put_list(out, m->in_reply_to);
	meta_put_list(out, m->references);
	meta_put_string(out, m->list_id);
	buf_put_blob(out, m->preview);
	return meta_put_list(out, m->parts);
}

/* ---- reading ---- */

static inline uint64_t
has_zero_byte(uint64_t v)
{
	return (v - 0x0101010101010101u) & ~v & 0x8080808080808080u;
}

/* Valid UTF-8 without CR, LF and NUL: eight bytes at a time while they are ASCII. */
static bool
string_ok(struct slice s)
{
	bool ascii = true;
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= s.len; i += 8) {
		memcpy(&w, s.ptr + i, 8);
		if ((w & 0x8080808080808080u) | has_zero_byte(w) |
			has_zero_byte(w ^ 0x0d0d0d0d0d0d0d0du) |
			has_zero_byte(w ^ 0x0a0a0a0a0a0a0a0au))
			break;
	}
	for (size_t k = i; k < s.len; k++) {
		if (s.ptr[k] == 0 || s.ptr[k] == '\r' || s.ptr[k] == '\n')
			return false;
		ascii = ascii && s.ptr[k] < 0x80;
	}
	return ascii || utf8_valid(slice_skip(s, i));
}

static struct slice
get_string(struct reader *r)
{
	uint64_t n = reader_varint(r);

	if (!n)
		return SLICE_NONE;
	if (n - 1 > r->rest.len)
		r->err = LL_ERR_SYNTAX;
	return reader_bytes(r, (size_t)(n - 1));
}

static struct meta_list
get_list(struct reader *r)
{
	uint64_t count = reader_varint(r);
	struct slice bytes = reader_blob(r);

	if (count > bytes.len) /* every item takes at least one byte */
		r->err = LL_ERR_SYNTAX;
	return (struct meta_list){bytes, (uint32_t)count};
}

static struct meta_envelope
get_envelope(struct reader *r)
{
	struct meta_envelope e;

	e.date = get_string(r);
	e.subject = get_string(r);
	e.in_reply_to = get_string(r);
	e.message_id = get_string(r);
	for (size_t i = 0; i < META_ENVELOPE_LISTS; i++)
		e.lists[i] = get_list(r);
	return e;
}

static struct address
get_address(struct reader *r)
{
	uint8_t kind = reader_u8(r);
	struct address a = {.kind = (enum address_kind)MIN(kind, (uint8_t)ADDRESS_GROUP_END)};

	if (kind > ADDRESS_GROUP_END)
		r->err = LL_ERR_SYNTAX;
	if (kind == ADDRESS_GROUP_END)
		return a;
	a.name = get_string(r);
	if (kind == ADDRESS_GROUP)
		return a;
	a.route = get_string(r);
	a.local = get_string(r);
	a.domain = get_string(r);
	return a;
}

static struct meta_part
get_numbers(struct reader *r, uint32_t index, unsigned *ret_presence)
{
	struct meta_part p = {.index = index};
	uint64_t parent, end, header, body, start;
	uint8_t kind;

	*ret_presence = reader_u8(r);
	kind = reader_u8(r);
	p.kind = kind & 3;
	p.encoding = kind >> 2;
	p.depth = reader_u8(r);
	parent = reader_varint(r);
	p.children = (uint32_t)reader_varint(r);
	end = reader_varint(r);
	start = reader_varint(r);
	header = reader_varint(r);
	body = reader_varint(r);
	p.header_lines = (uint32_t)reader_varint(r);
	p.body_lines = (uint32_t)reader_varint(r);
	if (parent > index || end >= MIME_PARTS_MAX || start > UINT32_MAX || header > UINT32_MAX ||
		body > UINT32_MAX || start + header + body > UINT32_MAX ||
		kind >> 2 > TRANSFER_UNKNOWN)
		r->err = LL_ERR_SYNTAX;
	p.parent = index - (uint32_t)parent;
	p.end = index + 1 + (uint32_t)end;
	p.header_start = (uint32_t)start;
	p.body_start = (uint32_t)(start + header);
	p.body_end = (uint32_t)(start + header + body);
	return p;
}

static struct meta_part
get_part(struct reader *r, uint32_t index)
{
	unsigned has;
	struct meta_part p = get_numbers(r, index, &has);
	struct slice *strings[] = {&p.id, &p.description, &p.encoding_name, &p.md5, &p.location};

	p.type = get_string(r);
	p.subtype = get_string(r);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		if (has & 1u << i)
			*strings[i] = get_string(r);
	if (has & META_PART_DISPOSITION) {
		p.disposition = get_string(r);
		p.disposition_params = get_list(r);
	}
	if (has & META_PART_PARAMS)
		p.params = get_list(r);
	if (has & META_PART_LANGUAGES)
		p.languages = get_list(r);
	if (p.kind == MIME_MESSAGE)
		p.envelope = get_envelope(r);
	return p;
}

/* ---- lists ---- */

/* What is left of a list after a read. */
static bool
list_after(struct meta_list *l, const struct reader *r)
{
	if (r->err) {
		l->count = 0;
		return false;
	}
	l->bytes = r->rest;
	l->count--;
	return true;
}

bool
meta_address_next(struct meta_list *l, struct address *ret)
{
	struct reader r = reader_new(l->bytes);

	if (!l->count)
		return false;
	*ret = get_address(&r);
	return list_after(l, &r);
}

bool
meta_string_next(struct meta_list *l, struct slice *ret)
{
	struct reader r = reader_new(l->bytes);

	if (!l->count)
		return false;
	*ret = get_string(&r);
	return list_after(l, &r);
}

bool
meta_param_next(struct meta_list *l, struct mime_param *ret)
{
	struct reader r = reader_new(l->bytes);

	if (!l->count)
		return false;
	ret->name = get_string(&r);
	ret->value = get_string(&r);
	return list_after(l, &r);
}

struct meta_walk
meta_walk_new(const struct message_meta *m)
{
	return (struct meta_walk){.rest = m->parts};
}

bool
meta_walk_next(struct meta_walk *w, struct meta_part *ret)
{
	struct reader r = reader_new(w->rest.bytes);

	if (!w->rest.count)
		return false;
	*ret = get_part(&r, w->index++);
	/* The root of an inner message follows its part at once. */
	ret->message_root = ret->index == 0 || w->kind == MIME_MESSAGE;
	w->kind = ret->kind;
	return list_after(&w->rest, &r);
}

/* ---- checks ---- */

static bool
strings_ok(struct meta_list l)
{
	struct slice s;

	while (meta_string_next(&l, &s))
		if (!s.ptr || !string_ok(s))
			return false;
	return !l.bytes.len;
}

static bool
params_ok(struct meta_list l)
{
	struct mime_param p;

	while (meta_param_next(&l, &p))
		if (!p.name.ptr || !p.value.ptr || !string_ok(p.name) || !string_ok(p.value))
			return false;
	return !l.bytes.len;
}

/* Groups are opened and closed in turn. */
static bool
addresses_ok(struct meta_list l)
{
	struct address a;
	bool group = false;

	while (meta_address_next(&l, &a)) {
		if ((a.kind == ADDRESS_GROUP) ? group || !a.name.ptr
					      : a.kind == ADDRESS_GROUP_END && !group)
			return false;
		if (a.kind != ADDRESS_MAILBOX)
			group = a.kind == ADDRESS_GROUP;
		else if (!a.local.ptr)
			return false;
		if (!string_ok(a.name) || !string_ok(a.route) || !string_ok(a.local) ||
			!string_ok(a.domain))
			return false;
	}
	return !l.bytes.len && !group;
}

static bool
envelope_ok(const struct meta_envelope *e)
{
	if (!string_ok(e->date) || !string_ok(e->subject) || !string_ok(e->in_reply_to) ||
		!string_ok(e->message_id))
		return false;
	for (size_t i = 0; i < META_ENVELOPE_LISTS; i++)
		if (!addresses_ok(e->lists[i]))
			return false;
	return true;
}

/* The open ancestors of the part that is looked at. */
struct tree_check {
	struct {
		uint32_t index, end, left; /* left: children still to come */
		uint32_t from, body_end; /* where the next child may start; where it must end */
		uint8_t kind;
	} open[MIME_DEPTH_MAX + 1];
	size_t depth;
	uint32_t total;
};

static bool
root_ok(const struct message_meta *m, const struct meta_part *p)
{
	return p->depth == 0 && p->parent == 0 && p->end == m->parts.count &&
		p->header_start == 0 && p->body_start == m->header_size && p->body_end == m->size;
}

static bool
child_ok(struct tree_check *t, const struct meta_part *p)
{
	size_t up = t->depth - 1;

	if (t->depth == 0 || p->depth != t->depth || t->open[up].index != p->parent ||
		t->open[up].left == 0 || p->end > t->open[up].end)
		return false;
	if (t->open[up].kind == MIME_MESSAGE &&
		(p->header_start != t->open[up].from || p->body_end != t->open[up].body_end))
		return false;
	if (p->header_start < t->open[up].from || p->body_end > t->open[up].body_end)
		return false;
	t->open[up].from = p->body_end;
	t->open[up].left--;
	return true;
}

static bool
place_ok(struct tree_check *t, const struct message_meta *m, const struct meta_part *p)
{
	bool ok;

	while (t->depth && t->open[t->depth - 1].end == p->index)
		if (t->open[--t->depth].left)
			return false;
	ok = p->index == 0 ? root_ok(m, p) : child_ok(t, p);
	if (!ok || p->kind > MIME_MESSAGE || (p->kind == MIME_LEAF && p->children) ||
		(p->kind == MIME_MESSAGE && p->children != 1) || p->depth > MIME_DEPTH_MAX ||
		(p->children == 0) != (p->end == p->index + 1))
		return false;
	if (!p->children)
		return true;
	if (t->depth > MIME_DEPTH_MAX)
		return false;
	t->open[t->depth].index = p->index;
	t->open[t->depth].end = p->end;
	t->open[t->depth].left = p->children;
	t->open[t->depth].from = p->body_start;
	t->open[t->depth].body_end = p->body_end;
	t->open[t->depth++].kind = p->kind;
	return true;
}

static bool
part_ok(const struct meta_part *p)
{
	const struct slice strings[] = {p->type, p->subtype, p->id, p->description,
		p->encoding_name, p->md5, p->location, p->disposition};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		if (!string_ok(strings[i]))
			return false;
	return p->type.ptr && p->subtype.ptr && params_ok(p->params) &&
		params_ok(p->disposition_params) && strings_ok(p->languages) &&
		p->header_lines <= p->body_start - p->header_start &&
		p->body_lines <= p->body_end - p->body_start && envelope_ok(&p->envelope);
}

static bool
parts_ok(const struct message_meta *m)
{
	struct meta_walk w = meta_walk_new(m);
	struct tree_check t = {0};
	struct meta_part p;

	if (!m->parts.count || m->parts.count > MIME_PARTS_MAX)
		return false;
	while (meta_walk_next(&w, &p))
		if (!place_ok(&t, m, &p) || !part_ok(&p))
			return false;
	while (t.depth)
		if (t.open[--t.depth].left)
			return false;
	return w.index == m->parts.count && !w.rest.bytes.len;
}

static bool
fixed_ok(const struct message_meta *m)
{
	bool dated = m->flags & META_HAS_DATE;

	return !(m->flags & ~META_FLAGS_ALL) && m->size <= MIME_MESSAGE_MAX &&
		(dated || (!m->date && !m->zone));
}

static void
get_fixed(struct reader *r, struct message_meta *m)
{
	uint64_t flags = reader_varint(r), header;
	int64_t zone;

	m->size = reader_varint(r);
	header = reader_varint(r);
	m->date = reader_svarint(r);
	zone = reader_svarint(r);
	if (flags > UINT32_MAX || header > UINT32_MAX || zone < -1440 || zone > 1440)
		r->err = LL_ERR_SYNTAX;
	m->flags = (uint32_t)flags;
	m->header_size = (uint32_t)header;
	m->zone = (int16_t)zone;
}

int
message_meta_decode(struct slice bytes, struct message_meta *ret)
{
	struct reader r = reader_new(bytes);
	struct message_meta m = {0};

	if (reader_u8(&r) != META_VERSION)
		return bytes.len ? LL_ERR_UNSUPPORTED : LL_ERR_CORRUPT;
	get_fixed(&r, &m);
	m.envelope = get_envelope(&r);
	m.id = get_string(&r);
	m.in_reply_to = get_list(&r);
	m.references = get_list(&r);
	m.list_id = get_string(&r);
	m.preview = reader_blob(&r);
	m.parts = get_list(&r);
	if (reader_end(&r) || !fixed_ok(&m) || !envelope_ok(&m.envelope) || !string_ok(m.id) ||
		!strings_ok(m.in_reply_to) || !strings_ok(m.references) || !string_ok(m.list_id) ||
		!string_ok(m.preview) || !parts_ok(&m))
		return LL_ERR_CORRUPT;
	*ret = m;
	return LL_OK;
}
