/* A stored rule: what is accepted is a rule, and is encoded to the same bytes again, but for
 * numbers that were written longer than they need be. */
#include "account/rule.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf once = BUF_INIT(OBJECT_VALUE_MAX);
	CLEANUP(buf_done) struct buf twice = BUF_INIT(OBJECT_VALUE_MAX);
	struct rule r;

	if (rule_decode(slice_new(data, size), &r))
		return 0;
	if (rule_check(&r) || rule_encode(&r, &once) || once.len > size)
		abort();
	if (rule_decode(buf_slice(&once), &r) || rule_encode(&r, &twice) ||
		!slice_eq(buf_slice(&once), buf_slice(&twice)))
		abort();
	return 0;
}
