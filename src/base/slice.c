/* Views of bytes. */
#include "base/slice.h"
#include "base/error.h"

#include <string.h>

static inline uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

struct slice
slice_str(const char *s)
{
	return s ? slice_new(s, strlen(s)) : SLICE_NONE;
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
slice_ieq(struct slice a, struct slice b)
{
	return a.len == b.len && slice_icmp(a, b) == 0;
}

int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = MIN(a.len, b.len);
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

int
slice_icmp(struct slice a, struct slice b)
{
	size_t n = MIN(a.len, b.len);

	for (size_t i = 0; i < n; i++) {
		int d = lower(a.ptr[i]) - lower(b.ptr[i]);
		if (d)
			return d;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_sub(s, 0, prefix.len), prefix);
}

bool
slice_istarts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_ieq(slice_sub(s, 0, prefix.len), prefix);
}

bool
slice_ends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_eq(slice_skip(s, s.len - suffix.len), suffix);
}

bool
slice_iends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_ieq(slice_skip(s, s.len - suffix.len), suffix);
}

struct slice
slice_sub(struct slice s, size_t from, size_t len)
{
	if (from >= s.len)
		return SLICE_NONE;
	return slice_new(s.ptr + from, MIN(len, s.len - from));
}

struct slice
slice_skip(struct slice s, size_t n)
{
	return slice_sub(s, n, SIZE_MAX);
}

size_t
slice_find(struct slice s, struct slice needle)
{
	const uint8_t *p;

	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return SLICE_NPOS;
	p = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return p ? (size_t)(p - s.ptr) : SLICE_NPOS;
}

size_t
slice_ifind(struct slice s, struct slice needle)
{
	for (size_t i = 0; i + needle.len <= s.len; i++)
		if (slice_ieq(slice_new(s.ptr + i, needle.len), needle))
			return i;
	return SLICE_NPOS;
}

size_t
slice_find_byte(struct slice s, uint8_t c)
{
	const uint8_t *p = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return p ? (size_t)(p - s.ptr) : SLICE_NPOS;
}

size_t
slice_rfind_byte(struct slice s, uint8_t c)
{
	const uint8_t *p = s.len ? memrchr(s.ptr, c, s.len) : NULL;

	return p ? (size_t)(p - s.ptr) : SLICE_NPOS;
}

struct slice
slice_split(struct slice *s, uint8_t sep)
{
	size_t at = slice_find_byte(*s, sep);
	struct slice head = slice_sub(*s, 0, at);

	*s = at == SLICE_NPOS ? SLICE_NONE : slice_skip(*s, at + 1);
	return head;
}

struct slice
slice_line(struct slice *s)
{
	struct slice line = slice_split(s, '\n');

	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len && is_space(s.ptr[0]))
		s = slice_skip(s, 1);
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

int
slice_u64(struct slice s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.len == 0)
		return LL_ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return LL_ERR_SYNTAX;
		if (__builtin_mul_overflow(v, 10u, &v) ||
			__builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v))
			return LL_ERR_RANGE;
	}
	if (v > max)
		return LL_ERR_RANGE;
	*ret = v;
	return LL_OK;
}
