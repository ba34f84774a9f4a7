/* A message from the properties of Email/set create (RFC 8621 section 4.6): header fields, then the
 * tree of body parts. Nothing that a client says can start a header field of its own. */
#include "faces/jmap_email.h"

#include "base/text.h"
#include "mail/address.h"
#include "mail/build.h"
#include "mail/date.h"
#include "mail/encoded_word.h"
#include "mail/transfer.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELD_MAX ((size_t)1 << 20)
#define BUILD_DEPTH 16
#define BOUNDARY_LEN 30

struct building {
	struct jmap_call *c;
	json_t *object, *values;
	struct buf *out;
	struct jmap_built *ret;
	json_t *fields; /* names of header fields written, in lower case */
	uint64_t attachments; /* bytes */
	bool ended; /* the last line end is not the part's own: it may serve the boundary */
};

static int
bad(struct building *b, const char *property, const char *why)
{
	if (!b->ret->bad)
		*b->ret = (struct jmap_built){.bad = property, .why = why};
	return LL_ERR_SYNTAX;
}

/* No control characters: they could end a field. */
static bool
clean(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return false;
	return utf8_valid(s);
}

/* ---- Values of header fields ---- */

static bool
put_address(struct buf *v, const json_t *addr)
{
	struct slice name = json_slice(json_object_get(addr, "name"));
	struct slice email = json_slice(json_object_get(addr, "email"));

	if (!json_is_object(addr) || !email.len || !clean(email) || !clean(name) ||
		slice_find_byte(email, '<') != SLICE_NPOS ||
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
		if (!clean(name))
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
		if (!one.len || !clean(one) || slice_find_byte(one, ' ') != SLICE_NPOS ||
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

	return json_time(date, &at) && !mail_date_put(v, at, date_zone(json_slice(date)));
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
	return json_is_string(text) && clean(json_slice(text)) &&
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
		return bad(b, property, NULL);
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
static int
put_header(struct building *b, const char *key, json_t *value, bool part)
{
	struct jmap_header h;
	int err = LL_OK;

	if (!jmap_header_parse(key, &h) || slice_ieq(h.name, S("Content-Transfer-Encoding")) ||
		(!part && slice_istarts(h.name, S("Content-"))) ||
		slice_ieq(h.name, S("MIME-Version")) || (h.all && !json_is_array(value)) ||
		(!part && !field_once(b, h.name, false)))
		return bad(b, key, NULL);
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

	json_object_foreach(b->object, key, v) if (!property_known(key)) return bad(b, key, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fields) && !err; i++) {
		v = json_member(b->object, fields[i].property);
		if (!v)
			continue;
		(void)field_once(b, slice_str(fields[i].field), false);
		err = put_field(
			b, fields[i].property, slice_str(fields[i].field), fields[i].form, v);
	}
	json_object_foreach(b->object, key, v) if (!err && !strncmp(key, "header:", 7) &&
		!json_is_null(v)) err = put_header(b, key, v, false);
	if (!err && field_once(b, S("Date"), false))
		err = build_field_date(b->out, "Date", b->c->j->env.now(b->c->j->env.ctx));
	if (!err && field_once(b, S("Message-ID"), false))
		err = put_message_id(b);
	return err ? err : buf_puts(b->out, "MIME-Version: 1.0\r\n");
}

/* ---- Body parts ---- */

static bool
token_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?=", s.ptr[i]))
			return false;
	return s.len > 0 && s.len < 100;
}

static bool
type_ok(struct slice type)
{
	struct slice main = slice_split(&type, '/');

	return token_ok(main) && token_ok(type);
}

/* A parameter: quoted, or as RFC 2231 has it when it is not ASCII. */
static void
put_param(struct buf *v, const char *name, struct slice value)
{
	static const char digits[] = "0123456789ABCDEF";

	buf_puts(v, "; ");
	buf_puts(v, name);
	if (is_ascii(value)) {
		buf_puts(v, "=\"");
		for (size_t i = 0; i < value.len; i++) {
			if (value.ptr[i] == '"' || value.ptr[i] == '\\')
				buf_putc(v, '\\');
			buf_putc(v, value.ptr[i]);
		}
		buf_putc(v, '"');
		return;
	}
	buf_puts(v, "*=utf-8''");
	for (size_t i = 0; i < value.len; i++) {
		uint8_t ch = value.ptr[i];
		if (is_alpha(ch) || is_digit(ch) || ch == '.' || ch == '-' || ch == '_') {
			buf_putc(v, ch);
		} else {
			buf_putc(v, '%');
			buf_putc(v, (uint8_t)digits[ch >> 4]);
			buf_putc(v, (uint8_t)digits[ch & 15]);
		}
	}
}

static int
put_disposition(struct building *b, const json_t *part, struct slice name)
{
	CLEANUP(buf_done) struct buf v = BUF_INIT(FIELD_MAX);
	struct slice how = json_slice(json_member(part, "disposition"));

	if (!how.ptr && !name.ptr)
		return LL_OK;
	if (how.ptr && !token_ok(how))
		return bad(b, "disposition", NULL);
	buf_put(&v, how.ptr ? how : S("attachment"));
	if (name.ptr)
		put_param(&v, "filename", name);
	return build_field(b->out, "Content-Disposition", buf_slice(&v));
}

static int
put_part_fields(struct building *b, json_t *part, struct slice name)
{
	CLEANUP(buf_done) struct buf v = BUF_INIT(FIELD_MAX);
	struct slice cid = json_slice(json_member(part, "cid"));
	struct slice location = json_slice(json_member(part, "location"));
	json_t *languages = json_member(part, "language"), *value;
	const char *key;
	int err = put_disposition(b, part, name);

	if (!err && cid.ptr) {
		if (!clean(cid) || slice_find_byte(cid, '>') != SLICE_NPOS)
			return bad(b, "cid", NULL);
		buf_printf(&v, "<%.*s>", SLICE_ARG(cid));
		err = build_field(b->out, "Content-ID", buf_slice(&v));
	}
	buf_reset(&v);
	for (size_t i = 0; i < json_array_size(languages) && !err; i++) {
		struct slice one = json_slice(json_array_get(languages, i));
		if (!token_ok(one))
			return bad(b, "language", NULL);
		buf_puts(&v, i ? ", " : "");
		buf_put(&v, one);
	}
	if (!err && v.len)
		err = build_field(b->out, "Content-Language", buf_slice(&v));
	if (!err && location.ptr)
		err = clean(location) ? build_field(b->out, "Content-Location", location)
				      : bad(b, "location", NULL);
	json_object_foreach(part, key, value) if (!err && !strncmp(key, "header:", 7) &&
		!json_is_null(value)) err = put_header(b, key, value, true);
	return err;
}

static bool
needs_encoding(struct slice s)
{
	size_t line = 0;

	for (size_t i = 0; i < s.len; i++) {
		line = s.ptr[i] == '\n' ? 0 : line + 1;
		if (s.ptr[i] >= 0x80 || s.ptr[i] == 0 || s.ptr[i] == 0x7f || line > 990)
			return true;
	}
	return false;
}

static void
put_lines(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\n' && (!i || s.ptr[i - 1] != '\r'))
			buf_putc(out, '\r');
		buf_putc(out, s.ptr[i]);
	}
}

