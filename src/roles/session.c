/* The session processes: one for each signed-in account. The template is set up and locked in once;
 * each session is a fork of it that gives up even forking, and is handed one account's keys, a
 * store channel bound to that account's partition, and one end of each of its connections. It has
 * no network and no disk, so that the account's own mail, hostile as it may be, is parsed where it
 * can do harm to nobody else. */
#include "roles/session.h"
#include "account/account.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "mail/fold.h"
#include "os/clock.h"
#include "roles/role.h"
#include "roles/session_ask.h"
#include "roles/session_imap.h"
#include "roles/session_out.h"
#include "roles/session_web.h"
#include "store/client.h"

#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define SESSION_KEYS_MAX MANIFEST_VERSIONS_MAX /* of the mail key */
#define TRIM_AFTER_MS 1500
/* Somebody sits before a page: the list that is looked at, and the result of a search, are asked
 * for again after a look at a letter, and to find them anew takes long in a large mailbox. */
#define TRIM_WEB_AFTER_MS 180000
#define WORK_AFTER_MS 200
#define POLL_EVERY_MS 60000
/* The memory that an account's session may fill is a setting: a mailbox of 100,000 letters takes
 * some 110 MiB, a letter of the largest size a few times its length. What cannot be had is a NO
 * [LIMIT], or the end of the session, which needs a little to say so. */
#define RESERVE ((size_t)256 << 10)
/* Processor time of one round of the loop: no command takes as long. One that does works without
 * end and has no other way to be ended; the kernel does it. */
#define ROUND_CPU_SECONDS 600
#define ROUND_CPU_AGAIN_MS 60000
#define GATHER_MS 300 /* deliveries that no client waits for are admitted together */

static unsigned long long spawned;

/* This process, once it is a session. */
static struct {
	struct loop *loop;
	struct ipc_channel *auth;
	struct store *store;
	struct store_id id;
	struct area_secret *secrets; /* secret memory; wiped once the account is open */
	size_t n_secrets;
	struct account *account; /* NULL: locked */
	uint64_t quota;
	uint32_t seal_version;
	uint8_t seal_public[XWING_PUBLIC_LEN];
	char address[IPC_ADDRESS_MAX + 1];
	enum language language;
	struct loop_timer idle, trim, work, poll;
	bool rang; /* and nobody has looked since */
	uint64_t served;
	uint32_t linger;
	uint64_t append_limit;
	bool leaving;
	void *reserve;
	int64_t cpu_set;
} se;

static void on_poll(void *ctx);

static void __attribute__((noreturn)) leave(int status)
{
	if (se.secrets)
		secret_free(se.secrets, SESSION_KEYS_MAX * sizeof(*se.secrets));
	_exit(status); /* the kernel takes the memory back, secret pages first of all */
}

void
session_give_up(const char *why)
{
	log_error("session-ends", "reason=%s", why);
	free(TAKE(se.reserve));
	if (!se.leaving) {
		se.leaving = true; /* what fails while saying so does not come here again */
		session_imap_bye("Temporary failure, please connect again");
	}
	leave(1);
}

/* Auth says so: nobody is left, the keys changed, or the server stops. */
static void
end(void)
{
	se.leaving = true;
	session_imap_bye("The session is over");
	leave(0);
}

/* --- connections --- */

static void linger(void);

static void
on_idle(void *ctx)
{
	if (session_import_busy()) {
		linger();
		return;
	}
	(void)ipc_send_session_idle(se.auth, &(struct msg_session_idle){.conns = se.served}, -1);
}

static void
on_work(void *ctx)
{
	bool more = false;
	int r = se.account ? account_work(se.account, &more) : LL_OK;

	if (r == LL_ERR_AUTH || r == LL_ERR_CORRUPT || r == LL_ERR_CLOSED)
		session_give_up(ll_strerror(r));
	if (more && loop_timer_set(se.loop, &se.work, 1, on_work, NULL))
		session_give_up("memory");
}

static void
on_trim(void *ctx)
{
	if (se.account)
		account_trim(se.account);
	store_client_trim(se.store);
	malloc_trim(0);
}

