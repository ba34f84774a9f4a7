/* Email/query: every Email is asked, those that match are ordered, threads are collapsed. The whole
 * result is kept until mail changes, so that the next page of it costs nothing. */
#include "account/email_view.h"

#include "account/brief.h"

#include <stdlib.h>

/* ---- Filter ---- */

struct test {
	const struct email_filter *f;
	struct test *kids;
	size_t n_kids;
	struct finder *finder;
	struct mailbox **boxes;
	size_t n_boxes; /* those there are */
};

static void
test_done(struct test *t)
{
	for (size_t i = 0; i < t->n_kids; i++)
		test_done(&t->kids[i]);
	free(t->kids);
	free(t->boxes);
	finder_free(t->finder);
}

static int test_make(
	struct test *t, struct account *a, const struct email_filter *f, unsigned depth);

static int
test_make_kids(struct test *t, struct account *a, unsigned depth)
{
	size_t n = 0;
	int err = LL_OK;

	for (const struct email_filter *k = t->f->kids; k; k = k->next)
		n++;
	t->kids = calloc(n + 1, sizeof(*t->kids));
	if (!t->kids)
		return LL_ERR_NOMEM;
	for (const struct email_filter *k = t->f->kids; k && !err; k = k->next)
		err = test_make(&t->kids[t->n_kids++], a, k, depth + 1);
	return err;
}

static int
test_make_boxes(struct test *t, const struct account *a)
{
	t->boxes = calloc(t->f->n_mailboxes + 1, sizeof(struct mailbox *));
	if (!t->boxes)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < t->f->n_mailboxes; i++) {
		struct mailbox *mb = account_mailbox_by_id(a, t->f->mailboxes[i]);
		if (mb)
			t->boxes[t->n_boxes++] = mb;
	}
	return LL_OK;
}

static int
test_make(struct test *t, struct account *a, const struct email_filter *f, unsigned depth)
{
	*t = (struct test){.f = f};
	if (depth > FIND_DEPTH_MAX)
		return LL_ERR_LIMIT;
	if (f->op <= EMAIL_NOT)
		return test_make_kids(t, a, depth);
	if (f->op == EMAIL_FIND)
		return finder_new(a, &f->find, &t->finder);
	return test_make_boxes(t, a);
}

struct asking {
	struct account *a;
	const struct email_info *info;
	const struct email_place *places;
	size_t n_places;
	int err;
};

static bool ask(struct asking *x, struct test *t);

static bool
ask_group(struct asking *x, struct test *t)
{
	bool any = t->f->op != EMAIL_AND;

	for (size_t i = 0; i < t->n_kids; i++)
		if (ask(x, &t->kids[i]) == any)
			return t->f->op == EMAIL_OR;
	return t->f->op != EMAIL_OR;
}

static bool
ask_boxes(const struct asking *x, const struct test *t)
{
	bool other = t->f->op == EMAIL_IN_OTHER_THAN;

	for (size_t i = 0; i < x->n_places; i++) {
		bool listed = false;
		for (size_t k = 0; k < t->n_boxes; k++)
			listed |= t->boxes[k] == x->places[i].mb;
		if (listed != other)
			return true;
	}
	return false;
}

static void
thread_keyword(
	const struct account *a, uint32_t thread, struct slice name, bool *ret_all, bool *ret_some)
{
	size_t n;
	const struct email_info *const *e = thread_emails(a, thread, &n);

	*ret_all = n != 0;
	*ret_some = false;
	for (size_t i = 0; i < n; i++) {
		bool has = email_has_keyword(a, e[i]->email, name);
		*ret_all &= has;
		*ret_some |= has;
	}
}

static bool
ask_keyword(const struct asking *x, const struct test *t)
{
	bool all, some;

	if (t->f->op == EMAIL_HAS_KEYWORD)
		return email_has_keyword(x->a, x->info->email, t->f->text);
	if (t->f->op == EMAIL_NOT_KEYWORD)
		return !email_has_keyword(x->a, x->info->email, t->f->text);
	thread_keyword(x->a, x->info->thread, t->f->text, &all, &some);
	if (t->f->op == EMAIL_ALL_IN_THREAD)
		return all;
	return t->f->op == EMAIL_SOME_IN_THREAD ? some : !some;
}

static bool
ask(struct asking *x, struct test *t)
{
	bool yes = false;

	if (x->err)
		return false;
	if (t->f->op <= EMAIL_NOT)
		return ask_group(x, t);
	if (t->f->op == EMAIL_FIND) {
		x->err = finder_ask(t->finder, mailbox_row(x->places->mb, x->places->uid), &yes);
		return yes && !x->err;
	}
	return t->f->op <= EMAIL_IN_OTHER_THAN ? ask_boxes(x, t) : ask_keyword(x, t);
}

