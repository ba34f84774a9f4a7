/* DNS for fuzz targets: every answer follows from the name asked for and the lines of the input, so
 * that two runs over the same input see the same DNS in whatever order they ask. */
#ifndef TESTS_FUZZ_POLICY_ANSWERS_H
#define TESTS_FUZZ_POLICY_ANSWERS_H

#include "../cut.h"
#include "base/buf.h"
#include "mail/dns_memo.h"

#include <stdlib.h>
#include <string.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

struct answers {
	struct slice lines; /* TXT records, one a line */
	unsigned served;
};

static inline uint32_t
answers_hash(const struct dns_query *q)
{
	uint32_t h = 2166136261u ^ (uint32_t)q->type;

	for (size_t i = 0; i < q->name.len; i++)
		h = (h ^ q->name.ptr[i]) * 16777619u;
	return h ^ h >> 15;
}

static inline struct slice
answers_line(const struct answers *a, uint32_t hash)
{
	struct slice rest = a->lines, line = SLICE_NONE;
	size_t lines = 1;

	for (size_t i = 0; i < rest.len; i++)
		lines += rest.ptr[i] == '\n';
	for (size_t n = hash % lines + 1; n; n--)
		line = slice_split(&rest, '\n');
	return slice_sub(line, 0, 2000);
}

static inline void
answers_rdata(const struct answers *a, const struct dns_query *q, uint32_t hash, struct buf *out)
{
	static const char *const hosts[] = {"\1a\7example", "\4mail\7example", "\1b\1c\3org"};
	const char *host = hosts[hash / 7 % 3];
	struct slice text;

	switch (q->type) {
	case DNS_A:
		buf_put_be32(out, 0xc0000200u | (hash & 3));
		break;
	case DNS_AAAA:
		buf_put_fill(out, (uint8_t)(hash & 1), 16);
		break;
	case DNS_MX:
		buf_put_be16(out, (uint16_t)(hash >> 8));
		buf_put(out, slice_new(host, strlen(host) + 1));
		break;
	case DNS_SRV:
	case DNS_OPENPGPKEY:
	case DNS_PTR:
	case DNS_CNAME:
		buf_put(out, slice_new(host, strlen(host) + 1));
		break;
	case DNS_TXT:
		text = answers_line(a, hash);
		do {
			struct slice part = slice_sub(text, 0, 255);

			buf_putc(out, (uint8_t)part.len);
			buf_put(out, part);
			text = slice_skip(text, part.len);
		} while (text.len);
		break;
	case DNS_TLSA:
		buf_put_be32(out, hash);
		break;
	}
}

static inline void
answers_one(struct answers *a, struct dns_memo *memo, const struct dns_query *q)
{
	CLEANUP(buf_done) struct buf rdata = BUF_INIT(4096);
	uint32_t hash = answers_hash(q);
	struct slice record;
	struct dns_reply reply = {
		.status = DNS_OK, .secure = hash & 64, .rdata = &record, .count = 1};

	if (hash % 11 == 0)
		reply.status = DNS_SERVFAIL;
	else if (hash % 11 == 1)
		reply.status = DNS_NXDOMAIN;
	else if (hash % 11 == 2)
		reply.status = DNS_NODATA;
	answers_rdata(a, q, hash, &rdata);
	record = buf_slice(&rdata);
	MUST(dns_memo_put(memo, q, &reply) <= 0);
	a->served++;
}

/* How many answers come between two looks at them. One each, which costs the most as every look
 * starts from the beginning, is for one input in four. */
static inline unsigned
answers_few(struct slice input)
{
	uint32_t hash = fuzz_hash(input);

	return hash % 4 ? 2 + hash / 4 % 3 : 1;
}

/* Serves at most `most` queries; false when nothing was wanted. */
static inline bool
answers_serve(struct answers *a, struct dns_memo *memo, unsigned most)
{
	struct dns_query q;
	bool any = false;

	for (; most && dns_memo_wanted(memo, &q); most--) {
		answers_one(a, memo, &q);
		any = true;
	}
	return any;
}

#endif
