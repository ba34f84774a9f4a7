/* Ed25519 over libsodium, whose verification is the strict one: it refuses S >= L, public keys that
 * are not canonical, small-order keys and R, and compares R as bytes. OpenSSL's accepts small-order
 * keys, under which one signature fits many messages. */
#include "keys/ed25519.h"
#include "base/error.h"
#include "base/secret.h"

#include <sodium.h>
#include <string.h>

/* libsodium's secret key is seed || public key. */
_Static_assert(sizeof(struct ed25519_key) == crypto_sign_SECRETKEYBYTES, "no padding");
_Static_assert(offsetof(struct ed25519_key, public) == ED25519_SEED_LEN, "seed first");

void
ed25519_key_init(struct ed25519_key *ret_key, const uint8_t seed[ED25519_SEED_LEN])
{
	uint8_t public[ED25519_PUBLIC_LEN];

	crypto_sign_seed_keypair(public, ret_key->secret, seed);
}

void
ed25519_key_wipe(struct ed25519_key *key)
{
	secret_wipe(key, sizeof(*key));
}

void
ed25519_sign(const struct ed25519_key *key, struct slice message, uint8_t ret_sig[ED25519_SIG_LEN])
{
	crypto_sign_detached(ret_sig, NULL, message.ptr, message.len, key->secret);
}

int
ed25519_verify(const uint8_t public[ED25519_PUBLIC_LEN], struct slice message,
	const uint8_t sig[ED25519_SIG_LEN])
{
	int bad = crypto_sign_verify_detached(sig, message.ptr, message.len, public);

	return bad ? LL_ERR_AUTH : LL_OK;
}

int
ed25519_public_check(const uint8_t public[ED25519_PUBLIC_LEN])
{
	return crypto_core_ed25519_is_valid_point(public) ? LL_OK : LL_ERR_SYNTAX;
}
