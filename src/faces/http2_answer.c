/* Answers over HTTP/2: heads, and bodies that wait until the client's windows let them go. */
#include "faces/http2_priv.h"

#include <stdio.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)1 << 20) /* of all answers of a connection */
#define UPDATES_PER_FRAME 2u /* window updates that a frame of ours may be followed by */
#define UPDATES_MAX 4096u
#define DRIBBLE ((size_t)1024) /* a window this small is opened to be opened again */

static size_t
waiting(const struct stream2 *s)
{
	return s->out.len - s->out_at;
}

static ssize_t
on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t len, uint32_t *flags,
	nghttp2_data_source *source, void *user)
{
	struct http2 *c = user;
	struct stream2 *s = source->ptr;
	size_t n = MIN(len, waiting(s));

	if (n == 0 && s->answered && s->short_answer)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the client must see that it is cut
							       */
	if (n == 0 && !s->answered)
		return NGHTTP2_ERR_DEFERRED;
	if (n)
		memcpy(to, s->out.ptr + s->out_at, n);
	s->out_at += n;
	c->output -= n;
	if (n > DRIBBLE || waiting(s) == 0)
		c->updates = MIN(c->updates + UPDATES_PER_FRAME, UPDATES_MAX);
	if (waiting(s) == 0) {
		buf_reset(&s->out);
		s->out_at = 0;
		if (s->answered && !s->short_answer)
			*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	c->look = true;
	return (ssize_t)n;
}

static nghttp2_nv
nv_of(struct slice name, struct slice value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr,
		name.len, value.len, NGHTTP2_NV_FLAG_NONE};
}

int
http2_respond(struct http_conn *conn, uint32_t stream, const struct http_response *a)
{
	struct http2 *c = http2_of(conn);
	struct stream2 *s = http2_stream_find(c, stream);
	nghttp2_nv nv[WEB_HEADERS_MAX * 2 + 8];
	nghttp2_data_provider source = {.source.ptr = s, .read_callback = on_read};
	char status[8], length[24];
	size_t n = 0;

	if (!s || s->gone || s->responded || a->n_headers > WEB_HEADERS_MAX * 2 ||
		(a->status == 101 && !s->request.websocket))
		return LL_ERR_STATE;
	snprintf(status, sizeof(status), "%u", a->status == 101 ? 200 : a->status);
	nv[n++] = nv_of(S(":status"), slice_str(status));
	for (unsigned i = 0; i < a->n_headers; i++)
		nv[n++] = nv_of(a->headers[i].name, a->headers[i].value);
	snprintf(length, sizeof(length), "%llu", (unsigned long long)a->length);
	if (a->length != WEB_LENGTH_UNKNOWN && a->status != 204 && a->status != 304)
		nv[n++] = nv_of(S("content-length"), slice_str(length));
	s->responded = true;
	s->answer_left = a->length;
	s->bodyless = s->request.method == WEB_HEAD || a->status == 204 || a->status == 304;
	if (a->close)
		http_conn_finish(conn);
	if (nghttp2_submit_response(c->session, (int32_t)stream, nv, n,
		    s->bodyless || a->length == 0 ? NULL : &source)) {
		c->broken = true;
		return LL_ERR_NOMEM;
	}
	return LL_OK;
}

size_t
http2_room_of(const struct http2 *c, const struct stream2 *s)
{
	size_t all = c->output < OUTPUT_MAX ? OUTPUT_MAX - c->output : 0;
	size_t own = waiting(s) < STREAM_OUTPUT_MAX ? STREAM_OUTPUT_MAX - waiting(s) : 0;

	return s->gone || s->answered ? 0 : MIN(all, own);
}

size_t
http2_room(struct http_conn *conn, uint32_t stream)
{
	struct http2 *c = http2_of(conn);
	struct stream2 *s = http2_stream_find(c, stream);
	size_t n = s ? http2_room_of(c, s) : 0;

	if (s && s->bodyless)
		return STREAM_OUTPUT_MAX;
	if (s && n < STREAM_OUTPUT_MAX / 2)
		s->starved = true;
	return n;
}

int
http2_body(struct http_conn *conn, uint32_t stream, struct slice piece)
{
	struct http2 *c = http2_of(conn);
	struct stream2 *s = http2_stream_find(c, stream);

	if (!s || s->gone || !s->responded || s->answered)
		return LL_ERR_STATE;
	if (s->answer_left != WEB_LENGTH_UNKNOWN) {
		if (piece.len > s->answer_left)
			return LL_ERR_STATE;
		s->answer_left -= piece.len;
	}
	if (s->bodyless || piece.len == 0)
		return LL_OK;
	if (s->out_at) {
		buf_consume(&s->out, s->out_at);
		s->out_at = 0;
	}
	if (buf_put(&s->out, piece))
		return LL_ERR_LIMIT;
	c->output += piece.len;
	(void)nghttp2_session_resume_data(c->session, (int32_t)stream);
	return LL_OK;
}

/* The stream, of which nobody above will speak again; NULL when that is so already. */
static struct stream2 *
answer_over(struct http2 *c, uint32_t stream)
{
	struct stream2 *s = http2_stream_find(c, stream);

	if (!s || s->gone || s->answered)
		return NULL;
	s->answered = true;
	s->ctx = NULL;
	return s;
}

void
http2_end(struct http_conn *conn, uint32_t stream)
{
	struct http2 *c = http2_of(conn);
	struct stream2 *s = answer_over(c, stream);

	if (!s)
		return;
	s->short_answer = !s->bodyless && s->answer_left && s->answer_left != WEB_LENGTH_UNKNOWN;
	(void)nghttp2_session_resume_data(c->session, (int32_t)stream);
}

void
http2_reset(struct http_conn *conn, uint32_t stream)
{
	struct http2 *c = http2_of(conn);

	if (answer_over(c, stream))
		(void)nghttp2_submit_rst_stream(
			c->session, NGHTTP2_FLAG_NONE, (int32_t)stream, NGHTTP2_INTERNAL_ERROR);
}

void
http2_consumed(struct http_conn *conn, uint32_t stream, size_t n)
{
	(void)nghttp2_session_consume(http2_of(conn)->session, (int32_t)stream, n);
}

void
http2_set_ctx(struct http_conn *conn, uint32_t stream, void *ctx)
{
	struct stream2 *s = http2_stream_find(http2_of(conn), stream);

	if (s)
		s->ctx = ctx;
}
