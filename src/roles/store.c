/* The store process: the only one that touches the data directory. It sees sealed records, sealed
 * blobs and sizes. */
#include "base/error.h"
#include "base/log.h"
#include "roles/role.h"
#include "store/embedded.h"
#include "store/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	struct store *engine;
	struct store_service *service;
	struct store_peer *peers[ROLES][ROLE_PEERS_MAX];
	struct loop_watch done;
	struct sandbox_path paths[2];
} st;

static void
store_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	st.paths[0] = (struct sandbox_path){".", true};
	ret->paths = st.paths;
	ret->calls = SANDBOX_FILES | SANDBOX_THREADS | SANDBOX_PASS_FDS;
	ret->max_files = 65536;
}

/* The directory belongs to the store's user. It becomes the current one while the process may still
 * go everywhere: those above it may be closed to that user, as a home directory is. */
static int
store_start(struct role_env *env)
{
	uid_t uid = env->config.user_base + (uid_t)ROLE_STORE;

	if (mkdir(env->config.data, 0700) < 0 && errno != EEXIST)
		return LL_ERR_IO;
	if (geteuid() == 0 && chown(env->config.data, uid, uid) < 0)
		return LL_ERR_IO;
	return chdir(env->config.data) < 0 ? LL_ERR_IO : LL_OK;
}

static void
store_ready(void *ctx, unsigned events)
{
	int r = store_embedded_run(st.engine);

	if (r == LL_OK)
		return;
	/* What was not acknowledged is not there; what the disk now holds only a fresh start can
	 * tell. */
	log_error("store-failed", "error=%s", log_quote(slice_str(ll_strerror(r))));
	_exit(1);
}

static void
store_peer_change(
	struct role_env *env, enum role role, unsigned index, struct ipc_channel *c, bool gone)
{
	if (st.peers[role][index])
		store_service_forget(st.service, st.peers[role][index]);
	st.peers[role][index] = !gone ? store_service_peer(st.service, c, role, NULL) : NULL;
}

/* The engine's threads start inside the sandbox, so that it holds for them too. */
static int
store_begin(struct role_env *env)
{
	CLEANUP(buf_done) struct buf why = BUF_INIT(1024);
	int r = store_embedded_open(".", &(struct store_embedded_options){.why = &why}, &st.engine);

	if (r) {
		log_error("store-open", "reason=%s", log_quote(buf_slice(&why)));
		return r;
	}
	st.service = store_service_new(env->loop, st.engine);
	if (!st.service)
		return LL_ERR_NOMEM;
	for (unsigned role = 0; role < ROLES; role++)
		for (unsigned i = 0; i < ROLE_PEERS_MAX; i++)
			if (env->peers[role][i])
				store_peer_change(
					env, (enum role)role, i, env->peers[role][i], false);
	return loop_watch(
		env->loop, &st.done, store_embedded_fd(st.engine), LOOP_READ, store_ready, NULL);
}

static void
store_message(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	for (unsigned role = 0; role < ROLES; role++)
		for (unsigned i = 0; i < ROLE_PEERS_MAX; i++)
			if (env->peers[role][i] == c && st.peers[role][i] &&
				store_service_handle(st.service, st.peers[role][i], m, fd))
				return;
	fd_close(&fd);
}

static void
store_counters(struct role_env *env, struct buf *out)
{
	store_service_counters(st.service, out);
}

static void
store_stop(struct role_env *env)
{
	loop_unwatch(env->loop, &st.done);
	store_free(st.engine);
	_exit(0);
}

static const struct role_message messages[] = {
	{MSG_KIND_ST_GET, store_message},
	{MSG_KIND_ST_RANGE, store_message},
	{MSG_KIND_ST_STAT, store_message},
	{MSG_KIND_ST_COMMIT, store_message},
	{MSG_KIND_ST_BLOB_PUT, store_message},
	{MSG_KIND_ST_BLOB_READ, store_message},
	{MSG_KIND_ST_BLOB_SIZE, store_message},
	{MSG_KIND_ST_WINDOW, store_message},
	{MSG_KIND_ST_WATCH, store_message},
	{MSG_KIND_ST_UNWATCH, store_message},
	{MSG_KIND_ST_DROP, store_message},
	{MSG_KIND_ST_OPEN, store_message},
};

const struct role_def role_store = {
	.role = ROLE_STORE,
	.profile = store_profile,
	.start = store_start,
	.begin = store_begin,
	.peer = store_peer_change,
	.counters = store_counters,
	.stop = store_stop,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
