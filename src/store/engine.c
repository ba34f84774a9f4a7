/* The embedded engine's outside: opening and closing, handing jobs to the writer, and calling back
 * when they are done. */
#include "store/engine.h"
#include "base/error.h"
#include "store/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUN_MAX 256 /* callbacks of one store_embedded_run */

int64_t
engine_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec;
}

int
engine_fail(struct engine *e)
{
	atomic_store(&e->failed, LL_ERR_IO);
	return LL_ERR_IO;
}

/* --- jobs --- */

/* Hands a job to the writer. */
static void
engine_submit(struct engine *e, struct job *j)
{
	pthread_mutex_lock(&e->lock);
	job_list_add(&e->queue, j);
	e->queued++;
	pthread_cond_signal(&e->work);
	pthread_mutex_unlock(&e->lock);
}

int
engine_submit_wait(struct engine *e, struct job *j)
{
	j->internal = true;
	pthread_mutex_lock(&e->lock);
	job_list_add(&e->queue, j);
	e->queued++;
	pthread_cond_signal(&e->work);
	while (!j->finished)
		pthread_cond_wait(&e->finished, &e->lock);
	pthread_mutex_unlock(&e->lock);
	return j->err;
}

static struct slice
copy_to(uint8_t **at, struct slice s)
{
	struct slice copy = slice_new(*at, s.len);

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static void
job_copy_ops(struct job *j, const struct store_commit *c)
{
	uint8_t *at = (uint8_t *)(j->ops + c->n);

	for (size_t i = 0; i < c->n; i++) {
		const struct store_op *from = &c->ops[i];
		struct job_op *to = &j->ops[i];
		to->op.kind = from->kind;
		to->op.blob = from->blob;
		if (store_op_has_key(from->kind))
			to->op.key = copy_to(&at, from->key);
		if (store_op_has_value(from->kind))
			to->op.value = copy_to(&at, from->value);
		if (from->kind == STORE_BLOB_NEW)
			to->crc = crc32c(0, to->op.value);
		if (from->kind != STORE_DEL && from->kind != STORE_BLOB_DROP)
			j->grows = true;
	}
	j->n = c->n;
}

static void
queue_done(struct engine *e, struct job *j)
{
	uint64_t one = 1;

	pthread_mutex_lock(&e->lock);
	job_list_add(&e->done, j);
	if (write(e->event_fd, &one, sizeof(one)) < 0)
		engine_fail(e); /* cannot happen: the counter never gets near its end */
	pthread_mutex_unlock(&e->lock);
}

static void
engine_commit(struct store *s, const struct store_commit *c, store_done *done, void *ctx)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	size_t bytes;
	int err = store_commit_check(c, &bytes);
	size_t n = err ? 0 : c->n;
	struct job *j = malloc(sizeof(*j) + n * sizeof(j->ops[0]) + bytes);

	/* Without the few bytes that carry the bad news there is no way to keep the promise that
	 * done is called later. */
	assert(j);
	*j = (struct job){
		.kind = JOB_COMMIT,
		.partition = c->partition,
		.expect = c->expect,
		.quota = c->quota,
		.done = done,
		.ctx = ctx,
		.bytes = bytes,
		.err = err ? err : atomic_load(&e->failed),
	};
	e->pending++;
	if (j->err) {
		queue_done(e, j);
		return;
	}
	memset(j->ops, 0, n * sizeof(j->ops[0]));
	job_copy_ops(j, c);
	engine_submit(e, j);
}

static struct job *
next_done(struct engine *e)
{
	struct job *j;
	uint64_t count;

	pthread_mutex_lock(&e->lock);
	j = job_list_pop(&e->done);
	/* The counter stays readable for as long as something is left. */
	if (!e->done.head && read(e->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		engine_fail(e);
	pthread_mutex_unlock(&e->lock);
	return j;
}

static void
call_done(struct engine *e, struct job *j)
{
	struct watch *w;

	/* In this order: whoever acts on what done says finds that the bell has rung. */
	if (!j->err && (w = map_get(e->watches, id_slice(&j->partition))))
		w->bell(w->ctx, j->partition);
	if (j->done) {
		e->pending--;
		e->called++;
		j->done(j->ctx, j->err, j->version);
	}
	free(j);
}

int
store_embedded_run(struct store *s)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	struct job *j;

	for (int i = 0; i < RUN_MAX && (j = next_done(e)); i++)
		call_done(e, j);
	return atomic_load(&e->failed);
}

int
store_embedded_fd(struct store *s)
{
	return CONTAINER_OF(s, struct engine, base)->event_fd;
}

static int
engine_wait(struct store *s)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	uint64_t before = e->called;
	int r = atomic_load(&e->failed);

	/* After a failure the writer fails all that is left, and only then is it over. */
	while (e->pending && (r || e->called == before)) {
		pthread_mutex_lock(&e->lock);
		while (!e->done.head)
			pthread_cond_wait(&e->done_cond, &e->lock);
		pthread_mutex_unlock(&e->lock);
		r = store_embedded_run(s);
	}
	return r ? LL_ERR_CLOSED : LL_OK;
}

