/* Limits on attempts: for each rule and key a bucket of tokens that fills again with time. Only in
 * memory: a restart forgives. */
#ifndef ROLES_WEB_LIMIT_H
#define ROLES_WEB_LIMIT_H

#include "base/slice.h"

enum web_rule {
	WEB_RULE_ADDRESS_NETWORK, /* sign-ins to one address from one network */
	WEB_RULE_ADDRESS, /* to one address */
	WEB_RULE_NETWORK, /* from one network */
	WEB_RULE_CODE, /* wrong codes of one account */
	WEB_RULE_SIGNUP, /* new accounts from one network */
	WEB_RULE_LETTER, /* wrong passwords for one letter */
	WEB_RULE_LETTER_NETWORK, /* a reader's requests from one network */
	WEB_RULE_LETTER_NEW, /* new letters of one account */
	WEB_RULE_LETTER_PUT, /* pieces of them */
	WEB_RULE_PICTURE, /* pictures that one account has fetched from elsewhere */
	WEB_RULES
};

struct web_limits;
struct web_limits *web_limits_new(void); /* NULL without memory */
void web_limits_free(struct web_limits *l);

/* Takes one token, or returns the seconds until there is one. now_ms: any clock that only goes
 * forward. Without memory attempts are refused. */
uint32_t web_limits_take(
	struct web_limits *l, enum web_rule rule, struct slice key, int64_t now_ms);
/* Gives one back. */
void web_limits_give(struct web_limits *l, enum web_rule rule, struct slice key, int64_t now_ms);

#endif
