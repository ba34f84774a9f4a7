/* The store in plain memory: one sorted array of items, each a key with a value that never changes.
 * Items are shared between states by counting, so that to keep a state (before a commit that may
 * fail, or for a rewind) is to copy an array of pointers. */
#include "memory_store.h"

#include "base/error.h"
#include "base/vec.h"

#include <string.h>

#define KEY_MAX (1 + STORE_ID_LEN + STORE_KEY_MAX)

/* What an item is: the first octet of its key. What follows, and its value: */
enum kind {
	ITEM_RECORD = 'r', /* partition, key: the record */
	ITEM_VERSION = 'v', /* partition: the struct version */
	ITEM_BLOB = 'b', /* blob: its data */
	ITEM_REF = 'f', /* partition, blob: empty */
	ITEM_HOLDER = 'h', /* blob, partition: empty */
};

struct item {
	unsigned users;
	size_t key_len, value_len;
	uint8_t bytes[]; /* key, value */
};

struct items {
	VEC(struct item *) v;
};

struct key {
	uint8_t bytes[KEY_MAX];
	size_t len;
};

struct landed {
	store_done *done;
	void *ctx;
	struct store_id partition;
	int err;
	uint64_t version;
};

struct watch {
	struct store_id partition;
	store_bell *bell;
	void *ctx;
	bool rung;
};

struct memory_store {
	struct store base;
	struct items now, marked;
	VEC(struct landed) landed;
	VEC(struct watch) watches;
};

/* ---- Items ---- */

static struct slice
item_key(const struct item *i)
{
	return slice_new(i->bytes, i->key_len);
}

static struct slice
item_value(const struct item *i)
{
	return slice_new(i->bytes + i->key_len, i->value_len);
}

static void
item_unref(struct item *i)
{
	if (--i->users == 0)
		free(i);
}

static void
items_clear(struct items *s)
{
	VEC_EACH (i, &s->v)
		item_unref(*i);
	VEC_DONE(&s->v);
}

static int
items_copy(const struct items *from, struct items *ret)
{
	struct items to = {{0}};

	if (VEC_RESERVE(&to.v, from->v.len))
		return LL_ERR_NOMEM;
	VEC_EACH (i, &from->v) {
		(*i)->users++;
		to.v.at[to.v.len++] = *i;
	}
	*ret = to;
	return LL_OK;
}

