/* Suite 0x10: Ed25519 (RFC 8032), strict.
 *
 * Verification refuses what two implementations could judge differently: a public key or R that is
 * not canonically encoded or of small order, and S not below the group order. */
#ifndef KEYS_ED25519_H
#define KEYS_ED25519_H

#include "base/slice.h"

#define ED25519_SEED_LEN 32
#define ED25519_PUBLIC_LEN 32
#define ED25519_SIG_LEN 64

/* An expanded secret key: keep it in secret memory (SECRET_NEW(struct ed25519_key)) or on the stack
 * with CLEANUP(ed25519_key_wipe). */
struct ed25519_key {
	uint8_t secret[ED25519_SEED_LEN];
	uint8_t public[ED25519_PUBLIC_LEN];
};

/* The public half is always derived again from the seed. */
void ed25519_key_init(struct ed25519_key *ret_key, const uint8_t seed[ED25519_SEED_LEN]);
void ed25519_key_wipe(struct ed25519_key *key);

void ed25519_sign(
	const struct ed25519_key *key, struct slice message, uint8_t ret_sig[ED25519_SIG_LEN]);
/* 0 or LL_ERR_AUTH. */
int ed25519_verify(const uint8_t public[ED25519_PUBLIC_LEN], struct slice message,
	const uint8_t sig[ED25519_SIG_LEN]) CHECKED;
/* For keys about to be pinned: 0, or LL_ERR_SYNTAX unless it is canonical and of prime order. */
int ed25519_public_check(const uint8_t public[ED25519_PUBLIC_LEN]) CHECKED;

#endif
