/* Changes to messages that are there: flags, expunge, copy, move. */
#include "account/txn.h"

#include <stdlib.h>

#define CHUNK_MAX 10000 /* rows one commit may well hold; halved when it does not */

void
uid_list_done(struct uid_list *l)
{
	VEC_DONE(l);
}

void
flags_result_done(struct flags_result *r)
{
	uid_list_done(&r->failed);
	uid_list_done(&r->missing);
}

void
copy_result_done(struct copy_result *r)
{
	uid_list_done(&r->from);
	uid_list_done(&r->to);
}

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
uid_list_sort(struct uid_list *l)
{
	if (l->len > 1)
		qsort(l->at, l->len, sizeof(l->at[0]), u32_cmp);
}

/* Work on uids [from, from + count) of a list, in as few commits as will hold it. */
struct chunk {
	const uint32_t *uids;
	size_t n, from, count;
	void (*kept)(void *ctx); /* the chunk is committed */
};

static int
chunks_run(struct account *a, txn_build *build, void *ctx, struct chunk *c)
{
	int err = LL_OK;

	for (size_t most = CHUNK_MAX; c->from < c->n && !err; c->from += c->count) {
		c->count = MIN(most, c->n - c->from);
		err = txn_run(a, build, ctx);
		if (err == LL_ERR_LIMIT && c->count > 1) {
			most = c->count / 2;
			c->count = 0;
			err = LL_OK;
		} else if (!err) {
			c->kept(ctx);
		}
	}
	return err;
}

/* ---- Flags ---- */

struct flagging {
	struct chunk c;
	struct mailbox *mb;
	const struct flags_change *change;
	struct flags_result *ret;
	size_t failed, missing, changed; /* before this chunk */
};

static void
flag_kept(void *ctx)
{
	struct flagging *f = ctx;

	f->failed = f->ret->failed.len;
	f->missing = f->ret->missing.len;
	f->changed = f->ret->changed;
}

static uint64_t
flags_after(uint64_t flags, const struct flags_change *c)
{
	static const uint64_t known = FLAGS_SYSTEM | FLAGS_KEYWORDS;

	switch (c->how) {
	case FLAGS_ADD:
		return flags | (c->flags & known);
	case FLAGS_REMOVE:
		return flags & ~c->flags;
	default:
		return c->flags & known;
	}
}

static int
flag_one(struct flagging *f, struct txn *t, struct txn_box *b, uint32_t uid)
{
	const struct message_row *row = mailbox_row(f->mb, uid);
	uint64_t flags;

	if (!row)
		return VEC_PUSH(&f->ret->missing, uid);
	if (row->modseq > f->change->unchanged_since)
		return VEC_PUSH(&f->ret->failed, uid);
	flags = flags_after(row->flags, f->change);
	if (flags == row->flags)
		return LL_OK;
	f->ret->changed++;
	f->ret->modseq = t->head.modseq;
	return txn_row_set(t, b, row, flags);
}

static int
flag_build(struct txn *t, void *ctx)
{
	struct flagging *f = ctx;
	struct txn_box *b;
	int err = LL_OK;

	if (f->mb->gone)
		return LL_ERR_NOTFOUND;
	f->ret->failed.len = f->failed;
	f->ret->missing.len = f->missing;
	f->ret->changed = f->changed;
	b = txn_box_get(t, f->mb);
	for (size_t i = 0; b && i < f->c.count && !err; i++)
		err = flag_one(f, t, b, f->c.uids[f->c.from + i]);
	t->nothing = b && !b->edits.len;
	return b ? err : LL_ERR_NOMEM;
}

int
mailbox_store(struct mailbox *mb, const uint32_t *uids, size_t n, const struct flags_change *change,
	struct flags_result *ret)
{
	struct flagging f = {{uids, n, 0, 0, flag_kept}, mb, change, ret, 0, 0, 0};
	int err = mailbox_open(mb);

	if (err)
		return err;
	*ret = (struct flags_result){.modseq = mb->account->head.modseq};
	err = chunks_run(mb->account, flag_build, &f, &f.c);
	mailbox_close(mb);
	if (err) {
		flags_result_done(ret);
		*ret = (struct flags_result){.modseq = 0};
	}
	return err;
}

/* ---- Expunge ---- */

struct expunge {
	struct chunk c;
	struct mailbox *mb;
	bool only_deleted;
	struct uid_list *ret;
	size_t before; /* length of ret before this chunk */
};

