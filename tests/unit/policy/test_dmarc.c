/* DMARC: record forms, tree walk, organizational domains, alignment and dispositions of RFC 9989.
 */
#include "mail/dmarc.h"
#include "zone.h"

static const struct zone_record zone[] = {
	{"_dmarc.example.com", "TXT", "v=DMARC1; p=reject; rua=mailto:d@example.com"},
	{"example.com", "A", "192.0.2.1"},
	{"mail.example.com", "MX", "10 x.example.com"},
	{"_dmarc.own.example.com", "TXT", "v=DMARC1; p=none"},
	{"_dmarc.sub.test", "TXT", "v=DMARC1; p=none; sp=quarantine; np=reject"},
	{"there.sub.test", "AAAA", "2001:db8::1"},
	{"flaky.sub.test", "FAIL", ""},
	{"_dmarc.strict.test", "TXT", "v=DMARC1;p=quarantine;adkim=s;aspf=s"},
	{"_dmarc.mixed.test", "TXT", "v=DMARC1; p=quarantine; adkim=s; aspf=r"},
	{"_dmarc.trial.test", "TXT", "v=DMARC1; p=reject; t=y"},
	{"_dmarc.trialq.test", "TXT", "v=DMARC1; p=quarantine; t=y; pct=0"},
	{"_dmarc.trialn.test", "TXT", "v=DMARC1; p=none; t=y"},
	{"_dmarc.pct.test", "TXT", "v=DMARC1; p=reject; pct=0"},
	{"_dmarc.two.test", "TXT", "v=DMARC1; p=reject"},
	{"_dmarc.two.test", "TXT", "v=DMARC1; p=none"},
	{"_dmarc.noise.test", "TXT", "v=spf1 -all"},
	{"_dmarc.noise.test", "TXT", "v=DMARC1; p=reject"},
	{"_dmarc.nop.test", "TXT", "v=DMARC1; rua=mailto:x@nop.test"},
	{"_dmarc.fail.test", "FAIL", ""},
	{"_dmarc.bogus.test", "BOGUS", ""},
	{"_dmarc.mid.fail.test", "TXT", "v=DMARC1; p=reject"},
	/* A registry with psd=y, one that says nothing, and departments with psd=n. */
	{"_dmarc.bank", "TXT", "v=DMARC1; p=reject; np=reject; psd=y"},
	{"_dmarc.has.bank", "TXT", "v=DMARC1; p=none"},
	{"_dmarc.co.uk", "TXT", "v=DMARC1; p=quarantine"},
	{"_dmarc.dept.big.test", "TXT", "v=DMARC1; p=reject; psd=n"},
	{"_dmarc.big.test", "TXT", "v=DMARC1; p=quarantine; psd=u"},
	{"_dmarc.a.b.c.d.e.f.g.h.deep.test", "TXT", "v=DMARC1; p=none"},
	{"_dmarc.f.g.h.deep.test", "TXT", "v=DMARC1; p=reject"},
	{"_dmarc.c.d.e.f.g.h.skipped.test", "TXT", "v=DMARC1; p=reject"},
	{"_dmarc.xn--bcher-kva.test", "TXT", "v=DMARC1; p=reject"},
};

struct row {
	const char *author, *spf, *dkim; /* domains that passed; NULL for none */
	enum dmarc_result want;
	enum dmarc_policy published, disposition;
	const char *policy_domain, *organization;
};

#define N DMARC_POLICY_NONE
#define Q DMARC_POLICY_QUARANTINE
#define R DMARC_POLICY_REJECT

