/* Inside of the embedded engine, shared by its files only.
 *
 * Threads: the owner (calls the interface), any readers, the writer (batches), the keeper (syncs
 * large staged files, collects segments, sweeps). `lock` guards what is marked (L); the rest is
 * owned by the thread named, or constant after the open. */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "base/map.h"
#include "base/vec.h"
#include "store/embedded.h"
#include "store/rows.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

#define FRAME_MAGIC 0x4c4c4246u /* "LLBF" */
#define FRAME_HEAD 28 /* magic be32, length be32, blob(16), crc32c be32 of the bytes */
#define SEGMENT_HEAD 16 /* "LLSEG001", number be64 */
#define SMALL_KEY_LEN (8 + STORE_ID_LEN)
#define SEGMENTS_OPEN_MAX 128 /* descriptors kept for segments that nobody is reading */
#define HEX_ID_LEN (2 * STORE_ID_LEN)

enum job_kind { JOB_COMMIT, JOB_DROP, JOB_MOVE, JOB_RETIRE, JOB_CHECKPOINT, JOB_KINDS };

struct job_op {
	struct store_op op;
	uint32_t crc; /* of a new blob's bytes */
};

/* A blob that the collector copies from one segment to another. */
struct job_move {
	struct store_id blob;
	struct blob_place from;
	struct slice data;
};

/* One request to the writer. */
struct job {
	struct job *next;
	enum job_kind kind;
	struct store_id partition; /* commit, drop */
	int err;
	uint64_t version; /* after it */
	bool again; /* set by the writer: not finished, comes back in the next batch */
	bool internal; /* somebody waits for `finished`; else it goes to the done queue */
	bool finished; /* (L) */
	/* commit */
	uint64_t expect, quota;
	store_done *done;
	void *ctx;
	size_t n, bytes;
	bool grows; /* adds data */
	/* move */
	const struct job_move *moves;
	/* retire */
	uint64_t segment;
	/* checkpoint */
	const char *dir;
	/* commit: the ops, then the bytes they refer to */
	struct job_op ops[];
};

struct job_list {
	struct job *head, **tail;
};

struct segment {
	uint64_t number;
	int fd; /* -1: not open (L) */
	unsigned users; /* (L) */
	bool retired; /* taken out of the table, freed by the last user (L) */
	bool damaged; /* a frame is unreadable: never collected (L) */
	bool touched; /* writer: its row must be written with this batch */
	struct row_segment row; /* written by the writer under L */
};

enum staged_state { STAGED_READY, STAGED_SYNCING };

/* A blob without a reference yet; all (L). */
struct staged {
	struct staged *next; /* in the keeper's list of files to sync */
	struct store_id blob;
	enum staged_state state;
	bool claimed; /* the batch under way refers to it */
	uint8_t *data; /* NULL: in a file of its own */
	int fd; /* of the file, until synced */
	uint64_t len;
	uint32_t crc;
	int64_t since; /* monotonic seconds */
};

struct watch {
	store_bell *bell;
	void *ctx;
};

struct frame {
	uint8_t head[FRAME_HEAD];
	struct slice data;
};

struct delta {
	uint64_t segment;
	int64_t bytes;
};

/* How much of a batch stands; a commit that fails goes back to it. */
struct batch_mark {
	size_t frames, deltas, unlinks, claims;
	uint64_t end;
};

/* What the writer has gathered since the last sync. */
struct batch {
	rocksdb_writebatch_wi_t *rows;
	VEC(struct frame) frames;
	VEC(struct delta) deltas;
	VEC(struct store_id) unlinks; /* files of blobs that are gone after this batch */
	VEC(struct store_id) claims; /* staged blobs that this batch makes durable */
	uint64_t end; /* of the active segment with these frames */
	uint64_t bytes; /* taken from the queue */
	bool drops; /* a drop was taken */
	bool freed; /* some segment has less live bytes than before */
};

