/* Reading is one thing and making certificates of it another: sessions are forked from a process
 * that has only read, because a few hundred kilobytes of parsed certificates would leave holes all
 * over the heap that they share, and what a session puts into a hole costs it a page. */
#include "roles/trust.h"
#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/ssl/certs/ca-certificates.crt"
#define FILE_MAX ((off_t)4 << 20)

/* Copied, because a mapped file that somebody cuts short ends its reader. */
static struct slice
copy_file(const char *path)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct slice pem = SLICE_NONE;
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > FILE_MAX)
		return SLICE_NONE;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);
	if (p == MAP_FAILED)
		return SLICE_NONE;
	pem = slice_new(p, (size_t)st.st_size);
	if (read(fd, p, pem.len) != st.st_size || mprotect(p, pem.len, PROT_READ) < 0)
		trust_forget(&pem);
	return pem;
}

struct slice
trust_read(const char *file, const char *who, const char *lost)
{
	const char *path = file[0] ? file : SYSTEM_FILE;
	struct slice pem = copy_file(path);

	if (slice_find(pem, S("-----BEGIN ")) == SLICE_NPOS) {
		log_warn(who, "ca_file=%s error=%s lost=%s", log_quote(slice_str(path)),
			"no-certificate", log_quote(slice_str(lost)));
		trust_forget(&pem);
	}
	return pem;
}

void
trust_forget(struct slice *pem)
{
	if (pem->len)
		munmap((void *)(uintptr_t)pem->ptr, pem->len);
	*pem = SLICE_NONE;
}

int
trust_use(SSL_CTX *tls, struct slice pem)
{
	BIO *bio = pem.len ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
	X509 *cert;
	unsigned n = 0;

	while (bio && (cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), cert) == 1;
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end of the file is one */
	return n ? LL_OK : LL_ERR_NOTFOUND;
}
