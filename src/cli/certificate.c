/* X.509 for init --self-signed. */
#include "cli/certificate.h"
#include "base/error.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
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
	buf_wipe(&m->key);
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
	struct certificate_made made = {BUF_INIT(PEM_MAX), BUF_INIT(PEM_MAX), BUF_INIT(PEM_MAX)};
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
