/* Mailbox names from clients: what is accepted is valid UTF-8 within the limit, has no empty level,
 * and normalises to itself. */
#include "account/account.h"
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf once = BUF_INIT(MAILBOX_NAME_MAX);
	CLEANUP(buf_done) struct buf twice = BUF_INIT(MAILBOX_NAME_MAX);
	struct slice name;

	if (mailbox_name_normalise(&once, slice_new(data, size)))
		return 0;
	name = buf_slice(&once);
	if (!name.len || !utf8_valid(name) || name.ptr[0] == '/' || name.ptr[name.len - 1] == '/' ||
		slice_find(name, S("//")) != SLICE_NPOS)
		abort();
	if (mailbox_name_normalise(&twice, name) || !slice_eq(buf_slice(&twice), name))
		abort();
	return 0;
}
