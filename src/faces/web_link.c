/* The engine of web links: strict framing, windows, and nothing else. */
#include "faces/web_link.h"
#include "base/macros.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_HEAD ((size_t)9)
#define INPUT_MAX ((size_t)512 << 10)
#define OUTPUT_HIGH ((size_t)1 << 20) /* above it bodies wait, and only heads go out */
#define CLOSE_REASON_MAX 123 /* RFC 6455, section 5.5 */
#define WINDOW_STEP (WEB_LINK_WINDOW / 4) /* grants are gathered up to this */

enum frame {
	FRAME_REQUEST = 1,
	FRAME_RESPONSE,
	FRAME_BODY,
	FRAME_END,
	FRAME_CANCEL,
	FRAME_WINDOW,
	FRAME_MESSAGE,
	FRAME_CLOSE,
	FRAMES
};

struct link_stream {
	uint32_t id;
	void *ctx;
	size_t may_send, may_come; /* what is left of the two windows */
	size_t owed; /* consumed, and not granted anew yet */
	bool websocket, answered, open; /* open: a WebSocket that was accepted */
	bool local_done, remote_done;
	bool starved; /* the owner found too little room */
};

struct web_link {
	bool front, broken;
	bool look; /* a starved stream may have room now */
	uint32_t last; /* the highest number seen or used */
	struct buf in, out;
	size_t in_at, out_at;
	VEC(struct link_stream *) streams; /* by rising numbers */
};

/* --- names --- */

static const char *const methods[WEB_METHODS] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};

const char *
web_method_name(enum web_method m)
{
	return (unsigned)m < WEB_METHODS ? methods[m] : "?";
}

enum web_method
web_method_of(struct slice name)
{
	unsigned m = 0;

	while (m < WEB_METHODS && !slice_eq(slice_str(methods[m]), name))
		m++;
	return (enum web_method)m;
}

static struct slice
header_find(const struct web_header *h, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (slice_eq(h[i].name, slice_str(name)))
			return h[i].value;
	return SLICE_NONE;
}

struct slice
web_request_header(const struct web_request *q, const char *name)
{
	return header_find(q->headers, q->n_headers, name);
}

struct slice
web_response_header(const struct web_response *a, const char *name)
{
	return header_find(a->headers, a->n_headers, name);
}

/* --- streams --- */

struct web_link *
web_link_new(bool front)
{
	struct web_link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->front = front;
	l->in = BUF_INIT(INPUT_MAX);
	l->out = BUF_INIT(WEB_LINK_OUTPUT_MAX);
	return l;
}

void
web_link_free(struct web_link *l)
{
	if (!l)
		return;
	VEC_EACH (s, &l->streams)
		free(*s);
	VEC_DONE(&l->streams);
	buf_wipe(&l->in); /* letters pass through */
	buf_wipe(&l->out);
	free(l);
}

