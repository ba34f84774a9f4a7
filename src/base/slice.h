/* A view of bytes owned by somebody else. Passed by value; may hold NULs; ptr may be NULL when len
 * is 0. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const uint8_t *ptr;
	size_t len;
};

/* S("literal"): a slice of a string literal, without its NUL. */
#define S(lit) ((struct slice){(const uint8_t *)("" lit), sizeof(lit) - 1})
#define SLICE_NONE ((struct slice){NULL, 0})
/* For printf("%.*s", SLICE_ARG(s)); only for trusted text. */
#define SLICE_ARG(s) (int)MIN((s).len, (size_t)INT32_MAX), (const char *)(s).ptr
#define SLICE_OF(array) ((struct slice){(const uint8_t *)(array), sizeof(array)})

static inline struct slice
slice_new(const void *ptr, size_t len)
{
	return (struct slice){ptr, len};
}

/* The bytes of a NUL-terminated string; NULL gives the empty slice. */
struct slice slice_str(const char *s);

bool slice_eq(struct slice a, struct slice b);
/* ASCII case-insensitive equality. */
bool slice_ieq(struct slice a, struct slice b);
/* Like memcmp, shorter first on a tie. */
int slice_cmp(struct slice a, struct slice b);
int slice_icmp(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_istarts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_iends(struct slice s, struct slice suffix);

/* Sub-slice from `from` (clamped), at most `len` bytes. */
struct slice slice_sub(struct slice s, size_t from, size_t len);
/* Without the first n bytes (clamped). */
struct slice slice_skip(struct slice s, size_t n);

#define SLICE_NPOS SIZE_MAX
/* Offset of the first occurrence, or SLICE_NPOS. An empty needle is found at 0. */
size_t slice_find(struct slice s, struct slice needle);
size_t slice_ifind(struct slice s, struct slice needle);
size_t slice_find_byte(struct slice s, uint8_t c);
size_t slice_rfind_byte(struct slice s, uint8_t c);

/* Splits *s at the first `sep`: returns what stood before it, *s becomes what follows.
 * Without a separator returns all of *s and empties it. */
struct slice slice_split(struct slice *s, uint8_t sep);
/* Takes one line without its CRLF or LF; same rule. */
struct slice slice_line(struct slice *s);
/* Without spaces, tabs, CR and LF at both ends. */
struct slice slice_trim(struct slice s);

/* Whole slice as a decimal number: digits only, at least one, at most max. LL_ERR_SYNTAX or
 * LL_ERR_RANGE. */
int slice_u64(struct slice s, uint64_t max, uint64_t *ret) CHECKED;

#endif
