/* Requests of signed-in people: the frontend holds one web link to the session process of each
 * sign-in, and finds it by a keyed hash of the cookie's token or of the password. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "os/clock.h"
#include "roles/front_link_priv.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MAX 20000
#define LINK_IDLE_S 120 /* without a request; then the session may leave */
#define LINK_WAIT_S 20 /* for auth's answer */
#define LINK_QUEUE_HIGH ((size_t)1 << 20)

static struct {
	struct role_env *env;
	struct map *by_key, *by_id;
	uint8_t hash_key[32];
	uint64_t next_id;
} ls;

static struct slice
id_key(const uint64_t *id)
{
	return slice_new(id, sizeof(*id));
}

void
front_link_init(struct role_env *env)
{
	ls.env = env;
	ls.by_key = map_new();
	ls.by_id = map_new();
	randombytes_buf(ls.hash_key, sizeof(ls.hash_key));
}

/* --- links --- */

static void run(struct front_link *l);

/* Every request on it is told, then the link goes. */
static void
link_free(struct front_link *l)
{
	struct ipc_channel *auth = role_peer(ls.env, ROLE_AUTH, 0);

	if (map_get(ls.by_key, SLICE_OF(l->key)) == l)
		(void)map_del(ls.by_key, SLICE_OF(l->key));
	(void)map_del(ls.by_id, id_key(&l->id));
	while (web_link_streams(l->web)) {
		struct passage *p = web_link_ctx_at(l->web, 0);
		web_link_cancel(l->web, p->stream);
		front_passage_lost(p, l->refused);
	}
	if (l->kind != FRONT_LINK_COOKIE && auth) {
		struct msg_login_end m = {.id = l->id | FRONT_LINK_ID_BIT};
		memcpy(m.ticket, l->ticket, sizeof(m.ticket));
		(void)ipc_send_login_end(auth, &m, -1);
	}
	loop_timer_stop(ls.env->loop, &l->timer);
	loop_timer_stop(ls.env->loop, &l->again);
	fd_close(&l->far);
	stream_free(l->stream);
	web_link_free(l->web);
	secret_wipe(l, sizeof(*l));
	free(l);
}

static void
on_again(void *ctx)
{
	struct front_link *l = ctx;

	if (!l->dead)
		run(l);
	if (l->dead)
		link_free(l);
}

void
front_link_wake(struct front_link *l)
{
	if (!l->running && !l->again.slot)
		(void)!loop_timer_set(ls.env->loop, &l->again, 0, on_again, l);
}

static void
link_end(struct front_link *l)
{
	/* New requests get a new link. */
	if (map_get(ls.by_key, SLICE_OF(l->key)) == l)
		(void)map_del(ls.by_key, SLICE_OF(l->key));
	l->dead = true;
	front_link_wake(l);
}

static bool
is_over(const struct front_link *l)
{
	return l->until && clock_unix() >= l->until;
}

static void
link_refused(struct front_link *l, unsigned status)
{
	l->refused = status;
	link_end(l);
}

/* Until it is to be looked at again; at the latest when its token ends. */
static int64_t
link_rest(const struct front_link *l)
{
	int64_t rest = l->until ? l->until - clock_unix() : LINK_IDLE_S;

	return MAX(1, MIN(rest, LINK_IDLE_S));
}

static void
on_link_time(void *ctx)
{
	struct front_link *l = ctx;

	if (is_over(l))
		link_refused(l, 401);
	else if (!l->attached || web_link_streams(l->web) == 0 ||
		loop_timer_set(ls.env->loop, &l->timer, link_rest(l) * 1000, on_link_time, l))
		link_end(l);
}

/* Nobody is at the other end: seen by reading or, when auth is quick, by the first write. Before auth
 * has answered, it is auth's refusal that closed it, and the reason is on its way. */
static void
link_lost(struct front_link *l)
{
	l->lost = true;
	if (l->attached || l->refused)
		link_end(l);
}

static void
flush(struct front_link *l)
{
	while (!l->dead && !l->lost && stream_queued(l->stream) < LINK_QUEUE_HIGH) {
		struct slice out = slice_sub(web_link_output(l->web), 0, LINK_QUEUE_HIGH);
		int err;
		if (out.len == 0)
			return;
		err = stream_send(l->stream, out);
		if (err == LL_ERR_CLOSED)
			link_lost(l);
		else if (err)
			link_end(l);
		web_link_sent(l->web, out.len);
	}
}