/* A text given as a body value. */
static int
put_value_part(struct building *b, json_t *part, struct slice type, struct slice name)
{
	CLEANUP(buf_done) struct buf v = BUF_INIT(FIELD_MAX);
	const char *id = json_string_value(json_object_get(part, "partId"));
	const json_t *value = json_object_get(b->values, id);
	struct slice text = json_slice(json_object_get(value, "value"));
	bool encode = needs_encoding(text);
	int err;

	if (!text.ptr || !slice_istarts(type, S("text/")))
		return bad(b, "bodyValues", "There is no such value, or it is no text.");
	if (json_is_true(json_object_get(value, "isTruncated")) ||
		json_is_true(json_object_get(value, "isEncodingProblem")))
		return bad(b, "bodyValues", "A value must be whole.");
	if (json_member(part, "charset") || json_member(part, "size"))
		return bad(b, "charset", "This is the server's to choose.");
	buf_put(&v, type);
	buf_puts(&v, is_ascii(text) ? "; charset=us-ascii" : "; charset=utf-8");
	err = build_field(b->out, "Content-Type", buf_slice(&v));
	if (!err)
		err = put_part_fields(b, part, name);
	buf_puts(b->out, encode ? "Content-Transfer-Encoding: quoted-printable\r\n\r\n" : "\r\n");
	b->ended = encode && text.ptr[text.len - 1] != '\n';
	if (encode)
		return err ? err : transfer_encode_qp(b->out, text);
	put_lines(b->out, text);
	return err;
}

