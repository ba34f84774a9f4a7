/* APPEND with MULTIAPPEND (RFC 3502), BINARY and UTF8 literals, and REPLACE (RFC 8508).
 *
 * The command is read as it arrives: when a message's literal is announced, its mailbox, size and
 * quota are looked at before the client sends it; when it is there, it is sealed and forgotten
 * before the next one comes. One message is in memory at a time, whatever the command holds. */
#include "faces/imap_conn.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGES 1000 /* of one MULTIAPPEND */
#define CHARGED_FROM ((uint64_t)64 * 1024) /* smaller literals do not count against the memory */

struct imap_append {
	struct store_id target; /* mailboxes are looked up again: names may change meanwhile */
	bool replace;
	uint32_t replaced; /* UID */
	VEC(struct append_item) items;
	/* Of the message whose literal is arriving */
	uint64_t size;
	uint64_t flags;
	int64_t date;
	bool utf8; /* its literal stands in "UTF8 (...)" */
	bool literal8; /* NUL is allowed */
};

/* What stands before a literal. */
struct intro {
	struct imap_flags flags;
	int64_t date;
	bool utf8, literal8;
};

static void
uncharge(struct imap_conn *c)
{
	c->env->memory_used -= MIN(c->charged, c->env->memory_used);
	c->charged = 0;
}

void
imap_append_free(struct imap_conn *c)
{
	struct imap_append *a = TAKE(c->append);

	uncharge(c);
	if (!a)
		return;
	VEC_EACH (item, &a->items)
		staged_message_free(item->message);
	VEC_DONE(&a->items);
	free(a);
}

/* ---- Grammar ---- */

/* [SP flag-list] [SP date-time] SP [~]{n} or SP UTF8 (~{n} up to the announced literal. */
static bool
parse_intro(struct imap_conn *c, struct imap_lex *l, struct intro *ret)
{
	*ret = (struct intro){0};
	if (!imap_lex_sp(l))
		return false;
	if (imap_lex_peek(l) == '(' && (!imap_parse_flags(l, true, &ret->flags) || !imap_lex_sp(l)))
		return false;
	if (imap_lex_peek(l) == '"' && (!imap_lex_date_time(l, &ret->date) || !imap_lex_sp(l)))
		return false;
	if (imap_lex_try_word(l, S("CATENATE")))
		return imap_lex_fail(l, "CATENATE is not supported");
	if (imap_lex_try_word(l, S("UTF8"))) {
		if (!(c->enabled & IMAP_UTF8))
			return imap_lex_fail(l, "ENABLE UTF8=ACCEPT first");
		ret->utf8 = true;
		if (!imap_lex_sp(l) || !imap_lex_char(l, '(') || imap_lex_peek(l) != '~')
			return imap_lex_fail(l, "Expected a literal8");
	}
	ret->literal8 = imap_lex_try(l, '~');
	return imap_lex_peek(l) == '{' || imap_lex_fail(l, "Expected a message literal");
}

/* True when nothing but the announced literal itself is left: a mailbox name sent as one. */
static bool
only_literal(const struct imap_lex *l)
{
	const uint8_t *p = l->at;

	if (p >= l->end || *p++ != '{')
		return false;
	while (p < l->end && *p >= '0' && *p <= '9')
		p++;
	if (p < l->end && *p == '+')
		p++;
	return l->end - p == 3 && *p == '}';
}

static bool
take_command(struct imap_lex *l, bool *ret_uid, bool *ret_replace)
{
	struct slice tag, name;

	if (!imap_lex_tag(l, &tag) || !imap_lex_sp(l) || !imap_lex_name(l, &name))
		return false;
	*ret_uid = slice_ieq(name, S("UID"));
	if (*ret_uid && (!imap_lex_sp(l) || !imap_lex_name(l, &name)))
		return false;
	*ret_replace = slice_ieq(name, S("REPLACE"));
	return *ret_replace || (!*ret_uid && slice_ieq(name, S("APPEND")));
}

/* ---- The first literal ---- */

/* The tagged answer comes at once; the literal and what follows it is passed over. */
static void
refuse(struct imap_conn *c)
{
	imap_append_free(c);
	imap_frame_refuse(&c->frame);
}

