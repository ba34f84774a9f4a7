/* Web links: whatever comes, the events are the same however the bytes are split, none is for a
 * stream that is over, and what an end may say is bounded. First byte: which end this is. */
#include "faces/web_link.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
note_headers(struct buf *log, const struct web_header *h, unsigned n)
{
	if (n > WEB_HEADERS_MAX)
		abort();
	for (unsigned i = 0; i < n; i++) {
		buf_put(log, h[i].name);
		buf_putc(log, ':');
		buf_put(log, h[i].value);
		if (slice_find_byte(h[i].value, '\n') != SLICE_NPOS ||
			slice_find_byte(h[i].value, '\r') != SLICE_NPOS)
			abort();
	}
}

static void
note(struct buf *log, const struct web_event *e)
{
	buf_printf(log, "%u/%u/%d/%d/%d/%u;", (unsigned)e->kind, e->stream, e->over, e->text,
		e->last, e->code);
	if (e->kind == WEB_EVENT_REQUEST) {
		buf_put(log, e->request.host);
		buf_put(log, e->request.path);
		buf_put(log, e->request.query);
		note_headers(log, e->request.headers, e->request.n_headers);
	} else if (e->kind == WEB_EVENT_RESPONSE) {
		buf_printf(log, "%u", e->response.status);
		note_headers(log, e->response.headers, e->response.n_headers);
	}
	buf_put(log, e->data);
}

/* The frontend has asked for a few things; the session answers whatever it hears. */
static void
prepare(struct web_link *l)
{
	for (unsigned i = 0; i < 4; i++) {
		struct web_request q = {.path = S("/jmap/ws"), .host = S("a"), .websocket = i & 1};
		uint32_t id = 0;
		if (web_link_request(l, &q, NULL, &id) || id != i + 1)
			abort();
	}
}

static void
answer(struct web_link *l, const struct web_event *e)
{
	struct web_response a = {.status = e->request.websocket ? 101 : 200};

	if (e->kind == WEB_EVENT_REQUEST && web_link_response(l, e->stream, &a))
		abort();
	if (e->kind == WEB_EVENT_BODY || e->kind == WEB_EVENT_MESSAGE) {
		if (e->data.len > WEB_LINK_PIECE_MAX)
			abort();
		web_link_consumed(l, e->stream, e->data.len);
	}
	if (e->kind == WEB_EVENT_END && !e->over && web_link_end(l, e->stream))
		abort();
	if (e->over && web_link_room(l, e->stream))
		abort();
}

static void
drive(bool front, struct slice in, size_t step, struct buf *log)
{
	struct web_link *l = web_link_new(front);
	enum parse_result r = PARSE_MORE;
	struct web_event e;

	if (!l)
		abort();
	if (front)
		prepare(l);
	for (size_t at = 0; at < in.len && r != PARSE_BAD; at += step) {
		if (web_link_input(l, slice_sub(in, at, step)))
			abort();
		while ((r = web_link_next(l, &e)) == PARSE_OK) {
			note(log, &e);
			answer(l, &e);
		}
	}
	buf_printf(log, "end %d %zu", r == PARSE_BAD, web_link_streams(l));
	if (web_link_streams(l) > WEB_LINK_STREAMS_MAX)
		abort();
	buf_put(log, web_link_output(l));
	web_link_free(l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_new(data, size);
	CLEANUP(buf_done) struct buf whole = BUF_INIT((size_t)64 << 20);
	CLEANUP(buf_done) struct buf split = BUF_INIT((size_t)64 << 20);

	if (size < 2 || size > (200u << 10))
		return 0;
	drive(data[0] & 1, slice_skip(in, 2), size, &whole);
	drive(data[0] & 1, slice_skip(in, 2), 1 + data[1] % 61, &split);
	if (buf_err(&whole) || buf_err(&split) || !slice_eq(buf_slice(&whole), buf_slice(&split)))
		abort();
	return 0;
}
