/* The certificates of public authorities, by which other servers are judged: one file in PEM, read
 * before the sandbox forbids it. */
#ifndef ROLES_TRUST_H
#define ROLES_TRUST_H

#include "base/slice.h"

#include <openssl/ssl.h>

/* Reads the file, the system's if `file` is empty, into pages of its own that nobody can write any
 * more. A file that is not there or holds no certificate is SLICE_NONE, and logged as `who` with
 * what cannot be done without. */
struct slice trust_read(const char *file, const char *who, const char *lost);
/* Gives the pages back. */
void trust_forget(struct slice *pem);
/* Has a context trust what is in there. LL_ERR_NOTFOUND: there is no certificate. */
int trust_use(SSL_CTX *tls, struct slice pem) CHECKED;

#endif
