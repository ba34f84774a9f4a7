/* What the parts of the parent share. */
#ifndef ROLES_PARENT_PRIV_H
#define ROLES_PARENT_PRIV_H

#include "base/buf.h"
#include "ipc/channel.h"
#include "os/config.h"
#include "os/loop.h"

#include <sys/types.h>

#define CHILDREN_MAX 160

struct child {
	enum role role;
	unsigned index;
	pid_t pid; /* 0: not running */
	struct ipc_channel *channel;
	bool ready;
	unsigned restarts;
	int64_t started, backoff;
	int64_t asked, heard; /* when an unanswered question went out (0: none), the last answer */
	struct loop_timer restart;
	/* What it may still write into the log, as of when, and the lines that were too many. */
	int64_t log_bytes, log_filled;
	unsigned long long log_suppressed;
	/* The last status answer. */
	bool answered;
	char sandbox[65], secrets[33], counters[4097];
};

/* A file of the program that a role gets. */
struct parent_file {
	const char *name; /* what the role calls it */
	const char *beside; /* its name beside the program */
	const char *configured; /* its path; empty: beside the program */
	enum role role;
	bool optional; /* nothing is said where it is missing */
	int fd; /* sealed memory; negative: there is none */
	uint64_t len;
};
enum { PARENT_FILES = 3 };

struct parent {
	struct loop *loop;
	struct config config;
	struct buf config_text;
	char binary[4096];
	uint8_t *boot_secret; /* BOOT_SECRET_LEN bytes of secret memory */
	struct child children[CHILDREN_MAX];
	unsigned n_children;
	int listeners[CONFIG_LISTENERS_MAX];
	int control, signals;
	struct parent_file files[PARENT_FILES];
	struct loop_watch control_watch, signal_watch;
	struct loop_timer stop_timer, status_timer;
	bool stopping, announced;
	enum role stopping_role;
	uint32_t status_id, status_asked;
};
extern struct parent ps;

struct child *parent_child(enum role role, unsigned index);

/* --- parent_status.c --- */
/* A child's answer; the last one lets the whole state go to auth. */
void parent_status_reply(struct child *c, const struct msg_status_reply *m);
/* Auth asks for the state of all processes. */
void parent_processes_query(uint32_t id);

/* --- parent_log.c --- */
/* A pipe for the lines of a child (NULL: of the parent itself, which has no limit): the end to
 * write to, which the caller closes once the child has it, or LL_ERR_IO. */
int parent_log_open(struct child *c) CHECKED;
/* Writes out what is left in the pipes. */
void parent_log_drain(void);

/* --- parent_watch.c --- */
/* Asks every child now and then whether it is there, and ends those that do not answer. */
void parent_watch_start(void);
void parent_watch_answered(struct child *c);
/* A new pair of sockets between the two: its number. */
uint32_t parent_watch_linked(const struct child *a, const struct child *b);
/* A child says that its socket to another has ended. */
void parent_watch_lost(struct child *c, const struct msg_peer_lost *m);

/* --- parent.c --- */
/* Gives both a fresh socket to each other, where both are there. */
void parent_connect_pair(struct child *a, struct child *b);

/* --- parent_world.c --- */
/* Binds the listeners and the operator's socket. Errors are logged. */
int parent_bind_listeners(void) CHECKED;
int parent_bind_control(void) CHECKED;

/* --- parent_file.c --- */
/* Reads the files of the web into sealed memory, if anybody is to be served. One that is missing is
 * logged and left out. */
void parent_files_open(void);
/* Hands a child those that are for its role. */
void parent_files_send(const struct child *c);

#endif
