/* What is the same in all versions of HTTP: the grammar of fields, and the way to the engines. */
#include "faces/http_priv.h"

#include <string.h>

#define LENGTH_MAX ((uint64_t)1 << 53)

/* --- grammar --- */

static bool
is_tchar(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c && strchr("!#$%&'*+-.^_`|~", c));
}

bool
http_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_tchar(s.ptr[i]))
			return false;
	return s.len > 0;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool
http_is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
			return false;
	return s.len == 0 || (!is_blank(s.ptr[0]) && !is_blank(s.ptr[s.len - 1]));
}

static bool
is_port(struct slice s)
{
	uint64_t n;

	return slice_u64(s, 65535, &n) == 0 && s.len <= 5;
}

static bool
all_of(struct slice s, const char *more)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c && strchr(more, c))))
			return false;
	}
	return s.len > 0;
}

bool
http_is_host(struct slice s)
{
	size_t end;

	if (s.len > 300)
		return false;
	if (slice_starts(s, S("["))) {
		end = slice_find_byte(s, ']');
		if (end == SLICE_NPOS || !all_of(slice_sub(s, 1, end - 1), ":."))
			return false;
		end++;
	} else {
		end = MIN(slice_find_byte(s, ':'), s.len);
		if (!all_of(slice_sub(s, 0, end), ".-_"))
			return false;
	}
	s = slice_skip(s, end);
	return s.len == 0 || (s.ptr[0] == ':' && is_port(slice_skip(s, 1)));
}

bool
http_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query)
{
	struct slice rest = target;

	if (!slice_starts(target, S("/")) || target.len > WEB_TARGET_MAX)
		return false;
	for (size_t i = 0; i < target.len; i++)
		if (target.ptr[i] <= 0x20 || target.ptr[i] >= 0x7f || target.ptr[i] == '#')
			return false;
	*ret_path = slice_split(&rest, '?');
	*ret_query = rest;
	return true;
}

int
http_length(struct slice value, uint64_t *ret)
{
	return value.len > 19 ? LL_ERR_RANGE : slice_u64(value, LENGTH_MAX, ret);
}

bool
http_list_has(struct slice list, struct slice token)
{
	while (list.len)
		if (slice_ieq(slice_trim(slice_split(&list, ',')), token))
			return true;
	return false;
}

bool
http_tags_have(struct slice list, struct slice tag)
{
	while (list.len) {
		struct slice one = slice_trim(slice_split(&list, ','));
		if (slice_eq(slice_starts(one, S("W/")) ? slice_skip(one, 2) : one, tag) ||
			slice_eq(one, S("*")))
			return true;
	}
	return false;
}

bool
http_is_websocket_key(struct slice s)
{
	return s.len == 24 && slice_ends(s, S("==")) && all_of(slice_sub(s, 0, 22), "+/");
}

struct slice
http_request_header(const struct http_request *q, const char *name)
{
	for (unsigned i = 0; i < q->n_headers; i++)
		if (slice_eq(q->headers[i].name, slice_str(name)))
			return q->headers[i].value;
	return SLICE_NONE;
}

/* --- the engines --- */

struct http_conn *
http_conn_new(bool http2)
{
	return http2 ? http2_new() : http1_new();
}

void
http_conn_free(struct http_conn *c)
{
	if (c)
		c->engine->free(c);
}

bool
http_conn_wants_input(const struct http_conn *c)
{
	return c->engine->wants_input(c);
}

int
http_conn_input(struct http_conn *c, struct slice in, int64_t now_ms)
{
	return c->engine->input(c, in, now_ms);
}

bool
http_conn_next(struct http_conn *c, struct http_event *ret)
{
	return c->engine->next(c, ret);
}

struct slice
http_conn_output(struct http_conn *c)
{
	return c->engine->output(c);
}

void
http_conn_sent(struct http_conn *c, size_t n)
{
	c->engine->sent(c, n);
}

bool
http_conn_busy(const struct http_conn *c)
{
	return c->engine->busy(c);
}

bool
http_conn_reading(const struct http_conn *c)
{
	return c->engine->reading(c);
}

int
http_conn_respond(struct http_conn *c, uint32_t stream, const struct http_response *a)
{
	return c->engine->respond(c, stream, a);
}

size_t
http_conn_room(struct http_conn *c, uint32_t stream)
{
	return c->engine->room(c, stream);
}

int
http_conn_body(struct http_conn *c, uint32_t stream, struct slice piece)
{
	return c->engine->body(c, stream, piece);
}

void
http_conn_end(struct http_conn *c, uint32_t stream)
{
	c->engine->end(c, stream);
}

void
http_conn_reset(struct http_conn *c, uint32_t stream)
{
	c->engine->reset(c, stream);
}

void
http_conn_consumed(struct http_conn *c, uint32_t stream, size_t n)
{
	c->engine->consumed(c, stream, n);
}

void
http_conn_set_ctx(struct http_conn *c, uint32_t stream, void *ctx)
{
	c->engine->set_ctx(c, stream, ctx);
}

void
http_conn_finish(struct http_conn *c)
{
	c->engine->finish(c);
}

void
http_conn_timeout(struct http_conn *c)
{
	c->engine->timeout(c);
}
