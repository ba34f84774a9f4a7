/* Sessions that send mail for their account: each has a channel of its own, which auth has bound to
 * the account and to a ticket. What comes over it is a submission like any other; and what was to
 * be held may be taken back. */
#include "base/error.h"
#include "base/map.h"
#include "roles/delivery.h"

#include <stdlib.h>
#include <string.h>

#define SUBMITTERS_MAX 8192
#define JOBS_EACH_MAX 8 /* messages of one session under way at once */

struct submitter {
	struct ipc_channel *channel;
	uint8_t account[RECORD_ID_LEN];
	uint8_t ticket[16];
};

/* A request to relay, on behalf of a session. */
struct cancel {
	struct ipc_channel *channel; /* NULL once the session is gone */
	uint64_t id; /* the session's */
};

static struct map *submitters; /* channel -> struct submitter */
static struct map *cancels; /* our id -> struct cancel */
static uint64_t next_cancel;

static struct submitter *
find(const struct ipc_channel *c)
{
	return submitters && c ? map_get(submitters, slice_new(&c, sizeof(c))) : NULL;
}

bool
submitter_may(const struct ipc_channel *c, const uint8_t ticket[16])
{
	const struct submitter *s = find(c);

	return s && memcmp(s->ticket, ticket, sizeof(s->ticket)) == 0;
}

int
submitter_account(const struct ipc_channel *c, uint8_t ret[RECORD_ID_LEN])
{
	const struct submitter *s = find(c);

	if (!s)
		return LL_ERR_CLOSED;
	memcpy(ret, s->account, RECORD_ID_LEN);
	return LL_OK;
}

static unsigned
jobs_of(const struct ipc_channel *c)
{
	size_t pos = 0;
	unsigned n = 0;
	void *value;

	while (map_next(dv.jobs, &pos, NULL, &value))
		n += ((struct job *)value)->asker == c;
	return n;
}

/* --- taking back --- */

static void
answer(struct ipc_channel *c, uint64_t id, int err)
{
	if (c)
		(void)ipc_send_held_cancelled(
			c, &(struct msg_held_cancelled){.id = id, .err = (uint8_t)-err}, -1);
}

static int
pass_on(const struct submitter *s, const struct msg_held_cancel *m)
{
	struct ipc_channel *relay = role_peer(dv.env, ROLE_RELAY, 0);
	struct msg_held_cancel out = {.id = ++next_cancel};
	struct cancel *k = relay ? calloc(1, sizeof(*k)) : NULL;
	int r;

	if (!k)
		return LL_ERR_CLOSED;
	*k = (struct cancel){s->channel, m->id};
	memcpy(out.account, s->account, sizeof(out.account));
	memcpy(out.hold, m->hold, sizeof(out.hold));
	r = map_set(cancels, slice_new(&out.id, sizeof(out.id)), k, NULL);
	if (r == LL_OK && (r = ipc_send_held_cancel(relay, &out, -1)))
		(void)map_del(cancels, slice_new(&out.id, sizeof(out.id)));
	if (r)
		free(k);
	return r;
}

void
submitter_cancelled(const struct msg_held_cancelled *m)
{
	struct cancel *k = cancels ? map_del(cancels, slice_new(&m->id, sizeof(m->id))) : NULL;

	if (k)
		answer(k->channel, k->id, -(int)m->err);
	free(k);
}

static void
cancel_lost(void *value)
{
	struct cancel *k = value;

	answer(k->channel, k->id, LL_ERR_CLOSED);
	free(k);
}

void
submitter_relay_lost(void)
{
	map_free(TAKE(cancels), cancel_lost);
	cancels = map_new();
}

/* --- channels --- */

static void
on_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	const struct submitter *s = ctx;
	int r;

	if (m->kind == MSG_KIND_DELIVER) {
		if (jobs_of(c) < JOBS_EACH_MAX)
			job_start(c, &m->deliver, fd);
		else
			(void)ipc_send_deliver_result(c,
				&(struct msg_deliver_result){.id = m->deliver.id, .code = 451}, -1);
	} else if (m->kind == MSG_KIND_HELD_CANCEL) {
		r = pass_on(s, &m->held_cancel);
		if (r)
			answer(c, m->held_cancel.id, r);
	}
	fd_close(&fd);
}

static void
submitter_free(struct submitter *s)
{
	size_t pos = 0;
	void *value;

	(void)map_del(submitters, slice_new(&s->channel, sizeof(s->channel)));
	while (cancels && map_next(cancels, &pos, NULL, &value))
		if (((struct cancel *)value)->channel == s->channel)
			((struct cancel *)value)->channel = NULL;
	job_lost(ROLE_SESSION, s->channel);
	ipc_free(s->channel);
	free(s);
}

static void
on_gone(void *ctx, struct ipc_channel *c, int err)
{
	submitter_free(ctx);
}

void
submitter_add(const struct msg_submitter *m, int fd)
{
	struct submitter *s = calloc(1, sizeof(*s));
	struct ipc_options o = {ROLE_DELIVERY, ROLE_SESSION, on_message, on_gone, s};

	if (!submitters)
		submitters = map_new();
	if (!cancels)
		cancels = map_new();
	if (!s || !submitters || !cancels || map_len(submitters) >= SUBMITTERS_MAX) {
		free(s);
		fd_close(&fd); /* the session sees it and does without */
		return;
	}
	memcpy(s->account, m->account, sizeof(s->account));
	memcpy(s->ticket, m->ticket, sizeof(s->ticket));
	s->channel = ipc_new(dv.env->loop, fd, &o);
	if (!s->channel ||
		map_set(submitters, slice_new(&s->channel, sizeof(s->channel)), s, NULL)) {
		ipc_free(s->channel);
		free(s);
	}
}
