/* Blobs: whole messages ("B" and the Email's digits), parts of them ("-" and the part's index,
 * again and again for messages within messages), and uploads ("U" and 32 digits). Upload and
 * download (RFC 8620 section 6), Blob/copy, and Blob/upload, Blob/get, Blob/lookup (RFC 9404). */
#include "faces/jmap_email.h"

#include "account/digest.h"
#include "account/upload.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOB_NESTING 8

uint32_t
jmap_blob_email(struct slice id)
{
	char text[MESSAGE_ID_TEXT_MAX];
	uint32_t email;

	if (id.len != 9 || id.ptr[0] != 'B')
		return 0;
	memcpy(text, id.ptr, id.len);
	text[0] = 'M';
	return message_email_id_parse(slice_new(text, id.len), &email) ? email : 0;
}

static void
put_type(struct buf *type, struct slice a, struct slice b)
{
	if (!type)
		return;
	buf_reset(type);
	buf_put(type, a);
	if (b.ptr)
		buf_putc(type, '/');
	buf_put(type, b);
}

/* Takes a part of a message: its content. */
static int
part_of(struct jmap_email *e, struct slice index, struct buf *out, struct buf *type)
{
	struct meta_part p;
	uint64_t i;
	int err;

	if (slice_u64(index, UINT32_MAX, &i) || (index.len > 1 && index.ptr[0] == '0'))
		return LL_ERR_NOTFOUND;
	err = meta_part_at(&e->m, (uint32_t)i, &p);
	if (err || p.kind == MIME_MULTIPART)
		return LL_ERR_NOTFOUND;
	put_type(type, p.type, p.subtype);
	return jmap_part_content(e, &p, UINT64_MAX, out);
}

/* The first step: a message, one of its parts, or an upload. */
static int
blob_first(
	struct account *a, struct slice base, struct slice *rest, struct buf *out, struct buf *type)
{
	uint32_t email = jmap_blob_email(base);
	struct store_id upload;
	struct jmap_email e;
	int err;

	if (!email) {
		struct upload u;
		if (!jmap_hex_id(base, 'U', &upload))
			return LL_ERR_NOTFOUND;
		err = account_upload_find(a, upload, &u);
		if (!err)
			put_type(type, u.type, SLICE_NONE);
		return err ? err : account_upload_read(a, upload, 0, UINT64_MAX, out);
	}
	err = emails_load(a);
	if (err || !email_find(a, email))
		return err ? err : LL_ERR_NOTFOUND;
	if (!rest->len) {
		put_type(type, S("message"), S("rfc822"));
		return message_read(a, email, 0, UINT64_MAX, out);
	}
	err = jmap_email_open(a, email, &e);
	if (err)
		return err;
	err = part_of(&e, slice_split(rest, '-'), out, type);
	jmap_email_done(&e);
	return err;
}

int
jmap_blob_read(struct account *a, struct slice id, struct buf *out, struct buf *ret_type)
{
	struct slice rest = id, base = slice_split(&rest, '-');
	CLEANUP(buf_done) struct buf now = BUF_SECRET(MESSAGE_SIZE_MAX + 64);
	int err = blob_first(a, base, &rest, &now, ret_type);

	for (int i = 0; rest.len && !err; i++) {
		CLEANUP(buf_done) struct buf outer = now;
		struct jmap_email e;
		now = BUF_INIT(MESSAGE_SIZE_MAX + 64);
		err = i < BLOB_NESTING ? jmap_email_parse(a, buf_slice(&outer), SLICE_NONE, &e)
				       : LL_ERR_NOTFOUND;
		if (err)
			break;
		err = part_of(&e, slice_split(&rest, '-'), &now, ret_type);
		jmap_email_done(&e);
	}
	return err ? err : buf_put(out, buf_slice(&now));
}

/* ---- Upload and download ---- */

static unsigned
upload_problem(struct buf *out, unsigned status, const char *type, const char *detail)
{
	struct json_out o = {.b = out};

	jo_open(&o, '{');
	jo_key(&o, "type");
	jo_str(&o, type);
	jo_key(&o, "status");
	jo_uint(&o, status);
	jo_key(&o, "detail");
	jo_str(&o, detail);
	jo_close(&o, '}');
	return status;
}

static void
put_upload(struct jmap *j, struct json_out *o, struct store_id id, struct slice type, uint64_t size)
{
	char text[40];

	jmap_id_put(CHANGE_UPLOAD, id, text);
	jo_open(o, '{');
	jo_key(o, "accountId");
	jo_str(o, j->account_id);
	jo_key(o, "blobId");
	jo_str(o, text);
	jo_key(o, "type");
	jo_slice(o, type);
	jo_key(o, "size");
	jo_uint(o, size);
	jo_close(o, '}');
}

