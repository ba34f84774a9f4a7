/* HTML to text by a state machine over bytes: enough of the tokenizer of HTML 5 to tell text from
 * tags, comments and scripts, and no tree. */
#include "mail/html.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/html_entities.h"

#include <string.h>

enum html_state {
	HTML_TEXT,
	HTML_OPEN, /* after "<" or "</" */
	HTML_NAME,
	HTML_TAG, /* attributes */
	HTML_QUOTE,
	HTML_BANG, /* after "<!" */
	HTML_COMMENT,
	HTML_DECLARATION,
	HTML_ENTITY,
	HTML_SKIP, /* content of an element that is not shown */
};

static const char *const skipped[] = {"script", "style", "title", "template", "xml"};

static const char *const blocks[] = {"address", "article", "aside", "blockquote", "br", "center",
	"dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4",
	"h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table",
	"tbody", "tfoot", "thead", "tr", "ul"};

static const char *const cells[] = {"td", "th", "option", "button"};

static struct slice
name_of(const struct html_text *h)
{
	return slice_new(h->name, h->name_len);
}

/* Index + 1 in a list, or 0. */
static uint8_t
list_find(const struct html_text *h, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(name_of(h), slice_str(list[i])))
			return (uint8_t)(i + 1);
	return 0;
}

static void
name_start(struct html_text *h, uint8_t state, uint8_t c)
{
	h->state = state;
	h->name_len = 0;
	if (c)
		h->name[h->name_len++] = c;
}

/* False when the name is longer than any that matters. */
static bool
name_add(struct html_text *h, uint8_t c)
{
	if (h->name_len == sizeof(h->name))
		return false;
	h->name[h->name_len++] = c;
	return true;
}

/* ---- entities ---- */

static uint32_t
entity_named(struct slice name)
{
	size_t lo = 0, hi = ARRAY_SIZE(html_entities);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = slice_cmp(name, slice_str(html_entities[mid].name));
		if (c == 0)
			return html_entities[mid].code;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return 0;
}

/* "#123", "#x1f600". Numbers of windows-1252 mean its characters, as in HTML 5. */
static uint32_t
entity_number(struct slice s)
{
	static const uint16_t c1[32] = {0x20ac, 0, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d,
		0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0, 0x17e, 0x178};
	bool hex = s.len > 1 && to_lower(s.ptr[1]) == 'x';
	uint32_t v = 0;

	s = slice_skip(s, hex ? 2 : 1);
	for (size_t i = 0; i < s.len && v < 0x110000; i++) {
		int d = hex ? hex_value(s.ptr[i]) : is_digit(s.ptr[i]) ? s.ptr[i] - '0' : -1;
		if (d < 0)
			return 0;
		v = v * (hex ? 16 : 10) + (uint32_t)d;
	}
	if (v >= 0x80 && v < 0xa0 && c1[v - 0x80])
		return c1[v - 0x80];
	return s.len ? (v ? v : 0xfffd) : 0;
}

/* Gives out what was collected since "&": its character, or itself. */
static void
entity_end(struct html_text *h, bool semicolon, struct buf *out)
{
	struct slice name = name_of(h);
	uint32_t c = 0;

	if (name.len)
		c = name.ptr[0] == '#' ? entity_number(name) : entity_named(name);
	h->state = HTML_TEXT;
	if (c) {
		utf8_put(out, c == '\n' || c == '\r' ? ' ' : c);
		return;
	}
	buf_putc(out, '&');
	buf_put(out, name);
	if (semicolon)
		buf_putc(out, ';');
}

/* ---- states: true when the byte was used ---- */

static bool
in_text(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == '<') {
		h->state = HTML_OPEN;
		h->closing = false;
	} else if (c == '&') {
		name_start(h, HTML_ENTITY, 0);
	} else {
		buf_putc(out, c < ' ' ? ' ' : c);
	}
	return true;
}

static bool
in_open(struct html_text *h, uint8_t c, struct buf *out)
{
	if (is_alpha(c)) {
		name_start(h, HTML_NAME, to_lower(c));
	} else if (c == '/' && !h->closing) {
		h->closing = true;
	} else if (c == '!' && !h->closing) {
		h->state = HTML_BANG;
		h->match = 0;
	} else if (c == '?' || (h->closing && c != '<')) {
		h->state = c == '>' ? HTML_TEXT : HTML_DECLARATION;
	} else {
		buf_puts(out, h->closing ? "</" : "<");
		h->state = HTML_TEXT;
		return false;
	}
	return true;
}

