/* One message's authentication: runs the policies side by side over one DNS memo, then writes down
 * what they found. */
#include "mail/mailauth.h"

#include "base/error.h"
#include "mail/address.h"
#include "mail/domain.h"
#include "mail/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define AUTHORS_MAX 4u /* domains of the From field that are looked at */
#define IPREV_NAMES_MAX 10u

struct mailauth {
	struct mailauth_options options;
	struct arena kept; /* lives as long as the mailauth */
	struct arena run; /* of one step */
	struct dkim_verifier *dkim;
	struct arc_verifier *arc;
	struct slice authors[AUTHORS_MAX]; /* distinct domains in From */
	size_t author_count;
	bool authors_damaged; /* From cannot be judged */
	struct auth_results_ranges forged;
	struct buf header;
	struct mailauth_result result;
	bool done;
};

static int
author_add(struct mailauth *m, struct slice domain)
{
	struct slice normal;
	int r = domain_normal(&m->kept, domain, &normal);

	if (r)
		return r == LL_ERR_SYNTAX ? (m->authors_damaged = true, LL_OK) : r;
	for (size_t i = 0; i < m->author_count; i++)
		if (slice_eq(m->authors[i], normal))
			return LL_OK;
	if (m->author_count == AUTHORS_MAX)
		m->authors_damaged = true;
	else
		m->authors[m->author_count++] = normal;
	return LL_OK;
}

/* All author domains: a second From field or address must not hide the first. */
static int
authors_read(struct mailauth *m)
{
	struct header_iter it = header_iter_new(m->options.header);
	struct header_field f;

	while (header_next(&it, &f)) {
		struct address_list list;
		int r;

		if (!slice_ieq(f.name, S("From")))
			continue;
		r = address_list_parse(f.value, &m->kept, &list);
		for (size_t i = 0; !r && i < list.len; i++)
			if (list.at[i].kind == ADDRESS_MAILBOX && list.at[i].domain.len)
				r = author_add(m, list.at[i].domain);
		if (r)
			return r;
		m->authors_damaged |= list.truncated || (list.damaged && !m->author_count);
	}
	return LL_OK;
}

static int
mailauth_prepare(struct mailauth *m)
{
	int r = authors_read(m);

	if (!r)
		r = auth_results_forged(m->options.header, m->options.authserv_id, &m->forged);
	if (r)
		return r;
	m->dkim = dkim_verifier_new(m->options.header, m->options.now);
	m->arc = arc_verifier_new(m->options.header, m->options.now);
	return m->dkim && m->arc ? LL_OK : LL_ERR_NOMEM;
}

struct mailauth *
mailauth_new(const struct mailauth_options *options)
{
	struct mailauth *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->options = *options;
	m->kept = m->run = ARENA_INIT(ARENA_BYTES);
	m->header = BUF_INIT(AUTH_RESULTS_MAX);
	if (!mailauth_prepare(m))
		return m;
	mailauth_free(m);
	return NULL;
}

void
mailauth_free(struct mailauth *m)
{
	if (!m)
		return;
	dkim_verifier_free(m->dkim);
	arc_verifier_free(m->arc);
	VEC_DONE(&m->forged);
	buf_done(&m->header);
	arena_done(&m->kept);
	arena_done(&m->run);
	free(m);
}

int
mailauth_body(struct mailauth *m, struct slice piece)
{
	int r = dkim_verifier_body(m->dkim, piece);

	return r ? r : arc_verifier_body(m->arc, piece);
}

int
mailauth_body_end(struct mailauth *m)
{
	int r = dkim_verifier_body_end(m->dkim);

	return r ? r : arc_verifier_body_end(m->arc);
}

/* ---- the single policies ---- */

static int
run_spf(struct mailauth *m, struct dns_memo *memo, enum spf_identity identity,
	struct spf_verdict *ret)
{
	struct spf_request q = {
		.ip = m->options.ip,
		.helo = m->options.helo,
		.mail_from = m->options.mail_from,
		.receiver = m->options.authserv_id,
		.now = m->options.now,
		.identity = identity,
	};