static bool
ask_email(struct asking *x, struct test *t, const struct email_info *info)
{
	x->info = info;
	x->places = email_places(x->a, info->email, &x->n_places);
	return x->n_places && ask(x, t);
}

/* The rows of one mailbox are enough when the filter asks for that mailbox. */
static const struct mailbox *
filter_mailbox(const struct account *a, const struct email_filter *f)
{
	const struct mailbox *mb = NULL;

	if (f->op == EMAIL_IN_MAILBOX && f->n_mailboxes == 1)
		return account_mailbox_by_id(a, f->mailboxes[0]);
	if (f->op == EMAIL_AND)
		for (const struct email_filter *k = f->kids; k && !mb; k = k->next)
			mb = filter_mailbox(a, k);
	return mb;
}

static int
filter_box(struct asking *x, struct test *t, const struct mailbox *mb, struct uid_list *ret)
{
	VEC_EACH (row, &mb->rows) {
		const struct email_info *info = email_find(x->a, row->email);
		if (info && ask_email(x, t, info) && !x->err)
			x->err = VEC_PUSH(ret, row->email);
	}
	return x->err;
}

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
unique(struct uid_list *l)
{
	size_t to = 0;

	if (l->len)
		qsort(l->at, l->len, sizeof(l->at[0]), u32_cmp);
	for (size_t i = 0; i < l->len; i++)
		if (!to || l->at[to - 1] != l->at[i])
			l->at[to++] = l->at[i];
	l->len = to;
}

static int
filter_run(struct account *a, const struct email_filter *f, struct uid_list *ret)
{
	static const struct email_filter all = {.op = EMAIL_AND};
	struct asking x = {.a = a};
	const struct mailbox *mb = f ? filter_mailbox(a, f) : NULL;
	struct test t;
	int err = test_make(&t, a, f ? f : &all, 0);

	if (!err && mb) {
		err = filter_box(&x, &t, mb, ret);
		unique(ret);
	} else if (!err) {
		VEC_EACH (info, &a->emails->infos)
			if (ask_email(&x, &t, info) && !x.err)
				x.err = VEC_PUSH(ret, info->email);
		err = x.err;
	}
	test_done(&t);
	return err;
}

/* ---- Order ---- */

struct item {
	uint32_t email, at; /* at: of its values */
};
struct job {
	struct account *a;
	const struct email_query *q;
	int64_t *values; /* of each item, one for each key */
};

/* BRIEF_TEXTS: a number. */
static enum brief_text
text_of(enum email_sort_key key)
{
	return key == EMAIL_BY_SUBJECT ? BRIEF_SUBJECT
		: key == EMAIL_BY_FROM ? BRIEF_NAMED_FROM
		: key == EMAIL_BY_TO   ? BRIEF_NAMED_TO
				       : BRIEF_TEXTS;
}

/* A text is ranked when all are known. */
static int
value_brief(struct job *j, enum email_sort_key key, uint32_t email, int64_t *ret)
{
	const struct brief *b;
	int err = brief_get(j->a, email, &b);

	if (!err)
		*ret = key == EMAIL_BY_SENT ? b->sent : b->text[text_of(key)];
	return err == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : err;
}

static int
value_make(struct job *j, const struct email_order *o, const struct email_info *info, int64_t *ret)
{
	bool all, some;

	switch (o->key) {
	case EMAIL_BY_RECEIVED:
		*ret = info->received;
		return LL_OK;
	case EMAIL_BY_SIZE:
		*ret = info->size;
		return LL_OK;
	case EMAIL_BY_KEYWORD:
		*ret = email_has_keyword(j->a, info->email, o->keyword);
		return LL_OK;
	case EMAIL_BY_ALL_IN_THREAD:
	case EMAIL_BY_SOME_IN_THREAD:
		thread_keyword(j->a, info->thread, o->keyword, &all, &some);
		*ret = o->key == EMAIL_BY_ALL_IN_THREAD ? all : some;
		return LL_OK;
	default:
		return value_brief(j, o->key, info->email, ret);
	}
}

static int
item_cmp(const void *a, const void *b, void *ctx)
{
	const struct item *x = a, *y = b;
	const struct job *j = ctx;
	const int64_t *v = &j->values[x->at * j->q->n_order];
	const int64_t *w = &j->values[y->at * j->q->n_order];

	for (size_t i = 0; i < j->q->n_order; i++)
		if (v[i] != w[i])
			return (v[i] < w[i]) == j->q->order[i].descending ? 1 : -1;
	return x->email < y->email ? -1 : x->email > y->email;
}

