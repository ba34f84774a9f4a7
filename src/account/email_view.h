/* The inside of the view of all Emails. */
#ifndef ACCOUNT_EMAIL_VIEW_H
#define ACCOUNT_EMAIL_VIEW_H

#include "account/email.h"
#include "account/engine.h"

#define EMAIL_RESULTS 4 /* query results kept */

struct email_result {
	struct buf key; /* empty: free */
	uint64_t state, boxes; /* of emails and mailboxes when it was made */
	struct uid_list emails;
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

#endif
