/* The words IMAP answers with, in one place: status lines, response codes, strings and flags. */
#include "base/text.h"
#include "faces/imap_conn.h"
#include "mail/meta.h"

#include <stdarg.h>
#include <stdio.h>

#define MAX_BAD 20

void
imap_put_tagged(struct imap_conn *c, const char *text)
{
	buf_put(&c->out, slice_new(c->tag, c->tag_len));
	buf_putc(&c->out, ' ');
	buf_puts(&c->out, text);
	buf_puts(&c->out, "\r\n");
}

static bool
tells(const struct imap_conn *c)
{
	return c->view.mb && c->command && !(c->command->flags & NO_SYNC);
}

void
imap_done(struct imap_conn *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	imap_done_start(c);
	buf_puts(&c->out, text);
	imap_done_end(c);
}

void
imap_done_start(struct imap_conn *c)
{
	if (tells(c))
		imap_view_sync(c, c->uid || !(c->command->flags & NO_EXPUNGE));
	if (c->tag_len)
		buf_put(&c->out, slice_new(c->tag, c->tag_len));
	else
		buf_putc(&c->out, '*');
	buf_putc(&c->out, ' ');
}

void
imap_done_end(struct imap_conn *c)
{
	buf_puts(&c->out, "\r\n");
	c->resume = NULL;
	c->bad = 0;
}

void
imap_bad(struct imap_conn *c, const char *why)
{
	unsigned bad = c->bad + 1;

	imap_done(c, "BAD %s", why);
	c->bad = bad;
	if (bad >= MAX_BAD)
		imap_conn_bye(c, "Too many bad commands");
}

void
imap_syntax(struct imap_conn *c, const struct imap_lex *l)
{
	imap_bad(c, l->bad ? l->bad : "Syntax error");
}

static const struct {
	int err;
	const char *text;
} error_texts[] = {
	{LL_ERR_NOMEM, "NO [LIMIT] Not enough memory for this"},
	{LL_ERR_LIMIT, "NO [LIMIT] A limit of this server was reached"},
	{LL_ERR_SYNTAX, "NO [CANNOT] This name cannot be used"},
	{LL_ERR_AUTH, "NO [CORRUPTION] Stored data was altered"},
	{LL_ERR_CORRUPT, "NO [CORRUPTION] Stored data is damaged"},
	{LL_ERR_DENIED, "NO [CANNOT] Not possible for this mailbox"},
	{LL_ERR_NOTFOUND, "NO [NONEXISTENT] No such mailbox"},
	{LL_ERR_EXISTS, "NO [ALREADYEXISTS] There is a mailbox of that name"},
	{LL_ERR_CONFLICT, "NO [INUSE] Somebody else changed this at the same time; try again"},
	{LL_ERR_QUOTA, "NO [OVERQUOTA] The account is full"},
	{LL_ERR_IO, "NO [UNAVAILABLE] Storage does not answer; try again later"},
	{LL_ERR_AGAIN, "NO [UNAVAILABLE] Storage does not answer; try again later"},
	{LL_ERR_CLOSED, "NO [UNAVAILABLE] Storage does not answer; try again later"},
	{LL_ERR_UNSUPPORTED, "NO [CANNOT] Not supported"},
};

const char *
imap_error_text(int err)
{
	for (size_t i = 0; i < ARRAY_SIZE(error_texts); i++)
		if (error_texts[i].err == err)
			return error_texts[i].text;
	return "NO [SERVERBUG] Internal error";
}

void
imap_error(struct imap_conn *c, int err)
{
	imap_done(c, "%s", imap_error_text(err));
}

void
imap_error_trycreate(struct imap_conn *c, int err)
{
	if (err == LL_ERR_NOTFOUND)
		imap_done(c, "NO [TRYCREATE] No such mailbox");
	else
		imap_error(c, err);
}

bool
imap_take_end(struct imap_conn *c, struct imap_lex *l)
{
	if (imap_lex_end(l))
		return true;
	imap_syntax(c, l);
	return false;
}

struct mailbox *
imap_find_mailbox(struct imap_conn *c, struct slice name)
{
	struct mailbox *mb;
	int err = account_mailbox(c->account, name, &mb);

	if (err == LL_OK)
		return mb;
	imap_error(c, err);
	return NULL;
}

bool
imap_utf8(const struct imap_conn *c)
{
	return c->enabled & (IMAP_UTF8 | IMAP_REV2);
}

void
imap_put_string(struct imap_conn *c, struct slice s)
{
	meta_imap_string(&c->out, s, imap_utf8(c) ? META_IMAP_UTF8 : 0);
}

