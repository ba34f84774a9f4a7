/* Finding the one record that counts among the TXT records at a name. */
#include "mail/txt_record.h"

#include "base/buf.h"
#include "base/error.h"

bool
txt_record_is(struct slice text, struct slice version)
{
	struct slice tag = slice_split(&text, ';'), name = slice_split(&tag, '=');

	return slice_eq(slice_trim(name), S("v")) && slice_eq(slice_trim(tag), version);
}

int
txt_record_find(struct dns_memo *memo, struct slice label, struct slice domain,
	struct slice version, struct slice *ret)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(1024);
	const struct dns_answer *txt;
	struct slice record = SLICE_NONE;
	size_t n = 0;

	buf_put(&name, label);
	buf_putc(&name, '.');
	buf_put(&name, domain);
	if (buf_err(&name))
		return buf_err(&name) == LL_ERR_LIMIT ? LL_ERR_NOTFOUND : buf_err(&name);
	txt = dns_memo_get(memo, buf_slice(&name), DNS_TXT);
	if (!txt)
		return LL_ERR_AGAIN;
	if (txt->status >= DNS_SERVFAIL)
		return LL_ERR_IO;
	for (size_t i = 0; i < txt->count; i++)
		if (txt_record_is(txt->records[i].text, version)) {
			record = txt->records[i].text;
			n++;
		}
	if (n != 1)
		return LL_ERR_NOTFOUND;
	*ret = record;
	return LL_OK;
}
