/* The part of a result that a query asks for (RFC 8620 section 5.5). */
#include "faces/jmap_priv.h"

static bool
arg_int(struct jmap_call *c, const char *name, json_int_t *ret)
{
	json_t *v = json_member(c->args, name);

	if (!v)
		return true;
	c->why = name;
	*ret = json_integer_value(v);
	return json_is_integer(v);
}

/* position: negative ones count from the end. */
static size_t
place(json_int_t position, size_t n)
{
	if (position >= 0)
		return (uint64_t)position > n ? n : (size_t)position;
	return (uint64_t)-position > n ? 0 : n - (size_t)-position;
}

enum jmap_error
jmap_window_read(struct jmap_call *c, struct jmap_window *ret)
{
	json_t *anchor = json_member(c->args, "anchor");
	struct jmap_window w = {.limit = UINT64_MAX};

	if (!arg_int(c, "position", &w.position) || !arg_int(c, "anchorOffset", &w.offset) ||
		!jmap_arg_uint(c, "limit", &w.limit) ||
		!jmap_arg_bool(c, "calculateTotal", &w.total))
		return JMAP_INVALID_ARGUMENTS;
	if (w.offset < -(json_int_t)INT32_MAX || w.offset > INT32_MAX ||
		(anchor && !json_is_string(anchor)))
		return jmap_bad(c, "anchor");
	w.anchored = anchor != NULL;
	w.anchor = anchor ? jmap_id(c, json_slice(anchor)) : SLICE_NONE;
	*ret = w;
	return JMAP_OK;
}

/* The first of the window when the anchor stands at `at`. */
static size_t
beside(size_t at, json_int_t offset)
{
	if (offset < 0)
		return at > (size_t)-offset ? at - (size_t)-offset : 0;
	return at + (size_t)offset;
}

size_t
jmap_window_need(struct jmap_call *c, const struct jmap_window *w, size_t n,
	jmap_index_fn *index_of, void *ctx)
{
	size_t at, from;

	if (w->total || w->limit == UINT64_MAX || (!w->anchored && w->position < 0))
		return SIZE_MAX;
	if (!w->anchored) {
		from = place(w->position, SIZE_MAX);
	} else {
		at = index_of(c, w->anchor, ctx);
		if (at == SIZE_MAX)
			return 2 * n + 64;
		from = beside(at, w->offset);
	}
	return from > SIZE_MAX - w->limit ? SIZE_MAX : from + (size_t)w->limit;
}

enum jmap_error
jmap_window_set(
	struct jmap_call *c, struct jmap_window *w, size_t n, jmap_index_fn *index_of, void *ctx)
{
	size_t at;

	w->from = place(w->position, n);
	if (w->anchored) {
		at = index_of(c, w->anchor, ctx);
		if (at == SIZE_MAX)
			return JMAP_ANCHOR_NOT_FOUND;
		w->from = MIN(n, beside(at, w->offset));
	}
	w->to = n - w->from > w->limit ? w->from + (size_t)w->limit : n;
	return JMAP_OK;
}

enum jmap_error
jmap_window(
	struct jmap_call *c, size_t n, jmap_index_fn *index_of, void *ctx, struct jmap_window *ret)
{
	enum jmap_error e = jmap_window_read(c, ret);

	return e ? e : jmap_window_set(c, ret, n, index_of, ctx);
}

void
jmap_query_head(
	struct jmap_call *c, uint64_t state, bool can_calculate, const struct jmap_window *w)
{
	jmap_reply_open(c);
	jo_key(&c->o, "queryState");
	jmap_put_state(&c->o, state);
	jo_key(&c->o, "canCalculateChanges");
	jo_bool(&c->o, can_calculate);
	jo_key(&c->o, "position");
	jo_uint(&c->o, w->from);
}

void
jmap_query_tail(struct jmap_call *c, size_t n, const struct jmap_window *w)
{
	if (w->total) {
		jo_key(&c->o, "total");
		jo_uint(&c->o, n);
	}
	jo_close(&c->o, '}');
}

static bool
is_one_of(const char *const *names, struct slice name)
{
	for (; *names; names++)
		if (slice_eq(name, slice_str(*names)))
			return true;
	return false;
}

enum jmap_error
jmap_sort_check(struct jmap_call *c, const char *const *names)
{
	json_t *sort = json_member(c->args, "sort"), *v;
	bool known = true;
	size_t i;

	if (sort && !json_is_array(sort))
		return jmap_bad(c, "sort");
	json_array_foreach(sort, i, v)
	{
		const json_t *up = json_object_get(v, "isAscending"),
			     *collation = json_object_get(v, "collation");
		struct slice property = json_slice(json_object_get(v, "property"));
		if (!property.ptr || (up && !json_is_boolean(up)) ||
			(collation && !json_is_string(collation)))
			return jmap_bad(c, "sort");
		known &= is_one_of(names, property) &&
			(!collation || slice_eq(json_slice(collation), S("i;unicode-casemap")));
	}
	return known ? JMAP_OK : JMAP_UNSUPPORTED_SORT;
}
