/* The fixed encodings of the engine's rows; kept apart so that the format can be read in one place.
 */
#include "store/rows.h"
#include "base/error.h"

#include <string.h>

static void
key_add(struct row_key *k, const void *p, size_t n)
{
	assert(n <= sizeof(k->b) - k->len);
	if (n)
		memcpy(k->b + k->len, p, n);
	k->len += n;
}

struct row_key
row_key_kind(enum row_kind kind)
{
	return (struct row_key){.len = 1, .b = {(uint8_t)kind}};
}

struct row_key
row_key_id(enum row_kind kind, struct store_id id)
{
	struct row_key k = row_key_kind(kind);

	key_add(&k, id.b, sizeof(id.b));
	return k;
}

struct row_key
row_key_record(struct store_id partition, struct slice key)
{
	struct row_key k = row_key_id(ROW_RECORD, partition);

	key_add(&k, key.ptr, key.len);
	return k;
}

struct row_key
row_key_ref(struct store_id partition, struct store_id blob)
{
	struct row_key k = row_key_id(ROW_REF, partition);

	key_add(&k, blob.b, sizeof(blob.b));
	return k;
}

struct row_key
row_key_segment(uint64_t number)
{
	struct row_key k = row_key_kind(ROW_SEGMENT);
	uint8_t be[8];

	be64_put(be, number);
	key_add(&k, be, sizeof(be));
	return k;
}

struct row_key
row_key_after(struct row_key prefix)
{
	/* The kind byte is never 0xff, so the carry ends there at the latest. */
	while (prefix.len && ++prefix.b[prefix.len - 1] == 0)
		prefix.len--;
	return prefix;
}

static struct store_id
id_at(struct slice key, size_t at)
{
	struct store_id id;

	assert(key.len >= at + sizeof(id.b));
	memcpy(id.b, key.ptr + at, sizeof(id.b));
	return id;
}

struct store_id
row_key_first_id(struct slice key)
{
	return id_at(key, 1);
}

struct store_id
row_key_last_id(struct slice key)
{
	return id_at(key, key.len - STORE_ID_LEN);
}

void
row_partition_put(const struct row_partition *row, uint8_t out[ROW_PARTITION_LEN])
{
	be64_put(out, row->version);
	be64_put(out + 8, row->blob_bytes);
	be64_put(out + 16, row->blobs);
}

int
row_partition_get(struct slice s, struct row_partition *ret)
{
	if (s.len != ROW_PARTITION_LEN)
		return LL_ERR_CORRUPT;
	ret->version = be64_get(s.ptr);
	ret->blob_bytes = be64_get(s.ptr + 8);
	ret->blobs = be64_get(s.ptr + 16);
	return LL_OK;
}

void
row_blob_put(const struct row_blob *row, uint8_t out[ROW_BLOB_LEN])
{
	be32_put(out, row->refs);
	out[4] = (uint8_t)row->place.where;
	be64_put(out + 5, row->place.segment);
	be64_put(out + 13, row->place.offset);
	be64_put(out + 21, row->place.len);
	be32_put(out + 29, row->place.crc);
}

int
row_blob_get(struct slice s, struct row_blob *ret)
{
	if (s.len != ROW_BLOB_LEN || s.ptr[4] > BLOB_IN_ROW)
		return LL_ERR_CORRUPT;
	ret->refs = be32_get(s.ptr);
	ret->place = (struct blob_place){
		.where = (enum blob_where)s.ptr[4],
		.segment = be64_get(s.ptr + 5),
		.offset = be64_get(s.ptr + 13),
		.len = be64_get(s.ptr + 21),
		.crc = be32_get(s.ptr + 29),
	};
	return LL_OK;
}

void
row_segment_put(const struct row_segment *row, uint8_t out[ROW_SEGMENT_LEN])
{
	be64_put(out, row->live);
	be64_put(out + 8, row->end);
	out[16] = row->sealed;
}

int
row_segment_get(struct slice s, struct row_segment *ret)
{
	if (s.len != ROW_SEGMENT_LEN || s.ptr[16] > 1)
		return LL_ERR_CORRUPT;
	ret->live = be64_get(s.ptr);
	ret->end = be64_get(s.ptr + 8);
	ret->sealed = s.ptr[16];
	return LL_OK;
}
