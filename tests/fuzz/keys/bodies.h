/* The property of every body: one encoding. What decodes encodes to the same bytes again. */
#ifndef TESTS_FUZZ_KEYS_BODIES_H
#define TESTS_FUZZ_KEYS_BODIES_H

#include "base/buf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
body_require(bool good)
{
	if (!good)
		abort();
}

static inline void
body_same(int err, struct buf *encoded, const uint8_t *data, size_t size)
{
	body_require(err == 0 && slice_eq(buf_slice(encoded), slice_new(data, size)));
	buf_done(encoded);
}

#endif