/* Something happened: what waits for quiet is put off. */
static void
active(void)
{
	int64_t quiet = session_web_links() ? TRIM_WEB_AFTER_MS : TRIM_AFTER_MS;

	if (loop_timer_set(se.loop, &se.trim, quiet, on_trim, NULL) ||
		(!se.work.slot && loop_timer_set(se.loop, &se.work, WORK_AFTER_MS, on_work, NULL)))
		session_give_up("memory");
}

/* The last connection is gone, of whatever kind. */
static void
linger(void)
{
	if (!session_imap_conns() && !session_web_links() &&
		loop_timer_set(se.loop, &se.idle, (int64_t)se.linger * 1000, on_idle, NULL))
		session_give_up("memory");
}

/* Less often than every round: the clock of processor time is never ahead of the other. */
static void
limit_round(void)
{
	struct itimerval t = {.it_value.tv_sec = ROUND_CPU_SECONDS};

	if (se.cpu_set && loop_now(se.loop) - se.cpu_set < ROUND_CPU_AGAIN_MS)
		return;
	se.cpu_set = loop_now(se.loop);
	(void)setitimer(ITIMER_PROF, &t, NULL);
}

static void
on_round_end(void *ctx)
{
	limit_round();
	if (session_imap_bury())
		linger();
}

static void
on_conn(const struct msg_session_conn *m, int fd)
{
	/* Auth counts it too; a connection that comes to nothing must not keep the session alive.
	 */
	se.served++;
	(void)ipc_send_session_taken(se.auth, &(struct msg_session_taken){.conns = se.served}, -1);
	linger();
	if (m->service == SERVICE_HTTPS)
		session_web_conn(se.loop, fd, slice_eq(m->tag, slice_str(SESSION_TAG_SENDS)));
	else if (session_imap_conn(m->tag, fd))
		loop_timer_stop(se.loop, &se.idle);
}

static void
on_web_change(void)
{
	if (session_web_links())
		loop_timer_stop(se.loop, &se.idle);
	else
		linger();
}

/* --- the account --- */

static int64_t
now(void *ctx)
{
	return clock_unix();
}

static int
random_bytes(void *ctx, void *p, size_t n)
{
	randombytes_buf(p, n);
	return LL_OK;
}

static void
on_poll(void *ctx)
{
	int r;

	se.rang = false; /* it may ring again meanwhile */
	r = account_poll(se.account);
	if (r == LL_ERR_AUTH || r == LL_ERR_CORRUPT || r == LL_ERR_CLOSED)
		session_give_up(ll_strerror(r));
	if (r)
		log_warn("poll", "error=%s", log_quote(slice_str(ll_strerror(r))));
	if (!se.rang && loop_timer_set(se.loop, &se.poll, POLL_EVERY_MS, on_poll, NULL))
		session_give_up("memory");
	active();
}

static void
on_bell(void *ctx, struct store_id partition)
{
	if (session_imap_idling()) {
		on_poll(NULL);
		return;
	}
	/* The next command looks first; until then one commit may do for several letters. */
	if (!se.rang && loop_timer_set(se.loop, &se.poll, GATHER_MS, on_poll, NULL))
		session_give_up("memory");
	se.rang = true;
}

/* Opens the account; the first time, its mailboxes are made. */
static int
open_account(uint64_t quota)
{
	struct account_env env = {.store = se.store,
		.id = se.id,
		.secrets = se.secrets,
		.n_secrets = se.n_secrets,
		.quota = quota,
		.now = now,
		.random = random_bytes};
	int r = store_watch(se.store, se.id, on_bell, NULL);

	if (r == LL_OK)
		r = account_open(&env, &se.account);
	if (r == LL_ERR_NOTFOUND) {
		r = account_create(&env);
		if (r == LL_OK || r == LL_ERR_EXISTS)
			r = account_open(&env, &se.account);
	}
	return r;
}

static void
forget_keys(void)
{
	if (se.secrets)
		secret_free(TAKE(se.secrets), SESSION_KEYS_MAX * sizeof(*se.secrets));
	se.n_secrets = 0;
}

/* Opens the account with the keys that have come; they are gone afterwards, used or not. */
static int
open_with_keys(void)
{
	int r = open_account(se.quota);

	if (r)
		return r;
	session_imap_start(&(struct imap_env){
		.account = se.account, .now = now, .append_limit = se.append_limit});
	on_poll(NULL);
	session_snooze_start(se.account);
	session_push_start(se.account);
	return LL_OK;
}

