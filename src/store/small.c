/* Small blobs stand in the database, beside the records that refer to them: the sync that makes the
 * commit durable makes them durable too. They have a column family of their own, named by the order
 * of their coming, so that its tables never overlap: compaction moves them without rewriting, a
 * mailbox that was filled in order is read in order, and no body takes a record's place in the
 * cache.
 *
 *   number be64 blob(16)    the bytes */
#include "base/error.h"
#include "store/engine.h"

#include <string.h>

static struct row_key
small_key(struct store_id blob, uint64_t number)
{
	struct row_key k = {.len = SMALL_KEY_LEN};

	be64_put(k.b, number);
	memcpy(k.b + 8, blob.b, sizeof(blob.b));
	return k;
}

void
small_add(struct engine *e, struct store_id blob, struct slice data, uint32_t crc,
	struct blob_place *ret_place)
{
	struct row_key k = small_key(blob, e->next_small);

	rocksdb_writebatch_wi_put_cf(e->batch.rows, e->small, (const char *)k.b, k.len,
		(const char *)data.ptr, data.len);
	*ret_place = (struct blob_place){BLOB_IN_ROW, 0, e->next_small++, data.len, crc};
}

void
small_del(struct engine *e, struct store_id blob, const struct blob_place *place)
{
	struct row_key k = small_key(blob, place->offset);

	rocksdb_writebatch_wi_delete_cf(e->batch.rows, e->small, (const char *)k.b, k.len);
}

int
small_read(struct engine *e, struct store_id blob, const struct blob_place *place, uint64_t offset,
	size_t len, uint8_t *out)
{
	struct row_key k = small_key(blob, place->offset);
	rocksdb_pinnableslice_t *p;
	const char *value;
	char *err = NULL;
	size_t have;
	int r;

	p = rocksdb_get_pinned_cf(e->db, e->read, e->small, (const char *)k.b, k.len, &err);
	if ((r = database_result(&err)))
		return r;
	if (!p)
		return LL_ERR_NOTFOUND;
	value = rocksdb_pinnableslice_value(p, &have);
	if (have != place->len)
		r = LL_ERR_CORRUPT;
	else if (len)
		memcpy(out, value + offset, len);
	rocksdb_pinnableslice_destroy(p);
	return r;
}

int
small_open(struct engine *e)
{
	rocksdb_iterator_t *it = rocksdb_create_iterator_cf(e->db, e->read, e->small);
	char *err = NULL;
	size_t len;

	rocksdb_iter_seek_to_last(it);
	if (rocksdb_iter_valid(it)) {
		const char *key = rocksdb_iter_key(it, &len);
		if (len == SMALL_KEY_LEN)
			e->next_small = be64_get((const uint8_t *)key) + 1;
	}
	rocksdb_iter_get_error(it, &err);
	rocksdb_iter_destroy(it);
	return database_error(&err) ? engine_why(e, LL_ERR_IO, "cannot read the small blobs")
				    : LL_OK;
}
