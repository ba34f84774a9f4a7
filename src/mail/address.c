/* The lenient address reader. A lexer gives words, quoted strings, literals and specials without
 * comments and white space; the reader collects words until a special tells what they were. All
 * strings are copied to one block of the arena, no longer than the value. */
#include "mail/address.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/header.h"

#include <string.h>

/* A byte of its own for the end of the value; specials are themselves. */
enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_LITERAL, TOKEN_SPECIAL };

struct token {
	enum token_kind kind;
	struct slice text; /* of a quoted string without its quotes, still escaped */
	uint8_t special;
	bool spaced; /* white space or a comment stood before it */
};

struct address_reader {
	struct slice rest;
	struct token token;
	struct slice comment; /* the last one seen; still escaped */
	uint8_t *strings; /* where the next string byte goes */
	struct address_list list;
	size_t cap;
	bool in_group; /* and its start is in the list */
	bool after_address; /* words now are leftovers, unless an address follows */
	bool quotes_broken, comments_broken;
};

/* Words collected so far: a phrase, and its last run without space between (a local part). */
struct words {
	uint8_t *start, *run;
	bool any, quoted; /* quoted: a quoted string in the run */
	bool dot; /* the last byte was the dot of a word */
};

/* ---- lexer ---- */

static bool
is_word_byte(uint8_t c)
{
	return c > ' ' && c != 0x7f && !strchr("()<>[]:;@\\,\"", c);
}

/* Length of a quoted string at the start with both quotes; 0 when it does not end. */
static size_t
quoted_length(struct slice s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			return i + 1;
	}
	return 0;
}

/* White space, comments and bytes that mean nothing. */
static void
skip_gap(struct address_reader *r)
{
	size_t n;

	while (r->rest.len) {
		uint8_t c = r->rest.ptr[0];
		if (c == '(' && !r->comments_broken) {
			n = header_comment_length(r->rest);
			r->comments_broken = n == 0;
			if (n)
				r->comment = slice_sub(r->rest, 1, n - 2);
			r->rest = slice_skip(r->rest, MAX(n, (size_t)1));
		} else if (c <= ' ' || c == 0x7f || c == ')' || c == '(') {
			r->rest = slice_skip(r->rest, 1);
		} else {
			return;
		}
		r->list.damaged |= c == ')' || r->comments_broken;
		r->token.spaced = true;
	}
}

static struct slice
take(struct address_reader *r, size_t n)
{
	struct slice s = slice_sub(r->rest, 0, n);

	r->rest = slice_skip(r->rest, n);
	return s;
}

static bool
lex_quoted(struct address_reader *r)
{
	size_t n = r->quotes_broken ? 0 : quoted_length(r->rest);

	if (!n) {
		r->quotes_broken = true;
		r->list.damaged = true;
		take(r, 1);
		return false;
	}
	r->token.kind = TOKEN_QUOTED;
	r->token.text = take(r, n);
	r->token.text = slice_sub(r->token.text, 1, n - 2);
	return true;
}

static void
lex_word(struct address_reader *r)
{
	size_t n = 0;

	while (n < r->rest.len) {
		if (r->rest.ptr[n] == '\\' && n + 1 < r->rest.len) /* obsolete: outside quotes */
			n++;
		else if (!is_word_byte(r->rest.ptr[n]))
			break;
		n++;
	}
	r->token.kind = n ? TOKEN_WORD : TOKEN_SPECIAL;
	r->token.special = r->rest.ptr[0];
	r->token.text = take(r, MAX(n, (size_t)1));
}

/* "[...]"; without its end, up to the next white space. */
static void
lex_literal(struct address_reader *r)
{
	size_t n = 1;

	while (n < r->rest.len && r->rest.ptr[n] > ' ' && r->rest.ptr[n] != ']')
		n++;
	n += n < r->rest.len && r->rest.ptr[n] == ']';
	r->token.kind = TOKEN_LITERAL;
	r->token.text = take(r, n);
}

static void
next_token(struct address_reader *r)
{
	r->token = (struct token){.kind = TOKEN_END};
	do {
		skip_gap(r);
		if (!r->rest.len)
			return;
	} while (r->rest.ptr[0] == '"' && !lex_quoted(r));
	if (r->token.kind != TOKEN_END)
		return;
	if (r->rest.ptr[0] == '[')
		lex_literal(r);
	else
		lex_word(r);
}

