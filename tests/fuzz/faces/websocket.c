/* WebSocket frames: the messages are the same however the bytes are split, nothing comes after a
 * close, text is UTF-8, and the answers are bounded by the input. */
#include "faces/websocket.h"
#include "base/buf.h"
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct buf log, message;
	bool closed;
};

static void
on_event(struct world *w, const struct websocket_event *e)
{
	if (w->closed)
		abort();
	if (e->kind == WEBSOCKET_CLOSE) {
		w->closed = true;
		/* What had begun is not a message; how much of it came through depends on the
		 * split, and so does what the library thinks of the text of a close. */
		if (!utf8_valid(e->data))
			abort();
		return;
	}
	buf_put(&w->message, e->data);
	if (!e->last)
		return;
	if (e->text && !utf8_valid(buf_slice(&w->message)))
		abort();
	buf_printf(&w->log, "%d:", e->text);
	buf_put(&w->log, buf_slice(&w->message));
	buf_reset(&w->message);
}

static void
drive(struct world *w, struct slice in, size_t step)
{
	struct websocket *ws = websocket_new();
	struct websocket_event e;

	w->log = BUF_INIT((size_t)16 << 20);
	w->message = BUF_INIT((size_t)16 << 20);
	if (!ws)
		abort();
	for (size_t at = 0; at < in.len && !w->closed; at += step) {
		if (websocket_input(ws, slice_sub(in, at, step)))
			abort();
		while (websocket_next(ws, &e))
			on_event(w, &e);
	}
	if (websocket_output(ws).len > in.len * 2 + 256)
		abort();
	websocket_free(ws);
	buf_done(&w->message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world whole = {0}, split = {0};

	if (size < 1 || size > (60u << 10))
		return 0;
	drive(&whole, slice_new(data + 1, size - 1), size);
	drive(&split, slice_new(data + 1, size - 1), 1 + data[0] % 41);
	if (!slice_eq(buf_slice(&whole.log), buf_slice(&split.log)))
		abort();
	buf_done(&whole.log);
	buf_done(&split.log);
	return 0;
}
