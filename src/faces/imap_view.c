/* What one client knows of its mailbox, and how it is told the rest: never an EXPUNGE while it
 * counts on its numbers (RFC 9051 section 7.5.1), everything else at once. */
#include "faces/imap_conn.h"

#include <stdlib.h>
#include <string.h>

size_t
imap_view_lower(const struct imap_conn *c, uint32_t uid)
{
	const uint32_t *uids = c->view.uids.at;
	size_t lo = 0, hi = c->view.uids.len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (uids[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t
imap_view_find(const struct imap_conn *c, uint32_t uid)
{
	size_t i = imap_view_lower(c, uid);

	return i < c->view.uids.len && c->view.uids.at[i] == uid ? i : SIZE_MAX;
}

/* Takes rows from index `from` on into the view; some may be \Recent for this client. */
static int
take_rows(struct imap_conn *c, size_t from)
{
	struct imap_view *v = &c->view;
	size_t n;
	const struct message_row *rows = mailbox_rows(v->mb, &n);
	uint32_t recent_from = mailbox_info(v->mb)->recent_from;

	if (VEC_RESERVE(&v->uids, v->uids.len + (n - from)))
		return LL_ERR_NOMEM;
	for (size_t i = from; i < n; i++) {
		v->uids.at[v->uids.len++] = rows[i].uid;
		if (rows[i].uid >= recent_from && VEC_PUSH(&v->recent, rows[i].uid))
			return LL_ERR_NOMEM;
	}
	if (!v->readonly)
		mailbox_claim_recent(v->mb);
	v->uidnext = mailbox_info(v->mb)->uidnext;
	return LL_OK;
}

int
imap_view_open(struct imap_conn *c, struct mailbox *mb, bool readonly)
{
	c->view = (struct imap_view){.mb = mb, .readonly = readonly};
	if (take_rows(c, 0) != LL_OK) {
		imap_view_close(c);
		return LL_ERR_NOMEM;
	}
	c->view.modseq = mailbox_info(mb)->highestmodseq;
	c->dirty = false;
	return LL_OK;
}

void
imap_view_close(struct imap_conn *c)
{
	if (!c->view.mb)
		return;
	mailbox_close(c->view.mb);
	VEC_DONE(&c->view.uids);
	uid_list_done(&c->view.recent);
	uid_list_done(&c->saved);
	c->view = (struct imap_view){0};
}

static void
forget_recent(struct imap_view *v, uint32_t uid)
{
	for (size_t i = 0; i < v->recent.len; i++) {
		if (v->recent.at[i] == uid) {
			VEC_REMOVE(&v->recent, i);
			return;
		}
	}
}

/* Positions in the view whose messages are no longer there. */
static int
find_gone(struct imap_conn *c, struct uid_list *ret)
{
	size_t n, j = 0;
	const struct message_row *rows = mailbox_rows(c->view.mb, &n);

	for (size_t i = 0; i < c->view.uids.len; i++) {
		while (j < n && rows[j].uid < c->view.uids.at[i])
			j++;
		if ((j >= n || rows[j].uid != c->view.uids.at[i]) && VEC_PUSH(ret, (uint32_t)i))
			return LL_ERR_NOMEM;
	}
	return LL_OK;
}

/* Turns positions into what the client hears: VANISHED with UIDs, or EXPUNGE from the end on. */
static void
put_gone(struct imap_conn *c, const struct uid_list *gone)
{
	if (!(c->enabled & IMAP_QRESYNC)) {
		for (size_t i = gone->len; i-- > 0;) {
			buf_puts(&c->out, "* ");
			buf_put_u64dec(&c->out, gone->at[i] + 1);
			buf_puts(&c->out, " EXPUNGE\r\n");
		}
		return;
	}
	buf_puts(&c->out, "* VANISHED ");
	for (size_t i = 0; i < gone->len; i++)
		gone->at[i] = c->view.uids.at[gone->at[i]];
	imap_put_uids(&c->out, gone->at, gone->len);
	buf_puts(&c->out, "\r\n");
}

static void
drop_gone(struct imap_view *v, const struct uid_list *gone)
{
	size_t kept = 0, g = 0;

	for (size_t i = 0; i < v->uids.len; i++) {
		if (g < gone->len && gone->at[g] == i) {
			if (v->recent.len)
				forget_recent(v, v->uids.at[i]);
			g++;
		} else {
			v->uids.at[kept++] = v->uids.at[i];
		}
	}
	v->uids.len = kept;
}

/* True when messages are gone that the client may not hear of yet. */
static bool
sync_gone(struct imap_conn *c, bool expunges)
{
	CLEANUP(uid_list_done) struct uid_list gone = {0}, wire = {0};
	bool left;

	if (find_gone(c, &gone) != LL_OK || !gone.len)
		return false;
	left = !expunges || VEC_RESERVE(&wire, gone.len);
	if (left)
		return true;
	memcpy(wire.at, gone.at, gone.len * sizeof(*gone.at));
	wire.len = gone.len;
	put_gone(c, &wire);
	drop_gone(&c->view, &gone);
	return false;
}

static void
sync_new(struct imap_conn *c)
{
	size_t from = mailbox_lower_bound(c->view.mb, c->view.uidnext), n;

	mailbox_rows(c->view.mb, &n);
	if (from >= n) {
		c->view.uidnext = MAX(c->view.uidnext, mailbox_info(c->view.mb)->uidnext);
		return;
	}
	if (take_rows(c, from) != LL_OK)
		return;
	buf_printf(&c->out, "* %zu EXISTS\r\n", c->view.uids.len);
	if (!(c->enabled & IMAP_REV2))
		buf_printf(&c->out, "* %zu RECENT\r\n", c->view.recent.len);
}

void
imap_put_fetch_start(struct imap_conn *c, size_t index)
{
	buf_puts(&c->out, "* ");
	buf_put_u64dec(&c->out, index + 1);
	buf_puts(&c->out, " FETCH (");
}

void
imap_put_flags_fetch(struct imap_conn *c, size_t index, const struct message_row *row)
{
	imap_put_fetch_start(c, index);
	if (c->uid || c->enabled & (IMAP_QRESYNC | IMAP_REV2)) {
		buf_puts(&c->out, "UID ");
		buf_put_u64dec(&c->out, row->uid);
		buf_putc(&c->out, ' ');
	}
	if (c->enabled & IMAP_CONDSTORE) {
		buf_puts(&c->out, "MODSEQ (");
		buf_put_u64dec(&c->out, row->modseq);
		buf_puts(&c->out, ") ");
	}
	buf_puts(&c->out, "FLAGS ");
	imap_put_flags(c, row);
	buf_puts(&c->out, ")\r\n");
}

/* Flags that changed, of messages the client knew before this. */
static void
sync_flags(struct imap_conn *c, size_t known)
{
	size_t n, j = 0;
	const struct message_row *rows = mailbox_rows(c->view.mb, &n);

	for (size_t i = 0; i < known; i++) {
		while (j < n && rows[j].uid < c->view.uids.at[i])
			j++;
		if (j < n && rows[j].uid == c->view.uids.at[i] && rows[j].modseq > c->view.modseq &&
			rows[j].modseq != c->view.own_modseq)
			imap_put_flags_fetch(c, i, &rows[j]);
	}
}

void
imap_view_sync(struct imap_conn *c, bool expunges)
{
	struct imap_view *v = &c->view;
	size_t known;

	if (!v->mb || !c->dirty)
		return;
	c->dirty = sync_gone(c, expunges);
	known = v->uids.len;
	sync_new(c);
	if (mailbox_keyword_count(v->mb) != v->keywords)
		imap_put_flag_lines(c);
	if (mailbox_info(v->mb)->highestmodseq > v->modseq)
		sync_flags(c, known);
	v->modseq = mailbox_info(v->mb)->highestmodseq;
	v->own_modseq = 0;
}
