/* One commit in the making: edits of rows, changed mailboxes, other records and blobs, collected
 * without touching what is in memory, then committed and applied together. */
#ifndef ACCOUNT_TXN_H
#define ACCOUNT_TXN_H

#include "account/engine.h"

enum edit_kind { EDIT_SET, EDIT_DEL, EDIT_NEW };

struct edit {
	enum edit_kind kind;
	struct message_row row;
};

struct txn_box {
	struct mailbox *mb; /* its state here is the one before */
	struct box_state s; /* afterwards */
	char *name; /* new name, owned; else NULL */
	struct keyword_list *keywords; /* new ones, owned; else NULL */
	bool created, deleted;
	unsigned events;
	VEC(struct edit) edits; /* ascending by uid */
	VEC(struct row_page) pages; /* rewritten; rev 0: now empty */
	struct buf gone_tail; /* new last page of the expunge log; max 0: untouched */
};

struct txn_op {
	enum store_op_kind kind;
	struct rec_key key;
	size_t offset, len; /* of the value in mem */
	struct slice outside; /* or a value elsewhere, when ptr is not NULL */
	struct store_id blob;
};

struct txn {
	struct account *a;
	struct head head; /* afterwards; rev and modseq are this commit's */
	bool nothing; /* there is nothing to commit after all */
	bool silent; /* nothing a client can see: modseq stays */
	bool grows; /* counts against the quota */
	VEC(struct txn_box) boxes;
	VEC(struct txn_op) ops;
	struct buf mem;
	size_t bytes; /* of the commit so far */
	bool refs_changed, gc_changed, subs_changed;
	bool delivered; /* it admits deliveries */
	VEC(struct log_event) log; /* emails that came; objects */
	struct uid_list dead; /* emails that lose their last row, ascending */
	struct buf log_tail; /* new last page of the log; max 0: untouched */
	VEC(struct ref) refs; /* afterwards, when changed */
	VEC(struct row_page) ref_pages;
	/* Called after success, before listeners. */
	void (*applied)(struct txn *t, void *ctx);
	void *ctx;
};

/* Builds and commits, again after a conflict and a reload. build returns 0 or an error that ends
 * it. LL_ERR_LIMIT: too much for one commit. */
typedef int txn_build(struct txn *t, void *ctx);
int txn_run(struct account *a, txn_build *build, void *ctx) CHECKED;

/* The mailbox's state in this commit; NULL without memory. Its rows are loaded by the caller when
 * it edits them. The pointers to the first TXN_BOXES_STABLE stay good. */
#define TXN_BOXES_STABLE 4
struct txn_box *txn_box_get(struct txn *t, struct mailbox *mb);
/* These keep the counters. */
int txn_row_set(
	struct txn *t, struct txn_box *b, const struct message_row *old, uint64_t flags) CHECKED;
int txn_row_del(struct txn_box *b, const struct message_row *old) CHECKED;
/* Gives the row the next UID and this modseq. LL_ERR_LIMIT: no UID left. */
int txn_row_new(struct txn *t, struct txn_box *b, struct message_row *row) CHECKED;

int txn_put(struct txn *t, const struct rec_id *id, struct slice plain) CHECKED;
int txn_del(struct txn *t, const struct rec_id *id) CHECKED;
int txn_del_key(struct txn *t, struct slice key) CHECKED;
/* A record that is sealed already, or moved. value lives until the commit. */
int txn_put_raw(struct txn *t, struct slice key, struct slice value) CHECKED;
/* value lives until the commit; for STORE_BLOB_NEW. */
int txn_blob(
	struct txn *t, enum store_op_kind kind, struct store_id blob, struct slice value) CHECKED;

/* ---- refs.c ---- */

/* One more row for each email; or one row less: those that have none left are added to ret_dead.
 * Ascending emails. Loads the references when needed; call at most once per commit. */
int txn_refs_add(struct txn *t, const struct uid_list *emails) CHECKED;
int txn_refs_drop(struct txn *t, const struct uid_list *emails, struct uid_list *ret_dead) CHECKED;

void refs_apply(struct txn *t);

/* ---- gc.c ---- */

/* Queues emails for deletion; ascending. *ret_number names the list. */
int txn_gc_add(struct txn *t, const struct uid_list *emails, uint64_t *ret_number) CHECKED;
/* Takes the list off the queue again. */
int txn_gc_cancel(struct txn *t, uint64_t number) CHECKED;

/* ---- log.c ---- */

/* An email has come into being. */
int txn_log_email(struct txn *t, uint32_t email, uint32_t thread) CHECKED;
int txn_log_object(
	struct txn *t, enum log_op op, enum change_type type, struct store_id id) CHECKED;
/* Before the head is sealed: writes what the commit did and sets the states. */
int txn_log_seal(struct txn *t) CHECKED;
void txn_log_apply(struct txn *t);

/* ---- gone.c ---- */

/* Logs what the box's edits delete. */
int txn_gone_log(struct txn *t, struct txn_box *b) CHECKED;

#endif
