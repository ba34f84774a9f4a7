/* What all headers of the engine share. */
#ifndef ACCOUNT_TYPES_H
#define ACCOUNT_TYPES_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/vec.h"

/* SPECIAL-USE of RFC 6154 and JMAP roles. Stored numbers. */
enum mailbox_role {
	MAILBOX_NO_ROLE,
	MAILBOX_INBOX,
	MAILBOX_DRAFTS,
	MAILBOX_SENT,
	MAILBOX_ARCHIVE,
	MAILBOX_JUNK,
	MAILBOX_TRASH,
	MAILBOX_ALL,
	MAILBOX_FLAGGED,
	MAILBOX_IMPORTANT,
	MAILBOX_SNOOZED,
	MAILBOX_ROLES, /* one past the last */
};
/* "\Drafts" ...; NULL for none, INBOX and unknown numbers. */
const char *mailbox_role_attribute(enum mailbox_role role);

/* A message's flags are one mask: system flags in the low byte, above them the mailbox's keywords,
 * bit 8 + i for the keyword at index i of its list. */
#define FLAG_SEEN UINT64_C(1)
#define FLAG_ANSWERED UINT64_C(2)
#define FLAG_FLAGGED UINT64_C(4)
#define FLAG_DELETED UINT64_C(8)
#define FLAG_DRAFT UINT64_C(16)
#define FLAGS_SYSTEM UINT64_C(31)
#define FLAG_KEYWORD(i) (UINT64_C(256) << (i))
#define KEYWORDS_MAX 56 /* in one mailbox */
#define KEYWORD_LEN_MAX 64
#define FLAGS_KEYWORDS (~UINT64_C(255))

/* A message in a mailbox, as kept in memory for every message of an open one. 32 bytes. */
struct message_row {
	uint64_t flags;
	uint64_t modseq; /* of the last change, its arrival included */
	uint32_t uid;
	uint32_t email; /* EMAILID: names content; the same for copies within the account */
	uint32_t size; /* RFC822.SIZE */
	uint32_t saved; /* SAVEDATE, Unix seconds */
};

/* UIDs, ascending unless said otherwise. {0} is empty; VEC_PUSH and VEC_EACH work on it. */
struct uid_list {
	uint32_t *at;
	size_t len, cap;
};
void uid_list_done(struct uid_list *l);

#define MESSAGE_SIZE_MAX ((size_t)100 << 20) /* bytes of one message */

#endif
