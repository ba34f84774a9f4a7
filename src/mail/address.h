/* Addresses: a lenient reader for header fields (RFC 5322 with obsolete forms, RFC 6532), a strict
 * one for SMTP (RFC 5321, RFC 6531), and the form under which an address is looked up. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

#define ADDRESS_LIST_MAX 4096 /* addresses read from one field */
#define ADDRESS_LOCAL_MAX 128 /* octets; every host takes 64, but bounce addresses are longer */
#define ADDRESS_DOMAIN_MAX 255 /* RFC 5321 section 4.5.3.1.2 */
#define ADDRESS_PATH_MAX 512 /* with angle brackets and source route */
#define ADDRESS_KEY_MAX 1024 /* most that address_key appends */

enum address_kind { ADDRESS_MAILBOX, ADDRESS_GROUP, ADDRESS_GROUP_END };

/* Quoting, comments and folding are removed; encoded words are not decoded. A part that was not
 * there has ptr NULL; one that was there and is empty ("" <a@b>) has not. */
struct address {
	enum address_kind kind;
	struct slice name; /* display name; of a group: the group's name */
	struct slice route; /* obsolete source route "@a,@b" */
	struct slice local, domain; /* domain ptr NULL: a bare word was given */
};

struct address_list {
	struct address *at;
	size_t len;
	bool damaged; /* something was skipped or invented */
	bool truncated; /* more than ADDRESS_LIST_MAX */
};

/* Reads a whole field value. Never fails for what the value holds; LL_ERR_NOMEM when the arena is
 * full. Strings are views of the value or live in the arena. A comment after a bare addr-spec
 * serves as its display name, as old mail has it. */
int address_list_parse(struct slice value, struct arena *a, struct address_list *ret) CHECKED;

/* Appends one address or phrase in the form for a header field: quoted where it must be. */
int address_put(struct buf *out, const struct address *addr);
int address_put_phrase(struct buf *out, struct slice phrase);
/* local@domain, the local part quoted where RFC 5321 needs it. */
int address_put_spec(struct buf *out, struct slice local, struct slice domain);
/* local@domain as they are, or what there is of them: to show, compare and search, not to send. */
int address_put_bare(struct buf *out, const struct address *addr);

/* ---- SMTP ---- */
enum address_smtp_flags {
	ADDRESS_UTF8 = 1, /* SMTPUTF8 was given: RFC 6531 */
	ADDRESS_NULL = 2, /* "<>" is accepted: MAIL FROM */
	ADDRESS_POSTMASTER = 4, /* "<Postmaster>" is accepted: RCPT TO */
};

/* Views of the input, as written; use address_local_unquote before comparing. */
struct address_smtp {
	struct slice spec; /* local@domain without route and brackets; empty for <> */
	struct slice local; /* with its quotes if quoted */
	struct slice domain; /* with its brackets if literal; empty for <Postmaster> */
	bool quoted, literal, utf8;
};

/* Takes a Path "<...>" off the front of *in (source routes are read and dropped, RFC 5321 appendix
 * C). LL_ERR_SYNTAX, LL_ERR_LIMIT (a length above). *in is kept on failure. */
int address_smtp_path(struct slice *in, unsigned flags, struct address_smtp *ret) CHECKED;
/* The whole of s as a Mailbox (local@domain, no brackets). */
int address_smtp_mailbox(struct slice s, unsigned flags, struct address_smtp *ret) CHECKED;
/* A host name of LDH labels (U-labels too with ADDRESS_UTF8), no trailing dot; LL_ERR_SYNTAX. */
int address_domain_check(struct slice domain, unsigned flags) CHECKED;
/* Local part without quotes and backslashes; other local parts unchanged. */
int address_local_unquote(struct buf *out, struct slice local);

/* ---- Lookup ----
 * The domain is compared in lower-case A-label form (IDNA 2008 by libidn2, UTS 46 mapping,
 * non-transitional). The local part of our own domains is compared without quoting and without
 * case: NFKC and case folding, so that Jürgen, JÜRGEN and "jürgen" are one. Dots are kept. Local
 * parts of other people's domains are never changed: hand those on as they were given. */

/* A-label and U-label forms. LL_ERR_SYNTAX when IDNA refuses. Literals are lower-cased only. */
int address_domain_ascii(struct buf *out, struct slice domain) CHECKED;
int address_domain_unicode(struct buf *out, struct slice domain) CHECKED;
/* Folded local part, '@', A-label domain: the lookup key. LL_ERR_SYNTAX. */
int address_key(struct buf *out, struct slice local, struct slice domain) CHECKED;
/* Splits at the first separator (RFC 5233): user, detail. Without one, or with nothing before it,
 * user is all of local and detail has ptr NULL. */
void address_subaddress(
	struct slice local, uint8_t separator, struct slice *ret_user, struct slice *ret_detail);

#endif
