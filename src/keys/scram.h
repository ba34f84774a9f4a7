/* SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677), as state machines without I/O.
 *
 * One account has several app passwords, which share a salt and an iteration count; the server
 * tries its verifiers in turn and learns which one was meant, and with it the ClientKey, from which
 * the account's keys are unlocked. Names and passwords are not run through SASLprep: app passwords
 * are ASCII in their normal form (app_password.h), which SASLprep leaves as it is, and names are
 * compared as the directory compares them. */
#ifndef KEYS_SCRAM_H
#define KEYS_SCRAM_H

#include "base/buf.h"
#include "base/slice.h"

#define SCRAM_KEY_LEN 32
#define SCRAM_SALT_LEN 16
#define SCRAM_ITERATIONS 4096
#define SCRAM_ITERATIONS_MAX 1000000
#define SCRAM_NAME_MAX 320
#define SCRAM_NONCE_MAX 256
#define SCRAM_MESSAGE_MAX 2048
#define SCRAM_BINDING_MAX 512
#define SCRAM_VERIFIERS_MAX 64

/* What the server keeps of one password. */
struct scram_verifier {
	uint8_t stored_key[SCRAM_KEY_LEN];
	uint8_t server_key[SCRAM_KEY_LEN];
};

/* What the directory knows of an account. Without verifiers the exchange runs to its end and fails
 * there; give it the salt of scram_fake_salt. */
struct scram_account {
	struct slice salt; /* 1 to 64 bytes */
	uint32_t iterations;
	const struct scram_verifier *verifiers;
	size_t n; /* at most SCRAM_VERIFIERS_MAX */
};

/* A channel binding: "tls-exporter" (RFC 9266) or "tls-server-end-point" (RFC 5929) and its data.
 */
struct scram_binding {
	struct slice type, data;
};

/* PBKDF2, then ClientKey (S_U of an app password). LL_ERR_RANGE, LL_ERR_CRYPTO. */
int scram_client_key(struct slice password, struct slice salt, uint32_t iterations,
	uint8_t ret_client_key[SCRAM_KEY_LEN]) CHECKED;
/* The same with the verifier that a server keeps. */
int scram_derive(struct slice password, struct slice salt, uint32_t iterations,
	uint8_t ret_client_key[SCRAM_KEY_LEN], struct scram_verifier *ret_verifier) CHECKED;
/* For PLAIN and HTTP Basic: finds the verifier that a password fits. Does the same work when there
 * is none. LL_ERR_AUTH. */
int scram_check_password(const struct scram_account *account, struct slice password,
	size_t *ret_index, uint8_t ret_client_key[SCRAM_KEY_LEN]) CHECKED;
/* A salt for a name that nobody has, the same at every attempt. */
void scram_fake_salt(
	const uint8_t server_secret[32], struct slice name, uint8_t ret_salt[SCRAM_SALT_LEN]);

struct scram_server_options {
	bool plus; /* the client chose the -PLUS mechanism */
	bool plus_offered; /* the server offers -PLUS here, so that a client that says "y" was lied
			      to */
	const struct scram_binding *bindings; /* those this channel has */
	size_t n_bindings; /* at most 4; types and data are copied */
	struct slice nonce; /* server part, printable without comma; empty: 24 random characters */
};

struct scram_server;

/* NULL is accepted; wipes. */
void scram_server_free(struct scram_server *s);
void scram_server_cleanup(struct scram_server **s);
int scram_server_new(const struct scram_server_options *o, struct scram_server **ret) CHECKED;
/* client-first-message (decoded from base64). ret_name is the user name with =2C and =3D resolved;
 * it lives as long as s. An authorisation name must equal it (LL_ERR_DENIED). LL_ERR_SYNTAX,
 * LL_ERR_UNSUPPORTED for a binding the channel does not have, LL_ERR_AUTH for a downgrade. */
int scram_server_first(
	struct scram_server *s, struct slice message, struct slice *ret_name) CHECKED;
/* Writes server-first-message. The account's verifiers are copied. */
int scram_server_challenge(struct scram_server *s, const struct scram_account *account,
	struct buf *ret_message) CHECKED;
/* client-final-message: on success writes "v=..." and tells which verifier fitted and its
 * ClientKey. LL_ERR_AUTH, LL_ERR_SYNTAX: failed, and "e=..." is written to ret_message (the one
 * output that is touched then). */
int scram_server_final(struct scram_server *s, struct slice message, struct buf *ret_message,
	size_t *ret_index, uint8_t ret_client_key[SCRAM_KEY_LEN]) CHECKED;

struct scram_client_options {
	struct slice name, password; /* an app password in normal form */
	const struct scram_binding *binding; /* not NULL: the -PLUS mechanism */
	bool binding_possible; /* without binding: say "y" rather than "n" */
	struct slice nonce; /* empty: random */
};

struct scram_client;

void scram_client_free(struct scram_client *c);
void scram_client_cleanup(struct scram_client **c);
int scram_client_new(const struct scram_client_options *o, struct scram_client **ret) CHECKED;
int scram_client_first(struct scram_client *c, struct buf *ret_message) CHECKED;
/* server-first to client-final. LL_ERR_AUTH when the nonce is not ours; LL_ERR_RANGE when the
 * server asks for fewer than 4096 iterations or more than SCRAM_ITERATIONS_MAX. */
int scram_client_final(
	struct scram_client *c, struct slice message, struct buf *ret_message) CHECKED;
/* Checks the server's signature. LL_ERR_AUTH. */
int scram_client_check(struct scram_client *c, struct slice message) CHECKED;

#endif
