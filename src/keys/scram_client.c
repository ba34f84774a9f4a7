/* The client's side of SCRAM: for the relay's smarthost sign-in, the command line, and tests. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/scram_core.h"

#include <stdlib.h>
#include <string.h>

#define AUTH_MESSAGE_MAX (3 * SCRAM_MESSAGE_MAX + 2)
#define SALT_MAX 64

enum client_state { CLIENT_NEW, CLIENT_FIRST, CLIENT_FINAL, CLIENT_ENDED };

struct scram_client {
	enum client_state state;
	struct buf name, password, gs2, binding, nonce, auth;
	struct scram_verifier verifier;
};

void
scram_client_free(struct scram_client *c)
{
	if (!c)
		return;
	buf_done(&c->name);
	buf_done(&c->password);
	buf_done(&c->gs2);
	buf_done(&c->binding);
	buf_done(&c->nonce);
	buf_done(&c->auth);
	secret_wipe(c, sizeof(*c));
	free(c);
}

void
scram_client_cleanup(struct scram_client **c)
{
	scram_client_free(*c);
}

static int
client_setup(struct scram_client *c, const struct scram_client_options *o)
{
	(void)buf_put(&c->name, o->name);
	(void)buf_put(&c->password, o->password);
	if (o->binding) {
		(void)buf_puts(&c->gs2, "p=");
		(void)buf_put(&c->gs2, o->binding->type);
		(void)buf_puts(&c->gs2, ",,");
		(void)buf_put(&c->binding, o->binding->data);
	} else {
		(void)buf_puts(&c->gs2, o->binding_possible ? "y,," : "n,,");
	}
	if (o->nonce.len)
		(void)buf_put(&c->nonce, o->nonce);
	else
		scram_nonce_make(&c->nonce);
	if (buf_err(&c->name) || buf_err(&c->password) || buf_err(&c->binding) || buf_err(&c->gs2))
		return LL_ERR_LIMIT;
	return scram_nonce_valid(buf_slice(&c->nonce)) ? LL_OK : LL_ERR_SYNTAX;
}

int
scram_client_new(const struct scram_client_options *o, struct scram_client **ret)
{
	CLEANUP(scram_client_cleanup) struct scram_client *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return LL_ERR_NOMEM;
	c->name = BUF_INIT(SCRAM_NAME_MAX);
	c->password = c->binding = BUF_SECRET(SCRAM_BINDING_MAX);
	c->gs2 = BUF_INIT(64);
	c->nonce = BUF_INIT(SCRAM_NONCE_MAX);
	c->auth = BUF_INIT(AUTH_MESSAGE_MAX);
	err = client_setup(c, o);
	if (err)
		return err;
	*ret = TAKE(c);
	return LL_OK;
}

int
scram_client_first(struct scram_client *c, struct buf *ret_message)
{
	struct slice name = buf_slice(&c->name);

	if (c->state != CLIENT_NEW)
		return LL_ERR_STATE;
	(void)buf_puts(&c->auth, "n=");
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] == ',' || name.ptr[i] == '=')
			(void)buf_puts(&c->auth, name.ptr[i] == ',' ? "=2C" : "=3D");
		else
			(void)buf_putc(&c->auth, name.ptr[i]);
	(void)buf_puts(&c->auth, ",r=");
	(void)buf_put(&c->auth, buf_slice(&c->nonce));
	if (buf_err(&c->auth))
		return buf_err(&c->auth);
	(void)buf_put(ret_message, buf_slice(&c->gs2));
	c->state = CLIENT_FIRST;
	return buf_put(ret_message, buf_slice(&c->auth));
}

struct challenge {
	struct slice nonce;
	struct buf *salt;
	uint64_t iterations;
};

static int
parse_challenge(const struct scram_client *c, struct slice message, struct challenge *ret)
{
	struct slice own = buf_slice(&c->nonce), salt, count, rest = message;
	bool more;
	int err;

	if (message.len > SCRAM_MESSAGE_MAX || !scram_take(&rest, 'r', &ret->nonce, &more) ||
		!more || !scram_nonce_valid(ret->nonce))
		return LL_ERR_SYNTAX;
	if (!scram_take(&rest, 's', &salt, &more) || !more ||
		!scram_take(&rest, 'i', &count, &more) || (more && !scram_extensions_valid(rest)))
		return LL_ERR_SYNTAX;
	if (!slice_starts(ret->nonce, own) || ret->nonce.len == own.len)
		return LL_ERR_AUTH;
	err = base64_decode(ret->salt, salt);
	if (!err)
		err = slice_u64(count, SCRAM_ITERATIONS_MAX, &ret->iterations);
	/* The server does not choose a weaker cost than the suite's (R5). */
	if (!err && ret->iterations < SCRAM_ITERATIONS)
		err = LL_ERR_RANGE;
	return err;
}

