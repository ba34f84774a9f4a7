/* epoll for descriptors, a binary heap for timers. */
#include "os/loop.h"
#include "base/error.h"
#include "base/vec.h"
#include "os/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOOP_EVENTS 64

struct loop {
	int epfd;
	bool stop;
	size_t watches;
	int64_t now;
	VEC(struct loop_timer *) heap;
	/* Events of this round that are not delivered yet; a removed watch is taken out here. */
	struct epoll_event events[LOOP_EVENTS];
	int n_events;
	void (*round_end)(void *);
	void *round_ctx;
};

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->now = clock_ms();
	if (l->epfd >= 0)
		return l;
	free(l);
	return NULL;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->epfd);
	VEC_DONE(&l->heap);
	free(l);
}

void
loop_close_after_fork(struct loop *l)
{
	close(l->epfd);
}

static uint32_t
epoll_mask(unsigned want)
{
	return (want & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
		(want & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

int
loop_watch(struct loop *l, struct loop_watch *w, int fd, unsigned want, loop_io *io, void *ctx)
{
	struct epoll_event e = {.events = epoll_mask(want), .data.ptr = w};

	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &e) < 0)
		return LL_ERR_IO;
	*w = (struct loop_watch){.fd = fd, .want = want, .io = io, .ctx = ctx};
	l->watches++;
	return LL_OK;
}

void
loop_want(struct loop *l, struct loop_watch *w, unsigned want)
{
	struct epoll_event e = {.events = epoll_mask(want), .data.ptr = w};

	if (w->fd < 0 || w->want == want)
		return;
	w->want = want;
	(void)epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &e);
}

void
loop_unwatch(struct loop *l, struct loop_watch *w)
{
	if (w->fd < 0)
		return;
	(void)epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
	l->watches--;
	for (int i = 0; i < l->n_events; i++)
		if (l->events[i].data.ptr == w)
			l->events[i].data.ptr = NULL;
}

static void
heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap.at[i] = t;
	t->slot = i + 1;
}

static void
heap_up(struct loop *l, size_t i)
{
	struct loop_timer *t = l->heap.at[i];

	for (; i && l->heap.at[(i - 1) / 2]->at > t->at; i = (i - 1) / 2)
		heap_put(l, i, l->heap.at[(i - 1) / 2]);
	heap_put(l, i, t);
}

static void
heap_down(struct loop *l, size_t i)
{
	struct loop_timer *t = l->heap.at[i];

	for (size_t c; (c = 2 * i + 1) < l->heap.len; i = c) {
		if (c + 1 < l->heap.len && l->heap.at[c + 1]->at < l->heap.at[c]->at)
			c++;
		if (l->heap.at[c]->at >= t->at)
			break;
		heap_put(l, i, l->heap.at[c]);
	}
	heap_put(l, i, t);
}

void
loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	size_t i = t->slot - 1;
	struct loop_timer *last;

	if (!t->slot)
		return;
	t->slot = 0;
	last = l->heap.at[--l->heap.len];
	if (last == t)
		return;
	heap_put(l, i, last);
	heap_up(l, i);
	heap_down(l, last->slot - 1);
}

int
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t ms, loop_expired *expired, void *ctx)
{
	loop_timer_stop(l, t);
	*t = (struct loop_timer){.at = clock_ms() + ms, .expired = expired, .ctx = ctx};
	if (VEC_PUSH(&l->heap, t))
		return LL_ERR_NOMEM;
	heap_put(l, l->heap.len - 1, t);
	heap_up(l, l->heap.len - 1);
	return LL_OK;
}

int64_t
loop_now(const struct loop *l)
{
	return l->now;
}

void
loop_at_round_end(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->round_end = fn;
	l->round_ctx = ctx;
}

static void
run_timers(struct loop *l)
{
	while (l->heap.len && l->heap.at[0]->at <= l->now && !l->stop) {
		struct loop_timer *t = l->heap.at[0];
		loop_timer_stop(l, t);
		t->expired(t->ctx);
	}
}

static void
run_events(struct loop *l, int n)
{
	l->n_events = n;
	for (int i = 0; i < n && !l->stop; i++) {
		struct loop_watch *w = l->events[i].data.ptr;
		uint32_t e = l->events[i].events;
		unsigned got = (e & EPOLLIN ? LOOP_READ : 0u) | (e & EPOLLOUT ? LOOP_WRITE : 0u) |
			(e & (EPOLLERR | EPOLLHUP) ? LOOP_HANGUP : 0u);
		if (w && w->fd >= 0)
			w->io(w->ctx, got);
	}
	l->n_events = 0;
}

int
loop_round(struct loop *l, int ms)
{
	int64_t wait = l->heap.len ? MAX(l->heap.at[0]->at - clock_ms(), (int64_t)0) : -1;
	int n;

	if (ms >= 0 && (wait < 0 || wait > ms))
		wait = ms;
	n = epoll_wait(l->epfd, l->events, LOOP_EVENTS, (int)MIN(wait, (int64_t)INT32_MAX));
	if (n < 0 && errno != EINTR)
		return LL_ERR_IO;
	l->now = clock_ms();
	run_events(l, MAX(n, 0));
	run_timers(l);
	if (l->round_end)
		l->round_end(l->round_ctx);
	return LL_OK;
}

int
loop_run(struct loop *l)
{
	int r = LL_OK;

	l->stop = false;
	while (!l->stop && r == LL_OK && (l->watches || l->heap.len))
		r = loop_round(l, -1);
	return r;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}
