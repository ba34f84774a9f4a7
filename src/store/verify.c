/* Reading everything back, and making a copy of everything: what doctor and backup rest on. */
#include "base/error.h"
#include "store/crc32c.h"
#include "store/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct verify {
	struct engine *e;
	const rocksdb_snapshot_t *snapshot;
	struct store_embedded_report report;
	struct map *live; /* segment number: uint64_t * of bytes that blobs there take */
	/* Sum over all references of a keyed hash of the blob, from both ends. Equal sums mean that
	 * every single count is right. */
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	uint64_t from_refs, from_counts;
	/* the partition whose references are being read */
	struct store_id partition;
	uint64_t blobs, blob_bytes;
	/* all partitions together, from both ends */
	uint64_t blobs_seen, blobs_stated;
	/* small blobs, likewise */
	uint64_t small_found, small_stated;
};

typedef int verify_row(struct verify *v, struct slice key, struct slice value);

static int
each_in(struct verify *v, rocksdb_column_family_handle_t *family, struct row_key first,
	verify_row *row)
{
	struct row_key end = row_key_after(first);
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	rocksdb_iterator_t *it;
	char *err = NULL;
	int r = LL_OK;

	rocksdb_readoptions_set_snapshot(options, v->snapshot);
	if (end.len)
		rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)end.b, end.len);
	rocksdb_readoptions_set_fill_cache(options, 0);
	it = rocksdb_create_iterator_cf(v->e->db, options, family);
	for (rocksdb_iter_seek(it, (const char *)first.b, first.len); !r && rocksdb_iter_valid(it);
		rocksdb_iter_next(it)) {
		size_t key_len, value_len;
		const char *key = rocksdb_iter_key(it, &key_len);
		const char *value = rocksdb_iter_value(it, &value_len);
		r = row(v, slice_new(key, key_len), slice_new(value, value_len));
	}
	rocksdb_iter_get_error(it, &err);
	if (!r && (r = database_result(&err)) == LL_ERR_CORRUPT) {
		v->report.damaged++; /* and what lies behind it cannot be reached */
		r = LL_OK;
	}
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(options);
	return r;
}

static int
each_row(struct verify *v, enum row_kind kind, verify_row *row)
{
	return each_in(v, v->e->rows, row_key_kind(kind), row);
}

static uint64_t
blob_hash(const struct verify *v, struct store_id blob)
{
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, blob.b, sizeof(blob.b), v->hash_key);
	return h;
}

/* A row at the time of the snapshot, at most cap bytes. LL_ERR_NOTFOUND. */
static int
row_at(struct verify *v, struct row_key k, uint8_t *out, size_t cap, size_t *ret_len)
{
	rocksdb_pinnableslice_t *p;
	const char *value;
	int r = engine_row(v->e, &k, v->snapshot, &p);

	if (r || !p)
		return r ? r : LL_ERR_NOTFOUND;
	value = rocksdb_pinnableslice_value(p, ret_len);
	if (*ret_len <= cap)
		memcpy(out, value, *ret_len);
	else
		r = LL_ERR_CORRUPT;
	rocksdb_pinnableslice_destroy(p);
	return r;
}

static int
verify_record(struct verify *v, struct slice key, struct slice value)
{
	if (key.len <= 1 + STORE_ID_LEN || key.len > ROW_KEY_MAX || value.len > STORE_VALUE_MAX)
		v->report.damaged++;
	v->report.records++;
	return LL_OK;
}

static int
verify_partition(struct verify *v, struct slice key, struct slice value)
{
	struct row_partition row;

	v->report.partitions++;
	if (key.len != 1 + STORE_ID_LEN || row_partition_get(value, &row))
		v->report.damaged++;
	else
		v->blobs_stated += row.blobs;
	return LL_OK;
}

