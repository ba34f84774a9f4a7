/* HTTP: requests and answers of both engines, one model; and the grammar they share. */
#include "faces/http_priv.h"
#include "t.h"

#include <nghttp2/nghttp2.h>

#define HOST "Host: a.example\r\n"

/* Feeds the text byte by byte or whole; answers each request that ends; returns all output. */
static void
talk(struct slice in, size_t step, struct buf *events, struct buf *out)
{
	struct http_conn *c = http_conn_new(false);
	struct http_event e;

	for (size_t at = 0; at < in.len; at += step) {
		CHECK_INT(http_conn_input(c, slice_sub(in, at, step), 0), 0);
		while (http_conn_next(c, &e)) {
			static const struct http_response ok = {.status = 200, .length = 2};
			if (e.kind == HTTP_EVENT_REQUEST) {
				buf_put(events, e.request->method_name);
				buf_put(events, e.request->path);
			} else if (e.kind == HTTP_EVENT_BODY) {
				buf_put(events, e.data);
				http_conn_consumed(c, e.stream, e.data.len);
			} else if (e.kind == HTTP_EVENT_END) {
				buf_puts(events, ";");
				CHECK_INT(http_conn_respond(c, e.stream, &ok), 0);
				CHECK_INT(http_conn_body(c, e.stream, S("ok")), 0);
				http_conn_end(c, e.stream);
			} else {
				buf_puts(events, e.kind == HTTP_EVENT_CLOSE ? "close" : "reset ");
			}
		}
	}
	buf_put(out, http_conn_output(c));
	http_conn_free(c);
}

static void
http1_requests(void)
{
	static const struct {
		const char *in, *events;
		unsigned status; /* of the last answer */
	} cases[] = {
		{"GET /a?b HTTP/1.1\r\n" HOST "\r\n", "GET/a;", 200},
		{"GET /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "\r\n", "GET/a;GET/b;",
			200},
		{"POST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n" HOST
		 "\r\n",
			"POST/aabc;GET/b;", 200},
		{"POST /a HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0"
		 "\r\nT: x\r\n\r\nGET /b HTTP/1.1\r\n" HOST "\r\n",
			"POST/aabc;GET/b;", 200},
		/* RFC 9112, section 2.2: an empty line before a request; one, not more. */
		{"\r\nGET /a HTTP/1.1\r\n" HOST "\r\n\r\nGET /b HTTP/1.1\r\n" HOST "\r\n",
			"GET/a;GET/b;", 200},
		{"POST /a HTTP/1.1\r\n" HOST
		 "Content-Length: 1\r\n\r\na\r\nGET /b HTTP/1.1\r\n" HOST "\r\n",
			"POST/aa;GET/b;", 200},
		{"\r\n\r\nGET /a HTTP/1.1\r\n" HOST "\r\n", "close", 400},
		{"GET /a HTTP/1.1\r\n" HOST "\r\n\r\n\r\nGET /b", "GET/a;close", 400},
		{"\nGET /a HTTP/1.1\r\n" HOST "\r\n", "close", 400},
		{"\r\n\nGET /a HTTP/1.1\r\n" HOST "\r\n", "close", 400},
		{"\r\rGET /a HTTP/1.1\r\n" HOST "\r\n", "close", 400},
		{"GET /a HTTP/1.0\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "\r\n", "GET/a;close",
			200},
		{"GET /a HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\nGET", "GET/a;close", 200},
		{"GET https://a.example/a HTTP/1.1\r\n" HOST "\r\n", "GET/a;", 200},
		{"GET https://b.example/a HTTP/1.1\r\n" HOST "\r\n", "close", 400},
		{"GET https://a.example HTTP/1.1\r\n" HOST "\r\n", "GET/;", 200},
		{"GET https://b.example HTTP/1.1\r\n" HOST "\r\n", "close", 400},
		{"GET https://a.example?x HTTP/1.1\r\n" HOST "\r\n", "close", 400},
		{"GET /a HTTP/1.1\r\n\r\n", "close", 400},
		{"GET /a HTTP/1.1\r\n" HOST HOST "\r\n", "close", 400},
		{"GET /a HTTP/1.1\n" HOST "\n", "close", 400},
		{"GET /a HTTP/1.1\r\nHost : a\r\n\r\n", "close", 400},
		{"GET /a HTTP/1.1\r\n" HOST " folded\r\n\r\n", "close", 400},
		{"GET /a HTTP/3.0\r\n" HOST "\r\n", "close", 505},
		{"POST /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
			"close", 400},
		{"POST /a HTTP/1.1\r\n" HOST
		 "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
			"close", 400},
		{"POST /a HTTP/1.1\r\n" HOST
		 "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
			"POST/aabreset close", 400},
		{"POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n",
			"POST/areset close", 400},
		{"GET /a HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n", "close", 417},
		{"GET /a HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: upgrade\r\n"
		 "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
			"close", 426},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice in = slice_str(cases[i].in);
		char want[16];
		snprintf(want, sizeof(want), "HTTP/1.1 %u", cases[i].status);
		for (size_t step = 1; step <= in.len; step += in.len > 1 ? in.len - 1 : 1) {
			CLEANUP(buf_done) struct buf events = BUF_INIT(4096), out = BUF_INIT(4096);
			talk(in, step, &events, &out);
			CHECK_SLICE(buf_slice(&events), slice_str(cases[i].events));
			CHECK(slice_find(buf_slice(&out), slice_str(want)) != SLICE_NPOS);
		}
	}
}

