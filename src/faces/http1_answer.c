/* Answers over HTTP/1.1: heads, their framing, and what follows when a request has broken it. */
#include "base/text.h"
#include "faces/http1_priv.h"

#include <openssl/evp.h>
#include <string.h>

static const char *
reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} reasons[] = {{101, "Switching Protocols"}, {200, "OK"}, {201, "Created"},
		{202, "Accepted"}, {204, "No Content"}, {206, "Partial Content"}, {302, "Found"},
		{304, "Not Modified"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
		{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
		{405, "Method Not Allowed"}, {408, "Request Timeout"}, {409, "Conflict"},
		{412, "Precondition Failed"}, {413, "Content Too Large"}, {414, "URI Too Long"},
		{415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"},
		{417, "Expectation Failed"}, {421, "Misdirected Request"},
		{426, "Upgrade Required"}, {429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
		{501, "Not Implemented"}, {503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"}, {507, "Insufficient Storage"}};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Other";
}

void
http1_set_closing(struct http1 *c)
{
	c->reset_due = c->begun && !c->answered;
	c->state = STATE_CLOSING;
}

/* The framing is lost: an answer where one is still possible, and the end. */
void
http1_fail(struct http1 *c, unsigned status)
{
	bool silent = c->responded;
	char body[160];
	int n = snprintf(body, sizeof(body),
		"{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}\n", reason(status),
		status);

	http1_set_closing(c);
	if (silent)
		return;
	c->responded = true;
	buf_printf(&c->out,
		"HTTP/1.1 %u %s\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n"
		"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
		"content-security-policy: default-src 'none'\r\n%sconnection: close\r\n\r\n%s",
		status, reason(status), n,
		status == 426 ? "sec-websocket-version: 13\r\nupgrade: websocket\r\n" : "", body);
}

void
http1_request_over(struct http1 *c)
{
	if (c->close || c->finishing) {
		http1_set_closing(c);
		return;
	}
	buf_done(&c->head); /* cookies and passwords */
	c->passed = c->begun = c->responded = c->answered = c->tunnel = c->continued = false;
	c->ctx = NULL;
	c->unread = c->extensions = c->trailers = c->scan = c->line = 0;
	c->discarded = 0;
	c->state = STATE_HEAD;
}

/* RFC 6455, section 4.2.2. */
static void
put_upgrade(struct http1 *c)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[24 + sizeof(guid)];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	memcpy(text, c->h.websocket_key.ptr, 24);
	memcpy(text + 24, guid, sizeof(guid));
	if (EVP_Digest(text, sizeof(text) - 1, digest, &n, EVP_sha1(), NULL) != 1)
		n = 0;
	buf_puts(&c->out, "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ");
	base64_encode(&c->out, slice_new(digest, n));
	buf_puts(&c->out, "\r\n");
}

static void
put_framing(struct http1 *c, const struct http_response *a)
{
	bool none = a->status == 204 || a->status == 304;

	c->bodyless = none || c->h.request.method == WEB_HEAD;
	c->answer_left = a->length;
	c->chunked_out = false;
	if (a->length != WEB_LENGTH_UNKNOWN && !none) {
		buf_printf(&c->out, "content-length: %llu\r\n", (unsigned long long)a->length);
	} else if (a->length == WEB_LENGTH_UNKNOWN && !none) {
		c->chunked_out = c->h.request.version == HTTP_1_1;
		c->close = c->close || !c->chunked_out;
		if (c->chunked_out)
			buf_puts(&c->out, "transfer-encoding: chunked\r\n");
	}
	if (c->close)
		buf_puts(&c->out, "connection: close\r\n");
}

int
http1_respond(struct http_conn *conn, uint32_t stream, const struct http_response *a)
{
	struct http1 *c = http1_of(conn);

	if (stream != c->stream || !c->begun || c->responded || c->state == STATE_CLOSING ||
		(a->status == 101 && c->state != STATE_UPGRADE))
		return LL_ERR_STATE;
	c->responded = true;
	/* A client that waits for leave to send its body may send it yet, or never. */
	c->close = c->close || a->close || c->finishing ||
		(c->h.expect && !c->continued && c->state < STATE_DONE);
	buf_printf(&c->out, "HTTP/1.1 %u %s\r\n", a->status, reason(a->status));
	for (unsigned i = 0; i < a->n_headers; i++) {
		buf_put(&c->out, a->headers[i].name);
		buf_puts(&c->out, ": ");
		buf_put(&c->out, a->headers[i].value);
		buf_puts(&c->out, "\r\n");
	}
	if (a->status == 101) {
		put_upgrade(c);
		c->tunnel = true;
		c->bodyless = c->chunked_out = false;
		c->answer_left = WEB_LENGTH_UNKNOWN;
		c->state = STATE_TUNNEL;
	} else {
		put_framing(c, a);
		if (c->state == STATE_UPGRADE)
			c->state = STATE_DONE;
	}
	buf_puts(&c->out, "\r\n");
	return buf_err(&c->out);
}

size_t
http1_unsent(const struct http1 *c)
{
	return c->out.len - c->out_at;
}

size_t
http1_room(struct http_conn *conn, uint32_t stream)
{
	struct http1 *c = http1_of(conn);
	size_t n = http1_unsent(c) < HTTP_OUTPUT_HIGH ? HTTP_OUTPUT_HIGH - http1_unsent(c) : 0;

	if (stream != c->stream || !c->begun || c->state == STATE_CLOSING)
		return 0;
	c->starved = c->starved || n < HTTP_OUTPUT_HIGH / 2;
	return n;
}

int
http1_body(struct http_conn *conn, uint32_t stream, struct slice piece)
{
	struct http1 *c = http1_of(conn);

	if (stream != c->stream || !c->responded || c->answered || c->state == STATE_CLOSING)
		return LL_ERR_STATE;
	if (c->answer_left != WEB_LENGTH_UNKNOWN) {
		if (piece.len > c->answer_left)
			return LL_ERR_STATE;
		c->answer_left -= piece.len;
	}
	if (c->bodyless || piece.len == 0)
		return LL_OK;
	if (c->chunked_out)
		buf_printf(&c->out, "%zx\r\n", piece.len);
	buf_put(&c->out, piece);
	if (c->chunked_out)
		buf_puts(&c->out, "\r\n");
	return buf_err(&c->out);
}

void
http1_end(struct http_conn *conn, uint32_t stream)
{
	struct http1 *c = http1_of(conn);

	if (stream != c->stream || !c->responded || c->answered || c->state == STATE_CLOSING)
		return;
	c->answered = true;
	c->ctx = NULL;
	if (c->chunked_out && !c->bodyless)
		buf_puts(&c->out, "0\r\n\r\n");
	if (c->tunnel || (!c->bodyless && c->answer_left && c->answer_left != WEB_LENGTH_UNKNOWN))
		http1_set_closing(c); /* a body shorter than announced can only be cut off */
	else if (c->state == STATE_DONE)
		http1_request_over(c);
	else if (c->h.expect && !c->continued)
		http1_set_closing(c);
}

/* Nothing but the end of the connection tells the client that an answer is broken. */
void
http1_reset(struct http_conn *conn, uint32_t stream)
{
	struct http1 *c = http1_of(conn);

	if (stream != c->stream || !c->begun || c->answered)
		return;
	c->answered = true;
	c->ctx = NULL;
	http1_set_closing(c);
}
