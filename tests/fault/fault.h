/* What the judge and its workers share. */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include "model.h"

#include <sys/types.h>

#define EXIT_GAVE_UP 10 /* the worker saw the disk fail and the store shut */

/* What the judge knows. */
struct world {
	struct model_group groups[MODEL_GROUPS];
};

enum message_kind { MSG_VERIFIED, MSG_ACK, MSG_ERROR };

struct message {
	uint32_t kind, group;
	uint64_t steps[MODEL_GROUPS]; /* verified: of all; acknowledged: [0] */
	char text[200];
};

extern struct fault {
	bool quiet; /* workers are expected to fail */
	int last_words; /* where the standard error of a quiet worker goes */
	size_t fail_sync; /* the worker's disk fails at this sync */
} fault;

/* Starts one, which opens the store, compares it with what the world knows, and works on. record:
 * what it does to its disk, told as marks in that log; else it tells over *ret_fd. steps 0: it only
 * compares. */
pid_t fault_worker(
	struct world *w, const char *dir, bool record, uint64_t seed, size_t steps, int *ret_fd);

#endif
