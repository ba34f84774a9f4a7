/* Encoders and decoders, generated from the table in messages.h. */
#include "ipc/messages.h"
#include "base/error.h"

#include <string.h>

static int
put_bytes(struct buf *out, struct slice s, size_t max)
{
	if (s.len > max)
		return LL_ERR_LIMIT;
	buf_put_be32(out, (uint32_t)s.len);
	return buf_put(out, s);
}

static void
get_bytes(struct reader *r, struct slice *ret, size_t max)
{
	uint32_t n = reader_be32(r);

	if (n > max)
		r->err = LL_ERR_SYNTAX;
	*ret = reader_bytes(r, n);
}

static void
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

#define ENCODE(NAME, name, fd)                                                                     \
	int msg_##name##_encode(struct buf *out, const struct msg_##name *m)                       \
	{                                                                                          \
		int r = 0;                                                                         \
		(void)m;                                                                           \
		buf_put_be16(out, MSG_KIND_##NAME);                                                \
		MSG_##NAME(E) return r ? r : buf_err(out);                                         \
	}
MSG_LIST(ENCODE)

#define DECODE(NAME, name, fd)                                                                     \
	static void decode_##name(struct reader *r, struct msg *out)                               \
	{                                                                                          \
		struct msg_##name *m = &out->name;                                                 \
		(void)m;                                                                           \
		(void)r;                                                                           \
		MSG_##NAME(D)                                                                      \
	}
MSG_LIST(DECODE)

static const struct {
	const char *name;
	void (*decode)(struct reader *, struct msg *);
	int fd;
} kinds[] = {
#define ROW(NAME, name, fd) {#name, decode_##name, fd},
	MSG_LIST(ROW)};

int
msg_decode(struct slice packet, bool has_fd, struct msg *ret)
{
	struct reader r = reader_new(packet);
	struct msg m = {.kind = reader_be16(&r)};

	if (r.err || (unsigned)m.kind >= MSG_KINDS)
		return LL_ERR_SYNTAX;
	if (kinds[m.kind].fd != 2 && has_fd != (kinds[m.kind].fd == 1))
		return LL_ERR_SYNTAX;
	kinds[m.kind].decode(&r, &m);
	if (reader_end(&r))
		return LL_ERR_SYNTAX;
	*ret = m;
	return LL_OK;
}

const char *
msg_name(enum msg_kind kind)
{
	return (unsigned)kind < MSG_KINDS ? kinds[kind].name : "unknown";
}
