/* Changing Emails: every row of an Email in the same commit, as many Emails in one as it will hold.
 * Rows of all mailboxes involved are planned first, because a commit wants its edits of each
 * mailbox in order. */
#include "account/email_view.h"

#include "account/txn.h"

#include <stdlib.h>

#define CHUNK_MAX 4000 /* Emails one commit may well hold; halved when it does not */

enum plan_kind { PLAN_SET, PLAN_DEL, PLAN_NEW };
struct plan {
	struct mailbox *mb;
	enum plan_kind kind;
	uint32_t uid; /* 0 of a new row */
	struct message_row row; /* as it is, or shall be */
	uint64_t flags;
};

struct work {
	struct account *a;
	struct email_change *at; /* those of this commit */
	size_t n;
	bool less; /* this commit does those that lose rows, or the others */
	bool retry;
	VEC(struct plan) plans;
	struct uid_list more, fewer; /* emails with a row more or fewer, once for each row */
};

/* ---- Keywords ---- */

/* The bits of names in a mailbox; those that it does not know give none. */
static uint64_t
keyword_bits(const struct mailbox *mb, const struct slice *names, size_t n)
{
	uint64_t flags = 0, bit;

	for (size_t i = 0; i < n; i++) {
		bit = email_keyword_flag(names[i]);
		if (!bit)
			mailbox_keyword(mb, names[i], &bit);
		flags |= bit;
	}
	return flags;
}

static bool
wants_keywords(const struct email_change *c)
{
	return c->exact || c->n_add || c->n_remove;
}

static uint64_t
flags_after(const struct email_change *c, const struct mailbox *mb, uint64_t flags)
{
	uint64_t add = keyword_bits(mb, c->add, c->n_add);

	if (c->exact)
		return add | (flags & FLAG_DELETED);
	return (flags | add) & ~keyword_bits(mb, c->remove, c->n_remove);
}

/* Names that an Email carries, by its other rows. */
static size_t
names_of(const struct account *a, uint32_t email, struct slice names[KEYWORDS_MAX])
{
	size_t n_places, n = 0;
	const struct email_place *p = email_places(a, email, &n_places);

	for (size_t i = 0; i < n_places; i++) {
		uint64_t flags = mailbox_row(p[i].mb, p[i].uid)->flags;
		for (size_t k = 0; k < mailbox_keyword_count(p[i].mb) && n < KEYWORDS_MAX; k++)
			if (flags & FLAG_KEYWORD(k))
				names[n++] = mailbox_keyword_name(p[i].mb, k);
	}
	return n;
}

/* Makes sure that the mailbox has a bit for each name that a row there will need. */
static int
keywords_ready(struct work *w, struct mailbox *mb, const struct email_change *c, bool fresh)
{
	struct slice names[2 * KEYWORDS_MAX + 1];
	size_t n = 0;
	uint64_t flags;

	for (size_t i = 0; i < c->n_add; i++) {
		if (email_keyword_flag(c->add[i]))
			continue;
		if (n == KEYWORDS_MAX)
			return LL_ERR_LIMIT;
		names[n++] = c->add[i];
	}
	if (fresh && !c->exact)
		n += names_of(w->a, c->email, names + n);
	return n ? mailbox_keywords_add(mb, names, n, &flags) : LL_OK;
}

/* ---- Planning ---- */

static bool
listed(const struct email_change *c, const struct mailbox *mb)
{
	for (size_t i = 0; i < c->n_mailboxes; i++)
		if (!memcmp(c->mailboxes[i].b, mb->s.info.id.b, STORE_ID_LEN))
			return true;
	return false;
}

/* Whether its last row in a mailbox, or one of them, goes. */
static bool
place_goes(const struct email_change *c, const struct email_place *p)
{
	return c->destroy || (c->n_mailboxes && !listed(c, p->mb));
}

/* What becomes of its number of rows. */
static int
rows_delta(const struct account *a, const struct email_change *c)
{
	size_t n;
	const struct email_place *p = email_places(a, c->email, &n);
	int delta = 0;

	for (size_t i = 0; i < n; i++)
		delta -= place_goes(c, &p[i]);
	for (size_t i = 0; i < c->n_mailboxes; i++) {
		struct mailbox *mb = account_mailbox_by_id(a, c->mailboxes[i]);
		delta += mb && !email_in_mailbox(a, c->email, mb);
	}
	return delta;
}

