/* Email/query and Email/queryChanges (RFC 8621 sections 4.4 and 4.5). */
#include "faces/jmap_email.h"

#include <sodium.h>
#include <stdlib.h>

/* ---- The question ---- */

struct question {
	struct arena mem;
	struct email_query q;
	struct email_order order[EMAIL_ORDERS_MAX];
	uint8_t key[32];
};

static void
question_done(struct question *x)
{
	arena_done(&x->mem);
}

static const struct {
	const char *name;
	enum email_sort_key key;
	bool keyword;
} sorts[] = {
	{"receivedAt", EMAIL_BY_RECEIVED, false},
	{"sentAt", EMAIL_BY_SENT, false},
	{"size", EMAIL_BY_SIZE, false},
	{"from", EMAIL_BY_FROM, false},
	{"to", EMAIL_BY_TO, false},
	{"subject", EMAIL_BY_SUBJECT, false},
	{"hasKeyword", EMAIL_BY_KEYWORD, true},
	{"allInThreadHaveKeyword", EMAIL_BY_ALL_IN_THREAD, true},
	{"someInThreadHaveKeyword", EMAIL_BY_SOME_IN_THREAD, true},
};

static enum jmap_error
order_read(struct jmap_call *c, const json_t *s, struct email_order *ret)
{
	struct slice property = json_slice(json_object_get(s, "property"));
	struct slice collation = json_slice(json_object_get(s, "collation"));
	json_t *ascending = json_object_get(s, "isAscending");
	size_t i = 0;

	if (!json_is_object(s) || !property.ptr || (ascending && !json_is_boolean(ascending)))
		return jmap_bad(c, "sort");
	while (i < ARRAY_SIZE(sorts) && !slice_eq(property, slice_str(sorts[i].name)))
		i++;
	if (i == ARRAY_SIZE(sorts) ||
		(collation.ptr && !slice_eq(collation, S("i;unicode-casemap"))))
		return JMAP_UNSUPPORTED_SORT;
	*ret = (struct email_order){.key = sorts[i].key,
		.descending = json_is_false(ascending),
		.keyword = json_slice(json_object_get(s, "keyword"))};
	return sorts[i].keyword && !ret->keyword.len ? jmap_bad(c, "keyword") : JMAP_OK;
}

/* One digest for equal questions. */
static enum jmap_error
question_key(struct jmap_call *c, struct question *x)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(8 * JMAP_REQUEST_MAX);
	struct json_out o = {.b = &text};
	json_t *f = json_member(c->args, "filter"), *s = json_member(c->args, "sort");

	buf_puts(&text, x->q.collapse ? "c" : "-");
	if (f)
		jo_json(&o, f);
	buf_putc(&text, 0);
	o.comma = false;
	if (s)
		jo_json(&o, s);
	if (buf_err(&text))
		return jmap_failed(c, buf_err(&text));
	crypto_generichash(x->key, sizeof(x->key), text.ptr, text.len, NULL, 0);
	x->q.key = slice_new(x->key, sizeof(x->key));
	return JMAP_OK;
}

static enum jmap_error
question_read(struct jmap_call *c, struct question *x)
{
	json_t *f = json_member(c->args, "filter"), *s = json_member(c->args, "sort");
	enum jmap_error e = JMAP_OK;

	*x = (struct question){.mem = ARENA_INIT((size_t)32 << 20)};
	if (!jmap_arg_bool(c, "collapseThreads", &x->q.collapse))
		return JMAP_INVALID_ARGUMENTS;
	if (f)
		e = jmap_filter_make(c, f, &x->mem, &x->q.filter);
	if (s && !json_is_array(s))
		return jmap_bad(c, "sort");
	if (json_array_size(s) > EMAIL_ORDERS_MAX)
		return JMAP_UNSUPPORTED_SORT;
	for (size_t i = 0; i < json_array_size(s) && !e; i++)
		e = order_read(c, json_array_get(s, i), &x->order[x->q.n_order++]);
	x->q.order = x->order;
	return e ? e : question_key(c, x);
}

static enum jmap_error
question_failed(struct jmap_call *c, int err)
{
	return err == LL_ERR_LIMIT ? JMAP_UNSUPPORTED_FILTER : jmap_failed(c, err);
}

