/* Which account has a session process, and how it gets its keys, its store channel and its
 * connections. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "ipc/channel.h"
#include "keys/kdf.h"
#include "os/clock.h"
#include "roles/auth.h"
#include "roles/language.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 2000

static void watch(void);

struct waiting_conn {
	int fd;
	uint8_t service;
	uint8_t peer[16];
	char tag[1025];
	struct waiting_conn *next;
};

struct session {
	uint8_t account[RECORD_ID_LEN];
	uint64_t open_id; /* of the request for its store channel */
	struct ipc_channel *channel;
	bool open; /* it has its keys */
	bool ready; /* it has everything; connections go straight to it */
	bool sends; /* it has, or is to have, a channel to delivery */
	const struct ipc_channel *delivery; /* which one; NULL while there is none */
	uint64_t conns; /* given so far */
	uint64_t taken; /* of these, those that it has taken up */
	int64_t unheard; /* since when there are others, clock_ms */
	uint64_t quota;
	uint32_t seal_version;
	uint8_t seal_public[XWING_PUBLIC_LEN];
	char address[DIRECTORY_ADDRESS_MAX];
	struct waiting_conn *waiting;
	struct ticket *ticket; /* what it sends mail with */
	uint8_t told[32]; /* hash of what it was told of its owner; zero: nothing */
};

/* A store channel that was asked for; fd -1: there is none. */
struct opened {
	uint64_t id;
	int fd;
};

static struct map *sessions; /* account -> struct session */
static VEC(struct opened) opened;
static struct loop_timer taking;
static uint64_t next_open;
static struct loop_timer look;

static struct slice
account_key(const uint8_t *account)
{
	return slice_new(account, RECORD_ID_LEN);
}

static struct session *
find(const uint8_t *account)
{
	return sessions ? map_get(sessions, account_key(account)) : NULL;
}

bool
session_exists(const uint8_t account[RECORD_ID_LEN])
{
	const struct session *s = find(account);

	return s && s->open;
}

unsigned
session_count(void)
{
	return sessions ? (unsigned)map_len(sessions) : 0;
}

struct ipc_channel *
session_channel(const uint8_t account[RECORD_ID_LEN])
{
	const struct session *s = find(account);

	return s ? s->channel : NULL;
}

static void
session_free(struct session *s)
{
	if (find(s->account) == s) {
		(void)map_del(sessions, account_key(s->account));
		login_session_over(s->account);
	}
	ticket_free(s->ticket);
	while (s->waiting) {
		struct waiting_conn *w = s->waiting;
		s->waiting = w->next;
		close(w->fd);
		free(w);
	}
	ipc_free(s->channel);
	free(s);
}

static void
on_gone(void *ctx, struct ipc_channel *c, int err)
{
	session_free(ctx);
}

static void
set_vacation(struct session *s, const struct msg_session_vacation *m)
{
	struct msg_session_vacation_done done = {.id = m->id};

	done.err = (uint8_t)-vacation_set(s->account, m);
	(void)ipc_send_session_vacation_done(s->channel, &done, -1);
}

static void
tell_own(struct session *s, const struct msg_session_own *m)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(DIRECTORY_OWN_MAX);
	int r = directory_own(auth.directory, s->account, &lines);
	struct msg_session_owned owned = {
		.id = m->id, .err = (uint8_t)-r, .lines = r ? SLICE_NONE : buf_slice(&lines)};

	(void)ipc_send_session_owned(s->channel, &owned, -1);
}

static void
set_push(struct session *s, const struct msg_session_push_set *m)
{
	struct msg_session_push_done done = {.id = m->id};

	done.err = (uint8_t)-push_set(s->account, m->list);
	(void)ipc_send_session_push_done(s->channel, &done, -1);
}

/* Idle and nothing on its way to it: it may end. Otherwise the connection that was just sent goes
 * on. */
static void
on_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct session *s = ctx;

	fd_close(&fd);
	if (m->kind == MSG_KIND_SESSION_UNLOCKED)
		s->open = true;
	if (m->kind == MSG_KIND_SESSION_TAKEN) {
		s->taken = m->session_taken.conns;
		s->unheard = clock_ms();
	}
	if (m->kind == MSG_KIND_SESSION_VACATION)
		set_vacation(s, &m->session_vacation);
	if (m->kind == MSG_KIND_SESSION_OWN)
		tell_own(s, &m->session_own);
	if (m->kind == MSG_KIND_SESSION_PUSH_SET)
		set_push(s, &m->session_push_set);
	if (m->kind == MSG_KIND_SESSION_PUSH_SEND)
		push_send(s->account, &m->session_push_send);
	if (m->kind == MSG_KIND_DIAL)
		dial_ask(s->account, &m->dial);
	if (m->kind != MSG_KIND_SESSION_IDLE || m->session_idle.conns != s->conns || s->waiting)
		return;
	(void)ipc_send_session_end(s->channel, &(struct msg_session_end){}, -1);
	session_free(s);
}

