/* What changed since a modseq: from the log (what came and went) and the rows (what is different).
 */
#include "account/email_view.h"

#include <stdlib.h>

void
changes_done(struct changes *c)
{
	VEC_DONE(c);
}

uint32_t
change_number(const struct change *c)
{
	return be32_get(c->id.b);
}

static struct store_id
number_id(uint32_t number)
{
	struct store_id id = {{0}};

	be32_put(id.b, number);
	return id;
}

/* ---- Notes: what happened to an object, in any order, then folded into one ---- */

enum note_kind { NOTE_NEW, NOTE_SET, NOTE_GONE, NOTE_COUNTERS };
struct note {
	struct store_id id;
	uint64_t modseq;
	enum note_kind kind;
};
struct notes {
	VEC(struct note) v;
	const struct change_place *after; /* what is told up to there is left out; may be NULL */
	int err;
};

static void
note_add(struct notes *n, struct store_id id, uint64_t modseq, enum note_kind kind)
{
	struct note note = {id, modseq, kind};
	bool told = n->after && modseq == n->after->modseq &&
		memcmp(id.b, n->after->id.b, sizeof(id.b)) <= 0;

	if (!n->err && !told)
		n->err = VEC_PUSH(&n->v, note);
}

static int
note_cmp(const void *a, const void *b)
{
	const struct note *x = a, *y = b;
	int c = memcmp(x->id.b, y->id.b, sizeof(x->id.b));

	if (c)
		return c;
	if (x->modseq != y->modseq)
		return x->modseq < y->modseq ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static int
change_cmp(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->modseq != y->modseq)
		return x->modseq < y->modseq ? -1 : 1;
	return memcmp(x->id.b, y->id.b, sizeof(x->id.b));
}

/* One object's notes [at, at + n), in order of time. What is new stands where it came into being:
 * a client that stops before its later changes has then seen it made. */
static int
fold_one(const struct note *at, size_t n, struct changes *ret)
{
	struct change c = {.id = at->id, .modseq = at[n - 1].modseq, .kind = CHANGE_UPDATED};
	bool before = true, now = true, known = false, counters = true;

	for (size_t i = 0; i < n; i++) {
		counters &= at[i].kind == NOTE_COUNTERS;
		if (at[i].kind != NOTE_NEW && at[i].kind != NOTE_GONE)
			continue;
		if (!known)
			before = at[i].kind == NOTE_GONE;
		known = true;
		now = at[i].kind == NOTE_NEW;
		if (!before && now)
			c.modseq = at[i].modseq;
	}
	if (!before && !now)
		return LL_OK;
	if (before && now)
		ret->only_counters &= counters;
	c.kind = !before ? CHANGE_CREATED : now ? CHANGE_UPDATED : CHANGE_DESTROYED;
	return VEC_PUSH(ret, c);
}

static int
notes_fold(struct notes *n, struct changes *ret)
{
	int err = n->err;

	ret->only_counters = true;
	if (n->v.len)
		qsort(n->v.at, n->v.len, sizeof(n->v.at[0]), note_cmp);
	for (size_t i = 0, k; i < n->v.len && !err; i = k) {
		for (k = i + 1;
			k < n->v.len && !memcmp(n->v.at[k].id.b, n->v.at[i].id.b, STORE_ID_LEN);)
			k++;
		err = fold_one(&n->v.at[i], k - i, ret);
	}
	if (!err && ret->len)
		qsort(ret->at, ret->len, sizeof(ret->at[0]), change_cmp);
	return err;
}

/* ---- Emails ---- */

static const struct log_event *
events_from(const struct account *a, size_t first, size_t *ret_n)
{
	*ret_n = a->log.events.len - first;
	return *ret_n ? a->log.events.at + first : NULL;
}

/* Rows that are different. That an Email is new the log says. */
static void
note_rows(const struct account *a, uint64_t since, struct notes *n)
{
	VEC_EACH (mb, &a->emails->open) {
		if ((*mb)->s.info.highestmodseq <= since)
			continue;
		VEC_EACH (row, &(*mb)->rows)
			if (row->modseq > since)
				note_add(n, number_id(row->email), row->modseq, NOTE_SET);
	}
}

