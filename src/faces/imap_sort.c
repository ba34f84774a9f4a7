/* SORT and THREAD (RFC 5256, RFC 5957). */
#include "faces/imap_search.h"

static const struct {
	struct slice name;
	enum sort_key key;
} sort_names[] = {
	{S("ARRIVAL"), SORT_ARRIVAL},
	{S("CC"), SORT_CC},
	{S("DATE"), SORT_DATE},
	{S("DISPLAYFROM"), SORT_DISPLAY_FROM},
	{S("DISPLAYTO"), SORT_DISPLAY_TO},
	{S("FROM"), SORT_FROM},
	{S("SIZE"), SORT_SIZE},
	{S("SUBJECT"), SORT_SUBJECT},
	{S("TO"), SORT_TO},
};

static bool
parse_sort_key(struct imap_lex *l, struct imap_search_work *ret)
{
	bool reverse = imap_lex_try_word(l, S("REVERSE"));
	struct slice name;

	if ((reverse && !imap_lex_sp(l)) || !imap_lex_name(l, &name))
		return false;
	if (ret->n_order == SORT_ORDERS_MAX)
		return imap_lex_fail(l, "Too many sort keys");
	for (size_t i = 0; i < ARRAY_SIZE(sort_names); i++) {
		if (slice_ieq(name, sort_names[i].name)) {
			ret->order[ret->n_order++] =
				(struct sort_order){sort_names[i].key, reverse};
			return true;
		}
	}
	return imap_lex_fail(l, "Unknown sort key");
}

static bool
parse_order(struct imap_lex *l, struct imap_search_work *ret)
{
	if (!imap_lex_sp(l) || !imap_lex_char(l, '('))
		return false;
	do {
		if (!parse_sort_key(l, ret))
			return false;
	} while (imap_lex_try(l, ' '));
	return imap_lex_char(l, ')');
}

/* SP charset SP search-key ... */
static bool
parse_program(struct imap_query *q)
{
	struct slice charset;

	if (!imap_lex_sp(q->l) || !imap_lex_astring(q->l, &charset) || !imap_lex_sp(q->l))
		return false;
	imap_query_charset(q, charset);
	return !q->bad_charset && imap_query_parse(q);
}

/* A number the client knows the message by. */
static uint32_t
number(const struct imap_conn *c, uint32_t uid)
{
	return c->uid ? uid : (uint32_t)imap_view_find(c, uid) + 1;
}

static void
put_sorted(struct imap_conn *c, const struct uid_list *found)
{
	buf_puts(&c->out, "* SORT");
	for (size_t i = 0; i < found->len; i++) {
		buf_putc(&c->out, ' ');
		buf_put_u64dec(&c->out, number(c, found->at[i]));
	}
	buf_puts(&c->out, "\r\n");
	imap_done(c, "OK Done");
}

static void
sort_step(struct imap_conn *c, void *work)
{
	struct imap_search_work *w = work;
	bool done;
	int err = sort_job_step(w->sort, &done);

	if (err)
		imap_error(c, err);
	else if (done)
		put_sorted(c, &w->found);
	else
		c->yield = true;
}

static void
sort_found(struct imap_conn *c, struct imap_search_work *w)
{
	int err =
		sort_job_new(c->view.mb, w->order, w->n_order, w->found.at, w->found.len, &w->sort);

	if (err)
		imap_error(c, err);
	else
		imap_search_resume(c, w, sort_step);
}

void
imap_run_sort(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_search_work *w = imap_search_work_new(c, l);

	if (!w)
		return;
	if (!parse_order(l, w) || !parse_program(&w->q)) {
		imap_query_refuse(&w->q);
		return;
	}
	w->then = sort_found;
	imap_search_run(c, w);
}

/* ---- THREAD ---- */

/* Open branches while a forest is written; deep reply chains must not recurse. */
struct branch {
	uint32_t next; /* sibling to go on with */
};

struct writer {
	struct imap_conn *c;
	const struct thread_forest *f;
	VEC(struct branch) open;
};

/* Writes a chain "1 2 3" until it ends or forks; returns the first child of a fork or none. */
static uint32_t
put_chain(struct writer *w, uint32_t at)
{
	bool first = true;

	for (;;) {
		const struct thread_node *n = &w->f->at[at];

		if (n->uid) {
			if (!first)
				buf_putc(&w->c->out, ' ');
			first = false;
			buf_put_u64dec(&w->c->out, number(w->c, n->uid));
		}
		if (n->child == THREAD_NONE)
			return THREAD_NONE;
		if (!n->uid || w->f->at[n->child].next != THREAD_NONE) {
			if (n->uid)
				buf_putc(&w->c->out, ' ');
			return n->child;
		}
		at = n->child;
	}
}

/* "(1 2 (3)(4 5))" for every root. */
static int
put_forest(struct writer *w)
{
	uint32_t at = w->f->first;

	while (at != THREAD_NONE) {
		uint32_t fork;

		buf_putc(&w->c->out, '(');
		fork = put_chain(w, at);
		if (fork != THREAD_NONE) {
			if (VEC_PUSH(&w->open, ((struct branch){w->f->at[at].next})))
				return LL_ERR_NOMEM;
			at = fork;
			continue;
		}
		buf_putc(&w->c->out, ')');
		at = w->f->at[at].next;
		while (at == THREAD_NONE && w->open.len) {
			at = w->open.at[--w->open.len].next;
			buf_putc(&w->c->out, ')');
		}
	}
	return LL_OK;
}

static bool
parse_method(struct imap_lex *l, enum thread_method *ret)
{
	struct slice name;

	if (!imap_lex_sp(l) || !imap_lex_name(l, &name))
		return false;
	if (slice_ieq(name, S("REFERENCES")))
		*ret = THREAD_REFERENCES;
	else if (slice_ieq(name, S("ORDEREDSUBJECT")))
		*ret = THREAD_ORDEREDSUBJECT;
	else
		return imap_lex_fail(l, "Unknown threading method");
	return true;
}

static void
put_threads(struct imap_conn *c, const struct thread_forest *f)
{
	struct writer w = {.c = c, .f = f};
	int err;

	buf_puts(&c->out, f->first == THREAD_NONE ? "* THREAD" : "* THREAD ");
	err = put_forest(&w);
	VEC_DONE(&w.open);
	buf_puts(&c->out, "\r\n");
	if (err == LL_OK)
		imap_done(c, "OK Done");
	else
		imap_error(c, err);
}

static void
thread_step(struct imap_conn *c, void *work)
{
	struct imap_search_work *w = work;
	bool done;
	int err = thread_job_step(w->thread, &w->forest, &done);

	if (err)
		imap_error(c, err);
	else if (done)
		put_threads(c, &w->forest);
	else
		c->yield = true;
}

static void
thread_found(struct imap_conn *c, struct imap_search_work *w)
{
	int err = thread_job_new(c->view.mb, w->method, w->found.at, w->found.len, &w->thread);

	if (err)
		imap_error(c, err);
	else
		imap_search_resume(c, w, thread_step);
}

void
imap_run_thread(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_search_work *w = imap_search_work_new(c, l);

	if (!w)
		return;
	if (!parse_method(l, &w->method) || !parse_program(&w->q)) {
		imap_query_refuse(&w->q);
		return;
	}
	w->then = thread_found;
	imap_search_run(c, w);
}
