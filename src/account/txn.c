/* Commits: see txn.h. Row pages, mailbox records and the head are sealed last, from the edits;
 * memory changes only when the store has said yes. */
#include "account/txn.h"

#include <stdlib.h>

#define TXN_MEM_MAX (2 * STORE_COMMIT_MAX)
#define TXN_TRIES 16

static void
txn_box_done(struct txn_box *b)
{
	free(b->name);
	free(b->keywords);
	VEC_DONE(&b->edits);
	VEC_DONE(&b->pages);
	buf_done(&b->gone_tail);
}

static void
txn_done(struct txn *t)
{
	VEC_EACH (b, &t->boxes)
		txn_box_done(b);
	VEC_DONE(&t->boxes);
	VEC_DONE(&t->ops);
	VEC_DONE(&t->refs);
	VEC_DONE(&t->ref_pages);
	VEC_DONE(&t->log);
	uid_list_done(&t->dead);
	buf_done(&t->log_tail);
	buf_done(&t->mem);
}

struct txn_box *
txn_box_get(struct txn *t, struct mailbox *mb)
{
	struct txn_box b = {.mb = mb, .s = mb->s};

	VEC_EACH (have, &t->boxes)
		if (have->mb == mb)
			return have;
	return VEC_PUSH(&t->boxes, b) ? NULL : &t->boxes.at[t->boxes.len - 1];
}

int
txn_row_set(struct txn *t, struct txn_box *b, const struct message_row *old, uint64_t flags)
{
	struct edit e = {EDIT_SET, *old};

	info_count(&b->s.info, old, -1);
	e.row.flags = flags;
	e.row.modseq = t->head.modseq;
	info_count(&b->s.info, &e.row, 1);
	b->events |= ACCOUNT_MESSAGES;
	return VEC_PUSH(&b->edits, e);
}

int
txn_row_del(struct txn_box *b, const struct message_row *old)
{
	struct edit e = {EDIT_DEL, *old};

	info_count(&b->s.info, old, -1);
	b->events |= ACCOUNT_MESSAGES;
	return VEC_PUSH(&b->edits, e);
}

int
txn_row_new(struct txn *t, struct txn_box *b, struct message_row *row)
{
	struct edit e;

	if (b->s.info.uidnext == UINT32_MAX || b->s.info.exists == UINT32_MAX)
		return LL_ERR_LIMIT;
	row->uid = b->s.info.uidnext++;
	row->modseq = t->head.modseq;
	e = (struct edit){EDIT_NEW, *row};
	info_count(&b->s.info, row, 1);
	b->events |= ACCOUNT_MESSAGES;
	return VEC_PUSH(&b->edits, e);
}

/* ---- Operations ---- */

static int
txn_op(struct txn *t, const struct txn_op *op, size_t size)
{
	t->bytes += size + op->key.len;
	if (t->bytes > STORE_COMMIT_MAX || t->ops.len == STORE_OPS_MAX)
		return LL_ERR_LIMIT;
	return VEC_PUSH(&t->ops, *op);
}

int
txn_put(struct txn *t, const struct rec_id *id, struct slice plain)
{
	struct txn_op op = {.kind = STORE_PUT, .key = rec_key_make(id), .offset = t->mem.len};
	int err = vault_seal(t->a->vault, t->a->env.id, id, t->head.rev, plain, &t->mem);

	if (err)
		return err;
	op.len = t->mem.len - op.offset;
	return op.len > STORE_VALUE_MAX ? LL_ERR_LIMIT : txn_op(t, &op, op.len);
}

int
txn_del(struct txn *t, const struct rec_id *id)
{
	struct txn_op op = {.kind = STORE_DEL, .key = rec_key_make(id)};

	return txn_op(t, &op, 0);
}

static int
raw_key(struct slice key, struct rec_key *ret)
{
	if (key.len > sizeof(ret->b))
		return LL_ERR_LIMIT;
	memcpy(ret->b, key.ptr, key.len);
	ret->len = key.len;
	return LL_OK;
}

int
txn_del_key(struct txn *t, struct slice key)
{
	struct txn_op op = {.kind = STORE_DEL};
	int err = raw_key(key, &op.key);

	return err ? err : txn_op(t, &op, 0);
}

int
txn_put_raw(struct txn *t, struct slice key, struct slice value)
{
	struct txn_op op = {.kind = STORE_PUT, .outside = value};
	int err = raw_key(key, &op.key);

	return err ? err : txn_op(t, &op, value.len);
}

int
txn_blob(struct txn *t, enum store_op_kind kind, struct store_id blob, struct slice value)
{
	struct txn_op op = {.kind = kind, .outside = value, .blob = blob};

	return txn_op(t, &op, value.len);
}

/* ---- Sealing what the edits changed ---- */

