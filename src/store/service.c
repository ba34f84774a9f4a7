/* Requests in, answers out.
 *
 * A peer that asks for what it may not touch gets LL_ERR_DENIED and a line in the log: a
 * well-behaved one never does. */
#include "store/service.h"
#include "base/error.h"
#include "base/log.h"
#include "base/vec.h"
#include "ipc/pairs.h"
#include "os/memfile.h"
#include "store/wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WINDOW_MAX ((uint64_t)4 << 20)
#define INLINE_READ_MAX ((uint64_t)2 << 10)
#define ROWS_ROOM (IPC_PAYLOAD_MAX - STORE_VALUE_MAX - STORE_KEY_MAX - 16)

struct store_peer {
	struct store_peer *next;
	struct store_service *service;
	struct ipc_channel *channel;
	struct store_holder holder;
	uint8_t *window;
	size_t window_len;
	unsigned pending; /* commits under way that will answer to this peer */
	bool gone;
};

struct watcher {
	struct store_id partition;
	struct store_peer *peer;
};

struct store_service {
	struct loop *loop;
	struct store *store;
	struct store_peer *peers;
	VEC(struct watcher) watchers;
	uint64_t commits, conflicts, reads, denied;
};

struct pending {
	struct store_peer *peer;
	uint64_t id;
};

static int
deny(struct store_peer *p, const char *what)
{
	p->service->denied++;
	log_error("store-denied", "peer=%s what=%s", role_name(p->holder.role), what);
	return LL_ERR_DENIED;
}

static int
check(struct store_peer *p, const uint8_t id[STORE_ID_LEN], struct slice key, unsigned may,
	struct store_id *ret)
{
	memcpy(ret->b, id, STORE_ID_LEN);
	return store_rights_on(&p->holder, ret, key) & may ? LL_OK : deny(p, "key");
}

static void
get(struct store_peer *p, const struct msg *m, int fd)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	struct store_id id;
	int r = check(p, m->st_get.partition, m->st_get.key, STORE_MAY_READ, &id);

	if (r == LL_OK)
		r = store_get(p->service->store, id, m->st_get.key, &value);
	(void)ipc_send_st_value(p->channel,
		&(struct msg_st_value){
			.id = m->st_get.id, .err = (uint8_t)-r, .value = buf_slice(&value)},
		-1);
}

struct rows {
	struct buf out;
	bool full;
};

#define ROWS_FULL 1

static int
add_row(void *ctx, struct slice key, struct slice value)
{
	struct rows *rows = ctx;

	if (rows->out.len > ROWS_ROOM) {
		rows->full = true;
		return ROWS_FULL;
	}
	return store_wire_put_row(&rows->out, key, value);
}

static void
range(struct store_peer *p, const struct msg *m, int fd)
{
	struct rows rows = {.out = BUF_INIT(IPC_PAYLOAD_MAX)};
	struct store_id id;
	bool more = false;
	int r;

	memcpy(id.b, m->st_range.partition, STORE_ID_LEN);
	r = store_range_permitted(&p->holder, &id, m->st_range.from, m->st_range.to)
		? LL_OK
		: deny(p, "range");
	if (r == LL_OK)
		r = store_range(p->service->store, id, m->st_range.from, m->st_range.to,
			m->st_range.limit, add_row, &rows, &more);
	if (r == ROWS_FULL) {
		r = LL_OK;
		more = true;
	}
	(void)ipc_send_st_rows(p->channel,
		&(struct msg_st_rows){.id = m->st_range.id,
			.err = (uint8_t)-r,
			.more = more,
			.rows = r ? SLICE_NONE : buf_slice(&rows.out)},
		-1);
	buf_done(&rows.out);
}

static void
stat_partition(struct store_peer *p, const struct msg *m, int fd)
{
	struct store_stat st = {0};
	struct store_id id;
	int r = check(p, m->st_stat.partition, SLICE_NONE, STORE_MAY_READ | STORE_MAY_APPEND, &id);

	if (r == LL_OK)
		r = store_stat(p->service->store, id, &st);
	(void)ipc_send_st_stated(p->channel,
		&(struct msg_st_stated){.id = m->st_stat.id,
			.err = (uint8_t)-r,
			.version = st.version,
			.blob_bytes = st.blob_bytes,
			.blobs = st.blobs},
		-1);
}

