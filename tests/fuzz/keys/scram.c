/* SCRAM's messages. A first line with bit 0 set is for the client (server-first, server-final),
 * else for the server (client-first, client-final); bit 1 chooses -PLUS. What the server accepts
 * must prove the password; what it answers stays within its limit. */
#include "keys/scram.h"
#include "../cut.h"
#include "base/buf.h"
#include "base/error.h"
#include "keys/kdf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct scram_binding binding = {
	{(const uint8_t *)"tls-exporter", 12}, {(const uint8_t *)"exported", 8}};

static void
require(bool good)
{
	if (!good)
		abort();
}

static void
serve(bool plus, struct slice first, struct slice final)
{
	static struct scram_verifier verifiers[2];
	static uint8_t keys[2][SCRAM_KEY_LEN];
	static bool ready;
	struct scram_account account = {S("salt"), 1, verifiers, 2};
	struct scram_server_options o = {.plus = plus,
		.plus_offered = plus,
		.bindings = &binding,
		.n_bindings = 1,
		.nonce = S("S")};
	CLEANUP(buf_done) struct buf m = BUF_INIT(2 * SCRAM_MESSAGE_MAX);
	CLEANUP(scram_server_cleanup) struct scram_server *s = NULL;
	uint8_t key[SCRAM_KEY_LEN];
	struct slice name;
	size_t index;

	if (!ready) {
		require(scram_derive(S("one"), account.salt, 1, keys[0], &verifiers[0]) == LL_OK);
		require(scram_derive(S("two"), account.salt, 1, keys[1], &verifiers[1]) == LL_OK);
		ready = true;
	}
	require(scram_server_new(&o, &s) == LL_OK);
	if (scram_server_first(s, first, &name) != LL_OK)
		return;
	require(name.len > 0 && name.len <= SCRAM_NAME_MAX);
	if (scram_server_challenge(s, &account, &m) != LL_OK)
		return;
	require(m.len <= SCRAM_MESSAGE_MAX);
	buf_reset(&m);
	if (scram_server_final(s, final, &m, &index, key) == LL_OK)
		require(index < 2 && memcmp(key, keys[index], sizeof(key)) == 0 &&
			slice_starts(buf_slice(&m), S("v=")));
	else
		require(slice_starts(buf_slice(&m), S("e=")));
}

static void
ask(bool plus, struct slice challenge, struct slice final)
{
	struct scram_client_options o = {.name = S("na,me"),
		.password = S("one"),
		.binding = plus ? &binding : NULL,
		.nonce = S("C")};
	CLEANUP(scram_client_cleanup) struct scram_client *c = NULL;
	CLEANUP(buf_done) struct buf m = BUF_INIT(2 * SCRAM_MESSAGE_MAX);

	/* The least number of iterations that is right takes 50 times as long as all the rest, so
	 * it is for one input in 16; more of them take longer than a fuzzer's step may. */
	if (slice_find(challenge, S("i=")) != SLICE_NPOS &&
		(slice_find(challenge, S("i=4096")) == SLICE_NPOS ||
			(fuzz_hash(challenge) + fuzz_hash(final)) % 16))
		return;
	require(scram_client_new(&o, &c) == LL_OK);
	require(scram_client_first(c, &m) == LL_OK);
	buf_reset(&m);
	if (scram_client_final(c, challenge, &m) == LL_OK) {
		require(m.len <= SCRAM_MESSAGE_MAX);
		(void)!scram_client_check(c, final);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_new(data, size), first;
	uint8_t mode;

	if (size == 0 || size > 8192)
		return 0;
	mode = data[0];
	rest = slice_skip(rest, 1);
	first = slice_split(&rest, '\n');
	if (mode & 1)
		ask(mode & 2, first, rest);
	else
		serve(mode & 2, first, rest);
	return 0;
}
