/* Requests of signed-in people: the frontend holds one web link to the session process of each
 * sign-in, finds it by a keyed hash of the cookie's token or of the password, and moves bodies both
 * ways within their windows. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "faces/web_link.h"
#include "faces/websocket.h"
#include "roles/front_web.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define LINKS_MAX 20000
#define LINK_IDLE_S 120 /* without a request; then the session may leave */
#define LINK_WAIT_S 20 /* for auth's answer */
#define LINK_QUEUE_HIGH ((size_t)1 << 20)
#define KEY_LEN 32
#define GZIP_MIN 1024
#define PUMP ((size_t)32 << 10)

struct front_link {
	uint64_t id;
	uint8_t key[KEY_LEN];
	enum front_link_kind kind;
	struct stream *stream;
	struct web_link *web;
	struct loop_timer timer, again;
	uint8_t session[WEB_ID_LEN], ticket[16], peer[16];
	int far; /* kept until auth has signed in the password; -1 */
	bool attached, running, dead;
	unsigned refused; /* an HTTP status */
};

/* A task's part in it. */
struct passage {
	struct front_task *task;
	struct front_link *link;
	uint32_t stream;
	struct websocket *ws;
	bool over; /* the link's stream is gone */
	bool ended; /* the answer is complete, but for what waits below */
	z_stream *gzip;
	struct buf waiting; /* bytes for the client that there was no room for */
	size_t owed; /* bytes of the link's stream that stand in `waiting` */
};

static struct {
	struct role_env *env;
	struct map *by_key, *by_id;
	uint8_t hash_key[32];
	uint64_t next_id;
} ls;

static const struct front_task_ops passage_ops;

static struct slice
id_key(const uint64_t *id)
{
	return slice_new(id, sizeof(*id));
}

void
front_link_init(struct role_env *env)
{
	ls.env = env;
	ls.by_key = map_new();
	ls.by_id = map_new();
	randombytes_buf(ls.hash_key, sizeof(ls.hash_key));
}

/* --- links --- */

static void run(struct front_link *l);

static void
passage_lost(struct passage *p, unsigned status)
{
	struct front_task *t = p->task;

	p->over = true;
	if (t->head_sent)
		front_task_reset(t);
	else if (status == 401)
		front_task_problem(t, 401, "signed-out", "Please sign in.", 0);
	else
		front_task_problem(t, 503, "unavailable",
			"The account cannot be reached now, please try again.", 2);
}

/* Every request on it is told, then the link goes. */
static void
link_free(struct front_link *l)
{
	struct ipc_channel *auth = role_peer(ls.env, ROLE_AUTH, 0);

	if (map_get(ls.by_key, SLICE_OF(l->key)) == l)
		(void)map_del(ls.by_key, SLICE_OF(l->key));
	(void)map_del(ls.by_id, id_key(&l->id));
	while (web_link_streams(l->web)) {
		struct passage *p = web_link_ctx_at(l->web, 0);
		web_link_cancel(l->web, p->stream);
		passage_lost(p, l->refused);
	}
	if (l->kind == FRONT_LINK_PASSWORD && auth) {
		struct msg_login_end m = {.id = l->id | FRONT_LINK_ID_BIT};
		memcpy(m.ticket, l->ticket, sizeof(m.ticket));
		(void)ipc_send_login_end(auth, &m, -1);
	}
	loop_timer_stop(ls.env->loop, &l->timer);
	loop_timer_stop(ls.env->loop, &l->again);
	fd_close(&l->far);
	stream_free(l->stream);
	web_link_free(l->web);
	secret_wipe(l, sizeof(*l));
	free(l);
}

static void
on_again(void *ctx)
{
	struct front_link *l = ctx;

	if (!l->dead)
		run(l);
	if (l->dead)
		link_free(l);
}

static void
wake(struct front_link *l)
{
	if (!l->running && !l->again.slot)
		(void)!loop_timer_set(ls.env->loop, &l->again, 0, on_again, l);
}

static void
link_end(struct front_link *l)
{
	/* New requests get a new link. */
	if (map_get(ls.by_key, SLICE_OF(l->key)) == l)
		(void)map_del(ls.by_key, SLICE_OF(l->key));
	l->dead = true;
	wake(l);
}

static void
on_link_time(void *ctx)
{
	struct front_link *l = ctx;

	if (!l->attached || web_link_streams(l->web) == 0) {
		link_end(l);
		return;
	}
	if (loop_timer_set(ls.env->loop, &l->timer, LINK_IDLE_S * 1000, on_link_time, l))
		link_end(l);
}