static int
put_blob_part(struct building *b, json_t *part, struct slice type, struct slice name)
{
	CLEANUP(buf_done) struct buf v = BUF_INIT(FIELD_MAX);
	CLEANUP(buf_done) struct buf blob_type = BUF_INIT(4096);
	CLEANUP(buf_wipe) struct buf data = BUF_INIT(MESSAGE_SIZE_MAX);
	struct slice id = json_slice(json_object_get(part, "blobId"));
	struct slice charset = json_slice(json_member(part, "charset"));
	int err = jmap_blob_read(b->c->a, jmap_id(b->c, id), &data, &blob_type);
	bool message;

	if (err == LL_ERR_NOTFOUND) {
		(void)bad(b, NULL, NULL);
		b->ret->missing = id;
		return LL_ERR_SYNTAX;
	}
	b->attachments += data.len;
	if (!err && b->attachments > JMAP_UPLOAD_MAX)
		return LL_ERR_LIMIT;
	if (!type.ptr)
		type = type_ok(buf_slice(&blob_type)) ? buf_slice(&blob_type)
						      : S("application/octet-stream");
	message = slice_ieq(type, S("message/rfc822")) || slice_ieq(type, S("message/global"));
	buf_put(&v, type);
	if (charset.ptr && token_ok(charset))
		put_param(&v, "charset", charset);
	if (name.ptr)
		put_param(&v, "name", name);
	if (!err)
		err = build_field(b->out, "Content-Type", buf_slice(&v));
	if (!err)
		err = put_part_fields(b, part, name);
	if (message) {
		buf_puts(b->out, "Content-Transfer-Encoding: 8bit\r\n\r\n");
		put_lines(b->out, buf_slice(&data));
		return err;
	}
	buf_puts(b->out, "Content-Transfer-Encoding: base64\r\n\r\n");
	b->ended = data.len != 0;
	return err ? err : transfer_encode_base64(b->out, buf_slice(&data));
}

static int put_part(struct building *b, json_t *part, unsigned depth);

static int
put_multipart(struct building *b, json_t *part, struct slice type, unsigned depth)
{
	CLEANUP(buf_done) struct buf v = BUF_INIT(FIELD_MAX);
	CLEANUP(buf_done) struct buf boundary = BUF_INIT(100);
	json_t *kids = json_object_get(part, "subParts");
	uint8_t random[BOUNDARY_LEN / 2];
	int err = b->c->j->env.random(b->c->j->env.ctx, random, sizeof(random));

	if (err || !json_is_array(kids) || !json_array_size(kids) || depth > BUILD_DEPTH)
		return err ? err : bad(b, "subParts", NULL);
	buf_puts(&boundary, "=_"); /* what quoted-printable and base64 never give */
	hex_encode(&boundary, SLICE_OF(random));
	buf_put(&v, type);
	put_param(&v, "boundary", buf_slice(&boundary));
	err = build_field(b->out, "Content-Type", buf_slice(&v));
	if (!err)
		err = put_part_fields(b, part, SLICE_NONE);
	buf_puts(b->out, "\r\n");
	for (size_t i = 0; i < json_array_size(kids) && !err; i++) {
		buf_printf(b->out, "--%.*s\r\n", SLICE_ARG(buf_slice(&boundary)));
		err = put_part(b, json_array_get(kids, i), depth + 1);
		if (!b->ended)
			buf_puts(b->out, "\r\n");
		b->ended = false;
	}
	buf_printf(b->out, "--%.*s--\r\n", SLICE_ARG(buf_slice(&boundary)));
	return err;
}

