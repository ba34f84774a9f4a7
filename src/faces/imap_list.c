/* LIST with its extensions (RFC 5258, 5819, 6154) and LSUB. The engine knows mailboxes; clients see
 * a tree, so levels that only have something below them are made up here. */
#include "base/map.h"
#include "faces/imap_conn.h"

#include <stdlib.h>
#include <string.h>

enum list_options {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2,
	SELECT_RECURSIVE = 4,
	SELECT_SPECIAL_USE = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32,
	RETURN_SPECIAL_USE = 64,
	RETURN_STATUS = 128,
	EXTENDED = 256, /* the command used a form of RFC 5258 */
};

struct entry {
	struct slice name;
	const struct mailbox *mb; /* NULL: not there */
	bool subscribed, children, subscribed_below;
};

struct list {
	struct imap_conn *c;
	struct map *known; /* name to entry */
	struct entry **entries;
	size_t n, cap;
	struct slice reference;
	struct slice *patterns;
	size_t n_patterns;
	unsigned options, status;
	const char *word; /* "LIST" or "LSUB" */
};

struct option {
	struct slice name;
	unsigned bit;
};

/* ---- The tree ---- */

static struct entry *
add_entry(struct list *ls, struct slice name)
{
	struct entry *e = map_get(ls->known, name);

	if (e)
		return e;
	if (ls->n == ls->cap) {
		size_t cap = MAX(ls->cap * 2, (size_t)64);
		struct entry **more = ARENA_ARRAY(&ls->c->arena, struct entry *, cap);
		if (!more)
			return NULL;
		if (ls->n)
			memcpy(more, ls->entries, ls->n * sizeof(struct entry *));
		ls->entries = more;
		ls->cap = cap;
	}
	e = ARENA_NEW(&ls->c->arena, struct entry);
	if (!e || map_set(ls->known, name, e, NULL) != LL_OK)
		return NULL;
	e->name = name;
	ls->entries[ls->n++] = e;
	return e;
}

/* Marks the levels above, making those that are not there. */
static int
mark_above(struct list *ls, const struct entry *e)
{
	struct slice name = e->name;
	bool subscribed = e->subscribed;

	for (;;) {
		size_t slash = slice_rfind_byte(name, '/');
		struct entry *up;

		if (slash == SLICE_NPOS)
			return LL_OK;
		name.len = slash;
		up = add_entry(ls, name);
		if (!up)
			return LL_ERR_NOMEM;
		if (up->children && (!subscribed || up->subscribed_below))
			return LL_OK; /* the levels above it know already */
		up->children = true;
		up->subscribed_below |= subscribed;
	}
}

static int
entry_cmp(const void *a, const void *b)
{
	struct slice x = (*(struct entry *const *)a)->name, y = (*(struct entry *const *)b)->name;
	bool inbox_x = slice_eq(x, S("INBOX")), inbox_y = slice_eq(y, S("INBOX"));

	if (inbox_x != inbox_y)
		return inbox_y - inbox_x;
	return slice_cmp(x, y);
}

static int
build_tree(struct list *ls)
{
	size_t n, n_orphans, real;
	struct mailbox *const *all = account_mailboxes(ls->c->account, &n);
	const struct slice *orphans = account_orphan_subscriptions(ls->c->account, &n_orphans);

	for (size_t i = 0; i < n + n_orphans; i++) {
		struct entry *e =
			add_entry(ls, i < n ? mailbox_info(all[i])->name : orphans[i - n]);
		if (!e)
			return LL_ERR_NOMEM;
		e->mb = i < n ? all[i] : NULL;
		e->subscribed = i >= n || mailbox_info(all[i])->subscribed;
	}
	real = ls->n;
	for (size_t i = 0; i < real; i++)
		if (mark_above(ls, ls->entries[i]) != LL_OK)
			return LL_ERR_NOMEM;
	qsort(ls->entries, ls->n, sizeof(struct entry *), entry_cmp);
	return LL_OK;
}

/* ---- Patterns ---- */

/* "*" stands for anything, "%" for anything within a level. reach[i]: the pattern so far can match
 * the first i bytes; linear in name times pattern, whatever a client sends. */
static bool
pattern_matches(struct slice pattern, struct slice name)
{
	bool reach[MAILBOX_NAME_MAX + 2] = {true};
	size_t inbox = slice_istarts(name, S("INBOX/")) || slice_ieq(name, S("INBOX")) ? 5 : 0;

	if (name.len > MAILBOX_NAME_MAX)
		return false;
	for (size_t p = 0; p < pattern.len; p++) {
		uint8_t want = pattern.ptr[p];
		bool before = false;

		for (size_t i = 0; i <= name.len; i++) {
			bool was = reach[i];
			uint8_t ch = i ? name.ptr[i - 1] : 0;

			if (want == '*' || want == '%')
				reach[i] = was || (i && reach[i - 1] && (want == '*' || ch != '/'));
			else
				reach[i] = i && before &&
					(ch == want || (i <= inbox && (ch ^ want) == 0x20));
			before = was;
		}
	}
	return reach[name.len];
}

