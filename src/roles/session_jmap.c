/* JMAP by HTTP: the session object, API requests, uploads, downloads, and what is pushed over
 * EventSource (RFC 8620 section 7.3) and WebSocket (RFC 8887). */
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "faces/http.h"
#include "faces/jmap.h"
#include "roles/session.h"
#include "roles/session_out.h"
#include "roles/session_web.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PING_MIN 30 /* seconds */
#define PING_MAX 900
#define QUEUE_MAX ((size_t)64 << 20) /* of one WebSocket, not yet sent */

/* Somebody who is told of changes. */
struct subscriber {
	struct subscriber *next;
	struct web_exchange *x;
	bool websocket, once; /* once: closeafter=state */
	uint32_t types;
	struct jmap_states told;
	struct loop_timer ping;
	unsigned interval; /* seconds; 0: no pings */
	struct buf in; /* of a WebSocket: the message so far */
	VEC(struct slice) queue; /* messages to be sent, allocated */
	size_t queued, sent; /* bytes of all; of the first */
};

static struct {
	struct jmap *jmap;
	struct account *account;
	struct slice address;
	struct account_listener listener;
	struct loop_timer soon, addresses;
	struct subscriber *subscribers;
} sj;

static int64_t
now(void *ctx)
{
	return time(NULL);
}

static int
fill_random(void *ctx, void *p, size_t n)
{
	randombytes_buf(p, n);
	return LL_OK;
}

/* ---- Telling of changes ---- */

static void subscriber_send(struct subscriber *s);
static void subscriber_tell(struct subscriber *s);

static void
on_soon(void *ctx)
{
	struct subscriber *next;

	for (struct subscriber *s = sj.subscribers; s; s = next) {
		next = s->next;
		subscriber_tell(s);
	}
}

static void
tell_soon(void)
{
	if (sj.subscribers && !sj.soon.slot)
		(void)!loop_timer_set(session_loop(), &sj.soon, 0, on_soon, NULL);
}

static void
on_change(struct account_listener *l, struct mailbox *mb, unsigned events)
{
	tell_soon();
}

static int
own_addresses(void *ctx, struct buf *ret_lines)
{
	return session_own_addresses(ret_lines);
}

static enum language
language(void *ctx)
{
	return session_language();
}

static void
on_addresses(void *ctx)
{
	int r = sj.jmap && sj.account == session_account() ? jmap_addresses_changed(sj.jmap)
							   : LL_OK;

	if (r)
		log_warn("identities", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* In a round of its own: auth is asked which addresses there are now, and whoever told of the
 * change may be in the midst of an answer. */
void
session_jmap_owner_changed(void)
{
	if (sj.jmap && !sj.addresses.slot)
		(void)!loop_timer_set(session_loop(), &sj.addresses, 0, on_addresses, NULL);
}

struct jmap *
session_jmap(void)
{
	struct jmap_env env = {.account = session_account(),
		.now = now,
		.random = fill_random,
		.push = &session_push,
		.outbound = &session_outbound,
		.import = &session_import,
		.message_max = session_append_limit(),
		.aliases = own_addresses,
		.language = language,
		.addresses = &sj.address,
		.n_addresses = 1};

	if (sj.jmap && sj.account == env.account)
		return sj.jmap;
	session_requests_drop();
	jmap_free(sj.jmap);
	sj.address = slice_str(session_address());
	sj.jmap = jmap_new(&env);
	sj.account = env.account;
	if (!sj.jmap)
		return NULL;
	sj.listener.changed = on_change;
	account_listen(env.account, &sj.listener);
	session_jmap_owner_changed(); /* what came about while nobody was here */
	return sj.jmap;
}

/* False, and answered, when there is no memory for it. */
static bool
ready_jmap(struct web_exchange *x)
{
	if (session_jmap())
		return true;
	web_exchange_problem(x, 503, "busy", "The server is busy, please try again.");
	return false;
}

static void
answer_buf(struct web_exchange *x, unsigned status, const char *type, const struct buf *b)
{
	if (buf_err(b) || !status || (status == 500 && !b->len))
		web_exchange_problem(x, 500, "internal", "The answer could not be made.");
	else
		web_exchange_answer(x, (uint16_t)status, type, buf_slice(b));
}

/* ---- Session, API ---- */

static void
session_ready(struct web_exchange *x, struct slice body)
{
	CLEANUP(buf_done) struct buf origin = BUF_INIT(1024);
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)1 << 20);

	if (!ready_jmap(x))
		return;
	buf_puts(&origin, "https://");
	buf_put(&origin, web_exchange_request(x)->host);
	if (buf_err(&origin) || jmap_session(sj.jmap, buf_slice(&origin), &out))
		buf_done(&out);
	answer_buf(x, out.len ? 200 : 500, "application/json", &out);
}