static void
answer_commit(struct store_peer *p, uint64_t id, int err, uint64_t version)
{
	if (err)
		p->service->conflicts++;
	(void)ipc_send_st_committed(p->channel,
		&(struct msg_st_committed){.id = id, .err = (uint8_t)-err, .version = version}, -1);
}

static void
peer_release(struct store_peer *p)
{
	if (!p->gone || p->pending)
		return;
	if (p->window)
		munmap(p->window, p->window_len);
	free(p);
}

static void
committed(void *ctx, int err, uint64_t version)
{
	struct pending *pending = ctx;
	struct store_peer *p = pending->peer;

	p->pending--;
	if (!p->gone)
		answer_commit(p, pending->id, err, version);
	peer_release(p);
	free(pending);
}

static int
decode_commit(struct store_peer *p, const struct msg_st_commit *m, struct store_op *ops,
	struct store_commit *ret)
{
	size_t n;
	int r = store_wire_get_ops(m->ops, ops, &n);

	if (r)
		return r;
	*ret = (struct store_commit){.expect = m->expect, .ops = ops, .n = n, .quota = m->quota};
	memcpy(ret->partition.b, m->partition, STORE_ID_LEN);
	for (size_t i = 0; i < n; i++)
		if (!store_op_permitted(&p->holder, &ret->partition, &ops[i]))
			return deny(p, "commit");
	return LL_OK;
}

static void
commit(struct store_peer *p, const struct msg *m, int fd)
{
	static struct store_op ops[STORE_OPS_MAX];
	struct pending *pending = malloc(sizeof(*pending));
	struct store_commit c;
	int r = pending ? decode_commit(p, &m->st_commit, ops, &c) : LL_ERR_NOMEM;

	p->service->commits++;
	if (r) {
		free(pending);
		answer_commit(p, m->st_commit.id, r, 0);
		return;
	}
	*pending = (struct pending){p, m->st_commit.id};
	p->pending++;
	store_commit(p->service->store, &c, committed, pending);
}

