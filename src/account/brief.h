/* What sorting, threading by date and conditions on dates ask of a message: 48 bytes for every
 * email that was once looked at, kept for as long as the account is open, so that a large mailbox
 * is ordered without reading its pages again. Not for faces. */
#ifndef ACCOUNT_BRIEF_H
#define ACCOUNT_BRIEF_H

#include "account/account.h"

enum brief_text {
	BRIEF_SUBJECT, /* base subject */
	BRIEF_FROM, /* mailbox part of the first address */
	BRIEF_SHOWN_FROM, /* what a reader shows for it: RFC 5957 */
	BRIEF_SHOWN_TO,
	BRIEF_NAMED_FROM, /* the same for JMAP, which has no groups: RFC 8621 section 4.4.2 */
	BRIEF_NAMED_TO,
	BRIEF_TEXTS, /* one past the last */
};

#define BRIEF_TEXT_MAX ((size_t)255) /* bytes of a collation key that count */

struct brief {
	int64_t received; /* internal date */
	int64_t sent; /* of the Date field, else the internal date */
	uint32_t thread;
	uint32_t text[BRIEF_TEXTS]; /* names of collation keys, i;unicode-casemap; 0: empty */
	uint16_t flags; /* enum meta_flags */
	int16_t zone; /* of sent, minutes east */
};

/* The brief of an email, read with its neighbours if it is not there. A view until the next
 * account_trim. LL_ERR_NOTFOUND, LL_ERR_CORRUPT, errors of the store. */
int brief_get(struct account *a, uint32_t email, const struct brief **ret) CHECKED;
/* Puts the keys of all texts known so far into order. LL_ERR_NOMEM. */
int briefs_rank(struct account *a) CHECKED;
/* The place of a text in that order: of two, the lesser key has the lesser rank. */
uint32_t brief_rank(const struct account *a, uint32_t text);
struct message_meta;

#endif
