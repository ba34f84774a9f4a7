/* What the two HTTP engines share. Only for them. */
#ifndef FACES_HTTP_PRIV_H
#define FACES_HTTP_PRIV_H

#include "faces/http.h"

struct http_engine {
	void (*free)(struct http_conn *c);
	bool (*wants_input)(const struct http_conn *c);
	int (*input)(struct http_conn *c, struct slice in, int64_t now_ms);
	bool (*next)(struct http_conn *c, struct http_event *ret);
	struct slice (*output)(struct http_conn *c);
	void (*sent)(struct http_conn *c, size_t n);
	bool (*busy)(const struct http_conn *c);
	bool (*reading)(const struct http_conn *c);
	int (*respond)(struct http_conn *c, uint32_t stream, const struct http_response *a);
	size_t (*room)(struct http_conn *c, uint32_t stream);
	int (*body)(struct http_conn *c, uint32_t stream, struct slice piece);
	void (*end)(struct http_conn *c, uint32_t stream);
	void (*reset)(struct http_conn *c, uint32_t stream);
	void (*consumed)(struct http_conn *c, uint32_t stream, size_t n);
	void (*set_ctx)(struct http_conn *c, uint32_t stream, void *ctx);
	void (*finish)(struct http_conn *c);
	void (*timeout)(struct http_conn *c);
};

/* The first member of each engine's own struct. */
struct http_conn {
	const struct http_engine *engine;
};

struct http_conn *http1_new(void);
struct http_conn *http2_new(void);

/* RFC 9110, section 5.6.2. */
bool http_is_token(struct slice s);
/* A field value without control characters and without white space at its ends. */
bool http_is_value(struct slice s);
/* host [":" port] of letters, digits, '.', '-', or an address in brackets. */
bool http_is_host(struct slice s);
/* Splits an origin-form target and checks its characters. */
bool http_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query);
/* The value of a Content-Length field: digits only. */
int http_length(struct slice value, uint64_t *ret) CHECKED;
/* Is it a Sec-WebSocket-Key: base64 of 16 bytes? */
bool http_is_websocket_key(struct slice s);

#endif
