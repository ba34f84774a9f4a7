/* Bodies of the operator's commands, generated from the table in control.h. */
#include "ipc/control.h"
#include "base/error.h"
#include "ipc/fields.h"

#define ENCODE(NAME, name)                                                                         \
	int control_##name##_put(struct buf *out, const struct control_##name *m)                  \
	{                                                                                          \
		int r = 0;                                                                         \
		(void)m;                                                                           \
		CTL_##NAME(E) return r ? r : buf_err(out);                                         \
	}
CTL_FORMS(ENCODE)

#define DECODE(NAME, name)                                                                         \
	int control_##name##_get(struct slice body, struct control_##name *ret)                    \
	{                                                                                          \
		struct reader rest = reader_new(body), *r = &rest;                                 \
		struct control_##name form = {}, *m = &form;                                       \
		(void)m;                                                                           \
		CTL_##NAME(D) if (reader_end(r)) return LL_ERR_SYNTAX;                             \
		*ret = form;                                                                       \
		return LL_OK;                                                                      \
	}
CTL_FORMS(DECODE)

int
control_items_add(struct buf *items, struct slice item)
{
	if (item.len > CONTROL_ITEMS_MAX || items->len + 4 + item.len > CONTROL_ITEMS_MAX)
		return LL_ERR_LIMIT;
	buf_put_be32(items, (uint32_t)item.len);
	return buf_put(items, item);
}

bool
control_items_next(struct reader *r, struct slice *ret)
{
	struct slice item;

	if (r->err || r->rest.len == 0)
		return false;
	get_bytes(r, &item, CONTROL_ITEMS_MAX);
	if (r->err)
		return false;
	*ret = item;
	return true;
}
