/* The server's side of OPAQUE. It holds no state but struct opaque_login, and answers for unknown
 * users as for known ones. */
#include "base/error.h"
#include "base/secret.h"
#include "keys/opaque_core.h"
#include "keys/oprf.h"

#include <sodium.h>
#include <string.h>

int
opaque_server_keypair(struct opaque_server *s, const uint8_t seed[OPAQUE_SEED_LEN])
{
	return opaque_dh_keypair(seed, s->private_key, s->public_key);
}

/* Evaluates the OPRF under the key of one credential (RFC 9807 section 5.2). */
static int
evaluate(const struct opaque_server *s, struct slice credential_id, const uint8_t *blinded,
	uint8_t ret[OPRF_ELEMENT_LEN])
{
	uint8_t seed[OPRF_SEED_LEN], key[OPRF_SCALAR_LEN];
	int err;

	opaque_expand(s->oprf_seed, credential_id, "OprfKey", seed, sizeof(seed));
	err = oprf_derive_key(seed, S("OPAQUE-DeriveKeyPair"), key);
	if (!err)
		err = oprf_multiply(key, blinded, ret);
	secret_wipe(seed, sizeof(seed));
	secret_wipe(key, sizeof(key));
	return err;
}

int
opaque_server_register(const struct opaque_server *s, struct slice credential_id,
	struct slice request, uint8_t ret_response[OPAQUE_RESPONSE_LEN])
{
	int err;

	if (request.len != OPAQUE_REQUEST_LEN)
		return LL_ERR_SYNTAX;
	if (credential_id.len > OPAQUE_CREDENTIAL_MAX)
		return LL_ERR_LIMIT;
	err = evaluate(s, credential_id, request.ptr, ret_response);
	if (!err)
		memcpy(ret_response + OPRF_ELEMENT_LEN, s->public_key, OPAQUE_KEY_LEN);
	return err;
}

int
opaque_record_check(struct slice record)
{
	if (record.len != OPAQUE_RECORD_LEN)
		return LL_ERR_SYNTAX;
	/* The client's public key comes first. */
	if (sodium_is_zero(record.ptr, OPAQUE_KEY_LEN) ||
		!crypto_core_ristretto255_is_valid_point(record.ptr))
		return LL_ERR_SYNTAX;
	return LL_OK;
}

/* A record for a credential that does not exist (section 10.9): the same at every attempt. */
static int
fake_record(
	const struct opaque_server *s, struct slice credential_id, uint8_t ret[OPAQUE_RECORD_LEN])
{
	uint8_t seed[OPAQUE_SEED_LEN], unused[OPAQUE_KEY_LEN];
	int err;

	memset(ret, 0, OPAQUE_RECORD_LEN);
	opaque_expand(s->oprf_seed, credential_id, "FakeClientKey", seed, sizeof(seed));
	opaque_expand(s->oprf_seed, credential_id, "FakeMaskingKey", ret + RECORD_MASKING_KEY,
		OPAQUE_HASH_LEN);
	err = opaque_dh_keypair(seed, unused, ret);
	secret_wipe(seed, sizeof(seed));
	secret_wipe(unused, sizeof(unused));
	return err;
}

static void
server_coins(const struct opaque_coins *given, struct opaque_coins *ret)
{
	if (given)
		*ret = *given;
	else
		randombytes_buf(ret, sizeof(*ret));
}

static void
put_response(const struct opaque_server *s, const uint8_t *record, const uint8_t *masking_nonce,
	uint8_t *ke2)
{
	memcpy(ke2 + KE2_MASKING_NONCE, masking_nonce, OPAQUE_NONCE_LEN);
	memcpy(ke2 + KE2_MASKED, s->public_key, OPAQUE_KEY_LEN);
	memcpy(ke2 + KE2_MASKED + OPAQUE_KEY_LEN, record + RECORD_ENVELOPE, OPAQUE_ENVELOPE_LEN);
	opaque_mask(record + RECORD_MASKING_KEY, masking_nonce, ke2 + KE2_MASKED);
}