/* The place of the first stream that is not below id. */
static size_t
stream_place(const struct web_link *l, uint32_t id)
{
	size_t low = 0, high = l->streams.len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (l->streams.at[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct link_stream *
stream_find(const struct web_link *l, uint32_t id)
{
	size_t i = stream_place(l, id);

	return i < l->streams.len && l->streams.at[i]->id == id ? l->streams.at[i] : NULL;
}

static struct link_stream *
stream_add(struct web_link *l, uint32_t id)
{
	struct link_stream *s;

	if (l->streams.len == WEB_LINK_STREAMS_MAX || !(s = calloc(1, sizeof(*s))))
		return NULL;
	*s = (struct link_stream){
		.id = id, .may_send = WEB_LINK_WINDOW, .may_come = WEB_LINK_WINDOW};
	if (VEC_PUSH(&l->streams, s)) {
		free(s);
		return NULL;
	}
	l->last = id;
	return s;
}

static void
stream_forget(struct web_link *l, struct link_stream *s)
{
	VEC_REMOVE(&l->streams, stream_place(l, s->id));
	free(s);
}

void
web_link_set_ctx(struct web_link *l, uint32_t stream, void *ctx)
{
	struct link_stream *s = stream_find(l, stream);

	if (s)
		s->ctx = ctx;
}

void *
web_link_ctx(const struct web_link *l, uint32_t stream)
{
	const struct link_stream *s = stream_find(l, stream);

	return s ? s->ctx : NULL;
}

size_t
web_link_streams(const struct web_link *l)
{
	return l->streams.len;
}

void *
web_link_ctx_at(const struct web_link *l, size_t i)
{
	return i < l->streams.len ? l->streams.at[i]->ctx : NULL;
}

/* --- sending --- */

struct slice
web_link_output(const struct web_link *l)
{
	return slice_skip(buf_slice(&l->out), l->out_at);
}

void
web_link_sent(struct web_link *l, size_t n)
{
	bool was_high = l->out.len - l->out_at > OUTPUT_HIGH / 2;

	l->out_at = MIN(l->out_at + n, l->out.len);
	if (l->out_at == l->out.len) {
		buf_reset(&l->out);
		l->out_at = 0;
	} else if (l->out_at > OUTPUT_HIGH) {
		buf_consume(&l->out, l->out_at);
		l->out_at = 0;
	}
	l->look = l->look || (was_high && l->out.len - l->out_at <= OUTPUT_HIGH / 2);
}

/* One whole frame, or nothing of it. */
static int
frame_put(struct web_link *l, enum frame kind, uint32_t stream, struct slice payload)
{
	size_t before = l->out.len;

	if (l->broken)
		return LL_ERR_STATE;
	buf_putc(&l->out, (uint8_t)kind);
	buf_put_be32(&l->out, stream);
	buf_put_be32(&l->out, (uint32_t)payload.len);
	if (buf_put(&l->out, payload)) {
		/* A link whose far end does not read is of no use any more. */
		buf_truncate(&l->out, before);
		l->broken = true;
		return LL_ERR_LIMIT;
	}
	return LL_OK;
}

static void
text_put(struct buf *out, struct slice s)
{
	buf_put_be16(out, (uint16_t)MIN(s.len, (size_t)UINT16_MAX));
	buf_put(out, slice_sub(s, 0, UINT16_MAX));
}

static int
headers_put(struct buf *out, const struct web_header *h, unsigned n)
{
	if (n > WEB_HEADERS_MAX)
		return LL_ERR_LIMIT;
	buf_putc(out, (uint8_t)n);
	for (unsigned i = 0; i < n; i++) {
		if (h[i].name.len > UINT16_MAX || h[i].value.len > UINT16_MAX)
			return LL_ERR_LIMIT;
		text_put(out, h[i].name);
		text_put(out, h[i].value);
	}
	return buf_err(out);
}

static int
request_put(struct buf *out, const struct web_request *q)
{
	if (q->path.len > WEB_TARGET_MAX || q->query.len > WEB_TARGET_MAX ||
		q->host.len > UINT16_MAX)
		return LL_ERR_LIMIT;
	buf_putc(out, (uint8_t)q->method);
	buf_putc(out, q->websocket);
	buf_putc(out, (uint8_t)q->auth);
	buf_put(out, SLICE_OF(q->session));
	buf_put(out, SLICE_OF(q->peer));
	buf_put_be64(out, q->length);
	text_put(out, q->host);
	text_put(out, q->path);
	text_put(out, q->query);
	return headers_put(out, q->headers, q->n_headers);
}

int
web_link_request(struct web_link *l, const struct web_request *q, void *ctx, uint32_t *ret_stream)
{
	CLEANUP(buf_done) struct buf head = BUF_INIT(WEB_LINK_HEAD_MAX);
	struct link_stream *s;
	int r = request_put(&head, q);

	if (r)
		return r;
	if (!l->front || l->broken || l->last == UINT32_MAX)
		return LL_ERR_STATE;
	s = stream_add(l, l->last + 1);
	if (!s)
		return LL_ERR_LIMIT;
	s->ctx = ctx;
	s->websocket = q->websocket;
	r = frame_put(l, FRAME_REQUEST, s->id, buf_slice(&head));
	if (r)
		stream_forget(l, s);
	else
		*ret_stream = s->id;
	return r;
}

int
web_link_response(struct web_link *l, uint32_t stream, const struct web_response *a)
{
	CLEANUP(buf_done) struct buf head = BUF_INIT(WEB_LINK_HEAD_MAX);
	struct link_stream *s = stream_find(l, stream);
	int r;

	if (l->front || !s || s->answered || (a->status == 101 && !s->websocket))
		return LL_ERR_STATE;
	buf_put_be16(&head, a->status);
	buf_put_be64(&head, a->length);
	r = headers_put(&head, a->headers, a->n_headers);
	if (r == LL_OK)
		r = frame_put(l, FRAME_RESPONSE, stream, buf_slice(&head));
	if (r == LL_OK) {
		s->answered = true;
		s->open = a->status == 101;
	}
	return r;
}

static size_t
room(const struct web_link *l, const struct link_stream *s)
{
	return s->local_done || l->out.len - l->out_at > OUTPUT_HIGH ? 0 : s->may_send;
}

size_t
web_link_room(struct web_link *l, uint32_t stream)
{
	struct link_stream *s = stream_find(l, stream);
	size_t n = s ? room(l, s) : 0;

	if (s && n < WINDOW_STEP)
		s->starved = true;
	return n;
}

/* May a body, or a WebSocket's messages, go out on s now? */
static bool
may_send(const struct web_link *l, const struct link_stream *s, bool message)
{
	return s && !s->local_done && s->open == message && (l->front || s->answered) &&
		(message || !l->front || !s->websocket);
}

int
web_link_body(struct web_link *l, uint32_t stream, struct slice piece)
{
	struct link_stream *s = stream_find(l, stream);
	int r = LL_OK;

	if (!may_send(l, s, false))
		return LL_ERR_STATE;
	if (piece.len > web_link_room(l, stream))
		return LL_ERR_AGAIN;
	while (piece.len && r == LL_OK) {
		struct slice part = slice_sub(piece, 0, WEB_LINK_PIECE_MAX);
		r = frame_put(l, FRAME_BODY, stream, part);
		s->may_send -= part.len;
		piece = slice_skip(piece, part.len);
	}
	return r;
}

int
web_link_end(struct web_link *l, uint32_t stream)
{
	struct link_stream *s = stream_find(l, stream);
	int r;

	if (!may_send(l, s, false))
		return LL_ERR_STATE;
	r = frame_put(l, FRAME_END, stream, SLICE_NONE);
	s->local_done = true;
	if (!l->front)
		stream_forget(l, s);
	return r;
}

static int
message_put(struct web_link *l, struct link_stream *s, bool text, bool last, struct slice piece)
{
	CLEANUP(buf_wipe) struct buf b = BUF_INIT(WEB_LINK_PIECE_MAX + 1);

	buf_putc(&b, (uint8_t)((text ? 1 : 0) | (last ? 2 : 0)));
	buf_put(&b, piece);
	s->may_send -= piece.len;
	return frame_put(l, FRAME_MESSAGE, s->id, buf_slice(&b));
}

int
web_link_message(struct web_link *l, uint32_t stream, bool text, bool last, struct slice piece)
{
	struct link_stream *s = stream_find(l, stream);
	int r;

	if (!may_send(l, s, true))
		return LL_ERR_STATE;
	if (piece.len > web_link_room(l, stream))
		return LL_ERR_AGAIN;
	do {
		struct slice part = slice_sub(piece, 0, WEB_LINK_PIECE_MAX);
		piece = slice_skip(piece, part.len);
		r = message_put(l, s, text, last && piece.len == 0, part);
	} while (piece.len && r == LL_OK);
	return r;
}

int
web_link_close(struct web_link *l, uint32_t stream, uint16_t code, struct slice reason)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(2 + CLOSE_REASON_MAX);
	struct link_stream *s = stream_find(l, stream);
	int r;

	if (!may_send(l, s, true))
		return LL_ERR_STATE;
	buf_put_be16(&b, code);
	buf_put(&b, slice_sub(reason, 0, CLOSE_REASON_MAX));
	r = frame_put(l, FRAME_CLOSE, stream, buf_slice(&b));
	stream_forget(l, s);
	return r;
}

void
web_link_cancel(struct web_link *l, uint32_t stream)
{
	struct link_stream *s = stream_find(l, stream);

	if (!s)
		return;
	(void)frame_put(l, FRAME_CANCEL, stream, SLICE_NONE);
	stream_forget(l, s);
}

void
web_link_consumed(struct web_link *l, uint32_t stream, size_t n)
{
	struct link_stream *s = stream_find(l, stream);
	uint8_t grant[4];

	if (!s || s->remote_done)
		return;
	assert(n <= WEB_LINK_WINDOW - s->may_come - s->owed);
	s->owed += n;
	if (s->owed < WINDOW_STEP)
		return;
	be32_put(grant, (uint32_t)s->owed);
	s->may_come += s->owed;
	s->owed = 0;
	(void)frame_put(l, FRAME_WINDOW, stream, SLICE_OF(grant));
}

/* --- receiving --- */

int
web_link_input(struct web_link *l, struct slice in)
{
	if (l->in_at) {
		buf_consume(&l->in, l->in_at);
		l->in_at = 0;
	}
	return buf_put(&l->in, in);
}

static bool
is_lower_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') ||
			    (s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == '-'))
			return false;
	return s.len > 0;
}

