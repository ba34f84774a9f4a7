/* A whole message through mailauth: its first lines are TXT records (up to an empty line), then the
 * header, an empty line, the body. However body and answers are cut, the same verdicts and the same
 * field come out; our own field is found again as ours; nothing strange stands in it. */
#include "answers.h"
#include "base/error.h"
#include "mail/header.h"
#include "mail/mailauth.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME S("mx.example.org")

static struct mailauth *
run(const struct mailauth_options *o, struct slice lines, struct slice body, bool small,
	struct dns_memo *memo)
{
	unsigned at_once = small ? answers_few(lines) : UINT32_MAX;
	uint32_t hash = fuzz_hash(body);
	struct mailauth *m = mailauth_new(o);
	struct answers answers = {.lines = lines};
	int r;

	if (!m)
		return NULL;
	MUST(!small || mailauth_step(m, memo) == LL_ERR_AGAIN);
	for (size_t at = 0, n; at < body.len; at += n) {
		n = small ? fuzz_piece(hash, at, body.len) : body.len;
		MUST(!mailauth_body(m, slice_sub(body, at, n)));
	}
	MUST(!mailauth_body_end(m));
	while ((r = mailauth_step(m, memo)) == LL_ERR_AGAIN)
		MUST(answers_serve(&answers, memo, at_once));
	MUST(r == LL_OK);
	return m;
}

static void
check_ranges(const struct mailauth_result *r, struct slice header)
{
	size_t end = 0;

	for (size_t i = 0; i < r->forged_count; i++) {
		MUST(r->forged[i].offset >= end && r->forged[i].length);
		end = r->forged[i].offset + r->forged[i].length;
		MUST(end <= header.len);
	}
}

/* What we write is one well-formed field that bears our name. */
static void
check_own(struct slice field)
{
	struct header_iter it = header_iter_new(field);
	struct header_field f;
	struct auth_results_ranges found = {0};

	MUST(header_next(&it, &f) && f.raw.len == field.len);
	MUST(!header_next(&it, &f));
	MUST(!auth_results_forged(field, NAME, &found) && found.len == 1);
	VEC_DONE(&found);
	for (size_t i = 0; i < field.len; i++)
		MUST(field.ptr[i] >= 0x20 || memchr("\r\n\t", field.ptr[i], 3));
}

static void
compare(const struct mailauth_result *a, const struct mailauth_result *b)
{
	MUST(slice_eq(a->header, b->header));
	MUST(a->dmarc.disposition == b->dmarc.disposition);
	MUST(a->dmarc.disposition <= a->dmarc.published);
	MUST(a->dmarc.disposition == DMARC_POLICY_NONE || a->dmarc.result == DMARC_FAIL);
	MUST(a->forged_count == b->forged_count && a->dkim_count == b->dkim_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_new(data, size), lines, body;
	size_t gap = slice_find(in, S("\n\n"));
	struct mailauth_options o = {.helo = S("mail.example"),
		.mail_from = S("a@b.example"),
		.authserv_id = NAME,
		.now = 1528637910,
		.iprev = true};
	struct dns_memo *one = dns_memo_new(), *all = dns_memo_new();
	struct mailauth *m, *n = NULL;

	MUST(one && all && !ip_addr_parse(S("192.0.2.1"), &o.ip));
	lines = slice_sub(in, 0, gap);
	in = gap == SLICE_NPOS ? in : slice_skip(in, gap + 2);
	body = slice_skip(in, header_length(in));
	o.header = slice_sub(in, 0, header_length(in));
	m = run(&o, lines, body, true, one);
	if (m) {
		check_ranges(mailauth_result(m), o.header);
		check_own(mailauth_result(m)->header);
	}
	if (fuzz_twice(in)) {
		n = run(&o, lines, body, false, all);
		MUST(!m == !n); /* both, or memory's cap refuses both */
		if (m)
			compare(mailauth_result(m), mailauth_result(n));
	}
	mailauth_free(m);
	mailauth_free(n);
	dns_memo_free(one);
	dns_memo_free(all);
	return 0;
}
