/* The alarm clock of a session: Emails that were put off come back when they are due, as long as
 * the process lives, and those that were due meanwhile when the account is opened. */
#include "account/snooze.h"
#include "base/error.h"
#include "base/log.h"
#include "roles/session.h"

#include <string.h>
#include <time.h>

#define LONGEST 3600 /* seconds; the clock may be set meanwhile */

static struct {
	struct account *account;
	struct account_listener listener;
	struct loop_timer timer;
} sn;

static void
on_timer(void *ctx)
{
	int64_t next = 0, now = time(NULL), wait;
	int r = snooze_wake(sn.account, now, &next);

	if (r) {
		log_warn("snooze", "error=%s", log_quote(slice_str(ll_strerror(r))));
		next = now + 60;
	}
	if (!next)
		return;
	wait = next > now ? next - now : 1;
	if (loop_timer_set(session_loop(), &sn.timer, MIN(wait, LONGEST) * 1000, on_timer, NULL))
		log_warn("snooze", "error=%s", "no memory");
}

/* Something was put off or taken back, perhaps by another process. */
static void
on_change(struct account_listener *l, struct mailbox *mb, unsigned events)
{
	if (events & (ACCOUNT_OBJECTS | ACCOUNT_RELOADED))
		(void)!loop_timer_set(session_loop(), &sn.timer, 0, on_timer, NULL);
}

void
session_snooze_start(struct account *a)
{
	sn.account = a;
	sn.listener.changed = on_change;
	account_listen(a, &sn.listener);
	on_timer(NULL);
}
