/* The grammar of FETCH: items, section names, partial ranges and modifiers (RFC 9051, 3516, 7162,
 * 8474, 8514, 8970). */
#include "faces/imap_fetch.h"

#include <string.h>

enum special { PLAIN_ITEM, RFC822_ITEM, BODY_ITEM, BINARY_ITEM, PREVIEW_ITEM };

static const struct known_item {
	struct slice name;
	enum fetch_kind kind;
	enum section_text text; /* of the RFC822 forms */
	enum special special;
	bool sets_seen;
} known_items[] = {
	{S("FLAGS"), FETCH_FLAGS, 0, 0, 0},
	{S("UID"), FETCH_UID, 0, 0, 0},
	{S("INTERNALDATE"), FETCH_INTERNALDATE, 0, 0, 0},
	{S("RFC822.SIZE"), FETCH_SIZE, 0, 0, 0},
	{S("ENVELOPE"), FETCH_ENVELOPE, 0, 0, 0},
	{S("BODYSTRUCTURE"), FETCH_BODYSTRUCTURE, 0, 0, 0},
	{S("BODY"), FETCH_BODY, 0, BODY_ITEM, true},
	{S("BODY.PEEK"), FETCH_SECTION, 0, BODY_ITEM, false},
	{S("BINARY"), FETCH_BINARY, 0, BINARY_ITEM, true},
	{S("BINARY.PEEK"), FETCH_BINARY, 0, BINARY_ITEM, false},
	{S("BINARY.SIZE"), FETCH_BINARY_SIZE, 0, BINARY_ITEM, false},
	{S("RFC822"), FETCH_SECTION, SECTION_ALL, RFC822_ITEM, true},
	{S("RFC822.HEADER"), FETCH_SECTION, SECTION_HEADER, RFC822_ITEM, false},
	{S("RFC822.TEXT"), FETCH_SECTION, SECTION_TEXT, RFC822_ITEM, true},
	{S("MODSEQ"), FETCH_MODSEQ, 0, 0, 0},
	{S("EMAILID"), FETCH_EMAILID, 0, 0, 0},
	{S("THREADID"), FETCH_THREADID, 0, 0, 0},
	{S("PREVIEW"), FETCH_PREVIEW, 0, PREVIEW_ITEM, 0},
	{S("SAVEDATE"), FETCH_SAVEDATE, 0, 0, 0},
};

static const struct {
	struct slice name;
	const char *items;
} macros[] = {
	{S("ALL"), "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"},
	{S("FAST"), "FLAGS INTERNALDATE RFC822.SIZE"},
	{S("FULL"), "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"},
};

static const struct {
	struct slice name;
	enum section_text text;
} section_words[] = {
	{S("HEADER.FIELDS.NOT"), SECTION_FIELDS_NOT},
	{S("HEADER.FIELDS"), SECTION_FIELDS},
	{S("HEADER"), SECTION_HEADER},
	{S("TEXT"), SECTION_TEXT},
	{S("MIME"), SECTION_MIME},
};

static bool
parse_path(struct imap_lex *l, struct fetch_item *item)
{
	item->path = ARENA_ARRAY(l->arena, uint32_t, IMAP_SECTION_DEPTH);
	if (!item->path)
		return imap_lex_fail(l, "Command too large");
	do {
		if (item->n_path == IMAP_SECTION_DEPTH)
			return imap_lex_fail(l, "Section too deep");
		if (!imap_lex_nz_u32(l, &item->path[item->n_path++]))
			return false;
	} while (imap_lex_try(l, '.') && imap_lex_peek(l) >= '0' && imap_lex_peek(l) <= '9');
	return true;
}

static size_t
count_fields(const struct imap_lex *l)
{
	size_t n = 1;

	for (const uint8_t *p = l->at; p < l->end; p++)
		n += *p == ' ';
	return n;
}

static bool
is_field_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= 0x20 || name.ptr[i] >= 0x7f)
			return false;
	return name.len > 0;
}

static bool
parse_fields(struct imap_lex *l, struct fetch_item *item)
{
	if (!imap_lex_sp(l) || !imap_lex_char(l, '('))
		return false;
	item->fields = ARENA_ARRAY(l->arena, struct slice, count_fields(l));
	if (!item->fields)
		return imap_lex_fail(l, "Command too large");
	do {
		struct slice *name = &item->fields[item->n_fields++];
		if (!imap_lex_astring(l, name) || !is_field_name(*name))
			return imap_lex_fail(l, "Not a header field name");
	} while (imap_lex_try(l, ' '));
	return imap_lex_char(l, ')');
}

