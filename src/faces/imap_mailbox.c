/* CREATE (with RFC 6154 uses), DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE. */
#include "account/message.h"
#include "faces/imap_conn.h"

/* The role of an attribute that CREATE may give; none for others. */
static enum mailbox_role
role_of(struct slice attribute)
{
	for (int r = MAILBOX_DRAFTS; r < MAILBOX_ROLES; r++) {
		const char *name = mailbox_role_attribute((enum mailbox_role)r);
		/* \All and \Flagged are views of other mailboxes, which are not offered. */
		if (name && slice_ieq(attribute, slice_str(name)) && r != MAILBOX_ALL &&
			r != MAILBOX_FLAGGED)
			return (enum mailbox_role)r;
	}
	return MAILBOX_NO_ROLE;
}

struct create {
	enum mailbox_role role;
	bool bad_use;
};

/* "(USE (\Archive))" */
static bool
parse_use(struct imap_lex *l, struct create *ret)
{
	struct slice attribute;

	if (!imap_lex_word(l, S("USE")) || !imap_lex_sp(l) || !imap_lex_char(l, '('))
		return false;
	if (imap_lex_try(l, ')'))
		return true;
	do {
		if (!imap_lex_flag(l, &attribute))
			return false;
		/* One use per mailbox here. */
		ret->bad_use |= ret->role != MAILBOX_NO_ROLE;
		ret->role = role_of(attribute);
		ret->bad_use |= ret->role == MAILBOX_NO_ROLE;
	} while (imap_lex_try(l, ' '));
	return imap_lex_char(l, ')');
}

static bool
parse_create(struct imap_lex *l, struct create *ret)
{
	if (imap_lex_peek(l) < 0)
		return true;
	return imap_lex_sp(l) && imap_lex_char(l, '(') && parse_use(l, ret) &&
		imap_lex_char(l, ')') && imap_lex_end(l);
}

void
imap_run_create(struct imap_conn *c, struct imap_lex *l)
{
	char id[MAILBOX_ID_TEXT_LEN + 1];
	struct create args = {0};
	struct mailbox *mb;
	struct slice name;
	int err;

	if (!imap_take_mailbox(c, l, &name))
		return;
	if (!parse_create(l, &args)) {
		imap_syntax(c, l);
		return;
	}
	if (args.bad_use) {
		imap_done(c, "NO [USEATTR] A mailbox cannot have this use");
		return;
	}
	if (slice_ends(name, S("/"))) /* "names below it will follow" (RFC 9051 section 6.3.4) */
		name.len--;
	err = account_mailbox_create(c->account, name, args.role, &mb);
	if (err == LL_ERR_DENIED && args.role != MAILBOX_NO_ROLE) {
		imap_done(c, "NO [USEATTR] Another mailbox has this use");
	} else if (err != LL_OK) {
		imap_error(c, err);
	} else {
		mailbox_id_text(mailbox_info(mb)->id, id);
		imap_done(c, "OK [MAILBOXID (%s)] Created", id);
	}
}

void
imap_run_delete(struct imap_conn *c, struct imap_lex *l)
{
	struct mailbox *mb;
	struct slice name;
	int err;

	if (!imap_take_mailbox(c, l, &name) || !imap_take_end(c, l))
		return;
	mb = imap_find_mailbox(c, name);
	if (!mb)
		return;
	err = account_mailbox_delete(c->account, mb);
	if (err == LL_OK)
		imap_done(c, "OK Deleted");
	else
		imap_error(c, err);
}

void
imap_run_rename(struct imap_conn *c, struct imap_lex *l)
{
	struct slice from, to;
	int err;

	if (!imap_take_mailbox(c, l, &from) || !imap_take_mailbox(c, l, &to) ||
		!imap_take_end(c, l))
		return;
	if (slice_ends(to, S("/")))
		to.len--;
	err = account_mailbox_rename(c->account, from, to);
	if (err == LL_OK)
		imap_done(c, "OK Renamed");
	else
		imap_error(c, err);
}

static void
subscribe(struct imap_conn *c, struct imap_lex *l, bool on)
{
	struct slice name;
	int err;

	if (!imap_take_mailbox(c, l, &name) || !imap_take_end(c, l))
		return;
	err = account_subscribe(c->account, name, on);
	if (err == LL_OK)
		imap_done(c, "OK Done");
	else
		imap_error(c, err);
}

void
imap_run_subscribe(struct imap_conn *c, struct imap_lex *l)
{
	subscribe(c, l, true);
}

void
imap_run_unsubscribe(struct imap_conn *c, struct imap_lex *l)
{
	subscribe(c, l, false);
}
