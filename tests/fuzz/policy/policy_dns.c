/* Wire data of DNS answers. The input: a byte for the type, a byte for flags, then records with two
 * bytes of length before each. Names that were parsed encode and parse to themselves; nothing is
 * longer than what it came from; a usable TLSA record has the length its type asks for. */
#include "answers.h"
#include "base/error.h"
#include "mail/dane.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = {
	DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA};

static void
encode_name(struct buf *out, struct slice name)
{
	while (name.len) {
		struct slice label = slice_split(&name, '.');

		MUST(label.len && label.len <= 63);
		buf_putc(out, (uint8_t)label.len);
		buf_put(out, label);
	}
	buf_putc(out, 0);
}

static void
check_name(struct slice name)
{
	CLEANUP(buf_done) struct buf wire = BUF_INIT(1024);
	struct dns_memo *memo = dns_memo_new();
	struct dns_query q = {S("again.example"), DNS_PTR};
	struct slice rdata;
	struct dns_reply reply = {.status = DNS_OK, .rdata = &rdata, .count = 1};
	const struct dns_answer *a;

	MUST(memo && name.len && name.len <= DNS_NAME_MAX);
	encode_name(&wire, name);
	MUST(!buf_err(&wire));
	rdata = buf_slice(&wire);
	MUST(!dns_memo_put(memo, &q, &reply));
	a = dns_memo_get(memo, q.name, q.type);
	MUST(a && a->count == 1 && slice_eq(a->records[0].name, name));
	dns_memo_free(memo);
}

static void
check_record(enum dns_type type, const struct dns_record *r)
{
	if (type == DNS_A)
		MUST(r->ip.len == 4);
	if (type == DNS_AAAA)
		MUST(r->ip.len == 16);
	if (type == DNS_PTR || type == DNS_CNAME)
		check_name(r->name);
	if (type == DNS_MX && r->mx.host.len)
		check_name(r->mx.host);
	if (type == DNS_TLSA && dane_record_usable(&r->tlsa))
		MUST(r->tlsa.data.len && (r->tlsa.matching != 1 || r->tlsa.data.len == 32));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_new(slice_new(data, size));
	struct dns_query q = {S("x.example"), types[reader_u8(&r) % ARRAY_SIZE(types)]};
	uint8_t flags = reader_u8(&r);
	struct slice rdata[DNS_RECORDS_MAX + 8];
	struct dns_reply reply = {.secure = flags & 1, .rdata = rdata, .status = flags >> 1 & 1};
	struct dns_memo *memo = dns_memo_new();
	const struct dns_answer *a;
	size_t bytes = 0, text = 0;

	MUST(memo);
	while (r.rest.len && !r.err && reply.count < ARRAY_SIZE(rdata)) {
		rdata[reply.count] = reader_bytes(&r, reader_be16(&r));
		bytes += rdata[reply.count++].len;
	}
	MUST(dns_memo_put(memo, &q, &reply) <= 0);
	a = dns_memo_get(memo, q.name, q.type);
	MUST(a && (a->status == DNS_OK) == (a->count != 0) && a->count <= reply.count);
	for (size_t i = 0; i < a->count; i++) {
		check_record(q.type, &a->records[i]);
		text += q.type == DNS_TXT ? a->records[i].text.len : 0;
	}
	MUST(text <= bytes);
	dns_memo_free(memo);
	return 0;
}
