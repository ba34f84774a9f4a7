/* The operator's commands, as auth answers them. */
#include "base/error.h"
#include "roles/auth.h"

#include <unistd.h>

void
control_conn(struct role_env *env, int fd)
{
	close(fd);
}

void
control_processes_reply(const struct msg_processes_reply *m)
{
}

void
control_queue_reply(const struct msg_queue_reply *m)
{
}
