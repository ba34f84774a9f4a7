/* What the parts of the store's client share. */
#ifndef STORE_CLIENT_PRIV_H
#define STORE_CLIENT_PRIV_H

#include "base/vec.h"
#include "store/client.h"

#define AHEAD_SLOTS 32 /* blobs that were asked for ahead, at once */
/* How long a blocking call waits. A read comes from memory or one disk access; a write may stand in
 * the line behind a large sync. Both are shorter than the parent's patience with a process that
 * does not answer it ([limits] hang, 60 s): who waits for a store that hangs must not seem to hang
 * too. */
#define READ_MS 20000
#define WRITE_MS 40000

struct waiting {
	uint64_t id;
	store_done *done;
	void *ctx;
};

/* A commit whose done is due. */
struct finished {
	store_done *done;
	void *ctx;
	int err;
	uint64_t version;
};

struct bell {
	struct store_id partition;
	store_bell *fn;
	void *ctx;
	bool rung;
	bool news; /* it rang, and nobody has asked since */
};

/* A blob that was asked for before it is read. */
struct ahead {
	struct store_id blob;
	uint64_t id;
	size_t len, got;
	int err;
	bool used, done;
};

struct client {
	struct store base;
	struct loop *loop;
	struct ipc_channel *c;
	bool owned; /* the channel is ours */
	bool closed;
	uint64_t next_id;
	VEC(struct waiting) waiting;
	VEC(struct finished) finished;
	struct loop_timer tell;
	uint64_t told; /* commits whose done was called */
	VEC(struct bell) bells;
	struct loop_timer ring;
	/* The blocking call under way: its id, what it collects, and its result. */
	bool in_call;
	uint64_t call_id;
	int64_t call_deadline;
	bool call_done;
	int call_err;
	struct buf *call_out;
	uint64_t call_numbers[3];
	bool call_more;
	uint8_t *window;
	struct ahead ahead[AHEAD_SLOTS];
	void (*lost)(void *);
	void *lost_ctx;
};

static inline struct client *
client_of(struct store *s)
{
	return CONTAINER_OF(s, struct client, base);
}

/* One blocking call at a time: begins one, whose answer goes to out and must come within ms; gives
 * its id. */
uint64_t store_client_call_begin(struct client *k, struct buf *out, int64_t ms);
/* Waits for the answer to the call that was just sent (sent: the result of sending). */
int store_client_call_end(struct client *k, int sent) CHECKED;

/* --- client_blob.c --- */
int store_client_blob_put(struct store *s, struct store_id blob, struct slice data) CHECKED;
int store_client_blob_read(struct store *s, struct store_id partition, struct store_id blob,
	uint64_t offset, size_t len, struct buf *ret_data) CHECKED;
void store_client_blob_ahead(
	struct store *s, struct store_id partition, struct store_id blob, size_t len);
int store_client_blob_size(
	struct store *s, struct store_id partition, struct store_id blob, uint64_t *ret) CHECKED;
/* The answer to what was asked for ahead; false: it was not. */
bool store_client_on_ahead(struct client *k, uint64_t id, int err, uint64_t got);
void store_client_close_window(struct client *k);

#endif
