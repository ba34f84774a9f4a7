/* Encoders and decoders, generated from the table in messages.h. */
#include "ipc/messages.h"
#include "base/error.h"
#include "ipc/fields.h"

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
