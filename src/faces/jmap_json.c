/* The writer puts commas where they belong; everything else is the caller's order of calls. */
#include "faces/jmap_json.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

static void
item(struct json_out *o)
{
	if (o->comma)
		buf_putc(o->b, ',');
	o->comma = true;
}

void
jo_open(struct json_out *o, char bracket)
{
	item(o);
	buf_putc(o->b, (uint8_t)bracket);
	o->comma = false;
}

void
jo_close(struct json_out *o, char bracket)
{
	buf_putc(o->b, (uint8_t)bracket);
	o->comma = true;
}

void
jo_key_slice(struct json_out *o, struct slice key)
{
	item(o);
	json_text_put(o->b, key);
	buf_putc(o->b, ':');
	o->comma = false;
}

void
jo_key(struct json_out *o, const char *key)
{
	jo_key_slice(o, slice_str(key));
}

void
jo_null(struct json_out *o)
{
	item(o);
	buf_puts(o->b, "null");
}

void
jo_bool(struct json_out *o, bool v)
{
	item(o);
	buf_puts(o->b, v ? "true" : "false");
}

void
jo_uint(struct json_out *o, uint64_t v)
{
	item(o);
	buf_put_u64dec(o->b, v);
}

void
jo_slice(struct json_out *o, struct slice s)
{
	item(o);
	json_text_put(o->b, s);
}

void
jo_str(struct json_out *o, const char *s)
{
	jo_slice(o, slice_str(s));
}

void
jo_slice_or_null(struct json_out *o, struct slice s)
{
	if (s.ptr)
		jo_slice(o, s);
	else
		jo_null(o);
}

void
jo_time(struct json_out *o, int64_t unix_seconds)
{
	item(o);
	buf_putc(o->b, '"');
	date_put_rfc3339(o->b, unix_seconds);
	buf_putc(o->b, '"');
}

void
jo_raw(struct json_out *o, struct slice json)
{
	item(o);
	buf_put(o->b, json);
}

static int
dump_piece(const char *p, size_t n, void *ctx)
{
	return buf_put(ctx, slice_new(p, n)) ? -1 : 0;
}

void
jo_json(struct json_out *o, const json_t *v)
{
	item(o);
	if (json_dump_callback(v, dump_piece, o->b, JSON_COMPACT | JSON_ENCODE_ANY) && !o->b->err)
		o->b->err = LL_ERR_NOMEM;
}

/* ---- Reading ---- */

json_t *
json_member(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	return json_is_null(v) ? NULL : v;
}

bool
json_uint(const json_t *v, uint64_t *ret)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		json_integer_value(v) > (json_int_t)9007199254740991)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static bool
digits(struct slice s, size_t at, size_t n, int *ret)
{
	uint64_t v;

	if (slice_u64(slice_sub(s, at, n), 9999, &v) || at + n > s.len)
		return false;
	*ret = (int)v;
	return true;
}

/* "Z" or "+hh:mm"; *ret in seconds. */
static bool
zone(struct slice s, int *ret)
{
	int h, m;

	*ret = 0;
	if (slice_eq(s, S("Z")))
		return true;
	if (s.len != 6 || (s.ptr[0] != '+' && s.ptr[0] != '-') || s.ptr[3] != ':' ||
		!digits(s, 1, 2, &h) || !digits(s, 4, 2, &m) || h > 23 || m > 59)
		return false;
	*ret = (h * 60 + m) * (s.ptr[0] == '-' ? -60 : 60);
	return true;
}

/* The length of a fraction with its dot, which must not be zero; 0: none, or no good one. */
static size_t
fraction(struct slice s)
{
	bool zero = true;
	size_t n = 1;

	if (s.len == 0 || s.ptr[0] != '.')
		return 0;
	for (; n < s.len && is_digit(s.ptr[n]); n++)
		zero = zero && s.ptr[n] == '0';
	return zero ? 0 : n;
}

static bool
is_day(int year, int month, int day)
{
	bool last = month == 12;

	return month >= 1 && month <= 12 && day >= 1 &&
		day <= date_days(year + last, last ? 1 : month + 1, 1) - date_days(year, month, 1);
}

