/* DMARC evaluation, RFC 9989 sections 4.10 and 5.3: policy discovery by the DNS tree walk, the
 * organizational domain, alignment, disposition.
 *
 * Where the public suffix list comes in: (1) a record at a name that the list's ICANN part calls a
 * public suffix and that has no psd= tag is taken as psd=y; (2) the organization reported for
 * a domain without any record on its walk is the registrable domain. (2) never changes a verdict,
 * as without a record there is none. */
#include "mail/dmarc.h"

#include "base/error.h"
#include "mail/domain.h"

#include <libpsl.h>

struct found {
	struct slice domain;
	struct dmarc_record record;
	bool secure;
};

/* The valid records on the way up, longest name first. */
struct walk {
	struct found found[DMARC_WALK_MAX];
	size_t count;
	bool failed; /* a query failed: the list may lack records */
};

struct dmarc_run {
	struct dns_memo *memo;
	struct arena *arena;
};

static bool
is_public_suffix(struct arena *arena, struct slice domain)
{
	char *name = arena_str(arena, domain);
	const psl_ctx_t *psl = psl_builtin();

	if (domain_labels(domain) < 2)
		return true;
	return psl && name && psl_is_public_suffix2(psl, name, PSL_TYPE_ICANN);
}

static struct slice
registrable(struct arena *arena, struct slice domain)
{
	char *name = arena_str(arena, domain);
	const psl_ctx_t *psl = psl_builtin();
	const char *found = psl && name ? psl_registrable_domain(psl, name) : NULL;

	return found ? domain_tail(domain, domain_labels(slice_str(found))) : domain;
}

/* The record at one name: of the TXT records that are DMARC records there must be just one. */
static int
record_get(struct dmarc_run *run, struct slice domain, struct walk *w)
{
	const struct dns_answer *txt;
	struct dmarc_record record;
	struct found f = {.domain = domain};
	size_t n = 0;
	struct slice name = arena_printf(run->arena, "_dmarc.%.*s", SLICE_ARG(domain));

	if (!name.ptr)
		return LL_ERR_NOMEM;
	txt = dns_memo_get(run->memo, name, DNS_TXT);
	if (!txt)
		return LL_ERR_AGAIN;
	w->failed |= txt->status >= DNS_SERVFAIL;
	for (size_t i = 0; i < txt->count; i++)
		if (!dmarc_record_parse(txt->records[i].text, &record)) {
			f.record = record;
			n++;
		}
	if (n != 1)
		return LL_OK;
	f.secure = txt->secure;
	if (f.record.psd == DMARC_PSD_UNKNOWN && is_public_suffix(run->arena, domain))
		f.record.psd = DMARC_PSD_YES;
	w->found[w->count++] = f;
	return LL_OK;
}

static struct slice
walk_up(struct slice domain)
{
	return domain_tail(domain_parent(domain), DMARC_WALK_MAX - 1);
}

/* Section 4.10. All names are asked for at once; the answers are looked at in order. */
static int
walk(struct dmarc_run *run, struct slice start, struct walk *w)
{
	struct walk ahead = {0};

	*w = (struct walk){0};
	for (struct slice d = start; d.len; d = walk_up(d)) {
		int r = record_get(run, d, &ahead);

		if (r && r != LL_ERR_AGAIN)
			return r;
		ahead.count = 0;
	}
	for (struct slice d = start; d.len; d = walk_up(d)) {
		size_t before = w->count;
		int r = record_get(run, d, w);

		if (r)
			return r;
		if (w->count > before && w->found[before].record.psd != DMARC_PSD_UNKNOWN)
			break;
	}
	return LL_OK;
}

/* Section 4.10.2. */
static struct slice
walk_organization(struct dmarc_run *run, const struct walk *w, struct slice start)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct found *f = &w->found[i];

		if (f->record.psd == DMARC_PSD_NO)
			return f->domain;
		if (f->record.psd == DMARC_PSD_YES && f->domain.len != start.len)
			return domain_tail(start, domain_labels(f->domain) + 1);
	}
	return w->count ? w->found[w->count - 1].domain : registrable(run->arena, start);
}

static const struct found *
walk_find(const struct walk *w, struct slice domain)
{
	for (size_t i = 0; i < w->count; i++)
		if (slice_eq(w->found[i].domain, domain))
			return &w->found[i];
	return NULL;
}

/* Section 4.10.1: the record of the author's domain, else of its organization, else of the public
 * suffix above. */
static const struct found *
policy_find(const struct walk *w, struct slice author, struct slice organization)
{
	const struct found *f = walk_find(w, author);

	if (!f)
		f = walk_find(w, organization);
	if (!f && w->count && w->found[w->count - 1].record.psd == DMARC_PSD_YES)
		f = &w->found[w->count - 1];
	return f;
}

/* A domain that has neither A, AAAA nor MX (section 3.2). */
static int
domain_exists(struct dmarc_run *run, struct slice domain, bool *ret)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX};
	bool again = false, exists = false;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct dns_answer *a = dns_memo_get(run->memo, domain, types[i]);

		again |= !a;
		/* When DNS fails, the milder reading: it exists. */
		exists |= a && (a->count || a->status >= DNS_SERVFAIL);
	}
	if (again && !exists)
		return LL_ERR_AGAIN;
	*ret = exists;
	return LL_OK;
}

static int
published_policy(
	struct dmarc_run *run, const struct found *f, struct slice author, enum dmarc_policy *ret)
{
	const struct dmarc_record *r = &f->record;
	bool exists = true;

