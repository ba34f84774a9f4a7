/* X.509 for init --self-signed. */
#include "cli/certificate.h"
#include "base/error.h"
#include "base/text.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define PEM_MAX ((size_t)32 << 10)
#define HOUR 3600L

void
certificate_done(struct certificate_made *m)
{
	buf_done(&m->ca);
	buf_done(&m->chain);
	buf_done(&m->key);
}

struct extension {
	int nid;
	const char *value;
};

static bool
add_extensions(X509 *cert, X509 *issuer, const struct extension *list)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (; list->value; list++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, list->nid, list->value);
		int ok = e ? X509_add_ext(cert, e, -1) : 0;
		X509_EXTENSION_free(e);
		if (ok != 1)
			return false;
	}
	return true;
}

/* A serial number of 127 random bits. */
static bool
set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *n;
	bool ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f;
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok;
}

static X509 *
make(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
	const struct extension *extensions)
{
	X509 *cert = X509_new();
	X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;

	if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -HOUR) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), CERTIFICATE_DAYS * 24 * HOUR) &&
		X509_set_pubkey(cert, key) == 1 &&
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
			(const unsigned char *)name, -1, -1, 0) == 1 &&
		X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject) == 1 &&
		add_extensions(cert, issuer ? issuer : cert, extensions) &&
		X509_sign(cert, issuer_key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

static int
take_bio(BIO *bio, struct buf *ret)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	return buf_put(ret, slice_new(data, (size_t)MAX(n, 0L)));
}

static int
put_certificate(struct buf *ret, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int r = bio && PEM_write_bio_X509(bio, cert) == 1 ? take_bio(bio, ret) : LL_ERR_CRYPTO;

	BIO_free(bio);
	return r;
}

static int
put_key(struct buf *ret, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int r = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
		? take_bio(bio, ret)
		: LL_ERR_CRYPTO;

	BIO_free(bio);
	return r;
}

static int
make_with(const char *hostname, EVP_PKEY *ca_key, EVP_PKEY *key, struct certificate_made *ret)
{
	char san[512], name[64];
	const struct extension ca_extensions[] = {
		{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
		{NID_key_usage, "critical,keyCertSign,cRLSign"},
		{NID_subject_key_identifier, "hash"}, {0}};
	const struct extension extensions[] = {{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "serverAuth,clientAuth"}, {NID_subject_alt_name, san},
		{NID_subject_key_identifier, "hash"}, {NID_authority_key_identifier, "keyid"}, {0}};
	X509 *ca, *cert = NULL;
	int r = LL_ERR_CRYPTO;

	snprintf(san, sizeof(san), "DNS:%s,DNS:localhost,IP:127.0.0.1,IP:::1", hostname);
	snprintf(name, sizeof(name), "Letterlock self-made CA");
	ca = make(name, ca_key, NULL, ca_key, ca_extensions);
	snprintf(name, sizeof(name), "%.63s", hostname);
	if (ca)
		cert = make(name, key, ca, ca_key, extensions);
	if (cert && put_certificate(&ret->ca, ca) == LL_OK &&
		put_certificate(&ret->chain, cert) == LL_OK &&
		put_certificate(&ret->chain, ca) == LL_OK)
		r = put_key(&ret->key, key);
	X509_free(cert);
	X509_free(ca);
	return r;
}

int
certificate_make(const char *hostname, struct certificate_made *ret)
{
	struct certificate_made made = {BUF_INIT(PEM_MAX), BUF_INIT(PEM_MAX), BUF_SECRET(PEM_MAX)};
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	int r = ca_key && key ? make_with(hostname, ca_key, key, &made) : LL_ERR_CRYPTO;

	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	if (r)
		certificate_done(&made);
	else
		*ret = made;
	return r;
}

/* --- reading --- */

void
certificate_info_done(struct certificate_info *i)
{
	buf_done(&i->spki);
}

static int64_t
time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1
		? date_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 86400 +
			tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec
		: 0;
}

static EVP_PKEY *
read_key(const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return key;
}

static int
put_spki(X509 *cert, struct buf *ret)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der), r;

	if (n <= 0)
		return LL_ERR_CRYPTO;
	r = buf_put(ret, slice_new(der, (size_t)n));
	OPENSSL_free(der);
	return r;
}

/* Whether a chain of the file's certificates ends at a root the system trusts. */
static bool
is_trusted(X509 *cert, STACK_OF(X509) * chain)
{
	X509_STORE *roots = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok = roots && ctx && X509_STORE_set_default_paths(roots) == 1 &&
		X509_STORE_CTX_init(ctx, roots, cert, chain) == 1;

	if (ok) {
		/* Dates are looked at on their own. */
		X509_VERIFY_PARAM_set_flags(
			X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_NO_CHECK_TIME);
		ok = X509_verify_cert(ctx) == 1;
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(roots);
	return ok;
}

static int
read_info(X509 *cert, STACK_OF(X509) * chain, const char *key_path, const char *hostname,
	struct certificate_info *ret)
{
	struct certificate_info i = {.spki = BUF_INIT(PEM_MAX)};
	EVP_PKEY *key = read_key(key_path);
	int r = put_spki(cert, &i.spki);

	i.key_readable = key != NULL;
	i.key_matches = key && X509_check_private_key(cert, key) == 1;
	i.names_host = X509_check_host(cert, hostname, 0, 0, NULL) == 1;
	i.self_made = !is_trusted(cert, chain);
	i.not_before = time_of(X509_get0_notBefore(cert));
	i.not_after = time_of(X509_get0_notAfter(cert));
	X509_NAME_oneline(X509_get_subject_name(cert), i.subject, sizeof(i.subject));
	EVP_PKEY_free(key);
	if (r)
		certificate_info_done(&i);
	else
		*ret = i;
	return r;
}

int
certificate_read(const char *certificate, const char *key, const char *hostname,
	struct certificate_info *ret)
{
	BIO *bio = BIO_new_file(certificate, "r");
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL, *next;
	STACK_OF(X509) *chain = sk_X509_new_null();
	int r = !bio ? LL_ERR_IO : !cert ? LL_ERR_SYNTAX : !chain ? LL_ERR_NOMEM : LL_OK;

	while (r == LL_OK && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (sk_X509_push(chain, next) <= 0)
			X509_free(next);
	if (r == LL_OK)
		r = read_info(cert, chain, key, hostname, ret);
	ERR_clear_error();
	sk_X509_pop_free(chain, X509_free);
	X509_free(cert);
	BIO_free(bio);
	return r;
}