static void
run(struct front_link *l)
{
	struct web_event e;
	enum parse_result r = PARSE_OK;

	l->running = true;
	while (!l->dead && (r = web_link_next(l->web, &e)) == PARSE_OK) {
		front_passage_event(&e);
		flush(l);
	}
	if (r == PARSE_BAD) {
		log_error("web-link", "error=%s", "malformed");
		link_end(l);
	}
	flush(l);
	l->running = false;
	if (l->dead)
		front_link_wake(l);
}

static size_t
link_input(void *ctx, struct slice in)
{
	struct front_link *l = ctx;
	struct slice part = slice_sub(in, 0, (size_t)64 << 10);

	if (l->dead)
		return in.len;
	if (web_link_input(l->web, part))
		link_end(l);
	else
		run(l);
	return part.len;
}

static void
link_drained(void *ctx)
{
	struct front_link *l = ctx;

	if (!l->dead)
		run(l);
}

static void
link_closed(void *ctx, int err)
{
	link_lost(ctx);
}

static const struct stream_ops link_ops = {link_input, link_drained, NULL, link_closed};

/* --- sign-in --- */

static bool
ask_cookie(struct front_link *l, struct ipc_channel *auth, struct slice token)
{
	struct msg_web_attach m = {
		.id = l->id, .token = token, .peer = slice_new(l->peer, sizeof(l->peer))};
	bool ok = ipc_send_web_attach(auth, &m, l->far) == LL_OK;

	fd_close(&l->far);
	return ok;
}

/* PLAIN or OAUTHBEARER, as a mail program would do it; the link follows when it is good. */
static bool
ask_secret(struct front_link *l, struct ipc_channel *auth, struct slice secret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(IPC_SASL_MAX);
	bool token = l->kind == FRONT_LINK_TOKEN;
	struct msg_login_start m = {.id = l->id | FRONT_LINK_ID_BIT,
		.service = SERVICE_HTTPS,
		.mechanism = token ? SASL_OAUTHBEARER : SASL_PLAIN,
		.peer = slice_new(l->peer, sizeof(l->peer))};

	buf_putc(&plain, 0);
	if (buf_put(&plain, secret))
		return false;
	m.data = token ? secret : buf_slice(&plain);
	return ipc_send_login_start(auth, &m, -1) == LL_OK;
}

static bool
link_ask(struct front_link *l, struct slice secret)
{
	struct ipc_channel *auth = role_peer(ls.env, ROLE_AUTH, 0);

	if (!auth || loop_timer_set(ls.env->loop, &l->timer, LINK_WAIT_S * 1000, on_link_time, l))
		return false;
	return l->kind == FRONT_LINK_COOKIE ? ask_cookie(l, auth, secret)
					    : ask_secret(l, auth, secret);
}

static struct front_link *
link_new(const uint8_t key[FRONT_LINK_KEY_LEN], enum front_link_kind kind, const uint8_t peer[16])
{
	struct front_link *l = calloc(1, sizeof(*l));
	int fds[2];

	if (!l || map_len(ls.by_id) >= LINKS_MAX ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
		free(l);
		return NULL;
	}
	*l = (struct front_link){.id = ++ls.next_id, .kind = kind, .far = fds[1]};
	memcpy(l->key, key, FRONT_LINK_KEY_LEN);
	memcpy(l->peer, peer, sizeof(l->peer));
	l->web = web_link_new(true);
	l->stream = stream_new(ls.env->loop, fds[0], &link_ops, l);
	if (!l->web || !l->stream || map_set(ls.by_id, id_key(&l->id), l, NULL) ||
		map_set(ls.by_key, SLICE_OF(l->key), l, NULL)) {
		(void)map_del(ls.by_id, id_key(&l->id));
		stream_free(l->stream);
		web_link_free(l->web);
		fd_close(&l->far);
		free(l);
		return NULL;
	}
	return l;
}

