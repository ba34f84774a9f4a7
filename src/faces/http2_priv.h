/* What the requests and the answers of an HTTP/2 connection share. Only for them. */
#ifndef FACES_HTTP2_PRIV_H
#define FACES_HTTP2_PRIV_H

#include "base/vec.h"
#include "faces/http_priv.h"

#include <nghttp2/nghttp2.h>

#define STREAM_OUTPUT_MAX ((size_t)64 << 10) /* unsent, of one answer */

struct stream2 {
	uint32_t id;
	void *ctx;
	struct buf head;
	struct http_request request;
	struct slice method, scheme, authority, protocol;
	bool too_large, requested; /* requested: the owner knows it */
	bool remote_done, responded, bodyless, answered, gone, starved, short_answer;
	struct buf out;
	size_t out_at;
	uint64_t answer_left, discarded;
};

struct event2 {
	struct event2 *next;
	struct stream2 *stream;
	int kind; /* enum http_event_kind, or EVENT_FORGET */
	size_t len;
	uint8_t data[];
};

enum { EVENT_FORGET = 100 };

struct http2 {
	struct http_conn conn;
	nghttp2_session *session;
	VEC(struct stream2 *) streams;
	struct event2 *events, **tail, *told; /* told: the one whose data is on view */
	struct buf out;
	size_t out_at, output; /* output: bytes of all answers that wait */
	int64_t now_ms, calmed_ms;
	uint64_t nuisance; /* thousandths of a frame */
	unsigned updates; /* window updates that may come for what was sent */
	bool broken, finishing, close_said, look;
};

static inline struct http2 *
http2_of(struct http_conn *c)
{
	return (struct http2 *)(void *)c;
}

static inline const struct http2 *
http2_of_const(const struct http_conn *c)
{
	return (const struct http2 *)(const void *)c;
}

/* NULL: it is over, or never was. */
struct stream2 *http2_stream_find(struct http2 *c, uint32_t id);
/* Bytes that its answer may grow by now. */
size_t http2_room_of(const struct http2 *c, const struct stream2 *s);
/* Of struct http_engine. */
int http2_respond(struct http_conn *conn, uint32_t stream, const struct http_response *a);
size_t http2_room(struct http_conn *conn, uint32_t stream);
int http2_body(struct http_conn *conn, uint32_t stream, struct slice piece);
void http2_end(struct http_conn *conn, uint32_t stream);
void http2_reset(struct http_conn *conn, uint32_t stream);
void http2_consumed(struct http_conn *conn, uint32_t stream, size_t n);
void http2_set_ctx(struct http_conn *conn, uint32_t stream, void *ctx);

#endif
