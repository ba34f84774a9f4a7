/* Makes the metadata of a message. When it would be too long, it is made again with less of each
 * thing, until it fits: the last row of limits fits for any message. */
#include "base/error.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/meta_code.h"

#include <string.h>

#define VALUE_MAX ((size_t)256 << 10) /* bytes of one field that are read */
#define ADDRESS_ARENA ((size_t)2 << 20)
#define ID_MAX 512 /* longer ids are nobody's */

/* How much is kept: bytes of a string, items of a list. */
struct meta_limits {
	size_t string, part_string, type, addresses, inner_addresses, params, ids;
};

static const struct meta_limits limits[] = {
	{8192, 4096, 256, ADDRESS_LIST_MAX, 256, MIME_PARAMS_MAX, META_IDS_MAX},
	{4096, 512, 128, 1000, 32, 16, META_IDS_MAX},
	{1024, 64, 64, 200, 4, 2, 64},
	{256, 24, 64, 20, 0, 0, 16},
};

struct meta_maker {
	const struct meta_limits *limits;
	struct slice message;
	const struct mime_tree *tree;
	struct arena addresses; /* of one field */
	struct buf scratch; /* of one string */
	struct buf lists[META_ENVELOPE_LISTS];
	uint32_t counts[META_ENVELOPE_LISTS];
	struct buf envelope, ids, parts;
	uint32_t parts_len;
	struct message_meta meta;
};

/* ---- strings ---- */

static size_t
cut_utf8(struct slice s, size_t max)
{
	size_t n = MIN(s.len, max);

	for (size_t back = 0; n < s.len && back < 4 && n > 0 && (s.ptr[n] & 0xc0) == 0x80; back++)
		n--;
	return n;
}

/* A raw value as a stored string: unfolded, UTF-8, at most max bytes. */
static struct slice
clean_string(struct meta_maker *k, struct slice raw, size_t max)
{
	CLEANUP(buf_done) struct buf flat = BUF_INIT(VALUE_MAX);
	struct slice s;

	buf_reset(&k->scratch);
	if (header_unfold(&flat, slice_sub(raw, 0, VALUE_MAX)))
		return S("");
	if (charset_to_utf8(SLICE_NONE, buf_slice(&flat), &k->scratch))
		return S("");
	s = buf_slice(&k->scratch);
	if (raw.len > VALUE_MAX || s.len > max)
		k->meta.flags |= META_TRUNCATED;
	return slice_new(s.ptr ? s.ptr : (const uint8_t *)"", cut_utf8(s, max));
}

static bool
is_plain(struct slice s)
{
	uint8_t bad = 0;

	for (size_t i = 0; i < s.len; i++)
		bad |= (uint8_t)(s.ptr[i] < ' ') | (s.ptr[i] & 0x80);
	return !bad;
}

static int
put_raw(struct meta_maker *k, struct buf *out, struct slice raw, size_t max)
{
	if (!raw.ptr)
		return meta_put_string(out, raw);
	raw = slice_trim(raw);
	if (!raw.ptr)
		raw = S(""); /* there, and empty */
	if (raw.len > max || !is_plain(raw))
		raw = clean_string(k, raw, max);
	return meta_put_string(out, raw);
}

static int
put_list(struct buf *out, uint32_t count, struct buf *items)
{
	int err = buf_err(items);

	return err ? err : meta_put_list(out, (struct meta_list){buf_slice(items), count});
}

/* ---- envelopes ---- */

enum string_field { FIELD_DATE, FIELD_SUBJECT, FIELD_IN_REPLY_TO, FIELD_MESSAGE_ID };

/* Of the message itself. */
enum other_field { FIELD_REFERENCES = 4, FIELD_LIST_ID };

struct fields {
	struct slice at[6]; /* first of each; ptr NULL: none */
};