/* Without keys the session starts locked: its owner brings them over a web link. */
static void
on_open(const struct msg_session_open *m)
{
	int r = se.store ? LL_OK : LL_ERR_STATE;

	se.quota = m->quota;
	se.seal_version = m->keyver;
	if (m->seal_key.len == sizeof(se.seal_public))
		memcpy(se.seal_public, m->seal_key.ptr, sizeof(se.seal_public));
	snprintf(se.address, sizeof(se.address), "%.*s", SLICE_ARG(m->address));
	if (r == LL_OK && se.n_secrets && !se.account)
		r = open_with_keys();
	forget_keys();
	if (r) {
		log_error("account-open", "error=%s", log_quote(slice_str(ll_strerror(r))));
		leave(1);
	}
}

static void
on_owner(const struct msg_session_owner *m)
{
	se.language = m->language < LANGUAGES ? m->language : LANGUAGE_NONE;
	session_jmap_owner_changed();
}

int
session_add_key(uint8_t area, uint32_t version, const uint8_t secret[32])
{
	struct area_secret *s;

	if (se.account)
		return LL_ERR_STATE;
	if (!se.secrets)
		se.secrets = secret_alloc(SESSION_KEYS_MAX * sizeof(*se.secrets));
	if (!se.secrets)
		return LL_ERR_NOMEM;
	if (se.n_secrets == SESSION_KEYS_MAX)
		return LL_ERR_LIMIT;
	s = &se.secrets[se.n_secrets++];
	s->area = (enum record_area)area;
	s->version = version;
	memcpy(s->key, secret, sizeof(s->key));
	return LL_OK;
}

static void
on_key(const struct msg_session_key *m)
{
	if (m->secret.len != sizeof(((struct area_secret *)0)->key) ||
		session_add_key(m->area, m->version, m->secret.ptr))
		log_warn("session-key", "area=%u error=%s", m->area, "not-taken");
	secret_wipe((void *)(uintptr_t)m->secret.ptr, m->secret.len);
}

int
session_unlock(void)
{
	int r = se.account || !se.store || !se.n_secrets ? LL_ERR_STATE : open_with_keys();

	forget_keys();
	if (r == LL_OK)
		(void)ipc_send_session_unlocked(se.auth, &(struct msg_session_unlocked){}, -1);
	return r;
}

/* --- what the parts share --- */

struct account *
session_account(void)
{
	return se.account;
}

void
session_forget_keys(void)
{
	forget_keys();
}

struct slice
session_seal_key(uint32_t *ret_version)
{
	*ret_version = se.seal_version;
	return SLICE_OF(se.seal_public);
}

struct loop *
session_loop(void)
{
	return se.loop;
}

const uint8_t *
session_account_id(void)
{
	return se.id.b;
}

const char *
session_address(void)
{
	return se.address;
}

enum language
session_language(void)
{
	return se.language;
}

uint64_t
session_append_limit(void)
{
	return se.append_limit;
}

void
session_active(void)
{
	active();
}

void
session_look(void)
{
	if (se.rang)
		on_poll(NULL);
}

int
session_dial(const struct msg_dial *m)
{
	return ipc_send_dial(se.auth, m, -1);
}

static void
store_lost(void *ctx)
{
	session_give_up("store");
}

static void
on_auth_message(void *ctx, struct ipc_channel *ch, const struct msg *m, int fd)
{
	if (m->kind == MSG_KIND_SESSION_STORE && !se.store)
		se.store = store_client_new(se.loop, fd, ROLE_SESSION, store_lost, NULL);
	else if (m->kind == MSG_KIND_SESSION_KEY)
		on_key(&m->session_key);
	else if (m->kind == MSG_KIND_SESSION_OPEN)
		on_open(&m->session_open);
	else if (m->kind == MSG_KIND_SESSION_CONN && session_ask_waits())
		session_ask_defer(&m->session_conn, fd);
	else if (m->kind == MSG_KIND_SESSION_CONN)
		on_conn(&m->session_conn, fd);
	else if (m->kind == MSG_KIND_SESSION_VACATION_DONE)
		session_ask_answered(m->session_vacation_done.id, m->session_vacation_done.err);
	else if (m->kind == MSG_KIND_SESSION_OWNED)
		session_ask_owned(&m->session_owned);
	else if (m->kind == MSG_KIND_SESSION_OWNER)
		on_owner(&m->session_owner);
	else if (m->kind == MSG_KIND_SESSION_PUSH_DONE)
		session_ask_answered(m->session_push_done.id, m->session_push_done.err);
	else if (m->kind == MSG_KIND_SESSION_PUSH_KEY)
		session_push_key(m->session_push_key.key);
	else if (m->kind == MSG_KIND_SESSION_OUT)
		session_out_open(&m->session_out, fd);
	else if (m->kind == MSG_KIND_DIALLED)
		session_import_dialled(&m->dialled, fd);
	else if (m->kind == MSG_KIND_SESSION_END)
		end();
	else
		fd_close(&fd);
}

