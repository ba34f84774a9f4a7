/* EmailSubmission (RFC 8621 section 7), what was sent: kept as sealed objects, whose id is also the
 * name under which a letter that is still held can be taken back. */
#include "faces/jmap_submission.h"
#include "base/error.h"

#include <stdlib.h>

const char *
jmap_submission_undo(const struct jmap_call *c, const json_t *v)
{
	int64_t at = 0;

	if (json_is_true(json_object_get(v, "canceled")))
		return "canceled";
	(void)json_utc_date(json_object_get(v, "sendAt"), &at);
	return at > c->j->env.now(c->j->env.ctx) ? "pending" : "final";
}

/* ---- get ---- */

static void
put_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jmap_put_id(out, CHANGE_SUBMISSION, o->id);
}

#define SUBMISSION_MEMBER(fn, name)                                                                \
	static void fn(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)     \
	{                                                                                          \
		jmap_stored_member(o, name, out);                                                  \
	}
SUBMISSION_MEMBER(put_identity, "identityId")
SUBMISSION_MEMBER(put_email, "emailId")
SUBMISSION_MEMBER(put_thread, "threadId")
SUBMISSION_MEMBER(put_envelope, "envelope")
SUBMISSION_MEMBER(put_send_at, "sendAt")

static void
put_undo(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, jmap_submission_undo(c, o->p));
}

/* What became of it further on is told by reports, which are letters of their own. */
static void
put_delivery(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	const json_t *rcpts = json_object_get(json_object_get(o->p, "envelope"), "rcptTo");
	const json_t *reply = json_object_get(o->p, "reply");

	if (!json_is_string(reply)) {
		jo_null(out);
		return;
	}
	jo_open(out, '{');
	for (size_t i = 0; i < json_array_size(rcpts); i++) {
		jo_key_slice(out, json_slice(json_object_get(json_array_get(rcpts, i), "email")));
		jo_open(out, '{');
		jo_key(out, "smtpReply");
		jo_json(out, reply);
		jo_key(out, "delivered");
		jo_str(out, "unknown");
		jo_key(out, "displayed");
		jo_str(out, "unknown");
		jo_close(out, '}');
	}
	jo_close(out, '}');
}

static void
put_none(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_raw(out, S("[]"));
}

static const struct jmap_property props[] = {
	{"id", put_id},
	{"identityId", put_identity},
	{"emailId", put_email},
	{"threadId", put_thread},
	{"envelope", put_envelope},
	{"sendAt", put_send_at},
	{"undoStatus", put_undo},
	{"deliveryStatus", put_delivery},
	{"dsnBlobIds", put_none},
	{"mdnBlobIds", put_none},
	{NULL, NULL},
};

static bool
find_one(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	return jmap_stored_find(c, CHANGE_SUBMISSION, id, ret);
}

static void
each(struct jmap_call *c, void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx),
	void *ctx)
{
	jmap_stored_each(c, CHANGE_SUBMISSION, give, ctx);
}

static enum jmap_error
submission_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {.type = CHANGE_SUBMISSION,
		.props = props,
		.find = find_one,
		.release = jmap_stored_release,
		.each = each};

	return jmap_stored_get(c, &g);
}

static enum jmap_error
submission_changes(struct jmap_call *c)
{
	return jmap_stored_changes(c, CHANGE_SUBMISSION);
}

/* ---- query ---- */

struct hit {
	char id[40];
	int64_t at;
	struct slice email, thread; /* of v */
	json_t *v;
};

struct hits {
	struct hit *at;
	size_t n;
	const json_t *sort;
};

static bool
is_listed(const json_t *list, struct slice value)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (slice_eq(json_slice(json_array_get(list, i)), value))
			return true;
	return false;
}

static enum jmap_error condition(
	struct jmap_call *c, const json_t *f, const struct hit *h, bool *ret);

