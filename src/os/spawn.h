/* Starting the processes: the same binary, executed again with a role's name and one socket to the
 * parent. */
#ifndef OS_SPAWN_H
#define OS_SPAWN_H

#include "base/macros.h"

#include <sys/types.h>

/* The descriptor on which a started role finds its parent. */
#define SPAWN_PARENT_FD 3

/* Runs `binary role-argument` with an empty environment, standard input and output on /dev/null,
 * log_fd as standard error, and parent_fd as SPAWN_PARENT_FD; every other descriptor is closed.
 * Returns the process id, or LL_ERR_IO. */
pid_t spawn_role(const char *binary, const char *role, int parent_fd, int log_fd) CHECKED;

#endif
