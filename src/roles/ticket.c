/* Tickets: what a sign-in hands to the frontend, and what the frontend gives back to be joined to the
 * account's session. Each connection has one at most. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "roles/auth.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static struct map *holders; /* connection -> its ticket */

static struct slice
holder_key(uint8_t key[16], const struct ipc_channel *frontend, uint64_t conn)
{
	memcpy(key, &frontend, 8);
	memcpy(key + 8, &conn, 8);
	return slice_new(key, 16);
}

struct ticket *
ticket_find(const uint8_t id[16])
{
	return map_get(auth.tickets, slice_new(id, 16));
}

struct ticket *
ticket_new(struct ipc_channel *frontend, uint64_t conn)
{
	uint8_t key[16];
	struct ticket *t;

	holder_key(key, frontend, conn);
	if (!holders && !(holders = map_new()))
		return NULL;
	ticket_free(map_get(holders, SLICE_OF(key))); /* one for each connection */
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	randombytes_buf(t->id, sizeof(t->id));
	t->frontend = frontend;
	t->conn = conn;
	if (map_set(auth.tickets, SLICE_OF(t->id), t, NULL) == LL_OK &&
		map_set(holders, SLICE_OF(key), t, NULL) == LL_OK)
		return t;
	ticket_free(t);
	return NULL;
}

void
ticket_free(struct ticket *t)
{
	uint8_t key[16];

	if (!t)
		return;
	holder_key(key, t->frontend, t->conn);
	(void)map_del(holders, SLICE_OF(key));
	(void)map_del(auth.tickets, SLICE_OF(t->id));
	account_unlocked_free(t->unlocked);
	free(t);
}

void
ticket_revoke(struct ticket *t)
{
	struct msg_web_revoke m;

	memcpy(m.session, t->id, sizeof(m.session));
	if (t->frontend && ipc_send_web_revoke(t->frontend, &m, -1))
		log_warn("web-revoke", "error=not-sent");
	ticket_free(t);
}

void
ticket_forget(struct ipc_channel *frontend, uint64_t conn)
{
	uint8_t key[16];

	if (holders)
		ticket_free(map_get(holders, holder_key(key, frontend, conn)));
}

void
ticket_forget_all(struct ipc_channel *frontend)
{
	size_t pos = 0;
	void *value;

	while (map_next(auth.tickets, &pos, NULL, &value))
		if (((struct ticket *)value)->frontend == frontend)
			ticket_free(value);
}
