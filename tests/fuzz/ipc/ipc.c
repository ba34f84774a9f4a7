/* Any packet, for every receiver: what decodes must encode to the same bytes. */
#include "ipc/messages.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int has_fd = 0; has_fd < 2; has_fd++) {
		CLEANUP(buf_done) struct buf again = BUF_INIT(IPC_PACKET_MAX);
		struct msg m;
		int r = -1;
		if (msg_decode(slice_new(data, size), has_fd, &m))
			continue;
		switch (m.kind) {
#define CASE(NAME, name, fd)                                                                       \
	case MSG_KIND_##NAME:                                                                      \
		r = msg_##name##_encode(&again, &m.name);                                          \
		break;
			MSG_LIST(CASE)
		default:
			abort();
		}
		if (r || !slice_eq(buf_slice(&again), slice_new(data, size)))
			abort();
	}
	return 0;
}