struct engine {
	struct store base;
	struct store_embedded_options opt;
	int dir_fd, lock_fd, segments_fd, large_fd;
	char *dir;
	rocksdb_t *db;
	rocksdb_column_family_handle_t *rows, *small;
	rocksdb_options_t *db_options, *small_options;
	rocksdb_cache_t *cache;
	rocksdb_readoptions_t *read;
	rocksdb_writeoptions_t *write_sync;

	pthread_mutex_t lock;
	_Atomic int failed; /* 0, or LL_ERR_IO for ever */

	/* owner to writer (L) */
	struct job_list queue;
	size_t queued;
	bool closing, poke;
	pthread_cond_t work; /* the writer sleeps here */
	pthread_cond_t finished; /* those who wait for an internal job */

	/* writer to owner (L) */
	struct job_list done;
	int event_fd;
	pthread_cond_t done_cond;

	/* owner */
	size_t pending; /* commits whose done is still to come */
	uint64_t called; /* those whose done was called */
	struct map *watches;

	/* writer */
	pthread_t writer;
	struct batch batch;
	struct job_list parked;
	size_t last_batch; /* jobs in it */
	int64_t space_checked; /* monotonic seconds */
	uint64_t space_free;
	uint64_t space_written; /* since it was checked */
	uint64_t next_small; /* the number of the next small blob */

	/* segments (L) */
	VEC(struct segment *) segments; /* ordered by number */
	struct segment *active; /* writer; NULL: made when needed */
	struct segment *sealed; /* writer; its row goes with the next batch */
	uint64_t next_segment; /* writer */
	unsigned segments_open;
	unsigned hold; /* while not 0, nothing is unlinked */
	VEC(struct store_id) held; /* files to unlink when the hold ends */

	/* staged blobs and the keeper (L) */
	struct map *staged;
	uint64_t staged_bytes; /* in memory */
	struct staged *to_sync, **to_sync_tail;
	pthread_t keeper;
	bool keeper_running, keeper_idle, keeper_closing, keeper_woken;
	pthread_cond_t keeper_cond; /* the keeper sleeps here */
	pthread_cond_t idle_cond;
	bool large_swept; /* keeper: files that a crash left were looked for */
	uint64_t collecting, collect_at; /* keeper: segment and offset */
};

static inline struct slice
id_slice(const struct store_id *id)
{
	return slice_new(id->b, sizeof(id->b));
}

/* engine.c */
int64_t engine_now(void);
/* From now on everything fails. Returns LL_ERR_IO. */
int engine_fail(struct engine *e);
/* Notes why the open fails, with errno's text when err is LL_ERR_IO. Returns err. */
int engine_why(struct engine *e, int err, const char *what);
/* Submits an internal job and waits; its error. */
int engine_submit_wait(struct engine *e, struct job *j);
/* Between these two no blob file is unlinked. */
void engine_hold(struct engine *e);
void engine_release(struct engine *e);

/* read.c: the reading calls of the interface, and rows. */
int engine_get(struct store *s, struct store_id partition, struct slice key, struct buf *ret_value);
int engine_range(struct store *s, struct store_id partition, struct slice from, struct slice to,
	size_t limit, store_row *row, void *ctx, bool *ret_more);
int engine_stat(struct store *s, struct store_id partition, struct store_stat *ret);
int engine_blob_size(
	struct store *s, struct store_id partition, struct store_id blob, uint64_t *ret);
int engine_blob_read(struct store *s, struct store_id partition, struct store_id blob,
	uint64_t offset, size_t len, struct buf *ret_data);
/* A row; the caller destroys *ret, which is NULL when there is none. LL_ERR_IO. */
int engine_row(struct engine *e, const struct row_key *k, const rocksdb_snapshot_t *at,
	rocksdb_pinnableslice_t **ret) CHECKED;
/* A blob's row. LL_ERR_NOTFOUND. */
int engine_blob_row(struct engine *e, struct store_id blob, struct row_blob *ret) CHECKED;

