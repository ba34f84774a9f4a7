/* The server's own keys, all from the boot secret, which is kept outside the data directory. */
#ifndef KEYS_SERVER_KEYS_H
#define KEYS_SERVER_KEYS_H

#include "base/buf.h"
#include "base/slice.h"
#include "keys/opaque.h"

#define BOOT_SECRET_LEN 32

/* A process derives only what it needs. Keep in secret memory. LL_ERR_CRYPTO. */

/* auth: OPRF seed and key pair of OPAQUE. */
int server_keys_opaque(const uint8_t boot[BOOT_SECRET_LEN], struct opaque_server *ret) CHECKED;

/* auth: the directory. Names become HMACs, values are sealed. */
struct directory_keys {
	uint8_t name[32];
	uint8_t value[32];
	uint8_t fake[32]; /* for the answers given about names that nobody has */
};
int server_keys_directory(const uint8_t boot[BOOT_SECRET_LEN], struct directory_keys *ret) CHECKED;
/* HMAC-SHA-256 of a kind ("address", "domain", ...) and a normalised name: a record key. */
void directory_name(
	const struct directory_keys *k, const char *kind, struct slice name, uint8_t ret[32]);
/* Seals a directory value or verifier under the record key that it is stored at (Cobblestone-256;
 * partition and key are its context). Appends to ret. */
int directory_seal(const struct directory_keys *k, const uint8_t partition[16], struct slice key,
	struct slice value, struct buf *ret) CHECKED;
/* LL_ERR_AUTH when the value was altered or belongs to another key. */
int directory_open(const struct directory_keys *k, const uint8_t partition[16], struct slice key,
	struct slice sealed, struct buf *ret) CHECKED;

/* relay and session: the outbound queue's X-Wing seed; its public key goes to whoever queues mail.
 */
int server_keys_queue(const uint8_t boot[BOOT_SECRET_LEN], uint8_t ret_seed[32]) CHECKED;
/* relay: wraps DKIM private keys at rest. */
int server_keys_dkim(const uint8_t boot[BOOT_SECRET_LEN], uint8_t ret_key[32]) CHECKED;

#endif
