/* HTTP connections in the frontend: the engine's events become tasks, tasks' answers go out with
 * what protects every one of them. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/text.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "roles/front_web.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICK_S 15
#define TICKS_STALLED 4 /* without a byte taken by the client */
#define TICKS_SLOW 2 /* with less than SLOW_BYTES of a request */
#define TICKS_IDLE 8
#define SLOW_BYTES 4096
#define QUEUE_HIGH ((size_t)256 << 10)
#define ANSWER_MAX ((size_t)4 << 20)

struct web_state {
	struct http_conn *http;
	struct front_task *tasks;
	struct loop_timer again;
	bool running, closing;
	uint64_t received, sent; /* since the last tick */
	unsigned stalled, slow, idle;
};

static struct map *tasks; /* id -> struct front_task */
static uint64_t next_task;

static struct web_state *
state_of(const struct front_conn *c)
{
	return c->state;
}

static struct slice
id_key(const uint64_t *id)
{
	return slice_new(id, sizeof(*id));
}

struct front_task *
front_task_find(uint64_t id)
{
	return tasks ? map_get(tasks, id_key(&id)) : NULL;
}

struct front_task *
front_task_next(size_t *pos)
{
	void *value;

	return tasks && map_next(tasks, pos, NULL, &value) ? value : NULL;
}

/* "Sun, 22 Nov 2026 01:23:45 GMT"; out holds 32 bytes. */
static const char *
front_http_date(int64_t unix_seconds, char out[32])
{
	time_t t = (time_t)unix_seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 32, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		out[0] = 0;
	return out;
}

/* --- tasks --- */

static struct front_task *
task_new(struct front_conn *c, uint32_t stream, const struct http_request *q)
{
	struct web_state *w = state_of(c);
	struct front_task *t = calloc(1, sizeof(*t));

	if (!tasks)
		tasks = map_new();
	if (!t || !tasks)
		goto failed;
	*t = (struct front_task){.next = w->tasks,
		.at = &w->tasks,
		.c = c,
		.http = w->http,
		.stream = stream,
		.id = ++next_task,
		.method = q->method,
		.version = q->version,
		.websocket = q->websocket,
		.text = BUF_INIT(2 * WEB_TARGET_MAX + 1024),
		.answer = BUF_SECRET(ANSWER_MAX),
		.gathered = BUF_SECRET(ANSWER_MAX)};
	if (map_set(tasks, id_key(&t->id), t, NULL))
		goto failed;
	if (t->next)
		t->next->at = &t->next;
	w->tasks = t;
	http_conn_set_ctx(w->http, stream, t);
	return t;
failed:
	free(t);
	return NULL;
}

static void
task_free(struct front_task *t)
{
	t->over = true;
	(void)map_del(tasks, id_key(&t->id));
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	if (t->ops && t->ops->gone)
		t->ops->gone(t);
	buf_done(&t->text);
	buf_done(&t->answer);
	buf_done(&t->gathered);
	secret_wipe(t->token, sizeof(t->token));
	free(t);
}

static void run(struct front_conn *c);

static void
on_again(void *ctx)
{
	struct front_conn *c = ctx;

	if (!c->closing)
		run(c);
}

static void
wake(struct front_conn *c)
{
	struct web_state *w = state_of(c);

	if (!w->running && !w->again.slot && !c->closing &&
		loop_timer_set(c->env->loop, &w->again, 0, on_again, c))
		front_close(c);
}

void
front_task_wake(struct front_task *t)
{
	wake(t->c);
}

/* The answer is complete; the task is freed between events. */
void
front_task_end(struct front_task *t)
{
	if (t->over)
		return;
	t->over = true;
	http_conn_end(t->http, t->stream);
	front_task_wake(t);
}

void
front_task_reset(struct front_task *t)
{
	if (t->over)
		return;
	t->over = true;
	http_conn_reset(t->http, t->stream);
	front_task_wake(t);
}

