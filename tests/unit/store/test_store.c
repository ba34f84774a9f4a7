/* The embedded engine: the conformance suite, then what only this engine has. */
#include "base/error.h"
#include "base/text.h"
#include "conformance.h"
#include "store/crc32c.h"
#include "store/embedded.h"
#include "t.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <rocksdb/c.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define LONG 20000 /* too long to stand in a row */

static char dir[256];
static struct buf why = BUF_INIT(1000);
/* Small sizes, so that segments roll and are collected in a short test. */
static struct store_embedded_options options = {
	.segment_bytes = 256 << 10, .min_free = 1, .why = &why};

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
new_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/letterlock-store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		abort();
}

static struct store *
open_dir(const char *path)
{
	struct store *s = NULL;
	int r;

	buf_reset(&why);
	r = store_embedded_open(path, &options, &s);
	if (r)
		fprintf(stderr, "open: %s (%.*s)\n", ll_strerror(r), SLICE_ARG(buf_slice(&why)));
	return s;
}

static struct store *
open_new(void)
{
	new_dir();
	return open_dir(dir);
}

static void
verify(struct store *s)
{
	struct store_embedded_report report = {0};

	CHECK_INT(store_embedded_verify(s, &report), LL_OK);
	CHECK_INT(report.damaged, 0);
	CHECK_INT(report.miscounted, 0);
}

static void
close_and_remove(struct store *s)
{
	verify(s); /* after every case all counts must be right */
	store_free(s);
	remove_tree(dir);
}

static struct store *
reopen(struct store *s)
{
	store_free(s);
	return open_dir(dir);
}

static const struct conformance embedded = {open_new, close_and_remove, reopen};

/* --- this engine's own --- */

static struct store_id
new_id(void)
{
	struct store_id id;

	randombytes_buf(id.b, sizeof(id.b));
	return id;
}

static int
commit_op(struct store *s, struct store_id p, struct store_op op)
{
	struct store_commit c = {.partition = p, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};

	return store_commit_sync(s, &c, NULL);
}

static int
blob_new(struct store *s, struct store_id p, struct store_id blob, struct slice data)
{
	return commit_op(
		s, p, (struct store_op){.kind = STORE_BLOB_NEW, .blob = blob, .value = data});
}

static bool
blob_is(struct store *s, struct store_id p, struct store_id blob, struct slice want)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_BLOB_MAX);

	return !store_blob_read(s, p, blob, 0, STORE_BLOB_MAX, &b) && slice_eq(buf_slice(&b), want);
}

static struct slice
fill(uint8_t *out, size_t n, uint32_t seed)
{
	unsigned char key[randombytes_SEEDBYTES] = {0};

	be32_put(key, seed);
	randombytes_buf_deterministic(out, n, key);
	return slice_new(out, n);
}

/* Files in a folder of the store, and their bytes. */
static size_t
count_files(const char *name, uint64_t *ret_bytes)
{
	char path[512];
	DIR *d;
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	*ret_bytes = 0;
	if (!(d = opendir(path)))
		return 0;
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.' && !fstatat(dirfd(d), entry->d_name, &st, 0)) {
			n++;
			*ret_bytes += (uint64_t)st.st_size;
		}
	closedir(d);
	return n;
}

static void
crc_vectors(void)
{
	uint8_t zeros[32] = {0}, ones[32], pattern[1000];

	memset(ones, 0xff, sizeof(ones));
	/* RFC 3720 section B.4 */
	CHECK_INT(crc32c(0, SLICE_OF(zeros)), 0x8a9136aa);
	CHECK_INT(crc32c(0, SLICE_OF(ones)), 0x62a8ab43);
	CHECK_INT(crc32c(0, S("123456789")), 0xe3069283);
	CHECK_INT(crc32c(0, SLICE_NONE), 0);
	fill(pattern, sizeof(pattern), 1);
	for (size_t i = 0; i <= sizeof(pattern); i += 37)
		CHECK_INT(crc32c(crc32c(0, slice_sub(SLICE_OF(pattern), 0, i)),
				  slice_skip(SLICE_OF(pattern), i)),
			crc32c(0, SLICE_OF(pattern)));
}

