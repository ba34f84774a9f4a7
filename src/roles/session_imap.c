/* The IMAP connections of a session: what the frontend hands over once somebody has signed in. */
#include "roles/session_imap.h"
#include "os/stream.h"
#include "roles/session.h"

#include <stdlib.h>
#include <unistd.h>

#define SESSION_QUEUE_HIGH ((size_t)1 << 20)

struct session_conn {
	struct session_conn *next;
	struct stream *stream;
	struct imap_conn *imap;
	bool woken, finished, dead;
};

static struct {
	struct imap_env env; /* its account is NULL while this one is locked */
	struct session_conn *conns;
	struct loop_timer wake;
} im;

static void wake(void *ctx, struct imap_conn *imap);

bool
session_imap_bury(void)
{
	struct session_conn **at = &im.conns;
	bool last = false;

	while (*at) {
		struct session_conn *c = *at;
		if (!c->dead) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		imap_conn_free(c->imap);
		stream_free(c->stream);
		free(c);
		last = !im.conns;
	}
	return last;
}

/* Lets the dialogue work and sends what it says, as long as the far end takes it. */
static void
run(struct session_conn *c)
{
	enum imap_conn_wants wants = IMAP_CONN_DRAIN;
	size_t most = SESSION_QUEUE_HIGH;

	while (!c->dead && !c->finished && wants == IMAP_CONN_DRAIN &&
		stream_queued(c->stream) < most) {
		struct slice out;
		wants = imap_conn_run(c->imap);
		while ((out = imap_conn_output(c->imap)).len) {
			if (stream_send(c->stream, out))
				c->dead = true;
			imap_conn_sent(c->imap, out.len);
		}
		most = 1; /* what the socket does not take would only be copied */
	}
	if (wants == IMAP_CONN_AGAIN)
		wake(NULL, c->imap);
	if (wants == IMAP_CONN_CLOSE && !c->finished) {
		c->finished = true;
		stream_finish(c->stream);
	}
	if (!c->finished && !c->dead && wants == IMAP_CONN_INPUT && imap_conn_wants_input(c->imap))
		stream_resume(c->stream);
	session_active();
}

static size_t
on_input(void *ctx, struct slice in)
{
	struct session_conn *c = ctx;

	if (c->dead || c->finished)
		return in.len;
	if (!imap_conn_wants_input(c->imap)) {
		stream_pause(c->stream);
		return 0;
	}
	session_look();
	if (imap_conn_input(c->imap, in))
		c->dead = true;
	else
		run(c);
	return in.len;
}

static void
on_drained(void *ctx)
{
	run(ctx);
}

static void
on_closed(void *ctx, int err)
{
	struct session_conn *c = ctx;

	c->dead = true;
}

static const struct stream_ops stream_ops = {on_input, on_drained, NULL, on_closed};

static void
on_wake(void *ctx)
{
	for (struct session_conn *c = im.conns; c; c = c->next) {
		if (!c->woken)
			continue;
		c->woken = false;
		run(c);
	}
}

static void
wake(void *ctx, struct imap_conn *imap)
{
	for (struct session_conn *c = im.conns; c; c = c->next)
		if (c->imap == imap)
			c->woken = true;
	if (!im.wake.slot && loop_timer_set(session_loop(), &im.wake, 0, on_wake, NULL))
		session_give_up("memory");
}

void
session_imap_start(const struct imap_env *env)
{
	im.env = *env;
	im.env.wake = wake;
}

bool
session_imap_conn(struct slice tag, int fd)
{
	struct imap_handover h = {.tag = tag};
	struct session_conn *c = im.env.account ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		close(fd);
		return false;
	}
	c->stream = stream_new(session_loop(), fd, &stream_ops, c);
	c->imap = c->stream ? imap_conn_new(&im.env, &h) : NULL;
	if (!c->imap) {
		stream_free(c->stream);
		free(c);
		return false;
	}
	c->next = im.conns;
	im.conns = c;
	run(c);
	return true;
}

void
session_imap_bye(const char *why)
{
	for (struct session_conn *c = im.conns; c; c = c->next) {
		imap_conn_bye(c->imap, why);
		run(c);
	}
}

bool
session_imap_conns(void)
{
	return im.conns != NULL;
}

bool
session_imap_idling(void)
{
	for (struct session_conn *c = im.conns; c; c = c->next)
		if (imap_conn_idling(c->imap))
			return true;
	return false;
}
