/* What a server says to push services: message encryption (RFC 8291) to the keys of a subscription,
 * and who it is (VAPID, RFC 8292). P-256 throughout; private keys are scalars, big endian, public
 * ones points, uncompressed. */
#ifndef KEYS_WEBPUSH_H
#define KEYS_WEBPUSH_H

#include "base/buf.h"

#define WEBPUSH_PRIVATE_LEN ((size_t)32)
#define WEBPUSH_PUBLIC_LEN ((size_t)65)
#define WEBPUSH_AUTH_LEN ((size_t)16)
#define WEBPUSH_SALT_LEN ((size_t)16)
#define WEBPUSH_PLAIN_MAX ((size_t)3900) /* what every push service takes */

/* The public key. LL_ERR_CRYPTO also for a scalar that is no private key (one of 2^32). */
int webpush_public(
	const uint8_t private[WEBPUSH_PRIVATE_LEN], uint8_t ret_public[WEBPUSH_PUBLIC_LEN]) CHECKED;
/* Whether it is a point of the curve. */
bool webpush_public_ok(struct slice public);
/* Appends the body of a push message, "aes128gcm". ephemeral: a private key, random like the salt
 * and like it never used again. LL_ERR_LIMIT, LL_ERR_CRYPTO. */
int webpush_seal(const uint8_t receiver[WEBPUSH_PUBLIC_LEN], const uint8_t auth[WEBPUSH_AUTH_LEN],
	const uint8_t ephemeral[WEBPUSH_PRIVATE_LEN], const uint8_t salt[WEBPUSH_SALT_LEN],
	struct slice plain, struct buf *out) CHECKED;
/* Appends the value of the Authorization field: "vapid t=..., k=...". origin: of the push service,
 * "https://host". subject: "mailto:..." or "https:...". expires: Unix seconds, within a day. */
int webpush_vapid(const uint8_t private[WEBPUSH_PRIVATE_LEN], struct slice origin,
	struct slice subject, int64_t expires, struct buf *out) CHECKED;

#endif
