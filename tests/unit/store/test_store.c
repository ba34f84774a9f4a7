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

	CHECK_INT(blob_new(s, p, good, S("undamaged")), LL_OK);
	CHECK_INT(blob_new(s, p, bad, S("damaged")), LL_OK);
	CHECK_INT(store_blob_put(s, large, fill(data, sizeof(data), 7)), LL_OK);
	CHECK_INT(commit_op(s, p, (struct store_op){.kind = STORE_BLOB_REF, .blob = large}), LL_OK);
	snprintf(path, sizeof(path), "%s/segments/%016x.seg", dir, 1);
	flip(path, -1);
	hex_encode(&hex, SLICE_OF(large.b));
	snprintf(path, sizeof(path), "%s/large/%.*s", dir, SLICE_ARG(buf_slice(&hex)));
	flip(path, 1000);
	CHECK_INT(store_blob_read(s, p, bad, 0, 100, &b), LL_ERR_CORRUPT);
	CHECK_INT(store_blob_read(s, p, large, 0, 4 * MIB, &b), LL_ERR_CORRUPT);
	CHECK_INT(b.len, 0);
	CHECK(blob_is(s, p, good, S("undamaged")));
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
	char path[512];
	uint64_t bytes;

	CHECK_INT(blob_new(s, p, new_id(), S("precious")), LL_OK);
	store_free(s);
	snprintf(path, sizeof(path), "%s/records", dir);
	remove_tree(path);
	buf_reset(&why);
	CHECK_INT(store_embedded_open(dir, &options, &s), LL_ERR_CORRUPT);
	CHECK(slice_find(buf_slice(&why), S("no records")) != SLICE_NPOS);
	CHECK_INT(count_files("segments", &bytes), 1); /* not swept */
	remove_tree(dir);
}

/* What a later version of this program will leave behind. */
static void
newer_format_is_refused(void)
{
	rocksdb_options_t *o = rocksdb_options_create();
	rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
	struct store *s = open_new();
	char path[512], *err = NULL;
	rocksdb_t *db;

	store_free(s);
	snprintf(path, sizeof(path), "%s/records", dir);
	db = rocksdb_open(o, path, &err);
	CHECK(db != NULL && !err);
	rocksdb_put(db, w, "F", 1, "\0\0\0\2", 4, &err);
	CHECK(!err);
	rocksdb_close(db);
	buf_reset(&why);
	CHECK_INT(store_embedded_open(dir, &options, &s), LL_ERR_UNSUPPORTED);
	CHECK(slice_find(buf_slice(&why), S("newer version")) != SLICE_NPOS);
	rocksdb_options_destroy(o);
	rocksdb_writeoptions_destroy(w);
	remove_tree(dir);
}

static void
short_segment_is_noticed(void)
{
	struct store *s = open_new();
	struct store_id p = new_id();
	char path[512];

	CHECK_INT(blob_new(s, p, new_id(), S("precious")), LL_OK);
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

	CHECK_INT(blob_new(s, p, blob, S("kept")), LL_OK);
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
	CHECK_INT(bytes, 16 + 28 + 4);
	CHECK(blob_is(s, p, blob, S("kept")));
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
		T(short_segment_is_noticed),
		T(leftovers_are_swept),
		T(staged_are_swept),
		T(staged_memory),
		T(full_disk),
	};
	int failed = conformance_run(&embedded);

	failed += t_main(own, ARRAY_SIZE(own));
	buf_done(&why);
	return failed != 0;
}