static void
flush(struct front_link *l)
{
	while (!l->dead && stream_queued(l->stream) < LINK_QUEUE_HIGH) {
		struct slice out = slice_sub(web_link_output(l->web), 0, LINK_QUEUE_HIGH);
		if (out.len == 0)
			return;
		if (stream_send(l->stream, out))
			link_end(l);
		web_link_sent(l->web, out.len);
	}
}

/* --- from the session to the client --- */

static struct front_head
head_of(const struct web_response *a)
{
	struct front_head h = {.status = a->status, .length = a->length};

	for (unsigned i = 0; i < a->n_headers && h.n < FRONT_EXTRA_HEADERS_MAX; i++) {
		static const char *const kept[] = {"content-type", "content-disposition",
			"content-range", "accept-ranges", "etag", "last-modified", "location",
			"retry-after", "sec-websocket-protocol", "allow", "content-language",
			"vary"};
		for (size_t k = 0; k < ARRAY_SIZE(kept); k++)
			if (slice_eq(a->headers[i].name, slice_str(kept[k])))
				h.extra[h.n++] = a->headers[i];
	}
	return h;
}

/* JSON goes out compressed. What the client of a mailbox sends and gets stands in no one else's
 * pages, and requests that could be used to guess at it from elsewhere carry no cookie. */
static bool
wants_gzip(const struct passage *p, const struct web_response *a)
{
	struct slice type = web_response_header(a, "content-type");

	return p->task->state == p && p->gzip == NULL && a->status == 200 &&
		p->task->method != WEB_HEAD &&
		(slice_starts(type, S("application/json")) ||
			slice_starts(type, S("application/problem+json"))) &&
		a->length >= GZIP_MIN && a->length != WEB_LENGTH_UNKNOWN;
}