/* The example of RFC 6455, section 1.3, and bytes through the tunnel. */
static void
http1_websocket(void)
{
	struct http_conn *c = http_conn_new(false);
	struct http_response a = {.status = 101, .length = WEB_LENGTH_UNKNOWN};
	struct http_event e;

	CHECK_INT(http_conn_input(c,
			  S("GET /chat HTTP/1.1\r\n" HOST
			    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
			    "Sec-WebSocket-Version: 13\r\n"
			    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nraw"),
			  0),
		0);
	CHECK(http_conn_next(c, &e) && e.kind == HTTP_EVENT_REQUEST && e.request->websocket);
	CHECK(!http_conn_next(c, &e));
	CHECK_INT(http_conn_respond(c, e.stream, &a), 0);
	CHECK(slice_find(http_conn_output(c), S("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")) != SLICE_NPOS);
	http_conn_sent(c, http_conn_output(c).len);
	CHECK(http_conn_next(c, &e) && e.kind == HTTP_EVENT_BODY);
	CHECK_SLICE(e.data, S("raw"));
	CHECK_INT(http_conn_body(c, e.stream, S("back")), 0);
	CHECK_SLICE(http_conn_output(c), S("back"));
	http_conn_end(c, e.stream);
	CHECK(http_conn_next(c, &e) && e.kind == HTTP_EVENT_CLOSE);
	http_conn_free(c);
}

/* A body shorter than announced, and one that is broken off, must not look complete. */
static void
http1_broken_answers(void)
{
	struct http_event e;

	for (int chunked = 0; chunked < 2; chunked++) {
		struct http_conn *c = http_conn_new(false);
		struct http_response a = {
			.status = 200, .length = chunked ? WEB_LENGTH_UNKNOWN : 10};
		CHECK_INT(http_conn_input(c, S("GET / HTTP/1.1\r\n" HOST "\r\n"), 0), 0);
		while (http_conn_next(c, &e))
			;
		CHECK_INT(http_conn_respond(c, 1, &a), 0);
		CHECK_INT(http_conn_body(c, 1, S("half")), 0);
		if (chunked)
			http_conn_reset(c, 1);
		else
			http_conn_end(c, 1);
		CHECK(!slice_ends(http_conn_output(c), S("0\r\n\r\n")));
		CHECK(http_conn_next(c, &e) && e.kind == HTTP_EVENT_CLOSE);
		CHECK_INT(http_conn_body(c, 1, S("more")), LL_ERR_STATE);
		http_conn_free(c);
	}
}

static void
grammar(void)
{
	static const struct {
		const char *text;
		bool good;
	} hosts[] = {{"a", true}, {"a.example:8443", true}, {"[::1]:80", true}, {"[::1]", true},
		{"", false}, {"a:", false}, {"a:99999", false}, {"a b", false}, {"a/b", false},
		{"user@a", false}, {"[::1", false}, {"[x]", true}, {"a:80:80", false},
		{"a,b", false}};
	uint64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		CHECK_INT(http_is_host(slice_str(hosts[i].text)), hosts[i].good);
	CHECK(http_list_has(S("a, \"x\" ,B"), S("b")) && !http_list_has(S("ab"), S("a")));
	CHECK(http_length(S("+1"), &n) && http_length(S(""), &n) && http_length(S("1,1"), &n));
	CHECK(http_is_token(S("x-1")) && !http_is_token(S("x y")) && !http_is_token(S("")));
	CHECK(!http_is_value(S(" a")) && !http_is_value(S("a\tb\n")) && http_is_value(S("a\tb")));
}

/* --- HTTP/2, with nghttp2 as the client --- */

struct client {
	nghttp2_session *session;
	struct buf body;
	unsigned status, closed;
	uint32_t error;
};

static int
on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_len,
	const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
	struct client *k = user;

	if (slice_eq(slice_new(name, name_len), S(":status")))
		k->status = (unsigned)strtoul((const char *)value, NULL, 10);
	return 0;
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *user)
{
	buf_put(&((struct client *)user)->body, slice_new(data, len));
	return 0;
}

