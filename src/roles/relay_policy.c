/* Which host, how safe: pure functions, so that every case can be tested. */
#include "roles/relay_policy.h"

static struct relay_need
need_sts(const struct relay_facts *f)
{
	struct relay_need need = {.usable = true, .policy = TLSRPT_POLICY_STS};

	if (!f->sts_lists) {
		need.failed = true;
		need.failure = TLSRPT_CERTIFICATE_HOST_MISMATCH;
		need.why = "the mail server is not in the domain's MTA-STS policy";
	}
	/* RFC 8461 section 5: testing changes nothing but what is reported. */
	if (f->sts == MTASTS_MODE_TESTING) {
		need.report = true;
		return need;
	}
	need.usable = f->sts_lists;
	need.encrypt = need.match = true;
	return need;
}

struct relay_need
relay_policy_need(const struct relay_facts *f)
{
	switch (f->dane) {
	case DANE_DEFER:
		return (struct relay_need){.policy = TLSRPT_POLICY_TLSA,
			.encrypt = true,
			.match = true,
			.failed = true,
			.failure = TLSRPT_DNSSEC_INVALID,
			.why = "the DNS cannot say how the mail server is to be trusted"};
	case DANE_ENCRYPT:
	case DANE_VERIFY:
		return (struct relay_need){.usable = true,
			.policy = TLSRPT_POLICY_TLSA,
			.encrypt = true,
			.match = f->dane == DANE_VERIFY};
	case DANE_NONE:
		break;
	}
	if (f->sts != MTASTS_MODE_NONE)
		return need_sts(f);
	return (struct relay_need){.usable = true, .policy = TLSRPT_POLICY_NONE};
}

bool
relay_policy_trim(struct mx_route *route, struct slice self)
{
	size_t keep = 0, i = 0;

	while (i < route->count && !slice_ieq(route->hosts[i].host, self))
		i++;
	if (i == route->count)
		return false;
	while (keep < i && route->hosts[keep].preference < route->hosts[i].preference)
		keep++;
	route->count = keep;
	return keep == 0;
}

void
relay_policy_shuffle(struct mx_route *route, uint32_t (*random)(uint32_t n))
{
	for (size_t from = 0, to; from < route->count; from = to) {
		for (to = from + 1; to < route->count &&
			route->hosts[to].preference == route->hosts[from].preference;)
			to++;
		for (size_t n = to - from; n > 1; n--) {
			size_t i = from + n - 1, j = from + random((uint32_t)n);
			struct mx_host t = route->hosts[i];
			route->hosts[i] = route->hosts[j];
			route->hosts[j] = t;
		}
	}
}

const struct ip_addr *
relay_policy_address(const struct ip_addr *at, size_t count, size_t nth)
{
	size_t n = 0;

	for (int version = 6; version >= 4; version -= 2)
		for (size_t i = 0; i < count; i++)
			if (at[i].version == version && n++ == nth)
				return &at[i];
	return NULL;
}
