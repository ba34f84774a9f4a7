/* HOTP (RFC 4226) over the time. */
#include "keys/totp.h"
#include "base/error.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define STEP_S 30
#define WINDOW 1
#define DIGITS 6

uint32_t
totp_code(const uint8_t secret[TOTP_SECRET_LEN], uint64_t step)
{
	uint8_t counter[8], tag[EVP_MAX_MD_SIZE] = {0};
	unsigned len = 0, at;

	be64_put(counter, step);
	(void)HMAC(EVP_sha1(), secret, TOTP_SECRET_LEN, counter, sizeof(counter), tag, &len);
	at = tag[19] & 15;
	return (be32_get(tag + at) & INT32_MAX) % 1000000;
}

static int
parse(struct slice typed, uint32_t *ret)
{
	unsigned digits = 0;
	uint32_t n = 0;

	for (size_t i = 0; i < typed.len; i++) {
		if (typed.ptr[i] == ' ')
			continue;
		if (!is_digit(typed.ptr[i]) || ++digits > DIGITS)
			return LL_ERR_AUTH;
		n = n * 10 + (uint32_t)(typed.ptr[i] - '0');
	}
	*ret = n;
	return digits == DIGITS ? LL_OK : LL_ERR_AUTH;
}

/* All three steps are computed whatever is found: the time tells nothing. */
int
totp_check(const uint8_t secret[TOTP_SECRET_LEN], uint64_t last, int64_t now, struct slice typed,
	uint64_t *ret_step)
{
	uint64_t present = (uint64_t)MAX(now, (int64_t)0) / STEP_S, found = 0;
	uint32_t code;
	int r = parse(typed, &code);

	if (r)
		return r;
	for (uint64_t step = present + WINDOW; step + WINDOW >= present && step; step--)
		if (totp_code(secret, step) == code && step > last)
			found = step;
	if (found)
		*ret_step = found;
	return found ? LL_OK : LL_ERR_AUTH;
}

int
totp_secret_put(struct buf *out, const uint8_t secret[TOTP_SECRET_LEN])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (size_t bit = 0; bit < TOTP_SECRET_LEN * 8; bit += 5) {
		unsigned pair = (unsigned)secret[bit / 8] << 8 |
			(bit / 8 + 1 < TOTP_SECRET_LEN ? secret[bit / 8 + 1] : 0);
		buf_putc(out, (uint8_t)digits[pair >> (11 - bit % 8) & 31]);
	}
	return buf_err(out);
}
