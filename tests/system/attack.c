/* A role that has been taken over: the binary `letterlock-attack` is Letterlock with this file
 * linked around a few of its functions (meson.build has the list), so that the product itself has
 * no place for tests.
 *
 * A file beside the data directory, `<data>.attack`, names the role that turns hostile and, for a
 * session, the account it is after. That process first makes each attempt before its sandbox, in a
 * child of its own, to show that the attempt would work; then inside its sandbox, where the
 * refusing handler's exit is caught so that the next attempt can follow; then it sends its peers
 * messages it may not send and asks the store for what is not its own; at last it lets one refused
 * call really end it. Each outcome is a line of the log, which test_separation.py reads. With `log`
 * instead of an account it only floods the log, and then behaves; with `live` it only sends each
 * kind of peer a message it may not send, and then behaves. With `abuse` it sends messages that it
 * may send, and asks in them for what is not its business (attack_abuse.c); then it behaves, too.
 */
#include "attack_abuse.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "ipc/pairs.h"
#include "os/spawn.h"
#include "roles/role.h"
#include "roles/session.h"
#include "store/client.h"
#include "store/service.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRAPPED 1000
#define PEER_WAIT_MS 60000
#define PAGE 4096
#define BIT(r) (1u << (r))

int __real_config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size);
int __wrap_config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size);
int __real_sandbox_enter(const struct sandbox_profile *p, uint32_t uid);
int __wrap_sandbox_enter(const struct sandbox_profile *p, uint32_t uid);
int __real_sandbox_narrow(const struct sandbox_profile *p);
int __wrap_sandbox_narrow(const struct sandbox_profile *p);
int __real_ipc_send_ready(struct ipc_channel *c, const struct msg_ready *m, int fd);
int __wrap_ipc_send_ready(struct ipc_channel *c, const struct msg_ready *m, int fd);
struct ipc_channel *__real_ipc_new(struct loop *loop, int fd, const struct ipc_options *o);
struct ipc_channel *__wrap_ipc_new(struct loop *loop, int fd, const struct ipc_options *o);
struct store *__real_store_client_new(
	struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx);
struct store *__wrap_store_client_new(
	struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx);
void __real_session_out_open(const struct msg_session_out *m, int fd);
void __wrap_session_out_open(const struct msg_session_out *m, int fd);
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

static struct {
	struct config config;
	enum role role;
	pid_t parent;
	bool armed, is_session, session_only, started, at_parent, at_log, lives_on, abuses;
	unsigned peers_left; /* kinds of peers not yet attacked */
	bool *session_done; /* shared by all sessions: only the first attacks */
	struct store_id victim;
	char own_address[128], victim_address[128];
	struct ipc_channel *auth; /* of a session */
	sigjmp_buf back;
	volatile bool trying;
} at;

/* --- attempts: 0 or more when it worked, else -errno --- */

static long
result(long r)
{
	return r < 0 ? -errno : r;
}

static long
open_closing(const char *path, int flags)
{
	int fd = open(path, flags, 0600);
	long r = result(fd);

	if (fd >= 0)
		close(fd);
	return r;
}

