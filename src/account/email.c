/* The view of all Emails: three sorted arrays over the rows of all mailboxes. A commit merges its
 * edits into them, which costs no more than moving memory. */
#include "account/email_view.h"

#include "account/brief.h"
#include "account/txn.h"

#include <stdlib.h>

void
email_view_free(struct email_view *v)
{
	if (!v)
		return;
	VEC_EACH (mb, &v->open)
		mailbox_close(*mb);
	VEC_DONE(&v->open);
	VEC_DONE(&v->infos);
	VEC_DONE(&v->places);
	VEC_DONE(&v->threads);
	VEC_DONE(&v->counted);
	for (size_t i = 0; i < EMAIL_RESULTS; i++)
		email_result_done(&v->results[i]);
	free(v);
}

size_t
email_view_bytes(const struct email_view *v)
{
	size_t n = 0;

	if (!v)
		return 0;
	for (size_t i = 0; i < EMAIL_RESULTS; i++)
		n += v->results[i].emails.cap * sizeof(uint32_t) + v->results[i].threads_max / 8;
	return n + v->infos.cap * sizeof(struct email_info) +
		v->places.cap * sizeof(struct email_place) + v->threads.cap * sizeof(void *);
}

static int
place_cmp(const void *a, const void *b)
{
	const struct email_place *x = a, *y = b;
	int c;

	if (x->email != y->email)
		return x->email < y->email ? -1 : 1;
	c = memcmp(x->mb->s.info.id.b, y->mb->s.info.id.b, STORE_ID_LEN);
	if (c)
		return c;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* ---- Making ---- */

static int
view_open(struct email_view *v, struct mailbox *mb)
{
	int err = VEC_RESERVE(&v->open, v->open.len + 1);

	if (!err)
		err = mailbox_open(mb);
	if (!err)
		v->open.at[v->open.len++] = mb;
	return err;
}

static int
view_rows(struct email_view *v, struct account *a)
{
	int err = LL_OK;

	for (size_t i = 0; i < a->boxes.len && !err; i++)
		err = view_open(v, a->boxes.at[i]);
	VEC_EACH (mb, &v->open)
		VEC_EACH (row, &(*mb)->rows) {
			struct email_place p = {row->email, row->uid, *mb};
			if (!err)
				err = VEC_PUSH(&v->places, p);
		}
	if (v->places.len)
		qsort(v->places.at, v->places.len, sizeof(v->places.at[0]), place_cmp);
	return err;
}

static int
view_info(struct account *a, const struct email_place *p, struct email_info *ret)
{
	const struct message_row *row = mailbox_row(p->mb, p->uid);
	const struct brief *b;
	int err = row ? brief_get(a, p->email, &b) : LL_ERR_NOTFOUND;

	if (err)
		return err == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : err;
	*ret = (struct email_info){p->email, b->thread, row->size, b->received};
	return LL_OK;
}

static int
view_infos(struct email_view *v, struct account *a)
{
	int err = LL_OK;

	for (size_t i = 0; i < v->places.len && !err; i++) {
		struct email_info info;
		if (i && v->places.at[i].email == v->places.at[i - 1].email)
			continue;
		err = view_info(a, &v->places.at[i], &info);
		if (!err)
			err = VEC_PUSH(&v->infos, info);
	}
	return err;
}

int
emails_load(struct account *a)
{
	struct email_view *v;
	uint64_t rev;
	int err = LL_OK;

	if (a->emails)
		return LL_OK;
	do { /* what others commit meanwhile may load the mailboxes anew */
		rev = a->head.rev;
		v = calloc(1, sizeof(*v));
		if (!v)
			return LL_ERR_NOMEM;
		err = view_rows(v, a);
		if (!err)
			err = view_infos(v, a);
		if (err || rev != a->head.rev)
			email_view_free(TAKE(v));
	} while (!err && !v);
	a->emails = v;
	return err;
}

static int
thread_cmp(const void *a, const void *b)
{
	const struct email_info *x = *(const struct email_info *const *)a;
	const struct email_info *y = *(const struct email_info *const *)b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->received != y->received)
		return x->received < y->received ? -1 : 1;
	return x->email < y->email ? -1 : x->email > y->email;
}

