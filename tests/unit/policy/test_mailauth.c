/* Whole messages through mailauth: verdicts, header text and DMARC's wish, with every order of body
 * and DNS. */
#include "mail/mailauth.h"
#include "zone.h"

#define NOW 1700000000

static struct zone_record zone[] = {
	{"s1._domainkey.sender.example", "TXT", ""},
	{"sender.example", "TXT", "v=spf1 ip4:192.0.2.25 -all"},
	{"mta.sender.example", "TXT", "v=spf1 a -all"},
	{"mta.sender.example", "A", "192.0.2.25"},
	{"25.2.0.192.in-addr.arpa", "PTR", "mta.sender.example"},
	{"66.2.0.192.in-addr.arpa", "PTR", "mta.sender.example"},
	{"_dmarc.sender.example", "TXT", "v=DMARC1; p=reject; rua=mailto:r@sender.example"},
	{"_dmarc.second.example", "TXT", "v=DMARC1; p=quarantine"},
	{"flaky.example", "FAIL", ""},
	{"_dmarc.flaky.example", "TXT", "v=DMARC1; p=reject"},
	{"_dmarc.mild.example", "TXT", "v=DMARC1; p=none"},
};

static struct dkim_key *key;

static void
make_key(void)
{
	static struct buf record = BUF_INIT(2000);

	CHECK_INT(dkim_key_generate(DKIM_ED25519_SHA256, &key), 0);
	CHECK_INT(dkim_key_record(key, &record), 0);
	buf_putc(&record, 0);
	zone[0].value = (const char *)record.ptr;
}

static void
sign(struct buf *out, const char *header, const char *body)
{
	struct dkim_sign_options o = {.domain = S("sender.example"),
		.selector = S("s1"),
		.now = NOW,
		.header_canon = DKIM_RELAXED,
		.body_canon = DKIM_RELAXED};
	struct dkim_body *b = dkim_body_new(DKIM_RELAXED, UINT64_MAX);
	uint8_t hash[DKIM_HASH_SIZE];

	CHECK_INT(dkim_body_update(b, slice_str(body)), 0);
	CHECK_INT(dkim_body_final(b, hash, NULL), 0);
	dkim_body_free(b);
	CHECK_INT(dkim_sign(key, &o, slice_str(header), hash, out), 0);
	buf_puts(out, header);
}

struct row {
	const char *what;
	const char *ip, *helo, *mail_from;
	bool sign;
	const char *header, *body; /* body: as sent; the signed one is "hello\r\n" */
	enum spf_result spf;
	enum dkim_result dkim; /* DKIM_NONE: no signature */
	enum dmarc_result dmarc;
	enum dmarc_policy disposition;
	enum mailauth_iprev iprev;
};

#define FROM "From: Anne <anne@sender.example>\r\n"
#define GOOD "192.0.2.25", "mta.sender.example"
#define EVIL "192.0.2.66", "mta.sender.example"

static const struct row rows[] = {
	{"all is well", GOOD, "anne@sender.example", true, FROM, "hello\r\n", SPF_PASS, DKIM_PASS,
		DMARC_PASS, DMARC_POLICY_NONE, IPREV_PASS},
	{"unsigned, SPF aligned", GOOD, "anne@sender.example", false, FROM, "x\r\n", SPF_PASS,
		DKIM_NONE, DMARC_PASS, DMARC_POLICY_NONE, IPREV_PASS},
	{"bounce: HELO counts", GOOD, "", false, FROM, "x\r\n", SPF_PASS, DKIM_NONE, DMARC_PASS,
		DMARC_POLICY_NONE, IPREV_PASS},
	{"forwarded: DKIM carries it", EVIL, "anne@sender.example", true, FROM, "hello\r\n",
		SPF_FAIL, DKIM_PASS, DMARC_PASS, DMARC_POLICY_NONE, IPREV_FAIL},
	{"forged", EVIL, "anne@sender.example", false, FROM, "x\r\n", SPF_FAIL, DKIM_NONE,
		DMARC_FAIL, DMARC_POLICY_REJECT, IPREV_FAIL},
	{"altered body", EVIL, "anne@sender.example", true, FROM, "hullo\r\n", SPF_FAIL, DKIM_FAIL,
		DMARC_FAIL, DMARC_POLICY_REJECT, IPREV_FAIL},
	{"signed by another", EVIL, "x@elsewhere.example", true, "From: x@mild.example\r\n",
		"hello\r\n", SPF_NONE, DKIM_PASS, DMARC_FAIL, DMARC_POLICY_NONE, IPREV_FAIL},
	{"SPF cannot be had, and would align", GOOD, "x@flaky.example", false,
		"From: x@flaky.example\r\n", "x", SPF_TEMPERROR, DKIM_NONE, DMARC_TEMPERROR,
		DMARC_POLICY_NONE, IPREV_PASS},
	{"SPF cannot be had, and would not align", GOOD, "x@flaky.example", false, FROM, "x",
		SPF_TEMPERROR, DKIM_NONE, DMARC_FAIL, DMARC_POLICY_REJECT, IPREV_PASS},
	{"two authors: the worse counts", GOOD, "anne@sender.example", false,
		"From: anne@sender.example, m@second.example\r\n", "x", SPF_PASS, DKIM_NONE,
		DMARC_FAIL, DMARC_POLICY_QUARANTINE, IPREV_PASS},
	{"two From fields", EVIL, "m@elsewhere.example", false, "From: m@mild.example\r\n" FROM,
		"x", SPF_NONE, DKIM_NONE, DMARC_FAIL, DMARC_POLICY_REJECT, IPREV_FAIL},
	{"no author", GOOD, "anne@sender.example", false, "Subject: x\r\n", "x", SPF_PASS,
		DKIM_NONE, DMARC_NONE, DMARC_POLICY_NONE, IPREV_PASS},
	{"no policy", "203.0.113.7", "x.example", "a@none.example", false,
		"From: a@none.example\r\n", "x", SPF_NONE, DKIM_NONE, DMARC_NONE, DMARC_POLICY_NONE,
		IPREV_PERMERROR},
};