static void
api_answer(struct web_exchange *x, unsigned status, struct buf *out)
{
	answer_buf(x, status, status == 200 ? "application/json" : "application/problem+json", out);
}

/* A body that does not say so is none (RFC 8620, section 3.6.1). */
static bool
says_json(const struct web_request *q)
{
	struct slice type = web_request_header(q, "content-type");

	return slice_ieq(slice_trim(slice_split(&type, ';')), S("application/json"));
}

static void
api_ready(struct web_exchange *x, struct slice body)
{
	struct session_request *q = ready_jmap(x) ? session_request_new(x, api_answer) : NULL;

	if (!q)
		return;
	q->job = jmap_job_new(
		sj.jmap, says_json(web_exchange_request(x)) ? body : SLICE_NONE, &q->out);
	if (!q->job)
		q->out.err = LL_ERR_NOMEM;
	session_request_run(q);
}

/* ---- Upload, download ---- */

static void
upload_ready(struct web_exchange *x, struct slice body)
{
	const struct web_request *q = web_exchange_request(x);
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)1 << 16);
	struct slice account = slice_skip(q->path, strlen("/jmap/upload/"));
	unsigned status;

	if (!ready_jmap(x))
		return;
	if (slice_ends(account, S("/")))
		account.len--;
	status = jmap_upload(sj.jmap, account, web_request_header(q, "content-type"), body, &out);
	answer_buf(
		x, status, status == 201 ? "application/json" : "application/problem+json", &out);
}

/* Only our own files may run in our pages. A letter's attachment under one of these names would
 * count as one of them: "attachment" and nosniff do not keep a page from loading a script or a
 * style sheet of the right type. */
static bool
runs_in_pages(struct slice type)
{
	static const char *const names[] = {
		"javascript", "ecmascript", "jscript", "livescript", "css", "wasm"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_ifind(type, slice_str(names[i])) != SLICE_NPOS)
			return true;
	return false;
}

/* A media type that may stand in a header: "type/subtype", perhaps with parameters. */
static bool
type_ok(struct slice type)
{
	if (runs_in_pages(type))
		return false;
	for (size_t i = 0; i < type.len; i++)
		if (type.ptr[i] < ' ' || type.ptr[i] >= 0x7f)
			return false;
	return type.len > 2 && type.len < 256 && slice_find_byte(type, '/') != SLICE_NPOS;
}

/* RFC 6266: the name in UTF-8, percent encoded. Always an attachment: what is downloaded is not
 * shown as a page of ours. */
static void
put_disposition(struct buf *out, struct slice name)
{
	static const char digits[] = "0123456789ABCDEF";

	buf_puts(out, "attachment; filename*=UTF-8''");
	for (size_t i = 0; i < name.len && i < 1000; i++) {
		uint8_t c = name.ptr[i];
		if (is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_') {
			buf_putc(out, c);
		} else {
			buf_putc(out, '%');
			buf_putc(out, (uint8_t)digits[c >> 4]);
			buf_putc(out, (uint8_t)digits[c & 15]);
		}
	}
}

/* Downloads of one blob are always the same bytes, so that a part of it may be had later (RFC 9110
 * section 14). */
