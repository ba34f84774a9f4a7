/* Verifiers. */
#include "keys/verifier.h"
#include "bodies.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf again = BUF_INIT(VERIFIER_MAX);
	struct verifier v;

	if (verifier_decode(slice_new(data, size), &v) == 0)
		body_same(verifier_encode(&v, &again), &again, data, size);
	return 0;
}
