/* Which processes may talk. A pair that is not in the table never gets a socket. */
#ifndef IPC_PAIRS_H
#define IPC_PAIRS_H

#include "ipc/messages.h"
#include "os/roles.h"

#include <stdbool.h>

struct ipc_pair {
	enum role from, to; /* the one that asks, the one that answers */
};

extern const struct ipc_pair ipc_pairs[];
extern const unsigned n_ipc_pairs;

/* The name used in logs, user names and on the command line. */
const char *role_name(enum role r);
/* The role of that name, or ROLES. */
enum role role_of(struct slice name);

/* May a message of this kind come from `from` to `to`? The parent and control connections are asked
 * about as well. */
bool ipc_permitted(enum msg_kind kind, enum role from, enum role to);

#endif
