/* SELECT, EXAMINE, CLOSE and UNSELECT, with CONDSTORE and QRESYNC (RFC 7162). */
#include "account/message.h"
#include "faces/imap_conn.h"

struct select {
	bool condstore, qresync;
	uint32_t uidvalidity;
	uint64_t modseq;
	struct imap_set known; /* at NULL: all */
};

/* "(uidvalidity modseq [known-uids] [(seqs uids)])"; the match data saves bytes in rare cases only
 * and may be passed over (RFC 7162 section 3.2.5.2). */
static bool
parse_qresync(struct imap_lex *l, struct select *ret)
{
	struct imap_set ignored;

	if (!imap_lex_sp(l) || !imap_lex_char(l, '(') || !imap_lex_nz_u32(l, &ret->uidvalidity) ||
		!imap_lex_sp(l) || !imap_lex_u63(l, &ret->modseq))
		return false;
	if (imap_lex_try(l, ' ') && imap_lex_peek(l) != '(') {
		if (!imap_set_parse(l, &ret->known))
			return false;
		imap_lex_try(l, ' ');
	}
	if (imap_lex_try(l, '(') &&
		(!imap_set_parse(l, &ignored) || !imap_lex_sp(l) || !imap_set_parse(l, &ignored) ||
			!imap_lex_char(l, ')')))
		return false;
	ret->qresync = true;
	return imap_lex_char(l, ')');
}

static bool
parse_params(struct imap_conn *c, struct imap_lex *l, struct select *ret)
{
	if (imap_lex_peek(l) < 0)
		return true;
	if (!imap_lex_sp(l) || !imap_lex_char(l, '('))
		return false;
	do {
		if (imap_lex_try_word(l, S("CONDSTORE")))
			ret->condstore = true;
		else if (!imap_lex_word(l, S("QRESYNC")))
			return false;
		else if (!(c->enabled & IMAP_QRESYNC))
			return imap_lex_fail(l, "ENABLE QRESYNC first");
		else if (!parse_qresync(l, ret))
			return false;
	} while (imap_lex_try(l, ' '));
	return imap_lex_char(l, ')') && imap_lex_end(l);
}

/* Number of the first message without \Seen (IMAP4rev1). */
static void
put_unseen(struct imap_conn *c)
{
	size_t n;
	const struct message_row *rows = mailbox_rows(c->view.mb, &n);

	for (size_t i = 0; i < n; i++) {
		if (!(rows[i].flags & FLAG_SEEN)) {
			buf_printf(&c->out, "* OK [UNSEEN %zu] First unseen\r\n", i + 1);
			return;
		}
	}
}

static void
put_state(struct imap_conn *c)
{
	const struct mailbox_info *info = mailbox_info(c->view.mb);
	char id[MAILBOX_ID_TEXT_LEN + 1];

	imap_put_flag_lines(c);
	buf_printf(&c->out, "* %zu EXISTS\r\n", c->view.uids.len);
	if (c->enabled & IMAP_REV2) {
		imap_put_list_line(c, c->view.mb);
	} else {
		buf_printf(&c->out, "* %zu RECENT\r\n", c->view.recent.len);
		put_unseen(c);
	}
	mailbox_id_text(info->id, id);
	buf_printf(&c->out,
		"* OK [UIDVALIDITY %u] Valid\r\n* OK [UIDNEXT %u] Next\r\n"
		"* OK [HIGHESTMODSEQ %llu] Highest\r\n* OK [MAILBOXID (%s)] Id\r\n",
		info->uidvalidity, info->uidnext, (unsigned long long)info->highestmodseq, id);
}

/* ---- What a QRESYNC client missed ---- */

/* The log does not reach back: every UID of [from, to] without a message is gone. */
static void
put_gaps(struct imap_conn *c, uint32_t from, uint32_t to, const char **before)
{
	for (size_t i = imap_view_lower(c, from); from <= to; i++) {
		uint32_t next = i < c->view.uids.len ? c->view.uids.at[i] : UINT32_MAX;
		uint32_t last = MIN(next - 1, to);

		if (from <= last) {
			buf_puts(&c->out, *before);
			buf_put_u64dec(&c->out, from);
			if (last > from)
				buf_printf(&c->out, ":%u", last);
			*before = ",";
		}
		if (next >= to)
			return;
		from = next + 1;
	}
}