static const struct {
	const char *name;
	uint8_t field;
	bool addresses;
} envelope_fields[] = {
	{"date", FIELD_DATE, false},
	{"subject", FIELD_SUBJECT, false},
	{"in-reply-to", FIELD_IN_REPLY_TO, false},
	{"message-id", FIELD_MESSAGE_ID, false},
	{"references", FIELD_REFERENCES, false},
	{"list-id", FIELD_LIST_ID, false},
	{"from", META_FROM, true},
	{"sender", META_SENDER, true},
	{"reply-to", META_REPLY_TO, true},
	{"to", META_TO, true},
	{"cc", META_CC, true},
	{"bcc", META_BCC, true},
};

static void
put_address(struct meta_maker *k, struct buf *out, const struct address *a, size_t max)
{
	buf_putc(out, (uint8_t)a->kind);
	if (a->kind == ADDRESS_GROUP_END)
		return;
	put_raw(k, out, a->name, max);
	if (a->kind == ADDRESS_GROUP)
		return;
	put_raw(k, out, a->route, max);
	put_raw(k, out, a->local, max);
	put_raw(k, out, a->domain, max);
}

/* A list cut within a group still ends it. */
static size_t
cut_addresses(struct address_list *l, size_t max)
{
	size_t n = MIN(l->len, max);

	for (size_t i = n; i > 0 && n < l->len; i--) {
		if (l->at[i - 1].kind == ADDRESS_GROUP_END)
			break;
		if (l->at[i - 1].kind == ADDRESS_GROUP) {
			l->at[n++] = (struct address){.kind = ADDRESS_GROUP_END};
			break;
		}
	}
	return n;
}

/* Several fields of one name are taken as one, as their writer meant it. */
static int
add_addresses(struct meta_maker *k, unsigned which, struct slice value, bool inner)
{
	size_t max = inner ? k->limits->inner_addresses : k->limits->addresses, n;
	size_t left = max - MIN(max, (size_t)k->counts[which]);
	struct address_list l;

	arena_reset(&k->addresses);
	if (address_list_parse(slice_sub(value, 0, VALUE_MAX), &k->addresses, &l))
		return LL_ERR_NOMEM;
	n = cut_addresses(&l, left);
	if (l.len > left || l.truncated || value.len > VALUE_MAX)
		k->meta.flags |= META_TRUNCATED;
	for (size_t i = 0; i < n; i++)
		put_address(k, &k->lists[which], &l.at[i],
			inner ? k->limits->part_string : k->limits->string);
	k->counts[which] += (uint32_t)n;
	return LL_OK;
}

static int
read_field(struct meta_maker *k, struct fields *fields, const struct header_field *f, bool inner)
{
	for (size_t i = 0; i < ARRAY_SIZE(envelope_fields); i++) {
		uint8_t field = envelope_fields[i].field;
		if (!slice_ieq(f->name, slice_str(envelope_fields[i].name)))
			continue;
		if (envelope_fields[i].addresses)
			return add_addresses(k, field, f->value, inner);
		if (!fields->at[field].ptr)
			fields->at[field] = f->value;
		return LL_OK;
	}
	return LL_OK;
}

/* The encoded envelope of a header; fields gets the raw values. */
static int
put_envelope(struct meta_maker *k, struct buf *out, struct slice header, bool inner,
	struct fields *fields)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f;
	size_t max = inner ? k->limits->part_string : k->limits->string;
	int err = LL_OK;

	for (size_t i = 0; i < META_ENVELOPE_LISTS; i++) {
		buf_reset(&k->lists[i]);
		k->counts[i] = 0;
	}
	while (!err && header_next(&it, &f))
		err = read_field(k, fields, &f, inner);
	for (size_t i = FIELD_DATE; !err && i <= FIELD_MESSAGE_ID; i++)
		err = put_raw(k, out, fields->at[i], max);
	for (size_t i = 0; !err && i < META_ENVELOPE_LISTS; i++)
		err = put_list(out, k->counts[i], &k->lists[i]);
	return err;
}

