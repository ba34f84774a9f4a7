/* Relay's decisions that need no state: what each host must offer, and in which order hosts and
 * addresses are tried. */
#ifndef ROLES_RELAY_POLICY_H
#define ROLES_RELAY_POLICY_H

#include "mail/dane.h"
#include "mail/mtasts.h"
#include "mail/tlsrpt.h"

/* What is known of a host. */
struct relay_facts {
	enum dane_state dane;
	enum mtasts_mode sts; /* the domain's MTA-STS mode */
	bool sts_lists; /* its policy names the host */
};

/* How the host may be used. */
struct relay_need {
	bool usable; /* else it is passed over for the reason in why */
	bool encrypt; /* never in clear */
	bool match; /* the certificate must be the right one */
	bool report; /* it is checked for the report's sake only */
	enum tlsrpt_policy policy;
	bool failed; /* what is to be counted already */
	enum tlsrpt_failure failure;
	const char *why;
};

/* DANE (RFC 7672) where its records are secure, else MTA-STS (RFC 8461), else what can be had. */
struct relay_need relay_policy_need(const struct relay_facts *f);

/* Drops the host `self` and all that are not preferred to it (RFC 5321 section 5.1). True when
 * none is left for that reason: the mail would loop. */
bool relay_policy_trim(struct mx_route *route, struct slice self);
/* Hosts of equal preference change places at random; random(n) gives a number below n. */
void relay_policy_shuffle(struct mx_route *route, uint32_t (*random)(uint32_t n));
/* The nth address to try: IPv6 first. NULL: no more. */
const struct ip_addr *relay_policy_address(const struct ip_addr *at, size_t count, size_t nth);

#endif
