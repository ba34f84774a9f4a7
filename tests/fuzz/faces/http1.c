/* HTTP/1.1: whatever comes, requests, bodies and answers are the same however the bytes are split;
 * one request is dealt with at a time, its body is exactly as long as was announced, and nothing is
 * read after the connection's end. */
#include "../cut.h"
#include "faces/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct http_conn *c;
	struct buf log;
	uint64_t body, announced; /* of the present request */
	bool open, closed;
};

static void
answer(struct world *w, uint32_t stream, const struct http_request *q)
{
	struct web_header h = {S("x-test"), S("yes")};
	struct http_response a = {.status = 200,
		.length = q->path.len % 2 ? 2 : WEB_LENGTH_UNKNOWN,
		.n_headers = 1,
		.headers = &h};

	if (http_conn_respond(w->c, stream, &a))
		abort();
	if (http_conn_body(w->c, stream, S("ok")))
		abort();
}

static void
on_request(struct world *w, const struct http_event *e)
{
	const struct http_request *q = e->request;

	if (w->open || w->closed)
		abort(); /* one at a time */
	w->open = true;
	w->body = 0;
	w->announced = q->length;
	buf_printf(&w->log, "\n%u %llu %d ", (unsigned)q->version, (unsigned long long)q->length,
		q->websocket);
	buf_put(&w->log, q->method_name);
	buf_put(&w->log, q->host);
	buf_put(&w->log, q->path);
	buf_put(&w->log, q->query);
	if (!slice_starts(q->path, S("/")) || q->host.len == 0)
		abort();
	for (unsigned i = 0; i < q->n_headers; i++) {
		struct slice v = q->headers[i].value;
		buf_put(&w->log, q->headers[i].name);
		buf_put(&w->log, v);
		if (slice_find_byte(v, '\n') != SLICE_NPOS ||
			slice_find_byte(v, '\r') != SLICE_NPOS ||
			slice_find_byte(v, 0) != SLICE_NPOS)
			abort();
	}
	/* Some are answered at once, and their bodies swallowed; a WebSocket is not wanted here. */
	if (q->websocket || q->path.len % 3 == 0) {
		answer(w, e->stream, q);
		http_conn_end(w->c, e->stream);
		w->open = false;
	}
}

static void
on_event(struct world *w, const struct http_event *e, struct http_request *last)
{
	if (e->kind == HTTP_EVENT_REQUEST) {
		*last = *e->request;
		on_request(w, e);
	} else if (e->kind == HTTP_EVENT_BODY) {
		w->body += e->data.len;
		buf_put(&w->log, e->data);
		http_conn_consumed(w->c, e->stream, e->data.len);
		if (w->announced != WEB_LENGTH_UNKNOWN && w->body > w->announced)
			abort();
	} else if (e->kind == HTTP_EVENT_END) {
		if (!w->open || (w->announced != WEB_LENGTH_UNKNOWN && w->body != w->announced))
			abort();
		answer(w, e->stream, last);
		http_conn_end(w->c, e->stream);
		w->open = false;
	} else if (e->kind == HTTP_EVENT_RESET) {
		if (!w->open)
			abort();
		w->open = false;
		buf_puts(&w->log, " reset");
	} else if (e->kind == HTTP_EVENT_CLOSE) {
		if (w->open || w->closed)
			abort();
		w->closed = true;
	}
}

static void
drive(struct world *w, struct slice in, size_t step)
{
	struct http_request last = {0};
	struct http_event e;
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)64 << 20);

	w->c = http_conn_new(false);
	w->log = BUF_INIT((size_t)64 << 20);
	if (!w->c)
		abort();
	for (size_t at = 0; at < in.len; at += step) {
		if (http_conn_input(w->c, slice_sub(in, at, step), 0))
			abort();
		while (http_conn_next(w->c, &e))
			on_event(w, &e, &last);
		buf_put(&out, http_conn_output(w->c));
		http_conn_sent(w->c, http_conn_output(w->c).len);
	}
	/* A client that waits may be told to go on, depending on when its body comes. */
	buf_printf(&w->log, "\nend %d %d\n", w->closed, w->open);
	for (struct slice rest = buf_slice(&out); rest.len;) {
		size_t n = slice_find(rest, S("HTTP/1.1 100 Continue\r\n\r\n"));
		buf_put(&w->log, slice_sub(rest, 0, n));
		rest = n == SLICE_NPOS ? SLICE_NONE : slice_skip(rest, n + 25);
	}
	http_conn_free(w->c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world whole = {0}, split = {0};
	struct slice in = slice_new(data, size);

	if (size < 1 || size > (60u << 10))
		return 0;
	in = slice_skip(in, 1);
	drive(&whole, in, size);
	if (buf_err(&whole.log))
		abort();
	if (fuzz_twice(in)) {
		drive(&split, in, 1 + data[0] % 23);
		if (!slice_eq(buf_slice(&whole.log), buf_slice(&split.log)))
			abort();
		buf_done(&split.log);
	}
	buf_done(&whole.log);
	return 0;
}