/* ---- ids ---- */

/* The next "<...>" of a value without the white space that folding put into it. */
static bool
next_id(struct meta_maker *k, struct slice *value, struct slice *ret)
{
	size_t open = slice_find_byte(*value, '<'), close;
	struct slice inside;

	while (open != SLICE_NPOS) {
		*value = slice_skip(*value, open + 1);
		close = slice_find_byte(*value, '>');
		if (close == SLICE_NPOS)
			return false;
		inside = slice_sub(*value, 0, close);
		*value = slice_skip(*value, close + 1);
		buf_reset(&k->scratch);
		for (size_t i = 0; i < inside.len && k->scratch.len <= ID_MAX; i++)
			if (inside.ptr[i] > ' ')
				buf_putc(&k->scratch, inside.ptr[i]);
		*ret = buf_slice(&k->scratch);
		if (ret->len && ret->len <= ID_MAX && utf8_valid(*ret))
			return true;
		open = slice_find_byte(*value, '<');
	}
	return false;
}

static size_t
count_ids(struct meta_maker *k, struct slice value)
{
	struct slice id;
	size_t n = 0;

	while (next_id(k, &value, &id))
		n++;
	return n;
}

/* Of too many ids the first, which began the thread, and the last ones. */
static int
put_ids(struct meta_maker *k, struct buf *out, struct slice value)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(META_BYTES_MAX);
	size_t all, max = k->limits->ids, i = 0;
	struct slice id;

	value = slice_sub(value, 0, VALUE_MAX);
	all = count_ids(k, value);
	for (; next_id(k, &value, &id); i++)
		if (i == 0 || all <= max || i + max > all)
			meta_put_string(&items, id);
	if (all > max)
		k->meta.flags |= META_TRUNCATED;
	return put_list(out, (uint32_t)MIN(all, max), &items);
}

/* A Message-ID; without brackets a lone word is one too. */
static int
put_id(struct meta_maker *k, struct buf *out, struct slice value)
{
	struct slice id = slice_trim(slice_sub(value, 0, VALUE_MAX)), rest = id;

	if (!value.ptr)
		return meta_put_string(out, SLICE_NONE);
	if (next_id(k, &rest, &id))
		return meta_put_string(out, id);
	for (size_t i = 0; i < id.len; i++)
		if (id.ptr[i] <= ' ' || id.ptr[i] >= 0x7f)
			return meta_put_string(out, SLICE_NONE);
	return meta_put_string(out, id.len && id.len <= ID_MAX ? id : SLICE_NONE);
}

/* RFC 2919: the last thing in brackets, or the whole value. */
static int
put_list_id(struct meta_maker *k, struct buf *out, struct slice value)
{
	uint8_t lower[256];
	struct slice id = slice_trim(value), rest = id;
	size_t n = 0;

	if (!value.ptr)
		return meta_put_string(out, SLICE_NONE);
	next_id(k, &rest, &id);
	for (; n < MIN(id.len, sizeof(lower)) && id.ptr[n] > ' ' && id.ptr[n] < 0x7f; n++)
		lower[n] = to_lower(id.ptr[n]);
	return meta_put_string(out, n && n == id.len ? slice_new(lower, n) : SLICE_NONE);
}

/* ---- parts ---- */

static int
put_params(struct meta_maker *k, struct buf *out, const struct mime_params *p)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(META_BYTES_MAX);
	size_t n = MIN(p->len, k->limits->params);

	if (n < p->len)
		k->meta.flags |= META_TRUNCATED;
	for (size_t i = 0; i < n; i++) {
		put_raw(k, &items, p->at[i].name, k->limits->part_string);
		put_raw(k, &items, p->at[i].value.ptr ? p->at[i].value : S(""),
			k->limits->part_string);
	}
	return put_list(out, (uint32_t)n, &items);
}