/* order: 0 body first, 1 DNS first, 2 one byte and one answer at a time. */
static void
drive(struct mailauth *m, struct dns_memo *memo, struct slice body, int order)
{
	struct zone z = ZONE(zone);
	struct dns_query q;
	int r;

	if (order == 0) {
		CHECK_INT(mailauth_body(m, body), 0);
		CHECK_INT(mailauth_body_end(m), 0);
	}
	while ((r = mailauth_step(m, memo)) == LL_ERR_AGAIN) {
		if (order == 2 && body.len) {
			CHECK_INT(mailauth_body(m, slice_sub(body, 0, 1)), 0);
			body = slice_skip(body, 1);
		}
		if (order == 2 ? dns_memo_wanted(memo, &q) : zone_serve(&z, memo)) {
			if (order == 2)
				zone_answer(&z, memo, &q);
			continue;
		}
		if (order == 2 && body.len)
			continue;
		if (order == 0)
			break;
		CHECK(mailauth_result(m) == NULL);
		CHECK_INT(mailauth_body(m, body), 0);
		CHECK_INT(mailauth_body_end(m), 0);
		order = 0;
	}
	CHECK_INT(r, 0);
	CHECK_INT(mailauth_step(m, memo), 0);
}

static void
check_row(const struct row *row, int order)
{
	CLEANUP(buf_done) struct buf header = BUF_INIT(10000);
	struct mailauth_options o = {.helo = slice_str(row->helo),
		.mail_from = slice_str(row->mail_from),
		.authserv_id = S("mx.receiver.example"),
		.now = NOW,
		.iprev = true};
	struct dns_memo *memo = dns_memo_new();
	const struct mailauth_result *res;
	struct mailauth *m;
	int before = t_failed;

	if (row->sign)
		sign(&header, row->header, "hello\r\n");
	else
		buf_puts(&header, row->header);
	o.header = buf_slice(&header);
	CHECK_INT(ip_addr_parse(slice_str(row->ip), &o.ip), 0);
	m = mailauth_new(&o);
	drive(m, memo, slice_str(row->body), order);
	res = mailauth_result(m);
	CHECK_INT(res->spf.result, row->spf);
	CHECK_INT(res->dkim_count, row->sign);
	if (row->sign)
		CHECK_INT(res->dkim[0].result, row->dkim);
	CHECK_INT(res->dmarc.result, row->dmarc);
	CHECK_INT(res->dmarc.disposition, row->disposition);
	CHECK_INT(res->iprev, row->iprev);
	CHECK(slice_ends(res->header, S("\r\n")));
	if (t_failed != before)
		fprintf(stderr, "row: %s, order %d\n%.*s", row->what, order,
			SLICE_ARG(res->header));
	mailauth_free(m);
	dns_memo_free(memo);
}

static void
table(void)
{
	make_key();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int order = 0; order < 3; order++)
			check_row(&rows[i], order);
	dkim_key_free(key);
}

/* The whole text of the field for a forged message that brings a field in our name. */
static void
text(void)
{
	static const char header[] = "Received: from a\r\n"
				     "Authentication-Results: MX.receiver.example; dmarc=pass\r\n"
				     "Subject: x\r\n" FROM;
	struct mailauth_options o = {.helo = S("mta.sender.example"),
		.mail_from = S("anne@sender.example"),
		.authserv_id = S("mx.receiver.example"),
		.header = slice_str(header),
		.now = NOW,
		.iprev = true};
	struct dns_memo *memo = dns_memo_new();
	const struct mailauth_result *res;
	struct mailauth *m;

	CHECK_INT(ip_addr_parse(S("192.0.2.66"), &o.ip), 0);
	m = mailauth_new(&o);
	drive(m, memo, S("x"), 0);
	res = mailauth_result(m);
	CHECK_SLICE(res->header,
		S("Authentication-Results: mx.receiver.example;\r\n"
		  "\tiprev=fail policy.iprev=192.0.2.66;\r\n"
		  "\tspf=fail smtp.helo=mta.sender.example;\r\n"
		  "\tspf=fail smtp.mailfrom=anne@sender.example;\r\n"
		  "\tdkim=none;\r\n"
		  "\tdmarc=fail (policy reject, disposition reject)\r\n"
		  "\theader.from=sender.example polrec.domain=sender.example\r\n"));
	CHECK_INT(res->forged_count, 1);
	CHECK_INT(res->forged[0].offset, 18);
	CHECK_INT(res->forged[0].length, 57);
	CHECK_SLICE(res->dmarc.rua, S("mailto:r@sender.example"));
	CHECK_SLICE(res->client_name, S(""));
	mailauth_free(m);
	mailauth_free(NULL);
	dns_memo_free(memo);
}

T_MAIN(T(table), T(text))