static void
put_proof(struct scram_client *c, const uint8_t client_key[SCRAM_KEY_LEN], struct buf *m)
{
	uint8_t proof[SCRAM_KEY_LEN];

	scram_hmac(c->verifier.stored_key, buf_slice(&c->auth), proof);
	for (size_t i = 0; i < sizeof(proof); i++)
		proof[i] ^= client_key[i];
	(void)buf_puts(m, ",p=");
	(void)base64_encode(m, SLICE_OF(proof));
}

static int
put_final(struct scram_client *c, struct slice challenge, struct slice nonce,
	const uint8_t client_key[SCRAM_KEY_LEN], struct buf *ret_message)
{
	CLEANUP(buf_done) struct buf bound = BUF_INIT(64 + SCRAM_BINDING_MAX);
	CLEANUP(buf_done) struct buf m = BUF_INIT(SCRAM_MESSAGE_MAX);

	(void)buf_put(&bound, buf_slice(&c->gs2));
	(void)buf_put(&bound, buf_slice(&c->binding));
	(void)buf_puts(&m, "c=");
	(void)base64_encode(&m, buf_slice(&bound));
	(void)buf_puts(&m, ",r=");
	(void)buf_put(&m, nonce);
	(void)buf_putc(&c->auth, ',');
	(void)buf_put(&c->auth, challenge);
	(void)buf_putc(&c->auth, ',');
	(void)buf_put(&c->auth, buf_slice(&m));
	put_proof(c, client_key, &m);
	if (buf_err(&c->auth) || buf_err(&m) || buf_err(&bound))
		return LL_ERR_LIMIT;
	return buf_put(ret_message, buf_slice(&m));
}

int
scram_client_final(struct scram_client *c, struct slice message, struct buf *ret_message)
{
	CLEANUP(buf_done) struct buf salt = BUF_INIT(SALT_MAX);
	struct challenge ch = {.salt = &salt};
	uint8_t client_key[SCRAM_KEY_LEN];
	int err;

	if (c->state != CLIENT_FIRST)
		return LL_ERR_STATE;
	c->state = CLIENT_ENDED;
	err = parse_challenge(c, message, &ch);
	if (!err)
		err = scram_derive(buf_slice(&c->password), buf_slice(&salt),
			(uint32_t)ch.iterations, client_key, &c->verifier);
	if (!err)
		err = put_final(c, message, ch.nonce, client_key, ret_message);
	if (!err)
		c->state = CLIENT_FINAL;
	secret_wipe(client_key, sizeof(client_key));
	return err;
}

int
scram_client_check(struct scram_client *c, struct slice message)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(SCRAM_KEY_LEN + 2);
	uint8_t want[SCRAM_KEY_LEN];

	if (c->state != CLIENT_FINAL)
		return LL_ERR_STATE;
	c->state = CLIENT_ENDED;
	if (!slice_starts(message, S("v=")) || message.len > SCRAM_MESSAGE_MAX)
		return LL_ERR_AUTH;
	if (base64_decode(&got, slice_skip(message, 2)) != LL_OK || got.len != SCRAM_KEY_LEN)
		return LL_ERR_AUTH;
	scram_hmac(c->verifier.server_key, buf_slice(&c->auth), want);
	return secret_eq(got.ptr, want, sizeof(want)) ? LL_OK : LL_ERR_AUTH;
}
