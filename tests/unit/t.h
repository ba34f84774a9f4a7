/* The unit tests' few words: CHECK and friends report and count; T_MAIN runs a table of functions.
 */
#ifndef TESTS_UNIT_T_H
#define TESTS_UNIT_T_H

#include "base/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int t_failed;
int t_failed __attribute__((weak)); /* one for all files of a test program */

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			t_failed++;                                                                \
		}                                                                                  \
	} while (0)
#define CHECK_INT(got, want)                                                                       \
	do {                                                                                       \
		long long g_ = (long long)(got), w_ = (long long)(want);                           \
		if (g_ != w_) {                                                                    \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, \
				g_, w_);                                                           \
			t_failed++;                                                                \
		}                                                                                  \
	} while (0)
#define CHECK_SLICE(got, want) t_check_slice(__FILE__, __LINE__, #got, (got), (want))

static inline void
t_check_slice(const char *file, int line, const char *what, struct slice got, struct slice want)
{
	if (slice_eq(got, want))
		return;
	fprintf(stderr, "%s:%d: %s is\n  \"%.*s\", not\n  \"%.*s\"\n", file, line, what,
		SLICE_ARG(got), SLICE_ARG(want));
	t_failed++;
}

struct t_case {
	const char *name;
	void (*run)(void);
};

static inline int
t_main(const struct t_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int before = t_failed;
		cases[i].run();
		printf("%s %s\n", t_failed == before ? "ok" : "FAILED", cases[i].name);
	}
	return t_failed != 0;
}

#define T(fn)                                                                                      \
	{                                                                                          \
#fn, fn                                                                            \
	}
#define T_MAIN(...)                                                                                \
	int main(void)                                                                             \
	{                                                                                          \
		static const struct t_case cases[] = {__VA_ARGS__};                                \
		return t_main(cases, ARRAY_SIZE(cases));                                           \
	}

#endif
