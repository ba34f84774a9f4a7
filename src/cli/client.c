/* One request, one answer, over the control socket. */
#include "cli/client.h"
#include "ipc/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	struct ipc_channel *channel;
	uint32_t id;
	bool answered;
	int err;
	struct buf body;
};

static void
on_reply(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct client *client = ctx;

	fd_close(&fd);
	if (m->kind != MSG_KIND_CONTROL_REPLY || m->control_reply.id != client->id)
		return;
	buf_reset(&client->body);
	client->answered = true;
	client->err = -(int)m->control_reply.err;
	if (buf_put(&client->body, m->control_reply.body))
		client->err = LL_ERR_NOMEM;
}

static int
connect_to(const char *path)
{
	static const int size = 212992;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	CLEANUP(fd_close) int fd = -1;
	int r;

	if (strlen(path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	r = fd;
	fd = -1;
	return r;
}

bool
client_try(struct cli *cli)
{
	struct ipc_options o = {ROLES, ROLE_AUTH, on_reply, NULL, NULL};
	int fd;

	if (cli->client)
		return true;
	fd = connect_to(cli->config.control);
	if (fd < 0)
		return false;
	cli->client = calloc(1, sizeof(*cli->client));
	if (!cli->client) {
		close(fd);
		errno = ENOMEM;
		return false;
	}
	cli->client->body = BUF_SECRET(IPC_PAYLOAD_MAX);
	o.ctx = cli->client;
	cli->client->channel = ipc_new(NULL, fd, &o);
	if (cli->client->channel)
		return true;
	free(TAKE(cli->client));
	errno = ENOMEM;
	return false;
}

bool
client_open(struct cli *cli)
{
	int e;

	if (!cli_config(cli))
		return false;
	if (client_try(cli))
		return true;
	e = errno;
	(void)cli_fail(cli, "%s: %s%s", cli->config.control, strerror(e),
		e == ENOENT || e == ECONNREFUSED ? "; the server is not running (letterlock serve)"
			: e == EACCES		 ? "; only root and the server's own user may"
						 : "");
	return false;
}

void
client_close(struct cli *cli)
{
	if (!cli->client)
		return;
	ipc_free(cli->client->channel);
	buf_done(&cli->client->body);
	free(TAKE(cli->client));
}

int
client_call(struct cli *cli, const char *command, struct slice body, struct slice *ret_body)
{
	struct client *c = cli->client;
	struct msg_control m = {.id = ++c->id, .command = slice_str(command), .body = body};
	int r = ipc_send_control(c->channel, &m, -1);

	for (c->answered = false; r == LL_OK && !c->answered;)
		r = ipc_pump(c->channel, IPC_NO_DEADLINE); /* a person waits, who can stop it */
	if (r) {
		snprintf(cli->error, sizeof(cli->error), "%s",
			r == LL_ERR_CLOSED ? "the server closed the connection" : ll_strerror(r));
		return r;
	}
	if (c->err == LL_OK) {
		*ret_body = buf_slice(&c->body);
		return LL_OK;
	}
	snprintf(cli->error, sizeof(cli->error), "%s",
		c->body.len ? cli_safe(buf_slice(&c->body)) : ll_strerror(c->err));
	return c->err;
}

int
client_call_name(struct cli *cli, const char *command, const char *name)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct slice ignored;

	if (control_name_put(&body, &(struct control_name){.name = slice_str(name)})) {
		snprintf(cli->error, sizeof(cli->error), "the name is too long");
		return LL_ERR_LIMIT;
	}
	return client_call(cli, command, buf_slice(&body), &ignored);
}

int
client_items(struct slice body, client_item *item, void *ctx)
{
	struct control_items m;
	struct reader rd;
	struct slice one;
	int r = control_items_get(body, &m);

	if (r)
		return r;
	rd = reader_new(m.items);
	while (r == LL_OK && control_items_next(&rd, &one))
		r = item(ctx, one);
	return r ? r : rd.err;
}

struct counted {
	client_item *item;
	void *ctx;
	uint64_t n;
};

static int
count_item(void *ctx, struct slice item)
{
	struct counted *c = ctx;

	c->n++;
	return c->item(c->ctx, item);
}

int
client_each(struct cli *cli, const char *command, client_item *item, void *ctx)
{
	CLEANUP(buf_done) struct buf page = BUF_SECRET(IPC_PAYLOAD_MAX);
	struct counted counted = {item, ctx, 0};
	struct control_items m;
	int r;

	do {
		CLEANUP(buf_done) struct buf body = BUF_INIT(64);
		struct slice answer;

		r = control_page_put(&body, &(struct control_page){.skip = counted.n});
		if (r == LL_OK)
			r = client_call(cli, command, buf_slice(&body), &answer);
		if (r)
			return r;
		/* The callback may ask further questions. */
		buf_reset(&page);
		r = buf_put(&page, answer);
		if (r == LL_OK)
			r = control_items_get(buf_slice(&page), &m);
		if (r == LL_OK)
			r = client_items(buf_slice(&page), count_item, &counted);
	} while (r == LL_OK && m.more);
	if (r)
		snprintf(cli->error, sizeof(cli->error), "the server's answer: %s", ll_strerror(r));
	return r;
}
