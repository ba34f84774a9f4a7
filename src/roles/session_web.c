/* Web links in a session process: requests are matched with the routes, bodies gathered where a
 * handler wants them whole, answers sent as the link has room. */
#include "roles/session_web.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "os/stream.h"
#include "roles/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GATHERED_MAX ((size_t)128 << 20) /* bodies being gathered, of all exchanges */
#define LINK_QUEUE_HIGH ((size_t)1 << 20)

struct link {
	struct link *next;
	struct stream *stream;
	struct web_link *web;
	struct loop_timer again; /* something was queued outside of the link's own callbacks */
	struct web_exchange *exchanges;
	bool dead, running;
	bool sends;
};

struct web_exchange {
	struct web_exchange *next;
	struct link *link;
	uint32_t stream;
	const struct web_route *route;
	struct web_request request;
	struct buf head; /* what the slices of request are views of */
	void *state;
	struct buf body; /* gathered so far */
	struct buf answer; /* still to be sent, after which the exchange ends */
	size_t answer_at;
	uint64_t received; /* bytes of body */
	bool bodyless, started, responded, answering, ended;
};

static struct {
	struct loop *loop;
	struct link *links;
	unsigned n;
	size_t gathered;
	void (*changed)(void);
} sw;

static const struct {
	const struct web_route *routes;
	const size_t *n;
} tables[] = {
	{session_api_routes, &n_session_api_routes},
	{session_jmap_routes, &n_session_jmap_routes},
};

static void
changed(void)
{
	if (sw.changed)
		sw.changed();
}

void
session_web_on_change(void (*fn)(void))
{
	sw.changed = fn;
}

unsigned
session_web_links(void)
{
	return sw.n;
}

/* --- exchanges --- */

/* The last that is heard of an exchange. */
static void
exchange_over(struct web_exchange *x)
{
	struct web_exchange **at = &x->link->exchanges;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	web_link_set_ctx(x->link->web, x->stream, NULL);
	if (x->started && x->route && x->route->handler->gone)
		x->route->handler->gone(x);
	sw.gathered -= x->body.len;
	buf_done(&x->body);
	buf_done(&x->answer);
	buf_done(&x->head);
	free(x);
}

/* The request outlives the frame it came in. The buffer has its room beforehand, so that it does
 * not move. */
static int
keep_request(struct web_exchange *x, const struct web_request *q)
{
	struct web_request *to = &x->request;

	*to = *q;
	x->head = BUF_SECRET(WEB_LINK_HEAD_MAX);
	if (!buf_room(&x->head, WEB_LINK_HEAD_MAX))
		return LL_ERR_NOMEM;
	to->host = buf_keep(&x->head, q->host);
	to->path = buf_keep(&x->head, q->path);
	to->query = buf_keep(&x->head, q->query);
	for (unsigned i = 0; i < q->n_headers; i++) {
		to->headers[i].name = buf_keep(&x->head, q->headers[i].name);
		to->headers[i].value = buf_keep(&x->head, q->headers[i].value);
	}
	return buf_err(&x->head);
}

bool
web_exchange_sends(const struct web_exchange *x)
{
	return x->link->sends;
}

const struct web_request *
web_exchange_request(const struct web_exchange *x)
{
	return &x->request;
}

void
web_exchange_set_state(struct web_exchange *x, void *state)
{
	x->state = state;
}

void *
web_exchange_state(const struct web_exchange *x)
{
	return x->state;
}

static void on_again(void *ctx);

/* What was queued goes out when the stack has unwound; an exchange that ended is freed there too,
 * so that its handler may still look at it. */
static void
wake(struct link *l)
{
	if (!l->running && !l->again.slot && loop_timer_set(sw.loop, &l->again, 0, on_again, l))
		l->dead = true;
}

int
web_exchange_respond(struct web_exchange *x, const struct web_response *a)
{
	int r = x->ended ? LL_ERR_STATE : web_link_response(x->link->web, x->stream, a);

	if (r)
		return r;
	x->responded = true;
	x->bodyless = x->request.method == WEB_HEAD || a->status == 204 || a->status == 304;
	wake(x->link);
	return LL_OK;
}