static int
plan_old(struct work *w, const struct email_change *c, const struct email_place *p)
{
	const struct message_row *row = mailbox_row(p->mb, p->uid);
	struct plan plan = {.mb = p->mb, .uid = p->uid, .row = *row};

	plan.kind = place_goes(c, p) ? PLAN_DEL : PLAN_SET;
	plan.flags = wants_keywords(c) ? flags_after(c, p->mb, row->flags) : row->flags;
	if (plan.kind == PLAN_SET && plan.flags == row->flags)
		return LL_OK;
	return VEC_PUSH(&w->plans, plan);
}

static int
plan_new(struct work *w, const struct email_change *c, struct mailbox *mb)
{
	struct slice names[KEYWORDS_MAX];
	size_t n = names_of(w->a, c->email, names);
	const struct email_info *info = email_find(w->a, c->email);
	struct plan plan = {.mb = mb,
		.kind = PLAN_NEW,
		.row = {.email = c->email,
			.size = info->size,
			.saved = (uint32_t)account_now(w->a)}};

	plan.row.flags =
		flags_after(c, mb, email_flags(w->a, c->email) | keyword_bits(mb, names, n));
	return VEC_PUSH(&w->plans, plan);
}

static int
plan_email(struct work *w, const struct email_change *c)
{
	size_t n;
	const struct email_place *p = email_places(w->a, c->email, &n);
	int delta = rows_delta(w->a, c), err = LL_OK;

	if (c->err || (delta < 0) != w->less)
		return LL_OK;
	for (size_t i = 0; i < n && !err; i++)
		err = plan_old(w, c, &p[i]);
	for (size_t i = 0; i < c->n_mailboxes && !err; i++) {
		struct mailbox *mb = account_mailbox_by_id(w->a, c->mailboxes[i]);
		if (mb && !email_in_mailbox(w->a, c->email, mb))
			err = plan_new(w, c, mb);
	}
	for (; delta > 0 && !err; delta--)
		err = VEC_PUSH(&w->more, c->email);
	for (; delta < 0 && !err; delta++)
		err = VEC_PUSH(&w->fewer, c->email);
	return err;
}

static int
plan_cmp(const void *a, const void *b)
{
	const struct plan *x = a, *y = b;

	if (x->mb != y->mb)
		return memcmp(x->mb->s.info.id.b, y->mb->s.info.id.b, STORE_ID_LEN);
	if ((x->kind == PLAN_NEW) != (y->kind == PLAN_NEW))
		return x->kind == PLAN_NEW ? 1 : -1;
	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->row.email < y->row.email ? -1 : x->row.email > y->row.email;
}

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
list_sort(struct uid_list *l)
{
	if (l->len > 1)
		qsort(l->at, l->len, sizeof(l->at[0]), u32_cmp);
}

/* ---- The commit ---- */

static int
plan_do(struct txn *t, struct plan *p)
{
	struct txn_box *b = txn_box_get(t, p->mb);

	if (!b)
		return LL_ERR_NOMEM;
	switch (p->kind) {
	case PLAN_SET:
		return txn_row_set(t, b, &p->row, p->flags);
	case PLAN_DEL:
		return txn_row_del(b, &p->row);
	default:
		return txn_row_new(t, b, &p->row);
	}
}

static int
plans_references(struct work *w, struct txn *t)
{
	struct uid_list dead = {0};
	int err = LL_OK;

	list_sort(&w->more);
	list_sort(&w->fewer);
	if (w->more.len)
		err = txn_refs_add(t, &w->more);
	else if (w->fewer.len)
		err = txn_refs_drop(t, &w->fewer, &dead);
	if (!err)
		err = txn_gc_add(t, &dead, NULL);
	uid_list_done(&dead);
	return err;
}

static int
plans_log_gone(struct txn *t)
{
	int err = LL_OK;

	VEC_EACH (b, &t->boxes) {
		bool gone = false;
		VEC_EACH (e, &b->edits)
			gone |= e->kind == EDIT_DEL;
		if (gone && !err)
			err = txn_gone_log(t, b);
	}
	return err;
}