/* A session that takes no connection up hangs, or works at one command without end. It is
 * forgotten: should it go on, it sees the end of its channel and leaves. The next sign-in gets a
 * new one; what both commit cannot hurt, since a commit names the state that it was made from. */
static void
look_for_hung(void *ctx)
{
	int64_t patience = (int64_t)auth.env->config.hang * 2000;
	bool waiting = false;
	size_t pos = 0;
	void *value;

	while (map_next(sessions, &pos, NULL, &value)) {
		struct session *s = value;
		if (s->taken == s->conns)
			continue;
		if (clock_ms() - s->unheard < patience) {
			waiting = true;
			continue;
		}
		log_error("session-hangs", "silent=%lld",
			(long long)(clock_ms() - s->unheard) / 1000);
		session_free(s);
	}
	if (waiting)
		watch();
}

static void
watch(void)
{
	if (auth.env->config.hang && !look.slot &&
		loop_timer_set(auth.env->loop, &look, LOOK_MS, look_for_hung, NULL))
		log_warn("session-watch", "error=memory");
}

static void
give(struct session *s, int fd, uint8_t service, struct slice tag, struct slice peer)
{
	if (ipc_send_session_conn(s->channel,
		    &(struct msg_session_conn){.service = service, .tag = tag, .peer = peer}, fd))
		log_warn("session-conn", "error=not-sent");
	else if (s->conns++ == s->taken)
		s->unheard = clock_ms();
	watch();
}

/* --- the way out --- */

static int
make_ticket(struct session *s)
{
	if (!s->ticket && !(s->ticket = ticket_new(NULL, s->open_id)))
		return LL_ERR_NOMEM;
	memcpy(s->ticket->account, s->account, sizeof(s->account));
	s->ticket->scope =
		(struct scope){.areas = SCOPE_AREA(RECORD_AREA_MAIL), .protocols = SCOPE_SMTP};
	return LL_OK;
}

/* One end of a new channel to delivery, the other to the session. */
static int
connect_out(struct session *s)
{
	struct ipc_channel *delivery = role_peer(auth.env, ROLE_DELIVERY, (unsigned)s->open_id);
	struct msg_submitter submitter;
	struct msg_session_out out;
	int fds[2], r = delivery ? make_ticket(s) : LL_ERR_CLOSED;

	if (r == LL_OK)
		r = ipc_socketpair(fds);
	if (r)
		return r;
	memcpy(submitter.account, s->account, sizeof(submitter.account));
	memcpy(submitter.ticket, s->ticket->id, sizeof(submitter.ticket));
	memcpy(out.ticket, s->ticket->id, sizeof(out.ticket));
	r = ipc_send_submitter(delivery, &submitter, fds[0]);
	if (r == LL_OK)
		r = ipc_send_session_out(s->channel, &out, fds[1]);
	close(fds[0]);
	close(fds[1]);
	if (r == LL_OK)
		s->delivery = delivery;
	return r;
}

