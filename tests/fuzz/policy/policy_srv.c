/* The data of an SRV record: what is taken for one makes the same octets again. */
#include "base/buf.h"
#include "mail/srv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(1024);
	struct slice name;
	struct srv s;

	if (srv_parse(slice_new(data, size), &s))
		return 0;
	name = slice_str(s.target);
	buf_put_be16(&again, s.priority);
	buf_put_be16(&again, s.weight);
	buf_put_be16(&again, s.port);
	while (name.len) {
		struct slice label = slice_split(&name, '.');
		buf_putc(&again, (uint8_t)label.len);
		buf_put(&again, label);
	}
	buf_putc(&again, 0);
	if (!slice_eq(buf_slice(&again), slice_new(data, size)))
		abort();
	return 0;
}
