/* The header is read line by line with memchr; a field is its first line and the lines after it
 * that start with white space. */
#include "mail/header.h"

#include "base/error.h"

#include <string.h>

/* Offset behind the line that starts at pos. */
static size_t
line_end(struct slice s, size_t pos)
{
	const uint8_t *nl = memchr(s.ptr + pos, '\n', s.len - pos);

	return nl ? (size_t)(nl - s.ptr) + 1 : s.len;
}

/* Length of an empty line at pos: 1, 2, or 0 when there is none. */
static size_t
empty_line(struct slice s, size_t pos)
{
	if (pos < s.len && s.ptr[pos] == '\n')
		return 1;
	return pos + 1 < s.len && s.ptr[pos] == '\r' && s.ptr[pos + 1] == '\n' ? 2 : 0;
}

static bool
is_wsp(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct header_iter
header_iter_new(struct slice input)
{
	return (struct header_iter){.input = input};
}

static struct slice
without_line_end(struct slice s)
{
	if (s.len && s.ptr[s.len - 1] == '\n')
		s.len--;
	if (s.len && s.ptr[s.len - 1] == '\r')
		s.len--;
	return s;
}

/* The name before a colon on the first line: one word without spaces, or nothing. */
static struct slice
field_name(struct slice line)
{
	size_t n = slice_find_byte(line, ':');

	if (n == SLICE_NPOS)
		return SLICE_NONE;
	while (n && is_wsp(line.ptr[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++)
		if (line.ptr[i] <= ' ' || line.ptr[i] == 0x7f)
			return SLICE_NONE;
	return n ? slice_new(line.ptr, n) : SLICE_NONE;
}

bool
header_next(struct header_iter *it, struct header_field *ret)
{
	struct slice in = it->input;
	size_t start = it->pos, end, first, colon;

	if (start >= in.len || it->fields >= HEADER_FIELDS_MAX || empty_line(in, start))
		return false;
	end = first = line_end(in, start);
	while (end < in.len && is_wsp(in.ptr[end]))
		end = line_end(in, end);
	ret->offset = start;
	ret->raw = slice_new(in.ptr + start, end - start);
	ret->value = without_line_end(ret->raw);
	ret->name = field_name(slice_sub(in, start, first - start));
	if (ret->name.len) {
		colon = ret->name.len;
		while (ret->value.ptr[colon] != ':')
			colon++;
		ret->value.ptr += colon + 1; /* an empty value has its place too */
		ret->value.len -= colon + 1;
	}
	it->pos = end;
	it->fields++;
	return true;
}

size_t
header_length(struct slice input)
{
	size_t pos = 0, n;

	while (pos < input.len) {
		n = empty_line(input, pos);
		if (n)
			return pos + n;
		pos = line_end(input, pos);
	}
	return input.len;
}

bool
header_find(struct slice input, struct slice name, struct header_field *ret)
{
	struct header_iter it = header_iter_new(input);
	struct header_field f;

	while (header_next(&it, &f)) {
		if (f.name.len && slice_ieq(f.name, name)) {
			*ret = f;
			return true;
		}
	}
	return false;
}

/* Length of a line end at i that folding put there: white space follows it. */
static size_t
fold_at(struct slice s, size_t i)
{
	size_t n = empty_line(s, i);

	return n && i + n < s.len && is_wsp(s.ptr[i + n]) ? n : 0;
}

int
header_unfold(struct buf *out, struct slice value)
{
	uint8_t *p;
	size_t n = 0, fold;

	value = slice_trim(value);
	p = buf_room(out, value.len);
	if (!p)
		return buf_err(out);
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i];
		if (c == '\r' || c == '\n') {
			fold = fold_at(value, i);
			if (fold) {
				i += fold - 1;
				continue;
			}
		}
		p[n++] = c == '\r' || c == '\n' || c == 0 ? ' ' : c;
	}
	buf_grow(out, n);
	return LL_OK;
}

size_t
header_comment_length(struct slice s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '(')
			depth++;
		else if (s.ptr[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}
