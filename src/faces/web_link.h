/* A web link: what one signed-in person asks by HTTP, between the frontend and the account's
 * session, over one stream socket.
 *
 * The frontend has read HTTP; what crosses the link is framed anew, so that the session never sees
 * a byte of a stranger's framing. Many requests share a link, each on a stream of its own with its
 * own window: a slow reader of one does not hold up another, and neither end buffers more than the
 * windows it has granted. The engine is the same at both ends and does no I/O: bytes in, events
 * out; calls in, bytes out.
 *
 * On the wire a frame is: kind (1 byte), stream (4), length (4), payload; numbers big-endian. The
 * frontend opens streams, with rising numbers. Frames for a stream that is over are ignored, since
 * they may have been under way; anything else unexpected is LL_ERR_SYNTAX and the end of the link.
 */
#ifndef FACES_WEB_LINK_H
#define FACES_WEB_LINK_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define WEB_LINK_STREAMS_MAX 256 /* open at once */
#define WEB_LINK_WINDOW                                                                            \
	((size_t)256 << 10) /* bytes of body in one direction that may be unread                   \
			     */
#define WEB_LINK_PIECE_MAX ((size_t)32 << 10) /* of one body or message frame */
#define WEB_LINK_HEAD_MAX ((size_t)32 << 10)
#define WEB_LINK_OUTPUT_MAX ((size_t)8 << 20) /* not yet taken by web_link_sent */
#define WEB_HEADERS_MAX 32
#define WEB_TARGET_MAX ((size_t)16 << 10)
#define WEB_ID_LEN 16
#define WEB_LENGTH_UNKNOWN UINT64_MAX

enum web_method {
	WEB_GET,
	WEB_HEAD, /* answered like GET; the link's far end drops the body */
	WEB_POST,
	WEB_PUT,
	WEB_DELETE,
	WEB_PATCH,
	WEB_METHODS
};

/* How the person signed in. */
enum web_auth { WEB_AUTH_COOKIE, WEB_AUTH_PASSWORD, WEB_AUTHS };

/* Names are in lower case. */
struct web_header {
	struct slice name, value;
};

/* The head of a request. path is decoded and starts with '/'; query is as it came, without '?'.
 * Headers are those that may matter behind the frontend: content-type, accept, accept-language,
 * range, if-range, if-match, if-none-match, if-modified-since, last-event-id,
 * sec-websocket-protocol. Never a cookie or an authorization. */
