/* Field kinds of the message tables: what their encoders and decoders are generated from. Only for
 * files that generate such. */
#ifndef IPC_FIELDS_H
#define IPC_FIELDS_H

#include "base/buf.h"
#include "base/error.h"
#include "ipc/messages.h"

#include <string.h>

static inline int
put_bytes(struct buf *out, struct slice s, size_t max)
{
	if (s.len > max)
		return LL_ERR_LIMIT;
	buf_put_be32(out, (uint32_t)s.len);
	return buf_put(out, s);
}

static inline void
get_bytes(struct reader *r, struct slice *ret, size_t max)
{
	uint32_t n = reader_be32(r);

	if (n > max)
		r->err = LL_ERR_SYNTAX;
	*ret = reader_bytes(r, n);
}

static inline void
get_id(struct reader *r, uint8_t id[IPC_ID_LEN])
{
	struct slice s = reader_bytes(r, IPC_ID_LEN);

	if (s.len)
		memcpy(id, s.ptr, IPC_ID_LEN);
}

#define E_U8(n) buf_putc(out, m->n);
#define E_U16(n) buf_put_be16(out, m->n);
#define E_U32(n) buf_put_be32(out, m->n);
#define E_U64(n) buf_put_be64(out, m->n);
#define E_ID(n) buf_put(out, slice_new(m->n, IPC_ID_LEN));
#define E_BYTES(n, max)                                                                            \
	if ((r = put_bytes(out, m->n, (max))))                                                     \
		return r;

#define D_U8(n) m->n = reader_u8(r);
#define D_U16(n) m->n = reader_be16(r);
#define D_U32(n) m->n = reader_be32(r);
#define D_U64(n) m->n = reader_be64(r);
#define D_ID(n) get_id(r, m->n);
#define D_BYTES(n, max) get_bytes(r, &m->n, (max));

#endif
