/* The writer: one thread that takes what is queued, checks and gathers it, and makes all of it
 * durable with at most two syncs. Each job sees the effects of those before it in the same batch; a
 * job that fails leaves no trace in it. */
#include "base/error.h"
#include "store/engine.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_JOBS 256
#define BATCH_BYTES ((uint64_t)8 << 20)
#define COMPANY_NS 50000
#define COMPANY_TRIES 3

void
batch_done(struct batch *b)
{
	if (b->rows)
		rocksdb_writebatch_wi_destroy(b->rows);
	VEC_DONE(&b->frames);
	VEC_DONE(&b->deltas);
	VEC_DONE(&b->unlinks);
	VEC_DONE(&b->claims);
}

/* Under the lock: a commit may go only after what it refers to is synced. Counts what it will
 * bring along otherwise. */
static bool
refers_to_unsynced(struct engine *e, const struct job *j)
{
	uint64_t bytes = 0;

	if (j->kind != JOB_COMMIT || !map_len(e->staged))
		return false;
	for (size_t i = 0; i < j->n; i++) {
		const struct store_op *op = &j->ops[i].op;
		const struct staged *s =
			op->kind == STORE_BLOB_REF ? map_get(e->staged, id_slice(&op->blob)) : NULL;
		if (s && s->state == STAGED_SYNCING)
			return true;
		if (s && s->data)
			bytes += s->len;
	}
	e->batch.bytes += bytes;
	return false;
}

static bool
same_partition(const struct job *a, const struct job *b)
{
	return memcmp(&a->partition, &b->partition, sizeof(a->partition)) == 0;
}

/* Under the lock: whether the job must wait for a later batch. Jobs of one partition keep their
 * order, and a drop shares its batch with no other job of its partition. */
static bool
must_wait(struct engine *e, const struct job *j, const struct job_list *take,
	const struct job_list *waiting)
{
	bool drops = e->batch.drops || j->kind == JOB_DROP;

	if (j->kind != JOB_COMMIT && j->kind != JOB_DROP)
		return false;
	for (const struct job *w = waiting->head; w; w = w->next)
		if (same_partition(w, j))
			return true;
	for (const struct job *t = drops ? take->head : NULL; t; t = t->next)
		if ((t->kind == JOB_DROP || j->kind == JOB_DROP) && same_partition(t, j))
			return true;
	return refers_to_unsynced(e, j);
}

/* Sorts jobs into those of this batch and those that wait; how many it took out of the list. A
 * checkpoint comes alone. */
static size_t
take_jobs(struct engine *e, struct job_list *from, struct job_list *take, struct job_list *wait)
{
	struct job *j;
	size_t n = 0;

	for (; (j = from->head) && n < BATCH_JOBS && e->batch.bytes < BATCH_BYTES; n++) {
		if (j->kind == JOB_CHECKPOINT && take->head)
			break;
		job_list_pop(from);
		if (must_wait(e, j, take, wait)) {
			job_list_add(wait, j);
			continue;
		}
		job_list_add(take, j);
		e->batch.bytes += j->bytes;
		e->batch.drops |= j->kind == JOB_DROP;
		if (j->kind == JOB_CHECKPOINT)
			return n + 1;
	}
	return n;
}

/* Under the lock. When the last batch was bigger than what waits now, its callers are probably just
 * sending again: a moment later one sync does for all of them. Somebody alone never waits. */
static void
wait_for_company(struct engine *e)
{
	static const struct timespec moment = {.tv_nsec = COMPANY_NS};

	for (int i = 0; i < COMPANY_TRIES && e->queued < e->last_batch && !e->closing; i++) {
		pthread_mutex_unlock(&e->lock);
		nanosleep(&moment, NULL);
		pthread_mutex_lock(&e->lock);
	}
}

/* Waits for work; false when there is none left and the engine closes. */
static bool
batch_take(struct engine *e, struct job_list *ret)
{
	struct job_list waiting;

	job_list_init(ret);
	job_list_init(&waiting);
	e->batch.bytes = 0;
	e->batch.drops = false;
	pthread_mutex_lock(&e->lock);
	while (!e->queue.head && !e->poke && !(e->closing && !e->parked.head))
		pthread_cond_wait(&e->work, &e->lock);
	e->poke = false;
	wait_for_company(e);
	take_jobs(e, &e->parked, ret, &waiting);
	while (e->parked.head) /* more than one batch of them: keep their order */
		job_list_add(&waiting, job_list_pop(&e->parked));
	if (!ret->head || ret->head->kind != JOB_CHECKPOINT)
		e->queued -= take_jobs(e, &e->queue, ret, &waiting);
	e->last_batch = 0;
	for (const struct job *j = ret->head; j; j = j->next)
		e->last_batch++;
	e->parked = waiting;
	if (!waiting.head)
		job_list_init(&e->parked);
	e->poke = e->poke || (waiting.head && ret->head);
	bool more = ret->head || e->parked.head || e->queue.head || !e->closing;
	pthread_mutex_unlock(&e->lock);
	return more;
}

