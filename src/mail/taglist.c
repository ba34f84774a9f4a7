/* One reader for the tag=value lists that half a dozen mail policies share. */
#include "mail/taglist.h"

#include "base/error.h"
#include "base/text.h"

#define BASE64_TEXT_MAX ((size_t)16 * 1024)

static bool
name_valid(struct slice name)
{
	if (!name.len || !is_alpha(name.ptr[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!is_alpha(name.ptr[i]) && !is_digit(name.ptr[i]) && name.ptr[i] != '_')
			return false;
	return true;
}

static int
tag_add(struct taglist *list, struct slice spec)
{
	size_t equals = slice_find_byte(spec, '=');
	struct tag t;

	if (equals == SLICE_NPOS)
		return LL_ERR_SYNTAX;
	t.name = slice_trim(slice_sub(spec, 0, equals));
	t.raw = slice_skip(spec, equals + 1);
	t.value = slice_trim(t.raw);
	if (!t.value.ptr)
		t.value = S("");
	if (!name_valid(t.name))
		return LL_ERR_SYNTAX;
	for (size_t i = 0; i < list->count; i++)
		if (slice_eq(list->tags[i].name, t.name))
			return LL_ERR_SYNTAX;
	if (list->count == TAGLIST_MAX)
		return LL_ERR_LIMIT;
	list->tags[list->count++] = t;
	return LL_OK;
}

int
taglist_parse(struct slice text, struct taglist *ret)
{
	ret->count = 0;
	while (text.len) {
		struct slice spec = slice_split(&text, ';');
		int r;

		/* Only the last may be empty: the semicolon at the end. */
		if (!slice_trim(spec).len && !slice_trim(text).len)
			break;
		r = tag_add(ret, spec);
		if (r)
			return r;
	}
	return LL_OK;
}

const struct tag *
taglist_find(const struct taglist *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_eq(list->tags[i].name, slice_str(name)))
			return &list->tags[i];
	return NULL;
}

struct slice
taglist_get(const struct taglist *list, const char *name)
{
	const struct tag *t = taglist_find(list, name);

	return t ? t->value : SLICE_NONE;
}

struct slice
taglist_item(struct slice *rest)
{
	return slice_trim(slice_split(rest, ':'));
}

int
taglist_base64(struct slice value, struct arena *arena, struct slice *ret)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(BASE64_TEXT_MAX);
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(BASE64_TEXT_MAX);
	struct slice copy;

	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] != ' ' && value.ptr[i] != '\t' && value.ptr[i] != '\r' &&
			value.ptr[i] != '\n')
			buf_putc(&text, value.ptr[i]);
	while (text.len && text.ptr[text.len - 1] == '=')
		text.len--;
	buf_put_fill(&text, '=', (4 - text.len % 4) % 4);
	if (buf_err(&text) == LL_ERR_LIMIT)
		return LL_ERR_SYNTAX;
	if (buf_err(&text))
		return buf_err(&text);
	if (base64_decode(&bytes, buf_slice(&text)) || buf_err(&bytes))
		return buf_err(&bytes) == LL_ERR_NOMEM ? LL_ERR_NOMEM : LL_ERR_SYNTAX;
	copy = arena_dup(arena, buf_slice(&bytes));
	if (!copy.ptr)
		return LL_ERR_NOMEM;
	*ret = copy;
	return LL_OK;
}
