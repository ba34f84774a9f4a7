/* The DNS memo: names, caps, parsing of wire data, and that every run ends. */
#include "mail/domain.h"
#include "mail/ip.h"
#include "zone.h"

static void
asking(void)
{
	struct dns_memo *memo = dns_memo_new();
	struct dns_query q;
	struct dns_reply reply = {.status = DNS_NXDOMAIN, .secure = true, .ttl = 60};
	const struct dns_answer *a;

	CHECK(dns_memo_get(memo, S("WWW.Example.COM."), DNS_A) == NULL);
	CHECK(dns_memo_get(memo, S("www.example.com"), DNS_A) == NULL);
	CHECK(dns_memo_get(memo, S("www.example.com"), DNS_AAAA) == NULL);
	CHECK_INT(dns_memo_pending(memo), 2);
	CHECK(dns_memo_wanted(memo, &q));
	CHECK_SLICE(q.name, S("www.example.com"));
	CHECK_INT(q.type, DNS_A);
	CHECK_INT(dns_memo_put(memo, &q, &reply), 0);
	CHECK_INT(dns_memo_pending(memo), 1);
	CHECK(dns_memo_wanted(memo, &q));
	CHECK_INT(q.type, DNS_AAAA);
	CHECK(!dns_memo_wanted(memo, &q)); /* each is given once */
	a = dns_memo_get(memo, S("www.example.com"), DNS_A);
	CHECK(a && a->status == DNS_NXDOMAIN && a->secure && a->ttl == 60 && !a->count);
	CHECK_SLICE(a->canonical, S("www.example.com"));
	/* The first answer stays. */
	reply.status = DNS_SERVFAIL;
	q.type = DNS_A;
	CHECK_INT(dns_memo_put(memo, &q, &reply), 0);
	CHECK_INT(dns_memo_get(memo, S("www.example.com"), DNS_A)->status, DNS_NXDOMAIN);
	/* A failure is never secure. */
	q.type = DNS_AAAA;
	CHECK_INT(dns_memo_put(memo, &q, &reply), 0);
	CHECK(!dns_memo_get(memo, S("www.example.com"), DNS_AAAA)->secure);
	CHECK_INT(dns_memo_pending(memo), 0);
	dns_memo_free(memo);
	dns_memo_free(NULL);
}

static void
names(void)
{
	struct dns_memo *memo = dns_memo_new();
	static const char *const impossible[] = {"", ".", "a..b", ".a", "a..",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example"};
	struct dns_query q;
	uint8_t name[300];

	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		const struct dns_answer *a = dns_memo_get(memo, slice_str(impossible[i]), DNS_TXT);

		CHECK(a && a->status == DNS_NXDOMAIN);
	}
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	CHECK(dns_memo_get(memo, slice_new(name, 254), DNS_TXT) != NULL);
	CHECK(dns_memo_get(memo, slice_new(name, 253), DNS_TXT) == NULL);
	CHECK(dns_memo_wanted(memo, &q));
	CHECK_INT(q.name.len, 253);
	/* Odd bytes travel escaped, and find their answer again. */
	CHECK(dns_memo_get(memo, S("a b\\c\xff.example"), DNS_TXT) == NULL);
	CHECK(dns_memo_wanted(memo, &q));
	CHECK_SLICE(q.name, S("a\\032b\\092c\\255.example"));
	CHECK_INT(dns_memo_put(memo, &q, &(struct dns_reply){.status = DNS_NODATA}), 0);
	CHECK(dns_memo_get(memo, S("A b\\c\xff.EXAMPLE"), DNS_TXT) != NULL);
	dns_memo_free(memo);
}

