/* What the writer does for each job: it adds to the batch, and sees the batch as if it were
 * written. A job that fails leaves no trace in it. */
#include "base/error.h"
#include "store/engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define DROP_ROWS 1000 /* of a dropped partition in one batch */
#define SPACE_EVERY_BYTES ((uint64_t)32 << 20)

/* --- rows of the batch --- */

void
batch_row_set(struct engine *e, struct row_key k, const void *value, size_t len)
{
	rocksdb_writebatch_wi_put(e->batch.rows, (const char *)k.b, k.len, value, len);
}

static void
row_del(struct engine *e, struct row_key k)
{
	rocksdb_writebatch_wi_delete(e->batch.rows, (const char *)k.b, k.len);
}

/* A row as it is with this batch; the caller frees *ret, NULL when there is none. */
static int
row_get(struct engine *e, struct row_key k, char **ret, size_t *ret_len)
{
	char *err = NULL;

	*ret = rocksdb_writebatch_wi_get_from_batch_and_db(
		e->batch.rows, e->db, e->read, (const char *)k.b, k.len, ret_len, &err);
	return database_error(&err) ? engine_fail(e) : LL_OK;
}

static int
row_exists(struct engine *e, struct row_key k, bool *ret)
{
	char *value;
	size_t len;
	int r = row_get(e, k, &value, &len);

	if (r)
		return r;
	*ret = value != NULL;
	rocksdb_free(value);
	return LL_OK;
}

static int
partition_get(struct engine *e, struct store_id id, struct row_partition *ret)
{
	char *value;
	size_t len;
	int r = row_get(e, row_key_id(ROW_PARTITION, id), &value, &len);

	*ret = (struct row_partition){0};
	if (!r && value)
		r = row_partition_get(slice_new(value, len), ret);
	rocksdb_free(value);
	return r;
}

static void
partition_put(struct engine *e, struct store_id id, const struct row_partition *row)
{
	uint8_t out[ROW_PARTITION_LEN];

	row_partition_put(row, out);
	batch_row_set(e, row_key_id(ROW_PARTITION, id), out, sizeof(out));
}

static int
blob_get(struct engine *e, struct store_id id, struct row_blob *ret)
{
	char *value;
	size_t len;
	int r = row_get(e, row_key_id(ROW_BLOB, id), &value, &len);

	if (!r)
		r = value ? row_blob_get(slice_new(value, len), ret) : LL_ERR_NOTFOUND;
	rocksdb_free(value);
	return r;
}

static void
blob_put(struct engine *e, struct store_id id, const struct row_blob *row)
{
	uint8_t out[ROW_BLOB_LEN];

	row_blob_put(row, out);
	batch_row_set(e, row_key_id(ROW_BLOB, id), out, sizeof(out));
}

/* --- marks --- */

static struct batch_mark
batch_mark(const struct batch *b)
{
	return (struct batch_mark){
		b->frames.len, b->deltas.len, b->unlinks.len, b->claims.len, b->end};
}

void
batch_unclaim(struct engine *e, size_t from)
{
	struct batch *b = &e->batch;

	pthread_mutex_lock(&e->lock);
	for (size_t i = from; i < b->claims.len; i++) {
		struct staged *s = map_get(e->staged, id_slice(&b->claims.at[i]));
		if (s)
			s->claimed = false;
	}
	pthread_mutex_unlock(&e->lock);
	b->claims.len = from;
}

static void
batch_rollback(struct engine *e, const struct batch_mark *m)
{
	struct batch *b = &e->batch;
	char *err = NULL;

	rocksdb_writebatch_wi_rollback_to_save_point(b->rows, &err);
	if (database_error(&err))
		engine_fail(e);
	b->frames.len = m->frames;
	b->deltas.len = m->deltas;
	b->unlinks.len = m->unlinks;
	/* The first frame may have made the segment: then the mark is older than it. */
	b->end = m->frames || !e->active ? m->end : e->active->row.end;
	if (b->claims.len > m->claims)
		batch_unclaim(e, m->claims);
}

/* --- blobs --- */

/* Adds a frame to the batch; *ret_place is where it will be. data stays until the batch is done. */
static int
frame_add(struct engine *e, struct store_id blob, struct slice data, uint32_t crc,
	struct blob_place *ret_place)
{
	struct batch *b = &e->batch;
	struct frame f = {.data = data};
	struct delta d = {.bytes = (int64_t)(FRAME_HEAD + data.len)};

