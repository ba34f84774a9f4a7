/* How a message reaches an account whose keys are not there: the delivery process makes the
 * DELIVERED record here, the account's engine admits it (account_poll).
 *
 *	delivery_new(message, ...)            once: parse, seal the body under a random data key
 *	delivery_stage(d, store)              if it has several recipients or a large body
 *	delivery_seal(d, sender, rcpt, &rec)  per recipient: metadata and data key, sealed to them
 *	store_commit {rcpt.account, STORE_ANY_VERSION, rec.ops, rec.n, quota}
 *
 * The record's key starts with the time, so that messages are admitted in the order they came. */
#ifndef ACCOUNT_DELIVER_H
#define ACCOUNT_DELIVER_H

#include "account/types.h"
#include "keys/record.h"
#include "store/store.h"

struct delivery;
/* One message for any number of recipients. message is not kept. now_ms: Unix milliseconds.
 * LL_ERR_LIMIT (size), LL_ERR_NOMEM, LL_ERR_CRYPTO. */
int delivery_new(struct slice message, uint64_t now_ms, struct delivery **ret) CHECKED;
void delivery_free(struct delivery *d);
/* Whether delivery_stage must be called even for one recipient: the body does not fit a commit. */
bool delivery_large(const struct delivery *d);
/* Stages body and metadata too large for a record. Commits must follow within the hour. */
int delivery_stage(struct delivery *d, struct store *s) CHECKED;

#define DELIVERY_KEYWORDS_MAX 16
struct delivery_recipient {
	struct store_id account;
	uint32_t keyver; /* version of the mail area secret that sender is for (area_seal_public) */
	struct slice address; /* original recipient; kept with the message */
	/* Where it goes: by role if not MAILBOX_NO_ROLE, else by name; INBOX where there is no such
	 * mailbox, unless create says to make one of that name. */
	enum mailbox_role role;
	struct slice mailbox;
	bool create;
	uint64_t flags; /* FLAGS_SYSTEM only */
	const struct slice *keywords;
	size_t n_keywords;
};

#define DELIVERY_KEY_LEN 21
struct delivery_record {
	struct store_op ops[3];
	size_t n;
	uint8_t key[DELIVERY_KEY_LEN];
	struct buf value;
};
void delivery_record_done(struct delivery_record *r);
/* sender encapsulates to the account's mail seal key: the caller keeps one per account while it is
 * fresh (keys/record.h), so that a burst costs one encapsulation. The ops point into ret and d.
 * LL_ERR_LIMIT (burst used up, or too much text in rcpt), LL_ERR_NOMEM, LL_ERR_CRYPTO. */
int delivery_seal(struct delivery *d, struct record_sender *sender,
	const struct delivery_recipient *rcpt, struct delivery_record *ret) CHECKED;

#endif
