/* SPF against tables: each row is a record at t.example (or a zone of its own), a client, and the
 * result that RFC 7208 asks for. */
#include "mail/spf.h"
#include "mail/spf_internal.h"
#include "zone.h"

#define V4 "192.0.2.3"
#define V6 "2001:db8::cb01"

/* Names that the rows below use; the first record is replaced by the row's. */
static struct zone_record common[] = {
	{"t.example", "TXT", ""},
	{"host.example", "A", "192.0.2.3"},
	{"host.example", "AAAA", "2001:db8::cb01"},
	{"other.example", "A", "198.51.100.9"},
	{"alias.example", "CNAME", "host.example"},
	{"near.example", "A", "192.0.2.200"},
	{"broken.example", "FAIL", ""},
	{"bogus.example", "BOGUS", ""},
	{"txtonly.example", "TXT", "nothing"},
	{"mx.example", "MX", "10 other.example"},
	{"mx.example", "MX", "20 host.example"},
	{"mxbad.example", "MX", "10 broken.example"},
	{"mxfirst.example", "MX", "10 host.example"},
	{"mxfirst.example", "MX", "20 broken.example"},
	{"nullmx.example", "MX", "0 ."},
	{"mxa.example", "A", "192.0.2.3"},
	{"pass.example", "TXT", "v=spf1 +all"},
	{"fail.example", "TXT", "v=spf1 -all exp=why.example"},
	{"soft.example", "TXT", "v=spf1 ~all"},
	{"neutral.example", "TXT", "v=spf1 ?all"},
	{"nothing.example", "TXT", "v=spf1"},
	{"bad.example", "TXT", "v=spf1 ipv4:1.2.3.4 -all"},
	{"twice.example", "TXT", "v=spf1 -all"},
	{"twice.example", "TXT", "V=SPF1 +all"},
	{"loop.example", "TXT", "v=spf1 include:loop.example -all"},
	{"rloop.example", "TXT", "v=spf1 redirect=rloop.example"},
	{"mixed.example", "TXT", "some text"},
	{"mixed.example", "TXT", "v=spf10 +all"},
	{"mixed.example", "TXT", "v=spf1 ip4:192.0.2.0/24 -all"},
	{"split.example", "TXT", "v=spf1 ip4:192.0|.2.3 -a|ll"},
	{"why.example", "TXT", "%{i} is not %{d}'s (%{s}, %{c}, %{r}, %{t})%_%%%-"},
	{"why2.example", "TXT", "one"},
	{"why2.example", "TXT", "two"},
	{"whybad.example", "TXT", "bad %{x}"},
	{"whybin.example", "TXT", "caf\xc3\xa9"},
	{"3.2.0.192.in-addr.arpa", "PTR", "wrong.example"},
	{"3.2.0.192.in-addr.arpa", "PTR", "broken.example"},
	{"3.2.0.192.in-addr.arpa", "PTR", "mail.sub.example"},
	{"mail.sub.example", "A", "192.0.2.3"},
	{"wrong.example", "A", "192.0.2.99"},
	{"1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR",
		"host.example"},
	{"9.9.9.9.in-addr.arpa", "FAIL", ""},
	{"user.t.example", "A", "127.0.0.2"},
	{"3.2.0.192.in-addr.t.example", "A", "127.0.0.2"},
	{"bad.strong.lp.t.example", "A", "127.0.0.2"},
	{"a.b.c.d.e.f.example", "A", "127.0.0.1"},
	{"mail.sub.example.p.example", "A", "127.0.0.2"},
	{"unknown.p.example", "A", "127.0.0.2"},
	{"l1.example", "TXT", "v=spf1 a:v1.example a:v2.example a:v3.example -all"},
	{"ten.example", "TXT",
		"v=spf1 a:other.example a:other.example a:other.example a:other.example "
		"a:other.example a:other.example a:other.example a:other.example "
		"a:other.example a:host.example -all"},
	{"nine.example", "TXT",
		"v=spf1 a:other.example a:other.example a:other.example a:other.example "
		"a:other.example a:other.example a:other.example a:other.example "
		"a:other.example -all"},
};

