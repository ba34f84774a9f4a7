/* See digest.h. */
#include "account/digest.h"

#include "keys/kdf.h"

size_t
account_digest(enum digest_kind kind, struct slice data, uint8_t ret[DIGEST_MAX_LEN])
{
	if (kind == DIGEST_SHA512) {
		hash_sha512(data, ret);
		return HASH_SHA512_LEN;
	}
	hash_sha256(data, ret);
	return HASH_SHA256_LEN;
}