static bool
parse_section_text(struct imap_lex *l, struct fetch_item *item)
{
	for (size_t i = 0; i < ARRAY_SIZE(section_words); i++) {
		if (!imap_lex_try_word(l, section_words[i].name))
			continue;
		item->text = section_words[i].text;
		if (item->text == SECTION_MIME && !item->n_path)
			return imap_lex_fail(l, "MIME needs a part number");
		if (item->text == SECTION_FIELDS || item->text == SECTION_FIELDS_NOT)
			return parse_fields(l, item);
		return true;
	}
	return imap_lex_fail(l, "Unknown section");
}

/* "1.2.HEADER]", after "[". */
static bool
parse_section(struct imap_lex *l, struct fetch_item *item)
{
	int next = imap_lex_peek(l);

	if (next >= '0' && next <= '9' && !parse_path(l, item))
		return false;
	if (imap_lex_try(l, ']'))
		return !item->n_path || l->at[-2] != '.' || imap_lex_fail(l, "Unknown section");
	if (item->kind != FETCH_SECTION || (item->n_path && l->at[-1] != '.'))
		return imap_lex_fail(l, "Unknown section");
	return parse_section_text(l, item) && imap_lex_char(l, ']');
}

static bool
parse_partial(struct imap_lex *l, struct fetch_item *item)
{
	if (!imap_lex_try(l, '<'))
		return true;
	item->partial = true;
	if (item->kind == FETCH_BINARY_SIZE)
		return imap_lex_fail(l, "BINARY.SIZE takes no range");
	return imap_lex_u32(l, &item->offset) && imap_lex_char(l, '.') &&
		imap_lex_nz_u32(l, &item->length) && imap_lex_char(l, '>');
}

/* A header field name as the reply shows it. */
static void
put_field_name(struct buf *out, struct slice name)
{
	bool atom = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		atom = atom && imap_is_atom_char(name.ptr[i]);
	if (atom) {
		buf_put(out, name);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"' || name.ptr[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, name.ptr[i]);
	}
	buf_putc(out, '"');
}

static void
put_section_words(struct buf *out, const struct fetch_item *item)
{
	for (size_t i = 0; i < item->n_path; i++) {
		if (i)
			buf_putc(out, '.');
		buf_put_u64dec(out, item->path[i]);
	}
	if (item->text == SECTION_ALL)
		return;
	if (item->n_path)
		buf_putc(out, '.');
	for (size_t i = 0; i < ARRAY_SIZE(section_words); i++)
		if (section_words[i].text == item->text)
			buf_put(out, section_words[i].name);
	for (size_t i = 0; i < item->n_fields; i++) {
		buf_puts(out, i ? " " : " (");
		put_field_name(out, item->fields[i]);
	}
	if (item->n_fields)
		buf_putc(out, ')');
}

/* "BODY[1.HEADER.FIELDS (A B)]<0>": the item's own words, not the client's spelling of them. */
static bool
make_label(struct imap_lex *l, struct fetch_item *item)
{
	static const char *const words[FETCH_KINDS] = {
		[FETCH_SECTION] = "BODY[",
		[FETCH_BINARY] = "BINARY[",
		[FETCH_BINARY_SIZE] = "BINARY.SIZE[",
	};
	CLEANUP(buf_done) struct buf label = BUF_INIT(1 << 20);

	buf_puts(&label, words[item->kind]);
	put_section_words(&label, item);
	buf_putc(&label, ']');
	if (item->partial)
		buf_printf(&label, "<%u>", item->offset);
	item->label = arena_dup(l->arena, buf_slice(&label));
	if (buf_err(&label) || !item->label.ptr)
		return imap_lex_fail(l, "Command too large");
	return true;
}

/* What follows "BODY" or "BINARY". */
static bool
parse_bracket(struct imap_lex *l, struct fetch_item *item)
{
	if (!imap_lex_try(l, '[')) {
		if (item->kind == FETCH_BODY) { /* the structure without extensions */
			item->sets_seen = false;
			return true;
		}
		return imap_lex_fail(l, "Expected a section");
	}
	if (item->kind == FETCH_BODY)
		item->kind = FETCH_SECTION;
	return parse_section(l, item) && parse_partial(l, item) && make_label(l, item);
}

static bool
parse_preview(struct imap_lex *l)
{
	const uint8_t *start = l->at;

	if (!imap_lex_try(l, ' ') || !imap_lex_try(l, '(')) {
		l->at = start;
		return true;
	}
	return imap_lex_word(l, S("LAZY")) && imap_lex_char(l, ')');
}