/* Beyond the cap every question is answered at once: SERVFAIL. */
static void
caps(void)
{
	struct dns_memo *memo = dns_memo_new();
	static uint8_t big[60000];
	struct slice rdata[DNS_RECORDS_MAX + 5];
	struct dns_reply reply = {.status = DNS_OK, .rdata = rdata};
	struct dns_query q;
	size_t asked = 0;
	char name[32];
	int r = 0;

	for (unsigned i = 0; i < DNS_MEMO_QUERIES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		asked += !dns_memo_get(memo, slice_str(name), DNS_A);
	}
	CHECK_INT(asked, DNS_MEMO_QUERIES_MAX);
	CHECK_INT(dns_memo_get(memo, S("n300.example"), DNS_A)->status, DNS_SERVFAIL);
	dns_memo_free(memo);

	memo = dns_memo_new();
	for (size_t i = 0; i < sizeof(big); i += 256)
		big[i] = (uint8_t)MIN(sizeof(big) - i - 1, (size_t)255);
	rdata[0] = SLICE_OF(big);
	reply.count = 1;
	for (unsigned i = 0; !r && i < 100; i++) {
		snprintf(name, sizeof(name), "t%u.example", i);
		CHECK(dns_memo_get(memo, slice_str(name), DNS_TXT) == NULL);
		CHECK(dns_memo_wanted(memo, &q));
		r = dns_memo_put(memo, &q, &reply);
		CHECK_INT(dns_memo_get(memo, slice_str(name), DNS_TXT)->status,
			r ? DNS_SERVFAIL : DNS_OK);
	}
	CHECK_INT(r, LL_ERR_LIMIT);
	CHECK_INT(dns_memo_pending(memo), 0);
	dns_memo_free(memo);

	memo = dns_memo_new();
	for (size_t i = 0; i < ARRAY_SIZE(rdata); i++)
		rdata[i] = S("\x01\x02\x03\x04");
	reply.count = ARRAY_SIZE(rdata);
	q = (struct dns_query){S("many.example"), DNS_A};
	CHECK_INT(dns_memo_put(memo, &q, &reply), 0); /* unasked is fine */
	CHECK_INT(dns_memo_get(memo, S("many.example"), DNS_A)->count, DNS_RECORDS_MAX);
	dns_memo_free(memo);
}

