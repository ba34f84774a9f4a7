/* SPF over whole zones: the examples of RFC 7208, how often the DNS is asked, and how much of it.
 */
#include "spf_ask.h"

/* Appendix A of RFC 7208: the setup of A.1 and the results its text gives. */
static void
appendix_a(void)
{
	static struct zone_record zone[] = {
		{"example.com", "TXT", ""},
		{"example.com", "MX", "10 mail-a.example.com"},
		{"example.com", "MX", "20 mail-b.example.com"},
		{"example.com", "A", "192.0.2.10"},
		{"example.com", "A", "192.0.2.11"},
		{"amy.example.com", "A", "192.0.2.65"},
		{"bob.example.com", "A", "192.0.2.66"},
		{"mail-a.example.com", "A", "192.0.2.129"},
		{"mail-b.example.com", "A", "192.0.2.130"},
		{"www.example.com", "CNAME", "example.com"},
		{"example.org", "MX", "10 mail-c.example.org"},
		{"mail-c.example.org", "A", "192.0.2.140"},
		{"10.2.0.192.in-addr.arpa", "PTR", "example.com"},
		{"11.2.0.192.in-addr.arpa", "PTR", "example.com"},
		{"65.2.0.192.in-addr.arpa", "PTR", "amy.example.com"},
		{"66.2.0.192.in-addr.arpa", "PTR", "bob.example.com"},
		{"129.2.0.192.in-addr.arpa", "PTR", "mail-a.example.com"},
		{"130.2.0.192.in-addr.arpa", "PTR", "mail-b.example.com"},
		{"140.2.0.192.in-addr.arpa", "PTR", "mail-c.example.org"},
		{"4.0.0.10.in-addr.arpa", "PTR", "bob.example.com"},
		{"la.example.org", "TXT", "v=spf1 redirect=example.com"},
		{"mary.mobile-users._spf.example.com", "A", "127.0.0.2"},
		{"15.0.168.192.joel.remote-users._spf.example.com", "A", "127.0.0.2"},
		{"mobile-users._spf.example.com", "TXT", "v=spf1 exists:%{l1r+}.%{d}"},
		{"remote-users._spf.example.com", "TXT", "v=spf1 exists:%{ir}.%{l1r+}.%{d}"},
	};
#define USERS "v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all"
	static const struct row rows[] = {
		{"v=spf1 +all", "203.0.113.1", NULL, SPF_PASS, NULL},
		{"v=spf1 a -all", "192.0.2.10", NULL, SPF_PASS, NULL},
		{"v=spf1 a -all", "192.0.2.11", NULL, SPF_PASS, NULL},
		{"v=spf1 a -all", "192.0.2.65", NULL, SPF_FAIL, NULL},
		{"v=spf1 a:example.org -all", "192.0.2.10", NULL, SPF_FAIL, NULL},
		{"v=spf1 mx -all", "192.0.2.129", NULL, SPF_PASS, NULL},
		{"v=spf1 mx -all", "192.0.2.130", NULL, SPF_PASS, NULL},
		{"v=spf1 mx -all", "192.0.2.10", NULL, SPF_FAIL, NULL},
		{"v=spf1 mx:example.org -all", "192.0.2.140", NULL, SPF_PASS, NULL},
		{"v=spf1 mx:example.org -all", "192.0.2.129", NULL, SPF_FAIL, NULL},
		{"v=spf1 mx mx:example.org -all", "192.0.2.140", NULL, SPF_PASS, NULL},
		{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", NULL, SPF_PASS, NULL},
		{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", NULL, SPF_PASS, NULL},
		{"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.132", NULL, SPF_FAIL, NULL},
		{"v=spf1 ptr -all", "192.0.2.65", NULL, SPF_PASS, NULL},
		{"v=spf1 ptr -all", "192.0.2.140", NULL, SPF_FAIL, NULL},
		{"v=spf1 ptr -all", "10.0.0.4", NULL, SPF_FAIL, NULL},
		{"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", NULL, SPF_FAIL, NULL},
		{"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", NULL, SPF_PASS, NULL},
		{"v=spf1 a -all", "192.0.2.10", "u@la.example.org", SPF_PASS, NULL},
		{USERS, "203.0.113.1", "mary@example.com", SPF_PASS, NULL},
		{USERS, "203.0.113.1", "mary+tag@example.com", SPF_PASS, NULL},
		{USERS, "192.168.0.15", "joel@example.com", SPF_PASS, NULL},
		{USERS, "192.168.0.16", "joel@example.com", SPF_FAIL, NULL},
		{USERS, "192.0.2.130", "anne@example.com", SPF_PASS, NULL},
	};
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct zone z = ZONE(zone);
		struct spf_request q =
			request(rows[i].ip, rows[i].sender ? rows[i].sender : "u@example.com");

		zone[0].value = rows[i].record;
		if (check(&z, &q, &a).result != rows[i].want) {
			fprintf(stderr, "appendix A row %zu: %s\n", i, rows[i].record);
			CHECK(false);
		}
	}
}

/* Includes side by side cost one round trip, and a match before them none. */
static void
round_trips(void)
{
	static const struct zone_record zone[] = {
		{"wide.example", "TXT",
			"v=spf1 ip4:192.0.2.9 include:a.example include:b.example "
			"include:c.example "
			"a:h.example mx:m.example -all"},
		{"a.example", "TXT", "v=spf1 ip4:198.51.100.1 -all"},
		{"b.example", "TXT", "v=spf1 ip4:198.51.100.2 -all"},
		{"c.example", "TXT", "v=spf1 ip4:198.51.100.3 -all"},
		{"h.example", "A", "198.51.100.4"},
		{"m.example", "MX", "10 h.example"},
	};
	static const struct {
		const char *ip;
		enum spf_result want;
		unsigned rounds, queries;
	} rows[] = {
		{"192.0.2.9", SPF_PASS, 1, 1},
		{"198.51.100.1", SPF_PASS, 2, 6},
		{"198.51.100.3", SPF_PASS, 2, 6},
		{"203.0.113.1", SPF_FAIL, 2, 6},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
		struct spf_request q = request(rows[i].ip, "u@wide.example");
		struct dns_memo *memo = dns_memo_new();
		struct zone z = ZONE(zone);
		struct spf_verdict v = {0};
		unsigned rounds = 0;

		while (spf_check(&q, memo, &a, &v) == LL_ERR_AGAIN && zone_serve(&z, memo))
			rounds++;
		CHECK_INT(v.result, rows[i].want);
		CHECK_INT(rounds, rows[i].rounds);
		CHECK_INT(z.queries, rows[i].queries);
		dns_memo_free(memo);
	}
}

/* More than ten MX records are an error; more than ten PTR names are not looked at. */
static void
many(void)
{
	static struct zone_record zone[24];
	static char names[12][32];
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	struct zone z = ZONE(zone);
	struct spf_request q = request(V4, "u@m.example");

	for (int i = 0; i < 11; i++) {
		snprintf(names[i], sizeof(names[i]), "%d mx%d.example", i, i);
		zone[i] = (struct zone_record){"m.example", "MX", names[i]};
	}
	zone[11] = (struct zone_record){"m.example", "TXT", "v=spf1 mx -all"};
	zone[12] = (struct zone_record){"mx0.example", "A", V4};
	for (int i = 13; i < 24; i++)
		zone[i] = (struct zone_record){"3.2.0.192.in-addr.arpa", "PTR", "x.example"};
	CHECK_INT(check(&z, &q, &a).result, SPF_PERMERROR);
	zone[10].name = "elsewhere.example";
	CHECK_INT(check(&z, &q, &a).result, SPF_PASS);
	zone[11].value = "v=spf1 ptr:mx0.example -all";
	zone[23].value = "mx0.example"; /* the eleventh */
	CHECK_INT(check(&z, &q, &a).result, SPF_FAIL);
	zone[22].value = "mx0.example";
	CHECK_INT(check(&z, &q, &a).result, SPF_PASS);
}

T_MAIN(T(appendix_a), T(round_trips), T(many))
