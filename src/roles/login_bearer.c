/* An access token holds the app password that it stands for, so that one which was revoked, has
 * ended, or may not do this is found out in the same place as the password would be. */
#include "roles/login_bearer.h"
#include "base/error.h"
#include "base/secret.h"
#include "faces/oauth.h"
#include "os/clock.h"
#include "roles/auth.h"

#include <stdlib.h>
#include <string.h>

/* A message may name the user; then it must be the token's. */
static int
check_user(const struct oauth_bearer *b, const struct directory_account *a)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(IPC_ADDRESS_MAX);
	struct directory_alias *alias;
	struct directory_account named;
	bool is_account = false;
	int r;

	if (b->user.len == 0)
		return LL_OK;
	if (oauth_bearer_user(b, &name))
		return LL_ERR_AUTH;
	alias = malloc(sizeof(*alias));
	r = alias ? directory_find(auth.directory, buf_slice(&name), &is_account, &named, alias)
		  : LL_ERR_NOMEM;
	free(alias);
	if (r == LL_ERR_NOTFOUND || r == LL_ERR_DENIED || r == LL_ERR_SYNTAX)
		return LL_ERR_AUTH;
	return r							    ? r
		: is_account && memcmp(named.id, a->id, sizeof(a->id)) == 0 ? LL_OK
									    : LL_ERR_AUTH;
}

int
login_bearer_open(enum sasl_mechanism mechanism, struct slice message, struct oauth_token *ret,
	struct directory_account *ret_account)
{
	struct oauth_bearer b;
	int r;

	if ((mechanism == SASL_XOAUTH2 ? oauth_xoauth2_parse(message, &b)
				       : oauth_bearer_parse(message, &b)) ||
		oauth_token_open(auth.keys, OAUTH_ACCESS, b.token, ret))
		return LL_ERR_AUTH;
	if (ret->expires <= clock_unix())
		return LL_ERR_AUTH;
	r = directory_account(auth.directory, ret->account, ret_account);
	if (r)
		return r == LL_ERR_NOTFOUND ? LL_ERR_AUTH : r;
	return check_user(&b, ret_account);
}

/* In XOAUTH2 the status is that of HTTP. */
void
login_bearer_failure(enum sasl_mechanism mechanism, bool not_permitted, struct buf *ret)
{
	struct oauth_scope mail = {OAUTH_MAIL, OAUTH_IMAP | OAUTH_POP | OAUTH_SMTP | OAUTH_JMAP};

	if (mechanism == SASL_XOAUTH2)
		buf_printf(ret, "{\"status\":\"%s\",\"schemes\":\"bearer\",\"scope\":\"",
			not_permitted ? "403" : "401");
	else
		buf_printf(ret, "{\"status\":\"%s\",\"scope\":\"",
			not_permitted ? "insufficient_scope" : "invalid_token");
	oauth_scope_put(ret, &mail);
	buf_puts(ret, "\"}");
}
