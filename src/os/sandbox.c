/* Landlock by system call, seccomp by libseccomp.
 *
 * A system call that is not listed ends the process at once. The signal handler only names it in
 * the log; it cannot be replaced, because rt_sigaction is not listed either. */
#include "os/sandbox.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define LL_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#define LL_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LL_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#define LL_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LL_SCOPE_SIGNAL (1ULL << 1)
#define LL_RULE_NET_PORT 2

/* The kernel's struct as of ABI 6; older kernels are told a shorter size. */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct net_port_attr {
	uint64_t access, port;
};

static char level[64] = "none";

static void
level_add(const char *what, int number)
{
	size_t n = strcmp(level, "none") ? strlen(level) : 0;

	if (number >= 0)
		snprintf(level + n, sizeof(level) - n, "%s%s%d", n ? "+" : "", what, number);
	else
		snprintf(level + n, sizeof(level) - n, "%s%s", n ? "+" : "", what);
}

const char *
sandbox_level(void)
{
	return level;
}

static int
failed(const struct sandbox_profile *p, const char *step)
{
	log_error("sandbox", "profile=%s step=%s error=%s", p->name, step,
		log_quote(slice_str(strerror(errno))));
	return LL_ERR_DENIED;
}

static int
drop_user(const struct sandbox_profile *p, uint32_t uid)
{
	if (geteuid() != 0)
		return LL_OK;
	if (uid == 0)
		return failed(p, "no-user");
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return failed(p, "user");
	level_add("user", -1);
	return LL_OK;
}

#if defined(__SANITIZE_ADDRESS__)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static int
set_limits(const struct sandbox_profile *p)
{
	const struct {
		int which;
		uint64_t value;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_NOFILE, p->max_files},
		/* What the process fills itself: neither the program nor shared windows, and not
		 * the terabytes that a sanitizer only reserves. */
		{RLIMIT_DATA, p->max_memory && !sanitized ? p->max_memory : RLIM_INFINITY},
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit old, r;
		if (getrlimit((__rlimit_resource_t)limits[i].which, &old) < 0)
			return failed(p, "getrlimit");
		r.rlim_max = MIN((rlim_t)limits[i].value, old.rlim_max);
		r.rlim_cur = r.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].which, &r) < 0)
			return failed(p, "setrlimit");
	}
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? failed(p, "undumpable") : LL_OK;
}

static int
landlock_allow_path(const struct sandbox_profile *p, int ruleset, const struct sandbox_path *path,
	uint64_t handled)
{
	const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	const uint64_t write = read | LANDLOCK_ACCESS_FS_WRITE_FILE |
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
		LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE;
	CLEANUP(fd_close) int fd = open(path->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = (path->write ? write : read) & handled, .parent_fd = fd};

	if (fd < 0 && errno == ENOENT && !path->write)
		return LL_OK; /* nothing there to read */
	if (fd < 0 ||
		syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return failed(p, "landlock-path");
	return LL_OK;
}

static int
landlock_rules(const struct sandbox_profile *p, int ruleset, const struct ruleset_attr *attr)
{
	for (const struct sandbox_path *path = p->paths; path && path->path; path++) {
		int r = landlock_allow_path(p, ruleset, path, attr->fs);
		if (r)
			return r;
	}
	for (const uint16_t *port = p->connect_ports; attr->net && port && *port; port++) {
		struct net_port_attr rule = {.access = LL_ACCESS_NET_CONNECT_TCP, .port = *port};
		if (syscall(SYS_landlock_add_rule, ruleset, LL_RULE_NET_PORT, &rule, 0) < 0)
			return failed(p, "landlock-port");
	}
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? failed(p, "landlock-restrict")
								   : LL_OK;
}

static int
enter_landlock(const struct sandbox_profile *p)
{
	static const uint64_t fs_by_abi[] = {(1ULL << 13) - 1, (1ULL << 14) - 1, (1ULL << 15) - 1,
		(1ULL << 15) - 1, (1ULL << 16) - 1};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* the version */);
	struct ruleset_attr attr = {0};
	CLEANUP(fd_close) int ruleset = -1;
	size_t size;
	int r;

	if (abi < 1) {
		/* A kernel without landlock: seccomp alone still refuses open and connect where the
		 * profile has none. */
		log_warn("sandbox", "profile=%s landlock=missing", p->name);
		return LL_OK;
	}
	attr.fs = fs_by_abi[MIN(abi, (long)ARRAY_SIZE(fs_by_abi)) - 1];
	attr.net = abi >= 4 ? LL_ACCESS_NET_BIND_TCP | LL_ACCESS_NET_CONNECT_TCP : 0;
	attr.scoped = abi >= 6 ? LL_SCOPE_ABSTRACT_UNIX_SOCKET | LL_SCOPE_SIGNAL : 0;
	size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (ruleset < 0)
		return failed(p, "landlock-ruleset");
	r = landlock_rules(p, ruleset, &attr);
	if (r == LL_OK)
		level_add("landlock", (int)abi);
	return r;
}