/* The references of one partition were read: compares with what its row says. */
static int
close_partition(struct verify *v)
{
	uint8_t value[ROW_PARTITION_LEN];
	struct row_partition row;
	size_t len;
	int r;

	if (!v->blobs)
		return LL_OK;
	r = row_at(v, row_key_id(ROW_PARTITION, v->partition), value, sizeof(value), &len);
	if (r == LL_ERR_IO)
		return r;
	if (r || row_partition_get(slice_new(value, len), &row) || row.blobs != v->blobs ||
		row.blob_bytes != v->blob_bytes)
		v->report.miscounted++;
	v->blobs_seen += v->blobs;
	v->blobs = v->blob_bytes = 0;
	return LL_OK;
}

static int
verify_ref(struct verify *v, struct slice key, struct slice value)
{
	struct store_id partition, blob;
	uint8_t found[ROW_BLOB_LEN];
	struct row_blob row;
	size_t len;
	int r;

	if (key.len != 1 + 2 * STORE_ID_LEN) {
		v->report.damaged++;
		return LL_OK;
	}
	partition = row_key_first_id(key);
	blob = row_key_last_id(key);
	if (memcmp(&partition, &v->partition, sizeof(partition)) != 0) {
		if ((r = close_partition(v)))
			return r;
		v->partition = partition;
	}
	r = row_at(v, row_key_id(ROW_BLOB, blob), found, sizeof(found), &len);
	if (r == LL_ERR_IO)
		return r;
	if (r || row_blob_get(slice_new(found, len), &row)) {
		v->report.damaged++;
		return LL_OK;
	}
	v->blobs++;
	v->blob_bytes += row.place.len;
	v->from_refs += blob_hash(v, blob);
	return LL_OK;
}

static int
add_live(struct verify *v, const struct blob_place *place)
{
	uint8_t key[8];
	uint64_t *sum;

	if (place->where != BLOB_IN_SEGMENT)
		return LL_OK;
	be64_put(key, place->segment);
	if (!(sum = map_get(v->live, SLICE_OF(key)))) {
		sum = calloc(1, sizeof(*sum));
		if (!sum || map_set(v->live, SLICE_OF(key), sum, NULL)) {
			free(sum);
			return LL_ERR_NOMEM;
		}
	}
	*sum += FRAME_HEAD + place->len;
	return LL_OK;
}

/* The bytes of one that stands in a row; one that no blob's row names, or another one, should not
 * be there. */
static int
verify_small(struct verify *v, struct slice key, struct slice value)
{
	uint8_t found[ROW_BLOB_LEN];
	struct row_blob row;
	size_t len;
	int r;

	if (key.len != SMALL_KEY_LEN) {
		v->report.damaged++;
		return LL_OK;
	}
	r = row_at(v, row_key_id(ROW_BLOB, row_key_last_id(key)), found, sizeof(found), &len);
	if (r == LL_ERR_IO)
		return r;
	if (r || row_blob_get(slice_new(found, len), &row) || row.place.where != BLOB_IN_ROW ||
		row.place.offset != be64_get(key.ptr)) {
		v->report.miscounted++;
		return LL_OK;
	}
	v->small_found++;
	if (row.place.len != value.len || row.place.crc != crc32c(0, value))
		v->report.damaged++;
	return LL_OK;
}

static int
verify_blob(struct verify *v, struct slice key, struct slice value)
{
	struct row_blob row;
	struct store_id blob;
	uint8_t *data;
	int r;

	if (key.len != 1 + STORE_ID_LEN || row_blob_get(value, &row) ||
		row.place.len > STORE_BLOB_MAX) {
		v->report.damaged++;
		return LL_OK;
	}
	blob = row_key_first_id(key);
	v->from_counts += row.refs * blob_hash(v, blob);
	v->report.blobs++;
	v->report.blob_bytes += row.place.len;
	if (row.place.where == BLOB_IN_ROW) { /* read in its own place, in the order there */
		v->small_stated++;
		v->report.damaged += !row.refs;
		return LL_OK;
	}
	if (!(data = malloc(MAX((size_t)row.place.len, (size_t)1))))
		return LL_ERR_NOMEM;
	r = blob_read_at(v->e, blob, &row.place, 0, (size_t)row.place.len, data);
	if (r || !row.refs || crc32c(0, slice_new(data, (size_t)row.place.len)) != row.place.crc)
		v->report.damaged++;
	free(data);
	return add_live(v, &row.place);
}

