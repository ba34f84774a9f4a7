/* Supervision.
 *
 * Every role is started by fork and exec of this same binary. The pairs that may talk are the table
 * in ipc/pairs.c; when a process dies, its successor and all who talk to it get fresh sockets. The
 * parent reads nothing from strangers. */
#include "roles/parent.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "ipc/channel.h"
#include "ipc/pairs.h"
#include "keys/xwing.h"
#include "os/clock.h"
#include "os/config.h"
#include "os/loop.h"
#include "os/spawn.h"
#include "roles/boot_secret.h"
#include "roles/parent_priv.h"
#include "roles/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 30000
#define STABLE_MS 60000
#define STOP_MS 10000
#define FILE_MAX ((size_t)64 << 10)

struct parent ps = {
	.files = {{"web", "web.pack", ps.config.web, ROLE_FRONTEND, false, -1, 0},
		{"web-log", "web.log", ps.config.web_log, ROLE_FRONTEND, true, -1, 0},
		{"places", "places.bin", ps.config.places, ROLE_AUTH, false, -1, 0}},
};

static void child_start(struct child *c);

/* --- pairs --- */

struct child *
parent_child(enum role role, unsigned index)
{
	for (unsigned i = 0; i < ps.n_children; i++)
		if (ps.children[i].role == role && ps.children[i].index == index)
			return &ps.children[i];
	return NULL;
}

static void
give_peer(struct child *to, const struct child *peer, uint32_t link, int fd)
{
	(void)ipc_send_peer(to->channel,
		&(struct msg_peer){
			.role = (uint8_t)peer->role, .index = (uint8_t)peer->index, .link = link},
		fd);
}

void
parent_connect_pair(struct child *a, struct child *b)
{
	uint32_t link;
	int fds[2];

	if (!a->channel || !b->channel || ipc_socketpair(fds))
		return;
	link = parent_watch_linked(a, b);
	give_peer(a, b, link, fds[0]);
	give_peer(b, a, link, fds[1]);
	close(fds[0]);
	close(fds[1]);
}

static bool
may_talk(enum role a, enum role b)
{
	for (unsigned i = 0; i < n_ipc_pairs; i++)
		if ((ipc_pairs[i].from == a && ipc_pairs[i].to == b) ||
			(ipc_pairs[i].from == b && ipc_pairs[i].to == a))
			return true;
	return false;
}

static void
connect_all(struct child *c)
{
	for (unsigned i = 0; i < ps.n_children; i++)
		if (&ps.children[i] != c && ps.children[i].channel &&
			may_talk(c->role, ps.children[i].role))
			parent_connect_pair(c, &ps.children[i]);
}

/* --- set-up --- */

static void
send_secret(struct child *c, const char *name, struct slice value)
{
	(void)ipc_send_setup_secret(c->channel,
		&(struct msg_setup_secret){.name = slice_str(name), .value = value}, -1);
}

/* What a process needs of a file is read here, so that it need not open any. */
static void
send_file(struct child *c, const char *name, const char *path, bool secret)
{
	CLEANUP(buf_done) struct buf text = BUF_SECRET(FILE_MAX);
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *p = buf_room(&text, FILE_MAX);
	ssize_t n = fd >= 0 && p ? read(fd, p, FILE_MAX) : -1;

	if (n < 0) {
		log_error("file", "path=%s error=%s", log_quote(slice_str(path)),
			log_quote(slice_str(strerror(errno))));
		return;
	}
	buf_grow(&text, (size_t)n);
	if (secret)
		send_secret(c, name, buf_slice(&text));
	else
		(void)ipc_send_setup_data(c->channel,
			&(struct msg_setup_data){
				.name = slice_str(name), .value = buf_slice(&text)},
			-1);
}

/* Delivery seals to the queue; only relay can open what it sealed. */
static void
send_queue_key(struct child *c)
{
	uint8_t *seed = secret_alloc(XWING_SEED_LEN);
	struct xwing_key *key = NULL;

	if (seed && server_keys_queue(ps.boot_secret, seed) == LL_OK &&
		xwing_key_new(seed, &key) == LL_OK)
		(void)ipc_send_setup_data(c->channel,
			&(struct msg_setup_data){.name = S("queue-key"),
				.value = slice_new(xwing_key_public(key), XWING_PUBLIC_LEN)},
			-1);
	xwing_key_free(key);
	secret_free(seed, XWING_SEED_LEN);
}

