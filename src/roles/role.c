/* Set-up by the parent, the sandbox, the loop: the same for every role. */
#include "roles/role.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "ipc/pairs.h"
#include "keys/suites.h"
#include "os/memfile.h"
#include "os/spawn.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void on_peer_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd);
static void on_peer_gone(void *ctx, struct ipc_channel *c, int err);

struct slice
role_secret(const struct role_env *env, const char *name)
{
	for (unsigned i = 0; i < env->n_secrets; i++)
		if (strcmp(env->secrets[i].name, name) == 0)
			return slice_new(env->secrets[i].bytes, env->secrets[i].len);
	return SLICE_NONE;
}

struct slice
role_data(const struct role_env *env, const char *name)
{
	for (unsigned i = 0; i < env->n_data; i++)
		if (strcmp(env->data[i].name, name) == 0)
			return buf_slice(&env->data[i].value);
	return SLICE_NONE;
}

struct slice
role_file(const struct role_env *env, const char *name)
{
	for (unsigned i = 0; i < env->n_files; i++)
		if (strcmp(env->files[i].name, name) == 0)
			return slice_new(env->files[i].ptr, env->files[i].len);
	return SLICE_NONE;
}

void
role_forget(struct role_env *env)
{
	for (unsigned i = 0; i < env->n_secrets; i++)
		secret_free(env->secrets[i].bytes, env->secrets[i].size);
	env->n_secrets = 0;
}

struct ipc_channel *
role_peer(struct role_env *env, enum role role, unsigned turn)
{
	struct ipc_channel *there[ROLE_PEERS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < ROLE_PEERS_MAX; i++)
		if (env->peers[role][i])
			there[n++] = env->peers[role][i];
	return n ? there[turn % n] : NULL;
}

static void __attribute__((noreturn)) fatal(const char *what, int err)
{
	log_error("fatal", "step=%s error=%s", what, log_quote(slice_str(ll_strerror(err))));
	exit(1);
}

static void
on_config(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	char error[256];

	if (config_parse(m->setup_config.text, &env->config, error, sizeof(error)))
		fatal("config", LL_ERR_SYNTAX);
}

static void
on_secret(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct role_secret *s = &env->secrets[env->n_secrets];
	struct slice name = m->setup_secret.name, value = m->setup_secret.value;

	if (env->n_secrets == ROLE_SECRETS_MAX || name.len >= sizeof(s->name) ||
		value.len > SECRET_MAX)
		fatal("secret", LL_ERR_LIMIT);
	s->bytes = secret_alloc(value.len);
	if (!s->bytes)
		fatal("secret", LL_ERR_NOMEM);
	memcpy(s->name, name.ptr, name.len);
	memcpy(s->bytes, value.ptr, value.len);
	s->len = s->size = value.len;
	env->n_secrets++;
	/* The copy in the receiving buffer. */
	secret_wipe((void *)(uintptr_t)value.ptr, value.len);
}

static void
on_data(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct role_data *d = &env->data[env->n_data];
	struct slice name = m->setup_data.name;

	if (env->n_data == ROLE_SECRETS_MAX || name.len >= sizeof(d->name))
		fatal("data", LL_ERR_LIMIT);
	memcpy(d->name, name.ptr, name.len);
	d->value = BUF_INIT(IPC_PAYLOAD_MAX);
	if (buf_put(&d->value, m->setup_data.value))
		fatal("data", LL_ERR_NOMEM);
	env->n_data++;
}

static void
on_file(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	CLEANUP(fd_close) int file = fd;
	struct slice name = m->setup_file.name;
	struct role_file *f;
	void *p = MAP_FAILED;

	if (env->n_files < ROLE_FILES_MAX && name.len < sizeof(env->files->name) &&
		m->setup_file.len <= SIZE_MAX / 2 &&
		memfile_check(file, m->setup_file.len, true) == LL_OK)
		p = mmap(NULL, (size_t)m->setup_file.len, PROT_READ, MAP_PRIVATE, file, 0);
	if (p == MAP_FAILED)
		fatal("file", LL_ERR_DENIED);
	f = &env->files[env->n_files++];
	memcpy(f->name, name.ptr, name.len);
	f->ptr = p;
	f->len = (size_t)m->setup_file.len;
}

static void
on_listener(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	if (env->n_listeners == ROLE_LISTENERS_MAX)
		fatal("listener", LL_ERR_LIMIT);
	env->listeners[env->n_listeners++] = (struct role_listener){
		(enum service)m->setup_listener.service, m->setup_listener.port, fd};
}

/* The role learns of it before the channel goes. */
static void
drop_peer(struct role_env *env, enum role role, unsigned index)
{
	struct ipc_channel *c = env->peers[role][index];

	env->peers[role][index] = NULL;
	if (env->started && env->def->peer)
		env->def->peer(env, role, index, c, true);
	ipc_free(c);
}

