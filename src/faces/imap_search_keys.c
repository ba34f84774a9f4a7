/* The keys of a search program (RFC 9051 section 6.4.4, RFC 3501, 5032, 7162, 8474, 8514) as the
 * engine's conditions. */
#include "account/message.h"
#include "base/text.h"
#include "faces/imap_search.h"
#include "mail/charset.h"

#define DAY 86400

enum date_part { BEFORE, ON, SINCE };

struct key {
	struct slice name;
	bool (*parse)(struct imap_query *q, const struct key *k, struct find_node *n);
	enum find_op op;
	uint64_t mask, bits; /* of flags; of others what their parser takes it for */
};

static bool parse_key(struct imap_query *q, struct find_node *n);

static struct find_node *
new_node(struct imap_query *q)
{
	struct find_node *n = ARENA_NEW(q->l->arena, struct find_node);

	if (!n)
		imap_lex_fail(q->l, "Search too large");
	return n;
}

/* ---- Parsers of arguments ---- */

static bool
parse_flags(struct imap_query *q, const struct key *k, struct find_node *n)
{
	(void)q;
	n->op = FIND_FLAGS;
	n->mask = k->mask;
	n->bits = k->bits;
	return true;
}

static bool
parse_all(struct imap_query *q, const struct key *k, struct find_node *n)
{
	(void)q;
	n->op = k->op;
	return true;
}

static void
recent_node(struct imap_query *q, struct find_node *n)
{
	*n = (struct find_node){.op = FIND_UIDS};
	if (!(q->c->enabled & IMAP_REV2)) {
		n->uids = q->c->view.recent.at;
		n->n_uids = q->c->view.recent.len;
	}
}

/* RECENT, OLD (FIND_NOT) and NEW (FIND_AND with unseen). */
static bool
parse_recent(struct imap_query *q, const struct key *k, struct find_node *n)
{
	struct find_node *recent, *unseen;

	if (k->op == FIND_UIDS) {
		recent_node(q, n);
		return true;
	}
	recent = new_node(q);
	unseen = new_node(q);
	if (!recent || !unseen)
		return false;
	recent_node(q, recent);
	*unseen = (struct find_node){.op = FIND_FLAGS, .mask = FLAG_SEEN};
	if (k->op == FIND_AND)
		recent->next = unseen;
	n->op = k->op;
	n->kids = recent;
	return true;
}

static bool
parse_keyword(struct imap_query *q, const struct key *k, struct find_node *n)
{
	struct slice name;
	uint64_t flag;

	if (!imap_lex_sp(q->l) || !imap_lex_flag(q->l, &name))
		return false;
	mailbox_keyword(q->c->view.mb, name, &flag);
	*n = (struct find_node){.op = FIND_FLAGS, .mask = flag, .bits = k->bits ? flag : 0};
	if (!flag) /* no message ever had it */
		n->op = k->bits ? FIND_OR : FIND_AND;
	return true;
}

/* A string in UTF-8. */
static bool
take_text(struct imap_query *q, struct slice *ret)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
	struct slice raw;

	if (!imap_lex_sp(q->l) || !imap_lex_astring(q->l, &raw))
		return false;
	*ret = raw;
	if (is_ascii(raw))
		return true;
	if (!q->charset.ptr || slice_ieq(q->charset, S("UTF-8")))
		return utf8_valid(raw) || imap_lex_fail(q->l, "Search text is not UTF-8");
	if (charset_to_utf8(q->charset, raw, &text) != LL_OK)
		return imap_lex_fail(q->l, "Search text too long");
	*ret = arena_dup(q->l->arena, buf_slice(&text));
	return ret->ptr || imap_lex_fail(q->l, "Search too large");
}

static bool
parse_text(struct imap_query *q, const struct key *k, struct find_node *n)
{
	n->op = k->op;
	return take_text(q, &n->text);
}

static bool
parse_header(struct imap_query *q, const struct key *k, struct find_node *n)
{
	n->op = k->op;
	return imap_lex_sp(q->l) && imap_lex_astring(q->l, &n->name) && take_text(q, &n->text);
}

/* mask: BEFORE, ON or SINCE. Days for the Date field, seconds for the others. */
static bool
parse_date(struct imap_query *q, const struct key *k, struct find_node *n)
{
	int64_t unit = k->op == FIND_SENT ? 1 : DAY, day;

	if (!imap_lex_sp(q->l) || !imap_lex_date(q->l, &day))
		return false;
	n->op = k->op;
	n->min = k->mask == BEFORE ? INT64_MIN : day * unit;
	n->max = k->mask == SINCE ? INT64_MAX : day * unit + unit - 1;
	if (k->mask == BEFORE)
		n->max = day * unit - 1;
	return true;
}

