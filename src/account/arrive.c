/* Placing new emails into the pages of their mailbox (layout.h). */
#include "account/arrive.h"

size_t
arrival_bytes(const struct arrival *x)
{
	return 160 + x->entry.meta.len + x->entry.recipient.len + x->sig.len + 8 * x->hashes.n;
}

/* A part of each of the three kinds, growing. */
struct parts {
	struct txn *t;
	uint32_t page;
	struct {
		struct buf plain;
		uint16_t first;
	} at[3];
};
static const enum rec_type part_types[3] = {REC_MSG, REC_THR, REC_SIG};

static int
part_flush(struct parts *p, size_t i)
{
	struct rec_id id = {.type = part_types[i], .number = p->page, .part = p->at[i].first};
	struct buf *plain = &p->at[i].plain;
	int err = buf_err(plain);

	if (!plain->len && !err)
		return LL_OK;
	if (!err)
		err = txn_put(p->t, &id, buf_slice(plain));
	buf_reset(plain);
	return err;
}

static int
part_add(struct parts *p, size_t i, uint8_t slot, struct slice item)
{
	int err = LL_OK;

	if (p->at[i].plain.len + item.len + ITEM_OVERHEAD > PART_BYTES)
		err = part_flush(p, i);
	if (err)
		return err;
	if (!p->at[i].plain.len)
		p->at[i].first = slot;
	return item_put(&p->at[i].plain, slot, item);
}

static int
parts_flush(struct parts *p)
{
	int err = LL_OK;

	for (size_t i = 0; i < ARRAY_SIZE(p->at) && !err; i++)
		err = part_flush(p, i);
	return err;
}

static int
parts_add(struct parts *p, const struct arrival *x)
{
	CLEANUP(buf_done) struct buf item = BUF_SECRET(STORE_VALUE_MAX);
	uint8_t slot = (uint8_t)(x->email & (SLOTS - 1));
	int err = LL_OK;

	if (p->page != x->email >> SLOTS_LOG) {
		err = parts_flush(p);
		p->page = x->email >> SLOTS_LOG;
	}
	if (!err)
		err = entry_encode(&x->entry, &item);
	if (!err)
		err = part_add(p, 0, slot, buf_slice(&item));
	buf_reset(&item);
	if (!err && x->hashes.n)
		err = thread_item_encode(&x->hashes, x->entry.thread, &item);
	if (!err && x->hashes.n)
		err = part_add(p, 1, slot, buf_slice(&item));
	return err ? err : part_add(p, 2, slot, x->sig);
}

/* The next number in the mailbox's page, or in a new one. */
static int
email_next(struct txn *t, struct txn_box *b, size_t bytes, uint32_t *ret)
{
	struct box_state *s = &b->s;

	if (s->page_used && (s->page_used == SLOTS || s->page_bytes + bytes > PAGE_BYTES)) {
		if (t->head.n_pack < PACK_LIST_MAX)
			t->head.pack[t->head.n_pack++] = s->page;
		s->page_used = 0;
	}
	if (!s->page_used) {
		if (t->head.next_page > PAGES_MAX)
			return LL_ERR_LIMIT;
		s->page = t->head.next_page++;
		s->page_bytes = 0;
	}
	s->page_bytes += (uint32_t)bytes;
	*ret = s->page << SLOTS_LOG | s->page_used++;
	return LL_OK;
}

static int
arrival_place(struct txn *t, struct txn_box *b, struct arrival *x, struct parts *p)
{
	int err = email_next(t, b, arrival_bytes(x), &x->email);

	if (!err)
		err = thread_find(t->a, &x->hashes, x->email, &x->entry.thread);
	if (err)
		return err;
	thread_learn(t->a, &x->hashes, x->entry.thread);
	return parts_add(p, x);
}

int
arrivals_place(struct txn *t, struct txn_box *b, struct arrival *at, size_t n)
{
	struct parts p = {.t = t};
	int err = LL_OK;

	for (size_t i = 0; i < ARRAY_SIZE(p.at); i++)
		p.at[i].plain = BUF_SECRET(STORE_VALUE_MAX);
	for (size_t i = 0; i < n && !err; i++)
		err = arrival_place(t, b, &at[i], &p);
	if (!err)
		err = parts_flush(&p);
	for (size_t i = 0; i < ARRAY_SIZE(p.at); i++)
		buf_done(&p.at[i].plain);
	t->grows = true;
	return err;
}

int
arrivals_rows(struct txn *t, struct txn_box *b, struct arrival *at, size_t n)
{
	int err = LL_OK;

	for (size_t i = 0; i < n && !err; i++) {
		struct message_row row = {.flags = at[i].flags,
			.email = at[i].email,
			.size = (uint32_t)at[i].entry.size,
			.saved = (uint32_t)account_now(t->a)};
		err = txn_row_new(t, b, &row);
		if (!err)
			err = txn_log_email(t, row.email, at[i].entry.thread);
		at[i].uid = row.uid;
	}
	return err;
}
