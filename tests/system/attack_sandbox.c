/* The attempts are system calls of their own, so that nothing of Letterlock softens them. */
#include "attack_sandbox.h"
#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
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

void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

#define PAGE 4096

static const struct attack_self *me;
static sigjmp_buf exit_back;
static volatile bool exit_trying;

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
	return open_closing(me->config.boot_secret, O_RDONLY | O_CLOEXEC);
}

static long
try_read_tls_key(void)
{
	return open_closing(me->config.key, O_RDONLY | O_CLOEXEC);
}

static long
try_read_data(void)
{
	return open_closing(me->config.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static long
try_write_file(void)
{
	char path[600];
	long r;

	snprintf(path, sizeof(path), "%s.written-by-%d", me->config.data, (int)getpid());
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
	const struct config_listener *l = &me->config.listeners[0];
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

long
attack_exec(void)
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
	return result(ptrace(PTRACE_SEIZE, me->parent, NULL, NULL));
}

static long
try_read_parent(void)
{
	char to[16];
	struct iovec local = {to, sizeof(to)}, remote = {&me, sizeof(to)};

	return result(process_vm_readv(me->parent, &local, 1, &remote, 1, 0));
}

static long
try_kill(void)
{
	return result(kill(me->parent, 0));
}

static long
try_tgkill(void)
{
	return result(syscall(SYS_tgkill, me->parent, me->parent, 0));
}

static long
try_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, me->parent, 0);
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
	{"exec", attack_exec, 0, true},
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

/* The refusing handler of the sandbox ends the process with this status; while an attempt is made,
 * that is its outcome. */
void
__wrap__exit(int status)
{
	if (exit_trying && status == 128 + SIGSYS)
		siglongjmp(exit_back, 1);
	__real__exit(status);
}

static long
guarded(long (*try)(void))
{
	long r = -ATTACK_TRAPPED;

	if (sigsetjmp(exit_back, 1) == 0) {
		exit_trying = true;
		r = try();
	}
	exit_trying = false;
	return r;
}

void
attack_sandbox(const struct attack_self *self, attack_report *report)
{
	me = self;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (me->is_session || !(attempts[i].never & BIT(me->role)))
			report("sandbox", attempts[i].name, guarded(attempts[i].try));
}

void
attack_sandbox_controls(const struct attack_self *self, attack_report *report)
{
	me = self;
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
