/* Segments: append-only files of blob frames. Only the writer appends, and only to the last one;
 * a segment's row says up to where its frames are valid, so what a crash left behind that is cut
 * off on the next open and every segment is always a clean row of frames. */
#include "base/error.h"
#include "store/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT_NAME_LEN 20 /* sixteen digits, ".seg" */
#define SEGMENT_MAGIC "LLSEG001"
#define SMALL_SEGMENT                                                                              \
	8 /* a sealed one under an eighth of the full size is folded into the next                 \
	   */

int
file_read(int fd, uint8_t *out, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t r = pread(fd, out, n, (off_t)offset);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r ? LL_ERR_IO : LL_ERR_CORRUPT;
		out += r;
		n -= (size_t)r;
		offset += (size_t)r;
	}
	return LL_OK;
}

int
file_write(int fd, struct slice s, uint64_t offset)
{
	while (s.len) {
		ssize_t r = pwrite(fd, s.ptr, s.len, (off_t)offset);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return LL_ERR_IO;
		s = slice_skip(s, (size_t)r);
		offset += (size_t)r;
	}
	return LL_OK;
}

void
frame_head_put(uint8_t head[FRAME_HEAD], struct store_id blob, size_t len, uint32_t crc)
{
	be32_put(head, FRAME_MAGIC);
	be32_put(head + 4, (uint32_t)len);
	memcpy(head + 8, blob.b, sizeof(blob.b));
	be32_put(head + 24, crc);
}

int
frame_head_get(const uint8_t head[FRAME_HEAD], struct store_id *ret_blob, size_t *ret_len,
	uint32_t *ret_crc)
{
	if (be32_get(head) != FRAME_MAGIC)
		return LL_ERR_CORRUPT;
	*ret_len = be32_get(head + 4);
	memcpy(ret_blob->b, head + 8, sizeof(ret_blob->b));
	*ret_crc = be32_get(head + 24);
	return LL_OK;
}

/* --- the table --- */

static void
segment_name(uint64_t number, char name[SEGMENT_NAME_LEN + 1])
{
	snprintf(name, SEGMENT_NAME_LEN + 1, "%016llx.seg", (unsigned long long)number);
}

