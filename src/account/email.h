/* Mail as JMAP sees it: an Email is one message of the account, in one or several mailboxes, and
 * belongs to a thread. A view over the rows of all mailboxes, made when first asked for and kept up
 * with every commit, so that IMAP and JMAP see each other's changes at once.
 *
 * Keywords of an Email are the union of those of its rows, without \Deleted and \Recent: what IMAP
 * sets on one copy shows; what JMAP sets or removes is set or removed on every copy. \Deleted hides
 * nothing here: until it is expunged the Email is there. */
#ifndef ACCOUNT_EMAIL_H
#define ACCOUNT_EMAIL_H

#include "account/changes.h"
#include "account/find.h"

struct email_info {
	uint32_t email, thread, size;
	int64_t received; /* Unix seconds */
};
/* A row of an Email. */
struct email_place {
	uint32_t email, uid;
	struct mailbox *mb; /* open as long as the view is there */
};

/* Makes the view if it is not there. Everything below needs it, and what it gives lives until the
 * next call that changes the account, or account_poll. */
int emails_load(struct account *a) CHECKED;
/* All, ascending by number. */
const struct email_info *emails_all(const struct account *a, size_t *ret_n);
/* NULL when there is none. */
const struct email_info *email_find(const struct account *a, uint32_t email);
/* Its rows, at least one; NULL and 0 when there is no such Email. */
const struct email_place *email_places(const struct account *a, uint32_t email, size_t *ret_n);
/* Makes the view, and threads ready for thread_emails; again after every change. */
int emails_threads(struct account *a) CHECKED;
/* Emails of a thread, oldest received first; NULL and 0 when it has none. */
const struct email_info *const *thread_emails(
	const struct account *a, uint32_t thread, size_t *ret_n);

/* FLAG_SEEN, _ANSWERED, _FLAGGED and _DRAFT of any of its rows. */
uint64_t email_flags(const struct account *a, uint32_t email);
/* name: "$seen", "$flagged", "$answered", "$draft" or a keyword; without case. */
bool email_has_keyword(const struct account *a, uint32_t email, struct slice name);
bool email_in_mailbox(const struct account *a, uint32_t email, const struct mailbox *mb);
/* The system flag of a JMAP keyword, or 0. */
uint64_t email_keyword_flag(struct slice name);
#define EMAIL_FLAGS_SHOWN (FLAG_SEEN | FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DRAFT)

/* Counters of JMAP for one mailbox; Emails count once. A thread is unread when one of its Emails
 * is, not counting those that lie in the trash only (in the trash: counting only those that lie in
 * it).
 */
struct email_counts {
	uint32_t emails, unread, threads, unread_threads;
};
int email_counts(struct account *a, const struct mailbox *mb, struct email_counts *ret) CHECKED;

/* ---- Changing ---- */

#define EMAIL_MAILBOXES_MAX 64
struct email_change {
	uint32_t email;
	bool destroy;
	/* Keywords as JMAP names them. exact: they are all it shall have; else add and remove. */
	bool exact;
	const struct slice *add, *remove;
	size_t n_add, n_remove;
	/* The mailboxes it shall be in, or none given: as before. At least one, each once. */
	const struct store_id *mailboxes;
	size_t n_mailboxes;
	int err; /* out: LL_ERR_NOTFOUND, LL_ERR_SYNTAX (a keyword), LL_ERR_LIMIT (too many
		    keywords), LL_ERR_DENIED (no such mailbox) */
};
/* Does all that it can, each Email in one commit with all its rows, many Emails in one; one that
 * stands there more often is changed one time after the other. The result
 * is an error only where nothing more could be done (the store). */
int emails_change(struct account *a, struct email_change *changes, size_t n) CHECKED;

/* ---- Queries ---- */

enum email_filter_op {
	EMAIL_AND,
	EMAIL_OR,
	EMAIL_NOT, /* none of its kids */
	EMAIL_IN_MAILBOX, /* mailbox */
	EMAIL_IN_OTHER_THAN, /* mailboxes */
	EMAIL_HAS_KEYWORD, /* text; the next five too */
	EMAIL_NOT_KEYWORD,
	EMAIL_ALL_IN_THREAD,
	EMAIL_SOME_IN_THREAD,
	EMAIL_NONE_IN_THREAD,
	EMAIL_FIND, /* find: a condition of find.h on the message */
};
struct email_filter {
	enum email_filter_op op;
	const struct email_filter *kids, *next;
	const struct store_id *mailboxes;
	size_t n_mailboxes;
	struct slice text;
	struct find_node find;
};

enum email_sort_key {
	EMAIL_BY_RECEIVED,
	EMAIL_BY_SENT,
	EMAIL_BY_SIZE,
	EMAIL_BY_FROM,
	EMAIL_BY_TO,
	EMAIL_BY_SUBJECT,
	EMAIL_BY_KEYWORD, /* keyword; false before true */
	EMAIL_BY_ALL_IN_THREAD,
	EMAIL_BY_SOME_IN_THREAD,
};
struct email_order {
	enum email_sort_key key;
	bool descending;
	struct slice keyword;
};
#define EMAIL_ORDERS_MAX 8

struct email_query {
	const struct email_filter *filter; /* NULL: all */
	const struct email_order *order;
	size_t n_order;
	bool collapse; /* the first of each thread only */
	struct slice key; /* equal for equal queries, and not empty */
};
/* What is known of a result; lives until the next query or change. */
struct email_found {
	const uint32_t *at; /* the first n that match, in order; ties by number */
	size_t n;
	bool all; /* that is all of it */
};
/* Looks for the first `want` Emails that match (SIZE_MAX: all), for some milliseconds at most: when
 * there are fewer and not all, the same call goes on. LL_ERR_LIMIT: a text too long, or nesting. */
int emails_query(struct account *a, const struct email_query *q, size_t want,
	struct email_found *ret) CHECKED;

#endif
