/* How an outcome is told. */
#ifndef TESTS_SYSTEM_ATTACK_H
#define TESTS_SYSTEM_ATTACK_H

#include "os/roles.h"

#include <stdbool.h>
#include <stdint.h>

#define ATTACK_TRAPPED 1000
#define BIT(r) (1u << (r))

/* r: 0 and more: it worked; -EPERM and the like: refused; -EPIPE: the peer closed the channel;
 * -ATTACK_TRAPPED: the sandbox ends the process for it. */
typedef void attack_report(const char *stage, const char *name, long r);

#endif