static void
note_emails(const struct account *a, uint64_t since, size_t first, struct notes *n)
{
	static const enum note_kind kinds[LOG_OPS] = {[LOG_EMAIL_NEW] = NOTE_NEW,
		[LOG_EMAIL_LESS] = NOTE_SET,
		[LOG_EMAIL_GONE] = NOTE_GONE};
	size_t count;
	const struct log_event *e = events_from(a, first, &count);

	for (size_t i = 0; i < count; i++)
		if (e[i].op <= LOG_EMAIL_GONE)
			note_add(n, number_id(e[i].email), e[i].modseq, kinds[e[i].op]);
	note_rows(a, since, n);
}

/* ---- Threads ---- */

/* A thread is new when none of its Emails was there before, and gone when none is left. */
static void
note_thread(struct account *a, uint32_t thread, const struct note *at, size_t n, struct notes *out)
{
	size_t living, before, born = 0, dead = 0;
	struct store_id id = number_id(thread);

	(void)thread_emails(a, thread, &living);
	for (size_t i = 0; i < n; i++) {
		born += at[i].kind == NOTE_NEW;
		dead += at[i].kind == NOTE_GONE;
	}
	before = living + dead - MIN(born, living + dead);
	if (!before && !living)
		return;
	if (!before)
		note_add(out, id, at[0].modseq, NOTE_NEW);
	else
		note_add(out, id, at[n - 1].modseq, living ? NOTE_SET : NOTE_GONE);
}

static void
note_threads(struct account *a, size_t first, struct notes *out)
{
	struct notes all = {.err = LL_OK};
	size_t count;
	const struct log_event *e = events_from(a, first, &count);

	for (size_t i = 0; i < count; i++)
		if (e[i].op == LOG_EMAIL_NEW || e[i].op == LOG_EMAIL_GONE)
			note_add(&all, number_id(e[i].thread), e[i].modseq,
				e[i].op == LOG_EMAIL_NEW ? NOTE_NEW : NOTE_GONE);
	if (all.v.len)
		qsort(all.v.at, all.v.len, sizeof(all.v.at[0]), note_cmp);
	for (size_t i = 0, k; i < all.v.len; i = k) {
		for (k = i + 1;
			k < all.v.len && !memcmp(all.v.at[k].id.b, all.v.at[i].id.b, STORE_ID_LEN);)
			k++;
		note_thread(a, be32_get(all.v.at[i].id.b), &all.v.at[i], k - i, out);
	}
	if (all.err)
		out->err = all.err;
	VEC_DONE(&all.v);
}

/* ---- Mailboxes ---- */

/* Counters of threads change with any of the thread's Emails, in whichever mailbox. */
static void
note_thread_boxes(struct account *a, uint32_t thread, uint64_t modseq, struct notes *n)
{
	size_t count, places;
	const struct email_info *const *e = thread_emails(a, thread, &count);

	for (size_t i = 0; i < count; i++) {
		const struct email_place *p = email_places(a, e[i]->email, &places);
		for (size_t k = 0; k < places; k++)
			note_add(n, p[k].mb->s.info.id, modseq, NOTE_COUNTERS);
	}
}

/* Each mailbox stands at the last change of its threads: a place that does not move when a client
 * takes the changes in several pages. */
static void
note_boxes_of_threads(struct account *a, const struct notes *emails, size_t first, struct notes *n)
{
	struct notes threads = {.err = LL_OK};
	size_t count;
	const struct log_event *e = events_from(a, first, &count);

	VEC_EACH (note, &emails->v) {
		const struct email_info *info = email_find(a, be32_get(note->id.b));
		if (info)
			note_add(&threads, number_id(info->thread), note->modseq, NOTE_COUNTERS);
	}
	for (size_t i = 0; i < count; i++)
		if (e[i].op <= LOG_EMAIL_GONE)
			note_add(&threads, number_id(e[i].thread), e[i].modseq, NOTE_COUNTERS);
	if (threads.v.len)
		qsort(threads.v.at, threads.v.len, sizeof(threads.v.at[0]), note_cmp);
	for (size_t i = 0; i < threads.v.len; i++) {
		const struct note *t = &threads.v.at[i];
		if (i + 1 == threads.v.len || memcmp(t[1].id.b, t->id.b, STORE_ID_LEN) != 0)
			note_thread_boxes(a, be32_get(t->id.b), t->modseq, n);
	}
	if (threads.err)
		n->err = threads.err;
	VEC_DONE(&threads.v);
}

