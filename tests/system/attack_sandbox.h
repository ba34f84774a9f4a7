/* What a role that has been taken over tries to do to the machine around it. */
#ifndef TESTS_SYSTEM_ATTACK_SANDBOX_H
#define TESTS_SYSTEM_ATTACK_SANDBOX_H

#include "attack.h"
#include "os/config.h"

#include <sys/types.h>

struct attack_self {
	struct config config;
	enum role role;
	pid_t parent;
	bool is_session;
};

/* Each attempt, from inside the sandbox. */
void attack_sandbox(const struct attack_self *self, attack_report *report);
/* Each attempt in a child, outside of any sandbox: there it has to work. */
void attack_sandbox_controls(const struct attack_self *self, attack_report *report);
/* One of them, unguarded: it ends the process. */
long attack_exec(void);

#endif
