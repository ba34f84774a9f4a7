/* What changed since when: the one change log as JMAP sees it.
 *
 * Every commit that a client can see takes the next modseq. A type's state is the modseq of the
 * last commit that changed an object of it. What came and went stands in a log of the whole
 * account, which is bounded; what merely changed is told by the rows' own modseq. */
#ifndef ACCOUNT_CHANGES_H
#define ACCOUNT_CHANGES_H

#include "account/types.h"
#include "store/store.h"

struct account;

/* Stored numbers. */
enum change_type {
	CHANGE_MAILBOX,
	CHANGE_EMAIL,
	CHANGE_THREAD,
	CHANGE_DELIVERY, /* EmailDelivery: a message was delivered */
	CHANGE_IDENTITY,
	CHANGE_VACATION,
	CHANGE_SUBMISSION,
	CHANGE_PUSH,
	CHANGE_RULES,
	CHANGE_SETTINGS,
	CHANGE_UPLOAD, /* no client sees a state of these */
	CHANGE_RENAME, /* nor of these: trees of mailboxes that are being renamed */
	CHANGE_SNOOZE, /* Emails that are to come back (snooze.h); no client sees a state of these
			*/
	CHANGE_IMPORT, /* mail that is brought over from another server (importing.h) */
	CHANGE_KEPT_IDENTITY, /* of aliases that were taken away; no client sees these */
	CHANGE_TYPES, /* one past the last */
};

/* The modseq of the last change. */
uint64_t account_state(const struct account *a, enum change_type type);

enum change_kind { CHANGE_CREATED, CHANGE_UPDATED, CHANGE_DESTROYED };
struct change {
	uint64_t modseq; /* its place in the order of changes */
	struct store_id
		id; /* of an email or thread: its number, big endian, in the first four bytes */
	enum change_kind kind;
};
struct changes {
	struct change *at; /* ordered by modseq, then id; an object appears once */
	size_t len, cap;
	/* Of mailboxes: every one that is updated changed in its counters only. */
	bool only_counters;
};
void changes_done(struct changes *c);
uint32_t change_number(const struct change *c);

/* Objects of a type that were created, updated or destroyed after since. LL_ERR_RANGE: the log does
 * not reach back so far. What was created and destroyed meanwhile is left out. Mailboxes count as
 * updated when their counters changed, those of threads included. */
int account_changes(
	struct account *a, enum change_type type, uint64_t since, struct changes *ret) CHECKED;
/* The same after a place in the middle: that of a change which was told before, with all that stand
 * before it. What was told as created, and is gone since, is then told as destroyed. */
struct change_place {
	uint64_t modseq;
	struct store_id id;
};
int account_changes_after(struct account *a, enum change_type type,
	const struct change_place *after, struct changes *ret) CHECKED;

#endif
