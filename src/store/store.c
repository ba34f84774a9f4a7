/* What every implementation of the store shares: dispatch, and the calls made of others. */
#include "store/store.h"
#include "base/error.h"

#include <string.h>

void
store_free(struct store *s)
{
	if (s)
		s->v->free(s);
}

int
store_get(struct store *s, struct store_id partition, struct slice key, struct buf *ret_value)
{
	return s->v->get(s, partition, key, ret_value);
}

int
store_range(struct store *s, struct store_id partition, struct slice from, struct slice to,
	size_t limit, store_row *row, void *ctx, bool *ret_more)
{
	if (!limit || limit > STORE_RANGE_MAX)
		limit = STORE_RANGE_MAX;
	return s->v->range(s, partition, from, to, limit, row, ctx, ret_more);
}

int
store_stat(struct store *s, struct store_id partition, struct store_stat *ret)
{
	return s->v->stat(s, partition, ret);
}

void
store_commit(struct store *s, const struct store_commit *c, store_done *done, void *ctx)
{
	s->v->commit(s, c, done, ctx);
}

int
store_wait(struct store *s)
{
	return s->v->wait(s);
}

int
store_blob_put(struct store *s, struct store_id blob, struct slice data)
{
	return s->v->blob_put(s, blob, data);
}

int
store_blob_read(struct store *s, struct store_id partition, struct store_id blob, uint64_t offset,
	size_t len, struct buf *ret_data)
{
	return s->v->blob_read(s, partition, blob, offset, len, ret_data);
}

void
store_blob_ahead(struct store *s, struct store_id partition, struct store_id blob, size_t len)
{
	if (s->v->blob_ahead)
		s->v->blob_ahead(s, partition, blob, len);
}

int
store_blob_size(struct store *s, struct store_id partition, struct store_id blob, uint64_t *ret)
{
	return s->v->blob_size(s, partition, blob, ret);
}

int
store_watch(struct store *s, struct store_id partition, store_bell *bell, void *ctx)
{
	return s->v->watch(s, partition, bell, ctx);
}

bool
store_rang(struct store *s, struct store_id partition)
{
	return !s->v->rang || s->v->rang(s, partition);
}

void
store_unwatch(struct store *s, struct store_id partition)
{
	s->v->unwatch(s, partition);
}

int
store_drop(struct store *s, struct store_id partition)
{
	return s->v->drop(s, partition);
}

bool
store_op_has_value(enum store_op_kind kind)
{
	return kind == STORE_PUT || kind == STORE_PUT_NEW || kind == STORE_BLOB_NEW;
}

bool
store_op_has_key(enum store_op_kind kind)
{
	return kind == STORE_PUT || kind == STORE_PUT_NEW || kind == STORE_DEL;
}

static int
op_check(const struct store_op *op)
{
	if ((unsigned)op->kind > STORE_BLOB_DROP)
		return LL_ERR_UNSUPPORTED;
	if (store_op_has_key(op->kind) && (!op->key.len || op->key.len > STORE_KEY_MAX))
		return LL_ERR_LIMIT;
	if (op->kind == STORE_BLOB_NEW)
		return op->value.len > STORE_INLINE_BLOB_MAX ? LL_ERR_LIMIT : LL_OK;
	return store_op_has_value(op->kind) && op->value.len > STORE_VALUE_MAX ? LL_ERR_LIMIT
									       : LL_OK;
}

int
store_commit_check(const struct store_commit *c, size_t *ret_bytes)
{
	size_t bytes = 0;
	int r;

	*ret_bytes = 0;
	if (c->n > STORE_OPS_MAX)
		return LL_ERR_LIMIT;
	for (size_t i = 0; i < c->n; i++) {
		if ((r = op_check(&c->ops[i])))
			return r;
		if (store_op_has_key(c->ops[i].kind))
			bytes += c->ops[i].key.len;
		if (store_op_has_value(c->ops[i].kind))
			bytes += c->ops[i].value.len;
	}
	if (bytes > STORE_COMMIT_MAX)
		return LL_ERR_LIMIT;
	*ret_bytes = bytes;
	return LL_OK;
}

struct sync_result {
	bool done;
	int err;
	uint64_t version;
};

static void
sync_done(void *ctx, int err, uint64_t version)
{
	*(struct sync_result *)ctx = (struct sync_result){true, err, version};
}

int
store_commit_sync(struct store *s, const struct store_commit *c, uint64_t *ret_version)
{
	struct sync_result result = {0};
	int r;

	store_commit(s, c, sync_done, &result);
	while (!result.done)
		/* After an error every done has been called, so none is left to write into this
		 * frame. */
		if ((r = store_wait(s)) && !result.done)
			return r;
	if (!result.err && ret_version)
		*ret_version = result.version;
	return result.err;
}

struct each {
	store_row *row;
	void *ctx;
	size_t len; /* of next; 0 after the last possible key */
	uint8_t next[STORE_KEY_MAX];
};

/* Makes b the first string behind all that start with it; 0 when there is none. */
static size_t
bytes_after(uint8_t *b, size_t len)
{
	while (len && ++b[len - 1] == 0)
		len--;
	return len;
}

static int
each_row(void *ctx, struct slice key, struct slice value)
{
	struct each *e = ctx;

	if (!key.len || key.len > STORE_KEY_MAX)
		return LL_ERR_CORRUPT;
	memcpy(e->next, key.ptr, key.len);
	if (key.len < STORE_KEY_MAX) {
		e->next[key.len] = 0;
		e->len = key.len + 1;
	} else {
		e->len = bytes_after(e->next, key.len);
	}
	return e->row(e->ctx, key, value);
}

int
store_each(
	struct store *s, struct store_id partition, struct slice prefix, store_row *row, void *ctx)
{
	struct each e = {.row = row, .ctx = ctx, .len = prefix.len};
	uint8_t end[STORE_KEY_MAX];
	size_t end_len;
	bool more = true;
	int r;

	if (prefix.len > STORE_KEY_MAX)
		return LL_ERR_LIMIT;
	if (prefix.len) {
		memcpy(e.next, prefix.ptr, prefix.len);
		memcpy(end, prefix.ptr, prefix.len);
	}
	end_len = bytes_after(end, prefix.len);
	do {
		r = store_range(s, partition, slice_new(e.next, e.len), slice_new(end, end_len), 0,
			each_row, &e, &more);
	} while (!r && more && e.len);
	return r;
}
