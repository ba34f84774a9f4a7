/* DANE for SMTP, RFC 7672: what the DNS says about one MX host. The order of questions is that of
 * section 2.2: the MX answer, then the addresses, then the TLSA records at the expanded name, then
 * at the name itself; only validated answers open the way to the next. */
#include "mail/dane.h"

#include "base/error.h"
#include "mail/domain.h"

#include <openssl/evp.h>
#include <string.h>

struct dane_run {
	const struct mx_route *route;
	struct slice host;
	uint16_t port;
	struct dns_memo *memo;
	struct arena *arena;
	struct dane_host *out;
};

static void
state_set(struct dane_host *h, enum dane_state state, const char *reason)
{
	h->state = state;
	h->reason = reason;
}

static void
addresses_add(struct dane_host *h, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->count && h->address_count < MX_ADDRESSES_MAX; i++)
		h->addresses[h->address_count++] = ip_addr_new(a->records[i].ip);
}

/* Both address lookups. *ret_secure: each that has something to say was validated. */
static int
addresses_find(struct dane_run *run, bool *ret_secure, struct slice *ret_canonical)
{
	const struct dns_answer *v6 = dns_memo_get(run->memo, run->host, DNS_AAAA);
	const struct dns_answer *v4 = dns_memo_get(run->memo, run->host, DNS_A);
	bool failed;

	if (!v6 || !v4)
		return LL_ERR_AGAIN;
	addresses_add(run->out, v6);
	addresses_add(run->out, v4);
	failed = v6->status >= DNS_SERVFAIL || v4->status >= DNS_SERVFAIL;
	/* One family may fail while the other serves, but bogus answers are an attack or a broken
	 * zone (section 2.1.2). */
	if (v6->status == DNS_BOGUS || v4->status == DNS_BOGUS)
		state_set(run->out, DANE_DEFER, "addresses are bogus");
	else if (failed && !run->out->address_count)
		state_set(run->out, DANE_DEFER, "addresses could not be looked up");
	*ret_secure = v4->count ? v4->secure : v6->secure;
	if (v4->count && v6->count)
		*ret_secure = v4->secure && v6->secure;
	*ret_canonical = v4->count ? v4->canonical : v6->canonical;
	return LL_OK;
}

bool
dane_record_usable(const struct dns_tlsa *r)
{
	static const size_t lengths[] = {[1] = 32, [2] = 64};

	if ((r->usage != 2 && r->usage != 3) || r->selector > 1 || r->matching > 2 || !r->data.len)
		return false;
	return !r->matching || r->data.len == lengths[r->matching];
}

static void
records_take(struct dane_host *h, const struct dns_answer *tlsa)
{
	for (size_t i = 0; i < tlsa->count; i++) {
		const struct dns_tlsa *r = &tlsa->records[i].tlsa;

		if (!dane_record_usable(r))
			h->unusable_count++;
		else if (h->record_count < DANE_TLSA_MAX)
			h->records[h->record_count++] =
				(struct dane_record){r->usage, r->selector, r->matching, r->data};
	}
	if (h->record_count)
		state_set(h, DANE_VERIFY, NULL);
	else
		state_set(h, DANE_ENCRYPT, "no usable TLSA record");
}

static void
name_add(struct dane_host *h, struct slice name)
{
	for (size_t i = 0; i < h->name_count; i++)
		if (slice_ieq(h->names[i], name))
			return;
	if (name.len && h->name_count < ARRAY_SIZE(h->names))
		h->names[h->name_count++] = name;
}

/* TLSA records at one base domain. *ret_found: no need to look at another. */
static int
tlsa_find(struct dane_run *run, struct slice base, bool *ret_found)
{
	struct slice name =
		arena_printf(run->arena, "_%u._tcp.%.*s", (unsigned)run->port, SLICE_ARG(base));
	const struct dns_answer *tlsa;

	if (!name.ptr)
		return LL_ERR_NOMEM;
	tlsa = dns_memo_get(run->memo, name, DNS_TLSA);
	if (!tlsa)
		return LL_ERR_AGAIN;
	*ret_found = true;
	if (tlsa->status >= DNS_SERVFAIL) {
		/* Not to be told from an attack that hides the records: section 2.1.2. */
		state_set(run->out, DANE_DEFER, "TLSA records could not be looked up");
	} else if (tlsa->count && tlsa->secure) {
		run->out->base = base;
		records_take(run->out, tlsa);
	} else {
		*ret_found = false;
	}
	return LL_OK;
}

/* Section 2.2.2: the addresses are insecure; but when the name itself is a CNAME in a signed zone,
 * TLSA records at the name still count. */
static int
alias_is_secure(struct dane_run *run, struct slice canonical, bool *ret)
{
	const struct dns_answer *cname;

	*ret = false;
	if (!canonical.len || slice_ieq(canonical, run->host))
		return LL_OK;
	cname = dns_memo_get(run->memo, run->host, DNS_CNAME);
	if (!cname)
		return LL_ERR_AGAIN;
	if (cname->status >= DNS_SERVFAIL)
		state_set(run->out, DANE_DEFER, "CNAME could not be looked up");
	*ret = cname->status == DNS_OK && cname->secure;
	return LL_OK;
}

/* Section 2.2.3: the fully expanded name first, when the whole way there is secure. */
static int
bases_find(struct dane_run *run, bool secure, struct slice canonical)
{
	bool found = false, use_host = secure;
	int r = LL_OK;

	if (!secure)
		r = alias_is_secure(run, canonical, &use_host);
	if (r || run->out->state == DANE_DEFER)
		return r;
	if (secure && canonical.len && !slice_ieq(canonical, run->host))
		r = tlsa_find(run, canonical, &found);
	if (!r && !found && use_host)
		r = tlsa_find(run, run->host, &found);
	return r;
}

/* Section 3.2.2: TLSA base domain, next-hop domain before and after expansion. */
static void
names_fill(struct dane_run *run)
{
	struct dane_host *h = run->out;

	if (!h->base.len)
		h->base = run->host;
	name_add(h, h->base);
	name_add(h, run->host);
	if (run->route->secure || run->route->status == MX_IMPLICIT)
		name_add(h, run->route->domain);
}

int
dane_host_find(const struct mx_route *route, struct slice host, uint16_t port,
	struct dns_memo *memo, struct arena *arena, struct dane_host *ret)
{
	struct dane_host out = {.state = DANE_NONE};
	struct dane_run run = {route, SLICE_NONE, port, memo, arena, &out};
	struct slice canonical = SLICE_NONE;
	bool secure = false;
	int r = domain_normal(arena, host, &run.host);

	if (r == LL_ERR_SYNTAX) {
		*ret = out; /* no such host */
		return LL_OK;
	}
	if (!r)
		r = addresses_find(&run, &secure, &canonical);
	if (r)
		return r;
	/* Without a secure MX answer DANE does not apply: anybody could have named this host. */
	if (out.state != DANE_DEFER && out.address_count && route->secure)
		r = bases_find(&run, secure, canonical);
	if (r)
		return r;
	if (out.state == DANE_DEFER)
		out.address_count = 0;
	names_fill(&run);
	*ret = out;
	return LL_OK;
}

bool
dane_record_matches(const struct dane_record *record, struct slice certificate, struct slice spki)
{
	struct slice chosen = record->selector ? spki : certificate;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!record->matching)
		return slice_eq(chosen, record->data);
	if (!chosen.len ||
		EVP_Digest(chosen.ptr, chosen.len, digest, &len,
			record->matching == 1 ? EVP_sha256() : EVP_sha512(), NULL) != 1)
		return false;
	return slice_eq(slice_new(digest, len), record->data);
}
