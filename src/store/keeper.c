/* The keeper: syncs large staged files, collects segments of which much is dead, and sweeps what
 * nobody refers to. It changes nothing that is stored itself: it asks the writer. */
#include "base/error.h"
#include "base/text.h"
#include "store/crc32c.h"
#include "store/engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOVE_BYTES ((size_t)1 << 20) /* of one request to the writer */
#define MOVE_FRAMES 256
#define SWEEP_SECONDS 60

/* --- syncing --- */

/* False when there is none. */
static bool
sync_next(struct engine *e)
{
	struct staged *s;

	pthread_mutex_lock(&e->lock);
	s = e->to_sync;
	if (s && !(e->to_sync = s->next))
		e->to_sync_tail = &e->to_sync;
	pthread_mutex_unlock(&e->lock);
	if (!s)
		return false;
	if (fdatasync(s->fd) || fsync(e->large_fd))
		engine_fail(e); /* the commit that waits for it fails then */
	pthread_mutex_lock(&e->lock);
	fd_close(&s->fd);
	s->state = STAGED_READY;
	e->poke = true;
	pthread_cond_signal(&e->work);
	pthread_mutex_unlock(&e->lock);
	return true;
}

/* --- sweeping --- */

/* Under the lock: a staged blob that waited too long, taken out. */
static struct staged *
take_expired(struct engine *e, int64_t now)
{
	size_t pos = 0;
	void *value;

	while (map_next(e->staged, &pos, NULL, &value)) {
		struct staged *s = value;
		if (s->state != STAGED_READY || s->claimed ||
			now - s->since < (int64_t)e->opt.staged_seconds)
			continue;
		map_del(e->staged, id_slice(&s->blob));
		if (s->data)
			e->staged_bytes -= s->len;
		return s;
	}
	return NULL;
}

static void
sweep_staged(struct engine *e)
{
	int64_t now = engine_now();
	struct staged *s;

	do {
		pthread_mutex_lock(&e->lock);
		s = take_expired(e, now);
		pthread_mutex_unlock(&e->lock);
		if (s && !s->data)
			blob_file_unlink(e, s->blob);
		staged_free(s);
	} while (s);
}

/* A file that is neither staged nor stored was left by a crash. In this order: a blob that stops
 * being staged is stored by then. */
static void
sweep_file(struct engine *e, const char *name)
{
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(STORE_ID_LEN);
	struct store_id blob;
	struct row_blob row;
	bool staged;

	if (hex_decode(&bytes, slice_str(name)) || bytes.len != sizeof(blob.b))
		return;
	memcpy(blob.b, bytes.ptr, sizeof(blob.b));
	pthread_mutex_lock(&e->lock);
	staged = map_get(e->staged, id_slice(&blob)) != NULL;
	pthread_mutex_unlock(&e->lock);
	if (!staged && engine_blob_row(e, blob, &row) == LL_ERR_NOTFOUND)
		blob_file_unlink(e, blob);
}

static void
sweep_large(struct engine *e)
{
	int fd = openat(e->large_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		fd_close(&fd);
		return; /* the next start tries again */
	}
	while ((entry = readdir(d)))
		sweep_file(e, entry->d_name);
	closedir(d);
}

/* --- collecting --- */

struct gather {
	struct job_move at[MOVE_FRAMES];
	size_t n, bytes;
};

static void
gather_done(struct gather *g)
{
	for (size_t i = 0; i < g->n; i++)
		free((void *)(uintptr_t)g->at[i].data.ptr);
}

static int
gather_frame(struct gather *g, struct segment *s, const struct job_move *move)
{
	uint8_t *data = malloc(MAX((size_t)move->from.len, (size_t)1));
	struct job_move *m = &g->at[g->n];

	if (!data)
		return LL_ERR_NOMEM;
	*m = *move;
	m->data = slice_new(data, (size_t)move->from.len);
	if (file_read(s->fd, data, m->data.len, move->from.offset) ||
		crc32c(0, m->data) != move->from.crc) {
		/* Damaged: it stays where it is, and so does the segment. */
		free(data);
		return LL_OK;
	}
	g->n++;
	g->bytes += m->data.len;
	return LL_OK;
}

