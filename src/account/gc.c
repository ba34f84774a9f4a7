/* What may be done later: deleting the bodies and entries of emails that no row refers to, and
 * packing full pages. Each step is one commit, restartable at any time; nothing a client sees
 * changes. */
#include "account/txn.h"

#include <stdlib.h>

/* A page takes about PAGE_BYTES and 330 operations at most, so another one may fit up to here; if
 * it does not, the step does one page only. */
#define STEP_BYTES ((size_t)20 << 10)
#define STEP_OPS 180

void
gc_done(struct gc *g)
{
	VEC_EACH (l, &g->v)
		uid_list_done(&l->emails);
	VEC_DONE(&g->v);
	g->loaded = false;
}

bool
gc_pending(const struct account *a)
{
	return a->head.gcs || a->head.n_pack;
}

/* ---- Lists ---- */

static int
list_decode(struct slice plain, struct uid_list *ret)
{
	struct reader r = reader_new(plain);
	uint64_t n = reader_varint(&r), email = 0;

	for (; n && !r.err; n--) {
		email += reader_varint(&r);
		if (email > UINT32_MAX)
			return LL_ERR_CORRUPT;
		if (VEC_PUSH(ret, (uint32_t)email))
			return LL_ERR_NOMEM;
	}
	return reader_end(&r) ? LL_ERR_CORRUPT : LL_OK;
}

static int
list_put(struct txn *t, uint64_t number, const uint32_t *emails, size_t n)
{
	struct rec_id id = {.type = REC_GC, .number = number};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	uint32_t last = 0;

	buf_put_varint(&plain, n);
	for (size_t i = 0; i < n; i++) {
		buf_put_varint(&plain, emails[i] - last);
		last = emails[i];
	}
	set_toggle(&t->head, t->head.set_gc, &id, t->head.rev);
	t->head.gcs++;
	t->gc_changed = true;
	return buf_err(&plain) ? buf_err(&plain) : txn_put(t, &id, buf_slice(&plain));
}

static int
list_drop(struct txn *t, const struct gc_list *l)
{
	struct rec_id id = {.type = REC_GC, .number = l->number};

	set_toggle(&t->head, t->head.set_gc, &id, l->rev);
	t->head.gcs--;
	t->gc_changed = true;
	return txn_del(t, &id);
}

struct load {
	struct account *a;
	uint8_t set[SET_LEN];
};

static int
load_list(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct load *l = ctx;
	struct gc_list list = {.number = id->number, .rev = rev};
	int err = list_decode(plain, &list.emails);

	set_toggle(&l->a->head, l->set, id, rev);
	if (!err)
		err = VEC_PUSH(&l->a->gc.v, list);
	if (err)
		uid_list_done(&list.emails);
	return err;
}

static int
lists_load(struct account *a)
{
	struct load l = {.a = a};
	int err = LL_OK;

	if (a->gc.loaded)
		return LL_OK;
	if (a->head.gcs)
		err = rec_each(a, REC_GC, (struct store_id){{0}}, 0, UINT64_MAX, load_list, &l);
	if (!err && (memcmp(l.set, a->head.set_gc, SET_LEN) != 0 || a->gc.v.len != a->head.gcs))
		err = LL_ERR_AUTH;
	if (err)
		gc_done(&a->gc);
	else
		a->gc.loaded = true;
	return err;
}

int
txn_gc_add(struct txn *t, const struct uid_list *emails, uint64_t *ret_number)
{
	uint64_t number = t->head.gc_next++;

	if (ret_number)
		*ret_number = number;
	return emails->len ? list_put(t, number, emails->at, emails->len) : LL_OK;
}

int
txn_gc_cancel(struct txn *t, uint64_t number)
{
	int err = lists_load(t->a);

	if (err)
		return err;
	VEC_EACH (l, &t->a->gc.v)
		if (l->number == number)
			return list_drop(t, l);
	return LL_ERR_NOTFOUND;
}

/* ---- Rewriting a page ---- */

struct rewrite {
	struct txn *t;
	enum rec_type type;
	uint64_t dead; /* slots that go */
	uint64_t seen; /* slots written */
	VEC(uint16_t) parts; /* that are there now */
	struct buf part; /* the new part being filled */
	uint16_t next;
	int again; /* 0: first pass, looking; 1: writing */
	bool needed;
};

static int
rewrite_flush(struct rewrite *w, uint32_t page)
{
	struct rec_id id = {.type = w->type, .number = page, .part = w->next};
	int err;

	if (!w->part.len)
		return LL_OK;
	err = buf_err(&w->part);
	if (!err)
		err = txn_put(w->t, &id, buf_slice(&w->part));
	buf_reset(&w->part);
	w->next++;
	return err;
}

static int
rewrite_drop_blobs(struct txn *t, struct slice item)
{
	struct entry e;
	int err = entry_decode(item, &e);

	if (!err)
		err = txn_blob(t, STORE_BLOB_DROP, e.blob, SLICE_NONE);
	if (!err && entry_has_side(&e))
		err = txn_blob(t, STORE_BLOB_DROP, e.side, SLICE_NONE);
	return err;
}

