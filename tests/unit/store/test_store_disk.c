/* What the embedded engine makes of a directory that is damaged, incomplete, or of another version,
 * and what stands in it where. */
#include "base/error.h"
#include "base/macros.h"
#include "base/text.h"
#include "conformance_words.h"
#include "disk.h"
#include "tree.h"

#include <fcntl.h>
#include <rocksdb/c.h>
#include <sys/stat.h>
#include <unistd.h>

/* Flips one byte of a file, at the given place from its start or, if negative, its end. */
static void
flip(const char *path, off_t at)
{
	CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte = 0;

	at = lseek(fd, at, at < 0 ? SEEK_END : SEEK_SET);
	CHECK_INT(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	CHECK_INT(pwrite(fd, &byte, 1, at), 1);
}

static void
damage_is_seen(void)
{
	struct store *s = open_new();
	struct store_id p = new_id(), bad = new_id(), good = new_id(), large = new_id();
	static uint8_t data[2 * MIB];
	struct store_embedded_report report = {0};
	CLEANUP(buf_done) struct buf b = BUF_INIT(4 * MIB), hex = BUF_INIT(100);
	char path[512];

	CHECK_INT(commit_op(s, p, blob_new(good, fill(data, LONG, 1))), LL_OK);
	CHECK_INT(commit_op(s, p, blob_new(bad, fill(data, LONG, 2))), LL_OK);
	CHECK_INT(store_blob_put(s, large, fill(data, sizeof(data), 7)), LL_OK);
	CHECK_INT(commit_op(s, p, blob_ref(large)), LL_OK);
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", disk_dir, 1);
	flip(path, -1);
	hex_encode(&hex, SLICE_OF(large.b));
	snprintf(path, sizeof(path), "%s/large/%.*s", disk_dir, SLICE_ARG(buf_slice(&hex)));
	flip(path, 1000);
	CHECK_INT(store_blob_read(s, p, bad, 0, LONG, &b), LL_ERR_CORRUPT);
	CHECK_INT(store_blob_read(s, p, large, 0, 4 * MIB, &b), LL_ERR_CORRUPT);
	CHECK_INT(b.len, 0);
	CHECK(holds(s, p, good, fill(data, LONG, 1)));
	CHECK_INT(store_embedded_verify(s, &report), LL_ERR_CORRUPT);
	CHECK_INT(report.damaged, 2);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(store_blob_read(s, p, large, 0, 4 * MIB, &b), LL_ERR_CORRUPT);
	store_free(s);
	remove_tree(disk_dir);
}

static void
lost_records_are_noticed(void)
{
	struct store *s = open_new();
	struct store_id p = new_id();
	static uint8_t data[LONG];
	char path[512];
	uint64_t bytes;

	CHECK_INT(commit_op(s, p, blob_new(new_id(), fill(data, LONG, 1))), LL_OK);
	store_free(s);
	snprintf(path, sizeof(path), "%s/records", disk_dir);
	remove_tree(path);
	buf_reset(&disk_why);
	CHECK_INT(store_embedded_open(disk_dir, &disk_options, &s), LL_ERR_CORRUPT);
	CHECK(slice_find(buf_slice(&disk_why), S("no records")) != SLICE_NPOS);
	CHECK_INT(count_files("segments", &bytes), 1); /* not swept */
	remove_tree(disk_dir);
}

/* The database itself, behind the store's back. */
struct raw {
	rocksdb_t *db;
	rocksdb_column_family_handle_t *rows, *small;
	rocksdb_options_t *o;
	rocksdb_writeoptions_t *w;
	rocksdb_readoptions_t *r;
};

static void
raw_open(struct raw *raw)
{
	static const char *const names[] = {"default", "small"};
	rocksdb_column_family_handle_t *handles[2];
	const rocksdb_options_t *each[2];
	char path[512], *err = NULL;

	*raw = (struct raw){.o = rocksdb_options_create(),
		.w = rocksdb_writeoptions_create(),
		.r = rocksdb_readoptions_create()};
	each[0] = each[1] = raw->o;
	snprintf(path, sizeof(path), "%s/records", disk_dir);
	raw->db = rocksdb_open_column_families(raw->o, path, 2, names, each, handles, &err);
	if (err)
		abort();
	raw->rows = handles[0];
	raw->small = handles[1];
}

static void
raw_close(struct raw *raw)
{
	rocksdb_column_family_handle_destroy(raw->rows);
	rocksdb_column_family_handle_destroy(raw->small);
	rocksdb_close(raw->db);
	rocksdb_options_destroy(raw->o);
	rocksdb_writeoptions_destroy(raw->w);
	rocksdb_readoptions_destroy(raw->r);
}

static void
raw_set_format(struct raw *raw, char format)
{
	const char be[4] = {0, 0, 0, format};
	char *err = NULL;

	rocksdb_put(raw->db, raw->w, "F", 1, be, sizeof(be), &err);
	CHECK(!err);
}

/* What a later version of this program will leave behind. */
static void
newer_format_is_refused(void)
{
	struct store *s = open_new();
	struct raw raw;

	store_free(s);
	raw_open(&raw);
	raw_set_format(&raw, 3);
	raw_close(&raw);
	buf_reset(&disk_why);
	CHECK_INT(store_embedded_open(disk_dir, &disk_options, &s), LL_ERR_UNSUPPORTED);
	CHECK(slice_find(buf_slice(&disk_why), S("newer version")) != SLICE_NPOS);
	remove_tree(disk_dir);
}

/* A store of the first format: every blob in a segment or a file, no family for small ones. */
static void
first_format_is_read(void)
{
	enum { N = 50 };
	static uint8_t data[5000];
	struct store_id p = new_id(), old[N], fresh = new_id();
	struct store *s;
	struct raw raw;
	uint64_t bytes;
	char *err = NULL;

	disk_options.small_bytes = 1;
	s = open_new();
	for (uint32_t i = 0; i < N; i++)
		CHECK_INT(
			commit_op(s, p, blob_new(old[i] = new_id(), fill(data, 100 * (i + 1), i))),
			LL_OK);
	store_free(s);
	disk_options.small_bytes = 0;
	raw_open(&raw);
	rocksdb_drop_column_family(raw.db, raw.small, &err);
	CHECK(!err);
	raw_set_format(&raw, 1);
	raw_close(&raw);
	for (int round = 0; round < 2; round++) {
		s = round ? reopen(s) : open_dir(disk_dir);
		verify(s);
		for (uint32_t i = (uint32_t)round; i < N; i++)
			CHECK(holds(s, p, old[i], fill(data, 100 * (i + 1), i)));
		if (round)
			break;
		CHECK_INT(commit_op(s, p, blob_new(fresh, S("in a row"))), LL_OK);
		CHECK_INT(commit_op(s, p, blob_drop(old[0])), LL_OK);
	}
	CHECK(holds(s, p, fresh, S("in a row")));
	CHECK_INT(store_drop(s, p), LL_OK);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK(count_files("segments", &bytes) <= 1);
	close_and_remove(s);
}

static size_t
count_small(void)
{
	struct raw raw;
	rocksdb_iterator_t *it;
	size_t n = 0;

	raw_open(&raw);
	it = rocksdb_create_iterator_cf(raw.db, raw.r, raw.small);
	for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it))
		n++;
	rocksdb_iter_destroy(it);
	raw_close(&raw);
	return n;
}