/* Looks at the frame at e->collect_at and goes behind it. */
static int
gather_next(struct engine *e, struct gather *g, struct segment *s, uint64_t end)
{
	struct job_move m = {.from.segment = s->number};
	uint8_t head[FRAME_HEAD];
	struct row_blob row;
	size_t len;
	int r;

	if (end - e->collect_at < FRAME_HEAD)
		return LL_ERR_CORRUPT;
	if ((r = file_read(s->fd, head, sizeof(head), e->collect_at)) ||
		(r = frame_head_get(head, &m.blob, &len, &m.from.crc)))
		return r;
	if (len > end - e->collect_at - FRAME_HEAD)
		return LL_ERR_CORRUPT;
	m.from.offset = e->collect_at + FRAME_HEAD;
	m.from.len = len;
	r = engine_blob_row(e, m.blob, &row);
	if (!r && row.place.where == BLOB_IN_SEGMENT && row.place.segment == s->number &&
		row.place.offset == m.from.offset)
		r = gather_frame(g, s, &m);
	if (!r || r == LL_ERR_NOTFOUND)
		e->collect_at += FRAME_HEAD + len;
	return r == LL_ERR_NOTFOUND ? LL_OK : r;
}

static int
move_some(struct engine *e, struct segment *s, uint64_t end)
{
	struct gather *g = calloc(1, sizeof(*g));
	struct job job = {.kind = JOB_MOVE};
	int r = LL_OK;

	if (!g)
		return LL_ERR_NOMEM;
	while (!r && e->collect_at < end && g->n < MOVE_FRAMES && g->bytes < MOVE_BYTES)
		r = gather_next(e, g, s, end);
	if (!r && g->n) {
		job.moves = g->at;
		job.n = g->n;
		job.bytes = g->bytes;
		r = engine_submit_wait(e, &job);
	}
	gather_done(g);
	free(g);
	return r;
}

/* Empty now: its row goes, then its file. When something still points to it, it is damaged and
 * kept; when it must not go yet, it is tried again later. */
static int
retire(struct engine *e, uint64_t number)
{
	struct job job = {.kind = JOB_RETIRE, .segment = number};
	int r = engine_submit_wait(e, &job);
	bool held;

	if (!r)
		return segment_retire(e, number);
	pthread_mutex_lock(&e->lock);
	held = e->hold != 0;
	pthread_mutex_unlock(&e->lock);
	return held ? LL_OK : LL_ERR_CORRUPT;
}

/* One step of collecting a segment. False when there is nothing to do. */
static bool
collect(struct engine *e)
{
	struct segment *s;
	uint64_t end;
	int r;

	pthread_mutex_lock(&e->lock);
	r = e->hold != 0;
	pthread_mutex_unlock(&e->lock);
	if (r || atomic_load(&e->failed))
		return false;
	if (!e->collecting) {
		e->collecting = segment_victim(e);
		e->collect_at = SEGMENT_HEAD;
	}
	if (!e->collecting)
		return false;
	if (!(s = segment_use(e, e->collecting, &r))) {
		e->collecting = 0;
		return false;
	}
	end = s->row.end; /* sealed: constant */
	if (e->collect_at < end) {
		r = move_some(e, s, end);
	} else {
		r = retire(e, s->number);
		e->collecting = 0;
	}
	if (r && r != LL_ERR_NOMEM && !atomic_load(&e->failed)) {
		pthread_mutex_lock(&e->lock);
		s->damaged = true;
		pthread_mutex_unlock(&e->lock);
		e->collecting = 0;
	}
	segment_release(e, s);
	return !r || r == LL_ERR_CORRUPT;
}

/* --- the thread --- */

void
keeper_wake(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->keeper_woken = true;
	pthread_cond_signal(&e->keeper_cond);
	pthread_mutex_unlock(&e->lock);
}

/* Under the lock. */
static void
keeper_sleep(struct engine *e)
{
	struct timespec until;

	e->keeper_idle = true;
	pthread_cond_broadcast(&e->idle_cond);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SWEEP_SECONDS;
	pthread_cond_timedwait(&e->keeper_cond, &e->lock, &until);
	e->keeper_idle = false;
}

void *
keeper_main(void *engine)
{
	struct engine *e = engine;
	bool closing = false, swept = false;

	while (!closing) {
		while (sync_next(e))
			;
		pthread_mutex_lock(&e->lock);
		closing = e->keeper_closing && !e->to_sync;
		e->keeper_woken = false;
		pthread_mutex_unlock(&e->lock);
		if (closing)
			break;
		if (!swept)
			sweep_large(e);
		swept = true;
		sweep_staged(e);
		if (collect(e))
			continue;
		pthread_mutex_lock(&e->lock);
		if (!e->keeper_woken && !e->keeper_closing && !e->to_sync)
			keeper_sleep(e);
		pthread_mutex_unlock(&e->lock);
	}
	return NULL;
}

int
store_embedded_settle(struct store *st)
{
	struct engine *e = CONTAINER_OF(st, struct engine, base);

	pthread_mutex_lock(&e->lock);
	e->keeper_woken = true;
	pthread_cond_signal(&e->keeper_cond);
	while (!e->keeper_idle || e->keeper_woken)
		pthread_cond_wait(&e->idle_cond, &e->lock);
	pthread_mutex_unlock(&e->lock);
	return atomic_load(&e->failed);
}
