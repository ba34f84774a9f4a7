/* What the two halves of the lookup process share. */
#ifndef ROLES_LOOKUP_H
#define ROLES_LOOKUP_H

#include "roles/role.h"

struct ub_ctx;

struct lookup {
	struct role_env *env;
	struct ub_ctx *ub;
	unsigned long long fetches;
};
extern struct lookup lk;

/* lookup.c: one DNS query of this process's own; found is called once, from the loop or at once. */
typedef void lookup_found(void *ctx, const struct msg_dns_answer *m);
void lookup_ask(struct slice name, uint16_t type, lookup_found *found, void *ctx);

/* lookup_https.c: fetches a page of at most 64 KiB for relay: https only, no redirection, the
 * certificate checked. */
int https_start(struct role_env *env) CHECKED;
int https_begin(void) CHECKED;
void https_get(uint64_t id, struct slice url);

#endif