static void
on_peer(struct role_env *env, struct ipc_channel *parent, const struct msg *m, int fd)
{
	enum role role = (enum role)m->peer.role;
	unsigned index = m->peer.index;
	struct ipc_options o = {env->def->role, role, on_peer_message, on_peer_gone, env};
	struct ipc_channel *c;

	if (role >= ROLES || index >= ROLE_PEERS_MAX || !(c = ipc_new(env->loop, fd, &o)))
		fatal("peer", LL_ERR_LIMIT);
	if (env->peers[role][index]) /* its end has not been read yet, and now never will be */
		drop_peer(env, role, index);
	env->peers[role][index] = c;
	env->links[role][index] = m->peer.link;
	if (env->started && env->def->peer)
		env->def->peer(env, role, index, c, false);
}

static void
on_start(struct role_env *env, struct ipc_channel *parent, const struct msg *m, int fd)
{
	struct sandbox_profile profile = {.name = role_name(env->def->role), .max_files = 1024};
	int r;

	env->def->profile(env, &profile);
	if (env->def->start && (r = env->def->start(env)))
		fatal("start", r);
	r = sandbox_enter(&profile,
		env->config.user_base ? env->config.user_base + (uint32_t)env->def->role : 0);
	if (r)
		fatal("sandbox", r);
	env->started = true;
	if (env->def->begin && (r = env->def->begin(env)))
		fatal("begin", r);
	(void)ipc_send_ready(parent, &(struct msg_ready){}, -1);
}

static void
on_stop(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	if (env->def->stop)
		env->def->stop(env);
	loop_stop(env->loop);
}

static void
on_status(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	CLEANUP(buf_done) struct buf counters = BUF_INIT(4096);

	if (env->def->counters)
		env->def->counters(env, &counters);
	(void)ipc_send_status_reply(c,
		&(struct msg_status_reply){.id = m->status_query.id,
			.sandbox = slice_str(sandbox_level()),
			.secrets = slice_str(secret_kind()),
			.counters = buf_slice(&counters)},
		-1);
}

static const struct role_message parent_messages[] = {
	{MSG_KIND_SETUP_CONFIG, on_config},
	{MSG_KIND_SETUP_SECRET, on_secret},
	{MSG_KIND_SETUP_DATA, on_data},
	{MSG_KIND_SETUP_LISTENER, on_listener},
	{MSG_KIND_SETUP_FILE, on_file},
	{MSG_KIND_PEER, on_peer},
	{MSG_KIND_START, on_start},
	{MSG_KIND_STOP, on_stop},
	{MSG_KIND_STATUS_QUERY, on_status},
};

static bool
dispatch(const struct role_message *table, size_t n, struct role_env *env, struct ipc_channel *c,
	const struct msg *m, int fd)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].kind != m->kind)
			continue;
		table[i].handle(env, c, m, fd);
		return true;
	}
	return false;
}

static void
on_peer_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	static unsigned long long unexpected;
	struct role_env *env = ctx;

	if (env->started && dispatch(env->def->messages, env->def->n_messages, env, c, m, fd))
		return;
	/* A peer may send as many as it likes, but not make this process's own lines too many. */
	unexpected++;
	if ((unexpected & (unexpected - 1)) == 0)
		log_error(
			"unexpected-message", "kind=%s count=%llu", msg_name(m->kind), unexpected);
	fd_close(&fd);
}

static void
on_parent_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct role_env *env = ctx;

	if (!dispatch(parent_messages, ARRAY_SIZE(parent_messages), env, c, m, fd))
		on_peer_message(ctx, c, m, fd);
}

/* A peer that is gone comes again as a new socket from the parent: when its successor starts, or,
 * when only the socket ended, because the parent is told. */
static void
on_peer_gone(void *ctx, struct ipc_channel *c, int err)
{
	struct role_env *env = ctx;

	for (unsigned r = 0; r < ROLES; r++)
		for (unsigned i = 0; i < ROLE_PEERS_MAX; i++)
			if (env->peers[r][i] == c) {
				struct msg_peer_lost m = {(uint8_t)r, (uint8_t)i, env->links[r][i]};
				drop_peer(env, (enum role)r, i);
				(void)ipc_send_peer_lost(env->parent, &m, -1);
				return;
			}
}

static void
on_parent_gone(void *ctx, struct ipc_channel *c, int err)
{
	exit(0); /* without its parent no role lives on */
}

int
role_main(const struct role_def *def)
{
	struct role_env *env = calloc(1, sizeof(*env));
	struct ipc_options o = {def->role, ROLE_PARENT, on_parent_message, on_parent_gone, env};

	log_setup(STDERR_FILENO, role_name(def->role), LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	/* No configuration file of OpenSSL: it would be read inside the sandbox, and could load
	 * code. */
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	tzset(); /* the C library opens the zone file at the first use */
	if (!env || sodium_init() < 0 || suites_init())
		return 1;
	env->def = def;
	env->loop = loop_new();
	env->parent = env->loop ? ipc_new(env->loop, SPAWN_PARENT_FD, &o) : NULL;
	if (!env->parent)
		return 1;
	return loop_run(env->loop) ? 1 : 0;
}
