/* Structured MIME values and their parameters, read leniently: unquoted values with spaces,
 * missing quotes, missing semicolons, RFC 2231 in all its forms. */
#include "mail/mime.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/encoded_word.h"
#include "mail/header.h"

#include <string.h>

#define PARAM_SECTIONS_MAX 64 /* continuations joined, RFC 2231 section 3 */

/* ---- reading ---- */

static bool
is_gap(uint8_t c)
{
	return c <= ' ' || c == 0x7f;
}

/* Skips white space and comments. */
static struct slice
skip_gap(struct slice s)
{
	size_t depth = 0, i;

	for (i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (c == '(')
			depth++;
		else if (depth && c == ')')
			depth--;
		else if (depth && c == '\\')
			i++;
		else if (!depth && !is_gap(c))
			break;
	}
	return slice_skip(s, i);
}

static struct slice
take_token(struct slice *s, const char *stops)
{
	struct slice token;
	size_t n = 0;

	while (n < s->len && !is_gap(s->ptr[n]) && !strchr(stops, s->ptr[n]))
		n++;
	token = slice_sub(*s, 0, n);
	*s = slice_skip(*s, n);
	return token;
}

/* The inside of a quoted string, *s behind it. Copied only when something must go. */
static int
take_quoted(struct slice *s, struct arena *a, struct slice *ret)
{
	struct slice raw;
	size_t n = 1, len = 0;
	bool clean = true;
	uint8_t *p;

	for (; n < s->len && s->ptr[n] != '"'; n++) {
		clean &= s->ptr[n] != '\\' && s->ptr[n] != '\r' && s->ptr[n] != '\n';
		n += s->ptr[n] == '\\';
	}
	raw = slice_sub(*s, 1, MIN(n, s->len) - 1);
	*s = slice_skip(*s, n + 1);
	*ret = raw;
	if (clean)
		return LL_OK;
	p = arena_alloc(a, raw.len);
	if (!p)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '\\' && i + 1 < raw.len)
			i++;
		else if (raw.ptr[i] == '\r' || raw.ptr[i] == '\n')
			continue;
		p[len++] = raw.ptr[i];
	}
	*ret = slice_new(p, len);
	return LL_OK;
}

/* File names are written with spaces and without quotes; they go on to the semicolon. */
static bool
may_hold_spaces(struct slice name)
{
	return slice_ieq(name, S("name")) || slice_ieq(name, S("filename"));
}

static struct slice
take_bare(struct slice *s, struct slice name)
{
	size_t n = 0, comment;
	struct slice v;

	while (n < s->len && s->ptr[n] != ';' && s->ptr[n] != '\n' &&
		(!is_gap(s->ptr[n]) || may_hold_spaces(name)))
		n++;
	v = slice_sub(*s, 0, n);
	*s = slice_skip(*s, n);
	comment = may_hold_spaces(name) ? SLICE_NPOS : slice_find_byte(v, '(');
	return slice_trim(slice_sub(v, 0, comment));
}

/* One parameter at the start of *s; false when there is none, and something was skipped. */
static int
take_param(struct slice *s, struct arena *a, struct mime_param *ret, bool *ret_ok)
{
	int err = LL_OK;

	*ret_ok = false;
	ret->name = take_token(s, "=;(\"");
	*s = skip_gap(*s);
	if (!ret->name.len || !s->len || s->ptr[0] != '=')
		return LL_OK;
	*s = skip_gap(slice_skip(*s, 1));
	if (s->len && s->ptr[0] == '"')
		err = take_quoted(s, a, &ret->value);
	else
		ret->value = take_bare(s, ret->name);
	if (!ret->value.ptr)
		ret->value = S("");
	*ret_ok = true;
	return err;
}

/* To the next parameter: behind a semicolon, or at a word where one is missing. */
static void
skip_to_param(struct slice *s)
{
	*s = skip_gap(*s);
	while (s->len && (s->ptr[0] == ';' || s->ptr[0] == '"' || s->ptr[0] == '='))
		*s = skip_gap(slice_skip(*s, 1));
}

static int
read_params(struct slice s, struct arena *a, struct mime_params *ret)
{
	struct mime_param tmp[MIME_PARAMS_MAX];
	size_t n = 0;
	bool ok;

	skip_to_param(&s);
	while (s.len && n < MIME_PARAMS_MAX) {
		int err = take_param(&s, a, &tmp[n], &ok);
		if (err)
			return err;
		n += ok;
		skip_to_param(&s);
	}
	if (!n)
		return LL_OK;
	ret->at = ARENA_ARRAY(a, struct mime_param, n);
	if (!ret->at)
		return LL_ERR_NOMEM;
	memcpy(ret->at, tmp, n * sizeof(tmp[0]));
	ret->len = n;
	return LL_OK;
}

