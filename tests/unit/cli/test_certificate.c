/* The self-made certificate: chain, names, dates, and what is said about it. */
#include "base/error.h"
#include "cli/certificate.h"
#include "t.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>
#include <unistd.h>

static X509 *
read_pem(const struct buf *pem, int skip)
{
	BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
	X509 *cert = NULL;

	for (int i = 0; i <= skip; i++) {
		X509_free(cert);
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	}
	BIO_free(bio);
	return cert;
}

static void
chain(void)
{
	struct certificate_made m;
	X509 *ca, *cert, *second;
	EVP_PKEY *ca_key;

	CHECK_INT(certificate_make("mail.example.org", &m), 0);
	ca = read_pem(&m.ca, 0);
	cert = read_pem(&m.chain, 0);
	second = read_pem(&m.chain, 1);
	CHECK(ca && cert && second && X509_cmp(ca, second) == 0);
	ca_key = X509_get0_pubkey(ca);
	CHECK_INT(X509_verify(cert, ca_key), 1);
	CHECK_INT(X509_verify(ca, ca_key), 1);
	CHECK_INT(X509_check_ca(ca), 1);
	CHECK_INT(X509_check_ca(cert), 0);
	CHECK_INT(X509_check_host(cert, "mail.example.org", 0, 0, NULL), 1);
	CHECK_INT(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
	CHECK_INT(X509_check_host(cert, "example.org", 0, 0, NULL), 0);
	CHECK_INT(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	CHECK_INT(X509_check_ip_asc(cert, "::1", 0), 1);
	/* Two are never alike. */
	CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(ca), X509_get0_serialNumber(cert)) != 0);
	X509_free(ca);
	X509_free(cert);
	X509_free(second);
	certificate_done(&m);
}

static void
write_file(const char *path, const struct buf *b)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fwrite(b->ptr, 1, b->len, f) == b->len);
	if (f)
		fclose(f);
}

static void
reading(void)
{
	char dir[] = "/tmp/letterlock-test-XXXXXX", cert[64], key[64], other[64];
	struct certificate_made m, n;
	struct certificate_info i;
	time_t now = time(NULL);

	CHECK(mkdtemp(dir) != NULL);
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	CHECK_INT(certificate_make("mail.example.org", &m), 0);
	CHECK_INT(certificate_make("mail.example.org", &n), 0);
	write_file(cert, &m.chain);
	write_file(key, &m.key);
	write_file(other, &n.key);
	CHECK_INT(certificate_read(cert, key, "mail.example.org", &i), 0);
	CHECK(i.key_readable && i.key_matches && i.names_host && i.self_made);
	CHECK(i.not_before <= now && i.not_after > now + (CERTIFICATE_DAYS - 1) * 86400);
	CHECK(i.spki.len > 80);
	certificate_info_done(&i);
	CHECK_INT(certificate_read(cert, other, "www.example.org", &i), 0);
	CHECK(i.key_readable && !i.key_matches && !i.names_host);
	certificate_info_done(&i);
	CHECK_INT(certificate_read(cert, "/nonexistent", "mail.example.org", &i), 0);
	CHECK(!i.key_readable && !i.key_matches);
	certificate_info_done(&i);
	CHECK_INT(certificate_read("/nonexistent", key, "mail.example.org", &i), LL_ERR_IO);
	CHECK_INT(certificate_read(key, key, "mail.example.org", &i), LL_ERR_SYNTAX);
	unlink(cert);
	unlink(key);
	unlink(other);
	rmdir(dir);
	certificate_done(&m);
	certificate_done(&n);
}

T_MAIN(T(chain), T(reading))