	if (!e->active) {
		if (segment_make(e))
			return engine_fail(e);
		b->end = e->active->row.end;
	}
	d.segment = e->active->number;
	frame_head_put(f.head, blob, data.len, crc);
	if (VEC_PUSH(&b->frames, f) || VEC_PUSH(&b->deltas, d))
		return LL_ERR_NOMEM;
	*ret_place = (struct blob_place){
		BLOB_IN_SEGMENT, e->active->number, b->end + FRAME_HEAD, data.len, crc};
	b->end += FRAME_HEAD + data.len;
	return LL_OK;
}

/* Adds a blob's bytes to the batch, where those of their size belong. */
static int
place_add(struct engine *e, struct store_id blob, struct slice data, uint32_t crc,
	struct blob_place *ret_place)
{
	if (data.len > e->opt.small_bytes)
		return frame_add(e, blob, data, crc, ret_place);
	small_add(e, blob, data, crc, ret_place);
	return LL_OK;
}

/* The bytes of a place are no longer referred to. */
static int
place_forget(struct engine *e, struct store_id blob, const struct blob_place *place)
{
	struct delta d = {place->segment, -(int64_t)(FRAME_HEAD + place->len)};

	if (place->where == BLOB_IN_FILE)
		return VEC_PUSH(&e->batch.unlinks, blob);
	if (place->where == BLOB_IN_SEGMENT)
		return VEC_PUSH(&e->batch.deltas, d);
	small_del(e, blob, place);
	return LL_OK;
}

static void
ref_add(struct engine *e, struct job *j, struct row_partition *p, struct store_id blob,
	const struct row_blob *row)
{
	blob_put(e, blob, row);
	batch_row_set(e, row_key_ref(j->partition, blob), "", 0);
	p->blobs++;
	p->blob_bytes += row->place.len;
}

/* A staged blob becomes a stored one. LL_ERR_NOTFOUND. */
static int
blob_from_staged(struct engine *e, struct store_id blob, struct row_blob *ret)
{
	struct staged *s;

	pthread_mutex_lock(&e->lock);
	s = map_get(e->staged, id_slice(&blob));
	if (s && s->state == STAGED_READY)
		s->claimed = true; /* the sweeper leaves it alone now */
	else
		s = NULL;
	pthread_mutex_unlock(&e->lock);
	if (!s)
		return LL_ERR_NOTFOUND;
	if (VEC_PUSH(&e->batch.claims, blob)) {
		s->claimed = false;
		return LL_ERR_NOMEM;
	}
	e->space_written += s->len;
	ret->refs = 0;
	if (s->data)
		return place_add(e, blob, slice_new(s->data, s->len), s->crc, &ret->place);
	ret->place = (struct blob_place){.where = BLOB_IN_FILE, .len = s->len, .crc = s->crc};
	return LL_OK;
}

static int
ref_drop(struct engine *e, struct job *j, struct row_partition *p, struct store_id blob)
{
	struct row_key ref = row_key_ref(j->partition, blob);
	struct row_blob row;
	bool exists;
	int r = row_exists(e, ref, &exists);

	if (r || !exists)
		return r;
	if ((r = blob_get(e, blob, &row)))
		return r == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : r;
	row_del(e, ref);
	p->blobs--;
	p->blob_bytes -= row.place.len;
	if (--row.refs) {
		blob_put(e, blob, &row);
		return LL_OK;
	}
	row_del(e, row_key_id(ROW_BLOB, blob));
	return place_forget(e, blob, &row.place);
}

/* --- the operations of a commit --- */

static int
op_put(struct engine *e, struct job *j, const struct job_op *op, struct row_partition *p)
{
	batch_row_set(
		e, row_key_record(j->partition, op->op.key), op->op.value.ptr, op->op.value.len);
	return LL_OK;
}

static int
op_put_new(struct engine *e, struct job *j, const struct job_op *op, struct row_partition *p)
{
	bool exists;
	int r = row_exists(e, row_key_record(j->partition, op->op.key), &exists);

	if (r || exists)
		return r ? r : LL_ERR_EXISTS;
	return op_put(e, j, op, p);
}