/* Which blobs stand in rows, that they come back whole or in part, and that nothing of them stays
 * when their last reference goes. */
static void
small_stand_in_rows(void)
{
	enum { LIMIT = 8192 };
	static const size_t sizes[] = {0, 1, 2000, LIMIT - 1, LIMIT, LIMIT + 1};
	struct store_id p = new_id(), q = new_id(), blob[ARRAY_SIZE(sizes)];
	static uint8_t data[LIMIT + 1];
	CLEANUP(buf_done) struct buf part = BUF_INIT(1000);
	struct store *s = open_new();
	uint64_t bytes;

	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		CHECK_INT(count_files("segments", &bytes), 0);
		blob[i] = new_id();
		if (i % 2)
			CHECK_INT(
				commit_op(s, p, blob_new(blob[i], fill(data, sizes[i], i))), LL_OK);
		else
			CHECK_INT(store_blob_put(s, blob[i], fill(data, sizes[i], i)), LL_OK);
		for (int again = 0; again < 2; again++)
			CHECK_INT(commit_op(s, again ? q : p, blob_ref(blob[i])), LL_OK);
	}
	CHECK_INT(count_files("segments", &bytes), 1);
	CHECK_INT(store_blob_read(s, q, blob[2], 1990, 100, &part), LL_OK);
	CHECK(slice_eq(buf_slice(&part), slice_skip(fill(data, 2000, 2), 1990)));
	store_free(s);
	CHECK_INT(count_small(), ARRAY_SIZE(sizes) - 1);
	s = open_dir(disk_dir);
	CHECK_INT(store_drop(s, p), LL_OK);
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++)
		CHECK(holds(s, q, blob[i], fill(data, sizes[i], i)));
	CHECK_INT(commit_op(s, q, blob_drop(blob[2])), LL_OK);
	CHECK_INT(store_drop(s, q), LL_OK);
	store_free(s);
	CHECK_INT(count_small(), 0);
	close_and_remove(open_dir(disk_dir));
}

