/* The tree of body parts of a new message: from bodyStructure, or from text, HTML and attachments
 * (RFC 8621 section 4.6). */
#include "faces/jmap_build.h"

#include "base/text.h"
#include "mail/build.h"
#include "mail/transfer.h"

#include <stdio.h>
#include <stdlib.h>

#define BUILD_DEPTH 16
#define BOUNDARY_LEN 30

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
		return jmap_build_bad(b, "disposition", NULL);
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
		if (!jmap_build_clean(cid) || slice_find_byte(cid, '>') != SLICE_NPOS)
			return jmap_build_bad(b, "cid", NULL);
		buf_printf(&v, "<%.*s>", SLICE_ARG(cid));
		err = build_field(b->out, "Content-ID", buf_slice(&v));
	}
	buf_reset(&v);
	for (size_t i = 0; i < json_array_size(languages) && !err; i++) {
		struct slice one = json_slice(json_array_get(languages, i));
		if (!token_ok(one))
			return jmap_build_bad(b, "language", NULL);
		buf_puts(&v, i ? ", " : "");
		buf_put(&v, one);
	}
	if (!err && v.len)
		err = build_field(b->out, "Content-Language", buf_slice(&v));
	if (!err && location.ptr)
		err = jmap_build_clean(location) ? build_field(b->out, "Content-Location", location)
						 : jmap_build_bad(b, "location", NULL);
	json_object_foreach(part, key, value) if (!err && !strncmp(key, "header:", 7) &&
		!json_is_null(value)) err = jmap_build_header(b, key, value, true);
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
		return jmap_build_bad(b, "bodyValues", "There is no such value, or it is no text.");
	if (json_is_true(json_object_get(value, "isTruncated")) ||
		json_is_true(json_object_get(value, "isEncodingProblem")))
		return jmap_build_bad(b, "bodyValues", "A value must be whole.");
	if (json_member(part, "charset") || json_member(part, "size"))
		return jmap_build_bad(b, "charset", "This is the server's to choose.");
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
	CLEANUP(buf_done) struct buf data = BUF_SECRET(MESSAGE_SIZE_MAX);
	struct slice id = json_slice(json_object_get(part, "blobId"));
	struct slice charset = json_slice(json_member(part, "charset"));
	int err = jmap_blob_read(b->c->a, jmap_id(b->c, id), &data, &blob_type);
	bool message;

	if (err == LL_ERR_NOTFOUND) {
		(void)jmap_build_bad(b, NULL, NULL);
		b->ret->missing = id;
		return LL_ERR_SYNTAX;
	}
	b->attachments += data.len;
	if (!err && b->attachments > jmap_attachments_max(b->c->j))
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
		return err ? err : jmap_build_bad(b, "subParts", NULL);
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

	if (!json_is_object(part) || (type.ptr && !type_ok(type)) || !jmap_build_clean(name))
		return jmap_build_bad(b, type.ptr ? "type" : "name", NULL);
	if (json_object_get(part, "headers") ||
		json_object_get(part, "header:Content-Transfer-Encoding"))
		return jmap_build_bad(b, "headers", NULL);
	if (slice_istarts(type, S("multipart/")) && !value && !blob)
		return put_multipart(b, part, type, depth);
	if (value == blob || json_member(part, "subParts"))
		return jmap_build_bad(b, "partId", "A part has either a partId or a blobId.");
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
		(void)jmap_build_bad(b, property, "There must be one part of the right type.");
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

int
jmap_build_body(struct building *b)
{
	json_t *structure = json_member(b->object, "bodyStructure");
	json_t *files = json_member(b->object, "attachments");
	int err;

	if (structure &&
		(json_member(b->object, "textBody") || json_member(b->object, "htmlBody") || files))
		return jmap_build_bad(b, "bodyStructure", "It stands alone.");
	if (files && !json_is_array(files))
		return jmap_build_bad(b, "attachments", NULL);
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