/* One member of a condition. */
static enum jmap_error
member_matches(
	struct jmap_call *c, const char *key, const json_t *v, const struct hit *h, bool *ret)
{
	static const struct {
		const char *key, *member;
	} lists[] = {
		{"identityIds", "identityId"}, {"emailIds", "emailId"}, {"threadIds", "threadId"}};
	int64_t date;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (strcmp(key, lists[i].key))
			continue;
		*ret = is_listed(v, json_slice(json_object_get(h->v, lists[i].member)));
		return json_is_array(v) ? JMAP_OK : jmap_bad(c, "a list of ids is wanted");
	}
	if (strcmp(key, "undoStatus") == 0) {
		*ret = slice_eq(json_slice(v), slice_str(jmap_submission_undo(c, h->v)));
		return json_is_string(v) ? JMAP_OK : jmap_bad(c, "undoStatus is a string");
	}
	if (strcmp(key, "before") && strcmp(key, "after"))
		return JMAP_UNSUPPORTED_FILTER;
	if (!json_utc_date(v, &date))
		return jmap_bad(c, "before and after are UTCDates");
	*ret = key[0] == 'b' ? h->at < date : h->at >= date;
	return JMAP_OK;
}

static enum jmap_error
operator_matches(struct jmap_call *c, const json_t *f, const struct hit *h, bool *ret)
{
	struct slice op = json_slice(json_object_get(f, "operator"));
	const json_t *of = json_object_get(f, "conditions");
	bool all = slice_eq(op, S("AND")), one;
	enum jmap_error e;

	if ((!all && !slice_eq(op, S("OR")) && !slice_eq(op, S("NOT"))) || !json_is_array(of))
		return jmap_bad(c, "operator and conditions");
	*ret = all;
	for (size_t i = 0; i < json_array_size(of); i++) {
		e = condition(c, json_array_get(of, i), h, &one);
		if (e)
			return e;
		*ret = all ? *ret && one : *ret || one;
	}
	*ret = *ret != slice_eq(op, S("NOT"));
	return JMAP_OK;
}

static enum jmap_error
condition(struct jmap_call *c, const json_t *f, const struct hit *h, bool *ret)
{
	enum jmap_error e = JMAP_OK;
	const char *key;
	json_t *v;
	bool one = false;

	*ret = true;
	if (!json_is_object(f))
		return jmap_bad(c, "filter");
	if (json_object_get(f, "operator"))
		return operator_matches(c, f, h, ret);
	json_object_foreach((json_t *)(uintptr_t)f, key, v)
	{
		e = member_matches(c, key, v, h, &one);
		if (e)
			return e;
		*ret = *ret && one;
	}
	return e;
}

static int
compare_by(struct slice by, const struct hit *a, const struct hit *b)
{
	if (slice_eq(by, S("emailId")))
		return slice_cmp(a->email, b->email);
	if (slice_eq(by, S("threadId")))
		return slice_cmp(a->thread, b->thread);
	return (a->at > b->at) - (a->at < b->at);
}

static int
compare(const void *pa, const void *pb, void *ctx)
{
	const struct hit *a = pa, *b = pb;
	const json_t *sort = ctx;

	for (size_t i = 0; i < json_array_size(sort); i++) {
		const json_t *one = json_array_get(sort, i);
		int d = compare_by(json_slice(json_object_get(one, "property")), a, b);
		if (d)
			return json_is_false(json_object_get(one, "isAscending")) ? -d : d;
	}
	return strcmp(a->id, b->id);
}

static void
hits_done(struct hits *h)
{
	for (size_t i = 0; i < h->n; i++)
		json_decref(h->at[i].v);
	free(h->at);
}

/* A wrong filter is one, too, where there is nothing to filter. */
static enum jmap_error
check_filter(struct jmap_call *c, const json_t *filter)
{
	struct hit nothing = {.v = json_object()};
	enum jmap_error e;
	bool matches;

	e = filter && nothing.v ? condition(c, filter, &nothing, &matches) : JMAP_OK;
	json_decref(nothing.v);
	return e;
}