static bool
take_replaced(struct imap_conn *c, struct imap_lex *l, struct imap_append *a)
{
	struct imap_spans spans;

	if (!imap_take_set(c, l, &spans))
		return false;
	if (spans.total != 1) {
		imap_done(c, "NO [NONEXISTENT] REPLACE takes one message");
		return false;
	}
	a->replaced = c->view.uids.at[spans.at[0].from];
	return true;
}

static bool
take_target(struct imap_conn *c, struct imap_lex *l, struct imap_append *a)
{
	struct slice name;
	struct mailbox *mb;
	int err;

	if (a->replace && !take_replaced(c, l, a))
		return false;
	if (!imap_take_mailbox(c, l, &name))
		return false;
	err = account_mailbox(c->account, name, &mb);
	if (err != LL_OK) {
		imap_error_trycreate(c, err);
		return false;
	}
	a->target = mailbox_info(mb)->id;
	return true;
}

static bool
may_replace(struct imap_conn *c)
{
	if (!c->view.mb)
		imap_bad(c, "Select a mailbox first");
	else if (c->view.readonly)
		imap_done(c, "NO [READ-ONLY] The mailbox was opened with EXAMINE");
	else
		return true;
	return false;
}

/* Size, quota and memory, before the client sends anything. */
static bool
fits(struct imap_conn *c, uint64_t size)
{
	struct account_quota q;

	if (size > c->env->append_limit || size > MESSAGE_SIZE_MAX) {
		imap_done(c, "NO [TOOBIG] A message may have %llu bytes",
			(unsigned long long)MIN(c->env->append_limit, (uint64_t)MESSAGE_SIZE_MAX));
		return false;
	}
	if (!size) {
		imap_done(c, "NO An empty message is none; nothing was appended");
		return false;
	}
	if (account_quota(c->account, &q) == LL_OK && q.limit &&
		(q.bytes >= q.limit || size > q.limit - q.bytes)) {
		imap_error(c, LL_ERR_QUOTA);
		return false;
	}
	if (size >= CHARGED_FROM && size > c->env->memory_max - c->env->memory_used) {
		imap_done(c, "NO [LIMIT] Too many large messages at once; try again");
		return false;
	}
	return true;
}

/* Reads what announces a message, and lets it come. */
static void
begin_message(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_append *a = c->append;
	struct mailbox *mb = account_mailbox_by_id(c->account, a->target);
	struct intro intro;
	int err = mb ? LL_OK : LL_ERR_NOTFOUND;

	if (!parse_intro(c, l, &intro)) {
		imap_syntax(c, l);
		refuse(c);
		return;
	}
	if (err == LL_OK)
		err = imap_flags_bits(mb, &intro.flags, &a->flags);
	if (err != LL_OK) {
		imap_error_trycreate(c, err);
		refuse(c);
		return;
	}
	a->size = c->frame.literal_size;
	a->date = intro.date;
	a->utf8 = intro.utf8;
	a->literal8 = intro.literal8;
	if (!fits(c, a->size)) {
		refuse(c);
		return;
	}
	if (imap_frame_accept(&c->frame) != LL_OK) {
		imap_error(c, LL_ERR_NOMEM);
		imap_conn_bye(c, "Out of memory");
		return;
	}
	if (a->size >= CHARGED_FROM) {
		c->charged = (size_t)a->size;
		c->env->memory_used += c->charged;
	}
	if (c->frame.literal_sync)
		buf_puts(&c->out, "+ Send the message\r\n");
}

static void
begin_append(struct imap_conn *c, struct imap_lex *l, bool replace)
{
	c->append = calloc(1, sizeof(*c->append));
	if (!c->append) {
		imap_error(c, LL_ERR_NOMEM);
		refuse(c);
		return;
	}
	c->append->replace = replace;
	if ((replace && !may_replace(c)) || !take_target(c, l, c->append))
		refuse(c);
	else
		begin_message(c, l);
}

/* ---- A literal that has arrived ---- */

/* Seals the message and remembers it. */
static int
stage(struct imap_conn *c, struct slice message)
{
	struct imap_append *a = c->append;
	struct append_item item = {.flags = a->flags};
	int err = LL_ERR_LIMIT;

	if (a->items.len < MAX_MESSAGES)
		err = message_stage(c->account, message, a->date, &item.message);
	uncharge(c);
	if (err == LL_OK && VEC_PUSH(&a->items, item)) {
		staged_message_free(item.message);
		err = LL_ERR_NOMEM;
	}
	return err;
}