/* What removing rows means for their emails. */
static int
forget_emails(struct txn *t, struct uid_list *emails)
{
	struct uid_list dead = {0};
	int err;

	uid_list_sort(emails);
	err = txn_refs_drop(t, emails, &dead);
	if (!err)
		err = txn_gc_add(t, &dead, NULL);
	uid_list_done(&dead);
	return err;
}

static int
expunge_rows(struct expunge *x, struct txn_box *b, struct uid_list *emails)
{
	int err = LL_OK;

	for (size_t i = 0; i < x->c.count && !err; i++) {
		const struct message_row *row = mailbox_row(x->mb, x->c.uids[x->c.from + i]);
		if (!row || (x->only_deleted && !(row->flags & FLAG_DELETED)))
			continue;
		err = VEC_PUSH(emails, row->email);
		if (!err && x->ret)
			err = VEC_PUSH(x->ret, row->uid);
		if (!err)
			err = txn_row_del(b, row);
	}
	return err;
}

static int
expunge_build(struct txn *t, void *ctx)
{
	struct expunge *x = ctx;
	struct txn_box *b = txn_box_get(t, x->mb);
	struct uid_list emails = {0};
	int err;

	if (x->mb->gone || !b)
		return b ? LL_ERR_NOTFOUND : LL_ERR_NOMEM;
	if (x->ret)
		x->ret->len = x->before;
	err = expunge_rows(x, b, &emails);
	if (!err && emails.len)
		err = forget_emails(t, &emails);
	if (!err && emails.len)
		err = txn_gone_log(t, b);
	t->nothing = !emails.len;
	uid_list_done(&emails);
	return err;
}

static void
expunge_kept(void *ctx)
{
	struct expunge *x = ctx;

	x->before = x->ret ? x->ret->len : 0;
}

static int
expunge_run(
	struct mailbox *mb, const uint32_t *uids, size_t n, bool only_deleted, struct uid_list *ret)
{
	struct expunge x = {
		{uids, n, 0, 0, expunge_kept}, mb, only_deleted, ret, ret ? ret->len : 0};

	return chunks_run(mb->account, expunge_build, &x, &x.c);
}

static int
deleted_uids(const struct mailbox *mb, struct uid_list *ret)
{
	int err = LL_OK;

	VEC_EACH (row, &mb->rows)
		if ((row->flags & FLAG_DELETED) && !err)
			err = VEC_PUSH(ret, row->uid);
	return err;
}

int
mailbox_expunge(struct mailbox *mb, const uint32_t *uids, size_t n, struct uid_list *ret)
{
	struct uid_list all = {0};
	int err = mailbox_open(mb);

	if (err)
		return err;
	if (!uids) {
		err = deleted_uids(mb, &all);
		uids = all.at;
		n = all.len;
	}
	if (!err && n)
		err = expunge_run(mb, uids, n, true, ret);
	uid_list_done(&all);
	mailbox_close(mb);
	return err;
}

int
mailbox_remove(struct mailbox *mb, const uint32_t *uids, size_t n, struct uid_list *ret)
{
	int err = mailbox_open(mb);

	if (err)
		return err;
	err = expunge_run(mb, uids, n, false, ret);
	mailbox_close(mb);
	return err;
}

/* ---- Copy and move ---- */

struct copying {
	struct chunk c;
	struct mailbox *from, *to;
	bool move;
	struct copy_result *ret;
	size_t before;
	uint64_t map[KEYWORDS_MAX]; /* of from's keywords to to's */
};

static void
keywords_used(const struct mailbox *mb, const uint32_t *uids, size_t n, struct slice *names,
	size_t *ret_n)
{
	uint64_t used = 0;
	size_t count = mb->s.keywords ? mb->s.keywords->n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct message_row *row = mailbox_row(mb, uids[i]);
		if (row)
			used |= row->flags;
	}
	*ret_n = 0;
	for (size_t i = 0; i < count; i++)
		if (used & FLAG_KEYWORD(i))
			names[(*ret_n)++] = mb->s.keywords->at[i];
}

static void
keywords_map(struct copying *k)
{
	const struct keyword_list *l = k->from->s.keywords;

	for (size_t i = 0; l && i < l->n; i++)
		mailbox_keyword(k->to, l->at[i], &k->map[i]);
}