static enum jmap_error
collect(struct jmap_call *c, struct hits *ret)
{
	const json_t *filter = json_member(c->args, "filter");
	enum jmap_error wrong = check_filter(c, filter);
	const struct object *o;
	size_t pos = 0;

	if (wrong)
		return wrong;
	ret->at = calloc(OBJECT_COUNT_MAX, sizeof(*ret->at));
	if (!ret->at)
		return JMAP_SERVER_FAIL;
	while ((o = account_object_next(c->a, CHANGE_SUBMISSION, &pos)) != NULL) {
		struct hit *h = &ret->at[ret->n];
		enum jmap_error e = JMAP_OK;
		bool matches = true;
		*h = (struct hit){.v = jmap_stored_json(o)};
		jmap_id_put(CHANGE_SUBMISSION, o->id, h->id);
		(void)json_utc_date(json_object_get(h->v, "sendAt"), &h->at);
		h->email = json_slice(json_object_get(h->v, "emailId"));
		h->thread = json_slice(json_object_get(h->v, "threadId"));
		if (filter)
			e = condition(c, filter, h, &matches);
		if (matches && !e)
			ret->n++;
		else
			json_decref(h->v);
		if (e)
			return e;
	}
	qsort_r(ret->at, ret->n, sizeof(*ret->at), compare, (void *)(uintptr_t)ret->sort);
	return JMAP_OK;
}

static size_t
hit_index(struct jmap_call *c, struct slice id, void *ctx)
{
	const struct hits *h = ctx;

	for (size_t i = 0; i < h->n; i++)
		if (slice_eq(slice_str(h->at[i].id), id))
			return i;
	return SIZE_MAX;
}

static const char *const sorts[] = {"emailId", "threadId", "sentAt", NULL};

static enum jmap_error
submission_query(struct jmap_call *c)
{
	struct hits h = {.sort = json_object_get(c->args, "sort")};
	struct jmap_window w;
	enum jmap_error e;
	int err = account_objects_load(c->a);

	if (err)
		return jmap_failed(c, err);
	e = jmap_sort_check(c, sorts);
	if (!e)
		e = collect(c, &h);
	if (!e)
		e = jmap_window(c, h.n, hit_index, &h, &w);
	if (!e) {
		jmap_query_head(c, account_modseq(c->a), false, &w);
		jo_key(&c->o, "ids");
		jo_open(&c->o, '[');
		for (size_t i = w.from; i < w.to; i++)
			jo_str(&c->o, h.at[i].id);
		jo_close(&c->o, ']');
		jmap_query_tail(c, h.n, &w);
	}
	hits_done(&h);
	return e;
}

/* Whether one is pending changes with the clock, which no log knows. */
static enum jmap_error
submission_query_changes(struct jmap_call *c)
{
	return JMAP_CANNOT_CALCULATE;
}

void
jmap_submission_put(struct jmap_call *c, struct store_id id, json_t *v, struct json_out *out)
{
	struct jmap_object object = {.id = id, .p = v};

	jo_open(out, '{');
	for (const struct jmap_property *d = props; d->name; d++) {
		jo_key(out, d->name);
		d->put(c, &object, out);
	}
	jo_close(out, '}');
}

const struct jmap_method jmap_submission_methods[] = {
	{"EmailSubmission/get", "ids properties", JMAP_CAP_SUBMISSION, submission_get, false},
	{"EmailSubmission/changes", "sinceState maxChanges", JMAP_CAP_SUBMISSION,
		submission_changes, false},
	{"EmailSubmission/query", JMAP_QUERY_ARGS, JMAP_CAP_SUBMISSION, submission_query, false},
	{"EmailSubmission/queryChanges", JMAP_QUERY_CHANGES_ARGS, JMAP_CAP_SUBMISSION,
		submission_query_changes, false},
	{"EmailSubmission/set",
		"ifInState create update destroy onSuccessUpdateEmail onSuccessDestroyEmail",
		JMAP_CAP_SUBMISSION, jmap_submission_set, false},
	{NULL}};