struct row {
	const char *record;
	const char *ip;
	const char *sender;
	enum spf_result want;
	const char *mechanism; /* that matched, or NULL not to look */
};

static struct spf_verdict
check(struct zone *z, const struct spf_request *q, struct arena *a)
{
	struct dns_memo *memo = dns_memo_new();
	static struct buf kept;
	struct spf_verdict v = {0};
	int r;

	do {
		arena_reset(a);
		r = spf_check(q, memo, a, &v);
	} while (r == LL_ERR_AGAIN && zone_serve(z, memo));
	CHECK_INT(r, 0);
	/* Copies: the verdict points into the memo. */
	kept = BUF_INIT(8192);
	v.mechanism = arena_dup(a, v.mechanism);
	v.explanation = arena_dup(a, v.explanation);
	v.domain = arena_dup(a, v.domain);
	buf_done(&kept);
	dns_memo_free(memo);
	return v;
}

static struct spf_request
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

static void
run_rows(const struct row *rows, size_t n)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);

	for (size_t i = 0; i < n; i++) {
		struct zone z = ZONE(common);
		struct spf_request q =
			request(rows[i].ip, rows[i].sender ? rows[i].sender : "user@t.example");
		struct spf_verdict v;

		common[0].value = rows[i].record;
		v = check(&z, &q, &a);
		if (v.result != rows[i].want)
			fprintf(stderr, "row \"%s\" %s %s: %s (%s), not %s\n", rows[i].record,
				rows[i].ip, rows[i].sender ? rows[i].sender : "",
				spf_result_name(v.result), v.problem ? v.problem : "",
				spf_result_name(rows[i].want));
		CHECK(v.result == rows[i].want);
		CHECK((v.problem != NULL) == (v.result >= SPF_TEMPERROR));
		if (rows[i].mechanism)
			CHECK_SLICE(v.mechanism, slice_str(rows[i].mechanism));
	}
}

#define ROWS(rows) run_rows((rows), ARRAY_SIZE(rows))

/* Sections 4.3 to 4.5: which record. */
static void
selection(void)
{
	static const struct row rows[] = {
		{"", V4, "u@mixed.example", SPF_PASS, "ip4:192.0.2.0/24"},
		{"", V4, "u@split.example", SPF_PASS, "ip4:192.0.2.3"},
		{"", "192.0.2.4", "u@split.example", SPF_FAIL, "-all"},
		{"", V4, "u@twice.example", SPF_PERMERROR, ""},
		{"", V4, "u@txtonly.example", SPF_NONE, ""},
		{"", V4, "u@no-such.example", SPF_NONE, ""},
		{"", V4, "u@host.example", SPF_NONE, ""},
		{"", V4, "u@broken.example", SPF_TEMPERROR, ""},
		{"", V4, "u@bogus.example", SPF_TEMPERROR, ""},
		{"", V4, "u@nothing.example", SPF_NEUTRAL, ""},
		{"", V4, "u@example", SPF_NONE, NULL},
		{"", V4, "u@a..example", SPF_NONE, NULL},
		{"", V4, "u@[192.0.2.3]", SPF_NONE, NULL},
		{"", V4, "@pass.example", SPF_PASS, NULL},
		{"", V4, "pass.example", SPF_PASS, NULL},
		{"", V4, "a@b@pass.example", SPF_PASS, NULL},
		{"", V4, "u@PASS.Example", SPF_PASS, NULL},
		{"", V4,
			"u@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			".example",
			SPF_NONE, NULL},
		{"v=spf1", V4, NULL, SPF_NEUTRAL, NULL},
		{"v=spf1 ", V4, NULL, SPF_NEUTRAL, NULL},
		{"v=spf1-all", V4, NULL, SPF_NONE, NULL},
		{"v=spf1\t-all", V4, NULL, SPF_NONE, NULL},
		{" v=spf1 -all", V4, NULL, SPF_NONE, NULL},
		{"v=SPF1 -ALL", V4, NULL, SPF_FAIL, NULL},
	};

	ROWS(rows);
}

