/* Web links: two ends that talk to each other, windows, and ends that misbehave; and the other
 * small formats of the web. */
#include "faces/web_link.h"
#include "faces/web_pack.h"
#include "faces/websocket.h"
#include "t.h"

static void
carry(struct web_link *from, struct web_link *to)
{
	struct slice out = web_link_output(from);

	for (; out.len; out = web_link_output(from)) {
		size_t n = MIN(out.len, (size_t)100000);
		CHECK_INT(web_link_input(to, slice_sub(out, 0, n)), 0);
		web_link_sent(from, n);
		if (out.len > n)
			break;
	}
}

static void
request_and_answer(void)
{
	struct web_link *front = web_link_new(true), *session = web_link_new(false);
	struct web_request q = {.method = WEB_POST,
		.auth = WEB_AUTH_PASSWORD,
		.length = 5,
		.host = S("h"),
		.path = S("/jmap/api"),
		.query = S("a=b"),
		.n_headers = 1,
		.headers = {{S("accept"), S("x")}}};
	struct web_response a = {
		.status = 207, .length = 3, .n_headers = 1, .headers = {{S("etag"), S("\"1\"")}}};
	struct web_event e;
	uint32_t id;
	int mark;

	CHECK_INT(web_link_request(front, &q, &mark, &id), 0);
	CHECK_INT(web_link_body(front, id, S("hello")), 0);
	CHECK_INT(web_link_end(front, id), 0);
	CHECK_INT(web_link_body(front, id, S("more")), LL_ERR_STATE);
	carry(front, session);
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK_INT(e.kind, WEB_EVENT_REQUEST);
	CHECK_INT(e.request.method, WEB_POST);
	CHECK_INT(e.request.auth, WEB_AUTH_PASSWORD);
	CHECK_SLICE(e.request.path, S("/jmap/api"));
	CHECK_SLICE(web_request_header(&e.request, "accept"), S("x"));
	CHECK_INT(web_link_body(session, id, S("x")), LL_ERR_STATE); /* before the head */
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK_SLICE(e.data, S("hello"));
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK_INT(e.kind, WEB_EVENT_END);
	CHECK_INT(web_link_response(session, id, &a), 0);
	CHECK_INT(web_link_response(session, id, &a), LL_ERR_STATE);
	CHECK_INT(web_link_body(session, id, S("abc")), 0);
	CHECK_INT(web_link_end(session, id), 0);
	CHECK_INT(web_link_streams(session), 0);
	carry(session, front);
	CHECK_INT(web_link_next(front, &e), PARSE_OK);
	CHECK_INT(e.response.status, 207);
	CHECK(e.ctx == &mark);
	CHECK_INT(web_link_next(front, &e), PARSE_OK);
	CHECK_INT(web_link_next(front, &e), PARSE_OK);
	CHECK(e.kind == WEB_EVENT_END && e.over && e.ctx == &mark);
	CHECK_INT(web_link_streams(front), 0);
	CHECK_INT(web_link_next(front, &e), PARSE_MORE);
	web_link_free(front);
	web_link_free(session);
}

/* Nothing beyond the window goes out until the far end has consumed. */
static void
windows(void)
{
	static uint8_t bytes[WEB_LINK_WINDOW];
	struct web_link *front = web_link_new(true), *session = web_link_new(false);
	struct web_request q = {.path = S("/x")};
	struct web_response a = {.status = 200, .length = WEB_LENGTH_UNKNOWN};
	size_t sent = 0, got = 0, held = 0;
	struct web_event e;
	uint32_t id;

	CHECK_INT(web_link_request(front, &q, NULL, &id), 0);
	carry(front, session);
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK_INT(web_link_response(session, id, &a), 0);
	for (int round = 0; round < 60; round++) {
		size_t n = web_link_room(session, id);
		CHECK(sent + n - got <= WEB_LINK_WINDOW + held);
		CHECK_INT(web_link_body(session, id, slice_new(bytes, n)), 0);
		CHECK(n == WEB_LINK_WINDOW ||
			web_link_body(session, id, slice_new(bytes, WEB_LINK_WINDOW)) ==
				LL_ERR_AGAIN);
		sent += n;
		carry(session, front);
		while (web_link_next(front, &e) == PARSE_OK) {
			held += e.kind == WEB_EVENT_BODY ? e.data.len : 0;
			got += e.kind == WEB_EVENT_BODY ? e.data.len : 0;
		}
		if (round % 3 == 0) {
			web_link_consumed(front, id, held);
			held = 0;
		}
		carry(front, session);
		while (web_link_next(session, &e) == PARSE_OK)
			CHECK_INT(e.kind, WEB_EVENT_ROOM);
	}
	CHECK(got > WEB_LINK_WINDOW * 3);
	web_link_free(front);
	web_link_free(session);
}