void
front_task_consumed(struct front_task *t, size_t n)
{
	http_conn_consumed(t->http, t->stream, n);
	front_task_wake(t);
}

static void
bury_tasks(struct web_state *w)
{
	struct front_task *next;

	for (struct front_task *t = w->tasks; t; t = next) {
		next = t->next;
		if (t->over)
			task_free(t);
	}
}

/* --- answers --- */

static const char api_csp[] = "default-src 'none'; frame-ancestors 'none'";

struct headers {
	struct web_header at[WEB_HEADERS_MAX + FRONT_EXTRA_HEADERS_MAX];
	unsigned n;
};

static void
put(struct headers *h, const char *name, struct slice value)
{
	if (h->n < ARRAY_SIZE(h->at))
		h->at[h->n++] = (struct web_header){slice_str(name), value};
}

static void
put_all(struct headers *h, const struct web_header *more, size_t n)
{
	for (size_t i = 0; i < n && h->n < ARRAY_SIZE(h->at); i++)
		h->at[h->n++] = more[i];
}

/* A name that only ever means the reader's own machine must not bind it to TLS on every port. */
static bool
is_loopback_host(struct slice host)
{
	return slice_istarts(host, S("localhost")) || slice_starts(host, S("127.")) ||
		slice_starts(host, S("[::1]"));
}

static void
put_policy(struct headers *out, const struct front_task *t, const struct web_pack_entry *e)
{
	struct web_header own[WEB_POLICY_FIELDS_MAX];
	unsigned n = web_policy_entry(e, own);

	for (unsigned i = 0; i < n; i++)
		if (!t->webkit || !web_policy_not_for_webkit(own[i].name))
			put_all(out, &own[i], 1);
}

static void
put_protection(struct headers *out, const struct front_task *t, const struct front_head *h)
{
	put_all(out, web_policy_common, n_web_policy_common);
	if (h->entry)
		put_policy(out, t, h->entry);
	else
		put(out, "content-security-policy", slice_str(api_csp));
	if (t->everyone) {
		put(out, "access-control-allow-origin", S("*"));
		put(out, "access-control-expose-headers",
			S("content-disposition, content-range, etag, retry-after, "
			  "www-authenticate"));
	}
	if (!is_loopback_host(t->host))
		put(out, "strict-transport-security", S("max-age=63072000"));
}

bool
front_task_head(struct front_task *t, const struct front_head *h)
{
	struct headers out = {.n = 0};
	char date[32];
	struct http_response a = {.status = h->status, .length = h->length, .headers = out.at};

	if (t->over || t->head_sent)
		return false;
	put(&out, "date", slice_str(front_http_date(clock_unix(), date)));
	put_protection(&out, t, h);
	if (h->status != 101 && !h->entry)
		put(&out, "cache-control", slice_str(h->cache ? h->cache : "no-store"));
	put_all(&out, h->extra, h->n);
	a.n_headers = out.n;
	if (http_conn_respond(t->http, t->stream, &a)) {
		front_task_reset(t);
		return false;
	}
	t->head_sent = true;
	front_task_wake(t);
	return true;
}

static void
send_rest(struct front_task *t)
{
	while (!t->over && t->rest.len) {
		size_t n = MIN(http_conn_room(t->http, t->stream), t->rest.len);
		if (n == 0)
			return;
		if (http_conn_body(t->http, t->stream, slice_sub(t->rest, 0, n))) {
			front_task_reset(t);
			return;
		}
		t->rest = slice_skip(t->rest, n);
	}
	front_task_end(t);
}

void
front_task_file(struct front_task *t, const struct front_head *h, struct slice body)
{
	if (!front_task_head(t, h))
		return;
	t->rest = t->method == WEB_HEAD || h->status == 304 ? SLICE_NONE : body;
	send_rest(t);
}