static void
wire(void)
{
	static const struct {
		enum dns_type type;
		struct slice rdata, want; /* want ptr NULL: the record is dropped */
	} rows[] = {
		{DNS_A, {(const uint8_t *)"\1\2\3\4", 4}, {(const uint8_t *)"\1\2\3\4", 4}},
		{DNS_A, {(const uint8_t *)"\1\2\3\4\5", 5}, {0}},
		{DNS_A, {(const uint8_t *)"", 0}, {0}},
		{DNS_AAAA, {(const uint8_t *)"\1\2\3\4", 4}, {0}},
		{DNS_PTR, {(const uint8_t *)"\1A\2bC", 6}, {(const uint8_t *)"a.bc", 4}},
		{DNS_PTR, {(const uint8_t *)"\1a\2bc", 5}, {0}}, /* no end */
		{DNS_PTR, {(const uint8_t *)"\1a\0x", 4}, {0}}, /* something behind it */
		{DNS_PTR, {(const uint8_t *)"\0", 1}, {0}}, /* the root is no host */
		{DNS_PTR, {(const uint8_t *)"\xc0\0", 2}, {0}}, /* compressed */
		{DNS_PTR, {(const uint8_t *)"\3a.b\0", 5}, {0}}, /* a dot in a label */
		{DNS_PTR, {(const uint8_t *)"\2a\n\0", 4}, {0}},
		{DNS_CNAME, {(const uint8_t *)"\1a\0", 3}, {(const uint8_t *)"a", 1}},
		{DNS_TXT, {(const uint8_t *)"\2ab\0\3cde", 8}, {(const uint8_t *)"abcde", 5}},
		{DNS_TXT, {(const uint8_t *)"\3ab", 3}, {0}},
		{DNS_TXT, {(const uint8_t *)"", 0}, {0}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_memo *memo = dns_memo_new();
		struct dns_query q = {S("x.example"), rows[i].type};
		struct dns_reply reply = {.status = DNS_OK, .rdata = &rows[i].rdata, .count = 1};
		const struct dns_answer *a;

		CHECK_INT(dns_memo_put(memo, &q, &reply), 0);
		a = dns_memo_get(memo, S("x.example"), rows[i].type);
		CHECK_INT(a->status, rows[i].want.ptr ? DNS_OK : DNS_NODATA);
		CHECK_INT(a->count, rows[i].want.ptr ? 1 : 0);
		if (rows[i].want.ptr)
			CHECK_SLICE(a->records[0].name, rows[i].want);
		dns_memo_free(memo);
	}
}

static void
structured(void)
{
	static const struct zone_record zone[] = {
		{"m.example", "MX", "10 Mail.Example"},
		{"null.example", "MX", "0 ."},
		{"t.example", "TLSA", "3 1 1 00ff"},
		{"www.example", "CNAME", "m.example"},
		{"m.example", "A", "192.0.2.1"},
	};
	struct zone z = ZONE(zone);
	struct dns_memo *memo = dns_memo_new();
	struct slice shorts[] = {S("\3\1"), S("\3\1\1")};
	struct dns_query q = {S("short.example"), DNS_TLSA};
	struct dns_reply reply = {.status = DNS_OK, .rdata = shorts, .count = 2};
	const struct dns_answer *a;

	dns_memo_get(memo, S("m.example"), DNS_MX);
	dns_memo_get(memo, S("null.example"), DNS_MX);
	dns_memo_get(memo, S("t.example"), DNS_TLSA);
	dns_memo_get(memo, S("www.example"), DNS_A);
	CHECK(zone_serve(&z, memo));
	a = dns_memo_get(memo, S("m.example"), DNS_MX);
	CHECK_INT(a->records[0].mx.preference, 10);
	CHECK_SLICE(a->records[0].mx.host, S("mail.example"));
	CHECK_INT(dns_memo_get(memo, S("null.example"), DNS_MX)->records[0].mx.host.len, 0);
	a = dns_memo_get(memo, S("t.example"), DNS_TLSA);
	CHECK_INT(a->records[0].tlsa.usage, 3);
	CHECK_SLICE(a->records[0].tlsa.data, slice_new("\0\xff", 2));
	CHECK_SLICE(dns_memo_get(memo, S("www.example"), DNS_A)->canonical, S("m.example"));
	/* A TLSA record too short to be one still counts as being there. */
	CHECK_INT(dns_memo_put(memo, &q, &reply), 0);
	a = dns_memo_get(memo, S("short.example"), DNS_TLSA);
	CHECK_INT(a->count, 2);
	CHECK_INT(a->records[0].tlsa.usage, 255);
	CHECK_INT(a->records[1].tlsa.usage, 3);
	CHECK_INT(a->records[1].tlsa.data.len, 0);
	dns_memo_free(memo);
}

static void
ip_addresses(void)
{
	static const struct {
		const char *text, *reverse;
	} rows[] = {
		{"192.0.2.1", "1.2.0.192.in-addr.arpa"},
		{"2001:db8::cb01",
			"1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
			"8.b.d.0.1.0.0.2.ip6.arpa"},
	};
	struct ip_addr a, b;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf text = BUF_INIT(200), reverse = BUF_INIT(200);

		CHECK_INT(ip_addr_parse(slice_str(rows[i].text), &a), 0);
		CHECK_INT(ip_addr_put(&text, &a), 0);
		CHECK_SLICE(buf_slice(&text), slice_str(rows[i].text));
		CHECK_INT(ip_addr_put_reverse(&reverse, &a), 0);
		CHECK_SLICE(buf_slice(&reverse), slice_str(rows[i].reverse));
	}
	CHECK_INT(ip_addr_parse(S("::ffff:192.0.2.1"), &a), 0);
	CHECK_INT(a.version, 4);
	CHECK_INT(ip_addr_parse(S("1.2.3"), &b), LL_ERR_SYNTAX);
	CHECK_INT(ip_addr_parse(slice_new("1.2.3.4\0x", 9), &b), LL_ERR_SYNTAX);
	CHECK_INT(ip_addr_parse(S("[::1]"), &b), LL_ERR_SYNTAX);
	CHECK_INT(ip_addr_parse(S(""), &b), LL_ERR_SYNTAX);
	CHECK_INT(ip_addr_parse(S("192.0.2.129"), &b), 0);
	CHECK(ip_addr_match(&a, &b, 24));
	CHECK(!ip_addr_match(&a, &b, 25));
	CHECK(ip_addr_match(&a, &b, 0));
	CHECK(!ip_addr_match(&a, &b, 999));
	CHECK_INT(ip_addr_new(S("abc")).version, 0);
}

