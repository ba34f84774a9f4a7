/* MTA-STS policies of the domains that mail goes to (RFC 8461), kept while they are valid, also
 * over a restart: whoever has promised TLS is held to it.
 *
 * Records of the queue partition:
 *	q/s/ name     name: HMAC-SHA256 of the domain, so that the disk does not tell it. The value
 *	is Cobblestone-256 with the context "letterlock/1/mta-sts\0" || record key, of:
 *	version:1 fetched:8 max_age:4 domain id policy (each with its length) */
#ifndef ROLES_RELAY_STS_H
#define ROLES_RELAY_STS_H

#include "ipc/messages.h"
#include "mail/mtasts.h"

/* What applies to one connection. */
struct relay_sts_policy {
	enum mtasts_mode mode;
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
/* Loads what the store has kept, when the store is there. */
void relay_sts_load(void);
void relay_sts_release(struct relay_sts_policy *p);

#endif