unsigned
jmap_upload(
	struct jmap *j, struct slice account, struct slice type, struct slice data, struct buf *out)
{
	struct json_out o = {.b = out};
	struct store_id id;
	int err;

	if (!slice_eq(account, slice_str(j->account_id)))
		return upload_problem(out, 404, "about:blank", "There is no such account.");
	if (data.len > JMAP_UPLOAD_MAX)
		return upload_problem(out, 413, "urn:ietf:params:jmap:error:limit",
			"The upload is larger than maxSizeUpload.");
	if (!type.len)
		type = S("application/octet-stream");
	err = account_upload(j->env.account, type, data, &id);
	if (err == LL_ERR_QUOTA)
		return upload_problem(out, 507, "about:blank", "The account is full.");
	if (err)
		return upload_problem(out, 503, "about:blank", "It could not be stored now.");
	put_upload(j, &o, id, slice_sub(type, 0, UPLOAD_TYPE_MAX), data.len);
	return buf_err(out) ? 500 : 201;
}

int
jmap_download(struct jmap *j, struct slice account, struct slice blob, struct buf *out,
	struct buf *ret_type)
{
	if (!slice_eq(account, slice_str(j->account_id)))
		return LL_ERR_NOTFOUND;
	return jmap_blob_read(j->env.account, blob, out, ret_type);
}

/* ---- Blob/copy: there is one account only ---- */

static enum jmap_error
blob_copy(struct jmap_call *c)
{
	struct slice from = json_slice(json_object_get(c->args, "fromAccountId"));

	if (!from.ptr || !json_is_array(json_object_get(c->args, "blobIds")))
		return jmap_bad(c, from.ptr ? "blobIds" : "fromAccountId");
	return slice_eq(from, slice_str(c->j->account_id))
		? jmap_bad(c, "fromAccountId and accountId are the same")
		: JMAP_FROM_ACCOUNT_NOT_FOUND;
}

/* ---- Blob/upload (RFC 9404 section 4.1) ---- */

/* Whether it has what a DataSourceObject has, and a range of a blob only. */
static bool
source_ok(const json_t *s)
{
	static const char *const names[] = {
		"data:asText", "data:asBase64", "blobId", "offset", "length"};
	unsigned kinds = 0, ranges = 0;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)s, key, v)
	{
		size_t i = 0;
		while (i < ARRAY_SIZE(names) && strcmp(key, names[i]))
			i++;
		if (i == ARRAY_SIZE(names) || (i < 3 && !json_is_string(v) && !json_is_null(v)))
			return false;
		kinds += i < 3 && json_is_string(v);
		ranges += i >= 3 && !json_is_null(v);
	}
	return kinds == 1 && (!ranges || json_member(s, "blobId"));
}

/* One data source. LL_ERR_SYNTAX: it is none. */
static int
source_put(struct jmap_call *c, const json_t *s, struct buf *out)
{
	struct slice text = json_slice(json_object_get(s, "data:asText"));
	struct slice base64 = json_slice(json_object_get(s, "data:asBase64"));
	struct slice blob = json_slice(json_object_get(s, "blobId"));
	CLEANUP(buf_done) struct buf data = BUF_SECRET(MESSAGE_SIZE_MAX);
	uint64_t offset = 0, length = UINT64_MAX;
	json_t *o = json_member(s, "offset"), *l = json_member(s, "length");
	int err;

	if (!source_ok(s))
		return LL_ERR_SYNTAX;
	if (text.ptr)
		return buf_put(out, text);
	if (base64.ptr)
		return base64_decode(out, base64);
	if ((o && !json_uint(o, &offset)) || (l && !json_uint(l, &length)))
		return LL_ERR_SYNTAX;
	err = jmap_blob_read(c->a, jmap_id(c, blob), &data, NULL);
	if (!err && (offset > data.len || (l && length > data.len - offset)))
		err = LL_ERR_SYNTAX;
	if (err)
		return err;
	return buf_put(
		out, slice_sub(buf_slice(&data), (size_t)offset, (size_t)MIN(length, data.len)));
}

/* Uploads of a call that are kept in one commit. */
#define WINDOW_BLOBS 64
#define WINDOW_BYTES (STORE_COMMIT_MAX * 3 / 4)

struct uploading {
	struct jmap_set *s;
	const char *creation[WINDOW_BLOBS];
	struct buf data[WINDOW_BLOBS];
	struct upload_data u[WINDOW_BLOBS];
	size_t n, bytes;
};