/* A blob of any size comes as a memory file. */
static int
put_from_file(struct store_service *sv, const struct msg_st_blob_put *m, int fd)
{
	struct store_id blob;
	void *p;
	int r;

	if (m->len > STORE_BLOB_MAX || memfile_check(fd, m->len, true))
		return LL_ERR_DENIED;
	memcpy(blob.b, m->blob, STORE_ID_LEN);
	if (m->len == 0)
		return store_blob_put(sv->store, blob, SLICE_NONE);
	p = mmap(NULL, (size_t)m->len, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return LL_ERR_NOMEM;
	r = store_blob_put(sv->store, blob, slice_new(p, (size_t)m->len));
	munmap(p, (size_t)m->len);
	return r;
}

static void
blob_put(struct store_peer *p, const struct msg *m, int fd)
{
	int r = put_from_file(p->service, &m->st_blob_put, fd);

	answer_commit(p, m->st_blob_put.id, r, 0);
}

/* Answers with the bytes themselves, or, when there are many, with their number; they stand in the
 * window then, where they were wanted. */
static void
blob_read(struct store_peer *p, const struct msg *m, int fd)
{
	const struct msg_st_blob_read *q = &m->st_blob_read;
	bool small = q->len <= INLINE_READ_MAX || !p->window;
	size_t at = MIN((size_t)q->at, p->window_len);
	uint64_t len = MIN(q->len, small ? INLINE_READ_MAX : (uint64_t)(p->window_len - at));
	struct buf out = small
		? BUF_INIT(INLINE_READ_MAX)
		: (struct buf){.ptr = p->window + at, .cap = (size_t)len, .max = (size_t)len};
	struct store_id id, blob;
	int r = check(p, q->partition, SLICE_NONE, STORE_MAY_READ, &id);

	p->service->reads++;
	memcpy(blob.b, q->blob, STORE_ID_LEN);
	if (r == LL_OK)
		r = store_blob_read(p->service->store, id, blob, q->offset, (size_t)len, &out);
	if (small) {
		(void)ipc_send_st_value(p->channel,
			&(struct msg_st_value){
				.id = q->id, .err = (uint8_t)-r, .value = buf_slice(&out)},
			-1);
		buf_done(&out);
	} else {
		answer_commit(p, q->id, r, out.len);
	}
}

static void
blob_size(struct store_peer *p, const struct msg *m, int fd)
{
	struct store_id id, blob;
	uint64_t size = 0;
	int r = check(p, m->st_blob_size.partition, SLICE_NONE, STORE_MAY_READ, &id);

	memcpy(blob.b, m->st_blob_size.blob, STORE_ID_LEN);
	if (r == LL_OK)
		r = store_blob_size(p->service->store, id, blob, &size);
	answer_commit(p, m->st_blob_size.id, r, size);
}

static void
window(struct store_peer *p, const struct msg *m, int fd)
{
	void *at;

	if (p->window || m->st_window.len > WINDOW_MAX ||
		memfile_check(fd, m->st_window.len, false)) {
		(void)deny(p, "window");
		return;
	}
	at = mmap(NULL, (size_t)m->st_window.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return;
	p->window = at;
	p->window_len = (size_t)m->st_window.len;
}

static void
ring(void *ctx, struct store_id partition)
{
	struct store_service *sv = ctx;
	struct msg_st_bell bell;

	memcpy(bell.partition, partition.b, STORE_ID_LEN);
	VEC_EACH (w, &sv->watchers)
		if (memcmp(&w->partition, &partition, sizeof(partition)) == 0)
			(void)ipc_send_st_bell(w->peer->channel, &bell, -1);
}

static bool
is_watched(const struct store_service *sv, const struct store_id *id)
{
	VEC_EACH (w, &sv->watchers)
		if (memcmp(&w->partition, id, sizeof(*id)) == 0)
			return true;
	return false;
}

static void
watch(struct store_peer *p, const struct msg *m, int fd)
{
	struct store_service *sv = p->service;
	struct watcher w = {.peer = p};
	int r = check(p, m->st_watch.partition, SLICE_NONE, STORE_MAY_READ, &w.partition);

	if (r == LL_OK && !is_watched(sv, &w.partition))
		r = store_watch(sv->store, w.partition, ring, sv);
	if (r == LL_OK)
		r = VEC_PUSH(&sv->watchers, w);
	answer_commit(p, m->st_watch.id, r, 0);
}

static void
unwatch_where(struct store_service *sv, const struct store_peer *p, const struct store_id *id)
{
	for (size_t i = sv->watchers.len; i-- > 0;) {
		struct watcher w = sv->watchers.at[i];
		if (w.peer != p || (id && memcmp(id, &w.partition, sizeof(*id))))
			continue;
		VEC_REMOVE(&sv->watchers, i);
		if (!is_watched(sv, &w.partition))
			store_unwatch(sv->store, w.partition);
	}
}

static void
unwatch(struct store_peer *p, const struct msg *m, int fd)
{
	struct store_id id;

	memcpy(id.b, m->st_unwatch.partition, STORE_ID_LEN);
	unwatch_where(p->service, p, &id);
}

static void
drop(struct store_peer *p, const struct msg *m, int fd)
{
	struct store_id id;
	int r = check(p, m->st_drop.partition, SLICE_NONE, STORE_MAY_WRITE, &id);

	if (r == LL_OK)
		r = store_is_own(&id) ? LL_ERR_DENIED : store_drop(p->service->store, id);
	answer_commit(p, m->st_drop.id, r, 0);
}

static void
bound_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct store_peer *p = ctx;

	if (!store_service_handle(p->service, p, m, fd))
		fd_close(&fd);
}

static void
bound_gone(void *ctx, struct ipc_channel *c, int err)
{
	struct store_peer *p = ctx;

	store_service_forget(p->service, p);
	ipc_free(c);
}

/* A channel for a session: it will reach one partition only. */
static int
open_bound(struct store_service *sv, const struct store_id *id, int *ret_fd)
{
	struct ipc_options o = {ROLE_STORE, ROLE_SESSION, bound_message, bound_gone, NULL};
	struct ipc_channel *c;
	struct store_peer *p;
	int fds[2], r = ipc_socketpair(fds);

	if (r)
		return r;
	c = ipc_new(sv->loop, fds[0], &o);
	p = c ? store_service_peer(sv, c, ROLE_SESSION, id) : NULL;
	if (!p) {
		ipc_free(c);
		close(fds[1]);
		return LL_ERR_NOMEM;
	}
	ipc_set_ctx(c, p);
	*ret_fd = fds[1];
	return LL_OK;
}

static void
open_channel(struct store_peer *p, const struct msg *m, int fd)
{
	CLEANUP(fd_close) int far = -1;
	struct store_id id;
	int r = check(p, m->st_open.partition, SLICE_NONE, STORE_MAY_WRITE, &id);

	if (r == LL_OK)
		r = store_is_own(&id) ? LL_ERR_DENIED : open_bound(p->service, &id, &far);
	(void)ipc_send_st_opened(
		p->channel, &(struct msg_st_opened){.id = m->st_open.id, .err = (uint8_t)-r}, far);
}

static const struct {
	enum msg_kind kind;
	void (*handle)(struct store_peer *, const struct msg *, int fd);
} handlers[] = {
	{MSG_KIND_ST_GET, get},
	{MSG_KIND_ST_RANGE, range},
	{MSG_KIND_ST_STAT, stat_partition},
	{MSG_KIND_ST_COMMIT, commit},
	{MSG_KIND_ST_BLOB_PUT, blob_put},
	{MSG_KIND_ST_BLOB_READ, blob_read},
	{MSG_KIND_ST_BLOB_SIZE, blob_size},
	{MSG_KIND_ST_WINDOW, window},
	{MSG_KIND_ST_WATCH, watch},
	{MSG_KIND_ST_UNWATCH, unwatch},
	{MSG_KIND_ST_DROP, drop},
	{MSG_KIND_ST_OPEN, open_channel},
};

bool
store_service_handle(struct store_service *sv, struct store_peer *p, const struct msg *m, int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
		if (handlers[i].kind != m->kind)
			continue;
		handlers[i].handle(p, m, fd);
		fd_close(&fd);
		return true;
	}
	return false;
}

