/* Uploads: an object that holds the masked data key of a sealed blob, which comes and goes with it.
 */
#include "account/upload.h"

#include "account/engine.h"
#include "base/secret.h"

#include <stdlib.h>

#define UPLOAD_VERSION 1
#define EXPIRE_STEP 100

struct stored_upload {
	struct upload u;
	struct entry entry; /* as much of it as body_read looks at */
};

static int
upload_encode(const struct stored_upload *s, struct buf *out)
{
	buf_putc(out, UPLOAD_VERSION);
	buf_put_varint(out, s->entry.keyver);
	buf_put_varint(out, s->entry.size);
	buf_put_be64(out, (uint64_t)s->u.expires);
	buf_put(out, SLICE_OF(s->entry.blob.b));
	buf_put(out, SLICE_OF(s->entry.key));
	buf_put(out, s->u.type);
	return buf_err(out);
}

static int
upload_decode(const struct object *o, struct stored_upload *ret)
{
	struct reader r = reader_new(o->value);
	struct stored_upload s = {.u = {.id = o->id}};
	struct slice blob, key;

	if (reader_u8(&r) != UPLOAD_VERSION)
		return LL_ERR_UNSUPPORTED;
	s.entry.keyver = (uint32_t)reader_varint(&r);
	s.u.size = s.entry.size = reader_varint(&r);
	s.u.expires = (int64_t)reader_be64(&r);
	blob = reader_bytes(&r, sizeof(s.entry.blob.b));
	key = reader_bytes(&r, sizeof(s.entry.key));
	if (r.err)
		return LL_ERR_CORRUPT;
	memcpy(s.entry.blob.b, blob.ptr, blob.len);
	memcpy(s.entry.key, key.ptr, key.len);
	s.u.type = r.rest;
	*ret = s;
	return LL_OK;
}

static int
upload_get(struct account *a, struct store_id id, struct stored_upload *ret)
{
	const struct object *o;
	int err = account_objects_load(a);

	if (err)
		return err;
	o = account_object(a, CHANGE_UPLOAD, id);
	if (!o)
		return LL_ERR_NOTFOUND;
	err = upload_decode(o, ret);
	return err || ret->u.expires > account_now(a) ? err : LL_ERR_NOTFOUND;
}

/* ---- Making ---- */

static int
upload_seal(struct account *a, struct slice data, struct stored_upload *s, struct buf *sealed)
{
	uint8_t key[RECORD_KEY_LEN];
	int err = account_random(a, key, sizeof(key));

	if (!err)
		err = account_random(a, s->entry.blob.b, sizeof(s->entry.blob.b));
	if (!err)
		err = account_random(a, s->u.id.b, sizeof(s->u.id.b));
	if (!err)
		err = record_blob_seal(key, s->entry.blob.b, data, sealed);
	if (!err)
		err = vault_mask(a->vault, s->entry.keyver, s->entry.blob, key, s->entry.key);
	secret_wipe(key, sizeof(key));
	return err;
}

struct making {
	struct stored_upload s;
	struct buf sealed, value;
};

static int
upload_make(struct account *a, struct upload_data *u, struct making *m, struct object_change *ret)
{
	bool staged;
	int err;

	if (u->data.len > MESSAGE_SIZE_MAX)
		return LL_ERR_LIMIT;
	m->s = (struct stored_upload){.u = {.size = u->data.len,
					      .expires = account_now(a) + UPLOAD_SECONDS,
					      .type = slice_sub(u->type, 0, UPLOAD_TYPE_MAX)},
		.entry = {.keyver = vault_current(a->vault), .size = u->data.len}};
	err = upload_seal(a, u->data, &m->s, &m->sealed);
	if (!err)
		err = upload_encode(&m->s, &m->value);
	staged = m->sealed.len > STORE_INLINE_BLOB_MAX / 2;
	if (!err && staged)
		err = store_blob_put(a->env.store, m->s.entry.blob, buf_slice(&m->sealed));
	u->id = m->s.u.id;
	*ret = (struct object_change){.type = CHANGE_UPLOAD,
		.id = u->id,
		.value = buf_slice(&m->value),
		.how = staged ? OBJECT_BLOB_STAGED : OBJECT_BLOB_NEW,
		.blob = m->s.entry.blob,
		.sealed = buf_slice(&m->sealed)};
	return err;
}

