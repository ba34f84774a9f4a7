/* Whether an Email matches a filter, in three steps of growing cost: without reading any message,
 * without opening a body, and with it. */
#include "account/email_view.h"

#include "account/message.h"

#include <stdlib.h>

/* ---- Making ---- */

struct condition {
	const struct email_filter *f;
	struct condition *kids;
	size_t n_kids;
	struct finder *finder;
	struct mailbox **boxes;
	size_t n_boxes; /* those there are */
	bool dear; /* messages must be read for it */
};

enum how_far {
	ROUGHLY, /* no message is read */
	UNOPENED, /* no body is opened */
	EXACTLY,
};

struct email_test {
	struct account *a;
	struct condition root;
	uint64_t since; /* verdicts used later are ours */
	/* The Email under examination. */
	const struct email_info *info;
	const struct email_place *places;
	size_t n_places;
	enum how_far how;
	int err;
};

static void
condition_done(struct condition *c)
{
	for (size_t i = 0; i < c->n_kids; i++)
		condition_done(&c->kids[i]);
	free(c->kids);
	free(c->boxes);
	finder_free(c->finder);
}

static int condition_make(
	struct condition *c, struct email_test *t, const struct email_filter *f, unsigned depth);

static int
condition_kids(struct condition *c, struct email_test *t, unsigned depth)
{
	size_t n = 0;
	int err = LL_OK;

	for (const struct email_filter *k = c->f->kids; k; k = k->next)
		n++;
	c->kids = calloc(n + 1, sizeof(*c->kids));
	if (!c->kids)
		return LL_ERR_NOMEM;
	for (const struct email_filter *k = c->f->kids; k && !err; k = k->next) {
		err = condition_make(&c->kids[c->n_kids++], t, k, depth + 1);
		c->dear |= c->kids[c->n_kids - 1].dear;
	}
	return err;
}

static int
condition_boxes(struct condition *c, const struct account *a)
{
	c->boxes = calloc(c->f->n_mailboxes + 1, sizeof(struct mailbox *));
	if (!c->boxes)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < c->f->n_mailboxes; i++) {
		struct mailbox *mb = account_mailbox_by_id(a, c->f->mailboxes[i]);
		if (mb)
			c->boxes[c->n_boxes++] = mb;
	}
	return LL_OK;
}

static int
condition_find(struct condition *c, struct email_test *t)
{
	int err = finder_new(t->a, &c->f->find, &c->finder);

	if (err)
		return err;
	c->dear = finder_reads(c->finder);
	finder_bind(c->finder, t->since);
	return LL_OK;
}

static int
condition_make(
	struct condition *c, struct email_test *t, const struct email_filter *f, unsigned depth)
{
	*c = (struct condition){.f = f};
	if (depth > FIND_DEPTH_MAX)
		return LL_ERR_LIMIT;
	if (f->op <= EMAIL_NOT)
		return condition_kids(c, t, depth);
	return f->op == EMAIL_FIND ? condition_find(c, t) : condition_boxes(c, t->a);
}

int
email_test_new(struct account *a, const struct email_filter *f, struct email_test **ret)
{
	static const struct email_filter all = {.op = EMAIL_AND};
	struct email_test *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return LL_ERR_NOMEM;
	t->a = a;
	t->since = verdicts_now(a);
	err = condition_make(&t->root, t, f ? f : &all, 0);
	if (err)
		email_test_free(t);
	else
		*ret = t;
	return err;
}

void
email_test_free(struct email_test *t)
{
	if (!t)
		return;
	condition_done(&t->root);
	free(t);
}

/* ---- Asking ---- */

static enum find_answer ask(struct email_test *t, const struct condition *c);

static enum find_answer
ask_group(struct email_test *t, const struct condition *c)
{
	enum find_answer decides = c->f->op == EMAIL_AND ? ANSWER_NO : ANSWER_YES;
	enum find_answer end = c->f->op == EMAIL_OR ? ANSWER_NO : ANSWER_YES;

	for (size_t i = 0; i < c->n_kids; i++) {
		enum find_answer one = ask(t, &c->kids[i]);
		if (one == decides)
			return c->f->op == EMAIL_OR ? ANSWER_YES : ANSWER_NO;
		if (one == ANSWER_UNKNOWN)
			end = ANSWER_UNKNOWN;
	}
	return end;
}

static bool
ask_boxes(const struct email_test *t, const struct condition *c)
{
	bool other = c->f->op == EMAIL_IN_OTHER_THAN;

	for (size_t i = 0; i < t->n_places; i++) {
		bool listed = false;
		for (size_t k = 0; k < c->n_boxes; k++)
			listed |= c->boxes[k] == t->places[i].mb;
		if (listed != other)
			return true;
	}
	return false;
}

