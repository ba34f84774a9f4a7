/* A role that has been taken over: the binary `letterlock-attack` is Letterlock with this file
 * linked around a few of its functions (meson.build has the list), so that the product itself has
 * no place for tests.
 *
 * A file beside the data directory, `<data>.attack`, names the role that turns hostile and, for a
 * session, the account it is after. That process first makes each attempt before its sandbox, in a
 * child of its own, to show that the attempt would work; then inside its sandbox, where the
 * refusing handler's exit is caught so that the next attempt can follow; then it sends its peers
 * messages it may not send and asks the store for what is not its own; at last it lets one refused
 * call really end it. Each outcome is a line of the log, which test_separation.py reads. With `log`
 * instead of an account it only floods the log, and then behaves; with `live` it only sends each
 * kind of peer a message it may not send, and then behaves. With `abuse` it sends messages that it
 * may send, and asks in them for what is not its business (attack_abuse.c); then it behaves, too.
 */
#include "attack_abuse.h"
#include "attack_sandbox.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "ipc/pairs.h"
#include "os/spawn.h"
#include "roles/role.h"
#include "roles/session.h"
#include "store/client.h"
#include "store/service.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_WAIT_MS 60000
#define PAGE 4096

int __real_config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size);
int __wrap_config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size);
int __real_sandbox_enter(const struct sandbox_profile *p, uint32_t uid);
int __wrap_sandbox_enter(const struct sandbox_profile *p, uint32_t uid);
int __real_sandbox_narrow(const struct sandbox_profile *p);
int __wrap_sandbox_narrow(const struct sandbox_profile *p);
int __real_ipc_send_ready(struct ipc_channel *c, const struct msg_ready *m, int fd);
int __wrap_ipc_send_ready(struct ipc_channel *c, const struct msg_ready *m, int fd);
struct ipc_channel *__real_ipc_new(struct loop *loop, int fd, const struct ipc_options *o);
struct ipc_channel *__wrap_ipc_new(struct loop *loop, int fd, const struct ipc_options *o);
struct store *__real_store_client_new(
	struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx);
struct store *__wrap_store_client_new(
	struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx);
void __real_session_out_open(const struct msg_session_out *m, int fd);
void __wrap_session_out_open(const struct msg_session_out *m, int fd);

static struct {
	bool armed, session_only, started, at_parent, at_log, lives_on, abuses;
	unsigned peers_left; /* kinds of peers not yet attacked */
	bool *session_done; /* shared by all sessions: only the first attacks */
	struct store_id victim;
	char own_address[128], victim_address[128];
	struct ipc_channel *auth; /* of a session */
} at;

static struct attack_self me;

static void
report(const char *stage, const char *name, long r)
{
	const char *role = me.is_session ? "session-of-account" : role_name(me.role);

	if (r == -ATTACK_TRAPPED)
		log_info("attack", "role=%s stage=%s name=%s outcome=trapped", role, stage, name);
	else if (r < 0)
		log_info("attack", "role=%s stage=%s name=%s outcome=%s", role, stage, name,
			strerrorname_np((int)-r));
	else
		log_info("attack", "role=%s stage=%s name=%s outcome=worked", role, stage, name);
}

/* --- messages --- */

#define ZERO(NAME, name, fd)                                                                       \
	static int zero_##name(struct buf *out)                                                    \
	{                                                                                          \
		return msg_##name##_encode(out, &(struct msg_##name){});                           \
	}
MSG_LIST(ZERO)

static const struct {
	int (*encode)(struct buf *out);
	int carries;
} kinds[] = {
#define KIND(NAME, name, fd) {zero_##name, fd},
	MSG_LIST(KIND)};

