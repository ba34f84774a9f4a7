/* The output of --json, and the answers of the server that are JSON. */
#include "cli/json.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

void
json_done(struct json *j)
{
	buf_done(&j->out);
}

static void
begin(struct json *j, const char *key)
{
	if (j->follows)
		buf_putc(&j->out, ',');
	j->follows = true;
	if (!key)
		return;
	json_text_put(&j->out, slice_str(key));
	buf_putc(&j->out, ':');
}

static void
open_with(struct json *j, const char *key, uint8_t c)
{
	begin(j, key);
	buf_putc(&j->out, c);
	j->follows = false;
}

static void
close_with(struct json *j, uint8_t c)
{
	buf_putc(&j->out, c);
	j->follows = true;
}

void
json_open_object(struct json *j, const char *key)
{
	open_with(j, key, '{');
}

void
json_object_end(struct json *j)
{
	close_with(j, '}');
}

void
json_open_array(struct json *j, const char *key)
{
	open_with(j, key, '[');
}

void
json_array_end(struct json *j)
{
	close_with(j, ']');
}

void
json_put_string(struct json *j, const char *key, struct slice s)
{
	begin(j, key);
	json_text_put(&j->out, s);
}

void
json_text(struct json *j, const char *key, const char *s)
{
	json_put_string(j, key, slice_str(s));
}

void
json_number(struct json *j, const char *key, uint64_t n)
{
	begin(j, key);
	buf_put_u64dec(&j->out, n);
}

void
json_bool(struct json *j, const char *key, bool b)
{
	begin(j, key);
	buf_puts(&j->out, b ? "true" : "false");
}

void
json_put_null(struct json *j, const char *key)
{
	begin(j, key);
	buf_puts(&j->out, "null");
}

void
json_hex(struct json *j, const char *key, struct slice bytes)
{
	begin(j, key);
	buf_putc(&j->out, '"');
	hex_encode(&j->out, bytes);
	buf_putc(&j->out, '"');
}

void
json_raw(struct json *j, const char *key, struct slice text)
{
	begin(j, key);
	buf_put(&j->out, text);
}

/* --- reading --- */

struct parse {
	struct slice rest;
	struct arena *arena;
	unsigned depth;
};

static void
skip_space(struct parse *p)
{
	while (p->rest.len && strchr(" \t\r\n", p->rest.ptr[0]) && p->rest.ptr[0])
		p->rest = slice_skip(p->rest, 1);
}

static bool
take(struct parse *p, char c)
{
	skip_space(p);
	if (p->rest.len == 0 || p->rest.ptr[0] != (uint8_t)c)
		return false;
	p->rest = slice_skip(p->rest, 1);
	return true;
}

static int
hex4(struct parse *p, uint32_t *ret)
{
	*ret = 0;
	for (int i = 0; i < 4; i++) {
		int d = p->rest.len ? hex_value(p->rest.ptr[0]) : -1;
		if (d < 0)
			return LL_ERR_SYNTAX;
		*ret = *ret << 4 | (uint32_t)d;
		p->rest = slice_skip(p->rest, 1);
	}
	return LL_OK;
}

static int
unicode_escape(struct parse *p, struct buf *out)
{
	uint32_t c, low;

	if (hex4(p, &c))
		return LL_ERR_SYNTAX;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!slice_starts(p->rest, S("\\u")))
			return LL_ERR_SYNTAX;
		p->rest = slice_skip(p->rest, 2);
		if (hex4(p, &low) || low < 0xdc00 || low >= 0xe000)
			return LL_ERR_SYNTAX;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	return c >= 0xdc00 && c < 0xe000 ? LL_ERR_SYNTAX : utf8_put(out, c);
}

static int
escape(struct parse *p, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint8_t c = p->rest.len ? p->rest.ptr[0] : 0;
	const char *at = c ? strchr(from, c) : NULL;

	p->rest = slice_skip(p->rest, 1);
	if (c == 'u')
		return unicode_escape(p, out);
	return at ? buf_putc(out, (uint8_t)to[at - from]) : LL_ERR_SYNTAX;
}

