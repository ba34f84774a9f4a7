/* U = HKDF-Extract("letterlock/1/unlock/" type, S_U || account || unlocker), and its three keys.
 * The account and the unlocker are in it, so that a secret used twice gives unrelated keys. */
#include "keys/unlock.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/kdf.h"

#include <string.h>

#define PREFIX "letterlock/1/unlock/"
#define SECRET_LEAST 16
#define SECRET_MOST 256

static const char *const labels[] = {
	[UNLOCK_PASSWORD] = PREFIX "password",
	[UNLOCK_RECOVERY] = PREFIX "recovery",
	[UNLOCK_WEBAUTHN] = PREFIX "webauthn",
	[UNLOCK_APP] = PREFIX "app-password",
};

const char *
unlock_type_name(unsigned type)
{
	if (type >= ARRAY_SIZE(labels) || !labels[type])
		return NULL;
	return labels[type] + sizeof(PREFIX) - 1;
}

static void
extract(const char *label, struct slice secret, const uint8_t account[RECORD_ID_LEN],
	const uint8_t unlocker[RECORD_ID_LEN], uint8_t ret_u[HASH_SHA256_LEN])
{
	uint8_t ikm[SECRET_MOST + 2 * RECORD_ID_LEN];

	memcpy(ikm, secret.ptr, secret.len);
	memcpy(ikm + secret.len, account, RECORD_ID_LEN);
	memcpy(ikm + secret.len + RECORD_ID_LEN, unlocker, RECORD_ID_LEN);
	hkdf_extract(HASH_SHA256, slice_str(label), slice_new(ikm, secret.len + 2 * RECORD_ID_LEN),
		ret_u);
	secret_wipe(ikm, sizeof(ikm));
}

int
unlock_derive(enum unlock_type type, struct slice secret, const uint8_t account[RECORD_ID_LEN],
	const uint8_t unlocker[RECORD_ID_LEN], struct unlock_keys *ret)
{
	uint8_t u[HASH_SHA256_LEN];

	if (!unlock_type_name(type))
		return LL_ERR_UNSUPPORTED;
	if (secret.len < SECRET_LEAST || secret.len > SECRET_MOST)
		return LL_ERR_SYNTAX;
	extract(labels[type], secret, account, unlocker, u);
	kdf_derive(u, "auth", ret->auth, sizeof(ret->auth));
	kdf_derive(u, "anchor", ret->anchor, sizeof(ret->anchor));
	kdf_derive(u, "kem", ret->kem, sizeof(ret->kem));
	secret_wipe(u, sizeof(u));
	return LL_OK;
}

void
unlock_auth_hash(const uint8_t auth[UNLOCK_KEY_LEN], uint8_t ret_hash[32])
{
	struct hash h;

	hash_init(&h, HASH_SHA256);
	hash_put(&h, S("letterlock/1/verifier\0"));
	hash_put(&h, slice_new(auth, UNLOCK_KEY_LEN));
	hash_end(&h, ret_hash);
	secret_wipe(&h, sizeof(h));
}

int
unlock_auth_check(struct slice auth, const uint8_t hash[32])
{
	uint8_t got[32];

	if (auth.len != UNLOCK_KEY_LEN)
		return LL_ERR_AUTH;
	unlock_auth_hash(auth.ptr, got);
	return secret_eq(got, hash, sizeof(got)) ? LL_OK : LL_ERR_AUTH;
}
