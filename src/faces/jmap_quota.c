/* Quotas (RFC 9425): one, the bytes of the account's mail; none where there is no limit. */
#include "faces/jmap_priv.h"

#include <stdio.h>

#define QUOTA_ID "storage"

static void
put_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, QUOTA_ID);
}

static void
put_resource(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, "octets");
}

static void
put_used(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, ((const struct account_quota *)o->p)->bytes);
}

static void
put_limit(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, ((const struct account_quota *)o->p)->limit);
}

static void
put_scope(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, "account");
}

static void
put_name(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, "Mail storage");
}

static void
put_types(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_raw(out, S("[\"Email\"]"));
}

static void
put_null(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_null(out);
}

static const struct jmap_property props[] = {
	{"id", put_id},
	{"resourceType", put_resource},
	{"used", put_used},
	{"hardLimit", put_limit},
	{"scope", put_scope},
	{"name", put_name},
	{"types", put_types},
	{"warnLimit", put_null},
	{"softLimit", put_null},
	{"description", put_null},
	{NULL, NULL},
};

static bool
find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	struct account_quota *q = c->ctx;

	*ret = (struct jmap_object){.p = q};
	return q->limit && slice_eq(id, S(QUOTA_ID));
}

static void
each(struct jmap_call *c, void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx),
	void *ctx)
{
	struct jmap_object o;

	if (find(c, S(QUOTA_ID), &o))
		give(c, &o, ctx);
}

static void
state_text(const struct account_quota *q, char text[48])
{
	snprintf(text, 48, "%llu.%llu", (unsigned long long)q->bytes, (unsigned long long)q->limit);
}

static enum jmap_error
quota_get(struct jmap_call *c)
{
	struct account_quota q;
	char state[48];
	struct jmap_getter g = {.props = props, .find = find, .each = each, .state = state};
	int err = account_quota(c->a, &q);

	if (err)
		return jmap_failed(c, err);
	state_text(&q, state);
	c->ctx = &q;
	return jmap_get(c, &g);
}

/* What state_text gave. */
static bool
state_parse(struct slice s, struct account_quota *ret)
{
	struct slice used = slice_split(&s, '.');

	return slice_u64(used, UINT64_MAX, &ret->bytes) == LL_OK &&
		slice_u64(s, UINT64_MAX, &ret->limit) == LL_OK;
}

static void
put_ids(struct jmap_call *c, const char *name, bool has)
{
	jo_key(&c->o, name);
	jo_raw(&c->o, has ? S("[\"" QUOTA_ID "\"]") : S("[]"));
}

static enum jmap_error
quota_changes(struct jmap_call *c)
{
	struct slice since = json_slice(json_object_get(c->args, "sinceState"));
	struct account_quota q, old = {0};
	uint64_t max = 1;
	char state[48];
	int err = account_quota(c->a, &q);

	if (err)
		return jmap_failed(c, err);
	if (!since.ptr || !jmap_arg_uint(c, "maxChanges", &max) || max == 0)
		return jmap_bad(c, since.ptr ? "maxChanges" : "sinceState");
	if (!state_parse(since, &old))
		return JMAP_CANNOT_CALCULATE;
	state_text(&q, state);
	jmap_reply_open(c);
	jo_key(&c->o, "oldState");
	jo_slice(&c->o, since);
	jo_key(&c->o, "newState");
	jo_str(&c->o, state);
	jo_key(&c->o, "hasMoreChanges");
	jo_bool(&c->o, false);
	jo_key(&c->o, "updatedProperties");
	jo_raw(&c->o, old.limit == q.limit && old.bytes != q.bytes ? S("[\"used\"]") : S("null"));
	put_ids(c, "created", q.limit && !old.limit);
	put_ids(c, "updated",
		q.limit && old.limit && (q.limit != old.limit || q.bytes != old.bytes));
	put_ids(c, "destroyed", !q.limit && old.limit);
	jo_close(&c->o, '}');
	return JMAP_OK;
}

/* ---- Quota/query ---- */

static enum jmap_error
condition(struct jmap_call *c, json_t *f, bool *ret)
{
	const char *key;
	json_t *v;

	*ret = true;
	json_object_foreach(f, key, v)
	{
		struct slice s = json_slice(v);
		if (!strcmp(key, "name"))
			*ret &= slice_ifind(S("Mail storage"), s) != SLICE_NPOS;
		else if (!strcmp(key, "scope"))
			*ret &= slice_eq(s, S("account"));
		else if (!strcmp(key, "resourceType"))
			*ret &= slice_eq(s, S("octets"));
		else if (!strcmp(key, "type"))
			*ret &= slice_eq(s, S("Email"));
		else
			return JMAP_UNSUPPORTED_FILTER;
		if (!s.ptr)
			return jmap_bad(c, "a value in the filter");
	}
	return JMAP_OK;
}

/* All of it is looked at: what is wrong is told wherever it stands. */
static enum jmap_error
matches(struct jmap_call *c, json_t *f, bool *ret)
{
	json_t *op = json_object_get(f, "operator"), *of = json_object_get(f, "conditions"), *v;
	bool all = slice_eq(json_slice(op), S("AND")), not = slice_eq(json_slice(op), S("NOT")),
	     yes = all, one;
	size_t i;

	if (!json_is_object(f))
		return jmap_bad(c, "filter");
	if (!op)
		return condition(c, f, ret);
	if ((!all && !not &&!slice_eq(json_slice(op), S("OR"))) || !json_is_array(of))
		return jmap_bad(c, "operator and conditions");
	json_array_foreach(of, i, v)
	{
		enum jmap_error e = matches(c, v, &one);
		if (e)
			return e;
		yes = all ? yes && one : yes || one;
	}
	*ret = yes != not ;
	return JMAP_OK;
}

static size_t
index_of(struct jmap_call *c, struct slice id, void *ctx)
{
	return *(size_t *)ctx && slice_eq(id, S(QUOTA_ID)) ? 0 : SIZE_MAX;
}

static enum jmap_error
quota_query(struct jmap_call *c)
{
	static const char *const sorts[] = {"name", "used", NULL};
	json_t *filter = json_member(c->args, "filter");
	struct account_quota q;
	struct jmap_window w;
	bool fits = true;
	size_t n = 0;
	enum jmap_error e = jmap_sort_check(c, sorts);
	int err = account_quota(c->a, &q);

	if (err)
		return jmap_failed(c, err);
	if (!e && filter)
		e = matches(c, filter, &fits);
	if (!e) {
		n = q.limit && fits;
		e = jmap_window(c, n, index_of, &n, &w);
	}
	if (e)
		return e;
	jmap_query_head(c, q.limit != 0, false, &w);
	put_ids(c, "ids", w.to > w.from);
	jmap_query_tail(c, n, &w);
	return JMAP_OK;
}

static enum jmap_error
quota_query_changes(struct jmap_call *c)
{
	return JMAP_CANNOT_CALCULATE;
}

const struct jmap_method jmap_quota_methods[] = {
	{"Quota/get", "ids properties", JMAP_CAP_QUOTA, quota_get, false},
	{"Quota/changes", "sinceState maxChanges", JMAP_CAP_QUOTA, quota_changes, false},
	{"Quota/query", JMAP_QUERY_ARGS, JMAP_CAP_QUOTA, quota_query, false},
	{"Quota/queryChanges", JMAP_QUERY_CHANGES_ARGS, JMAP_CAP_QUOTA, quota_query_changes, false},
	{NULL}};
