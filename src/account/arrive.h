/* New emails on their way into mailboxes: appended or admitted. */
#ifndef ACCOUNT_ARRIVE_H
#define ACCOUNT_ARRIVE_H

#include "account/txn.h"

struct arrival {
	struct entry entry; /* thread is filled in when placed */
	struct slice sig; /* what goes into m/sig/; empty when in the side */
	struct thread_hashes hashes;
	uint64_t flags;
	uint32_t email, uid; /* given when placed */
};

/* Bytes that its entry, hashes and signature take in a commit. */
size_t arrival_bytes(const struct arrival *x);
/* Gives emails and threads and writes entries; remembers threads, so that a caller whose commit
 * fails must drop the thread index. */
int arrivals_place(struct txn *t, struct txn_box *b, struct arrival *at, size_t n) CHECKED;
/* Writes rows for emails placed in this commit or before. */
int arrivals_rows(struct txn *t, struct txn_box *b, struct arrival *at, size_t n) CHECKED;

#endif