static const struct row rows[] = {
	/* Relaxed alignment. */
	{"example.com", "example.com", NULL, DMARC_PASS, R, N, "example.com", "example.com"},
	{"example.com", "bounce.example.com", NULL, DMARC_PASS, R, N, "example.com", NULL},
	{"example.com", NULL, "mail.example.com", DMARC_PASS, R, N, "example.com", NULL},
	{"mail.example.com", NULL, "example.com", DMARC_PASS, R, N, "example.com", "example.com"},
	{"mail.example.com", NULL, "other.example.com", DMARC_PASS, R, N, "example.com", NULL},
	{"EXAMPLE.com.", "Example.COM", NULL, DMARC_PASS, R, N, "example.com", NULL},
	{"example.com", "example.org", "example.net", DMARC_FAIL, R, R, "example.com", NULL},
	{"example.com", "badexample.com", NULL, DMARC_FAIL, R, R, "example.com", NULL},
	{"example.com", NULL, NULL, DMARC_FAIL, R, R, "example.com", NULL},
	/* The author's own record goes before the organization's. */
	{"own.example.com", NULL, NULL, DMARC_FAIL, N, N, "own.example.com", "example.com"},
	{"x.own.example.com", NULL, NULL, DMARC_FAIL, R, R, "example.com", "example.com"},
	/* sp= and np=. */
	{"sub.test", NULL, NULL, DMARC_FAIL, N, N, "sub.test", NULL},
	{"there.sub.test", NULL, NULL, DMARC_FAIL, Q, Q, "sub.test", NULL},
	{"gone.sub.test", NULL, NULL, DMARC_FAIL, R, R, "sub.test", NULL},
	{"flaky.sub.test", NULL, NULL, DMARC_FAIL, Q, Q, "sub.test", NULL},
	/* Strict alignment. */
	{"strict.test", "strict.test", NULL, DMARC_PASS, Q, N, "strict.test", NULL},
	{"strict.test", "a.strict.test", "b.strict.test", DMARC_FAIL, Q, Q, "strict.test", NULL},
	{"a.strict.test", NULL, "a.strict.test", DMARC_PASS, Q, N, "strict.test", NULL},
	{"mixed.test", NULL, "a.mixed.test", DMARC_FAIL, Q, Q, "mixed.test", NULL},
	{"mixed.test", "a.mixed.test", NULL, DMARC_PASS, Q, N, "mixed.test", NULL},
	/* t= lowers by one; pct= is history. */
	{"trial.test", NULL, NULL, DMARC_FAIL, R, Q, "trial.test", NULL},
	{"trialq.test", NULL, NULL, DMARC_FAIL, Q, N, "trialq.test", NULL},
	{"trialn.test", NULL, NULL, DMARC_FAIL, N, N, "trialn.test", NULL},
	{"pct.test", NULL, NULL, DMARC_FAIL, R, R, "pct.test", NULL},
	/* Several records, other records, no p=, none at all. */
	{"two.test", NULL, NULL, DMARC_NONE, N, N, "", NULL},
	{"noise.test", NULL, NULL, DMARC_FAIL, R, R, "noise.test", NULL},
	{"nop.test", NULL, NULL, DMARC_FAIL, N, N, "nop.test", NULL},
	{"nothing.test", "nothing.test", NULL, DMARC_NONE, N, N, "", "nothing.test"},
	{"a.b.nothing.co.uk.test", NULL, NULL, DMARC_NONE, N, N, "", NULL},
	/* DNS that fails. */
	{"fail.test", NULL, NULL, DMARC_TEMPERROR, N, N, "", NULL},
	{"bogus.test", NULL, NULL, DMARC_TEMPERROR, N, N, "", NULL},
	{"mid.fail.test", "mid.fail.test", NULL, DMARC_PASS, R, N, "mid.fail.test", NULL},
	{"mid.fail.test", NULL, NULL, DMARC_TEMPERROR, R, N, "mid.fail.test", NULL},
	/* Public suffix domains. */
	{"has.bank", NULL, NULL, DMARC_FAIL, N, N, "has.bank", "has.bank"},
	{"hasnot.bank", NULL, NULL, DMARC_FAIL, R, R, "bank", "hasnot.bank"},
	{"a.hasnot.bank", NULL, "b.hasnot.bank", DMARC_PASS, R, N, "bank", "hasnot.bank"},
	{"one.bank", NULL, "two.bank", DMARC_FAIL, R, R, "bank", "one.bank"},
	{"one.co.uk", "two.co.uk", NULL, DMARC_FAIL, Q, Q, "co.uk", "one.co.uk"},
	{"a.one.co.uk", "b.one.co.uk", NULL, DMARC_PASS, Q, N, "co.uk", "one.co.uk"},
	{"co.uk", "co.uk", NULL, DMARC_PASS, Q, N, "co.uk", "co.uk"},
	{"co.uk", NULL, "one.co.uk", DMARC_FAIL, Q, Q, "co.uk", "co.uk"},
	/* psd=n makes a department its own organization. */
	{"dept.big.test", NULL, "big.test", DMARC_FAIL, R, R, "dept.big.test", "dept.big.test"},
	{"x.dept.big.test", NULL, "y.dept.big.test", DMARC_PASS, R, N, "dept.big.test", NULL},
	{"big.test", NULL, "dept.big.test", DMARC_FAIL, Q, Q, "big.test", "big.test"},
	{"big.test", NULL, "z.big.test", DMARC_PASS, Q, N, "big.test", NULL},
	/* Names of many labels: after the name itself the walk goes on with seven. */
	{"a.b.c.d.e.f.g.h.deep.test", NULL, "x.f.g.h.deep.test", DMARC_PASS, N, N,
		"a.b.c.d.e.f.g.h.deep.test", "f.g.h.deep.test"},
	{"z.b.c.d.e.f.g.h.deep.test", NULL, NULL, DMARC_FAIL, R, R, "f.g.h.deep.test", NULL},
	{"b.c.d.e.f.g.h.skipped.test", NULL, NULL, DMARC_NONE, N, N, "", NULL},
	/* Internationalised names. */
	{"b\xc3\xbc"
	 "cher.test",
		"xn--bcher-kva.test", NULL, DMARC_PASS, R, N, "xn--bcher-kva.test", NULL},
	{"", NULL, NULL, DMARC_NONE, N, N, "", NULL},
	{"a..b", NULL, NULL, DMARC_NONE, N, N, "", NULL},
};

