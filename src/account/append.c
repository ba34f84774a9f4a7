/* APPEND, MULTIAPPEND and REPLACE. Small ones are one commit. Many or large ones write their
 * entries in commits of their own first, each with a deletion list that names them, so that a crash
 * leaves nothing behind; the last commit writes the rows and takes those lists back. */
#include "account/arrive.h"
#include "account/parcel.h"
#include "base/secret.h"

#include <stdlib.h>

#define INLINE_BODY_MAX ((size_t)32 << 10)
#define ONE_COMMIT_BYTES ((size_t)64 << 10) /* beside rows, mailbox and head */

struct staged_message {
	struct parcel p;
	struct arrival x;
};

void
staged_message_free(struct staged_message *s)
{
	if (!s)
		return;
	parcel_done(&s->p);
	free(s);
}

void
staged_message_freep(struct staged_message **s)
{
	staged_message_free(*s);
}

static int
stage_arrival(struct account *a, struct staged_message *s, int64_t internal_date)
{
	struct message_meta m;
	struct entry *e = &s->x.entry;
	int err = message_meta_decode(buf_slice(&s->p.meta), &m);

	*e = (struct entry){.keyver = vault_current(a->vault),
		.internal_date = internal_date ? internal_date : account_now(a),
		.size = s->p.size,
		.blob = s->p.blob,
		.side = s->p.side,
		.side_meta = s->p.side_meta,
		.side_sig = s->p.side_sig,
		.meta = parcel_inline_meta(&s->p)};
	s->x.sig = parcel_inline_sig(&s->p);
	if (!err)
		err = vault_mask(a->vault, e->keyver, e->blob, s->p.key, e->key);
	secret_wipe(s->p.key, sizeof(s->p.key));
	return err ? err : thread_hashes_make(a, &m, &s->x.hashes);
}

int
message_stage(
	struct account *a, struct slice message, int64_t internal_date, struct staged_message **ret)
{
	CLEANUP(staged_message_freep) struct staged_message *s = calloc(1, sizeof(*s));
	int err;

	if (!a->signer)
		a->signer = signature_builder_new();
	if (!s || !a->signer)
		return LL_ERR_NOMEM;
	err = parcel_make(message, a->signer, a->env.random, a->env.ctx, &s->p);
	if (!err)
		err = stage_arrival(a, s, internal_date);
	if (!err && (s->p.body_sealed.len > INLINE_BODY_MAX || parcel_has_side(&s->p)))
		err = parcel_stage(&s->p, a->env.store);
	if (!err)
		*ret = TAKE(s);
	return err;
}

/* ---- Committing ---- */

struct appending {
	struct mailbox *mb;
	const struct append_item *items;
	size_t n;
	struct arrival *at;
	size_t from, to; /* entries of this commit */
	bool rows; /* it writes the rows of all */
	bool retry;
	VEC(uint64_t) lists; /* deletion lists of the entries written before */
	uint64_t list;
	struct mailbox *replace_in;
	uint32_t replace_uid;
};

static int
append_blobs(struct appending *x, struct txn *t)
{
	int err = LL_OK;

	for (size_t i = x->from; i < x->to && !err; i++) {
		const struct parcel *p = &x->items[i].message->p;
		if (p->body_staged)
			err = txn_blob(t, STORE_BLOB_REF, p->blob, SLICE_NONE);
		else
			err = txn_blob(t, STORE_BLOB_NEW, p->blob, buf_slice(&p->body_sealed));
		if (!err && parcel_has_side(p))
			err = txn_blob(t, STORE_BLOB_REF, p->side, SLICE_NONE);
	}
	return err;
}

/* Names the entries of this commit for deletion, should the last commit never come. */
static int
append_insure(struct appending *x, struct txn *t)
{
	struct uid_list emails = {0};
	int err = LL_OK;

	for (size_t i = x->from; i < x->to && !err; i++)
		err = VEC_PUSH(&emails, x->at[i].email);
	if (!err)
		err = txn_gc_add(t, &emails, &x->list);
	uid_list_done(&emails);
	return err;
}

static int
append_replaced(struct appending *x, struct txn *t)
{
	const struct message_row *row;
	struct uid_list email = {0}, dead = {0};
	struct txn_box *b;
	int err;

	if (!x->replace_in)
		return LL_OK;
	row = mailbox_row(x->replace_in, x->replace_uid);
	b = txn_box_get(t, x->replace_in);
	if (!row || !b)
		return row ? LL_ERR_NOMEM : LL_ERR_NOTFOUND;
	err = VEC_PUSH(&email, row->email);
	if (!err)
		err = txn_row_del(b, row);
	if (!err)
		err = txn_refs_drop(t, &email, &dead);
	if (!err)
		err = txn_gc_add(t, &dead, NULL);
	uid_list_done(&email);
	uid_list_done(&dead);
	return err ? err : txn_gone_log(t, b);
}

