/* ARC: a chain of three sets made by another implementation, whole and damaged. */
#include "arc_chain.h"
#include "mail/arc.h"
#include "zone.h"

#define NOW 1700000100

static struct zone_record zone[] = {
	{"arc._domainkey.lists.example.org", "TXT", ARC_CHAIN_KEY},
	{"arc._domainkey.relay.example.net", "TXT", ARC_CHAIN_KEY},
	{"arc._domainkey.third.example", "TXT", ARC_CHAIN_KEY},
};

static struct arc_verdict
verify(struct slice header, struct slice body)
{
	struct arc_verifier *v = arc_verifier_new(header, NOW);
	struct dns_memo *memo = dns_memo_new();
	struct zone z = ZONE(zone);
	struct arc_verdict verdict;
	static char domain[64];
	int r;

	CHECK(v != NULL);
	CHECK_INT(arc_verifier_body(v, slice_sub(body, 0, 3)), 0);
	while ((r = arc_verifier_step(v, memo)) == LL_ERR_AGAIN && zone_serve(&z, memo))
		;
	CHECK_INT(arc_verifier_body(v, slice_skip(body, 3)), 0);
	CHECK_INT(arc_verifier_body_end(v), 0);
	while ((r = arc_verifier_step(v, memo)) == LL_ERR_AGAIN && zone_serve(&z, memo))
		;
	CHECK_INT(r, 0);
	verdict = *arc_verifier_verdict(v);
	snprintf(domain, sizeof(domain), "%.*s", SLICE_ARG(verdict.domain));
	verdict.domain = slice_str(domain);
	arc_verifier_free(v);
	dns_memo_free(memo);
	return verdict;
}

static void
whole(void)
{
	struct arc_verdict v = verify(slice_str(arc_chain_header), slice_str(arc_chain_body));

	CHECK_INT(v.result, ARC_PASS);
	CHECK_INT(v.instances, 3);
	CHECK_INT(v.oldest_pass, 0);
	CHECK_SLICE(v.domain, S("third.example"));
	CHECK(v.reason == NULL);
	v = verify(S("From: a@b.example\r\n"), S("body\r\n"));
	CHECK_INT(v.result, ARC_NONE);
	CHECK_INT(v.instances, 0);
}

/* Replaces the n-th (from 0) occurrence. */
static void
replace_nth(struct buf *out, struct slice text, const char *find, int n, const char *with)
{
	size_t at = 0;

	for (;; n--) {
		size_t next = slice_find(slice_skip(text, at), slice_str(find));

		CHECK(next != SLICE_NPOS);
		if (next == SLICE_NPOS)
			return;
		at += next;
		if (!n)
			break;
		at++;
	}
	buf_put(out, slice_sub(text, 0, at));
	buf_puts(out, with);
	buf_put(out, slice_skip(text, at + strlen(find)));
}

static void
damaged(void)
{
	static const struct {
		const char *find;
		int nth;
		const char *with;
		enum arc_result want;
	} rows[] = {
		/* Relaxed canonicalisation and unsigned fields. */
		{"From:  Joe", 0, "from: Joe", ARC_PASS},
		{"Received:", 0, "X-New: 1\r\nReceived:", ARC_PASS},
		{"From:  Joe", 0, "From:  Jo", ARC_FAIL},
		{"To: x@y", 0, "To: z@y", ARC_FAIL},
		/* The header lists set 3 first: occurrence 0 belongs to it. */
		{"cv=pass", 0, "cv=none", ARC_FAIL},
		{"cv=pass", 0, "cv=fail", ARC_FAIL},
		{"cv=pass", 1, "cv=none", ARC_FAIL},
		{"cv=none", 0, "cv=pass", ARC_FAIL},
		{"i=3;", 0, "i=4;", ARC_FAIL},
		{"i=3;", 0, "i=2;", ARC_FAIL},
		{"i=3;", 0, "i=51;", ARC_FAIL},
		{"i=3;", 0, "i=0;", ARC_FAIL},
		{"i=3;", 0, "i=x;", ARC_FAIL},
		{"i=1; lists.example.org", 0, "i=1; altered.example.org", ARC_FAIL},
		{"ARC-Seal:", 2, "X-Seal:", ARC_FAIL},
		{"ARC-Message-Signature:", 1, "X-Message-Signature:", ARC_FAIL},
		{"ARC-Message-Signature:", 2, "x", ARC_FAIL},
		{"a=rsa-sha256", 0, "a=rsa-sha1", ARC_FAIL},
		{"d=relay.example.net", 0, "d=nokey.example.net", ARC_FAIL},
		{"bh=", 0, "xbh=", ARC_FAIL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf header = BUF_INIT(100000);
		struct arc_verdict v;

		replace_nth(&header, slice_str(arc_chain_header), rows[i].find, rows[i].nth,
			rows[i].with);
		v = verify(buf_slice(&header), slice_str(arc_chain_body));
		if (v.result != rows[i].want) {
			fprintf(stderr, "row %zu (%s, %d): %s, %s\n", i, rows[i].find, rows[i].nth,
				arc_result_name(v.result), v.reason ? v.reason : "");
			CHECK(false);
		}
		CHECK((v.reason == NULL) == (v.result == ARC_PASS));
	}
	CHECK_INT(verify(slice_str(arc_chain_header), S("other\r\n")).result, ARC_FAIL);
}

static void
keys(void)
{
	struct arc_verdict v;

	zone[0].type = "FAIL";
	v = verify(slice_str(arc_chain_header), slice_str(arc_chain_body));
	CHECK_INT(v.result, ARC_TEMPERROR);
	zone[0].type = "TXT";
	zone[0].value = "v=DKIM1; p=";
	v = verify(slice_str(arc_chain_header), slice_str(arc_chain_body));
	CHECK_INT(v.result, ARC_FAIL);
	CHECK_SLICE(slice_str(v.reason), S("key is revoked"));
	zone[0].value = ARC_CHAIN_KEY;
}

/* A seal covers the older sets as well; and a chain without its last set is a chain of two. */
static void
shortened(void)
{
	CLEANUP(buf_done) struct buf header = BUF_INIT(100000);
	struct slice text = slice_str(arc_chain_header);
	size_t second = slice_find(slice_skip(text, 10), S("ARC-Seal:")) + 10;

	replace_nth(&header, slice_skip(text, second), "bh=", 0, "bh=A");
	CHECK_INT(verify(buf_slice(&header), slice_str(arc_chain_body)).result, ARC_FAIL);
	CHECK_INT(verify(slice_skip(text, second), slice_str(arc_chain_body)).result, ARC_PASS);
	CHECK_INT(verify(slice_skip(text, second), slice_str(arc_chain_body)).instances, 2);
}

T_MAIN(T(whole), T(damaged), T(keys), T(shortened))