static int
verify_segment(struct verify *v, struct slice key, struct slice value)
{
	struct row_segment row;
	uint64_t *sum;

	if (key.len != 9 || row_segment_get(value, &row)) {
		v->report.damaged++;
		return LL_OK;
	}
	sum = map_del(v->live, slice_skip(key, 1));
	if (row.live != (sum ? *sum : 0))
		v->report.miscounted++;
	free(sum);
	return LL_OK;
}

static int
verify_all(struct verify *v)
{
	int r;

	if ((r = each_row(v, ROW_RECORD, verify_record)) ||
		(r = each_row(v, ROW_PARTITION, verify_partition)) ||
		(r = each_row(v, ROW_REF, verify_ref)) || (r = close_partition(v)) ||
		(r = each_row(v, ROW_BLOB, verify_blob)) ||
		(r = each_in(v, v->e->small, (struct row_key){0}, verify_small)) ||
		(r = each_row(v, ROW_SEGMENT, verify_segment)))
		return r;
	/* What is left there points to segments that have no row. */
	v->report.miscounted += map_len(v->live);
	v->report.damaged += v->small_stated - v->small_found;
	v->report.miscounted += v->from_refs != v->from_counts;
	v->report.miscounted += v->blobs_seen != v->blobs_stated;
	return v->report.damaged || v->report.miscounted ? LL_ERR_CORRUPT : LL_OK;
}

int
store_embedded_verify(struct store *s, struct store_embedded_report *ret)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	struct verify v = {.e = e, .live = map_new()};
	int r;

	if (!v.live)
		return LL_ERR_NOMEM;
	randombytes_buf(v.hash_key, sizeof(v.hash_key));
	engine_hold(e); /* what the snapshot points to stays */
	v.snapshot = rocksdb_create_snapshot(e->db);
	r = verify_all(&v);
	rocksdb_release_snapshot(e->db, v.snapshot);
	engine_release(e);
	map_free(v.live, free);
	if (!r || r == LL_ERR_CORRUPT)
		*ret = v.report;
	return r;
}

/* --- backup --- */

/* Hard links every file of one folder into the other, which is made. */
static int
link_all(int from_fd, int to_dir_fd, const char *name)
{
	CLEANUP(fd_close) int to_fd = -1;
	int fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = LL_OK;

	if (!d) {
		fd_close(&fd);
		return LL_ERR_IO;
	}
	if (!mkdirat(to_dir_fd, name, 0700))
		to_fd = openat(to_dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to_fd < 0)
		r = LL_ERR_IO;
	while (!r && (entry = readdir(d)))
		/* One that has gone meanwhile had no row. */
		if (entry->d_name[0] != '.' &&
			linkat(from_fd, entry->d_name, to_fd, entry->d_name, 0) && errno != ENOENT)
			r = LL_ERR_IO;
	closedir(d);
	return !r && fsync(to_fd) ? LL_ERR_IO : r;
}

static int
backup_into(struct engine *e, const char *dir, int dir_fd)
{
	struct job job = {.kind = JOB_CHECKPOINT};
	char *records = NULL;
	int r;

	if (asprintf(&records, "%s/records", dir) < 0)
		return LL_ERR_NOMEM;
	job.dir = records;
	r = engine_submit_wait(e, &job);
	free(records);
	if (r || (r = link_all(e->segments_fd, dir_fd, "segments")) ||
		(r = link_all(e->large_fd, dir_fd, "large")))
		return r;
	return fsync(dir_fd) ? LL_ERR_IO : LL_OK;
}

int
store_embedded_backup(struct store *s, const char *dir)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	CLEANUP(fd_close) int dir_fd = -1;
	int r;

	if (mkdir(dir, 0700))
		return errno == EEXIST ? LL_ERR_EXISTS : LL_ERR_IO;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return LL_ERR_IO;
	engine_hold(e); /* whatever the copied records point to stays until it is linked */
	r = backup_into(e, dir, dir_fd);
	engine_release(e);
	return r;
}