/* OLDER and YOUNGER, RFC 5032; bits: younger. */
static bool
parse_within(struct imap_query *q, const struct key *k, struct find_node *n)
{
	int64_t now = q->c->env->now(q->c->env->ctx);
	uint32_t seconds;

	if (!imap_lex_sp(q->l) || !imap_lex_nz_u32(q->l, &seconds))
		return false;
	n->op = k->op;
	n->min = k->bits ? now - seconds : INT64_MIN;
	n->max = k->bits ? INT64_MAX : now - seconds;
	return true;
}

/* bits: LARGER. */
static bool
parse_size(struct imap_query *q, const struct key *k, struct find_node *n)
{
	uint64_t size;

	if (!imap_lex_sp(q->l) || !imap_lex_u63(q->l, &size))
		return false;
	n->op = k->op;
	n->min = k->bits ? (int64_t)MIN(size, (uint64_t)INT64_MAX - 1) + 1 : 0;
	n->max = k->bits ? INT64_MAX : (int64_t)size - 1;
	return true;
}

static bool
parse_set(struct imap_query *q, bool uid, struct find_node *n)
{
	struct imap_spans spans;
	struct imap_set set;
	uint32_t *uids;
	int err;

	if (!imap_set_parse(q->l, &set))
		return false;
	err = imap_set_resolve(q->c, &set, uid, &spans);
	q->bad_number |= err == LL_ERR_RANGE;
	if (err != LL_OK)
		return imap_lex_fail(q->l, "No message has that number");
	if (spans.total == q->c->view.uids.len) { /* all of them */
		n->op = FIND_AND;
		return true;
	}
	uids = imap_spans_uids(q->c, &spans);
	if (!uids)
		return imap_lex_fail(q->l, "Search too large");
	*n = (struct find_node){.op = FIND_UIDS, .uids = uids, .n_uids = spans.total};
	return true;
}

static bool
parse_uid(struct imap_query *q, const struct key *k, struct find_node *n)
{
	(void)k;
	return imap_lex_sp(q->l) && parse_set(q, true, n);
}

static bool
parse_not(struct imap_query *q, const struct key *k, struct find_node *n)
{
	struct find_node *kid = new_node(q);

	n->op = k->op;
	n->kids = kid;
	return kid && imap_lex_sp(q->l) && parse_key(q, kid);
}

static bool
parse_or(struct imap_query *q, const struct key *k, struct find_node *n)
{
	struct find_node *a = new_node(q), *b = new_node(q);

	if (!a || !b)
		return false;
	n->op = k->op;
	n->kids = a;
	if (!imap_lex_sp(q->l) || !parse_key(q, a) || !imap_lex_sp(q->l) || !parse_key(q, b))
		return false;
	a->next = b;
	return true;
}

/* MODSEQ ["/flags/\\Seen" all] 123: the entry names mean nothing here (RFC 7162 section 3.1.5). */
static bool
parse_modseq(struct imap_query *q, const struct key *k, struct find_node *n)
{
	struct slice ignored;
	uint64_t modseq;

	if (!imap_lex_sp(q->l))
		return false;
	if (imap_lex_peek(q->l) == '"' &&
		(!imap_lex_string(q->l, &ignored) || !imap_lex_sp(q->l) ||
			!imap_lex_name(q->l, &ignored) || !imap_lex_sp(q->l)))
		return false;
	if (!imap_lex_u63(q->l, &modseq))
		return false;
	n->op = k->op;
	n->min = (int64_t)modseq;
	q->uses_modseq = true;
	return true;
}

/* EMAILID and THREADID; ids that cannot be ours match nothing. */
static bool
parse_id(struct imap_query *q, const struct key *k, struct find_node *n)
{
	struct slice id;
	uint32_t number;
	bool ours;

	if (!imap_lex_sp(q->l) || !imap_lex_astring(q->l, &id))
		return false;
	ours = k->op == FIND_EMAIL ? message_email_id_parse(id, &number)
				   : message_thread_id_parse(id, &number);
	n->op = ours ? k->op : FIND_OR;
	n->min = ours ? number : 0;
	return true;
}

/* ---- The table ---- */

#define HAS(flag) parse_flags, FIND_FLAGS, flag, flag
#define LACKS(flag) parse_flags, FIND_FLAGS, flag, 0

