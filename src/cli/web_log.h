/* The log of releases of the web client: one signed entry for each, which names the hash of the one
 * before. Whoever has seen its end notices when it is shorter or other than it was. The text is
 * what a server gives out, so all of it is foreign. */
#ifndef CLI_WEB_LOG_H
#define CLI_WEB_LOG_H

#include "base/buf.h"
#include "faces/web_manifest.h"
#include "keys/ed25519.h"

#define WEB_LOG_MAX ((size_t)4 << 20)
#define WEB_LOG_DATE_LEN 10

struct web_release {
	uint64_t number; /* from 1 */
	struct slice version, date; /* date: "2026-11-22" */
	uint8_t manifest[WEB_HASH_LEN]; /* of the build's manifest */
	uint8_t previous[WEB_HASH_LEN]; /* of the entry before, with its signature; zeros in the
					   first */
	uint8_t signer[ED25519_PUBLIC_LEN], next[ED25519_PUBLIC_LEN]; /* next: who signs the
									 following entry */
	uint8_t signature[ED25519_SIG_LEN];
	uint8_t hash[WEB_HASH_LEN]; /* of the entry */
	struct slice text; /* the log up to its end */
};

struct web_log;

/* Reads a log and checks all of it: the chain, the dates, who may sign what, each signature. Views
 * of text. LL_ERR_SYNTAX, LL_ERR_AUTH (a signature), LL_ERR_LIMIT, LL_ERR_NOMEM, LL_ERR_CRYPTO;
 * *ret_why says more. */
int web_log_new(struct slice text, struct web_log **ret, const char **ret_why) CHECKED;
void web_log_free(struct web_log *l);
size_t web_log_len(const struct web_log *l); /* at least 1 */
const struct web_release *web_log_at(const struct web_log *l, size_t i);
const struct web_release *web_log_newest(const struct web_log *l);
/* Whether that key stands behind the newest entry: it signed one, and so all before it; who signs
 * those after it was named by it, or by who was named. To be named is not enough: anybody can name
 * a key. */
bool web_log_vouches(const struct web_log *l, const uint8_t key[ED25519_PUBLIC_LEN]);
/* Whether they come from the same beginning: some key signed in both. */
bool web_log_related(const struct web_log *a, const struct web_log *b);
/* How many entries they have in common from the first on. */
size_t web_log_common(const struct web_log *a, const struct web_log *b);

/* Appends an entry (the head of the log, too, where out is empty): number, previous, signer and
 * signature are filled in. before: the log that out holds, or NULL. next may be the signer.
 * LL_ERR_DENIED: the key is not whom the log names next. LL_ERR_SYNTAX: version or date. */
int web_log_append(struct buf *out, const struct web_log *before, struct slice version,
	struct slice date, const uint8_t manifest[WEB_HASH_LEN], const struct ed25519_key *key,
	const uint8_t next[ED25519_PUBLIC_LEN]) CHECKED;
/* Whether it is a day like "2026-11-22". */
bool web_log_is_date(struct slice s);

#endif
