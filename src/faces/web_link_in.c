/* What comes over a web link: strict framing, and nothing beyond the windows. */
#include "faces/web_link_priv.h"

#include "base/secret.h"

#include <string.h>

#define FRAME_HEAD ((size_t)9)

/* Letters and passwords pass through; nothing of them stays. */
static void
wipe_taken(struct web_link *l)
{
	if (l->in_at > l->in_wiped)
		secret_wipe(l->in.ptr + l->in_wiped, l->in_at - l->in_wiped);
	l->in_wiped = l->in_at;
}

int
web_link_input(struct web_link *l, struct slice in)
{
	size_t before = l->in.len;

	wipe_taken(l);
	if (l->in_at) {
		buf_consume(&l->in, l->in_at);
		secret_wipe(l->in.ptr + l->in.len, before - l->in.len);
		l->in_at = l->in_wiped = 0;
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
		!slice_starts(q->path, S("/")) || id <= l->last ||
		!(s = web_link_stream_add(l, id)))
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
	struct link_stream *s = web_link_stream_find(l, id);
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
		web_link_stream_forget(l, s);
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
		if (!s->starved || web_link_stream_room(l, s) < WINDOW_STEP)
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
	wipe_taken(l);
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