static uint64_t
page_rev(const struct mailbox *mb, uint32_t page)
{
	size_t lo = 0, hi = mb->pages.len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (mb->pages.at[mid].page < page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < mb->pages.len && mb->pages.at[lo].page == page ? mb->pages.at[lo].rev : 0;
}

/* The rows of a page with the edits [e, end) done. Returns their number. */
static size_t
page_merge(const struct mailbox *mb, uint32_t page, const struct edit *e, const struct edit *end,
	struct message_row out[1 << ROWS_PER_PAGE_LOG])
{
	size_t i = mailbox_lower_bound(mb, page << ROWS_PER_PAGE_LOG), n = 0;

	for (; i < mb->rows.len && mb->rows.at[i].uid >> ROWS_PER_PAGE_LOG == page; i++) {
		const struct message_row *row = &mb->rows.at[i];
		if (e == end || e->row.uid != row->uid)
			out[n++] = *row;
		else if (e++->kind == EDIT_SET)
			out[n++] = e[-1].row;
	}
	for (; e < end; e++) /* new ones stand behind all others */
		out[n++] = e->row;
	return n;
}

static int
seal_page(struct txn *t, struct txn_box *b, const struct edit *e, const struct edit *end)
{
	struct message_row rows[1 << ROWS_PER_PAGE_LOG];
	struct row_page page = {e->row.uid >> ROWS_PER_PAGE_LOG, t->head.rev};
	struct rec_id id = {.type = REC_ROW, .box = b->mb->s.info.id, .number = page.page};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	size_t n = page_merge(b->mb, page.page, e, end, rows);
	int err;

	set_toggle(&t->head, b->s.set_row, &id, page_rev(b->mb, page.page));
	if (n) {
		err = rows_encode(rows, n, &plain);
		if (!err)
			err = txn_put(t, &id, buf_slice(&plain));
		set_toggle(&t->head, b->s.set_row, &id, page.rev);
	} else {
		page.rev = 0;
		err = txn_del(t, &id);
	}
	return err ? err : VEC_PUSH(&b->pages, page);
}

static int
seal_rows(struct txn *t, struct txn_box *b)
{
	const struct edit *e = b->edits.at, *end = VEC_END(&b->edits), *next;
	int err = LL_OK;

	for (; e < end && !err; e = next) {
		for (next = e + 1; next < end &&
			next->row.uid >> ROWS_PER_PAGE_LOG == e->row.uid >> ROWS_PER_PAGE_LOG;)
			next++;
		err = seal_page(t, b, e, next);
	}
	return err;
}

static int
seal_box(struct txn *t, struct txn_box *b)
{
	struct rec_id id = {.type = REC_BOX, .box = b->s.info.id};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	int err = seal_rows(t, b);

	if (err)
		return err;
	set_toggle(&t->head, t->head.set_box, &id, b->mb->s.rev);
	if (b->deleted) {
		t->head.boxes--;
		return txn_del(t, &id);
	}
	if (b->created)
		t->head.boxes++;
	if (b->edits.len)
		b->s.info.highestmodseq = t->head.modseq;
	b->s.rev = t->head.rev;
	set_toggle(&t->head, t->head.set_box, &id, b->s.rev);
	err = box_encode(&b->s, &plain);
	return err ? err : txn_put(t, &id, buf_slice(&plain));
}

static int
seal_head(struct txn *t)
{
	struct rec_id id = {.type = REC_HEAD};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	int err;

	if (t->silent)
		t->head.modseq--;
	err = head_encode(&t->head, &plain);
	return err ? err : txn_put(t, &id, buf_slice(&plain));
}

static int
txn_send(struct txn *t)
{
	struct store_op ops[STORE_OPS_MAX];
	struct store_commit c = {
		t->a->env.id, t->a->version, ops, t->ops.len, t->grows ? t->a->env.quota : 0};
	uint64_t version;
	int err;

	for (size_t i = 0; i < t->ops.len; i++) {
		const struct txn_op *op = &t->ops.at[i];
		ops[i] = (struct store_op){op->kind, rec_key_slice(&op->key),
			op->outside.ptr ? op->outside : slice_new(t->mem.ptr + op->offset, op->len),
			op->blob};
	}
	t->a->busy++;
	err = store_commit_sync(t->a->env.store, &c, &version);
	t->a->busy--;
	if (!err)
		t->a->version = version;
	return err;
}

/* ---- Applying ---- */

static void
apply_pages(struct mailbox *mb, const struct row_page *p)
{
	size_t i = mb->pages.len;

	while (i && mb->pages.at[i - 1].page > p->page)
		i--;
	if (i && mb->pages.at[i - 1].page == p->page) {
		if (p->rev)
			mb->pages.at[i - 1] = *p;
		else
			VEC_REMOVE(&mb->pages, i - 1);
	} else if (p->rev) {
		mb->pages.len++; /* room was made before the commit */
		for (size_t k = mb->pages.len - 1; k > i; k--)
			mb->pages.at[k] = mb->pages.at[k - 1];
		mb->pages.at[i] = *p;
	}
}

static void
apply_rows(struct mailbox *mb, const struct txn_box *b)
{
	const struct edit *e = b->edits.at, *end = VEC_END(&b->edits);
	size_t from = e < end ? mailbox_lower_bound(mb, e->row.uid) : 0, to = from;

	if (e == end)
		return;
	for (; from < mb->rows.len; from++) {
		if (e == end && to == from)
			return; /* only flags changed, and nothing is left to do */
		if (e == end || e->row.uid != mb->rows.at[from].uid)
			mb->rows.at[to++] = mb->rows.at[from];
		else if (e++->kind == EDIT_SET)
			mb->rows.at[to++] = e[-1].row;
	}
	mb->rows.len = to;
	for (; e < end; e++)
		mb->rows.at[mb->rows.len++] = e->row;
}

/* Memory for apply, so that it cannot fail. */
static int
apply_reserve(struct txn *t)
{
	int err = LL_OK;
	size_t created = 0;

	for (size_t i = 0; i < t->boxes.len && !err; i++) {
		struct txn_box *b = &t->boxes.at[i];
		size_t fresh = 0;
		for (size_t k = b->edits.len; k && b->edits.at[k - 1].kind == EDIT_NEW; k--)
			fresh++;
		err = VEC_RESERVE(&b->mb->rows, b->mb->rows.len + fresh);
		if (!err)
			err = VEC_RESERVE(&b->mb->pages, b->mb->pages.len + b->pages.len);
		created += b->created;
	}
	if (!err)
		err = VEC_RESERVE(&t->a->boxes, t->a->boxes.len + created);
	return err ? err : VEC_RESERVE(&t->a->dead, t->a->dead.len + t->boxes.len);
}

static void
apply_box(struct account *a, struct txn_box *b)
{
	struct mailbox *mb = b->mb;
	uint32_t recent = mb->s.info.recent_from;
	struct keyword_list *old = mb->s.keywords;

	mb->s = b->s;
	if (!b->created)
		mb->s.info.recent_from = recent;
	if (b->name) {
		free(mb->name);
		mb->name = TAKE(b->name);
		mb->s.info.name = slice_str(mb->name);
	}
	if (b->keywords) {
		free(old);
		mb->s.keywords = TAKE(b->keywords);
	}
	apply_rows(mb, b);
	VEC_EACH (p, &b->pages)
		apply_pages(mb, p);
	if (b->gone_tail.max) {
		buf_done(&mb->gone_tail);
		mb->gone_tail = b->gone_tail;
		b->gone_tail = BUF_INIT(0);
	}
	if (b->created) {
		mb->loaded = true;
		(void)!VEC_PUSH(&a->boxes, mb);
	}
}

static void
txn_apply(struct txn *t)
{
	struct account *a = t->a;
	bool sort = false;

	a->head = t->head;
	VEC_EACH (b, &t->boxes) {
		sort |= b->created || b->name;
		apply_box(a, b);
	}
	if (sort)
		boxes_sort(a);
	if (t->refs_changed)
		refs_apply(t);
	if (t->gc_changed)
		gc_done(&a->gc); /* read again when needed */
	txn_log_apply(t);
	if (t->applied)
		t->applied(t, t->ctx);
	email_view_apply(t);
	VEC_EACH (b, &t->boxes) {
		if (b->deleted)
			(void)!box_retire(a, b->mb);
		else if (b->events)
			account_notify(a, b->mb, b->events);
	}
}

static int
txn_commit(struct txn *t)
{
	int err = LL_OK;

	for (size_t i = 0; i < t->boxes.len && !err; i++)
		err = seal_box(t, &t->boxes.at[i]);
	if (!err)
		err = txn_log_seal(t);
	if (!err)
		err = seal_head(t);
	if (!err)
		err = apply_reserve(t);
	if (!err)
		err = txn_send(t);
	if (!err)
		txn_apply(t);
	return err || !t->subs_changed ? err : orphans_load(t->a);
}

int
txn_run(struct account *a, txn_build *build, void *ctx)
{
	int err = LL_ERR_CONFLICT;

	for (int i = 0; i < TXN_TRIES && err == LL_ERR_CONFLICT; i++) {
		struct txn t = {.a = a, .head = a->head, .mem = BUF_INIT(TXN_MEM_MAX)};
		t.head.rev++;
		t.head.modseq++;
		err = VEC_RESERVE(&t.boxes, TXN_BOXES_STABLE);
		if (!err)
			err = build(&t, ctx);
		if (!err && !t.nothing)
			err = txn_commit(&t);
		txn_done(&t);
		if (err == LL_ERR_AUTH && account_stale(a))
			err = LL_ERR_CONFLICT; /* records newer than our head */
		if (err == LL_ERR_CONFLICT) {
			int again = account_reload(a);
			if (again)
				return again;
		}
	}
	return err == LL_ERR_CONFLICT ? LL_ERR_AGAIN : err;
}
