/* HTTP/2: whatever comes after the preface, in one piece or (one time in four) in many, each stream
 * begins with a request, ends once, and says nothing afterwards; and the output stays bounded.
 * First byte: the size of the pieces. */
#include "../cut.h"
#include "faces/http.h"

#include <stdlib.h>
#include <string.h>

#define IDS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct http_conn *c;
	struct buf log;
	uint8_t state[IDS]; /* 0 none, 1 open, 2 over; for small stream ids */
	bool closed;
};

static void
reply(struct world *w, uint32_t stream)
{
	struct web_header h = {S("x-test"), S("yes")};
	struct http_response a = {.status = 200, .length = 5, .n_headers = 1, .headers = &h};

	if (http_conn_respond(w->c, stream, &a) != LL_OK)
		return; /* the stream has gone already; that will be said */
	(void)!http_conn_body(w->c, stream, S("hello"));
	http_conn_end(w->c, stream);
	if (stream < IDS)
		w->state[stream] = 2;
}

static void
on_event(struct world *w, const struct http_event *e)
{
	unsigned known = e->stream < IDS ? w->state[e->stream] : 1;

	buf_printf(&w->log, "%u/%u;", (unsigned)e->kind, e->stream);
	if (e->kind == HTTP_EVENT_REQUEST) {
		if (e->stream < IDS && known)
			abort();
		if (e->stream < IDS)
			w->state[e->stream] = 1;
		if (!slice_starts(e->request->path, S("/")) || !e->request->host.len ||
			e->request->n_headers > HTTP_HEADERS_MAX)
			abort();
		buf_put(&w->log, e->request->method_name);
		buf_put(&w->log, e->request->host);
		buf_put(&w->log, e->request->path);
		buf_put(&w->log, e->request->query);
	} else if (e->kind == HTTP_EVENT_CLOSE) {
		if (w->closed)
			abort();
		w->closed = true;
	} else if (known != 1) {
		abort();
	} else if (e->kind == HTTP_EVENT_BODY) {
		buf_put(&w->log, e->data);
		http_conn_consumed(w->c, e->stream, e->data.len);
	} else if (e->kind == HTTP_EVENT_END) {
		reply(w, e->stream);
	} else if (e->kind == HTTP_EVENT_RESET && e->stream < IDS) {
		w->state[e->stream] = 2;
	}
}

static void
drive(struct world *w, struct slice in, size_t step)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct http_event e;

	w->c = http_conn_new(true);
	w->log = BUF_INIT((size_t)64 << 20);
	if (!w->c || http_conn_input(w->c, slice_str(preface), 1))
		abort();
	for (size_t at = 0; at < in.len && !w->closed; at += step) {
		if (http_conn_input(w->c, slice_sub(in, at, step), 1))
			abort();
		while (http_conn_next(w->c, &e))
			on_event(w, &e);
		if (http_conn_output(w->c).len > (1u << 20))
			abort();
		http_conn_sent(w->c, http_conn_output(w->c).len);
	}
	http_conn_free(w->c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {0};
	struct slice in = slice_new(data, size);

	if (size < 1 || size > (60u << 10))
		return 0;
	drive(&world, slice_skip(in, 1), fuzz_twice(in) ? (size_t)1 + data[0] % 41 : size);
	buf_done(&world.log);
	return 0;
}
