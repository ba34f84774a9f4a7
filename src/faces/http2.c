/* HTTP/2 as a server (RFC 9113) over nghttp2, which does frames, HPACK, windows and the grammar of
 * messages. Here: streams become requests and answers of faces/http.h, and clients that make work
 * without asking for anything are told to be calm. WebSockets come by extended CONNECT (RFC 8441).
 */
#include "faces/http2_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_AHEAD ((size_t)64 << 10)
#define CONNECTION_WINDOW (1 << 20)
#define DISCARD_MAX ((uint64_t)1 << 20) /* of a body that nobody wants any more */
#define NUISANCE_MAX 300 /* frames that ask for nothing, at once */
#define NUISANCE_PER_S 20

struct stream2 *
http2_stream_find(struct http2 *c, uint32_t id)
{
	return nghttp2_session_get_stream_user_data(c->session, (int32_t)id);
}

static void
stream_free(struct http2 *c, struct stream2 *s)
{
	c->output -= s->out.len - s->out_at;
	buf_done(&s->head);
	buf_done(&s->out);
	free(s);
}

/* --- events --- */

static int
push(struct http2 *c, struct stream2 *s, int kind, struct slice data)
{
	struct event2 *e = malloc(sizeof(*e) + data.len);

	if (!e) {
		c->broken = true;
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	*e = (struct event2){.stream = s, .kind = kind, .len = data.len};
	if (data.len)
		memcpy(e->data, data.ptr, data.len);
	*c->tail = e;
	c->tail = &e->next;
	return 0;
}

static void
event_free(struct event2 *e)
{
	free(e);
}

/* --- requests --- */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct http2 *c = user;
	struct stream2 *s;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	s->id = (uint32_t)frame->hd.stream_id;
	s->head = BUF_SECRET(HTTP_HEAD_MAX);
	s->out = BUF_SECRET(STREAM_OUTPUT_MAX * 2);
	if (!buf_room(&s->head, HTTP_HEAD_MAX) || VEC_PUSH(&c->streams, s) ||
		nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, s)) {
		buf_done(&s->head);
		free(s);
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	return 0;
}

