/* SORT (RFC 5256) and SORT=DISPLAY (RFC 5957): keys are computed once per message, in the collation
 * form of i;unicode-casemap, then compared as bytes. */
#include "account/find.h"

#include "account/engine.h"
#include "base/arena.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/subject.h"

#include <stdlib.h>

#define KEYS_MEMORY ((size_t)256 << 20)

/* The keys that an order asks for, in its order. */
struct sort_value {
	int64_t number;
	struct slice text;
};
struct sort_item {
	uint32_t uid;
	struct sort_value *v;
};

struct sort_job {
	struct account *a;
	const struct sort_order *order;
	size_t n_order;
	struct arena mem;
	struct buf decoded, folded;
};

static int
fold_into(struct sort_job *j, struct slice utf8, struct slice *ret)
{
	int err;

	buf_reset(&j->folded);
	err = fold_casemap(utf8, &j->folded);
	if (err)
		return err;
	*ret = arena_dup(&j->mem, buf_slice(&j->folded));
	return ret->ptr ? LL_OK : LL_ERR_NOMEM;
}

static int
key_subject(struct sort_job *j, const struct message_meta *m, struct slice *ret)
{
	int err;

	buf_reset(&j->decoded);
	if (!m->envelope.subject.ptr)
		return LL_OK;
	err = subject_base(&j->decoded, m->envelope.subject, NULL);
	return err ? err : fold_into(j, buf_slice(&j->decoded), ret);
}

/* The first address of a list: its mailbox part, or what a reader shows for it. */
static int
key_address(struct sort_job *j, const struct message_meta *m, enum sort_key key, struct slice *ret)
{
	static const enum meta_envelope_list lists[SORT_KEYS] = {[SORT_CC] = META_CC,
		[SORT_FROM] = META_FROM,
		[SORT_TO] = META_TO,
		[SORT_DISPLAY_FROM] = META_FROM,
		[SORT_DISPLAY_TO] = META_TO};
	bool display = key == SORT_DISPLAY_FROM || key == SORT_DISPLAY_TO;
	struct meta_list l = m->envelope.lists[lists[key]];
	struct address addr;
	int err = LL_OK;

	if (!meta_address_next(&l, &addr))
		return LL_OK;
	buf_reset(&j->decoded);
	if (addr.kind == ADDRESS_GROUP || (display && addr.name.len)) {
		err = encoded_word_decode(&j->decoded, addr.name);
	} else {
		buf_put(&j->decoded, addr.local);
		if (display && addr.domain.ptr) {
			buf_putc(&j->decoded, '@');
			buf_put(&j->decoded, addr.domain);
		}
		err = buf_err(&j->decoded);
	}
	return err ? err : fold_into(j, buf_slice(&j->decoded), ret);
}

static int
key_make(struct sort_job *j, enum sort_key key, const struct message_row *row,
	const struct entry *e, const struct message_meta *m, struct sort_value *v)
{
	switch (key) {
	case SORT_ARRIVAL:
		v->number = e->internal_date;
		return LL_OK;
	case SORT_DATE:
		v->number = m->flags & META_HAS_DATE ? m->date : e->internal_date;
		return LL_OK;
	case SORT_SIZE:
		v->number = row->size;
		return LL_OK;
	case SORT_SUBJECT:
		return key_subject(j, m, &v->text);
	default:
		return key_address(j, m, key, &v->text);
	}
}

static int
item_make(struct sort_job *j, const struct message_row *row, struct sort_item *item)
{
	struct page *p;
	struct entry e;
	const struct message_meta *m;
	int err = entry_get(j->a, row->email, &p, &e);

	if (!err)
		err = entry_meta(j->a, p, row->email, &e, &m);
	item->uid = row->uid;
	item->v = ARENA_ARRAY(&j->mem, struct sort_value, j->n_order);
	if (!item->v)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < j->n_order && !err; i++)
		err = key_make(j, j->order[i].key, row, &e, m, &item->v[i]);
	return err;
}

static int
item_cmp(const void *a, const void *b, void *ctx)
{
	const struct sort_item *x = a, *y = b;
	const struct sort_job *j = ctx;

	for (size_t i = 0; i < j->n_order; i++) {
		const struct sort_value *v = &x->v[i], *w = &y->v[i];
		int c = v->number < w->number ? -1 : v->number > w->number;
		if (!c)
			c = slice_cmp(v->text, w->text);
		if (c)
			return j->order[i].reverse ? -c : c;
	}
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static int
sort_run(struct sort_job *j, struct mailbox *mb, uint32_t *uids, size_t n)
{
	struct sort_item *items = calloc(n + 1, sizeof(*items));
	size_t found = 0, missing = 0;
	int err = items ? LL_OK : LL_ERR_NOMEM;

	for (size_t i = 0; i < n && !err; i++) {
		const struct message_row *row = mailbox_row(mb, uids[i]);
		if (row)
			err = item_make(j, row, &items[found++]);
	}
	if (!err) {
		qsort_r(items, found, sizeof(*items), item_cmp, j);
		/* What is not there any more stands behind, in its old order. */
		uint32_t *gone = malloc((n - found + 1) * sizeof(*gone));
		for (size_t i = 0; i < n && gone; i++)
			if (!mailbox_row(mb, uids[i]))
				gone[missing++] = uids[i];
		for (size_t i = 0; i < n && gone; i++)
			uids[i] = i < found ? items[i].uid : gone[i - found];
		err = gone ? LL_OK : LL_ERR_NOMEM;
		free(gone);
	}
	free(items);
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
