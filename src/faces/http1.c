/* HTTP/1.1 as a server (RFC 9112): requests one after the other, pipelined ones wait their turn. */
#include "base/secret.h"
#include "faces/http1_priv.h"

#include <stdlib.h>
#include <string.h>

#define INPUT_MAX ((size_t)256 << 10)
#define INPUT_HIGH ((size_t)64 << 10)
#define CHUNK_LINE_MAX ((size_t)256) /* size and extensions */
#define EXTENSIONS_MAX ((size_t)4096) /* of one body */
#define TRAILERS_MAX ((size_t)8192)
#define DISCARD_MAX ((uint64_t)1 << 20) /* of a body that nobody wants any more */

enum step { STEP_EVENT, STEP_AGAIN, STEP_MORE };

static struct slice
input_rest(const struct http1 *c)
{
	return slice_skip(buf_slice(&c->in), c->in_at);
}

/* Looks for the end of the head byte by byte, so that the answer to nonsense depends only on the
 * bytes, and not on how they came. 0: go on later; 1: it is complete; else a status. */
static unsigned
scan_head(struct http1 *c)
{
	struct slice in = input_rest(c);

	for (; c->scan < in.len; c->scan++) {
		uint8_t b = in.ptr[c->scan];
		if (c->scan >= HTTP_HEAD_MAX)
			return c->line == 0 ? 414 : 431;
		if (c->scan - c->line > HTTP_LINE_MAX + 64)
			return c->line == 0 ? 414 : 431;
		if (c->scan && in.ptr[c->scan - 1] == '\r' && b != '\n')
			return 400;
		if (b == 0 || (b == '\n' && (c->scan == 0 || in.ptr[c->scan - 1] != '\r')))
			return 400;
		if (b != '\n')
			continue;
		if (c->scan - c->line == 1) {
			c->scan++;
			return c->line == 0 ? 400 : 1;
		}
		c->line = c->scan + 1;
	}
	return 0;
}

/* One empty line before a request line is passed over (RFC 9112, section 2.2). A second is an error:
 * nobody sends it by mistake, and a client could feed them for ever. */
static void
pass_empty_line(struct http1 *c)
{
	if (c->passed || !slice_starts(input_rest(c), S("\r\n")))
		return;
	c->passed = true;
	c->in_at += 2;
	c->scan = c->line = 0;
}

static enum step
step_head(struct http1 *c, struct http_event *ret)
{
	unsigned status;

	pass_empty_line(c);
	if (c->finishing && input_rest(c).len == 0) {
		http1_set_closing(c);
		return STEP_AGAIN;
	}
	status = scan_head(c);
	if (status == 0)
		return STEP_MORE;
	c->head = BUF_SECRET(HTTP_HEAD_MAX + 64);
	if (status == 1 && buf_put(&c->head, slice_sub(input_rest(c), 0, c->scan)))
		status = 431;
	if (status == 1) {
		c->in_at += c->scan;
		status = http1_head_parse(c->head.ptr, c->head.len, &c->h);
	}
	if (status) {
		http1_fail(c, status);
		return STEP_AGAIN;
	}
	c->begun = true;
	c->stream++;
	c->close = c->h.close;
	c->left = c->h.chunked ? 0 : c->h.request.length;
	c->state = c->h.request.websocket ? STATE_UPGRADE
		: c->h.chunked		  ? STATE_CHUNK_LINE
					  : STATE_BODY;
	ret->kind = HTTP_EVENT_REQUEST;
	ret->request = &c->h.request;
	return STEP_EVENT;
}

static enum step
request_complete(struct http1 *c, struct http_event *ret)
{
	c->state = STATE_DONE;
	if (c->answered) {
		http1_request_over(c);
		return STEP_AGAIN;
	}
	ret->kind = HTTP_EVENT_END;
	return STEP_EVENT;
}

/* A piece of body for the owner, or for nobody. */
static enum step
give(struct http1 *c, size_t n, struct http_event *ret)
{
	struct slice piece;

	if (!c->answered)
		n = MIN(n, HTTP_WINDOW - MIN(c->unread, HTTP_WINDOW));
	piece = slice_sub(input_rest(c), 0, n);
	if (piece.len == 0) {
		if (c->h.expect && !c->continued && !c->responded && !c->unread) {
			buf_puts(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
			c->continued = true;
		}
		return STEP_MORE;
	}
	c->in_at += piece.len;
	c->left -= piece.len;
	if (c->answered) {
		c->discarded += piece.len;
		if (c->discarded > DISCARD_MAX)
			http1_set_closing(c);
		return STEP_AGAIN;
	}
	c->unread += piece.len;
	c->continued = true; /* the client did not wait */
	ret->kind = HTTP_EVENT_BODY;
	ret->data = piece;
	return STEP_EVENT;
}

static enum step
step_body(struct http1 *c, struct http_event *ret)
{
	return c->left ? give(c, (size_t)MIN(c->left, (uint64_t)INPUT_MAX), ret)
		       : request_complete(c, ret);
}

static int
hex_digit(uint8_t b)
{
	if (b >= '0' && b <= '9')
		return b - '0';
	if (b >= 'a' && b <= 'f')
		return b - 'a' + 10;
	return b >= 'A' && b <= 'F' ? b - 'A' + 10 : -1;
}

/* chunk-size [";" extension]: at most 13 digits, no white space before or after the size. */
static bool
parse_chunk_line(struct slice line, uint64_t *ret_size)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < line.len && i < 13 && hex_digit(line.ptr[i]) >= 0; i++)
		n = n << 4 | (uint64_t)hex_digit(line.ptr[i]);
	*ret_size = n;
	return i > 0 && (i == line.len || (line.ptr[i] == ';' && http_is_value(line)));
}