/* Sections 4.6.1, 4.6.2, 12: syntax; an error anywhere is a permerror, whatever matches first. */
static void
syntax(void)
{
	static const struct row rows[] = {
		{"v=spf1  +all  ", V4, NULL, SPF_PASS, "+all"},
		{"v=spf1 all", V4, NULL, SPF_PASS, "all"},
		{"v=spf1 ~all", V4, NULL, SPF_SOFTFAIL, "~all"},
		{"v=spf1 ?all", V4, NULL, SPF_NEUTRAL, "?all"},
		{"v=spf1 all:", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 all/8", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 all.", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:192.0.2.3 moo", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:192.0.2.3 -", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 +all --all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 +all\t", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 +all a:caf\xc3\xa9.example", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:192.0.2.3 1moo=x", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:192.0.2.3 =all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:192.0.2.3 +moo=x", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:192.0.2.3 moo=x%{d}y m-o_o.1=", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 ip4:192.0.2.3 moo=%{a}", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 default=pass", V4, NULL, SPF_NEUTRAL, NULL},
		{"v=spf1 -all redirect=pass.example redirect=pass.example", V4, NULL, SPF_PERMERROR,
			NULL},
		{"v=spf1 -all exp=why.example EXP=why.example", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 +all exp=", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 redirect=", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 redirect:pass.example", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include=pass.example", V4, NULL, SPF_NEUTRAL, NULL},
		{"v=spf1 include", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include:", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include/24", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 exists", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 exists:host.example/24", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a: -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:example:8080 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:museum -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:museum. -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:111.222.33.44 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:x.-com -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:x.com- -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:x.xn--zckzah -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a:host.example. -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 a:foo:bar/baz.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a:%%%_.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a:%.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{d -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{} -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%(d) -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{d0} -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{dx} -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{rd} -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{c}.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{t}.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:%{d999999999999}.x -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a:%{d99}.x.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 mx: -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ptr: -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ptr/24 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 -moo:x all", V4, NULL, SPF_PERMERROR, NULL},
	};

	ROWS(rows);
}

/* Section 5.6 and the prefix lengths of 5.3 and 5.4. */
static void
addresses(void)
{
	static const struct row rows[] = {
		{"v=spf1 ip4:192.0.2.3 -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 ip4:192.0.2.2 -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 ip4:192.0.2.2/31 -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 ip4:192.0.2.4/31 -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 ip4:1.2.3.4/0 -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 ip4:1.2.3.4/33 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:1.2.3.4/032 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:1.2.3.4/ -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:1.2.3.4//32 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:1.2.3 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:1.2.3.4.5 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:1.2.3.256 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:01.2.3.4 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4:2001:db8::1 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip4: -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip6:2001:db8::cb01 -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 ip6:2001:db8::cb00/127 -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 ip6:2001:db9::/31 -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 ip6:2001:db9::/32 -all", V6, NULL, SPF_FAIL, NULL},
		{"v=spf1 ip6:::/0 -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 ip6:::/129 -all", V6, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip6:1.2.3.4 -all", V6, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 ip6:::/0 -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 ip4:0.0.0.0/0 -all", V6, NULL, SPF_FAIL, NULL},
		/* Mapped addresses are IPv4. */
		{"v=spf1 ip4:192.0.2.3 -all", "::ffff:192.0.2.3", NULL, SPF_PASS, NULL},
		{"v=spf1 ip6:::ffff:192.0.2.3 -all", "::ffff:192.0.2.3", NULL, SPF_FAIL, NULL},
		{"v=spf1 a:near.example/24 -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 a:near.example/25 -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a:near.example/0 -all", "203.0.113.1", NULL, SPF_PASS, NULL},
		{"v=spf1 a:near.example/33 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:near.example//24 -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a:near.example/24//64 -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 a:near.example/24/64 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:near.example/24//129 -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 a:host.example//64 -all", "2001:db8::99", NULL, SPF_PASS, NULL},
		{"v=spf1 a:host.example/0 -all", "2001:db8::99", NULL, SPF_FAIL, NULL},
	};

	ROWS(rows);
}

/* Sections 5.1 to 5.7. */
static void
mechanisms(void)
{
	static const struct row rows[] = {
		{"v=spf1 a:host.example -all", V4, NULL, SPF_PASS, "a:host.example"},
		{"v=spf1 a:host.example -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 a:alias.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 a:other.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 a:broken.example -all", V4, NULL, SPF_TEMPERROR, NULL},
		{"v=spf1 a:bogus.example -all", V4, NULL, SPF_TEMPERROR, NULL},
		{"v=spf1 a:host.example a:broken.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 -a:host.example +all", V4, NULL, SPF_FAIL, "-a:host.example"},
		{"v=spf1 ?a:host.example -all", V4, NULL, SPF_NEUTRAL, NULL},
		{"v=spf1 mx:mx.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 mx:mx.example -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 mx:mx.example/24 -all", "192.0.2.99", NULL, SPF_PASS, NULL},
		{"v=spf1 mx:mxa.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 mx:nullmx.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 mx:mxbad.example -all", V4, NULL, SPF_TEMPERROR, NULL},
		{"v=spf1 mx:mxfirst.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 mx:broken.example -all", V4, NULL, SPF_TEMPERROR, NULL},
		{"v=spf1 ptr:sub.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 ptr:mail.sub.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 ptr:ub.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 ptr:wrong.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 ptr:broken.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 ptr:sub.example -all", "9.9.9.9", NULL, SPF_FAIL, NULL},
		{"v=spf1 ptr:example.example -all", "192.0.2.77", NULL, SPF_FAIL, NULL},
		{"v=spf1 ptr:host.example -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:host.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:host.example -all", V6, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:mx.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 exists:broken.example -all", V4, NULL, SPF_TEMPERROR, NULL},
		{"v=spf1 include:pass.example -all", V4, NULL, SPF_PASS, "include:pass.example"},
		{"v=spf1 ~include:pass.example -all", V4, NULL, SPF_SOFTFAIL, NULL},
		{"v=spf1 include:fail.example ?all", V4, NULL, SPF_NEUTRAL, "?all"},
		{"v=spf1 include:soft.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 include:neutral.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 include:nothing.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 include:txtonly.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include:no-such.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include:bad.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include:twice.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include:broken.example -all", V4, NULL, SPF_TEMPERROR, NULL},
		{"v=spf1 include:a..example -all", V4, NULL, SPF_PERMERROR, NULL},
	};

	ROWS(rows);
}

/* Sections 6.1 and 4.6.4. */
static void
modifiers(void)
{
	static const struct row rows[] = {
		{"v=spf1 redirect=pass.example", V4, NULL, SPF_PASS, "+all"},
		{"v=spf1 redirect=fail.example", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 redirect=soft.example a:host.example", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 redirect=pass.example a:other.example", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 redirect=pass.example ?all", V4, NULL, SPF_NEUTRAL, NULL},
		{"v=spf1 redirect=txtonly.example", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 redirect=broken.example", V4, NULL, SPF_TEMPERROR, NULL},
		{"v=spf1 redirect=bad.example", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 redirect=%{d2}", V4, "u@x.pass.example", SPF_NONE, NULL},
		{"v=spf1 include:loop.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"", V4, "u@rloop.example", SPF_PERMERROR, NULL},
		/* Ten lookups are allowed, eleven not; matching first ends the count. */
		{"", V4, "u@ten.example", SPF_PASS, "a:host.example"},
		{"v=spf1 include:nine.example -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 include:ten.example -all", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include:nine.example a:host.example", V4, NULL, SPF_PERMERROR, NULL},
		{"v=spf1 include:nine.example redirect=pass.example", V4, NULL, SPF_PERMERROR,
			NULL},
		{"v=spf1 include:nine.example ip4:192.0.2.3 a:host.example", V4, NULL, SPF_PASS,
			NULL},
		/* Two void lookups are allowed, three not. */
		{"v=spf1 a:v1.example a:v2.example a:host.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 a:v1.example exists:v2.example mx:v3.example -all", V4, NULL,
			SPF_PERMERROR, NULL},
		{"v=spf1 include:l1.example -all", V4, NULL, SPF_PERMERROR, NULL},
		/* A name without the client's kind of address is void too. */
		{"v=spf1 a:other.example a:near.example a:wrong.example -all", V6, NULL,
			SPF_PERMERROR, NULL},
	};

	ROWS(rows);
}

/* Section 7, in records. */
static void
macros_in_records(void)
{
	static const struct row rows[] = {
		{"v=spf1 exists:%{l}.%{d} -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:%{l}.%{o} -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:%{L}.%{O} -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:%{ir}.%{v}.%{d} -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:%{lr-}.lp.%{d} -all", V4, "strong-bad@t.example", SPF_PASS, NULL},
		{"v=spf1 exists:%{l}.f.example -all", V4, "a.b.c.d.e@t.example", SPF_PASS, NULL},
		{"v=spf1 exists:%{p}.p.example -all", V4, NULL, SPF_PASS, NULL},
		{"v=spf1 exists:%{p}.p.example -all", "9.9.9.9", NULL, SPF_PASS, NULL},
		{"v=spf1 exists:%{p}.p.example -all", "192.0.2.77", NULL, SPF_PASS, NULL},
		{"v=spf1 a:%{h} -all", V4, NULL, SPF_FAIL, NULL},
		{"v=spf1 redirect=%{l}.example", V4, "pass@t.example", SPF_PASS, NULL},
		{"v=spf1 include:%{l}.example -all", V4, "fail@t.example", SPF_FAIL, "-all"},
	};

	ROWS(rows);
}

/* The examples of section 7.4. */
static void
macro_examples(void)
{
	static const struct {
		const char *macro, *ip, *want;
	} rows[] = {
		{"%{s}", V4, "strong-bad@email.example.com"},
		{"%{o}", V4, "email.example.com"},
		{"%{d}", V4, "email.example.com"},
		{"%{d4}", V4, "email.example.com"},
		{"%{d3}", V4, "email.example.com"},
		{"%{d2}", V4, "example.com"},
		{"%{d1}", V4, "com"},
		{"%{dr}", V4, "com.example.email"},
		{"%{d2r}", V4, "example.email"},
		{"%{l}", V4, "strong-bad"},
		{"%{l-}", V4, "strong.bad"},
		{"%{lr}", V4, "strong-bad"},
		{"%{lr-}", V4, "bad.strong"},
		{"%{l1r-}", V4, "strong"},
		{"%{ir}.%{v}._spf.%{d2}", V4, "3.2.0.192.in-addr._spf.example.com"},
		{"%{lr-}.lp._spf.%{d2}", V4, "bad.strong.lp._spf.example.com"},
		{"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", V4,
			"bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
		{"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", V4,
			"3.2.0.192.in-addr.strong.lp._spf.example.com"},
		{"%{d2}.trusted-domains.example.net", V4,
			"example.com.trusted-domains.example.net"},
		{"%{ir}.%{v}._spf.%{d2}", V6,
			"1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
			"ip6._spf.example.com"},
		{"%{S}", V4, "strong-bad%40email.example.com"},
		{"%{d-.}", V4, "email.example.com"},
		{"%%%_%-", V4, "% %20"},
	};
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	struct spf_macros m = {.local = S("strong-bad"),
		.sender_domain = S("email.example.com"),
		.domain = S("email.example.com")};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slice got = SLICE_NONE;

		CHECK_INT(ip_addr_parse(slice_str(rows[i].ip), &m.ip), 0);
		CHECK_INT(
			spf_macro_expand(slice_str(rows[i].macro), SPF_MACRO_STRING, &m, &a, &got),
			0);
		CHECK_SLICE(got, slice_str(rows[i].want));
	}
}

/* Section 7.3: too long a name loses labels on the left, and no more than needed. */
static void
macro_cut(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	struct spf_macros m = {
		.local = S("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")};
	struct slice got = SLICE_NONE;

	CHECK_INT(m.local.len, 60);
	CHECK_INT(spf_macro_expand(
			  S("%{l}.%{l}.%{l}.%{l}.%{l}.e.example"), SPF_MACRO_DOMAIN, &m, &a, &got),
		0);
	CHECK_INT(got.len, 253);
	CHECK_INT(spf_macro_expand(
			  S("%{l}.%{l}.%{l}.%{l}.%{l}.ex.example"), SPF_MACRO_DOMAIN, &m, &a, &got),
		0);
	CHECK_INT(got.len, 254 - 61);
}

/* Section 6.2. */
static void
explanations(void)
{
	static const struct {
		const char *record, *want;
	} rows[] = {
		{"v=spf1 -all exp=why.example",
			"192.0.2.3 is not t.example's (user@t.example, 192.0.2.3, "
			"mx.receiver.example, 1234567890) %%20"},
		{"v=spf1 exp=why2.example -all", ""},
		{"v=spf1 exp=whybad.example -all", ""},
		{"v=spf1 exp=whybin.example -all", ""},
		{"v=spf1 exp=broken.example -all", ""},
		{"v=spf1 exp=no-such.example -all", ""},
		{"v=spf1 exp=%{d}.nothing.example -all", ""},
		{"v=spf1 redirect=fail.example exp=whybad.example",
			"192.0.2.3 is not fail.example's (user@t.example, 192.0.2.3, "
			"mx.receiver.example, 1234567890) %%20"},
		{"v=spf1 include:fail.example -all", ""},
	};
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct zone z = ZONE(common);
		struct spf_request q = request(V4, "user@t.example");
		struct spf_verdict v;

		common[0].value = rows[i].record;
		v = check(&z, &q, &a);
		CHECK_INT(v.result, SPF_FAIL);
		CHECK_SLICE(v.explanation, slice_str(rows[i].want));
	}
}

/* HELO, bounces, and what the verdict tells. */
static void
identities(void)
{
	CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
	struct zone z = ZONE(common);
	struct spf_request q = request(V4, "user@fail.example");
	struct spf_verdict v;

	q.helo = S("pass.example");
	v = check(&z, &q, &a);
	CHECK_INT(v.result, SPF_FAIL);
	CHECK_INT(v.identity, SPF_MAILFROM);
	CHECK_SLICE(v.domain, S("fail.example"));
	q.identity = SPF_HELO;
	v = check(&z, &q, &a);
	CHECK_INT(v.result, SPF_PASS);
	CHECK_SLICE(v.domain, S("pass.example"));
	q.identity = SPF_MAILFROM;
	q.mail_from = SLICE_NONE;
	v = check(&z, &q, &a);
	CHECK_INT(v.result, SPF_PASS);
	CHECK_INT(v.identity, SPF_HELO);
	q.helo = S("[192.0.2.3]");
	CHECK_INT(check(&z, &q, &a).result, SPF_NONE);
	q.helo = S("localhost");
	CHECK_INT(check(&z, &q, &a).result, SPF_NONE);
	q.mail_from = S("u@nine.example");
	v = check(&z, &q, &a);
	CHECK_INT(v.lookups, 9);
	CHECK_INT(v.voids, 0);
	q.ip = (struct ip_addr){0}; /* no address: nothing matches, nothing breaks */
	CHECK_INT(check(&z, &q, &a).result, SPF_FAIL);
}

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

T_MAIN(T(selection), T(syntax), T(addresses), T(mechanisms), T(modifiers), T(macros_in_records),
	T(macro_examples), T(macro_cut), T(explanations), T(identities), T(appendix_a),
	T(round_trips), T(many))
