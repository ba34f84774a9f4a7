/* SEARCH: its program, RETURN options (RFC 4731), SAVE (RFC 5182), and both forms of the answer. */
#include "faces/imap_search.h"

#include <string.h>

enum return_options {
	RETURN_MIN = 1,
	RETURN_MAX = 2,
	RETURN_ALL = 4,
	RETURN_COUNT = 8,
	RETURN_SAVE = 16,
};

/* ---- In slices ---- */

static void
work_cleanup(void *work)
{
	struct imap_search_work *w = work;

	find_job_free(w->find);
	sort_job_free(w->sort);
	thread_job_free(w->thread);
	thread_forest_done(&w->forest);
	uid_list_done(&w->found);
}

static void
work_failed(struct imap_conn *c, struct imap_search_work *w, int err)
{
	imap_error(c, err);
}

struct imap_search_work *
imap_search_work_new(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_search_work *w = ARENA_NEW(&c->arena, struct imap_search_work);

	if (!w) {
		imap_error(c, LL_ERR_NOMEM);
		return NULL;
	}
	w->q = (struct imap_query){.c = c, .l = l};
	w->forest.first = THREAD_NONE;
	w->failed = work_failed;
	c->work = w;
	c->cleanup = work_cleanup;
	return w;
}

void
imap_search_resume(struct imap_conn *c, struct imap_search_work *w,
	void (*step)(struct imap_conn *c, void *work))
{
	c->resume = step;
	c->pondering = true;
	step(c, w);
}

/* Leaves those that the client knows. */
static void
keep_known(const struct imap_conn *c, struct uid_list *found)
{
	size_t kept = 0;

	for (size_t i = 0, at = 0; i < found->len; i++) {
		while (at < c->view.uids.len && c->view.uids.at[at] < found->at[i])
			at++;
		if (at < c->view.uids.len && c->view.uids.at[at] == found->at[i])
			found->at[kept++] = found->at[i];
	}
	found->len = kept;
}

static void
find_step(struct imap_conn *c, void *work)
{
	struct imap_search_work *w = work;
	bool done;
	int err = find_job_step(w->find, &w->found, &done);

	if (err) {
		w->failed(c, w, err);
	} else if (done) {
		keep_known(c, &w->found);
		w->then(c, w);
	} else {
		c->yield = true;
	}
}

void
imap_search_run(struct imap_conn *c, struct imap_search_work *w)
{
	int err = find_job_new(c->view.mb, &w->q.root, &w->find);

	w->q.l = NULL; /* it ends with this call */
	if (err)
		w->failed(c, w, err);
	else
		imap_search_resume(c, w, find_step);
}

/* ---- SEARCH ---- */

static bool
parse_return(struct imap_lex *l, unsigned *ret)
{
	static const struct {
		struct slice name;
		unsigned bit;
	} known[] = {
		{S("MIN"), RETURN_MIN},
		{S("MAX"), RETURN_MAX},
		{S("ALL"), RETURN_ALL},
		{S("COUNT"), RETURN_COUNT},
		{S("SAVE"), RETURN_SAVE},
	};
	unsigned options = 0;

	if (!imap_lex_sp(l) || !imap_lex_char(l, '('))
		return false;
	while (!imap_lex_try(l, ')')) {
		struct slice name;
		unsigned before = options;

		if ((options && !imap_lex_sp(l)) || !imap_lex_name(l, &name))
			return false;
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			if (slice_ieq(name, known[i].name))
				options |= known[i].bit;
		if (options == before)
			return imap_lex_fail(l, "Unknown RETURN option");
	}
	*ret = options ? options : RETURN_ALL;
	return imap_lex_sp(l);
}

static bool
parse_search(struct imap_query *q, unsigned *options)
{
	struct slice charset;

	if (!imap_lex_sp(q->l))
		return false;
	if (imap_lex_try_word(q->l, S("RETURN")) && !parse_return(q->l, options))
		return false;
	if (imap_lex_try_word(q->l, S("CHARSET"))) {
		if (!imap_lex_sp(q->l) || !imap_lex_astring(q->l, &charset) || !imap_lex_sp(q->l))
			return false;
		if (q->c->enabled & IMAP_UTF8) /* RFC 6855 section 3 */
			return imap_lex_fail(q->l, "No CHARSET with UTF8=ACCEPT");
		imap_query_charset(q, charset);
		if (q->bad_charset)
			return false;
	}
	return imap_query_parse(q);
}

