/* A real account over the embedded store in a temporary directory, for transcripts and fuzzing. */
#ifndef TESTS_TRANSCRIPTS_WORLD_H
#define TESTS_TRANSCRIPTS_WORLD_H

#include "account/account.h"
#include "faces/imap.h"

struct world {
	char dir[64];
	struct store *store;
	struct account *account;
	struct account_env account_env;
	struct area_secret *secret; /* in secret memory */
	struct imap_env imap;
	int64_t clock;
	unsigned accounts; /* made so far */
	uint64_t seed; /* 0: the system's randomness */
};

/* Opens the store. */
int world_open(struct world *w) CHECKED;
/* The same with the store in memory. */
int world_open_memory(struct world *w) CHECKED;
/* Removes everything. */
void world_close(struct world *w);
/* A fresh account, replacing the one before. quota 0: none. */
int world_account(struct world *w, uint64_t quota) CHECKED;
void world_account_close(struct world *w);
/* Keeps the account as it is now; only in memory. */
int world_mark(struct world *w) CHECKED;
/* The account as it was then, opened anew; what is random is the same as the last time. */
int world_rewind(struct world *w) CHECKED;
/* Puts a message where delivery would, and lets the account take it in. */
int world_deliver(struct world *w, struct slice message) CHECKED;

#endif
