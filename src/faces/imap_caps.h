/* The capability lists, in one place for both halves of an IMAP connection. */
#ifndef FACES_IMAP_CAPS_H
#define FACES_IMAP_CAPS_H

#include "base/buf.h"
#include "faces/imap_lex.h"

struct imap_caps_preauth {
	bool tls, starttls, channel_binding, tokens;
};

/* "IMAP4rev2 ..." without "CAPABILITY" and CRLF. */
void imap_caps_put_preauth(struct buf *out, const struct imap_caps_preauth *c);
/* After sign-in; append_limit in bytes (RFC 7889). compress says that COMPRESS may still be asked
 * for. */
void imap_caps_put_session(struct buf *out, uint64_t append_limit, bool compress);
/* What a client says of itself with ID: a list, or NIL. False, and l->bad, for anything else. */
bool imap_caps_take_id(struct imap_lex *l);
/* The server's answer to ID (RFC 2971): the whole untagged line. */
void imap_caps_put_id(struct buf *out);

#endif
