/* Destinations: so many connections to one domain at a time, and the next message over one that is
 * free already. */
#include "base/error.h"
#include "base/map.h"
#include "mail/domain.h"
#include "roles/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MAX 3

struct dest {
	char domain[256];
	struct attempt *waiting, **tail;
	unsigned conns, good;
};

static struct dest *
dest_get(struct slice address_domain)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(4096);
	struct slice domain;
	struct dest *d;

	if (domain_normal(&arena, address_domain, &domain))
		domain = address_domain; /* its route will say that it is none */
	d = map_get(rl.dests, domain);
	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	snprintf(d->domain, sizeof(d->domain), "%.*s", SLICE_ARG(domain));
	d->tail = &d->waiting;
	if (map_set(rl.dests, slice_str(d->domain), d, NULL) == LL_OK)
		return d;
	free(d);
	return NULL;
}

struct slice
relay_dest_domain(const struct dest *d)
{
	return slice_str(d->domain);
}

/* The message in a connection's hands is in memory. */
static bool
room_for(const struct attempt *a)
{
	return rl.loaded == 0 || rl.loaded + a->entry->e.size <= RELAY_LOADED_MAX;
}

struct attempt *
relay_dest_next(struct dest *d)
{
	struct attempt *a = d->waiting;

	if (!a || !room_for(a))
		return NULL;
	d->waiting = a->next;
	if (!d->waiting)
		d->tail = &d->waiting;
	a->next = NULL;
	a->held = a->entry->e.size;
	rl.loaded += a->held;
	return a;
}

static void
start_conns(struct dest *d)
{
	while (d->waiting && d->conns < RELAY_CONNS_PER_DOMAIN && rl.conns < RELAY_CONNS_MAX) {
		struct attempt *a = relay_dest_next(d);
		if (!a)
			return;
		d->conns++;
		rl.conns++;
		if (relay_conn_start(d, a) == LL_OK)
			continue;
		d->conns--;
		rl.conns--;
		relay_attempt_fail(a, false, "4.3.0", "out of memory", SLICE_NONE);
	}
}

static void
append(struct dest *d, struct attempt *a)
{
	a->next = NULL;
	*d->tail = a;
	d->tail = &a->next;
}

void
relay_dest_submit(struct attempt *a)
{
	struct dest *d = dest_get(a->domain);

	if (!d) {
		relay_attempt_fail(a, false, "4.3.0", "out of memory", SLICE_NONE);
		return;
	}
	append(d, a);
	if (!relay_conn_wake(d))
		start_conns(d);
}

void
relay_dest_good(struct dest *d, bool good)
{
	d->good += good ? 1u : -1u;
}

void
relay_dest_unreachable(struct dest *d, struct attempt *a, bool permanent, const char *status,
	const char *text, struct slice remote)
{
	struct attempt *rest = NULL;

	if (d->good && a->again < AGAIN_MAX) {
		a->again++;
		rl.loaded -= a->held;
		a->held = 0;
		append(d, a);
		return;
	}
	if (!d->good) {
		rest = TAKE(d->waiting);
		d->tail = &d->waiting;
	}
	relay_attempt_fail(a, permanent, status, text, remote);
	while (rest) {
		struct attempt *next = rest->next;
		relay_attempt_fail(rest, permanent, status, text, remote);
		rest = next;
	}
}

/* A place became free in all: somebody else's turn. The turn goes round, so that domains with long
 * queues leave room for the others. */
static void
start_others(void)
{
	static size_t turn;
	size_t left = map_len(rl.dests);
	void *value;

	for (; left; left--) {
		unsigned before = rl.conns;
		if (!map_next(rl.dests, &turn, NULL, &value)) {
			turn = 0;
			if (!map_next(rl.dests, &turn, NULL, &value))
				return;
		}
		start_conns(value);
		if (rl.conns != before)
			return; /* the map may have changed */
	}
}

void
relay_dest_conn_gone(struct dest *d)
{
	d->conns--;
	if (rl.conns-- == RELAY_CONNS_MAX)
		start_others();
	start_conns(d);
	if (!d->conns && !d->waiting)
		free(map_del(rl.dests, slice_str(d->domain)));
	start_others();
}
