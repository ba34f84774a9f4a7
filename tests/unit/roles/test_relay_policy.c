/* Relay's decisions: how safe a connection must be, and who is tried in which order. */
#include "../t.h"
#include "base/error.h"
#include "roles/relay_policy.h"

static void
test_needs(void)
{
	static const struct {
		struct relay_facts facts;
		bool usable, encrypt, match, report, failed;
		enum tlsrpt_policy policy;
		enum tlsrpt_failure failure;
	} cases[] = {
		/* DANE decides alone, whatever MTA-STS says. */
		{{DANE_VERIFY, MTASTS_MODE_NONE, false}, true, true, true, false, false,
			TLSRPT_POLICY_TLSA, 0},
		{{DANE_VERIFY, MTASTS_MODE_ENFORCE, false}, true, true, true, false, false,
			TLSRPT_POLICY_TLSA, 0},
		{{DANE_ENCRYPT, MTASTS_MODE_NONE, false}, true, true, false, false, false,
			TLSRPT_POLICY_TLSA, 0},
		{{DANE_ENCRYPT, MTASTS_MODE_ENFORCE, true}, true, true, false, false, false,
			TLSRPT_POLICY_TLSA, 0},
		{{DANE_DEFER, MTASTS_MODE_NONE, false}, false, true, true, false, true,
			TLSRPT_POLICY_TLSA, TLSRPT_DNSSEC_INVALID},
		{{DANE_DEFER, MTASTS_MODE_TESTING, true}, false, true, true, false, true,
			TLSRPT_POLICY_TLSA, TLSRPT_DNSSEC_INVALID},
		/* MTA-STS */
		{{DANE_NONE, MTASTS_MODE_ENFORCE, true}, true, true, true, false, false,
			TLSRPT_POLICY_STS, 0},
		{{DANE_NONE, MTASTS_MODE_ENFORCE, false}, false, true, true, false, true,
			TLSRPT_POLICY_STS, TLSRPT_CERTIFICATE_HOST_MISMATCH},
		{{DANE_NONE, MTASTS_MODE_TESTING, true}, true, false, false, true, false,
			TLSRPT_POLICY_STS, 0},
		{{DANE_NONE, MTASTS_MODE_TESTING, false}, true, false, false, true, true,
			TLSRPT_POLICY_STS, TLSRPT_CERTIFICATE_HOST_MISMATCH},
		/* nothing is promised */
		{{DANE_NONE, MTASTS_MODE_NONE, false}, true, false, false, false, false,
			TLSRPT_POLICY_NONE, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct relay_need n = relay_policy_need(&cases[i].facts);
		CHECK_INT(n.usable, cases[i].usable);
		CHECK_INT(n.encrypt, cases[i].encrypt);
		CHECK_INT(n.match, cases[i].match);
		CHECK_INT(n.report, cases[i].report);
		CHECK_INT(n.failed, cases[i].failed);
		CHECK_INT(n.policy, cases[i].policy);
		if (n.failed)
			CHECK_INT(n.failure, cases[i].failure);
		CHECK((n.why != NULL) == n.failed);
	}
}

static struct mx_route
route_of(size_t n, const struct mx_host *hosts)
{
	struct mx_route r = {.status = MX_FOUND, .count = n};

	memcpy(r.hosts, hosts, n * sizeof(*hosts));
	return r;
}

static const struct mx_host hosts[] = {
	{5, S("a.example")},
	{10, S("b.example")},
	{10, S("c.example")},
	{20, S("d.example")},
};

static void
test_trim(void)
{
	static const struct {
		const char *self;
		size_t left;
		bool loop;
	} cases[] = {
		{"elsewhere.example", 4, false},
		{"a.example", 0, true},
		{"b.example", 1, false},
		{"C.Example", 1, false}, /* the one beside it is not preferred either */
		{"d.example", 3, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mx_route r = route_of(4, hosts);
		CHECK_INT(relay_policy_trim(&r, slice_str(cases[i].self)), cases[i].loop);
		CHECK_INT(r.count, cases[i].left);
		CHECK_INT(relay_policy_trim(&r, slice_str(cases[i].self)), false);
	}
}

static uint32_t
lowest(uint32_t n)
{
	return 0;
}

static uint32_t
highest(uint32_t n)
{
	return n - 1;
}

static void
test_shuffle(void)
{
	struct mx_route r = route_of(4, hosts);

	relay_policy_shuffle(&r, highest);
	for (size_t i = 0; i < 4; i++)
		CHECK_SLICE(r.hosts[i].host, hosts[i].host);
	relay_policy_shuffle(&r, lowest);
	CHECK_SLICE(r.hosts[0].host, S("a.example"));
	CHECK_SLICE(r.hosts[1].host, S("c.example"));
	CHECK_SLICE(r.hosts[2].host, S("b.example"));
	CHECK_SLICE(r.hosts[3].host, S("d.example"));
	r.count = 0;
	relay_policy_shuffle(&r, lowest);
}

static void
test_addresses(void)
{
	static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"};
	static const size_t order[] = {1, 3, 0, 2};
	struct ip_addr at[4];

	for (size_t i = 0; i < 4; i++)
		CHECK_INT(ip_addr_parse(slice_str(texts[i]), &at[i]), LL_OK);
	for (size_t i = 0; i < 4; i++)
		CHECK(relay_policy_address(at, 4, i) == &at[order[i]]);
	CHECK(relay_policy_address(at, 4, 4) == NULL);
	CHECK(relay_policy_address(at, 0, 0) == NULL);
}

T_MAIN(T(test_needs), T(test_trim), T(test_shuffle), T(test_addresses))
