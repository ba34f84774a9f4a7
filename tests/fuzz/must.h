/* What a fuzz target asserts: where it does not hold, the input is a finding. */
#ifndef TESTS_FUZZ_MUST_H
#define TESTS_FUZZ_MUST_H

#include <stdbool.h>
#include <stdlib.h>

static inline void
must(bool condition)
{
	if (!condition)
		abort();
}

#endif
