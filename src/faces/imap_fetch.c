/* FETCH: one message after the other, one item after the other, stopping wherever the client reads
 * more slowly than this writes. */
#include "faces/imap_fetch.h"

#include "base/text.h"

#define AHEAD 8u /* messages whose bodies are under way */

/* Errors that mean "this message is no longer there". */
static bool
means_gone(int err)
{
	return err == LL_ERR_NOTFOUND;
}

static void
put_number(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item, uint64_t v)
{
	imap_fetch_label(c, w, item);
	buf_put_u64dec(&c->out, v);
}

static void
put_modseq(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	imap_fetch_label(c, w, item);
	buf_putc(&c->out, '(');
	buf_put_u64dec(&c->out, w->row.modseq);
	buf_putc(&c->out, ')');
}

static void
put_date(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item, int64_t at)
{
	imap_fetch_label(c, w, item);
	buf_putc(&c->out, '"');
	date_put_imap(&c->out, at);
	buf_putc(&c->out, '"');
}

/* Items that need the row only. */
static bool
put_row_item(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	char id[MESSAGE_ID_TEXT_MAX];

	switch (item->kind) {
	case FETCH_FLAGS:
		imap_fetch_label(c, w, item);
		imap_put_flags(c, &w->row);
		return true;
	case FETCH_UID:
		put_number(c, w, item, w->row.uid);
		return true;
	case FETCH_SIZE:
		put_number(c, w, item, w->row.size);
		return true;
	case FETCH_MODSEQ:
		put_modseq(c, w, item);
		return true;
	case FETCH_SAVEDATE:
		put_date(c, w, item, w->row.saved);
		return true;
	case FETCH_EMAILID:
		message_email_id(w->row.email, id);
		imap_fetch_label(c, w, item);
		buf_printf(&c->out, "(%s)", id);
		return true;
	default:
		return false;
	}
}

static void
put_preview(struct imap_conn *c, struct fetch_work *w)
{
	struct slice preview = w->message.meta.preview;

	/* Encrypted content has none to give. */
	if (!preview.len && w->message.meta.flags & META_ENCRYPTED)
		preview = SLICE_NONE;
	else if (!preview.len)
		preview = S("");
	imap_put_string(c, preview);
}

/* Items rendered from the metadata. */
static int
put_entry_item(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	unsigned utf8 = imap_utf8(c) ? META_IMAP_UTF8 : 0;
	int err = imap_fetch_message(c, w);
	char id[MESSAGE_ID_TEXT_MAX];

	if (err != LL_OK)
		return err;
	if (item->kind == FETCH_INTERNALDATE) {
		put_date(c, w, item, w->message.internal_date);
		return LL_OK;
	}
	imap_fetch_label(c, w, item);
	switch (item->kind) {
	case FETCH_ENVELOPE:
		return meta_imap_envelope(&c->out, &w->message.meta, utf8);
	case FETCH_BODY:
		return meta_imap_body(&c->out, &w->message.meta, utf8);
	case FETCH_BODYSTRUCTURE:
		return meta_imap_bodystructure(&c->out, &w->message.meta, utf8);
	case FETCH_THREADID:
		message_thread_id(w->message.thread, id);
		return buf_printf(&c->out, "(%s)", id);
	case FETCH_PREVIEW:
		put_preview(c, w);
		return LL_OK;
	default:
		return LL_ERR_INTERNAL;
	}
}

static int
put_body_item(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	uint64_t size;
	int err;

	if (item->kind == FETCH_BINARY_SIZE) {
		err = imap_binary_size(c, w, item, &size);
		if (err == LL_OK)
			put_number(c, w, item, size);
	} else {
		err = imap_section_start(c, w, item);
	}
	if (err == LL_ERR_UNSUPPORTED) {
		w->unknown_cte = true;
		return LL_OK;
	}
	/* A part that does not exist; a message that does not exist was found out before. */
	if (err == LL_ERR_NOTFOUND && w->have_message) {
		imap_fetch_label(c, w, item);
		buf_puts(&c->out, item->kind == FETCH_BINARY_SIZE ? "0" : "NIL");
		return LL_OK;
	}
	return err;
}

static int
put_item(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item)
{
	if (put_row_item(c, w, item))
		return LL_OK;
	if (item->kind == FETCH_SECTION || item->kind == FETCH_BINARY ||
		item->kind == FETCH_BINARY_SIZE)
		return put_body_item(c, w, item);
	return put_entry_item(c, w, item);
}

/* \Seen came with this command: the client hears of it here. */
static void
put_own_flags(struct imap_conn *c, struct fetch_work *w)
{
	static const struct fetch_item flags = {.kind = FETCH_FLAGS, .label = S("FLAGS")};
	static const struct fetch_item modseq = {.kind = FETCH_MODSEQ, .label = S("MODSEQ")};

	if (!w->own_modseq || w->row.modseq != w->own_modseq)
		return;
	if (!w->args.has_flags)
		put_row_item(c, w, &flags);
	if (!w->args.has_modseq && c->enabled & IMAP_CONDSTORE)
		put_row_item(c, w, &modseq);
}

static bool
wants_body(const struct fetch_work *w)
{
	for (size_t i = 0; i < w->args.n; i++)
		if (w->args.items[i].kind == FETCH_SECTION || w->args.items[i].kind == FETCH_BINARY)
			return true;
	return false;
}