/* The common set: what a process needs to serve on descriptors it already has. */
static const int calls_common[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(close),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mlock),
	SCMP_SYS(memfd_create),
	447 /* memfd_secret */,
	SCMP_SYS(ftruncate),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(nanosleep),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrusage),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(rseq),
};
static const int calls_pass_fds[] = {
	SCMP_SYS(socketpair), SCMP_SYS(eventfd2), SCMP_SYS(setsockopt)};
static const int calls_accept[] = {
	SCMP_SYS(accept4), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername)};
static const int calls_connect[] = {SCMP_SYS(connect), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(bind), SCMP_SYS(pipe2), SCMP_SYS(socketpair),
	SCMP_SYS(eventfd2)};
static const int calls_fork[] = {
	SCMP_SYS(wait4), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address), SCMP_SYS(signalfd4)};
static const int calls_threads[] = {SCMP_SYS(set_robust_list), SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(setpriority),
	SCMP_SYS(getpriority), SCMP_SYS(ioprio_set), SCMP_SYS(eventfd2)};
static const int calls_read_files[] = {SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(getdents64), SCMP_SYS(statx), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(readlink), SCMP_SYS(fadvise64), SCMP_SYS(readahead)};
static const int calls_files[] = {SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(preadv),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(link), SCMP_SYS(linkat),
	SCMP_SYS(fallocate), SCMP_SYS(truncate), SCMP_SYS(flock), SCMP_SYS(fchmod), SCMP_SYS(umask),
	SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(getcwd), SCMP_SYS(msync),
	SCMP_SYS(copy_file_range)};
static const int calls_narrow[] = {SCMP_SYS(seccomp), SCMP_SYS(prctl)};

/* Sanitizers keep a second stack for signals and read /proc when they report. Never in a release.
 */
static const int calls_sanitizer[] = {
#if defined(__SANITIZE_ADDRESS__)
	SCMP_SYS(sigaltstack),
	SCMP_SYS(readlink),
	SCMP_SYS(openat),
	SCMP_SYS(mincore),
	SCMP_SYS(getcwd),
	SCMP_SYS(tgkill),
#endif
	SCMP_SYS(getpid),
};

static const struct {
	unsigned flag; /* 0: always */
	const int *calls;
	size_t n;
} call_groups[] = {
	{0, calls_common, ARRAY_SIZE(calls_common)},
	{0, calls_sanitizer, ARRAY_SIZE(calls_sanitizer)},
	{SANDBOX_PASS_FDS, calls_pass_fds, ARRAY_SIZE(calls_pass_fds)},
	{SANDBOX_ACCEPT, calls_accept, ARRAY_SIZE(calls_accept)},
	{SANDBOX_CONNECT, calls_connect, ARRAY_SIZE(calls_connect)},
	{SANDBOX_FORK, calls_fork, ARRAY_SIZE(calls_fork)},
	{SANDBOX_THREADS, calls_threads, ARRAY_SIZE(calls_threads)},
	{SANDBOX_FILES | SANDBOX_READ_FILES, calls_read_files, ARRAY_SIZE(calls_read_files)},
	{SANDBOX_FILES, calls_files, ARRAY_SIZE(calls_files)},
	{SANDBOX_NARROW, calls_narrow, ARRAY_SIZE(calls_narrow)},
};

/* Stands for this process's id. */
#define OWN_PID (~0ULL)

#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
		CLONE_NEWPID | CLONE_NEWNET)

