/* The embedded engine's reading calls. They take no lock but a segment's: RocksDB serves any number
 * of threads beside the writer. */
#include "base/error.h"
#include "store/crc32c.h"
#include "store/engine.h"

#include <string.h>

#define READ_TRIES 16 /* of a blob that moves */

int
engine_row(struct engine *e, const struct row_key *k, const rocksdb_snapshot_t *at,
	rocksdb_pinnableslice_t **ret)
{
	rocksdb_readoptions_t *options = e->read;
	char *err = NULL;

	if (at) {
		options = rocksdb_readoptions_create();
		rocksdb_readoptions_set_snapshot(options, at);
	}
	*ret = rocksdb_get_pinned(e->db, options, (const char *)k->b, k->len, &err);
	if (at)
		rocksdb_readoptions_destroy(options);
	return database_error(&err) ? LL_ERR_IO : LL_OK;
}

static struct slice
pinned(const rocksdb_pinnableslice_t *p)
{
	size_t len;
	const char *ptr = rocksdb_pinnableslice_value(p, &len);

	return slice_new(ptr, len);
}

int
engine_get(struct store *s, struct store_id partition, struct slice key, struct buf *ret_value)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	rocksdb_pinnableslice_t *p;
	struct row_key k;
	int r;

	if (!key.len || key.len > STORE_KEY_MAX)
		return LL_ERR_NOTFOUND;
	k = row_key_record(partition, key);
	if ((r = engine_row(e, &k, NULL, &p)))
		return r;
	if (!p)
		return LL_ERR_NOTFOUND;
	r = buf_put(ret_value, pinned(p));
	rocksdb_pinnableslice_destroy(p);
	return r;
}

static int
range_rows(rocksdb_iterator_t *it, size_t limit, store_row *row, void *ctx, bool *ret_more)
{
	char *err = NULL;
	int r;

	for (; rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
		size_t key_len, value_len;
		const char *key = rocksdb_iter_key(it, &key_len);
		const char *value = rocksdb_iter_value(it, &value_len);
		if (!limit--) {
			*ret_more = true;
			return LL_OK;
		}
		if ((r = row(ctx, slice_skip(slice_new(key, key_len), 1 + STORE_ID_LEN),
			     slice_new(value, value_len))))
			return r;
	}
	rocksdb_iter_get_error(it, &err);
	if (database_error(&err))
		return LL_ERR_IO;
	*ret_more = false;
	return LL_OK;
}

int
engine_range(struct store *s, struct store_id partition, struct slice from, struct slice to,
	size_t limit, store_row *row, void *ctx, bool *ret_more)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	rocksdb_readoptions_t *options;
	rocksdb_iterator_t *it;
	struct row_key first, end;
	int r;

	if (from.len > STORE_KEY_MAX || to.len > STORE_KEY_MAX)
		return LL_ERR_LIMIT;
	first = row_key_record(partition, from);
	end = to.len ? row_key_record(partition, to)
		     : row_key_after(row_key_id(ROW_RECORD, partition));
	options = rocksdb_readoptions_create();
	rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)end.b, end.len);
	it = rocksdb_create_iterator(e->db, options);
	rocksdb_iter_seek(it, (const char *)first.b, first.len);
	r = range_rows(it, limit, row, ctx, ret_more);
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(options);
	return r;
}

int
engine_stat(struct store *s, struct store_id partition, struct store_stat *ret)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	struct row_key k = row_key_id(ROW_PARTITION, partition);
	struct row_partition row = {0};
	rocksdb_pinnableslice_t *p;
	int r;

	if ((r = engine_row(e, &k, NULL, &p)))
		return r;
	if (p) {
		r = row_partition_get(pinned(p), &row);
		rocksdb_pinnableslice_destroy(p);
	}
	if (!r)
		*ret = (struct store_stat){row.version, row.blob_bytes, row.blobs};
	return r;
}

int
engine_blob_row(struct engine *e, struct store_id blob, struct row_blob *ret)
{
	struct row_key k = row_key_id(ROW_BLOB, blob);
	rocksdb_pinnableslice_t *p;
	int r;

	if ((r = engine_row(e, &k, NULL, &p)))
		return r;
	if (!p)
		return LL_ERR_NOTFOUND;
	r = row_blob_get(pinned(p), ret);
	rocksdb_pinnableslice_destroy(p);
	return r;
}

/* A blob's place, if this partition refers to it. */
static int
blob_look(struct engine *e, struct store_id partition, struct store_id blob, struct row_blob *ret)
{
	struct row_key k = row_key_ref(partition, blob);
	rocksdb_pinnableslice_t *p;
	int r;

	if ((r = engine_row(e, &k, NULL, &p)))
		return r;
	if (!p)
		return LL_ERR_NOTFOUND;
	rocksdb_pinnableslice_destroy(p);
	return engine_blob_row(e, blob, ret);
}

int
engine_blob_size(struct store *s, struct store_id partition, struct store_id blob, uint64_t *ret)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	struct row_blob row;
	int r = blob_look(e, partition, blob, &row);

	if (!r)
		*ret = row.place.len;
	return r;
}

int
engine_blob_read(struct store *s, struct store_id partition, struct store_id blob, uint64_t offset,
	size_t len, struct buf *ret_data)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	struct row_blob row;
	int tries = READ_TRIES;
	uint8_t *out;
	int r;

	do { /* again when the collector has moved it between the two steps */
		if ((r = blob_look(e, partition, blob, &row)))
			return r;
		if (offset >= row.place.len)
			return LL_OK;
		len = (size_t)MIN((uint64_t)len, row.place.len - offset);
		if (!len)
			return LL_OK;
		if (!(out = buf_room(ret_data, len)))
			return ret_data->err;
		r = blob_read_at(e, blob, &row.place, offset, len, out);
	} while (r == LL_ERR_NOTFOUND && --tries);
	if (r == LL_ERR_NOTFOUND) /* a row, and nothing where it points */
		return LL_ERR_CORRUPT;
	if (!r && len == row.place.len && crc32c(0, slice_new(out, len)) != row.place.crc)
		r = LL_ERR_CORRUPT;
	if (!r)
		buf_grow(ret_data, len);
	return r;
}
