/* Commits and rows as bytes. */
#include "store/wire.h"
#include "base/error.h"

#include <string.h>

int
store_wire_put_ops(struct buf *out, const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_putc(out, (uint8_t)ops[i].kind);
		buf_put(out, slice_new(ops[i].blob.b, STORE_ID_LEN));
		buf_put_blob(out, ops[i].key);
		buf_put_blob(out, ops[i].value);
	}
	return buf_err(out);
}

int
store_wire_get_ops(struct slice in, struct store_op *ret, size_t *ret_n)
{
	struct reader r = reader_new(in);
	size_t n = 0;

	for (; r.rest.len && !r.err && n < STORE_OPS_MAX; n++) {
		struct slice id;
		ret[n].kind = (enum store_op_kind)reader_u8(&r);
		id = reader_bytes(&r, STORE_ID_LEN);
		if (id.len)
			memcpy(ret[n].blob.b, id.ptr, STORE_ID_LEN);
		ret[n].key = reader_blob(&r);
		ret[n].value = reader_blob(&r);
		if (ret[n].kind > STORE_BLOB_DROP || ret[n].key.len > STORE_KEY_MAX ||
			ret[n].value.len > STORE_VALUE_MAX)
			return LL_ERR_SYNTAX;
	}
	*ret_n = n;
	return reader_end(&r);
}

int
store_wire_put_row(struct buf *out, struct slice key, struct slice value)
{
	buf_put_blob(out, key);
	return buf_put_blob(out, value);
}

int
store_wire_get_row(struct slice *rows, struct slice *ret_key, struct slice *ret_value)
{
	struct reader r = reader_new(*rows);
	struct slice key = reader_blob(&r), value = reader_blob(&r);

	if (r.err)
		return LL_ERR_SYNTAX;
	*ret_key = key;
	*ret_value = value;
	*rows = r.rest;
	return LL_OK;
}