static int
check_mode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	CHECK_INT(st->st_mode & 077, 0);
	return 0;
}

static void
modes_and_lock(void)
{
	struct store *s = open_new(), *second = NULL;
	struct store_id p = new_id();
	uint8_t data[2 * MIB];

	CHECK_INT(blob_new(s, p, new_id(), S("x")), LL_OK);
	CHECK_INT(store_blob_put(s, new_id(), fill(data, sizeof(data), 1)), LL_OK);
	nftw(dir, check_mode, 16, FTW_PHYS);
	buf_reset(&why);
	CHECK_INT(store_embedded_open(dir, &options, &second), LL_ERR_AGAIN);
	CHECK(!second);
	CHECK(slice_find(buf_slice(&why), S("another process")) != SLICE_NPOS);
	close_and_remove(s);
}

static void
count_done(void *ctx, int err, uint64_t version)
{
	CHECK_INT(err, LL_OK);
	++*(unsigned *)ctx;
}

static void
event_descriptor(void)
{
	struct store *s = open_new();
	struct pollfd fd = {.fd = store_embedded_fd(s), .events = POLLIN};
	struct store_op op = {.kind = STORE_PUT, .key = S("k"), .value = S("v")};
	struct store_id p = new_id();
	struct store_commit c = {.partition = p, .ops = &op, .n = 1};
	unsigned done = 0;

	CHECK_INT(poll(&fd, 1, 0), 0);
	for (int i = 0; i < 1000; i++) {
		c.expect = (uint64_t)i;
		store_commit(s, &c, count_done, &done);
	}
	while (done < 1000 && poll(&fd, 1, 10000) == 1)
		CHECK_INT(store_embedded_run(s), LL_OK);
	CHECK_INT(done, 1000);
	CHECK_INT(poll(&fd, 1, 0), 0);
	close_and_remove(s);
}

static void
collecting(void)
{
	enum { N = 200, SIZE = 20000 };
	struct store *s = open_new();
	struct store_id p = new_id(), blob[N];
	static uint8_t data[SIZE];
	uint64_t before, after;

	for (uint32_t i = 0; i < N; i++)
		CHECK_INT(blob_new(s, p, blob[i] = new_id(), fill(data, SIZE, i)), LL_OK);
	CHECK(count_files("segments", &before) > 5);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	for (uint32_t i = 0; i < N; i++)
		if (i % 4)
			CHECK_INT(commit_op(s, p,
					  (struct store_op){
						  .kind = STORE_BLOB_DROP, .blob = blob[i]}),
				LL_OK);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	count_files("segments", &after);
	/* A quarter lives; half of a segment may be dead. */
	CHECK(after < before * 6 / 10);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < N; i += 4)
			CHECK(blob_is(s, p, blob[i], fill(data, SIZE, i)));
		verify(s);
		s = reopen(s);
	}
	CHECK_INT(store_drop(s, p), LL_OK);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK(count_files("segments", &after) <= 1);
	close_and_remove(s);
}

