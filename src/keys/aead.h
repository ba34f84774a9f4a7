/* AES-256-GCM and ChaCha20-Poly1305 of libcrypto under one key at a time; for the suites only. */
#ifndef KEYS_AEAD_H
#define KEYS_AEAD_H

#include "base/slice.h"

#define AEAD_KEY_LEN 32
#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN 16

enum aead_kind { AEAD_AES_256_GCM, AEAD_CHACHA20_POLY1305 };

/* A keyed cipher: its key schedule lives on libcrypto's heap until aead_free, which wipes it. */
struct aead;
/* seal says which direction it will be used in. NULL when libcrypto refuses. */
struct aead *aead_new(enum aead_kind kind, bool seal, const uint8_t key[AEAD_KEY_LEN]);
/* NULL is accepted. */
void aead_free(struct aead *a);

/* Writes plain.len + AEAD_TAG_LEN bytes. LL_ERR_CRYPTO, LL_ERR_RANGE (2 GiB). */
int aead_seal(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct slice aad,
	struct slice plain, uint8_t *ret_sealed) CHECKED;
/* Writes sealed.len - AEAD_TAG_LEN bytes; they are wiped again on LL_ERR_AUTH. */
int aead_open(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct slice aad,
	struct slice sealed, uint8_t *ret_plain) CHECKED;

#endif
