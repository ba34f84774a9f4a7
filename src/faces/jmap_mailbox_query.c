/* Mailbox/query (RFC 8621 section 2.3). */
#include "faces/jmap_mailbox.h"

#include "mail/fold.h"

#include <stdlib.h>

/* ---- Filter ---- */

static bool
parent_is(struct jmap_call *c, const struct mailbox *mb, const json_t *v)
{
	const struct mailbox *parent = jmap_mailbox_parent(c->a, mb);

	if (json_is_null(v))
		return !parent;
	return parent && parent == jmap_mailbox(c, json_slice(v));
}

static bool
name_has(struct jmap_call *c, const struct mailbox *mb, struct slice text)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1 << 16);
	CLEANUP(buf_done) struct buf part = BUF_INIT(1 << 20);

	fold_all(mailbox_info(mb)->role == MAILBOX_INBOX ? S("Inbox") : jmap_mailbox_name(c->a, mb),
		&name);
	fold_all(text, &part);
	return slice_find(buf_slice(&name), buf_slice(&part)) != SLICE_NPOS;
}

static bool
role_is(const struct mailbox *mb, const json_t *v)
{
	enum mailbox_role role = mailbox_info(mb)->role;

	return json_is_null(v) ? role == MAILBOX_NO_ROLE : role == jmap_role_parse(json_slice(v));
}

static bool
condition(struct jmap_call *c, const struct mailbox *mb, json_t *f)
{
	const char *key;
	json_t *v;
	bool yes = true;

	json_object_foreach(f, key, v)
	{
		if (!strcmp(key, "parentId"))
			yes &= parent_is(c, mb, v);
		else if (!strcmp(key, "name"))
			yes &= name_has(c, mb, json_slice(v));
		else if (!strcmp(key, "role"))
			yes &= role_is(mb, v);
		else if (!strcmp(key, "hasAnyRole"))
			yes &= json_is_true(v) == (mailbox_info(mb)->role != MAILBOX_NO_ROLE);
		else
			yes &= json_is_true(v) == mailbox_info(mb)->subscribed;
	}
	return yes;
}

static bool
matches(struct jmap_call *c, const struct mailbox *mb, json_t *f)
{
	struct slice op = json_slice(json_object_get(f, "operator"));
	json_t *kid;
	size_t i;

	if (!op.ptr)
		return condition(c, mb, f);
	json_array_foreach(json_object_get(f, "conditions"), i, kid) if (matches(c, mb, kid) !=
		slice_eq(op, S("AND"))) return slice_eq(op, S("OR"));
	return !slice_eq(op, S("OR"));
}

static bool
condition_ok(json_t *f)
{
	const char *key;
	json_t *v;

	json_object_foreach(f, key, v)
	{
		bool text = json_is_string(v), null = json_is_null(v);
		if (!strcmp(key, "parentId") || !strcmp(key, "role")) {
			if (!text && !null)
				return false;
		} else if (!strcmp(key, "name")) {
			if (!text)
				return false;
		} else if ((strcmp(key, "hasAnyRole") && strcmp(key, "isSubscribed")) ||
			!json_is_boolean(v)) {
			return false;
		}
	}
	return true;
}

static bool
filter_ok(json_t *f)
{
	struct slice op = json_slice(json_object_get(f, "operator"));
	json_t *kids = json_object_get(f, "conditions"), *kid;
	size_t i;

	if (!json_is_object(f))
		return false;
	if (!op.ptr)
		return condition_ok(f);
	json_array_foreach(kids, i, kid) if (!filter_ok(kid)) return false;
	return json_is_array(kids) &&
		(slice_eq(op, S("AND")) || slice_eq(op, S("OR")) || slice_eq(op, S("NOT")));
}

/* ---- Order ---- */

struct ordered {
	struct mailbox *mb;
	struct jmap_call *c;
	struct buf name; /* collation key */
	uint64_t order;
};

static int
ordered_cmp(const void *a, const void *b, void *sort_of)
{
	const struct ordered *x = a, *y = b;

	for (size_t i = 0; i < json_array_size(sort_of); i++) {
		const json_t *s = json_array_get(sort_of, i);
		int d = slice_eq(json_slice(json_object_get(s, "property")), S("name"))
			? slice_cmp(buf_slice(&x->name), buf_slice(&y->name))
			: x->order < y->order ? -1
					      : x->order > y->order;
		if (d)
			return json_is_false(json_object_get(s, "isAscending")) ? -d : d;
	}
	return slice_cmp(mailbox_info(x->mb)->name, mailbox_info(y->mb)->name);
}

static bool
sort_ok(const json_t *sort)
{
	for (size_t i = 0; i < json_array_size(sort); i++) {
		struct slice p = json_slice(json_object_get(json_array_get(sort, i), "property"));
		if (!slice_eq(p, S("name")) && !slice_eq(p, S("sortOrder")))
			return false;
	}
	return !sort || json_is_array(sort);
}

