/* The client side of an IMAP connection (RFC 3501, RFC 9051), for bringing mail over from another
 * server: bytes in, bytes and events out; no I/O, no clock.
 *
 * It never changes anything at the source: mailboxes are opened with EXAMINE, content is read with
 * BODY.PEEK. The secret is looked at once, when the sign-in is written; what is written is wiped as
 * soon as it was sent. */
#ifndef FACES_IMAP_CLIENT_H
#define FACES_IMAP_CLIENT_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdint.h>

#define IMAP_CLIENT_COMMANDS_MAX 8 /* on their way at once */
#define IMAP_CLIENT_UIDS_MAX ((size_t)1 << 21) /* of one mailbox */
#define IMAP_CLIENT_KEYWORDS_MAX 32 /* of one message; others are left out */
#define IMAP_CLIENT_TEXT_MAX 200

enum imap_client_cap {
	IMAP_CLIENT_STARTTLS_CAP = 1,
	IMAP_CLIENT_PLAIN = 2,
	IMAP_CLIENT_SASL_IR = 4,
	IMAP_CLIENT_LOGINDISABLED = 8,
	IMAP_CLIENT_SPECIAL_USE = 16, /* with LIST-EXTENDED */
	IMAP_CLIENT_LIST_EXTENDED = 32,
	IMAP_CLIENT_GMAIL = 64, /* X-GM-EXT-1 */
};

/* Attributes of a mailbox (RFC 3501 section 7.2.2, RFC 6154). */
enum imap_client_attr {
	IMAP_ATTR_NOSELECT = 1, /* \NonExistent too */
	IMAP_ATTR_ALL = 2,
	IMAP_ATTR_ARCHIVE = 4,
	IMAP_ATTR_DRAFTS = 8,
	IMAP_ATTR_FLAGGED = 16,
	IMAP_ATTR_IMPORTANT = 32,
	IMAP_ATTR_JUNK = 64,
	IMAP_ATTR_SENT = 128,
	IMAP_ATTR_TRASH = 256,
};

struct imap_client_config {
	bool starttls; /* the connection begins in clear; without STARTTLS nobody signs in */
	struct slice user, secret; /* views until READY or CLOSED */
	uint64_t body_max; /* longer messages are told without their content */
};

enum imap_client_event {
	IMAP_CLIENT_NONE, /* needs input, or the output written */
	IMAP_CLIENT_STARTTLS, /* shake hands, then imap_client_tls_done */
	IMAP_CLIENT_READY, /* signed in */
	IMAP_CLIENT_FOLDER, /* of LIST */
	IMAP_CLIENT_STATUS, /* of STATUS: imap_client_mailbox, imap_client_folder's name */
	IMAP_CLIENT_MESSAGE, /* of FETCH */
	IMAP_CLIENT_DONE, /* the oldest command is done; imap_client_result */
	IMAP_CLIENT_CLOSED, /* imap_client_error says why */
};

enum imap_client_result { IMAP_RESULT_OK, IMAP_RESULT_NO, IMAP_RESULT_BAD };

/* Why CLOSED. */
enum imap_client_error {
	IMAP_ERROR_NONE, /* after LOGOUT */
	IMAP_ERROR_ENDED, /* the connection ended, or the server said BYE */
	IMAP_ERROR_PROTOCOL, /* that is no IMAP */
	IMAP_ERROR_LIMIT, /* more than is taken in */
	IMAP_ERROR_NO_TLS, /* it has no STARTTLS */
	IMAP_ERROR_NO_SIGN_IN, /* no way to sign in with a password */
	IMAP_ERROR_REFUSED, /* user name or password are wrong */
	IMAP_ERROR_UNAVAILABLE, /* the server cannot serve this account now */
	IMAP_ERROR_MEMORY,
};

struct imap_client_folder {
	struct slice wire; /* as the server spells it */
	struct slice name; /* UTF-8, levels split by `delimiter` */
	char delimiter; /* 0: there are no levels */
	unsigned attributes; /* enum imap_client_attr */
};

struct imap_client_mailbox {
	uint32_t uidvalidity, uidnext, exists;
};

struct imap_client_message {
	uint32_t uid; /* 0: told without being asked */
	uint64_t size, flags; /* system flags as account/types.h has them */
	int64_t internal_date; /* Unix seconds; 0: not told */
	struct slice keywords[IMAP_CLIENT_KEYWORDS_MAX];
	size_t n_keywords;
	struct slice header; /* of IMAP_FETCH_HEADER; ptr NULL: not there */
	struct slice labels; /* Gmail's: the list with its brackets; ptr NULL: not there */
	struct slice body; /* ptr NULL: not there */
	bool too_large; /* the body was longer than body_max */
};

struct imap_client;

/* NULL without memory. */
struct imap_client *imap_client_new(const struct imap_client_config *config);
void imap_client_free(struct imap_client *c); /* NULL is accepted */

/* Takes input until something has happened or all is used; how many bytes were used. What an event
 * shows lives until the next call. */
size_t imap_client_feed(struct imap_client *c, struct slice in);
/* What has happened; each event is told once. */
enum imap_client_event imap_client_step(struct imap_client *c);
/* The connection ended. */
void imap_client_eof(struct imap_client *c);
struct slice imap_client_output(const struct imap_client *c);
/* Wipes what was sent. */
void imap_client_sent(struct imap_client *c, size_t n);

/* After the handshake. LL_ERR_STATE: nobody asked for it. */
int imap_client_tls_done(struct imap_client *c) CHECKED;

/* Commands, once READY: LL_ERR_STATE before, LL_ERR_LIMIT with as many on their way as may be.
 * STATUS and FETCH may be pipelined among themselves; the others go alone. */
int imap_client_list(struct imap_client *c) CHECKED;
int imap_client_status(struct imap_client *c, struct slice wire) CHECKED;
int imap_client_examine(struct imap_client *c, struct slice wire) CHECKED;
/* UIDs from `from` on: imap_client_uids once it is done. */
int imap_client_search(struct imap_client *c, uint32_t from) CHECKED;
enum imap_client_fetch {
	IMAP_FETCH_HEADER, /* flags, sizes, Message-ID and Subject, Gmail's labels */
	IMAP_FETCH_BODY, /* flags, date, content */
};
/* n >= 1, ascending. */
int imap_client_fetch(
	struct imap_client *c, enum imap_client_fetch what, const uint32_t *uids, size_t n) CHECKED;
int imap_client_logout(struct imap_client *c) CHECKED;
/* Commands on their way. */
size_t imap_client_busy(const struct imap_client *c);

const struct imap_client_folder *imap_client_folder(const struct imap_client *c);
const struct imap_client_message *imap_client_message(const struct imap_client *c);
/* Of the mailbox that is open, or of STATUS. */
const struct imap_client_mailbox *imap_client_mailbox(const struct imap_client *c);
/* Of the last search, as the server gave them. */
const uint32_t *imap_client_uids(const struct imap_client *c, size_t *ret_n);
enum imap_client_result imap_client_result(const struct imap_client *c);
enum imap_client_error imap_client_error(const struct imap_client *c);
/* The server's last words of a refusal: printable UTF-8, at most IMAP_CLIENT_TEXT_MAX bytes. */
struct slice imap_client_text(const struct imap_client *c);
unsigned imap_client_caps(const struct imap_client *c); /* enum imap_client_cap */

/* Takes the next of Gmail's labels off the list, decoded into `out`; false at its end. */
bool imap_client_label_next(struct slice *labels, struct buf *out);

#endif
