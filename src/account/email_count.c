/* JMAP's counters of a mailbox (RFC 8621 section 2): of Emails, not rows, and of threads. */
#include "account/email_view.h"

#include <stdlib.h>

struct counting {
	struct account *a;
	const struct mailbox *mb, *trash;
	VEC(uint32_t) emails, threads;
};

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t
sort_unique(uint32_t *at, size_t n)
{
	size_t to = 0;

	if (n)
		qsort(at, n, sizeof(*at), u32_cmp);
	for (size_t i = 0; i < n; i++)
		if (!to || at[to - 1] != at[i])
			at[to++] = at[i];
	return to;
}

/* Whether an Email makes its thread unread as seen from the mailbox. */
static bool
counts_unread(const struct counting *c, uint32_t email)
{
	size_t n;
	const struct email_place *p = email_places(c->a, email, &n);
	bool in_trash = false, elsewhere = false;

	for (size_t i = 0; i < n; i++) {
		in_trash |= p[i].mb == c->trash;
		elsewhere |= p[i].mb != c->trash;
	}
	return (c->mb == c->trash ? in_trash : elsewhere) &&
		!(email_flags(c->a, email) & (FLAG_SEEN | FLAG_DRAFT));
}

static bool
thread_unread(const struct counting *c, uint32_t thread)
{
	size_t n;
	const struct email_info *const *e = thread_emails(c->a, thread, &n);

	for (size_t i = 0; i < n; i++)
		if (counts_unread(c, e[i]->email))
			return true;
	return false;
}

static int
count_collect(struct counting *c, struct email_counts *ret)
{
	int err = LL_OK;

	VEC_EACH (row, &c->mb->rows)
		if (!err)
			err = VEC_PUSH(&c->emails, row->email);
	if (err)
		return err;
	c->emails.len = sort_unique(c->emails.at, c->emails.len);
	ret->emails = (uint32_t)c->emails.len;
	VEC_EACH (e, &c->emails) {
		const struct email_info *info = email_find(c->a, *e);
		ret->unread += !(email_flags(c->a, *e) & (FLAG_SEEN | FLAG_DRAFT));
		if (info && !err)
			err = VEC_PUSH(&c->threads, info->thread);
	}
	return err;
}

static int
count(struct account *a, const struct mailbox *mb, struct email_counts *ret)
{
	struct counting c = {.a = a, .mb = mb, .trash = account_mailbox_by_role(a, MAILBOX_TRASH)};
	int err = count_collect(&c, ret);

	if (!err) {
		c.threads.len = sort_unique(c.threads.at, c.threads.len);
		ret->threads = (uint32_t)c.threads.len;
		VEC_EACH (t, &c.threads)
			ret->unread_threads += thread_unread(&c, *t);
	}
	VEC_DONE(&c.emails);
	VEC_DONE(&c.threads);
	return err;
}

/* Where the counters of a mailbox are kept; NULL without memory. */
static struct email_counted *
counted_of(struct account *a, const struct mailbox *mb)
{
	struct email_counted fresh = {.mb = mb};
	struct email_view *v = a->emails;

	VEC_EACH (c, &v->counted)
		if (c->mb == mb)
			return c;
	return VEC_PUSH(&v->counted, fresh) ? NULL : &v->counted.at[v->counted.len - 1];
}

int
email_counts(struct account *a, const struct mailbox *mb, struct email_counts *ret)
{
	struct email_counts n = {0};
	struct email_counted *kept;
	int err = emails_threads(a);

	if (err)
		return err;
	kept = counted_of(a, mb);
	if (!kept)
		return LL_ERR_NOMEM;
	if (kept->state != a->head.states[CHANGE_EMAIL] ||
		kept->boxes != a->head.states[CHANGE_MAILBOX]) {
		err = count(a, mb, &n);
		if (err)
			return err;
		*kept = (struct email_counted){
			mb, a->head.states[CHANGE_EMAIL], a->head.states[CHANGE_MAILBOX], n};
	}
	*ret = kept->counts;
	return LL_OK;
}
