/* Private DKIM keys: making, storing as PKCS#8, and the text of their DNS records. */
#include "base/error.h"
#include "base/text.h"
#include "mail/dkim_private.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define RSA_BITS 2048

static int
key_wrap(EVP_PKEY *pkey, struct dkim_key **ret)
{
	struct dkim_key *key;
	bool rsa = EVP_PKEY_is_a(pkey, "RSA") == 1;

	if (!rsa && EVP_PKEY_is_a(pkey, "ED25519") != 1)
		return LL_ERR_UNSUPPORTED;
	if (rsa && EVP_PKEY_get_bits(pkey) < DKIM_RSA_BITS_MIN)
		return LL_ERR_UNSUPPORTED;
	key = calloc(1, sizeof(*key));
	if (!key)
		return LL_ERR_NOMEM;
	key->alg = rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256;
	key->pkey = pkey;
	*ret = key;
	return LL_OK;
}

void
dkim_key_free(struct dkim_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

int
dkim_key_generate(enum dkim_alg alg, struct dkim_key **ret)
{
	EVP_PKEY *pkey = alg == DKIM_RSA_SHA256
		? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS)
		: EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int r = pkey ? key_wrap(pkey, ret) : LL_ERR_CRYPTO;

	if (r)
		EVP_PKEY_free(pkey);
	return r;
}

int
dkim_key_import(struct slice der, struct dkim_key **ret)
{
	const uint8_t *p = der.ptr;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);
	EVP_PKEY *pkey = info && p == der.ptr + der.len ? EVP_PKCS82PKEY(info) : NULL;
	int r = pkey ? key_wrap(pkey, ret) : LL_ERR_SYNTAX;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (r)
		EVP_PKEY_free(pkey);
	ERR_clear_error();
	return r;
}

int
dkim_key_export(const struct dkim_key *key, struct buf *out)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	uint8_t *der = NULL;
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (len <= 0)
		return LL_ERR_CRYPTO;
	buf_put(out, slice_new(der, (size_t)len));
	OPENSSL_clear_free(der, (size_t)len);
	return buf_err(out);
}

enum dkim_alg
dkim_key_alg(const struct dkim_key *key)
{
	return key->alg;
}

static int
record_rsa(const struct dkim_key *key, struct buf *out)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key->pkey, &der);

	if (len <= 0)
		return LL_ERR_CRYPTO;
	buf_puts(out, "v=DKIM1; k=rsa; p=");
	base64_encode(out, slice_new(der, (size_t)len));
	OPENSSL_free(der);
	return buf_err(out);
}

int
dkim_key_record(const struct dkim_key *key, struct buf *out)
{
	uint8_t raw[32];
	size_t len = sizeof(raw);

	if (key->alg == DKIM_RSA_SHA256)
		return record_rsa(key, out);
	if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) != 1)
		return LL_ERR_CRYPTO;
	buf_puts(out, "v=DKIM1; k=ed25519; p=");
	base64_encode(out, slice_new(raw, len));
	return buf_err(out);
}
