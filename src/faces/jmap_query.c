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
jmap_window(struct jmap_call *c, size_t n,
	size_t (*index_of)(struct jmap_call *c, struct slice id, void *ctx), void *ctx,
	struct jmap_window *ret)
{
	json_int_t position = 0, offset = 0;
	uint64_t limit = UINT64_MAX;
	json_t *anchor = json_member(c->args, "anchor");
	struct jmap_window w = {.total = false};

	if (!arg_int(c, "position", &position) || !arg_int(c, "anchorOffset", &offset) ||
		!jmap_arg_uint(c, "limit", &limit) || !jmap_arg_bool(c, "calculateTotal", &w.total))
		return JMAP_INVALID_ARGUMENTS;
	if (offset < -(json_int_t)INT32_MAX || offset > INT32_MAX ||
		(anchor && !json_is_string(anchor)))
		return jmap_bad(c, "anchor");
	w.from = place(position, n);
	if (anchor) {
		size_t at = index_of(c, jmap_id(c, json_slice(anchor)), ctx);
		if (at == SIZE_MAX)
			return JMAP_ANCHOR_NOT_FOUND;
		if (offset < 0)
			w.from = at > (size_t)-offset ? at - (size_t)-offset : 0;
		else
			w.from = MIN(n, at + (size_t)offset);
	}
	w.to = n - w.from > limit ? w.from + (size_t)limit : n;
	*ret = w;
	return JMAP_OK;
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
