/* Connections to the mail servers that owners bring their mail over from: a session asks, lookup
 * connects, and the socket goes to the session that asked. Whoever could connect at will could use
 * this server against others, so every account has so many tries. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "os/clock.h"
#include "roles/auth.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MS 600000
#define PER_WINDOW 60u /* of one account */
#define ACCOUNTS_MAX 20000u
#define ASKED_MAX 500u /* of all, at once */

struct dialler {
	int64_t since; /* when the window began */
	unsigned tries;
};
struct asked {
	uint8_t account[RECORD_ID_LEN];
	uint64_t id; /* the session's */
};

static struct {
	struct map *diallers; /* account -> struct dialler */
	struct map *asked; /* id -> struct asked */
	uint64_t next_id;
} dl;

static bool
within_limits(const uint8_t account[RECORD_ID_LEN])
{
	struct slice key = slice_new(account, RECORD_ID_LEN);
	int64_t now = clock_ms();
	struct dialler *d;

	if (dl.diallers && map_len(dl.diallers) >= ACCOUNTS_MAX) /* all begin anew */
		map_free(TAKE(dl.diallers), free);
	if (!dl.diallers && !(dl.diallers = map_new()))
		return false;
	d = map_get(dl.diallers, key);
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d || map_set(dl.diallers, key, d, NULL)) {
			free(d);
			return false;
		}
		d->since = now;
	}
	if (now - d->since >= WINDOW_MS)
		*d = (struct dialler){.since = now};
	return d->tries++ < PER_WINDOW;
}

static void
tell(const struct asked *a, const struct msg_dialled *m, int fd)
{
	struct ipc_channel *session = session_channel(a->account);
	struct msg_dialled copy = *m;

	copy.id = a->id;
	if (session)
		(void)ipc_send_dialled(session, &copy, fd);
}

static int
ask_lookup(struct asked *a, const struct msg_dial *m)
{
	struct ipc_channel *lookup = role_peer(auth.env, ROLE_LOOKUP, 0);
	struct msg_dial copy = *m;
	int r;

	if (!dl.asked)
		dl.asked = map_new();
	if (!lookup || !dl.asked)
		return lookup ? LL_ERR_NOMEM : LL_ERR_AGAIN;
	if (map_len(dl.asked) >= ASKED_MAX)
		return LL_ERR_LIMIT;
	copy.id = ++dl.next_id;
	r = map_set(dl.asked, slice_new(&copy.id, sizeof(copy.id)), a, NULL);
	if (r)
		return r;
	r = ipc_send_dial(lookup, &copy, -1);
	if (r)
		(void)map_del(dl.asked, slice_new(&copy.id, sizeof(copy.id)));
	return r;
}

void
dial_ask(const uint8_t account[RECORD_ID_LEN], const struct msg_dial *m)
{
	struct asked *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return;
	memcpy(a->account, account, sizeof(a->account));
	a->id = m->id;
	r = within_limits(account) ? ask_lookup(a, m) : LL_ERR_LIMIT;
	if (!r)
		return;
	tell(a, &(struct msg_dialled){.err = (uint8_t)-r}, -1);
	free(a);
}

void
dial_answer(const struct msg_dialled *m, int fd)
{
	struct asked *a = dl.asked ? map_del(dl.asked, slice_new(&m->id, sizeof(m->id))) : NULL;

	if (a)
		tell(a, m, fd);
	fd_close(&fd);
	free(a);
}

void
dial_lost(void)
{
	const struct msg_dialled failed = {.err = (uint8_t)-LL_ERR_AGAIN};
	size_t pos = 0;
	void *value;

	while (dl.asked && map_next(dl.asked, &pos, NULL, &value))
		tell(value, &failed, -1);
	map_free(TAKE(dl.asked), free);
}
