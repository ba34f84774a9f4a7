/* The holder of the TLS private keys: it signs what a frontend's handshakes need, and does nothing
 * else. A frontend that is taken over can ask for signatures while it lives, but cannot carry a key
 * away. */
#include "base/error.h"
#include "base/log.h"
#include "roles/role.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

static struct {
	EVP_PKEY *key;
	unsigned long long signatures, refused;
} tk;

static void
tlskey_profile(const struct role_env *env, struct sandbox_profile *ret)
{
}

static int
tlskey_start(struct role_env *env)
{
	struct slice pem = role_secret(env, "tls-key");
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);

	if (bio && pem.len)
		tk.key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	role_forget(env);
	if (!tk.key)
		log_error("tls-key", "error=%s", log_quote(S("no usable private key")));
	return tk.key ? LL_OK : LL_ERR_SYNTAX;
}

static bool
sign(const struct msg_sign *m, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = m->key == 0 ? EVP_PKEY_CTX_new(tk.key, NULL) : NULL;
	int type = EVP_PKEY_get_base_id(tk.key);
	bool ok = ctx && EVP_PKEY_sign_init(ctx) > 0;

	if (m->alg == TLS_SIGN_RSA)
		ok = ok && type == EVP_PKEY_RSA &&
			EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0;
	else
		ok = ok && m->alg == TLS_SIGN_ECDSA && type == EVP_PKEY_EC;
	ok = ok && EVP_PKEY_sign(ctx, out, len, m->digest.ptr, m->digest.len) > 0;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static void
on_sign(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	uint8_t out[1024];
	size_t len = sizeof(out);
	bool ok = sign(&m->sign, out, &len);

	tk.signatures += ok;
	tk.refused += !ok;
	(void)ipc_send_sign_done(c,
		&(struct msg_sign_done){
			.ok = ok, .signature = ok ? slice_new(out, len) : SLICE_NONE},
		-1);
}

static void
tlskey_counters(struct role_env *env, struct buf *out)
{
	buf_printf(out, "signatures=%llu\nrefused=%llu\n", tk.signatures, tk.refused);
}

static const struct role_message messages[] = {
	{MSG_KIND_SIGN, on_sign},
};

const struct role_def role_tlskey = {
	.role = ROLE_TLSKEY,
	.profile = tlskey_profile,
	.start = tlskey_start,
	.counters = tlskey_counters,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