static int
put_languages(struct meta_maker *k, struct buf *out, const struct mime_part *p)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(META_BYTES_MAX);

	for (size_t i = 0; i < p->languages; i++)
		put_raw(k, &items, p->language[i], MIN(k->limits->part_string, (size_t)64));
	return put_list(out, p->languages, &items);
}

static unsigned
presence(const struct meta_maker *k, const struct mime_part *p)
{
	return (p->id.ptr ? META_PART_ID : 0u) | (p->description.ptr ? META_PART_DESCRIPTION : 0u) |
		(p->encoding_name.len ? META_PART_ENCODING : 0u) |
		(p->md5.ptr ? META_PART_MD5 : 0u) | (p->location.ptr ? META_PART_LOCATION : 0u) |
		(p->disposition.type.ptr ? META_PART_DISPOSITION : 0u) |
		(p->content.params.len && k->limits->params ? META_PART_PARAMS : 0u) |
		(p->languages ? META_PART_LANGUAGES : 0u);
}

static uint32_t
part_end(const struct mime_tree *t, uint32_t index)
{
	for (; index; index = t->parts[index].parent)
		if (t->parts[index].next)
			return t->parts[index].next;
	return t->len;
}

static void
put_numbers(struct meta_maker *k, struct buf *out, uint32_t index)
{
	const struct mime_part *p = &k->tree->parts[index];

	buf_putc(out, (uint8_t)presence(k, p));
	buf_putc(out, (uint8_t)(p->kind | p->encoding << 2));
	buf_putc(out, (uint8_t)p->depth);
	buf_put_varint(out, index - p->parent);
	buf_put_varint(out, p->children);
	buf_put_varint(out, part_end(k->tree, index) - index - 1);
	buf_put_varint(out, p->header_start);
	buf_put_varint(out, p->body_start - p->header_start);
	buf_put_varint(out, p->body_end - p->body_start);
	buf_put_varint(out, p->header_lines);
	buf_put_varint(out, p->body_lines);
}

static void
put_optional(struct meta_maker *k, struct buf *out, const struct mime_part *p)
{
	unsigned has = presence(k, p);
	const struct slice strings[] = {
		p->id, p->description, p->encoding_name, p->md5, p->location};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		if (has & 1u << i)
			put_raw(k, out, strings[i], k->limits->part_string);
	if (has & META_PART_DISPOSITION) {
		put_raw(k, out, p->disposition.type, k->limits->part_string);
		put_params(k, out, &p->disposition.params);
	}
	if (has & META_PART_PARAMS)
		put_params(k, out, &p->content.params);
	else if (p->content.params.len)
		k->meta.flags |= META_TRUNCATED;
	if (has & META_PART_LANGUAGES)
		put_languages(k, out, p);
}

static int
put_part(struct meta_maker *k, struct buf *out, uint32_t index)
{
	const struct mime_part *p = &k->tree->parts[index], *inner = p + 1;
	struct fields fields = {0};

	put_numbers(k, out, index);
	put_raw(k, out, p->content.type, k->limits->type);
	put_raw(k, out, p->content.subtype, k->limits->type);
	put_optional(k, out, p);
	if (p->kind != MIME_MESSAGE)
		return buf_err(out);
	return put_envelope(k, out,
		slice_sub(k->message, inner->header_start, inner->body_start - inner->header_start),
		true, &fields);
}

static int
put_parts(struct meta_maker *k)
{
	int err = LL_OK;

	for (uint32_t i = 0; i < k->tree->len && !err; i++)
		err = put_part(k, &k->parts, i);
	k->meta.parts = (struct meta_list){buf_slice(&k->parts), k->tree->len};
	return err;
}

/* ---- the whole ---- */

static void
read_date(struct meta_maker *k, struct slice value)
{
	int zone;

	if (!value.ptr || mail_date_parse(slice_sub(value, 0, VALUE_MAX), &k->meta.date, &zone))
		return;
	k->meta.zone = (int16_t)zone;
	k->meta.flags |= META_HAS_DATE;
}