static void
give_way_out(struct session *s)
{
	int r = s->delivery ? LL_OK : connect_out(s);

	s->sends = true;
	if (r && r != LL_ERR_CLOSED)
		log_warn("session-out", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

void
session_delivery_changed(const struct ipc_channel *delivery, bool gone)
{
	size_t pos = 0;
	void *value;

	while (sessions && map_next(sessions, &pos, NULL, &value)) {
		struct session *s = value;
		if (gone && s->delivery == delivery)
			s->delivery = NULL;
		if (s->sends)
			give_way_out(s);
	}
}

static int
send_keys(struct session *s, const struct account_unlocked *u)
{
	for (size_t i = 0; u && i < account_unlocked_len(u); i++) {
		const struct area_secret *a = account_unlocked_at(u, i);
		struct msg_session_key m = {.area = (uint8_t)a->area,
			.version = a->version,
			.secret = slice_new(a->key, sizeof(a->key))};
		int r = a->area == RECORD_AREA_MAIL ? ipc_send_session_key(s->channel, &m, -1)
						    : LL_OK;
		if (r)
			return r;
		s->open = true;
	}
	return LL_OK;
}

/* Asks the template for a process and the store for a channel bound to this account. */
static int
spawn(struct session *s, const struct account_unlocked *u)
{
	struct ipc_options o = {ROLE_AUTH, ROLE_SESSION, on_message, on_gone, s};
	struct ipc_channel *template = role_peer(auth.env, ROLE_SESSION, 0);
	struct msg_session_spawn m;
	struct msg_st_open open = {.id = s->open_id};
	int fds[2], r;

	if (!template || !auth.store_channel)
		return LL_ERR_CLOSED;
	if ((r = ipc_socketpair(fds)))
		return r;
	memcpy(m.account, s->account, sizeof(m.account));
	memcpy(open.partition, s->account, sizeof(open.partition));
	r = ipc_send_session_spawn(template, &m, fds[1]);
	close(fds[1]);
	s->channel = ipc_new(auth.env->loop, fds[0], &o);
	if (!s->channel)
		return LL_ERR_NOMEM;
	if (r == LL_OK)
		r = send_keys(s, u);
	return r ? r : ipc_send_st_open(auth.store_channel, &open, -1);
}

/* Without keys it starts locked: its owner brings them over a web link. */
static struct session *
start(const uint8_t id[RECORD_ID_LEN], const struct account_unlocked *u)
{
	struct session *s = calloc(1, sizeof(*s));
	struct directory_account account;

	if (!sessions)
		sessions = map_new();
	if (!s || !sessions || directory_account(auth.directory, id, &account)) {
		free(s);
		return NULL;
	}
	memcpy(s->account, id, sizeof(s->account));
	s->open_id = ++next_open;
	s->quota = account.quota;
	s->seal_version = account.seal_version;
	memcpy(s->seal_public, account.seal_public, sizeof(s->seal_public));
	memcpy(s->address, account.address, sizeof(s->address));
	if (map_set(sessions, account_key(s->account), s, NULL)) {
		free(s);
		return NULL;
	}
	if (spawn(s, u)) {
		session_free(s);
		return NULL;
	}
	auth.sessions_started++;
	return s;
}

/* The language, and that the addresses changed: the session asks for those itself. */
static void
tell_owner(struct session *s)
{
	CLEANUP(buf_done) struct buf about = BUF_INIT(DIRECTORY_OWN_MAX + 1);
	struct msg_session_owner m = {.language = (uint8_t)language_of_id(s->account)};
	uint8_t hash[sizeof(s->told)];

	buf_putc(&about, m.language);
	if (directory_own(auth.directory, s->account, &about))
		return;
	hash_sha256(buf_slice(&about), hash);
	if (memcmp(hash, s->told, sizeof(hash)) != 0 &&
		ipc_send_session_owner(s->channel, &m, -1) == LL_OK)
		memcpy(s->told, hash, sizeof(hash));
}

void
session_owners_changed(void)
{
	size_t pos = 0;
	void *value;

	while (sessions && map_next(sessions, &pos, NULL, &value))
		if (((struct session *)value)->ready)
			tell_owner(value);
}

static int
send_open(struct session *s)
{
	struct msg_session_open open = {.quota = s->quota,
		.address = slice_str(s->address),
		.keyver = s->seal_version,
		.seal_key = SLICE_OF(s->seal_public)};
	uint8_t key[65];

	memcpy(open.account, s->account, sizeof(open.account));
	tell_owner(s);
	if (push_public_key(key) == LL_OK)
		(void)ipc_send_session_push_key(
			s->channel, &(struct msg_session_push_key){SLICE_OF(key)}, -1);
	return ipc_send_session_open(s->channel, &open, -1);
}

/* Keys for a session that started without. */
static void
unlock(struct session *s, const struct account_unlocked *u)
{
	int r;

	if (s->open || !u)
		return;
	r = send_keys(s, u);
	if (r == LL_OK && s->ready)
		r = send_open(s);
	if (r)
		log_warn("session-key", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

static struct session *
find_opening(uint64_t open_id)
{
	size_t pos = 0;
	void *value;

	while (sessions && map_next(sessions, &pos, NULL, &value)) {
		struct session *s = value;
		if (s->open_id == open_id && !s->ready)
			return s;
	}
	return NULL;
}

static void
on_opened(const struct opened *o)
{
	struct session *s = find_opening(o->id);

	if (!s)
		return;
	if (o->fd < 0) {
		session_free(s);
		return;
	}
	(void)ipc_send_session_store(s->channel, &(struct msg_session_store){}, o->fd);
	(void)send_open(s);
	s->ready = true;
	while (s->waiting) {
		struct waiting_conn *w = s->waiting;
		s->waiting = w->next;
		give(s, w->fd, w->service, slice_str(w->tag), slice_new(w->peer, sizeof(w->peer)));
		close(w->fd);
		free(w);
	}
}

static void
take_opened(void *ctx)
{
	while (opened.len) {
		struct opened o = opened.at[0];
		VEC_REMOVE(&opened, 0);
		on_opened(&o);
		fd_close(&o.fd);
	}
}

/* Left to the loop: this comes by the store's channel, perhaps in the middle of a call, and what is
 * to be done needs calls of its own. */
void
session_store_opened(const struct msg_st_opened *m, int fd)
{
	struct opened o = {.id = m->id, .fd = fd};

	if (m->err)
		fd_close(&o.fd);
	if (VEC_PUSH(&opened, o))
		fd_close(&o.fd);
	else if (!taking.slot && loop_timer_set(auth.env->loop, &taking, 0, take_opened, NULL))
		log_error("session-store", "error=%s", "no memory");
}

void
session_store_lost(void)
{
	size_t pos = 0;
	void *value;

	/* Those that have their channel see its end themselves. */
	while (sessions && map_next(sessions, &pos, NULL, &value))
		if (!((struct session *)value)->ready)
			session_free(value);
}

static void
wait_for_ready(struct session *s, const struct msg_attach *m, int fd)
{
	struct waiting_conn *w = calloc(1, sizeof(*w)), **at = &s->waiting;

	if (!w || m->peer.len != sizeof(w->peer) || m->tag.len >= sizeof(w->tag)) {
		free(w);
		close(fd);
		return;
	}
	w->fd = fd;
	w->service = m->service;
	memcpy(w->peer, m->peer.ptr, sizeof(w->peer));
	memcpy(w->tag, m->tag.ptr, m->tag.len);
	while (*at)
		at = &(*at)->next;
	*at = w;
}

static void
hand_over(struct session *s, const struct msg_attach *m, int fd)
{
	if (!s->ready) {
		wait_for_ready(s, m, fd);
		return;
	}
	give(s, fd, m->service, m->tag, m->peer);
	close(fd);
}

/* A web link. An app password (t) may be good for reading only. */
static void
hand_over_web(struct session *s, const struct ticket *t, struct slice peer, int fd)
{
	bool sends = !t || (t->scope.protocols & SCOPE_SMTP);
	const struct msg_attach m = {.service = SERVICE_HTTPS,
		.peer = peer,
		.tag = sends ? slice_str(SESSION_TAG_SENDS) : SLICE_NONE};

	if (sends)
		give_way_out(s);
	hand_over(s, &m, fd);
}

void
session_attach(struct ticket *t, const struct msg_attach *m, int fd)
{
	struct session *s = find(t->account);

	if (s)
		unlock(s, t->unlocked);
	else if (t->unlocked)
		s = start(t->account, t->unlocked);
	account_unlocked_free(TAKE(t->unlocked));
	if (!s)
		close(fd);
	else if (m->service == SERVICE_HTTPS)
		hand_over_web(s, t, m->peer, fd);
	else
		hand_over(s, m, fd);
}

int
session_attach_web(
	const uint8_t account[RECORD_ID_LEN], struct ticket *t, struct slice peer, int fd)
{
	struct session *s = find(account);

	if (s && t)
		unlock(s, t->unlocked);
	else if (!s)
		s = start(account, t ? t->unlocked : NULL);
	if (t)
		account_unlocked_free(TAKE(t->unlocked));
	if (s)
		hand_over_web(s, t, peer, fd);
	else
		close(fd);
	return s ? LL_OK : LL_ERR_AGAIN;
}

void
session_end(const uint8_t *account)
{
	struct session *s;
	size_t pos = 0;
	void *value;

	if (account) {
		if (!(s = find(account)))
			return;
		(void)ipc_send_session_end(s->channel, &(struct msg_session_end){}, -1);
		session_free(s);
		return;
	}
	while (sessions && map_next(sessions, &pos, NULL, &value)) {
		s = value;
		(void)ipc_send_session_end(s->channel, &(struct msg_session_end){}, -1);
		session_free(s);
	}
}