static long
try_read_file(void)
{
	return open_closing("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long
try_read_boot_secret(void)
{
	return open_closing(at.config.boot_secret, O_RDONLY | O_CLOEXEC);
}

static long
try_read_tls_key(void)
{
	return open_closing(at.config.key, O_RDONLY | O_CLOEXEC);
}

static long
try_read_data(void)
{
	return open_closing(at.config.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static long
try_write_file(void)
{
	char path[600];
	long r;

	snprintf(path, sizeof(path), "%s.written-by-%d", at.config.data, (int)getpid());
	r = open_closing(path, O_WRONLY | O_CREAT | O_CLOEXEC);
	if (r >= 0)
		unlink(path);
	return r;
}

static long
try_own_memory(void)
{
	return open_closing("/proc/self/mem", O_RDWR | O_CLOEXEC);
}

static long
socket_closing(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	long r = result(fd);

	if (fd >= 0)
		close(fd);
	return r;
}

static long
try_socket_inet(void)
{
	return socket_closing(AF_INET, SOCK_STREAM);
}

static long
try_socket_unix(void)
{
	return socket_closing(AF_UNIX, SOCK_STREAM);
}

static long
try_socket_netlink(void)
{
	return socket_closing(AF_NETLINK, SOCK_RAW);
}

/* Our own first listener: something is there, and it is no port that any role needs. */
static long
try_connect(void)
{
	const struct config_listener *l = &at.config.listeners[0];
	CLEANUP(fd_close) int fd = socket(l->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno
		      : result(connect(fd, (const struct sockaddr *)&l->addr, l->addr_len));
}

static long
try_bind(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : result(bind(fd, (const struct sockaddr *)&in, sizeof(in)));
}

static long
try_listen(void)
{
	CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : result(listen(fd, 1));
}

static char *const nothing[] = {NULL};

static long
try_exec(void)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	return result(execve("/bin/true", argv, nothing));
}

static long
try_exec_memory(void)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};
	CLEANUP(fd_close) int fd = (int)syscall(SYS_memfd_create, "program", 0);
	static const char script[] = "#!/bin/true\n";

	if (fd < 0 || write(fd, script, sizeof(script) - 1) < 0)
		return -EIO;
	return result(syscall(SYS_execveat, fd, "", argv, nothing, 0x1000 /* AT_EMPTY_PATH */));
}

static long
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		__real__exit(0);
	return result(pid);
}

static long
try_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		__real__exit(0);
	return result(pid);
}

static long
try_unshare(void)
{
	return result(unshare(CLONE_NEWNS));
}

static long
try_ptrace(void)
{
	return result(ptrace(PTRACE_SEIZE, at.parent, NULL, NULL));
}

static long
try_read_parent(void)
{
	char to[16];
	struct iovec local = {to, sizeof(to)}, remote = {&at, sizeof(to)};

	return result(process_vm_readv(at.parent, &local, 1, &remote, 1, 0));
}

static long
try_kill(void)
{
	return result(kill(at.parent, 0));
}

static long
try_tgkill(void)
{
	return result(syscall(SYS_tgkill, at.parent, at.parent, 0));
}

static long
try_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, at.parent, 0);
	long r = result(fd);

	if (fd >= 0)
		close(fd);
	return r;
}

static long
try_become_root(void)
{
	return result(syscall(SYS_setresuid, 0, 0, 0));
}

static long
try_executable_memory(void)
{
	void *p = mmap(
		NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

static long
try_make_executable(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -EIO : result(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
}

static long
try_signal_handler(void)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};

	return result(sigaction(SIGSYS, &sa, NULL));
}

static long
try_dumpable(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static long
try_raise_limit(void)
{
	struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};

	return result(setrlimit(RLIMIT_CORE, &r));
}

static long
try_mount(void)
{
	return result(mount("none", "/mnt", "tmpfs", 0, ""));
}

static long
try_chroot(void)
{
	return result(chroot("/"));
}

static long
try_bpf(void)
{
	union bpf_attr a = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
	long r = result(fd);

	if (fd >= 0)
		close(fd);
	return r;
}

static long
try_io_uring(void)
{
	char params[256] = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 1, params);
	long r = result(fd);

	if (fd >= 0)
		close(fd);
	return r;
}

static long
try_terminal(void)
{
	int n;

	return result(ioctl(STDIN_FILENO, TIOCSTI, &n));
}

static long
try_keyring(void)
{
	return result(syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0, 0, 0));
}

#define NETWORK (BIT(ROLE_LOOKUP) | BIT(ROLE_RELAY))

/* never: for which roles the thing is their work and no attack. Where the same call cannot be shown
 * to work before (kernels and containers refuse some), control is false. */
