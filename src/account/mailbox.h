/* One mailbox: counters that are there without loading messages, rows once it is open, and every
 * change to its messages.
 *
 * Rows are shared by all connections and ordered by UID; sequence numbers are the face's own view.
 * To bring a view up to modseq M up to date: walk rows with modseq > M for arrivals and changed
 * flags (a row whose UID is at least the uidnext seen then is new), and take mailbox_vanished for
 * what went. Or compare the view's UIDs with the rows.
 *
 * Every mutator is one commit where the limits of the store allow (for flags about 10,000 scattered
 * messages; then it goes on in further ones, each complete in itself) and is retried on conflict.
 */
#ifndef ACCOUNT_MAILBOX_H
#define ACCOUNT_MAILBOX_H

#include "account/account.h"

struct mailbox_info {
	struct store_id id; /* MAILBOXID */
	struct slice name;
	enum mailbox_role role;
	bool subscribed;
	uint32_t uidvalidity, uidnext;
	uint32_t exists, unseen, deleted;
	uint64_t size, deleted_size; /* of all messages; of those with \Deleted */
	uint64_t highestmodseq;
	uint32_t recent_from; /* UIDs from here on no session of this process has been told of */
};

/* Always up to date and free of cost; views live as the mailbox pointer and until the next change
 * of its name. */
const struct mailbox_info *mailbox_info(const struct mailbox *mb);
struct account *mailbox_account(const struct mailbox *mb);
/* True after deletion; the pointer stays good while it is open, with no messages. */
bool mailbox_gone(const struct mailbox *mb);
/* Returns recent_from and sets it to uidnext: for \Recent of IMAP4rev1. */
uint32_t mailbox_claim_recent(struct mailbox *mb);

/* Loads the rows (20 records for 10,000 messages) and counts a user. LL_ERR_AUTH, LL_ERR_CORRUPT:
 * altered records. */
int mailbox_open(struct mailbox *mb) CHECKED;
void mailbox_close(struct mailbox *mb);
/* Rows of an open mailbox, ascending by UID; the array lives until the next mutator or
 * account_poll. */
const struct message_row *mailbox_rows(const struct mailbox *mb, size_t *ret_n);
/* NULL when there is none. */
const struct message_row *mailbox_row(const struct mailbox *mb, uint32_t uid);
/* Index of the first row with a UID of at least uid. */
size_t mailbox_lower_bound(const struct mailbox *mb, uint32_t uid);

/* UIDs that were expunged after modseq `since`, ascending, added to ret. LL_ERR_RANGE: the log does
 * not reach back so far (it keeps some thousands of expunges); treat every UID without a row as
 * gone. */
int mailbox_vanished(struct mailbox *mb, uint64_t since, struct uid_list *ret) CHECKED;

/* ---- Keywords ---- */

/* The names in use or used before, by index; as written by whoever used one first. */
size_t mailbox_keyword_count(const struct mailbox *mb);
struct slice mailbox_keyword_name(const struct mailbox *mb, size_t i);
/* *ret_flag: its bit, or 0 when no message ever had it. ASCII case-insensitive. */
void mailbox_keyword(const struct mailbox *mb, struct slice name, uint64_t *ret_flag);
/* Finds or adds (a commit of its own; all names at once). LL_ERR_LIMIT: KEYWORDS_MAX are in use;
 * LL_ERR_SYNTAX: not an atom of KEYWORD_LEN_MAX. *ret_flags: all their bits. */
int mailbox_keywords_add(
	struct mailbox *mb, const struct slice *names, size_t n, uint64_t *ret_flags) CHECKED;

/* ---- Flags ---- */

enum flags_how { FLAGS_ADD, FLAGS_REMOVE, FLAGS_REPLACE };
struct flags_change {
	enum flags_how how;
	uint64_t flags;
	/* Only messages whose modseq is not above (RFC 7162 section 3.1.3). UINT64_MAX: all. */
	uint64_t unchanged_since;
};
struct flags_result {
	struct uid_list failed; /* modseq above unchanged_since: the MODIFIED response code */
	struct uid_list missing; /* no such message */
	size_t changed; /* rows that are different now, with a new modseq */
	uint64_t modseq; /* theirs */
};
void flags_result_done(struct flags_result *r);
/* uids ascending. A message that has the flags already keeps its modseq. */
int mailbox_store(struct mailbox *mb, const uint32_t *uids, size_t n,
	const struct flags_change *change, struct flags_result *ret) CHECKED;

/* ---- Expunge, copy, move ---- */

/* Removes those of uids that have \Deleted (EXPUNGE, UID EXPUNGE); uids NULL: all that have it.
 * ret (may be NULL) gets the UIDs removed. */
int mailbox_expunge(
	struct mailbox *mb, const uint32_t *uids, size_t n, struct uid_list *ret) CHECKED;
/* Removes messages with or without \Deleted: POP3 DELE, JMAP destroy. */
int mailbox_remove(
	struct mailbox *mb, const uint32_t *uids, size_t n, struct uid_list *ret) CHECKED;

struct copy_result {
	struct uid_list from, to; /* pairs, for COPYUID; from is ascending */
};
void copy_result_done(struct copy_result *r);
/* Copies or moves to another mailbox (or, copying, the same): flags and keywords, internal date,
 * EMAILID and THREADID stay; SAVEDATE is new. All or nothing. UIDs without a message are passed
 * over. LL_ERR_LIMIT: the target has no keyword or UID left. */
int mailbox_copy(struct mailbox *from, const uint32_t *uids, size_t n, struct mailbox *to,
	struct copy_result *ret) CHECKED;
int mailbox_move(struct mailbox *from, const uint32_t *uids, size_t n, struct mailbox *to,
	struct copy_result *ret) CHECKED;

/* ---- Append ---- */

/* A message parsed and sealed but not yet in a mailbox, so that a large MULTIAPPEND holds one
 * plaintext at a time. Its body may be on disk already, referred to by nothing. */
struct staged_message;
/* message is the whole of it. internal_date: Unix seconds, 0 for now. LL_ERR_LIMIT (size),
 * LL_ERR_NOMEM, errors of the store. */
int message_stage(struct account *a, struct slice message, int64_t internal_date,
	struct staged_message **ret) CHECKED;
/* NULL is accepted. */
void staged_message_free(struct staged_message *s);
void staged_message_freep(struct staged_message **s);

struct append_item {
	struct staged_message *message;
	uint64_t flags; /* system flags and keywords of the target mailbox */
};
/* Appends all or none. ret_uids (may be NULL) gets their UIDs in order. Must follow the staging
 * within the hour. LL_ERR_QUOTA, LL_ERR_NOTFOUND (staged too long ago). */
int mailbox_append(struct mailbox *mb, const struct append_item *items, size_t n,
	struct uid_list *ret_uids) CHECKED;
/* REPLACE (RFC 8508): appends to `to` and removes uid from `from` in one commit. LL_ERR_NOTFOUND:
 * no such uid. */
int mailbox_replace(struct mailbox *from, uint32_t uid, struct mailbox *to,
	const struct append_item *item, uint32_t *ret_uid) CHECKED;

#endif
