/* One account's mail, opened: the engine under IMAP, POP3 and JMAP.
 *
 * It runs in the account's session process, single threaded, over a store handle whose partition is
 * the account id. Calls block on the store. Everything a call reports as done is durable.
 *
 * One change log: every commit that a client can see takes the next number, its modseq. IMAP's
 * MODSEQ, the highest modseq of a mailbox and JMAP's states are all positions in it.
 *
 * Several connections share one struct account. Whoever shows state to a client listens
 * (account_listen) and, when it may speak, compares its own view with the mailbox's rows.
 * account_poll takes in deliveries and what other processes have committed. */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include "account/types.h"
#include "keys/account_keys.h"
#include "store/store.h"

struct account;
struct mailbox;

struct account_env {
	struct store *store;
	struct store_id id; /* account and partition */
	/* The mail area's secrets, every version (those of other areas are passed over), in secret
	 * memory; only read by account_open and account_create. The highest version seals. */
	const struct area_secret *secrets;
	size_t n_secrets;
	uint64_t quota; /* bytes of bodies; 0: no limit */
	int64_t (*now)(void *ctx); /* Unix seconds */
	int (*random)(void *ctx, void *p, size_t n); /* 0 or LL_ERR_IO */
	void *ctx;
};

/* Opens an account that account_create has made: the head and the list of mailboxes, no messages.
 * env is copied. LL_ERR_NOTFOUND (never created), LL_ERR_AUTH (wrong secret, or altered, rolled
 * back or misplaced records), errors of the store. */
int account_open(const struct account_env *env, struct account **ret) CHECKED;
/* All mailboxes must have been closed. NULL is accepted. */
void account_close(struct account *a);
struct store_id account_id(const struct account *a);

/* Commits the first records of an account: keys, head, INBOX, Drafts, Sent, Archive, Junk, Trash,
 * all subscribed. LL_ERR_EXISTS when it has them already. */
int account_create(const struct account_env *env) CHECKED;

/* Call when the store's bell rings, and now and then: takes in what others have committed and
 * admits waiting deliveries in batches. From within a commit (a bell rung while one is waited for)
 * it does nothing but have account_work poll. Listeners hear of it. LL_ERR_AUTH and _CORRUPT mean
 * that the stored state is not to be trusted: end the session. */
int account_poll(struct account *a) CHECKED;
/* account_poll, if the store rang since the last one, or that one failed: for a client that asks
 * what is new. What anybody was told is committed is not missed. */
int account_freshen(struct account *a) CHECKED;
/* A slice of the work that may wait (dropping the bodies of expunged messages, packing pages): one
 * commit at most. *ret_more: call again when idle. Costs nothing when there is none. */
int account_work(struct account *a, bool *ret_more) CHECKED;
/* Drops every cache that can be read again; rows of open mailboxes and what is kept to sort
 * messages (brief.h) stay. For idle sessions. */
void account_trim(struct account *a);
/* Bytes held in caches. */
size_t account_cached(const struct account *a);

/* The newest modseq given out. */
uint64_t account_modseq(const struct account *a);
/* Deliveries that could not be opened and were set aside under m/bad/ since the account was opened.
 */
uint64_t account_bad_deliveries(const struct account *a);

struct account_quota {
	uint64_t bytes, limit; /* limit 0: none */
	uint64_t messages;
};
/* Does some of the deleting that waits first. */
int account_quota(struct account *a, struct account_quota *ret) CHECKED;

/* ---- Listening ---- */

enum account_event {
	ACCOUNT_MESSAGES = 1, /* rows of the mailbox came, went or changed, and so did counters */
	ACCOUNT_CREATED = 2,
	ACCOUNT_RENAMED = 4,
	ACCOUNT_DELETED = 8, /* mailbox_gone() is true from now on */
	ACCOUNT_SUBSCRIPTION = 16,
	ACCOUNT_RELOADED = 32, /* another process committed; anything may differ. mb is NULL */
	ACCOUNT_OBJECTS = 64, /* objects (object.h) came, went or changed. mb is NULL */
};

/* Embedded in the listener. changed is called after the commit, also in the call that caused it; it
 * must not call into the engine but may note what to look at. */
struct account_listener {
	void (*changed)(struct account_listener *l, struct mailbox *mb, unsigned events);
	struct account_listener *next; /* the engine's */
};
void account_listen(struct account *a, struct account_listener *l);
void account_unlisten(struct account *a, struct account_listener *l);

/* ---- Mailboxes ----
 * Names are UTF-8 in NFC with '/' between levels, without empty levels, "." and ".." levels and
 * control characters, at most MAILBOX_NAME_MAX bytes. INBOX is meant in any case, also as a first
 * level. Every name given in is checked and normalised: LL_ERR_SYNTAX, LL_ERR_LIMIT. A level above
 * may be missing (IMAP shows it \NonExistent). */

#define MAILBOX_NAME_MAX 512
#define MAILBOX_DEPTH_MAX 32
#define MAILBOX_COUNT_MAX 10000

/* All mailboxes ordered by name (bytes; INBOX first). The array lives until the next call that
 * makes, renames or deletes a mailbox, or account_poll. */
struct mailbox *const *account_mailboxes(const struct account *a, size_t *ret_n);
/* LL_ERR_NOTFOUND, LL_ERR_SYNTAX. The pointer lives as the array above, or while it is open. */
int account_mailbox(struct account *a, struct slice name, struct mailbox **ret) CHECKED;
/* NULL when there is none. */
struct mailbox *account_mailbox_by_id(const struct account *a, struct store_id id);
struct mailbox *account_mailbox_by_role(const struct account *a, enum mailbox_role role);

/* Makes the mailbox and the levels above that are missing; a level above that is missing gets no
 * role. Role MAILBOX_NO_ROLE or one that no mailbox has yet (else LL_ERR_DENIED). LL_ERR_EXISTS. */
int account_mailbox_create(
	struct account *a, struct slice name, enum mailbox_role role, struct mailbox **ret) CHECKED;
/* Deletes the mailbox and its messages; mailboxes below it stay. LL_ERR_DENIED for INBOX. */
int account_mailbox_delete(struct account *a, struct mailbox *mb) CHECKED;
/* Renames it and everything below it, making missing levels above. A renamed INBOX gives its
 * messages to a new mailbox of that name and stays, empty (RFC 9051 section 6.3.6). LL_ERR_EXISTS,
 * LL_ERR_DENIED (into itself), LL_ERR_NOTFOUND. old_name may be a missing level that has mailboxes
 * below it. A large tree takes several commits: after an error that is not one of these, or a
 * crash, the rest is renamed when the account is opened again. */
int account_mailbox_rename(struct account *a, struct slice old_name, struct slice new_name) CHECKED;
/* Subscriptions are names: they may name nothing (LL_OK) and survive deletion; a rename takes them
 * along. */
int account_subscribe(struct account *a, struct slice name, bool on) CHECKED;
/* Names that are subscribed but that no mailbox has. Views until the next call that changes
 * mailboxes or subscriptions. */
const struct slice *account_orphan_subscriptions(const struct account *a, size_t *ret_n);
/* Gives a role, taking it from the mailbox that had it. LL_ERR_DENIED for INBOX. */
int account_mailbox_set_role(struct account *a, struct mailbox *mb, enum mailbox_role role) CHECKED;

/* Appends the normalised form of a name. */
int mailbox_name_normalise(struct buf *out, struct slice name) CHECKED;

#endif