static const struct attempt {
	const char *name;
	long (*try)(void);
	unsigned never;
	bool control;
} attempts[] = {
	{"read-file", try_read_file, 0, true},
	{"read-boot-secret", try_read_boot_secret, 0, true},
	{"read-tls-key", try_read_tls_key, 0, true},
	{"read-data", try_read_data, BIT(ROLE_STORE), true},
	{"write-file", try_write_file, 0, true},
	{"own-memory", try_own_memory, 0, true},
	{"socket-inet", try_socket_inet, NETWORK, true},
	{"socket-unix", try_socket_unix, 0, true},
	{"socket-netlink", try_socket_netlink, 0, true},
	{"connect", try_connect, 0, true},
	{"bind", try_bind, 0, true},
	{"listen", try_listen, 0, true},
	{"exec", try_exec, 0, true},
	{"exec-memory", try_exec_memory, 0, true},
	{"fork", try_fork, BIT(ROLE_SESSION), true},
	{"namespace", try_namespace, 0, false},
	{"unshare", try_unshare, 0, false},
	{"ptrace", try_ptrace, 0, false},
	{"read-parent", try_read_parent, 0, false},
	{"kill", try_kill, 0, true},
	{"tgkill", try_tgkill, 0, true},
	{"pidfd", try_pidfd, 0, true},
	{"become-root", try_become_root, 0, false},
	{"executable-memory", try_executable_memory, 0, true},
	{"make-executable", try_make_executable, 0, true},
	{"signal-handler", try_signal_handler, 0, true},
	{"dumpable", try_dumpable, BIT(ROLE_SESSION), true},
	{"raise-limit", try_raise_limit, 0, false},
	{"mount", try_mount, 0, false},
	{"chroot", try_chroot, 0, false},
	{"bpf", try_bpf, 0, false},
	{"io-uring", try_io_uring, 0, false},
	{"terminal", try_terminal, 0, false},
	{"keyring", try_keyring, 0, false},
};

static void
report(const char *stage, const char *name, long r)
{
	const char *role = at.is_session ? "session-of-account" : role_name(at.role);

	if (r == -TRAPPED)
		log_info("attack", "role=%s stage=%s name=%s outcome=trapped", role, stage, name);
	else if (r < 0)
		log_info("attack", "role=%s stage=%s name=%s outcome=%s", role, stage, name,
			strerrorname_np((int)-r));
	else
		log_info("attack", "role=%s stage=%s name=%s outcome=worked", role, stage, name);
}

/* The refusing handler of the sandbox ends the process with this status; while an attempt is made,
 * that is its outcome. */
void
__wrap__exit(int status)
{
	if (at.trying && status == 128 + SIGSYS)
		siglongjmp(at.back, 1);
	__real__exit(status);
}

static long
guarded(long (*try)(void))
{
	long r = -TRAPPED;

	if (sigsetjmp(at.back, 1) == 0) {
		at.trying = true;
		r = try();
	}
	at.trying = false;
	return r;
}

static void
try_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (at.is_session || !(attempts[i].never & BIT(at.role)))
			report("sandbox", attempts[i].name, guarded(attempts[i].try));
}

/* Each attempt in a child, outside of any sandbox. */
static void
try_controls(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		int status = 0;
		pid_t pid;

		if (!attempts[i].control)
			continue;
		pid = fork();
		if (pid == 0) {
			long r = attempts[i].try();
			__real__exit(r < 0 ? (int)-r : 0);
		}
		while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		report("control", attempts[i].name,
			WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO);
	}
}

/* --- messages --- */

#define ZERO(NAME, name, fd)                                                                       \
	static int zero_##name(struct buf *out)                                                    \
	{                                                                                          \
		return msg_##name##_encode(out, &(struct msg_##name){});                           \
	}
MSG_LIST(ZERO)

static const struct {
	int (*encode)(struct buf *out);
	int carries;
} kinds[] = {
#define KIND(NAME, name, fd) {zero_##name, fd},
	MSG_LIST(KIND)};

