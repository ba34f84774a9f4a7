/* OPAQUE-3DH with ristretto255-SHA512, HKDF-SHA512 and HMAC-SHA512 (RFC 9807): the server checks a
 * password that it never sees, and the client gets an export key that only the password opens.
 * Both sides are here, because the command line registers passwords as a client. Messages have
 * fixed lengths; anything else is LL_ERR_SYNTAX. */
#ifndef KEYS_OPAQUE_H
#define KEYS_OPAQUE_H

#include "base/slice.h"

#define OPAQUE_SEED_LEN 32
#define OPAQUE_NONCE_LEN 32
#define OPAQUE_KEY_LEN 32
#define OPAQUE_OPRF_SEED_LEN 64
#define OPAQUE_HASH_LEN 64
#define OPAQUE_REQUEST_LEN 32
#define OPAQUE_RESPONSE_LEN 64
#define OPAQUE_ENVELOPE_LEN (OPAQUE_NONCE_LEN + OPAQUE_HASH_LEN)
#define OPAQUE_RECORD_LEN (OPAQUE_KEY_LEN + OPAQUE_HASH_LEN + OPAQUE_ENVELOPE_LEN)
#define OPAQUE_KE1_LEN 96
#define OPAQUE_KE2_LEN 320
#define OPAQUE_KE3_LEN 64
#define OPAQUE_PASSWORD_MAX 1024
#define OPAQUE_IDENTITY_MAX 512
#define OPAQUE_CREDENTIAL_MAX 512

/* The key stretching function: 64 bytes in, 64 bytes out. LL_ERR_NOMEM. */
typedef int opaque_ksf(const uint8_t in[OPAQUE_HASH_LEN], uint8_t ret[OPAQUE_HASH_LEN]);
/* Argon2id, 64 MiB, 3 passes, 1 lane, salt of 16 zero bytes: suite 0x20. */
opaque_ksf opaque_ksf_argon2id;

/* What both sides must agree on. Empty identities stand for the public keys (RFC 9807 section 4).
 * OPAQUE_SUITE is what Letterlock uses: the context is empty because the browser library's is. */
struct opaque_params {
	struct slice context, client_identity, server_identity;
	opaque_ksf *ksf;
};
#define OPAQUE_SUITE ((struct opaque_params){.ksf = opaque_ksf_argon2id})

/* Every random input of a run. NULL where it is asked for means fresh randomness; tests give the
 * published ones. blind is a scalar below the group order. */
struct opaque_coins {
	uint8_t blind[OPAQUE_KEY_LEN]; /* client, both first messages */
	uint8_t envelope_nonce[OPAQUE_NONCE_LEN]; /* client, registration */
	uint8_t nonce[OPAQUE_NONCE_LEN]; /* either side of a login */
	uint8_t keyshare_seed[OPAQUE_SEED_LEN]; /* either side of a login */
	uint8_t masking_nonce[OPAQUE_NONCE_LEN]; /* server, login */
};

/* The server's long-term secrets; keep in secret memory. */
struct opaque_server {
	uint8_t oprf_seed[OPAQUE_OPRF_SEED_LEN];
	uint8_t private_key[OPAQUE_KEY_LEN];
	uint8_t public_key[OPAQUE_KEY_LEN];
};

/* Fills the key pair from a seed (RFC 9807, DeriveDiffieHellmanKeyPair). LL_ERR_CRYPTO. */
int opaque_server_keypair(struct opaque_server *s, const uint8_t seed[OPAQUE_SEED_LEN]) CHECKED;

/* Registration, server: answers the client's request under this credential identifier (the same
 * bytes at every login). LL_ERR_SYNTAX when the request is no group element. */
int opaque_server_register(const struct opaque_server *s, struct slice credential_id,
	struct slice request, uint8_t ret_response[OPAQUE_RESPONSE_LEN]) CHECKED;
/* Whether an uploaded registration record is well formed; call before it is stored. */
int opaque_record_check(struct slice record) CHECKED;

/* The state between KE1 and KE3, and the session key after it; keep in secret memory and wipe. */
struct opaque_login {
	uint8_t expected_mac[OPAQUE_HASH_LEN];
	uint8_t session_key[OPAQUE_HASH_LEN];
};

/* Login, server: KE1 to KE2. An empty record means that there is no such user: the answer then
 * comes from a fake record, derived from the OPRF seed and the credential identifier, takes the
 * same work, and no KE3 will fit. LL_ERR_SYNTAX. */
int opaque_server_login(const struct opaque_server *s, const struct opaque_params *p,
	struct slice credential_id, struct slice record, struct slice ke1,
	const struct opaque_coins *coins, struct opaque_login *ret_login,
	uint8_t ret_ke2[OPAQUE_KE2_LEN]) CHECKED;
/* Login, server: checks KE3. LL_ERR_AUTH: wrong password or unknown user. */
int opaque_server_finish(const struct opaque_login *login, struct slice ke3) CHECKED;

/* A client in the middle of a registration or login; holds the password in secret memory. */
struct opaque_client;

/* NULL is accepted; wipes. */
void opaque_client_free(struct opaque_client *c);
void opaque_client_cleanup(struct opaque_client **c);
/* The password is used byte for byte; callers normalise it first. LL_ERR_LIMIT beyond
 * OPAQUE_PASSWORD_MAX, LL_ERR_SYNTAX when empty. */
int opaque_client_new(
	const struct opaque_params *p, struct slice password, struct opaque_client **ret) CHECKED;

int opaque_client_register_start(struct opaque_client *c, const struct opaque_coins *coins,
	uint8_t ret_request[OPAQUE_REQUEST_LEN]) CHECKED;
/* The record to upload, and the export key (S_U of a password unlocker). Runs the KSF. */
int opaque_client_register_finish(struct opaque_client *c, struct slice response,
	const struct opaque_coins *coins, uint8_t ret_record[OPAQUE_RECORD_LEN],
	uint8_t ret_export_key[OPAQUE_HASH_LEN]) CHECKED;

int opaque_client_login_start(struct opaque_client *c, const struct opaque_coins *coins,
	uint8_t ret_ke1[OPAQUE_KE1_LEN]) CHECKED;
/* KE2 to KE3. Runs the KSF. LL_ERR_AUTH: the password is wrong, the user is unknown, or the server
 * is not the one that it was registered with. ret_session_key may be NULL. */
int opaque_client_login_finish(struct opaque_client *c, struct slice ke2,
	uint8_t ret_ke3[OPAQUE_KE3_LEN], uint8_t ret_export_key[OPAQUE_HASH_LEN],
	uint8_t ret_session_key[OPAQUE_HASH_LEN]) CHECKED;

#endif