static void
segment_row_set(struct engine *e, struct segment *s)
{
	uint8_t out[ROW_SEGMENT_LEN];

	if (!s || !s->touched)
		return;
	row_segment_put(&s->row, out);
	batch_row_set(e, row_key_segment(s->number), out, sizeof(out));
	s->touched = false;
}

/* Brings the segments' counts up to date with the batch and adds their rows to it. */
static void
fold_segments(struct engine *e)
{
	struct batch *b = &e->batch;

	pthread_mutex_lock(&e->lock);
	VEC_EACH (d, &b->deltas) {
		struct segment *s = segment_find(e, d->segment);
		assert(s); /* else a blob's row names a segment that has none */
		s->row.live += (uint64_t)d->bytes;
		s->touched = true;
		b->freed |= d->bytes < 0;
	}
	if (b->frames.len)
		e->active->row.end = b->end;
	VEC_EACH (d, &b->deltas)
		segment_row_set(e, segment_find(e, d->segment));
	segment_row_set(e, e->active);
	segment_row_set(e, e->sealed);
	e->sealed = NULL;
	pthread_mutex_unlock(&e->lock);
}

/* The two syncs. */
int
batch_write(struct engine *e)
{
	struct batch *b = &e->batch;
	char *err = NULL;

	if (b->frames.len && segment_append(e))
		return engine_fail(e);
	fold_segments(e);
	if (!rocksdb_writebatch_wi_count(b->rows))
		return LL_OK;
	rocksdb_write_writebatch_wi(e->db, e->write_sync, b->rows, &err);
	return database_error(&err) ? engine_fail(e) : LL_OK;
}

static void
forget_claims(struct engine *e)
{
	VEC_EACH (id, &e->batch.claims)
		staged_forget(e, *id);
}

static void
unlink_files(struct engine *e)
{
	VEC_EACH (id, &e->batch.unlinks) {
		bool held;
		pthread_mutex_lock(&e->lock);
		held = e->hold && !VEC_PUSH(&e->held, *id);
		pthread_mutex_unlock(&e->lock);
		if (!held)
			blob_file_unlink(e, *id);
	}
}

/* Hands the jobs back, all at once. */
static void
complete(struct engine *e, struct job_list *done)
{
	uint64_t one = 1;
	bool rang = false;

	pthread_mutex_lock(&e->lock);
	for (struct job *j; (j = job_list_pop(done));) {
		if (j->again && !j->err) {
			job_list_push(&e->parked, j); /* before those that wait for it */
			e->poke = true;
		} else if (j->internal) {
			j->finished = true;
			pthread_cond_broadcast(&e->finished);
		} else {
			job_list_add(&e->done, j);
			rang = true;
		}
	}
	if (rang) {
		if (write(e->event_fd, &one, sizeof(one)) < 0)
			engine_fail(e);
		pthread_cond_signal(&e->done_cond);
	}
	pthread_mutex_unlock(&e->lock);
}

static void
batch_finish(struct engine *e)
{
	forget_claims(e);
	unlink_files(e);
	if (e->active && e->active->row.end >= e->opt.segment_bytes)
		segment_seal(e); /* its row goes with the next batch */
}

static void
batch_run(struct engine *e, struct job_list *list)
{
	struct batch *b = &e->batch;
	bool look;
	int r;

	b->freed = false;
	b->end = e->active ? e->active->row.end : 0;
	for (struct job *j = list->head; j; j = j->next)
		batch_add(e, j);
	r = atomic_load(&e->failed);
	if (!r && !(r = batch_write(e))) {
		batch_finish(e);
	} else {
		for (struct job *j = list->head; j; j = j->next)
			j->err = r;
		batch_unclaim(e, 0);
	}
	look = b->freed || e->sealed;
	rocksdb_writebatch_wi_clear(b->rows);
	b->frames.len = b->deltas.len = b->unlinks.len = b->claims.len = 0;
	complete(e, list);
	if (look && segment_victim(e))
		keeper_wake(e);
}

void *
writer_main(void *engine)
{
	struct engine *e = engine;
	struct job_list list;

	e->batch.rows = rocksdb_writebatch_wi_create(0, 1);
	while (batch_take(e, &list))
		if (list.head)
			batch_run(e, &list);
	return NULL;
}