/* Where the key is, or would be. */
static size_t
items_place(const struct items *s, struct slice key)
{
	size_t lo = 0, hi = s->v.len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = slice_cmp(item_key(s->v.at[mid]), key);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct item *
items_get(const struct items *s, const struct key *key)
{
	struct slice k = slice_new(key->bytes, key->len);
	size_t at = items_place(s, k);

	return at < s->v.len && slice_eq(item_key(s->v.at[at]), k) ? s->v.at[at] : NULL;
}

static void
items_del(struct items *s, const struct key *key)
{
	if (!items_get(s, key))
		return;
	size_t at = items_place(s, slice_new(key->bytes, key->len));
	item_unref(s->v.at[at]);
	VEC_REMOVE(&s->v, at);
}

static int
items_set(struct items *s, const struct key *key, struct slice value)
{
	struct item *i = malloc(sizeof(*i) + key->len + value.len);
	size_t at;

	if (!i || VEC_RESERVE(&s->v, s->v.len + 1)) {
		free(i);
		return LL_ERR_NOMEM;
	}
	*i = (struct item){1, key->len, value.len};
	memcpy(i->bytes, key->bytes, key->len);
	if (value.len)
		memcpy(i->bytes + key->len, value.ptr, value.len);
	items_del(s, key);
	at = items_place(s, item_key(i));
	for (size_t k = s->v.len++; k > at; k--)
		s->v.at[k] = s->v.at[k - 1];
	s->v.at[at] = i;
	return LL_OK;
}

static struct key
key_of(enum kind kind, struct store_id id, struct slice rest)
{
	struct key k = {.len = 1 + STORE_ID_LEN + rest.len};

	if (k.len > KEY_MAX)
		abort();
	k.bytes[0] = (uint8_t)kind;
	memcpy(k.bytes + 1, id.b, STORE_ID_LEN);
	if (rest.len)
		memcpy(k.bytes + 1 + STORE_ID_LEN, rest.ptr, rest.len);
	return k;
}

/* The first item at or behind this key; its kind and id may be others. */
static size_t
items_from(const struct items *s, enum kind kind, struct store_id id, struct slice rest)
{
	struct key k = key_of(kind, id, rest);

	return items_place(s, slice_new(k.bytes, k.len));
}

/* Whether item `at` is of this kind and id, and what of its key comes then. */
static bool
items_at(const struct items *s, size_t at, enum kind kind, struct store_id id, struct slice *ret)
{
	struct key k = key_of(kind, id, SLICE_NONE);

	if (at >= s->v.len || !slice_starts(item_key(s->v.at[at]), slice_new(k.bytes, k.len)))
		return false;
	*ret = slice_skip(item_key(s->v.at[at]), k.len);
	return true;
}

/* ---- Reading ---- */

static struct memory_store *
self_of(struct store *s)
{
	return (struct memory_store *)s;
}

static int
memory_get(struct store *s, struct store_id partition, struct slice key, struct buf *ret_value)
{
	const struct item *i;
	struct key k;

	if (key.len > STORE_KEY_MAX)
		return LL_ERR_NOTFOUND;
	k = key_of(ITEM_RECORD, partition, key);
	i = items_get(&self_of(s)->now, &k);
	return i ? buf_put(ret_value, item_value(i)) : LL_ERR_NOTFOUND;
}

static int
memory_range(struct store *s, struct store_id partition, struct slice from, struct slice to,
	size_t limit, store_row *row, void *ctx, bool *ret_more)
{
	const struct items *now = &self_of(s)->now;
	size_t at = items_from(now, ITEM_RECORD, partition, from);
	struct slice key;
	int r = LL_OK;

	*ret_more = false;
	for (; !r && items_at(now, at, ITEM_RECORD, partition, &key); at++) {
		if (to.len && slice_cmp(key, to) >= 0)
			break;
		if (!limit--) {
			*ret_more = true;
			break;
		}
		r = row(ctx, key, item_value(now->v.at[at]));
	}
	return r;
}

static uint64_t
version_of(const struct items *s, struct store_id partition)
{
	struct key k = key_of(ITEM_VERSION, partition, SLICE_NONE);
	const struct item *i = items_get(s, &k);
	uint64_t v = 0;

	if (i)
		memcpy(&v, item_value(i).ptr, sizeof(v));
	return v;
}

static const struct item *
blob_of(const struct items *s, struct store_id blob)
{
	struct key k = key_of(ITEM_BLOB, blob, SLICE_NONE);

	return items_get(s, &k);
}

static void
stat_of(const struct items *s, struct store_id partition, struct store_stat *ret)
{
	size_t at = items_from(s, ITEM_REF, partition, SLICE_NONE);
	struct store_stat stat = {.version = version_of(s, partition)};
	struct store_id blob;
	struct slice rest;

	for (; items_at(s, at, ITEM_REF, partition, &rest); at++) {
		memcpy(blob.b, rest.ptr, STORE_ID_LEN);
		stat.blobs++;
		stat.blob_bytes += blob_of(s, blob)->value_len;
	}
	*ret = stat;
}

static int
memory_stat(struct store *s, struct store_id partition, struct store_stat *ret)
{
	stat_of(&self_of(s)->now, partition, ret);
	return LL_OK;
}

static bool
refers(const struct items *s, struct store_id partition, struct store_id blob)
{
	struct key k = key_of(ITEM_REF, partition, SLICE_OF(blob.b));

	return items_get(s, &k);
}

static int
memory_blob_read(struct store *s, struct store_id partition, struct store_id blob, uint64_t offset,
	size_t len, struct buf *ret_data)
{
	const struct items *now = &self_of(s)->now;
	struct slice data;

	if (!refers(now, partition, blob))
		return LL_ERR_NOTFOUND;
	data = item_value(blob_of(now, blob));
	return buf_put(ret_data, slice_sub(data, (size_t)MIN(offset, data.len), len));
}

static int
memory_blob_size(struct store *s, struct store_id partition, struct store_id blob, uint64_t *ret)
{
	const struct items *now = &self_of(s)->now;

	if (!refers(now, partition, blob))
		return LL_ERR_NOTFOUND;
	*ret = blob_of(now, blob)->value_len;
	return LL_OK;
}

/* ---- Committing ---- */

static int
blob_refer(struct items *s, struct store_id partition, struct store_id blob)
{
	struct key ref = key_of(ITEM_REF, partition, SLICE_OF(blob.b));
	struct key holder = key_of(ITEM_HOLDER, blob, SLICE_OF(partition.b));

	return items_set(s, &ref, SLICE_NONE) || items_set(s, &holder, SLICE_NONE) ? LL_ERR_NOMEM
										   : LL_OK;
}

static void
blob_drop(struct items *s, struct store_id partition, struct store_id blob)
{
	struct key ref = key_of(ITEM_REF, partition, SLICE_OF(blob.b));
	struct key holder = key_of(ITEM_HOLDER, blob, SLICE_OF(partition.b));
	struct key data = key_of(ITEM_BLOB, blob, SLICE_NONE);
	struct slice rest;

	if (!refers(s, partition, blob))
		return;
	items_del(s, &ref);
	items_del(s, &holder);
	if (!items_at(s, items_from(s, ITEM_HOLDER, blob, SLICE_NONE), ITEM_HOLDER, blob, &rest))
		items_del(s, &data);
}

static int
blob_write(struct items *s, struct store_id blob, struct slice data)
{
	struct key k = key_of(ITEM_BLOB, blob, SLICE_NONE);

	return blob_of(s, blob) ? LL_ERR_EXISTS : items_set(s, &k, data);
}

static int
apply_record(struct items *s, struct store_id partition, const struct store_op *op)
{
	struct key k = key_of(ITEM_RECORD, partition, op->key);

	if (op->kind == STORE_PUT_NEW && items_get(s, &k))
		return LL_ERR_EXISTS;
	if (op->kind != STORE_DEL)
		return items_set(s, &k, op->value);
	items_del(s, &k);
	return LL_OK;
}

static int
apply(struct items *s, struct store_id partition, const struct store_op *op)
{
	int r;

	if (store_op_has_key(op->kind))
		return apply_record(s, partition, op);
	if (op->kind == STORE_BLOB_NEW) {
		r = blob_write(s, op->blob, op->value);
		return r ? r : blob_refer(s, partition, op->blob);
	}
	if (op->kind == STORE_BLOB_REF)
		return blob_of(s, op->blob) ? blob_refer(s, partition, op->blob) : LL_ERR_NOTFOUND;
	blob_drop(s, partition, op->blob);
	return LL_OK;
}

static int
set_version(struct items *s, const struct store_commit *c, uint64_t *ret)
{
	struct key k = key_of(ITEM_VERSION, c->partition, SLICE_NONE);
	uint64_t v = version_of(s, c->partition) + (c->expect != STORE_ANY_VERSION);

	*ret = v;
	return c->expect == STORE_ANY_VERSION ? LL_OK : items_set(s, &k, slice_new(&v, sizeof(v)));
}

static int
try_commit(struct items *s, const struct store_commit *c, uint64_t *ret_version)
{
	struct store_stat before, after;
	size_t bytes;
	int r = store_commit_check(c, &bytes);

	stat_of(s, c->partition, &before);
	if (!r && c->expect != STORE_ANY_VERSION && c->expect != before.version)
		r = LL_ERR_CONFLICT;
	for (size_t i = 0; !r && i < c->n; i++)
		r = apply(s, c->partition, &c->ops[i]);
	if (r)
		return r;
	stat_of(s, c->partition, &after);
	if (c->quota && after.blob_bytes > c->quota && after.blob_bytes > before.blob_bytes)
		return LL_ERR_QUOTA;
	return set_version(s, c, ret_version);
}

static void
ring(struct memory_store *m, struct store_id partition)
{
	VEC_EACH (w, &m->watches)
		if (!memcmp(&w->partition, &partition, sizeof(partition)))
			w->rung = true;
}

static void
memory_commit(struct store *s, const struct store_commit *c, store_done *done, void *ctx)
{
	struct memory_store *m = self_of(s);
	struct landed l = {.done = done, .ctx = ctx, .partition = c->partition};
	struct items before;

	if (items_copy(&m->now, &before))
		abort();
	l.err = try_commit(&m->now, c, &l.version);
	if (l.err) {
		items_clear(&m->now);
		m->now = before;
	} else {
		items_clear(&before);
	}
	if (VEC_PUSH(&m->landed, l))
		abort();
}

/* The bells may commit, and change the list. */
static void
ring_bells(struct memory_store *m)
{
	for (size_t i = 0; i < m->watches.len; i++) {
		struct watch w = m->watches.at[i];

		m->watches.at[i].rung = false;
		if (w.rung)
			w.bell(w.ctx, w.partition);
	}
}

static int
memory_wait(struct store *s)
{
	struct memory_store *m = self_of(s);

	while (m->landed.len) {
		struct landed l = m->landed.at[0];

		VEC_REMOVE(&m->landed, 0);
		if (!l.err)
			ring(m, l.partition);
		l.done(l.ctx, l.err, l.version);
	}
	ring_bells(m);
	return LL_OK;
}

static int
memory_blob_put(struct store *s, struct store_id blob, struct slice data)
{
	return data.len > STORE_BLOB_MAX ? LL_ERR_LIMIT : blob_write(&self_of(s)->now, blob, data);
}

static int
memory_drop(struct store *s, struct store_id partition)
{
	struct memory_store *m = self_of(s);
	struct key version = key_of(ITEM_VERSION, partition, SLICE_NONE);
	struct store_id blob;
	struct slice rest;
	size_t at = items_from(&m->now, ITEM_RECORD, partition, SLICE_NONE);

	while (items_at(&m->now, at, ITEM_RECORD, partition, &rest)) {
		struct key k = key_of(ITEM_RECORD, partition, rest);

		items_del(&m->now, &k);
	}
	for (;;) {
		at = items_from(&m->now, ITEM_REF, partition, SLICE_NONE);
		if (!items_at(&m->now, at, ITEM_REF, partition, &rest))
			break;
		memcpy(blob.b, rest.ptr, STORE_ID_LEN);
		blob_drop(&m->now, partition, blob);
	}
	items_del(&m->now, &version);
	ring(m, partition);
	return LL_OK;
}

/* ---- The handle ---- */

static void
memory_unwatch(struct store *s, struct store_id partition)
{
	struct memory_store *m = self_of(s);

	for (size_t i = 0; i < m->watches.len; i++)
		if (!memcmp(&m->watches.at[i].partition, &partition, sizeof(partition)))
			VEC_REMOVE(&m->watches, i--);
}

static int
memory_watch(struct store *s, struct store_id partition, store_bell *bell, void *ctx)
{
	memory_unwatch(s, partition);
	return VEC_PUSH(&self_of(s)->watches, ((struct watch){partition, bell, ctx, false}));
}

static void
memory_free(struct store *s)
{
	struct memory_store *m = self_of(s);

	m->watches.len = 0;
	(void)!memory_wait(s);
	items_clear(&m->now);
	items_clear(&m->marked);
	VEC_DONE(&m->landed);
	VEC_DONE(&m->watches);
	free(m);
}

static const struct store_vtable vtable = {
	.free = memory_free,
	.get = memory_get,
	.range = memory_range,
	.stat = memory_stat,
	.commit = memory_commit,
	.wait = memory_wait,
	.blob_put = memory_blob_put,
	.blob_read = memory_blob_read,
	.blob_size = memory_blob_size,
	.watch = memory_watch,
	.unwatch = memory_unwatch,
	.drop = memory_drop,
};

struct store *
memory_store_new(void)
{
	struct memory_store *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->base.v = &vtable;
	return &m->base;
}

int
memory_store_mark(struct store *s)
{
	struct memory_store *m = self_of(s);

	items_clear(&m->marked);
	return items_copy(&m->now, &m->marked);
}

int
memory_store_rewind(struct store *s)
{
	struct memory_store *m = self_of(s);

	items_clear(&m->now);
	return items_copy(&m->marked, &m->now);
}
