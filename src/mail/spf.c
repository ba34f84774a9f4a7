/* check_host() of RFC 7208: pure, and run again from the start whenever an answer was missing. A
 * mechanism gives MATCH or NO_MATCH, HALT when the check ends in an error result, or a negative
 * error code. */
#include "mail/spf.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/domain.h"
#include "mail/spf_internal.h"

#include <string.h>

#define EXPLANATION_MAX 512u

enum outcome { NO_MATCH = 0, MATCH = 1, HALT = 2 };

struct spf_run {
	struct dns_memo *memo;
	struct arena *arena;
	struct spf_macros macros;
	enum spf_result halt; /* temperror or permerror, after HALT */
	const char *problem;
	unsigned lookups, voids;
	unsigned ahead; /* questions asked before their turn */
	struct slice matched, explanation_domain; /* of the outermost record (or redirects) */
};

static int check_host(
	struct spf_run *run, struct slice domain, bool included, enum spf_result *ret);

static int
halt(struct spf_run *run, enum spf_result result, const char *problem)
{
	run->halt = result;
	run->problem = problem;
	return HALT;
}

static int
count_lookup(struct spf_run *run)
{
	if (++run->lookups > SPF_LOOKUPS_MAX)
		return halt(run, SPF_PERMERROR, "too many DNS lookups");
	return LL_OK;
}

/* One query on behalf of a mechanism: LL_OK with zero or more records, HALT, or AGAIN. */
static int
ask(struct spf_run *run, struct slice name, enum dns_type type, const struct dns_answer **ret)
{
	const struct dns_answer *answer = dns_memo_get(run->memo, name, type);

	if (!answer)
		return LL_ERR_AGAIN;
	if (answer->status >= DNS_SERVFAIL)
		return halt(run, SPF_TEMPERROR, "DNS lookup failed");
	if (!answer->count && ++run->voids > SPF_VOID_MAX)
		return halt(run, SPF_PERMERROR, "too many void DNS lookups");
	*ret = answer;
	return LL_OK;
}

static enum dns_type
address_type(const struct spf_run *run)
{
	return run->macros.ip.version == 6 ? DNS_AAAA : DNS_A;
}

static bool
answer_has_ip(const struct spf_run *run, const struct dns_answer *answer, unsigned bits)
{
	for (size_t i = 0; i < answer->count; i++) {
		struct ip_addr ip = {0};

		/* Not ip_addr_new: a mapped address in an AAAA record names no IPv4 client. */
		ip.version = answer->records[i].ip.len == 4 ? 4 : 6;
		memcpy(ip.bytes, answer->records[i].ip.ptr, answer->records[i].ip.len);
		if (ip_addr_match(&ip, &run->macros.ip, bits))
			return true;
	}
	return false;
}

static unsigned
client_bits(const struct spf_run *run, const struct spf_directive *d)
{
	return run->macros.ip.version == 6 ? d->bits6 : d->bits4;
}

static int
name_has_ip(struct spf_run *run, struct slice name, unsigned bits)
{
	const struct dns_answer *answer;
	int r = ask(run, name, address_type(run), &answer);

	return r ? r : (answer_has_ip(run, answer, bits) ? MATCH : NO_MATCH);
}

/* How well a validated name serves %{p} (section 7.3): the domain itself, a name below it, any. */
static unsigned
name_rank(struct slice name, struct slice domain)
{
	if (slice_ieq(name, domain))
		return 3;
	return domain_within(name, domain) ? 2 : 1;
}

/* Section 5.5: the best name of the client whose address leads back to it. Failing lookups make a
 * name invalid, never an error. LL_OK with an empty name, or AGAIN. */
static int
validated_name(struct spf_run *run, struct slice domain, struct slice *ret)
{
	CLEANUP(buf_done) struct buf reverse = BUF_INIT(256);
	const struct dns_answer *ptr;
	struct slice best = SLICE_NONE;
	unsigned rank = 0;
	bool again = false;

	ip_addr_put_reverse(&reverse, &run->macros.ip);
	if (buf_err(&reverse))
		return buf_err(&reverse);
	ptr = dns_memo_get(run->memo, buf_slice(&reverse), DNS_PTR);
	if (!ptr)
		return LL_ERR_AGAIN;
	for (size_t i = 0; i < MIN(ptr->count, (size_t)SPF_NAMES_MAX); i++) {
		struct slice name = ptr->records[i].name;
		const struct dns_answer *a = dns_memo_get(run->memo, name, address_type(run));

		again |= !a;
		if (a && answer_has_ip(run, a, 128) && name_rank(name, domain) > rank) {
			best = name;
			rank = name_rank(name, domain);
		}
	}
	*ret = best;
	return again ? LL_ERR_AGAIN : LL_OK;
}