/* The key exchange of section 6.4.3: dh1 and dh3 with the fresh key share, dh2 with the static key.
 */
static int
exchange(const struct opaque_server *s, const uint8_t *keyshare_seed, uint8_t *ke2,
	struct opaque_transcript *t)
{
	const uint8_t *client_share = t->ke1 + KE1_KEYSHARE;
	uint8_t private[OPAQUE_KEY_LEN];
	int err = opaque_dh_keypair(keyshare_seed, private, ke2 + KE2_KEYSHARE);

	if (!err)
		err = oprf_multiply(private, client_share, t->ikm);
	if (!err)
		err = oprf_multiply(s->private_key, client_share, t->ikm + OPAQUE_KEY_LEN);
	if (!err)
		err = oprf_multiply(private, t->client_public, t->ikm + 2 * OPAQUE_KEY_LEN);
	secret_wipe(private, sizeof(private));
	return err;
}

static int
respond(const struct opaque_server *s, const struct opaque_params *p, struct slice credential_id,
	const uint8_t *record, const uint8_t *ke1, const struct opaque_coins *coins,
	struct opaque_login *ret_login, uint8_t *ke2)
{
	struct opaque_transcript t = {p, record, s->public_key, ke1, ke2, {0}};
	struct opaque_schedule k;
	int err;

	err = evaluate(s, credential_id, ke1, ke2);
	if (err)
		return err;
	put_response(s, record, coins->masking_nonce, ke2);
	memcpy(ke2 + KE2_NONCE, coins->nonce, OPAQUE_NONCE_LEN);
	err = exchange(s, coins->keyshare_seed, ke2, &t);
	if (!err) {
		opaque_derive_schedule(&t, &k);
		memcpy(ke2 + KE2_MAC, k.server_mac, OPAQUE_HASH_LEN);
		memcpy(ret_login->expected_mac, k.client_mac, OPAQUE_HASH_LEN);
		memcpy(ret_login->session_key, k.session_key, OPAQUE_HASH_LEN);
		secret_wipe(&k, sizeof(k));
	}
	secret_wipe(t.ikm, sizeof(t.ikm));
	return err;
}

static bool
params_valid(const struct opaque_params *p)
{
	return p->context.len <= OPAQUE_IDENTITY_MAX &&
		p->client_identity.len <= OPAQUE_IDENTITY_MAX &&
		p->server_identity.len <= OPAQUE_IDENTITY_MAX;
}

int
opaque_server_login(const struct opaque_server *s, const struct opaque_params *p,
	struct slice credential_id, struct slice record, struct slice ke1,
	const struct opaque_coins *coins, struct opaque_login *ret_login,
	uint8_t ret_ke2[OPAQUE_KE2_LEN])
{
	uint8_t chosen[OPAQUE_RECORD_LEN], ke2[OPAQUE_KE2_LEN];
	struct opaque_coins c;
	int err;

	if (ke1.len != OPAQUE_KE1_LEN || (record.len && record.len != OPAQUE_RECORD_LEN))
		return LL_ERR_SYNTAX;
	if (credential_id.len > OPAQUE_CREDENTIAL_MAX || !params_valid(p))
		return LL_ERR_LIMIT;
	/* Always, so that time does not tell whether the user exists. */
	err = fake_record(s, credential_id, chosen);
	if (err)
		return err;
	if (record.len)
		memcpy(chosen, record.ptr, sizeof(chosen));
	server_coins(coins, &c);
	err = respond(s, p, credential_id, chosen, ke1.ptr, &c, ret_login, ke2);
	if (!err)
		memcpy(ret_ke2, ke2, sizeof(ke2));
	secret_wipe(&c, sizeof(c));
	secret_wipe(chosen, sizeof(chosen));
	return err;
}

int
opaque_server_finish(const struct opaque_login *login, struct slice ke3)
{
	if (ke3.len != OPAQUE_KE3_LEN)
		return LL_ERR_SYNTAX;
	return secret_eq(ke3.ptr, login->expected_mac, OPAQUE_KE3_LEN) ? LL_OK : LL_ERR_AUTH;
}
