/* What a request says of itself: whose host, which path, whose page, and with which cookie. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "faces/web_policy.h"
#include "roles/front_web.h"

#include <string.h>

/* Appends the path with its escapes resolved. What would stand for another path to somebody else
 * is refused: control characters, and "." or ".." as a segment. */
static int
path_decode(struct slice in, struct buf *out)
{
	struct slice path, rest;
	size_t start = out->len;

	for (size_t i = 0; i < in.len; i++) {
		int c = in.ptr[i];
		if (c == '%') {
			if (i + 2 >= in.len || hex_value(in.ptr[i + 1]) < 0 ||
				hex_value(in.ptr[i + 2]) < 0)
				return LL_ERR_SYNTAX;
			c = hex_value(in.ptr[i + 1]) << 4 | hex_value(in.ptr[i + 2]);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return LL_ERR_SYNTAX;
		buf_putc(out, (uint8_t)c);
	}
	path = slice_new(out->ptr + start, out->len - start);
	for (rest = path; rest.len;) {
		struct slice part = slice_split(&rest, '/');
		if (slice_eq(part, S(".")) || slice_eq(part, S("..")))
			return LL_ERR_SYNTAX;
	}
	return buf_err(out);
}

/* The strings outlive the request's head; the room is there beforehand, so they do not move. */
static int
keep_strings(struct front_task *t, const struct http_request *q)
{
	size_t at;

	if (!buf_room(&t->text, q->path.len + q->query.len + q->host.len + 1))
		return LL_ERR_NOMEM;
	t->host = buf_keep(&t->text, q->host);
	t->query = buf_keep(&t->text, q->query);
	at = t->text.len;
	if (path_decode(q->path, &t->text))
		return LL_ERR_SYNTAX;
	t->path = slice_new(t->text.ptr + at, t->text.len - at);
	return LL_OK;
}

/* Is `coding` acceptable by that Accept-Encoding? */
static bool
accepts(struct slice list, struct slice coding)
{
	while (list.len) {
		struct slice one = slice_split(&list, ','), name = slice_split(&one, ';');
		struct slice q = slice_trim(one);
		if (!slice_ieq(slice_trim(name), coding))
			continue;
		return !(slice_istarts(q, S("q=0")) &&
			slice_eq(slice_trim(slice_skip(q, 3)), slice_sub(S(".000"), 0, q.len - 3)));
	}
	return false;
}

static bool
read_cookie(const struct http_request *q, uint8_t token[32])
{
	for (unsigned i = 0; i < q->n_headers; i++) {
		struct slice rest = q->headers[i].value;
		if (!slice_eq(q->headers[i].name, S("cookie")))
			continue;
		while (rest.len) {
			CLEANUP(buf_done) struct buf raw = BUF_SECRET(64);
			struct slice one = slice_trim(slice_split(&rest, ';'));
			if (!slice_eq(slice_split(&one, '='), S("__Host-letterlock")))
				continue;
			if (one.len != 43 || base64url_decode(&raw, one) || raw.len != 32)
				return false;
			memcpy(token, raw.ptr, 32);
			return true;
		}
	}
	return false;
}

bool
front_own_origin(const struct http_request *q, bool must_be_there)
{
	struct slice origin = http_request_header(q, "origin"),
		     site = http_request_header(q, "sec-fetch-site");

	if (site.len && !slice_eq(site, S("same-origin")) && !slice_eq(site, S("none")))
		return false;
	if (origin.len == 0)
		return !must_be_there;
	return slice_istarts(origin, S("https://")) && slice_ieq(slice_skip(origin, 8), q->host);
}

int
front_request_read(struct front_task *t, const struct http_request *q)
{
	t->browser = http_request_header(q, "sec-fetch-mode").len ||
		http_request_header(q, "x-letterlock").len;
	t->has_gzip = accepts(http_request_header(q, "accept-encoding"), S("gzip"));
	t->webkit = web_policy_is_webkit(http_request_header(q, "user-agent"));
	t->has_token = read_cookie(q, t->token);
	return keep_strings(t, q);
}