static int
expand(struct spf_run *run, struct slice spec, enum spf_macro_use use, struct slice *ret)
{
	bool wants_p;
	int r = spf_macro_check(spec, use, &wants_p);

	run->macros.validated = SLICE_NONE;
	if (!r && wants_p)
		r = validated_name(run, run->macros.domain, &run->macros.validated);
	return r ? r : spf_macro_expand(spec, use, &run->macros, run->arena, ret);
}

/* The name a directive speaks of. A name that grows beyond all bounds is an error of the record. */
static int
target(struct spf_run *run, struct slice spec, struct slice *ret)
{
	int r;

	*ret = run->macros.domain;
	if (!spec.len)
		return LL_OK;
	r = expand(run, spec, SPF_MACRO_DOMAIN, ret);
	return r == LL_ERR_LIMIT ? halt(run, SPF_PERMERROR, "macro expands too far") : r;
}

static int
match_all(struct spf_run *run, const struct spf_directive *d, struct slice name)
{
	return MATCH;
}

/* Section 5.2. */
static int
match_include(struct spf_run *run, const struct spf_directive *d, struct slice name)
{
	struct slice outer = run->macros.domain;
	enum spf_result result;
	int r = check_host(run, name, true, &result);

	run->macros.domain = outer;
	if (r)
		return r;
	switch (result) {
	case SPF_PASS:
		return MATCH;
	case SPF_TEMPERROR:
		return halt(run, SPF_TEMPERROR, run->problem);
	case SPF_PERMERROR:
		return halt(run, SPF_PERMERROR, run->problem);
	case SPF_NONE:
		return halt(run, SPF_PERMERROR, "included domain has no SPF record");
	default:
		return NO_MATCH;
	}
}

static int
match_a(struct spf_run *run, const struct spf_directive *d, struct slice name)
{
	return name_has_ip(run, name, client_bits(run, d));
}

/* Section 5.4. All hosts are asked for at once, then looked at in order. */
static int
match_mx(struct spf_run *run, const struct spf_directive *d, struct slice name)
{
	const struct dns_answer *mx;
	int r = ask(run, name, DNS_MX, &mx);

	if (r)
		return r;
	if (mx->count > SPF_NAMES_MAX)
		return halt(run, SPF_PERMERROR, "too many MX records");
	for (size_t i = 0; i < mx->count; i++)
		if (mx->records[i].mx.host.len)
			dns_memo_get(run->memo, mx->records[i].mx.host, address_type(run));
	for (size_t i = 0; i < mx->count; i++) {
		if (!mx->records[i].mx.host.len)
			continue;
		r = name_has_ip(run, mx->records[i].mx.host, client_bits(run, d));
		if (r)
			return r;
	}
	return NO_MATCH;
}

static int
match_ptr(struct spf_run *run, const struct spf_directive *d, struct slice name)
{
	struct slice best;
	int r = validated_name(run, name, &best);

	return r ? r : (domain_within(best, name) ? MATCH : NO_MATCH);
}

static int
match_ip(struct spf_run *run, const struct spf_directive *d, struct slice name)
{
	return ip_addr_match(&d->network, &run->macros.ip, client_bits(run, d));
}

/* Section 5.7: always an A query. */
static int
match_exists(struct spf_run *run, const struct spf_directive *d, struct slice name)
{
	const struct dns_answer *answer;
	int r = ask(run, name, DNS_A, &answer);

	return r ? r : (answer->count ? MATCH : NO_MATCH);
}

