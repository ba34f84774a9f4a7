/* The forest that THREAD builds, shared by its two methods. */
#ifndef ACCOUNT_THREAD_BUILD_H
#define ACCOUNT_THREAD_BUILD_H

#include "account/engine.h"
#include "account/find.h"
#include "base/arena.h"

/* A message to thread. */
struct thread_item {
	uint32_t uid, node;
	int64_t date; /* sent date, else internal date */
	struct slice subject; /* base subject, folded */
	bool reply; /* the subject was a reply's or forward's */
	struct slice id; /* Message-ID; empty: none */
	struct slice *refs; /* References, else the first id of In-Reply-To */
	uint32_t n_refs;
};

struct build_node {
	uint32_t uid; /* 0: dummy */
	uint32_t order_uid;
	int64_t date;
	uint32_t item; /* THREAD_NONE for a dummy */
	uint32_t parent, child, next; /* child lists are in no order until sorted */
};

struct thread_build {
	struct thread_item *items;
	size_t n_items;
	struct build_node *at;
	size_t len, cap;
	uint32_t first; /* root list */
	struct arena mem;
	struct buf subject, folded; /* scratch */
	struct map *ids; /* message id: node */
	size_t n_linked; /* items */
};

/* Makes room for n messages. */
int thread_build_start(struct thread_build *t, size_t n) CHECKED;
/* Reads one; none is there: nothing. */
int thread_build_item(struct thread_build *t, struct mailbox *mb, uint32_t uid) CHECKED;
void thread_build_done(struct thread_build *t);
/* A node for an item, or a dummy (item NULL). */
int thread_build_node(
	struct thread_build *t, const struct thread_item *item, uint32_t *ret) CHECKED;
int thread_build_sort(struct thread_build *t) CHECKED;
int thread_build_emit(const struct thread_build *t, struct thread_forest *ret) CHECKED;
/* Links the next item by its ids; when all are, thread_references does the rest. */
int thread_references_link(struct thread_build *t) CHECKED;
int thread_references(struct thread_build *t) CHECKED;

#endif
