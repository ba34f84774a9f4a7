/* The client's side of OPAQUE: registers a password without showing it, and opens the envelope
 * again. */
#include "base/error.h"
#include "base/secret.h"
#include "keys/kdf.h"
#include "keys/opaque_core.h"
#include "keys/oprf.h"

#include <sodium.h>
#include <string.h>

enum client_state { CLIENT_NEW, CLIENT_REGISTERING, CLIENT_LOGGING_IN, CLIENT_DONE };

struct opaque_client {
	enum client_state state;
	struct opaque_params params; /* views of texts */
	uint8_t texts[3 * OPAQUE_IDENTITY_MAX];
	size_t password_len;
	uint8_t password[OPAQUE_PASSWORD_MAX];
	uint8_t blind[OPRF_SCALAR_LEN];
	uint8_t keyshare[OPAQUE_KEY_LEN];
	uint8_t ke1[OPAQUE_KE1_LEN];
};
static_assert(sizeof(struct opaque_client) <= SECRET_MAX, "fits secret memory");

/* All that follows from the password (RFC 9807 section 4.1.2). */
struct envelope_keys {
	uint8_t auth_key[OPAQUE_HASH_LEN];
	uint8_t export_key[OPAQUE_HASH_LEN];
	uint8_t masking_key[OPAQUE_HASH_LEN];
	uint8_t private_key[OPAQUE_KEY_LEN];
	uint8_t public_key[OPAQUE_KEY_LEN];
};

static void
envelope_keys_wipe(struct envelope_keys *k)
{
	secret_wipe(k, sizeof(*k));
}

void
opaque_client_free(struct opaque_client *c)
{
	secret_free(c, sizeof(*c));
}

void
opaque_client_cleanup(struct opaque_client **c)
{
	opaque_client_free(*c);
}

static struct slice
keep_text(struct opaque_client *c, size_t slot, struct slice s)
{
	uint8_t *at = c->texts + slot * OPAQUE_IDENTITY_MAX;

	if (s.len)
		memcpy(at, s.ptr, s.len);
	return slice_new(at, s.len);
}

int
opaque_client_new(const struct opaque_params *p, struct slice password, struct opaque_client **ret)
{
	struct opaque_client *c;

	if (password.len == 0)
		return LL_ERR_SYNTAX;
	if (password.len > OPAQUE_PASSWORD_MAX || p->context.len > OPAQUE_IDENTITY_MAX ||
		p->client_identity.len > OPAQUE_IDENTITY_MAX ||
		p->server_identity.len > OPAQUE_IDENTITY_MAX)
		return LL_ERR_LIMIT;
	c = SECRET_NEW(struct opaque_client);
	if (!c)
		return LL_ERR_NOMEM;
	memcpy(c->password, password.ptr, password.len);
	c->password_len = password.len;
	c->params.ksf = p->ksf;
	c->params.context = keep_text(c, 0, p->context);
	c->params.client_identity = keep_text(c, 1, p->client_identity);
	c->params.server_identity = keep_text(c, 2, p->server_identity);
	*ret = c;
	return LL_OK;
}

static struct slice
client_password(const struct opaque_client *c)
{
	return slice_new(c->password, c->password_len);
}

/* OPRF output, stretched, to the randomised password (sections 5.2.3 and 6.3.3). */
static int
randomize(const struct opaque_client *c, const uint8_t *evaluated, uint8_t ret[OPAQUE_HASH_LEN])
{
	uint8_t ikm[2 * OPAQUE_HASH_LEN];
	int err = oprf_finalize(client_password(c), c->blind, evaluated, ikm);

	if (!err)
		err = c->params.ksf(ikm, ikm + OPAQUE_HASH_LEN);
	if (!err)
		hkdf_extract(HASH_SHA512, SLICE_NONE, SLICE_OF(ikm), ret);
	secret_wipe(ikm, sizeof(ikm));
	return err;
}

static int
derive_envelope_keys(const uint8_t randomized[OPAQUE_HASH_LEN],
	const uint8_t nonce[OPAQUE_NONCE_LEN], struct envelope_keys *ret)
{
	struct slice n = slice_new(nonce, OPAQUE_NONCE_LEN);
	uint8_t seed[OPAQUE_SEED_LEN];
	int err;

	opaque_expand(randomized, n, "AuthKey", ret->auth_key, OPAQUE_HASH_LEN);
	opaque_expand(randomized, n, "ExportKey", ret->export_key, OPAQUE_HASH_LEN);
	opaque_expand(randomized, n, "PrivateKey", seed, sizeof(seed));
	err = opaque_dh_keypair(seed, ret->private_key, ret->public_key);
	secret_wipe(seed, sizeof(seed));
	return err;
}

