/* What goes wrong without anybody dying: a process that hangs is ended, so that a successor can
 * take its place; a pair that lost its socket while both live on gets a new one. */
#include "base/log.h"
#include "ipc/pairs.h"
#include "os/clock.h"
#include "roles/parent_priv.h"

#include <signal.h>

#define ASK_EVERY_MS 5000
/* A process that was not ready yet may have much to do: the store reads what a crash left. */
#define START_FACTOR 10
/* Longer than it takes to notice that one of the two has died, which mends the pair by itself. It
 * also bounds what a process costs that keeps on breaking its channels. */
#define MEND_MS 500

/* The sockets between children a < b, by their places in the list. */
static struct {
	uint32_t number; /* of the socket pair now in use; 0: none was ever made */
	bool lost;
	int64_t since;
} links[CHILDREN_MAX][CHILDREN_MAX];
static uint32_t last_link;
static struct loop_timer ask_timer, mend_timer;

static void
ask(struct child *c)
{
	if (!c->channel || c->asked)
		return;
	c->asked = clock_ms();
	(void)ipc_send_status_query(
		c->channel, &(struct msg_status_query){.id = ++ps.status_id}, -1);
}

/* --- processes that hang --- */

static void
look_after(struct child *c)
{
	int64_t patience = (int64_t)ps.config.hang * 1000 * (c->ready ? 1 : START_FACTOR);

	if (!c->pid || !c->asked) {
		ask(c);
		return;
	}
	if (clock_ms() - c->asked < patience)
		return;
	log_error("process-hangs", "role=%s index=%u pid=%d silent=%lld", role_name(c->role),
		c->index, (int)c->pid, (long long)(clock_ms() - c->asked) / 1000);
	kill(c->pid, SIGKILL);
	c->asked = 0;
}

static void
ask_all(void *ctx)
{
	for (unsigned i = 0; i < ps.n_children && !ps.stopping; i++)
		look_after(&ps.children[i]);
	if (loop_timer_set(ps.loop, &ask_timer,
		    MIN((int64_t)ps.config.hang * 250, (int64_t)ASK_EVERY_MS), ask_all, NULL))
		log_error("watch", "error=memory");
}

void
parent_watch_start(void)
{
	if (ps.config.hang)
		ask_all(NULL);
}

void
parent_watch_answered(struct child *c)
{
	c->asked = 0;
	c->heard = clock_ms();
}

/* --- pairs that lost their socket --- */

static unsigned
place(const struct child *c)
{
	return (unsigned)(c - ps.children);
}

uint32_t
parent_watch_linked(const struct child *a, const struct child *b)
{
	unsigned x = MIN(place(a), place(b)), y = MAX(place(a), place(b));

	links[x][y].number = ++last_link;
	links[x][y].lost = false;
	return last_link;
}

/* Both must have answered since: a channel to one that hangs would only be waited for again. */
static bool
mend(unsigned x, unsigned y)
{
	struct child *a = &ps.children[x], *b = &ps.children[y];

	if (!links[x][y].lost || !a->channel || !b->channel)
		return false; /* one that starts anew is connected to all */
	if (a->heard <= links[x][y].since || b->heard <= links[x][y].since) {
		ask(a);
		ask(b);
		return true;
	}
	log_warn("pair-mended", "roles=%s,%s", role_name(a->role), role_name(b->role));
	parent_connect_pair(a, b);
	return false;
}

static void
mend_all(void *ctx)
{
	bool left = false;

	for (unsigned x = 0; x < ps.n_children; x++)
		for (unsigned y = x + 1; y < ps.n_children; y++)
			left = mend(x, y) || left;
	if (left && loop_timer_set(ps.loop, &mend_timer, MEND_MS, mend_all, NULL))
		log_error("watch", "error=memory");
}

/* The first of the two to say so counts: the second one's word is of a socket already replaced. */
void
parent_watch_lost(struct child *c, const struct msg_peer_lost *m)
{
	struct child *peer = m->role < ROLES ? parent_child((enum role)m->role, m->index) : NULL;
	unsigned x, y;

	if (!peer || peer == c || ps.stopping)
		return;
	x = MIN(place(c), place(peer));
	y = MAX(place(c), place(peer));
	if (!m->link || links[x][y].number != m->link || links[x][y].lost)
		return;
	links[x][y].lost = true;
	links[x][y].since = clock_ms();
	if (!mend_timer.slot && loop_timer_set(ps.loop, &mend_timer, MEND_MS, mend_all, NULL))
		log_error("watch", "error=memory");
}