static void
backup(void)
{
	enum { N = 60 };
	struct store *s = open_new(), *copy;
	struct store_id p = new_id(), blob[N], large = new_id(), late = new_id();
	static uint8_t data[3 * MIB];
	char path[300];

	snprintf(path, sizeof(path), "%s/copy", dir);
	for (uint32_t i = 0; i < N; i++)
		CHECK_INT(blob_new(s, p, blob[i] = new_id(), fill(data, 20000, i)), LL_OK);
	CHECK_INT(store_blob_put(s, large, fill(data, sizeof(data), 99)), LL_OK);
	CHECK_INT(commit_op(s, p, (struct store_op){.kind = STORE_BLOB_REF, .blob = large}), LL_OK);
	CHECK_INT(store_embedded_backup(s, path), LL_OK);
	CHECK_INT(store_embedded_backup(s, path), LL_ERR_EXISTS);
	/* The original goes on, and loses everything. */
	CHECK_INT(blob_new(s, p, late, S("late")), LL_OK);
	CHECK_INT(store_drop(s, p), LL_OK);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK_INT(blob_new(s, p, new_id(), S("another")), LL_OK);
	copy = open_dir(path);
	CHECK(copy != NULL);
	if (copy) {
		verify(copy);
		for (uint32_t i = 0; i < N; i++)
			CHECK(blob_is(copy, p, blob[i], fill(data, 20000, i)));
		CHECK(blob_is(copy, p, large, fill(data, sizeof(data), 99)));
		CHECK(!blob_is(copy, p, late, S("late")));
		/* Both may be written to. */
		CHECK_INT(blob_new(copy, p, new_id(), S("in the copy")), LL_OK);
		CHECK_INT(store_drop(copy, p), LL_OK);
		CHECK_INT(store_embedded_settle(copy), LL_OK);
		verify(copy);
		store_free(copy);
	}
	close_and_remove(s);
}

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

	CHECK_INT(blob_new(s, p, good, fill(data, LONG, 1)), LL_OK);
	CHECK_INT(blob_new(s, p, bad, fill(data, LONG, 2)), LL_OK);
	CHECK_INT(store_blob_put(s, large, fill(data, sizeof(data), 7)), LL_OK);
	CHECK_INT(commit_op(s, p, (struct store_op){.kind = STORE_BLOB_REF, .blob = large}), LL_OK);
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", dir, 1);
	flip(path, -1);
	hex_encode(&hex, SLICE_OF(large.b));
	snprintf(path, sizeof(path), "%s/large/%.*s", dir, SLICE_ARG(buf_slice(&hex)));
	flip(path, 1000);
	CHECK_INT(store_blob_read(s, p, bad, 0, LONG, &b), LL_ERR_CORRUPT);
	CHECK_INT(store_blob_read(s, p, large, 0, 4 * MIB, &b), LL_ERR_CORRUPT);
	CHECK_INT(b.len, 0);
	CHECK(blob_is(s, p, good, fill(data, LONG, 1)));
	CHECK_INT(store_embedded_verify(s, &report), LL_ERR_CORRUPT);
	CHECK_INT(report.damaged, 2);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(store_blob_read(s, p, large, 0, 4 * MIB, &b), LL_ERR_CORRUPT);
	store_free(s);
	remove_tree(dir);
}