/* Under the lock. */
static size_t
segment_index(const struct engine *e, uint64_t number)
{
	size_t low = 0, high = e->segments.len;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (e->segments.at[mid]->number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct segment *
segment_find(struct engine *e, uint64_t number)
{
	size_t i = segment_index(e, number);

	return i < e->segments.len && e->segments.at[i]->number == number ? e->segments.at[i]
									  : NULL;
}

/* Under the lock. */
static int
segment_open(struct engine *e, struct segment *s)
{
	char name[SEGMENT_NAME_LEN + 1];

	if (s->fd >= 0)
		return LL_OK;
	segment_name(s->number, name);
	s->fd = openat(e->segments_fd, name, O_RDWR | O_CLOEXEC | O_NOATIME);
	if (s->fd < 0)
		return LL_ERR_IO;
	e->segments_open++;
	return LL_OK;
}

static void
segment_free(struct engine *e, struct segment *s)
{
	if (s->fd >= 0)
		e->segments_open--;
	fd_close(&s->fd);
	free(s);
}

struct segment *
segment_use(struct engine *e, uint64_t number, int *ret_err)
{
	struct segment *s;

	*ret_err = LL_OK;
	pthread_mutex_lock(&e->lock);
	s = segment_find(e, number);
	if (s && (*ret_err = segment_open(e, s)))
		s = NULL;
	if (s)
		s->users++;
	pthread_mutex_unlock(&e->lock);
	return s;
}

void
segment_release(struct engine *e, struct segment *s)
{
	pthread_mutex_lock(&e->lock);
	if (!--s->users) {
		if (s->retired) {
			segment_free(e, s);
		} else if (e->segments_open > SEGMENTS_OPEN_MAX) {
			fd_close(&s->fd);
			e->segments_open--;
		}
	}
	pthread_mutex_unlock(&e->lock);
}

/* Under the lock or before the threads start. */
static struct segment *
segment_add(struct engine *e, uint64_t number, const struct row_segment *row)
{
	struct segment *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->number = number;
	s->fd = -1;
	s->row = *row;
	if (VEC_PUSH(&e->segments, s)) {
		free(s);
		return NULL;
	}
	e->next_segment = number + 1;
	return s;
}

/* --- writing --- */

void
segment_seal(struct engine *e)
{
	struct segment *s = e->active;

	if (!s)
		return;
	pthread_mutex_lock(&e->lock);
	s->row.sealed = true;
	s->users--; /* the writer's own */
	pthread_mutex_unlock(&e->lock);
	s->touched = true;
	e->sealed = s;
	e->active = NULL;
}

static int
segment_create_file(struct engine *e, uint64_t number)
{
	char name[SEGMENT_NAME_LEN + 1];
	uint8_t head[SEGMENT_HEAD];
	int fd;

	segment_name(number, name);
	fd = openat(e->segments_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOATIME, 0600);
	if (fd < 0)
		return -1;
	memcpy(head, SEGMENT_MAGIC, 8);
	be64_put(head + 8, number);
	/* Synced by itself: its row is written even when the commit that wanted it is refused. */
	if (file_write(fd, SLICE_OF(head), 0) || fdatasync(fd) || fsync(e->segments_fd))
		fd_close(&fd);
	return fd;
}

int
segment_make(struct engine *e)
{
	struct row_segment row = {.end = SEGMENT_HEAD};
	uint64_t number = e->next_segment;
	struct segment *s;
	int fd;

	if (e->active)
		return LL_OK;
	if ((fd = segment_create_file(e, number)) < 0)
		return LL_ERR_IO;
	pthread_mutex_lock(&e->lock);
	s = segment_add(e, number, &row);
	if (s) {
		s->fd = fd;
		s->users = 1; /* the writer keeps it open */
		e->segments_open++;
	}
	pthread_mutex_unlock(&e->lock);
	if (!s) {
		close(fd);
		return LL_ERR_NOMEM;
	}
	s->touched = true;
	e->active = s;
	return LL_OK;
}

/* Writes all of iov at offset; iov is used up. */
static int
write_all(int fd, struct iovec *iov, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t r = pwritev(fd, iov, (int)MIN(n, (size_t)IOV_MAX), (off_t)offset);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return LL_ERR_IO;
		offset += (size_t)r;
		for (; n && (size_t)r >= iov->iov_len; n--, iov++)
			r -= (ssize_t)iov->iov_len;
		if (n && r) {
			iov->iov_base = (uint8_t *)iov->iov_base + r;
			iov->iov_len -= (size_t)r;
		}
	}
	return LL_OK;
}

int
segment_append(struct engine *e)
{
	struct batch *b = &e->batch;
	struct iovec *iov = calloc(b->frames.len * 2, sizeof(*iov));
	size_t n = 0;
	int r;

	if (!iov)
		return LL_ERR_NOMEM;
	VEC_EACH (f, &b->frames) {
		iov[n++] = (struct iovec){f->head, FRAME_HEAD};
		if (f->data.len)
			iov[n++] = (struct iovec){(void *)(uintptr_t)f->data.ptr, f->data.len};
	}
	r = write_all(e->active->fd, iov, n, e->active->row.end);
	free(iov);
	if (r)
		return r;
	return fdatasync(e->active->fd) ? LL_ERR_IO : LL_OK;
}

int
segment_retire(struct engine *e, uint64_t number)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct segment *s;
	size_t i;

	segment_name(number, name);
	pthread_mutex_lock(&e->lock);
	i = segment_index(e, number);
	s = e->segments.at[i];
	VEC_REMOVE(&e->segments, i);
	if (s->users)
		s->retired = true; /* readers have it open: they may go on */
	else
		segment_free(e, s);
	pthread_mutex_unlock(&e->lock);
	return unlinkat(e->segments_fd, name, 0) ? LL_ERR_IO : LL_OK;
}