static void
download_send(struct web_exchange *x, struct slice name, struct slice type, struct slice blob,
	struct slice data)
{
	const struct web_request *q = web_exchange_request(x);
	CLEANUP(buf_done) struct buf disposition = BUF_INIT(8192), tag = BUF_INIT(256);
	struct slice cond = web_request_header(q, "if-range");
	struct web_header headers[4];
	enum web_range part = WEB_RANGE_ALL;
	size_t first = 0, n = data.len;
	char range[80];

	put_disposition(&disposition, name);
	buf_putc(&tag, '"');
	buf_put(&tag, blob);
	buf_putc(&tag, '"');
	headers[0] = (struct web_header){S("content-disposition"), buf_slice(&disposition)};
	headers[1] = (struct web_header){S("etag"), buf_slice(&tag)};
	headers[2] = (struct web_header){S("accept-ranges"), S("bytes")};
	if (http_tags_have(web_request_header(q, "if-none-match"), buf_slice(&tag))) {
		web_exchange_answer_with(x, 304, type, headers, 2, SLICE_NONE);
		return;
	}
	if (q->method == WEB_GET && (!cond.len || slice_eq(cond, buf_slice(&tag))))
		part = web_range_parse(web_request_header(q, "range"), data.len, &first, &n);
	if (part == WEB_RANGE_NONE)
		snprintf(range, sizeof(range), "bytes */%zu", data.len);
	else
		snprintf(range, sizeof(range), "bytes %zu-%zu/%zu", first, first + n - 1, data.len);
	headers[3] = (struct web_header){S("content-range"), slice_str(range)};
	web_exchange_answer_with(x,
		part == WEB_RANGE_ALL		 ? 200
			: part == WEB_RANGE_PART ? 206
						 : 416,
		type, headers, part == WEB_RANGE_ALL ? 3 : 4,
		part == WEB_RANGE_NONE ? SLICE_NONE : slice_sub(data, first, n));
}

static void
download_failed(struct web_exchange *x, int err)
{
	if (err == LL_ERR_NOTFOUND)
		web_exchange_problem(x, 404, "not-found", "There is no such file.");
	else if (err == LL_ERR_AUTH || err == LL_ERR_CORRUPT)
		web_exchange_problem(x, 500, "damaged", "It is damaged and cannot be opened.");
	else
		web_exchange_problem(x, 503, "busy", "It could not be read now.");
}

static void
download_ready(struct web_exchange *x, struct slice body)
{
	const struct web_request *q = web_exchange_request(x);
	CLEANUP(buf_done) struct buf data = BUF_SECRET(JMAP_REPLY_MAX);
	CLEANUP(buf_done) struct buf type = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf asked = BUF_INIT(4096);
	struct slice rest = slice_skip(q->path, strlen("/jmap/download/"));
	struct slice account = slice_split(&rest, '/'), blob = slice_split(&rest, '/');
	int err;

	if (!ready_jmap(x))
		return;
	err = jmap_download(sj.jmap, account, blob, &data, &type);
	if (err) {
		download_failed(x, err);
		return;
	}
	(void)!web_query_value(q->query, "type", &asked);
	download_send(x, rest,
		type_ok(buf_slice(&asked))	    ? buf_slice(&asked)
			: type_ok(buf_slice(&type)) ? buf_slice(&type)
						    : S("application/octet-stream"),
		blob, buf_slice(&data));
}

/* ---- Subscribers ---- */

static struct subscriber *
subscriber_new(struct web_exchange *x, bool websocket)
{
	struct subscriber *s = calloc(1, sizeof(*s));

	if (!s) {
		web_exchange_abort(x);
		return NULL;
	}
	s->x = x;
	s->websocket = websocket;
	s->in = BUF_SECRET(JMAP_REQUEST_MAX + 1);
	s->next = sj.subscribers;
	sj.subscribers = s;
	jmap_states_now(sj.jmap, &s->told);
	web_exchange_set_state(x, s);
	return s;
}

static void
message_free(struct slice m)
{
	union {
		const uint8_t *view;
		void *mem;
	} u = {.view = m.ptr};

	free(u.mem);
}