static void
public_addresses(void)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {{"8.8.8.8", true}, {"172.15.0.1", true}, {"172.32.0.1", true},
		{"100.63.255.255", true}, {"100.128.0.1", true}, {"223.255.255.255", true},
		{"2a00:1450::1", true}, {"2001:200::1", true}, {"0.0.0.0", false},
		{"10.1.2.3", false}, {"100.64.0.1", false}, {"127.0.0.53", false},
		{"169.254.169.254", false}, {"172.16.0.1", false}, {"172.31.255.255", false},
		{"192.168.1.1", false}, {"198.19.0.1", false}, {"224.0.0.1", false},
		{"255.255.255.255", false}, {"::", false}, {"::1", false}, {"fe80::1", false},
		{"fd00::1", false}, {"ff02::1", false}, {"64:ff9b::a00:1", false},
		{"2002:a00:1::", false}, {"2001::1", false}, {"2001:db8::1", false}};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr a;
		uint8_t bytes[16];
		CHECK_INT(ip_addr_parse(slice_str(rows[i].text), &a), 0);
		memcpy(bytes, mapped, sizeof(mapped));
		if (a.version == 4)
			memcpy(bytes + 12, a.bytes, 4);
		else
			memcpy(bytes, a.bytes, 16);
		if (ip_is_public(bytes) != rows[i].is)
			printf("%s\n", rows[i].text);
		CHECK(ip_is_public(bytes) == rows[i].is);
	}
}

static void
domains(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(10000);
	struct slice d;

	CHECK_INT(domain_normal(&a, S("WWW.Example.org."), &d), 0);
	CHECK_SLICE(d, S("www.example.org"));
	CHECK_INT(domain_normal(&a,
			  S("b\xc3\xbc"
			    "cher.example"),
			  &d),
		0);
	CHECK_SLICE(d, S("xn--bcher-kva.example"));
	CHECK_INT(domain_normal(&a, S("a..b"), &d), LL_ERR_SYNTAX);
	CHECK_INT(domain_normal(&a, S(""), &d), LL_ERR_SYNTAX);
	CHECK_INT(domain_normal(&a, S("\xff\xfe.example"), &d), LL_ERR_SYNTAX);
	CHECK_INT(domain_normal(&a, slice_new("a\0b.example", 11), &d), LL_ERR_SYNTAX);
	CHECK_INT(domain_normal(&a, S("a b.example"), &d), LL_ERR_SYNTAX);
	CHECK_INT(domain_labels(S("a.b.c")), 3);
	CHECK_INT(domain_labels(S("")), 0);
	CHECK_SLICE(domain_tail(S("a.b.c"), 2), S("b.c"));
	CHECK_SLICE(domain_tail(S("a.b.c"), 5), S("a.b.c"));
	CHECK_SLICE(domain_parent(S("a.b")), S("b"));
	CHECK(domain_within(S("a.B.c"), S("b.C")));
	CHECK(domain_within(S("b.c"), S("b.c")));
	CHECK(!domain_within(S("ab.c"), S("b.c")));
	CHECK(!domain_within(S("b.c"), S("")));
}

T_MAIN(T(asking), T(names), T(caps), T(wire), T(structured), T(ip_addresses), T(public_addresses),
	T(domains))
