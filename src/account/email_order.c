/* Emails in the order of a query. All it may ask for is known without reading a message. */
#include "account/email_view.h"

#include "account/brief.h"

#include <stdlib.h>

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
		email_thread_keyword(j->a, info->thread, o->keyword, &all, &some);
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

int
email_order_put(struct account *a, const struct email_query *q, struct uid_list *l)
{
	struct item *items = calloc(l->len + 1, sizeof(*items));
	struct job j = {
		.a = a, .q = q, .values = calloc(l->len * q->n_order + 1, sizeof(*j.values))};
	int err = items && j.values ? order_items(&j, items, l) : LL_ERR_NOMEM;

	free(items);
	free(j.values);
	return err;
}