static void
lost_records_are_noticed(void)
{
	struct store *s = open_new();
	struct store_id p = new_id();
	static uint8_t data[LONG];
	char path[512];
	uint64_t bytes;

	CHECK_INT(blob_new(s, p, new_id(), fill(data, LONG, 1)), LL_OK);
	store_free(s);
	snprintf(path, sizeof(path), "%s/records", dir);
	remove_tree(path);
	buf_reset(&why);
	CHECK_INT(store_embedded_open(dir, &options, &s), LL_ERR_CORRUPT);
	CHECK(slice_find(buf_slice(&why), S("no records")) != SLICE_NPOS);
	CHECK_INT(count_files("segments", &bytes), 1); /* not swept */
	remove_tree(dir);
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
	snprintf(path, sizeof(path), "%s/records", dir);
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
	buf_reset(&why);
	CHECK_INT(store_embedded_open(dir, &options, &s), LL_ERR_UNSUPPORTED);
	CHECK(slice_find(buf_slice(&why), S("newer version")) != SLICE_NPOS);
	remove_tree(dir);
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

	options.small_bytes = 1;
	s = open_new();
	for (uint32_t i = 0; i < N; i++)
		CHECK_INT(blob_new(s, p, old[i] = new_id(), fill(data, 100 * (i + 1), i)), LL_OK);
	store_free(s);
	options.small_bytes = 0;
	raw_open(&raw);
	rocksdb_drop_column_family(raw.db, raw.small, &err);
	CHECK(!err);
	raw_set_format(&raw, 1);
	raw_close(&raw);
	for (int round = 0; round < 2; round++) {
		s = round ? reopen(s) : open_dir(dir);
		verify(s);
		for (uint32_t i = (uint32_t)round; i < N; i++)
			CHECK(blob_is(s, p, old[i], fill(data, 100 * (i + 1), i)));
		if (round)
			break;
		CHECK_INT(blob_new(s, p, fresh, S("in a row")), LL_OK);
		CHECK_INT(
			commit_op(s, p, (struct store_op){.kind = STORE_BLOB_DROP, .blob = old[0]}),
			LL_OK);
	}
	CHECK(blob_is(s, p, fresh, S("in a row")));
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
			CHECK_INT(blob_new(s, p, blob[i], fill(data, sizes[i], i)), LL_OK);
		else
			CHECK_INT(store_blob_put(s, blob[i], fill(data, sizes[i], i)), LL_OK);
		for (int again = 0; again < 2; again++)
			CHECK_INT(
				commit_op(s, again ? q : p,
					(struct store_op){.kind = STORE_BLOB_REF, .blob = blob[i]}),
				LL_OK);
	}
	CHECK_INT(count_files("segments", &bytes), 1);
	CHECK_INT(store_blob_read(s, q, blob[2], 1990, 100, &part), LL_OK);
	CHECK(slice_eq(buf_slice(&part), slice_skip(fill(data, 2000, 2), 1990)));
	store_free(s);
	CHECK_INT(count_small(), ARRAY_SIZE(sizes) - 1);
	s = open_dir(dir);
	CHECK_INT(store_drop(s, p), LL_OK);
	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++)
		CHECK(blob_is(s, q, blob[i], fill(data, sizes[i], i)));
	CHECK_INT(commit_op(s, q, (struct store_op){.kind = STORE_BLOB_DROP, .blob = blob[2]}),
		LL_OK);
	CHECK_INT(store_drop(s, q), LL_OK);
	store_free(s);
	CHECK_INT(count_small(), 0);
	close_and_remove(open_dir(dir));
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
		CHECK_INT(blob_new(s, p, blob[i] = new_id(), fill(data, sizeof(data), i)), LL_OK);
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
	s = open_dir(dir);
	CHECK_INT(store_blob_read(s, p, blob[0], 0, MIB, &b), LL_ERR_CORRUPT);
	CHECK_INT(store_blob_read(s, p, blob[1], 0, MIB, &b), LL_ERR_CORRUPT);
	CHECK(blob_is(s, p, blob[2], fill(data, sizeof(data), 2)));
	CHECK_INT(store_embedded_verify(s, &report), LL_ERR_CORRUPT);
	CHECK_INT(report.damaged, 2);
	CHECK_INT(report.miscounted, 1);
	store_free(s);
	remove_tree(dir);
}

static void
short_segment_is_noticed(void)
{
	struct store *s = open_new();
	struct store_id p = new_id();
	static uint8_t data[LONG];
	char path[512];

	CHECK_INT(blob_new(s, p, new_id(), fill(data, LONG, 1)), LL_OK);
	store_free(s);
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", dir, 1);
	CHECK_INT(truncate(path, 30), 0);
	buf_reset(&why);
	CHECK_INT(store_embedded_open(dir, &options, &s), LL_ERR_CORRUPT);
	CHECK(slice_find(buf_slice(&why), S("too short")) != SLICE_NPOS);
	remove_tree(dir);
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

	CHECK_INT(blob_new(s, p, blob, fill(data, LONG, 2)), LL_OK);
	CHECK_INT(store_blob_put(s, staged, fill(data, sizeof(data), 1)), LL_OK);
	CHECK_INT(count_files("large", &bytes), 1);
	store_free(s);
	/* A tail that was never acknowledged, and a segment made just before a crash. */
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", dir, 1);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK_INT(write(fd, "garbage", 7), 7);
	close(fd);
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", dir, 2);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	s = open_dir(dir);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK_INT(count_files("large", &bytes), 0);
	CHECK_INT(count_files("segments", &bytes), 1);
	CHECK_INT(bytes, 16 + 28 + LONG);
	CHECK(blob_is(s, p, blob, fill(data, LONG, 2)));
	CHECK_INT(blob_new(s, p, new_id(), S("next")), LL_OK);
	close_and_remove(s);
}

