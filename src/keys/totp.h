/* Time-based one-time passwords (RFC 6238): SHA-1, six digits, steps of 30 seconds, as every
 * authenticator app has them. */
#ifndef KEYS_TOTP_H
#define KEYS_TOTP_H

#include "base/buf.h"
#include "base/slice.h"

#define TOTP_SECRET_LEN 20

/* The code of one step, 0 to 999999. */
uint32_t totp_code(const uint8_t secret[TOTP_SECRET_LEN], uint64_t step);
/* Checks what was typed (spaces are passed over) against the step of `now` and its neighbours, all
 * of them later than `last`, the step that was used before (0: none). On LL_OK *ret_step is to be
 * remembered as the last. LL_ERR_AUTH. */
int totp_check(const uint8_t secret[TOTP_SECRET_LEN], uint64_t last, int64_t now,
	struct slice typed, uint64_t *ret_step) CHECKED;
/* Appends the secret as base32 without padding (RFC 4648 section 6). */
int totp_secret_put(struct buf *out, const uint8_t secret[TOTP_SECRET_LEN]);

#endif