static bool
at_special(const struct address_reader *r, uint8_t c)
{
	return r->token.kind == TOKEN_SPECIAL && r->token.special == c;
}

static bool
at_text(const struct address_reader *r)
{
	return r->token.kind == TOKEN_WORD || r->token.kind == TOKEN_QUOTED ||
		r->token.kind == TOKEN_LITERAL;
}

/* ---- strings ---- */

/* Copies without backslashes and line ends. */
static void
put_text(struct address_reader *r, struct slice s, bool escaped)
{
	for (size_t i = 0; i < s.len; i++) {
		if (escaped && s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		if (s.ptr[i] != '\r' && s.ptr[i] != '\n')
			*r->strings++ = s.ptr[i] ? s.ptr[i] : ' ';
	}
}

static struct slice
string_since(const struct address_reader *r, const uint8_t *start)
{
	return slice_new(start, (size_t)(r->strings - start));
}

static void
words_start(struct address_reader *r, struct words *w)
{
	*w = (struct words){.start = r->strings, .run = r->strings};
}

/* Adds the token's text, behind one space where there was any. */
static void
words_add(struct address_reader *r, struct words *w)
{
	struct slice text = r->token.text;
	bool word = r->token.kind == TOKEN_WORD;

	if (w->any && r->token.spaced) {
		*r->strings++ = ' ';
		if (!w->dot && !(word && text.ptr[0] == '.')) {
			w->run = r->strings;
			w->quoted = false;
		}
	}
	put_text(r, text, true);
	w->any = true;
	w->quoted |= r->token.kind == TOKEN_QUOTED;
	w->dot = word && text.ptr[text.len - 1] == '.';
}

/* The last run of words as a local part: white space around dots goes (obs-local-part). */
static void
words_to_local(struct address_reader *r, struct words *w)
{
	uint8_t *to = w->run;

	if (w->quoted)
		return;
	for (const uint8_t *p = w->run; p < r->strings; p++)
		if (*p != ' ')
			*to++ = *p;
	r->strings = to;
}

static void
words_collect(struct address_reader *r, struct words *w)
{
	for (; at_text(r); next_token(r))
		words_add(r, w);
}

/* Makes "local" and "domain", which lie side by side, one "local@domain". */
static void
join_at(struct address_reader *r, struct slice domain)
{
	uint8_t *at = r->strings - domain.len;

	memmove(at + 1, at, domain.len);
	*at = '@';
	r->strings++;
}

/* ---- addresses ---- */

/* One place stays free for the end of a group. */
static void
push(struct address_reader *r, struct address a)
{
	if (r->list.len + 1 < r->cap || a.kind == ADDRESS_GROUP_END)
		r->list.at[r->list.len++] = a;
	else
		r->list.truncated = true;
	if (a.kind == ADDRESS_GROUP)
		r->in_group = !r->list.truncated;
	if (a.kind == ADDRESS_GROUP_END)
		r->in_group = false;
}

/* Domain after "@": words and literals up to a special. */
static struct slice
read_domain(struct address_reader *r)
{
	uint8_t *start = r->strings;

	/* A word after white space is no longer the domain, unless a dot joins them. */
	for (bool first = true; at_text(r); next_token(r), first = false) {
		bool joined = first || !r->token.spaced ||
			(r->token.text.len && r->token.text.ptr[0] == '.') || r->strings[-1] == '.';
		if (r->token.kind == TOKEN_QUOTED || !joined) {
			r->list.damaged = true;
			break;
		}
		put_text(r, r->token.text, true);
	}
	r->list.damaged |= r->strings == start;
	return string_since(r, start);
}

/* "@a,@b:" at the start of an angle address. */
static struct slice
read_route(struct address_reader *r)
{
	uint8_t *start = r->strings;

	if (!at_special(r, '@'))
		return SLICE_NONE;
	while (r->token.kind != TOKEN_END && !at_special(r, ':') && !at_special(r, '>')) {
		put_text(r, r->token.text, false);
		next_token(r);
	}
	if (at_special(r, ':'))
		next_token(r);
	return string_since(r, start);
}

static bool
angle_ends(const struct address_reader *r)
{
	return r->token.kind == TOKEN_END || at_special(r, '>') || at_special(r, ',') ||
		at_special(r, ';') || at_special(r, '<');
}

/* The words and the domain of one step within angle brackets. */
static void
angle_step(struct address_reader *r, struct address *a, const uint8_t *start)
{
	struct words w;

	if (at_special(r, '@')) {
		if (a->domain.ptr) { /* of several "@" the last one counts */
			r->list.damaged = true;
			join_at(r, a->domain);
			a->local = string_since(r, start);
		}
		next_token(r);
		a->domain = read_domain(r);
		return;
	}
	if (!at_text(r) || a->domain.ptr) { /* nothing belongs behind a domain */
		r->list.damaged = true;
		next_token(r);
		return;
	}
	words_start(r, &w);
	words_collect(r, &w);
	if (at_special(r, '@'))
		words_to_local(r, &w);
	a->local = string_since(r, start);
}

static void
read_angle(struct address_reader *r, struct address *a)
{
	const uint8_t *start;

	next_token(r);
	a->route = read_route(r);
	start = r->strings;
	a->local = string_since(r, start);
	if (at_special(r, '>')) /* "<>" */
		a->domain = a->local;
	while (!angle_ends(r))
		angle_step(r, a, start);
	r->list.damaged |= !at_special(r, '>') || !a->local.len;
	if (at_special(r, '>'))
		next_token(r);
	push(r, *a);
	r->after_address = true;
}

/* A display name: without white space at its ends, quoted or not; it may be left empty. */
static struct slice
display_name(const uint8_t *start, const uint8_t *end)
{
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	return slice_new(start, (size_t)(end - start));
}

/* local@domain outside of angle brackets. */
static void
read_bare_spec(struct address_reader *r, struct words *w)
{
	struct address a = {0};
	uint8_t *start;

	words_to_local(r, w);
	a.local = string_since(r, w->run);
	if (w->run > w->start)
		a.name = display_name(w->start, w->run);
	r->list.damaged |= !w->any || a.name.ptr;
	next_token(r);
	a.domain = read_domain(r);
	if (at_special(r, '<')) { /* the address was a display name */
		join_at(r, a.domain);
		r->list.damaged = true;
		a = (struct address){.name = display_name(w->start, r->strings)};
		read_angle(r, &a);
		return;
	}
	if (!a.name.ptr && r->comment.len) {
		start = r->strings;
		put_text(r, r->comment, true);
		a.name = display_name(start, r->strings);
		r->comment = SLICE_NONE;
	}
	push(r, a);
	r->after_address = true;
}

static void
read_separator(struct address_reader *r, const struct words *w)
{
	bool opens = at_special(r, ':') && w->any && !r->in_group;

	if (opens)
		push(r, (struct address){.kind = ADDRESS_GROUP, .name = string_since(r, w->start)});
	else if (w->any && !r->after_address && !at_special(r, ':'))
		push(r, (struct address){.local = string_since(r, w->start)});
	r->list.damaged |= w->any && !opens;
	if (at_special(r, ';') && r->in_group)
		push(r, (struct address){.kind = ADDRESS_GROUP_END});
	r->comment = SLICE_NONE;
	r->after_address = false;
	next_token(r);
}

static void
read_address(struct address_reader *r)
{
	struct address a = {0};
	struct words w;

	words_start(r, &w);
	words_collect(r, &w);
	if (at_special(r, '@')) {
		read_bare_spec(r, &w);
	} else if (at_special(r, '<')) {
		a.name = w.any ? display_name(w.start, r->strings) : SLICE_NONE;
		read_angle(r, &a);
	} else if (at_special(r, '>')) {
		r->list.damaged = true;
		next_token(r);
	} else {
		read_separator(r, &w);
	}
}

/* An upper bound on how many addresses the value holds. */
static size_t
count_places(struct slice value)
{
	size_t n = 3;

	for (size_t i = 0; i < value.len && n < ADDRESS_LIST_MAX + 2; i++)
		n += value.ptr[i] && strchr(",:;<>@", value.ptr[i]) != NULL;
	return n;
}

int
address_list_parse(struct slice value, struct arena *a, struct address_list *ret)
{
	struct address_reader r = {.rest = value, .cap = count_places(value)};

	r.strings = arena_alloc(a, value.len + 1);
	r.list.at = ARENA_ARRAY(a, struct address, r.cap);
	if (!r.strings || !r.list.at)
		return LL_ERR_NOMEM;
	next_token(&r);
	while (r.token.kind != TOKEN_END)
		read_address(&r);
	if (r.in_group) {
		r.list.damaged = true;
		push(&r, (struct address){.kind = ADDRESS_GROUP_END});
	}
	*ret = r.list;
	return LL_OK;
}
