/* Email/query. Emails that may match, as far as can be told without reading any, are put in order;
 * then they are read one by one, in that order, until as many have been found as are wanted. The
 * result is kept until mail changes: the next page, or the count of all, goes on where it ended. */
#include "account/email_view.h"

#include <stdlib.h>

void
email_result_done(struct email_result *r)
{
	buf_done(&r->key);
	uid_list_done(&r->emails);
	free(r->threads);
	*r = (struct email_result){.used = 0};
}

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
	email_result_done(r);
	return r;
}

/* Nothing has been read, all candidates are in order. */
static int
result_start(struct account *a, const struct email_query *q, struct email_test *t,
	struct email_result *r)
{
	int err = email_test_candidates(t, &r->emails);

	r->key = BUF_INIT(q->key.len);
	buf_put(&r->key, q->key);
	r->state = a->head.states[CHANGE_EMAIL];
	r->boxes = a->head.states[CHANGE_MAILBOX];
	/* Threads are numbered like Emails. */
	r->threads_max = q->collapse ? ((size_t)a->head.next_page + 1) << SLOTS_LOG : 0;
	if (r->threads_max)
		r->threads = calloc(r->threads_max / 8, 1);
	if (!err && r->threads_max && !r->threads)
		err = LL_ERR_NOMEM;
	if (!err)
		err = buf_err(&r->key);
	return err || !q->n_order ? err : email_order_put(a, q, &r->emails);
}

/* The first of each thread stays: then the others of it need not be read. */
static bool
thread_told(const struct email_result *r, uint32_t thread)
{
	return thread < r->threads_max && r->threads[thread / 8] >> (thread % 8) & 1;
}

static int
result_ask(struct account *a, struct email_result *r, struct email_test *t)
{
	uint32_t email = r->emails.at[r->next];
	const struct email_info *info = email_find(a, email);
	bool yes = false;
	int err = LL_OK;

	if (!thread_told(r, info->thread))
		err = email_test_ask(t, info, &yes);
	if (err)
		return err;
	r->next++;
	if (!yes)
		return LL_OK;
	if (info->thread < r->threads_max)
		r->threads[info->thread / 8] |= (uint8_t)(1u << (info->thread % 8));
	r->emails.at[r->found++] = email;
	return LL_OK;
}

/* ---- Looking ahead ---- */

struct looking {
	struct account *a;
	const struct email_result *r;
	struct email_test *t;
};

static int
result_look(void *ctx, size_t i, bool *ret_opens)
{
	const struct looking *l = ctx;
	const struct email_info *info = email_find(l->a, l->r->emails.at[i]);

	*ret_opens = false;
	return thread_told(l->r, info->thread) ? LL_OK : email_test_expect(l->t, info, ret_opens);
}

static int
result_slice(struct account *a, struct email_result *r, size_t want, struct email_test *t)
{
	struct looking l = {a, r, t};
	struct find_ahead ahead = {.next = r->next};
	uint64_t until = a->spent + SLICE_NS;
	int err = LL_OK;

	while (!err && r->found < want && r->next < r->emails.len && a->spent < until) {
		err = find_ahead(&ahead, r->next, r->emails.len, result_look, &l);
		if (!err)
			err = result_ask(a, r, t);
	}
	return err;
}

static int
result_work(struct account *a, const struct email_query *q, size_t want, struct email_test *t,
	struct email_result **ret)
{
	struct email_result *r = result_find(a, q->key);
	int err = LL_OK;

	if (!r) {
		r = result_place(a);
		err = result_start(a, q, t, r);
	}
	if (!err)
		err = result_slice(a, r, want, t);
	if (err)
		email_result_done(r);
	*ret = r;
	return err;
}

int
emails_query(struct account *a, const struct email_query *q, size_t want, struct email_found *ret)
{
	struct email_test *t = NULL;
	struct email_result *r;
	int err = emails_load(a);

	if (!err)
		err = email_view_threads(a);
	if (!err)
		err = email_test_new(a, q->filter, &t);
	if (!err)
		err = result_work(a, q, want, t, &r);
	email_test_free(t);
	if (err)
		return err;
	r->used = ++a->emails->clock;
	*ret = (struct email_found){.at = r->emails.at, .n = r->found};
	ret->all = r->next == r->emails.len;
	return LL_OK;
}
