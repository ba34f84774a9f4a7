/* The preview of a message (RFC 8970): the first words a person wrote, without quotations. */
#include "base/error.h"
#include "base/text.h"
#include "mail/meta_code.h"
#include "mail/search_text.h"

#define PREVIEW_INPUT ((size_t)256 << 10) /* bytes of a body that are read */
#define PREVIEW_TEXT ((size_t)8192) /* bytes of its text */

struct preview {
	struct buf *out;
	size_t chars;
	bool space; /* one is due before the next character */
};

/* Characters that fill newsletters' hidden first lines. */
static bool
is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e ||
		(c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
		(c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xfffd;
}

static bool
is_space(uint32_t c)
{
	return c <= ' ' || (c >= 0x7f && c <= 0xa0) || (c >= 0x2000 && c <= 0x200a) ||
		c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x3000;
}

static void
put_line(struct preview *p, struct slice line)
{
	size_t n;

	for (; line.len && p->chars < META_PREVIEW_CHARS; line = slice_skip(line, n)) {
		uint32_t c = utf8_get(line, &n);
		if (is_invisible(c))
			continue;
		if (is_space(c)) {
			p->space = p->chars > 0;
			continue;
		}
		if (p->space && ++p->chars < META_PREVIEW_CHARS)
			buf_putc(p->out, ' ');
		if (p->chars++ < META_PREVIEW_CHARS)
			utf8_put(p->out, c);
		p->space = false;
	}
	p->space = p->chars > 0;
}

/* Rules of dashes and the like. */
static bool
is_ornament(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if (is_alpha(line.ptr[i]) || is_digit(line.ptr[i]) || line.ptr[i] >= 0x80)
			return false;
	return true;
}

static void
put_text(struct preview *p, struct slice text, bool all)
{
	while (text.len && p->chars < META_PREVIEW_CHARS) {
		struct slice line = slice_line(&text);
		if (!all && slice_eq(line, S("-- ")))
			return;
		if (all || (!slice_starts(line, S(">")) && !is_ornament(line)))
			put_line(p, line);
	}
}

static bool
is_shown(const struct meta_part *p, const char *subtype)
{
	return p->kind == MIME_LEAF && slice_ieq(p->type, S("text")) &&
		slice_ieq(p->subtype, slice_str(subtype)) &&
		!slice_ieq(p->disposition, S("attachment"));
}

/* The first plain text, else the first HTML. */
static bool
find_part(const struct message_meta *m, struct meta_part *ret)
{
	struct meta_walk w = meta_walk_new(m);
	bool html = false;
	struct meta_part p;

	while (meta_walk_next(&w, &p)) {
		if (is_shown(&p, "plain") && p.body_end > p.body_start) {
			*ret = p;
			return true;
		}
		if (!html && is_shown(&p, "html")) {
			*ret = p;
			html = true;
		}
	}
	return html;
}

int
meta_preview(struct buf *out, struct slice message, const struct message_meta *m)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(16 * PREVIEW_INPUT);
	struct preview p = {.out = out};
	struct meta_part part;
	int err;

	if (!find_part(m, &part))
		return LL_OK;
	err = search_part_text(&text, &part,
		slice_sub(message, part.body_start,
			MIN((size_t)(part.body_end - part.body_start), PREVIEW_INPUT)),
		PREVIEW_TEXT);
	if (err)
		return err;
	put_text(&p, buf_slice(&text), false);
	if (!p.chars)
		put_text(&p, buf_slice(&text), true);
	return buf_err(out);
}
