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
	const struct sort_order *order;
	size_t n_order;
	struct sort_value *values;
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

/* The messages that are there, and behind them, in their old order, the UIDs that are not. */
static int
items_collect(struct sort_job *j, struct mailbox *mb, const uint32_t *uids, size_t n,
	struct sort_item *items, size_t *ret_found)
{
	size_t found = 0, gone = n;
	int err = LL_OK;

	for (size_t i = n; i-- > 0;)
		if (!mailbox_row(mb, uids[i]))
			items[--gone].uid = uids[i];
	for (size_t i = 0; i < n && !err && found < gone; i++) {
		const struct message_row *row = mailbox_row(mb, uids[i]);
		if (!row)
			continue;
		items[found] = (struct sort_item){row->uid, (uint32_t)found};
		err = item_make(j, row, &j->values[found * j->n_order]);
		found++;
	}
	*ret_found = found;
	return err;
}

static int
sort_run(struct sort_job *j, struct mailbox *mb, uint32_t *uids, size_t n)
{
	struct sort_item *items = calloc(n + 1, sizeof(*items));
	size_t found = 0;
	int err = LL_ERR_NOMEM;

	j->values = calloc(n * j->n_order + 1, sizeof(*j->values));
	if (items && j->values)
		err = items_collect(j, mb, uids, n, items, &found);
	if (!err)
		err = rank(j, found);
	if (!err) {
		qsort_r(items, found, sizeof(*items), item_cmp, j);
		for (size_t i = 0; i < n; i++)
			uids[i] = items[i].uid;
	}
	free(items);
	free(j->values);
	return err == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : err;
}

int
mailbox_sort(struct mailbox *mb, const struct sort_order *order, size_t n_order, uint32_t *uids,
	size_t n)
{
	struct sort_job j = {.a = mb->account,
		.order = order,
		.n_order = n_order,
		.mem = ARENA_INIT(KEYS_MEMORY),
		.decoded = BUF_INIT((size_t)1 << 20),
		.folded = BUF_INIT((size_t)4 << 20)};
	int err;

	if (n_order > SORT_ORDERS_MAX)
		return LL_ERR_LIMIT;
	err = mailbox_open(mb);
	if (err)
		return err;
	err = sort_run(&j, mb, uids, n);
	mailbox_close(mb);
	arena_done(&j.mem);
	buf_done(&j.decoded);
	buf_done(&j.folded);
	return err;
}
