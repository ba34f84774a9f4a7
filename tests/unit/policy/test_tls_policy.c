/* MTA-STS (RFC 8461) and TLS reporting (RFC 8460): records, policy files, matching, caching. */
#include "mail/mtasts.h"
#include "mail/tlsrpt.h"
#include "zone.h"

static void
sts_records(void)
{
	static const struct {
		const char *text, *id; /* id NULL: refused */
	} rows[] = {
		{"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
		{"v=STSv1;id=1", "1"},
		{"v=STSv1; id=1; ext=value", "1"},
		{"v = STSv1 ; id = abc ;", "abc"},
		{"v=STSv1", NULL},
		{"v=STSv1; id=", NULL},
		{"v=STSv1; id=with-hyphen", NULL},
		{"v=STSv1; id=123456789012345678901234567890123", NULL},
		{"v=STSv1; id=12345678901234567890123456789012",
			"12345678901234567890123456789012"},
		{"v=STSv2; id=1", NULL},
		{"v=stsv1; id=1", NULL},
		{"id=1; v=STSv1", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slice id = SLICE_NONE;
		int r = mtasts_record_parse(slice_str(rows[i].text), &id);

		CHECK_INT(r, rows[i].id ? 0 : LL_ERR_SYNTAX);
		CHECK_SLICE(id, slice_str(rows[i].id));
	}
}

static void
lookups(void)
{
	static const struct zone_record zone[] = {
		{"_mta-sts.one.example", "TXT", "v=STSv1; id=1"},
		{"_mta-sts.one.example", "TXT", "something else"},
		{"_mta-sts.two.example", "TXT", "v=STSv1; id=1"},
		{"_mta-sts.two.example", "TXT", "v=STSv1; id=2"},
		{"_mta-sts.bad.example", "TXT", "v=STSv1; id=!"},
		{"_mta-sts.fail.example", "FAIL", ""},
		{"_smtp._tls.one.example", "TXT",
			"v=TLSRPTv1; rua=mailto:a@one.example, https://one.example/r,ftp://x"},
		{"_smtp._tls.two.example", "TXT", "v=TLSRPTv1; rua=mailto:a@b"},
		{"_smtp._tls.two.example", "TXT", "v=TLSRPTv1; rua=mailto:c@d"},
		{"_smtp._tls.bad.example", "TXT", "v=TLSRPTv1; rua=ftp://x"},
		{"_smtp._tls.fail.example", "FAIL", ""},
	};
	static const struct {
		const char *domain;
		int want;
	} rows[] = {
		{"one.example", LL_OK},
		{"two.example", LL_ERR_NOTFOUND},
		{"bad.example", LL_ERR_NOTFOUND},
		{"none.example", LL_ERR_NOTFOUND},
		{"fail.example", LL_ERR_IO},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_memo *memo = dns_memo_new();
		struct zone z = ZONE(zone);
		struct slice domain = slice_str(rows[i].domain), id = SLICE_NONE;
		struct tlsrpt_record report = {0};

		CHECK_INT(mtasts_record_find(domain, memo, &id), LL_ERR_AGAIN);
		CHECK_INT(tlsrpt_record_find(domain, memo, &report), LL_ERR_AGAIN);
		zone_serve(&z, memo);
		CHECK_INT(mtasts_record_find(domain, memo, &id), rows[i].want);
		CHECK_INT(tlsrpt_record_find(domain, memo, &report), rows[i].want);
		if (!rows[i].want) {
			CHECK_SLICE(id, S("1"));
			CHECK_INT(report.count, 2);
			CHECK_SLICE(report.uris[0], S("mailto:a@one.example"));
			CHECK_SLICE(report.uris[1], S("https://one.example/r"));
		}
		dns_memo_free(memo);
	}
}

static void
policies(void)
{
	static const struct {
		const char *text;
		int want;
		enum mtasts_mode mode;
		uint32_t max_age;
		size_t mx;
	} rows[] = {
		{"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
		 "mx: backupmx.example.com\r\nmax_age: 604800\r\n",
			0, MTASTS_MODE_ENFORCE, 604800, 3},
		{"version:STSv1\nmode:testing\nmx:a.example\nmax_age:1", 0, MTASTS_MODE_TESTING, 1,
			1},
		{"version: STSv1\nmode: none\nmax_age: 5\n", 0, MTASTS_MODE_NONE, 5, 0},
		{"mode: none\nmax_age: 5\nversion: STSv1\n\n", 0, MTASTS_MODE_NONE, 5, 0},
		{"version: STSv1\nmode: enforce\nmode: none\nmx: a.example\nmax_age: 5\nx_y: z\n",
			0, MTASTS_MODE_ENFORCE, 5, 1},
		{"version: STSv1\nmode: none\nmax_age: 99999999\n", 0, MTASTS_MODE_NONE, 31557600,
			0},
		{"version: STSv1\nmode: enforce\nmax_age: 5\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv1\nmode: enforce\nmx: a.example\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"mode: enforce\nmx: a.example\nmax_age: 5\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv2\nmode: none\nmax_age: 5\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv1\nmode: strict\nmax_age: 5\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv1\nmode: none\nmax_age: -5\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv1\nmode: none\nmax_age: 5x\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv1\nmode: none\nmax_age: 99999999999\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv1\nmode: enforce\nmx: *\nmax_age: 5\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"version: STSv1\nmode: enforce\nmx: a.*.example\nmax_age: 5\n", LL_ERR_SYNTAX, 0,
			0, 0},
		{"version: STSv1\nmode: enforce\nmx: \nmax_age: 5\n", LL_ERR_SYNTAX, 0, 0, 0},
		{"<html>not a policy</html>", LL_ERR_SYNTAX, 0, 0, 0},
		{"", LL_ERR_SYNTAX, 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mtasts_policy p = {0};

		CHECK_INT(mtasts_policy_parse(slice_str(rows[i].text), &p), rows[i].want);
		CHECK_INT(p.mode, rows[i].mode);
		CHECK_INT(p.max_age, rows[i].max_age);
		CHECK_INT(p.mx_count, rows[i].mx);
	}
}

static void
matching(void)
{
	static const struct {
		const char *host;
		bool match;
	} rows[] = {
		{"mail.example.com", true},
		{"MAIL.example.COM.", true},
		{"a.example.net", true},
		{"a.b.example.net", false},
		{"example.net", false},
		{".example.net", false},
		{"xexample.net", false},
		{"example.com", false},
		{"amail.example.com", false},
		{"", false},
		{"*.example.net", true},
	};
	struct mtasts_policy p = {.mx = {S("mail.example.com"), S("*.example.net")}, .mx_count = 2};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(mtasts_mx_match(&p, slice_str(rows[i].host)), rows[i].match);
}

static void
caching(void)
{
	static const struct {
		bool present;
		int64_t age; /* of the cached policy, which lives 1000 s */
		int record;
		const char *id;
		enum mtasts_action want;
	} rows[] = {
		{false, 0, LL_ERR_NOTFOUND, "", MTASTS_IGNORE},
		{false, 0, LL_ERR_IO, "", MTASTS_IGNORE}, {false, 0, LL_OK, "1", MTASTS_FETCH},
		{true, 10, LL_OK, "1", MTASTS_USE}, {true, 10, LL_OK, "2", MTASTS_FETCH},
		{true, 799, LL_OK, "1", MTASTS_USE}, {true, 800, LL_OK, "1", MTASTS_FETCH},
		{true, 1000, LL_OK, "1", MTASTS_FETCH},
		{true, 999, LL_ERR_NOTFOUND, "", MTASTS_USE},
		{true, 1000, LL_ERR_NOTFOUND, "", MTASTS_IGNORE},
		{true, 999, LL_ERR_IO, "", MTASTS_USE},
		{true, -10, LL_OK, "1", MTASTS_FETCH}, /* the clock went back */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mtasts_cached c = {rows[i].present, S("1"), 5000, 1000};

		CHECK_INT(mtasts_decide(
				  &c, rows[i].record, slice_str(rows[i].id), 5000 + rows[i].age),
			rows[i].want);
	}
}

static void
counters(void)
{
	struct tlsrpt_counters a = {0}, b = {0};

	tlsrpt_count_success(&a, TLSRPT_POLICY_STS);
	tlsrpt_count_failure(&b, TLSRPT_POLICY_TLSA, TLSRPT_TLSA_INVALID);
	tlsrpt_count_success(&b, TLSRPT_POLICY_STS);
	tlsrpt_counters_add(&a, &b);
	tlsrpt_counters_add(&a, &b);
	CHECK_INT(a.success[TLSRPT_POLICY_STS], 3);
	CHECK_INT(a.failure[TLSRPT_POLICY_TLSA][TLSRPT_TLSA_INVALID], 2);
	CHECK_SLICE(slice_str(tlsrpt_failure_name(TLSRPT_TLSA_INVALID)), S("tlsa-invalid"));
	CHECK_SLICE(slice_str(tlsrpt_policy_name(TLSRPT_POLICY_NONE)), S("no-policy-found"));
	for (int i = 0; i < TLSRPT_FAILURES; i++)
		CHECK(tlsrpt_failure_name((enum tlsrpt_failure)i) != NULL);
}

/* What is written is read again as it was; what could not be is not written. */
static void
policy_put(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(4096), bad = BUF_INIT(4096);
	struct mtasts_policy p = {.mode = MTASTS_MODE_TESTING,
		.max_age = 86400,
		.mx = {S("mail.example.com"), S("*.example.net")},
		.mx_count = 2};
	struct mtasts_policy again;

	CHECK_INT(mtasts_policy_put(&out, &p), 0);
	CHECK_INT(mtasts_policy_parse(buf_slice(&out), &again), 0);
	CHECK(again.mode == p.mode && again.max_age == p.max_age && again.mx_count == 2);
	CHECK_SLICE(again.mx[1], p.mx[1]);
	p.mx[0] = S("a\r\nmode: none");
	CHECK_INT(mtasts_policy_put(&bad, &p), LL_ERR_SYNTAX);
	p.mx_count = 0;
	CHECK_INT(mtasts_policy_put(&bad, &p), LL_ERR_SYNTAX);
}

T_MAIN(T(policy_put), T(sts_records), T(lookups), T(policies), T(matching), T(caching), T(counters))