	if (m->options.local)
		return LL_OK;
	return spf_check(&q, memo, &m->run, ret);
}

static int
run_spf_sender(struct mailauth *m, struct dns_memo *memo)
{
	return run_spf(m, memo, SPF_MAILFROM, &m->result.spf);
}

static int
run_spf_helo(struct mailauth *m, struct dns_memo *memo)
{
	return run_spf(m, memo, SPF_HELO, &m->result.spf_helo);
}

static int
run_dkim(struct mailauth *m, struct dns_memo *memo)
{
	int r = dkim_verifier_step(m->dkim, memo);

	m->result.dkim = dkim_verifier_verdicts(m->dkim, &m->result.dkim_count);
	return r;
}

static int
run_arc(struct mailauth *m, struct dns_memo *memo)
{
	int r = arc_verifier_step(m->arc, memo);

	m->result.arc = *arc_verifier_verdict(m->arc);
	return r;
}

static bool
answer_has_ip(const struct dns_answer *answer, const struct ip_addr *ip)
{
	for (size_t i = 0; i < answer->count; i++) {
		struct ip_addr found = ip_addr_new(answer->records[i].ip);

		if (ip_addr_match(&found, ip, 128))
			return true;
	}
	return false;
}

/* Looks for a name of the client that leads back to its address (RFC 8601 section 3). All answers
 * are waited for, so that the name found is the first in the client's order. */
static int
iprev_names(struct mailauth *m, struct dns_memo *memo, const struct dns_answer *ptr)
{
	const struct ip_addr *ip = &m->options.ip;
	bool again = false, failed = false;
	struct slice found = SLICE_NONE;

	for (size_t i = 0; i < MIN(ptr->count, (size_t)IPREV_NAMES_MAX); i++) {
		const struct dns_answer *a = dns_memo_get(
			memo, ptr->records[i].name, ip->version == 4 ? DNS_A : DNS_AAAA);

		again |= !a;
		failed |= a && a->status >= DNS_SERVFAIL;
		if (a && !found.len && answer_has_ip(a, ip))
			found = ptr->records[i].name;
	}
	m->result.client_name = found;
	if (found.len)
		m->result.iprev = IPREV_PASS;
	else
		m->result.iprev = failed ? IPREV_TEMPERROR : IPREV_FAIL;
	return again ? LL_ERR_AGAIN : LL_OK;
}

static int
run_iprev(struct mailauth *m, struct dns_memo *memo)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(256);
	const struct dns_answer *ptr;

	if (!m->options.iprev || !m->options.ip.version)
		return LL_OK;
	if (ip_addr_put_reverse(&name, &m->options.ip))
		return buf_err(&name);
	ptr = dns_memo_get(memo, buf_slice(&name), DNS_PTR);
	if (!ptr)
		return LL_ERR_AGAIN;
	if (ptr->count)
		return iprev_names(m, memo, ptr);
	m->result.iprev = ptr->status >= DNS_SERVFAIL ? IPREV_TEMPERROR : IPREV_PERMERROR;
	return LL_OK;
}

/* ---- DMARC ---- */

/* The domains that passed; with `hoping`, also those that might have, had DNS answered. */
static void
dmarc_input(const struct mailauth *m, bool hoping, struct slice *domains, struct dmarc_input *ret)
{
	const struct mailauth_result *res = &m->result;

	ret->dkim_domains = domains;
	ret->dkim_count = 0;
	ret->spf_domain = SLICE_NONE;
	if (res->spf.result == SPF_PASS || (hoping && res->spf.result == SPF_TEMPERROR))
		ret->spf_domain = res->spf.domain;
	for (size_t i = 0; i < MIN(res->dkim_count, (size_t)DKIM_SIGNATURES_MAX); i++)
		if (res->dkim[i].result == DKIM_PASS ||
			(hoping && res->dkim[i].result == DKIM_TEMPERROR))
			domains[ret->dkim_count++] = res->dkim[i].domain;
}

