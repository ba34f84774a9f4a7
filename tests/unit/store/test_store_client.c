/* The conformance suite once more, over a channel: the embedded engine and the service in a process
 * of their own, the client here. */
#include "t.h"
#include "base/error.h"
#include "conformance.h"
#include "ipc/channel.h"
#include "store/client.h"
#include "store/embedded.h"
#include "store/service.h"
#include "tree.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[256];
static pid_t server;
static struct loop *loop;
static enum role peer_role = ROLE_AUTH;
static const struct store_id *peer_bound;

/* --- the store process --- */

struct server {
	struct loop *loop;
	struct store *engine;
	struct store_service *service;
	struct store_peer *peer;
};

static void
on_done(void *ctx, unsigned events)
{
	struct server *v = ctx;

	if (store_embedded_run(v->engine))
		_exit(3);
}

static void
on_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct server *v = ctx;

	if (!store_service_handle(v->service, v->peer, m, fd))
		_exit(4);
}

static void
on_gone(void *ctx, struct ipc_channel *c, int err)
{
	struct server *v = ctx;

	loop_stop(v->loop);
}

static void __attribute__((noreturn)) serve(int fd)
{
	static struct store_embedded_options options = {.segment_bytes = 256 << 10, .min_free = 1};
	static struct loop_watch done = LOOP_WATCH_NONE;
	struct store_embedded_report report;
	struct server v = {.loop = loop_new()};
	struct ipc_options o = {ROLE_STORE, peer_role, on_message, on_gone, &v};
	struct ipc_channel *c;

	if (!v.loop || store_embedded_open(dir, &options, &v.engine))
		_exit(5);
	c = ipc_new(v.loop, fd, &o);
	v.service = store_service_new(v.loop, v.engine);
	if (!c || !v.service ||
		!(v.peer = store_service_peer(v.service, c, peer_role, peer_bound)) ||
		loop_watch(v.loop, &done, store_embedded_fd(v.engine), LOOP_READ, on_done, &v) ||
		loop_run(v.loop))
		_exit(6);
	if (store_embedded_verify(v.engine, &report))
		_exit(7);
	store_free(v.engine);
	_exit(0);
}

/* --- the factory --- */

static void
lost(void *ctx)
{
}

static struct store *
start(void)
{
	int fds[2];

	if (ipc_socketpair(fds))
		abort();
	fflush(stdout);
	server = fork();
	if (server == 0) {
		close(fds[0]);
		serve(fds[1]);
	}
	close(fds[1]);
	loop = loop_new();
	return loop ? store_client_new(loop, fds[0], peer_role, lost, NULL) : NULL;
}

static void
stop(struct store *s)
{
	int status = 0;

	store_free(s);
	loop_free(loop);
	waitpid(server, &status, 0);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
}

static struct store *
open_new(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/letterlock-client-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		abort();
	return start();
}

static void
close_and_remove(struct store *s)
{
	stop(s);
	remove_tree(dir);
}

static struct store *
reopen(struct store *s)
{
	stop(s);
	return start();
}

static void
turn(struct store *s)
{
	if (loop_round(loop, 0))
		abort();
}

/* --- rights --- */

static int
no_row(void *ctx, struct slice key, struct slice value)
{
	return LL_OK;
}

/* Which ranges a role may read: none that reaches beyond its keys. */
static void
check_ranges(void)
{
	static const struct store_id own = {"an account's id"}, other = {"another one's"};
	const struct {
		enum role role;
		const struct store_id *bound, *partition;
		struct slice from, to;
		int result;
	} rows[] = {
		{ROLE_SESSION, &own, &own, S("m/"), S("m0"), LL_OK},
		{ROLE_SESSION, &own, &own, S("m/in/"), S("m/in0"), LL_OK},
		{ROLE_SESSION, &own, &own, S("m/"), S("m1"), LL_ERR_DENIED},
		{ROLE_SESSION, &own, &own, S("m/"), S("z"), LL_ERR_DENIED},
		{ROLE_SESSION, &own, &own, S("m/"), SLICE_NONE, LL_ERR_DENIED},
		{ROLE_SESSION, &own, &own, SLICE_NONE, S("m0"), LL_ERR_DENIED},
		{ROLE_SESSION, &own, &own, SLICE_NONE, SLICE_NONE, LL_ERR_DENIED},
		{ROLE_SESSION, &own, &own, S("k/"), S("k0"), LL_ERR_DENIED},
		{ROLE_SESSION, &own, &other, S("m/"), S("m0"), LL_ERR_DENIED},
		{ROLE_SESSION, &own, &store_directory, S("m/"), S("m0"), LL_ERR_DENIED},
		{ROLE_RELAY, NULL, &store_queue, S("q/"), S("q0"), LL_OK},
		{ROLE_RELAY, NULL, &store_directory, S("dkim/"), S("dkim0"), LL_OK},
		{ROLE_RELAY, NULL, &store_directory, S("dkim/"), S("e"), LL_ERR_DENIED},
		{ROLE_RELAY, NULL, &store_directory, S("dkim/"), SLICE_NONE, LL_ERR_DENIED},
		{ROLE_DELIVERY, NULL, &own, S("m/in/"), S("m/in0"), LL_ERR_DENIED},
		{ROLE_AUTH, NULL, &store_directory, SLICE_NONE, SLICE_NONE, LL_OK},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct store *s;
		bool more;
		peer_role = rows[i].role;
		peer_bound = rows[i].bound;
		s = open_new();
		if (store_range(s, *rows[i].partition, rows[i].from, rows[i].to, 0, no_row, NULL,
			    &more) != rows[i].result) {
			printf("range %zu\n", i);
			CHECK(false);
		}
		close_and_remove(s);
	}
	peer_role = ROLE_AUTH;
	peer_bound = NULL;
}

/* --- news --- */

static void
heard(void *ctx, struct store_id partition)
{
	(*(unsigned *)ctx)++;
}

/* Who has been told of a commit finds that it has rung, before the loop has run; who asks again
 * finds silence; and the bell is heard later all the same. */
static void
check_news(void)
{
	static const struct store_id watched = {"somebody's id"}, other = {"another one's"};
	struct store_op op = {.kind = STORE_PUT, .key = S("m/x"), .value = S("1")};
	struct store_commit c = {
		.partition = watched, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};
	struct store *s = open_new();
	unsigned rings = 0;

	CHECK(store_rang(s, watched)); /* nobody knows */
	CHECK_INT(store_watch(s, watched, heard, &rings), LL_OK);
	CHECK(store_rang(s, watched)); /* it may have been before */
	for (unsigned i = 0; i < 50; i++) {
		c.partition = i % 2 ? other : watched;
		CHECK(!store_rang(s, watched));
		CHECK_INT(store_commit_sync(s, &c, NULL), LL_OK);
		CHECK(store_rang(s, watched) == (i % 2 == 0));
	}
	CHECK_INT(rings, 0);
	turn(s);
	CHECK_INT(rings, 1);
	close_and_remove(s);
}

int
main(void)
{
	static const struct conformance client = {open_new, close_and_remove, reopen, turn};

	check_ranges();
	check_news();
	return conformance_run(&client) != 0 || t_failed != 0;
}
