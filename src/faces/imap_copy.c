/* COPY, MOVE (RFC 6851) and EXPUNGE, with the codes of UIDPLUS (RFC 4315). */
#include "faces/imap_conn.h"

static void
put_copyuid(struct imap_conn *c, const struct mailbox *to, const struct copy_result *r)
{
	buf_printf(&c->out, "OK [COPYUID %u ", mailbox_info(to)->uidvalidity);
	imap_put_uids(&c->out, r->from.at, r->from.len);
	buf_putc(&c->out, ' ');
	imap_put_uids(&c->out, r->to.at, r->to.len);
	buf_puts(&c->out, "] Done");
}

/* Where COPY and MOVE go and what they take. */
struct transfer {
	struct imap_spans spans;
	struct mailbox *to;
	uint32_t *uids;
};

static bool
take_transfer(struct imap_conn *c, struct imap_lex *l, struct transfer *ret)
{
	struct slice name;
	int err;

	if (!imap_take_set(c, l, &ret->spans) || !imap_take_mailbox(c, l, &name) ||
		!imap_take_end(c, l))
		return false;
	err = account_mailbox(c->account, name, &ret->to);
	if (err == LL_OK) {
		ret->uids = imap_spans_uids(c, &ret->spans);
		err = ret->uids ? LL_OK : LL_ERR_NOMEM;
	}
	if (err != LL_OK)
		imap_error_trycreate(c, err);
	return err == LL_OK;
}

/* Messages that went while the client still counted them: nothing is done by halves. */
static bool
all_there(struct imap_conn *c, const struct transfer *t)
{
	for (size_t i = 0; i < t->spans.total && !c->uid; i++) {
		if (!mailbox_row(c->view.mb, t->uids[i])) {
			imap_done(c, "NO [EXPUNGEISSUED] Some of the messages are gone");
			return false;
		}
	}
	return true;
}

void
imap_run_copy(struct imap_conn *c, struct imap_lex *l)
{
	CLEANUP(copy_result_done) struct copy_result result = {0};
	struct transfer t;
	int err;

	if (!take_transfer(c, l, &t) || !all_there(c, &t))
		return;
	err = mailbox_copy(c->view.mb, t.uids, t.spans.total, t.to, &result);
	if (err != LL_OK) {
		imap_error(c, err);
	} else if (!result.from.len) {
		imap_done(c, "OK Nothing to copy");
	} else {
		imap_done_start(c);
		put_copyuid(c, t.to, &result);
		imap_done_end(c);
	}
}

/* QRESYNC clients learn how far the mailbox has come (RFC 7162 section 3.2.9). */
static void
done_expunging(struct imap_conn *c)
{
	if (c->enabled & IMAP_QRESYNC)
		imap_done(c, "OK [HIGHESTMODSEQ %llu] Done",
			(unsigned long long)mailbox_info(c->view.mb)->highestmodseq);
	else
		imap_done(c, "OK Done");
}

void
imap_run_move(struct imap_conn *c, struct imap_lex *l)
{
	CLEANUP(copy_result_done) struct copy_result result = {0};
	struct transfer t;
	int err;

	if (!take_transfer(c, l, &t) || !all_there(c, &t))
		return;
	if (c->view.readonly) {
		imap_done(c, "NO [READ-ONLY] The mailbox was opened with EXAMINE");
		return;
	}
	if (t.to == c->view.mb) {
		imap_done(c, "NO [CANNOT] The messages are there already");
		return;
	}
	err = mailbox_move(c->view.mb, t.uids, t.spans.total, t.to, &result);
	if (err != LL_OK) {
		imap_error(c, err);
		return;
	}
	if (result.from.len) { /* before the EXPUNGEs that imap_done tells */
		buf_puts(&c->out, "* ");
		put_copyuid(c, t.to, &result);
		buf_puts(&c->out, "\r\n");
	}
	done_expunging(c);
}

void
imap_run_expunge(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_spans spans = {0};
	uint32_t *uids = NULL;
	int err;

	if (c->uid && !imap_take_set(c, l, &spans))
		return;
	if (!imap_take_end(c, l))
		return;
	if (c->view.readonly) {
		imap_done(c, "NO [READ-ONLY] The mailbox was opened with EXAMINE");
		return;
	}
	if (c->uid && !(uids = imap_spans_uids(c, &spans))) {
		imap_error(c, LL_ERR_NOMEM);
		return;
	}
	err = mailbox_expunge(c->view.mb, uids, spans.total, NULL);
	if (err == LL_OK)
		done_expunging(c);
	else
		imap_error(c, err);
}