static bool
parse_special(struct imap_lex *l, const struct known_item *k, struct fetch_item *item)
{
	switch (k->special) {
	case BODY_ITEM:
	case BINARY_ITEM:
		return parse_bracket(l, item);
	case PREVIEW_ITEM:
		return parse_preview(l);
	case RFC822_ITEM:
	case PLAIN_ITEM:
		break;
	}
	return true;
}

static bool
parse_item(struct imap_lex *l, struct fetch_args *args)
{
	struct fetch_item *item = &args->items[args->n];
	struct slice name;

	if (args->n == IMAP_FETCH_ITEMS)
		return imap_lex_fail(l, "Too many items");
	if (!imap_lex_name(l, &name))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(known_items); i++) {
		const struct known_item *k = &known_items[i];
		if (!slice_ieq(name, k->name))
			continue;
		*item = (struct fetch_item){.kind = k->kind,
			.label = k->name,
			.text = k->text,
			.sets_seen = k->sets_seen};
		args->n++;
		return parse_special(l, k, item);
	}
	return imap_lex_fail(l, "Unknown FETCH item");
}

static bool
parse_macro(struct imap_lex *l, struct fetch_args *args, bool *ret_found)
{
	*ret_found = false;
	for (size_t i = 0; i < ARRAY_SIZE(macros); i++) {
		struct imap_lex words = imap_lex_new(slice_str(macros[i].items), l->arena);

		if (!imap_lex_try_word(l, macros[i].name))
			continue;
		*ret_found = true;
		do {
			if (!parse_item(&words, args))
				return false;
		} while (imap_lex_try(&words, ' '));
		return true;
	}
	return true;
}

static bool
parse_items(struct imap_lex *l, struct fetch_args *args)
{
	bool macro;

	args->items = ARENA_ARRAY(l->arena, struct fetch_item, IMAP_FETCH_ITEMS);
	if (!args->items)
		return imap_lex_fail(l, "Command too large");
	if (!parse_macro(l, args, &macro) || macro)
		return macro;
	if (!imap_lex_try(l, '('))
		return parse_item(l, args);
	do {
		if (!parse_item(l, args))
			return false;
	} while (imap_lex_try(l, ' '));
	return imap_lex_char(l, ')');
}

static bool
parse_modifiers(struct imap_conn *c, struct imap_lex *l, struct fetch_args *args)
{
	if (imap_lex_peek(l) < 0)
		return true;
	if (!imap_lex_sp(l) || !imap_lex_char(l, '('))
		return false;
	do {
		if (imap_lex_try_word(l, S("VANISHED")))
			args->vanished = true;
		else if (!imap_lex_word(l, S("CHANGEDSINCE")) || !imap_lex_sp(l) ||
			!imap_lex_u63(l, &args->changed_since))
			return false;
	} while (imap_lex_try(l, ' '));
	if (args->vanished && (!c->uid || !(c->enabled & IMAP_QRESYNC) || !args->changed_since))
		return imap_lex_fail(l, "VANISHED needs UID, CHANGEDSINCE and QRESYNC");
	return imap_lex_char(l, ')');
}

static void
add_item(struct fetch_args *args, enum fetch_kind kind, struct slice label)
{
	if (args->n < IMAP_FETCH_ITEMS)
		args->items[args->n++] = (struct fetch_item){.kind = kind, .label = label};
}

/* What the items mean together, and those a reply has unasked. */
static void
look_over(struct imap_conn *c, struct fetch_args *args)
{
	for (size_t i = 0; i < args->n; i++) {
		args->sets_seen |= args->items[i].sets_seen;
		args->has_flags |= args->items[i].kind == FETCH_FLAGS;
		args->has_uid |= args->items[i].kind == FETCH_UID;
		args->has_modseq |= args->items[i].kind == FETCH_MODSEQ;
	}
	if (c->uid && !args->has_uid)
		add_item(args, FETCH_UID, S("UID"));
	if (args->changed_since && !args->has_modseq)
		add_item(args, FETCH_MODSEQ, S("MODSEQ"));
	args->has_modseq |= args->changed_since > 0;
}

bool
imap_fetch_parse(struct imap_conn *c, struct imap_lex *l, struct fetch_args *ret)
{
	*ret = (struct fetch_args){0};
	if (!imap_lex_sp(l) || !imap_set_parse(l, &ret->set) || !imap_lex_sp(l) ||
		!parse_items(l, ret) || !parse_modifiers(c, l, ret) || !imap_lex_end(l))
		return false;
	look_over(c, ret);
	return true;
}
