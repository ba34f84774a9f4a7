/* What store.h promises, as tests that every engine must pass. */
#ifndef TESTS_UNIT_STORE_CONFORMANCE_H
#define TESTS_UNIT_STORE_CONFORMANCE_H

#include "store/store.h"

struct conformance {
	/* A store, perhaps used before: the tests make partitions of their own. */
	struct store *(*open)(void);
	/* Frees it and whatever it rests on. */
	void (*close)(struct store *s);
	/* Frees it and opens the same one again; NULL when this engine cannot. */
	struct store *(*reopen)(struct store *s);
	/* Gives the handle's event loop, if it has one, time for what is due. NULL: it has none. */
	void (*turn)(struct store *s);
};

/* Runs all cases; the number that failed. */
int conformance_run(const struct conformance *engine);

#endif
