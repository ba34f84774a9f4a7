/* Request line and fields (RFC 9112, sections 3 and 5). Where the RFC lets a server choose between
 * mending and refusing, this refuses: requests that two parsers might frame differently are how
 * one is smuggled inside another. */
#include "faces/http1_head.h"

#include <string.h>

struct fields {
	unsigned hosts, lengths, codings, keys;
	struct slice length, coding, connection, upgrade, version, expect;
};

static unsigned
parse_version(struct slice s, struct http_request *q)
{
	if (slice_eq(s, S("HTTP/1.1")))
		q->version = HTTP_1_1;
	else if (slice_eq(s, S("HTTP/1.0")))
		q->version = HTTP_1_0;
	else
		return s.len == 8 && slice_starts(s, S("HTTP/")) ? 505 : 400;
	return 0;
}

/* Origin form, or absolute form, whose authority must then be that of Host. */
static unsigned
parse_target(struct slice s, struct http_request *q, struct slice *ret_authority)
{
	if (slice_istarts(s, S("https://"))) {
		struct slice rest = slice_skip(s, 8);
		size_t slash = slice_find_byte(rest, '/');
		*ret_authority = slice_sub(rest, 0, slash);
		s = slash == SLICE_NPOS ? S("/") : slice_skip(rest, slash);
	} else if (slice_eq(s, S("*")) && slice_eq(q->method_name, S("OPTIONS"))) {
		s = S("/");
	}
	return http_target_split(s, &q->path, &q->query) ? 0 : 400;
}

static unsigned
parse_request_line(struct slice line, struct http_request *q, struct slice *ret_authority)
{
	struct slice target;
	unsigned status;

	q->method_name = slice_split(&line, ' ');
	target = slice_split(&line, ' ');
	if (!http_is_token(q->method_name) || q->method_name.len > 32 || target.len == 0)
		return 400;
	if (target.len > WEB_TARGET_MAX)
		return 414;
	q->method = web_method_of(q->method_name);
	status = parse_version(line, q);
	return status ? status : parse_target(target, q, ret_authority);
}

/* The few fields that say how the message is framed and for whom it is. */
static void
note_field(struct slice name, struct slice value, struct http_request *q, struct fields *f,
	struct http1_head *h)
{
	const struct {
		const char *name;
		struct slice *value;
		unsigned *count;
	} known[] = {
		{"host", &q->host, &f->hosts},
		{"content-length", &f->length, &f->lengths},
		{"transfer-encoding", &f->coding, &f->codings},
		{"connection", &f->connection, NULL},
		{"upgrade", &f->upgrade, NULL},
		{"sec-websocket-version", &f->version, NULL},
		{"sec-websocket-key", &h->websocket_key, &f->keys},
		{"expect", &f->expect, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!slice_eq(name, slice_str(known[i].name)))
			continue;
		*known[i].value = value;
		if (known[i].count)
			++*known[i].count;
	}
}

static unsigned
parse_field(uint8_t *p, size_t len, struct http1_head *h, struct fields *f)
{
	struct slice line = slice_new(p, len);
	size_t colon = slice_find_byte(line, ':');
	struct slice name = slice_sub(line, 0, colon), value;
	struct http_request *q = &h->request;

	/* A name with white space before the colon, and a folded line, are no tokens either. */
	if (colon == SLICE_NPOS || !http_is_token(name))
		return 400;
	for (size_t i = 0; i < name.len; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (uint8_t)(p[i] + ('a' - 'A'));
	value = slice_skip(line, colon + 1);
	while (value.len && (value.ptr[0] == ' ' || value.ptr[0] == '\t'))
		value = slice_skip(value, 1);
	while (value.len && (value.ptr[value.len - 1] == ' ' || value.ptr[value.len - 1] == '\t'))
		value.len--;
	if (!http_is_value(value))
		return 400;
	if (q->n_headers == HTTP_HEADERS_MAX)
		return 431;
	q->headers[q->n_headers++] = (struct web_header){name, value};
	note_field(name, value, q, f, h);
	return 0;
}

static unsigned
check_framing(struct http1_head *h, const struct fields *f)
{
	struct http_request *q = &h->request;

	if (f->lengths > 1 || f->codings > 1 || (f->lengths && f->codings))
		return 400;
	q->length = 0;
	if (f->lengths && http_length(f->length, &q->length))
		return 400;
	if (f->codings && (q->version == HTTP_1_0 || !slice_ieq(f->coding, S("chunked"))))
		return 400;
	if (f->codings) {
		h->chunked = true;
		q->length = WEB_LENGTH_UNKNOWN;
	}
	if (f->expect.len && !slice_ieq(f->expect, S("100-continue")))
		return 417;
	h->expect = f->expect.len && q->version == HTTP_1_1 && q->length != 0;
	h->close = http_list_has(f->connection, S("close")) || q->version == HTTP_1_0;
	return 0;
}

/* RFC 6455, section 4.2.1. */
static unsigned
check_websocket(struct http1_head *h, const struct fields *f)
{
	struct http_request *q = &h->request;

	if (!http_list_has(f->upgrade, S("websocket")) ||
		!http_list_has(f->connection, S("upgrade")))
		return 0;
	if (q->version != HTTP_1_1 || q->method != WEB_GET || q->length != 0 || f->keys != 1 ||
		!http_is_websocket_key(h->websocket_key))
		return 400;
	if (!slice_eq(f->version, S("13")))
		return 426;
	q->websocket = true;
	return 0;
}

unsigned
http1_head_parse(uint8_t *head, size_t len, struct http1_head *ret)
{
	struct fields f = {0};
	struct slice authority = SLICE_NONE;
	struct http_request *q = &ret->request;
	uint8_t *p = head, *end = head + len;
	unsigned status = 0;

	*ret = (struct http1_head){0};
	for (bool first = true; !status && p < end; first = false) {
		uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)(lf - p) - 1; /* every line ends in CRLF */
		if (first)
			status = parse_request_line(slice_new(p, n), q, &authority);
		else if (n)
			status = parse_field(p, n, ret, &f);
		p = lf + 1;
	}
	if (!status && (f.hosts != 1 || !http_is_host(q->host)))
		status = 400;
	if (!status && authority.ptr && !slice_ieq(authority, q->host))
		status = 400;
	status = status ? status : check_framing(ret, &f);
	return status ? status : check_websocket(ret, &f);
}
