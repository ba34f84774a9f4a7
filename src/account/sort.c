/* SORT (RFC 5256) and SORT=DISPLAY (RFC 5957). Nearly every order asks for what the briefs have:
 * dates, and texts whose collation keys (i;unicode-casemap) are ranked. Only CC and the mailbox
 * part of To are read from each message. */
#include "account/find.h"

#include "account/brief.h"
#include "account/engine.h"
#include "base/arena.h"
#include "mail/fold.h"

#include <stdlib.h>

#define KEYS_MEMORY ((size_t)256 << 20)

struct sort_value {
	int64_t number;
	struct slice text;
};
/* A message, and where its values stand: those that the order asks for, in its order. */
struct sort_item {
	uint32_t uid, at;
};

struct sort_job {
	struct account *a;
	struct mailbox *mb;
	const struct sort_order *order;
	size_t n_order;
	uint32_t *uids;
	size_t n, next; /* the one to read next */
	struct sort_item
		*items; /* those that are there; behind them, from the end, those that are not */
	struct sort_value *values;
	size_t found, gone;
	struct arena mem;
	struct buf decoded, folded;
};

/* Keys that are no brief's text have BRIEF_TEXTS. */
static const enum brief_text texts[SORT_KEYS] = {[SORT_ARRIVAL] = BRIEF_TEXTS,
	[SORT_CC] = BRIEF_TEXTS,
	[SORT_DATE] = BRIEF_TEXTS,
	[SORT_FROM] = BRIEF_FROM,
	[SORT_SIZE] = BRIEF_TEXTS,
	[SORT_SUBJECT] = BRIEF_SUBJECT,
	[SORT_TO] = BRIEF_TEXTS,
	[SORT_DISPLAY_FROM] = BRIEF_SHOWN_FROM,
	[SORT_DISPLAY_TO] = BRIEF_SHOWN_TO};

/* The mailbox part of the first address of a list. */
static int
key_address(struct sort_job *j, const struct message_row *row, enum meta_envelope_list list,
	struct slice *ret)
{
	const struct message_meta *m;
	struct meta_list l;
	struct address addr;
	struct page *p;
	struct entry e;
	int err = entry_get(j->a, row->email, &p, &e);

	if (!err)
		err = entry_meta(j->a, p, row->email, &e, &m);
	if (err)
		return err;
	l = m->envelope.lists[list];
	buf_reset(&j->decoded);
	buf_reset(&j->folded);
	if (!meta_address_next(&l, &addr))
		return LL_OK;
	err = brief_address(&addr, false, &j->decoded);
	if (!err)
		err = fold_casemap(buf_slice(&j->decoded), &j->folded);
	if (err)
		return err;
	*ret = arena_dup(&j->mem, buf_slice(&j->folded));
	return ret->ptr ? LL_OK : LL_ERR_NOMEM;
}

static int
value_make(struct sort_job *j, enum sort_key key, const struct message_row *row,
	const struct brief *b, struct sort_value *v)
{
	switch (key) {
	case SORT_ARRIVAL:
		v->number = b->received;
		return LL_OK;
	case SORT_DATE:
		v->number = b->sent;
		return LL_OK;
	case SORT_SIZE:
		v->number = row->size;
		return LL_OK;
	case SORT_CC:
		return key_address(j, row, META_CC, &v->text);
	case SORT_TO:
		return key_address(j, row, META_TO, &v->text);
	default: /* ranked when all are known */
		v->number = b->text[texts[key]];
		return LL_OK;
	}
}

static int
item_make(struct sort_job *j, const struct message_row *row, struct sort_value *v)
{
	const struct brief *b;
	int err = brief_get(j->a, row->email, &b);
	struct brief copy;

	if (!err)
		copy = *b;
	for (size_t i = 0; i < j->n_order && !err; i++)
		err = value_make(j, j->order[i].key, row, &copy, &v[i]);
	return err;
}

