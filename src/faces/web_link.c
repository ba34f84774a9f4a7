/* The engine of web links: streams, their windows, and what is sent. */
#include "base/secret.h"
#include "base/text.h"
#include "faces/web_link_priv.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM ((size_t)8 << 10)
#define INPUT_MAX ((size_t)512 << 10)
#define OUTPUT_HIGH ((size_t)1 << 20) /* above it bodies wait, and only heads go out */

/* --- names --- */

static const char *const methods[WEB_METHODS] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};

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

static int
percent_decode(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		int c = s.ptr[i];
		if (c == '%') {
			int hi = i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
			int lo = i + 2 < s.len ? hex_value(s.ptr[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return LL_ERR_SYNTAX;
			c = hi << 4 | lo;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return LL_ERR_SYNTAX;
		buf_putc(out, (uint8_t)c);
	}
	return buf_err(out);
}

int
web_query_value(struct slice query, const char *name, struct buf *ret)
{
	size_t before = ret->len;
	int r;

	while (query.len) {
		struct slice value = slice_split(&query, '&');
		if (!slice_eq(slice_split(&value, '='), slice_str(name)))
			continue;
		r = percent_decode(value, ret);
		if (r)
			buf_truncate(ret, before);
		return r;
	}
	return LL_ERR_NOTFOUND;
}

/* "-n": the last n bytes. */
static enum web_range
suffix_range(struct slice n, size_t len, size_t *ret_first, size_t *ret_n)
{
	uint64_t wanted;

	if (slice_u64(n, UINT64_MAX, &wanted))
		return WEB_RANGE_ALL;
	if (!wanted || !len)
		return WEB_RANGE_NONE;
	*ret_n = (size_t)MIN(wanted, (uint64_t)len);
	*ret_first = len - *ret_n;
	return WEB_RANGE_PART;
}

enum web_range
web_range_parse(struct slice value, size_t len, size_t *ret_first, size_t *ret_n)
{
	struct slice rest = slice_skip(value, 6), text;
	uint64_t first, last = UINT64_MAX;

	if (!slice_istarts(value, S("bytes=")) || slice_find_byte(rest, '-') == SLICE_NPOS)
		return WEB_RANGE_ALL;
	text = slice_split(&rest, '-');
	if (!text.len)
		return suffix_range(rest, len, ret_first, ret_n);
	if (slice_u64(text, UINT64_MAX, &first) ||
		(rest.len && slice_u64(rest, UINT64_MAX, &last)) || last < first)
		return WEB_RANGE_ALL;
	if (first >= len)
		return WEB_RANGE_NONE;
	*ret_first = (size_t)first;
	*ret_n = (size_t)(MIN(last, (uint64_t)len - 1) - first + 1);
	return WEB_RANGE_PART;
}

/* --- streams --- */

struct web_link *
web_link_new(bool front)
{
	struct web_link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->front = front;
	l->in = BUF_SECRET(INPUT_MAX);
	l->out = BUF_SECRET(WEB_LINK_OUTPUT_MAX);
	/* Room for most requests from the start: what grows leaves a copy behind. */
	(void)buf_room(&l->in, FIRST_ROOM);
	(void)buf_room(&l->out, FIRST_ROOM);
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
	buf_done(&l->in); /* letters pass through */
	buf_done(&l->out);
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

struct link_stream *
web_link_stream_find(const struct web_link *l, uint32_t id)
{
	size_t i = stream_place(l, id);

	return i < l->streams.len && l->streams.at[i]->id == id ? l->streams.at[i] : NULL;
}

struct link_stream *
web_link_stream_add(struct web_link *l, uint32_t id)
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

void
web_link_stream_forget(struct web_link *l, struct link_stream *s)
{
	VEC_REMOVE(&l->streams, stream_place(l, s->id));
	free(s);
}

void
web_link_set_ctx(struct web_link *l, uint32_t stream, void *ctx)
{
	struct link_stream *s = web_link_stream_find(l, stream);

	if (s)
		s->ctx = ctx;
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

	n = MIN(n, l->out.len - l->out_at);
	if (n)
		secret_wipe(l->out.ptr + l->out_at, n); /* letters and passwords pass through */
	l->out_at += n;
	if (l->out_at == l->out.len) {
		buf_reset(&l->out);
		l->out_at = 0;
	} else if (l->out_at > OUTPUT_HIGH) {
		size_t before = l->out.len;
		buf_consume(&l->out, l->out_at);
		secret_wipe(l->out.ptr + l->out.len, before - l->out.len);
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
	CLEANUP(buf_done) struct buf head = BUF_SECRET(WEB_LINK_HEAD_MAX);
	struct link_stream *s;
	int r = request_put(&head, q);

	if (r)
		return r;
	if (!l->front || l->broken || l->last == UINT32_MAX)
		return LL_ERR_STATE;
	s = web_link_stream_add(l, l->last + 1);
	if (!s)
		return LL_ERR_LIMIT;
	s->ctx = ctx;
	s->websocket = q->websocket;
	r = frame_put(l, FRAME_REQUEST, s->id, buf_slice(&head));
	if (r)
		web_link_stream_forget(l, s);
	else
		*ret_stream = s->id;
	return r;
}

int
web_link_response(struct web_link *l, uint32_t stream, const struct web_response *a)
{
	CLEANUP(buf_done) struct buf head = BUF_SECRET(WEB_LINK_HEAD_MAX);
	struct link_stream *s = web_link_stream_find(l, stream);
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

size_t
web_link_stream_room(const struct web_link *l, const struct link_stream *s)
{
	return s->local_done || l->out.len - l->out_at > OUTPUT_HIGH ? 0 : s->may_send;
}

size_t
web_link_room(struct web_link *l, uint32_t stream)
{
	struct link_stream *s = web_link_stream_find(l, stream);
	size_t n = s ? web_link_stream_room(l, s) : 0;

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
	struct link_stream *s = web_link_stream_find(l, stream);
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
	struct link_stream *s = web_link_stream_find(l, stream);
	int r;

	if (!may_send(l, s, false))
		return LL_ERR_STATE;
	r = frame_put(l, FRAME_END, stream, SLICE_NONE);
	s->local_done = true;
	if (!l->front)
		web_link_stream_forget(l, s);
	return r;
}

static int
message_put(struct web_link *l, struct link_stream *s, bool text, bool last, struct slice piece)
{
	CLEANUP(buf_done) struct buf b = BUF_SECRET(WEB_LINK_PIECE_MAX + 1);

	buf_putc(&b, (uint8_t)((text ? 1 : 0) | (last ? 2 : 0)));
	buf_put(&b, piece);
	s->may_send -= piece.len;
	return frame_put(l, FRAME_MESSAGE, s->id, buf_slice(&b));
}

int
web_link_message(struct web_link *l, uint32_t stream, bool text, bool last, struct slice piece)
{
	struct link_stream *s = web_link_stream_find(l, stream);
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
	struct link_stream *s = web_link_stream_find(l, stream);
	int r;

	if (!may_send(l, s, true))
		return LL_ERR_STATE;
	buf_put_be16(&b, code);
	buf_put(&b, slice_sub(reason, 0, CLOSE_REASON_MAX));
	r = frame_put(l, FRAME_CLOSE, stream, buf_slice(&b));
	web_link_stream_forget(l, s);
	return r;
}

void
web_link_cancel(struct web_link *l, uint32_t stream)
{
	struct link_stream *s = web_link_stream_find(l, stream);

	if (!s)
		return;
	(void)frame_put(l, FRAME_CANCEL, stream, SLICE_NONE);
	web_link_stream_forget(l, s);
}

void
web_link_consumed(struct web_link *l, uint32_t stream, size_t n)
{
	struct link_stream *s = web_link_stream_find(l, stream);
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