static int
rank(struct job *j, size_t n)
{
	int err = briefs_rank(j->a);

	for (size_t k = 0; k < j->q->n_order && !err; k++)
		for (size_t i = 0; i < n && text_of(j->q->order[k].key) != BRIEF_TEXTS; i++) {
			int64_t *v = &j->values[i * j->q->n_order + k];
			*v = brief_rank(j->a, (uint32_t)*v);
		}
	return err;
}

static int
order_items(struct job *j, struct item *items, struct uid_list *l)
{
	size_t n = j->q->n_order;
	int err = LL_OK;

	for (size_t i = 0; i < l->len && !err; i++) {
		const struct email_info *info = email_find(j->a, l->at[i]);
		items[i] = (struct item){l->at[i], (uint32_t)i};
		for (size_t k = 0; k < n && !err; k++)
			err = value_make(j, &j->q->order[k], info, &j->values[i * n + k]);
	}
	if (!err)
		err = rank(j, l->len);
	if (!err && l->len)
		qsort_r(items, l->len, sizeof(*items), item_cmp, j);
	for (size_t i = 0; i < l->len && !err; i++)
		l->at[i] = items[i].email;
	return err;
}

static int
order_run(struct account *a, const struct email_query *q, struct uid_list *l)
{
	struct item *items = calloc(l->len + 1, sizeof(*items));
	struct job j = {
		.a = a, .q = q, .values = calloc(l->len * q->n_order + 1, sizeof(*j.values))};
	int err = items && j.values ? order_items(&j, items, l) : LL_ERR_NOMEM;

	free(items);
	free(j.values);
	return err;
}

/* The first of each thread stays. Threads are numbered like emails. */
static int
collapse(const struct account *a, struct uid_list *l)
{
	size_t bits = ((size_t)a->head.next_page << SLOTS_LOG) + 1, to = 0;
	uint8_t *seen = calloc(bits / 8 + 1, 1);

	if (!seen)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < l->len; i++) {
		uint32_t thread = email_find(a, l->at[i])->thread;
		if (thread < bits && seen[thread / 8] >> (thread % 8) & 1)
			continue;
		if (thread < bits)
			seen[thread / 8] |= (uint8_t)(1u << (thread % 8));
		l->at[to++] = l->at[i];
	}
	l->len = to;
	free(seen);
	return LL_OK;
}

/* ---- Results ---- */

static struct email_result *
result_find(struct account *a, struct slice key)
{
	struct email_view *v = a->emails;

	for (size_t i = 0; i < EMAIL_RESULTS; i++) {
		struct email_result *r = &v->results[i];
		if (r->key.len && slice_eq(buf_slice(&r->key), key) &&
			r->state == a->head.states[CHANGE_EMAIL] &&
			r->boxes == a->head.states[CHANGE_MAILBOX])
			return r;
	}
	return NULL;
}

/* The place of the one not used for longest. */
static struct email_result *
result_place(struct account *a)
{
	struct email_result *r = a->emails->results;

	for (size_t i = 1; i < EMAIL_RESULTS; i++)
		if (a->emails->results[i].used < r->used)
			r = &a->emails->results[i];
	buf_done(&r->key);
	uid_list_done(&r->emails);
	*r = (struct email_result){.key = BUF_INIT((size_t)1 << 20)};
	return r;
}

static int
result_make(struct account *a, const struct email_query *q, struct uid_list *l)
{
	int err = filter_run(a, q->filter, l);

	if (!err && q->n_order)
		err = order_run(a, q, l);
	return err || !q->collapse ? err : collapse(a, l);
}

int
emails_query(
	struct account *a, const struct email_query *q, const uint32_t **ret_emails, size_t *ret_n)
{
	struct uid_list l = {0};
	struct email_result *r;
	int err = emails_load(a);

	if (!err)
		err = email_view_threads(a);
	if (err)
		return err;
	r = q->key.len ? result_find(a, q->key) : NULL;
	if (!r) {
		err = result_make(a, q, &l);
		if (err) {
			uid_list_done(&l);
			return err;
		}
		r = result_place(a);
		buf_put(&r->key, q->key);
		r->emails = l;
		r->state = a->head.states[CHANGE_EMAIL];
		r->boxes = a->head.states[CHANGE_MAILBOX];
	}
	r->used = ++a->emails->clock;
	*ret_emails = r->emails.at;
	*ret_n = r->emails.len;
	return LL_OK;
}
