/* OpenSSL keeps only the public half of the key; the private operation is a message to tlskey.
 *
 * This uses OpenSSL's method tables for EC and RSA keys. They are marked as deprecated in version 3
 * in favour of providers, but are supported there and are the one interface for this purpose that
 * is a page long instead of a library. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "roles/tls_server.h"
#include "base/error.h"
#include "base/log.h"
#include "os/clock.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

/* A signature takes less than a millisecond; the frontends of all cores ask one tlskey. Longer than
 * this it is dead or stopped, and every connection of this process waits meanwhile. */
#define SIGN_MS 5000

static struct {
	struct ipc_channel *(*tlskey)(void);
	bool waiting, ok;
	uint8_t signature[1024];
	size_t len;
} remote;

void
tls_server_signed(const struct msg_sign_done *m)
{
	if (!remote.waiting)
		return;
	remote.waiting = false;
	remote.ok = m->ok && m->signature.len <= sizeof(remote.signature);
	remote.len = remote.ok ? m->signature.len : 0;
	if (remote.len)
		memcpy(remote.signature, m->signature.ptr, remote.len);
}

/* A handshake waits for its signature: some 50 microseconds, and nothing else of this process could
 * be more urgent. */
static bool
ask(enum tls_sign_alg alg, const uint8_t *digest, size_t len)
{
	struct ipc_channel *c = remote.tlskey();
	int64_t deadline = clock_ms() + SIGN_MS;

	if (!c || len > 1024)
		return false;
	remote.waiting = true;
	remote.ok = false;
	if (ipc_send_sign(c,
		    &(struct msg_sign){.alg = (uint8_t)alg, .digest = slice_new(digest, len)}, -1))
		return false;
	while (remote.waiting)
		if (ipc_pump(c, deadline)) {
			remote.waiting = false;
			return false;
		}
	return remote.ok;
}

static ECDSA_SIG *
remote_ecdsa(
	const unsigned char *digest, int len, const BIGNUM *kinv, const BIGNUM *rp, EC_KEY *key)
{
	const unsigned char *p = remote.signature;

	return ask(TLS_SIGN_ECDSA, digest, (size_t)len) ? d2i_ECDSA_SIG(NULL, &p, (long)remote.len)
							: NULL;
}

static int
remote_ecdsa_der(int type, const unsigned char *digest, int len, unsigned char *sig,
	unsigned *sig_len, const BIGNUM *kinv, const BIGNUM *rp, EC_KEY *key)
{
	/* The buffer is as large as a signature of this key can be, whatever tlskey sends. */
	if (!ask(TLS_SIGN_ECDSA, digest, (size_t)len) || remote.len > (size_t)ECDSA_size(key))
		return 0;
	memcpy(sig, remote.signature, remote.len);
	*sig_len = (unsigned)remote.len;
	return 1;
}

static int
remote_rsa(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	uint8_t block[1024];
	int size = RSA_size(rsa);

	if (size > (int)sizeof(block) || len > size)
		return -1;
	if (padding == RSA_PKCS1_PADDING) {
		if (RSA_padding_add_PKCS1_type_1(block, size, from, len) != 1)
			return -1;
	} else if (padding == RSA_NO_PADDING && len == size) {
		memcpy(block, from, (size_t)len);
	} else {
		return -1;
	}
	if (!ask(TLS_SIGN_RSA, block, (size_t)size) || remote.len != (size_t)size)
		return -1;
	memcpy(to, remote.signature, remote.len);
	return size;
}

/* The public half of the certificate's key, with private operations sent away. */
static EVP_PKEY *
remote_key(X509 *certificate)
{
	EVP_PKEY *public = X509_get0_pubkey(certificate), *key = EVP_PKEY_new();
	EC_KEY *ec = EVP_PKEY_get1_EC_KEY(public);
	RSA *rsa = ec ? NULL : EVP_PKEY_get1_RSA(public);
	bool ok = false;

	ERR_clear_error();
	if (key && ec) {
		EC_KEY_METHOD *method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
		EC_KEY_METHOD_set_sign(method, remote_ecdsa_der, NULL, remote_ecdsa);
		ok = EC_KEY_set_method(ec, method) == 1 && EVP_PKEY_set1_EC_KEY(key, ec) == 1;
	} else if (key && rsa) {
		RSA_METHOD *method = RSA_meth_dup(RSA_get_default_method());
		RSA_meth_set_priv_enc(method, remote_rsa);
		RSA_meth_set_flags(method, RSA_METHOD_FLAG_NO_CHECK);
		ok = RSA_set_method(rsa, method) == 1 && EVP_PKEY_set1_RSA(key, rsa) == 1;
	}
	EC_KEY_free(ec);
	RSA_free(rsa);
	if (ok)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/* The first certificate is the server's, the others its chain. */
static bool
use_chain(SSL_CTX *ctx, struct slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	X509 *own = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL, *next;
	EVP_PKEY *key = own ? remote_key(own) : NULL;
	bool ok = key && SSL_CTX_use_certificate(ctx, own) == 1 &&
		SSL_CTX_use_PrivateKey(ctx, key) == 1;

	while (ok && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		ok = SSL_CTX_add0_chain_cert(ctx, next) == 1;
	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(own);
	BIO_free(bio);
	return ok;
}

SSL_CTX *
tls_server_context(struct slice certificate_pem, struct ipc_channel *(*tlskey)(void))
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	remote.tlskey = tlskey;
	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
		!use_chain(ctx, certificate_pem)) {
		log_error("tls-certificate", "error=%s",
			log_quote(slice_str(ERR_reason_error_string(ERR_peek_last_error()))));
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF |
			SSL_OP_CLEANSE_PLAINTEXT); /* passwords come this way */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

bool
tls_exporter_binding(SSL *ssl, uint8_t ret[32])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return false;
	return SSL_export_keying_material(ssl, ret, 32, label, sizeof(label) - 1, NULL, 0, 1) == 1;
}
