/* The tokens that stand for an app password where a program signs in by OAuth, and the codes with
 * which it gets its first ones. Tokens are sealed under the directory key: nobody but auth opens
 * them, and nothing has to be kept of an access token. */
#ifndef KEYS_OAUTH_TOKEN_H
#define KEYS_OAUTH_TOKEN_H

#include "base/buf.h"
#include "keys/app_password.h"
#include "keys/record.h"
#include "keys/server_keys.h"

#define OAUTH_TOKEN_MAX 320 /* characters of either token */
#define OAUTH_NONCE_LEN 16
#define OAUTH_HASH_LEN 32
#define OAUTH_CODE_LEN 43 /* characters: base64url of 32 random bytes */
#define OAUTH_SEALED_LEN 98 /* an app password under a code */

/* For each another prefix, by which programs that look for secrets in text know them. */
enum oauth_kind { OAUTH_ACCESS, OAUTH_REFRESH };

struct oauth_token {
	uint8_t account[RECORD_ID_LEN], unlocker[RECORD_ID_LEN];
	uint8_t client[OAUTH_HASH_LEN]; /* SHA-256 of its client_id */
	uint8_t nonce[OAUTH_NONCE_LEN]; /* of a refresh token */
	int64_t expires; /* of an access token; Unix seconds */
	struct app_password password;
};

/* Appends the token's text. LL_ERR_CRYPTO, LL_ERR_NOMEM. */
int oauth_token_seal(const struct directory_keys *k, enum oauth_kind kind,
	const struct oauth_token *t, struct buf *ret) CHECKED;
/* LL_ERR_AUTH: this server has not made it, or not as this kind. Whether it has expired is not
 * looked at. Wipe *ret after use. */
int oauth_token_open(const struct directory_keys *k, enum oauth_kind kind, struct slice text,
	struct oauth_token *ret) CHECKED;
bool oauth_token_is(enum oauth_kind kind, struct slice text);

/* By what a code is found again: it says nothing of the code. */
void oauth_code_hash(struct slice code, uint8_t ret[OAUTH_HASH_LEN]);
/* What a code is for: which program, to where, and the S256 challenge (RFC 7636), as text. */
void oauth_binding(struct slice client_id, struct slice redirect_uri, struct slice challenge,
	uint8_t ret[OAUTH_HASH_LEN]);
/* The S256 challenge of a verifier: 43 characters, appended. LL_ERR_SYNTAX: not 43 to 128 of the
 * characters that a verifier may have (RFC 7636, section 4.1). */
int oauth_challenge(struct slice verifier, struct buf *ret) CHECKED;
/* The app password that the page has sealed under the code for this binding (docs/api/oauth.md).
 * LL_ERR_AUTH. */
int oauth_code_open(struct slice code, const uint8_t binding[OAUTH_HASH_LEN], struct slice sealed,
	struct app_password *ret) CHECKED;
/* The page's side of it; here for tests. */
int oauth_code_seal(struct slice code, const uint8_t binding[OAUTH_HASH_LEN],
	const struct app_password *p, struct buf *ret) CHECKED;

/* The client's one message of OAUTHBEARER (RFC 7628, section 3.1), or of XOAUTH2, its forerunner. */
struct oauth_bearer {
	struct slice user; /* may be empty in OAUTHBEARER */
	bool escaped; /* user still has "=2C" and "=3D" for "," and "=" */
	struct slice token;
};
/* Views. LL_ERR_SYNTAX: the message has not this form, or not the scheme Bearer. */
int oauth_bearer_parse(struct slice message, struct oauth_bearer *ret) CHECKED;
/* "user=" user 0x01 "auth=Bearer " token 0x01 0x01. Views; LL_ERR_SYNTAX. */
int oauth_xoauth2_parse(struct slice message, struct oauth_bearer *ret) CHECKED;
/* The same message for a token that came by HTTP. */
int oauth_bearer_put(struct buf *out, struct slice token) CHECKED;
/* The user's name as it is meant, appended. LL_ERR_SYNTAX. */
int oauth_bearer_user(const struct oauth_bearer *b, struct buf *ret) CHECKED;

#endif