/* The bodies of the messages that follow come while this one is sent. */
static void
expect_bodies(struct imap_conn *c, struct fetch_work *w)
{
	uint32_t end = MIN(w->at + AHEAD, w->spans.at[w->span].to);

	for (w->ahead = MAX(w->ahead, w->at); w->ahead < end; w->ahead++) {
		const struct message_row *row = mailbox_row(c->view.mb, c->view.uids.at[w->ahead]);
		if (row && row->modseq > w->args.changed_since)
			message_expect(c->account, row->email);
	}
}

/* Steps to the next message; false at the end. */
static bool
next_message(struct imap_conn *c, struct fetch_work *w)
{
	const struct message_row *row;

	for (;;) {
		if (w->span == w->spans.len)
			return false;
		if (w->at >= w->spans.at[w->span].to) {
			if (++w->span < w->spans.len)
				w->at = w->spans.at[w->span].from;
			continue;
		}
		row = mailbox_row(c->view.mb, c->view.uids.at[w->at]);
		if (row && row->modseq > w->args.changed_since)
			break;
		w->gone |= !row;
		w->at++;
	}
	w->row = *row;
	w->item = 0;
	w->in_message = w->first = true;
	w->have_message = false;
	if (w->bodies)
		expect_bodies(c, w);
	imap_put_fetch_start(c, w->at);
	return true;
}

static void
end_message(struct imap_conn *c, struct fetch_work *w)
{
	put_own_flags(c, w);
	buf_puts(&c->out, ")\r\n");
	w->in_message = false;
	w->at++;
}

/* An item that could not be read ends its message early, with what is known in any case. */
static void
drop_message(struct imap_conn *c, struct fetch_work *w, int err)
{
	static const struct fetch_item uid = {.kind = FETCH_UID, .label = S("UID")};

	if (means_gone(err))
		w->gone = true;
	else if (!w->err)
		w->err = err;
	if (w->first)
		put_row_item(c, w, &uid);
	end_message(c, w);
}

static void
finish(struct imap_conn *c, struct fetch_work *w)
{
	c->view.own_modseq = w->own_modseq;
	if (w->err)
		imap_error(c, w->err);
	else if (w->unknown_cte)
		imap_done(c, "NO [UNKNOWN-CTE] A part's encoding is unknown");
	else if (w->gone && !c->uid)
		imap_done(c, "NO [EXPUNGEISSUED] Some of the messages are gone");
	else
		imap_done(c, "OK Done");
}

static void
pump(struct imap_conn *c, struct fetch_work *w)
{
	if (imap_section_pump(c, &w->stream) == LL_OK)
		return;
	/* Inside a literal nothing can be said any more. */
	c->resume = NULL;
	c->closing = true;
}

static void
step(struct imap_conn *c, void *work)
{
	struct fetch_work *w = work;

	w->have_message = false; /* others may have used the engine since */
	while (!imap_full(c) && c->resume) {
		const struct fetch_item *item;
		int err;

		if (w->stream.active) {
			pump(c, w);
			continue;
		}
		if (!w->in_message && !next_message(c, w)) {
			finish(c, w);
			return;
		}
		if (w->item == w->args.n) {
			end_message(c, w);
			continue;
		}
		item = &w->args.items[w->item++];
		err = put_item(c, w, item);
		if (err != LL_OK)
			drop_message(c, w, err);
	}
}

/* Sets \Seen on all the messages at once: one commit, not one per message. */
static int
set_seen(struct imap_conn *c, struct fetch_work *w)
{
	CLEANUP(flags_result_done) struct flags_result result = {0};
	struct flags_change change = {
		.how = FLAGS_ADD, .flags = FLAG_SEEN, .unchanged_since = UINT64_MAX};
	uint32_t *uids = imap_spans_uids(c, &w->spans);
	size_t n = 0;
	int err;

	if (!uids)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < w->spans.total; i++) {
		const struct message_row *row = mailbox_row(c->view.mb, uids[i]);
		if (row && !(row->flags & FLAG_SEEN) && row->modseq > w->args.changed_since)
			uids[n++] = uids[i];
	}
	if (!n)
		return LL_OK;
	err = mailbox_store(c->view.mb, uids, n, &change, &result);
	if (err == LL_OK && result.changed)
		w->own_modseq = result.modseq;
	return err;
}

static int
start(struct imap_conn *c, struct fetch_work *w)
{
	int err = imap_set_resolve(c, &w->args.set, c->uid, &w->spans);

	if (err == LL_OK && w->args.sets_seen && !c->view.readonly)
		err = set_seen(c, w);
	if (err != LL_OK)
		return err;
	if (w->args.vanished)
		imap_put_vanished_earlier(c, w->args.changed_since, &w->args.set);
	w->at = w->spans.len ? w->spans.at[0].from : 0;
	w->bodies = wants_body(w) && w->spans.total > 1;
	c->work = w;
	c->resume = step;
	return LL_OK;
}

void
imap_run_fetch(struct imap_conn *c, struct imap_lex *l)
{
	struct fetch_work *w = ARENA_NEW(&c->arena, struct fetch_work);
	int err;

	if (!w) {
		imap_error(c, LL_ERR_NOMEM);
		return;
	}
	if (!imap_fetch_parse(c, l, &w->args)) {
		imap_syntax(c, l);
		return;
	}
	if (w->args.has_modseq)
		imap_enable_condstore(c);
	err = start(c, w);
	if (err == LL_ERR_RANGE)
		imap_bad(c, "No message has that number");
	else if (err != LL_OK)
		imap_error(c, err);
}