size_t
web_exchange_room(const struct web_exchange *x)
{
	if (x->ended)
		return 0;
	return x->bodyless ? WEB_LINK_WINDOW : web_link_room(x->link->web, x->stream);
}

int
web_exchange_body(struct web_exchange *x, struct slice piece)
{
	if (x->ended || !x->responded)
		return LL_ERR_STATE;
	wake(x->link);
	return x->bodyless ? LL_OK : web_link_body(x->link->web, x->stream, piece);
}

void
web_exchange_end(struct web_exchange *x)
{
	if (x->ended)
		return;
	x->ended = true;
	wake(x->link);
}

void
web_exchange_abort(struct web_exchange *x)
{
	web_link_cancel(x->link->web, x->stream);
	web_exchange_end(x);
}

/* Sends what there is room for. */
static void
answer_go_on(struct web_exchange *x)
{
	while (!x->ended && x->answer_at < x->answer.len) {
		size_t n = MIN(web_exchange_room(x), x->answer.len - x->answer_at);
		if (n == 0)
			return;
		if (web_exchange_body(x, slice_new(x->answer.ptr + x->answer_at, n))) {
			web_exchange_abort(x);
			return;
		}
		x->answer_at += n;
	}
	web_exchange_end(x);
}

void
web_exchange_answer(
	struct web_exchange *x, uint16_t status, const char *content_type, struct slice body)
{
	web_exchange_answer_with(x, status, slice_str(content_type), NULL, 0, body);
}

void
web_exchange_answer_with(struct web_exchange *x, uint16_t status, struct slice content_type,
	const struct web_header *headers, unsigned n, struct slice body)
{
	struct web_response a = {.status = status, .length = body.len};

	if (content_type.len)
		a.headers[a.n_headers++] = (struct web_header){S("content-type"), content_type};
	for (unsigned i = 0; i < n && a.n_headers < WEB_HEADERS_MAX; i++)
		a.headers[a.n_headers++] = headers[i];
	x->answer = BUF_SECRET(WEB_ANSWER_MAX);
	if (buf_put(&x->answer, body) || web_exchange_respond(x, &a)) {
		web_exchange_abort(x);
		return;
	}
	x->answering = true;
	answer_go_on(x);
}

void
web_exchange_problem_uri(
	struct web_exchange *x, uint16_t status, const char *uri, const char *title)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(4096);

	buf_puts(&json, "{\"type\":");
	json_text_put(&json, slice_str(uri));
	buf_puts(&json, ",\"title\":");
	json_text_put(&json, slice_str(title));
	buf_printf(&json, ",\"status\":%u}", status);
	web_exchange_answer(x, status, "application/problem+json", buf_slice(&json));
}

void
web_exchange_problem(struct web_exchange *x, uint16_t status, const char *type, const char *title)
{
	char uri[128];

	snprintf(uri, sizeof(uri), "urn:letterlock:%s", type);
	web_exchange_problem_uri(x, status, uri, title);
}

/* --- WebSocket --- */

int
web_exchange_accept(struct web_exchange *x, const char *subprotocol)
{
	struct web_response a = {.status = 101, .length = WEB_LENGTH_UNKNOWN};

	if (subprotocol)
		a.headers[a.n_headers++] =
			(struct web_header){S("sec-websocket-protocol"), slice_str(subprotocol)};
	return web_exchange_respond(x, &a);
}

int
web_exchange_message(struct web_exchange *x, bool text, bool last, struct slice piece)
{
	if (x->ended)
		return LL_ERR_STATE;
	wake(x->link);
	return web_link_message(x->link->web, x->stream, text, last, piece);
}

void
web_exchange_close(struct web_exchange *x, uint16_t code, const char *reason)
{
	if (x->ended)
		return;
	(void)web_link_close(x->link->web, x->stream, code, slice_str(reason));
	web_exchange_end(x);
}

