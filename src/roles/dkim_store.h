/* DKIM private keys at rest: written by auth, read by relay.
 *
 * Records of the directory partition at "dkim/" HMAC("dkim", domain NUL selector), so that the disk
 * does not tell the domains. The value is Cobblestone-256 under the secret "dkim" with the context
 * "letterlock/1/dkim\0" || record key, of:
 *	version:1 algorithm:1 created:8 domain selector private-key (each with its length) */
#ifndef ROLES_DKIM_STORE_H
#define ROLES_DKIM_STORE_H

#include "mail/dkim.h"

#define DKIM_STORE_PREFIX "dkim/"
#define DKIM_STORE_KEY_LEN 32 /* of the secret "dkim" */
#define DKIM_STORE_PLAIN_MAX ((size_t)16 << 10)
#define DKIM_STORE_SEALED_MAX (DKIM_STORE_PLAIN_MAX + 1024)

struct dkim_stored {
	enum dkim_alg alg;
	int64_t created;
	struct slice domain; /* A-labels, lower case */
	struct slice selector;
	struct slice key; /* PKCS#8 DER, for dkim_key_import */
};

/* Appends the sealed value. LL_ERR_LIMIT, LL_ERR_CRYPTO. */
int dkim_store_seal(const uint8_t secret[DKIM_STORE_KEY_LEN], struct slice record_key,
	const struct dkim_stored *d, struct buf *ret) CHECKED;
/* Opens a stored value into plain (empty, of DKIM_STORE_PLAIN_MAX, a BUF_SECRET),
 * which ret's slices are views of. LL_ERR_AUTH, LL_ERR_SYNTAX. */
int dkim_store_open(const uint8_t secret[DKIM_STORE_KEY_LEN], struct slice record_key,
	struct slice sealed, struct buf *plain, struct dkim_stored *ret) CHECKED;

#endif