static uint64_t
flags_mapped(const struct copying *k, uint64_t flags)
{
	uint64_t out = flags & FLAGS_SYSTEM;

	for (size_t i = 0; flags & FLAGS_KEYWORDS && i < KEYWORDS_MAX; i++)
		if (flags & FLAG_KEYWORD(i))
			out |= k->map[i];
	return out;
}

static int
copy_row(struct copying *k, struct txn *t, struct txn_box *to, const struct message_row *row,
	struct uid_list *emails)
{
	struct message_row copy = {.flags = flags_mapped(k, row->flags),
		.email = row->email,
		.size = row->size,
		.saved = (uint32_t)account_now(t->a)};
	int err = txn_row_new(t, to, &copy);

	if (!err)
		err = VEC_PUSH(&k->ret->from, row->uid);
	if (!err)
		err = VEC_PUSH(&k->ret->to, copy.uid);
	return err ? err : VEC_PUSH(emails, row->email);
}

static int
copy_rows(struct copying *k, struct txn *t, struct uid_list *emails)
{
	struct txn_box *from = k->move ? txn_box_get(t, k->from) : NULL;
	struct txn_box *to = txn_box_get(t, k->to);
	int err = to && (from || !k->move) ? LL_OK : LL_ERR_NOMEM;

	for (size_t i = 0; k->move && i < k->c.count && !err; i++) {
		const struct message_row *row = mailbox_row(k->from, k->c.uids[k->c.from + i]);
		if (row)
			err = txn_row_del(from, row);
	}
	for (size_t i = 0; i < k->c.count && !err; i++) {
		const struct message_row *row = mailbox_row(k->from, k->c.uids[k->c.from + i]);
		if (row)
			err = copy_row(k, t, to, row, emails);
	}
	if (!err && k->move && emails->len)
		err = txn_gone_log(t, from);
	return err;
}

static int
copy_build(struct txn *t, void *ctx)
{
	struct copying *k = ctx;
	struct uid_list emails = {0};
	int err;

	if (k->from->gone || k->to->gone)
		return LL_ERR_NOTFOUND;
	k->ret->from.len = k->ret->to.len = k->before;
	keywords_map(k);
	err = copy_rows(k, t, &emails);
	if (!err && !k->move) {
		uid_list_sort(&emails);
		err = txn_refs_add(t, &emails);
	}
	t->nothing = !emails.len;
	uid_list_done(&emails);
	return err;
}

static void
copy_kept(void *ctx)
{
	struct copying *k = ctx;

	k->before = k->ret->to.len;
}

static int
copy_chunks(struct copying *k)
{
	int err = chunks_run(k->to->account, copy_build, k, &k->c);

	/* A copy that needs several commits is taken back as a whole. */
	if (err && !k->move && k->before)
		(void)!mailbox_remove(k->to, k->ret->to.at, k->before, NULL);
	return err;
}

static int
copy_run(struct copying *k)
{
	struct slice names[KEYWORDS_MAX];
	size_t n = 0;
	uint64_t flags;
	int err = LL_OK;

	keywords_used(k->from, k->c.uids, k->c.n, names, &n);
	if (n && k->from != k->to)
		err = mailbox_keywords_add(k->to, names, n, &flags);
	return err ? err : copy_chunks(k);
}

static int
copy_or_move(struct mailbox *from, const uint32_t *uids, size_t n, struct mailbox *to, bool move,
	struct copy_result *ret)
{
	struct copying k = {
		.c = {uids, n, 0, 0, copy_kept}, .from = from, .to = to, .move = move, .ret = ret};
	int err = mailbox_open(from);

	if (err)
		return err;
	err = mailbox_open(to);
	if (!err) {
		*ret = (struct copy_result){0};
		err = copy_run(&k);
		mailbox_close(to);
		if (err) {
			copy_result_done(ret);
			*ret = (struct copy_result){0};
		}
	}
	mailbox_close(from);
	return err;
}

int
mailbox_copy(struct mailbox *from, const uint32_t *uids, size_t n, struct mailbox *to,
	struct copy_result *ret)
{
	return copy_or_move(from, uids, n, to, false, ret);
}

int
mailbox_move(struct mailbox *from, const uint32_t *uids, size_t n, struct mailbox *to,
	struct copy_result *ret)
{
	return copy_or_move(from, uids, n, to, true, ret);
}