static void
link_attached(struct front_link *l)
{
	l->attached = true;
	if (l->lost ||
		loop_timer_set(ls.env->loop, &l->timer, link_rest(l) * 1000, on_link_time, l))
		link_end(l);
}

static struct front_link *
find(uint64_t id)
{
	struct front_link *l = ls.by_id ? map_get(ls.by_id, id_key(&id)) : NULL;

	return l && !l->attached && !l->dead ? l : NULL;
}

void
front_link_attached(const struct msg_web_attached *m)
{
	struct front_link *l = find(m->id);
	int err = -(int)m->err;

	if (!l || l->kind != FRONT_LINK_COOKIE)
		return;
	memcpy(l->session, m->session, sizeof(l->session));
	if (err == LL_OK)
		link_attached(l);
	else
		link_refused(l,
			err == LL_ERR_AUTH || err == LL_ERR_DENIED || err == LL_ERR_NOTFOUND ? 401
											     : 503);
}

void
front_link_login_result(const struct msg_login_result *m)
{
	struct front_link *l = find(m->id & ~FRONT_LINK_ID_BIT);
	struct ipc_channel *auth = role_peer(ls.env, ROLE_AUTH, 0);
	struct msg_attach a = {.id = m->id, .service = SERVICE_HTTPS};
	bool ok;

	if (!l || l->kind == FRONT_LINK_COOKIE || l->far < 0)
		return;
	if (m->result != LOGIN_OK) {
		link_refused(l, m->result == LOGIN_TEMPORARY ? 503 : 401);
		return;
	}
	l->until = (int64_t)m->until;
	memcpy(l->ticket, m->ticket, sizeof(l->ticket));
	memcpy(a.ticket, m->ticket, sizeof(a.ticket));
	a.peer = slice_new(l->peer, sizeof(l->peer));
	ok = auth && ipc_send_attach(auth, &a, l->far) == LL_OK;
	fd_close(&l->far);
	if (ok)
		link_attached(l);
	else
		link_refused(l, 503);
}

/* By which auth names its sign-in. */
static const uint8_t *
sign_in_of(const struct front_link *l)
{
	return l->kind == FRONT_LINK_COOKIE ? l->session : l->ticket;
}

/* One whose stream has ended already is told the reason, too: both come in the same round. */
void
front_link_revoked(const struct msg_web_revoke *m)
{
	size_t pos = 0;
	void *value;

	while (map_next(ls.by_id, &pos, NULL, &value)) {
		struct front_link *l = value;
		if (memcmp(sign_in_of(l), m->session, sizeof(m->session)) == 0)
			link_refused(l, 401);
	}
}

/* Links whose sessions live on go on; those that wait get no answer any more. */
void
front_link_auth_lost(void)
{
	size_t pos = 0;
	void *value;

	while (ls.by_id && map_next(ls.by_id, &pos, NULL, &value))
		if (!((struct front_link *)value)->attached)
			link_refused(value, 503);
}

static struct front_link *
link_for(struct front_task *t, enum front_link_kind kind, struct slice secret)
{
	uint8_t key[FRONT_LINK_KEY_LEN], tag = (uint8_t)kind;
	struct front_link *l;
	crypto_generichash_state h;

	crypto_generichash_init(&h, ls.hash_key, sizeof(ls.hash_key), FRONT_LINK_KEY_LEN);
	crypto_generichash_update(&h, &tag, 1);
	crypto_generichash_update(&h, secret.ptr, secret.len);
	crypto_generichash_final(&h, key, FRONT_LINK_KEY_LEN);
	l = map_get(ls.by_key, SLICE_OF(key));
	if (l && is_over(l)) {
		link_refused(l, 401); /* and a new one will be told the same */
		l = NULL;
	}
	if (l)
		return l;
	l = link_new(key, kind, t->c->ip);
	if (l && !link_ask(l, secret))
		link_refused(l, 503);
	return l;
}

void
front_link_request(struct front_task *t, const struct http_request *q, enum front_link_kind kind,
	struct slice secret)
{
	struct front_link *l = link_for(t, kind, secret);

	if (l && !l->dead && front_passage_begin(t, l, q))
		return;
	front_task_problem(
		t, 503, "unavailable", "The account cannot be reached now, please try again.", 2);
}
