/* Where mail for a domain goes: MX records in order, or the domain itself (RFC 5321 section 5.1),
 * or nowhere (RFC 7505). */
#include "base/error.h"
#include "mail/dane.h"
#include "mail/domain.h"

/* By preference; equal ones keep their order. */
static void
host_insert(struct mx_route *route, uint16_t preference, struct slice host)
{
	size_t i = route->count;

	if (route->count == MX_HOSTS_MAX && preference >= route->hosts[i - 1].preference)
		return;
	if (route->count == MX_HOSTS_MAX)
		i--;
	else
		route->count++;
	for (; i && route->hosts[i - 1].preference > preference; i--)
		route->hosts[i] = route->hosts[i - 1];
	route->hosts[i] = (struct mx_host){preference, host};
}

static void
route_fill(struct mx_route *route, const struct dns_answer *mx)
{
	bool null = false;

	route->status = MX_FOUND;
	for (size_t i = 0; i < mx->count; i++) {
		const struct dns_mx *r = &mx->records[i].mx;

		if (r->host.len)
			host_insert(route, r->preference, r->host);
		null |= !r->host.len;
	}
	/* Beside others a "." is a mistake, and is passed over. */
	if (null && !route->count)
		route->status = MX_NULL;
}

int
mx_route_find(struct slice domain, struct dns_memo *memo, struct arena *arena, struct mx_route *ret)
{
	struct mx_route route = {.status = MX_NO_DOMAIN};
	const struct dns_answer *mx;
	struct slice name;
	int r = domain_normal(arena, domain, &name);

	if (r == LL_ERR_NOMEM)
		return r;
	mx = r ? NULL : dns_memo_get(memo, name, DNS_MX);
	if (!r && !mx)
		return LL_ERR_AGAIN;
	if (mx) {
		route.secure = mx->secure;
		route.domain = mx->secure && mx->canonical.len ? mx->canonical : name;
	}
	if (mx && mx->status == DNS_OK) {
		route_fill(&route, mx);
	} else if (mx && mx->status == DNS_NODATA) {
		route.status = MX_IMPLICIT;
		host_insert(&route, 0, name);
	} else if (mx && mx->status != DNS_NXDOMAIN) {
		route.status = MX_TEMPORARY;
	}
	*ret = route;
	return LL_OK;
}
