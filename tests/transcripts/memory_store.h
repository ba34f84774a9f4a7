/* A store in plain memory, for tests that begin thousands of times in the same state. Nothing in it
 * is durable. It passes the conformance suite. */
#ifndef TESTS_TRANSCRIPTS_MEMORY_STORE_H
#define TESTS_TRANSCRIPTS_MEMORY_STORE_H

#include "store/store.h"

/* An empty one, or NULL. */
struct store *memory_store_new(void);
/* Keeps the present state, for memory_store_rewind. LL_ERR_NOMEM. */
int memory_store_mark(struct store *s) CHECKED;
/* Back to the state that was marked. No commit may be under way. LL_ERR_NOMEM. */
int memory_store_rewind(struct store *s) CHECKED;

#endif