void
email_thread_keyword(
	const struct account *a, uint32_t thread, struct slice name, bool *ret_all, bool *ret_some)
{
	size_t n;
	const struct email_info *const *e = thread_emails(a, thread, &n);

	*ret_all = n != 0;
	*ret_some = false;
	for (size_t i = 0; i < n; i++) {
		bool has = email_has_keyword(a, e[i]->email, name);
		*ret_all &= has;
		*ret_some |= has;
	}
}

static bool
ask_keyword(const struct email_test *t, const struct condition *c)
{
	bool all, some;

	if (c->f->op == EMAIL_HAS_KEYWORD)
		return email_has_keyword(t->a, t->info->email, c->f->text);
	if (c->f->op == EMAIL_NOT_KEYWORD)
		return !email_has_keyword(t->a, t->info->email, c->f->text);
	email_thread_keyword(t->a, t->info->thread, c->f->text, &all, &some);
	if (c->f->op == EMAIL_ALL_IN_THREAD)
		return all;
	return c->f->op == EMAIL_SOME_IN_THREAD ? some : !some;
}

static enum find_answer
answer(bool yes)
{
	return yes ? ANSWER_YES : ANSWER_NO;
}

static enum find_answer
ask_find(struct email_test *t, const struct condition *c)
{
	const struct message_row *row;
	enum find_answer guess = ANSWER_NO;
	bool yes = false;

	if (c->dear && t->how == ROUGHLY)
		return ANSWER_UNKNOWN;
	row = mailbox_row(t->places->mb, t->places->uid);
	if (t->how != EXACTLY) {
		t->err = finder_guess(c->finder, row, &guess);
		return guess;
	}
	t->err = finder_ask(c->finder, row, &yes);
	return answer(yes);
}

static enum find_answer
ask(struct email_test *t, const struct condition *c)
{
	if (t->err)
		return ANSWER_NO;
	if (c->f->op <= EMAIL_NOT)
		return ask_group(t, c);
	if (c->f->op == EMAIL_FIND)
		return ask_find(t, c);
	return answer(c->f->op <= EMAIL_IN_OTHER_THAN ? ask_boxes(t, c) : ask_keyword(t, c));
}

static enum find_answer
ask_email(struct email_test *t, const struct email_info *info, enum how_far how)
{
	t->info = info;
	t->how = how;
	t->places = email_places(t->a, info->email, &t->n_places);
	t->a->spent += SPENT_ROW;
	return t->n_places ? ask(t, &t->root) : ANSWER_NO;
}

int
email_test_ask(struct email_test *t, const struct email_info *info, bool *ret)
{
	enum find_answer said = ANSWER_YES;

	if (t->root.dear)
		said = ask_email(t, info, UNOPENED);
	if (said == ANSWER_UNKNOWN && !t->err)
		said = ask_email(t, info, EXACTLY);
	if (!t->err)
		*ret = said == ANSWER_YES;
	return t->err;
}

int
email_test_expect(struct email_test *t, const struct email_info *info, bool *ret_opens)
{
	bool opens = t->root.dear && ask_email(t, info, UNOPENED) == ANSWER_UNKNOWN;

	if (t->err)
		return t->err;
	if (opens)
		message_expect(t->a, info->email);
	*ret_opens = opens;
	return LL_OK;
}

/* ---- Candidates ---- */

/* The rows of one mailbox are enough when the filter asks for that mailbox. */
static const struct mailbox *
filter_mailbox(const struct condition *c)
{
	const struct mailbox *mb = NULL;

	if (c->f->op == EMAIL_IN_MAILBOX && c->n_boxes == 1)
		return c->boxes[0];
	if (c->f->op == EMAIL_AND)
		for (size_t i = 0; i < c->n_kids && !mb; i++)
			mb = filter_mailbox(&c->kids[i]);
	return mb;
}

static int
u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
unique(struct uid_list *l)
{
	size_t to = 0;

	if (l->len)
		qsort(l->at, l->len, sizeof(l->at[0]), u32_cmp);
	for (size_t i = 0; i < l->len; i++)
		if (!to || l->at[to - 1] != l->at[i])
			l->at[to++] = l->at[i];
	l->len = to;
}

static void
candidate(struct email_test *t, const struct email_info *info, struct uid_list *ret)
{
	if (info && !t->err && ask_email(t, info, ROUGHLY) != ANSWER_NO && !t->err)
		t->err = VEC_PUSH(ret, info->email);
}

int
email_test_candidates(struct email_test *t, struct uid_list *ret)
{
	const struct mailbox *mb = filter_mailbox(&t->root);

	if (mb) {
		VEC_EACH (row, &mb->rows)
			candidate(t, email_find(t->a, row->email), ret);
		unique(ret);
	} else {
		VEC_EACH (info, &t->a->emails->infos)
			candidate(t, info, ret);
	}
	return t->err;
}