static bool
listed(const struct list *ls, struct slice name, bool *ret_percent)
{
	bool found = false;

	*ret_percent = false;
	for (size_t i = 0; i < ls->n_patterns; i++) {
		if (!pattern_matches(ls->patterns[i], name))
			continue;
		found = true;
		*ret_percent |= slice_find_byte(ls->patterns[i], '%') != SLICE_NPOS;
	}
	return found;
}

/* ---- Output ---- */

static void
put_attribute(struct buf *out, size_t start, const char *word)
{
	if (out->len > start)
		buf_putc(out, ' ');
	buf_puts(out, word);
}

static void
put_attributes(struct list *ls, const struct entry *e)
{
	struct imap_conn *c = ls->c;
	size_t start = c->out.len;
	const char *role = e->mb ? mailbox_role_attribute(mailbox_info(e->mb)->role) : NULL;

	if (!e->mb)
		put_attribute(&c->out, start,
			ls->options & EXTENDED || c->enabled & IMAP_REV2 ? "\\NonExistent"
									 : "\\Noselect");
	put_attribute(&c->out, start, e->children ? "\\HasChildren" : "\\HasNoChildren");
	if (role)
		put_attribute(&c->out, start, role);
	if (e->subscribed && ls->options & (SELECT_SUBSCRIBED | RETURN_SUBSCRIBED))
		put_attribute(&c->out, start, "\\Subscribed");
}

static void
put_entry(struct list *ls, const struct entry *e)
{
	struct imap_conn *c = ls->c;

	buf_printf(&c->out, "* %s (", ls->word);
	put_attributes(ls, e);
	buf_puts(&c->out, ") \"/\" ");
	imap_put_mailbox(c, e->name);
	if (ls->options & SELECT_RECURSIVE && e->subscribed_below)
		buf_puts(&c->out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	buf_puts(&c->out, "\r\n");
	if (ls->options & RETURN_STATUS && e->mb)
		imap_put_status(c, e->mb, ls->status);
}

void
imap_put_list_line(struct imap_conn *c, const struct mailbox *mb)
{
	const char *role = mailbox_role_attribute(mailbox_info(mb)->role);

	buf_printf(&c->out, "* LIST (%s) \"/\" ", role ? role : "");
	imap_put_mailbox(c, mailbox_info(mb)->name);
	buf_puts(&c->out, "\r\n");
}

static bool
selected(const struct list *ls, const struct entry *e)
{
	unsigned o = ls->options;
	bool percent;

	if (!listed(ls, e->name, &percent))
		return false;
	if (o & SELECT_SPECIAL_USE &&
		(!e->mb || !mailbox_role_attribute(mailbox_info(e->mb)->role)))
		return false;
	if (o & SELECT_SUBSCRIBED)
		return e->subscribed || (o & SELECT_RECURSIVE && e->subscribed_below);
	/* A name that was only subscribed is no mailbox. */
	return e->mb || e->children;
}

static bool
with_tree(struct list *ls)
{
	ls->known = map_new();
	if (ls->known && build_tree(ls) == LL_OK)
		return true;
	map_free(ls->known, NULL);
	imap_error(ls->c, LL_ERR_NOMEM);
	return false;
}

static void
put_list(struct list *ls)
{
	if (ls->n_patterns == 1 && !ls->patterns[0].len) {
		buf_printf(&ls->c->out, "* %s (\\Noselect) \"/\" \"\"\r\n", ls->word);
		imap_done(ls->c, "OK Done");
		return;
	}
	if (!with_tree(ls))
		return;
	for (size_t i = 0; i < ls->n; i++)
		if (selected(ls, ls->entries[i]))
			put_entry(ls, ls->entries[i]);
	map_free(ls->known, NULL);
	imap_done(ls->c, "OK Done");
}

/* ---- Grammar ---- */

static bool
parse_option(struct imap_lex *l, const struct option *known, size_t n, unsigned *options)
{
	struct slice word;

	if (!imap_lex_name(l, &word))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (slice_ieq(word, known[i].name)) {
			*options |= known[i].bit;
			return true;
		}
	}
	return imap_lex_fail(l, "Unknown LIST option");
}

static bool
parse_selection(struct imap_lex *l, struct list *ls)
{
	static const struct option known[] = {
		{S("SUBSCRIBED"), SELECT_SUBSCRIBED},
		{S("REMOTE"), SELECT_REMOTE},
		{S("RECURSIVEMATCH"), SELECT_RECURSIVE},
		{S("SPECIAL-USE"), SELECT_SPECIAL_USE},
	};

	ls->options |= EXTENDED;
	if (imap_lex_try(l, ')'))
		return imap_lex_sp(l);
	do {
		if (!parse_option(l, known, ARRAY_SIZE(known), &ls->options))
			return false;
	} while (imap_lex_try(l, ' '));
	if (ls->options & SELECT_RECURSIVE && !(ls->options & SELECT_SUBSCRIBED))
		return imap_lex_fail(l, "RECURSIVEMATCH needs SUBSCRIBED");
	return imap_lex_char(l, ')') && imap_lex_sp(l);
}