static bool
is_plain_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!imap_is_atom_char(s.ptr[i]))
			return false;
	return s.len && !slice_ieq(s, S("NIL"));
}

void
imap_put_mailbox(struct imap_conn *c, struct slice name)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(8 * MAILBOX_NAME_MAX);

	if (is_plain_atom(name) && slice_find_byte(name, '&') == SLICE_NPOS) {
		buf_put(&c->out, name);
	} else if (imap_utf8(c)) {
		imap_put_string(c, name);
	} else {
		mutf7_encode(&wire, name);
		if (is_plain_atom(buf_slice(&wire)))
			buf_put(&c->out, buf_slice(&wire));
		else
			imap_put_string(c, buf_slice(&wire));
	}
}

void
imap_put_uids(struct buf *out, const uint32_t *uids, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && uids[end] == uids[end - 1] + 1; end++)
			;
		if (i)
			buf_putc(out, ',');
		buf_put_u64dec(out, uids[i]);
		if (end - i > 1) {
			buf_putc(out, ':');
			buf_put_u64dec(out, uids[end - 1]);
		}
	}
}

static const struct {
	uint64_t flag;
	struct slice name;
} system_flags[] = {
	{FLAG_ANSWERED, S("\\Answered")},
	{FLAG_FLAGGED, S("\\Flagged")},
	{FLAG_DELETED, S("\\Deleted")},
	{FLAG_SEEN, S("\\Seen")},
	{FLAG_DRAFT, S("\\Draft")},
};

bool
imap_system_flag(struct slice name, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_flags); i++) {
		if (slice_ieq(name, system_flags[i].name)) {
			*ret = system_flags[i].flag;
			return true;
		}
	}
	return false;
}

static bool
imap_is_recent(const struct imap_conn *c, uint32_t uid)
{
	size_t lo = 0, hi = c->view.recent.len;

	if (c->enabled & IMAP_REV2)
		return false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (c->view.recent.at[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->view.recent.len && c->view.recent.at[lo] == uid;
}

/* After the first word a space. */
static void
put_word(struct buf *out, size_t start, struct slice word)
{
	if (out->len > start)
		buf_putc(out, ' ');
	buf_put(out, word);
}

static void
put_keywords(struct imap_conn *c, size_t start, uint64_t flags)
{
	for (uint64_t rest = flags & FLAGS_KEYWORDS; rest; rest &= rest - 1) {
		size_t i = (size_t)__builtin_ctzll(rest) - 8;
		if (i < mailbox_keyword_count(c->view.mb))
			put_word(&c->out, start, mailbox_keyword_name(c->view.mb, i));
	}
}

void
imap_put_flags(struct imap_conn *c, const struct message_row *row)
{
	size_t start;

	buf_putc(&c->out, '(');
	start = c->out.len;
	for (size_t i = 0; i < ARRAY_SIZE(system_flags); i++)
		if (row->flags & system_flags[i].flag)
			put_word(&c->out, start, system_flags[i].name);
	put_keywords(c, start, row->flags);
	if (c->view.recent.len && imap_is_recent(c, row->uid))
		put_word(&c->out, start, S("\\Recent"));
	buf_putc(&c->out, ')');
}

void
imap_put_flag_lines(struct imap_conn *c)
{
	size_t n = mailbox_keyword_count(c->view.mb), start;

	c->view.keywords = n;
	for (int permanent = 0; permanent < 2; permanent++) {
		buf_puts(&c->out, permanent ? "* OK [PERMANENTFLAGS (" : "* FLAGS (");
		start = c->out.len;
		for (size_t i = 0; i < ARRAY_SIZE(system_flags); i++)
			if (!permanent || !c->view.readonly)
				put_word(&c->out, start, system_flags[i].name);
		for (size_t i = 0; i < n; i++)
			if (!permanent || !c->view.readonly)
				put_word(&c->out, start, mailbox_keyword_name(c->view.mb, i));
		if (permanent && !c->view.readonly && n < KEYWORDS_MAX)
			put_word(&c->out, start, S("\\*"));
		buf_puts(&c->out, permanent ? ")] Kept\r\n" : ")\r\n");
	}
}

void
imap_enable_condstore(struct imap_conn *c)
{
	if (c->enabled & IMAP_CONDSTORE)
		return;
	c->enabled |= IMAP_CONDSTORE;
	if (c->view.mb)
		buf_printf(&c->out, "* OK [HIGHESTMODSEQ %llu] Highest\r\n",
			(unsigned long long)mailbox_info(c->view.mb)->highestmodseq);
}