/* Calls that depend on an argument. value is compared after masking. */
static const struct {
	unsigned flag;
	int call;
	unsigned arg;
	uint64_t mask, value;
} call_rules[] = {
	{0, SCMP_SYS(mmap), 2, PROT_EXEC, 0},
	{0, SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
	{0, SCMP_SYS(prlimit64), 2, ~0ULL, 0}, /* reading only */
	{0, SCMP_SYS(fcntl), 1, ~0ULL, F_GETFL},
	{0, SCMP_SYS(fcntl), 1, ~0ULL, F_SETFL},
	{0, SCMP_SYS(fcntl), 1, ~0ULL, F_GETFD},
	{0, SCMP_SYS(fcntl), 1, ~0ULL, F_SETFD},
	{0, SCMP_SYS(fcntl), 1, ~0ULL, F_DUPFD_CLOEXEC}, /* a descriptor that waits in a channel */
	{0, SCMP_SYS(fcntl), 1, ~0ULL, F_ADD_SEALS},
	{0, SCMP_SYS(fcntl), 1, ~0ULL, F_GET_SEALS},
	{SANDBOX_FILES, SCMP_SYS(fcntl), 1, ~0ULL, F_SETLK},
	{SANDBOX_FILES, SCMP_SYS(fcntl), 1, ~0ULL, 1036 /* F_SET_RW_HINT */},
	{SANDBOX_FILES, SCMP_SYS(prctl), 0, ~0ULL, PR_SET_NAME},
	/* the C library's own two signals, at the first thread; SIGSYS stays out of reach */
	{SANDBOX_THREADS, SCMP_SYS(rt_sigaction), 0, ~0ULL, 32},
	{SANDBOX_THREADS, SCMP_SYS(rt_sigaction), 0, ~0ULL, 33},
	{SANDBOX_THREADS, SCMP_SYS(prctl), 0, ~0ULL, PR_SET_NAME},
	/* a thread of this process, and neither a process nor a namespace */
	{SANDBOX_THREADS, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM | NEW_NAMESPACES,
		CLONE_THREAD | CLONE_VM},
	{SANDBOX_THREADS, SCMP_SYS(tgkill), 0, ~0ULL, OWN_PID},
	{SANDBOX_CPU_TIMER, SCMP_SYS(setitimer), 0, ~0ULL, ITIMER_PROF},
	{SANDBOX_CONNECT, SCMP_SYS(socket), 0, ~0ULL, AF_INET},
	{SANDBOX_CONNECT, SCMP_SYS(socket), 0, ~0ULL, AF_INET6},
	{SANDBOX_CONNECT, SCMP_SYS(ioctl), 1, ~0ULL, 0x5421 /* FIONBIO */},
	/* fork as glibc does it: no thread, no namespace, no shared memory */
	{SANDBOX_FORK, SCMP_SYS(clone), 0,
		~0xffULL & ~(uint64_t)(CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID), 0},
};

static uint64_t
rule_value(size_t i)
{
	return call_rules[i].value == OWN_PID ? (uint64_t)getpid() : call_rules[i].value;
}

static int
filter_fill(scmp_filter_ctx f, const struct sandbox_profile *p)
{
	int r = 0;

	for (size_t g = 0; g < ARRAY_SIZE(call_groups); g++)
		for (size_t i = 0; i < call_groups[g].n; i++)
			if (!call_groups[g].flag || (p->calls & call_groups[g].flag))
				r = r ? r
				      : seccomp_rule_add(
						f, SCMP_ACT_ALLOW, call_groups[g].calls[i], 0);
	for (size_t i = 0; i < ARRAY_SIZE(call_rules); i++)
		if (!call_rules[i].flag || (p->calls & call_rules[i].flag))
			r = r ? r
			      : seccomp_rule_add(f, SCMP_ACT_ALLOW, call_rules[i].call, 1,
					SCMP_CMP64(call_rules[i].arg, SCMP_CMP_MASKED_EQ,
						call_rules[i].mask, rule_value(i)));
	/* Its flags lie in memory, where no filter can look. The C library takes clone instead. */
	r = r ? r : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

static int
enter_seccomp(const struct sandbox_profile *p)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
	int r = f ? 0 : -ENOMEM;

	if (!r)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!r)
		r = filter_fill(f, p);
	if (!r)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!r)
		r = seccomp_load(f);
	if (f)
		seccomp_release(f);
	if (!r)
		return LL_OK;
	errno = -r;
	return failed(p, "seccomp");
}

static void
refused_call(int sig, siginfo_t *info, void *context)
{
	char line[96];
	int n = snprintf(line, sizeof(line), "error sandbox refused call=%d\n", info->si_syscall);

	(void)!write(STDERR_FILENO, line, (size_t)n);
	_exit(128 + SIGSYS);
}

int
sandbox_enter(const struct sandbox_profile *p, uint32_t uid)
{
	struct sigaction sa = {.sa_sigaction = refused_call, .sa_flags = SA_SIGINFO};
	int r;

	if ((r = drop_user(p, uid)) || (r = set_limits(p)))
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sigaction(SIGSYS, &sa, NULL) < 0)
		return failed(p, "no-new-privs");
	if ((r = enter_landlock(p)) || (r = enter_seccomp(p)))
		return r;
	level_add("seccomp", -1);
	return LL_OK;
}

int
sandbox_narrow(const struct sandbox_profile *p)
{
	return enter_seccomp(p);
}