	*ret = r->p; /* none when there is no usable p= */
	if (slice_eq(f->domain, author))
		return LL_OK;
	if (r->has_sp)
		*ret = r->sp;
	if (r->has_np) {
		int err = domain_exists(run, author, &exists);

		if (err)
			return err;
	}
	if (!exists)
		*ret = r->np;
	return LL_OK;
}

/* Whether an authenticated domain is aligned with the author's (section 4.4). */
static int
aligned(struct dmarc_run *run, struct slice name, bool strict, const struct dmarc_verdict *v,
	bool *ret, bool *ret_failed)
{
	struct slice domain;
	struct walk w;
	int r = domain_normal(run->arena, name, &domain);

	*ret = false;
	if (r)
		return r == LL_ERR_SYNTAX ? LL_OK : r;
	if (slice_eq(domain, v->author)) {
		*ret = true;
		return LL_OK;
	}
	/* What lies outside the author's organization has another one: no need to walk. */
	if (strict || !domain_within(domain, v->organization))
		return LL_OK;
	r = walk(run, domain, &w);
	if (r)
		return r;
	*ret = slice_eq(walk_organization(run, &w, domain), v->organization);
	*ret_failed |= w.failed;
	return LL_OK;
}

static int
check_alignment(struct dmarc_run *run, const struct dmarc_input *in, const struct found *f,
	struct dmarc_verdict *v, bool *ret_failed)
{
	bool again = false;
	int r = LL_OK;

	if (in->spf_domain.len)
		r = aligned(
			run, in->spf_domain, f->record.strict_spf, v, &v->spf_aligned, ret_failed);
	if (r && r != LL_ERR_AGAIN)
		return r;
	again |= r == LL_ERR_AGAIN;
	for (size_t i = 0; i < in->dkim_count && !v->dkim_aligned; i++) {
		r = aligned(run, in->dkim_domains[i], f->record.strict_dkim, v, &v->dkim_aligned,
			ret_failed);
		if (r && r != LL_ERR_AGAIN)
			return r;
		again |= r == LL_ERR_AGAIN;
	}
	return again ? LL_ERR_AGAIN : LL_OK;
}

static void
conclude(struct dmarc_verdict *v, bool unsure)
{
	if (v->spf_aligned || v->dkim_aligned) {
		v->result = DMARC_PASS;
	} else if (unsure) {
		v->result = DMARC_TEMPERROR;
		v->reason = "DNS lookups failed";
	} else {
		v->result = DMARC_FAIL;
		v->disposition = v->published;
		if (v->testing && v->published != DMARC_POLICY_NONE) /* one step milder */
			v->disposition = v->published - 1;
	}
}

static int
check_found(struct dmarc_run *run, const struct dmarc_input *in, const struct walk *w,
	const struct found *f, struct dmarc_verdict *v)
{
	bool unsure = w->failed;
	int policy, alignment;

	v->policy_domain = f->domain;
	v->subdomain = !slice_eq(f->domain, v->author);
	v->testing = f->record.testing;
	v->rua = f->record.rua;
	v->secure = f->secure;
	policy = published_policy(run, f, v->author, &v->published);
	if (policy && policy != LL_ERR_AGAIN)
		return policy;
	alignment = check_alignment(run, in, f, v, &unsure);
	if (alignment || policy)
		return alignment ? alignment : policy;
	conclude(v, unsure);
	return LL_OK;
}

static int
check_author(struct dmarc_run *run, const struct dmarc_input *in, struct dmarc_verdict *v)
{
	const struct found *f;
	struct walk w;
	int r = walk(run, v->author, &w);

	if (r)
		return r;
	v->organization = walk_organization(run, &w, v->author);
	f = policy_find(&w, v->author, v->organization);
	if (f)
		return check_found(run, in, &w, f, v);
	v->result = w.failed ? DMARC_TEMPERROR : DMARC_NONE;
	v->reason = w.failed ? "policy could not be fetched" : NULL;
	return LL_OK;
}

int
dmarc_check(const struct dmarc_input *input, struct dns_memo *memo, struct arena *arena,
	struct dmarc_verdict *ret)
{
	struct dmarc_run run = {memo, arena};
	struct dmarc_verdict v = {0};
	int r = LL_ERR_SYNTAX;

	if (input->author.len)
		r = domain_normal(arena, input->author, &v.author);
	if (r == LL_ERR_SYNTAX) {
		v.reason = "no author domain";
		r = LL_OK;
	} else if (!r) {
		r = check_author(&run, input, &v);
	}
	if (!r)
		*ret = v;
	return r;
}

int
dmarc_organization(
	struct slice domain, struct dns_memo *memo, struct arena *arena, struct slice *ret)
{
	struct dmarc_run run = {memo, arena};
	struct slice start;
	struct walk w;
	int r = domain_normal(arena, domain, &start);

	if (!r)
		r = walk(&run, start, &w);
	if (!r)
		*ret = walk_organization(&run, &w, start);
	return r;
}

const char *
dmarc_result_name(enum dmarc_result result)
{
	static const char *const names[] = {
		[DMARC_NONE] = "none",
		[DMARC_PASS] = "pass",
		[DMARC_FAIL] = "fail",
		[DMARC_TEMPERROR] = "temperror",
		[DMARC_PERMERROR] = "permerror",
	};

	return result < ARRAY_SIZE(names) ? names[result] : "permerror";
}