static void
staged_are_swept(void)
{
	static uint8_t data[2 * MIB];
	struct store_id p = new_id(), small = new_id(), large = new_id(), kept = new_id();
	struct store *s;
	uint64_t bytes;

	options.staged_seconds = 1;
	s = open_new();
	CHECK_INT(store_blob_put(s, small, S("small")), LL_OK);
	CHECK_INT(store_blob_put(s, kept, fill(data, sizeof(data), 2)), LL_OK);
	CHECK_INT(store_blob_put(s, large, fill(data, sizeof(data), 1)), LL_OK);
	CHECK_INT(commit_op(s, p, (struct store_op){.kind = STORE_BLOB_REF, .blob = kept}), LL_OK);
	CHECK_INT(count_files("large", &bytes), 2);
	sleep(2);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK_INT(count_files("large", &bytes), 1);
	CHECK_INT(commit_op(s, p, (struct store_op){.kind = STORE_BLOB_REF, .blob = small}),
		LL_ERR_NOTFOUND);
	CHECK_INT(commit_op(s, p, (struct store_op){.kind = STORE_BLOB_REF, .blob = large}),
		LL_ERR_NOTFOUND);
	CHECK(blob_is(s, p, kept, fill(data, sizeof(data), 2)));
	options.staged_seconds = 0;
	close_and_remove(s);
}

/* More staged bytes than may be held in memory: the rest goes to files, nobody notices. */
static void
staged_memory(void)
{
	static uint8_t data[100000];
	struct store_id p = new_id(), blob[20];
	struct store *s;
	uint64_t bytes;

	options.staged_memory = 500000;
	s = open_new();
	for (uint32_t i = 0; i < ARRAY_SIZE(blob); i++)
		CHECK_INT(
			store_blob_put(s, blob[i] = new_id(), fill(data, sizeof(data), i)), LL_OK);
	CHECK_INT(count_files("large", &bytes), 15);
	for (uint32_t i = 0; i < ARRAY_SIZE(blob); i++) {
		CHECK_INT(
			commit_op(s, p, (struct store_op){.kind = STORE_BLOB_REF, .blob = blob[i]}),
			LL_OK);
		CHECK(blob_is(s, p, blob[i], fill(data, sizeof(data), i)));
	}
	options.staged_memory = 0;
	close_and_remove(s);
}

static void
full_disk(void)
{
	struct store_id p = new_id(), blob = new_id();
	struct store *s = open_new();

	CHECK_INT(blob_new(s, p, blob, S("x")), LL_OK);
	store_free(s);
	options.min_free = UINT64_MAX; /* no disk is this large */
	s = open_dir(dir);
	CHECK_INT(blob_new(s, p, new_id(), S("x")), LL_ERR_AGAIN);
	CHECK(blob_is(s, p, blob, S("x")));
	CHECK_INT(commit_op(s, p, (struct store_op){.kind = STORE_BLOB_DROP, .blob = blob}), LL_OK);
	options.min_free = 1;
	close_and_remove(s);
}

int
main(void)
{
	static const struct t_case own[] = {
		T(crc_vectors),
		T(modes_and_lock),
		T(event_descriptor),
		T(collecting),
		T(backup),
		T(damage_is_seen),
		T(lost_records_are_noticed),
		T(newer_format_is_refused),
		T(first_format_is_read),
		T(small_stand_in_rows),
		T(small_damage_is_seen),
		T(short_segment_is_noticed),
		T(leftovers_are_swept),
		T(staged_are_swept),
		T(staged_memory),
		T(full_disk),
	};
	int failed = conformance_run(&embedded);

	options.small_bytes = 1; /* once more with segments for all but the empty */
	failed += conformance_run(&embedded);
	options.small_bytes = 0;
	failed += t_main(own, ARRAY_SIZE(own));
	buf_done(&why);
	return failed != 0;
}