int
email_view_threads(struct account *a)
{
	struct email_view *v = a->emails;
	int err;

	if (v->threads_good)
		return LL_OK;
	err = VEC_RESERVE(&v->threads, v->infos.len);
	if (err)
		return err;
	v->threads.len = 0;
	VEC_EACH (info, &v->infos)
		v->threads.at[v->threads.len++] = info;
	if (v->threads.len)
		qsort(v->threads.at, v->threads.len, sizeof(v->threads.at[0]), thread_cmp);
	v->threads_good = true;
	return LL_OK;
}

int
emails_threads(struct account *a)
{
	int err = emails_load(a);

	return err ? err : email_view_threads(a);
}

/* ---- Keeping it up ---- */

struct merge {
	VEC(struct email_place) gone, fresh;
};

static int
merge_collect(struct txn *t, struct merge *m)
{
	int err = LL_OK;

	VEC_EACH (b, &t->boxes)
		VEC_EACH (e, &b->edits) {
			struct email_place p = {e->row.email, e->row.uid, b->mb};
			if (e->kind == EDIT_DEL && !err)
				err = VEC_PUSH(&m->gone, p);
			else if (e->kind == EDIT_NEW && !err)
				err = VEC_PUSH(&m->fresh, p);
		}
	if (m->gone.len)
		qsort(m->gone.at, m->gone.len, sizeof(m->gone.at[0]), place_cmp);
	if (m->fresh.len)
		qsort(m->fresh.at, m->fresh.len, sizeof(m->fresh.at[0]), place_cmp);
	return err;
}

/* Takes out what is gone, then merges from the back what is new. */
static int
merge_places(struct email_view *v, const struct merge *m)
{
	size_t to = 0, g = 0, n, i;
	int err = VEC_RESERVE(&v->places, v->places.len + m->fresh.len);

	if (err)
		return err;
	VEC_EACH (p, &v->places) {
		while (g < m->gone.len && place_cmp(&m->gone.at[g], p) < 0)
			g++;
		if (g == m->gone.len || place_cmp(&m->gone.at[g], p))
			v->places.at[to++] = *p;
	}
	n = to + m->fresh.len;
	i = m->fresh.len;
	v->places.len = n;
	while (i) {
		if (to && place_cmp(&v->places.at[to - 1], &m->fresh.at[i - 1]) > 0)
			v->places.at[--n] = v->places.at[--to];
		else
			v->places.at[--n] = m->fresh.at[--i];
	}
	return LL_OK;
}

/* The infos anew from the places, from the old ones where they are there. */
static int
merge_infos(struct txn *t, struct email_view *v)
{
	__typeof__(v->infos) old = v->infos;
	size_t o = 0;
	int err;

	v->infos.at = NULL;
	v->infos.len = v->infos.cap = 0;
	err = VEC_RESERVE(&v->infos, old.len + t->log.len + 16);
	for (size_t i = 0; i < v->places.len && !err; i++) {
		const struct email_place *p = &v->places.at[i];
		struct email_info info;
		if (i && p[-1].email == p->email)
			continue;
		while (o < old.len && old.at[o].email < p->email)
			o++;
		if (o < old.len && old.at[o].email == p->email)
			info = old.at[o];
		else
			err = view_info(t->a, p, &info);
		if (!err)
			err = VEC_PUSH(&v->infos, info);
	}
	VEC_DONE(&old);
	v->threads_good = false;
	return err;
}

static int
merge_boxes(struct txn *t, struct email_view *v)
{
	int err = LL_OK;

	VEC_EACH (b, &t->boxes) {
		if (b->created && !b->deleted && !err)
			err = view_open(v, b->mb);
		if (b->deleted)
			v->counted.len = 0;
		for (size_t i = 0; b->deleted && i < v->open.len; i++)
			if (v->open.at[i] == b->mb) {
				VEC_REMOVE(&v->open, i);
				mailbox_close(b->mb);
				break;
			}
	}
	return err;
}

