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

static enum jmap_error
quota_changes(struct jmap_call *c)
{
	struct slice since = json_slice(json_object_get(c->args, "sinceState"));
	struct account_quota q;
	char state[48];
	bool changed;
	int err = account_quota(c->a, &q);

	if (err)
		return jmap_failed(c, err);
	if (!since.ptr)
		return jmap_bad(c, "sinceState");
	state_text(&q, state);
	changed = !slice_eq(since, slice_str(state));
	/* A limit that came or went: only a new look tells. */
	if (changed && slice_find_byte(since, '.') == SLICE_NPOS)
		return JMAP_CANNOT_CALCULATE;
	jmap_reply_open(c);
	jo_key(&c->o, "oldState");
	jo_slice(&c->o, since);
	jo_key(&c->o, "newState");
	jo_str(&c->o, state);
	jo_key(&c->o, "hasMoreChanges");
	jo_bool(&c->o, false);
	jo_key(&c->o, "updatedProperties");
	jo_null(&c->o);
	jo_key(&c->o, "created");
	jo_raw(&c->o, S("[]"));
	jo_key(&c->o, "updated");
	jo_raw(&c->o, changed && q.limit ? S("[\"" QUOTA_ID "\"]") : S("[]"));
	jo_key(&c->o, "destroyed");
	jo_raw(&c->o, S("[]"));
	jo_close(&c->o, '}');
	return JMAP_OK;
}

/* ---- Quota/query ---- */

static bool
matches(json_t *f, bool *ok)
{
	const char *key;
	json_t *v;
	bool yes = true;

	json_object_foreach(f, key, v)
	{
		struct slice s = json_slice(v);
		if (!strcmp(key, "name"))
			yes &= slice_ifind(S("Mail storage"), s) != SLICE_NPOS;
		else if (!strcmp(key, "scope"))
			yes &= slice_eq(s, S("account"));
		else if (!strcmp(key, "resourceType"))
			yes &= slice_eq(s, S("octets"));
		else if (!strcmp(key, "type"))
			yes &= slice_eq(s, S("Email"));
		else
			*ok = false;
		*ok &= s.ptr != NULL;
	}
	return yes;
}

static size_t
index_of(struct jmap_call *c, struct slice id, void *ctx)
{
	return *(size_t *)ctx && slice_eq(id, S(QUOTA_ID)) ? 0 : SIZE_MAX;
}

static enum jmap_error
quota_query(struct jmap_call *c)
{
	struct account_quota q;
	struct jmap_window w;
	bool ok = true;
	size_t n;
	enum jmap_error e;
	int err = account_quota(c->a, &q);

	if (err)
		return jmap_failed(c, err);
	n = q.limit && matches(json_member(c->args, "filter"), &ok);
	if (!ok)
		return JMAP_UNSUPPORTED_FILTER;
	e = jmap_window(c, n, index_of, &n, &w);
	if (e)
		return e;
	jmap_query_head(c, q.limit != 0, false, &w);
	jo_key(&c->o, "ids");
	jo_raw(&c->o, w.to > w.from ? S("[\"" QUOTA_ID "\"]") : S("[]"));
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
