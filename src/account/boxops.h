/* What making and renaming mailboxes share. */
#ifndef ACCOUNT_BOXOPS_H
#define ACCOUNT_BOXOPS_H

#include "account/txn.h"

/* Mailboxes made by a commit under way: theirs if it succeeds, freed if not. */
struct making {
	struct slice name;
	enum mailbox_role role;
	struct mailbox *made[MAILBOX_DEPTH_MAX];
	size_t n;
};

void making_drop(struct making *m);
/* The levels above a name that are missing, in this commit. LL_ERR_LIMIT: too many mailboxes. */
int making_parents(struct txn *t, struct making *m, struct slice name) CHECKED;

#endif
