/* One request on its way over a web link: bodies move both ways within their windows, JSON is
 * compressed, and WebSocket frames become messages. */
#include "base/error.h"
#include "roles/front_link_priv.h"

#include <stdlib.h>
#include <string.h>

#define GZIP_MIN 1024
#define PUMP ((size_t)32 << 10)

static const struct front_task_ops passage_ops;

void
front_passage_lost(struct passage *p, unsigned status)
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
		front_link_wake(p->link);
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

static void send_gathered(struct passage *p);

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
			front_passage_lost(p, 503);
			return;
		}
	}
	if (front_task_head(p->task, &h) && p->ws && (p->task->gathered.len || p->task->complete))
		send_gathered(p);
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

void
front_passage_event(const struct web_event *e)
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
		front_passage_lost(p, 503);
	else if (e->kind == WEB_EVENT_ROOM && passage_ops.room)
		passage_ops.room(p->task);
}

/* --- from the client to the session --- */

/* Frames of the client to messages for the session. */
static void
pump_frames(struct passage *p)
{
	struct websocket_event e;

	while (!p->over && !p->task->over && websocket_next(p->ws, &e)) {
		if (e.kind == WEBSOCKET_CLOSE)
			(void)web_link_close(p->link->web, p->stream, e.code, e.data);
		else if (web_link_message(p->link->web, p->stream, e.text, e.last, e.data) == LL_OK)
			continue;
		else
			web_link_cancel(p->link->web, p->stream);
		p->over = true;
	}
	send_frames(p);
	front_link_wake(p->link);
}

/* No more bytes than the link has room for: what is in them is never more. */
static void
take_frames(struct passage *p, struct slice in)
{
	if (websocket_input(p->ws, in) == LL_OK)
		pump_frames(p);
}

/* A WebSocket that ends without a close is over all the same. */
static void
client_done(struct passage *p)
{
	if (!p->ws) {
		(void)web_link_end(p->link->web, p->stream);
	} else if (!p->over) {
		(void)web_link_close(p->link->web, p->stream, 1006, SLICE_NONE);
		p->over = p->ended = true;
	}
}

/* Sends what waits until the link has no room left: only then does it tell when there is again. */
static void
send_gathered(struct passage *p)
{
	struct front_task *t = p->task;

	while (!p->over && !t->over && t->gathered.len) {
		size_t n = MIN(web_link_room(p->link->web, p->stream), t->gathered.len);
		struct slice piece = slice_new(t->gathered.ptr, n);
		if (!n)
			break;
		if (p->ws)
			take_frames(p, piece);
		else if (web_link_body(p->link->web, p->stream, piece))
			break;
		buf_consume(&t->gathered, n);
		front_task_consumed(t, n);
	}
	if (t->gathered.len == 0 && t->complete && !p->over)
		client_done(p);
	front_link_wake(p->link);
}

/* The client's window is no larger than what the link lets through; the rest waits, as do frames
 * that come before the session has accepted them. */
static size_t
passage_body(struct front_task *t, struct slice piece)
{
	struct passage *p = t->state;

	if (p->over)
		return piece.len;
	if (buf_put(&t->gathered, piece))
		front_task_reset(t);
	else if (p->ws || !t->websocket)
		send_gathered(p);
	return 0;
}

/* Room on the link for what the client sends, or room towards the client for the answer. */
static void
passage_room(struct front_task *t)
{
	struct passage *p = t->state;

	if (!p->over && t->gathered.len)
		send_gathered(p);
	send_waiting(p);
}

static void
passage_end(struct front_task *t)
{
	struct passage *p = t->state;

	if (p->over || (t->websocket && !p->ws) || t->gathered.len)
		return;
	client_done(p);
	front_link_wake(p->link);
	send_waiting(p);
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
		front_link_wake(p->link);
	}
	/* What nobody will take must not hold up the connection's other requests. */
	http_conn_consumed(t->http, t->stream, t->gathered.len);
	if (p->gzip) {
		deflateEnd(p->gzip);
		free(p->gzip);
	}
	websocket_free(p->ws);
	buf_done(&p->waiting);
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

bool
front_passage_begin(struct front_task *t, struct front_link *l, const struct http_request *q)
{
	struct passage *p = calloc(1, sizeof(*p));

	if (!p)
		return false;
	*p = (struct passage){.task = t, .link = l, .waiting = BUF_SECRET((size_t)1 << 20)};
	if (!send_request(l, p, q)) {
		free(p);
		return false;
	}
	t->state = p;
	t->ops = &passage_ops;
	front_link_wake(l);
	return true;
}
