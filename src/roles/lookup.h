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

/* Where an answer goes. */
struct lookup_asker {
	enum role role;
	unsigned index;
};

/* lookup_https.c: fetches over https only, with the certificate checked, from addresses found here:
 * policies and keys of at most 64 KiB without redirection, pictures of at most 8 MiB that are what
 * they say. What is for a reader of mail comes from public addresses only, so that no letter can
 * reach into the operator's network. */
int https_start(struct role_env *env) CHECKED;
int https_begin(void) CHECKED;
void https_get(struct lookup_asker asker, const struct msg_https_get *m);
/* A push message: the same rules, to an address that a client gave. */
void https_post(struct lookup_asker asker, const struct msg_https_post *m);

/* lookup_dial.c: connections to the IMAP servers that owners bring their mail over from, and where
 * those are (RFC 6186). To public addresses, and to the ports of the configuration; what is said
 * there this process never sees. */
void dial_begin(struct lookup_asker asker, const struct msg_dial *m);
/* The ports of the configuration; *ret_n is 0 where there is none. */
void dial_ports(const struct role_env *env, uint16_t ret[CONFIG_PORTS_MAX], size_t *ret_n);

#endif
