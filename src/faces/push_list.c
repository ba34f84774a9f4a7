/* See push_list.h. */
#include "faces/push_list.h"

#include "base/error.h"

#include <string.h>

/* host [":" port], where a host may be an address in brackets. */
static bool
authority_ok(struct slice s)
{
	size_t end = slice_starts(s, S("[")) ? slice_find_byte(s, ']') : 0;
	uint64_t port;
	size_t colon;

	if (end == SLICE_NPOS)
		return false;
	colon = slice_find_byte(slice_skip(s, end), ':');
	if (colon == SLICE_NPOS)
		return s.len > 0;
	return end + colon > 0 && !slice_u64(slice_skip(s, end + colon + 1), 65535, &port) && port;
}

bool
push_url_ok(struct slice url)
{
	struct slice host = slice_skip(url, 8);
	size_t end = slice_find_byte(host, '/');

	if (!slice_starts(url, S("https://")) || url.len > PUSH_URL_MAX)
		return false;
	for (size_t i = 0; i < url.len; i++)
		if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || url.ptr[i] == '"' ||
			url.ptr[i] == '\\' || url.ptr[i] == '#')
			return false;
	host = slice_sub(host, 0, end == SLICE_NPOS ? host.len : end);
	return authority_ok(host) && slice_find_byte(host, '@') == SLICE_NPOS &&
		slice_find_byte(host, '?') == SLICE_NPOS;
}

int
push_list_put(const struct push_subscription *s, struct buf *out)
{
	buf_put(out, SLICE_OF(s->id));
	buf_put_blob(out, s->url);
	buf_put_blob(out, s->key);
	buf_put_blob(out, s->auth);
	buf_put_be64(out, (uint64_t)s->expires);
	buf_put_be32(out, s->types);
	return buf_putc(out, s->verified);
}

bool
push_list_next(struct slice *list, struct push_subscription *ret)
{
	struct reader r = reader_new(*list);
	struct push_subscription s = {.expires = 0};
	struct slice id = reader_bytes(&r, PUSH_ID_LEN);
	uint8_t verified;

	s.url = reader_blob(&r);
	s.key = reader_blob(&r);
	s.auth = reader_blob(&r);
	s.expires = (int64_t)reader_be64(&r);
	s.types = reader_be32(&r);
	verified = reader_u8(&r);
	s.verified = verified == 1;
	if (r.err || verified > 1 || !push_url_ok(s.url) ||
		(s.key.len && (s.key.len != PUSH_KEY_LEN || s.auth.len != PUSH_AUTH_LEN)) ||
		(!s.key.len && s.auth.len))
		return false;
	memcpy(s.id, id.ptr, id.len);
	*list = r.rest;
	*ret = s;
	return true;
}

bool
push_list_ok(struct slice list)
{
	struct push_subscription s;
	size_t n = 0;

	while (list.len && n <= PUSH_SUBSCRIPTIONS_MAX && push_list_next(&list, &s))
		n++;
	return !list.len && n <= PUSH_SUBSCRIPTIONS_MAX;
}