/* The next line of the body's own framing, without CRLF. PARSE_BAD: too long, or a bare CR or LF.
 */
static enum parse_result
framing_line(struct http1 *c, size_t max, struct slice *ret)
{
	struct slice in = input_rest(c);

	for (size_t i = 0; i < in.len; i++) {
		if (i > max || in.ptr[i] == 0 ||
			(i && in.ptr[i - 1] == '\r' && in.ptr[i] != '\n') ||
			(in.ptr[i] == '\n' && (i == 0 || in.ptr[i - 1] != '\r')))
			return PARSE_BAD;
		if (in.ptr[i] != '\n')
			continue;
		*ret = slice_sub(in, 0, i - 1);
		c->in_at += i + 1;
		return PARSE_OK;
	}
	return PARSE_MORE;
}

static enum step
step_chunk_line(struct http1 *c, struct http_event *ret)
{
	struct slice line;
	enum parse_result r = framing_line(c, CHUNK_LINE_MAX, &line);

	if (r == PARSE_MORE)
		return give(c, 0, ret);
	if (r == PARSE_OK && slice_find_byte(line, ';') != SLICE_NPOS)
		c->extensions += line.len;
	if (r == PARSE_BAD || !parse_chunk_line(line, &c->left) || c->extensions > EXTENSIONS_MAX) {
		http1_fail(c, 400);
		return STEP_AGAIN;
	}
	c->continued = true;
	c->state = c->left ? STATE_CHUNK_DATA : STATE_TRAILERS;
	return STEP_AGAIN;
}

static enum step
step_chunk_data(struct http1 *c, struct http_event *ret)
{
	if (c->left)
		return give(c, (size_t)MIN(c->left, (uint64_t)INPUT_MAX), ret);
	c->state = STATE_CHUNK_END;
	return STEP_AGAIN;
}

static enum step
step_chunk_end(struct http1 *c, struct http_event *ret)
{
	struct slice line;
	enum parse_result r = framing_line(c, 2, &line);

	if (r == PARSE_MORE)
		return STEP_MORE;
	if (r == PARSE_BAD || line.len)
		http1_fail(c, 400);
	else
		c->state = STATE_CHUNK_LINE;
	return STEP_AGAIN;
}

/* Trailer fields must be well formed, and are not used. */
static enum step
step_trailers(struct http1 *c, struct http_event *ret)
{
	struct slice line;
	enum parse_result r = framing_line(c, TRAILERS_MAX, &line);
	size_t colon;

	if (r == PARSE_MORE)
		return STEP_MORE;
	if (r == PARSE_OK && line.len == 0)
		return request_complete(c, ret);
	colon = r == PARSE_OK ? slice_find_byte(line, ':') : SLICE_NPOS;
	c->trailers += r == PARSE_OK ? line.len : 0;
	if (colon == SLICE_NPOS || !http_is_token(slice_sub(line, 0, colon)) ||
		!http_is_value(slice_trim(slice_skip(line, colon + 1))) ||
		c->trailers > TRAILERS_MAX)
		http1_fail(c, 400);
	return STEP_AGAIN;
}

static enum step
step_wait(struct http1 *c, struct http_event *ret)
{
	return STEP_MORE;
}

static enum step
step_tunnel(struct http1 *c, struct http_event *ret)
{
	struct slice piece = slice_sub(input_rest(c), 0, HTTP_WINDOW - MIN(c->unread, HTTP_WINDOW));

	if (piece.len == 0)
		return STEP_MORE;
	c->in_at += piece.len;
	c->unread += piece.len;
	ret->kind = HTTP_EVENT_BODY;
	ret->data = piece;
	return STEP_EVENT;
}

static enum step
step_closing(struct http1 *c, struct http_event *ret)
{
	if (c->reset_due) {
		c->reset_due = false;
		c->answered = true;
		ret->kind = HTTP_EVENT_RESET;
		return STEP_EVENT;
	}
	if (c->close_said)
		return STEP_MORE;
	c->close_said = true;
	ret->kind = HTTP_EVENT_CLOSE;
	return STEP_EVENT;
}