static int
put_part(struct building *b, json_t *part, unsigned depth)
{
	struct slice type = json_slice(json_member(part, "type"));
	struct slice name = json_slice(json_member(part, "name"));
	bool value = json_is_string(json_member(part, "partId"));
	bool blob = json_is_string(json_member(part, "blobId"));

	if (!json_is_object(part) || (type.ptr && !type_ok(type)) || !clean(name))
		return bad(b, type.ptr ? "type" : "name", NULL);
	if (json_object_get(part, "headers") ||
		json_object_get(part, "header:Content-Transfer-Encoding"))
		return bad(b, "headers", NULL);
	if (slice_istarts(type, S("multipart/")) && !value && !blob)
		return put_multipart(b, part, type, depth);
	if (value == blob || json_member(part, "subParts"))
		return bad(b, "partId", "A part has either a partId or a blobId.");
	if (value)
		return put_value_part(b, part, type.ptr ? type : S("text/plain"), name);
	return put_blob_part(b, part, type, name);
}

/* ---- The tree of the simple properties ---- */

static json_t *
multipart(const char *type, json_t *first)
{
	json_t *kids = json_array();

	if (first)
		json_array_append_new(kids, first);
	return json_pack("{s:s, s:o}", "type", type, "subParts", kids);
}

static void
multipart_add(json_t *part, json_t *kid)
{
	json_array_append(json_object_get(part, "subParts"), kid);
}

/* Its only part, with the type it has to be of. */
static json_t *
only_part(struct building *b, const char *property, const char *type)
{
	json_t *list = json_member(b->object, property), *copy;
	struct slice has = json_slice(json_member(json_array_get(list, 0), "type"));

	if (!list)
		return NULL;
	if (!json_is_array(list) || json_array_size(list) != 1 ||
		!json_is_object(json_array_get(list, 0)) ||
		(has.ptr && !slice_ieq(has, slice_str(type)))) {
		(void)bad(b, property, "There must be one part of the right type.");
		return NULL;
	}
	copy = json_copy(json_array_get(list, 0));
	json_object_set_new(copy, "type", json_string(type));
	return copy;
}

static bool
is_inline(const json_t *part)
{
	return json_is_string(json_member(part, "cid")) &&
		slice_ieq(json_slice(json_member(part, "disposition")), S("inline"));
}

static json_t *
simple_structure(struct building *b)
{
	json_t *text = only_part(b, "textBody", "text/plain");
	json_t *html = only_part(b, "htmlBody", "text/html");
	json_t *files = json_member(b->object, "attachments"), *root, *file;
	size_t i, inlines = 0, outer = 0;

	json_array_foreach(files, i, file) inlines += html && is_inline(file);
	outer = json_array_size(files) - inlines;
	if (inlines) {
		html = multipart("multipart/related", html);
		json_array_foreach(files, i, file) if (is_inline(file)) multipart_add(html, file);
	}
	root = text ? text : html;
	if (text && html) {
		root = multipart("multipart/alternative", text);
		multipart_add(root, html);
		json_decref(html);
	}
	if (outer) {
		root = multipart("multipart/mixed", root);
		json_array_foreach(files, i, file) if (!inlines || !is_inline(file))
			multipart_add(root, file);
	}
	return root;
}

static int
put_body(struct building *b)
{
	json_t *structure = json_member(b->object, "bodyStructure");
	json_t *files = json_member(b->object, "attachments");
	int err;

	if (structure &&
		(json_member(b->object, "textBody") || json_member(b->object, "htmlBody") || files))
		return bad(b, "bodyStructure", "It stands alone.");
	if (files && !json_is_array(files))
		return bad(b, "attachments", NULL);
	structure = structure ? json_incref(structure) : simple_structure(b);
	if (b->ret->bad)
		err = LL_ERR_SYNTAX;
	else if (!structure)
		err = buf_puts(b->out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	else
		err = put_part(b, structure, 0);
	json_decref(structure);
	return err;
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
		err = put_body(&b);
	json_decref(b.fields);
	return err ? err : buf_err(out);
}