/* ---- Email/query ---- */

static size_t
result_index(struct jmap_call *c, struct slice id, void *ctx)
{
	const struct email_found *r = ctx;
	uint32_t email;

	if (message_email_id_parse(id, &email))
		for (size_t i = 0; i < r->n; i++)
			if (r->at[i] == email)
				return i;
	return SIZE_MAX;
}

static void
put_email_id(struct json_out *o, uint32_t email)
{
	char id[MESSAGE_ID_TEXT_MAX];

	message_email_id(email, id);
	jo_str(o, id);
}

static enum jmap_error
query_answer(struct jmap_call *c, struct email_found *r, struct jmap_window *w)
{
	enum jmap_error e = jmap_window_set(c, w, r->n, result_index, r);

	if (e)
		return e;
	jmap_query_head(c, account_state(c->a, CHANGE_EMAIL), true, w);
	jo_key(&c->o, "ids");
	jo_open(&c->o, '[');
	for (size_t i = w->from; i < w->to; i++)
		put_email_id(&c->o, r->at[i]);
	jo_close(&c->o, ']');
	jmap_query_tail(c, r->n, w);
	return JMAP_OK;
}

/* Only as much of the result is looked for as the answer needs. */
static enum jmap_error
query_run(struct jmap_call *c, const struct question *x)
{
	struct email_found r = {.n = 0};
	struct jmap_window w;
	enum jmap_error e = jmap_window_read(c, &w);
	size_t need;

	if (e)
		return e;
	while ((need = jmap_window_need(c, &w, r.n, result_index, &r)) > r.n && !r.all) {
		int err = emails_query(c->a, &x->q, need, &r);
		if (err)
			return question_failed(c, err);
		c->again = r.n < need && !r.all;
		if (c->again)
			return JMAP_OK;
	}
	return query_answer(c, &r, &w);
}

enum jmap_error
jmap_email_query(struct jmap_call *c)
{
	struct question x;
	enum jmap_error e = question_read(c, &x);

	if (!e)
		e = query_run(c, &x);
	question_done(&x);
	return e;
}

/* ---- Email/queryChanges ----
 * Whatever changed since is given as removed, and as added where it is in the result now: its place
 * may have changed. Where threads decide (collapsed, or keywords of a thread) the whole thread of
 * what changed counts as changed. */

struct delta {
	struct uid_list removed; /* emails, also some that were never there */
};

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
delta_thread(struct jmap_call *c, uint32_t thread, struct delta *d)
{
	size_t n;
	const struct email_info *const *e = thread_emails(c->a, thread, &n);
	int err = LL_OK;

	for (size_t i = 0; i < n && !err; i++)
		err = VEC_PUSH(&d->removed, e[i]->email);
	return err;
}

static int
delta_emails(struct jmap_call *c, uint64_t since, bool threads, struct delta *d)
{
	struct changes ch = {0};
	int err = account_changes(c->a, CHANGE_EMAIL, since, &ch);

	VEC_EACH (one, &ch) {
		const struct email_info *info = email_find(c->a, change_number(one));
		if (!err)
			err = VEC_PUSH(&d->removed, change_number(one));
		if (!err && threads && info)
			err = delta_thread(c, info->thread, d);
	}
	changes_done(&ch);
	return err;
}

/* Threads that lost an Email: another one may stand for them now. */
static int
delta_threads(struct jmap_call *c, uint64_t since, struct delta *d)
{
	struct changes ch = {0};
	int err = account_changes(c->a, CHANGE_THREAD, since, &ch);

	VEC_EACH (one, &ch)
		if (!err && one->kind != CHANGE_DESTROYED)
			err = delta_thread(c, change_number(one), d);
	changes_done(&ch);
	return err;
}

static void
delta_unique(struct delta *d)
{
	size_t to = 0;

	if (d->removed.len)
		qsort(d->removed.at, d->removed.len, sizeof(d->removed.at[0]), u32_cmp);
	for (size_t i = 0; i < d->removed.len; i++)
		if (!to || d->removed.at[to - 1] != d->removed.at[i])
			d->removed.at[to++] = d->removed.at[i];
	d->removed.len = to;
}

