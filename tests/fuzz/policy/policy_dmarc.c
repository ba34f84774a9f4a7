/* DMARC. The input: author, SPF domain, DKIM domain, then TXT records for all names. The walk is
 * bounded, the verdict does not depend on the order of answers, and a pass needs a domain that
 * shares the organization. */
#include "answers.h"
#include "base/error.h"
#include "mail/dmarc.h"
#include "mail/domain.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dmarc_verdict
check(const struct dmarc_input *in, struct slice lines, unsigned at_once, struct arena *a,
	struct dns_memo *memo)
{
	struct answers answers = {.lines = lines};
	struct dmarc_verdict v = {0};
	int r;

	do {
		r = dmarc_check(in, memo, a, &v);
	} while (r == LL_ERR_AGAIN && answers_serve(&answers, memo, at_once));
	MUST(r == LL_OK);
	MUST(answers.served <= 3 * DMARC_WALK_MAX + 3);
	return v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT((size_t)16 << 20);
	struct slice in = slice_new(data, size), dkim;
	struct dns_memo *one = dns_memo_new(), *all = dns_memo_new();
	struct dmarc_input q = {.dkim_domains = &dkim};
	struct dmarc_verdict v, w;

	MUST(one && all);
	q.author = slice_line(&in);
	q.spf_domain = slice_line(&in);
	dkim = slice_line(&in);
	q.dkim_count = dkim.len != 0;
	v = check(&q, in, answers_few(in), &a, one);
	w = fuzz_twice(in) ? check(&q, in, UINT32_MAX, &a, all) : v;
	MUST(v.result == w.result && v.disposition == w.disposition);
	MUST(v.disposition <= v.published);
	MUST(v.disposition == DMARC_POLICY_NONE || v.result == DMARC_FAIL);
	MUST((v.result == DMARC_PASS) == (v.spf_aligned || v.dkim_aligned));
	if (v.policy_domain.len)
		MUST(domain_within(v.author, v.policy_domain));
	if (v.organization.len)
		MUST(domain_within(v.author, v.organization));
	dns_memo_free(one);
	dns_memo_free(all);
	return 0;
}
