/* STATUS, by itself and as LIST RETURN (STATUS ...): counters the engine has without opening the
 * mailbox. */
#include "account/message.h"
#include "faces/imap_conn.h"

enum item {
	MESSAGES,
	RECENT,
	UIDNEXT,
	UIDVALIDITY,
	UNSEEN,
	DELETED,
	SIZE,
	DELETED_STORAGE,
	HIGHESTMODSEQ,
	APPENDLIMIT,
	MAILBOXID,
	ITEMS,
};

static const struct slice names[ITEMS] = {
	[MESSAGES] = S("MESSAGES"),
	[RECENT] = S("RECENT"),
	[UIDNEXT] = S("UIDNEXT"),
	[UIDVALIDITY] = S("UIDVALIDITY"),
	[UNSEEN] = S("UNSEEN"),
	[DELETED] = S("DELETED"),
	[SIZE] = S("SIZE"),
	[DELETED_STORAGE] = S("DELETED-STORAGE"),
	[HIGHESTMODSEQ] = S("HIGHESTMODSEQ"),
	[APPENDLIMIT] = S("APPENDLIMIT"),
	[MAILBOXID] = S("MAILBOXID"),
};

static bool
parse_item(struct imap_lex *l, unsigned *items)
{
	struct slice word;

	if (!imap_lex_name(l, &word))
		return false;
	for (unsigned i = 0; i < ITEMS; i++) {
		if (slice_ieq(word, names[i])) {
			*items |= 1U << i;
			return true;
		}
	}
	return imap_lex_fail(l, "Unknown status item");
}

bool
imap_parse_status_items(struct imap_lex *l, unsigned *ret_items)
{
	unsigned items = 0;

	if (!imap_lex_char(l, '('))
		return false;
	do {
		if (!parse_item(l, &items))
			return false;
	} while (imap_lex_try(l, ' '));
	if (!imap_lex_char(l, ')'))
		return false;
	*ret_items = items;
	return true;
}

static uint64_t
value_of(const struct imap_conn *c, const struct mailbox_info *i, enum item item)
{
	switch (item) {
	case MESSAGES:
		return i->exists;
	case RECENT: /* at most: messages no session was told of */
		return MIN(i->exists, i->uidnext - MIN(i->recent_from, i->uidnext));
	case UIDNEXT:
		return i->uidnext;
	case UIDVALIDITY:
		return i->uidvalidity;
	case UNSEEN:
		return i->unseen;
	case DELETED:
		return i->deleted;
	case SIZE:
		return i->size;
	case DELETED_STORAGE:
		return (i->deleted_size + 1023) / 1024;
	case HIGHESTMODSEQ:
		return i->highestmodseq;
	case APPENDLIMIT:
		return c->env->append_limit;
	case MAILBOXID:
	case ITEMS:
		break;
	}
	return 0;
}

static void
put_value(struct imap_conn *c, const struct mailbox_info *info, enum item item)
{
	char id[MAILBOX_ID_TEXT_LEN + 1];

	if (item != MAILBOXID) {
		buf_put_u64dec(&c->out, value_of(c, info, item));
		return;
	}
	mailbox_id_text(info->id, id);
	buf_printf(&c->out, "(%s)", id);
}

void
imap_put_status(struct imap_conn *c, const struct mailbox *mb, unsigned items)
{
	const struct mailbox_info *info = mailbox_info(mb);
	const char *between = "";

	buf_puts(&c->out, "* STATUS ");
	imap_put_mailbox(c, info->name);
	buf_puts(&c->out, " (");
	for (unsigned i = 0; i < ITEMS; i++) {
		if (!(items & 1U << i))
			continue;
		buf_puts(&c->out, between);
		between = " ";
		buf_put(&c->out, names[i]);
		buf_putc(&c->out, ' ');
		put_value(c, info, (enum item)i);
	}
	buf_puts(&c->out, ")\r\n");
}

void
imap_status_note(struct imap_conn *c, unsigned items)
{
	if (items & 1U << HIGHESTMODSEQ)
		imap_enable_condstore(c);
}

void
imap_run_status(struct imap_conn *c, struct imap_lex *l)
{
	struct mailbox *mb;
	struct slice name;
	unsigned items;

	if (!imap_take_mailbox(c, l, &name))
		return;
	if (!imap_lex_sp(l) || !imap_parse_status_items(l, &items) || !imap_lex_end(l)) {
		imap_syntax(c, l);
		return;
	}
	mb = imap_find_mailbox(c, name);
	if (!mb)
		return;
	imap_status_note(c, items);
	imap_put_status(c, mb, items);
	imap_done(c, "OK Done");
}
