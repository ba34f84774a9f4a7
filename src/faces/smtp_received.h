/* The Received field of RFC 5321 section 4.4 and the Return-Path before it. */
#ifndef FACES_SMTP_RECEIVED_H
#define FACES_SMTP_RECEIVED_H

#include "base/buf.h"
#include "faces/smtp_server.h"

struct smtp_received {
	enum smtp_service service;
	bool esmtp, tls, authenticated, smtputf8;
	bool http; /* neither: it came over HTTPS */
	struct slice helo; /* what the client called itself */
	struct slice client_ip; /* "192.0.2.1" or "2001:db8::1"; not used on submission */
	struct slice client_name; /* confirmed reverse name, or empty; not used on submission */
	struct slice tls_version; /* "TLSv1.3", or empty */
	struct slice tls_cipher; /* IANA name (RFC 8314 section 4.3), or empty */
	struct slice hostname; /* ours */
	struct slice id; /* of the transaction, for the log */
	struct slice rcpt; /* the recipient if there is only one, else empty: Bcc must not leak */
	int64_t time; /* unix seconds */
};

/* Appends "Received: ...CRLF", folded. What came by submission does not tell where its author was:
 * neither HELO name nor IP address of the client is in it ("from submission"), as RFC 6409 and the
 * privacy of the author allow. 0 or the buffer's error. */
int smtp_received_put(struct buf *out, const struct smtp_received *r);
/* Appends "Return-Path: <...>CRLF" (RFC 5321 section 4.4): the last delivery only. */
int smtp_return_path_put(struct buf *out, const struct smtp_path *from);

#endif
