/* The server side of TLS in a frontend, with the private key in another process. */
#ifndef ROLES_TLS_SERVER_H
#define ROLES_TLS_SERVER_H

#include "ipc/channel.h"

#include <openssl/ssl.h>

/* A context for the certificate chain (PEM). tlskey is asked at every handshake for a channel to
 * the signing process, which is used for one blocking call. NULL with the reason logged. */
SSL_CTX *tls_server_context(struct slice certificate_pem, struct ipc_channel *(*tlskey)(void));

/* Handles sign_done; part of the frontend's message table. */
void tls_server_signed(const struct msg_sign_done *m);

/* RFC 9266 tls-exporter channel binding: 32 bytes; false when the connection cannot bind (below
 * TLS 1.3 without extended master secret). */
bool tls_exporter_binding(SSL *ssl, uint8_t ret[32]);

#endif
