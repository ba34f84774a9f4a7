/* Bodies of the web's commands, generated from the table in web.h. */
#include "ipc/web.h"
#include "base/error.h"
#include "ipc/fields.h"

#define E_TEXT(n, max) E_BYTES(n, max)
#define E_FLAG(n) E_U8(n)
#define E_WORD(n, words) E_U8(n)
#define E_TIME(n) E_U64(n)
#define E_LIST(n, form) E_BYTES(n, CONTROL_ITEMS_MAX)
#define E_BLOBS(n) E_BYTES(n, CONTROL_ITEMS_MAX)

#define D_TEXT(n, max) D_BYTES(n, max)
#define D_FLAG(n) D_U8(n)
#define D_WORD(n, words) D_U8(n)
#define D_TIME(n) D_U64(n)
#define D_LIST(n, form) D_BYTES(n, CONTROL_ITEMS_MAX)
#define D_BLOBS(n) D_BYTES(n, CONTROL_ITEMS_MAX)

#define ENCODE(NAME, name)                                                                         \
	int web_##name##_put(struct buf *out, const struct web_##name *m)                          \
	{                                                                                          \
		int r = 0;                                                                         \
		(void)m;                                                                           \
		WEB_##NAME(E) return r ? r : buf_err(out);                                         \
	}
WEB_FORMS(ENCODE)

#define DECODE(NAME, name)                                                                         \
	int web_##name##_get(struct slice body, struct web_##name *ret)                            \
	{                                                                                          \
		struct reader rest = reader_new(body), *r = &rest;                                 \
		struct web_##name form = {}, *m = &form;                                           \
		(void)m;                                                                           \
		WEB_##NAME(D) if (reader_end(r)) return LL_ERR_SYNTAX;                             \
		*ret = form;                                                                       \
		return LL_OK;                                                                      \
	}
WEB_FORMS(DECODE)
