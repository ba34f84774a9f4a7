/* A self-made certificate, for trying things out and for closed networks. */
#ifndef CLI_CERTIFICATE_H
#define CLI_CERTIFICATE_H

#include "base/buf.h"

#define CERTIFICATE_DAYS 825

struct certificate_made {
	struct buf ca; /* PEM, to be trusted by mail programs */
	struct buf chain; /* PEM: the server's certificate, then the CA's */
	struct buf key; /* PEM, the server's private key: secret */
};
void certificate_done(struct certificate_made *m);

/* A CA and a P-256 server certificate for hostname, localhost, 127.0.0.1 and ::1. The CA's own key
 * is thrown away: nobody who trusts it can be shown another certificate. LL_ERR_CRYPTO. */
int certificate_make(const char *hostname, struct certificate_made *ret) CHECKED;

/* What a certificate file says. */
struct certificate_info {
	bool key_matches; /* the private key in the key file is this certificate's */
	bool key_readable;
	bool names_host; /* the host name is among its names */
	bool self_made; /* no chain to a root of the system */
	int64_t not_before, not_after;
	struct buf spki; /* DER SubjectPublicKeyInfo */
	char subject[256];
};
void certificate_info_done(struct certificate_info *i);
/* The first certificate of a PEM file. LL_ERR_IO, LL_ERR_SYNTAX. */
int certificate_read(const char *certificate, const char *key, const char *hostname,
	struct certificate_info *ret) CHECKED;

#endif
