/* Where a fuzz target cuts its input, to feed it in pieces: it follows from the octets, so that a
 * finding can be run again, and differs between inputs, so that in time all places are tried. */
#ifndef TESTS_FUZZ_CUT_H
#define TESTS_FUZZ_CUT_H

#include "base/slice.h"

/* A number that depends on every octet. */
static inline uint32_t
fuzz_hash(struct slice in)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < in.len; i++)
		h = (h ^ in.ptr[i]) * 16777619u;
	return h ^ h >> 15;
}

/* Whether an input is run a second time in another way, and the two compared: one in four, as the
 * second run takes as long as the first. */
static inline bool
fuzz_twice(struct slice in)
{
	return fuzz_hash(in) / 16 % 4 == 0;
}

/* The length of the piece that comes after `fed` octets of `size`, at least 1. An input is cut
 * once, one in 16 at every octet, one in 16 at every few. `hash` is that of the input. */
static inline size_t
fuzz_piece(uint32_t hash, size_t fed, size_t size)
{
	size_t at = 1 + (hash >> 4) % (size + 1);

	if (hash % 16 == 0)
		return 1;
	if (hash % 16 == 1)
		return 1 + (hash >> 4) % 7;
	return fed < at ? at - fed : size;
}

#endif