int
account_uploads(struct account *a, struct upload_data *u, size_t n)
{
	struct making *m = calloc(n + 1, sizeof(*m));
	struct object_change *changes = calloc(n + 1, sizeof(*changes));
	bool more;
	int err = m && changes ? account_uploads_expire(a, &more) : LL_ERR_NOMEM;

	for (size_t i = 0; i < n && m; i++) {
		m[i].sealed = BUF_INIT(STORE_BLOB_MAX);
		m[i].value = BUF_SECRET(OBJECT_VALUE_MAX);
		if (!err)
			err = upload_make(a, &u[i], &m[i], &changes[i]);
	}
	if (!err)
		err = account_objects_change(a, changes, n);
	for (size_t i = 0; i < n && m; i++) {
		buf_done(&m[i].sealed);
		buf_done(&m[i].value);
	}
	free(m);
	free(changes);
	return err;
}

int
account_upload(struct account *a, struct slice type, struct slice data, struct store_id *ret_id)
{
	struct upload_data u = {.type = type, .data = data};
	int err = account_uploads(a, &u, 1);

	if (!err)
		*ret_id = u.id;
	return err;
}

/* ---- Reading ---- */

int
account_upload_find(struct account *a, struct store_id id, struct upload *ret)
{
	struct stored_upload s;
	int err = upload_get(a, id, &s);

	if (!err)
		*ret = s.u;
	return err;
}

int
account_upload_read(
	struct account *a, struct store_id id, uint64_t offset, uint64_t len, struct buf *out)
{
	struct stored_upload s;
	int err = upload_get(a, id, &s);

	return err ? err : body_read(a, &s.entry, offset, len, out);
}

int
account_uploads_expire(struct account *a, bool *ret_more)
{
	struct object_change gone[EXPIRE_STEP];
	const struct object *o;
	size_t n = 0, pos = 0;
	int64_t now = account_now(a);
	int err = account_objects_load(a);

	*ret_more = false;
	while (!err && (o = account_object_next(a, CHANGE_UPLOAD, &pos)) != NULL) {
		struct stored_upload s;
		err = upload_decode(o, &s);
		if (err || s.u.expires > now)
			continue;
		if (n == EXPIRE_STEP) {
			*ret_more = true;
			break;
		}
		gone[n++] = (struct object_change){.type = CHANGE_UPLOAD,
			.id = o->id,
			.destroy = true,
			.how = OBJECT_BLOB_DROP,
			.blob = s.entry.blob};
	}
	return err || !n ? err : account_objects_change(a, gone, n);
}

/* At most EXPIRE_STEP of them, in one commit. */
static int
uploads_drop(struct account *a, const struct store_id *ids, size_t n)
{
	struct object_change gone[EXPIRE_STEP];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const struct object *o = account_object(a, CHANGE_UPLOAD, ids[i]);
		struct stored_upload s;
		if (!o || upload_decode(o, &s))
			continue;
		gone[k++] = (struct object_change){.type = CHANGE_UPLOAD,
			.id = ids[i],
			.destroy = true,
			.how = OBJECT_BLOB_DROP,
			.blob = s.entry.blob};
	}
	return k ? account_objects_change(a, gone, k) : LL_OK;
}

int
account_uploads_used(struct account *a, const struct store_id *ids, size_t n)
{
	int err = account_objects_load(a);

	if (err || account_object_count(a, CHANGE_UPLOAD) <= UPLOADS_USED_MAX)
		return err;
	for (size_t i = 0; i < n && !err; i += EXPIRE_STEP)
		err = uploads_drop(a, ids + i, MIN(n - i, (size_t)EXPIRE_STEP));
	return err;
}