static int
put_thread_ids(struct meta_maker *k, const struct fields *f)
{
	int err = put_id(k, &k->ids, f->at[FIELD_MESSAGE_ID]);

	err = err ? err : put_ids(k, &k->ids, f->at[FIELD_IN_REPLY_TO]);
	err = err ? err : put_ids(k, &k->ids, f->at[FIELD_REFERENCES]);
	return err ? err : put_list_id(k, &k->ids, slice_sub(f->at[FIELD_LIST_ID], 0, VALUE_MAX));
}

static int
put_all(struct meta_maker *k, struct buf *out)
{
	CLEANUP(buf_done) struct buf preview = BUF_INIT(META_PREVIEW_CHARS * 4 + 16);
	int err = meta_preview(&preview, k->message, &k->meta);

	if (err)
		return err;
	meta_put_fixed(out, &k->meta);
	buf_put(out, buf_slice(&k->envelope));
	buf_put(out, buf_slice(&k->ids));
	buf_put_blob(out, buf_slice(&preview));
	return meta_put_list(out, k->meta.parts);
}

static void
maker_reset(struct meta_maker *k, const struct meta_limits *l)
{
	k->limits = l;
	buf_reset(&k->envelope);
	buf_reset(&k->ids);
	buf_reset(&k->parts);
	k->meta = (struct message_meta){
		.flags = meta_tree_flags(k->tree),
		.size = k->message.len,
		.header_size = k->tree->parts[0].body_start,
	};
}

static int
make(struct meta_maker *k, struct buf *out)
{
	struct slice header = slice_sub(k->message, 0, k->tree->parts[0].body_start);
	struct fields fields = {0};
	int err;

	k->meta.flags |= is_ascii(header) ? 0u : META_UTF8_HEADER;
	err = put_envelope(k, &k->envelope, header, false, &fields);
	read_date(k, fields.at[FIELD_DATE]);
	err = err ? err : put_thread_ids(k, &fields);
	err = err ? err : put_parts(k);
	return err ? err : put_all(k, out);
}

static void
maker_init(struct meta_maker *k, struct slice message, const struct mime_tree *tree)
{
	*k = (struct meta_maker){.message = message, .tree = tree};
	k->addresses = ARENA_INIT(ADDRESS_ARENA);
	k->scratch = BUF_INIT(4 * VALUE_MAX);
	k->envelope = k->ids = k->parts = BUF_INIT(META_BYTES_MAX);
	for (size_t i = 0; i < META_ENVELOPE_LISTS; i++)
		k->lists[i] = BUF_INIT(META_BYTES_MAX);
}

static void
maker_done(struct meta_maker *k)
{
	arena_done(&k->addresses);
	buf_done(&k->scratch);
	buf_done(&k->envelope);
	buf_done(&k->ids);
	buf_done(&k->parts);
	for (size_t i = 0; i < META_ENVELOPE_LISTS; i++)
		buf_done(&k->lists[i]);
}

int
message_meta_make(
	struct buf *out, struct slice message, const struct mime_tree *tree, struct arena *a)
{
	CLEANUP(buf_done) struct buf made = BUF_INIT(META_BYTES_MAX);
	CLEANUP(maker_done) struct meta_maker k = {0};
	struct mime_tree own;
	int err = tree ? LL_OK : mime_parse(message, a, &own);

	if (err)
		return err;
	maker_init(&k, message, tree ? tree : &own);
	err = LL_ERR_LIMIT;
	for (size_t i = 0; i < ARRAY_SIZE(limits) && err == LL_ERR_LIMIT; i++) {
		buf_reset(&made);
		maker_reset(&k, &limits[i]);
		k.meta.flags |= i ? META_TRUNCATED : 0u;
		err = make(&k, &made);
	}
	return err ? err : buf_put(out, buf_slice(&made));
}