static struct slice *
pseudo(struct stream2 *s, struct slice name)
{
	const struct {
		const char *name;
		struct slice *value;
	} known[] = {{":method", &s->method}, {":scheme", &s->scheme},
		{":authority", &s->authority}, {":path", &s->request.path},
		{":protocol", &s->protocol}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (slice_eq(name, slice_str(known[i].name)))
			return known[i].value;
	return NULL;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_ptr,
	size_t name_len, const uint8_t *value_ptr, size_t value_len, uint8_t flags, void *user)
{
	struct http2 *c = user;
	struct slice name = slice_new(name_ptr, name_len), value = slice_new(value_ptr, value_len);
	struct stream2 *s = http2_stream_find(c, (uint32_t)frame->hd.stream_id);
	struct slice *special;

	/* Trailers are read and not used. */
	if (!s || s->requested || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	special = pseudo(s, name);
	if (s->head.len + name_len + value_len > HTTP_HEAD_MAX ||
		(!special && s->request.n_headers == HTTP_HEADERS_MAX)) {
		s->too_large = true;
		return 0;
	}
	value = buf_keep(&s->head, value);
	if (special)
		*special = value;
	else
		s->request.headers[s->request.n_headers++] =
			(struct web_header){buf_keep(&s->head, name), value};
	return 0;
}

/* A field that no HTTP message may have: the request is refused, not mended. */
static int
on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static unsigned
check_websocket(struct stream2 *s)
{
	struct http_request *q = &s->request;

	if (!slice_eq(s->protocol, S("websocket")))
		return 501;
	if (!slice_eq(http_request_header(q, "sec-websocket-version"), S("13")))
		return 426;
	q->websocket = true;
	q->method_name = S("GET");
	q->method = WEB_GET;
	q->length = 0;
	return 0;
}

static unsigned
check_length(struct stream2 *s, bool ended)
{
	struct http_request *q = &s->request;
	struct slice length = http_request_header(q, "content-length");

	q->length = ended ? 0 : WEB_LENGTH_UNKNOWN;
	if (length.len && http_length(length, &q->length))
		return 400;
	return ended && q->length ? 400 : 0;
}

/* What nghttp2 leaves to its users. 0, or the status of the refusal. */
static unsigned
check_request(struct stream2 *s, bool ended)
{
	struct http_request *q = &s->request;
	struct slice host = http_request_header(q, "host"), target = q->path;

	q->version = HTTP_2;
	q->method_name = s->method;
	q->method = web_method_of(s->method);
	q->host = s->authority.len ? s->authority : host;
	if (s->too_large)
		return 431;
	if (s->authority.len && host.len && !slice_ieq(s->authority, host))
		return 400;
	if (slice_eq(target, S("*")) && slice_eq(s->method, S("OPTIONS")))
		target = S("/");
	if (!http_is_host(q->host) || !slice_ieq(s->scheme, S("https")) ||
		!http_is_token(s->method))
		return 400;
	if (!http_target_split(target, &q->path, &q->query))
		return target.len > WEB_TARGET_MAX ? 414 : 400;
	for (unsigned i = 0; i < q->n_headers; i++)
		if (!http_is_value(q->headers[i].value))
			return 400;
	if (slice_eq(s->method, S("CONNECT")))
		return check_websocket(s);
	return check_length(s, ended);
}

static int
refuse(struct http2 *c, struct stream2 *s, unsigned status)
{
	char text[4];
	nghttp2_nv nv[] = {{(uint8_t *)(uintptr_t) ":status", (uint8_t *)text, 7, 3, 0},
		{(uint8_t *)(uintptr_t) "cache-control", (uint8_t *)(uintptr_t) "no-store", 13, 8,
			0}};

	snprintf(text, sizeof(text), "%u", status);
	s->answered = s->responded = true;
	return nghttp2_submit_response(c->session, (int32_t)s->id, nv, ARRAY_SIZE(nv), NULL);
}

/* Frames that ask for nothing: they may come now and then. */
static int
nuisance(struct http2 *c)
{
	uint64_t calm = (uint64_t)(c->now_ms - c->calmed_ms) * NUISANCE_PER_S;

	c->calmed_ms = c->now_ms;
	c->nuisance = c->nuisance > calm ? c->nuisance - calm : 0;
	c->nuisance += 1000;
	if (c->nuisance > NUISANCE_MAX * 1000)
		return nghttp2_session_terminate_session(c->session, NGHTTP2_ENHANCE_YOUR_CALM);
	return 0;
}

/* A window update that stands for data which the client has read. */
static bool
update_due(struct http2 *c)
{
	if (c->updates == 0)
		return false;
	c->updates--;
	return true;
}

/* Also called for frames of streams that are over. */
static int
on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
	bool useful = hd->type == NGHTTP2_HEADERS || hd->type == NGHTTP2_CONTINUATION ||
		(hd->type == NGHTTP2_WINDOW_UPDATE && update_due(user)) ||
		(hd->type == NGHTTP2_DATA && (hd->length || (hd->flags & NGHTTP2_FLAG_END_STREAM)));

	return useful ? 0 : nuisance(user);
}

static int
on_request(struct http2 *c, struct stream2 *s, bool ended)
{
	unsigned status = check_request(s, ended);
	int r;

	s->remote_done = ended;
	if (status)
		return refuse(c, s, status);
	s->requested = true;
	r = push(c, s, HTTP_EVENT_REQUEST, SLICE_NONE);
	if (r == 0 && ended && !s->request.websocket)
		r = push(c, s, HTTP_EVENT_END, SLICE_NONE);
	return r;
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct http2 *c = user;
	struct stream2 *s = http2_stream_find(c, (uint32_t)frame->hd.stream_id);
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	bool request = frame->hd.type == NGHTTP2_HEADERS;

	if (!s || (!request && frame->hd.type != NGHTTP2_DATA))
		return 0;
	if (request && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		return on_request(c, s, ended);
	if (!ended || s->remote_done)
		return 0;
	s->remote_done = true;
	return s->requested ? push(c, s, HTTP_EVENT_END, SLICE_NONE) : 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
	void *user)
{
	struct http2 *c = user;
	struct stream2 *s = http2_stream_find(c, (uint32_t)id);

	if (s && s->requested && !s->answered)
		return push(c, s, HTTP_EVENT_BODY, slice_new(data, len));
	/* The answer is out, the request is not in: a little of it is still taken, since not every
	 * client reads on after a reset, the rest is not wanted (RFC 9113, section 8.1). */
	if (s && (s->discarded += len) > DISCARD_MAX &&
		nghttp2_session_get_stream_local_close(session, id) == 1)
		(void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
	return nghttp2_session_consume(session, id, len) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* Events of the stream may still wait; it is freed behind them. */
static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
	struct http2 *c = user;
	struct stream2 *s = http2_stream_find(c, (uint32_t)id);

	if (!s || s->gone)
		return 0;
	s->gone = true;
	for (size_t i = 0; i < c->streams.len; i++)
		if (c->streams.at[i] == s) {
			VEC_REMOVE(&c->streams, i);
			break;
		}
	return push(c, s, EVENT_FORGET, SLICE_NONE);
}

/* --- the engine --- */

static int
input(struct http_conn *conn, struct slice in, int64_t now_ms)
{
	struct http2 *c = http2_of(conn);
	ssize_t n;

	if (c->broken)
		return LL_OK;
	if (c->calmed_ms == 0)
		c->calmed_ms = now_ms;
	c->now_ms = now_ms;
	n = nghttp2_session_mem_recv(c->session, in.ptr, in.len);
	if (n < 0)
		c->broken = true;
	return LL_OK;
}

static bool
next_room(struct http2 *c, struct http_event *ret)
{
	VEC_EACH (at, &c->streams) {
		struct stream2 *s = *at;
		if (!s->starved || !s->responded || http2_room_of(c, s) < STREAM_OUTPUT_MAX / 2)
			continue;
		s->starved = false;
		*ret = (struct http_event){.kind = HTTP_EVENT_ROOM, .stream = s->id, .ctx = s->ctx};
		return true;
	}
	c->look = false;
	return false;
}

/* One queued event; false: nobody need hear of it. */
static bool
deliver(struct http2 *c, struct event2 *e, struct http_event *ret)
{
	struct stream2 *s = e->stream;
	bool known = s->requested && !s->answered;

	*ret = (struct http_event){.kind = (enum http_event_kind)e->kind,
		.stream = s->id,
		.ctx = s->ctx,
		.request = &s->request,
		.data = slice_new(e->data, e->len)};
	if (e->kind == EVENT_FORGET) {
		ret->kind = HTTP_EVENT_RESET;
		ret->request = NULL;
		stream_free(c, s);
		return known;
	}
	if (!known && e->kind == HTTP_EVENT_BODY)
		(void)nghttp2_session_consume(c->session, (int32_t)s->id, e->len);
	return known;
}

static bool
is_over(struct http2 *c)
{
	return c->broken || (c->finishing && c->streams.len == 0) ||
		(!nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session));
}

static bool
next(struct http_conn *conn, struct http_event *ret)
{
	struct http2 *c = http2_of(conn);

	event_free(TAKE(c->told));
	while (c->events) {
		struct event2 *e = c->events;
		c->events = e->next;
		if (!c->events)
			c->tail = &c->events;
		if (deliver(c, e, ret)) {
			c->told = e;
			return true;
		}
		event_free(e);
	}
	if (c->look && next_room(c, ret))
		return true;
	if (c->close_said || !is_over(c))
		return false;
	c->close_said = true;
	*ret = (struct http_event){.kind = HTTP_EVENT_CLOSE};
	return true;
}

static struct slice
output(struct http_conn *conn)
{
	struct http2 *c = http2_of(conn);

	while (c->out.len - c->out_at < FRAMES_AHEAD) {
		const uint8_t *p;
		ssize_t n = nghttp2_session_mem_send(c->session, &p);
		if (n > 0)
			(void)buf_put(&c->out, slice_new(p, (size_t)n));
		if (n < 0 || buf_err(&c->out))
			c->broken = true;
		if (n <= 0)
			break;
	}
	return slice_skip(buf_slice(&c->out), c->out_at);
}

static void
sent(struct http_conn *conn, size_t n)
{
	struct http2 *c = http2_of(conn);

	c->out_at = MIN(c->out_at + n, c->out.len);
	if (c->out_at < c->out.len)
		return;
	c->out_at = 0;
	buf_done(&c->out);
}

static bool
wants_input(const struct http_conn *conn)
{
	const struct http2 *c = http2_of_const(conn);

	return !c->broken && c->out.len - c->out_at < FRAMES_AHEAD;
}

static bool
busy(const struct http_conn *conn)
{
	return http2_of_const(conn)->streams.len > 0;
}

static bool
reading(const struct http_conn *conn)
{
	VEC_EACH (at, &http2_of_const(conn)->streams)
		if (!(*at)->remote_done && !(*at)->request.websocket)
			return true;
	return false;
}

static void
finish(struct http_conn *conn)
{
	struct http2 *c = http2_of(conn);

	if (c->finishing)
		return;
	c->finishing = true;
	(void)nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
		nghttp2_session_get_last_proc_stream_id(c->session), NGHTTP2_NO_ERROR, NULL, 0);
}

static void
timeout(struct http_conn *conn)
{
	(void)nghttp2_session_terminate_session(http2_of(conn)->session, NGHTTP2_NO_ERROR);
}

static void
engine_free(struct http_conn *conn)
{
	struct http2 *c = http2_of(conn);

	while (c->events) {
		struct event2 *e = c->events;
		c->events = e->next;
		if (e->kind == EVENT_FORGET)
			stream_free(c, e->stream);
		event_free(e);
	}
	event_free(c->told);
	VEC_EACH (at, &c->streams)
		stream_free(c, *at);
	VEC_DONE(&c->streams);
	nghttp2_session_del(c->session);
	buf_done(&c->out);
	free(c);
}

static const struct http_engine engine = {engine_free, wants_input, input, next, output, sent, busy,
	reading, http2_respond, http2_room, http2_body, http2_end, http2_reset, http2_consumed,
	http2_set_ctx, finish, timeout};

static int
session_new(struct http2 *c)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *option = NULL;
	int r = nghttp2_session_callbacks_new(&callbacks);

	if (r == 0)
		r = nghttp2_option_new(&option);
	if (r == 0) {
		nghttp2_option_set_no_auto_window_update(option, 1);
		nghttp2_option_set_no_closed_streams(option, 1);
		nghttp2_option_set_max_settings(option, 32);
		nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
		nghttp2_session_callbacks_set_on_begin_headers_callback(
			callbacks, on_begin_headers);
		nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
		nghttp2_session_callbacks_set_on_invalid_header_callback(
			callbacks, on_invalid_header);
		nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
		nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
		r = nghttp2_session_server_new2(&c->session, callbacks, c, option);
	}
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return r;
}

static int
session_begin(nghttp2_session *session)
{
	static const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP_STREAMS_MAX},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX},
		{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
	};
	int r = nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, ARRAY_SIZE(settings));

	return r ? r
		 : nghttp2_session_set_local_window_size(
			   session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
}

struct http_conn *
http2_new(void)
{
	struct http2 *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->conn.engine = &engine;
	c->tail = &c->events;
	c->out = BUF_SECRET((size_t)1 << 20);
	if (session_new(c) || session_begin(c->session)) {
		nghttp2_session_del(c->session);
		free(c);
		return NULL;
	}
	return &c->conn;
}