/* The tag of an envelope: a MAC over its nonce and the cleartext credentials. */
static void
envelope_tag(const struct opaque_client *c, const struct envelope_keys *k, const uint8_t *nonce,
	const uint8_t *server_public, uint8_t ret[OPAQUE_HASH_LEN])
{
	struct slice ids[] = {opaque_identity(c->params.server_identity, server_public),
		opaque_identity(c->params.client_identity, k->public_key)};
	struct hmac m;

	hmac_init(&m, HASH_SHA512, SLICE_OF(k->auth_key));
	hmac_put(&m, slice_new(nonce, OPAQUE_NONCE_LEN));
	hmac_put(&m, slice_new(server_public, OPAQUE_KEY_LEN));
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		uint8_t len[2] = {(uint8_t)(ids[i].len >> 8), (uint8_t)ids[i].len};
		hmac_put(&m, SLICE_OF(len));
		hmac_put(&m, ids[i]);
	}
	hmac_end(&m, ret);
}

int
opaque_client_register_start(struct opaque_client *c, const struct opaque_coins *coins,
	uint8_t ret_request[OPAQUE_REQUEST_LEN])
{
	int err;

	if (c->state != CLIENT_NEW)
		return LL_ERR_STATE;
	err = oprf_blind(client_password(c), coins ? coins->blind : NULL, c->blind, ret_request);
	if (!err)
		c->state = CLIENT_REGISTERING;
	return err;
}

static int
make_record(const struct opaque_client *c, const uint8_t randomized[OPAQUE_HASH_LEN],
	const uint8_t *server_public, const uint8_t *nonce, uint8_t *ret_record,
	uint8_t *ret_export_key)
{
	CLEANUP(envelope_keys_wipe) struct envelope_keys k;
	int err = derive_envelope_keys(randomized, nonce, &k);

	if (err)
		return err;
	memcpy(ret_record, k.public_key, OPAQUE_KEY_LEN);
	opaque_expand(randomized, SLICE_NONE, "MaskingKey", ret_record + RECORD_MASKING_KEY,
		OPAQUE_HASH_LEN);
	memcpy(ret_record + RECORD_ENVELOPE, nonce, OPAQUE_NONCE_LEN);
	envelope_tag(c, &k, nonce, server_public, ret_record + RECORD_ENVELOPE + OPAQUE_NONCE_LEN);
	memcpy(ret_export_key, k.export_key, OPAQUE_HASH_LEN);
	return LL_OK;
}

int
opaque_client_register_finish(struct opaque_client *c, struct slice response,
	const struct opaque_coins *coins, uint8_t ret_record[OPAQUE_RECORD_LEN],
	uint8_t ret_export_key[OPAQUE_HASH_LEN])
{
	uint8_t randomized[OPAQUE_HASH_LEN], nonce[OPAQUE_NONCE_LEN];
	const uint8_t *server_public;
	int err;

	if (c->state != CLIENT_REGISTERING)
		return LL_ERR_STATE;
	if (response.len != OPAQUE_RESPONSE_LEN)
		return LL_ERR_SYNTAX;
	server_public = response.ptr + OPRF_ELEMENT_LEN;
	if (sodium_is_zero(server_public, OPAQUE_KEY_LEN) ||
		!crypto_core_ristretto255_is_valid_point(server_public))
		return LL_ERR_SYNTAX;
	if (coins)
		memcpy(nonce, coins->envelope_nonce, sizeof(nonce));
	else
		randombytes_buf(nonce, sizeof(nonce));
	err = randomize(c, response.ptr, randomized);
	if (!err)
		err = make_record(c, randomized, server_public, nonce, ret_record, ret_export_key);
	if (!err)
		c->state = CLIENT_DONE;
	secret_wipe(randomized, sizeof(randomized));
	return err;
}

int
opaque_client_login_start(
	struct opaque_client *c, const struct opaque_coins *coins, uint8_t ret_ke1[OPAQUE_KE1_LEN])
{
	uint8_t seed[OPAQUE_SEED_LEN];
	int err;

