/* Any body as each form: what decodes must encode to the same bytes; and any list of items. The
 * first byte picks the form. */
#include "ipc/control.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUND_TRIP(NAME, name)                                                                     \
	static void round_trip_##name(struct slice body)                                           \
	{                                                                                          \
		CLEANUP(buf_done) struct buf again = BUF_INIT(IPC_PACKET_MAX);                     \
		struct control_##name form;                                                        \
		if (control_##name##_get(body, &form))                                             \
			return;                                                                    \
		if (control_##name##_put(&again, &form) || !slice_eq(buf_slice(&again), body))     \
			abort();                                                                   \
	}
CTL_FORMS(ROUND_TRIP)

static void (*const forms[])(struct slice) = {
#define ROW(NAME, name) round_trip_##name,
	CTL_FORMS(ROW)};

static void
items(struct slice body)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(CONTROL_ITEMS_MAX);
	struct reader r = reader_new(body);
	struct slice item;

	while (control_items_next(&r, &item))
		if (control_items_add(&again, item))
			abort();
	if (!r.err && !slice_eq(buf_slice(&again), body))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = slice_new(data, size);
	unsigned form = size ? data[0] % (ARRAY_SIZE(forms) + 1) : 0;

	body = slice_skip(body, 1);
	if (body.len > CONTROL_ITEMS_MAX)
		return 0;
	if (form < ARRAY_SIZE(forms))
		forms[form](body);
	else
		items(body);
	return 0;
}