static void
created_put(struct jmap_set *s, const char *creation, const struct upload_data *u)
{
	struct json_out *o = &s->out[SET_CREATED];

	jmap_set_created(s, creation, u->id);
	jo_key(o, "type");
	jo_slice(o, u->type);
	jo_key(o, "size");
	jo_uint(o, u->data.len);
	jo_close(o, '}');
}

/* All in one commit; where that fails, each for itself. */
static void
uploading_flush(struct uploading *w)
{
	struct account *a = w->s->c->a;
	int all = w->n ? account_uploads(a, w->u, w->n) : LL_OK;

	for (size_t i = 0; i < w->n; i++) {
		int err = all && w->n > 1 ? account_uploads(a, &w->u[i], 1) : all;
		if (err) {
			struct jmap_set_error e = jmap_set_error_of(err);
			jmap_set_fail(w->s, SET_NOT_CREATED, slice_str(w->creation[i]), &e);
		} else {
			created_put(w->s, w->creation[i], &w->u[i]);
		}
		buf_done(&w->data[i]);
	}
	w->n = w->bytes = 0;
}

/* What it adds to a commit; large ones are with the store before. */
static size_t
weight(size_t len)
{
	return 512 + (len < STORE_INLINE_BLOB_MAX / 2 ? len : 0);
}

static bool
type_ok(const json_t *v)
{
	struct slice type = json_slice(v);

	for (size_t i = 0; i < type.len; i++)
		if (type.ptr[i] < ' ' || type.ptr[i] > '~')
			return false;
	return json_is_null(v) || (json_is_string(v) && type.len <= UPLOAD_TYPE_MAX);
}

/* The name of a member that an UploadObject does not have, or not so; NULL: there is none. */
static const char *
upload_wrong(json_t *object)
{
	const char *key;
	json_t *v;

	json_object_foreach(object, key,
		v) if (strcmp(key, "data") && (strcmp(key, "type") || !type_ok(v))) return key;
	return NULL;
}

static struct jmap_set_error
blob_create(struct uploading *w, const char *creation, json_t *object)
{
	CLEANUP(buf_done) struct buf data = BUF_SECRET(JMAP_UPLOAD_MAX);
	json_t *sources = json_object_get(object, "data");
	struct slice type = json_slice(json_member(object, "type"));
	const char *wrong = upload_wrong(object);
	int err = json_is_array(sources) && json_array_size(sources) <= 64 ? LL_OK : LL_ERR_SYNTAX;

	if (wrong)
		return (struct jmap_set_error){"invalidProperties", {wrong}, NULL};
	for (size_t i = 0; i < json_array_size(sources) && !err; i++) {
		const json_t *source = json_array_get(sources, i);
		/* It may name one that waits to be kept. */
		if (slice_starts(json_slice(json_object_get(source, "blobId")), S("#")))
			uploading_flush(w);
		err = source_put(w->s->c, source, &data);
	}
	if (err == LL_ERR_SYNTAX)
		return (struct jmap_set_error){"invalidProperties", {"data"}, NULL};
	if (err == LL_ERR_NOTFOUND)
		return (struct jmap_set_error){"blobNotFound"};
	if (err)
		return jmap_set_error_of(err);
	if (w->n == WINDOW_BLOBS || w->bytes + weight(data.len) > WINDOW_BYTES)
		uploading_flush(w);
	w->bytes += weight(data.len);
	w->creation[w->n] = creation;
	w->u[w->n] = (struct upload_data){
		.type = type.len ? type : S("application/octet-stream"), .data = buf_slice(&data)};
	w->data[w->n++] = data;
	data = BUF_SECRET(JMAP_UPLOAD_MAX);
	return (struct jmap_set_error){NULL};
}

static enum jmap_error
blob_upload(struct jmap_call *c)
{
	struct jmap_set s;
	struct uploading w = {.s = &s};
	const char *key;
	json_t *v;
	enum jmap_error e = jmap_set_begin(&s, c, CHANGE_UPLOAD);

	if (!e && !s.create)
		e = jmap_bad(c, "create");
	if (e)
		return e;
	json_object_foreach(s.create, key, v)
	{
		struct jmap_set_error bad = blob_create(&w, key, v);
		if (bad.type)
			jmap_set_fail(&s, SET_NOT_CREATED, slice_str(key), &bad);
	}
	uploading_flush(&w);
	jmap_reply_open(c);
	jmap_set_part_put(&s, SET_CREATED);
	jmap_set_part_put(&s, SET_NOT_CREATED);
	jo_close(&c->o, '}');
	jmap_set_done(&s);
	return JMAP_OK;
}