struct list {
	struct ordered *at;
	size_t n;
};

/* Children behind their parents, siblings in order. */
static void
tree_walk(
	struct jmap_call *c, const struct list *all, const struct mailbox *parent, struct list *out)
{
	for (size_t i = 0; i < all->n; i++)
		if (jmap_mailbox_parent(c->a, all->at[i].mb) == parent) {
			out->at[out->n++] = all->at[i];
			tree_walk(c, all, all->at[i].mb, out);
		}
}

/* With filterAsTree a mailbox counts only when all above it match. */
static bool
line_matches(struct jmap_call *c, const struct mailbox *mb, json_t *f, bool as_tree)
{
	if (f && !matches(c, mb, f))
		return false;
	mb = as_tree ? jmap_mailbox_parent(c->a, mb) : NULL;
	return !mb || line_matches(c, mb, f, true);
}

static int
list_make(struct jmap_call *c, struct list *l, bool tree)
{
	size_t n;
	struct mailbox *const *boxes = account_mailboxes(c->a, &n);
	struct list walked = {.at = calloc(n + 1, sizeof(*walked.at))};

	l->at = calloc(n + 1, sizeof(*l->at));
	if (!l->at || !walked.at) {
		free(walked.at);
		return LL_ERR_NOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		struct ordered *o = &l->at[l->n++];
		*o = (struct ordered){boxes[i], c, BUF_INIT(1 << 16), 0};
		o->order = jmap_mailbox_order(c->a, boxes[i]);
		fold_casemap(mailbox_info(boxes[i])->role == MAILBOX_INBOX
				? S("Inbox")
				: jmap_mailbox_name(c->a, boxes[i]),
			&o->name);
	}
	if (l->n)
		qsort_r(l->at, l->n, sizeof(*l->at), ordered_cmp, json_member(c->args, "sort"));
	if (tree) {
		tree_walk(c, l, NULL, &walked);
		memcpy(l->at, walked.at, l->n * sizeof(*l->at));
	}
	free(walked.at);
	return LL_OK;
}

static size_t
list_index(struct jmap_call *c, struct slice id, void *ctx)
{
	const struct list *l = ctx;
	const struct mailbox *mb = jmap_mailbox(c, id);

	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].mb == mb)
			return i;
	return SIZE_MAX;
}

static enum jmap_error
list_answer(struct jmap_call *c, struct list *l)
{
	struct jmap_window w;
	enum jmap_error e = jmap_window(c, l->n, list_index, l, &w);

	if (e)
		return e;
	jmap_query_head(c, account_state(c->a, CHANGE_MAILBOX), false, &w);
	jo_key(&c->o, "ids");
	jo_open(&c->o, '[');
	for (size_t i = w.from; i < w.to; i++)
		jmap_put_id(&c->o, CHANGE_MAILBOX, mailbox_info(l->at[i].mb)->id);
	jo_close(&c->o, ']');
	jmap_query_tail(c, l->n, &w);
	return JMAP_OK;
}

static enum jmap_error
query_check(struct jmap_call *c, bool *sort_tree, bool *filter_tree)
{
	json_t *f = json_member(c->args, "filter");

	if (!jmap_arg_bool(c, "sortAsTree", sort_tree) ||
		!jmap_arg_bool(c, "filterAsTree", filter_tree))
		return JMAP_INVALID_ARGUMENTS;
	if (f && !filter_ok(f))
		return JMAP_UNSUPPORTED_FILTER;
	return sort_ok(json_member(c->args, "sort")) ? JMAP_OK : JMAP_UNSUPPORTED_SORT;
}

enum jmap_error
jmap_mailbox_query(struct jmap_call *c)
{
	json_t *f = json_member(c->args, "filter");
	struct list l = {0};
	bool sort_tree = false, filter_tree = false;
	enum jmap_error e = query_check(c, &sort_tree, &filter_tree);
	size_t to = 0;
	int err;

	if (e)
		return e;
	err = account_objects_load(c->a);
	if (!err)
		err = list_make(c, &l, sort_tree);
	for (size_t i = 0; i < l.n; i++) {
		bool in = line_matches(c, l.at[i].mb, f, filter_tree);
		buf_done(&l.at[i].name);
		if (in)
			l.at[to++] = l.at[i];
	}
	l.n = to;
	e = err ? jmap_failed(c, err) : list_answer(c, &l);
	free(l.at);
	return e;
}

/* Mailboxes are few: a client asks again. */
enum jmap_error
jmap_mailbox_query_changes(struct jmap_call *c)
{
	if (!json_is_string(json_object_get(c->args, "sinceQueryState")))
		return jmap_bad(c, "sinceQueryState");
	return JMAP_CANNOT_CALCULATE;
}
