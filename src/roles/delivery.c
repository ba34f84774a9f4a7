/* Delivery: reads one message at a time from strangers, with neither keys nor disk nor network.
 * What it makes can be opened by the recipients only, since it knows nothing but their public keys.
 */
#include "roles/delivery.h"
#include "base/error.h"
#include "base/map.h"
#include "store/client.h"

#include <sodium.h>
#include <string.h>

struct delivery_role dv;

/* Several messages are under way at once, each with a copy or two of its own length; what does not
 * fit is a 451. */
#define MEMORY ((uint64_t)1 << 30)
#define MEMORY_MESSAGES 8

static void
delivery_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	ret->calls = SANDBOX_PASS_FDS;
	ret->max_files = 16384;
	ret->max_memory = MEMORY + MEMORY_MESSAGES * env->config.message_size;
}

static void
use_store(struct ipc_channel *c)
{
	struct store *old = dv.store;

	dv.store = c ? store_client_over(dv.env->loop, c) : NULL;
	if (!old)
		return;
	store_client_closed(old);
	store_free(old);
}

static int
delivery_start(struct role_env *env)
{
	struct slice key = role_data(env, "queue-key");

	dv.env = env;
	/* Late answers to a predecessor of this process must find nobody. */
	randombytes_buf(&dv.next_job, sizeof(dv.next_job));
	dv.next_job >>= 17;
	dv.jobs = map_new();
	dv.senders = map_new();
	if (key.len != sizeof(dv.queue_key) || !dv.jobs || !dv.senders)
		return LL_ERR_STATE;
	memcpy(dv.queue_key, key.ptr, key.len);
	return LL_OK;
}

static int
delivery_begin(struct role_env *env)
{
	use_store(role_peer(env, ROLE_STORE, 0));
	return LL_OK;
}

static void
delivery_peer(
	struct role_env *env, enum role role, unsigned index, struct ipc_channel *c, bool gone)
{
	if (role == ROLE_STORE)
		use_store(gone ? NULL : c);
	else if (gone)
		job_lost(role, c);
	if (gone && role == ROLE_RELAY)
		submitter_relay_lost();
	if (gone && role == ROLE_AUTH)
		vacation_lost();
}

static void
on_deliver(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	job_start(c, &m->deliver, fd);
	fd_close(&fd);
}

static void
on_resolved(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	job_resolved(&m->resolved);
}

static void
on_ticket(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	job_ticket(&m->ticket_reply);
}

static void
on_dns(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	job_dns(&m->dns_answer);
}

static void
on_store(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	if (dv.store)
		(void)store_client_message(dv.store, m, fd);
	fd_close(&fd);
}

static void
on_submitter(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	submitter_add(&m->submitter, fd);
}

static void
on_cancelled(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	submitter_cancelled(&m->held_cancelled);
}

static void
on_vacation(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	vacation_reply(&m->vacation_reply);
}

static void
delivery_count(struct role_env *env, struct buf *out)
{
	buf_printf(out, "accepted=%llu\ndeferred=%llu\nrefused=%llu\nqueued=%llu\njobs=%zu\n",
		dv.accepted, dv.deferred, dv.refused, dv.queued, map_len(dv.jobs));
}

static const struct role_message messages[] = {
	{MSG_KIND_DELIVER, on_deliver},
	{MSG_KIND_RESOLVED, on_resolved},
	{MSG_KIND_TICKET_REPLY, on_ticket},
	{MSG_KIND_DNS_ANSWER, on_dns},
	{MSG_KIND_VACATION_REPLY, on_vacation},
	{MSG_KIND_SUBMITTER, on_submitter},
	{MSG_KIND_HELD_CANCELLED, on_cancelled},
	{MSG_KIND_ST_COMMITTED, on_store},
	{MSG_KIND_ST_VALUE, on_store},
};

const struct role_def role_delivery = {
	.role = ROLE_DELIVERY,
	.profile = delivery_profile,
	.start = delivery_start,
	.begin = delivery_begin,
	.peer = delivery_peer,
	.counters = delivery_count,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