static int
send_raw(int sock, struct slice bytes, bool with_fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	int null = STDIN_FILENO;

	if (with_fd) {
		struct cmsghdr *h;
		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		h = CMSG_FIRSTHDR(&mh);
		*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(h), &null, sizeof(null));
	}
	return sendmsg(sock, &mh, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* 0 when the peer goes on with us, -EPIPE when it has closed the channel. */
static long
dropped(int sock)
{
	static uint8_t space[IPC_PACKET_MAX];
	struct pollfd p = {.fd = sock, .events = POLLIN};

	while (poll(&p, 1, PEER_WAIT_MS) > 0) {
		ssize_t n = recv(sock, space, sizeof(space), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return -EPIPE;
	}
	return 0;
}

/* Which forbidden kind goes to which peer changes with the pair, so that all roles together send
 * many. */
static void
send_forbidden(enum role self, enum role to, int sock)
{
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	enum msg_kind kind = (enum msg_kind)((self * 17u + to * 5u) % MSG_KINDS);
	char name[96];

	while (ipc_permitted(kind, self, to))
		kind = (enum msg_kind)((kind + 1u) % MSG_KINDS);
	snprintf(name, sizeof(name), "%s-to-%s", msg_name(kind), role_name(to));
	if (kinds[kind].encode(&packet) ||
		send_raw(sock, buf_slice(&packet), kinds[kind].carries == 1))
		return;
	report("message", name, dropped(sock));
}

/* --- the places it is linked around --- */

static void
read_orders(void)
{
	char path[CONFIG_VALUE_MAX + 16], text[512] = "", role[32] = "", victim[64] = "",
					  victim_id[40] = "";
	CLEANUP(buf_done) struct buf id = BUF_INIT(STORE_ID_LEN);
	FILE *f;

	snprintf(path, sizeof(path), "%s.attack", at.config.data);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(text, sizeof(text), f))
		sscanf(text, "%31s %63s %127s %127s %39s", role, victim, at.own_address,
			at.victim_address, victim_id);
	fclose(f);
	if (role_of(slice_str(role)) != at.role)
		return;
	unlink(path); /* the successor of this process behaves */
	at.at_log = strcmp(victim, "log") == 0;
	at.lives_on = strcmp(victim, "live") == 0;
	at.abuses = strcmp(victim, "abuse") == 0;
	at.armed = !at.at_log && !at.abuses;
	at.at_parent = strcmp(victim, "parent") == 0;
	if (!at.at_parent && victim[0] &&
		hex_decode(&id, slice_str(at.abuses ? victim_id : victim)) == LL_OK &&
		id.len == STORE_ID_LEN) {
		memcpy(at.victim.b, id.ptr, STORE_ID_LEN);
		at.session_only = !at.abuses;
	}
}

#define FLOOD_LINES 50000

/* Lines of its own, lines that would be another's, and one without end. */
static void
flood_log(void)
{
	static char endless[100000];
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	memset(endless, 'x', sizeof(endless) - 1);
	for (unsigned i = 0; i < FLOOD_LINES; i++) {
		char line[200];
		int n = snprintf(line, sizeof(line), "error %s flood n=%u %0100d\n",
			i % 2 ? "auth" : role_name(at.role), i, 0);
		while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1);
	}
	(void)!write(STDERR_FILENO, endless, sizeof(endless) - 1);
	(void)!write(STDERR_FILENO, "\n", 1);
}

int
__wrap_config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size)
{
	int r = __real_config_parse(text, ret, ret_error, error_size);

	if (r == LL_OK)
		at.config = *ret;
	return r;
}

int
__wrap_sandbox_enter(const struct sandbox_profile *p, uint32_t uid)
{
	int r;

	at.role = role_of(slice_str(p->name));
	at.parent = getppid();
	read_orders();
	if (at.armed) {
		at.session_done =
			mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (!at.lives_on)
			try_controls();
	}
	r = __real_sandbox_enter(p, uid);
	if (r == LL_OK && at.at_log)
		flood_log();
	if (r == LL_OK && at.armed && !at.session_only && !at.lives_on)
		try_all();
	return r;
}

int
__wrap_sandbox_narrow(const struct sandbox_profile *p)
{
	int r = __real_sandbox_narrow(p);

	at.is_session = true;
	if (r == LL_OK && at.session_only && !*at.session_done)
		try_all();
	return r;
}

/* --- once it serves: messages to one peer of each kind it has --- */

static void
attack_peer(enum role peer, int sock)
{
	if (!at.started || (at.peers_left & BIT(peer)) == 0)
		return;
	at.peers_left &= ~BIT(peer);
	send_forbidden(at.role, peer, sock);
	if (at.peers_left)
		return;
	if (at.at_parent)
		send_forbidden(at.role, ROLE_PARENT, SPAWN_PARENT_FD);
	if (!at.lives_on)
		(void)try_exec(); /* and this one ends it */
}

static void
abuse_peer(enum role peer, int sock)
{
	if (at.role == ROLE_FRONTEND && at.abuses && at.started)
		attack_abuse_peer(peer, sock, at.victim_address, report);
}

