/* OAuth 2.1 for programs that nobody has registered before (docs/api/oauth.md): the texts that the
 * frontend reads from them and answers with. No I/O and no state; codes and tokens are auth's
 * (keys/oauth_token.h). */
#ifndef FACES_OAUTH_H
#define FACES_OAUTH_H

#include "base/buf.h"
#include "base/slice.h"

#define OAUTH_CLIENT_ID_MAX 2048
#define OAUTH_REDIRECTS_MAX 8
#define OAUTH_URI_MAX 1024
#define OAUTH_NAME_MAX 64
#define OAUTH_STATE_MAX 1024
#define OAUTH_RESOURCES_MAX 8
#define OAUTH_BODY_MAX ((size_t)16 << 10)

/* --- where an answer may go (RFC 6749 section 3.1.2, RFC 8252 section 7) --- */

enum oauth_target_kind {
	OAUTH_SITE, /* https; target: its host */
	OAUTH_LOOPBACK, /* http to 127.0.0.1 or [::1] on any port; target: that address */
	OAUTH_PROGRAM /* a scheme of the program's own, with a dot in it; target: the scheme */
};
struct oauth_redirect {
	enum oauth_target_kind kind;
	struct slice target; /* a view of the URI */
};
/* LL_ERR_SYNTAX: no answer may go there. own: this server's name, which is no other site. */
int oauth_redirect_check(struct slice uri, struct slice own, struct oauth_redirect *ret) CHECKED;

/* --- programs: all that there is to know of one stands in its client_id --- */

struct oauth_client {
	struct slice name; /* what it calls itself; nobody has checked that */
	unsigned n;
	struct slice redirects[OAUTH_REDIRECTS_MAX];
};
/* Appends the client_id. LL_ERR_LIMIT: longer than OAUTH_CLIENT_ID_MAX. */
int oauth_client_put(struct buf *out, const struct oauth_client *c) CHECKED;
/* Views of text, which gets the decoded client_id. LL_ERR_SYNTAX. */
int oauth_client_parse(struct slice client_id, struct slice own, struct buf *text,
	struct oauth_client *ret) CHECKED;
/* Exactly one of the program's; of a loopback one the port may be another (RFC 8252). */
bool oauth_client_has(const struct oauth_client *c, struct slice redirect_uri);
/* A registration (RFC 7591) and its answer, appended: its status is 201, or 400. */
unsigned oauth_register(struct slice json, struct slice own, struct buf *ret_json);

/* --- parameters --- */

#define OAUTH_PARAMS(P)                                                                            \
	P(response_type)                                                                           \
	P(client_id)                                                                               \
	P(redirect_uri)                                                                            \
	P(scope)                                                                                   \
	P(state)                                                                                   \
	P(code_challenge)                                                                          \
	P(code_challenge_method)                                                                   \
	P(grant_type)                                                                              \
	P(code)                                                                                    \
	P(code_verifier)                                                                           \
	P(refresh_token)                                                                           \
	P(token)
struct oauth_params {
#define OAUTH_PARAM(name) struct slice name;
	OAUTH_PARAMS(OAUTH_PARAM)
#undef OAUTH_PARAM
	unsigned n_resources; /* RFC 8707: the one parameter that may come more than once */
	struct slice resources[OAUTH_RESOURCES_MAX];
};
/* A query or a body of application/x-www-form-urlencoded; text gets what is decoded and must be
 * empty. One that is empty counts as left out, one that is not known is passed over.
 * LL_ERR_SYNTAX: also when one of these is given twice; LL_ERR_LIMIT. */
int oauth_params_parse(struct slice in, struct buf *text, struct oauth_params *ret) CHECKED;
/* Is each resource asked for one of this server's? They all are its mail, so none narrows a token.
 * host: as the client has written it. */
bool oauth_params_resources_good(const struct oauth_params *p, struct slice host);

/* --- scopes (draft-ietf-mailmaint-oauth-public, and some of our own) --- */

/* The bits of keys/scope.h, which no face may include. */
enum { OAUTH_IMAP = 1, OAUTH_POP = 2, OAUTH_SMTP = 4, OAUTH_JMAP = 32, OAUTH_MAIL = 2 };
struct oauth_scope {
	unsigned areas, protocols;
};
/* Those that are known count; no scope at all stands for mail. LL_ERR_NOTFOUND: none is known. */
int oauth_scope_parse(struct slice text, struct oauth_scope *ret) CHECKED;
/* The names of what was granted, appended, with spaces between them. */
void oauth_scope_put(struct buf *out, const struct oauth_scope *s);

/* --- documents --- */

/* What the page at /authorize has to ask its user, as JSON. host: as the client has written it.
 * Returns the status: 200, or 400 where nothing may be sent to the redirect URI. */
unsigned oauth_request(struct slice query, struct slice host, struct buf *ret_json);
/* Is it the path of a resource that has a document of its own? */
bool oauth_is_resource(struct slice path);
/* RFC 8414 and RFC 9728. path: of the protected resource. */
void oauth_server_metadata(struct slice host, struct buf *ret_json);
void oauth_resource_metadata(struct slice host, struct slice path, struct buf *ret_json);
/* {"error": ..., "error_description": ...} */
void oauth_error(const char *error, const char *why, struct buf *ret_json);
struct web_oauth_tokens;
/* RFC 6749, section 5.1. */
void oauth_tokens(const struct web_oauth_tokens *t, struct buf *ret_json);

#endif