/* One author domain. A fail that a failed lookup may have caused is none. */
static int
dmarc_author(
	struct mailauth *m, struct slice author, struct dns_memo *memo, struct dmarc_verdict *ret)
{
	struct slice domains[DKIM_SIGNATURES_MAX];
	struct dmarc_input in = {.author = author};
	struct dmarc_verdict hoped;
	int r;

	dmarc_input(m, false, domains, &in);
	r = dmarc_check(&in, memo, &m->run, ret);
	if (r || ret->result != DMARC_FAIL)
		return r;
	dmarc_input(m, true, domains, &in);
	r = dmarc_check(&in, memo, &m->run, &hoped);
	if (r || hoped.result != DMARC_PASS)
		return r;
	ret->result = DMARC_TEMPERROR;
	ret->reason = "an aligned identifier could not be checked";
	ret->disposition = DMARC_POLICY_NONE;
	return LL_OK;
}

/* Of several authors the worst counts (RFC 9989 section 5.3.1). */
static unsigned
badness(const struct dmarc_verdict *v)
{
	static const unsigned rank[] = {
		[DMARC_PASS] = 0,
		[DMARC_NONE] = 1,
		[DMARC_TEMPERROR] = 2,
		[DMARC_PERMERROR] = 3,
		[DMARC_FAIL] = 4,
	};

	return (unsigned)v->disposition * 8 + rank[v->result];
}

static int
run_dmarc(struct mailauth *m, struct dns_memo *memo)
{
	struct dmarc_verdict worst = {.reason = "no author domain"}, v;
	bool again = false;

	if (m->options.local && m->result.dkim_count == 0)
		return LL_OK;
	for (size_t i = 0; i < m->author_count; i++) {
		int r = dmarc_author(m, m->authors[i], memo, &v);

		if (r && r != LL_ERR_AGAIN)
			return r;
		again |= r == LL_ERR_AGAIN;
		if (!r && (i == 0 || badness(&v) > badness(&worst)))
			worst = v;
	}
	if (m->authors_damaged && worst.result != DMARC_FAIL) {
		worst.result = DMARC_PERMERROR;
		worst.reason = "From cannot be judged";
	}
	m->result.dmarc = worst;
	return again ? LL_ERR_AGAIN : LL_OK;
}

/* ---- the header field ---- */

static void
write_iprev(const struct mailauth *m, struct auth_results_writer *w)
{
	static const char *const names[] = {
		[IPREV_PASS] = "pass",
		[IPREV_FAIL] = "fail",
		[IPREV_TEMPERROR] = "temperror",
		[IPREV_PERMERROR] = "permerror",
	};
	CLEANUP(buf_done) struct buf ip = BUF_INIT(64);

	if (m->result.iprev == IPREV_SKIPPED)
		return;
	ip_addr_put(&ip, &m->options.ip);
	auth_results_method(w, "iprev", names[m->result.iprev], NULL);
	auth_results_property(w, "policy", "iprev", buf_slice(&ip));
}

static void
write_spf(struct auth_results_writer *w, const struct spf_verdict *v, const char *property,
	struct slice value)
{
	auth_results_method(w, "spf", spf_result_name(v->result), NULL);
	if (v->problem)
		auth_results_reason(w, slice_str(v->problem));
	auth_results_property(w, "smtp", property, value);
}

static void
write_dkim(struct auth_results_writer *w, const struct dkim_verdict *v)
{
	char comment[64] = "";

	if (v->key_bits)
		snprintf(comment, sizeof(comment), "%u-bit key%s%s", v->key_bits,
			v->testing ? ", testing" : "", v->body_partial ? ", partial body" : "");
	auth_results_method(w, "dkim", dkim_result_name(v->result), comment[0] ? comment : NULL);
	if (v->reason)
		auth_results_reason(w, slice_str(v->reason));
	auth_results_property(w, "header", "d", v->domain);
	auth_results_property(w, "header", "i", v->identity);
	auth_results_property(w, "header", "s", v->selector);
	if (v->domain.len)
		auth_results_property(w, "header", "a", slice_str(dkim_alg_name(v->alg)));
	auth_results_property(w, "header", "b", v->signature);
}