/* --- routes --- */

static bool
path_fits(const char *route, struct slice path)
{
	struct slice r = slice_str(route);

	return slice_eq(r, path) || (slice_ends(r, S("/")) && slice_starts(path, r));
}

static const struct web_route *
route_find(struct slice path)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < *tables[t].n; i++)
			if (path_fits(tables[t].routes[i].path, path))
				return &tables[t].routes[i];
	return NULL;
}

/* Where JMAP has a name for the limit, its error is JMAP's (RFC 8620, section 3.6.1). */
static void
too_large(struct web_exchange *x)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(512);

	if (!x->route->limit) {
		web_exchange_problem(x, 413, "too-large", "The request is too large.");
		return;
	}
	buf_printf(&json,
		"{\"type\":\"urn:ietf:params:jmap:error:limit\",\"status\":413,"
		"\"detail\":\"The request is too large.\",\"limit\":\"%s\"}",
		x->route->limit);
	web_exchange_answer(x, 413, "application/problem+json", buf_slice(&json));
}

/* Answers what no handler sees; false when the handler may go on. */
static bool
refused(struct web_exchange *x)
{
	const struct web_route *route = x->route;
	const struct web_request *q = &x->request;
	unsigned method = q->method == WEB_HEAD ? WEB_GET : q->method;

	if (!route)
		web_exchange_problem(x, 404, "not-found", "There is nothing here.");
	else if (!(route->methods & (1u << method)))
		web_exchange_problem(x, 405, "method", "This method is not possible here.");
	else if (q->websocket && !(route->flags & WEB_ROUTE_WEBSOCKET))
		web_exchange_problem(x, 400, "not-a-websocket", "There is no WebSocket here.");
	else if (!(route->flags & WEB_ROUTE_LOCKED) && !session_account())
		web_exchange_problem(x, 403, "locked", "The account is locked.");
	else if (q->length != WEB_LENGTH_UNKNOWN && q->length > route->body_max)
		too_large(x);
	else
		return false;
	return true;
}

static void
begin(struct link *l, const struct web_event *e)
{
	struct web_exchange *x = calloc(1, sizeof(*x));

	if (!x || (x->link = l, x->stream = e->stream, keep_request(x, &e->request))) {
		if (x)
			buf_done(&x->head);
		free(x);
		web_link_cancel(l->web, e->stream);
		return;
	}
	web_link_set_ctx(l->web, e->stream, x);
	x->next = l->exchanges;
	l->exchanges = x;
	x->body = BUF_SECRET(WEB_ANSWER_MAX);
	x->route = route_find(x->request.path);
	if (!refused(x)) {
		x->started = true;
		session_look();
		if (x->route->handler->start)
			x->route->handler->start(x);
	}
}

static void
gather(struct web_exchange *x, struct slice piece)
{
	if (sw.gathered + piece.len > GATHERED_MAX || buf_put(&x->body, piece)) {
		web_exchange_problem(x, 503, "busy", "The server is busy, please try again.");
	} else {
		sw.gathered += piece.len;
	}
}

static void
on_body(struct web_exchange *x, const struct web_event *e)
{
	x->received += e->data.len;
	if (x->received > x->route->body_max && !x->responded)
		too_large(x);
	else if (x->received > x->route->body_max)
		web_exchange_abort(x);
	else if (!x->responded && !(x->route->flags & WEB_ROUTE_STREAM))
		gather(x, e->data);
	else if ((x->route->flags & WEB_ROUTE_STREAM) && x->route->handler->body)
		x->route->handler->body(x, e->data);
	web_link_consumed(x->link->web, x->stream, e->data.len);
}

static void
on_message(struct web_exchange *x, const struct web_event *e)
{
	if (x->route->handler->message)
		x->route->handler->message(x, e->text, e->last, e->data);
	web_link_consumed(x->link->web, x->stream, e->data.len);
}