static bool
parse_return(struct imap_lex *l, struct list *ls)
{
	static const struct option known[] = {
		{S("SUBSCRIBED"), RETURN_SUBSCRIBED},
		{S("CHILDREN"), RETURN_CHILDREN},
		{S("SPECIAL-USE"), RETURN_SPECIAL_USE},
		{S("STATUS"), RETURN_STATUS},
	};

	if (imap_lex_peek(l) < 0)
		return true;
	ls->options |= EXTENDED;
	if (!imap_lex_sp(l) || !imap_lex_word(l, S("RETURN")) || !imap_lex_sp(l) ||
		!imap_lex_char(l, '('))
		return false;
	if (imap_lex_try(l, ')'))
		return imap_lex_end(l);
	do {
		unsigned before = ls->options;
		ls->options &= ~(unsigned)RETURN_STATUS;
		if (!parse_option(l, known, ARRAY_SIZE(known), &ls->options))
			return false;
		if (ls->options & RETURN_STATUS &&
			(!imap_lex_sp(l) || !imap_parse_status_items(l, &ls->status)))
			return false;
		ls->options |= before;
	} while (imap_lex_try(l, ' '));
	return imap_lex_char(l, ')') && imap_lex_end(l);
}

/* One pattern behind the reference, decoded. */
static bool
parse_pattern(struct imap_lex *l, struct list *ls, struct slice *ret)
{
	struct slice wire, name;

	if (!imap_lex_list_mailbox(l, &wire))
		return false;
	if (!wire.len) {
		*ret = SLICE_NONE;
		return true;
	}
	if (imap_name_decode(ls->c, wire, &name) != LL_OK)
		return imap_lex_fail(l, "Bad name");
	*ret = arena_printf(l->arena, "%.*s%.*s", SLICE_ARG(ls->reference), SLICE_ARG(name));
	return ret->ptr || imap_lex_fail(l, "Command too large");
}

static size_t
count_patterns(const struct imap_lex *l)
{
	size_t n = 1;

	for (const uint8_t *p = l->at; p < l->end; p++)
		n += *p == ' ';
	return n;
}

static bool
parse_patterns(struct imap_lex *l, struct list *ls)
{
	bool several = imap_lex_try(l, '(');

	ls->patterns = ARENA_ARRAY(l->arena, struct slice, several ? count_patterns(l) : 1);
	if (!ls->patterns)
		return imap_lex_fail(l, "Command too large");
	if (several)
		ls->options |= EXTENDED;
	do {
		if (!parse_pattern(l, ls, &ls->patterns[ls->n_patterns++]))
			return false;
	} while (several && imap_lex_try(l, ' '));
	return !several || imap_lex_char(l, ')');
}

static bool
parse_reference(struct imap_lex *l, struct list *ls)
{
	struct slice wire;

	if (!imap_lex_astring(l, &wire))
		return false;
	if (imap_name_decode(ls->c, wire, &ls->reference) != LL_OK)
		return imap_lex_fail(l, "Bad name");
	return imap_lex_sp(l);
}

static bool
parse_list(struct imap_lex *l, struct list *ls)
{
	if (!imap_lex_sp(l) || (imap_lex_try(l, '(') && !parse_selection(l, ls)))
		return false;
	return parse_reference(l, ls) && parse_patterns(l, ls) && parse_return(l, ls);
}

void
imap_run_list(struct imap_conn *c, struct imap_lex *l)
{
	struct list ls = {.c = c, .word = "LIST"};

	if (!parse_list(l, &ls)) {
		imap_syntax(c, l);
		return;
	}
	if (ls.options & RETURN_STATUS)
		imap_status_note(c, ls.status);
	put_list(&ls);
}

/* ---- LSUB (RFC 3501 section 6.3.9) ---- */

static void
put_lsub(struct list *ls, const struct entry *e)
{
	bool percent;

	if (!listed(ls, e->name, &percent))
		return;
	/* With "%" a level above something subscribed shows that there is more below. */
	if (!e->subscribed && !(percent && e->subscribed_below))
		return;
	buf_puts(&ls->c->out, e->subscribed ? "* LSUB () \"/\" " : "* LSUB (\\Noselect) \"/\" ");
	imap_put_mailbox(ls->c, e->name);
	buf_puts(&ls->c->out, "\r\n");
}

void
imap_run_lsub(struct imap_conn *c, struct imap_lex *l)
{
	struct list ls = {.c = c, .word = "LSUB"};

	if (!imap_lex_sp(l) || !parse_reference(l, &ls) || imap_lex_peek(l) == '(' ||
		!parse_patterns(l, &ls) || !imap_lex_end(l)) {
		imap_syntax(c, l);
		return;
	}
	if (!with_tree(&ls))
		return;
	for (size_t i = 0; i < ls.n; i++)
		put_lsub(&ls, ls.entries[i]);
	map_free(ls.known, NULL);
	imap_done(c, "OK Done");
}