static void
subscriber_gone(struct web_exchange *x)
{
	struct subscriber *s = web_exchange_state(x), **at = &sj.subscribers;

	session_request_forget(x);
	if (!s)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	loop_timer_stop(session_loop(), &s->ping);
	VEC_EACH (m, &s->queue)
		message_free(*m);
	VEC_DONE(&s->queue);
	buf_done(&s->in);
	free(s);
}

static void
subscriber_queue(struct subscriber *s, struct slice m)
{
	uint8_t *copy = malloc(m.len + 1);

	if (!copy || s->queued + m.len > QUEUE_MAX || VEC_PUSH(&s->queue, slice_new(copy, m.len))) {
		free(copy);
		web_exchange_abort(s->x);
		return;
	}
	memcpy(copy, m.ptr, m.len);
	s->queued += m.len;
	subscriber_send(s);
}

/* Sends what there is room for. */
static void
subscriber_send(struct subscriber *s)
{
	while (s->queue.len) {
		struct slice m = s->queue.at[0], rest = slice_skip(m, s->sent);
		size_t n = MIN(MIN(rest.len, web_exchange_room(s->x)), WEB_LINK_PIECE_MAX);
		int err;
		if (!n && rest.len)
			return;
		err = s->websocket
			? web_exchange_message(s->x, true, n == rest.len, slice_sub(rest, 0, n))
			: web_exchange_body(s->x, slice_sub(rest, 0, n));
		if (err) {
			web_exchange_abort(s->x);
			return;
		}
		s->sent += n;
		if (s->sent < m.len)
			continue;
		s->queued -= m.len;
		s->sent = 0;
		message_free(m);
		VEC_REMOVE(&s->queue, 0);
	}
}

static void
subscriber_room(struct web_exchange *x)
{
	struct subscriber *s = web_exchange_state(x);

	if (!s)
		return;
	subscriber_send(s);
	subscriber_tell(s);
}

/* What is new; put off while what was told before is still under way. */
static void
subscriber_tell(struct subscriber *s)
{
	CLEANUP(buf_done) struct buf change = BUF_INIT((size_t)1 << 16);
	CLEANUP(buf_done) struct buf event = BUF_INIT((size_t)1 << 16);

	if (!s->types || s->queue.len ||
		!jmap_state_change(sj.jmap, s->types, s->websocket, &s->told, &change))
		return;
	if (s->websocket) {
		subscriber_queue(s, buf_slice(&change));
		return;
	}
	buf_puts(&event, "id: ");
	jmap_push_state_put(&s->told, &event);
	buf_puts(&event, "\nevent: state\ndata: ");
	buf_put(&event, buf_slice(&change));
	buf_puts(&event, "\n\n");
	subscriber_queue(s, buf_slice(&event));
	if (s->once)
		web_exchange_end(s->x);
}

/* ---- EventSource ---- */

static void
on_ping(void *ctx)
{
	struct subscriber *s = ctx;
	char text[64];

	snprintf(text, sizeof(text), "event: ping\ndata: {\"interval\":%u}\n\n", s->interval);
	if (loop_timer_set(session_loop(), &s->ping, s->interval * 1000, on_ping, s))
		s->interval = 0;
	if (!s->queue.len)
		subscriber_queue(s, slice_str(text));
}

static void
events_read(struct subscriber *s)
{
	const struct web_request *q = web_exchange_request(s->x);
	CLEANUP(buf_done) struct buf types = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf close = BUF_INIT(4096);
	CLEANUP(buf_done) struct buf ping = BUF_INIT(4096);
	uint64_t seconds = 0;

	s->types = !web_query_value(q->query, "types", &types) ? jmap_push_types(buf_slice(&types))
							       : JMAP_PUSH_ALL;
	(void)!web_query_value(q->query, "closeafter", &close);
	s->once = slice_eq(buf_slice(&close), S("state"));
	if (!web_query_value(q->query, "ping", &ping) &&
		!slice_u64(buf_slice(&ping), UINT32_MAX, &seconds) && seconds)
		s->interval = (unsigned)MIN(MAX(seconds, PING_MIN), PING_MAX);
	jmap_states_since(sj.jmap, web_request_header(q, "last-event-id"), &s->told);
}