/* ---- Blob/get (section 4.2) ---- */

struct blob_want {
	bool text, base64, size, any_data;
	uint64_t offset, length;
	json_t *props;
};

static const struct {
	const char *name;
	enum digest_kind kind;
} digests[] = {{"digest:sha-256", DIGEST_SHA256}, {"digest:sha-512", DIGEST_SHA512}};

static void
put_digest(struct json_out *o, const char *name, enum digest_kind kind, struct slice data)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(256);
	uint8_t digest[DIGEST_MAX_LEN];
	size_t len = account_digest(kind, data, digest);

	base64_encode(&text, slice_new(digest, len));
	jo_key(o, name);
	jo_slice(o, buf_slice(&text));
}

static void
put_data(struct json_out *o, const struct blob_want *w, struct slice range, bool *encoding)
{
	CLEANUP(buf_done) struct buf text = BUF_SECRET(2 * MESSAGE_SIZE_MAX);
	bool valid = utf8_valid(range);

	*encoding = false;
	if (w->text || (w->any_data && valid)) {
		jo_key(o, "data:asText");
		if (valid)
			jo_slice(o, range);
		else
			jo_null(o);
		*encoding = !valid;
	}
	if (w->base64 || (w->any_data && !valid)) {
		base64_encode(&text, range);
		jo_key(o, "data:asBase64");
		jo_slice(o, buf_slice(&text));
		*encoding |= w->any_data;
	}
}

static void
put_blob(struct jmap_call *c, struct slice id, struct slice data, const struct blob_want *w)
{
	struct slice range = slice_skip(data, (size_t)MIN(w->offset, data.len));
	bool cut = w->offset > data.len || (w->length != UINT64_MAX && w->length > range.len);
	bool encoding;

	range = slice_sub(range, 0, (size_t)MIN(w->length, range.len));
	jo_open(&c->o, '{');
	jo_key(&c->o, "id");
	jo_slice(&c->o, id);
	put_data(&c->o, w, range, &encoding);
	for (size_t i = 0; i < json_array_size(w->props); i++)
		for (size_t k = 0; k < ARRAY_SIZE(digests) && !jmap_id_seen(w->props, i); k++)
			if (slice_eq(json_slice(json_array_get(w->props, i)),
				    slice_str(digests[k].name)))
				put_digest(&c->o, digests[k].name, digests[k].kind, range);
	if (w->size) {
		jo_key(&c->o, "size");
		jo_uint(&c->o, data.len);
	}
	jo_key(&c->o, "isEncodingProblem");
	jo_bool(&c->o, encoding);
	jo_key(&c->o, "isTruncated");
	jo_bool(&c->o, cut);
	jo_close(&c->o, '}');
}

static enum jmap_error
want_read(struct jmap_call *c, struct blob_want *w)
{
	*w = (struct blob_want){.length = UINT64_MAX, .props = json_member(c->args, "properties")};
	w->any_data = w->size = !w->props;
	for (size_t i = 0; i < json_array_size(w->props); i++) {
		struct slice p = json_slice(json_array_get(w->props, i));
		bool digest = false;
		for (size_t k = 0; k < ARRAY_SIZE(digests); k++)
			digest |= slice_eq(p, slice_str(digests[k].name));
		w->text |= slice_eq(p, S("data:asText"));
		w->base64 |= slice_eq(p, S("data:asBase64"));
		w->any_data |= slice_eq(p, S("data"));
		w->size |= slice_eq(p, S("size"));
		if (!digest && !slice_eq(p, S("data:asText")) && !slice_eq(p, S("data:asBase64")) &&
			!slice_eq(p, S("data")) && !slice_eq(p, S("size")) && !slice_eq(p, S("id")))
			return jmap_bad(c, "properties");
	}
	if (w->props && !json_is_array(w->props))
		return jmap_bad(c, "properties");
	if (!jmap_arg_uint(c, "offset", &w->offset) || !jmap_arg_uint(c, "length", &w->length))
		return JMAP_INVALID_ARGUMENTS;
	return JMAP_OK;
}

