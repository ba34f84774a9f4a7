/* HTTP as a server speaks it: one model of requests for HTTP/1.1 (RFC 9112) and HTTP/2 (RFC 9113).
 *
 * An engine does no I/O: bytes in, events out; answers in, bytes out. Bodies stream both ways with
 * bounded buffers. HTTP/1.1 is read strictly: whatever two parsers might read in two ways is
 * refused with the connection, so nothing can be smuggled past one of them. */
#ifndef FACES_HTTP_H
#define FACES_HTTP_H

#include "faces/web_link.h"

#define HTTP_HEAD_MAX ((size_t)24 << 10) /* request line and headers */
#define HTTP_LINE_MAX ((size_t)16 << 10)
#define HTTP_HEADERS_MAX 64
#define HTTP_STREAMS_MAX 100 /* of one HTTP/2 connection */
#define HTTP_WINDOW ((size_t)256 << 10) /* of a request's body, unread */
#define HTTP_OUTPUT_HIGH ((size_t)256 << 10) /* of one answer, unsent */

enum http_version { HTTP_1_0, HTTP_1_1, HTTP_2 };

/* Names are in lower case. The slices live until the request's END or RESET event. */
struct http_request {
	enum http_version version;
	struct slice method_name;
	enum web_method method; /* WEB_METHODS: another one */
	struct slice host; /* with the port, if it was given */
	struct slice path, query; /* as they came; query without '?' */
	uint64_t length; /* of the body, or WEB_LENGTH_UNKNOWN */
	bool websocket; /* a good handshake; answer 101 makes the stream a tunnel */
	unsigned n_headers;
	struct web_header headers[HTTP_HEADERS_MAX];
};

/* The first header of that name, or the empty slice. */
struct slice http_request_header(const struct http_request *q, const char *name);

/* Is `token` a member of the comma-separated list? Case does not matter. */
bool http_list_has(struct slice list, struct slice token);

/* If-None-Match (RFC 9110, section 13.1.2): does it name this entity tag, weak or strong, or any? */
bool http_tags_have(struct slice list, struct slice tag);

enum http_event_kind {
	HTTP_EVENT_REQUEST, /* its body follows */
	HTTP_EVENT_BODY, /* say http_conn_consumed when it is dealt with */
	HTTP_EVENT_END, /* of the request's body */
	HTTP_EVENT_RESET, /* the client gave the request up; the stream is over */
	HTTP_EVENT_ROOM, /* http_conn_room, which was short, is so no more */
	HTTP_EVENT_CLOSE /* close the connection when the output is sent */
};

struct http_event {
	enum http_event_kind kind;
	uint32_t stream;
	void *ctx; /* of http_conn_set_ctx */
	const struct http_request *request;
	struct slice data;
};

/* The head of an answer. Framing headers are added; those given must not be such. */
struct http_response {
	uint16_t status;
	uint64_t length; /* of the body, or WEB_LENGTH_UNKNOWN */
	bool close; /* end the connection after it */
	unsigned n_headers;
	const struct web_header *headers;
};

struct http_conn;

/* http2: the protocol that ALPN chose. NULL without memory. */
struct http_conn *http_conn_new(bool http2);
void http_conn_free(struct http_conn *c);

/* Whether more input is of use now: not while an answer must come first. */
bool http_conn_wants_input(const struct http_conn *c);
/* now_ms: any steady clock, for limits on rates. LL_ERR_LIMIT, LL_ERR_NOMEM. */
int http_conn_input(struct http_conn *c, struct slice in, int64_t now_ms) CHECKED;
/* The next event; false: nothing more for now. To be called after input, and after sent. Views live
 * until the next call. */
bool http_conn_next(struct http_conn *c, struct http_event *ret);

struct slice http_conn_output(struct http_conn *c);
void http_conn_sent(struct http_conn *c, size_t n);

/* Is a request unfinished, or being answered? What is left is keep-alive. */
bool http_conn_busy(const struct http_conn *c);
/* Is the client, and not this server, to send next? For the choice of time limits. */
bool http_conn_reading(const struct http_conn *c);

/* An answer: head, body, end. LL_ERR_STATE: the stream is over, or has its answer. A HEAD request's
 * body is swallowed. */
int http_conn_respond(struct http_conn *c, uint32_t stream, const struct http_response *a) CHECKED;
size_t http_conn_room(struct http_conn *c, uint32_t stream);
int http_conn_body(struct http_conn *c, uint32_t stream, struct slice piece) CHECKED;
/* The answer is complete: the stream is over for the caller, who hears no more of it. */
void http_conn_end(struct http_conn *c, uint32_t stream);
/* Gives the stream up in a way that the client sees. */
void http_conn_reset(struct http_conn *c, uint32_t stream);
void http_conn_consumed(struct http_conn *c, uint32_t stream, size_t n);
void http_conn_set_ctx(struct http_conn *c, uint32_t stream, void *ctx);

/* No further requests: those that have begun are answered, then the connection closes. */
void http_conn_finish(struct http_conn *c);
/* The client takes too long: 408 where a request has begun. HTTP_EVENT_CLOSE follows. */
void http_conn_timeout(struct http_conn *c);

#endif
