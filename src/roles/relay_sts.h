/* MTA-STS policies of the domains that mail goes to (RFC 8461), kept while they are valid. */
#ifndef ROLES_RELAY_STS_H
#define ROLES_RELAY_STS_H

#include "ipc/messages.h"
#include "mail/mtasts.h"

/* What applies to one connection. */
struct relay_sts_policy {
	bool enforce;
	bool failed; /* a policy was announced but could not be fetched or read */
	struct mtasts_policy policy; /* views of text */
	struct buf text;
};

#define RELAY_STS_FETCHING 1

/* LL_OK and what applies; LL_ERR_AGAIN: the memo wants answers; RELAY_STS_FETCHING: lookup was
 * asked for the policy, its reply will have this id. */
int relay_sts_find(struct slice domain, struct dns_memo *memo, uint64_t id,
	struct relay_sts_policy *ret) CHECKED;
/* Takes lookup's reply and says what applies. */
void relay_sts_fetched(
	struct slice domain, const struct msg_https_reply *m, struct relay_sts_policy *ret);
void relay_sts_release(struct relay_sts_policy *p);

#endif
