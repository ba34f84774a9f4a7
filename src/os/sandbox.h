/* What each process may do, as data: a profile maps a role to its user, filesystem view (landlock),
 * TCP ports (landlock), system calls (seccomp) and limits. Entering it is the last step before the
 * loop; every step is fatal on failure. */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* Groups of system calls a profile adds to the common set (reading, writing and waiting on open
 * descriptors, memory without execution, clocks, randomness, exit). */
enum {
	SANDBOX_PASS_FDS =
		1 << 0, /* socketpair, socket options: making what is handed to other processes */
	SANDBOX_ACCEPT = 1 << 1, /* accept4 and socket options on given listeners */
	SANDBOX_CONNECT = 1 << 2, /* socket(AF_INET/AF_INET6) and connect */
	SANDBOX_FORK = 1 << 3, /* fork without exec; waiting for the children */
	SANDBOX_THREADS = 1 << 4,
	SANDBOX_FILES =
		1 << 5, /* opening, renaming, deleting, syncing files below the paths of the view */
	SANDBOX_READ_FILES = 1 << 6,
	SANDBOX_NARROW = 1 << 7, /* seccomp, so that a forked child can give up more */
	SANDBOX_CPU_TIMER = 1 << 8, /* setitimer for processor time */
};

struct sandbox_path {
	const char *path;
	bool write;
};

struct sandbox_profile {
	const char *name;
	unsigned calls; /* SANDBOX_* */
	const struct sandbox_path *paths; /* ends with .path NULL; NULL: no file at all */
	const uint16_t
		*connect_ports; /* TCP ports that may be connected to; ends with 0; NULL: none */
	uint64_t max_files, max_memory; /* RLIMIT_NOFILE; RLIMIT_DATA in bytes, 0: no limit */
};

/* Enters the profile: when root, becomes user and group `uid` without supplementary groups;
 * no_new_privs; landlock; rlimits; undumpable; seccomp last. uid 0 means "keep the user" and is
 * refused for root. LL_ERR_DENIED with the failed step logged. */
int sandbox_enter(const struct sandbox_profile *p, uint32_t uid) CHECKED;

/* Seccomp only, on top of what is in force: for a forked child that gives up more. */
int sandbox_narrow(const struct sandbox_profile *p) CHECKED;

/* What is in force in this process, for `letterlock status`: "user+landlock7+seccomp" or what of
 * it. */
const char *sandbox_level(void);

#endif
