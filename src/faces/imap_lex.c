/* The grammar's smallest parts, strict: one space where one is asked for, no NUL, no bare CR or LF
 * in a quoted string, numbers within their range. */
#include "faces/imap_lex.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

enum { ATOM = 1, ASTRING = 2, LIST = 4, TAG = 8, NAME = 16 };

/* ATOM-CHAR is any CHAR but ( ) { SP CTL % * " \ ]. */
static inline uint8_t
class_of(uint8_t c)
{
	switch (c) {
	case 0 ... 0x20:
	case 0x7f ... 0xff:
	case '(':
	case ')':
	case '{':
	case '"':
	case '\\':
		return 0;
	case '%':
	case '*':
		return LIST;
	case ']':
		return ASTRING | LIST | TAG;
	case '+':
		return ATOM | ASTRING | LIST | NAME;
	case '0' ... '9':
	case 'A' ... 'Z':
	case 'a' ... 'z':
	case '-':
	case '.':
	case '=':
	case '_':
		return ATOM | ASTRING | LIST | TAG | NAME;
	default:
		return ATOM | ASTRING | LIST | TAG;
	}
}

bool
imap_is_atom_char(uint8_t c)
{
	return class_of(c) & ATOM;
}

struct imap_lex
imap_lex_new(struct slice command, struct arena *arena)
{
	if (!command.ptr)
		command = S("");
	return (struct imap_lex){
		.at = command.ptr, .end = command.ptr + command.len, .arena = arena};
}

bool
imap_lex_fail(struct imap_lex *l, const char *why)
{
	if (!l->bad)
		l->bad = why;
	return false;
}

bool
imap_lex_try(struct imap_lex *l, uint8_t c)
{
	if (l->at >= l->end || *l->at != c)
		return false;
	l->at++;
	return true;
}

bool
imap_lex_try_word(struct imap_lex *l, struct slice word)
{
	struct slice rest = slice_new(l->at, (size_t)(l->end - l->at));

	if (!slice_istarts(rest, word))
		return false;
	if (rest.len > word.len && (class_of(rest.ptr[word.len]) & NAME))
		return false;
	l->at += word.len;
	return true;
}

bool
imap_lex_char(struct imap_lex *l, uint8_t c)
{
	if (imap_lex_try(l, c))
		return true;
	switch (c) {
	case '(':
		return imap_lex_fail(l, "Expected \"(\"");
	case ')':
		return imap_lex_fail(l, "Expected \")\"");
	default:
		return imap_lex_fail(l, "Syntax error");
	}
}

bool
imap_lex_word(struct imap_lex *l, struct slice word)
{
	return imap_lex_try_word(l, word) || imap_lex_fail(l, "Unknown word");
}

bool
imap_lex_sp(struct imap_lex *l)
{
	return imap_lex_try(l, ' ') || imap_lex_fail(l, "Expected one space and an argument");
}

bool
imap_lex_end(struct imap_lex *l)
{
	return l->at == l->end || imap_lex_fail(l, "Unexpected text after the command");
}

static bool
span(struct imap_lex *l, uint8_t class, struct slice *ret, const char *why)
{
	const uint8_t *p = l->at;

	while (p < l->end && (class_of(*p) & class))
		p++;
	if (p == l->at)
		return imap_lex_fail(l, why);
	*ret = slice_new(l->at, (size_t)(p - l->at));
	l->at = p;
	return true;
}

bool
imap_lex_tag(struct imap_lex *l, struct slice *ret)
{
	return span(l, TAG, ret, "Expected a tag");
}

bool
imap_lex_atom(struct imap_lex *l, struct slice *ret)
{
	return span(l, ATOM, ret, "Expected an atom");
}

bool
imap_lex_name(struct imap_lex *l, struct slice *ret)
{
	return span(l, NAME, ret, "Expected a word");
}

