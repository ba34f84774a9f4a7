/* The expunge log of a mailbox: for QRESYNC's VANISHED and JMAP's destroyed. It grows at its last
 * page; when it has too many, the oldest is dropped and the floor rises. */
#include "account/txn.h"

#include <stdlib.h>

#define GONE_VERSION 1

static int
event_encode(const struct txn_box *b, uint64_t modseq, struct buf *out)
{
	const struct message_row *last = &(const struct message_row){0};
	size_t n = 0;

	VEC_EACH (e, &b->edits)
		n += e->kind == EDIT_DEL;
	buf_put_varint(out, modseq);
	buf_put_varint(out, n);
	VEC_EACH (e, &b->edits) {
		if (e->kind != EDIT_DEL)
			continue;
		buf_put_varint(out, e->row.uid - last->uid);
		buf_put_svarint(out, (int64_t)e->row.email - last->email);
		last = &e->row;
	}
	return buf_err(out);
}

/* Calls take for every entry of a page with a modseq above since. */
static int
page_walk(struct slice plain, uint64_t since, struct uid_list *ret, uint64_t *ret_last)
{
	struct reader r = reader_new(plain);
	int err = LL_OK;

	if (reader_u8(&r) != GONE_VERSION)
		return LL_ERR_UNSUPPORTED;
	while (!err && !r.err && r.rest.len) {
		uint64_t modseq = reader_varint(&r), n = reader_varint(&r), uid = 0;
		for (; n && !r.err && !err; n--) {
			uid += reader_varint(&r);
			(void)reader_svarint(&r);
			if (uid > UINT32_MAX)
				return LL_ERR_CORRUPT;
			if (ret && modseq > since && !r.err)
				err = VEC_PUSH(ret, (uint32_t)uid);
		}
		*ret_last = modseq;
	}
	return err ? err : r.err ? LL_ERR_CORRUPT : LL_OK;
}

/* The oldest page goes. */
static int
gone_drop_first(struct txn *t, struct txn_box *b)
{
	struct rec_id id = {.type = REC_GONE, .box = b->mb->s.info.id, .number = b->s.gone_first};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	uint64_t rev, last = b->s.gone_floor;
	int err = rec_get(t->a, &id, REV_ANY, &rev, &plain);

	if (!err)
		err = page_walk(buf_slice(&plain), 0, NULL, &last);
	if (err)
		return err == LL_ERR_NOTFOUND ? LL_ERR_AUTH : err;
	set_toggle(&t->head, b->s.set_gone, &id, rev);
	b->s.gone_first++;
	b->s.gone_floor = last;
	return txn_del(t, &id);
}

/* The plaintext of the last page as it is now; empty when there is none. */
static int
gone_tail(struct account *a, const struct mailbox *mb, struct buf *out)
{
	struct rec_id id = {.type = REC_GONE, .box = mb->s.info.id, .number = mb->s.gone_next - 1};
	int err;

	if (mb->s.gone_first == mb->s.gone_next)
		return LL_OK;
	if (mb->gone_tail.len)
		return buf_put(out, buf_slice(&mb->gone_tail));
	err = rec_get(a, &id, mb->s.gone_rev, NULL, out);
	return err == LL_ERR_NOTFOUND ? LL_ERR_AUTH : err;
}

static int
gone_append(struct txn *t, struct txn_box *b, struct slice event)
{
	struct rec_id id = {.type = REC_GONE, .box = b->mb->s.info.id};
	struct buf *tail = &b->gone_tail;
	int err = gone_tail(t->a, b->mb, tail);

	if (err)
		return err;
	if (!tail->len || tail->len + event.len > GONE_PAGE_BYTES) {
		buf_reset(tail);
		buf_putc(tail, GONE_VERSION);
		b->s.gone_next++;
		id.number = b->s.gone_next - 1;
	} else {
		id.number = b->s.gone_next - 1;
		set_toggle(&t->head, b->s.set_gone, &id, b->s.gone_rev);
	}
	b->s.gone_rev = t->head.rev;
	set_toggle(&t->head, b->s.set_gone, &id, b->s.gone_rev);
	err = buf_put(tail, event);
	if (!err)
		err = txn_put(t, &id, buf_slice(tail));
	if (!err && b->s.gone_next - b->s.gone_first > GONE_PAGES)
		err = gone_drop_first(t, b);
	return err;
}

int
txn_gone_log(struct txn *t, struct txn_box *b)
{
	CLEANUP(buf_done) struct buf event = BUF_INIT(STORE_VALUE_MAX);
	int err = event_encode(b, t->head.modseq, &event);

	b->gone_tail = BUF_INIT(STORE_VALUE_MAX);
	return err ? err : gone_append(t, b, buf_slice(&event));
}

/* ---- Reading ---- */

struct vanished {
	struct mailbox *mb;
	uint64_t since;
	struct uid_list *uids;
	uint8_t set[SET_LEN];
};

static int
vanished_page(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct vanished *v = ctx;
	uint64_t last;

	set_toggle(&v->mb->account->head, v->set, id, rev);
	return page_walk(plain, v->since, v->uids, &last);
}

static int
uid_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
vanished_read(struct mailbox *mb, uint64_t since, struct uid_list *ret)
{
	struct vanished v = {.mb = mb, .since = since, .uids = ret};
	int err;

	if (mb->gone || since >= mb->s.info.highestmodseq)
		return LL_OK;
	if (since < mb->s.gone_floor)
		return LL_ERR_RANGE;
	err = rec_each(mb->account, REC_GONE, mb->s.info.id, mb->s.gone_first, mb->s.gone_next,
		vanished_page, &v);
	if (!err && memcmp(v.set, mb->s.set_gone, SET_LEN) != 0)
		err = LL_ERR_AUTH;
	return err;
}

int
mailbox_vanished(struct mailbox *mb, uint64_t since, struct uid_list *ret)
{
	size_t before = ret->len;
	int err = vanished_read(mb, since, ret);

	for (int i = 0; i < 4 && err == LL_ERR_AUTH && account_stale(mb->account); i++) {
		ret->len = before;
		err = account_reload(mb->account);
		if (!err)
			err = vanished_read(mb, since, ret);
	}
	if (err)
		ret->len = before;
	else if (ret->len > before)
		qsort(ret->at + before, ret->len - before, sizeof(ret->at[0]), uid_cmp);
	return err;
}