int
mime_content_parse(struct slice value, struct arena *a, struct mime_content *ret)
{
	struct mime_content c = {0};
	int err;

	value = skip_gap(slice_sub(value, 0, MIME_VALUE_MAX));
	c.type = take_token(&value, "/;=(\"");
	value = skip_gap(value);
	if (value.len && value.ptr[0] == '/') {
		value = skip_gap(slice_skip(value, 1));
		c.subtype = take_token(&value, ";(\"");
		if (!c.subtype.len)
			c.subtype = SLICE_NONE;
	}
	err = read_params(value, a, &c.params);
	if (!err)
		*ret = c;
	return err;
}

/* ---- values by name ---- */

struct slice
mime_param_raw(const struct mime_params *p, struct slice name)
{
	for (size_t i = 0; i < p->len; i++)
		if (slice_ieq(p->at[i].name, name))
			return p->at[i].value;
	return SLICE_NONE;
}

/* "name*", "name*0", "name*0*" of a plain name: section 0 of a value without one. */
static bool
section_of(struct slice written, struct slice name, unsigned *ret_section, bool *ret_encoded)
{
	struct slice rest = slice_skip(written, name.len);
	uint64_t n = 0;

	if (!slice_istarts(written, name) || !rest.len || rest.ptr[0] != '*')
		return false;
	rest = slice_skip(rest, 1);
	*ret_encoded = !rest.len || rest.ptr[rest.len - 1] == '*';
	if (rest.len && *ret_encoded)
		rest.len--;
	if (rest.len && slice_u64(rest, PARAM_SECTIONS_MAX - 1, &n))
		return false;
	*ret_section = (unsigned)n;
	return true;
}

static void
put_percent(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		int hi = s.ptr[i] == '%' && i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
		int lo = hi >= 0 ? hex_value(s.ptr[i + 2]) : -1;
		if (lo >= 0) {
			buf_putc(out, (uint8_t)(hi << 4 | lo));
			i += 2;
		} else {
			buf_putc(out, s.ptr[i]);
		}
	}
}

struct sections {
	struct slice value[PARAM_SECTIONS_MAX];
	bool encoded[PARAM_SECTIONS_MAX];
};

/* charset'language'value of the first section; a value without quotes is all value. */
static struct slice
take_charset(struct slice *value)
{
	struct slice rest = *value, charset = slice_split(&rest, '\'');

	if (slice_find_byte(rest, '\'') == SLICE_NPOS)
		return SLICE_NONE;
	slice_split(&rest, '\'');
	*value = rest;
	return charset;
}

static int
sections_put(struct buf *out, struct sections *s)
{
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(MIME_MESSAGE_MAX);
	struct slice charset = s->encoded[0] ? take_charset(&s->value[0]) : SLICE_NONE;
	bool encoded = false;

	for (size_t i = 0; i < PARAM_SECTIONS_MAX && s->value[i].ptr; i++) {
		encoded |= s->encoded[i];
		if (s->encoded[i])
			put_percent(&bytes, s->value[i]);
		else
			buf_put(&bytes, s->value[i]);
	}
	if (buf_err(&bytes))
		return buf_err(&bytes);
	if (!encoded) /* some split encoded words over sections */
		return encoded_word_decode(out, buf_slice(&bytes));
	return charset_to_utf8(charset, buf_slice(&bytes), out);
}

static void
clean_from(struct buf *out, size_t from)
{
	for (size_t i = from; i < out->len; i++)
		if (out->ptr[i] == '\r' || out->ptr[i] == '\n' || out->ptr[i] == 0)
			out->ptr[i] = ' ';
}

int
mime_param_decode(struct buf *out, const struct mime_params *p, struct slice name)
{
	struct sections s = {0};
	size_t from = out->len;
	unsigned n;
	bool encoded;
	struct slice raw;

	for (size_t i = 0; i < p->len; i++) {
		if (section_of(p->at[i].name, name, &n, &encoded) && !s.value[n].ptr) {
			s.value[n] = p->at[i].value.ptr ? p->at[i].value : S("");
			s.encoded[n] = encoded;
		}
	}
	if (s.value[0].ptr) {
		int err = sections_put(out, &s);
		clean_from(out, from);
		return err;
	}
	raw = mime_param_raw(p, name);
	return raw.ptr ? encoded_word_decode(out, raw) : LL_ERR_NOTFOUND;
}