struct web_request {
	enum web_method method;
	bool websocket;
	enum web_auth auth;
	uint8_t session[WEB_ID_LEN]; /* public id of the web session; zero with a password */
	uint8_t peer[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint64_t length; /* of the body, or WEB_LENGTH_UNKNOWN */
	struct slice host, path, query;
	unsigned n_headers;
	struct web_header headers[WEB_HEADERS_MAX];
};

/* The head of an answer. For a WebSocket status 101 accepts it. The frontend adds the security
 * headers, date, and framing; content-length is taken from `length` when it is known. */
struct web_response {
	uint16_t status;
	uint64_t length; /* of the body, or WEB_LENGTH_UNKNOWN */
	unsigned n_headers;
	struct web_header headers[WEB_HEADERS_MAX];
};

/* The value of a header, or the empty slice. */
struct slice web_request_header(const struct web_request *q, const char *name);
struct slice web_response_header(const struct web_response *a, const char *name);
/* Appends the value of a query's parameter, percent-decoded (RFC 3986: "+" is a plus sign).
 * LL_ERR_NOTFOUND; LL_ERR_SYNTAX for broken escapes and control characters, and errors of buf:
 * nothing is appended then. */
int web_query_value(struct slice query, const char *name, struct buf *ret) CHECKED;
/* A Range (RFC 9110 section 14.2) of len bytes. One range that lies inside: PART, and ret_first and
 * ret_n are set. Beyond the end: NONE, which is answered by 416. Else ALL: several ranges, another
 * unit, what makes no sense. */
enum web_range { WEB_RANGE_ALL, WEB_RANGE_PART, WEB_RANGE_NONE };
enum web_range web_range_parse(struct slice value, size_t len, size_t *ret_first, size_t *ret_n);
/* WEB_METHODS for a name that is none. */
enum web_method web_method_of(struct slice name);

enum web_event_kind {
	WEB_EVENT_REQUEST, /* at the session */
	WEB_EVENT_RESPONSE, /* at the frontend */
	WEB_EVENT_BODY, /* a piece; say web_link_consumed when it is dealt with */
	WEB_EVENT_END, /* of the body in that direction */
	WEB_EVENT_CANCEL, /* the other end gave the stream up; it is over */
	WEB_EVENT_ROOM, /* a stream on which web_link_room was short has room again */
	WEB_EVENT_MESSAGE, /* a piece of a WebSocket message, counted like a body */
	WEB_EVENT_CLOSE /* WebSocket: code and reason; that direction has ended */
};

struct web_event {
	enum web_event_kind kind;
	uint32_t stream;
	void *ctx; /* of web_link_set_ctx; also with the last event of a stream */
	bool over; /* nothing more comes or may be sent on this stream: it is forgotten */
	struct web_request request;
	struct web_response response;
	struct slice data; /* BODY, MESSAGE; of CLOSE the reason */
	bool text, last; /* MESSAGE: kind; whether it ends here */
	uint16_t code; /* CLOSE */
};

struct web_link;

/* front: the end that opens streams. NULL without memory. */
struct web_link *web_link_new(bool front);
void web_link_free(struct web_link *l);

/* Takes bytes of the other end. LL_ERR_LIMIT (more than a window's worth unread), LL_ERR_NOMEM. */
int web_link_input(struct web_link *l, struct slice in) CHECKED;
/* The next event; to be called after web_link_input, and after web_link_sent. PARSE_BAD: the other
 * end broke the rules, the link is of no use any more. Views in *ret live until the next call of
 * web_link_next or web_link_input. */
enum parse_result web_link_next(struct web_link *l, struct web_event *ret);

/* Bytes to send; web_link_sent drops the first n. */
struct slice web_link_output(const struct web_link *l);
void web_link_sent(struct web_link *l, size_t n);

/* Opens a stream (frontend). LL_ERR_LIMIT: too many, or the head is too long. */
int web_link_request(
	struct web_link *l, const struct web_request *q, void *ctx, uint32_t *ret_stream) CHECKED;
/* Answers, once (session). LL_ERR_STATE: the stream is over, or was answered. */
int web_link_response(struct web_link *l, uint32_t stream, const struct web_response *a) CHECKED;
/* How many bytes of body may be sent now; 0 also on a stream that is over. */
size_t web_link_room(struct web_link *l, uint32_t stream);
/* Sends a piece of a body. LL_ERR_AGAIN: more than there is room for; LL_ERR_STATE. */
int web_link_body(struct web_link *l, uint32_t stream, struct slice piece) CHECKED;
/* Ends the body of this direction. The stream is over when both directions are; the frontend gives
 * up what it had still to send once the answer is complete. */
int web_link_end(struct web_link *l, uint32_t stream);
/* WebSocket: a piece of a message; a close. */
int web_link_message(
	struct web_link *l, uint32_t stream, bool text, bool last, struct slice piece) CHECKED;
int web_link_close(struct web_link *l, uint32_t stream, uint16_t code, struct slice reason);
/* Gives a stream up; nothing more is heard of it. */
void web_link_cancel(struct web_link *l, uint32_t stream);
/* n bytes of BODY or MESSAGE events have been dealt with: the other end may send as many more. */
void web_link_consumed(struct web_link *l, uint32_t stream, size_t n);

void web_link_set_ctx(struct web_link *l, uint32_t stream, void *ctx);
/* Streams that are open; their contexts one after the other, for an end that goes away. */
size_t web_link_streams(const struct web_link *l);
void *web_link_ctx_at(const struct web_link *l, size_t i);

#endif