static enum step (*const steps[])(struct http1 *c, struct http_event *ret) = {
	[STATE_HEAD] = step_head,
	[STATE_BODY] = step_body,
	[STATE_CHUNK_LINE] = step_chunk_line,
	[STATE_CHUNK_DATA] = step_chunk_data,
	[STATE_CHUNK_END] = step_chunk_end,
	[STATE_TRAILERS] = step_trailers,
	[STATE_DONE] = step_wait,
	[STATE_UPGRADE] = step_wait,
	[STATE_TUNNEL] = step_tunnel,
	[STATE_CLOSING] = step_closing,
};

static bool
next(struct http_conn *conn, struct http_event *ret)
{
	struct http1 *c = http1_of(conn);
	enum step s = STEP_AGAIN;

	if (buf_err(&c->out) && c->state != STATE_CLOSING)
		http1_set_closing(c);
	if (c->starved && http1_unsent(c) < HTTP_OUTPUT_HIGH / 2 && c->begun && !c->answered &&
		c->state != STATE_CLOSING) {
		c->starved = false;
		*ret = (struct http_event){
			.kind = HTTP_EVENT_ROOM, .stream = c->stream, .ctx = c->ctx};
		return true;
	}
	while (s == STEP_AGAIN) {
		*ret = (struct http_event){0};
		s = steps[c->state](c, ret);
	}
	ret->stream = c->stream;
	ret->ctx = c->ctx;
	return s == STEP_EVENT;
}

static int
input(struct http_conn *conn, struct slice in, int64_t now_ms)
{
	struct http1 *c = http1_of(conn);

	if (c->state == STATE_CLOSING)
		return LL_OK;
	if (c->in_at) {
		size_t before = c->in.len;
		buf_consume(&c->in, c->in_at);
		secret_wipe(c->in.ptr + c->in.len, before - c->in.len); /* cookies and passwords */
		c->in_at = 0;
	}
	return buf_put(&c->in, in);
}

static bool
wants_input(const struct http_conn *conn)
{
	const struct http1 *c = http1_of_const(conn);

	return c->state != STATE_CLOSING && c->in.len - c->in_at < INPUT_HIGH &&
		(c->unread < HTTP_WINDOW || c->answered);
}

static struct slice
output(struct http_conn *conn)
{
	return slice_skip(buf_slice(&http1_of(conn)->out), http1_of(conn)->out_at);
}

static void
sent(struct http_conn *conn, size_t n)
{
	struct http1 *c = http1_of(conn);

	c->out_at = MIN(c->out_at + n, c->out.len);
	if (c->out_at < c->out.len && c->out_at < HTTP_OUTPUT_HIGH)
		return;
	buf_consume(&c->out, c->out_at);
	c->out_at = 0;
	if (c->out.len == 0)
		buf_done(&c->out);
}

static bool
busy(const struct http_conn *conn)
{
	const struct http1 *c = http1_of_const(conn);

	return c->state != STATE_HEAD || c->in.len > c->in_at;
}

static bool
reading(const struct http_conn *conn)
{
	const struct http1 *c = http1_of_const(conn);

	return c->state < STATE_DONE && (c->unread < HTTP_WINDOW || c->answered);
}

static void
consumed(struct http_conn *conn, uint32_t stream, size_t n)
{
	struct http1 *c = http1_of(conn);

	if (stream == c->stream)
		c->unread -= MIN(n, c->unread);
}

static void
set_ctx(struct http_conn *conn, uint32_t stream, void *ctx)
{
	if (stream == http1_of(conn)->stream)
		http1_of(conn)->ctx = ctx;
}

static void
finish(struct http_conn *conn)
{
	struct http1 *c = http1_of(conn);

	c->finishing = true;
	if (c->state == STATE_HEAD && c->in.len == c->in_at)
		http1_set_closing(c);
}

static void
timeout(struct http_conn *conn)
{
	struct http1 *c = http1_of(conn);

	if (c->state == STATE_CLOSING)
		return;
	if (c->state < STATE_DONE && busy(conn))
		http1_fail(c, 408);
	else
		http1_set_closing(c);
}

static void
engine_free(struct http_conn *conn)
{
	struct http1 *c = http1_of(conn);

	buf_done(&c->in);
	buf_done(&c->head);
	buf_done(&c->out);
	free(c);
}

static const struct http_engine engine = {engine_free, wants_input, input, next, output, sent, busy,
	reading, http1_respond, http1_room, http1_body, http1_end, http1_reset, consumed, set_ctx,
	finish, timeout};

struct http_conn *
http1_new(void)
{
	struct http1 *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->conn.engine = &engine;
	c->in = BUF_SECRET(INPUT_MAX);
	c->out = BUF_SECRET((size_t)4 << 20);
	c->head = BUF_SECRET(HTTP_HEAD_MAX + 64);
	return &c->conn;
}
