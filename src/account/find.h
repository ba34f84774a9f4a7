/* Search, sort and thread over an open mailbox. The face builds a tree of conditions; the engine
 * orders them by cost: rows first, then cached metadata, then signatures and bodies.
 *
 * Text is UTF-8 (the face has converted CHARSET) and compared as mail/search_text.h says. */
#ifndef ACCOUNT_FIND_H
#define ACCOUNT_FIND_H

#include "account/mailbox.h"

enum find_op {
	/* Groups: kids. An empty FIND_AND is all, an empty FIND_OR is none. */
	FIND_AND,
	FIND_OR,
	FIND_NOT, /* of all its kids together */
	/* Rows */
	FIND_FLAGS, /* (flags & mask) == bits */
	FIND_UIDS, /* uids: ascending */
	FIND_MODSEQ, /* modseq >= min */
	FIND_SIZE, /* min <= size <= max */
	FIND_SAVED, /* min <= SAVEDATE <= max, Unix seconds */
	FIND_EMAIL, /* email number == min */
	/* Metadata */
	FIND_THREAD, /* thread number == min */
	FIND_INTERNAL, /* min <= internal date <= max, Unix seconds */
	FIND_SENT, /* min <= Date field's own calendar day, in days since 1970-01-01 <= max; a
		      message without a readable Date counts by its internal date */
	FIND_FROM, /* text, in the address fields */
	FIND_TO,
	FIND_CC,
	FIND_BCC,
	FIND_SUBJECT,
	FIND_HAS_ATTACHMENT,
	/* Message text */
	FIND_HEADER, /* name, text; empty text: the field is there */
	FIND_BODY,
	FIND_TEXT,
	FIND_OPS, /* one past the last */
};

struct find_node {
	enum find_op op;
	const struct find_node *kids, *next; /* first child, next sibling */
	uint64_t mask, bits;
	int64_t min, max;
	struct slice name, text;
	const uint32_t *uids;
	size_t n_uids;
};

/* UIDs that match, ascending, added to ret. LL_ERR_LIMIT: text or nesting too long. */
#define FIND_DEPTH_MAX 64
int mailbox_find(struct mailbox *mb, const struct find_node *root, struct uid_list *ret) CHECKED;

/* The same, and sorting and threading, in slices of some milliseconds, so that others of the
 * account are served in between. What a job is given must live as long as it does; the mailbox
 * stays open. A message that comes or goes meanwhile may be in the result or not. After an error
 * the job can only be freed. */
struct find_job;
int find_job_new(struct mailbox *mb, const struct find_node *root, struct find_job **ret) CHECKED;
/* Adds to ret; *ret_done: that was all. */
int find_job_step(struct find_job *j, struct uid_list *ret, bool *ret_done) CHECKED;
/* NULL is accepted. */
void find_job_free(struct find_job *j);

/* ---- SORT (RFC 5256, RFC 5957) ---- */
enum sort_key {
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_FROM,
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO,
	SORT_DISPLAY_FROM,
	SORT_DISPLAY_TO,
	SORT_KEYS, /* one past the last */
};
struct sort_order {
	enum sort_key key;
	bool reverse;
};
#define SORT_ORDERS_MAX 16
/* Puts uids, ascending at first, into the order asked for; equal ones by UID. */
int mailbox_sort(struct mailbox *mb, const struct sort_order *order, size_t n_order, uint32_t *uids,
	size_t n) CHECKED;

struct sort_job;
/* Puts uids into order with the last step. */
int sort_job_new(struct mailbox *mb, const struct sort_order *order, size_t n_order, uint32_t *uids,
	size_t n, struct sort_job **ret) CHECKED;
int sort_job_step(struct sort_job *j, bool *ret_done) CHECKED;
void sort_job_free(struct sort_job *j);

/* ---- THREAD (RFC 5256 section 3) ---- */
enum thread_method { THREAD_ORDEREDSUBJECT, THREAD_REFERENCES };
/* A forest in one array; links are indexes, or THREAD_NONE. */
#define THREAD_NONE UINT32_MAX
struct thread_node {
	uint32_t uid; /* 0: a message that is not there */
	uint32_t child, next; /* first child, next sibling */
};
struct thread_forest {
	struct thread_node *at;
	size_t len, cap;
	uint32_t first; /* first root */
};
void thread_forest_done(struct thread_forest *f);
/* uids ascending: the messages to take. */
int mailbox_thread(struct mailbox *mb, enum thread_method method, const uint32_t *uids, size_t n,
	struct thread_forest *ret) CHECKED;

struct thread_job;
int thread_job_new(struct mailbox *mb, enum thread_method method, const uint32_t *uids, size_t n,
	struct thread_job **ret) CHECKED;
/* *ret is set by the last step. */
int thread_job_step(struct thread_job *j, struct thread_forest *ret, bool *ret_done) CHECKED;
void thread_job_free(struct thread_job *j);

#endif
