/* Authentication-Results: what is written, and whose fields are taken out. */
#include "mail/auth_results.h"
#include "mail/mailauth.h"
#include "t.h"

static void
writing(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(AUTH_RESULTS_MAX);
	struct auth_results_writer w;

	auth_results_begin(&w, &out, S("mx.example.org"));
	auth_results_end(&w);
	CHECK_SLICE(buf_slice(&out), S("Authentication-Results: mx.example.org; none\r\n"));
	buf_reset(&out);
	auth_results_begin(&w, &out, S("mx.example.org"));
	auth_results_method(&w, "spf", "pass", NULL);
	auth_results_property(&w, "smtp", "mailfrom", S("a@b.example"));
	auth_results_property(&w, "smtp", "empty", S(""));
	auth_results_method(&w, "dkim", "fail", "2048-bit key");
	auth_results_reason(&w, S("body hash does not match"));
	auth_results_property(&w, "header", "d", S("b.example"));
	auth_results_property(&w, "header", "i", S("we \"quote\\\" this\r\nX: y\x7f"));
	auth_results_end(&w);
	CHECK_INT(buf_err(&out), 0);
	CHECK_SLICE(buf_slice(&out),
		S("Authentication-Results: mx.example.org;\r\n"
		  "\tspf=pass smtp.mailfrom=a@b.example;\r\n"
		  "\tdkim=fail (2048-bit key) reason=\"body hash does not match\"\r\n"
		  "\theader.d=b.example header.i=\"we \\\"quote\\\\\\\" thisX: y\"\r\n"));
}

/* Lines stay within bounds, and no value can end the field. */
static void
folding(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(AUTH_RESULTS_MAX);
	struct auth_results_writer w;
	struct slice rest;
	size_t lines = 0;

	auth_results_begin(&w, &out, S("mx.example.org"));
	auth_results_method(&w, "dkim", "pass", NULL);
	for (int i = 0; i < 30; i++)
		auth_results_property(&w, "header", "d", S("some.domain.example\r\nEvil: x"));
	auth_results_end(&w);
	rest = buf_slice(&out);
	while (rest.len) {
		struct slice line = slice_line(&rest);

		CHECK(line.len <= 76);
		CHECK(lines++ == 0 || line.ptr[0] == '\t');
		CHECK(slice_find_byte(line, '\r') == SLICE_NPOS);
	}
	CHECK(lines > 10);
}

static void
submission(void)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(AUTH_RESULTS_MAX);

	mailauth_submission_header(&out, S("mx.example.org"), S("anne@example.org"));
	CHECK_SLICE(buf_slice(&out),
		S("Authentication-Results: mx.example.org;\r\n"
		  "\tauth=pass smtp.mailfrom=anne@example.org\r\n"));
}

static void
forged(void)
{
	static const struct {
		const char *field;
		bool drop;
	} rows[] = {
		{"Authentication-Results: mx.example.org; spf=pass\r\n", true},
		{"authentication-results:MX.Example.ORG;spf=pass\r\n", true},
		{"Authentication-Results : mx.example.org\r\n", true},
		{"Authentication-Results: mx.example.org 1; none\r\n", true},
		{"Authentication-Results: mx.example.org.; none\r\n", true},
		{"Authentication-Results:\r\n\tmx.example.org; none\r\n", true},
		{"Authentication-Results: (a (b \\) c)) mx.example.org(x); none\r\n", true},
		{"Authentication-Results: \"mx.example.org\"; none\r\n", true},
		{"Authentication-Results: \"mx.exa\\mple.org\"; none\r\n", true},
		{"Authentication-Results: \" mx.example.org \"; none\r\n", true},
		{"Authentication-Results: (never ends mx.other.example; none\r\n", true},
		{"Authentication-Results: \"never ends\r\n", true},
		{"Authentication-Results:\r\n", true},
		{"Authentication-Results: ; spf=pass\r\n", true},
		{"Authentication-Results: mx.other.example; spf=pass\r\n", false},
		{"Authentication-Results: mx.example.org.evil; spf=pass\r\n", false},
		{"Authentication-Results: xmx.example.org; spf=pass\r\n", false},
		{"ARC-Authentication-Results: i=1; mx.example.org; none\r\n", false},
		{"X-Authentication-Results: mx.example.org; none\r\n", false},
		{"Subject: Authentication-Results: mx.example.org\r\n", false},
	};
	CLEANUP(buf_done) struct buf all = BUF_INIT(10000);
	struct auth_results_ranges ranges = {0};
	size_t wanted = 0, offset = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct auth_results_ranges one = {0};

		CHECK_INT(auth_results_forged(slice_str(rows[i].field), S("mx.example.org"), &one),
			0);
		if ((one.len == 1) != rows[i].drop)
			fprintf(stderr, "%s", rows[i].field);
		CHECK_INT(one.len, rows[i].drop);
		if (one.len) {
			CHECK_INT(one.at[0].offset, 0);
			CHECK_INT(one.at[0].length, strlen(rows[i].field));
		}
		VEC_DONE(&one);
		buf_puts(&all, rows[i].field);
	}
	CHECK_INT(auth_results_forged(buf_slice(&all), S("mx.example.org"), &ranges), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].drop) {
			CHECK_INT(ranges.at[wanted].offset, offset);
			CHECK_INT(ranges.at[wanted].length, strlen(rows[i].field));
			wanted++;
		}
		offset += strlen(rows[i].field);
	}
	CHECK_INT(ranges.len, wanted);
	VEC_DONE(&ranges);
}

T_MAIN(T(writing), T(folding), T(submission), T(forged))