static void
put_all_gaps(struct imap_conn *c, const struct imap_set *known)
{
	uint32_t last = mailbox_info(c->view.mb)->uidnext - 1;
	const char *before = "* VANISHED (EARLIER) ";
	const char *nothing = before;

	for (size_t i = 0; i < MAX(known->len, (size_t)1); i++) {
		struct imap_range r = known->len ? known->at[i] : (struct imap_range){1, last};
		uint32_t from = r.from ? r.from : last, to = r.to ? r.to : last;
		put_gaps(c, MIN(from, to), MIN(MAX(from, to), last), &before);
	}
	if (before != nothing)
		buf_puts(&c->out, "\r\n");
}

void
imap_put_vanished_earlier(struct imap_conn *c, uint64_t since, const struct imap_set *known)
{
	CLEANUP(uid_list_done) struct uid_list gone = {0};
	uint32_t star = mailbox_info(c->view.mb)->uidnext - 1;
	size_t kept = 0;

	if (mailbox_vanished(c->view.mb, since, &gone) != LL_OK) {
		put_all_gaps(c, known);
		return;
	}
	for (size_t i = 0; i < gone.len; i++)
		if (!known->len || imap_set_has(known, gone.at[i], star))
			gone.at[kept++] = gone.at[i];
	if (!kept)
		return;
	buf_puts(&c->out, "* VANISHED (EARLIER) ");
	imap_put_uids(&c->out, gone.at, kept);
	buf_puts(&c->out, "\r\n");
}

static void
put_missed(struct imap_conn *c, const struct select *s)
{
	uint32_t star = mailbox_info(c->view.mb)->uidnext - 1;
	const struct message_row *rows;
	size_t n;

	imap_put_vanished_earlier(c, s->modseq, &s->known);
	rows = mailbox_rows(c->view.mb, &n);
	for (size_t i = 0; i < n; i++) {
		size_t at;
		if (rows[i].modseq <= s->modseq ||
			(s->known.len && !imap_set_has(&s->known, rows[i].uid, star)))
			continue;
		at = imap_view_find(c, rows[i].uid);
		if (at != SIZE_MAX)
			imap_put_flags_fetch(c, at, &rows[i]);
	}
}

/* ---- Commands ---- */

static int
open_mailbox(struct imap_conn *c, struct slice name, bool readonly)
{
	struct mailbox *mb;
	int err = account_mailbox(c->account, name, &mb);

	if (err == LL_OK)
		err = mailbox_open(mb);
	if (err == LL_OK)
		err = imap_view_open(c, mb, readonly);
	return err;
}

static void
run_select(struct imap_conn *c, struct imap_lex *l, bool readonly)
{
	struct select s = {0};
	struct slice name;
	int err;

	if (!imap_take_mailbox(c, l, &name))
		return;
	if (!parse_params(c, l, &s)) {
		imap_syntax(c, l);
		return;
	}
	if (c->view.mb) {
		imap_view_close(c);
		buf_puts(&c->out, "* OK [CLOSED] Closed\r\n");
	}
	err = open_mailbox(c, name, readonly);
	if (err != LL_OK) {
		imap_error(c, err);
		return;
	}
	if (s.condstore || s.qresync)
		c->enabled |= IMAP_CONDSTORE;
	put_state(c);
	if (s.qresync && s.uidvalidity == mailbox_info(c->view.mb)->uidvalidity)
		put_missed(c, &s);
	imap_done(c, readonly ? "OK [READ-ONLY] Selected" : "OK [READ-WRITE] Selected");
}

void
imap_run_select(struct imap_conn *c, struct imap_lex *l)
{
	run_select(c, l, false);
}

void
imap_run_examine(struct imap_conn *c, struct imap_lex *l)
{
	run_select(c, l, true);
}

void
imap_run_close(struct imap_conn *c, struct imap_lex *l)
{
	int err = LL_OK;

	if (!imap_take_end(c, l))
		return;
	if (!c->view.readonly && !mailbox_gone(c->view.mb))
		err = mailbox_expunge(c->view.mb, NULL, 0, NULL);
	if (err != LL_OK) {
		imap_error(c, err);
		return;
	}
	imap_view_close(c);
	imap_done(c, "OK Closed");
}

void
imap_run_unselect(struct imap_conn *c, struct imap_lex *l)
{
	if (!imap_take_end(c, l))
		return;
	imap_view_close(c);
	imap_done(c, "OK Closed");
}
