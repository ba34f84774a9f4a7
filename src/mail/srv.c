/* One SRV record out of its wire format. */
#include "mail/srv.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

static bool
label_ok(struct slice label)
{
	for (size_t i = 0; i < label.len; i++)
		if (!is_alpha(label.ptr[i]) && !is_digit(label.ptr[i]) && label.ptr[i] != '-' &&
			label.ptr[i] != '_')
			return false;
	return true;
}

int
srv_parse(struct slice rdata, struct srv *ret)
{
	struct reader r = reader_new(rdata);
	struct srv s = {.priority = reader_be16(&r)};
	size_t n = 0;
	uint8_t len;

	s.weight = reader_be16(&r);
	s.port = reader_be16(&r);
	while (!r.err && (len = reader_u8(&r)) != 0) {
		struct slice label = reader_bytes(&r, len);
		if (len > 63 || r.err || n + len + 2 > SRV_NAME_MAX || !label_ok(label))
			return LL_ERR_SYNTAX;
		if (n)
			s.target[n++] = '.';
		memcpy(s.target + n, label.ptr, len);
		n += len;
	}
	if (reader_end(&r))
		return LL_ERR_SYNTAX;
	*ret = s;
	return LL_OK;
}