/* No control characters: neither end can write a line into the other's HTTP. */
static bool
is_line(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static struct slice
text_get(struct reader *r, size_t max)
{
	size_t n = reader_be16(r);
	struct slice s = reader_bytes(r, n);

	if (n > max || !is_line(s))
		r->err = LL_ERR_SYNTAX;
	return s;
}

static unsigned
headers_get(struct reader *r, struct web_header *h)
{
	unsigned n = reader_u8(r);

	if (n > WEB_HEADERS_MAX) {
		r->err = LL_ERR_SYNTAX;
		return 0;
	}
	for (unsigned i = 0; i < n && !r->err; i++) {
		h[i].name = text_get(r, UINT16_MAX);
		h[i].value = text_get(r, UINT16_MAX);
		if (!is_lower_token(h[i].name))
			r->err = LL_ERR_SYNTAX;
	}
	return n;
}

static int
on_request(struct web_link *l, struct reader *r, uint32_t id, struct web_event *e)
{
	struct web_request *q = &e->request;
	unsigned method = reader_u8(r), websocket = reader_u8(r), auth = reader_u8(r);
	struct slice session = reader_bytes(r, WEB_ID_LEN), peer = reader_bytes(r, 16);
	struct link_stream *s;

	*q = (struct web_request){.method = (enum web_method)method,
		.websocket = websocket == 1,
		.auth = (enum web_auth)auth};
	q->length = reader_be64(r);
	q->host = text_get(r, UINT16_MAX);
	q->path = text_get(r, WEB_TARGET_MAX);
	q->query = text_get(r, WEB_TARGET_MAX);
	q->n_headers = headers_get(r, q->headers);
	if (reader_end(r) || method >= WEB_METHODS || websocket > 1 || auth >= WEB_AUTHS ||
		!slice_starts(q->path, S("/")) || id <= l->last || !(s = stream_add(l, id)))
		return LL_ERR_SYNTAX;
	memcpy(q->session, session.ptr, WEB_ID_LEN);
	memcpy(q->peer, peer.ptr, sizeof(q->peer));
	s->websocket = q->websocket;
	e->kind = WEB_EVENT_REQUEST;
	return LL_OK;
}

static int
on_response(struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e)
{
	struct web_response *a = &e->response;

	*a = (struct web_response){.status = reader_be16(r)};
	a->length = reader_be64(r);
	a->n_headers = headers_get(r, a->headers);
	if (reader_end(r) || s->answered || a->status > 599 ||
		(a->status < 200 && !(a->status == 101 && s->websocket)))
		return LL_ERR_SYNTAX;
	s->answered = true;
	s->open = a->status == 101;
	e->kind = WEB_EVENT_RESPONSE;
	return LL_OK;
}

static int
take_window(struct link_stream *s, size_t n)
{
	if (n > WEB_LINK_PIECE_MAX || n > s->may_come)
		return LL_ERR_SYNTAX;
	s->may_come -= n;
	return LL_OK;
}

static int
on_body(struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e)
{
	e->kind = WEB_EVENT_BODY;
	e->data = r->rest;
	return s->open || (!l->front && s->websocket) || e->data.len == 0
		? LL_ERR_SYNTAX
		: take_window(s, e->data.len);
}

static int
on_end(struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e)
{
	e->kind = WEB_EVENT_END;
	e->over = l->front;
	s->remote_done = true;
	return s->open || (!l->front && s->websocket) ? LL_ERR_SYNTAX : reader_end(r);
}

static int
on_window(struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e)
{
	size_t n = reader_be32(r);

	if (reader_end(r) || n == 0 || n > WEB_LINK_WINDOW - s->may_send)
		return LL_ERR_SYNTAX;
	s->may_send += n;
	l->look = true;
	return LL_ERR_AGAIN; /* no event */
}

static int
on_message(struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e)
{
	unsigned flags = reader_u8(r);

	e->kind = WEB_EVENT_MESSAGE;
	e->text = flags & 1;
	e->last = flags & 2;
	e->data = r->rest;
	return r->err || flags > 3 || !s->open || (e->data.len == 0 && !e->last)
		? LL_ERR_SYNTAX
		: take_window(s, e->data.len);
}

static int
on_close(struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e)
{
	e->kind = WEB_EVENT_CLOSE;
	e->code = reader_be16(r);
	e->data = r->rest;
	e->over = true;
	return r->err || !s->open || e->data.len > CLOSE_REASON_MAX ? LL_ERR_SYNTAX : LL_OK;
}

static int
on_cancel(struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e)
{
	e->kind = WEB_EVENT_CANCEL;
	e->over = true;
	return reader_end(r);
}

/* What may come at which end, before and after the answer. */
static const struct {
	int (*handle)(
		struct web_link *l, struct link_stream *s, struct reader *r, struct web_event *e);
	bool to_front, to_session, unanswered; /* unanswered: at the frontend before RESPONSE too */
} frames[FRAMES] = {
	[FRAME_RESPONSE] = {on_response, true, false, true},
	[FRAME_BODY] = {on_body, true, true, false},
	[FRAME_END] = {on_end, true, true, false},
	[FRAME_CANCEL] = {on_cancel, true, true, true},
	[FRAME_WINDOW] = {on_window, true, true, true},
	[FRAME_MESSAGE] = {on_message, true, true, false},
	[FRAME_CLOSE] = {on_close, true, true, false},
};

static int
on_stream_frame(
	struct web_link *l, unsigned kind, uint32_t id, struct reader *r, struct web_event *e)
{
	struct link_stream *s = stream_find(l, id);
	int err;

	if (kind >= FRAMES || !frames[kind].handle ||
		!(l->front ? frames[kind].to_front : frames[kind].to_session) || id > l->last)
		return LL_ERR_SYNTAX;
	if (!s)
		return LL_ERR_AGAIN; /* it was under way when this end gave the stream up */
	if ((l->front && !s->answered && !frames[kind].unanswered) ||
		(s->remote_done && kind != FRAME_CANCEL && kind != FRAME_WINDOW))
		return LL_ERR_SYNTAX;
	e->ctx = s->ctx;
	err = frames[kind].handle(l, s, r, e);
	if (err == LL_OK && e->over)
		stream_forget(l, s);
	return err;
}

/* LL_ERR_AGAIN: the frame was dealt with and is no event. */
static int
on_frame(struct web_link *l, unsigned kind, uint32_t id, struct slice payload, struct web_event *e)
{
	struct reader r = reader_new(payload);

	*e = (struct web_event){.stream = id};
	if (kind == FRAME_REQUEST)
		return l->front ? LL_ERR_SYNTAX : on_request(l, &r, id, e);
	return on_stream_frame(l, kind, id, &r, e);
}

static bool
next_room(struct web_link *l, struct web_event *ret)
{
	VEC_EACH (at, &l->streams) {
		struct link_stream *s = *at;
		if (!s->starved || room(l, s) < WINDOW_STEP)
			continue;
		s->starved = false;
		*ret = (struct web_event){.kind = WEB_EVENT_ROOM, .stream = s->id, .ctx = s->ctx};
		return true;
	}
	l->look = false;
	return false;
}

enum parse_result
web_link_next(struct web_link *l, struct web_event *ret)
{
	while (!l->broken) {
		struct slice in = slice_skip(buf_slice(&l->in), l->in_at);
		size_t n;
		int r;
		if (l->look && next_room(l, ret))
			return PARSE_OK;
		if (in.len < FRAME_HEAD)
			return PARSE_MORE;
		n = be32_get(in.ptr + 5);
		if (n > MAX(WEB_LINK_HEAD_MAX, WEB_LINK_PIECE_MAX + 1))
			break;
		if (in.len < FRAME_HEAD + n)
			return PARSE_MORE;
		l->in_at += FRAME_HEAD + n;
		r = on_frame(l, in.ptr[0], be32_get(in.ptr + 1), slice_sub(in, FRAME_HEAD, n), ret);
		if (r == LL_OK)
			return PARSE_OK;
		if (r != LL_ERR_AGAIN)
			break;
	}
	l->broken = true;
	return PARSE_BAD;
}
