/* Header fields as JMAP shows them (RFC 8621 sections 4.1.2 and 4.1.3). */
#include "faces/jmap_email.h"

#include "base/text.h"
#include "mail/date.h"
#include "mail/encoded_word.h"
#include "mail/header.h"

#include <stdio.h>

#define VALUE_MAX ((size_t)1 << 20)

static const char *const form_names[JMAP_FORMS] = {[JMAP_AS_RAW] = "asRaw",
	[JMAP_AS_TEXT] = "asText",
	[JMAP_AS_ADDRESSES] = "asAddresses",
	[JMAP_AS_GROUPED] = "asGroupedAddresses",
	[JMAP_AS_IDS] = "asMessageIds",
	[JMAP_AS_DATE] = "asDate",
	[JMAP_AS_URLS] = "asURLs"};

#define FORM(f) (1u << (f))
#define ADDRESSES (FORM(JMAP_AS_RAW) | FORM(JMAP_AS_ADDRESSES) | FORM(JMAP_AS_GROUPED))
#define TEXT (FORM(JMAP_AS_RAW) | FORM(JMAP_AS_TEXT))
#define IDS (FORM(JMAP_AS_RAW) | FORM(JMAP_AS_IDS))
#define DATE (FORM(JMAP_AS_RAW) | FORM(JMAP_AS_DATE))
#define URLS (FORM(JMAP_AS_RAW) | FORM(JMAP_AS_URLS))

/* Forms of the fields of RFC 5322 and RFC 2369; others have all. */
static const struct {
	const char *name;
	unsigned forms;
} fields[] = {
	{"From", ADDRESSES},
	{"Sender", ADDRESSES},
	{"Reply-To", ADDRESSES},
	{"To", ADDRESSES},
	{"Cc", ADDRESSES},
	{"Bcc", ADDRESSES},
	{"Resent-From", ADDRESSES},
	{"Resent-Sender", ADDRESSES},
	{"Resent-Reply-To", ADDRESSES},
	{"Resent-To", ADDRESSES},
	{"Resent-Cc", ADDRESSES},
	{"Resent-Bcc", ADDRESSES},
	{"Subject", TEXT},
	{"Comments", TEXT},
	{"Keywords", TEXT},
	{"List-Id", TEXT},
	{"Message-ID", IDS},
	{"In-Reply-To", IDS},
	{"References", IDS},
	{"Resent-Message-ID", IDS},
	{"Date", DATE},
	{"Resent-Date", DATE},
	{"List-Help", URLS},
	{"List-Unsubscribe", URLS},
	{"List-Subscribe", URLS},
	{"List-Post", URLS},
	{"List-Owner", URLS},
	{"List-Archive", URLS},
	{"Received", FORM(JMAP_AS_RAW)},
	{"Return-Path", FORM(JMAP_AS_RAW)},
};

static bool
form_ok(struct slice name, enum jmap_header_form form)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (slice_ieq(name, slice_str(fields[i].name)))
			return fields[i].forms & FORM(form);
	return true;
}

static bool
field_name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f)
			return false;
	return name.len > 0 && name.len < 256;
}

bool
jmap_header_parse(const char *key, struct jmap_header *ret)
{
	struct slice rest = slice_str(key), part;
	struct jmap_header h = {.key = key};

	if (!slice_eq(slice_split(&rest, ':'), S("header")))
		return false;
	h.name = slice_split(&rest, ':');
	part = slice_split(&rest, ':');
	for (unsigned f = 0; f < JMAP_FORMS; f++)
		if (slice_eq(part, slice_str(form_names[f]))) {
			h.form = (enum jmap_header_form)f;
			part = slice_split(&rest, ':');
			break;
		}
	if (slice_eq(part, S("all"))) {
		h.all = true;
		part = SLICE_NONE;
	}
	if (part.len || rest.len || !field_name_ok(h.name) || !form_ok(h.name, h.form))
		return false;
	*ret = h;
	return true;
}

/* ---- Addresses ---- */

static void
put_text(struct json_out *o, struct slice encoded)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(VALUE_MAX);

	encoded_word_decode(&text, encoded);
	jo_slice(o, slice_trim(buf_slice(&text)));
}

static void
put_address(struct json_out *o, const struct address *addr)
{
	CLEANUP(buf_done) struct buf spec = BUF_INIT(VALUE_MAX);

	address_put_bare(&spec, addr);
	jo_open(o, '{');
	jo_key(o, "name");
	if (addr->name.len)
		put_text(o, addr->name);
	else
		jo_null(o);
	jo_key(o, "email");
	jo_slice(o, buf_slice(&spec));
	jo_close(o, '}');
}

void
jmap_addresses_put(struct json_out *o, struct meta_list list)
{
	struct address addr;

	if (!list.count) {
		jo_null(o);
		return;
	}
	jo_open(o, '[');
	while (meta_address_next(&list, &addr))
		if (addr.kind == ADDRESS_MAILBOX)
			put_address(o, &addr);
	jo_close(o, ']');
}

