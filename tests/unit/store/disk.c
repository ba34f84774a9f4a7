/* The directory, and what is done with the store in it again and again. */
#include "disk.h"

#include "base/error.h"
#include "t.h"
#include "tree.h"

#include <dirent.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

char disk_dir[256];
struct buf disk_why = BUF_INIT(1000);
/* Small sizes, so that segments roll and are collected in a short test. */
struct store_embedded_options disk_options = {
	.segment_bytes = 256 << 10, .min_free = 1, .why = &disk_why};

static void
new_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(disk_dir, sizeof(disk_dir), "%s/letterlock-store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(disk_dir))
		abort();
}

struct store *
open_dir(const char *path)
{
	struct store *s = NULL;
	int r;

	buf_reset(&disk_why);
	r = store_embedded_open(path, &disk_options, &s);
	if (r)
		fprintf(stderr, "open: %s (%.*s)\n", ll_strerror(r),
			SLICE_ARG(buf_slice(&disk_why)));
	return s;
}

struct store *
open_new(void)
{
	new_dir();
	return open_dir(disk_dir);
}

void
verify(struct store *s)
{
	struct store_embedded_report report = {0};

	CHECK_INT(store_embedded_verify(s, &report), LL_OK);
	CHECK_INT(report.damaged, 0);
	CHECK_INT(report.miscounted, 0);
}

void
close_and_remove(struct store *s)
{
	verify(s); /* after every case all counts must be right */
	store_free(s);
	remove_tree(disk_dir);
}

struct store *
reopen(struct store *s)
{
	store_free(s);
	return open_dir(disk_dir);
}

int
commit_op(struct store *s, struct store_id p, struct store_op op)
{
	struct store_commit c = {.partition = p, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};

	return store_commit_sync(s, &c, NULL);
}

bool
holds(struct store *s, struct store_id p, struct store_id blob, struct slice want)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_BLOB_MAX);

	return !store_blob_read(s, p, blob, 0, STORE_BLOB_MAX, &b) && slice_eq(buf_slice(&b), want);
}

struct slice
fill(uint8_t *out, size_t n, uint32_t seed)
{
	unsigned char key[randombytes_SEEDBYTES] = {0};

	be32_put(key, seed);
	randombytes_buf_deterministic(out, n, key);
	return slice_new(out, n);
}

size_t
count_files(const char *name, uint64_t *ret_bytes)
{
	char path[512];
	DIR *d;
	struct dirent *entry;
	struct stat st;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s", disk_dir, name);
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
