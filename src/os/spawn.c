/* fork and exec of one role. */
#include "os/spawn.h"
#include "base/error.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static void __attribute__((noreturn))
child(const char *binary, const char *role, int parent_fd, int log_fd)
{
	char *argv[] = {(char *)(uintptr_t) "letterlock", (char *)(uintptr_t) "role",
		(char *)(uintptr_t)role, NULL};
	char *envp[] = {NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;
	/* Move both out of the way of the targets first. */
	int parent = fcntl(parent_fd, F_DUPFD_CLOEXEC, 16),
	    log = fcntl(log_fd, F_DUPFD_CLOEXEC, 16);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || parent < 0 || log < 0 || dup2(null, STDIN_FILENO) < 0 ||
		dup2(null, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
		dup2(parent, SPAWN_PARENT_FD) < 0 || close_range(SPAWN_PARENT_FD + 1, ~0u, 0) < 0)
		_exit(126);
	setsid(); /* a terminal's Ctrl-C reaches the parent only, which stops the others in order */
	execve(binary, argv, envp);
	_exit(127);
}

pid_t
spawn_role(const char *binary, const char *role, int parent_fd, int log_fd)
{
	pid_t pid = fork();

	if (pid == 0)
		child(binary, role, parent_fd, log_fd);
	return pid < 0 ? LL_ERR_IO : pid;
}
