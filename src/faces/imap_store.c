/* STORE, with UNCHANGEDSINCE (RFC 7162). */
#include "faces/imap_conn.h"

struct store_args {
	struct imap_flags flags;
	struct flags_change change;
	bool silent;
};

static bool
parse_modifier(struct imap_lex *l, struct store_args *ret)
{
	if (!imap_lex_try(l, '('))
		return true;
	return imap_lex_word(l, S("UNCHANGEDSINCE")) && imap_lex_sp(l) &&
		imap_lex_u63(l, &ret->change.unchanged_since) && imap_lex_char(l, ')') &&
		imap_lex_sp(l);
}

static bool
parse_store(struct imap_lex *l, struct store_args *ret)
{
	*ret = (struct store_args){.change = {.how = FLAGS_REPLACE, .unchanged_since = UINT64_MAX}};
	if (!imap_lex_sp(l) || !parse_modifier(l, ret))
		return false;
	if (imap_lex_try(l, '+'))
		ret->change.how = FLAGS_ADD;
	else if (imap_lex_try(l, '-'))
		ret->change.how = FLAGS_REMOVE;
	if (imap_lex_try_word(l, S("FLAGS.SILENT")))
		ret->silent = true;
	else if (!imap_lex_word(l, S("FLAGS")))
		return false;
	return imap_lex_sp(l) && imap_parse_flags(l, false, &ret->flags) && imap_lex_end(l);
}

/* .SILENT with CONDSTORE: the new modseq alone. */
static void
put_modseq_fetch(struct imap_conn *c, size_t index, const struct message_row *row)
{
	imap_put_fetch_start(c, index);
	if (c->uid || c->enabled & (IMAP_QRESYNC | IMAP_REV2))
		buf_printf(&c->out, "UID %u ", row->uid);
	buf_printf(&c->out, "MODSEQ (%llu))\r\n", (unsigned long long)row->modseq);
}

static bool
listed(const struct uid_list *l, uint32_t uid)
{
	size_t lo = 0, hi = l->len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (l->at[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->len && l->at[lo] == uid;
}

static void
put_results(struct imap_conn *c, const struct store_args *s, const struct imap_spans *spans,
	const struct flags_result *r)
{
	for (size_t i = 0; i < spans->len; i++) {
		for (size_t at = spans->at[i].from; at < spans->at[i].to; at++) {
			uint32_t uid = c->view.uids.at[at];
			const struct message_row *row = mailbox_row(c->view.mb, uid);

			if (!row || listed(&r->failed, uid))
				continue;
			if (!s->silent)
				imap_put_flags_fetch(c, at, row);
			else if (c->enabled & IMAP_CONDSTORE && row->modseq > c->view.modseq)
				put_modseq_fetch(c, at, row);
		}
	}
}

/* The MODIFIED code names messages as the command named them. */
static void
put_modified(struct imap_conn *c, struct uid_list *failed)
{
	for (size_t i = 0; i < failed->len && !c->uid; i++)
		failed->at[i] = (uint32_t)(imap_view_find(c, failed->at[i]) + 1);
	imap_done_start(c);
	buf_puts(&c->out, "OK [MODIFIED ");
	imap_put_uids(&c->out, failed->at, failed->len);
	buf_puts(&c->out, "] Some were changed since");
	imap_done_end(c);
}

static void
finish(struct imap_conn *c, struct flags_result *r)
{
	/* What the replies above said need not be said again. */
	c->view.own_modseq = r->changed ? r->modseq : 0;
	if (r->failed.len)
		put_modified(c, &r->failed);
	else if (r->missing.len && !c->uid)
		imap_done(c, "NO [EXPUNGEISSUED] Some of the messages are gone");
	else
		imap_done(c, "OK Done");
}

static int
change_flags(struct imap_conn *c, struct store_args *s, const struct imap_spans *spans)
{
	CLEANUP(flags_result_done) struct flags_result result = {0};
	uint32_t *uids = imap_spans_uids(c, spans);
	int err;

	if (!uids)
		return LL_ERR_NOMEM;
	err = imap_flags_bits(c->view.mb, &s->flags, &s->change.flags);
	if (err == LL_OK)
		err = mailbox_store(c->view.mb, uids, spans->total, &s->change, &result);
	if (err != LL_OK)
		return err;
	/* A keyword must have been announced before it is used. */
	if (mailbox_keyword_count(c->view.mb) != c->view.keywords)
		imap_put_flag_lines(c);
	put_results(c, s, spans, &result);
	finish(c, &result);
	return LL_OK;
}

void
imap_run_store(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_spans spans;
	struct store_args s;
	int err;

	if (!imap_take_set(c, l, &spans))
		return;
	if (!parse_store(l, &s)) {
		imap_syntax(c, l);
		return;
	}
	if (c->view.readonly) {
		imap_done(c, "NO [READ-ONLY] The mailbox was opened with EXAMINE");
		return;
	}
	if (s.change.unchanged_since != UINT64_MAX)
		imap_enable_condstore(c);
	err = change_flags(c, &s, &spans);
	if (err != LL_OK)
		imap_error(c, err);
}