/* job lists */
static inline void
job_list_init(struct job_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static inline void
job_list_add(struct job_list *l, struct job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static inline void
job_list_push(struct job_list *l, struct job *j)
{
	if (!(j->next = l->head))
		l->tail = &j->next;
	l->head = j;
}

static inline struct job *
job_list_pop(struct job_list *l)
{
	struct job *j = l->head;

	if (j && !(l->head = j->next))
		l->tail = &l->head;
	return j;
}

/* database.c: RocksDB's side of opening, and the format. */
int database_open(struct engine *e) CHECKED;
void database_close(struct engine *e);
/* Frees RocksDB's message; false when there was none. */
bool database_error(char **err);
/* Frees it too: LL_OK, LL_ERR_CORRUPT for a checksum that is wrong, LL_ERR_IO. */
int database_result(char **err) CHECKED;

/* batch.c: the writer. */
void *writer_main(void *engine);
void batch_done(struct batch *b);
/* The two syncs: frames, then rows. */
int batch_write(struct engine *e) CHECKED;

/* apply.c: what the writer does for each job. */
/* Adds the job to the batch, or sets its err. */
void batch_add(struct engine *e, struct job *j);
void batch_row_set(struct engine *e, struct row_key k, const void *value, size_t len);
/* Gives back the staged blobs claimed since. */
void batch_unclaim(struct engine *e, size_t from);

/* segment.c */
/* Reads the segment rows, cuts the unfinished tail, removes files nobody knows. */
int segments_open(struct engine *e) CHECKED;
void segments_close(struct engine *e);
/* A segment kept open until released; NULL: no such segment, or it cannot be opened (*ret_err). */
struct segment *segment_use(struct engine *e, uint64_t number, int *ret_err);
void segment_release(struct engine *e, struct segment *s);
/* Under the lock: the segment without keeping it. */
struct segment *segment_find(struct engine *e, uint64_t number);
/* Seals the active segment with this batch; the next frame makes a new one. */
void segment_seal(struct engine *e);
/* Makes e->active if there is none. */
int segment_make(struct engine *e) CHECKED;
/* Appends the batch's frames to the active segment and syncs it. */
int segment_append(struct engine *e) CHECKED;
/* Unlinks a segment whose row is gone. */
int segment_retire(struct engine *e, uint64_t number) CHECKED;
/* A segment that is worth collecting, or 0. */
uint64_t segment_victim(struct engine *e);
void frame_head_put(uint8_t head[FRAME_HEAD], struct store_id blob, size_t len, uint32_t crc);
/* LL_ERR_CORRUPT. */
int frame_head_get(const uint8_t head[FRAME_HEAD], struct store_id *ret_blob, size_t *ret_len,
	uint32_t *ret_crc) CHECKED;

/* blob.c: where blobs lie, and staging. */
void blob_file_name(struct store_id blob, char name[HEX_ID_LEN + 1]);
int blob_stage(struct engine *e, struct store_id blob, struct slice data) CHECKED;
/* Reads [offset, offset + len) of a blob, which lies inside it. LL_ERR_NOTFOUND: it has moved, look
 * again. */
int blob_read_at(struct engine *e, struct store_id blob, const struct blob_place *place,
	uint64_t offset, size_t len, uint8_t *out) CHECKED;
void blob_file_unlink(struct engine *e, struct store_id blob);
void staged_free(void *staged);
void staged_forget(struct engine *e, struct store_id blob);

/* small.c: blobs that stand in rows. */
/* Reads where the numbers go on. */
int small_open(struct engine *e) CHECKED;
/* Writer: puts it into the batch; *ret_place is where it will be. */
void small_add(struct engine *e, struct store_id blob, struct slice data, uint32_t crc,
	struct blob_place *ret_place);
void small_del(struct engine *e, struct store_id blob, const struct blob_place *place);
/* As blob_read_at. */
int small_read(struct engine *e, struct store_id blob, const struct blob_place *place,
	uint64_t offset, size_t len, uint8_t *out) CHECKED;

/* keeper.c */
void *keeper_main(void *engine);
void keeper_wake(struct engine *e);

/* Reads or writes all n bytes. LL_ERR_IO; a read behind the end is LL_ERR_CORRUPT. */
int file_read(int fd, uint8_t *out, size_t n, uint64_t offset) CHECKED;
int file_write(int fd, struct slice s, uint64_t offset) CHECKED;

#endif