static void
note_all_boxes(const struct account *a, uint64_t modseq, struct notes *n)
{
	VEC_EACH (mb, &a->boxes)
		note_add(n, (*mb)->s.info.id, modseq, NOTE_COUNTERS);
}

static void
note_mailboxes(struct account *a, uint64_t since, size_t first, struct notes *n)
{
	static const enum note_kind kinds[LOG_OPS] = {
		[LOG_BOX_NEW] = NOTE_NEW, [LOG_BOX_SET] = NOTE_SET, [LOG_BOX_GONE] = NOTE_GONE};
	struct notes emails = {.err = LL_OK};
	size_t count;
	const struct log_event *e = events_from(a, first, &count);

	for (size_t i = 0; i < count; i++) {
		if (e[i].op >= LOG_BOX_NEW && e[i].op <= LOG_BOX_GONE && e[i].type == LOG_TRASH)
			note_all_boxes(a, e[i].modseq, n);
		if (e[i].op >= LOG_BOX_NEW && e[i].op <= LOG_BOX_GONE)
			note_add(n, e[i].id, e[i].modseq, kinds[e[i].op]);
		else if (e[i].op >= LOG_OBJECT_NEW && e[i].type == CHANGE_MAILBOX &&
			account_mailbox_by_id(a, e[i].id))
			note_add(n, e[i].id, e[i].modseq, NOTE_SET);
	}
	VEC_EACH (mb, &a->boxes)
		if ((*mb)->s.info.highestmodseq > since)
			note_add(n, (*mb)->s.info.id, (*mb)->s.info.highestmodseq, NOTE_COUNTERS);
	note_emails(a, since, first, &emails);
	note_boxes_of_threads(a, &emails, first, n);
	if (emails.err)
		n->err = emails.err;
	VEC_DONE(&emails.v);
}

/* ---- Objects ---- */

static void
note_objects(struct account *a, enum change_type type, size_t first, struct notes *n)
{
	static const enum note_kind kinds[LOG_OPS] = {[LOG_OBJECT_NEW] = NOTE_NEW,
		[LOG_OBJECT_SET] = NOTE_SET,
		[LOG_OBJECT_GONE] = NOTE_GONE};
	size_t count;
	const struct log_event *e = events_from(a, first, &count);

	for (size_t i = 0; i < count; i++)
		if (e[i].op >= LOG_OBJECT_NEW && e[i].type == type)
			note_add(n, e[i].id, e[i].modseq, kinds[e[i].op]);
}

static int
changes_collect(struct account *a, enum change_type type, uint64_t since, struct notes *n)
{
	size_t first;
	int err = type < CHANGE_IDENTITY ? emails_load(a) : LL_OK;

	if (!err && type < CHANGE_IDENTITY)
		err = email_view_threads(a);
	if (!err)
		err = log_since(a, since, &first);
	if (err)
		return err;
	if (type == CHANGE_EMAIL)
		note_emails(a, since, first, n);
	else if (type == CHANGE_THREAD)
		note_threads(a, first, n);
	else if (type == CHANGE_MAILBOX)
		note_mailboxes(a, since, first, n);
	else if (type >= CHANGE_IDENTITY)
		note_objects(a, type, first, n);
	return n->err;
}

static int
changes_since(struct account *a, enum change_type type, uint64_t since,
	const struct change_place *after, struct changes *ret)
{
	struct notes n = {.after = after};
	int err;

	*ret = (struct changes){.only_counters = true};
	err = since > a->head.modseq ? LL_ERR_RANGE : changes_collect(a, type, since, &n);
	if (!err)
		err = notes_fold(&n, ret);
	if (err)
		changes_done(ret);
	VEC_DONE(&n.v);
	return err;
}

int
account_changes(struct account *a, enum change_type type, uint64_t since, struct changes *ret)
{
	if (since != a->head.states[type])
		return changes_since(a, type, since, NULL, ret);
	*ret = (struct changes){.only_counters = true};
	return LL_OK;
}

int
account_changes_after(struct account *a, enum change_type type, const struct change_place *after,
	struct changes *ret)
{
	return changes_since(a, type, after->modseq - 1, after, ret);
}