static int
on_close(nghttp2_session *s, int32_t id, uint32_t error, void *user)
{
	((struct client *)user)->closed++;
	((struct client *)user)->error = error;
	return 0;
}

static void
client_new(struct client *k)
{
	nghttp2_session_callbacks *callbacks;

	*k = (struct client){.body = BUF_INIT((size_t)1 << 22)};
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	CHECK_INT(nghttp2_session_client_new(&k->session, callbacks, k), 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(k->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void
client_ask(struct client *k, const char *path)
{
#define NV(n, v) {(uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), 0}
	nghttp2_nv nv[] = {NV(":method", "GET"), NV(":scheme", "https"),
		NV(":authority", "a.example"), NV(":path", path)};

	CHECK(nghttp2_submit_request(k->session, NULL, nv, ARRAY_SIZE(nv), NULL, NULL) > 0);
}

/* Bytes from the client to the server, and back, until neither has any. */
static bool
shuttle(struct client *k, struct http_conn *c)
{
	const uint8_t *p;
	ssize_t n;
	bool moved = false;

	while ((n = nghttp2_session_mem_send(k->session, &p)) > 0) {
		CHECK_INT(http_conn_input(c, slice_new(p, (size_t)n), 1), 0);
		moved = true;
	}
	while (http_conn_output(c).len) {
		struct slice out = http_conn_output(c);
		CHECK(nghttp2_session_mem_recv(k->session, out.ptr, out.len) >= 0);
		http_conn_sent(c, out.len);
		moved = true;
	}
	return moved;
}

/* A large body goes out as there is room, and arrives whole; several requests at once. */
static void
http2_large_answers(void)
{
	static uint8_t bytes[300000];
	struct http_conn *c = http_conn_new(true);
	struct http_response a = {.status = 200, .length = sizeof(bytes)};
	size_t at[8] = {0};
	struct http_event e;
	struct client k;
	unsigned requests = 0;

	client_new(&k);
	for (int i = 0; i < 3; i++)
		client_ask(&k, "/large");
	while (shuttle(&k, c) || requests < 3) {
		while (http_conn_next(c, &e)) {
			if (e.kind == HTTP_EVENT_REQUEST) {
				requests++;
				CHECK_SLICE(e.request->host, S("a.example"));
				CHECK_INT(http_conn_respond(c, e.stream, &a), 0);
			}
			CHECK(e.kind != HTTP_EVENT_RESET || at[e.stream] == sizeof(bytes));
		}
		for (uint32_t id = 1; id <= 5; id += 2) {
			size_t n = MIN(http_conn_room(c, id), sizeof(bytes) - at[id]);
			CHECK(http_conn_output(c).len <= (128u << 10));
			if (!n)
				continue;
			CHECK_INT(http_conn_body(c, id, slice_new(bytes + at[id], n)), 0);
			at[id] += n;
			if (at[id] == sizeof(bytes))
				http_conn_end(c, id);
		}
	}
	CHECK_INT(k.closed, 3);
	CHECK_INT(k.body.len, 3 * sizeof(bytes));
	CHECK_INT(k.status, 200);
	nghttp2_session_del(k.session);
	buf_done(&k.body);
	http_conn_free(c);
}

/* An answer that is cut off ends in an error at the client. */
static void
http2_broken_answers(void)
{
	struct http_conn *c = http_conn_new(true);
	struct http_response a = {.status = 200, .length = 10};
	struct http_event e;
	struct client k;

	client_new(&k);
	client_ask(&k, "/a");
	(void)shuttle(&k, c);
	while (http_conn_next(c, &e))
		if (e.kind == HTTP_EVENT_REQUEST)
			CHECK_INT(http_conn_respond(c, e.stream, &a), 0);
	CHECK_INT(http_conn_body(c, 1, S("half")), 0);
	CHECK_INT(http_conn_body(c, 1, S("more than")), LL_ERR_STATE);
	http_conn_end(c, 1);
	(void)shuttle(&k, c);
	CHECK_INT(k.closed, 1);
	CHECK(k.error != NGHTTP2_NO_ERROR);
	http_conn_finish(c);
	CHECK(http_conn_next(c, &e) && e.kind == HTTP_EVENT_CLOSE);
	CHECK(!http_conn_next(c, &e));
	nghttp2_session_del(k.session);
	buf_done(&k.body);
	http_conn_free(c);
}

T_MAIN(T(http1_requests), T(http1_websocket), T(http1_broken_answers), T(grammar),
	T(http2_large_answers), T(http2_broken_answers))
