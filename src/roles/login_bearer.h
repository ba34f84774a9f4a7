/* Sign-in with an access token (RFC 7628, RFC 6750 by way of it, and XOAUTH2). */
#ifndef ROLES_LOGIN_BEARER_H
#define ROLES_LOGIN_BEARER_H

#include "keys/oauth_token.h"
#include "os/roles.h"
#include "roles/directory.h"

/* The token in the client's message, and whose it is. LL_ERR_AUTH: malformed, not one of this
 * server, over, or another's than the message says; errors of the store. Wipe *ret after use. */
int login_bearer_open(enum sasl_mechanism mechanism, struct slice message, struct oauth_token *ret,
	struct directory_account *ret_account) CHECKED;
/* What is said before the sign-in fails (RFC 7628, section 3.2.2), appended. */
void login_bearer_failure(enum sasl_mechanism mechanism, bool not_permitted, struct buf *ret);

#endif
