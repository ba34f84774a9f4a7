/* The embedded engine: the conformance suite, then what only this engine has. */
#include "base/error.h"
#include "conformance_words.h"
#include "disk.h"
#include "store/crc32c.h"

#include <ftw.h>
#include <poll.h>
#include <unistd.h>

static const struct conformance embedded = {open_new, close_and_remove, reopen};

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
check_mode(const char *path, const struct stat *found, int type, struct FTW *ftw)
{
	CHECK_INT(found->st_mode & 077, 0);
	return 0;
}

static void
modes_and_lock(void)
{
	struct store *s = open_new(), *second = NULL;
	struct store_id p = new_id();
	uint8_t data[2 * MIB];

	CHECK_INT(commit_op(s, p, blob_new(new_id(), S("x"))), LL_OK);
	CHECK_INT(store_blob_put(s, new_id(), fill(data, sizeof(data), 1)), LL_OK);
	nftw(disk_dir, check_mode, 16, FTW_PHYS);
	buf_reset(&disk_why);
	CHECK_INT(store_embedded_open(disk_dir, &disk_options, &second), LL_ERR_AGAIN);
	CHECK(!second);
	CHECK(slice_find(buf_slice(&disk_why), S("another process")) != SLICE_NPOS);
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
		CHECK_INT(
			commit_op(s, p, blob_new(blob[i] = new_id(), fill(data, SIZE, i))), LL_OK);
	CHECK(count_files("segments", &before) > 5);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	for (uint32_t i = 0; i < N; i++)
		if (i % 4)
			CHECK_INT(commit_op(s, p, blob_drop(blob[i])), LL_OK);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	count_files("segments", &after);
	/* A quarter lives; half of a segment may be dead. */
	CHECK(after < before * 6 / 10);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < N; i += 4)
			CHECK(holds(s, p, blob[i], fill(data, SIZE, i)));
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

	snprintf(path, sizeof(path), "%s/copy", disk_dir);
	for (uint32_t i = 0; i < N; i++)
		CHECK_INT(
			commit_op(s, p, blob_new(blob[i] = new_id(), fill(data, 20000, i))), LL_OK);
	CHECK_INT(store_blob_put(s, large, fill(data, sizeof(data), 99)), LL_OK);
	CHECK_INT(commit_op(s, p, blob_ref(large)), LL_OK);
	CHECK_INT(store_embedded_backup(s, path), LL_OK);
	CHECK_INT(store_embedded_backup(s, path), LL_ERR_EXISTS);
	/* The original goes on, and loses everything. */
	CHECK_INT(commit_op(s, p, blob_new(late, S("late"))), LL_OK);
	CHECK_INT(store_drop(s, p), LL_OK);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK_INT(commit_op(s, p, blob_new(new_id(), S("another"))), LL_OK);
	copy = open_dir(path);
	CHECK(copy != NULL);
	if (copy) {
		verify(copy);
		for (uint32_t i = 0; i < N; i++)
			CHECK(holds(copy, p, blob[i], fill(data, 20000, i)));
		CHECK(holds(copy, p, large, fill(data, sizeof(data), 99)));
		CHECK(!holds(copy, p, late, S("late")));
		/* Both may be written to. */
		CHECK_INT(commit_op(copy, p, blob_new(new_id(), S("in the copy"))), LL_OK);
		CHECK_INT(store_drop(copy, p), LL_OK);
		CHECK_INT(store_embedded_settle(copy), LL_OK);
		verify(copy);
		store_free(copy);
	}
	close_and_remove(s);
}

static void
staged_are_swept(void)
{
	static uint8_t data[2 * MIB];
	struct store_id p = new_id(), small = new_id(), large = new_id(), kept = new_id();
	struct store *s;
	uint64_t bytes;

	disk_options.staged_seconds = 1;
	s = open_new();
	CHECK_INT(store_blob_put(s, small, S("small")), LL_OK);
	CHECK_INT(store_blob_put(s, kept, fill(data, sizeof(data), 2)), LL_OK);
	CHECK_INT(store_blob_put(s, large, fill(data, sizeof(data), 1)), LL_OK);
	CHECK_INT(commit_op(s, p, blob_ref(kept)), LL_OK);
	CHECK_INT(count_files("large", &bytes), 2);
	sleep(2);
	CHECK_INT(store_embedded_settle(s), LL_OK);
	CHECK_INT(count_files("large", &bytes), 1);
	CHECK_INT(commit_op(s, p, blob_ref(small)), LL_ERR_NOTFOUND);
	CHECK_INT(commit_op(s, p, blob_ref(large)), LL_ERR_NOTFOUND);
	CHECK(holds(s, p, kept, fill(data, sizeof(data), 2)));
	disk_options.staged_seconds = 0;
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

	disk_options.staged_memory = 500000;
	s = open_new();
	for (uint32_t i = 0; i < ARRAY_SIZE(blob); i++)
		CHECK_INT(
			store_blob_put(s, blob[i] = new_id(), fill(data, sizeof(data), i)), LL_OK);
	CHECK_INT(count_files("large", &bytes), 15);
	for (uint32_t i = 0; i < ARRAY_SIZE(blob); i++) {
		CHECK_INT(commit_op(s, p, blob_ref(blob[i])), LL_OK);
		CHECK(holds(s, p, blob[i], fill(data, sizeof(data), i)));
	}
	disk_options.staged_memory = 0;
	close_and_remove(s);
}

static void
full_disk(void)
{
	struct store_id p = new_id(), blob = new_id();
	struct store *s = open_new();

	CHECK_INT(commit_op(s, p, blob_new(blob, S("x"))), LL_OK);
	store_free(s);
	disk_options.min_free = UINT64_MAX; /* no disk is this large */
	s = open_dir(disk_dir);
	CHECK_INT(commit_op(s, p, blob_new(new_id(), S("x"))), LL_ERR_AGAIN);
	CHECK(holds(s, p, blob, S("x")));
	CHECK_INT(commit_op(s, p, blob_drop(blob)), LL_OK);
	disk_options.min_free = 1;
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
		T(staged_are_swept),
		T(staged_memory),
		T(full_disk),
	};
	int failed = conformance_run(&embedded);

	disk_options.small_bytes = 1; /* once more with segments for all but the empty */
	failed += conformance_run(&embedded);
	disk_options.small_bytes = 0;
	failed += t_main(own, ARRAY_SIZE(own));
	buf_done(&disk_why);
	return failed != 0;
}