	if (c->state != CLIENT_NEW)
		return LL_ERR_STATE;
	if (coins) {
		memcpy(seed, coins->keyshare_seed, sizeof(seed));
		memcpy(c->ke1 + KE1_NONCE, coins->nonce, OPAQUE_NONCE_LEN);
	} else {
		randombytes_buf(seed, sizeof(seed));
		randombytes_buf(c->ke1 + KE1_NONCE, OPAQUE_NONCE_LEN);
	}
	err = oprf_blind(client_password(c), coins ? coins->blind : NULL, c->blind, c->ke1);
	if (!err)
		err = opaque_dh_keypair(seed, c->keyshare, c->ke1 + KE1_KEYSHARE);
	secret_wipe(seed, sizeof(seed));
	if (err)
		return err;
	memcpy(ret_ke1, c->ke1, OPAQUE_KE1_LEN);
	c->state = CLIENT_LOGGING_IN;
	return LL_OK;
}

/* Unmasks the response and opens the envelope (sections 6.3.3 and 4.1.3). A wrong password and an
 * unknown user both end at the tag. */
static int
recover(const struct opaque_client *c, const uint8_t *ke2, struct envelope_keys *k,
	uint8_t ret_server_public[OPAQUE_KEY_LEN])
{
	uint8_t randomized[OPAQUE_HASH_LEN], tag[OPAQUE_HASH_LEN], response[OPAQUE_MASKED_LEN];
	const uint8_t *envelope = response + OPAQUE_KEY_LEN;
	int err = randomize(c, ke2, randomized);

	if (err)
		return err;
	opaque_expand(randomized, SLICE_NONE, "MaskingKey", k->masking_key, OPAQUE_HASH_LEN);
	memcpy(response, ke2 + KE2_MASKED, sizeof(response));
	opaque_mask(k->masking_key, ke2 + KE2_MASKING_NONCE, response);
	err = derive_envelope_keys(randomized, envelope, k);
	if (!err) {
		envelope_tag(c, k, envelope, response, tag);
		if (!secret_eq(tag, envelope + OPAQUE_NONCE_LEN, sizeof(tag)))
			err = LL_ERR_AUTH;
	}
	if (!err)
		memcpy(ret_server_public, response, OPAQUE_KEY_LEN);
	secret_wipe(randomized, sizeof(randomized));
	secret_wipe(response, sizeof(response));
	return err;
}

static int
client_exchange(
	const struct opaque_client *c, const struct envelope_keys *k, struct opaque_transcript *t)
{
	const uint8_t *server_share = t->ke2 + KE2_KEYSHARE;
	int err = oprf_multiply(c->keyshare, server_share, t->ikm);

	if (!err)
		err = oprf_multiply(c->keyshare, t->server_public, t->ikm + OPAQUE_KEY_LEN);
	if (!err)
		err = oprf_multiply(k->private_key, server_share, t->ikm + 2 * OPAQUE_KEY_LEN);
	return err;
}

int
opaque_client_login_finish(struct opaque_client *c, struct slice ke2,
	uint8_t ret_ke3[OPAQUE_KE3_LEN], uint8_t ret_export_key[OPAQUE_HASH_LEN],
	uint8_t ret_session_key[OPAQUE_HASH_LEN])
{
	CLEANUP(envelope_keys_wipe) struct envelope_keys k;
	uint8_t server_public[OPAQUE_KEY_LEN];
	struct opaque_transcript t = {
		&c->params, k.public_key, server_public, c->ke1, ke2.ptr, {0}};
	struct opaque_schedule s;
	int err;

	if (c->state != CLIENT_LOGGING_IN)
		return LL_ERR_STATE;
	if (ke2.len != OPAQUE_KE2_LEN)
		return LL_ERR_SYNTAX;
	c->state = CLIENT_DONE;
	err = recover(c, ke2.ptr, &k, server_public);
	if (!err)
		err = client_exchange(c, &k, &t);
	if (err)
		return err;
	opaque_derive_schedule(&t, &s);
	if (!secret_eq(s.server_mac, ke2.ptr + KE2_MAC, OPAQUE_HASH_LEN))
		err = LL_ERR_AUTH;
	if (!err) {
		memcpy(ret_ke3, s.client_mac, OPAQUE_KE3_LEN);
		memcpy(ret_export_key, k.export_key, OPAQUE_HASH_LEN);
		if (ret_session_key)
			memcpy(ret_session_key, s.session_key, OPAQUE_HASH_LEN);
	}
	secret_wipe(t.ikm, sizeof(t.ikm));
	secret_wipe(&s, sizeof(s));
	return err;
}