int
__wrap_ipc_send_ready(struct ipc_channel *c, const struct msg_ready *m, int fd)
{
	struct role_env *env = ipc_ctx(c);
	int r = __real_ipc_send_ready(c, m, fd);

	at.started = true;
	for (unsigned peer = 0; at.abuses && peer < ROLES; peer++)
		if (env->peers[peer][0])
			abuse_peer((enum role)peer, ipc_fd(env->peers[peer][0]));
	if (!at.armed || at.session_only)
		return r;
	for (unsigned i = 0; i < n_ipc_pairs; i++)
		if (ipc_pairs[i].from == at.role || ipc_pairs[i].to == at.role)
			at.peers_left |= BIT(
				ipc_pairs[i].from == at.role ? ipc_pairs[i].to : ipc_pairs[i].from);
	for (unsigned peer = 0; peer < ROLES; peer++)
		if (env->peers[peer][0])
			attack_peer((enum role)peer, ipc_fd(env->peers[peer][0]));
	return r;
}

/* Peers that start later come one by one. */
struct ipc_channel *
__wrap_ipc_new(struct loop *loop, int fd, const struct ipc_options *o)
{
	struct ipc_channel *c = __real_ipc_new(loop, fd, o);

	if (at.is_session && o->peer == ROLE_AUTH)
		at.auth = c;
	if (c && !at.is_session) {
		attack_peer(o->peer, fd);
		abuse_peer(o->peer, fd);
	}
	return c;
}

static int
any_row(void *ctx, struct slice key, struct slice value)
{
	++*(unsigned *)ctx;
	return LL_OK;
}

static void
report_store(const char *name, int err)
{
	report("store", name, err == LL_ERR_DENIED ? -EPERM : err < 0 ? -EIO : 0);
}

static void
ask_for_rows(
	struct store *s, const char *name, struct store_id id, struct slice from, struct slice to)
{
	unsigned rows = 0;
	bool more;

	report_store(name, store_range(s, id, from, to, 0, any_row, &rows, &more));
}

/* Another account's records and blobs, the server's own, and this account's keys. */
static void
ask_store(struct store *s)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	const struct store_op op = {.kind = STORE_PUT, .key = S("m/planted"), .value = S("x")};
	struct store_id blob = {{1}};
	struct store_stat st;

	report_store("victim-get", store_get(s, at.victim, S("m/x"), &value));
	ask_for_rows(s, "victim-rows", at.victim, S("m/"), S("m0"));
	report_store("victim-stat", store_stat(s, at.victim, &st));
	report_store("victim-write",
		store_commit_sync(
			s, &(struct store_commit){at.victim, STORE_ANY_VERSION, &op, 1, 0}, NULL));
	report_store("victim-blob", store_blob_read(s, at.victim, blob, 0, 1, &value));
	report_store("victim-watch", store_watch(s, at.victim, NULL, NULL));
	ask_for_rows(s, "directory-rows", store_directory, S("a"), SLICE_NONE);
	ask_for_rows(s, "queue-rows", store_queue, S("q/"), S("q0"));
}

struct store *
__wrap_store_client_new(struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx)
{
	struct store *s = __real_store_client_new(l, fd, self, lost, ctx);

	if (!s || !at.is_session || !at.session_only || *at.session_done)
		return s;
	*at.session_done = true;
	ask_store(s);
	send_forbidden(ROLE_SESSION, ROLE_STORE, fd);
	send_forbidden(ROLE_SESSION, ROLE_AUTH, ipc_fd(at.auth));
	return s;
}

/* A session that may send. The victim's own one behaves, but for a letter that it has held under an
 * id that everybody knows. */
void
__wrap_session_out_open(const struct msg_session_out *m, int fd)
{
	const struct attack_session who = {.ticket = m->ticket,
		.own = at.own_address,
		.victim = at.victim_address,
		.is_victim = memcmp(session_account_id(), at.victim.b, sizeof(at.victim.b)) == 0};

	if (at.abuses && at.is_session && at.auth)
		attack_abuse_session(&who, fd, ipc_fd(at.auth), report);
	__real_session_out_open(m, fd);
}