static const struct key keys[] = {
	{S("ALL"), parse_all, FIND_AND, 0, 0},
	{S("ANSWERED"), HAS(FLAG_ANSWERED)},
	{S("BCC"), parse_text, FIND_BCC, 0, 0},
	{S("BEFORE"), parse_date, FIND_INTERNAL, BEFORE, 0},
	{S("BODY"), parse_text, FIND_BODY, 0, 0},
	{S("CC"), parse_text, FIND_CC, 0, 0},
	{S("DELETED"), HAS(FLAG_DELETED)},
	{S("DRAFT"), HAS(FLAG_DRAFT)},
	{S("EMAILID"), parse_id, FIND_EMAIL, 0, 0},
	{S("FLAGGED"), HAS(FLAG_FLAGGED)},
	{S("FROM"), parse_text, FIND_FROM, 0, 0},
	{S("HEADER"), parse_header, FIND_HEADER, 0, 0},
	{S("KEYWORD"), parse_keyword, FIND_FLAGS, 0, 1},
	{S("LARGER"), parse_size, FIND_SIZE, 0, 1},
	{S("MODSEQ"), parse_modseq, FIND_MODSEQ, 0, 0},
	{S("NEW"), parse_recent, FIND_AND, 0, 0},
	{S("NOT"), parse_not, FIND_NOT, 0, 0},
	{S("OLD"), parse_recent, FIND_NOT, 0, 0},
	{S("OLDER"), parse_within, FIND_INTERNAL, 0, 0},
	{S("ON"), parse_date, FIND_INTERNAL, ON, 0},
	{S("OR"), parse_or, FIND_OR, 0, 0},
	{S("RECENT"), parse_recent, FIND_UIDS, 0, 0},
	{S("SAVEDATESUPPORTED"), parse_all, FIND_AND, 0, 0},
	{S("SAVEDBEFORE"), parse_date, FIND_SAVED, BEFORE, 0},
	{S("SAVEDON"), parse_date, FIND_SAVED, ON, 0},
	{S("SAVEDSINCE"), parse_date, FIND_SAVED, SINCE, 0},
	{S("SEEN"), HAS(FLAG_SEEN)},
	{S("SENTBEFORE"), parse_date, FIND_SENT, BEFORE, 0},
	{S("SENTON"), parse_date, FIND_SENT, ON, 0},
	{S("SENTSINCE"), parse_date, FIND_SENT, SINCE, 0},
	{S("SINCE"), parse_date, FIND_INTERNAL, SINCE, 0},
	{S("SMALLER"), parse_size, FIND_SIZE, 0, 0},
	{S("SUBJECT"), parse_text, FIND_SUBJECT, 0, 0},
	{S("TEXT"), parse_text, FIND_TEXT, 0, 0},
	{S("THREADID"), parse_id, FIND_THREAD, 0, 0},
	{S("TO"), parse_text, FIND_TO, 0, 0},
	{S("UID"), parse_uid, FIND_UIDS, 0, 0},
	{S("UNANSWERED"), LACKS(FLAG_ANSWERED)},
	{S("UNDELETED"), LACKS(FLAG_DELETED)},
	{S("UNDRAFT"), LACKS(FLAG_DRAFT)},
	{S("UNFLAGGED"), LACKS(FLAG_FLAGGED)},
	{S("UNKEYWORD"), parse_keyword, FIND_FLAGS, 0, 0},
	{S("UNSEEN"), LACKS(FLAG_SEEN)},
	{S("YOUNGER"), parse_within, FIND_INTERNAL, 0, 1},
};

static bool
parse_named(struct imap_query *q, struct find_node *n)
{
	struct slice name;

	if (!imap_lex_name(q->l, &name))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (slice_ieq(name, keys[i].name))
			return keys[i].parse(q, &keys[i], n);
	return imap_lex_fail(q->l, "Unknown search key");
}

static bool
parse_keys(struct imap_query *q, struct find_node *parent)
{
	struct find_node *last = NULL;

	parent->op = FIND_AND;
	do {
		struct find_node *n = new_node(q);
		if (!n)
			return false;
		if (last)
			last->next = n;
		else
			parent->kids = n;
		last = n;
		if (!parse_key(q, n))
			return false;
	} while (imap_lex_try(q->l, ' '));
	return true;
}

static bool
parse_any(struct imap_query *q, struct find_node *n)
{
	int next = imap_lex_peek(q->l);

	if (next == '(') {
		q->l->at++;
		return parse_keys(q, n) && imap_lex_char(q->l, ')');
	}
	if ((next >= '0' && next <= '9') || next == '*' || next == '$')
		return parse_set(q, false, n);
	return parse_named(q, n);
}

static bool
parse_key(struct imap_query *q, struct find_node *n)
{
	bool ok;

	if (q->depth >= FIND_DEPTH_MAX - 2)
		return imap_lex_fail(q->l, "Search nested too deep");
	q->depth++;
	ok = parse_any(q, n);
	q->depth--;
	return ok;
}

bool
imap_query_parse(struct imap_query *q)
{
	return parse_keys(q, &q->root) && imap_lex_end(q->l);
}

void
imap_query_charset(struct imap_query *q, struct slice name)
{
	q->charset = name;
	q->bad_charset = !charset_known(name);
}

void
imap_query_refuse(struct imap_query *q)
{
	if (q->bad_charset)
		imap_done(q->c, "NO [BADCHARSET (UTF-8 US-ASCII)] Unknown charset");
	else
		imap_syntax(q->c, q->l);
}
