/* MTA-STS policies and records, TLSRPT records, and mail routing with DANE over a DNS made of the
 * input. A policy that parses parses again from its own writing; matching agrees with its
 * patterns; a route and a host are the same in whatever order answers come. */
#include "answers.h"
#include "base/error.h"
#include "mail/dane.h"
#include "mail/mtasts.h"
#include "mail/tlsrpt.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_policy(struct buf *out, const struct mtasts_policy *p)
{
	static const char *const modes[] = {"none", "testing", "enforce"};

	buf_printf(out, "version: STSv1\nmode: %s\nmax_age: %u\n", modes[p->mode], p->max_age);
	for (size_t i = 0; i < p->mx_count; i++)
		buf_printf(out, "mx: %.*s\n", SLICE_ARG(p->mx[i]));
}

static void
check_policy(struct slice in)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT((size_t)1 << 20);
	struct mtasts_policy p, again;

	if (mtasts_policy_parse(in, &p))
		return;
	MUST(p.max_age <= MTASTS_AGE_MAX && (p.mx_count || p.mode == MTASTS_MODE_NONE));
	write_policy(&text, &p);
	MUST(!buf_err(&text) && !mtasts_policy_parse(buf_slice(&text), &again));
	MUST(again.mode == p.mode && again.max_age == p.max_age && again.mx_count == p.mx_count);
	for (size_t i = 0; i < p.mx_count; i++) {
		struct slice host = p.mx[i];

		MUST(slice_eq(host, again.mx[i]));
		MUST(mtasts_mx_match(&p, host));
	}
	MUST(!mtasts_mx_match(&p, SLICE_NONE) && !mtasts_mx_match(&p, S(".")));
}

static void
check_records(struct slice in)
{
	struct tlsrpt_record report;
	struct slice id;

	if (!mtasts_record_parse(in, &id))
		MUST(id.len && id.len <= 32);
	if (!tlsrpt_record_parse(in, &report))
		MUST(report.count && report.count <= TLSRPT_URIS_MAX);
}

static struct dane_host
find_host(struct slice domain, struct slice lines, unsigned at_once, struct arena *a,
	struct dns_memo *memo)
{
	struct answers answers = {.lines = lines};
	struct mx_route route = {0};
	struct dane_host host = {0};
	int r;

	do {
		r = mx_route_find(domain, memo, a, &route);
	} while (r == LL_ERR_AGAIN && answers_serve(&answers, memo, at_once));
	MUST(r == LL_OK && route.count <= MX_HOSTS_MAX);
	MUST((route.count != 0) == (route.status == MX_FOUND || route.status == MX_IMPLICIT));
	if (!route.count)
		return host;
	do {
		r = dane_host_find(&route, route.hosts[0].host, 25, memo, a, &host);
	} while (r == LL_ERR_AGAIN && answers_serve(&answers, memo, at_once));
	MUST(r == LL_OK);
	MUST((host.state == DANE_VERIFY) == (host.record_count != 0));
	MUST(host.state == DANE_NONE || route.secure || host.state == DANE_DEFER);
	MUST(host.name_count >= 1 && host.base.len);
	return host;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT((size_t)1 << 20);
	struct slice in = slice_new(data, size), rest = in;
	struct slice domain = slice_sub(slice_line(&rest), 0, 1000);
	struct dns_memo *one = dns_memo_new(), *all = dns_memo_new();
	struct dane_host v, w;

	MUST(one && all);
	check_policy(in);
	check_records(in);
	v = find_host(domain, rest, 1, &a, one);
	w = find_host(domain, rest, UINT32_MAX, &a, all);
	MUST(v.state == w.state && v.record_count == w.record_count);
	MUST(v.address_count == w.address_count && slice_eq(v.base, w.base));
	dns_memo_free(one);
	dns_memo_free(all);
	return 0;
}
