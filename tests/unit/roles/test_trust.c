/* The file of authorities: what is read of it, and what is made of that. */
#include "t.h"
#include "base/error.h"
#include "roles/trust.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

static char path[] = "/tmp/letterlock-trust-XXXXXX";

static X509 *
authority(const char *name)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *cert = X509_new();
	X509_NAME *n = X509_get_subject_name(cert);

	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
	X509_set_issuer_name(cert, n);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return cert;
}

/* A file as people keep them: words between the certificates, one of them in the older form. */
static void
write_file(unsigned n)
{
	FILE *f = fopen(path, "w");

	fputs("The authorities\n", f);
	for (unsigned i = 0; i < n; i++) {
		X509 *cert = authority(i % 2 ? "odd" : "even");
		fprintf(f, "\n# %u\n", i);
		CHECK(i ? PEM_write_X509(f, cert) : PEM_write_X509_AUX(f, cert));
		X509_free(cert);
	}
	fclose(f);
}

static int
known(SSL_CTX *tls)
{
	return sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(tls)));
}

static void
all_are_taken(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	struct slice pem;

	write_file(3);
	pem = trust_read(path, "test", "nothing");
	CHECK(pem.len > 0);
	unlink(path); /* it is not needed again */
	CHECK_INT(known(tls), 0);
	CHECK_INT(trust_use(tls, pem), LL_OK);
	CHECK_INT(known(tls), 3);
	trust_forget(&pem);
	CHECK_INT(pem.len, 0);
	SSL_CTX_free(tls);
}

static void
none_is_no_file(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	struct slice pem = S("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");

	CHECK_INT(trust_read("/nowhere/roots.pem", "test", "nothing").len, 0);
	CHECK_INT(trust_read("/", "test", "nothing").len, 0);
	write_file(0);
	CHECK_INT(trust_read(path, "test", "nothing").len, 0);
	CHECK_INT(truncate(path, 0), 0);
	CHECK_INT(trust_read(path, "test", "nothing").len, 0);
	CHECK_INT(truncate(path, (off_t)1 << 30), 0); /* nobody has that many */
	CHECK_INT(trust_read(path, "test", "nothing").len, 0);
	CHECK_INT(trust_use(tls, SLICE_NONE), LL_ERR_NOTFOUND);
	CHECK_INT(trust_use(tls, pem), LL_ERR_NOTFOUND);
	CHECK_INT(known(tls), 0);
	unlink(path);
	SSL_CTX_free(tls);
}

int
main(void)
{
	static const struct t_case cases[] = {T(all_are_taken), T(none_is_no_file)};
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	return t_main(cases, ARRAY_SIZE(cases));
}