static int
engine_drop(struct store *s, struct store_id partition)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	struct job *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return LL_ERR_NOMEM;
	j->kind = JOB_DROP;
	j->partition = partition;
	r = engine_submit_wait(e, j);
	queue_done(e, j); /* rings the bell, frees the job */
	return r;
}

/* --- watches --- */

static int
engine_watch(struct store *s, struct store_id partition, store_bell *bell, void *ctx)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);
	struct watch *w = malloc(sizeof(*w));
	void *old = NULL;

	if (!w)
		return LL_ERR_NOMEM;
	*w = (struct watch){bell, ctx};
	if (map_set(e->watches, id_slice(&partition), w, &old)) {
		free(w);
		return LL_ERR_NOMEM;
	}
	free(old);
	return LL_OK;
}

static void
engine_unwatch(struct store *s, struct store_id partition)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);

	free(map_del(e->watches, id_slice(&partition)));
}

/* --- staging --- */

static int
engine_blob_put(struct store *s, struct store_id blob, struct slice data)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);

	if (data.len > STORE_BLOB_MAX)
		return LL_ERR_LIMIT;
	if (atomic_load(&e->failed))
		return LL_ERR_IO;
	return blob_stage(e, blob, data);
}

/* --- holding back deletions --- */

void
engine_hold(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->hold++;
	pthread_mutex_unlock(&e->lock);
}

void
engine_release(struct engine *e)
{
	VEC(struct store_id) held = {0};

	pthread_mutex_lock(&e->lock);
	if (!--e->hold) {
		memcpy(&held, &e->held, sizeof(held));
		memset(&e->held, 0, sizeof(e->held));
		pthread_cond_signal(&e->keeper_cond);
	}
	pthread_mutex_unlock(&e->lock);
	VEC_EACH (blob, &held)
		blob_file_unlink(e, *blob);
	VEC_DONE(&held);
}

/* --- opening and closing --- */

static void
engine_free(struct store *s)
{
	struct engine *e = CONTAINER_OF(s, struct engine, base);

	if (e->keeper_running) { /* first the keeper, whose last job the writer may have */
		pthread_mutex_lock(&e->lock);
		e->keeper_closing = true;
		pthread_cond_signal(&e->keeper_cond);
		pthread_mutex_unlock(&e->lock);
		pthread_join(e->keeper, NULL);
		pthread_mutex_lock(&e->lock);
		e->closing = true;
		pthread_cond_signal(&e->work);
		pthread_mutex_unlock(&e->lock);
		pthread_join(e->writer, NULL);
		for (struct job *j; (j = next_done(e));)
			call_done(e, j);
	}
	batch_done(&e->batch);
	segments_close(e);
	database_close(e);
	map_free(e->watches, free);
	map_free(e->staged, staged_free);
	VEC_DONE(&e->held);
	fd_close(&e->segments_fd);
	fd_close(&e->large_fd);
	fd_close(&e->event_fd);
	fd_close(&e->dir_fd);
	fd_close(&e->lock_fd); /* last: another process may take over now */
	pthread_mutex_destroy(&e->lock);
	free(e->dir);
	free(e);
}

static const struct store_vtable engine_vtable = {
	.free = engine_free,
	.get = engine_get,
	.range = engine_range,
	.stat = engine_stat,
	.commit = engine_commit,
	.wait = engine_wait,
	.blob_put = engine_blob_put,
	.blob_read = engine_blob_read,
	.blob_size = engine_blob_size,
	.watch = engine_watch,
	.unwatch = engine_unwatch,
	.drop = engine_drop,
};

int
engine_why(struct engine *e, int err, const char *what)
{
	if (e->opt.why && !e->opt.why->len)
		buf_printf(e->opt.why, "%s: %s%s%s", e->dir, what, err == LL_ERR_IO ? ": " : "",
			err == LL_ERR_IO ? strerror(errno) : "");
	return err;
}

static int
make_dir(struct engine *e, int at, const char *name, int *ret_fd)
{
	if (mkdirat(at, name, 0700) && errno != EEXIST)
		return engine_why(e, LL_ERR_IO, "cannot make a directory");
	*ret_fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? engine_why(e, LL_ERR_IO, "cannot open a directory") : LL_OK;
}