static int
send_raw(int sock, struct slice bytes, bool with_fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	int null = STDIN_FILENO;

	if (with_fd) {
		struct cmsghdr *h;
		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		h = CMSG_FIRSTHDR(&mh);
		*h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(h), &null, sizeof(null));
	}
	return sendmsg(sock, &mh, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* 0 when the peer goes on with us, -EPIPE when it has closed the channel. */
static long
dropped(int sock)
{
	static uint8_t space[IPC_PACKET_MAX];
	struct pollfd p = {.fd = sock, .events = POLLIN};

	while (poll(&p, 1, PEER_WAIT_MS) > 0) {
		ssize_t n = recv(sock, space, sizeof(space), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return -EPIPE;
	}
	return 0;
}

/* Which forbidden kind goes to which peer changes with the pair, so that all roles together send
 * many. */
static void
send_forbidden(enum role self, enum role to, int sock)
{
	CLEANUP(buf_done) struct buf packet = BUF_INIT(IPC_PACKET_MAX);
	enum msg_kind kind = (enum msg_kind)((self * 17u + to * 5u) % MSG_KINDS);
	char name[96];

	while (ipc_permitted(kind, self, to))
		kind = (enum msg_kind)((kind + 1u) % MSG_KINDS);
	snprintf(name, sizeof(name), "%s-to-%s", msg_name(kind), role_name(to));
	if (kinds[kind].encode(&packet) ||
		send_raw(sock, buf_slice(&packet), kinds[kind].carries == 1))
		return;
	report("message", name, dropped(sock));
}

/* --- the places it is linked around --- */

static void
read_orders(void)
{
	char path[CONFIG_VALUE_MAX + 16], text[512] = "", role[32] = "", victim[64] = "",
					  victim_id[40] = "";
	CLEANUP(buf_done) struct buf id = BUF_INIT(STORE_ID_LEN);
	FILE *f;

	snprintf(path, sizeof(path), "%s.attack", me.config.data);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(text, sizeof(text), f))
		sscanf(text, "%31s %63s %127s %127s %39s", role, victim, at.own_address,
			at.victim_address, victim_id);
	fclose(f);
	if (role_of(slice_str(role)) != me.role)
		return;
	unlink(path); /* the successor of this process behaves */
	at.at_log = strcmp(victim, "log") == 0;
	at.lives_on = strcmp(victim, "live") == 0;
	at.abuses = strcmp(victim, "abuse") == 0;
	at.armed = !at.at_log && !at.abuses;
	at.at_parent = strcmp(victim, "parent") == 0;
	if (!at.at_parent && victim[0] &&
		hex_decode(&id, slice_str(at.abuses ? victim_id : victim)) == LL_OK &&
		id.len == STORE_ID_LEN) {
		memcpy(at.victim.b, id.ptr, STORE_ID_LEN);
		at.session_only = !at.abuses;
	}
}

#define FLOOD_LINES 50000

/* Lines of its own, lines that would be another's, and one without end. */
static void
flood_log(void)
{
	static char endless[100000];
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	memset(endless, 'x', sizeof(endless) - 1);
	for (unsigned i = 0; i < FLOOD_LINES; i++) {
		char line[200];
		int n = snprintf(line, sizeof(line), "error %s flood n=%u %0100d\n",
			i % 2 ? "auth" : role_name(me.role), i, 0);
		while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1);
	}
	(void)!write(STDERR_FILENO, endless, sizeof(endless) - 1);
	(void)!write(STDERR_FILENO, "\n", 1);
}

int
__wrap_config_parse(struct slice text, struct config *ret, char *ret_error, size_t error_size)
{
	int r = __real_config_parse(text, ret, ret_error, error_size);

	if (r == LL_OK)
		me.config = *ret;
	return r;
}

int
__wrap_sandbox_enter(const struct sandbox_profile *p, uint32_t uid)
{
	int r;

	me.role = role_of(slice_str(p->name));
	me.parent = getppid();
	read_orders();
	if (at.armed) {
		at.session_done =
			mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (!at.lives_on)
			attack_sandbox_controls(&me, report);
	}
	r = __real_sandbox_enter(p, uid);
	if (r == LL_OK && at.at_log)
		flood_log();
	if (r == LL_OK && at.armed && !at.session_only && !at.lives_on)
		attack_sandbox(&me, report);
	return r;
}

int
__wrap_sandbox_narrow(const struct sandbox_profile *p)
{
	int r = __real_sandbox_narrow(p);

	me.is_session = true;
	if (r == LL_OK && at.session_only && !*at.session_done)
		attack_sandbox(&me, report);
	return r;
}

/* --- once it serves: messages to one peer of each kind it has --- */

static void
attack_peer(enum role peer, int sock)
{
	if (!at.started || (at.peers_left & BIT(peer)) == 0)
		return;
	at.peers_left &= ~BIT(peer);
	send_forbidden(me.role, peer, sock);
	if (at.peers_left)
		return;
	if (at.at_parent)
		send_forbidden(me.role, ROLE_PARENT, SPAWN_PARENT_FD);
	if (!at.lives_on)
		(void)attack_exec(); /* and this one ends it */
}

