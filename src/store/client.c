/* Store calls as messages. Reading calls wait for their answer; what else arrives meanwhile is kept
 * for the loop. */
#include "store/client.h"
#include "base/error.h"
#include "os/clock.h"
#include "store/client_priv.h"
#include "store/wire.h"

#include <stdlib.h>
#include <string.h>

static void
ring_bells(void *ctx)
{
	struct client *k = ctx;

	for (size_t i = 0; i < k->bells.len; i++) {
		struct bell b = k->bells.at[i];
		if (!b.rung)
			continue;
		k->bells.at[i].rung = false;
		b.fn(b.ctx, b.partition);
	}
}

/* Bells are rung from the loop, never from inside a blocking call. */
static void
on_bell(struct client *k, const struct msg_st_bell *m)
{
	VEC_EACH (b, &k->bells)
		if (memcmp(b->partition.b, m->partition, STORE_ID_LEN) == 0)
			b->rung = b->news = true;
	if (!k->ring.slot && loop_timer_set(k->loop, &k->ring, 0, ring_bells, k))
		ring_bells(k);
}

static void
tell_finished(void *ctx)
{
	struct client *k = ctx;

	while (k->finished.len) {
		struct finished f = k->finished.at[0];
		VEC_REMOVE(&k->finished, 0);
		k->told++;
		f.done(f.ctx, f.err, f.version);
	}
}

/* done is called from the loop or from store_wait, never inside another call: there it could make
 * calls of its own and take the answer that is waited for. */
static void
finish(struct client *k, store_done *done, void *ctx, int err, uint64_t version)
{
	struct finished f = {done, ctx, err, version};
	int r = VEC_PUSH(&k->finished, f);

	if (!r && !k->tell.slot)
		r = loop_timer_set(k->loop, &k->tell, 0, tell_finished, k);
	assert(r == LL_OK); /* else the promise that done is called cannot be kept */
}

static bool
on_committed(struct client *k, const struct msg_st_committed *m)
{
	for (size_t i = 0; i < k->waiting.len; i++) {
		struct waiting w = k->waiting.at[i];
		if (w.id != m->id)
			continue;
		VEC_REMOVE(&k->waiting, i);
		if (k->in_call) {
			finish(k, w.done, w.ctx, -(int)m->err, m->version);
			return true;
		}
		k->told++;
		w.done(w.ctx, -(int)m->err, m->version);
		return true;
	}
	return false;
}

static bool
finish_call(struct client *k, uint64_t id, int err)
{
	if (id != k->call_id || k->call_done)
		return true; /* an answer nobody waits for any more */
	k->call_done = true;
	k->call_err = err;
	return true;
}

bool
store_client_message(struct store *s, const struct msg *m, int fd)
{
	struct client *k = client_of(s);

	switch ((int)m->kind) {
	case MSG_KIND_ST_BELL:
		on_bell(k, &m->st_bell);
		return true;
	case MSG_KIND_ST_VALUE:
		if (store_client_on_ahead(
			    k, m->st_value.id, LL_ERR_AGAIN, 0)) /* it has no window */
			return true;
		if (m->st_value.id == k->call_id && k->call_out && !m->st_value.err)
			buf_put(k->call_out, m->st_value.value);
		return finish_call(k, m->st_value.id, -(int)m->st_value.err);
	case MSG_KIND_ST_ROWS:
		if (m->st_rows.id == k->call_id && k->call_out && !m->st_rows.err)
			buf_put(k->call_out, m->st_rows.rows);
		k->call_more = m->st_rows.more;
		return finish_call(k, m->st_rows.id, -(int)m->st_rows.err);
	case MSG_KIND_ST_STATED:
		k->call_numbers[0] = m->st_stated.version;
		k->call_numbers[1] = m->st_stated.blob_bytes;
		k->call_numbers[2] = m->st_stated.blobs;
		return finish_call(k, m->st_stated.id, -(int)m->st_stated.err);
	case MSG_KIND_ST_COMMITTED:
		if (on_committed(k, &m->st_committed) ||
			store_client_on_ahead(k, m->st_committed.id, -(int)m->st_committed.err,
				m->st_committed.version))
			return true;
		k->call_numbers[0] = m->st_committed.version;
		return finish_call(k, m->st_committed.id, -(int)m->st_committed.err);
	default:
		return false;
	}
}

