/* DKIM: canonicalisation examples of RFC 6376, the full vector of RFC 8463 appendix A, what makes a
 * signature fail, and round trips through our own signer. */
#include "mail/dkim.h"
#include "zone.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define NOW 1528637910

static const char football_header[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
static const char football_body[] = "Hi.\r\n"
				    "\r\n"
				    "We lost the game.  Are you hungry yet?\r\n"
				    "\r\n"
				    "Joe.\r\n";

#define ED25519_TEXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA_P                                                                                      \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi" \
	"Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZy" \
	"VYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define RSA_TEXT "v=DKIM1; k=rsa; p=" RSA_P

static struct zone_record football_zone[] = {
	{"brisbane._domainkey.football.example.com", "TXT", ED25519_TEXT},
	{"test._domainkey.football.example.com", "TXT", RSA_TEXT},
};

/* Verifies; the verifier is the caller's to free. */
static struct dkim_verifier *
verify(struct slice header, struct slice body, struct zone *z, int64_t now)
{
	struct dkim_verifier *v = dkim_verifier_new(header, now);
	struct dns_memo *memo = dns_memo_new();
	int r;

	CHECK(v != NULL);
	CHECK_INT(dkim_verifier_step(v, memo), LL_ERR_AGAIN); /* asks early */
	CHECK_INT(dkim_verifier_body(v, body), 0);
	CHECK_INT(dkim_verifier_body_end(v), 0);
	while ((r = dkim_verifier_step(v, memo)) == LL_ERR_AGAIN && zone_serve(z, memo))
		;
	CHECK_INT(r, 0);
	dns_memo_free(memo);
	return v;
}

static void
canonicalisation(void)
{
	static const struct {
		enum dkim_canon canon;
		const char *field, *want;
	} fields[] = {
		{DKIM_RELAXED, "A: X\r\n", "a:X\r\n"},
		{DKIM_RELAXED, "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
		{DKIM_SIMPLE, "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n"},
		{DKIM_RELAXED, "Subject:\r\n", "subject:\r\n"},
		{DKIM_RELAXED, "Subject: \t \r\n \r\n x", "subject:x\r\n"},
		{DKIM_SIMPLE, "X: y", "X: y\r\n"},
	};
	static const struct {
		enum dkim_canon canon;
		const char *body, *want;
	} bodies[] = {
		{DKIM_RELAXED, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"},
		{DKIM_SIMPLE, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n"},
		{DKIM_SIMPLE, "", "\r\n"},
		{DKIM_SIMPLE, "\r\n\r\n", "\r\n"},
		{DKIM_SIMPLE, "x", "x\r\n"},
		{DKIM_SIMPLE, " \r\n", " \r\n"},
		{DKIM_RELAXED, "", ""},
		{DKIM_RELAXED, "\r\n\r\n", ""},
		{DKIM_RELAXED, " \t\r\n \r\n", ""},
		{DKIM_RELAXED, "x", "x\r\n"},
		{DKIM_RELAXED, "x  ", "x\r\n"},
		{DKIM_RELAXED, "\r\n x\ty  z \r\n \r\n\r\nq\r\n\r\n",
			"\r\n x y z\r\n\r\n\r\nq\r\n"},
		{DKIM_RELAXED, "a\rb\r\r\nc\nd \r e\r", "a\rb\r\r\nc\nd \r e\r\r\n"},
		{DKIM_SIMPLE, "a\rb\r\r\nc\nd\r", "a\rb\r\r\nc\nd\r\r\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		CLEANUP(buf_done) struct buf out = BUF_INIT(1000);

		CHECK_INT(dkim_header_canon(&out, fields[i].canon, slice_str(fields[i].field)), 0);
		CHECK_SLICE(buf_slice(&out), slice_str(fields[i].want));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct slice body = slice_str(bodies[i].body);
		uint8_t want[EVP_MAX_MD_SIZE], got[DKIM_HASH_SIZE];
		uint64_t length = 0;

		EVP_Digest(bodies[i].want, strlen(bodies[i].want), want, NULL, EVP_sha256(), NULL);
		for (size_t cut = 0; cut <= body.len; cut++) {
			struct dkim_body *b = dkim_body_new(bodies[i].canon, UINT64_MAX);

			CHECK_INT(dkim_body_update(b, slice_sub(body, 0, cut)), 0);
			CHECK_INT(dkim_body_update(b, slice_skip(body, cut)), 0);
			CHECK_INT(dkim_body_final(b, got, &length), 0);
			CHECK_INT(length, strlen(bodies[i].want));
			if (memcmp(got, want, sizeof(got)) != 0) {
				fprintf(stderr, "body %zu cut at %zu\n", i, cut);
				CHECK(false);
			}
			dkim_body_free(b);
		}
	}
}

/* RFC 8463 appendix A: both signatures of the message hold. */
static void
football(void)
{
	struct zone z = ZONE(football_zone);
	struct dkim_verifier *v =
		verify(slice_str(football_header), slice_str(football_body), &z, NOW);
	size_t n = 0;
	const struct dkim_verdict *d = dkim_verifier_verdicts(v, &n);

	CHECK_INT(n, 2);
	CHECK_INT(d[0].result, DKIM_PASS);
	CHECK_INT(d[0].alg, DKIM_ED25519_SHA256);
	CHECK_SLICE(d[0].domain, S("football.example.com"));
	CHECK_SLICE(d[0].selector, S("brisbane"));
	CHECK_SLICE(d[0].identity, S("@football.example.com"));
	CHECK_SLICE(d[0].signature, S("/gCrinpc"));
	CHECK_INT(d[1].result, DKIM_PASS);
	CHECK_INT(d[1].alg, DKIM_RSA_SHA256);
	CHECK_INT(d[1].key_bits, 1024);
	CHECK(!d[0].testing && !d[0].body_partial && !d[0].reason);
	dkim_verifier_free(v);
}

/* RFC 6376 appendix A: simple canonicalisation, so every space counts. */
static void
appendix_a(void)
{
	static const char header[] =
		"DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
		"      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
		"      h=Received : From : To : Subject : Date : Message-ID;\r\n"
		"      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
		"      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
		"      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
		"      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
		"      4bmp/YzhwvcubU4=;\r\n"
		"Received: from client1.football.example.com  [192.0.2.1]\r\n"
		"      by submitserver.example.com with SUBMISSION;\r\n"
		"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n"
		"From: Joe SixPack <joe@football.example.com>\r\n"
		"To: Suzie Q <suzie@shopping.example.net>\r\n"
		"Subject: Is dinner ready?\r\n"
		"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
		"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
	static const char body[] =
		"Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";
	static const struct zone_record zone[] = {
		{"brisbane._domainkey.example.com", "TXT",
			"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/"
			"DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/"
			"RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQ"
			"PNUYckcQ2QIDAQAB"},
	};
	struct zone z = ZONE(zone);
	struct dkim_verifier *v = verify(slice_str(header), slice_str(body), &z, NOW);
	size_t n = 0;
	const struct dkim_verdict *d = dkim_verifier_verdicts(v, &n);

	CHECK_INT(n, 1);
	CHECK_INT(d[0].result, DKIM_PASS);
	CHECK_SLICE(d[0].domain, S("example.com"));
	CHECK_SLICE(d[0].identity, S("joe@football.example.com"));
	dkim_verifier_free(v);
}

/* One change to the message or the key, and what becomes of the two signatures. */
struct change {
	const char *find, *replace; /* in the header; NULL for none */
	const char *body; /* instead; NULL for the right one */
	const char *key; /* instead of the Ed25519 key record */
	enum dkim_result ed25519, rsa;
};

static void
replace(struct buf *out, const char *text, const char *find, const char *with)
{
	struct slice s = slice_str(text);
	size_t at = find ? slice_find(s, slice_str(find)) : SLICE_NPOS;

	CHECK((at != SLICE_NPOS) == (find != NULL));
	if (at == SLICE_NPOS) {
		buf_put(out, s);
		return;
	}
	buf_put(out, slice_sub(s, 0, at));
	buf_puts(out, with);
	buf_put(out, slice_skip(s, at + strlen(find)));
}

#define P DKIM_PASS
#define F DKIM_FAIL
#define PERM DKIM_PERMERROR
#define NEU DKIM_NEUTRAL
#define ED_P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct change changes[] = {
	/* What relaxed canonicalisation forgives. */
	{"Subject: Is dinner", "SUBJECT:Is  \t dinner", NULL, NULL, P, P},
	{"From: Joe", "X-New: y\r\nFrom: Joe", NULL, NULL, P, P},
	{NULL, NULL, "Hi.  \r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n\r\n\r\n",
		NULL, P, P},
	/* What is not forgiven. */
	{"dinner ready", "supper ready", NULL, NULL, F, F},
	{NULL, NULL, "Hi.\r\n", NULL, F, F},
	{"From: Joe", "From: Mallory <m@example.org>\r\nFrom: Joe", NULL, NULL, F, F},
	{"Subject: Is", "Subject: x\r\nSubject: Is", NULL, NULL, F, F},
	{"To: Suzie Q", "To: other@example.org\r\nTo: Suzie Q", NULL, NULL, P, P},
	{"2jUSOH9", "3jUSOH9", NULL, NULL, F, P},
	{"/gCrinpc", "/hCrinpc", NULL, NULL, F, P},
	/* Tags of the signature. */
	{"v=1; a=ed", "v=2; a=ed", NULL, NULL, NEU, P},
	{"v=1; a=ed", "a=ed", NULL, NULL, PERM, P},
	{"a=ed25519-sha256", "a=rsa-sha1", NULL, NULL, DKIM_POLICY, P},
	{"a=ed25519-sha256", "a=rsa-sha256", NULL, NULL, PERM, P},
	{"a=ed25519-sha256", "a=dsa-sha256", NULL, NULL, NEU, P},
	{"c=relaxed/relaxed", "c=relaxed/other", NULL, NULL, NEU, P},
	{"c=relaxed/relaxed", "c=simple/relaxed", NULL, NULL, F, P},
	{"d=football.example.com; i=@f", "i=@f", NULL, NULL, PERM, P},
	{"d=football.example.com", "d=other.example.com", NULL, NULL, PERM, P},
	{"d=football.example.com", "d=com", NULL, NULL, NEU, P},
	{"i=@football", "i=@x.football", NULL, NULL, F, P},
	{"i=@football.example.com", "i=@example.com", NULL, NULL, PERM, P},
	{"i=@football.example.com", "i=football", NULL, NULL, NEU, P},
	{"q=dns/txt", "q=other", NULL, NULL, NEU, P},
	{"s=brisbane; ", "", NULL, NULL, PERM, P},
	{"s=brisbane", "s=nokey", NULL, NULL, PERM, P},
	{"t=1528637909", "t=1528638909", NULL, NULL, NEU, P},
	{"t=1528637909", "t=soon", NULL, NULL, NEU, P},
	{"t=1528637909;", "t=1528637909; x=1528637909;", NULL, NULL, PERM, P},
	{"t=1528637909;", "t=1528637909; x=1528637908;", NULL, NULL, NEU, P},
	{"t=1528637909;", "t=1528637909; x=1528637999;", NULL, NULL, F, P},
	{"t=1528637909;", "t=1528637909; l=x;", NULL, NULL, NEU, P},
	{"t=1528637909;", "t=1528637909; l=1000;", NULL, NULL, F, P},
	{"t=1528637909;", "t=1528637909; l=99999999999999999999999999;", NULL, NULL, F, P},
	{"t=1528637909;", "t=1528637909; t=1;", NULL, NULL, NEU, P},
	{"t=1528637909;", "t=1528637909; zz=unknown;", NULL, NULL, F, P},
	{"h=from : to :\r\n subject", "h=to :\r\n subject", NULL, NULL, F, P},
	{"h=from : to :\r\n subject : date : message-id : from : subject : date;", "h=to;", NULL,
		NULL, PERM, P},
	{"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=", "bh=2jUSOH9N", NULL, NULL, NEU, P},
	{"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;", "", NULL, NULL, PERM, P},
	{"Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==", "!!", NULL, NULL, NEU, P},
	{"Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==", "", NULL, NULL, F, P},
	/* Key records. */
	{NULL, NULL, NULL, "k=ed25519; p=" ED_P, P, P},
	{NULL, NULL, NULL, "v=DKIM1; h=sha256:sha1; k=ed25519; s=email; n=note; p=" ED_P, P, P},
	{NULL, NULL, NULL,
		"v=DKIM1; k=ed25519; t=y:s; p=11qYAYKxCrfVS/7T yWQHOg7hcvPapiMl rwIaaPcHURo= ;", P,
		P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519; s=*; p=" ED_P, P, P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519; h=sha1; p=" ED_P, PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519; s=tlsrpt; p=" ED_P, PERM, P},
	{NULL, NULL, NULL, "v=DKIM2; k=ed25519; p=" ED_P, PERM, P},
	{NULL, NULL, NULL, "k=ed25519; v=DKIM1; p=" ED_P, PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519; p=", PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519", PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; k=other; p=" ED_P, PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; p=" ED_P, PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519; p=11qYAYKx", PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519; p=" RSA_P, PERM, P},
	{NULL, NULL, NULL, "v=DKIM1; k=ed25519; p=12qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", F,
		P},
	{NULL, NULL, NULL, RSA_TEXT, PERM, P},
	{NULL, NULL, NULL, "", PERM, P},
	{NULL, NULL, NULL, "unrelated text", PERM, P},
};

static void
broken(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		CLEANUP(buf_done) struct buf header = BUF_INIT(10000);
		struct zone z = ZONE(football_zone);
		const struct dkim_verdict *d;
		struct dkim_verifier *v;
		size_t n = 0;

		football_zone[0].value = c->key ? c->key : ED25519_TEXT;
		replace(&header, football_header, c->find, c->replace);
		v = verify(
			buf_slice(&header), slice_str(c->body ? c->body : football_body), &z, NOW);
		d = dkim_verifier_verdicts(v, &n);
		CHECK_INT(n, 2);
		if (d[0].result != c->ed25519 || d[1].result != c->rsa) {
			fprintf(stderr, "change %zu (%s): %s (%s), %s (%s)\n", i,
				c->find ? c->find : (c->key ? c->key : "body"),
				dkim_result_name(d[0].result), d[0].reason ? d[0].reason : "",
				dkim_result_name(d[1].result), d[1].reason ? d[1].reason : "");
			CHECK(false);
		}
		CHECK((d[0].reason == NULL) == (d[0].result == DKIM_PASS));
		dkim_verifier_free(v);
	}
	football_zone[0].value = ED25519_TEXT;
}

static void
key_lookups(void)
{
	static const struct zone_record failing[] = {
		{"brisbane._domainkey.football.example.com", "FAIL", ""},
		{"test._domainkey.football.example.com", "TXT", "noise"},
		{"test._domainkey.football.example.com", "TXT", RSA_TEXT},
	};
	struct zone z = ZONE(failing);
	struct dkim_verifier *v;
	const struct dkim_verdict *d;
	size_t n;

	z.secure = true;
	v = verify(slice_str(football_header), slice_str(football_body), &z, NOW);
	d = dkim_verifier_verdicts(v, &n);
	CHECK_INT(d[0].result, DKIM_TEMPERROR);
	CHECK_INT(d[1].result, DKIM_PASS);
	CHECK(d[1].key_secure);
	dkim_verifier_free(v);
}

/* ---- our own signatures ---- */

static const char letter[] = "Received: from x by y; Fri, 11 Jul 2003 21:00:37 -0700\r\n"
			     "From: Anne <anne@example.org>\r\n"
			     "To: bob@example.net\r\n"
			     "Subject: A  long\r\n subject\r\n"
			     "MIME-Version: 1.0\r\n"
			     "List-Id: <l.example.org>\r\n";

struct signed_letter {
	struct buf header, record;
	struct zone_record zone[1];
};

static void
sign_letter(struct signed_letter *s, const struct dkim_key *key, enum dkim_canon header,
	enum dkim_canon body, const char *text)
{
	struct dkim_sign_options o = {.domain = S("example.org"),
		.selector = S("s1"),
		.now = NOW,
		.expires = NOW + 1000,
		.header_canon = header,
		.body_canon = body};
	struct dkim_body *b = dkim_body_new(body, UINT64_MAX);
	uint8_t hash[DKIM_HASH_SIZE];

	s->header = BUF_INIT(10000);
	s->record = BUF_INIT(2000);
	CHECK_INT(dkim_body_update(b, slice_str(text)), 0);
	CHECK_INT(dkim_body_final(b, hash, NULL), 0);
	dkim_body_free(b);
	CHECK_INT(dkim_sign(key, &o, slice_str(letter), hash, &s->header), 0);
	buf_puts(&s->header, letter);
	CHECK_INT(dkim_key_record(key, &s->record), 0);
	buf_putc(&s->record, 0);
	s->zone[0] = (struct zone_record){
		"s1._domainkey.example.org", "TXT", (const char *)s->record.ptr};
}

static enum dkim_result
check_letter(const struct signed_letter *s, const char *add, const char *text, int64_t now)
{
	CLEANUP(buf_done) struct buf header = BUF_INIT(20000);
	struct zone z = ZONE(s->zone);
	struct dkim_verifier *v;
	enum dkim_result r;
	size_t n;

	buf_puts(&header, add);
	buf_put(&header, buf_slice(&s->header));
	v = verify(buf_slice(&header), slice_str(text), &z, now);
	r = dkim_verifier_verdicts(v, &n)[0].result;
	CHECK_INT(n, 1);
	dkim_verifier_free(v);
	return r;
}

static void
round_trip(void)
{
	static const enum dkim_alg algs[] = {DKIM_RSA_SHA256, DKIM_ED25519_SHA256};
	static const char text[] = "Dear Bob, \r\n\r\nbye\r\n\r\n";

	for (size_t i = 0; i < ARRAY_SIZE(algs) * 4; i++) {
		CLEANUP(buf_done) struct buf der = BUF_SECRET(4096);
		enum dkim_canon hc = i & 1 ? DKIM_RELAXED : DKIM_SIMPLE;
		enum dkim_canon bc = i & 2 ? DKIM_RELAXED : DKIM_SIMPLE;
		struct dkim_key *key = NULL, *again = NULL;
		struct signed_letter s;

		CHECK_INT(dkim_key_generate(algs[i / 4], &key), 0);
		CHECK_INT(dkim_key_export(key, &der), 0);
		CHECK_INT(dkim_key_import(buf_slice(&der), &again), 0);
		CHECK_INT(dkim_key_alg(again), algs[i / 4]);
		sign_letter(&s, again, hc, bc, text);
		CHECK_INT(check_letter(&s, "", text, NOW), DKIM_PASS);
		CHECK_INT(check_letter(&s, "", text, NOW + 1001), DKIM_PERMERROR);
		CHECK_INT(check_letter(&s, "", "Dear Bob\r\n", NOW), DKIM_FAIL);
		CHECK_INT(check_letter(&s, "X-Trace: 1\r\n", text, NOW), DKIM_PASS);
		/* Oversigned: none of these may be added. */
		CHECK_INT(check_letter(&s, "From: m@example.net\r\n", text, NOW), DKIM_FAIL);
		CHECK_INT(check_letter(&s, "Reply-To: m@example.net\r\n", text, NOW), DKIM_FAIL);
		CHECK_INT(check_letter(&s, "Cc: m@example.net\r\n", text, NOW), DKIM_FAIL);
		CHECK_INT(check_letter(&s, "Content-Type: text/html\r\n", text, NOW), DKIM_FAIL);
		buf_done(&s.header);
		buf_done(&s.record);
		dkim_key_free(key);
		dkim_key_free(again);
	}
}

static void
signer_refuses(void)
{
	struct dkim_sign_options o = {.domain = S("example.org"), .selector = S("s1")};
	CLEANUP(buf_done) struct buf out = BUF_INIT(100), der = BUF_INIT(4096);
	uint8_t hash[DKIM_HASH_SIZE] = {0};
	struct dkim_key *key = NULL, *bad = NULL;
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	uint8_t *p = NULL;
	int len;

	CHECK_INT(dkim_key_generate(DKIM_ED25519_SHA256, &key), 0);
	CHECK_INT(dkim_sign(key, &o, S("To: x\r\n"), hash, &out), LL_ERR_SYNTAX);
	CHECK_INT(dkim_sign(key, &o, slice_str(letter), hash, &out), LL_ERR_LIMIT);
	CHECK_INT(out.len, 0);
	CHECK_INT(dkim_key_import(S("nonsense"), &bad), LL_ERR_SYNTAX);
	CHECK_INT(dkim_key_export(key, &der), 0);
	CHECK_INT(dkim_key_import(slice_sub(buf_slice(&der), 0, der.len - 1), &bad), LL_ERR_SYNTAX);
	buf_putc(&der, 0);
	CHECK_INT(dkim_key_import(buf_slice(&der), &bad), LL_ERR_SYNTAX);
	len = i2d_PrivateKey(ec, &p);
	CHECK(len > 0);
	CHECK(dkim_key_import(slice_new(p, (size_t)len), &bad) != 0);
	CHECK(bad == NULL);
	OPENSSL_free(p);
	EVP_PKEY_free(ec);
	dkim_key_free(key);
	dkim_key_free(NULL);
}

/* The RSA key of the vector as a bare RSAPublicKey holds too; cut anywhere it is malformed. */
static void
rsa_key_forms(void)
{
	CLEANUP(buf_done) struct buf der = BUF_INIT(1000), text = BUF_INIT(2000);
	struct zone_record zone[] = {
		football_zone[0], {"test._domainkey.football.example.com", "TXT", NULL}};
	struct zone z = ZONE(zone);

	CHECK_INT(base64_decode(&der, S(RSA_P)), 0);
	for (size_t cut = 0; cut <= der.len; cut++) {
		bool bare = cut == der.len;
		struct dkim_verifier *v;
		size_t n;

		buf_reset(&text);
		buf_puts(&text, "p=");
		base64_encode(&text,
			bare ? slice_skip(buf_slice(&der), 22)
			     : slice_sub(buf_slice(&der), 0, cut));
		buf_putc(&text, 0);
		zone[1].value = (const char *)text.ptr;
		v = verify(slice_str(football_header), slice_str(football_body), &z, NOW);
		CHECK_INT(
			dkim_verifier_verdicts(v, &n)[1].result, bare ? DKIM_PASS : DKIM_PERMERROR);
		dkim_verifier_free(v);
	}
}

/* A key that is too short, and l= with text behind it: made here, as our signer does neither. */
static void
short_key_and_limit(void)
{
	static const char head[] = "From: a@example.org\r\n";
	static const char body[] = "signed\r\nadded\r\n";
	static const struct {
		unsigned bits;
		const char *limit;
		enum dkim_result want;
		bool partial;
	} rows[] = {
		{512, "", DKIM_POLICY, false},
		{1024, "l=8; ", DKIM_PASS, true},
		{1024, "l=15; ", DKIM_PASS, false},
		{1024, "l=16; ", DKIM_FAIL, false},
		{1024, "l=0; ", DKIM_PASS, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(buf_done) struct buf field = BUF_INIT(4096), text = BUF_INIT(4096);
		CLEANUP(buf_done) struct buf record = BUF_INIT(2000);
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)rows[i].bits);
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		uint8_t hash[DKIM_HASH_SIZE], signature[256], *der = NULL;
		uint64_t limit = UINT64_MAX;
		size_t len = sizeof(signature), n;
		struct dkim_body *b;
		struct zone_record zone[1];
		struct dkim_verifier *v;
		const struct dkim_verdict *d;
		struct zone z = ZONE(zone);
		int der_len = i2d_PUBKEY(key, &der);

		if (rows[i].limit[0])
			limit = strtoull(rows[i].limit + 2, NULL, 10);
		b = dkim_body_new(DKIM_SIMPLE, limit);
		CHECK_INT(dkim_body_update(b, slice_str(body)), 0);
		CHECK_INT(dkim_body_final(b, hash, NULL), 0);
		dkim_body_free(b);
		buf_printf(&field,
			"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=k; h=from; %sbh=",
			rows[i].limit);
		base64_encode(&field, SLICE_OF(hash));
		buf_puts(&field, "; b=");
		buf_puts(&text, head);
		buf_put(&text, buf_slice(&field));
		CHECK_INT(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
		CHECK_INT(EVP_DigestSign(ctx, signature, &len, text.ptr, text.len), 1);
		base64_encode(&field, slice_new(signature, len));
		buf_puts(&field, "\r\n");
		buf_puts(&field, head);
		buf_puts(&record, "p=");
		base64_encode(&record, slice_new(der, (size_t)der_len));
		buf_putc(&record, 0);
		zone[0] = (struct zone_record){
			"k._domainkey.example.org", "TXT", (const char *)record.ptr};
		v = verify(buf_slice(&field), slice_str(body), &z, NOW);
		d = dkim_verifier_verdicts(v, &n);
		CHECK_INT(d[0].result, rows[i].want);
		CHECK_INT(d[0].body_partial, rows[i].partial);
		if (rows[i].partial)
			CHECK_INT(d[0].unsigned_bytes, strlen(body) - limit);
		dkim_verifier_free(v);
		OPENSSL_free(der);
		EVP_MD_CTX_free(ctx);
		EVP_PKEY_free(key);
	}
}

static void
too_many(void)
{
	CLEANUP(buf_done) struct buf header = BUF_INIT(1 << 20);
	struct zone z = ZONE(football_zone);
	struct dkim_verifier *v;
	const struct dkim_verdict *d;
	size_t n;

	for (int i = 0; i < 5; i++)
		buf_puts(&header, football_header);
	v = verify(buf_slice(&header), slice_str(football_body), &z, NOW);
	d = dkim_verifier_verdicts(v, &n);
	CHECK_INT(n, 10);
	/* From is signed twice but is there five times: none holds. */
	CHECK_INT(d[0].result, DKIM_FAIL);
	CHECK_INT(d[8].result, DKIM_POLICY);
	CHECK_INT(d[9].result, DKIM_POLICY);
	dkim_verifier_free(v);
	v = verify(S("From: a@b.example\r\n"), S(""), &z, NOW);
	dkim_verifier_verdicts(v, &n);
	CHECK_INT(n, 0);
	dkim_verifier_free(v);
}

T_MAIN(T(canonicalisation), T(football), T(appendix_a), T(broken), T(key_lookups), T(round_trip),
	T(signer_refuses), T(rsa_key_forms), T(short_key_and_limit), T(too_many))
