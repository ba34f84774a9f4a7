/* THREAD (RFC 5256 section 3): ORDEREDSUBJECT and REFERENCES. Both build the same forest of nodes;
 * nothing recurses, since a chain of replies may be as long as a mailbox. */
#include "account/find.h"

#include "account/thread_build.h"

#include <stdlib.h>

void
thread_forest_done(struct thread_forest *f)
{
	VEC_DONE(f);
	f->first = THREAD_NONE;
}

/* ---- Sorting of siblings ---- */

struct sibling {
	int64_t date;
	uint32_t uid, node;
};

static int
sibling_cmp(const void *a, const void *b)
{
	const struct sibling *x = a, *y = b;

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Puts a list of siblings in order of date; returns its new head. */
static int
siblings_sort(struct thread_build *t, uint32_t *head)
{
	size_t n = 0, k = 0;
	struct sibling *at;

	for (uint32_t i = *head; i != THREAD_NONE; i = t->at[i].next)
		n++;
	if (n < 2)
		return LL_OK;
	at = malloc(n * sizeof(*at));
	if (!at)
		return LL_ERR_NOMEM;
	for (uint32_t i = *head; i != THREAD_NONE; i = t->at[i].next)
		at[k++] = (struct sibling){t->at[i].date, t->at[i].order_uid, i};
	qsort(at, n, sizeof(*at), sibling_cmp);
	*head = at[0].node;
	for (k = 0; k < n; k++)
		t->at[at[k].node].next = k + 1 < n ? at[k + 1].node : THREAD_NONE;
	free(at);
	return LL_OK;
}

int
thread_build_sort(struct thread_build *t)
{
	int err = LL_OK;

	/* A dummy has the date of its earliest child. Dummies are only at the root, so one pass
	 * over the nodes sets all children before the roots are sorted. */
	for (size_t i = 0; i < t->len && !err; i++)
		err = siblings_sort(t, &t->at[i].child);
	for (size_t i = 0; i < t->len; i++) {
		uint32_t child = t->at[i].child;
		if (!t->at[i].uid && child != THREAD_NONE) {
			t->at[i].date = t->at[child].date;
			t->at[i].order_uid = t->at[child].uid;
		}
	}
	return err ? err : siblings_sort(t, &t->first);
}

/* ---- The result ---- */

int
thread_build_emit(const struct thread_build *t, struct thread_forest *ret)
{
	struct thread_forest f = {.first = t->first};

	if (VEC_RESERVE(&f, t->len + 1))
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < t->len; i++)
		f.at[f.len++] = (struct thread_node){t->at[i].uid, t->at[i].child, t->at[i].next};
	*ret = f;
	return LL_OK;
}

/* ---- ORDEREDSUBJECT ---- */

static int
subject_cmp(const void *a, const void *b)
{
	const struct thread_item *x = *(const struct thread_item *const *)a;
	const struct thread_item *y = *(const struct thread_item *const *)b;
	int c = slice_cmp(x->subject, y->subject);

	if (c)
		return c;
	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The first of each subject is a root, the others are its children. */
static void
group_subjects(struct thread_build *t, const struct thread_item **by, size_t n)
{
	uint32_t root = THREAD_NONE;

	for (size_t i = 0; i < n; i++) {
		uint32_t node = by[i]->node;
		if (i && slice_eq(by[i]->subject, by[i - 1]->subject)) {
			t->at[node].next = t->at[root].child;
			t->at[root].child = node;
			continue;
		}
		root = node;
		t->at[root].next = t->first;
		t->first = root;
	}
}

static int
thread_subjects(struct thread_build *t)
{
	const struct thread_item **by = calloc(t->n_items + 1, sizeof(*by));
	int err = by ? LL_OK : LL_ERR_NOMEM;

	for (size_t i = 0; i < t->n_items && !err; i++) {
		by[i] = &t->items[i];
		err = thread_build_node(t, &t->items[i], &t->items[i].node);
	}
	if (!err) {
		qsort(by, t->n_items, sizeof(*by), subject_cmp);
		group_subjects(t, by, t->n_items);
		err = thread_build_sort(t);
	}
	free(by);
	return err;
}

struct thread_job {
	struct thread_build build;
	struct mailbox *mb;
	enum thread_method method;
	const uint32_t *uids;
	size_t n, next;
};

void
thread_job_free(struct thread_job *j)
{
	if (!j)
		return;
	if (j->mb)
		mailbox_close(j->mb);
	thread_build_done(&j->build);
	free(j);
}

int
thread_job_new(struct mailbox *mb, enum thread_method method, const uint32_t *uids, size_t n,
	struct thread_job **ret)
{
	struct thread_job *j = calloc(1, sizeof(*j));
	int err = j ? thread_build_start(&j->build, n) : LL_ERR_NOMEM;

	if (!err)
		err = mailbox_open(mb);
	if (err) {
		thread_job_free(j);
		return err;
	}
	j->mb = mb;
	j->method = method;
	j->uids = uids;
	j->n = n;
	*ret = j;
	return LL_OK;
}

int
thread_job_step(struct thread_job *j, struct thread_forest *ret, bool *ret_done)
{
	struct account *a = mailbox_account(j->mb);
	uint64_t until = a->spent + SLICE_NS;
	int err = LL_OK;

	*ret_done = false;
	while (j->next < j->n && !err && a->spent < until)
		err = thread_build_item(&j->build, j->mb, j->uids[j->next++]);
	while (j->method == THREAD_REFERENCES && j->next == j->n && !err && a->spent < until &&
		j->build.n_linked < j->build.n_items) {
		a->spent += SPENT_LINK;
		err = thread_references_link(&j->build);
	}
	if (err || a->spent >= until)
		return err;
	*ret_done = true;
	err = j->method == THREAD_REFERENCES ? thread_references(&j->build)
					     : thread_subjects(&j->build);
	return err ? err : thread_build_emit(&j->build, ret);
}

int
mailbox_thread(struct mailbox *mb, enum thread_method method, const uint32_t *uids, size_t n,
	struct thread_forest *ret)
{
	struct thread_job *j;
	bool done = false;
	int err = thread_job_new(mb, method, uids, n, &j);

	if (err)
		return err;
	while (!err && !done)
		err = thread_job_step(j, ret, &done);
	thread_job_free(j);
	return err;
}