static int
op_del(struct engine *e, struct job *j, const struct job_op *op, struct row_partition *p)
{
	row_del(e, row_key_record(j->partition, op->op.key));
	return LL_OK;
}

static int
op_blob_new(struct engine *e, struct job *j, const struct job_op *op, struct row_partition *p)
{
	struct row_blob row = {.refs = 1};
	bool exists;
	int r = row_exists(e, row_key_id(ROW_BLOB, op->op.blob), &exists);

	if (!r && !exists) {
		pthread_mutex_lock(&e->lock);
		exists = map_get(e->staged, id_slice(&op->op.blob)) != NULL;
		pthread_mutex_unlock(&e->lock);
	}
	if (r || exists)
		return r ? r : LL_ERR_EXISTS;
	if ((r = place_add(e, op->op.blob, op->op.value, op->crc, &row.place)))
		return r;
	ref_add(e, j, p, op->op.blob, &row);
	return LL_OK;
}

static int
op_blob_ref(struct engine *e, struct job *j, const struct job_op *op, struct row_partition *p)
{
	struct row_blob row;
	bool exists;
	int r = row_exists(e, row_key_ref(j->partition, op->op.blob), &exists);

	if (r || exists)
		return r;
	r = blob_get(e, op->op.blob, &row);
	if (r == LL_ERR_NOTFOUND)
		r = blob_from_staged(e, op->op.blob, &row);
	if (r)
		return r;
	if (++row.refs == 0)
		return LL_ERR_LIMIT;
	ref_add(e, j, p, op->op.blob, &row);
	return LL_OK;
}

static int
op_blob_drop(struct engine *e, struct job *j, const struct job_op *op, struct row_partition *p)
{
	return ref_drop(e, j, p, op->op.blob);
}

static int (*const ops[])(
	struct engine *e, struct job *j, const struct job_op *op, struct row_partition *p) = {
	[STORE_PUT] = op_put,
	[STORE_PUT_NEW] = op_put_new,
	[STORE_DEL] = op_del,
	[STORE_BLOB_NEW] = op_blob_new,
	[STORE_BLOB_REF] = op_blob_ref,
	[STORE_BLOB_DROP] = op_blob_drop,
};

/* --- the jobs --- */

/* Keeps some free space for compaction and for deleting: looked at once a second. */
static bool
disk_full(struct engine *e)
{
	struct statvfs st;
	int64_t now = engine_now();

	if (now != e->space_checked || e->space_written > SPACE_EVERY_BYTES) {
		if (fstatvfs(e->dir_fd, &st))
			return false;
		e->space_free = (uint64_t)st.f_bavail * st.f_frsize;
		e->space_checked = now;
		e->space_written = 0;
	}
	return e->space_free < e->opt.min_free;
}

static int
job_commit(struct engine *e, struct job *j)
{
	struct row_partition p, before;
	int r = partition_get(e, j->partition, &p);

	if (r)
		return r;
	before = p;
	j->version = p.version;
	if (j->expect != STORE_ANY_VERSION && j->expect != p.version)
		return LL_ERR_CONFLICT;
	if (j->grows && disk_full(e))
		return LL_ERR_AGAIN;
	for (size_t i = 0; i < j->n; i++)
		if ((r = ops[j->ops[i].op.kind](e, j, &j->ops[i], &p)))
			return r;
	if (j->quota && p.blob_bytes > j->quota && p.blob_bytes > before.blob_bytes)
		return LL_ERR_QUOTA;
	if (j->expect != STORE_ANY_VERSION)
		p.version++;
	if (memcmp(&p, &before, sizeof(p)) != 0)
		partition_put(e, j->partition, &p);
	j->version = p.version;
	e->space_written += j->bytes;
	return LL_OK;
}