/* Without auth nobody can end or find this session any more. */
static void
on_auth_gone(void *ctx, struct ipc_channel *ch, int err)
{
	session_give_up("auth");
}

/* Runs in the fork: nothing of the template's connections is kept. The template's epoll instance is
 * shared until it is closed here, so its watches must not be touched, only the descriptors closed.
 */
static void __attribute__((noreturn))
session_main(struct role_env *env, const struct msg_session_spawn *m, int fd)
{
	struct sandbox_profile profile = {
		.name = "session", .calls = SANDBOX_PASS_FDS | SANDBOX_CPU_TIMER};
	struct ipc_options o = {ROLE_SESSION, ROLE_AUTH, on_auth_message, on_auth_gone, NULL};

	close(ipc_fd(env->parent));
	for (unsigned r = 0; r < ROLES; r++)
		for (unsigned i = 0; i < ROLE_PEERS_MAX; i++)
			if (env->peers[r][i])
				close(ipc_fd(env->peers[r][i]));
	loop_close_after_fork(env->loop);
	memcpy(se.id.b, m->account, sizeof(se.id.b));
	se.linger = env->config.session_linger;
	se.append_limit = env->config.message_size;
	se.loop = loop_new();
	if (!se.loop || secret_after_fork() || sandbox_narrow(&profile))
		_exit(1);
	se.auth = ipc_new(se.loop, fd, &o);
	if (!se.auth)
		_exit(1);
	session_ask_start(&(struct session_ask_env){se.auth, se.loop, on_conn});
	session_web_on_change(on_web_change);
	json_object_seed(randombytes_random() | 1); /* left alone, it would open a file for it */
	se.reserve = malloc(RESERVE);
	limit_round();
	loop_at_round_end(se.loop, on_round_end, NULL);
	_exit(loop_run(se.loop) ? 1 : 0);
}

/* --- the template --- */

static void
on_spawn(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct msg_session_spawn copy = m->session_spawn;
	pid_t pid = fork();

	if (pid == 0)
		session_main(env, &copy, fd);
	if (pid < 0)
		log_error("fork", "error=%s", "failed");
	spawned++;
	close(fd); /* auth sees the end of a session that was not to be */
}

static void
template_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	ret->calls = SANDBOX_FORK | SANDBOX_PASS_FDS | SANDBOX_NARROW | SANDBOX_CPU_TIMER;
	ret->max_memory = (uint64_t)env->config.session_memory << 20;
	ret->max_files = 4096;
}

/* Warms up what every session needs, so that the forks share it. */
static int
template_start(struct role_env *env)
{
	CLEANUP(buf_done) struct buf folded = BUF_INIT(64);

	signal(SIGCHLD,
		SIG_IGN); /* sessions are reaped by the kernel; auth sees their channels close */
	(void)fold_all(S("\xc3\xa9"), &folded); /* makes its tables */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	mallopt(M_TRIM_THRESHOLD, 256 << 10);
	session_import_prepare(env->config.ca_file);
	return LL_OK;
}

static void
template_counters(struct role_env *env, struct buf *out)
{
	buf_printf(out, "sessions_started=%llu\n", spawned);
}

static const struct role_message messages[] = {
	{MSG_KIND_SESSION_SPAWN, on_spawn},
};

const struct role_def role_session = {
	.role = ROLE_SESSION,
	.profile = template_profile,
	.start = template_start,
	.counters = template_counters,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
