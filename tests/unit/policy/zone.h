/* A small name server for tests: a table of records answers what the DNS memo wants, in wire form.
 */
#ifndef TESTS_UNIT_POLICY_ZONE_H
#define TESTS_UNIT_POLICY_ZONE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "mail/dns_memo.h"
#include "t.h"

#include <arpa/inet.h>

struct zone_record {
	const char *name;
	const char *type; /* "A", ..., or "FAIL" (every query fails), "BOGUS" */
	const char *value;
};

struct zone {
	const struct zone_record *records;
	size_t count;
	bool secure; /* all answers validated */
	const char *insecure; /* a name whose answers are not; may be NULL */
	unsigned queries; /* how many were asked */
};

static const struct {
	const char *name;
	enum dns_type type;
} zone_types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX}, {"TXT", DNS_TXT},
	{"PTR", DNS_PTR}, {"CNAME", DNS_CNAME}, {"TLSA", DNS_TLSA}, {"OPENPGPKEY", DNS_OPENPGPKEY}};

static inline void
zone_put_name(struct buf *out, struct slice name)
{
	while (name.len) {
		struct slice label = slice_split(&name, '.');

		buf_putc(out, (uint8_t)label.len);
		buf_put(out, label);
	}
	buf_putc(out, 0);
}

/* A TXT value; "|" cuts it into strings. */
static inline void
zone_put_text(struct buf *out, struct slice text)
{
	if (!text.len)
		buf_putc(out, 0);
	while (text.len) {
		struct slice part = slice_split(&text, '|');

		while (part.len > 255) {
			buf_putc(out, 255);
			buf_put(out, slice_sub(part, 0, 255));
			part = slice_skip(part, 255);
		}
		buf_putc(out, (uint8_t)part.len);
		buf_put(out, part);
	}
}

static inline void
zone_put_rdata(struct buf *out, enum dns_type type, const char *value)
{
	struct slice v = slice_str(value), number;
	uint64_t n = 0;
	uint8_t *p;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		p = buf_room(out, 16);
		if (!p || inet_pton(type == DNS_A ? AF_INET : AF_INET6, value, p) != 1)
			abort();
		buf_grow(out, type == DNS_A ? 4 : 16);
		break;
	case DNS_MX:
		number = slice_split(&v, ' ');
		if (slice_u64(number, 65535, &n))
			abort();
		buf_put_be16(out, (uint16_t)n);
		zone_put_name(out, slice_eq(v, S(".")) ? SLICE_NONE : v);
		break;
	case DNS_TXT:
		zone_put_text(out, v);
		break;
	case DNS_SRV:
	case DNS_OPENPGPKEY: /* hex */
		if (hex_decode(out, v))
			abort();
		break;
	case DNS_TLSA: /* "3 1 1 hex" */
		for (int i = 0; i < 3; i++) {
			if (slice_u64(slice_split(&v, ' '), 255, &n))
				abort();
			buf_putc(out, (uint8_t)n);
		}
		if (hex_decode(out, v))
			abort();
		break;
	case DNS_PTR:
	case DNS_CNAME:
		zone_put_name(out, v);
		break;
	}
}

/* What a name has: records of the type, its CNAME, or just its being there. */
struct zone_found {
	const char *cname;
	bool exists, fails, bogus;
};

static inline struct zone_found
zone_look(const struct zone *z, struct slice name, enum dns_type type, struct buf *data,
	struct slice *rdata, size_t *count)
{
	struct zone_found f = {0};

	for (size_t i = 0; i < z->count; i++) {
		const struct zone_record *r = &z->records[i];
		struct slice own = slice_str(r->name);

		/* Names above a record exist as well. */
		if (slice_iends(own, name) &&
			(own.len == name.len || own.ptr[own.len - name.len - 1] == '.'))
			f.exists = true;
		if (!slice_ieq(own, name))
			continue;
		f.fails |= !strcmp(r->type, "FAIL");
		f.bogus |= !strcmp(r->type, "BOGUS");
		if (!strcmp(r->type, "CNAME"))
			f.cname = r->value;
		for (size_t t = 0; t < ARRAY_SIZE(zone_types); t++) {
			if (zone_types[t].type != type || strcmp(zone_types[t].name, r->type))
				continue;
			rdata[*count].len = data->len;
			zone_put_rdata(data, type, r->value);
			rdata[*count].len = data->len - rdata[*count].len;
			(*count)++;
		}
	}
	return f;
}

/* Answers one query; the memo must take it. */
static inline void
zone_answer(struct zone *z, struct dns_memo *memo, const struct dns_query *q)
{
	CLEANUP(buf_done) struct buf data = BUF_INIT(1 << 20);
	static struct slice rdata[1024];
	struct dns_reply reply = {.secure = z->secure, .ttl = 300, .rdata = rdata};
	struct slice name = q->name;
	struct zone_found f;
	size_t offset = 0;

	for (int hops = 0; hops < 8; hops++) {
		if (z->insecure && slice_ieq(name, slice_str(z->insecure)))
			reply.secure = false;
		f = zone_look(z, name, q->type, &data, rdata, &reply.count);
		if (reply.count || !f.cname || q->type == DNS_CNAME)
			break;
		name = slice_str(f.cname);
	}
	reply.canonical = name;
	for (size_t i = 0; i < reply.count; i++) {
		rdata[i].ptr = data.ptr + offset;
		offset += rdata[i].len;
	}
	reply.status = f.fails ? DNS_SERVFAIL
		: f.bogus      ? DNS_BOGUS
		: reply.count  ? DNS_OK
		: f.exists     ? DNS_NODATA
			       : DNS_NXDOMAIN;
	z->queries++;
	CHECK_INT(dns_memo_put(memo, q, &reply), 0);
}

/* Answers all that is wanted; false when nothing was. */
static inline bool
zone_serve(struct zone *z, struct dns_memo *memo)
{
	struct dns_query q;
	bool any = false;

	while (dns_memo_wanted(memo, &q)) {
		zone_answer(z, memo, &q);
		any = true;
	}
	return any;
}

#define ZONE(table) ((struct zone){.records = (table), .count = ARRAY_SIZE(table)})

#endif
