/* Asking for a verdict over a made-up zone. */
#ifndef UNIT_SPF_ASK_H
#define UNIT_SPF_ASK_H

#include "mail/spf.h"
#include "zone.h"

#define V4 "192.0.2.3"
#define V6 "2001:db8::cb01"

struct row {
	const char *record;
	const char *ip;
	const char *sender;
	enum spf_result want;
	const char *mechanism; /* that matched, or NULL not to look */
};

static inline struct spf_verdict
check(struct zone *z, const struct spf_request *q, struct arena *a)
{
	struct dns_memo *memo = dns_memo_new();
	struct spf_verdict v = {0};
	int r;

	do {
		arena_reset(a);
		r = spf_check(q, memo, a, &v);
	} while (r == LL_ERR_AGAIN && zone_serve(z, memo));
	CHECK_INT(r, 0);
	/* Copies: the verdict points into the memo. */
	v.mechanism = arena_dup(a, v.mechanism);
	v.explanation = arena_dup(a, v.explanation);
	v.domain = arena_dup(a, v.domain);
	dns_memo_free(memo);
	return v;
}

static inline struct spf_request
request(const char *ip, const char *sender)
{
	struct spf_request q = {
		.helo = S("client.example"),
		.mail_from = slice_str(sender),
		.receiver = S("mx.receiver.example"),
		.now = 1234567890,
	};

	CHECK_INT(ip_addr_parse(slice_str(ip), &q.ip), 0);
	return q;
}

#endif
