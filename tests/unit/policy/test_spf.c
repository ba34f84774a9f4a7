/* SPF against tables: each row is a record at t.example (or a zone of its own), a client, and the
 * result that RFC 7208 asks for. */
#include "spf_ask.h"

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

T_MAIN(T(selection), T(syntax), T(addresses), T(mechanisms), T(modifiers), T(macros_in_records),
	T(explanations), T(identities))
