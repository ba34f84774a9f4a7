/* Pages of rows: a mailbox's list of messages with what changes about them. */
#include "account/engine.h"

#include <stdlib.h>

#define ROWS_VERSION 1

int
rows_encode(const struct message_row *rows, size_t n, struct buf *out)
{
	struct message_row last = {0};
	uint64_t top = 0;

	for (size_t i = 0; i < n; i++)
		top = MAX(top, rows[i].modseq);
	buf_putc(out, ROWS_VERSION);
	buf_put_varint(out, n);
	buf_put_varint(out, top);
	for (size_t i = 0; i < n; i++) {
		const struct message_row *r = &rows[i];
		buf_put_varint(out, r->uid - last.uid);
		buf_put_svarint(out, (int64_t)r->email - last.email);
		buf_put_varint(out, r->size);
		buf_put_svarint(out, (int64_t)r->saved - last.saved);
		buf_put_varint(out, r->flags);
		buf_put_varint(out, top - r->modseq);
		last = *r;
	}
	return buf_err(out);
}

static bool
row_read(struct reader *r, uint64_t top, struct message_row *row)
{
	uint64_t uid = row->uid + reader_varint(r);
	int64_t email = (int64_t)row->email + reader_svarint(r);
	uint64_t size = reader_varint(r);
	int64_t saved = (int64_t)row->saved + reader_svarint(r);
	uint64_t flags = reader_varint(r), back = reader_varint(r);

	if (r->err || uid <= row->uid || uid > UINT32_MAX || email <= 0 || email > UINT32_MAX ||
		size > UINT32_MAX || saved < 0 || saved > UINT32_MAX || back > top)
		return false;
	*row = (struct message_row){
		flags, top - back, (uint32_t)uid, (uint32_t)email, (uint32_t)size, (uint32_t)saved};
	return true;
}

static int
rows_decode(struct mailbox *mb, uint64_t page, struct slice plain)
{
	struct reader r = reader_new(plain);
	struct message_row row = {0};
	uint64_t n, top;

	if (reader_u8(&r) != ROWS_VERSION)
		return LL_ERR_UNSUPPORTED;
	n = reader_varint(&r);
	top = reader_varint(&r);
	if (!n || n > 1u << ROWS_PER_PAGE_LOG)
		return LL_ERR_CORRUPT;
	for (; n; n--) {
		if (!row_read(&r, top, &row) || row.uid >> ROWS_PER_PAGE_LOG != page)
			return LL_ERR_CORRUPT;
		if (VEC_PUSH(&mb->rows, row))
			return LL_ERR_NOMEM;
	}
	return reader_end(&r) ? LL_ERR_CORRUPT : LL_OK;
}

struct load {
	struct mailbox *mb;
	uint8_t set[SET_LEN];
};

static int
load_row(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct load *l = ctx;
	struct row_page page = {(uint32_t)id->number, rev};

	set_toggle(&l->mb->account->head, l->set, id, rev);
	if (VEC_PUSH(&l->mb->pages, page))
		return LL_ERR_NOMEM;
	return rows_decode(l->mb, id->number, plain);
}

static void
rows_drop(struct mailbox *mb)
{
	VEC_DONE(&mb->rows);
	VEC_DONE(&mb->pages);
	mb->loaded = false;
}

static int
rows_load(struct mailbox *mb)
{
	struct load l = {.mb = mb};
	int err;

	rows_drop(mb);
	err = VEC_RESERVE(&mb->rows, mb->s.info.exists + mb->s.info.exists / 16 + 1);
	if (!err)
		err = rec_each(mb->account, REC_ROW, mb->s.info.id, 0, UINT64_MAX, load_row, &l);
	if (!err &&
		(memcmp(l.set, mb->s.set_row, SET_LEN) != 0 || mb->rows.len != mb->s.info.exists))
		err = LL_ERR_AUTH;
	if (err)
		rows_drop(mb);
	else
		mb->loaded = true;
	return err;
}

int
mailbox_load(struct mailbox *mb)
{
	struct account *a = mb->account;
	int err = LL_OK;

	for (int i = 0; i < 4 && !mb->loaded && !mb->gone; i++) {
		err = rows_load(mb);
		if (err != LL_ERR_AUTH || a->reloading || !account_stale(a))
			break;
		a->reloading = true;
		err = account_reload(a);
		a->reloading = false;
		if (err)
			break;
	}
	return err;
}

void
mailbox_unload(struct mailbox *mb)
{
	rows_drop(mb);
	buf_done(&mb->gone_tail);
}

void
mailbox_shrink(struct mailbox *mb)
{
	void *rows;

	buf_done(&mb->gone_tail);
	if (!mb->users) {
		mailbox_unload(mb);
		return;
	}
	rows = reallocarray(mb->rows.at, MAX(mb->rows.len, 1u), sizeof(*mb->rows.at));
	if (rows) {
		mb->rows.at = rows;
		mb->rows.cap = MAX(mb->rows.len, 1u);
	}
}

void
info_count(struct mailbox_info *info, const struct message_row *row, int sign)
{
	uint32_t one = (uint32_t)sign;

	info->exists += one;
	info->size += (uint64_t)((int64_t)row->size * sign);
	if (!(row->flags & FLAG_SEEN))
		info->unseen += one;
	if (row->flags & FLAG_DELETED) {
		info->deleted += one;
		info->deleted_size += (uint64_t)((int64_t)row->size * sign);
	}
}

size_t
mailbox_lower_bound(const struct mailbox *mb, uint32_t uid)
{
	size_t lo = 0, hi = mb->rows.len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (mb->rows.at[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct message_row *
mailbox_row(const struct mailbox *mb, uint32_t uid)
{
	size_t i = mailbox_lower_bound(mb, uid);

	return i < mb->rows.len && mb->rows.at[i].uid == uid ? &mb->rows.at[i] : NULL;
}

const struct message_row *
mailbox_rows(const struct mailbox *mb, size_t *ret_n)
{
	*ret_n = mb->rows.len;
	return mb->rows.at;
}

/* ---- Users ---- */

int
mailbox_open(struct mailbox *mb)
{
	int err = mailbox_load(mb);

	if (!err)
		mb->users++;
	return err;
}

void
mailbox_close(struct mailbox *mb)
{
	struct account *a = mb->account;

	if (--mb->users || !mb->gone)
		return;
	for (size_t i = 0; i < a->dead.len; i++)
		if (a->dead.at[i] == mb) {
			VEC_REMOVE(&a->dead, i);
			break;
		}
	mailbox_free(mb);
}
