/* https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461, section 3.3): auth knows the policy. */
#include "base/error.h"
#include "roles/front_web.h"

static const char label[] = "mta-sts.";

static const struct front_task_ops sts_ops = {.gone = NULL};

/* "mta-sts.DOMAIN:port" -> DOMAIN; empty for other names. */
static struct slice
domain_of(struct slice host)
{
	struct slice name = slice_sub(host, 0, slice_find_byte(host, ':'));

	return slice_istarts(name, slice_str(label)) ? slice_skip(name, sizeof(label) - 1)
						     : SLICE_NONE;
}

bool
front_sts_is_host(struct slice host)
{
	return domain_of(host).len > 0;
}

static void
unavailable(struct front_task *t)
{
	front_task_problem(t, 503, "unavailable", "Please try again.", 5);
}

void
front_sts_begin(struct front_task *t)
{
	struct ipc_channel *auth = role_peer(t->c->env, ROLE_AUTH, 0);
	struct msg_sts_query m = {.id = t->id, .domain = domain_of(t->host)};

	if (m.domain.len == 0) {
		front_task_problem(t, 404, "not-found", "There is nothing here.", 0);
		return;
	}
	t->ops = &sts_ops;
	if (!auth || ipc_send_sts_query(auth, &m, -1))
		unavailable(t);
}

void
front_sts_reply(const struct msg_sts_reply *m)
{
	struct front_task *t = front_task_find(m->id);
	struct front_head h = {.status = 200, .cache = "max-age=300"};
	int err = -(int)m->err;

	if (!t || t->ops != &sts_ops || t->over || t->head_sent)
		return;
	if (err == LL_OK)
		front_task_answer(t, &h, "text/plain; charset=utf-8", m->policy);
	else if (err == LL_ERR_NOTFOUND || err == LL_ERR_SYNTAX)
		front_task_problem(t, 404, "not-found", "This domain has no policy here.", 0);
	else
		unavailable(t);
}

void
front_sts_auth_lost(void)
{
	struct front_task *t;
	size_t pos = 0;

	while ((t = front_task_next(&pos)))
		if (t->ops == &sts_ops && !t->over && !t->head_sent)
			unavailable(t);
}
