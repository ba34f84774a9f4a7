/* Who may make an account without the operator: what each domain permits, and invitations. Records
 * of the directory partition:
 *	reg/ HMAC("registration", domain)    what the domain permits; none: nothing
 *	inv/ HMAC("invitation", code)        the invitation */
#ifndef ROLES_INVITATION_H
#define ROLES_INVITATION_H

#include "keys/app_password.h"
#include "roles/web_account.h"

struct registration {
	enum web_registration mode;
	uint64_t quota; /* of accounts made without an invitation, bytes; 0: none */
};

struct invitation {
	char code[APP_PASSWORD_LEN + 1];
	char domain[256]; /* A-labels */
	uint64_t quota; /* of the account, bytes; 0: none */
	int64_t created, expires; /* expires 0: never */
	uint32_t uses; /* left */
};

/* domain: as directory_domains gives it. A domain without a record is closed. */
int registration_get(
	const struct web_place *p, struct slice domain, struct registration *ret) CHECKED;
int registration_set(
	const struct web_place *p, struct slice domain, const struct registration *g) CHECKED;

/* By what was typed. LL_ERR_NOTFOUND also for what is no code. */
int invitation_find(const struct web_place *p, struct slice typed, struct invitation *ret) CHECKED;
/* Writes it; with no uses left it is deleted. */
int invitation_put(const struct web_place *p, const struct invitation *v) CHECKED;
typedef int invitation_row(void *ctx, const struct invitation *v);
int invitation_each(const struct web_place *p, invitation_row *row, void *ctx) CHECKED;

/* Names that stand for an office (RFC 2142) or could be taken for the operator's. local: as typed.
 */
bool reserved_name(struct slice local);

#endif