/* After the opening quote. */
static int
parse_string(struct parse *p, struct slice *ret)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(p->rest.len + 4);

	while (p->rest.len && p->rest.ptr[0] != '"') {
		uint8_t c = p->rest.ptr[0];
		if (c < 0x20)
			return LL_ERR_SYNTAX;
		p->rest = slice_skip(p->rest, 1);
		if (c == '\\' ? escape(p, &text) : buf_putc(&text, c))
			return LL_ERR_SYNTAX;
	}
	if (p->rest.len == 0 || !utf8_valid(buf_slice(&text)))
		return LL_ERR_SYNTAX;
	p->rest = slice_skip(p->rest, 1);
	*ret = arena_dup(p->arena, buf_slice(&text));
	return ret->ptr ? LL_OK : LL_ERR_NOMEM;
}

static size_t
digits(struct slice s)
{
	size_t n = 0;

	while (n < s.len && is_digit(s.ptr[n]))
		n++;
	return n;
}

static int
parse_number(struct parse *p, struct json_value *v)
{
	struct slice from = p->rest, s = from;
	size_t n;

	if (s.len && s.ptr[0] == '-')
		s = slice_skip(s, 1);
	n = digits(s);
	if (n == 0 || (n > 1 && s.ptr[0] == '0'))
		return LL_ERR_SYNTAX;
	s = slice_skip(s, n);
	if (s.len && s.ptr[0] == '.') {
		n = digits(slice_skip(s, 1));
		if (n == 0)
			return LL_ERR_SYNTAX;
		s = slice_skip(s, n + 1);
	}
	if (s.len && to_lower(s.ptr[0]) == 'e') {
		s = slice_skip(s, 1);
		if (s.len && (s.ptr[0] == '+' || s.ptr[0] == '-'))
			s = slice_skip(s, 1);
		n = digits(s);
		if (n == 0)
			return LL_ERR_SYNTAX;
		s = slice_skip(s, n);
	}
	v->type = JSON_NUMBER;
	v->text = slice_sub(from, 0, from.len - s.len);
	p->rest = s;
	return LL_OK;
}

static int parse_value(struct parse *p, struct json_value **ret);

static int
parse_members(struct parse *p, struct json_value *v, bool object, char end)
{
	const struct json_value **at = &v->first;

	if (++p->depth > JSON_DEPTH_MAX)
		return LL_ERR_LIMIT;
	v->type = object ? JSON_OBJECT : JSON_ARRAY;
	while (v->first || !take(p, end)) {
		struct slice key = SLICE_NONE;
		struct json_value *member;
		int r;

		if (object && (!take(p, '"') || parse_string(p, &key) || !take(p, ':')))
			return LL_ERR_SYNTAX;
		if ((r = parse_value(p, &member)))
			return r;
		member->key = key;
		*at = member;
		at = &member->next;
		if (take(p, end))
			break;
		if (!take(p, ','))
			return LL_ERR_SYNTAX;
	}
	p->depth--;
	return LL_OK;
}

static int
parse_word(struct parse *p, struct json_value *v)
{
	static const struct {
		const char *word;
		enum json_type type;
	} words[] = {{"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!slice_starts(p->rest, slice_str(words[i].word)))
			continue;
		p->rest = slice_skip(p->rest, strlen(words[i].word));
		v->type = words[i].type;
		return LL_OK;
	}
	return parse_number(p, v);
}

static int
parse_value(struct parse *p, struct json_value **ret)
{
	struct json_value *v = ARENA_NEW(p->arena, struct json_value);
	int r;

	if (!v)
		return LL_ERR_NOMEM;
	if (take(p, '{')) {
		r = parse_members(p, v, true, '}');
	} else if (take(p, '[')) {
		r = parse_members(p, v, false, ']');
	} else if (take(p, '"')) {
		v->type = JSON_STRING;
		r = parse_string(p, &v->text);
	} else {
		r = parse_word(p, v);
	}
	*ret = v;
	return r;
}

int
json_parse(struct slice text, struct arena *a, const struct json_value **ret)
{
	struct parse p = {.rest = text, .arena = a};
	struct json_value *v;
	int r = parse_value(&p, &v);

	skip_space(&p);
	if (r == LL_OK && p.rest.len)
		r = LL_ERR_SYNTAX;
	if (r == LL_OK)
		*ret = v;
	return r;
}

const struct json_value *
json_get(const struct json_value *object, const char *key)
{
	const struct json_value *v = object && object->type == JSON_OBJECT ? object->first : NULL;

	while (v && !slice_eq(v->key, slice_str(key)))
		v = v->next;
	return v;
}

struct slice
json_get_text(const struct json_value *object, const char *key)
{
	const struct json_value *v = json_get(object, key);

	return v ? v->text : SLICE_NONE;
}