static void
table(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
		struct dns_memo *memo = dns_memo_new();
		struct zone z = ZONE(zone);
		struct slice dkim[2] = {S("unrelated.invalid"), slice_str(rows[i].dkim)};
		struct dmarc_input in = {.author = slice_str(rows[i].author),
			.spf_domain = slice_str(rows[i].spf),
			.dkim_domains = dkim,
			.dkim_count = rows[i].dkim ? 2 : 1};
		struct dmarc_verdict v = {0};
		int rounds = 0, r;

		do {
			rounds++;
			r = dmarc_check(&in, memo, &a, &v);
		} while (r == LL_ERR_AGAIN && zone_serve(&z, memo));
		CHECK_INT(r, 0);
		CHECK(rounds <= 3);
		CHECK(z.queries <= 8 + 3 + 16);
		if (v.result != rows[i].want || v.published != rows[i].published ||
			v.disposition != rows[i].disposition) {
			fprintf(stderr, "row %zu (%s): %s published %s disposition %s\n", i,
				rows[i].author, dmarc_result_name(v.result),
				dmarc_policy_name(v.published), dmarc_policy_name(v.disposition));
			CHECK(false);
		}
		CHECK_SLICE(v.policy_domain, slice_str(rows[i].policy_domain));
		if (rows[i].organization)
			CHECK_SLICE(v.organization, slice_str(rows[i].organization));
		dns_memo_free(memo);
	}
}

static void
records(void)
{
	static const struct {
		const char *text;
		int want;
		enum dmarc_policy p;
	} forms[] = {
		{"v=DMARC1; p=reject", 0, R},
		{"v=DMARC1;p=reject;", 0, R},
		{" v = DMARC1 ; p = Reject ; ; ", 0, R},
		{"V=DMARC1; P=REJECT", 0, R},
		{"v=DMARC1; p=reject; p=none", 0, R},
		{"v=DMARC1; p=strange; p=reject", 0, N},
		{"v=DMARC1; junk; p=quarantine; x=y", 0, Q},
		{"v=DMARC1", 0, N},
		{"v=dmarc1; p=reject", LL_ERR_SYNTAX, N},
		{"v=DMARC10; p=reject", LL_ERR_SYNTAX, N},
		{"p=reject; v=DMARC1", LL_ERR_SYNTAX, N},
		{"DMARC1", LL_ERR_SYNTAX, N},
		{"", LL_ERR_SYNTAX, N},
	};
	struct dmarc_record r;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct dmarc_record got = {0};

		CHECK_INT(dmarc_record_parse(slice_str(forms[i].text), &got), forms[i].want);
		CHECK_INT(got.p, forms[i].p);
	}
	CHECK_INT(dmarc_record_parse(S("v=DMARC1; p=none; sp=reject; np=quarantine; adkim=s; "
				       "aspf=S; t=y; psd=n; rua=mailto:a@b,mailto:c@d; fo=1"),
			  &r),
		0);
	CHECK(r.has_p && r.has_sp && r.has_np && r.strict_dkim && r.strict_spf && r.testing);
	CHECK(r.sp == R && r.np == Q && r.psd == DMARC_PSD_NO);
	CHECK_SLICE(r.rua, S("mailto:a@b,mailto:c@d"));
	CHECK_SLICE(r.fo, S("1"));
	CHECK_INT(dmarc_record_parse(S("v=DMARC1; psd=u; t=n; sp=bad"), &r), 0);
	CHECK(r.psd == DMARC_PSD_UNKNOWN && !r.testing && !r.has_sp && !r.has_p);
}

static void
organizations(void)
{
	static const struct {
		const char *name, *want;
	} names[] = {
		{"a.b.example.com", "example.com"},
		{"x.dept.big.test", "dept.big.test"},
		{"a.b.bank", "b.bank"},
		{"a.b.co.uk", "b.co.uk"},
		/* Nothing published: the public suffix list speaks. */
		{"mail.unpublished.org.uk", "unpublished.org.uk"},
		{"a.b.c.unpublished.de", "unpublished.de"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(arena_done) struct arena a = ARENA_INIT(1 << 20);
		struct dns_memo *memo = dns_memo_new();
		struct zone z = ZONE(zone);
		struct slice got = SLICE_NONE;
		int r;

		do {
			r = dmarc_organization(slice_str(names[i].name), memo, &a, &got);
		} while (r == LL_ERR_AGAIN && zone_serve(&z, memo));
		CHECK_INT(r, 0);
		CHECK_SLICE(got, slice_str(names[i].want));
		dns_memo_free(memo);
	}
}

T_MAIN(T(records), T(table), T(organizations))