static enum jmap_error
blob_get(struct jmap_call *c)
{
	json_t *ids = json_member(c->args, "ids");
	struct jmap_absent absent = JMAP_ABSENT_INIT;
	struct blob_want w;
	enum jmap_error e = want_read(c, &w);
	int err = LL_OK;

	if (e)
		return e;
	if (!ids || !jmap_ids_ok(ids))
		return jmap_bad(c, "ids");
	if (json_array_size(ids) > JMAP_GET_MAX)
		return JMAP_REQUEST_TOO_LARGE;
	jmap_reply_open(c);
	jo_key(&c->o, "list");
	jo_open(&c->o, '[');
	for (size_t i = 0; i < json_array_size(ids) && !err && !buf_err(c->o.b); i++) {
		CLEANUP(buf_done) struct buf data = BUF_SECRET(MESSAGE_SIZE_MAX);
		struct slice id = json_slice(json_array_get(ids, i));
		if (jmap_id_seen(ids, i))
			continue;
		err = jmap_blob_read(c->a, jmap_id(c, id), &data, NULL);
		if (!err)
			put_blob(c, jmap_id(c, id), buf_slice(&data), &w);
		err = jmap_absent_put(&absent, id, err);
	}
	jmap_absent_end(c, &absent);
	return err ? jmap_failed(c, err) : JMAP_OK;
}

/* ---- Blob/lookup (section 4.3) ---- */

static void
put_matches(struct jmap_call *c, const char *type, uint32_t email)
{
	const struct email_info *info = email ? email_find(c->a, email) : NULL;
	char id[40];
	size_t n = 0;
	const struct email_place *p = info ? email_places(c->a, email, &n) : NULL;

	jo_key(&c->o, type);
	jo_open(&c->o, '[');
	if (info && !strcmp(type, "Email")) {
		message_email_id(email, id);
		jo_str(&c->o, id);
	} else if (info && !strcmp(type, "Thread")) {
		message_thread_id(info->thread, id);
		jo_str(&c->o, id);
	}
	for (size_t i = 0; i < n && !strcmp(type, "Mailbox"); i++) {
		jmap_id_put(CHANGE_MAILBOX, mailbox_info(p[i].mb)->id, id);
		if (!i || p[i].mb != p[i - 1].mb)
			jo_str(&c->o, id);
	}
	jo_close(&c->o, ']');
}

static bool
lookup_type_ok(struct slice name)
{
	return slice_eq(name, S("Email")) || slice_eq(name, S("Thread")) ||
		slice_eq(name, S("Mailbox"));
}

static void
lookup_one(struct jmap_call *c, const json_t *types, struct slice id, struct json_out *missing)
{
	struct slice rest = id;
	uint32_t email = jmap_blob_email(slice_split(&rest, '-'));
	CLEANUP(buf_done) struct buf data = BUF_SECRET(MESSAGE_SIZE_MAX);

	if (jmap_blob_read(c->a, id, &data, NULL)) {
		jo_slice(missing, id);
		return;
	}
	jo_open(&c->o, '{');
	jo_key(&c->o, "id");
	jo_slice(&c->o, id);
	jo_key(&c->o, "matchedIds");
	jo_open(&c->o, '{');
	for (size_t i = 0; i < json_array_size(types); i++)
		if (!jmap_id_seen(types, i))
			put_matches(c, json_string_value(json_array_get(types, i)), email);
	jo_close(&c->o, '}');
	jo_close(&c->o, '}');
}

static enum jmap_error
blob_lookup(struct jmap_call *c)
{
	json_t *types = json_member(c->args, "typeNames"), *ids = json_member(c->args, "ids");
	CLEANUP(buf_done) struct buf missing = BUF_INIT(JMAP_REQUEST_MAX);
	struct json_out m = {.b = &missing};
	int err = emails_load(c->a);

	if (err)
		return jmap_failed(c, err);
	if (!json_is_array(types) || !ids || !jmap_ids_ok(ids))
		return jmap_bad(c, "typeNames or ids");
	if (json_array_size(ids) > JMAP_GET_MAX)
		return JMAP_REQUEST_TOO_LARGE;
	for (size_t i = 0; i < json_array_size(types); i++)
		if (!lookup_type_ok(json_slice(json_array_get(types, i))))
			return JMAP_UNKNOWN_DATA_TYPE;
	jmap_reply_open(c);
	jo_key(&c->o, "list");
	jo_open(&c->o, '[');
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (!jmap_id_seen(ids, i))
			lookup_one(c, types, jmap_id(c, json_slice(json_array_get(ids, i))), &m);
	jmap_list_end(c, &missing);
	return JMAP_OK;
}

const struct jmap_method jmap_blob_methods[] = {
	{"Blob/copy", "fromAccountId blobIds", JMAP_CAP_CORE, blob_copy, false},
	{"Blob/upload", "create", JMAP_CAP_BLOB, blob_upload, false},
	{"Blob/get", "ids properties offset length", JMAP_CAP_BLOB, blob_get, false},
	{"Blob/lookup", "typeNames ids", JMAP_CAP_BLOB, blob_lookup, false}, {NULL}};
