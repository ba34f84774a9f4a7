/* Any bytes as the query of an address: a value is what was written between "=" and "&", each
 * escape one octet and no control characters; a refusal leaves nothing behind. The name is the
 * first octets, as far as "?". */
#include "../must.h"
#include "base/text.h"
#include "faces/web_link.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written again with everything escaped, it is read as the same. */
static void
again(const char *name, struct slice value)
{
	CLEANUP(buf_done) struct buf query = BUF_INIT((size_t)1 << 20);
	CLEANUP(buf_done) struct buf read = BUF_INIT((size_t)1 << 20);

	buf_puts(&query, "&x=1&");
	buf_puts(&query, name);
	buf_putc(&query, '=');
	for (size_t i = 0; i < value.len; i++)
		buf_printf(&query, "%%%02X", value.ptr[i]);
	buf_puts(&query, "&y");
	must(!web_query_value(buf_slice(&query), name, &read));
	must(slice_eq(buf_slice(&read), value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(64);
	struct slice query = slice_new(data, size), name = slice_split(&query, '?');
	char text[8] = "";
	int r;

	if (size > 4096 || !name.len || name.len >= sizeof(text) || memchr(name.ptr, 0, name.len) ||
		slice_find_byte(name, '&') != SLICE_NPOS ||
		slice_find_byte(name, '=') != SLICE_NPOS || slice_eq(name, S("x")))
		return 0;
	memcpy(text, name.ptr, name.len);
	buf_puts(&value, "before");
	r = web_query_value(query, text, &value);
	must(slice_starts(buf_slice(&value), S("before")) && value.len <= 6 + query.len);
	must(!r || value.len == 6);
	must(r != LL_ERR_NOTFOUND || slice_find(query, name) == SLICE_NPOS || query.len > name.len);
	for (size_t i = 0; i < value.len; i++)
		must(value.ptr[i] >= 0x20 && value.ptr[i] != 0x7f);
	if (!r)
		again(text, slice_skip(buf_slice(&value), 6));
	return 0;
}
