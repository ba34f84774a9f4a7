/* What a session asks auth for in the middle of somebody's command: it waits for the answer, and
 * new connections wait with it. */
#include "roles/session_ask.h"
#include "base/error.h"
#include "os/clock.h"
#include "roles/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUTH_ANSWER_MS 30000

/* While an answer is waited for, in the middle of somebody's command, no connection is begun. */
struct deferred_conn {
	struct deferred_conn *next;
	uint8_t service, peer[16];
	int fd;
	size_t tag_len;
	uint8_t tag[1024];
};

static struct {
	struct session_ask_env env;
	bool waiting, answered;
	uint64_t id;
	int err;
	struct buf *text; /* where the answer has one */
	struct deferred_conn *deferred;
	struct loop_timer later;
} asking;

void
session_ask_start(const struct session_ask_env *env)
{
	asking.env = *env;
}

bool
session_ask_waits(void)
{
	return asking.waiting;
}

void
session_ask_defer(const struct msg_session_conn *m, int fd)
{
	struct deferred_conn *d = calloc(1, sizeof(*d)), **at = &asking.deferred;

	if (!d || m->tag.len > sizeof(d->tag) || m->peer.len != sizeof(d->peer)) {
		free(d);
		close(fd);
		return;
	}
	d->service = m->service;
	d->fd = fd;
	d->tag_len = m->tag.len;
	if (m->tag.len)
		memcpy(d->tag, m->tag.ptr, m->tag.len);
	memcpy(d->peer, m->peer.ptr, sizeof(d->peer));
	while (*at)
		at = &(*at)->next;
	*at = d;
}

static void
on_later(void *ctx)
{
	while (asking.deferred) {
		struct deferred_conn *d = asking.deferred;
		struct msg_session_conn m = {.service = d->service,
			.tag = slice_new(d->tag, d->tag_len),
			.peer = SLICE_OF(d->peer)};
		asking.deferred = d->next;
		asking.env.conn(&m, d->fd);
		free(d);
	}
}

static uint64_t
ask_begin(void)
{
	asking.answered = false;
	asking.waiting = true;
	return ++asking.id;
}

/* r: whether it was sent. */
static int
ask_end(int r)
{
	int64_t deadline = clock_ms() + AUTH_ANSWER_MS;

	while (r == LL_OK && !asking.answered)
		r = ipc_pump(asking.env.auth, deadline);
	asking.waiting = false;
	asking.text = NULL;
	if (asking.deferred && loop_timer_set(asking.env.loop, &asking.later, 0, on_later, NULL))
		session_give_up("memory");
	return r ? r : asking.err;
}

int
session_set_vacation(struct msg_session_vacation *m)
{
	m->id = ask_begin();
	return ask_end(ipc_send_session_vacation(asking.env.auth, m, -1));
}

int
session_set_push(struct slice list)
{
	struct msg_session_push_set m = {.id = ask_begin(), .list = list};

	return ask_end(ipc_send_session_push_set(asking.env.auth, &m, -1));
}

void
session_send_push(const uint8_t subscription[16], struct slice body)
{
	struct msg_session_push_send m = {.body = body};

	memcpy(m.subscription, subscription, sizeof(m.subscription));
	(void)ipc_send_session_push_send(asking.env.auth, &m, -1);
}

void
session_ask_answered(uint64_t id, uint8_t err)
{
	if (!asking.waiting || id != asking.id)
		return;
	asking.err = -(int)err;
	asking.answered = true;
}

int
session_own_addresses(struct buf *ret_lines)
{
	struct msg_session_own m = {.id = ask_begin()};

	asking.text = ret_lines;
	return ask_end(ipc_send_session_own(asking.env.auth, &m, -1));
}

void
session_ask_owned(const struct msg_session_owned *m)
{
	if (asking.waiting && m->id == asking.id && asking.text && !m->err)
		(void)buf_put(asking.text, m->lines);
	session_ask_answered(m->id, m->err);
}