static void
write_arc(struct auth_results_writer *w, const struct arc_verdict *v)
{
	char comment[32];

	if (v->result == ARC_NONE)
		return;
	snprintf(comment, sizeof(comment), "i=%u", v->instances);
	auth_results_method(w, "arc", arc_result_name(v->result), comment);
	if (v->reason)
		auth_results_reason(w, slice_str(v->reason));
	auth_results_property(w, "header", "d", v->domain);
	if (v->result != ARC_PASS)
		return;
	snprintf(comment, sizeof(comment), "%u", v->oldest_pass);
	auth_results_property(w, "header", "oldest-pass", slice_str(comment));
}

static void
write_dmarc(struct auth_results_writer *w, const struct dmarc_verdict *v)
{
	char comment[64];

	snprintf(comment, sizeof(comment), "policy %s%s, disposition %s",
		dmarc_policy_name(v->published), v->testing ? " in test" : "",
		dmarc_policy_name(v->disposition));
	auth_results_method(
		w, "dmarc", dmarc_result_name(v->result), v->policy_domain.len ? comment : NULL);
	if (v->reason && v->result != DMARC_NONE)
		auth_results_reason(w, slice_str(v->reason));
	auth_results_property(w, "header", "from", v->author);
	auth_results_property(w, "polrec", "domain", v->policy_domain);
}

static int
write_header(struct mailauth *m)
{
	const struct mailauth_result *res = &m->result;
	struct auth_results_writer w;

	buf_reset(&m->header);
	auth_results_begin(&w, &m->header, m->options.authserv_id);
	write_iprev(m, &w);
	write_spf(&w, &res->spf_helo, "helo", m->options.helo);
	if (m->options.mail_from.len)
		write_spf(&w, &res->spf, "mailfrom", m->options.mail_from);
	if (!res->dkim_count)
		auth_results_method(&w, "dkim", "none", NULL);
	for (size_t i = 0; i < MIN(res->dkim_count, (size_t)DKIM_SIGNATURES_MAX); i++)
		write_dkim(&w, &res->dkim[i]);
	write_arc(&w, &res->arc);
	write_dmarc(&w, &res->dmarc);
	auth_results_end(&w);
	return buf_err(&m->header);
}

int
mailauth_step(struct mailauth *m, struct dns_memo *memo)
{
	static int (*const policies[])(struct mailauth *, struct dns_memo *) = {
		run_iprev, run_spf_sender, run_spf_helo, run_dkim, run_arc, run_dmarc};
	bool again = false;
	int r;

	if (m->done)
		return LL_OK;
	arena_reset(&m->run);
	memset(&m->result, 0, sizeof(m->result));
	/* DMARC runs last, and runs even while others wait: its own questions go out early. */
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		r = policies[i](m, memo);
		if (r && r != LL_ERR_AGAIN)
			return r;
		again |= r == LL_ERR_AGAIN;
	}
	if (again)
		return LL_ERR_AGAIN;
	r = write_header(m);
	if (r)
		return r;
	m->result.header = buf_slice(&m->header);
	m->result.forged = m->forged.at;
	m->result.forged_count = m->forged.len;
	m->done = true;
	return LL_OK;
}

const struct mailauth_result *
mailauth_result(const struct mailauth *m)
{
	return m->done ? &m->result : NULL;
}

void
mailauth_submission_header(struct buf *out, struct slice authserv_id, struct slice mail_from)
{
	struct auth_results_writer w;

	auth_results_begin(&w, out, authserv_id);
	auth_results_method(&w, "auth", "pass", NULL);
	auth_results_property(&w, "smtp", "mailfrom", mail_from);
	auth_results_end(&w);
}
