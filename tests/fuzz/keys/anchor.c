/* Anchor bodies. */
#include "keys/anchor.h"
#include "bodies.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT(ANCHOR_BODY_MAX);
	struct anchor a;

	if (anchor_decode(slice_new(data, size), &a) == 0)
		body_same(anchor_encode(&a, &again), &again, data, size);
	return 0;
}
