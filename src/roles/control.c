/* The operator's commands, as auth answers them: connections, the table of commands, and those that
 * other processes answer. Whoever can open the socket is root or the server's own user. */
#include "roles/control.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct control *connections;
static uint32_t next_status;
static uint64_t next_queue;

int
control_fail(struct control *c, int err, const char *why)
{
	c->why = why;
	return err;
}

/* --- answers --- */

static void
answer(struct control *c, int err, struct slice body)
{
	(void)ipc_send_control_reply(c->channel,
		&(struct msg_control_reply){.id = c->id, .err = (uint8_t)-err, .body = body}, -1);
}

static void
answer_text(struct control *c, struct slice text)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);

	if (control_text_put(&body, &(struct control_text){.text = text}))
		answer(c, LL_ERR_LIMIT, S("the answer is too long"));
	else
		answer(c, LL_OK, buf_slice(&body));
}

int
control_list_begin(struct control_list *l, struct slice body)
{
	struct control_page page;
	int r = control_page_get(body, &page);

	if (r == LL_OK)
		*l = (struct control_list){.skip = page.skip, .items = BUF_INIT(CONTROL_ITEMS_MAX)};
	return r;
}

int
control_list_add(struct control_list *l, struct slice item)
{
	if (l->skip) {
		l->skip--;
		return LL_OK;
	}
	l->more = control_items_add(&l->items, item) == LL_ERR_LIMIT;
	return l->more ? LL_ERR_LIMIT : buf_err(&l->items);
}

int
control_list_end(struct control *c, struct control_list *l, int r)
{
	if (r && !l->more)
		return r;
	return control_items_put(&c->answer,
		&(struct control_items){.more = l->more, .items = buf_slice(&l->items)});
}

void
control_list_done(struct control_list *l)
{
	buf_done(&l->items);
}

/* --- commands that others answer --- */

static int
ping(struct control *c, struct slice body)
{
	return control_text_put(&c->answer, &(struct control_text){.text = S(LETTERLOCK_VERSION)});
}

static int
status(struct control *c, struct slice body)
{
	c->waits_status = true;
	return ipc_send_processes_query(
		       auth.env->parent, &(struct msg_processes_query){.id = ++next_status}, -1)
		? control_fail(c, LL_ERR_CLOSED, NULL)
		: CONTROL_LATER;
}

void
control_processes_reply(const struct msg_processes_reply *m)
{
	for (struct control *c = connections; c; c = c->next) {
		if (!c->waits_status)
			continue;
		c->waits_status = false;
		answer_text(c, m->json);
	}
}

static int
queue(struct control *c, struct slice body)
{
	struct ipc_channel *relay = role_peer(auth.env, ROLE_RELAY, 0);
	struct msg_queue_command m = {.id = ++next_queue};
	struct control_pair p;

	if (control_pair_get(body, &p) || p.name.len > 16)
		return LL_ERR_SYNTAX;
	m.command = p.name;
	m.argument = p.other;
	if (!relay || ipc_send_queue_command(relay, &m, -1))
		return control_fail(c, LL_ERR_AGAIN, "the relay process is not there; try again");
	c->waits_queue = m.id;
	return CONTROL_LATER;
}

void
control_queue_reply(const struct msg_queue_reply *m)
{
	for (struct control *c = connections; c; c = c->next) {
		if (c->waits_queue != m->id)
			continue;
		c->waits_queue = 0;
		if (m->err)
			answer(c, -(int)m->err, m->json);
		else
			answer_text(c, m->json);
		return;
	}
}

/* Relay is gone: whoever waits for its answer waits in vain. */
void
control_relay_gone(void)
{
	for (struct control *c = connections; c; c = c->next) {
		if (c->waits_queue)
			answer(c, LL_ERR_AGAIN, S("the relay process was restarted; try again"));
		c->waits_queue = 0;
	}
}

/* --- the table --- */

static const struct {
	const char *name;
	control_handler *handle;
} commands[] = {
	{"ping", ping},
	{"status", status},
	{"domain-add", control_domain_add},
	{"domain-list", control_domain_list},
	{"domain-info", control_domain_info},
	{"account-begin", control_account_begin},
	{"account-register", control_account_register},
	{"keys-stage", control_keys_stage},
	{"account-create", control_account_create},
	{"account-list", control_account_list},
	{"account-state", control_account_state},
	{"account-quota", control_account_quota},
	{"account-delete", control_account_delete},
	{"unlocker-list", control_unlocker_list},
	{"unlocker-revoke", control_unlocker_revoke},
	{"login-start", control_login_start},
	{"login-password", control_login_password},
	{"login-recovery", control_login_recovery},
	{"login-register", control_login_register},
	{"keys-read", control_keys_read},
	{"keys-update", control_owner_update},
	{"recipient", control_recipient},
	{"alias-add", control_alias_add},
	{"alias-remove", control_alias_remove},
	{"alias-list", control_alias_list},
	{"invitation-add", control_invitation_add},
	{"invitation-list", control_invitation_list},
	{"invitation-revoke", control_invitation_revoke},
	{"registration", control_registration},
	{"registration-set", control_registration_set},
	{"sts", control_sts},
	{"sts-set", control_sts_set},
	{"factors-remove", control_factors_remove},
	{"language", control_language},
	{"queue", queue},
};

static int
dispatch(struct control *c, struct slice command, struct slice body)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (slice_eq(slice_str(commands[i].name), command))
			return auth.store || commands[i].handle == ping ||
					commands[i].handle == status
				? commands[i].handle(c, body)
				: control_fail(
					  c, LL_ERR_AGAIN, "the store is not there; try again");
	return control_fail(c, LL_ERR_UNSUPPORTED, "the server does not know this command");
}

/* --- connections --- */

static void
on_request(void *ctx, struct ipc_channel *channel, const struct msg *m, int fd)
{
	struct control *c = ctx;
	int r;

	fd_close(&fd);
	if (c->waits_status || c->waits_queue) {
		answer(c, LL_ERR_STATE, S("one request at a time"));
		return;
	}
	c->id = m->control.id;
	c->why = NULL;
	buf_reset(&c->answer);
	r = dispatch(c, m->control.command, m->control.body);
	if (r == CONTROL_LATER)
		return;
	c->waits_status = false;
	if (r == LL_OK)
		answer(c, LL_OK, buf_slice(&c->answer));
	else
		answer(c, r, slice_str(c->why ? c->why : ll_strerror(r)));
}

static void
on_gone(void *ctx, struct ipc_channel *channel, int err)
{
	struct control *c = ctx;

	for (struct control **p = &connections; *p; p = &(*p)->next) {
		if (*p != c)
			continue;
		*p = c->next;
		break;
	}
	control_unstage(c);
	if (c->owner.opaque)
		SECRET_FREE(c->owner.opaque);
	buf_done(&c->answer);
	ipc_free(c->channel);
	free(c);
}

void
control_conn(struct role_env *env, int fd)
{
	static const int size = 212992;
	struct control *c = calloc(1, sizeof(*c));
	struct ipc_options o = {ROLE_AUTH, ROLES, on_request, on_gone, c};

	if (!c) {
		fd_close(&fd);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	c->answer = BUF_SECRET(IPC_PAYLOAD_MAX);
	c->channel = ipc_new(env->loop, fd, &o);
	if (!c->channel) {
		free(c);
		return;
	}
	c->next = connections;
	connections = c;
}
