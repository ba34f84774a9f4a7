/* Where a blob's bytes are: staged in memory, in a row, in a segment, or in a file of its own. A
 * large blob is written by the caller and synced by the keeper, so that neither the writer nor the
 * caller waits for the disk; only the commit that refers to it does. */
#include "base/error.h"
#include "store/crc32c.h"
#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
blob_file_name(struct store_id blob, char name[HEX_ID_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(blob.b); i++) {
		name[2 * i] = digits[blob.b[i] >> 4];
		name[2 * i + 1] = digits[blob.b[i] & 15];
	}
	name[HEX_ID_LEN] = '\0';
}

void
staged_free(void *staged)
{
	struct staged *s = staged;

	if (!s)
		return;
	fd_close(&s->fd);
	free(s->data);
	free(s);
}

/* Under the lock: takes it out of the table. */
static struct staged *
staged_take(struct engine *e, struct store_id blob)
{
	struct staged *s = map_del(e->staged, id_slice(&blob));

	if (s && s->data)
		e->staged_bytes -= s->len;
	return s;
}

void
staged_forget(struct engine *e, struct store_id blob)
{
	struct staged *s;

	pthread_mutex_lock(&e->lock);
	s = staged_take(e, blob);
	pthread_mutex_unlock(&e->lock);
	staged_free(s);
}

/* Takes the name, which nobody has; decides whether the bytes stay in memory. */
static int
staged_register(struct engine *e, struct staged *s, bool *ret_in_memory)
{
	struct row_blob row;
	int r;

	pthread_mutex_lock(&e->lock);
	if (map_get(e->staged, id_slice(&s->blob)))
		r = LL_ERR_EXISTS;
	else
		r = map_set(e->staged, id_slice(&s->blob), s, NULL);
	if (!r) {
		*ret_in_memory = s->len <= e->opt.large_bytes &&
			e->staged_bytes + s->len <= e->opt.staged_memory;
		if (*ret_in_memory)
			e->staged_bytes += s->len;
	}
	pthread_mutex_unlock(&e->lock);
	if (r)
		return r;
	/* Looked up after the name was taken: the commit that makes a staged blob a stored one
	 * writes the row before it forgets the staged one. */
	r = engine_blob_row(e, s->blob, &row);
	if (r == LL_ERR_NOTFOUND)
		return LL_OK;
	pthread_mutex_lock(&e->lock);
	if (*ret_in_memory)
		e->staged_bytes -= s->len;
	map_del(e->staged, id_slice(&s->blob));
	pthread_mutex_unlock(&e->lock);
	return r ? r : LL_ERR_EXISTS;
}

static int
write_file(struct engine *e, struct staged *s, struct slice data)
{
	char name[HEX_ID_LEN + 1];
	int r = LL_ERR_IO;

	blob_file_name(s->blob, name);
	s->fd = openat(e->large_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return errno == EEXIST ? LL_ERR_EXISTS : errno == ENOSPC ? LL_ERR_AGAIN : LL_ERR_IO;
	/* Space is taken first: a full disk is noticed here and not in the sync. */
	if (data.len && fallocate(s->fd, 0, 0, (off_t)data.len) && errno != EOPNOTSUPP)
		r = errno == ENOSPC ? LL_ERR_AGAIN : LL_ERR_IO;
	else
		r = file_write(s->fd, data, 0);
	if (r)
		unlinkat(e->large_fd, name, 0);
	return r;
}

static int
stage_file(struct engine *e, struct staged *s, struct slice data)
{
	struct store_id blob = s->blob;
	int r = write_file(e, s, data);

	if (r) {
		staged_forget(e, blob);
		return r;
	}
	pthread_mutex_lock(&e->lock);
	s->next = NULL;
	*e->to_sync_tail = s;
	e->to_sync_tail = &s->next;
	pthread_cond_signal(&e->keeper_cond);
	pthread_mutex_unlock(&e->lock);
	return LL_OK;
}

int
blob_stage(struct engine *e, struct store_id blob, struct slice data)
{
	struct staged *s = calloc(1, sizeof(*s));
	bool in_memory;
	int r;

	if (!s)
		return LL_ERR_NOMEM;
	s->blob = blob;
	s->state = STAGED_SYNCING; /* nobody may use it before it is whole */
	s->fd = -1;
	s->len = data.len;
	s->crc = crc32c(0, data);
	s->since = engine_now();
	if ((r = staged_register(e, s, &in_memory))) {
		staged_free(s);
		return r;
	}
	if (!in_memory)
		return stage_file(e, s, data);
	uint8_t *copy = malloc(MAX(data.len, (size_t)1));
	if (copy && data.len)
		memcpy(copy, data.ptr, data.len);
	pthread_mutex_lock(&e->lock);
	s->data = copy;
	s->state = STAGED_READY;
	if (!copy) {
		e->staged_bytes -= s->len;
		map_del(e->staged, id_slice(&blob));
	}
	pthread_mutex_unlock(&e->lock);
	if (!copy)
		staged_free(s);
	return copy ? LL_OK : LL_ERR_NOMEM;
}

static int
read_file(struct engine *e, struct store_id blob, uint64_t offset, size_t len, uint8_t *out)
{
	char name[HEX_ID_LEN + 1];
	CLEANUP(fd_close) int fd = -1;

	blob_file_name(blob, name);
	fd = openat(e->large_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* gone: its last reference was dropped after the row was read */
		return errno == ENOENT ? LL_ERR_NOTFOUND : LL_ERR_IO;
	return file_read(fd, out, len, offset);
}

int
blob_read_at(struct engine *e, struct store_id blob, const struct blob_place *place,
	uint64_t offset, size_t len, uint8_t *out)
{
	struct segment *s;
	int r;

	if (place->where == BLOB_IN_FILE)
		return read_file(e, blob, offset, len, out);
	if (place->where == BLOB_IN_ROW)
		return small_read(e, blob, place, offset, len, out);
	s = segment_use(e, place->segment, &r);
	if (!s)
		return r ? r : LL_ERR_NOTFOUND;
	r = file_read(s->fd, out, len, place->offset + offset);
	segment_release(e, s);
	return r;
}

void
blob_file_unlink(struct engine *e, struct store_id blob)
{
	char name[HEX_ID_LEN + 1];

	blob_file_name(blob, name);
	/* A failure leaves a file that the next start removes. */
	unlinkat(e->large_fd, name, 0);
}