static void
tag_end(struct html_text *h)
{
	h->skip = h->closing ? 0 : list_find(h, skipped, ARRAY_SIZE(skipped));
	h->state = h->skip ? HTML_SKIP : HTML_TEXT;
	h->match = 0;
}

static bool
in_name(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c > ' ' && c != '/' && c != '>') {
		if (!name_add(h, to_lower(c)))
			h->state = HTML_TAG;
		return true;
	}
	if (list_find(h, blocks, ARRAY_SIZE(blocks)))
		buf_putc(out, '\n');
	else if (list_find(h, cells, ARRAY_SIZE(cells)))
		buf_putc(out, ' ');
	h->state = HTML_TAG;
	h->match = 0;
	return false;
}

/* match: the last byte but white space was "=", so that a quote opens a value. */
static bool
in_tag(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == '>') {
		tag_end(h);
	} else if ((c == '"' || c == '\'') && h->match) {
		h->quote = c;
		h->state = HTML_QUOTE;
	} else if (c > ' ') {
		h->match = c == '=';
	}
	return true;
}

static bool
in_quote(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == h->quote) {
		h->state = HTML_TAG;
		h->match = 0;
	}
	return true;
}

static bool
in_bang(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c != '-') {
		h->state = HTML_DECLARATION;
		return false;
	}
	if (h->match++)
		h->state = HTML_COMMENT; /* match is 2: "<!-->" is a whole comment */
	return true;
}

static bool
in_comment(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == '>' && h->match == 2)
		h->state = HTML_TEXT;
	h->match = c == '-' ? (uint8_t)MIN(h->match + 1, 2) : 0;
	return true;
}

static bool
in_declaration(struct html_text *h, uint8_t c, struct buf *out)
{
	if (c == '>')
		h->state = HTML_TEXT;
	return true;
}

static bool
in_entity(struct html_text *h, uint8_t c, struct buf *out)
{
	bool part = is_alpha(c) || is_digit(c) || (c == '#' && h->name_len == 0);

	if (part && name_add(h, c))
		return true;
	entity_end(h, c == ';', out);
	return c == ';';
}

/* Looks for "</name" and something that ends a name. */
static bool
in_skip(struct html_text *h, uint8_t c, struct buf *out)
{
	const char *name = skipped[h->skip - 1];
	size_t len = strlen(name), m = h->match;

	if (m == len + 2 && (c <= ' ' || c == '/' || c == '>')) {
		h->skip = 0;
		h->closing = true;
		h->state = HTML_TAG;
		h->match = 0;
		return false;
	}
	if (m < len + 2 &&
		(m == 0			 ? c == '<'
				: m == 1 ? c == '/'
					 : to_lower(c) == (uint8_t)name[m - 2]))
		h->match++;
	else
		h->match = c == '<';
	return true;
}

static bool (*const states[])(struct html_text *, uint8_t, struct buf *) = {
	[HTML_TEXT] = in_text,
	[HTML_OPEN] = in_open,
	[HTML_NAME] = in_name,
	[HTML_TAG] = in_tag,
	[HTML_QUOTE] = in_quote,
	[HTML_BANG] = in_bang,
	[HTML_COMMENT] = in_comment,
	[HTML_DECLARATION] = in_declaration,
	[HTML_ENTITY] = in_entity,
	[HTML_SKIP] = in_skip,
};

/* Text up to the next byte that means something. */
static size_t
text_run(struct slice s)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] >= ' ' && s.ptr[i] != '<' && s.ptr[i] != '&')
		i++;
	return i;
}

int
html_text(struct html_text *h, struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len && !buf_err(out);) {
		if (h->state == HTML_TEXT) {
			size_t n = text_run(slice_skip(in, i));
			if (n)
				buf_put(out, slice_sub(in, i, n));
			i += n;
		}
		if (i < in.len && states[h->state](h, in.ptr[i], out))
			i++;
	}
	return buf_err(out);
}

int
html_text_end(struct html_text *h, struct buf *out)
{
	if (h->state == HTML_ENTITY)
		entity_end(h, false, out);
	if (h->state == HTML_OPEN)
		buf_puts(out, h->closing ? "</" : "<");
	*h = (struct html_text){0};
	return buf_err(out);
}
