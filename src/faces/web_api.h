/* The JSON of the sign-in and keys API (docs/api/auth.md) to and from the forms of ipc/web.h, by
 * tables. No I/O and no state. */
#ifndef FACES_WEB_API_H
#define FACES_WEB_API_H

#include "base/buf.h"
#include "base/slice.h"

#define WEB_API_REQUEST_MAX ((size_t)208 << 10) /* bytes of a request's JSON */
#define WEB_API_REPLY_MAX ((size_t)512 << 10)

struct web_api_endpoint;

/* The endpoint POST /api/v1/auth/<command>; NULL when there is none. */
const struct web_api_endpoint *web_api_find(struct slice command);
/* The request's JSON to the command's body, appended. A body of length 0 is taken for {}.
 * LL_ERR_SYNTAX, or LL_ERR_LIMIT for what is too long, with a sentence in *ret_why (static). */
int web_api_request(const struct web_api_endpoint *e, struct slice json, struct buf *ret_body,
	const char **ret_why) CHECKED;
/* The answer's body to JSON, appended. LL_ERR_SYNTAX when it is not the endpoint's form. */
int web_api_reply(
	const struct web_api_endpoint *e, struct slice body, struct buf *ret_json) CHECKED;
/* What WEB_REPLY says when it has an error, as application/problem+json, appended; body is its
 * web_problem (or nothing: then err alone speaks). ret_retry (may be NULL): seconds for
 * Retry-After, or 0. Returns the HTTP status. */
unsigned web_api_problem(int err, struct slice body, struct buf *ret_json, uint32_t *ret_retry);

/* The two forms that the session process speaks itself. */
struct web_unlock_state;
int web_api_unlock_state(const struct web_unlock_state *m, struct buf *ret_json) CHECKED;
/* {"sealed": ...} to its bytes, appended. LL_ERR_SYNTAX, LL_ERR_LIMIT. */
int web_api_unlock(struct slice json, struct buf *ret_sealed) CHECKED;

#endif
