/* What the requests and the answers of an HTTP/1.1 connection share. Only for them. */
#ifndef FACES_HTTP1_PRIV_H
#define FACES_HTTP1_PRIV_H

#include "faces/http1_head.h"

enum state {
	STATE_HEAD,
	STATE_BODY,
	STATE_CHUNK_LINE,
	STATE_CHUNK_DATA,
	STATE_CHUNK_END,
	STATE_TRAILERS,
	STATE_DONE, /* the request is complete; its answer is awaited */
	STATE_UPGRADE, /* the same, and it may become a tunnel */
	STATE_TUNNEL,
	STATE_CLOSING
};

struct http1 {
	struct http_conn conn;
	struct buf in, out, head;
	size_t in_at, out_at;
	size_t scan, line; /* from in_at: seen so far of a head; where its current line begins */
	enum state state;
	struct http1_head h;
	uint32_t stream;
	void *ctx;
	uint64_t left; /* of the body or the chunk */
	size_t unread, extensions, trailers;
	uint64_t discarded, answer_left;
	bool passed; /* an empty line before this head */
	bool begun; /* the request was handed out */
	bool responded, answered; /* head sent; end sent */
	bool chunked_out, bodyless, tunnel, close, starved, continued, finishing;
	bool reset_due, close_said;
};

static inline struct http1 *
http1_of(struct http_conn *c)
{
	return (struct http1 *)(void *)c;
}

static inline const struct http1 *
http1_of_const(const struct http_conn *c)
{
	return (const struct http1 *)(const void *)c;
}

/* Nothing more is read; an owner who still waits is told. */
void http1_set_closing(struct http1 *c);
/* The framing is lost: an answer where one is still possible, and the end. */
void http1_fail(struct http1 *c, unsigned status);
/* Ready for the next request, or the end. */
void http1_request_over(struct http1 *c);
/* Bytes of output that wait. */
size_t http1_unsent(const struct http1 *c);
/* Of struct http_engine. */
int http1_respond(struct http_conn *conn, uint32_t stream, const struct http_response *a);
size_t http1_room(struct http_conn *conn, uint32_t stream);
int http1_body(struct http_conn *conn, uint32_t stream, struct slice piece);
void http1_end(struct http_conn *conn, uint32_t stream);
void http1_reset(struct http_conn *conn, uint32_t stream);

#endif