static int
open_dirs(struct engine *e)
{
	int r;

	umask(077);
	if ((r = make_dir(e, AT_FDCWD, e->dir, &e->dir_fd)))
		return r;
	e->lock_fd = openat(e->dir_fd, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (e->lock_fd < 0)
		return engine_why(e, LL_ERR_IO, "cannot open the lock");
	if (flock(e->lock_fd, LOCK_EX | LOCK_NB))
		return engine_why(e, LL_ERR_AGAIN, "another process has the store open");
	if ((r = make_dir(e, e->dir_fd, "segments", &e->segments_fd)) ||
		(r = make_dir(e, e->dir_fd, "large", &e->large_fd)))
		return r;
	return fsync(e->dir_fd) ? engine_why(e, LL_ERR_IO, "cannot sync") : LL_OK;
}

static void
set_defaults(struct store_embedded_options *o)
{
	o->cache_bytes = o->cache_bytes ? o->cache_bytes : (size_t)64 << 20;
	o->write_buffer = o->write_buffer ? o->write_buffer : (size_t)64 << 20;
	o->small_bytes = o->small_bytes ? o->small_bytes : (uint64_t)8 << 10;
	o->segment_bytes = o->segment_bytes ? o->segment_bytes : (uint64_t)256 << 20;
	o->large_bytes = o->large_bytes ? o->large_bytes : (uint64_t)1 << 20;
	o->staged_memory = o->staged_memory ? o->staged_memory : (uint64_t)64 << 20;
	o->min_free = o->min_free ? o->min_free : (uint64_t)64 << 20;
	o->gc_dead_percent = o->gc_dead_percent ? o->gc_dead_percent : 50;
	o->staged_seconds = o->staged_seconds ? o->staged_seconds : 3600;
}

static struct engine *
engine_new(const char *dir, const struct store_embedded_options *options)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->base.v = &engine_vtable;
	if (options)
		e->opt = *options;
	set_defaults(&e->opt);
	e->dir_fd = e->lock_fd = e->segments_fd = e->large_fd = -1;
	e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->dir = strdup(dir);
	e->watches = map_new();
	e->staged = map_new();
	e->to_sync_tail = &e->to_sync;
	job_list_init(&e->queue);
	job_list_init(&e->done);
	job_list_init(&e->parked);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->work, NULL);
	pthread_cond_init(&e->finished, NULL);
	pthread_cond_init(&e->done_cond, NULL);
	pthread_cond_init(&e->idle_cond, NULL);
	pthread_cond_init(&e->keeper_cond, NULL);
	if (e->event_fd >= 0 && e->dir && e->watches && e->staged)
		return e;
	engine_free(&e->base);
	return NULL;
}

static int
start_threads(struct engine *e)
{
	if (pthread_create(&e->writer, NULL, writer_main, e))
		return LL_ERR_NOMEM;
	if (pthread_create(&e->keeper, NULL, keeper_main, e)) {
		pthread_mutex_lock(&e->lock);
		e->closing = true;
		pthread_cond_signal(&e->work);
		pthread_mutex_unlock(&e->lock);
		pthread_join(e->writer, NULL);
		return LL_ERR_NOMEM;
	}
	e->keeper_running = true;
	return LL_OK;
}

/* Finishes the drops that a crash interrupted. */
static int
resume_drops(struct engine *e)
{
	struct row_key first = row_key_kind(ROW_DROP), end = row_key_after(first);
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	rocksdb_iterator_t *it;
	int r = LL_OK;

	rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)end.b, end.len);
	it = rocksdb_create_iterator(e->db, options);
	for (rocksdb_iter_seek(it, (const char *)first.b, first.len); !r && rocksdb_iter_valid(it);
		rocksdb_iter_next(it)) {
		size_t len;
		const char *key = rocksdb_iter_key(it, &len);
		r = len == 1 + STORE_ID_LEN
			? engine_drop(&e->base, row_key_first_id(slice_new(key, len)))
			: engine_why(e, LL_ERR_CORRUPT, "a row is damaged");
	}
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(options);
	return r;
}

int
store_embedded_open(
	const char *dir, const struct store_embedded_options *options, struct store **ret)
{
	struct engine *e = engine_new(dir, options);
	int r;

	if (!e)
		return LL_ERR_NOMEM;
	if ((r = open_dirs(e)) || (r = database_open(e)) || (r = small_open(e)) ||
		(r = segments_open(e)) || (r = start_threads(e)) || (r = resume_drops(e))) {
		engine_free(&e->base);
		return r;
	}
	e->opt.why = NULL; /* the caller's, for the open only */
	*ret = &e->base;
	return LL_OK;
}
