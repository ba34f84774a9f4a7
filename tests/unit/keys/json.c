#include "json.h"
#include "base/text.h"

#include <string.h>

#define DEPTH_MAX 32

struct parser {
	struct arena *arena;
	struct slice rest;
};

static struct json *value(struct parser *p, int depth);

static uint8_t
peek(struct parser *p)
{
	while (p->rest.len && strchr(" \t\r\n", p->rest.ptr[0]) && p->rest.ptr[0])
		p->rest = slice_skip(p->rest, 1);
	return p->rest.len ? p->rest.ptr[0] : 0;
}

static bool
take(struct parser *p, uint8_t c)
{
	if (peek(p) != c)
		return false;
	p->rest = slice_skip(p->rest, 1);
	return true;
}

static bool
string(struct parser *p, struct slice *ret)
{
	size_t n = 0;

	if (!take(p, '"'))
		return false;
	while (n < p->rest.len && p->rest.ptr[n] != '"')
		n += p->rest.ptr[n] == '\\' ? 2 : 1;
	if (n >= p->rest.len)
		return false;
	*ret = slice_sub(p->rest, 0, n);
	p->rest = slice_skip(p->rest, n + 1);
	return true;
}

/* Members of an array or object up to its closing character. */
static bool
members(struct parser *p, struct json *parent, uint8_t close, int depth)
{
	struct json **tail = &parent->child;

	if (take(p, close))
		return true;
	do {
		struct slice name = SLICE_NONE;

		if (parent->type == JSON_OBJECT && (!string(p, &name) || !take(p, ':')))
			return false;
		*tail = value(p, depth + 1);
		if (!*tail)
			return false;
		(*tail)->name = name;
		tail = &(*tail)->next;
	} while (take(p, ','));
	return take(p, close);
}

static bool
word(struct parser *p, struct json *v)
{
	size_t n = 0;

	while (n < p->rest.len &&
		(is_alpha(p->rest.ptr[n]) || is_digit(p->rest.ptr[n]) ||
			strchr("+-.", p->rest.ptr[n])))
		n++;
	v->text = slice_sub(p->rest, 0, n);
	p->rest = slice_skip(p->rest, n);
	v->type = JSON_NUMBER;
	if (slice_eq(v->text, S("null")))
		v->type = JSON_NULL;
	if (slice_eq(v->text, S("true")) || slice_eq(v->text, S("false")))
		v->type = JSON_BOOL;
	return n > 0;
}

static struct json *
value(struct parser *p, int depth)
{
	struct json *v = ARENA_NEW(p->arena, struct json);
	bool good;

	if (!v || depth > DEPTH_MAX)
		return NULL;
	switch (peek(p)) {
	case '{':
		v->type = JSON_OBJECT;
		good = take(p, '{') && members(p, v, '}', depth);
		break;
	case '[':
		v->type = JSON_ARRAY;
		good = take(p, '[') && members(p, v, ']', depth);
		break;
	case '"':
		v->type = JSON_STRING;
		good = string(p, &v->text);
		break;
	default:
		good = word(p, v);
	}
	return good ? v : NULL;
}

struct json *
json_parse(struct arena *a, struct slice text)
{
	struct parser p = {a, text};
	struct json *v = value(&p, 0);

	return v && peek(&p) == 0 && !p.rest.len ? v : NULL;
}

const struct json *
json_get(const struct json *object, const char *name)
{
	JSON_EACH(v, object)
	if (slice_eq(v->name, slice_str(name)))
		return v;
	return NULL;
}

struct slice
json_text(const struct json *object, const char *name)
{
	const struct json *v = json_get(object, name);

	return v ? v->text : SLICE_NONE;
}

uint64_t
json_number(const struct json *object, const char *name)
{
	uint64_t n = 0;

	return slice_u64(json_text(object, name), UINT64_MAX, &n) == 0 ? n : 0;
}

struct slice
json_hex(struct arena *a, const struct json *object, const char *name)
{
	const struct json *v = json_get(object, name);
	CLEANUP(buf_done) struct buf b = BUF_INIT((size_t)16 << 20);

	if (!v || hex_decode(&b, v->text) != 0)
		return SLICE_NONE;
	return arena_dup(a, buf_slice(&b));
}