static const struct {
	int (*match)(struct spf_run *, const struct spf_directive *, struct slice);
	bool counts; /* as one of the ten lookups */
} mechanisms[] = {
	[SPF_ALL] = {match_all, false},
	[SPF_INCLUDE] = {match_include, true},
	[SPF_A] = {match_a, true},
	[SPF_MX] = {match_mx, true},
	[SPF_PTR] = {match_ptr, true},
	[SPF_IP4] = {match_ip, false},
	[SPF_IP6] = {match_ip, false},
	[SPF_EXISTS] = {match_exists, true},
};

static int
match(struct spf_run *run, const struct spf_directive *d)
{
	struct slice name;
	int r = mechanisms[d->kind].counts ? count_lookup(run) : LL_OK;

	if (!r)
		r = target(run, d->domain, &name);
	return r ? r : mechanisms[d->kind].match(run, d, name);
}

/* Section 6.1: the result of the other domain takes the place of ours. */
static int
follow_redirect(struct spf_run *run, struct slice spec, bool included, enum spf_result *ret)
{
	struct slice name;
	int r = count_lookup(run);

	if (!r)
		r = target(run, spec, &name);
	if (!r)
		r = check_host(run, name, included, ret);
	if (!r && *ret == SPF_NONE)
		return halt(run, SPF_PERMERROR, "redirect to a domain without an SPF record");
	return r;
}

static void
ask_early(struct spf_run *run, struct slice spec, enum dns_type type)
{
	if (!spec.len || slice_find_byte(spec, '%') != SLICE_NPOS || run->ahead >= SPF_LOOKUPS_MAX)
		return;
	run->ahead++;
	dns_memo_get(run->memo, spec, type);
}

/* Asks for what a record names outright, all at once, up to an address that matches: a round trip
 * for each level of includes instead of one for each include. The answers are counted when the
 * directives have their turn. */
static void
look_ahead(struct spf_run *run, const struct spf_record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct spf_directive *d = &record->directives[i];

		if (d->kind == SPF_INCLUDE)
			ask_early(run, d->domain, DNS_TXT);
		else if (d->kind == SPF_A)
			ask_early(run, d->domain, address_type(run));
		else if (d->kind == SPF_MX)
			ask_early(run, d->domain, DNS_MX);
		else if (d->kind == SPF_ALL || (d->network.version && match_ip(run, d, SLICE_NONE)))
			return;
	}
	ask_early(run, record->redirect, DNS_TXT);
}

static int
evaluate(struct spf_run *run, const struct spf_record *record, bool included, enum spf_result *ret)
{
	look_ahead(run, record);
	for (size_t i = 0; i < record->count; i++) {
		int r = match(run, &record->directives[i]);

		if (r == NO_MATCH)
			continue;
		if (r != MATCH)
			return r;
		*ret = record->directives[i].result;
		if (!included) {
			run->matched = record->directives[i].text;
			run->explanation_domain = record->exp;
		}
		return LL_OK;
	}
	*ret = SPF_NEUTRAL;
	if (record->redirect.ptr && !record->has_all)
		return follow_redirect(run, record->redirect, included, ret);
	return LL_OK;
}

/* Sections 4.4 and 4.5: the one SPF record among the TXT records. LL_ERR_NOTFOUND: none. */
static int
find_record(struct spf_run *run, struct slice domain, struct slice *ret)
{
	const struct dns_answer *txt = dns_memo_get(run->memo, domain, DNS_TXT);
	size_t found = 0;

	if (!txt)
		return LL_ERR_AGAIN;
	if (txt->status >= DNS_SERVFAIL)
		return halt(run, SPF_TEMPERROR, "SPF record could not be fetched");
	for (size_t i = 0; i < txt->count; i++)
		if (spf_record_is(txt->records[i].text)) {
			*ret = txt->records[i].text;
			found++;
		}
	if (found > 1)
		return halt(run, SPF_PERMERROR, "more than one SPF record");
	return found ? LL_OK : LL_ERR_NOTFOUND;
}

/* Section 4.3: a well-formed name of more than one label, or the result is none. */
static bool
domain_checkable(struct slice domain)
{
	struct slice rest;
	size_t labels = 0;

	if (domain.len && domain.ptr[domain.len - 1] == '.')
		domain.len--;
	rest = domain;
	while (rest.len) {
		struct slice label = slice_split(&rest, '.');

		if (!label.len || label.len > 63)
			return false;
		labels++;
	}
	return labels > 1 && domain.len <= DNS_NAME_MAX && domain.ptr[0] != '[' &&
		domain.ptr[domain.len - 1] != '.';
}

