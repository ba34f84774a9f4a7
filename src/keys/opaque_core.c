/* The parts of RFC 9807 that client and server share: key pairs from seeds, masking, and the 3DH
 * key schedule. */
#include "keys/opaque_core.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/kdf.h"
#include "keys/oprf.h"

#include <sodium.h>
#include <string.h>

#define KSF_OPERATIONS 3
#define KSF_MEMORY ((size_t)64 << 20)

int
opaque_ksf_argon2id(const uint8_t in[OPAQUE_HASH_LEN], uint8_t ret[OPAQUE_HASH_LEN])
{
	/* The salt's work is done by the OPRF, whose key differs per account (RFC 9807 section 7).
	 */
	static const uint8_t salt[crypto_pwhash_SALTBYTES];
	uint8_t out[OPAQUE_HASH_LEN];

	static_assert(sizeof(salt) == 16, "suite 0x20 says 16 zero bytes");
	if (crypto_pwhash_argon2id(out, sizeof(out), (const char *)in, OPAQUE_HASH_LEN, salt,
		    KSF_OPERATIONS, KSF_MEMORY, crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
		return LL_ERR_NOMEM;
	memcpy(ret, out, sizeof(out));
	secret_wipe(out, sizeof(out));
	return LL_OK;
}

int
opaque_dh_keypair(const uint8_t seed[OPAQUE_SEED_LEN], uint8_t ret_private[OPAQUE_KEY_LEN],
	uint8_t ret_public[OPAQUE_KEY_LEN])
{
	int err = oprf_derive_key(seed, S("OPAQUE-DeriveDiffieHellmanKeyPair"), ret_private);

	return err ? err : oprf_public_key(ret_private, ret_public);
}

void
opaque_expand(const uint8_t key[OPAQUE_HASH_LEN], struct slice first, const char *label,
	uint8_t *ret, size_t len)
{
	const struct slice info[] = {first, slice_str(label)};
	int err = hkdf_expand(
		HASH_SHA512, slice_new(key, OPAQUE_HASH_LEN), info, ARRAY_SIZE(info), ret, len);

	assert(!err);
}

void
opaque_mask(const uint8_t masking_key[OPAQUE_HASH_LEN],
	const uint8_t masking_nonce[OPAQUE_NONCE_LEN], uint8_t response[OPAQUE_MASKED_LEN])
{
	uint8_t pad[OPAQUE_MASKED_LEN];

	opaque_expand(masking_key, slice_new(masking_nonce, OPAQUE_NONCE_LEN),
		"CredentialResponsePad", pad, sizeof(pad));
	for (size_t i = 0; i < sizeof(pad); i++)
		response[i] ^= pad[i];
	secret_wipe(pad, sizeof(pad));
}

struct slice
opaque_identity(struct slice identity, const uint8_t public[OPAQUE_KEY_LEN])
{
	return identity.len ? identity : slice_new(public, OPAQUE_KEY_LEN);
}

static void
put_vector(struct hash *h, struct slice s)
{
	uint8_t len[2] = {(uint8_t)(s.len >> 8), (uint8_t)s.len};

	hash_put(h, SLICE_OF(len));
	hash_put(h, s);
}

/* Expand-Label of section 6.4.2.1; label has its "OPAQUE-" and its length in front. */
static void
derive_secret(const uint8_t secret[OPAQUE_HASH_LEN], struct slice label, struct slice context,
	uint8_t ret[OPAQUE_HASH_LEN])
{
	static const uint8_t out_len[2] = {0, OPAQUE_HASH_LEN};
	uint8_t label_len = (uint8_t)label.len, context_len = (uint8_t)context.len;
	const struct slice info[] = {SLICE_OF(out_len), slice_new(&label_len, 1), label,
		slice_new(&context_len, 1), context};
	int err = hkdf_expand(HASH_SHA512, slice_new(secret, OPAQUE_HASH_LEN), info,
		ARRAY_SIZE(info), ret, OPAQUE_HASH_LEN);

	assert(!err);
}

static void
hash_preamble(const struct opaque_transcript *t, struct hash *h)
{
	const struct opaque_params *p = t->params;

	hash_init(h, HASH_SHA512);
	hash_put(h, S("OPAQUEv1-"));
	put_vector(h, p->context);
	put_vector(h, opaque_identity(p->client_identity, t->client_public));
	hash_put(h, slice_new(t->ke1, OPAQUE_KE1_LEN));
	put_vector(h, opaque_identity(p->server_identity, t->server_public));
	hash_put(h, slice_new(t->ke2, KE2_MAC));
}

void
opaque_derive_schedule(const struct opaque_transcript *t, struct opaque_schedule *ret)
{
	uint8_t prk[OPAQUE_HASH_LEN], handshake[OPAQUE_HASH_LEN], mac_key[OPAQUE_HASH_LEN];
	uint8_t digest[OPAQUE_HASH_LEN];
	struct hash preamble, h;

	hash_preamble(t, &preamble);
	h = preamble;
	hash_end(&h, digest);
	hkdf_extract(HASH_SHA512, SLICE_NONE, SLICE_OF(t->ikm), prk);
	derive_secret(prk, S("OPAQUE-HandshakeSecret"), SLICE_OF(digest), handshake);
	derive_secret(prk, S("OPAQUE-SessionKey"), SLICE_OF(digest), ret->session_key);
	derive_secret(handshake, S("OPAQUE-ServerMAC"), SLICE_NONE, mac_key);
	hmac_once(HASH_SHA512, SLICE_OF(mac_key), SLICE_OF(digest), ret->server_mac);

	hash_put(&preamble, SLICE_OF(ret->server_mac));
	hash_end(&preamble, digest);
	derive_secret(handshake, S("OPAQUE-ClientMAC"), SLICE_NONE, mac_key);
	hmac_once(HASH_SHA512, SLICE_OF(mac_key), SLICE_OF(digest), ret->client_mac);
	secret_wipe(prk, sizeof(prk));
	secret_wipe(handshake, sizeof(handshake));
	secret_wipe(mac_key, sizeof(mac_key));
}
