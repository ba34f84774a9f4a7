/* The event loop of one process: descriptors and timers, level-triggered, over epoll.
 *
 * Watches and timers are embedded in their owner's struct and must not move while active. A
 * callback may add, change or remove any watch or timer, its own and others', and may free their
 * owners. */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };

/* events: LOOP_READ, LOOP_WRITE; LOOP_HANGUP is always reported (error or both directions closed).
 */
typedef void loop_io(void *ctx, unsigned events);
typedef void loop_expired(void *ctx);

struct loop_watch {
	int fd; /* -1: not active */
	unsigned want;
	loop_io *io;
	void *ctx;
};

struct loop_timer {
	int64_t at; /* clock_ms */
	size_t slot; /* place in the heap plus one; 0: not active */
	loop_expired *expired;
	void *ctx;
};

#define LOOP_WATCH_NONE ((struct loop_watch){.fd = -1})

struct loop *loop_new(void);
void loop_free(struct loop *l);
/* In a forked child: closes the parent's loop here without touching what the parent watches. The
 * loop is not used again. */
void loop_close_after_fork(struct loop *l);

/* Starts watching fd (not owned) for `want`. LL_ERR_IO, LL_ERR_NOMEM. */
int loop_watch(struct loop *l, struct loop_watch *w, int fd, unsigned want, loop_io *io,
	void *ctx) CHECKED;
/* Changes what is wanted; cheap when nothing changes. */
void loop_want(struct loop *l, struct loop_watch *w, unsigned want);
/* Stops; must be called before the descriptor is closed. Inactive is accepted. */
void loop_unwatch(struct loop *l, struct loop_watch *w);

/* (Re)arms a timer to run once after ms. LL_ERR_NOMEM. */
int loop_timer_set(
	struct loop *l, struct loop_timer *t, int64_t ms, loop_expired *expired, void *ctx) CHECKED;
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* The time at which the present round of callbacks began, clock_ms. */
int64_t loop_now(const struct loop *l);

/* Called once at the end of every round, for work that is grouped (one write for many messages).
 * One per loop. */
void loop_at_round_end(struct loop *l, void (*fn)(void *ctx), void *ctx);

/* Runs until loop_stop or until nothing is left to wait for. 0, or LL_ERR_IO. */
int loop_run(struct loop *l) CHECKED;
/* One round, waiting at most ms. */
int loop_round(struct loop *l, int ms) CHECKED;
void loop_stop(struct loop *l);

#endif