static bool
born_or_dead(const struct txn *t)
{
	if (t->dead.len)
		return true;
	VEC_EACH (e, &t->log)
		if (e->op == LOG_EMAIL_NEW)
			return true;
	return false;
}

void
email_view_apply(struct txn *t)
{
	struct email_view *v = t->a->emails;
	struct merge m = {{0}};
	int err;

	if (!v)
		return;
	err = merge_collect(t, &m);
	if (!err && (m.gone.len || m.fresh.len))
		err = merge_places(v, &m);
	if (!err && born_or_dead(t))
		err = merge_infos(t, v);
	if (!err)
		err = merge_boxes(t, v);
	VEC_DONE(&m.gone);
	VEC_DONE(&m.fresh);
	if (err) {
		t->a->emails = NULL;
		email_view_free(v);
	}
}

/* ---- Looking ---- */

const struct email_info *
emails_all(const struct account *a, size_t *ret_n)
{
	*ret_n = a->emails->infos.len;
	return a->emails->infos.at;
}

const struct email_info *
email_find(const struct account *a, uint32_t email)
{
	const struct email_view *v = a->emails;
	size_t lo = 0, hi = v->infos.len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v->infos.at[mid].email < email)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->infos.len && v->infos.at[lo].email == email ? &v->infos.at[lo] : NULL;
}

const struct email_place *
email_places(const struct account *a, uint32_t email, size_t *ret_n)
{
	const struct email_view *v = a->emails;
	size_t lo = 0, hi = v->places.len, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v->places.at[mid].email < email)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < v->places.len && v->places.at[lo + n].email == email)
		n++;
	*ret_n = n;
	return n ? &v->places.at[lo] : NULL;
}

const struct email_info *const *
thread_emails(const struct account *a, uint32_t thread, size_t *ret_n)
{
	const struct email_view *v = a->emails;
	size_t lo = 0, hi = v->threads.len, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v->threads.at[mid]->thread < thread)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < v->threads.len && v->threads.at[lo + n]->thread == thread)
		n++;
	*ret_n = n;
	return n ? &v->threads.at[lo] : NULL;
}

static const struct {
	struct slice name;
	uint64_t flag;
} system_keywords[] = {
	{S("$seen"), FLAG_SEEN},
	{S("$flagged"), FLAG_FLAGGED},
	{S("$answered"), FLAG_ANSWERED},
	{S("$draft"), FLAG_DRAFT},
};

uint64_t
email_keyword_flag(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_keywords); i++)
		if (slice_ieq(system_keywords[i].name, name))
			return system_keywords[i].flag;
	return 0;
}

uint64_t
email_flags(const struct account *a, uint32_t email)
{
	uint64_t flags = 0;
	size_t n;
	const struct email_place *p = email_places(a, email, &n);

	for (size_t i = 0; i < n; i++)
		flags |= mailbox_row(p[i].mb, p[i].uid)->flags;
	return flags & EMAIL_FLAGS_SHOWN;
}

bool
email_has_keyword(const struct account *a, uint32_t email, struct slice name)
{
	uint64_t flag = email_keyword_flag(name), bit;
	size_t n;
	const struct email_place *p = email_places(a, email, &n);

	for (size_t i = 0; i < n; i++) {
		bit = flag;
		if (!flag)
			mailbox_keyword(p[i].mb, name, &bit);
		if (mailbox_row(p[i].mb, p[i].uid)->flags & bit)
			return true;
	}
	return false;
}

bool
email_in_mailbox(const struct account *a, uint32_t email, const struct mailbox *mb)
{
	size_t n;
	const struct email_place *p = email_places(a, email, &n);

	for (size_t i = 0; i < n; i++)
		if (p[i].mb == mb)
			return true;
	return false;
}
