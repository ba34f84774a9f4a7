/* SPF. The input: a line with the sender, a line with HELO, then TXT records for all the DNS. The
 * check ends, keeps its limits, and its result does not depend on how the answers came. */
#include "answers.h"
#include "base/error.h"
#include "mail/spf.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct spf_verdict
check(struct spf_request *q, struct slice lines, unsigned at_once, struct arena *a,
	struct dns_memo *memo)
{
	struct answers answers = {.lines = lines};
	struct spf_verdict v = {0};
	int r;

	do {
		arena_reset(a);
		r = spf_check(q, memo, a, &v);
	} while (r == LL_ERR_AGAIN && answers_serve(&answers, memo, at_once));
	MUST(r == LL_OK);
	MUST(answers.served <= DNS_MEMO_QUERIES_MAX);
	return v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT((size_t)16 << 20);
	CLEANUP(arena_done) struct arena b = ARENA_INIT((size_t)16 << 20);
	struct slice in = slice_new(data, size);
	struct dns_memo *one = dns_memo_new(), *all = dns_memo_new();
	struct spf_request q = {.receiver = S("mx.example"), .now = 1};
	struct spf_verdict v, w;

	MUST(one && all);
	q.mail_from = slice_line(&in);
	q.helo = slice_line(&in);
	q.identity = q.helo.len & 1 ? SPF_HELO : SPF_MAILFROM;
	MUST(!ip_addr_parse(size & 1 ? S("192.0.2.1") : S("::"), &q.ip));
	v = check(&q, in, answers_few(in), &a, one);
	w = fuzz_twice(in) ? check(&q, in, UINT32_MAX, &b, all) : v;
	MUST(v.result == w.result && v.lookups == w.lookups && v.voids == w.voids);
	MUST(slice_eq(v.mechanism, w.mechanism) && slice_eq(v.explanation, w.explanation));
	MUST(v.lookups <= SPF_LOOKUPS_MAX + 1 && v.voids <= SPF_VOID_MAX + 1);
	MUST((v.problem != NULL) == (v.result >= SPF_TEMPERROR));
	for (size_t i = 0; i < v.explanation.len; i++)
		MUST(v.explanation.ptr[i] >= 0x20 && v.explanation.ptr[i] < 0x7f);
	dns_memo_free(one);
	dns_memo_free(all);
	return 0;
}