struct store_service *
store_service_new(struct loop *l, struct store *s)
{
	struct store_service *sv = calloc(1, sizeof(*sv));

	if (sv)
		*sv = (struct store_service){.loop = l, .store = s};
	return sv;
}

struct store_peer *
store_service_peer(struct store_service *sv, struct ipc_channel *c, enum role role,
	const struct store_id *bound)
{
	struct store_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct store_peer){.service = sv,
		.channel = c,
		.holder = {.role = role, .has_bound = bound != NULL},
		.next = sv->peers};
	if (bound)
		p->holder.bound = *bound;
	sv->peers = p;
	return p;
}

void
store_service_forget(struct store_service *sv, struct store_peer *p)
{
	struct store_peer **at = &sv->peers;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	unwatch_where(sv, p, NULL);
	p->gone = true;
	peer_release(p);
}

void
store_service_free(struct store_service *sv)
{
	if (!sv)
		return;
	while (sv->peers)
		store_service_forget(sv, sv->peers);
	VEC_DONE(&sv->watchers);
	free(sv);
}

void
store_service_counters(const struct store_service *sv, struct buf *out)
{
	unsigned peers = 0;

	for (const struct store_peer *p = sv->peers; p; p = p->next)
		peers++;
	buf_printf(out, "commits=%llu\nrefused=%llu\nblob_reads=%llu\ndenied=%llu\nchannels=%u\n",
		(unsigned long long)sv->commits, (unsigned long long)sv->conflicts,
		(unsigned long long)sv->reads, (unsigned long long)sv->denied, peers);
}