static int
rewrite_item(struct rewrite *w, uint32_t page, uint8_t slot, struct slice item)
{
	uint64_t bit = UINT64_C(1) << (slot & (SLOTS - 1));
	int err = LL_OK;

	if (w->seen & bit)
		return LL_OK;
	w->seen |= bit;
	if (w->dead & bit)
		return w->type == REC_MSG ? rewrite_drop_blobs(w->t, item) : LL_OK;
	if (w->part.len && w->part.len + item.len + ITEM_OVERHEAD > PART_BYTES)
		err = rewrite_flush(w, page);
	return err ? err : item_put(&w->part, slot, item);
}

static int
rewrite_part(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct rewrite *w = ctx;
	struct reader r = reader_new(plain);
	int err = LL_OK;

	if (!w->again) {
		w->needed |= id->part < PART_PACKED;
		err = VEC_PUSH(&w->parts, id->part);
	}
	(void)reader_u8(&r);
	while (!err && !r.err && r.rest.len) {
		uint8_t slot = reader_u8(&r);
		struct slice item = reader_blob(&r);
		if (slot >= SLOTS)
			return LL_ERR_CORRUPT;
		if (w->again)
			err = rewrite_item(w, (uint32_t)id->number, slot, item);
		else
			w->needed |= w->dead >> slot & 1;
	}
	return err ? err : r.err ? LL_ERR_CORRUPT : LL_OK;
}

static int
rewrite_pass(struct rewrite *w, uint32_t page, int again)
{
	w->again = again;
	return rec_each(w->t->a, w->type, (struct store_id){{0}}, page, (uint64_t)page + 1,
		rewrite_part, w);
}

/* Writes the living items as packed parts and deletes what was there. */
static int
rewrite_type(struct txn *t, enum rec_type type, uint32_t page, uint64_t dead)
{
	struct rewrite w = {.t = t,
		.type = type,
		.dead = dead,
		.part = BUF_SECRET(STORE_VALUE_MAX),
		.next = PART_PACKED};
	int err = rewrite_pass(&w, page, 0);

	if (!err && w.needed)
		err = rewrite_pass(&w, page, 1);
	if (!err && w.needed)
		err = rewrite_flush(&w, page);
	for (size_t i = 0; i < w.parts.len && !err && w.needed; i++) {
		struct rec_id id = {.type = type, .number = page, .part = w.parts.at[i]};
		if (id.part < PART_PACKED || id.part >= w.next)
			err = txn_del(t, &id);
	}
	VEC_DONE(&w.parts);
	buf_done(&w.part);
	return err;
}

static int
rewrite_page(struct txn *t, uint32_t page, uint64_t dead)
{
	int err = rewrite_type(t, REC_MSG, page, dead);

	if (!err)
		err = rewrite_type(t, REC_THR, page, dead);
	return err ? err : rewrite_type(t, REC_SIG, page, dead);
}

/* ---- A step ---- */

static int
step_list(struct txn *t, const struct gc_list *l, size_t pages)
{
	size_t i = 0;
	int err = LL_OK;

	for (; i < l->emails.len && !err && pages && t->bytes < STEP_BYTES && t->ops.len < STEP_OPS;
		pages--) {
		uint32_t page = l->emails.at[i] >> SLOTS_LOG;
		uint64_t dead = 0;
		for (; i < l->emails.len && l->emails.at[i] >> SLOTS_LOG == page; i++)
			dead |= UINT64_C(1) << (l->emails.at[i] & (SLOTS - 1));
		err = rewrite_page(t, page, dead);
	}
	if (!err)
		err = list_drop(t, l);
	if (!err && i < l->emails.len)
		err = list_put(t, l->number, l->emails.at + i, l->emails.len - i);
	return err;
}

struct step {
	size_t pages; /* of a deletion list */
	bool pack; /* pack before deleting */
};

static int
step_pack(struct txn *t)
{
	uint32_t page = t->head.pack[0];

	t->head.n_pack--;
	memmove(t->head.pack, t->head.pack + 1, t->head.n_pack * sizeof(t->head.pack[0]));
	return rewrite_page(t, page, 0);
}

static int
step_build(struct txn *t, void *ctx)
{
	const struct step *step = ctx;
	int err = lists_load(t->a);

	t->silent = true;
	if (err)
		return err;
	if (t->head.n_pack && (step->pack || !t->a->gc.v.len))
		return step_pack(t);
	t->nothing = !t->a->gc.v.len;
	return t->nothing ? LL_OK : step_list(t, &t->a->gc.v.at[0], step->pages);
}

int
gc_step(struct account *a)
{
	struct step step = {.pages = SIZE_MAX};
	int err = txn_run(a, step_build, &step);

	if (err == LL_ERR_LIMIT) {
		step.pages = 1;
		err = txn_run(a, step_build, &step);
	}
	return err;
}

void
gc_keep_up(struct account *a)
{
	struct step step = {.pages = 1, .pack = true};

	while (a->head.n_pack > PACK_LIST_MAX / 2)
		if (txn_run(a, step_build, &step))
			return;
}