static void
group_open(struct json_out *o, const struct address *group)
{
	jo_open(o, '{');
	jo_key(o, "name");
	if (group)
		put_text(o, group->name);
	else
		jo_null(o);
	jo_key(o, "addresses");
	jo_open(o, '[');
}

static void
group_close(struct json_out *o)
{
	jo_close(o, ']');
	jo_close(o, '}');
}

static void
put_grouped(struct json_out *o, const struct address_list *l)
{
	bool open = false;

	for (size_t i = 0; i < l->len; i++) {
		const struct address *a = &l->at[i];
		if (open && a->kind != ADDRESS_MAILBOX) {
			group_close(o);
			open = false;
		}
		if (!open && a->kind != ADDRESS_GROUP_END) {
			group_open(o, a->kind == ADDRESS_GROUP ? a : NULL);
			open = true;
		}
		if (a->kind == ADDRESS_MAILBOX)
			put_address(o, a);
	}
	if (open)
		group_close(o);
}

static void
put_addresses(struct json_out *o, struct slice value, bool grouped)
{
	struct arena mem = ARENA_INIT((size_t)16 << 20);
	struct address_list l = {0};

	jo_open(o, '[');
	if (!address_list_parse(value, &mem, &l) && grouped)
		put_grouped(o, &l);
	for (size_t i = 0; i < l.len && !grouped; i++)
		if (l.at[i].kind == ADDRESS_MAILBOX)
			put_address(o, &l.at[i]);
	jo_close(o, ']');
	arena_done(&mem);
}

/* ---- The other forms ---- */

void
jmap_date_put(struct json_out *o, int64_t date, int zone)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(64);
	int minutes = zone < 0 ? -zone : zone;

	date_put_rfc3339(&b, date + (int64_t)zone * 60);
	if (zone && !buf_err(&b) && b.len) {
		buf_truncate(&b, b.len - 1);
		buf_printf(&b, "%c%02d:%02d", zone < 0 ? '-' : '+', minutes / 60, minutes % 60);
	}
	jo_slice(o, buf_slice(&b));
}

/* What stands in angle brackets, without comments; null when there is none. */
static void
put_bracketed(struct json_out *o, struct slice value)
{
	CLEANUP(buf_done) struct buf flat = BUF_INIT(VALUE_MAX);
	CLEANUP(buf_done) struct buf text = BUF_INIT(VALUE_MAX);
	struct slice rest;
	size_t at, n = 0;

	header_unfold(&flat, value);
	rest = buf_slice(&flat);
	while ((at = slice_find_byte(rest, '<')) != SLICE_NPOS) {
		struct slice one;
		rest = slice_skip(rest, at + 1);
		at = slice_find_byte(rest, '>');
		if (at == SLICE_NPOS)
			break;
		one = slice_trim(slice_sub(rest, 0, at));
		rest = slice_skip(rest, at + 1);
		if (!one.len)
			continue;
		if (!n++)
			jo_open(o, '[');
		buf_reset(&text);
		for (size_t i = 0; i < one.len; i++)
			if (one.ptr[i] > ' ')
				buf_putc(&text, one.ptr[i]);
		jo_slice(o, buf_slice(&text));
	}
	if (n)
		jo_close(o, ']');
	else
		jo_null(o);
}

static void
put_date(struct json_out *o, struct slice value)
{
	int64_t date;
	int zone;

	if (mail_date_parse(value, &date, &zone))
		jo_null(o);
	else
		jmap_date_put(o, date, zone);
}

void
jmap_header_put(struct json_out *o, enum jmap_header_form form, struct slice value)
{
	switch (form) {
	case JMAP_AS_TEXT:
		put_text(o, value);
		break;
	case JMAP_AS_ADDRESSES:
	case JMAP_AS_GROUPED:
		put_addresses(o, value, form == JMAP_AS_GROUPED);
		break;
	case JMAP_AS_IDS:
	case JMAP_AS_URLS:
		put_bracketed(o, value);
		break;
	case JMAP_AS_DATE:
		put_date(o, value);
		break;
	default:
		jo_slice(o, value);
	}
}

void
jmap_header_find(struct json_out *o, const struct jmap_header *h, struct slice header)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f, last = {.name = SLICE_NONE};

	if (h->all)
		jo_open(o, '[');
	while (header_next(&it, &f)) {
		if (!slice_ieq(f.name, h->name))
			continue;
		if (h->all)
			jmap_header_put(o, h->form, f.value);
		last = f;
	}
	if (h->all)
		jo_close(o, ']');
	else if (last.name.ptr)
		jmap_header_put(o, h->form, last.value);
	else
		jo_null(o);
}

void
jmap_headers_put(struct json_out *o, struct slice header)
{
	struct header_iter it = header_iter_new(header);
	struct header_field f;

	jo_open(o, '[');
	while (header_next(&it, &f)) {
		if (!f.name.len)
			continue;
		jo_open(o, '{');
		jo_key(o, "name");
		jo_slice(o, f.name);
		jo_key(o, "value");
		jo_slice(o, f.value);
		jo_close(o, '}');
	}
	jo_close(o, ']');
}
