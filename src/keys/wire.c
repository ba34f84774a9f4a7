/* Shared pieces of the record bodies. */
#include "keys/wire.h"
#include "base/error.h"

#include <string.h>

void
wire_fail(struct reader *r)
{
	if (!r->err)
		r->err = LL_ERR_SYNTAX;
}

void
wire_get(struct reader *r, uint8_t *ret, size_t n)
{
	struct slice s = reader_bytes(r, n);

	memset(ret, 0, n);
	if (s.len == n && n)
		memcpy(ret, s.ptr, n);
}

int64_t
wire_get_time(struct reader *r)
{
	uint64_t t = reader_be64(r);

	/* Whole numbers of a double: all implementations draw the line at the same place. */
	if (t < (uint64_t)1 << 53)
		return (int64_t)t;
	wire_fail(r);
	return 0;
}

void
wire_put_scope(struct buf *b, const struct scope *s)
{
	(void)buf_putc(b, (uint8_t)s->areas);
	(void)buf_put_be16(b, (uint16_t)s->protocols);
	(void)buf_put_be64(b, (uint64_t)s->expires);
}

void
wire_get_scope(struct reader *r, struct scope *ret)
{
	ret->areas = reader_u8(r);
	ret->protocols = reader_be16(r);
	ret->expires = wire_get_time(r);
}

bool
wire_scope_valid(enum unlock_type type, const struct scope *s)
{
	if (!unlock_type_name(type) || s->expires < 0)
		return false;
	if (type != UNLOCK_APP)
		return s->areas == SCOPE_ROOT && s->protocols == 0;
	return (s->areas & ~SCOPE_AREAS_ALL) == 0 && s->protocols != 0 &&
		(s->protocols & ~SCOPE_PROTOCOLS_ALL) == 0;
}

void
wire_put_floor(struct buf *b, const struct suite_floor *f)
{
	(void)buf_putc(b, f->sym);
	(void)buf_putc(b, f->kem);
	(void)buf_putc(b, f->sig);
}

void
wire_get_floor(struct reader *r, struct suite_floor *ret)
{
	ret->sym = reader_u8(r);
	ret->kem = reader_u8(r);
	ret->sig = reader_u8(r);
}

int
wire_floor_check(const struct suite_floor *got, const struct suite_floor *least)
{
	const struct suite_floor now = SUITE_FLOOR_NOW;

	if (got->sym < least->sym || got->kem < least->kem || got->sig < least->sig)
		return LL_ERR_AUTH;
	if (got->sym > now.sym || got->kem > now.kem || got->sig > now.sig)
		return LL_ERR_UNSUPPORTED;
	return LL_OK;
}