static int
rank(struct sort_job *j, size_t n)
{
	int err = briefs_rank(j->a);

	for (size_t k = 0; k < j->n_order && !err; k++)
		for (size_t i = 0; i < n && texts[j->order[k].key] != BRIEF_TEXTS; i++) {
			struct sort_value *v = &j->values[i * j->n_order + k];
			v->number = brief_rank(j->a, (uint32_t)v->number);
		}
	return err;
}

static int
item_cmp(const void *a, const void *b, void *ctx)
{
	const struct sort_item *x = a, *y = b;
	const struct sort_job *j = ctx;
	const struct sort_value *v = &j->values[x->at * j->n_order];
	const struct sort_value *w = &j->values[y->at * j->n_order];

	for (size_t i = 0; i < j->n_order; i++) {
		int c = v[i].number < w[i].number ? -1 : v[i].number > w[i].number;
		if (!c)
			c = slice_cmp(v[i].text, w[i].text);
		if (c)
			return j->order[i].reverse ? -c : c;
	}
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int
job_message(struct sort_job *j, uint32_t uid)
{
	const struct message_row *row = mailbox_row(j->mb, uid);
	size_t at = j->found;

	j->a->spent += SPENT_ROW;
	if (!row) {
		j->items[j->n - ++j->gone].uid = uid;
		return LL_OK;
	}
	j->found++;
	j->items[at] = (struct sort_item){uid, (uint32_t)at};
	return item_make(j, row, &j->values[at * j->n_order]);
}

/* What is not there any more stands behind, in its old order. */
static int
job_finish(struct sort_job *j)
{
	int err = rank(j, j->found);

	if (err)
		return err;
	qsort_r(j->items, j->found, sizeof(*j->items), item_cmp, j);
	for (size_t i = 0; i < j->found; i++)
		j->uids[i] = j->items[i].uid;
	for (size_t i = 0; i < j->gone; i++)
		j->uids[j->found + i] = j->items[j->n - 1 - i].uid;
	return LL_OK;
}

int
sort_job_step(struct sort_job *j, bool *ret_done)
{
	uint64_t until = j->a->spent + SLICE_NS;
	int err = LL_OK;

	while (j->next < j->n && !err && j->a->spent < until)
		err = job_message(j, j->uids[j->next++]);
	*ret_done = j->next == j->n;
	if (!err && *ret_done)
		err = job_finish(j);
	return err == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : err;
}

void
sort_job_free(struct sort_job *j)
{
	if (!j)
		return;
	if (j->mb)
		mailbox_close(j->mb);
	free(j->items);
	free(j->values);
	arena_done(&j->mem);
	buf_done(&j->decoded);
	buf_done(&j->folded);
	free(j);
}

int
sort_job_new(struct mailbox *mb, const struct sort_order *order, size_t n_order, uint32_t *uids,
	size_t n, struct sort_job **ret)
{
	struct sort_job *j = n_order <= SORT_ORDERS_MAX ? calloc(1, sizeof(*j)) : NULL;
	int err = n_order <= SORT_ORDERS_MAX ? LL_ERR_NOMEM : LL_ERR_LIMIT;

	if (!j)
		return err;
	*j = (struct sort_job){.a = mb->account,
		.order = order,
		.n_order = n_order,
		.uids = uids,
		.n = n,
		.items = calloc(n + 1, sizeof(*j->items)),
		.values = calloc(n * n_order + 1, sizeof(*j->values)),
		.mem = ARENA_INIT(KEYS_MEMORY),
		.decoded = BUF_INIT((size_t)1 << 20),
		.folded = BUF_INIT((size_t)4 << 20)};
	if (j->items && j->values)
		err = mailbox_open(mb);
	if (!err)
		j->mb = mb;
	if (err)
		sort_job_free(j);
	else
		*ret = j;
	return err;
}

int
mailbox_sort(struct mailbox *mb, const struct sort_order *order, size_t n_order, uint32_t *uids,
	size_t n)
{
	struct sort_job *j;
	bool done = false;
	int err = sort_job_new(mb, order, n_order, uids, n, &j);

	if (err)
		return err;
	while (!err && !done)
		err = sort_job_step(j, &done);
	sort_job_free(j);
	return err;
}
