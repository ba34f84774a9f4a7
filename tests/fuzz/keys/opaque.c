/* The OPAQUE messages a stranger can send. The first byte picks the message. The same bytes get the
 * same answer, a refused message leaves the outputs alone, and no forged login is ever completed.
 */
#include "keys/opaque.h"
#include "../cut.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UNTOUCHED 0x5a

static struct opaque_server server;
static const struct opaque_coins coins = {.blind = {7},
	.nonce = {1},
	.keyshare_seed = {2},
	.masking_nonce = {3},
	.envelope_nonce = {4}};

static int
ksf_none(const uint8_t in[OPAQUE_HASH_LEN], uint8_t ret[OPAQUE_HASH_LEN])
{
	memcpy(ret, in, OPAQUE_HASH_LEN);
	return LL_OK;
}

static const struct opaque_params params = {.ksf = ksf_none};

static void
require(bool good)
{
	if (!good)
		abort();
}

static void
check_output(int err, const uint8_t *one, const uint8_t *two, size_t len)
{
	require(memcmp(one, two, len) == 0);
	for (size_t i = 0; err && i < len; i++)
		require(one[i] == UNTOUCHED);
}

/* What is asked twice takes twice as long: one input in four. */
static bool
again(struct slice in)
{
	return fuzz_hash(in) % 4 == 0;
}

static void
request(struct slice in)
{
	uint8_t one[OPAQUE_RESPONSE_LEN], two[OPAQUE_RESPONSE_LEN];
	int err;

	memset(one, UNTOUCHED, sizeof(one));
	memset(two, UNTOUCHED, sizeof(two));
	err = opaque_server_register(&server, S("id"), in, one);
	if (again(in))
		require(err == opaque_server_register(&server, S("id"), in, two));
	else
		memcpy(two, one, sizeof(two));
	check_output(err, one, two, sizeof(one));
}

/* A record and KE1. */
static void
login(struct slice in)
{
	struct slice ke1 = slice_skip(in, MIN(in.len, (size_t)OPAQUE_RECORD_LEN));
	struct slice record = slice_sub(in, 0, OPAQUE_RECORD_LEN);
	uint8_t one[OPAQUE_KE2_LEN], two[OPAQUE_KE2_LEN];
	struct opaque_login l = {{0}, {0}};
	int err;

	if (opaque_record_check(record) != LL_OK)
		record = SLICE_NONE;
	memset(one, UNTOUCHED, sizeof(one));
	memset(two, UNTOUCHED, sizeof(two));
	err = opaque_server_login(&server, &params, S("id"), record, ke1, &coins, &l, one);
	if (again(in))
		require(opaque_server_login(
				&server, &params, S("id"), record, ke1, &coins, &l, two) == err);
	else
		memcpy(two, one, sizeof(two));
	check_output(err, one, two, sizeof(one));
	if (!err)
		require(opaque_server_finish(&l, slice_sub(ke1, 0, OPAQUE_KE3_LEN)) == LL_ERR_AUTH);
}

static void
answer(struct slice in)
{
	uint8_t ke1[OPAQUE_KE1_LEN], ke3[OPAQUE_KE3_LEN], key[OPAQUE_HASH_LEN];
	struct opaque_client *c = NULL;

	if (opaque_client_new(&params, S("password"), &c) != LL_OK)
		return;
	require(opaque_client_login_start(c, &coins, ke1) == LL_OK);
	require(opaque_client_login_finish(c, in, ke3, key, NULL) != LL_OK);
	opaque_client_free(c);
}

static void
response(struct slice in)
{
	uint8_t first[OPAQUE_REQUEST_LEN], record[OPAQUE_RECORD_LEN], key[OPAQUE_HASH_LEN];
	struct opaque_client *c = NULL;

	if (opaque_client_new(&params, S("password"), &c) != LL_OK)
		return;
	require(opaque_client_register_start(c, &coins, first) == LL_OK);
	if (opaque_client_register_finish(c, in, &coins, record, key) == LL_OK)
		require(opaque_record_check(SLICE_OF(record)) == LL_OK);
	opaque_client_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const messages[])(struct slice) = {request, login, answer, response};
	static const uint8_t seed[OPAQUE_SEED_LEN] = {9};

	if (size == 0)
		return 0;
	if (server.public_key[0] == 0 && opaque_server_keypair(&server, seed) != LL_OK)
		abort();
	messages[data[0] % ARRAY_SIZE(messages)](slice_new(data + 1, size - 1));
	return 0;
}
