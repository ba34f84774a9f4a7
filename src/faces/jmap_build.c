/* A message from the properties of Email/set create (RFC 8621 section 4.6): header fields, then the
 * tree of body parts. Nothing that a client says can start a header field of its own. */
#include "faces/jmap_build.h"

#include "base/text.h"
#include "mail/address.h"
#include "mail/build.h"
#include "mail/date.h"
#include "mail/encoded_word.h"
#include "mail/transfer.h"

#include <stdio.h>
#include <stdlib.h>

int
jmap_build_bad(struct building *b, const char *property, const char *why)
{
	if (!b->ret->bad)
		*b->ret = (struct jmap_built){.bad = property, .why = why};
	return LL_ERR_SYNTAX;
}

bool
jmap_build_clean(struct slice s)
{
	return utf8_valid(s) && !has_controls(s);
}

/* ---- Values of header fields ---- */

static bool
put_address(struct buf *v, const json_t *addr)
{
	struct slice name = json_slice(json_object_get(addr, "name"));
	struct slice email = json_slice(json_object_get(addr, "email"));

	if (!json_is_object(addr) || !email.len || !jmap_build_clean(email) ||
		!jmap_build_clean(name) || slice_find_byte(email, '<') != SLICE_NPOS ||
		slice_find_byte(email, '>') != SLICE_NPOS ||
		slice_find_byte(email, ',') != SLICE_NPOS)
		return false;
	if (!name.len)
		return !buf_put(v, email);
	if (is_ascii(name))
		address_put_phrase(v, name);
	else
		encoded_word_encode(v, name);
	buf_puts(v, " <");
	buf_put(v, email);
	return !buf_putc(v, '>');
}

static bool
put_addresses(struct buf *v, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i)
			buf_puts(v, ", ");
		if (!put_address(v, json_array_get(list, i)))
			return false;
	}
	return json_is_array(list);
}

static bool
put_groups(struct buf *v, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *g = json_array_get(list, i);
		struct slice name = json_slice(json_object_get(g, "name"));
		if (i)
			buf_puts(v, ", ");
		if (!jmap_build_clean(name))
			return false;
		if (name.ptr && is_ascii(name))
			address_put_phrase(v, name);
		else if (name.ptr)
			encoded_word_encode(v, name);
		if (name.ptr)
			buf_puts(v, ": ");
		if (!put_addresses(v, json_object_get(g, "addresses")))
			return false;
		if (name.ptr)
			buf_putc(v, ';');
	}
	return json_is_array(list);
}

static bool
put_bracketed(struct buf *v, const json_t *list, const char *between)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct slice one = json_slice(json_array_get(list, i));
		if (!one.len || !jmap_build_clean(one) || slice_find_byte(one, ' ') != SLICE_NPOS ||
			slice_find_byte(one, '<') != SLICE_NPOS ||
			slice_find_byte(one, '>') != SLICE_NPOS)
			return false;
		if (i)
			buf_puts(v, between);
		buf_putc(v, '<');
		buf_put(v, one);
		buf_putc(v, '>');
	}
	return json_array_size(list) > 0;
}

/* The zone of a Date, minutes east. */
static int
date_zone(struct slice s)
{
	uint64_t h, m;

	if (s.len < 6 || s.ptr[s.len - 3] != ':' || slice_u64(slice_sub(s, s.len - 5, 2), 23, &h) ||
		slice_u64(slice_sub(s, s.len - 2, 2), 59, &m))
		return 0;
	return (int)(h * 60 + m) * (s.ptr[s.len - 6] == '-' ? -1 : 1);
}

static bool
put_date(struct buf *v, const json_t *date)
{
	int64_t at;

	return json_date(date, &at) && !mail_date_put(v, at, date_zone(json_slice(date)));
}

/* Line ends only where they fold. */
static bool
put_raw(struct buf *v, const json_t *raw)
{
	struct slice s = json_slice(raw);

	for (size_t i = 0; i < s.len; i++) {
		uint8_t ch = s.ptr[i];
		if (ch == '\r' && i + 2 < s.len && s.ptr[i + 1] == '\n' &&
			(s.ptr[i + 2] == ' ' || s.ptr[i + 2] == '\t'))
			i++;
		else if ((ch < ' ' && ch != '\t') || ch == 0x7f)
			return false;
	}
	return json_is_string(raw) && utf8_valid(s) && !buf_put(v, s);
}

static bool
put_text(struct buf *v, const json_t *text)
{
	return json_is_string(text) && jmap_build_clean(json_slice(text)) &&
		!encoded_word_encode(v, json_slice(text));
}

static bool
put_form(struct buf *v, enum jmap_header_form form, const json_t *value)
{
	switch (form) {
	case JMAP_AS_RAW:
		return put_raw(v, value);
	case JMAP_AS_TEXT:
		return put_text(v, value);
	case JMAP_AS_ADDRESSES:
		return put_addresses(v, value);
	case JMAP_AS_GROUPED:
		return put_groups(v, value);
	case JMAP_AS_IDS:
		return put_bracketed(v, value, " ");
	case JMAP_AS_URLS:
		return put_bracketed(v, value, ", ");
	default:
		return put_date(v, value);
	}
}

