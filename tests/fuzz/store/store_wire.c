/* Operations and rows from a less trusted peer: what decodes stays inside the input and within the
 * limits, and encodes to the same bytes. */
#include "store/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_lie_within(struct slice s, const uint8_t *data, size_t size)
{
	if (s.len && (s.ptr < data || s.len > size || (size_t)(s.ptr - data) > size - s.len))
		abort();
}

static void
operations(const uint8_t *data, size_t size)
{
	static struct store_op ops[STORE_OPS_MAX];
	CLEANUP(buf_done) struct buf again = BUF_INIT(size + 1);
	size_t n = 0;

	if (store_wire_get_ops(slice_new(data, size), ops, &n))
		return;
	if (n > STORE_OPS_MAX)
		abort();
	for (size_t i = 0; i < n; i++) {
		must_lie_within(ops[i].key, data, size);
		must_lie_within(ops[i].value, data, size);
		if (ops[i].kind > STORE_BLOB_DROP || ops[i].key.len > STORE_KEY_MAX)
			abort();
	}
	if (store_wire_put_ops(&again, ops, n) ||
		!slice_eq(buf_slice(&again), slice_new(data, size)))
		abort();
}

static void
rows(const uint8_t *data, size_t size)
{
	struct slice rest = slice_new(data, size), key, value;
	CLEANUP(buf_done) struct buf again = BUF_INIT(size + 1);

	while (rest.len && store_wire_get_row(&rest, &key, &value) == 0) {
		must_lie_within(key, data, size);
		must_lie_within(value, data, size);
		if (store_wire_put_row(&again, key, value))
			abort();
	}
	if (!slice_eq(buf_slice(&again), slice_new(data, size - rest.len)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	operations(data, size);
	rows(data, size);
	return 0;
}