static void
events_ready(struct web_exchange *x, struct slice body)
{
	struct web_response a = {.status = 200, .length = WEB_LENGTH_UNKNOWN, .n_headers = 2};
	struct subscriber *s;

	if (!ready_jmap(x))
		return;
	a.headers[0] = (struct web_header){S("content-type"), S("text/event-stream")};
	a.headers[1] = (struct web_header){S("cache-control"), S("no-store")};
	s = subscriber_new(x, false);
	if (!s)
		return;
	if (web_exchange_respond(x, &a)) {
		web_exchange_abort(x);
		return;
	}
	events_read(s);
	if (s->interval)
		on_ping(s);
	subscriber_tell(s);
}

/* ---- WebSocket ---- */

static void
ws_start(struct web_exchange *x)
{
	const struct web_request *q = web_exchange_request(x);
	struct slice offered = web_request_header(q, "sec-websocket-protocol");
	bool jmap_offered = false;

	if (!ready_jmap(x))
		return;
	while (offered.len)
		jmap_offered |= slice_eq(slice_trim(slice_split(&offered, ',')), S("jmap"));
	if (!q->websocket || !jmap_offered)
		web_exchange_problem(x, 400, "not-a-websocket", "This is for WebSockets of jmap.");
	else if (subscriber_new(x, true) && web_exchange_accept(x, "jmap"))
		web_exchange_abort(x);
}

static void
ws_answer(struct web_exchange *x, unsigned status, struct buf *out)
{
	struct subscriber *s = web_exchange_state(x);

	if (out->len && !buf_err(out))
		subscriber_queue(s, buf_slice(out));
	subscriber_tell(s);
}

static void
ws_message(struct web_exchange *x, bool text, bool last, struct slice piece)
{
	struct subscriber *s = web_exchange_state(x);
	struct session_request *q;

	if (!s)
		return;
	if (!text || buf_put(&s->in, piece)) {
		web_exchange_close(x, text ? 1009 : 1003, text ? "too large" : "text only");
		return;
	}
	if (!last)
		return;
	q = session_request_new(x, ws_answer);
	if (!q)
		return;
	q->job = jmap_ws_message(sj.jmap, buf_slice(&s->in), &s->types, &s->told, &q->out);
	buf_done(&s->in);
	s->in = BUF_SECRET(JMAP_REQUEST_MAX + 1);
	session_request_run(q);
}

/* ---- Routes ---- */

static const struct web_handler session_handler = {.ready = session_ready};
static const struct web_handler api_handler = {.ready = api_ready, .gone = session_request_forget};
static const struct web_handler upload_handler = {.ready = upload_ready};
static const struct web_handler download_handler = {.ready = download_ready};
static const struct web_handler events_handler = {
	.ready = events_ready, .room = subscriber_room, .gone = subscriber_gone};
static const struct web_handler ws_handler = {
	.start = ws_start, .room = subscriber_room, .message = ws_message, .gone = subscriber_gone};

#define GET (1u << WEB_GET)
#define POST (1u << WEB_POST)
const struct web_route session_jmap_routes[] = {
	{"/jmap/session", GET, 0, 0, &session_handler},
	{"/jmap/api", POST, 0, JMAP_REQUEST_MAX, &api_handler, "maxSizeRequest"},
	{"/jmap/upload/", POST, 0, JMAP_UPLOAD_MAX, &upload_handler, "maxSizeUpload"},
	{"/jmap/download/", GET, 0, 0, &download_handler},
	{"/jmap/events", GET, 0, 0, &events_handler},
	{"/jmap/ws", GET, WEB_ROUTE_WEBSOCKET, 0, &ws_handler},
};
const size_t n_session_jmap_routes = ARRAY_SIZE(session_jmap_routes);
