/* Authentication-Results, RFC 8601: one writer that quotes and folds, and one reader that goes just
 * far enough to see whose name a field bears. */
#include "mail/auth_results.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/header.h"

#include <string.h>

#define LINE_WIDTH 76u
#define VALUE_MAX 512u /* bytes of one property value that are written */

static void
put(struct auth_results_writer *w, struct slice text)
{
	buf_put(w->out, text);
	w->column += text.len;
}

/* A word with the space before it, on a line of its own when this one is full. */
static void
put_word(struct auth_results_writer *w, struct slice word)
{
	if (w->column + 1 + word.len > LINE_WIDTH) {
		buf_puts(w->out, "\r\n\t");
		w->column = 8;
	} else {
		put(w, S(" "));
	}
	put(w, word);
}

/* Characters of an RFC 2045 token, plus what dot-atoms and addresses bring (section 2.2). */
static bool
plain_char(uint8_t c)
{
	return is_alpha(c) || is_digit(c) || (c && strchr("!#$%&'*+-.^_`{|}~@/", c)) || c >= 0x80;
}

static void
put_value(struct buf *out, struct slice value)
{
	bool quote = !value.len;

	value = slice_sub(value, 0, VALUE_MAX);
	for (size_t i = 0; i < value.len; i++)
		quote |= !plain_char(value.ptr[i]);
	if (quote)
		buf_putc(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];

		if (c < 0x20 || c == 0x7f)
			continue;
		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		buf_putc(out, c);
	}
	if (quote)
		buf_putc(out, '"');
}

void
auth_results_begin(struct auth_results_writer *w, struct buf *out, struct slice authserv_id)
{
	*w = (struct auth_results_writer){.out = out};
	put(w, S("Authentication-Results:"));
	put_word(w, authserv_id);
}

void
auth_results_method(
	struct auth_results_writer *w, const char *method, const char *result, const char *comment)
{
	CLEANUP(buf_done) struct buf word = BUF_INIT(VALUE_MAX);

	put(w, S(";"));
	buf_puts(w->out, "\r\n\t");
	w->column = 7; /* the tab's eight columns less the space that is not written */
	buf_printf(&word, "%s=%s", method, result);
	buf_put(w->out, buf_slice(&word));
	w->column += 1 + word.len;
	w->methods++;
	if (!comment)
		return;
	buf_reset(&word);
	buf_printf(&word, "(%s)", comment);
	put_word(w, buf_slice(&word));
}

void
auth_results_reason(struct auth_results_writer *w, struct slice text)
{
	CLEANUP(buf_done) struct buf word = BUF_INIT(VALUE_MAX * 3);

	buf_puts(&word, "reason=");
	put_value(&word, text);
	put_word(w, buf_slice(&word));
}

void
auth_results_property(
	struct auth_results_writer *w, const char *ptype, const char *property, struct slice value)
{
	CLEANUP(buf_done) struct buf word = BUF_INIT(VALUE_MAX * 3);

	if (!value.len)
		return;
	buf_printf(&word, "%s.%s=", ptype, property);
	put_value(&word, value);
	put_word(w, buf_slice(&word));
}

void
auth_results_end(struct auth_results_writer *w)
{
	buf_puts(w->out, w->methods ? "\r\n" : "; none\r\n");
}

/* Takes white space, folding and (nested) comments off the front. False: a comment never ends. */
static bool
skip_cfws(struct slice *s)
{
	size_t depth = 0, i = 0;

	for (; i < s->len; i++) {
		uint8_t c = s->ptr[i];

		if (depth && c == '\\')
			i++;
		else if (c == '(')
			depth++;
		else if (depth && c == ')')
			depth--;
		else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
	}
	*s = slice_skip(*s, i);
	return !depth;
}

static bool
quoted_string(struct slice *s, struct buf *out)
{
	for (size_t i = 1; i < s->len; i++) {
		uint8_t c = s->ptr[i];

		if (c == '"') {
			*s = slice_skip(*s, i + 1);
			return true;
		}
		if (c == '\\' && i + 1 < s->len)
			c = s->ptr[++i];
		if (c != '\r' && c != '\n')
			buf_putc(out, c);
	}
	return false;
}

/* The authserv-id of a field's value. False when it cannot be read. */
static bool
read_authserv_id(struct slice value, struct buf *out)
{
	size_t n = 0;

	if (!skip_cfws(&value) || !value.len)
		return false;
	if (value.ptr[0] == '"')
		return quoted_string(&value, out);
	while (n < value.len && !strchr(" \t\r\n;(", value.ptr[n]))
		n++;
	buf_put(out, slice_sub(value, 0, n));
	return n > 0;
}

/* Ours, but for case, white space inside and a dot at the end. */
static bool
is_ours(struct slice id, struct slice ours)
{
	id = slice_trim(id);
	if (id.len && id.ptr[id.len - 1] == '.')
		id.len--;
	return slice_ieq(id, ours);
}

static bool
field_forged(const struct header_field *f, struct slice ours, struct buf *scratch)
{
	if (!slice_ieq(f->name, S("Authentication-Results")))
		return false;
	buf_reset(scratch);
	if (!read_authserv_id(f->value, scratch) || buf_err(scratch))
		return true;
	return is_ours(buf_slice(scratch), ours);
}

int
auth_results_forged(struct slice header, struct slice authserv_id, struct auth_results_ranges *ret)
{
	CLEANUP(buf_done) struct buf scratch = BUF_INIT(1024);
	struct header_iter it = header_iter_new(header);
	struct header_field f;

	while (header_next(&it, &f)) {
		struct auth_results_range range = {f.offset, f.raw.len};

		if (field_forged(&f, authserv_id, &scratch) && VEC_PUSH(ret, range))
			return LL_ERR_NOMEM;
	}
	return LL_OK;
}
