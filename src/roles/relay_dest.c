/* Destinations: so many connections to one domain at a time, and the next message over one that is
 * free already. */
#include "base/error.h"
#include "base/map.h"
#include "roles/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dest {
	char domain[256];
	struct attempt *waiting, **tail;
	unsigned conns;
};

static struct dest *
dest_get(struct slice domain)
{
	struct dest *d = map_get(rl.dests, domain);

	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	snprintf(d->domain, sizeof(d->domain), "%.*s", SLICE_ARG(domain));
	d->tail = &d->waiting;
	if (map_set(rl.dests, domain, d, NULL) == LL_OK)
		return d;
	free(d);
	return NULL;
}

struct slice
relay_dest_domain(const struct dest *d)
{
	return slice_str(d->domain);
}

static void
start_conns(struct dest *d)
{
	while (d->waiting && d->conns < RELAY_CONNS_PER_DOMAIN && rl.conns < RELAY_CONNS_MAX) {
		struct attempt *a = relay_dest_next(d);
		d->conns++;
		rl.conns++;
		if (relay_conn_start(d, a) == LL_OK)
			continue;
		d->conns--;
		rl.conns--;
		relay_attempt_fail(a, false, "4.3.0", "out of memory", SLICE_NONE);
	}
}

void
relay_dest_submit(struct attempt *a)
{
	struct dest *d = dest_get(a->domain);

	if (!d) {
		relay_attempt_fail(a, false, "4.3.0", "out of memory", SLICE_NONE);
		return;
	}
	a->next = NULL;
	*d->tail = a;
	d->tail = &a->next;
	start_conns(d);
}

struct attempt *
relay_dest_next(struct dest *d)
{
	struct attempt *a = d->waiting;

	if (!a)
		return NULL;
	d->waiting = a->next;
	if (!d->waiting)
		d->tail = &d->waiting;
	a->next = NULL;
	return a;
}

void
relay_dest_conn_gone(struct dest *d)
{
	size_t pos = 0;
	void *value;

	d->conns--;
	rl.conns--;
	start_conns(d);
	if (!d->conns && !d->waiting)
		free(map_del(rl.dests, slice_str(d->domain)));
	/* A place became free in all: others may have waited for it. */
	while (rl.conns < RELAY_CONNS_MAX && map_next(rl.dests, &pos, NULL, &value))
		if (((struct dest *)value)->waiting &&
			((struct dest *)value)->conns < RELAY_CONNS_PER_DOMAIN) {
			start_conns(value);
			break;
		}
}