static int
check_record(struct spf_run *run, struct slice domain, bool included, enum spf_result *ret)
{
	struct spf_record record;
	struct slice text;
	int r;

	*ret = SPF_NONE;
	if (!domain_checkable(domain))
		return LL_OK;
	r = find_record(run, domain, &text);
	if (r)
		return r == LL_ERR_NOTFOUND ? LL_OK : r;
	run->macros.domain = domain;
	r = spf_record_parse(text, run->arena, &record, &run->problem);
	if (r == LL_ERR_SYNTAX)
		return halt(run, SPF_PERMERROR, run->problem);
	return r ? r : evaluate(run, &record, included, ret);
}

static int
check_host(struct spf_run *run, struct slice domain, bool included, enum spf_result *ret)
{
	int r = check_record(run, domain, included, ret);

	if (r != HALT)
		return r;
	*ret = run->halt;
	return LL_OK;
}

/* Section 6.2: whatever goes wrong here just means that there is no explanation. */
static int
explain(struct spf_run *run, struct slice *ret)
{
	const struct dns_answer *txt;
	struct slice name, text;
	int r;

	if (!run->explanation_domain.len)
		return LL_OK;
	r = expand(run, run->explanation_domain, SPF_MACRO_DOMAIN, &name);
	if (r)
		return r == LL_ERR_AGAIN || r == LL_ERR_NOMEM ? r : LL_OK;
	txt = dns_memo_get(run->memo, name, DNS_TXT);
	if (!txt)
		return LL_ERR_AGAIN;
	if (txt->count != 1)
		return LL_OK;
	r = expand(run, txt->records[0].text, SPF_MACRO_EXPLANATION, &text);
	if (r)
		return r == LL_ERR_AGAIN || r == LL_ERR_NOMEM ? r : LL_OK;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
			return LL_OK;
	*ret = slice_sub(text, 0, EXPLANATION_MAX);
	return LL_OK;
}

/* Local part and domain of the identity to check. */
static int
sender(const struct spf_request *q, struct arena *arena, struct spf_macros *m)
{
	bool helo = q->identity == SPF_HELO || !q->mail_from.len;
	struct slice mailbox = helo ? q->helo : q->mail_from;
	size_t at = helo ? SLICE_NPOS : slice_rfind_byte(mailbox, '@');
	struct slice domain = at == SLICE_NPOS ? mailbox : slice_skip(mailbox, at + 1);
	int r = domain_normal(arena, domain, &m->sender_domain);

	m->local = at == SLICE_NPOS ? SLICE_NONE : slice_sub(mailbox, 0, at);
	if (!m->local.len)
		m->local = S("postmaster");
	if (r == LL_ERR_SYNTAX)
		m->sender_domain = domain; /* ends as none */
	return r == LL_ERR_SYNTAX ? LL_OK : r;
}

int
spf_check(const struct spf_request *request, struct dns_memo *memo, struct arena *arena,
	struct spf_verdict *ret)
{
	struct spf_run run = {.memo = memo, .arena = arena};
	struct spf_verdict v = {.identity = request->identity};
	int r;

	run.macros.ip = request->ip;
	run.macros.helo = request->helo;
	run.macros.receiver = request->receiver;
	run.macros.now = request->now;
	if (!request->mail_from.len)
		v.identity = SPF_HELO;
	r = sender(request, arena, &run.macros);
	if (!r)
		r = check_host(&run, run.macros.sender_domain, false, &v.result);
	v.domain = run.macros.sender_domain;
	if (!r && v.result == SPF_FAIL)
		r = explain(&run, &v.explanation);
	if (r)
		return r;
	v.mechanism = run.matched;
	v.lookups = run.lookups;
	v.voids = run.voids;
	v.problem = v.result >= SPF_TEMPERROR ? run.problem : NULL;
	*ret = v;
	return LL_OK;
}

const char *
spf_result_name(enum spf_result result)
{
	static const char *const names[] = {
		[SPF_NONE] = "none",
		[SPF_NEUTRAL] = "neutral",
		[SPF_PASS] = "pass",
		[SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail",
		[SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror",
	};

	return result < ARRAY_SIZE(names) ? names[result] : "permerror";
}