bool
json_date(const json_t *v, int64_t *ret)
{
	struct slice s = json_slice(v);
	int year, month, day, hour, minute, second, offset;

	if (s.len < 20 || s.ptr[4] != '-' || s.ptr[7] != '-' || s.ptr[10] != 'T' ||
		s.ptr[13] != ':' || s.ptr[16] != ':' || !digits(s, 0, 4, &year) ||
		!digits(s, 5, 2, &month) || !digits(s, 8, 2, &day) || !digits(s, 11, 2, &hour) ||
		!digits(s, 14, 2, &minute) || !digits(s, 17, 2, &second))
		return false;
	if (!is_day(year, month, day) || hour > 23 || minute > 59 || second > 60)
		return false;
	s = slice_skip(s, 19);
	if (!zone(slice_skip(s, fraction(s)), &offset))
		return false;
	*ret = date_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
	return true;
}

bool
json_utc_date(const json_t *v, int64_t *ret)
{
	return slice_ends(json_slice(v), S("Z")) && json_date(v, ret);
}

bool
json_id_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '-' &&
			s.ptr[i] != '_')
			return false;
	return s.len > 0 && s.len < 256;
}

size_t
json_depth(struct slice text)
{
	size_t depth = 0, most = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		if (quoted) {
			i += c == '\\';
			quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '[' || c == '{') {
			depth++;
			most = MAX(most, depth);
		} else if ((c == ']' || c == '}') && depth) {
			depth--;
		}
	}
	return most;
}

json_t *
json_read(struct slice text)
{
	json_error_t error;

	return json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
}

/* ---- Pointers ---- */

#define POINTER_ITEMS_MAX 100000

/* "~1" is a slash, "~0" a tilde. */
static bool
token_decode(struct slice token, struct buf *out)
{
	for (size_t i = 0; i < token.len; i++) {
		uint8_t c = token.ptr[i];
		if (c == '~') {
			if (++i == token.len || (token.ptr[i] != '0' && token.ptr[i] != '1'))
				return false;
			c = token.ptr[i] == '0' ? '~' : '/';
		}
		buf_putc(out, c);
	}
	buf_putc(out, '\0');
	return !buf_err(out) && strlen((const char *)out->ptr) == out->len - 1;
}

static json_t *pointer_walk(json_t *v, struct slice path);

/* What the rest of the path gives for each item; arrays are joined. */
static json_t *
pointer_each(json_t *v, struct slice rest)
{
	json_t *out = json_array(), *one, *sub;
	size_t i, k;

	json_array_foreach(v, i, one)
	{
		json_t *got = pointer_walk(one, rest);
		if (!got || json_array_size(out) > POINTER_ITEMS_MAX) {
			json_decref(got);
			json_decref(out);
			return NULL;
		}
		if (json_is_array(got)) {
			json_array_foreach(got, k, sub) json_array_append(out, sub);
			json_decref(got);
		} else {
			json_array_append_new(out, got);
		}
	}
	return out;
}

static json_t *
pointer_step(json_t *v, struct slice token)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(4096);
	uint64_t index;

	if (json_is_array(v)) {
		if (token.len > 1 && token.ptr[0] == '0')
			return NULL;
		return slice_u64(token, UINT32_MAX, &index) ? NULL : json_array_get(v, index);
	}
	return token_decode(token, &name) ? json_object_get(v, (const char *)name.ptr) : NULL;
}

static json_t *
pointer_walk(json_t *v, struct slice path)
{
	while (path.len) {
		struct slice token;
		if (path.ptr[0] != '/')
			return NULL;
		path = slice_skip(path, 1);
		token = slice_sub(path, 0, MIN(slice_find_byte(path, '/'), path.len));
		path = slice_skip(path, token.len);
		if (json_is_array(v) && slice_eq(token, S("*")))
			return pointer_each(v, path);
		v = pointer_step(v, token);
		if (!v)
			return NULL;
	}
	return json_incref(v);
}

json_t *
json_pointer_get(json_t *root, struct slice path)
{
	return path.len > 4096 ? NULL : pointer_walk(root, path);
}