static int
work_build(struct txn *t, void *ctx)
{
	struct work *w = ctx;
	int err = LL_OK;

	if (w->retry)
		return LL_ERR_AGAIN; /* others have committed: look at everything anew */
	w->retry = true;
	for (size_t i = 0; i < w->n && !err; i++)
		err = plan_email(w, &w->at[i]);
	t->nothing = !w->plans.len;
	if (err || t->nothing)
		return err;
	qsort(w->plans.at, w->plans.len, sizeof(w->plans.at[0]), plan_cmp);
	for (size_t i = 0; i < w->plans.len && !err; i++)
		err = plan_do(t, &w->plans.at[i]);
	if (!err)
		err = plans_references(w, t);
	return err ? err : plans_log_gone(t);
}

/* ---- Before the commit ---- */

/* What is wrong with one change, and the keywords that its mailboxes need. */
static int
prepare_one(struct work *w, const struct email_change *c)
{
	size_t n;
	const struct email_place *p = email_places(w->a, c->email, &n);
	int err = LL_OK;

	if (!n)
		return LL_ERR_NOTFOUND;
	for (size_t i = 0; i < c->n_mailboxes; i++)
		if (!account_mailbox_by_id(w->a, c->mailboxes[i]))
			return LL_ERR_DENIED;
	for (size_t i = 0; i < n && !err && c->n_add; i++)
		if (!place_goes(c, &p[i]))
			err = keywords_ready(w, p[i].mb, c, false);
	for (size_t i = 0; i < c->n_mailboxes && !err; i++) {
		struct mailbox *mb = account_mailbox_by_id(w->a, c->mailboxes[i]);
		if (!email_in_mailbox(w->a, c->email, mb))
			err = keywords_ready(w, mb, c, true);
	}
	return err;
}

static bool
is_own_fault(int err)
{
	return err == LL_ERR_NOTFOUND || err == LL_ERR_DENIED || err == LL_ERR_SYNTAX ||
		err == LL_ERR_LIMIT;
}

static int
work_prepare(struct work *w)
{
	int err = LL_OK;

	for (size_t i = 0; i < w->n && !err; i++) {
		if (!w->at[i].err)
			w->at[i].err = prepare_one(w, &w->at[i]);
		if (w->at[i].err && !is_own_fault(w->at[i].err))
			err = w->at[i].err;
		if (!w->a->emails && !err) /* adding keywords made it stale */
			err = emails_load(w->a);
	}
	return err;
}

static int
work_commit(struct work *w, bool less)
{
	int err;

	w->less = less;
	w->retry = false;
	w->plans.len = w->more.len = w->fewer.len = 0;
	err = emails_load(w->a);
	return err ? err : txn_run(w->a, work_build, w);
}

static int
work_run(struct work *w)
{
	int err = emails_load(w->a);

	if (!err)
		err = work_prepare(w);
	if (!err)
		err = work_commit(w, false);
	if (!err)
		err = work_commit(w, true);
	return err;
}

static bool
none_twice(const struct email_change *c, size_t n)
{
	struct uid_list ids = {0};
	bool none = true;

	for (size_t i = 0; i < n && none; i++)
		none = VEC_PUSH(&ids, c[i].email) == LL_OK;
	list_sort(&ids);
	for (size_t i = 1; i < ids.len && none; i++)
		none = ids.at[i] != ids.at[i - 1];
	uid_list_done(&ids);
	return none;
}

/* As many of the first as are of different Emails: a row that is planned twice would be counted
 * twice. */
static size_t
different(const struct email_change *c, size_t n)
{
	if (none_twice(c, n))
		return n;
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (c[i].email == c[k].email)
				return i;
	return n;
}

int
emails_change(struct account *a, struct email_change *changes, size_t n)
{
	struct work w = {.a = a};
	size_t done = 0, most = CHUNK_MAX;
	int err = LL_OK, tries = 0;

	for (size_t i = 0; i < n; i++)
		changes[i].err = LL_OK;
	while (done < n && !err) {
		w.at = changes + done;
		w.n = different(w.at, MIN(most, n - done));
		err = work_run(&w);
		if (err == LL_ERR_LIMIT && w.n > 1) {
			most = w.n / 2;
			err = LL_OK;
		} else if (err == LL_ERR_LIMIT) {
			changes[done++].err = err;
			err = LL_OK;
		} else if (err == LL_ERR_AGAIN && tries++ < 16) {
			err = LL_OK;
		} else if (!err) {
			done += w.n;
		}
	}
	VEC_DONE(&w.plans);
	uid_list_done(&w.more);
	uid_list_done(&w.fewer);
	return err;
}