uint64_t
segment_victim(struct engine *e)
{
	uint64_t found = 0;

	pthread_mutex_lock(&e->lock);
	VEC_EACH (at, &e->segments) {
		const struct segment *s = *at;
		uint64_t used = s->row.end - SEGMENT_HEAD, dead = used - s->row.live;
		if (!s->row.sealed || s->damaged)
			continue;
		if (dead * 100 >= used * e->opt.gc_dead_percent ||
			s->row.end < e->opt.segment_bytes / SMALL_SEGMENT) {
			found = s->number;
			break;
		}
	}
	pthread_mutex_unlock(&e->lock);
	return found;
}

/* --- opening --- */

static int
check_file(struct engine *e, struct segment *s)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct stat st;

	segment_name(s->number, name);
	if (fstatat(e->segments_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return engine_why(e, LL_ERR_CORRUPT, "a segment file is missing");
	if ((uint64_t)st.st_size < s->row.end)
		return engine_why(e, LL_ERR_CORRUPT, "a segment file is too short");
	if (s->row.sealed)
		return LL_OK;
	/* The last one. What lies behind its end was never acknowledged. */
	if (segment_open(e, s))
		return engine_why(e, LL_ERR_IO, "cannot open a segment");
	if ((uint64_t)st.st_size > s->row.end && ftruncate(s->fd, (off_t)s->row.end))
		return engine_why(e, LL_ERR_IO, "cannot cut a segment");
	s->users = 1;
	e->active = s;
	return LL_OK;
}

static int
load_row(struct engine *e, struct slice key, struct slice value)
{
	struct row_segment row;
	struct segment *s;
	int r;

	if (key.len != 9 || (r = row_segment_get(value, &row)) || row.end < SEGMENT_HEAD ||
		row.live > row.end - SEGMENT_HEAD || e->active)
		return engine_why(e, LL_ERR_CORRUPT, "a segment's row is damaged");
	if (!(s = segment_add(e, be64_get(key.ptr + 1), &row)))
		return LL_ERR_NOMEM;
	return check_file(e, s);
}

static int
load_rows(struct engine *e)
{
	struct row_key first = row_key_kind(ROW_SEGMENT), end = row_key_after(first);
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	rocksdb_iterator_t *it;
	char *err = NULL;
	int r = LL_OK;

	rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)end.b, end.len);
	it = rocksdb_create_iterator(e->db, options);
	for (rocksdb_iter_seek(it, (const char *)first.b, first.len); !r && rocksdb_iter_valid(it);
		rocksdb_iter_next(it)) {
		size_t key_len, value_len;
		const char *key = rocksdb_iter_key(it, &key_len);
		const char *value = rocksdb_iter_value(it, &value_len);
		r = load_row(e, slice_new(key, key_len), slice_new(value, value_len));
	}
	rocksdb_iter_get_error(it, &err);
	if (database_error(&err) && !r)
		r = engine_why(e, LL_ERR_IO, "cannot read the segments' rows");
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(options);
	return r;
}

/* Removes a file that no row speaks of: made, or emptied and not yet unlinked, when it crashed. */
static int
sweep_file(struct engine *e, const char *name)
{
	char own[SEGMENT_NAME_LEN + 1];
	uint64_t number = strtoull(name, NULL, 16);

	segment_name(number, own);
	if (strcmp(own, name) != 0)
		return LL_OK; /* not ours */
	if (segment_find(e, number))
		return LL_OK;
	return unlinkat(e->segments_fd, name, 0) ? engine_why(e, LL_ERR_IO, "cannot unlink")
						 : LL_OK;
}

static int
sweep_files(struct engine *e)
{
	int fd = openat(e->segments_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = LL_OK;

	if (!d) {
		fd_close(&fd);
		return engine_why(e, LL_ERR_IO, "cannot list the segments");
	}
	while (!r && (entry = readdir(d)))
		r = sweep_file(e, entry->d_name);
	closedir(d);
	return r;
}

int
segments_open(struct engine *e)
{
	int r;

	e->next_segment = 1;
	if ((r = load_rows(e)))
		return r;
	return sweep_files(e);
}

void
segments_close(struct engine *e)
{
	VEC_EACH (s, &e->segments)
		segment_free(e, *s);
	VEC_DONE(&e->segments);
}