static bool
start_gzip(struct passage *p)
{
	p->gzip = calloc(1, sizeof(*p->gzip));
	if (!p->gzip)
		return false;
	if (deflateInit2(p->gzip, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK)
		return true;
	free(TAKE(p->gzip));
	return false;
}

/* Sends what waits, as there is room; then what it stood for may come again. */
static void
send_waiting(struct passage *p)
{
	struct front_task *t = p->task;
	size_t at = 0;

	while (!t->over && at < p->waiting.len) {
		size_t n = MIN(http_conn_room(t->http, t->stream), p->waiting.len - at);
		if (n == 0)
			break;
		if (http_conn_body(t->http, t->stream, slice_new(p->waiting.ptr + at, n))) {
			front_task_reset(t);
			return;
		}
		at += n;
	}
	buf_consume(&p->waiting, at);
	if (at)
		front_task_wake(t);
	if (p->waiting.len == 0 && p->owed && !p->over) {
		web_link_consumed(p->link->web, p->stream, p->owed);
		p->owed = 0;
		wake(p->link);
	}
	if (p->waiting.len == 0 && p->ended)
		front_task_end(t);
}

static void
deflate_into(struct passage *p, struct slice in, int flush_mode)
{
	p->gzip->next_in = (Bytef *)(uintptr_t)in.ptr;
	p->gzip->avail_in = (uInt)in.len;
	do {
		uint8_t *room = buf_room(&p->waiting, PUMP);
		if (!room)
			return;
		p->gzip->next_out = room;
		p->gzip->avail_out = PUMP;
		(void)deflate(p->gzip, flush_mode);
		buf_grow(&p->waiting, PUMP - p->gzip->avail_out);
	} while (p->gzip->avail_out == 0);
}

static void
on_response(struct passage *p, const struct web_event *e)
{
	struct front_head h = head_of(&e->response);

	if (wants_gzip(p, &e->response) && p->task->has_gzip && start_gzip(p)) {
		h.extra[h.n++] = (struct web_header){S("content-encoding"), S("gzip")};
		h.extra[h.n++] = (struct web_header){S("vary"), S("accept-encoding")};
		h.length = WEB_LENGTH_UNKNOWN;
	}
	if (e->response.status == 101) {
		h.length = WEB_LENGTH_UNKNOWN;
		p->ws = websocket_new();
		if (!p->ws) {
			passage_lost(p, 503);
			return;
		}
	}
	(void)!front_task_head(p->task, &h);
}

static void
on_body(struct passage *p, struct slice data)
{
	p->owed += data.len;
	if (p->gzip)
		deflate_into(p, data, Z_NO_FLUSH);
	else
		buf_put(&p->waiting, data);
	send_waiting(p);
}

static void
on_end(struct passage *p)
{
	p->over = true;
	p->ended = true;
	if (p->gzip)
		deflate_into(p, SLICE_NONE, Z_FINISH);
	send_waiting(p);
}

/* What the WebSocket engine has to say goes the way of bodies. */
static void
send_frames(struct passage *p)
{
	struct slice out = websocket_output(p->ws);

	buf_put(&p->waiting, out);
	websocket_sent(p->ws, out.len);
	if (websocket_closed(p->ws))
		p->ended = true;
	if (buf_err(&p->waiting))
		front_task_reset(p->task);
	else
		send_waiting(p);
}

static void
on_message(struct passage *p, const struct web_event *e)
{
	p->owed += e->data.len;
	websocket_message(p->ws, e->text, e->last, e->data);
	send_frames(p);
}

static void
on_close(struct passage *p, const struct web_event *e)
{
	p->over = true;
	websocket_close(p->ws, e->code, e->data);
	send_frames(p);
}

static void
on_event(const struct web_event *e)
{
	struct passage *p = e->ctx;

	if (!p || p->task->over)
		return;
	if (e->kind == WEB_EVENT_RESPONSE)
		on_response(p, e);
	else if (e->kind == WEB_EVENT_BODY)
		on_body(p, e->data);
	else if (e->kind == WEB_EVENT_END)
		on_end(p);
	else if (e->kind == WEB_EVENT_MESSAGE)
		on_message(p, e);
	else if (e->kind == WEB_EVENT_CLOSE)
		on_close(p, e);
	else if (e->kind == WEB_EVENT_CANCEL)
		passage_lost(p, 503);
	else if (e->kind == WEB_EVENT_ROOM && passage_ops.room)
		passage_ops.room(p->task);
}

static void
run(struct front_link *l)
{
	struct web_event e;
	enum parse_result r = PARSE_OK;

	l->running = true;
	while (!l->dead && (r = web_link_next(l->web, &e)) == PARSE_OK) {
		on_event(&e);
		flush(l);
	}
	if (r == PARSE_BAD) {
		log_error("web-link", "error=%s", "malformed");
		link_end(l);
	}
	flush(l);
	l->running = false;
	if (l->dead)
		wake(l);
}

static size_t
link_input(void *ctx, struct slice in)
{
	struct front_link *l = ctx;
	struct slice part = slice_sub(in, 0, (size_t)64 << 10);

	if (l->dead)
		return in.len;
	if (web_link_input(l->web, part))
		link_end(l);
	else
		run(l);
	return part.len;
}

static void
link_drained(void *ctx)
{
	struct front_link *l = ctx;

	if (!l->dead)
		run(l);
}

/* Before auth has answered, it is auth's refusal that closed it, and the reason is on its way. */
static void
link_closed(void *ctx, int err)
{
	struct front_link *l = ctx;

	if (l->attached || l->refused)
		link_end(l);
}

static const struct stream_ops link_ops = {link_input, link_drained, NULL, link_closed};

/* --- sign-in --- */

static bool
ask_cookie(struct front_link *l, struct ipc_channel *auth, struct slice token)
{
	struct msg_web_attach m = {
		.id = l->id, .token = token, .peer = slice_new(l->peer, sizeof(l->peer))};
	bool ok = ipc_send_web_attach(auth, &m, l->far) == LL_OK;

	fd_close(&l->far);
	return ok;
}

/* PLAIN, as a mail program would do it; the link follows when it is good. */
static bool
ask_password(struct front_link *l, struct ipc_channel *auth, struct slice secret)
{
	CLEANUP(buf_wipe) struct buf plain = BUF_INIT(IPC_SASL_MAX);
	struct msg_login_start m = {.id = l->id | FRONT_LINK_ID_BIT,
		.service = SERVICE_HTTPS,
		.mechanism = SASL_PLAIN,
		.peer = slice_new(l->peer, sizeof(l->peer))};

	buf_putc(&plain, 0);
	if (buf_put(&plain, secret))
		return false;
	m.data = buf_slice(&plain);
	return ipc_send_login_start(auth, &m, -1) == LL_OK;
}

static bool
link_ask(struct front_link *l, struct slice secret)
{
	struct ipc_channel *auth = role_peer(ls.env, ROLE_AUTH, 0);

	if (!auth || loop_timer_set(ls.env->loop, &l->timer, LINK_WAIT_S * 1000, on_link_time, l))
		return false;
	return l->kind == FRONT_LINK_COOKIE ? ask_cookie(l, auth, secret)
					    : ask_password(l, auth, secret);
}

static struct front_link *
link_new(const uint8_t key[KEY_LEN], enum front_link_kind kind, const uint8_t peer[16])
{
	struct front_link *l = calloc(1, sizeof(*l));
	int fds[2];

	if (!l || map_len(ls.by_id) >= LINKS_MAX ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
		free(l);
		return NULL;
	}
	*l = (struct front_link){.id = ++ls.next_id, .kind = kind, .far = fds[1]};
	memcpy(l->key, key, KEY_LEN);
	memcpy(l->peer, peer, sizeof(l->peer));
	l->web = web_link_new(true);
	l->stream = stream_new(ls.env->loop, fds[0], &link_ops, l);
	if (!l->web || !l->stream || map_set(ls.by_id, id_key(&l->id), l, NULL) ||
		map_set(ls.by_key, SLICE_OF(l->key), l, NULL)) {
		(void)map_del(ls.by_id, id_key(&l->id));
		stream_free(l->stream);
		web_link_free(l->web);
		fd_close(&l->far);
		free(l);
		return NULL;
	}
	return l;
}

static void
link_refused(struct front_link *l, unsigned status)
{
	l->refused = status;
	link_end(l);
}

static void
link_attached(struct front_link *l)
{
	l->attached = true;
	if (loop_timer_set(ls.env->loop, &l->timer, LINK_IDLE_S * 1000, on_link_time, l))
		link_end(l);
}

static struct front_link *
find(uint64_t id)
{
	struct front_link *l = ls.by_id ? map_get(ls.by_id, id_key(&id)) : NULL;

	return l && !l->attached && !l->dead ? l : NULL;
}

void
front_link_attached(const struct msg_web_attached *m)
{
	struct front_link *l = find(m->id);
	int err = -(int)m->err;

	if (!l || l->kind != FRONT_LINK_COOKIE)
		return;
	memcpy(l->session, m->session, sizeof(l->session));
	if (err == LL_OK)
		link_attached(l);
	else
		link_refused(l,
			err == LL_ERR_AUTH || err == LL_ERR_DENIED || err == LL_ERR_NOTFOUND ? 401
											     : 503);
}

void
front_link_login_result(const struct msg_login_result *m)
{
	struct front_link *l = find(m->id & ~FRONT_LINK_ID_BIT);
	struct ipc_channel *auth = role_peer(ls.env, ROLE_AUTH, 0);
	struct msg_attach a = {.id = m->id, .service = SERVICE_HTTPS};
	bool ok;

	if (!l || l->kind != FRONT_LINK_PASSWORD || l->far < 0)
		return;
	if (m->result != LOGIN_OK) {
		link_refused(l, m->result == LOGIN_TEMPORARY ? 503 : 401);
		return;
	}
	memcpy(l->ticket, m->ticket, sizeof(l->ticket));
	memcpy(a.ticket, m->ticket, sizeof(a.ticket));
	a.peer = slice_new(l->peer, sizeof(l->peer));
	ok = auth && ipc_send_attach(auth, &a, l->far) == LL_OK;
	fd_close(&l->far);
	if (ok)
		link_attached(l);
	else
		link_refused(l, 503);
}

void
front_link_revoked(const struct msg_web_revoke *m)
{
	size_t pos = 0;
	void *value;

	while (map_next(ls.by_id, &pos, NULL, &value)) {
		struct front_link *l = value;
		if (l->kind == FRONT_LINK_COOKIE &&
			memcmp(l->session, m->session, sizeof(l->session)) == 0)
			link_refused(l, 401);
	}
}

/* Links whose sessions live on go on; those that wait get no answer any more. */
void
front_link_auth_lost(void)
{
	size_t pos = 0;
	void *value;

	while (ls.by_id && map_next(ls.by_id, &pos, NULL, &value))
		if (!((struct front_link *)value)->attached)
			link_refused(value, 503);
}

/* --- from the client to the session --- */

/* Frames of the client to messages for the session; what is left of its bytes is given back. */
static void
pump_frames(struct passage *p)
{
	struct websocket_event e;

	while (!p->over && !p->task->over && websocket_next(p->ws, &e)) {
		if (e.kind == WEBSOCKET_MESSAGE) {
			int r = web_link_message(p->link->web, p->stream, e.text, e.last, e.data);
			if (r) {
				websocket_close(p->ws, 1008, S("too much at once"));
				web_link_cancel(p->link->web, p->stream);
				p->over = true;
			}
		} else {
			(void)web_link_close(p->link->web, p->stream, e.code, e.data);
			p->over = true;
		}
	}
	send_frames(p);
	wake(p->link);
}

static size_t
passage_body(struct front_task *t, struct slice piece)
{
	struct passage *p = t->state;

	if (p->ws) {
		if (!p->over && websocket_input(p->ws, piece) == LL_OK)
			pump_frames(p);
		return piece.len;
	}
	if (p->over)
		return piece.len;
	/* The client's window is no larger than what the link lets through; the rest waits. */
	if (t->gathered.len || web_link_body(p->link->web, p->stream, piece) == LL_ERR_AGAIN) {
		if (buf_put(&t->gathered, piece))
			front_task_reset(t);
		return 0;
	}
	wake(p->link);
	return piece.len;
}

/* Room on the link for the client's body, or room towards the client for the answer. */
static void
passage_room(struct front_task *t)
{
	struct passage *p = t->state;
	size_t n;

	if (!p->over && t->gathered.len) {
		n = MIN(web_link_room(p->link->web, p->stream), t->gathered.len);
		if (n &&
			web_link_body(p->link->web, p->stream, slice_new(t->gathered.ptr, n)) ==
				LL_OK) {
			buf_consume(&t->gathered, n);
			front_task_consumed(t, n);
		}
		if (t->gathered.len == 0 && t->complete)
			(void)web_link_end(p->link->web, p->stream);
		wake(p->link);
	}
	send_waiting(p);
}

static void
passage_end(struct front_task *t)
{
	struct passage *p = t->state;

	if (p->over || p->ws || t->websocket || t->gathered.len)
		return;
	(void)web_link_end(p->link->web, p->stream);
	wake(p->link);
}

/* Keeps the way open, and finds out that nobody is at its other end. */
static void
passage_tick(struct front_task *t)
{
	struct passage *p = t->state;

	if (p->ws && !p->ended) {
		websocket_ping(p->ws);
		send_frames(p);
	}
}

static void
passage_gone(struct front_task *t)
{
	struct passage *p = TAKE(t->state);

	if (!p->over) {
		web_link_cancel(p->link->web, p->stream);
		wake(p->link);
	}
	if (p->gzip) {
		deflateEnd(p->gzip);
		free(p->gzip);
	}
	websocket_free(p->ws);
	buf_wipe(&p->waiting);
	free(p);
}

static const struct front_task_ops passage_ops = {
	passage_body, passage_end, passage_room, passage_tick, passage_gone};

static bool
passes(struct slice name)
{
	static const char *const names[] = {"content-type", "accept", "accept-language", "range",
		"if-range", "if-match", "if-none-match", "if-modified-since", "last-event-id",
		"sec-websocket-protocol"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_eq(name, slice_str(names[i])))
			return true;
	return false;
}

static bool
send_request(struct front_link *l, struct passage *p, const struct http_request *q)
{
	struct front_task *t = p->task;
	struct web_request r = {.method = t->method,
		.websocket = t->websocket,
		.auth = l->kind == FRONT_LINK_COOKIE ? WEB_AUTH_COOKIE : WEB_AUTH_PASSWORD,
		.length = q->length,
		.host = t->host,
		.path = t->path,
		.query = t->query};

	memcpy(r.session, l->session, sizeof(r.session));
	memcpy(r.peer, t->c->ip, sizeof(r.peer));
	for (unsigned i = 0; i < q->n_headers && r.n_headers < WEB_HEADERS_MAX; i++)
		if (passes(q->headers[i].name))
			r.headers[r.n_headers++] = q->headers[i];
	return web_link_request(l->web, &r, p, &p->stream) == LL_OK;
}

static struct front_link *
link_for(struct front_task *t, enum front_link_kind kind, struct slice secret)
{
	uint8_t key[KEY_LEN], tag = (uint8_t)kind;
	struct front_link *l;
	crypto_generichash_state h;

	crypto_generichash_init(&h, ls.hash_key, sizeof(ls.hash_key), KEY_LEN);
	crypto_generichash_update(&h, &tag, 1);
	crypto_generichash_update(&h, secret.ptr, secret.len);
	crypto_generichash_final(&h, key, KEY_LEN);
	l = map_get(ls.by_key, SLICE_OF(key));
	if (l)
		return l;
	l = link_new(key, kind, t->c->ip);
	if (l && !link_ask(l, secret))
		link_refused(l, 503);
	return l;
}

void
front_link_request(struct front_task *t, const struct http_request *q, enum front_link_kind kind,
	struct slice secret)
{
	struct front_link *l = link_for(t, kind, secret);
	struct passage *p = l && !l->dead ? calloc(1, sizeof(*p)) : NULL;

	if (p) {
		*p = (struct passage){.task = t, .link = l, .waiting = BUF_INIT((size_t)1 << 20)};
		if (send_request(l, p, q)) {
			t->state = p;
			t->ops = &passage_ops;
			wake(l);
			return;
		}
		free(p);
	}
	front_task_problem(
		t, 503, "unavailable", "The account cannot be reached now, please try again.", 2);
}
