/* Digests for those who may not look at keys: of blobs (RFC 9404). */
#ifndef ACCOUNT_DIGEST_H
#define ACCOUNT_DIGEST_H

#include "base/slice.h"

#define DIGEST_MAX_LEN 64
enum digest_kind { DIGEST_SHA256, DIGEST_SHA512 };
/* Returns the length. */
size_t account_digest(enum digest_kind kind, struct slice data, uint8_t ret[DIGEST_MAX_LEN]);

#endif