static void
websockets(void)
{
	struct web_link *front = web_link_new(true), *session = web_link_new(false);
	struct web_request q = {.path = S("/jmap/ws"), .websocket = true};
	struct web_response a = {.status = 101, .length = WEB_LENGTH_UNKNOWN};
	struct web_event e;
	uint32_t id;

	CHECK_INT(web_link_request(front, &q, NULL, &id), 0);
	CHECK_INT(web_link_message(front, id, true, true, S("early")), LL_ERR_STATE);
	carry(front, session);
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK_INT(web_link_response(session, id, &a), 0);
	carry(session, front);
	CHECK_INT(web_link_next(front, &e), PARSE_OK);
	CHECK_INT(web_link_message(front, id, true, true, S("hello")), 0);
	CHECK_INT(web_link_close(front, id, 1001, S("bye")), 0);
	carry(front, session);
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK(e.kind == WEB_EVENT_MESSAGE && e.text && e.last);
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK(e.kind == WEB_EVENT_CLOSE && e.over && e.code == 1001);
	CHECK_SLICE(e.data, S("bye"));
	web_link_free(front);
	web_link_free(session);
}

/* What is given up may still be under way, and is ignored; what never was is an error. */
static void
late_and_wrong(void)
{
	struct web_link *front = web_link_new(true), *session = web_link_new(false);
	struct web_request q = {.path = S("/x")};
	struct web_response a = {.status = 200};
	struct web_event e;
	uint32_t id;

	CHECK_INT(web_link_request(front, &q, NULL, &id), 0);
	carry(front, session);
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK_INT(web_link_response(session, id, &a), 0);
	web_link_cancel(front, id);
	carry(session, front);
	CHECK_INT(web_link_next(front, &e), PARSE_MORE);
	carry(front, session);
	CHECK_INT(web_link_next(session, &e), PARSE_OK);
	CHECK(e.kind == WEB_EVENT_CANCEL && e.over);
	CHECK_INT(web_link_input(front, S("\4\0\0\0\2\0\0\0\0")), 0);
	CHECK_INT(web_link_next(front, &e), PARSE_BAD);
	CHECK_INT(web_link_next(front, &e), PARSE_BAD);
	web_link_free(front);
	web_link_free(session);
}

static void
packs(void)
{
	static const char good[] = "LLWEB1\n\0\0\0\1\0\2/a\0\1t\1\0\0\0\0\0\3\0\0\0\2abcgz";
	struct slice file = slice_new(good, sizeof(good) - 1);
	struct web_pack *p;

	CHECK_INT(web_pack_new(file, &p), 0);
	CHECK_SLICE(web_pack_find(p, S("/a"))->identity, S("abc"));
	CHECK_SLICE(web_pack_find(p, S("/a"))->gzip, S("gz"));
	CHECK_INT(web_pack_find(p, S("/a"))->class, WEB_PACK_ASSET);
	CHECK(!web_pack_find(p, S("/b")) && !web_pack_find(NULL, S("/a")));
	web_pack_free(p);
	for (size_t n = 0; n < file.len; n++)
		CHECK_INT(web_pack_new(slice_sub(file, 0, n), &p), LL_ERR_SYNTAX);
}

/* A masked frame of up to 125 bytes. */
static struct slice
masked(unsigned first, const char *text, uint8_t *space)
{
	size_t n = strlen(text);

	space[0] = (uint8_t)first;
	space[1] = (uint8_t)(0x80 | n);
	memcpy(space + 2, "mask", 4);
	for (size_t i = 0; i < n; i++)
		space[6 + i] = (uint8_t)((uint8_t)text[i] ^ (uint8_t) "mask"[i % 4]);
	return slice_new(space, n + 6);
}

static void
frames(void)
{
	static const struct {
		unsigned first;
		const char *text;
		unsigned code; /* of the close that it leads to */
		unsigned said; /* to the client; 0: none */
	} bad[] = {{0xc1, "rsv", 1006, 1002}, {0x83, "opcode", 1006, 1002},
		{0x81, "\xff", 1006, 1007}, {0x80, "continuation of nothing", 1006, 1002},
		{0x09, "fragmented ping", 1006, 1002}, {0x88, "\x03", 1006, 1002},
		{0x88, "\x03\xe9", 1001, 1001}, {0x88, "", 1005, 0},
		{0x88, "\x03\xe9gone", 1001, 1001}, {0x88, "\x03\xe9gone\xff", 1006, 1007}};
	struct websocket *w = websocket_new();
	struct websocket_event e;
	uint8_t space[160];

	CHECK_INT(websocket_input(w, masked(0x01, "hel", space)), 0);
	CHECK(websocket_next(w, &e) && e.text && !e.last);
	CHECK_INT(websocket_input(w, masked(0x89, "ping", space)), 0);
	CHECK_SLICE(websocket_output(w), S("\x8a\x04ping"));
	websocket_sent(w, 6);
	CHECK_INT(websocket_input(w, masked(0x80, "lo", space)), 0);
	CHECK(websocket_next(w, &e) && e.last);
	CHECK_SLICE(e.data, S("lo"));
	websocket_message(w, true, false, S("a"));
	websocket_message(w, true, true, S("b"));
	CHECK_SLICE(websocket_output(w),
		S("\x01\x01"
		  "a\x80\x01"
		  "b"));
	websocket_free(w);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		w = websocket_new();
		CHECK_INT(websocket_input(w, masked(bad[i].first, bad[i].text, space)), 0);
		while (websocket_next(w, &e) && e.kind != WEBSOCKET_CLOSE)
			;
		CHECK_INT(e.kind, WEBSOCKET_CLOSE);
		CHECK_INT(e.code, bad[i].code);
		CHECK(websocket_closed(w) && websocket_output(w).ptr[0] == 0x88);
		CHECK_INT(websocket_output(w).ptr[1] >= 2, bad[i].said != 0);
		CHECK(!bad[i].said || be16_get(websocket_output(w).ptr + 2) == bad[i].said);
		websocket_free(w);
	}
}