/* Which process is handed which secret. */
static void
send_secrets(struct child *c)
{
	unsigned char bytes[SERVER_SECRET_MAX];

	for (unsigned i = 0; i < n_server_secrets; i++) {
		size_t n;
		if (!(server_secrets[i].roles & (1u << c->role)))
			continue;
		n = server_secrets[i].derive(ps.boot_secret, bytes);
		send_secret(c, server_secrets[i].name, slice_new(bytes, n));
	}
	sodium_memzero(bytes, sizeof(bytes));
	if (c->role == ROLE_TLSKEY)
		send_file(c, "tls-key", ps.config.key, true);
	if (c->role == ROLE_FRONTEND)
		send_file(c, "tls-certificate", ps.config.certificate, false);
	if (c->role == ROLE_DELIVERY)
		send_queue_key(c);
}

static void
send_listeners(struct child *c)
{
	for (unsigned i = 0; c->role == ROLE_FRONTEND && i < ps.config.n_listeners; i++)
		(void)ipc_send_setup_listener(c->channel,
			&(struct msg_setup_listener){
				.service = (uint8_t)ps.config.listeners[i].service},
			ps.listeners[i]);
}

/* --- children --- */

static void
on_restart(void *ctx)
{
	child_start(ctx);
}

static void
restart_later(struct child *c)
{
	if (ps.stopping)
		return;
	if (clock_ms() - c->started > STABLE_MS)
		c->backoff = 0;
	c->backoff = c->backoff ? MIN(c->backoff * 2, (int64_t)BACKOFF_MAX_MS) : BACKOFF_FIRST_MS;
	c->restarts++;
	if (loop_timer_set(ps.loop, &c->restart, c->restarts == 1 ? 0 : c->backoff, on_restart, c))
		log_error("restart", "role=%s error=memory", role_name(c->role));
}

static void
child_gone(void *ctx, struct ipc_channel *channel, int err)
{
	struct child *c = ctx;

	/* It is ending, or broke the protocol, or closed its socket in order to live on unseen.
	 * First this, so that it does not even learn that it was dropped. */
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
	ipc_free(channel);
	c->channel = NULL;
	c->ready = false;
}

static void
announce(void)
{
	for (unsigned i = 0; i < ps.n_children; i++)
		if (!ps.children[i].ready)
			return;
	if (!ps.announced)
		log_info("serving", "version=%s processes=%u", LETTERLOCK_VERSION,
			ps.n_children + 1);
	ps.announced = true;
}

static void
on_child_message(void *ctx, struct ipc_channel *channel, const struct msg *m, int fd)
{
	struct child *c = ctx;

	if (m->kind == MSG_KIND_READY) {
		c->ready = true;
		announce();
	} else if (m->kind == MSG_KIND_STATUS_REPLY) {
		parent_watch_answered(c);
		parent_status_reply(c, &m->status_reply);
	} else if (m->kind == MSG_KIND_PROCESSES_QUERY) {
		parent_processes_query(m->processes_query.id);
	} else if (m->kind == MSG_KIND_PEER_LOST) {
		parent_watch_lost(c, &m->peer_lost);
	}
}

static void
child_start(struct child *c)
{
	struct ipc_options o = {ROLE_PARENT, c->role, on_child_message, child_gone, c};
	int fds[2], log;

	if (ps.stopping)
		return;
	ipc_free(TAKE(c->channel));
	if (ipc_socketpair(fds))
		goto failed;
	log = parent_log_open(c);
	c->pid = log < 0 ? log : spawn_role(ps.binary, role_name(c->role), fds[1], log);
	fd_close(&log);
	close(fds[1]);
	c->started = clock_ms();
	c->asked = 0;
	if (c->pid < 0) {
		c->pid = 0;
		close(fds[0]);
		goto failed;
	}
	c->channel = ipc_new(ps.loop, fds[0], &o);
	if (!c->channel)
		goto failed;
	(void)ipc_send_setup_config(
		c->channel, &(struct msg_setup_config){.text = buf_slice(&ps.config_text)}, -1);
	send_secrets(c);
	send_listeners(c);
	parent_files_send(c);
	connect_all(c);
	(void)ipc_send_start(c->channel, &(struct msg_start){}, -1);
	return;
failed:
	log_error("spawn", "role=%s error=%s", role_name(c->role),
		log_quote(slice_str(strerror(errno))));
	restart_later(c);
}

static void
add_children(enum role role, unsigned n)
{
	for (unsigned i = 0; i < n && ps.n_children < CHILDREN_MAX; i++)
		ps.children[ps.n_children++] = (struct child){.role = role, .index = i};
}

/* --- stopping: those who face strangers first, the store last --- */

static void stop_next(void *ctx);

static bool
any_left(enum role role)
{
	for (unsigned i = 0; i < ps.n_children; i++)
		if (ps.children[i].role == role && ps.children[i].pid)
			return true;
	return false;
}