void
front_task_answer(struct front_task *t, struct front_head *h, const char *type, struct slice body)
{
	if (type && h->n < FRONT_EXTRA_HEADERS_MAX)
		h->extra[h->n++] = (struct web_header){S("content-type"), slice_str(type)};
	h->length = body.len;
	if (buf_put(&t->answer, body)) {
		front_task_reset(t);
		return;
	}
	front_task_file(t, h, buf_slice(&t->answer));
}

/* How programs may sign in: with a token (RFC 6750, RFC 9728), or an app password, for which a
 * browser would ask in a window that says nothing. */
static void
challenge(const struct front_task *t, struct front_head *h, struct buf *bearer)
{
	buf_puts(bearer, "Bearer resource_metadata=\"https://");
	buf_put(bearer, t->host);
	buf_puts(bearer, "/.well-known/oauth-protected-resource/jmap/session\"");
	if (t->bearer)
		buf_puts(bearer, ", error=\"invalid_token\"");
	if (!buf_err(bearer))
		h->extra[h->n++] = (struct web_header){S("www-authenticate"), buf_slice(bearer)};
	if (!t->browser)
		h->extra[h->n++] = (struct web_header){
			S("www-authenticate"), S("Basic realm=\"Letterlock\", charset=\"UTF-8\"")};
}

void
front_task_problem(
	struct front_task *t, unsigned status, const char *code, const char *title, unsigned retry)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(2048), bearer = BUF_INIT(1024);
	struct front_head h = {.status = (uint16_t)status};
	char seconds[16];

	buf_printf(&json, "{\"type\":\"urn:letterlock:%s\",\"title\":", code);
	json_text_put(&json, slice_str(title));
	buf_printf(&json, ",\"status\":%u}\n", status);
	snprintf(seconds, sizeof(seconds), "%u", retry);
	if (retry)
		h.extra[h.n++] = (struct web_header){S("retry-after"), slice_str(seconds)};
	if (status == 405 && t->allow)
		h.extra[h.n++] = (struct web_header){S("allow"), slice_str(t->allow)};
	/* Our own page knows how. */
	if (status == 401 && (!t->browser || t->elsewhere))
		challenge(t, &h, &bearer);
	front_task_answer(t, &h, "application/problem+json", buf_slice(&json));
}

/* --- connections --- */

static void
on_request(struct front_conn *c, const struct http_event *e)
{
	struct web_state *w = state_of(c);
	struct front_task *t = task_new(c, e->stream, e->request);

	front_counters.messages++;
	if (!t) {
		http_conn_reset(w->http, e->stream);
		return;
	}
	front_site_route(t, e->request);
}

static void
on_event(struct front_conn *c, const struct http_event *e)
{
	struct front_task *t = e->ctx;

	if (e->kind == HTTP_EVENT_REQUEST) {
		on_request(c, e);
	} else if (e->kind == HTTP_EVENT_CLOSE) {
		state_of(c)->closing = true;
	} else if (!t || t->over) {
		if (e->kind == HTTP_EVENT_BODY)
			http_conn_consumed(state_of(c)->http, e->stream, e->data.len);
	} else if (e->kind == HTTP_EVENT_BODY) {
		size_t n = t->ops && t->ops->body ? t->ops->body(t, e->data) : e->data.len;
		http_conn_consumed(t->http, t->stream, n);
	} else if (e->kind == HTTP_EVENT_END) {
		t->complete = true;
		if (t->ops && t->ops->end)
			t->ops->end(t);
	} else if (e->kind == HTTP_EVENT_RESET) {
		t->over = true;
	} else if (e->kind == HTTP_EVENT_ROOM) {
		if (t->rest.len)
			send_rest(t);
		else if (t->ops && t->ops->room)
			t->ops->room(t);
	}
}

static void
flush(struct front_conn *c, struct web_state *w)
{
	while (!c->closing && stream_queued(c->stream) < QUEUE_HIGH) {
		struct slice out = slice_sub(http_conn_output(w->http), 0, QUEUE_HIGH);
		if (out.len == 0)
			return;
		if (stream_send(c->stream, out)) {
			front_close(c);
			return;
		}
		w->sent += out.len;
		http_conn_sent(w->http, out.len);
	}
}