static bool
filter_threads(const struct email_filter *f)
{
	if (!f)
		return false;
	if (f->op >= EMAIL_ALL_IN_THREAD && f->op <= EMAIL_NONE_IN_THREAD)
		return true;
	for (const struct email_filter *k = f->kids; k; k = k->next)
		if (filter_threads(k))
			return true;
	return false;
}

static bool
needs_threads(const struct email_query *q)
{
	bool yes = q->collapse || filter_threads(q->filter);

	for (size_t i = 0; i < q->n_order; i++)
		yes |= q->order[i].key >= EMAIL_BY_ALL_IN_THREAD;
	return yes;
}

static bool
delta_has(const struct delta *d, uint32_t email)
{
	return d->removed.len &&
		bsearch(&email, d->removed.at, d->removed.len, sizeof(email), u32_cmp);
}

static size_t
delta_size(const struct email_found *r, const struct delta *d)
{
	size_t n = d->removed.len;

	for (size_t i = 0; i < r->n && n; i++)
		n += delta_has(d, r->at[i]);
	return n;
}

/* upToId would allow to leave some out; it is not made use of. */
static void
put_added(struct jmap_call *c, const struct email_found *r, const struct delta *d)
{
	jo_key(&c->o, "added");
	jo_open(&c->o, '[');
	for (size_t i = 0; i < r->n; i++) {
		if (!delta_has(d, r->at[i]))
			continue;
		jo_open(&c->o, '{');
		jo_key(&c->o, "id");
		put_email_id(&c->o, r->at[i]);
		jo_key(&c->o, "index");
		jo_uint(&c->o, i);
		jo_close(&c->o, '}');
	}
	jo_close(&c->o, ']');
}

static enum jmap_error
delta_answer(
	struct jmap_call *c, struct slice old, const struct email_found *r, const struct delta *d)
{
	uint64_t most = UINT64_MAX;
	bool total = false;

	if (!jmap_arg_uint(c, "maxChanges", &most) || !jmap_arg_bool(c, "calculateTotal", &total))
		return JMAP_INVALID_ARGUMENTS;
	if (delta_size(r, d) > most)
		return JMAP_TOO_MANY_CHANGES;
	jmap_reply_open(c);
	jo_key(&c->o, "oldQueryState");
	jo_slice(&c->o, old);
	jo_key(&c->o, "newQueryState");
	jmap_put_state(&c->o, account_state(c->a, CHANGE_EMAIL));
	if (total) {
		jo_key(&c->o, "total");
		jo_uint(&c->o, r->n);
	}
	jo_key(&c->o, "removed");
	jo_open(&c->o, '[');
	VEC_EACH (email, &d->removed)
		put_email_id(&c->o, *email);
	jo_close(&c->o, ']');
	put_added(c, r, d);
	jo_close(&c->o, '}');
	return JMAP_OK;
}

static enum jmap_error
changes_run(struct jmap_call *c, struct question *x, struct slice old, uint64_t since)
{
	struct email_found r;
	struct delta d = {{0}};
	bool threads = needs_threads(&x->q);
	enum jmap_error e;
	int err = emails_query(c->a, &x->q, SIZE_MAX, &r);

	c->again = !err && !r.all;
	if (err || c->again)
		return err ? question_failed(c, err) : JMAP_OK;
	err = delta_emails(c, since, threads, &d);
	if (!err && threads)
		err = delta_threads(c, since, &d);
	delta_unique(&d);
	e = err ? jmap_failed(c, err) : delta_answer(c, old, &r, &d);
	uid_list_done(&d.removed);
	return e;
}

enum jmap_error
jmap_email_query_changes(struct jmap_call *c)
{
	struct slice old = json_slice(json_object_get(c->args, "sinceQueryState"));
	struct question x;
	struct store_id after;
	uint64_t since;
	bool part;
	enum jmap_error e;

	if (!old.ptr)
		return jmap_bad(c, "sinceQueryState");
	if (!jmap_state_parse(old, &since, &after, &part) || part)
		return JMAP_CANNOT_CALCULATE;
	e = question_read(c, &x);
	if (!e)
		e = changes_run(c, &x, old, since);
	question_done(&x);
	return e;
}