static int
append_build(struct txn *t, void *ctx)
{
	struct appending *x = ctx;
	struct txn_box *b;
	int err;

	if (x->mb->gone)
		return LL_ERR_NOTFOUND;
	if (x->retry)
		thread_index_free(TAKE(t->a->threads));
	x->retry = true;
	err = append_replaced(x, t);
	b = txn_box_get(t, x->mb);
	if (!err && !b)
		err = LL_ERR_NOMEM;
	if (!err)
		err = append_blobs(x, t);
	if (!err)
		err = arrivals_place(t, b, x->at + x->from, x->to - x->from);
	if (!err && x->rows)
		err = arrivals_rows(t, b, x->at, x->n);
	for (size_t i = 0; i < x->lists.len && x->rows && !err; i++)
		err = txn_gc_cancel(t, x->lists.at[i]);
	t->silent = !x->rows;
	return err || x->rows ? err : append_insure(x, t);
}

static int
append_commit(struct appending *x)
{
	struct account *a = x->mb->account;
	int err;

	x->retry = false;
	err = txn_run(a, append_build, x);
	while (err == LL_ERR_QUOTA && gc_pending(a) && !x->lists.len) {
		err = gc_step(a); /* what was expunged may make room */
		if (!err)
			err = txn_run(a, append_build, x);
	}
	if (err)
		thread_index_free(TAKE(a->threads));
	else if (!x->rows && VEC_PUSH(&x->lists, x->list))
		err = LL_ERR_NOMEM;
	if (!err)
		gc_keep_up(a);
	return err;
}

static size_t
item_bytes(const struct append_item *item)
{
	return arrival_bytes(&item->message->x) + item->message->p.body_sealed.len + 100;
}

/* Entries in commits of their own, then the rows. */
static int
append_phased(struct appending *x)
{
	struct account *a = x->mb->account;
	int err = LL_OK;

	for (size_t i = 0; i < x->n && !err; i++)
		err = parcel_stage(&x->items[i].message->p, a->env.store);
	x->rows = false;
	for (x->from = 0; x->from < x->n && !err; x->from = x->to) {
		size_t bytes = 0;
		for (x->to = x->from; x->to < x->n && x->to - x->from < 100; x->to++) {
			bytes += item_bytes(&x->items[x->to]);
			if (bytes > ONE_COMMIT_BYTES && x->to > x->from)
				break;
		}
		err = append_commit(x);
	}
	x->from = x->to = x->n;
	x->rows = true;
	return err ? err : append_commit(x);
}

static int
append_run(struct appending *x)
{
	size_t bytes = 0;

	x->at = calloc(x->n, sizeof(*x->at));
	if (!x->at)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < x->n; i++) {
		x->at[i] = x->items[i].message->x;
		x->at[i].flags = x->items[i].flags & (FLAGS_SYSTEM | FLAGS_KEYWORDS);
		bytes += item_bytes(&x->items[i]);
	}
	if ((x->n > 1 && bytes > ONE_COMMIT_BYTES) || x->n > 100)
		return append_phased(x);
	x->to = x->n;
	x->rows = true;
	return append_commit(x);
}

static int
append_all(struct appending *x, struct uid_list *ret_uids)
{
	size_t before = ret_uids ? ret_uids->len : 0;
	int err = mailbox_open(x->mb);

	if (err)
		return err;
	if (ret_uids)
		err = VEC_RESERVE(ret_uids, before + x->n);
	if (!err)
		err = append_run(x);
	for (size_t i = 0; i < x->n && !err && ret_uids; i++)
		ret_uids->at[ret_uids->len++] = x->at[i].uid;
	mailbox_close(x->mb);
	free(x->at);
	VEC_DONE(&x->lists);
	return err;
}

int
mailbox_append(
	struct mailbox *mb, const struct append_item *items, size_t n, struct uid_list *ret_uids)
{
	struct appending x = {.mb = mb, .items = items, .n = n};

	return n ? append_all(&x, ret_uids) : LL_OK;
}

int
mailbox_replace(struct mailbox *from, uint32_t uid, struct mailbox *to,
	const struct append_item *item, uint32_t *ret_uid)
{
	struct appending x = {
		.mb = to, .items = item, .n = 1, .replace_in = from, .replace_uid = uid};
	struct uid_list uids = {0};
	int err = mailbox_open(from);

	if (err)
		return err;
	err = append_all(&x, &uids);
	mailbox_close(from);
	if (!err)
		*ret_uid = uids.at[0];
	uid_list_done(&uids);
	return err;
}
