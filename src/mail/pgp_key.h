/* OpenPGP transferable public keys (RFC 9580 section 10.1, RFC 4880), as far as the server needs
 * them to publish its users' own: packets are walked, nothing is verified and no cryptography is
 * done. Whoever uses such a key checks its signatures. */
#ifndef MAIL_PGP_KEY_H
#define MAIL_PGP_KEY_H

#include "base/buf.h"
#include "base/slice.h"

#define PGP_KEY_MAX ((size_t)48 << 10) /* of one published key, binary */
#define PGP_FINGERPRINT_MAX 32
#define PGP_WKD_HASH_LEN 32 /* characters of z-base-32 */

struct pgp_key {
	uint8_t version; /* 4 or 6 */
	uint8_t fingerprint[PGP_FINGERPRINT_MAX];
	size_t fingerprint_len; /* 20 or 32 */
	int64_t created; /* Unix seconds */
	size_t user_ids;
};

/* Reads exactly one binary key: a public key packet, then user IDs, subkeys and their signatures.
 * LL_ERR_SYNTAX; LL_ERR_DENIED when there is a secret key packet in it; LL_ERR_UNSUPPORTED for
 * other versions; LL_ERR_LIMIT. */
int pgp_key_read(struct slice binary, struct pgp_key *ret) CHECKED;

/* Appends the key with only those user IDs whose address is this one (local@domain; the domain and
 * ASCII letters of the local part in any case), and without user attributes: who asks for one
 * address is not told others (draft-koch-openpgp-webkey-service section 5). LL_ERR_NOTFOUND when
 * none is left; errors as pgp_key_read. */
int pgp_key_for_address(struct slice binary, struct slice address, struct buf *out) CHECKED;

/* The name under which a Web Key Directory has the key of a local part: z-base-32 of the SHA-1 of
 * its ASCII lower case (draft-koch-openpgp-webkey-service section 3.1). */
int pgp_wkd_hash(struct slice local, char ret[PGP_WKD_HASH_LEN + 1]) CHECKED;

#endif
