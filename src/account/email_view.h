/* The inside of the view of all Emails. */
#ifndef ACCOUNT_EMAIL_VIEW_H
#define ACCOUNT_EMAIL_VIEW_H

#include "account/email.h"
#include "account/engine.h"

/* More than there are requests under way, so that none of them loses what it has found. */
#define EMAIL_RESULTS 12 /* query results kept */

struct email_result {
	struct buf key; /* empty: free */
	uint64_t state, boxes; /* of emails and mailboxes when it was made */
	struct uid_list emails; /* [0, found) match; [next, len) are to be read, in order */
	size_t found, next;
	uint8_t *threads; /* bits: has an Email in the result; NULL: not collapsed */
	size_t threads_max;
	uint64_t used;
};

struct email_counted {
	const struct mailbox *mb;
	uint64_t state, boxes; /* as of a result */
	struct email_counts counts;
};

struct email_view {
	VEC(struct email_info) infos; /* ascending by email */
	VEC(struct email_place) places; /* ascending by email, mailbox, uid */
	VEC(const struct email_info *)
	threads; /* by thread, received, email; made when asked for */
	bool threads_good;
	VEC(struct mailbox *) open;
	struct email_result results[EMAIL_RESULTS];
	VEC(struct email_counted) counted;
	uint64_t clock;
};

/* Sorts the threads if they are not. */
int email_view_threads(struct account *a) CHECKED;
void email_result_done(struct email_result *r);

/* ---- Filters (email_filter.c) ---- */

/* A filter (NULL: all), good until mail changes. Only one at a time is asked. */
struct email_test;
int email_test_new(
	struct account *a, const struct email_filter *f, struct email_test **ret) CHECKED;
void email_test_free(struct email_test *t);
/* Adds the Emails that may match as far as can be told without reading any, each once. */
int email_test_candidates(struct email_test *t, struct uid_list *ret) CHECKED;
/* Whether a candidate matches. */
int email_test_ask(struct email_test *t, const struct email_info *info, bool *ret) CHECKED;
/* A candidate that will be asked for soon: its body comes if it must be opened (*ret_opens). */
int email_test_expect(struct email_test *t, const struct email_info *info, bool *ret_opens) CHECKED;
/* Whether all Emails of a thread have the keyword, and whether some have. */
void email_thread_keyword(
	const struct account *a, uint32_t thread, struct slice name, bool *ret_all, bool *ret_some);

/* ---- Order (email_order.c) ---- */

/* Puts them in order; equal ones by number. */
int email_order_put(struct account *a, const struct email_query *q, struct uid_list *l) CHECKED;

#endif