/* Copies a quoted string without its backslashes. */
static bool
unescape(struct imap_lex *l, struct slice raw, struct slice *ret)
{
	uint8_t *out = arena_alloc(l->arena, raw.len);
	size_t n = 0;

	if (!out)
		return imap_lex_fail(l, "Command too large");
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '\\')
			i++;
		out[n++] = raw.ptr[i];
	}
	*ret = slice_new(out, n);
	return true;
}

static bool
quoted(struct imap_lex *l, struct slice *ret)
{
	const uint8_t *p = l->at + 1;
	bool escapes = false;
	struct slice raw;

	for (; p < l->end && *p != '"'; p++) {
		if (*p == '\\') {
			if (++p >= l->end || (*p != '"' && *p != '\\'))
				return imap_lex_fail(l, "Bad escape in a quoted string");
			escapes = true;
		} else if (*p == '\r' || *p == '\n' || *p == 0) {
			return imap_lex_fail(l, "Control character in a quoted string");
		}
	}
	if (p >= l->end)
		return imap_lex_fail(l, "Unfinished quoted string");
	raw = slice_new(l->at + 1, (size_t)(p - l->at) - 1);
	if (!utf8_valid(raw))
		return imap_lex_fail(l, "Quoted string is not UTF-8");
	if (escapes && !unescape(l, raw, ret))
		return false;
	if (!escapes)
		*ret = raw;
	l->at = p + 1;
	return true;
}

static bool
digits(struct imap_lex *l, uint64_t max, uint64_t *ret)
{
	const uint8_t *p = l->at;

	while (p < l->end && is_digit(*p))
		p++;
	if (p == l->at)
		return imap_lex_fail(l, "Expected a number");
	if (slice_u64(slice_new(l->at, (size_t)(p - l->at)), max, ret) != LL_OK)
		return imap_lex_fail(l, "Number out of range");
	l->at = p;
	return true;
}

/* "{n}" or "{n+}" CRLF and the bytes; the frame has made sure that they are all here. */
static bool
literal(struct imap_lex *l, struct slice *ret)
{
	uint64_t size = 0;

	if (!imap_lex_char(l, '{') || !digits(l, INT64_MAX, &size))
		return false;
	imap_lex_try(l, '+');
	if (!imap_lex_char(l, '}') || !imap_lex_char(l, '\r') || !imap_lex_char(l, '\n'))
		return false;
	if (size > (uint64_t)(l->end - l->at))
		return imap_lex_fail(l, "Literal is not complete");
	*ret = slice_new(l->at, (size_t)size);
	l->at += size;
	return true;
}

/* literal or literal8 (which may hold NUL, RFC 3516). */
static bool
imap_lex_literal(struct imap_lex *l, struct slice *ret, bool *ret_literal8)
{
	struct slice s;
	bool eight = imap_lex_try(l, '~');

	if (!literal(l, &s))
		return false;
	if (!eight && s.len && memchr(s.ptr, 0, s.len))
		return imap_lex_fail(l, "NUL in a literal; use literal8");
	*ret = s;
	*ret_literal8 = eight;
	return true;
}

bool
imap_lex_string(struct imap_lex *l, struct slice *ret)
{
	bool literal8;

	switch (imap_lex_peek(l)) {
	case '"':
		return quoted(l, ret);
	case '{':
		return imap_lex_literal(l, ret, &literal8);
	default:
		return imap_lex_fail(l, "Expected a string");
	}
}

static bool
atom_or_string(struct imap_lex *l, uint8_t class, struct slice *ret)
{
	int c = imap_lex_peek(l);

	if (c == '"' || c == '{')
		return imap_lex_string(l, ret);
	return span(l, class, ret, "Expected an atom or a string");
}

bool
imap_lex_astring(struct imap_lex *l, struct slice *ret)
{
	return atom_or_string(l, ASTRING, ret);
}

bool
imap_lex_list_mailbox(struct imap_lex *l, struct slice *ret)
{
	return atom_or_string(l, LIST, ret);
}

bool
imap_lex_nstring(struct imap_lex *l, struct slice *ret)
{
	if (imap_lex_try_word(l, S("NIL"))) {
		*ret = SLICE_NONE;
		return true;
	}
	return imap_lex_string(l, ret);
}

