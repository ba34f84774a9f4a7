/* Fetching a cipher from OpenSSL 3 costs more than sealing a small record, so each is fetched once
 * per process. A cipher context is made per key and freed with it: the key schedule in it is secret
 * and would otherwise stay behind on the heap. */
#include "keys/aead.h"
#include "base/error.h"
#include "base/secret.h"
#include "keys/suites.h"

#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

/* struct aead is libcrypto's context; the name keeps that out of the header. */
static EVP_CIPHER *ciphers[2];
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	ciphers[AEAD_AES_256_GCM] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	ciphers[AEAD_CHACHA20_POLY1305] = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
}

int
suites_init(void)
{
	if (sodium_init() < 0 || pthread_once(&fetched, fetch) != 0)
		return LL_ERR_CRYPTO;
	return ciphers[AEAD_AES_256_GCM] ? LL_OK : LL_ERR_CRYPTO;
}

static EVP_CIPHER_CTX *
ctx_of(struct aead *a)
{
	return (EVP_CIPHER_CTX *)(void *)a;
}

struct aead *
aead_new(enum aead_kind kind, bool seal, const uint8_t key[AEAD_KEY_LEN])
{
	EVP_CIPHER_CTX *ctx;

	pthread_once(&fetched, fetch);
	if (!ciphers[kind])
		return NULL;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || !EVP_CipherInit_ex2(ctx, ciphers[kind], key, NULL, seal, NULL)) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return (struct aead *)(void *)ctx;
}

void
aead_free(struct aead *a)
{
	EVP_CIPHER_CTX_free(ctx_of(a));
}

int
aead_seal(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct slice aad, struct slice plain,
	uint8_t *ret_sealed)
{
	EVP_CIPHER_CTX *ctx = ctx_of(a);
	int n;

	if (plain.len > INT_MAX || aad.len > INT_MAX)
		return LL_ERR_RANGE;
	if (!EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) ||
		(aad.len && !EVP_CipherUpdate(ctx, NULL, &n, aad.ptr, (int)aad.len)) ||
		(plain.len && !EVP_CipherUpdate(ctx, ret_sealed, &n, plain.ptr, (int)plain.len)) ||
		!EVP_CipherFinal_ex(ctx, ret_sealed + plain.len, &n) ||
		!EVP_CIPHER_CTX_ctrl(
			ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, ret_sealed + plain.len))
		return LL_ERR_CRYPTO;
	return LL_OK;
}

int
aead_open(struct aead *a, const uint8_t nonce[AEAD_NONCE_LEN], struct slice aad,
	struct slice sealed, uint8_t *ret_plain)
{
	EVP_CIPHER_CTX *ctx = ctx_of(a);
	size_t len = sealed.len - AEAD_TAG_LEN;
	uint8_t tag[AEAD_TAG_LEN];
	int n;

	if (sealed.len < AEAD_TAG_LEN)
		return LL_ERR_AUTH;
	if (len > INT_MAX || aad.len > INT_MAX)
		return LL_ERR_RANGE;
	memcpy(tag, sealed.ptr + len, sizeof(tag));
	if (!EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) ||
		!EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag) ||
		(aad.len && !EVP_CipherUpdate(ctx, NULL, &n, aad.ptr, (int)aad.len)) ||
		(len && !EVP_CipherUpdate(ctx, ret_plain, &n, sealed.ptr, (int)len)) ||
		!EVP_CipherFinal_ex(ctx, ret_plain + len, &n)) {
		secret_wipe(ret_plain, len);
		return LL_ERR_AUTH;
	}
	return LL_OK;
}