static bool
field_once(struct building *b, struct slice name, bool again)
{
	char lower[256];

	for (size_t i = 0; i < name.len && i < sizeof(lower) - 1; i++)
		lower[i] = (char)to_lower(name.ptr[i]);
	lower[MIN(name.len, sizeof(lower) - 1)] = '\0';
	if (json_object_get(b->fields, lower) && !again)
		return false;
	json_object_set_new(b->fields, lower, json_true());
	return true;
}

static int
put_field(struct building *b, const char *property, struct slice name, enum jmap_header_form form,
	const json_t *value)
{
	CLEANUP(buf_done) struct buf v = BUF_INIT(FIELD_MAX);
	char text[256];

	if (!put_form(&v, form, value))
		return jmap_build_bad(b, property, NULL);
	if (form == JMAP_AS_ADDRESSES && !json_array_size(value))
		return LL_OK;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	if (form != JMAP_AS_RAW)
		return build_field(b->out, text, buf_slice(&v));
	buf_put(b->out, name);
	buf_putc(b->out, ':');
	if (!v.len || (v.ptr[0] != ' ' && v.ptr[0] != '\t'))
		buf_putc(b->out, ' ');
	buf_put(b->out, buf_slice(&v));
	return buf_puts(b->out, "\r\n");
}

/* "header:...": one field, or several. */
int
jmap_build_header(struct building *b, const char *key, json_t *value, bool part)
{
	struct jmap_header h;
	int err = LL_OK;

	if (!jmap_header_parse(key, &h) || slice_ieq(h.name, S("Content-Transfer-Encoding")) ||
		(!part && slice_istarts(h.name, S("Content-"))) ||
		slice_ieq(h.name, S("MIME-Version")) || (h.all && !json_is_array(value)) ||
		(!part && !field_once(b, h.name, false)))
		return jmap_build_bad(b, key, NULL);
	if (!h.all)
		return put_field(b, key, h.name, h.form, value);
	for (size_t i = 0; i < json_array_size(value) && !err; i++)
		err = put_field(b, key, h.name, h.form, json_array_get(value, i));
	return err;
}

/* ---- The message's own fields ---- */

static const struct {
	const char *property, *field;
	enum jmap_header_form form;
} fields[] = {
	{"sentAt", "Date", JMAP_AS_DATE},
	{"from", "From", JMAP_AS_ADDRESSES},
	{"sender", "Sender", JMAP_AS_ADDRESSES},
	{"replyTo", "Reply-To", JMAP_AS_ADDRESSES},
	{"to", "To", JMAP_AS_ADDRESSES},
	{"cc", "Cc", JMAP_AS_ADDRESSES},
	{"bcc", "Bcc", JMAP_AS_ADDRESSES},
	{"subject", "Subject", JMAP_AS_TEXT},
	{"messageId", "Message-ID", JMAP_AS_IDS},
	{"inReplyTo", "In-Reply-To", JMAP_AS_IDS},
	{"references", "References", JMAP_AS_IDS},
};
static const char *const others[] = {"mailboxIds", "keywords", "receivedAt", "bodyStructure",
	"textBody", "htmlBody", "attachments", "bodyValues"};

static bool
property_known(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(key, fields[i].property))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(key, others[i]))
			return true;
	return !strncmp(key, "header:", 7);
}

static int
put_message_id(struct building *b)
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(1024);
	struct slice domain = S("localhost");
	uint8_t random[16];
	size_t at;

	if (b->c->j->env.n_addresses) {
		struct slice own = b->c->j->env.addresses[0];
		at = slice_rfind_byte(own, '@');
		if (at != SLICE_NPOS)
			domain = slice_skip(own, at + 1);
	}
	if (b->c->j->env.random(b->c->j->env.ctx, random, sizeof(random)))
		return LL_ERR_IO;
	build_message_id(&id, SLICE_OF(random), domain);
	return build_field(b->out, "Message-ID", buf_slice(&id));
}

static int
put_fields(struct building *b)
{
	const char *key;
	json_t *v;
	int err = LL_OK;

	json_object_foreach(b->object, key, v) if (!property_known(key)) return jmap_build_bad(
		b, key, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fields) && !err; i++) {
		v = json_member(b->object, fields[i].property);
		if (!v)
			continue;
		(void)field_once(b, slice_str(fields[i].field), false);
		err = put_field(
			b, fields[i].property, slice_str(fields[i].field), fields[i].form, v);
	}
	json_object_foreach(b->object, key, v) if (!err && !strncmp(key, "header:", 7) &&
		!json_is_null(v)) err = jmap_build_header(b, key, v, false);
	if (!err && field_once(b, S("Date"), false))
		err = build_field_date(b->out, "Date", b->c->j->env.now(b->c->j->env.ctx));
	if (!err && field_once(b, S("Message-ID"), false))
		err = put_message_id(b);
	return err ? err : buf_puts(b->out, "MIME-Version: 1.0\r\n");
}

int
jmap_email_build(struct jmap_call *c, json_t *object, struct buf *out, struct jmap_built *ret)
{
	struct building b = {.c = c,
		.object = object,
		.values = json_member(object, "bodyValues"),
		.out = out,
		.ret = ret,
		.fields = json_object()};
	int err = b.fields ? put_fields(&b) : LL_ERR_NOMEM;

	if (!err)
		err = jmap_build_body(&b);
	json_decref(b.fields);
	return err ? err : buf_err(out);
}