/* SAVE keeps what RETURN asks for: the ends alone if it asks for nothing else. */
static int
save(struct imap_conn *c, const struct uid_list *found, unsigned options)
{
	bool ends = options & (RETURN_MIN | RETURN_MAX) && !(options & (RETURN_ALL | RETURN_COUNT));

	c->saved.len = 0;
	if (!found->len)
		return LL_OK;
	if (VEC_RESERVE(&c->saved, found->len))
		return LL_ERR_NOMEM;
	if (!ends) {
		memcpy(c->saved.at, found->at, found->len * sizeof(*found->at));
		c->saved.len = found->len;
		return LL_OK;
	}
	if (options & RETURN_MIN)
		c->saved.at[c->saved.len++] = found->at[0];
	if (options & RETURN_MAX && (found->len > 1 || !(options & RETURN_MIN)))
		c->saved.at[c->saved.len++] = found->at[found->len - 1];
	return LL_OK;
}

/* The highest modseq of what the answer names. */
static uint64_t
highest(struct imap_conn *c, const struct uid_list *found, unsigned options)
{
	bool ends = options & (RETURN_MIN | RETURN_MAX) && !(options & (RETURN_ALL | RETURN_COUNT));
	uint64_t most = 0;

	for (size_t i = 0; i < found->len; i++) {
		const struct message_row *row = mailbox_row(c->view.mb, found->at[i]);
		if (ends && !(options & RETURN_MIN && i == 0) &&
			!(options & RETURN_MAX && i == found->len - 1))
			continue;
		if (row)
			most = MAX(most, row->modseq);
	}
	return most;
}

/* UIDs to sequence numbers, in place, unless the command wants UIDs. */
static void
number(struct imap_conn *c, struct uid_list *found)
{
	for (size_t i = 0, at = 0; i < found->len && !c->uid; i++) {
		while (c->view.uids.at[at] < found->at[i])
			at++;
		found->at[i] = (uint32_t)(at + 1);
	}
}

static void
put_esearch(struct imap_conn *c, const struct uid_list *found, unsigned options, uint64_t modseq)
{
	buf_puts(&c->out, "* ESEARCH (TAG ");
	imap_put_string(c, slice_new(c->tag, c->tag_len));
	buf_puts(&c->out, c->uid ? ") UID" : ")");
	if (options & RETURN_MIN && found->len)
		buf_printf(&c->out, " MIN %u", found->at[0]);
	if (options & RETURN_MAX && found->len)
		buf_printf(&c->out, " MAX %u", found->at[found->len - 1]);
	if (options & RETURN_ALL && found->len) {
		buf_puts(&c->out, " ALL ");
		imap_put_uids(&c->out, found->at, found->len);
	}
	if (options & RETURN_COUNT)
		buf_printf(&c->out, " COUNT %zu", found->len);
	if (modseq)
		buf_printf(&c->out, " MODSEQ %llu", (unsigned long long)modseq);
	buf_puts(&c->out, "\r\n");
}

static void
put_search(struct imap_conn *c, const struct uid_list *found, uint64_t modseq)
{
	buf_puts(&c->out, "* SEARCH");
	for (size_t i = 0; i < found->len; i++) {
		buf_putc(&c->out, ' ');
		buf_put_u64dec(&c->out, found->at[i]);
	}
	if (modseq)
		buf_printf(&c->out, " (MODSEQ %llu)", (unsigned long long)modseq);
	buf_puts(&c->out, "\r\n");
}

static void
answer(struct imap_query *q, struct uid_list *found, unsigned options)
{
	struct imap_conn *c = q->c;
	uint64_t modseq = q->uses_modseq ? highest(c, found, options) : 0;

	number(c, found);
	if (options & ~(unsigned)RETURN_SAVE)
		put_esearch(c, found, options, modseq);
	else if (options) /* SAVE alone says nothing */
		;
	else if (c->enabled & IMAP_REV2)
		put_esearch(c, found, RETURN_ALL, modseq);
	else
		put_search(c, found, modseq);
	imap_done(c, "OK Done");
}

static void
search_found(struct imap_conn *c, struct imap_search_work *w)
{
	int err = w->options & RETURN_SAVE ? save(c, &w->found, w->options) : LL_OK;

	if (err)
		w->failed(c, w, err);
	else
		answer(&w->q, &w->found, w->options);
}

/* A NO empties what was saved (RFC 5182 section 2.1). */
static void
search_failed(struct imap_conn *c, struct imap_search_work *w, int err)
{
	if (w->options & RETURN_SAVE)
		c->saved.len = 0;
	imap_error(c, err);
}

void
imap_run_search(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_search_work *w = imap_search_work_new(c, l);

	if (!w)
		return;
	if (!parse_search(&w->q, &w->options)) {
		if (w->options & RETURN_SAVE && w->q.bad_charset)
			c->saved.len = 0;
		imap_query_refuse(&w->q);
		return;
	}
	if (w->q.uses_modseq)
		imap_enable_condstore(c);
	w->then = search_found;
	w->failed = search_failed;
	imap_search_run(c, w);
}