/* A close reason in two pieces, the second of which begins with what is not UTF-8. */
static void
close_in_pieces(void)
{
	struct websocket *w = websocket_new();
	struct websocket_event e = {.kind = WEBSOCKET_MESSAGE};
	uint8_t space[160];
	struct slice frame = masked(0x88, "\x03\xe9g\xe8ne", space);

	CHECK_INT(websocket_input(w, slice_sub(frame, 0, 9)), 0);
	CHECK(!websocket_next(w, &e));
	CHECK_INT(websocket_input(w, slice_skip(frame, 9)), 0);
	CHECK(websocket_next(w, &e) && e.kind == WEBSOCKET_CLOSE);
	CHECK_INT(e.code, 1006);
	CHECK_INT(e.data.len, 0);
	websocket_free(w);
}

static void
queries(void)
{
	static const struct {
		const char *query, *name;
		int r;
		struct slice value;
	} rows[] = {
		{"a=1&b=2", "b", LL_OK, S("2")},
		{"a=1&a=2", "a", LL_OK, S("1")},
		{"a", "a", LL_OK, S("")},
		{"a=b=c", "a", LL_OK, S("b=c")},
		{"type=image/svg+xml", "type", LL_OK, S("image/svg+xml")},
		{"u=https%3A%2f%2Fx%20y%41", "u", LL_OK, S("https://x yA")},
		{"u=%c3%a4\xc3\xa4", "u", LL_OK, S("\xc3\xa4\xc3\xa4")},
		{"aa=1", "a", LL_ERR_NOTFOUND, S("")},
		{"", "a", LL_ERR_NOTFOUND, S("")},
		{"a=%4", "a", LL_ERR_SYNTAX, S("")},
		{"a=x%", "a", LL_ERR_SYNTAX, S("")},
		{"a=%g0", "a", LL_ERR_SYNTAX, S("")},
		{"a=x%0d%0aX:y", "a", LL_ERR_SYNTAX, S("")},
		{"a=%00", "a", LL_ERR_SYNTAX, S("")},
		{"a=0123456789abcdefg", "a", LL_ERR_LIMIT, S("")},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(16);
		CHECK_INT(web_query_value(slice_str(rows[i].query), rows[i].name, &out), rows[i].r);
		CHECK_SLICE(buf_slice(&out), rows[i].value);
	}
}

static void
ranges(void)
{
	static const struct {
		const char *value;
		size_t len;
		enum web_range part;
		size_t first, n;
	} rows[] = {
		{"bytes=0-0", 10, WEB_RANGE_PART, 0, 1},
		{"bytes=2-5", 10, WEB_RANGE_PART, 2, 4},
		{"Bytes=9-", 10, WEB_RANGE_PART, 9, 1},
		{"bytes=5-99999999999999999", 10, WEB_RANGE_PART, 5, 5},
		{"bytes=-3", 10, WEB_RANGE_PART, 7, 3},
		{"bytes=-30", 10, WEB_RANGE_PART, 0, 10},
		{"bytes=10-", 10, WEB_RANGE_NONE, 0, 0},
		{"bytes=0-", 0, WEB_RANGE_NONE, 0, 0},
		{"bytes=-0", 10, WEB_RANGE_NONE, 0, 0},
		{"bytes=-1", 0, WEB_RANGE_NONE, 0, 0},
		{"bytes=5-2", 10, WEB_RANGE_ALL, 0, 0},
		{"bytes=1-2,4-5", 10, WEB_RANGE_ALL, 0, 0},
		{"bytes=-", 10, WEB_RANGE_ALL, 0, 0},
		{"bytes=5", 10, WEB_RANGE_ALL, 0, 0},
		{"bytes=99999999999999999999-", 10, WEB_RANGE_ALL, 0, 0},
		{"lines=1-2", 10, WEB_RANGE_ALL, 0, 0},
		{"", 10, WEB_RANGE_ALL, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t first = 0, n = 0;
		CHECK_INT(web_range_parse(slice_str(rows[i].value), rows[i].len, &first, &n),
			rows[i].part);
		CHECK_INT(first, rows[i].first);
		CHECK_INT(n, rows[i].n);
	}
}

T_MAIN(T(request_and_answer), T(windows), T(websockets), T(late_and_wrong), T(packs), T(frames),
	T(close_in_pieces), T(queries), T(ranges))