void
store_client_closed(struct store *s)
{
	struct client *k = client_of(s);

	k->closed = true;
	k->call_done = true;
	k->call_err = LL_ERR_CLOSED;
	while (k->waiting.len) {
		struct waiting w = k->waiting.at[--k->waiting.len];
		finish(k, w.done, w.ctx, LL_ERR_CLOSED, 0);
	}
	if (!k->in_call)
		tell_finished(k);
}

static void
on_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct client *k = ctx;

	(void)store_client_message(&k->base, m, fd);
	fd_close(&fd);
}

static void
on_gone(void *ctx, struct ipc_channel *c, int err)
{
	struct client *k = ctx;

	store_client_closed(&k->base);
	if (k->lost)
		k->lost(k->lost_ctx);
}

uint64_t
store_client_call_begin(struct client *k, struct buf *out, int64_t ms)
{
	assert(!k->in_call); /* a handler that runs inside a call must leave its own to the loop */
	k->call_deadline = clock_ms() + ms;
	k->call_id = ++k->next_id;
	k->call_done = false;
	k->call_out = out;
	k->in_call = true;
	return k->call_id;
}

int
store_client_call_end(struct client *k, int sent)
{
	int r = sent;

	while (r == LL_OK && !k->call_done && !k->closed)
		r = ipc_pump(k->c, k->call_deadline);
	k->call_out = NULL;
	k->in_call = false;
	if (sent) /* the call went nowhere, the channel is as good as before */
		return sent;
	if (r == LL_OK)
		return k->call_done ? k->call_err : LL_ERR_CLOSED;
	k->closed = true;
	return LL_ERR_CLOSED;
}

static void
client_free(struct store *s)
{
	struct client *k = client_of(s);

	while (k->waiting.len && !k->closed)
		if (store_wait(s))
			break;
	tell_finished(k);
	loop_timer_stop(k->loop, &k->tell);
	loop_timer_stop(k->loop, &k->ring);
	if (k->owned)
		ipc_free(k->c);
	store_client_close_window(k);
	VEC_DONE(&k->waiting);
	VEC_DONE(&k->finished);
	VEC_DONE(&k->bells);
	free(k);
}

static int
client_get(struct store *s, struct store_id partition, struct slice key, struct buf *ret_value)
{
	struct client *k = client_of(s);
	struct msg_st_get m = {.key = key};

	if (!key.len || key.len > STORE_KEY_MAX)
		return LL_ERR_NOTFOUND;
	m.id = store_client_call_begin(k, ret_value, READ_MS);
	memcpy(m.partition, partition.b, STORE_ID_LEN);
	return store_client_call_end(k, ipc_send_st_get(k->c, &m, -1));
}

static int
client_range(struct store *s, struct store_id partition, struct slice from, struct slice to,
	size_t limit, store_row *row, void *ctx, bool *ret_more)
{
	CLEANUP(buf_done) struct buf rows = BUF_INIT(IPC_PAYLOAD_MAX);
	struct client *k = client_of(s);
	struct msg_st_range m = {.id = store_client_call_begin(k, &rows, READ_MS),
		.limit = (uint32_t)MIN(limit, (size_t)STORE_RANGE_MAX),
		.from = from,
		.to = to};
	struct slice rest;
	int r;

	memcpy(m.partition, partition.b, STORE_ID_LEN);
	r = store_client_call_end(k, ipc_send_st_range(k->c, &m, -1));
	*ret_more = k->call_more;
	for (rest = buf_slice(&rows); r == LL_OK && rest.len;) {
		struct slice key, value;
		r = store_wire_get_row(&rest, &key, &value);
		if (r == LL_OK)
			r = row(ctx, key, value);
	}
	return r;
}

static int
client_stat(struct store *s, struct store_id partition, struct store_stat *ret)
{
	struct client *k = client_of(s);
	struct msg_st_stat m = {.id = store_client_call_begin(k, NULL, READ_MS)};
	int r;

	memcpy(m.partition, partition.b, STORE_ID_LEN);
	r = store_client_call_end(k, ipc_send_st_stat(k->c, &m, -1));
	if (r == LL_OK)
		*ret = (struct store_stat){
			k->call_numbers[0], k->call_numbers[1], k->call_numbers[2]};
	return r;
}

