/* What lookup answers, as the policy code's memo takes it. */
#ifndef ROLES_DNS_ANSWER_H
#define ROLES_DNS_ANSWER_H

#include "ipc/messages.h"
#include "mail/dns_memo.h"

/* Puts lookup's answer to q into the memo; a malformed one counts as a failed query. Errors of
 * dns_memo_put. */
int dns_answer_put(
	struct dns_memo *memo, const struct dns_query *q, const struct msg_dns_answer *m) CHECKED;

#endif
