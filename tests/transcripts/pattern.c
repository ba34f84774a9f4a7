/* Matching by plain backtracking: patterns are short and written by us. */
#include "pattern.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CAPTURES 16

struct capture {
	struct slice name, value;
};

struct match {
	const struct map *vars;
	struct capture captures[MAX_CAPTURES];
	size_t n;
};

struct slice
pattern_var(const struct map *vars, struct slice name)
{
	struct buf *b = map_get(vars, name);

	return b ? buf_slice(b) : SLICE_NONE;
}

static bool
word_char(uint8_t c)
{
	return c > 0x20 && c < 0x7f && !strchr("()[]{}\"<>", c);
}

/* The value a name has in this match or from before. */
static bool
known(const struct match *m, struct slice name, struct slice *ret)
{
	for (size_t i = 0; i < m->n; i++) {
		if (slice_eq(m->captures[i].name, name)) {
			*ret = m->captures[i].value;
			return true;
		}
	}
	*ret = pattern_var(m->vars, name);
	return ret->ptr != NULL;
}

static bool match_here(struct match *m, struct slice p, struct slice t);

static bool
match_name(struct match *m, struct slice name, struct slice p, struct slice t)
{
	struct slice value;
	size_t len = 0, n = m->n;

	if (!slice_eq(name, S("_")) && known(m, name, &value))
		return slice_starts(t, value) && match_here(m, p, slice_skip(t, value.len));
	while (len < t.len && word_char(t.ptr[len]))
		len++;
	for (; len > 0; len--) {
		m->n = n;
		if (n < MAX_CAPTURES && !slice_eq(name, S("_")))
			m->captures[m->n++] = (struct capture){name, slice_sub(t, 0, len)};
		if (match_here(m, p, slice_skip(t, len)))
			return true;
	}
	m->n = n;
	return false;
}

static bool
match_here(struct match *m, struct slice p, struct slice t)
{
	while (p.len) {
		if (slice_starts(p, S("..."))) {
			p = slice_skip(p, 3);
			for (size_t i = 0; i <= t.len; i++)
				if (match_here(m, p, slice_skip(t, i)))
					return true;
			return false;
		}
		if (slice_starts(p, S("%{"))) {
			size_t end = slice_find_byte(p, '}');
			if (end == SLICE_NPOS)
				return false;
			return match_name(m, slice_sub(p, 2, end - 2), slice_skip(p, end + 1), t);
		}
		if (!t.len || *p.ptr != *t.ptr)
			return false;
		p = slice_skip(p, 1);
		t = slice_skip(t, 1);
	}
	return !t.len;
}

bool
pattern_match(struct slice pattern, struct slice text, struct map *vars)
{
	struct match m = {.vars = vars};

	if (!match_here(&m, pattern, text))
		return false;
	for (size_t i = 0; i < m.n; i++) {
		struct buf *b = calloc(1, sizeof(*b));
		void *old = NULL;

		if (!b)
			abort();
		*b = BUF_INIT(65536);
		buf_put(b, m.captures[i].value);
		if (map_set(vars, m.captures[i].name, b, &old) != LL_OK)
			abort();
		if (old) {
			buf_done(old);
			free(old);
		}
	}
	return true;
}
