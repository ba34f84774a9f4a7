/* OPAQUE, as the server and as the client. */
#include "base/error.h"
#include "keys/opaque.h"
#include "keys_peer.h"

#include <string.h>

/* What lives from one command to the next. */
static struct {
	struct opaque_server server;
	struct opaque_login login;
	struct opaque_client *client;
} st;

static int
cmd_opaque_server(const struct args *a)
{
	memcpy(st.server.oprf_seed, fixed(a, 0, OPAQUE_OPRF_SEED_LEN), OPAQUE_OPRF_SEED_LEN);
	return opaque_server_keypair(&st.server, fixed(a, 1, OPAQUE_SEED_LEN));
}

static int
cmd_opaque_register(const struct args *a)
{
	uint8_t response[OPAQUE_RESPONSE_LEN];
	int err = opaque_server_register(&st.server, arg(a, 0), arg(a, 1), response);

	if (!err)
		put(SLICE_OF(response));
	return err;
}

static int
cmd_opaque_login(const struct args *a)
{
	const struct opaque_params p = OPAQUE_SUITE;
	uint8_t ke2[OPAQUE_KE2_LEN];
	int err = opaque_server_login(
		&st.server, &p, arg(a, 0), arg(a, 1), arg(a, 2), NULL, &st.login, ke2);

	if (!err)
		put(SLICE_OF(ke2));
	return err;
}

static int
cmd_opaque_finish(const struct args *a)
{
	int err = opaque_server_finish(&st.login, arg(a, 0));

	if (!err)
		put(SLICE_OF(st.login.session_key));
	return err;
}

static int
client_new(const struct args *a)
{
	const struct opaque_params p = OPAQUE_SUITE;

	opaque_client_free(TAKE(st.client));
	return opaque_client_new(&p, arg(a, 0), &st.client);
}

static int
cmd_client_register(const struct args *a)
{
	uint8_t request[OPAQUE_REQUEST_LEN];
	int err = client_new(a);

	if (!err)
		err = opaque_client_register_start(st.client, NULL, request);
	if (!err)
		put(SLICE_OF(request));
	return err;
}

static int
cmd_client_register_finish(const struct args *a)
{
	uint8_t record[OPAQUE_RECORD_LEN], key[OPAQUE_HASH_LEN];
	int err = st.client ? opaque_client_register_finish(st.client, arg(a, 0), NULL, record, key)
			    : LL_ERR_STATE;

	if (err)
		return err;
	put(SLICE_OF(record));
	put(SLICE_OF(key));
	return LL_OK;
}

static int
cmd_client_login(const struct args *a)
{
	uint8_t ke1[OPAQUE_KE1_LEN];
	int err = client_new(a);

	if (!err)
		err = opaque_client_login_start(st.client, NULL, ke1);
	if (!err)
		put(SLICE_OF(ke1));
	return err;
}

static int
cmd_client_login_finish(const struct args *a)
{
	uint8_t ke3[OPAQUE_KE3_LEN], key[OPAQUE_HASH_LEN], session[OPAQUE_HASH_LEN];
	int err = st.client ? opaque_client_login_finish(st.client, arg(a, 0), ke3, key, session)
			    : LL_ERR_STATE;

	if (err)
		return err;
	put(SLICE_OF(ke3));
	put(SLICE_OF(key));
	put(SLICE_OF(session));
	return LL_OK;
}

static const struct command commands[] = {
	{"opaque-server", cmd_opaque_server},
	{"opaque-register", cmd_opaque_register},
	{"opaque-login", cmd_opaque_login},
	{"opaque-finish", cmd_opaque_finish},
	{"client-register", cmd_client_register},
	{"client-register-finish", cmd_client_register_finish},
	{"client-login", cmd_client_login},
	{"client-login-finish", cmd_client_login_finish},
};

static void
done(void)
{
	opaque_client_free(st.client);
}

const struct command_family peer_opaque = {commands, ARRAY_SIZE(commands), done};