static void
run(struct front_conn *c)
{
	struct web_state *w = state_of(c);
	struct http_event e;
	bool more = true;

	w->running = true;
	while (more && !c->closing) {
		while (!c->closing && http_conn_next(w->http, &e))
			on_event(c, &e);
		bury_tasks(w);
		flush(c, w);
		more = http_conn_next(w->http, &e);
		if (more)
			on_event(c, &e);
	}
	bury_tasks(w);
	w->running = false;
	if (c->closing)
		return;
	if (w->closing && http_conn_output(w->http).len == 0)
		front_finish(c);
	else if (!http_conn_wants_input(w->http))
		stream_pause(c->stream);
	else
		stream_resume(c->stream);
}

static size_t
http_input(struct front_conn *c, struct slice in)
{
	struct web_state *w = state_of(c);
	struct slice part = slice_sub(in, 0, (size_t)64 << 10);

	if (!http_conn_wants_input(w->http)) {
		stream_pause(c->stream);
		return 0;
	}
	w->received += part.len;
	if (http_conn_input(w->http, part, clock_ms()))
		front_close(c);
	else
		run(c);
	return part.len;
}

static void
http_drained(struct front_conn *c)
{
	if (c->state)
		run(c);
}

static void
http_secured(struct front_conn *c)
{
	const unsigned char *name = NULL;
	unsigned n = 0;
	struct web_state *w = calloc(1, sizeof(*w));

	c->state = w;
	SSL_get0_alpn_selected(stream_tls(c->stream), &name, &n);
	if (w)
		w->http = http_conn_new(slice_eq(slice_new(name, n), S("h2")));
	if (!w || !w->http) {
		front_close(c);
		return;
	}
	front_timeout(c, TICK_S);
	run(c);
}

/* Without TLS there is no HTTP. */
static void
http_start(struct front_conn *c)
{
	front_close(c);
}

static bool
too_slow(struct web_state *w)
{
	w->slow = http_conn_busy(w->http) && http_conn_reading(w->http) && w->received < SLOW_BYTES
		? w->slow + 1
		: 0;
	w->idle = http_conn_busy(w->http) || w->received ? 0 : w->idle + 1;
	return w->slow > TICKS_SLOW || w->idle > TICKS_IDLE;
}

static void
http_timeout(struct front_conn *c)
{
	struct web_state *w = state_of(c);
	bool waits = w && (stream_queued(c->stream) || http_conn_output(w->http).len);

	if (!w) {
		front_close(c);
		return;
	}
	w->stalled = waits && w->sent == 0 && w->received == 0 ? w->stalled + 1 : 0;
	if (w->stalled > TICKS_STALLED) {
		front_close(c);
		return;
	}
	if (too_slow(w)) {
		w->slow = w->idle = 0;
		http_conn_timeout(w->http);
	}
	w->received = w->sent = 0;
	for (struct front_task *t = w->tasks; t; t = t->next)
		if (!t->over && t->ops && t->ops->tick)
			t->ops->tick(t);
	front_timeout(c, TICK_S);
	run(c);
}

static void
http_lost(struct front_conn *c, enum role role, const struct ipc_channel *ch)
{
	struct web_state *w = state_of(c);

	if (!w || c->closing)
		return;
	if (role == ROLE_PARENT)
		http_conn_finish(w->http);
	wake(c);
}

static void
http_free(struct front_conn *c)
{
	struct web_state *w = state_of(c);

	if (!w)
		return;
	while (w->tasks)
		task_free(w->tasks);
	loop_timer_stop(c->env->loop, &w->again);
	http_conn_free(w->http);
	free(w);
}

const struct front_face front_http = {
	.start = http_start,
	.input = http_input,
	.drained = http_drained,
	.secured = http_secured,
	.timeout = http_timeout,
	.free = http_free,
	.lost = http_lost,
};