static void
stop_role(enum role role)
{
	for (unsigned i = 0; i < ps.n_children; i++)
		if (ps.children[i].role == role && ps.children[i].channel)
			(void)ipc_send_stop(ps.children[i].channel, &(struct msg_stop){}, -1);
}

static void
stop_go_on(void)
{
	while (ps.stopping_role > ROLE_PARENT && !any_left(ps.stopping_role)) {
		ps.stopping_role--;
		stop_role(ps.stopping_role);
	}
	if (ps.stopping_role == ROLE_PARENT)
		loop_stop(ps.loop);
	else if (loop_timer_set(ps.loop, &ps.stop_timer, STOP_MS, stop_next, NULL))
		loop_stop(ps.loop);
}

static void
stop_next(void *ctx)
{
	for (unsigned i = 0; i < ps.n_children; i++)
		if (ps.children[i].role == ps.stopping_role && ps.children[i].pid)
			kill(ps.children[i].pid, SIGKILL);
}

static void
reap(void)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		for (unsigned i = 0; i < ps.n_children; i++) {
			struct child *c = &ps.children[i];
			if (c->pid != pid)
				continue;
			c->pid = 0;
			c->ready = false;
			if (!ps.stopping)
				log_error("process-died",
					"role=%s index=%u pid=%d signal=%d status=%d",
					role_name(c->role), c->index, (int)pid,
					WIFSIGNALED(status) ? WTERMSIG(status) : 0,
					WIFEXITED(status) ? WEXITSTATUS(status) : 0);
			restart_later(c);
		}
	}
	if (ps.stopping)
		stop_go_on();
}

static void
on_signal(void *ctx, unsigned events)
{
	struct signalfd_siginfo si;

	while (read(ps.signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD) {
			reap();
			continue;
		}
		if (ps.stopping)
			continue;
		log_info("stopping", "signal=%u", si.ssi_signo);
		ps.stopping = true;
		ps.stopping_role = ROLES;
		stop_go_on();
	}
}

static int
open_log(void)
{
	int fd = parent_log_open(NULL);

	if (fd < 0)
		return fd;
	log_setup(fd, "parent", LOG_LEVEL_INFO);
	return LL_OK;
}

static int
open_world(void)
{
	sigset_t set;
	int r;

	if ((r = parent_bind_listeners()) || (r = open_log()))
		return r;
	parent_files_open();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ps.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ps.signals < 0)
		return LL_ERR_IO;
	return loop_watch(ps.loop, &ps.signal_watch, ps.signals, LOOP_READ, on_signal, NULL);
}

static int
load(const char *config_path)
{
	char error[256];
	ssize_t n = readlink("/proc/self/exe", ps.binary, sizeof(ps.binary) - 1);
	int r;

	ps.config_text = BUF_INIT(CONFIG_TEXT_MAX);
	r = n > 0 ? config_load(config_path, &ps.config, &ps.config_text, error, sizeof(error))
		  : LL_ERR_IO;
	if (r) {
		log_error("config", "file=%s error=%s", log_quote(slice_str(config_path)),
			log_quote(slice_str(error)));
		return r;
	}
	ps.boot_secret = secret_alloc(BOOT_SECRET_LEN);
	r = ps.boot_secret ? boot_secret_load(ps.config.boot_secret, ps.boot_secret) : LL_ERR_NOMEM;
	if (r)
		log_error("boot-secret", "source=%s error=%s",
			log_quote(slice_str(ps.config.boot_secret)),
			log_quote(slice_str(ll_strerror(r))));
	return r;
}

/* Secret memory counts as locked memory, and every session has some; thousands of sessions have one
 * user. */
static void
raise_limits(void)
{
	struct rlimit files, locked = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &locked) < 0)
		log_debug("limits", "memlock=unchanged");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

int
parent_serve(const char *config_path)
{
	long cores = MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L);

	log_setup(STDERR_FILENO, "parent", LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	umask(0077);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	raise_limits();
	ps.loop = loop_new();
	if (!ps.loop || sodium_init() < 0 || load(config_path) || open_world())
		return 1;
	for (unsigned r = ROLE_STORE; r < ROLES; r++) {
		uint32_t n = r == ROLE_FRONTEND ? ps.config.frontends
			: r == ROLE_DELIVERY	? ps.config.deliveries
						: 1;
		add_children(
			(enum role)r, MIN(n ? n : (unsigned)cores, (unsigned)ROLE_SERVERS_MAX));
	}
	for (unsigned i = 0; i < ps.n_children; i++)
		child_start(&ps.children[i]);
	parent_watch_start();
	if (parent_bind_control() || loop_run(ps.loop))
		return 1;
	unlink(ps.config.control);
	log_info("stopped", "version=%s", LETTERLOCK_VERSION);
	parent_log_drain();
	return 0;
}
