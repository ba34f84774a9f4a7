/* SHA-2, HMAC and HKDF (RFC 5869) without allocation or failure.
 *
 * Every derivation has its own label: kdf_derive(secret, "kem", out) is HKDF-Expand with the
 * label's bytes as info. Labels are literals; a label is never used for two purposes. */
#ifndef KEYS_KDF_H
#define KEYS_KDF_H

#include "base/slice.h"

#include <openssl/sha.h>

#define HASH_SHA256_LEN ((size_t)32)
#define HASH_SHA512_LEN ((size_t)64)
#define HASH_MAX_LEN HASH_SHA512_LEN

enum hash_kind { HASH_SHA256, HASH_SHA512 };

/* Bytes of a digest: 32 or 64. */
size_t hash_len(enum hash_kind kind);

/* A running digest. Holds no pointers: may be copied to branch off and needs no release; wipe it
 * with secret_wipe when it saw a secret. */
struct hash {
	enum hash_kind kind;
	union {
		SHA256_CTX sha256;
		SHA512_CTX sha512;
	} u;
};

void hash_init(struct hash *h, enum hash_kind kind);
void hash_put(struct hash *h, struct slice data);
/* Writes hash_len bytes. The state is used up: hash_init before the next use. */
void hash_end(struct hash *h, uint8_t *ret_digest);

void hash_sha256(struct slice data, uint8_t ret_digest[HASH_SHA256_LEN]);
void hash_sha512(struct slice data, uint8_t ret_digest[HASH_SHA512_LEN]);

/* A running HMAC (RFC 2104). After hmac_init it may be copied to authenticate several messages
 * under one key. hmac_end wipes it. */
struct hmac {
	struct hash inner, outer;
};

void hmac_init(struct hmac *m, enum hash_kind kind, struct slice key);
void hmac_put(struct hmac *m, struct slice data);
void hmac_end(struct hmac *m, uint8_t *ret_tag);
void hmac_once(enum hash_kind kind, struct slice key, struct slice data, uint8_t *ret_tag);

/* HKDF-Extract: writes hash_len bytes. An empty salt is the zero salt of the RFC. */
void hkdf_extract(enum hash_kind kind, struct slice salt, struct slice ikm, uint8_t *ret_prk);
/* HKDF-Expand to out_len bytes; info is the concatenation of n slices. LL_ERR_RANGE above 255
 * digests, with nothing written. */
int hkdf_expand(enum hash_kind kind, struct slice prk, const struct slice *info, size_t n,
	uint8_t *ret_out, size_t out_len) CHECKED;

/* HKDF-SHA256-Expand(secret, label): the derivation of every key of the hierarchy. out_len is at
 * most 64. */
void kdf_derive(
	const uint8_t secret[HASH_SHA256_LEN], const char *label, uint8_t *ret_out, size_t out_len);

#endif
