/* Records in a message: each with a length of two bytes before it. */
#include "roles/dns_answer.h"
#include "base/buf.h"

int
dns_answer_put(struct dns_memo *memo, const struct dns_query *q, const struct msg_dns_answer *m)
{
	struct slice rdata[DNS_RECORDS_MAX];
	struct dns_reply reply = {.status = (enum dns_status)m->status,
		.secure = m->secure,
		.ttl = m->ttl,
		.canonical = m->cname,
		.rdata = rdata};
	struct reader r = reader_new(m->rdata);

	while (r.rest.len && !r.err && reply.count < DNS_RECORDS_MAX)
		rdata[reply.count++] = reader_bytes(&r, reader_be16(&r));
	if (r.err || m->status > DNS_BOGUS)
		reply = (struct dns_reply){.status = DNS_SERVFAIL};
	return dns_memo_put(memo, q, &reply);
}