static void
abuse_peer(enum role peer, int sock)
{
	if (me.role == ROLE_FRONTEND && at.abuses && at.started)
		attack_abuse_peer(peer, sock, at.victim_address, report);
}

int
__wrap_ipc_send_ready(struct ipc_channel *c, const struct msg_ready *m, int fd)
{
	struct role_env *env = ipc_ctx(c);
	int r = __real_ipc_send_ready(c, m, fd);

	at.started = true;
	for (unsigned peer = 0; at.abuses && peer < ROLES; peer++)
		if (env->peers[peer][0])
			abuse_peer((enum role)peer, ipc_fd(env->peers[peer][0]));
	if (!at.armed || at.session_only)
		return r;
	for (unsigned i = 0; i < n_ipc_pairs; i++)
		if (ipc_pairs[i].from == me.role || ipc_pairs[i].to == me.role)
			at.peers_left |= BIT(
				ipc_pairs[i].from == me.role ? ipc_pairs[i].to : ipc_pairs[i].from);
	for (unsigned peer = 0; peer < ROLES; peer++)
		if (env->peers[peer][0])
			attack_peer((enum role)peer, ipc_fd(env->peers[peer][0]));
	return r;
}

/* Peers that start later come one by one. */
struct ipc_channel *
__wrap_ipc_new(struct loop *loop, int fd, const struct ipc_options *o)
{
	struct ipc_channel *c = __real_ipc_new(loop, fd, o);

	if (me.is_session && o->peer == ROLE_AUTH)
		at.auth = c;
	if (c && !me.is_session) {
		attack_peer(o->peer, fd);
		abuse_peer(o->peer, fd);
	}
	return c;
}

static int
any_row(void *ctx, struct slice key, struct slice value)
{
	++*(unsigned *)ctx;
	return LL_OK;
}

static void
report_store(const char *name, int err)
{
	report("store", name, err == LL_ERR_DENIED ? -EPERM : err < 0 ? -EIO : 0);
}

static void
ask_for_rows(
	struct store *s, const char *name, struct store_id id, struct slice from, struct slice to)
{
	unsigned rows = 0;
	bool more;

	report_store(name, store_range(s, id, from, to, 0, any_row, &rows, &more));
}

/* Another account's records and blobs, the server's own, and this account's keys. */
static void
ask_store(struct store *s)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	const struct store_op op = {.kind = STORE_PUT, .key = S("m/planted"), .value = S("x")};
	struct store_id blob = {{1}};
	struct store_stat st;

	report_store("victim-get", store_get(s, at.victim, S("m/x"), &value));
	ask_for_rows(s, "victim-rows", at.victim, S("m/"), S("m0"));
	report_store("victim-stat", store_stat(s, at.victim, &st));
	report_store("victim-write",
		store_commit_sync(
			s, &(struct store_commit){at.victim, STORE_ANY_VERSION, &op, 1, 0}, NULL));
	report_store("victim-blob", store_blob_read(s, at.victim, blob, 0, 1, &value));
	report_store("victim-watch", store_watch(s, at.victim, NULL, NULL));
	ask_for_rows(s, "directory-rows", store_directory, S("a"), SLICE_NONE);
	ask_for_rows(s, "queue-rows", store_queue, S("q/"), S("q0"));
}

struct store *
__wrap_store_client_new(struct loop *l, int fd, enum role self, void (*lost)(void *ctx), void *ctx)
{
	struct store *s = __real_store_client_new(l, fd, self, lost, ctx);

	if (!s || !me.is_session || !at.session_only || *at.session_done)
		return s;
	*at.session_done = true;
	ask_store(s);
	send_forbidden(ROLE_SESSION, ROLE_STORE, fd);
	send_forbidden(ROLE_SESSION, ROLE_AUTH, ipc_fd(at.auth));
	return s;
}

/* A session that may send. The victim's own one behaves, but for a letter that it has held under an
 * id that everybody knows. */
void
__wrap_session_out_open(const struct msg_session_out *m, int fd)
{
	const struct attack_session who = {.ticket = m->ticket,
		.own = at.own_address,
		.victim = at.victim_address,
		.is_victim = memcmp(session_account_id(), at.victim.b, sizeof(at.victim.b)) == 0};

	if (at.abuses && me.is_session && at.auth)
		attack_abuse_session(&who, fd, ipc_fd(at.auth), report);
	__real_session_out_open(m, fd);
}