bool
imap_lex_u32(struct imap_lex *l, uint32_t *ret)
{
	uint64_t v;

	if (!digits(l, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool
imap_lex_nz_u32(struct imap_lex *l, uint32_t *ret)
{
	uint32_t v;

	if (!imap_lex_u32(l, &v))
		return false;
	if (!v)
		return imap_lex_fail(l, "Number must not be zero");
	*ret = v;
	return true;
}

bool
imap_lex_u63(struct imap_lex *l, uint64_t *ret)
{
	return digits(l, INT64_MAX, ret);
}

bool
imap_lex_flag(struct imap_lex *l, struct slice *ret)
{
	const uint8_t *start = l->at;
	struct slice atom;

	imap_lex_try(l, '\\');
	if (!imap_lex_atom(l, &atom))
		return false;
	*ret = slice_new(start, (size_t)(l->at - start));
	return true;
}

static bool
fixed_digits(struct imap_lex *l, unsigned n, int *ret)
{
	int v = 0;

	for (unsigned i = 0; i < n; i++, l->at++) {
		if (l->at >= l->end || !is_digit(*l->at))
			return imap_lex_fail(l, "Bad date");
		v = v * 10 + (*l->at - '0');
	}
	*ret = v;
	return true;
}

static bool
month_and_year(struct imap_lex *l, int day, int64_t *ret_days)
{
	static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct slice name = slice_sub(slice_new(l->at, (size_t)(l->end - l->at)), 1, 3);
	int month = name.len == 3 ? date_month(name) : 0, year;

	if (!month || !imap_lex_char(l, '-'))
		return imap_lex_fail(l, "Bad date");
	l->at += 3;
	if (!imap_lex_char(l, '-') || !fixed_digits(l, 4, &year))
		return false;
	if (day < 1 || day > days[month - 1])
		return imap_lex_fail(l, "Bad date");
	*ret_days = date_days(year, month, day);
	return true;
}

bool
imap_lex_date(struct imap_lex *l, int64_t *ret_days)
{
	bool quote = imap_lex_try(l, '"');
	unsigned n = l->end - l->at > 1 && is_digit(l->at[1]) ? 2 : 1;
	int64_t at;
	int day;

	if (!fixed_digits(l, n, &day) || !month_and_year(l, day, &at))
		return false;
	if (quote && !imap_lex_char(l, '"'))
		return false;
	*ret_days = at;
	return true;
}

static bool
zone(struct imap_lex *l, int *ret_seconds)
{
	bool minus = imap_lex_peek(l) == '-';
	int hours, minutes;

	if (!minus && imap_lex_peek(l) != '+')
		return imap_lex_fail(l, "Bad time zone");
	l->at++;
	if (!fixed_digits(l, 2, &hours) || !fixed_digits(l, 2, &minutes))
		return false;
	if (hours > 23 || minutes > 59)
		return imap_lex_fail(l, "Bad time zone");
	*ret_seconds = (hours * 60 + minutes) * (minus ? -60 : 60);
	return true;
}

bool
imap_lex_date_time(struct imap_lex *l, int64_t *ret_seconds)
{
	int day, hour, minute, second, offset;
	int64_t at;

	if (!imap_lex_char(l, '"') || !fixed_digits(l, imap_lex_try(l, ' ') ? 1 : 2, &day))
		return false;
	if (!month_and_year(l, day, &at) || !imap_lex_sp(l) || !fixed_digits(l, 2, &hour) ||
		!imap_lex_char(l, ':') || !fixed_digits(l, 2, &minute) || !imap_lex_char(l, ':') ||
		!fixed_digits(l, 2, &second) || !imap_lex_sp(l) || !zone(l, &offset) ||
		!imap_lex_char(l, '"'))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return imap_lex_fail(l, "Bad time");
	*ret_seconds = at * 86400 + hour * 3600 + minute * 60 + second - offset;
	return true;
}