static void
client_commit(struct store *s, const struct store_commit *c, store_done *done, void *ctx)
{
	static struct buf ops = {.max = IPC_PAYLOAD_MAX};
	struct client *k = client_of(s);
	struct msg_st_commit m = {.id = ++k->next_id, .expect = c->expect, .quota = c->quota};
	struct waiting w = {m.id, done, ctx};
	size_t bytes;
	int r;

	buf_reset(&ops);
	memcpy(m.partition, c->partition.b, STORE_ID_LEN);
	if (!(r = store_commit_check(c, &bytes)))
		r = store_wire_put_ops(&ops, c->ops, c->n);
	m.ops = buf_slice(&ops);
	if (r == LL_OK && k->closed)
		r = LL_ERR_CLOSED;
	if (r == LL_OK)
		r = VEC_PUSH(&k->waiting, w);
	if (r == LL_OK && (r = ipc_send_st_commit(k->c, &m, -1)))
		k->waiting.len--;
	if (r)
		finish(k, done, ctx, r, 0);
}

static int
client_wait(struct store *s)
{
	struct client *k = client_of(s);
	uint64_t before = k->told;
	int64_t deadline = clock_ms() + WRITE_MS;

	tell_finished(k);
	while (k->told == before && k->waiting.len) {
		int r = k->closed ? LL_ERR_CLOSED : ipc_pump(k->c, deadline);
		if (r) {
			store_client_closed(s);
			return LL_ERR_CLOSED;
		}
	}
	return k->closed ? LL_ERR_CLOSED : LL_OK;
}

static int
client_watch(struct store *s, struct store_id partition, store_bell *bell, void *ctx)
{
	struct client *k = client_of(s);
	struct msg_st_watch m;
	struct bell b = {partition, bell, ctx, false, true};
	int r;

	VEC_EACH (old, &k->bells)
		if (memcmp(&old->partition, &partition, sizeof(partition)) == 0) {
			*old = b;
			return LL_OK;
		}
	if ((r = VEC_PUSH(&k->bells, b)))
		return r;
	m.id = store_client_call_begin(k, NULL, READ_MS);
	memcpy(m.partition, partition.b, STORE_ID_LEN);
	if ((r = store_client_call_end(k, ipc_send_st_watch(k->c, &m, -1))))
		k->bells.len--;
	return r;
}

static void
client_unwatch(struct store *s, struct store_id partition)
{
	struct client *k = client_of(s);
	struct msg_st_unwatch m;

	for (size_t i = k->bells.len; i-- > 0;)
		if (memcmp(&k->bells.at[i].partition, &partition, sizeof(partition)) == 0)
			VEC_REMOVE(&k->bells, i);
	memcpy(m.partition, partition.b, STORE_ID_LEN);
	(void)ipc_send_st_unwatch(k->c, &m, -1);
}

static bool
client_rang(struct store *s, struct store_id partition)
{
	struct client *k = client_of(s);
	bool in_call = k->in_call, news = true;
	int r;

	k->in_call = true; /* what a commit's done does is left to the loop */
	r = ipc_take(k->c);
	k->in_call = in_call;
	if (r)
		return true; /* the loop finds out why */
	VEC_EACH (b, &k->bells)
		if (memcmp(&b->partition, &partition, sizeof(partition)) == 0) {
			news = b->news;
			b->news = false;
		}
	return news;
}

static int
client_drop(struct store *s, struct store_id partition)
{
	struct client *k = client_of(s);
	struct msg_st_drop m = {.id = store_client_call_begin(k, NULL, WRITE_MS)};

	memcpy(m.partition, partition.b, STORE_ID_LEN);
	return store_client_call_end(k, ipc_send_st_drop(k->c, &m, -1));
}

static const struct store_vtable vtable = {
	.free = client_free,
	.get = client_get,
	.range = client_range,
	.stat = client_stat,
	.commit = client_commit,
	.wait = client_wait,
	.blob_put = store_client_blob_put,
	.blob_read = store_client_blob_read,
	.blob_ahead = store_client_blob_ahead,
	.blob_size = store_client_blob_size,
	.watch = client_watch,
	.unwatch = client_unwatch,
	.rang = client_rang,
	.drop = client_drop,
};

struct store *
store_client_over(struct loop *l, struct ipc_channel *c)
{
	struct client *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	*k = (struct client){.base.v = &vtable, .loop = l, .c = c};
	return &k->base;
}

struct store *
store_client_new(struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx)
{
	struct ipc_options o = {self, ROLE_STORE, on_message, on_gone, NULL};
	struct ipc_channel *c = ipc_new(l, fd, &o);
	struct store *s = c ? store_client_over(l, c) : NULL;
	struct client *k;

	if (!s) {
		ipc_free(c);
		return NULL;
	}
	k = client_of(s);
	k->owned = true;
	k->lost = lost;
	k->lost_ctx = ctx;
	ipc_set_ctx(c, k);
	return s;
}
