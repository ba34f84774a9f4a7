/* Whether an Email matches a filter. What a condition on text says of a message never changes, and
 * is dear to find out: it is remembered, so that the same words are not looked for twice in a
 * letter, whatever else is asked with them and whatever happens in the mailbox meanwhile. */
#include "account/email_view.h"

#include <stdlib.h>

/* ---- What is known of texts ---- */

#define VERDICTS_KEY_MAX ((size_t)64 << 10)
enum verdict { VERDICT_NONE, VERDICT_NO = 2, VERDICT_YES = 3 };

void
email_verdicts_done(struct email_verdicts *v)
{
	buf_done(&v->key);
	free(v->at);
	*v = (struct email_verdicts){.used = 0};
}

/* One text for equal conditions. False: what it says may change. */
static bool
condition_key(const struct find_node *n, struct buf *out)
{
	bool lasts = n->op <= FIND_NOT || n->op >= FIND_INTERNAL;

	buf_putc(out, (uint8_t)n->op);
	buf_put_svarint(out, n->min);
	buf_put_svarint(out, n->max);
	buf_put_blob(out, n->name);
	buf_put_blob(out, n->text);
	for (const struct find_node *k = n->kids; k; k = k->next) {
		buf_putc(out, '(');
		lasts &= condition_key(k, out);
	}
	buf_putc(out, ')');
	return lasts;
}

/* Where those of that key are, or may be put: in place of those not used for longest, but not of
 * any used after `since`. */
static struct email_verdicts *
verdicts_place(struct email_view *view, struct slice key, uint64_t since)
{
	struct email_verdicts *v = NULL;

	for (size_t i = 0; i < EMAIL_VERDICTS; i++) {
		struct email_verdicts *at = &view->verdicts[i];
		if (at->key.len && slice_eq(buf_slice(&at->key), key))
			return at;
		if (at->used <= since && (!v || at->used < v->used))
			v = at;
	}
	return v;
}

/* NULL: there is no room to remember any. */
static struct email_verdicts *
verdicts_of(struct email_view *view, const struct find_node *n, uint64_t since)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(VERDICTS_KEY_MAX);
	struct email_verdicts *v = NULL;

	if (condition_key(n, &key) && !buf_err(&key))
		v = verdicts_place(view, buf_slice(&key), since);
	if (!v)
		return NULL;
	if (!slice_eq(buf_slice(&v->key), buf_slice(&key))) {
		email_verdicts_done(v);
		v->key = key;
		key = BUF_INIT(0);
	}
	v->used = ++view->clock;
	return v;
}

static enum verdict
verdict_get(const struct email_verdicts *v, uint32_t email)
{
	return v && email / 4 < v->bytes ? v->at[email / 4] >> email % 4 * 2 & 3 : VERDICT_NONE;
}

/* Without memory nothing is remembered. */
static void
verdict_put(struct email_verdicts *v, const struct account *a, uint32_t email, bool yes)
{
	size_t bytes = (((size_t)a->head.next_page + 1) << SLOTS_LOG) / 4;
	uint8_t *at;

	if (!v || email / 4 >= bytes)
		return;
	if (v->bytes < bytes) {
		at = realloc(v->at, bytes);
		if (!at)
			return;
		memset(at + v->bytes, 0, bytes - v->bytes);
		v->at = at;
		v->bytes = bytes;
	}
	v->at[email / 4] |= (uint8_t)((yes ? VERDICT_YES : VERDICT_NO) << email % 4 * 2);
}

/* ---- Making ---- */

struct condition {
	const struct email_filter *f;
	struct condition *kids;
	size_t n_kids;
	struct finder *finder;
	struct email_verdicts *verdicts; /* NULL: none are kept */
	struct mailbox **boxes;
	size_t n_boxes; /* those there are */
	bool dear; /* messages must be read for it */
};

struct email_test {
	struct account *a;
	struct condition root;
	uint64_t since; /* verdicts used later are ours */
	/* The Email under examination. */
	const struct email_info *info;
	const struct email_place *places;
	size_t n_places;
	bool rough; /* what is dear is not asked */
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
	if (c->dear)
		c->verdicts = verdicts_of(t->a->emails, &c->f->find, t->since);
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
	t->since = a->emails->clock;
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

static bool ask(struct email_test *t, const struct condition *c);

/* When only a rough answer is wanted, what is dear may be true: under AND and OR it counts as
 * that, under NOT it does not count. */
static bool
ask_group(struct email_test *t, const struct condition *c)
{
	bool any = c->f->op != EMAIL_AND, none = c->f->op == EMAIL_NOT;

	for (size_t i = 0; i < c->n_kids; i++) {
		const struct condition *k = &c->kids[i];
		if (!(t->rough && none && k->dear) && ask(t, k) == any)
			return c->f->op == EMAIL_OR;
	}
	return c->f->op != EMAIL_OR;
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

static bool
ask_find(struct email_test *t, const struct condition *c)
{
	uint32_t email = t->info->email;
	enum verdict known = verdict_get(c->verdicts, email);
	bool yes = false;

	if (c->dear && t->rough)
		return true;
	if (known != VERDICT_NONE)
		return known == VERDICT_YES;
	t->err = finder_ask(c->finder, mailbox_row(t->places->mb, t->places->uid), &yes);
	if (t->err)
		return false;
	if (c->dear)
		verdict_put(c->verdicts, t->a, email, yes);
	return yes;
}

static bool
ask(struct email_test *t, const struct condition *c)
{
	if (t->err)
		return false;
	if (c->f->op <= EMAIL_NOT)
		return ask_group(t, c);
	if (c->f->op == EMAIL_FIND)
		return ask_find(t, c);
	return c->f->op <= EMAIL_IN_OTHER_THAN ? ask_boxes(t, c) : ask_keyword(t, c);
}

static bool
ask_email(struct email_test *t, const struct email_info *info, bool rough)
{
	t->info = info;
	t->rough = rough;
	t->places = email_places(t->a, info->email, &t->n_places);
	t->a->spent += SPENT_ROW;
	return t->n_places && ask(t, &t->root);
}

int
email_test_ask(struct email_test *t, const struct email_info *info, bool *ret)
{
	bool yes = !t->root.dear || ask_email(t, info, false);

	if (!t->err)
		*ret = yes;
	return t->err;
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
	if (info && !t->err && ask_email(t, info, true) && !t->err)
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