/* Deletes up to *left rows that start with the prefix, references with their counts. */
static int
drop_rows(struct engine *e, struct job *j, struct row_key prefix, size_t *left)
{
	struct row_key end = row_key_after(prefix);
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	struct row_partition unused = {0};
	rocksdb_iterator_t *it;
	char *err = NULL;
	int r = LL_OK;

	rocksdb_readoptions_set_iterate_upper_bound(options, (const char *)end.b, end.len);
	it = rocksdb_create_iterator(e->db, options);
	for (rocksdb_iter_seek(it, (const char *)prefix.b, prefix.len);
		!r && *left && rocksdb_iter_valid(it); rocksdb_iter_next(it), --*left) {
		struct row_key k;
		const char *key = rocksdb_iter_key(it, &k.len);
		memcpy(k.b, key, k.len);
		if (k.b[0] == ROW_REF)
			r = ref_drop(e, j, &unused, row_key_last_id(slice_new(k.b, k.len)));
		else
			row_del(e, k);
	}
	rocksdb_iter_get_error(it, &err);
	if (database_error(&err))
		r = engine_fail(e);
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(options);
	return r;
}

/* A big partition goes in several batches; the mark that the first one leaves lets the next open
 * finish what a crash interrupts. Nothing else happens to the partition meanwhile. */
static int
job_drop(struct engine *e, struct job *j)
{
	size_t left = DROP_ROWS;
	int r;

	j->again = false;
	if ((r = drop_rows(e, j, row_key_id(ROW_REF, j->partition), &left)) ||
		(r = drop_rows(e, j, row_key_id(ROW_RECORD, j->partition), &left)))
		return r;
	row_del(e, row_key_id(ROW_PARTITION, j->partition));
	if (left) {
		row_del(e, row_key_id(ROW_DROP, j->partition));
		return LL_OK;
	}
	batch_row_set(e, row_key_id(ROW_DROP, j->partition), "", 0);
	j->again = true;
	return LL_OK;
}

static int
job_move(struct engine *e, struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct job_move *m = &j->moves[i];
		struct row_blob row;
		int r = blob_get(e, m->blob, &row);
		if (r == LL_ERR_NOTFOUND)
			continue; /* dropped meanwhile */
		if (r)
			return r;
		if (row.place.where != BLOB_IN_SEGMENT || row.place.segment != m->from.segment ||
			row.place.offset != m->from.offset)
			continue;
		if ((r = place_forget(e, m->blob, &m->from)) ||
			(r = frame_add(e, m->blob, m->data, m->from.crc, &row.place)))
			return r;
		blob_put(e, m->blob, &row);
		e->space_written += m->data.len;
	}
	return LL_OK;
}

static int
job_retire(struct engine *e, struct job *j)
{
	struct segment *s;
	bool empty;

	pthread_mutex_lock(&e->lock);
	s = segment_find(e, j->segment);
	empty = !e->hold && s && s->row.sealed && !s->row.live;
	pthread_mutex_unlock(&e->lock);
	if (!empty)
		return LL_ERR_AGAIN;
	s->touched = false; /* its row would come back */
	row_del(e, row_key_segment(j->segment));
	return LL_OK;
}

/* Comes alone in its batch. The active segment is sealed first: the copy shares its file, and must
 * never see it grow or be cut. */
static int
job_checkpoint(struct engine *e, struct job *j)
{
	rocksdb_checkpoint_t *c;
	char *err = NULL;
	int r;

	segment_seal(e);
	r = batch_write(e);
	rocksdb_writebatch_wi_clear(e->batch.rows);
	rocksdb_writebatch_wi_set_save_point(e->batch.rows);
	if (r)
		return r;
	c = rocksdb_checkpoint_object_create(e->db, &err);
	if (database_error(&err))
		return LL_ERR_IO;
	rocksdb_checkpoint_create(c, j->dir, 0, &err);
	rocksdb_checkpoint_object_destroy(c);
	return database_error(&err) ? LL_ERR_IO : LL_OK;
}

static int (*const jobs[JOB_KINDS])(struct engine *e, struct job *j) = {
	[JOB_COMMIT] = job_commit,
	[JOB_DROP] = job_drop,
	[JOB_MOVE] = job_move,
	[JOB_RETIRE] = job_retire,
	[JOB_CHECKPOINT] = job_checkpoint,
};

void
batch_add(struct engine *e, struct job *j)
{
	struct batch_mark mark = batch_mark(&e->batch);

	if ((j->err = atomic_load(&e->failed)))
		return;
	rocksdb_writebatch_wi_set_save_point(e->batch.rows);
	j->err = jobs[j->kind](e, j);
	if (j->err)
		batch_rollback(e, &mark);
}
