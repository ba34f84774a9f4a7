/* Every key that the server itself has comes from the boot secret, each under its own label, so
 * that a process can be given one without the others. */
#include "keys/server_keys.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/cobblestone.h"
#include "keys/kdf.h"

#include <string.h>

#define CONTEXT_MAX 512

int
server_keys_opaque(const uint8_t boot[BOOT_SECRET_LEN], struct opaque_server *ret)
{
	uint8_t seed[OPAQUE_SEED_LEN];
	int err;

	kdf_derive(boot, "letterlock/1/server/opaque/keypair", seed, sizeof(seed));
	err = opaque_server_keypair(ret, seed);
	kdf_derive(boot, "letterlock/1/server/opaque/oprf-seed", ret->oprf_seed,
		sizeof(ret->oprf_seed));
	secret_wipe(seed, sizeof(seed));
	return err;
}

int
server_keys_directory(const uint8_t boot[BOOT_SECRET_LEN], struct directory_keys *ret)
{
	kdf_derive(boot, "letterlock/1/server/directory/name", ret->name, sizeof(ret->name));
	kdf_derive(boot, "letterlock/1/server/directory/value", ret->value, sizeof(ret->value));
	kdf_derive(boot, "letterlock/1/server/directory/fake", ret->fake, sizeof(ret->fake));
	return LL_OK;
}

int
server_keys_queue(const uint8_t boot[BOOT_SECRET_LEN], uint8_t ret_seed[32])
{
	kdf_derive(boot, "letterlock/1/server/queue", ret_seed, 32);
	return LL_OK;
}

int
server_keys_dkim(const uint8_t boot[BOOT_SECRET_LEN], uint8_t ret_key[32])
{
	kdf_derive(boot, "letterlock/1/server/dkim", ret_key, 32);
	return LL_OK;
}

void
directory_name(const struct directory_keys *k, const char *kind, struct slice name, uint8_t ret[32])
{
	struct hmac m;

	hmac_init(&m, HASH_SHA256, SLICE_OF(k->name));
	/* With its NUL: no kind and name run into another kind and name. */
	hmac_put(&m, slice_new(kind, strlen(kind) + 1));
	hmac_put(&m, name);
	hmac_end(&m, ret);
}

static int
put_context(struct buf *b, const uint8_t partition[16], struct slice key)
{
	(void)buf_put(b, S("letterlock/1/directory\0"));
	(void)buf_put(b, slice_new(partition, 16));
	return buf_put(b, key);
}

int
directory_seal(const struct directory_keys *k, const uint8_t partition[16], struct slice key,
	struct slice value, struct buf *ret)
{
	CLEANUP(buf_done) struct buf context = BUF_INIT(CONTEXT_MAX);
	int err = put_context(&context, partition, key);

	return err ? err : cobblestone_seal(k->value, buf_slice(&context), value, ret);
}

int
directory_open(const struct directory_keys *k, const uint8_t partition[16], struct slice key,
	struct slice sealed, struct buf *ret)
{
	CLEANUP(buf_done) struct buf context = BUF_INIT(CONTEXT_MAX);
	int err = put_context(&context, partition, key);

	return err ? err : cobblestone_open(k->value, buf_slice(&context), sealed, ret);
}
