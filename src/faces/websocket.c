/* WebSocket frames over wslay, which checks masks, lengths, fragments and UTF-8. Our own data
 * frames are written here, since a message may pass through before its end is known. */
#include "faces/websocket.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#define OUTPUT_MAX ((size_t)1 << 20)
#define PIECES_MAX ((size_t)8 << 20)

enum { OPCODE_CONTINUATION = 0, OPCODE_TEXT = 1, OPCODE_BINARY = 2 };

struct piece {
	size_t at, len;
	bool text, last;
};

struct websocket {
	wslay_event_context_ptr context;
	struct slice in; /* not yet taken by the library */
	struct buf out, data, reason;
	size_t out_at, next;
	VEC(struct piece) pieces;
	uint64_t length; /* of the message that is coming in */
	uint8_t opcode; /* of the frame that is coming in */
	bool fin, text, fresh; /* fresh: a piece of this frame waits in `pieces` */
	bool sending; /* our message has begun */
	bool close_due, close_said, closing, failed;
	uint16_t code;
};

static ssize_t
on_recv(wslay_event_context_ptr ctx, uint8_t *to, size_t len, int flags, void *user)
{
	struct websocket *w = user;
	size_t n = MIN(len, w->in.len);

	if (n == 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(to, w->in.ptr, n);
	w->in = slice_skip(w->in, n);
	return (ssize_t)n;
}

static ssize_t
on_send(wslay_event_context_ptr ctx, const uint8_t *from, size_t len, int flags, void *user)
{
	struct websocket *w = user;

	if (buf_put(&w->out, slice_new(from, len))) {
		wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
		return -1;
	}
	return (ssize_t)len;
}

static bool
is_data(uint8_t opcode)
{
	return opcode <= OPCODE_BINARY;
}

static void
refuse(struct websocket *w, uint16_t code)
{
	(void)wslay_event_queue_close(w->context, code, NULL, 0);
	wslay_event_shutdown_read(w->context);
}

static void
on_frame_start(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_start_arg *arg,
	void *user)
{
	struct websocket *w = user;

	w->opcode = arg->opcode;
	w->fin = arg->fin;
	w->fresh = false;
	if (arg->opcode == WSLAY_CONNECTION_CLOSE && arg->payload_length == 1)
		refuse(w, WSLAY_CODE_PROTOCOL_ERROR); /* half a code */
	if (!is_data(arg->opcode))
		return;
	if (arg->opcode != OPCODE_CONTINUATION) {
		w->text = arg->opcode == OPCODE_TEXT;
		w->length = 0;
	}
	w->length += MIN(arg->payload_length, (uint64_t)WEBSOCKET_MESSAGE_MAX + 1);
	if (w->length > WEBSOCKET_MESSAGE_MAX)
		refuse(w, WSLAY_CODE_MESSAGE_TOO_BIG);
}

static void
push(struct websocket *w, struct slice data, bool last)
{
	struct piece p = {.at = w->data.len, .len = data.len, .text = w->text, .last = last};

	if (buf_put(&w->data, data) || VEC_PUSH(&w->pieces, p))
		w->failed = true;
	w->fresh = true;
}

static void
on_frame_chunk(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_chunk_arg *arg,
	void *user)
{
	struct websocket *w = user;

	if (is_data(w->opcode) && w->length <= WEBSOCKET_MESSAGE_MAX && arg->data_length)
		push(w, slice_new(arg->data, arg->data_length), false);
}

static void
on_frame_end(wslay_event_context_ptr ctx, void *user)
{
	struct websocket *w = user;

	if (!is_data(w->opcode) || !w->fin || w->length > WEBSOCKET_MESSAGE_MAX)
		return;
	if (w->fresh && w->pieces.len)
		w->pieces.at[w->pieces.len - 1].last = true;
	else
		push(w, SLICE_NONE, true);
}

static void
on_msg(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
	struct websocket *w = user;
	struct slice reason = slice_skip(slice_new(arg->msg, arg->msg_length), 2);

	if (arg->opcode != WSLAY_CONNECTION_CLOSE)
		return;
	w->close_due = true;
	w->code = arg->status_code ? arg->status_code : arg->msg_length ? 1006 : 1005;
	buf_reset(&w->reason);
	/* The library looks at the text, but leaves out two octets of each piece that it reads. */
	if (utf8_valid(reason))
		(void)buf_put(&w->reason, reason);
	else
		w->code = 1006;
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = on_recv,
	.send_callback = on_send,
	.on_frame_recv_start_callback = on_frame_start,
	.on_frame_recv_chunk_callback = on_frame_chunk,
	.on_frame_recv_end_callback = on_frame_end,
	.on_msg_recv_callback = on_msg,
};

struct websocket *
websocket_new(void)
{
	struct websocket *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	if (wslay_event_context_server_init(&w->context, &callbacks, w)) {
		free(w);
		return NULL;
	}
	wslay_event_config_set_no_buffering(w->context, 1);
	wslay_event_config_set_max_recv_msg_length(w->context, WEBSOCKET_MESSAGE_MAX);
	w->out = BUF_SECRET(OUTPUT_MAX);
	w->data = BUF_SECRET(PIECES_MAX);
	w->reason = BUF_INIT(256);
	return w;
}

void
websocket_free(struct websocket *w)
{
	if (!w)
		return;
	wslay_event_context_free(w->context);
	buf_done(&w->out);
	buf_done(&w->data);
	buf_done(&w->reason);
	VEC_DONE(&w->pieces);
	free(w);
}

/* Everything the library wants to say goes to the output, which it cannot block. */
static void
pump(struct websocket *w)
{
	if (wslay_event_want_write(w->context) && wslay_event_send(w->context))
		w->failed = true;
}

/* What is no frame at all ends the library's part: its close would say no code. */
static void
fail(struct websocket *w, uint16_t code)
{
	w->failed = true;
	if (wslay_event_get_close_sent(w->context))
		return;
	buf_putc(&w->out, 0x88);
	buf_putc(&w->out, 2);
	buf_put_be16(&w->out, code);
}

int
websocket_input(struct websocket *w, struct slice in)
{
	int r;

	if (w->failed || w->close_due)
		return LL_ERR_STATE;
	if (w->next == w->pieces.len) {
		buf_reset(&w->data);
		w->pieces.len = w->next = 0;
	}
	w->in = in;
	r = wslay_event_recv(w->context);
	w->in = SLICE_NONE;
	if (r)
		fail(w,
			r == WSLAY_ERR_NOMEM ? WSLAY_CODE_INTERNAL_SERVER_ERROR
					     : WSLAY_CODE_PROTOCOL_ERROR);
	else
		pump(w);
	if (!w->close_due && (w->failed || !wslay_event_get_read_enabled(w->context))) {
		w->close_due = true;
		w->code = 1006;
	}
	return LL_OK;
}

bool
websocket_next(struct websocket *w, struct websocket_event *ret)
{
	if (w->next < w->pieces.len) {
		const struct piece *p = &w->pieces.at[w->next++];
		*ret = (struct websocket_event){.kind = WEBSOCKET_MESSAGE,
			.text = p->text,
			.last = p->last,
			.data = slice_new(w->data.ptr + p->at, p->len)};
		return true;
	}
	if (!w->close_due || w->close_said)
		return false;
	w->close_said = true;
	*ret = (struct websocket_event){
		.kind = WEBSOCKET_CLOSE, .code = w->code, .data = buf_slice(&w->reason)};
	return true;
}

struct slice
websocket_output(const struct websocket *w)
{
	return slice_skip(buf_slice(&w->out), w->out_at);
}

void
websocket_sent(struct websocket *w, size_t n)
{
	w->out_at = MIN(w->out_at + n, w->out.len);
	if (w->out_at == w->out.len) {
		buf_reset(&w->out);
		w->out_at = 0;
	}
}

static bool
silent(const struct websocket *w)
{
	return w->failed || w->closing || !wslay_event_get_write_enabled(w->context) ||
		wslay_event_get_close_sent(w->context);
}

/* RFC 6455, section 5.2; a server's frames have no mask. */
void
websocket_message(struct websocket *w, bool text, bool last, struct slice piece)
{
	uint8_t opcode = w->sending ? OPCODE_CONTINUATION : text ? OPCODE_TEXT : OPCODE_BINARY;

	if (silent(w))
		return;
	buf_putc(&w->out, (uint8_t)((last ? 0x80 : 0) | opcode));
	if (piece.len < 126) {
		buf_putc(&w->out, (uint8_t)piece.len);
	} else if (piece.len <= UINT16_MAX) {
		buf_putc(&w->out, 126);
		buf_put_be16(&w->out, (uint16_t)piece.len);
	} else {
		buf_putc(&w->out, 127);
		buf_put_be64(&w->out, piece.len);
	}
	if (buf_put(&w->out, piece))
		w->failed = true;
	w->sending = !last;
}

void
websocket_ping(struct websocket *w)
{
	struct wslay_event_msg m = {.opcode = WSLAY_PING};

	if (silent(w))
		return;
	if (wslay_event_queue_msg(w->context, &m))
		w->failed = true;
	pump(w);
}

void
websocket_close(struct websocket *w, uint16_t code, struct slice reason)
{
	/* 1005 and 1006 are never sent. */
	uint16_t said = code == 1005 || code == 1006 || code < 1000 ? 1000 : code;

	if (silent(w))
		return;
	if (wslay_event_queue_close(w->context, said, reason.ptr, MIN(reason.len, (size_t)123)))
		w->failed = true;
	pump(w);
	w->closing = true;
}

bool
websocket_closed(const struct websocket *w)
{
	return w->failed || w->closing || wslay_event_get_close_sent(w->context);
}