static void
on_end(struct web_exchange *x)
{
	if (!x->responded && x->route->handler->ready)
		x->route->handler->ready(x, buf_slice(&x->body));
}

static void
on_room(struct web_exchange *x)
{
	if (x->answering)
		answer_go_on(x);
	else if (x->responded && x->route->handler->room)
		x->route->handler->room(x);
}

static void
on_event(struct link *l, const struct web_event *e)
{
	struct web_exchange *x = e->ctx;

	session_active();
	if (e->kind == WEB_EVENT_REQUEST) {
		begin(l, e);
		return;
	}
	if (!x)
		return;
	if (e->over) {
		exchange_over(x);
		return;
	}
	if (x->ended || (!x->started && e->kind != WEB_EVENT_ROOM))
		return; /* answered already; the rest of it does not matter */
	if (e->kind == WEB_EVENT_BODY)
		on_body(x, e);
	else if (e->kind == WEB_EVENT_END)
		on_end(x);
	else if (e->kind == WEB_EVENT_MESSAGE)
		on_message(x, e);
	else if (e->kind == WEB_EVENT_ROOM)
		on_room(x);
}

/* --- links --- */

/* Exchanges that have ended since the last look. */
static void
bury_exchanges(struct link *l)
{
	struct web_exchange *next;

	for (struct web_exchange *x = l->exchanges; x; x = next) {
		next = x->next;
		if (!x->ended)
			continue;
		(void)web_link_end(l->web, x->stream);
		exchange_over(x);
	}
}

static void
flush(struct link *l)
{
	while (!l->dead && stream_queued(l->stream) < LINK_QUEUE_HIGH) {
		struct slice out = slice_sub(web_link_output(l->web), 0, LINK_QUEUE_HIGH);
		if (out.len == 0)
			return;
		if (stream_send(l->stream, out))
			l->dead = true;
		web_link_sent(l->web, out.len);
	}
}

static void
run(struct link *l)
{
	struct web_event e;
	enum parse_result r = PARSE_OK;

	l->running = true;
	while (!l->dead && (r = web_link_next(l->web, &e)) == PARSE_OK) {
		on_event(l, &e);
		bury_exchanges(l);
		flush(l);
	}
	if (r == PARSE_BAD) {
		log_warn("web-link", "error=%s", "malformed");
		l->dead = true;
	}
	bury_exchanges(l);
	flush(l);
	l->running = false;
	if (l->dead)
		wake(l);
}

static void
link_free(struct link *l)
{
	struct link **at = &sw.links;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	while (l->exchanges)
		exchange_over(l->exchanges);
	loop_timer_stop(sw.loop, &l->again);
	web_link_free(l->web);
	stream_free(l->stream);
	free(l);
	sw.n--;
	changed();
}

static void
on_again(void *ctx)
{
	struct link *l = ctx;

	if (!l->dead)
		run(l);
	if (l->dead)
		link_free(l);
}

static size_t
on_input(void *ctx, struct slice in)
{
	struct link *l = ctx;
	struct slice part = slice_sub(in, 0, (size_t)64 << 10);

	if (l->dead)
		return in.len;
	if (web_link_input(l->web, part))
		l->dead = true;
	run(l);
	return part.len;
}

static void
on_drained(void *ctx)
{
	run(ctx);
}

static void
on_closed(void *ctx, int err)
{
	struct link *l = ctx;

	l->dead = true;
	wake(l);
}

static const struct stream_ops link_ops = {on_input, on_drained, NULL, on_closed};

void
session_web_conn(struct loop *loop, int fd, bool sends)
{
	struct link *l = calloc(1, sizeof(*l));

	sw.loop = loop;
	if (!l) {
		close(fd);
		return;
	}
	l->web = web_link_new(false);
	l->stream = stream_new(loop, fd, &link_ops, l);
	if (!l->web || !l->stream) {
		web_link_free(l->web);
		stream_free(l->stream);
		free(l);
		return;
	}
	l->sends = sends;
	l->next = sw.links;
	sw.links = l;
	sw.n++;
	changed();
}