/* Rows of small blobs that are lost, left over or damaged on the disk. */
static void
small_damage_is_seen(void)
{
	static uint8_t data[4000];
	struct store_id p = new_id(), blob[3];
	struct store_embedded_report report = {0};
	CLEANUP(buf_done) struct buf b = BUF_INIT(MIB);
	struct store *s = open_new();
	struct raw raw;
	rocksdb_iterator_t *it;
	char *err = NULL;
	size_t len;

	for (uint32_t i = 0; i < ARRAY_SIZE(blob); i++)
		CHECK_INT(
			commit_op(s, p, blob_new(blob[i] = new_id(), fill(data, sizeof(data), i))),
			LL_OK);
	store_free(s);
	raw_open(&raw);
	it = rocksdb_create_iterator_cf(raw.db, raw.r, raw.small);
	rocksdb_iter_seek_to_first(it); /* the first goes, the second is changed */
	rocksdb_delete_cf(raw.db, raw.w, raw.small, rocksdb_iter_key(it, &len), 24, &err);
	rocksdb_iter_next(it);
	rocksdb_put_cf(raw.db, raw.w, raw.small, rocksdb_iter_key(it, &len), 24, (const char *)data,
		sizeof(data), &err);
	rocksdb_iter_destroy(it);
	rocksdb_put_cf(raw.db, raw.w, raw.small, "a row that nobody names.", 24, "x", 1, &err);
	CHECK(!err);
	raw_close(&raw);
	s = open_dir(disk_dir);
	CHECK_INT(store_blob_read(s, p, blob[0], 0, MIB, &b), LL_ERR_CORRUPT);
	CHECK_INT(store_blob_read(s, p, blob[1], 0, MIB, &b), LL_ERR_CORRUPT);
	CHECK(holds(s, p, blob[2], fill(data, sizeof(data), 2)));
	CHECK_INT(store_embedded_verify(s, &report), LL_ERR_CORRUPT);
	CHECK_INT(report.damaged, 2);
	CHECK_INT(report.miscounted, 1);
	store_free(s);
	remove_tree(disk_dir);
}

static void
short_segment_is_noticed(void)
{
	struct store *s = open_new();
	struct store_id p = new_id();
	static uint8_t data[LONG];
	char path[512];

	CHECK_INT(commit_op(s, p, blob_new(new_id(), fill(data, LONG, 1))), LL_OK);
	store_free(s);
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", disk_dir, 1);
	CHECK_INT(truncate(path, 30), 0);
	buf_reset(&disk_why);
	CHECK_INT(store_embedded_open(disk_dir, &disk_options, &s), LL_ERR_CORRUPT);
	CHECK(slice_find(buf_slice(&disk_why), S("too short")) != SLICE_NPOS);
	remove_tree(disk_dir);
}

static void
leftovers_are_swept(void)
{
	struct store *s = open_new();
	struct store_id p = new_id(), blob = new_id(), staged = new_id();
	static uint8_t data[2 * MIB];
	uint64_t bytes;
	char path[512];
	int fd;

	CHECK_INT(commit_op(s, p, blob_new(blob, fill(data, LONG, 2))), LL_OK);
	CHECK_INT(store_blob_put(s, staged, fill(data, sizeof(data), 1)), LL_OK);
	CHECK_INT(count_files("large", &bytes), 1);
	store_free(s);
	/* A tail that was never acknowledged, and a segment made just before a crash. */
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", disk_dir, 1);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK_INT(write(fd, "garbage", 7), 7);
	close(fd);
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", disk_dir, 2);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	s = open_dir(disk_dir);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK_INT(count_files("large", &bytes), 0);
	CHECK_INT(count_files("segments", &bytes), 1);
	CHECK_INT(bytes, 16 + 28 + LONG);
	CHECK(holds(s, p, blob, fill(data, LONG, 2)));
	CHECK_INT(commit_op(s, p, blob_new(new_id(), S("next"))), LL_OK);
	close_and_remove(s);
}

int
main(void)
{
	static const struct t_case cases[] = {
		T(damage_is_seen),
		T(lost_records_are_noticed),
		T(newer_format_is_refused),
		T(first_format_is_read),
		T(small_stand_in_rows),
		T(small_damage_is_seen),
		T(short_segment_is_noticed),
		T(leftovers_are_swept),
	};
	int failed = t_main(cases, ARRAY_SIZE(cases));

	buf_done(&disk_why);
	return failed;
}