/* Takes the message at the start of text; what follows it is left in l. */
static bool
end_message(struct imap_conn *c, struct slice text, struct imap_lex *l)
{
	struct slice message = slice_sub(text, 0, (size_t)c->append->size);
	int err;

	if (!c->append->literal8 && memchr(message.ptr, 0, message.len)) {
		imap_bad(c, "NUL in a literal; use literal8");
		return false;
	}
	err = stage(c, message);
	if (err != LL_OK) {
		imap_error(c, err);
		return false;
	}
	*l = imap_lex_new(slice_skip(text, message.len), &c->arena);
	if (c->append->utf8 && !imap_lex_char(l, ')')) {
		imap_syntax(c, l);
		return false;
	}
	return true;
}

bool
imap_append_literal(struct imap_conn *c, struct slice text)
{
	struct imap_lex l = imap_lex_new(text, &c->arena);
	bool uid, replace;

	if (c->append) { /* the next message of a MULTIAPPEND */
		if (!end_message(c, text, &l)) {
			refuse(c);
		} else if (c->append->replace) {
			imap_bad(c, "REPLACE takes one message");
			refuse(c);
		} else {
			begin_message(c, &l);
			if (c->append)
				imap_frame_cut_start(&c->frame, text.len);
		}
		return true;
	}
	if (!take_command(&l, &uid, &replace) || imap_lex_peek(&l) != ' ')
		return false;
	l.at++;
	if (only_literal(&l)) /* the mailbox name */
		return false;
	l.at--;
	imap_begin_command(c, text);
	begin_append(c, &l, replace);
	if (c->append)
		imap_frame_cut_start(&c->frame, text.len);
	return true;
}

/* ---- The end ---- */

static void
put_appended(struct imap_conn *c, const struct mailbox *mb, const uint32_t *uids, size_t n)
{
	/* REPLACE: before the EXPUNGE (RFC 8508 section 3.5). */
	if (c->append->replace)
		buf_puts(&c->out, "* ");
	else
		imap_done_start(c);
	buf_printf(&c->out, "OK [APPENDUID %u ", mailbox_info(mb)->uidvalidity);
	imap_put_uids(&c->out, uids, n);
	buf_puts(&c->out, "] Appended");
	if (c->append->replace) {
		buf_puts(&c->out, "\r\n");
		imap_done(c, "OK Replaced");
	} else {
		imap_done_end(c);
	}
}

static int
commit(struct imap_conn *c)
{
	CLEANUP(uid_list_done) struct uid_list uids = {0};
	struct imap_append *a = c->append;
	struct mailbox *mb = account_mailbox_by_id(c->account, a->target);
	uint32_t uid;
	int err;

	if (!mb)
		return LL_ERR_NOTFOUND;
	if (a->replace) {
		err = mailbox_replace(c->view.mb, a->replaced, mb, a->items.at, &uid);
		if (err == LL_OK)
			put_appended(c, mb, &uid, 1);
		return err;
	}
	err = mailbox_append(mb, a->items.at, a->items.len, &uids);
	if (err == LL_OK)
		put_appended(c, mb, uids.at, uids.len);
	return err;
}

void
imap_append_end(struct imap_conn *c, struct slice text)
{
	struct imap_lex l;
	int err;

	if (end_message(c, text, &l)) {
		if (!imap_lex_end(&l)) {
			imap_syntax(c, &l);
		} else if ((err = commit(c)) != LL_OK) {
			if (c->append->replace && err == LL_ERR_NOTFOUND)
				imap_done(c, "NO [EXPUNGEISSUED] The message is gone");
			else
				imap_error_trycreate(c, err);
		}
	}
	imap_append_free(c);
}

/* Reached only by commands without a message literal. */
void
imap_run_append(struct imap_conn *c, struct imap_lex *l)
{
	struct imap_append scratch = {0};
	struct intro intro;

	scratch.replace = slice_ieq(c->command->name, S("REPLACE"));
	if (!take_target(c, l, &scratch))
		return;
	if (!parse_intro(c, l, &intro))
		imap_syntax(c, l);
	else
		imap_bad(c, "Expected a message literal");
}
