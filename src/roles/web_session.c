/* Web sessions: the cookie's token is known here by its hash only. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "keys/kdf.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "roles/language.h"
#include "roles/letter.h"
#include "roles/web.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define SEEN_EVERY_S 300
#define DAY_S 86400
#define NOTED_MAX 200000
#define REMEMBER_S (30 * 86400)

/* --- the end of one --- */

static void
tell_frontends(const uint8_t session[WEB_ID])
{
	struct msg_web_revoke m;

	memcpy(m.session, session, sizeof(m.session));
	for (unsigned i = 0; i < ROLE_PEERS_MAX; i++) {
		struct ipc_channel *c = auth.env->peers[ROLE_FRONTEND][i];
		if (c && ipc_send_web_revoke(c, &m, -1))
			log_warn("web-revoke", "error=not-sent");
	}
}

static bool
has_ticket(const uint8_t account[WEB_ID])
{
	size_t pos = 0;
	void *value;

	while (map_next(auth.tickets, &pos, NULL, &value)) {
		const struct ticket *t = value;
		if (t->frontend && memcmp(t->account, account, WEB_ID) == 0)
			return true;
	}
	return false;
}

static int
close_one(struct web_account *a, const uint8_t id[WEB_ID])
{
	uint8_t copy[WEB_ID];
	int r;

	memcpy(copy, id, sizeof(copy));
	r = web_session_remove(a, copy);
	if (r == LL_OK)
		tell_frontends(copy);
	return r;
}

/* With the last of them the keys go, too, unless a mail program is connected. */
static int
save(struct web_account *a)
{
	const struct web_place p = web_place();
	bool ended = a->gone.len > 0;
	int r = web_account_save(&p, a);

	if (r == LL_OK && ended && a->sessions.len == 0 && !has_ticket(a->id))
		session_end(a->id);
	return r;
}

int
web_sessions_close(struct web_account *a, const uint8_t *but)
{
	int r = LL_OK;

	for (size_t i = a->sessions.len; i > 0 && r == LL_OK; i--)
		if (!but || memcmp(a->sessions.at[i - 1].id, but, WEB_ID) != 0)
			r = close_one(a, a->sessions.at[i - 1].id);
	return r ? r : save(a);
}

static void
on_account(const uint8_t account[WEB_ID], int (*what)(struct web_account *a))
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	const struct web_place p = web_place();
	int r = web_account_load(&p, account, &a);

	if (r == LL_OK)
		r = what(a);
	if (r)
		log_error("web-account", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

static int
close_all(struct web_account *a)
{
	return a->sessions.len ? web_sessions_close(a, NULL) : LL_OK;
}

void
web_sign_out(const uint8_t account[RECORD_ID_LEN])
{
	on_account(account, close_all);
}

void
web_forget(const uint8_t account[RECORD_ID_LEN])
{
	const struct web_place p = web_place();
	int r;

	on_account(account, close_all);
	letters_forget(account);
	web_oauth_forget(account);
	r = web_account_drop(&p, account);
	if (r)
		log_error("web-account", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* Once a day for each app password, as the memory of this process goes. */
static bool
noted_today(const uint8_t account[WEB_ID], const uint8_t unlocker[WEB_ID])
{
	static struct map *noted;
	static int64_t noted_on;
	int64_t today = clock_unix() / DAY_S;
	uint8_t key[2 * WEB_ID];

	if (!noted || noted_on != today || map_len(noted) >= NOTED_MAX) {
		map_free(noted, NULL);
		noted = map_new();
		noted_on = today;
	}
	memcpy(key, account, WEB_ID);
	memcpy(key + WEB_ID, unlocker, WEB_ID);
	if (!noted || map_get(noted, SLICE_OF(key)))
		return noted != NULL;
	return map_set(noted, SLICE_OF(key), &noted, NULL) != LL_OK;
}

void
web_note_use(const uint8_t account[RECORD_ID_LEN], const uint8_t unlocker[RECORD_ID_LEN])
{
	CLEANUP(web_account_cleanup) struct web_account *a = NULL;
	const struct web_place p = web_place();
	int r;

	if (noted_today(account, unlocker))
		return;
	r = web_account_load(&p, account, &a);
	if (r == LL_OK && web_use_note(a, unlocker, clock_unix()))
		r = web_account_save(&p, a);
	if (r)
		log_warn("web-use", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* --- who is it? --- */

static int
signed_out(struct web_call *c)
{
	web_account_free(c->account);
	c->account = NULL;
	c->session = NULL;
	return web_fail(c, LL_ERR_NOTFOUND, "signed-out", "Nobody is signed in here.");
}

/* Notes the time and place of use, not more often than it is told. */
static int
note_seen(struct web_call *c)
{
	struct web_session *s = c->session;
	int64_t now = clock_unix();
	const struct web_place p = web_place();

	if (now - s->seen < SEEN_EVERY_S && now >= s->seen)
		return LL_OK;
	s->seen = now;
	memcpy(s->peer, c->m->peer.ptr, sizeof(s->peer));
	return web_account_save(&p, c->account);
}

int
web_session_open(struct web_call *c)
{
	uint8_t account[WEB_ID], session[WEB_ID];
	const struct web_place p = web_place();
	int r = web_token_find(&p, c->m->token, account, session);

	if (r == LL_OK)
		r = directory_account(auth.directory, account, &c->owner);
	if (r == LL_OK)
		r = web_account_load(&p, account, &c->account);
	if (r && r != LL_ERR_NOTFOUND)
		return r;
	c->session = r ? NULL : web_session_find(c->account, session);
	if (!c->session || c->owner.disabled)
		return signed_out(c);
	if (web_session_end_time(c->session) < clock_unix()) {
		r = close_one(c->account, session);
		if (r == LL_OK)
			r = save(c->account);
		return r ? r : signed_out(c);
	}
	return note_seen(c);
}

/* --- a new one --- */

/* The part of what a browser calls itself that people know it by; all of it, when it is short. */
static void
copy_text(char *to, size_t max, struct slice from)
{
	struct slice s = slice_sub(from, 0, max);

	/* Not in the middle of a character. */
	while (s.len < from.len && s.len && (from.ptr[s.len] & 0xc0) == 0x80)
		s.len--;
	if (s.len)
		memcpy(to, s.ptr, s.len);
	to[s.len] = 0;
}

static int
make_room(struct web_account *a)
{
	int64_t now = clock_unix();
	size_t oldest = 0;
	int r = LL_OK;

	for (size_t i = a->sessions.len; i > 0 && r == LL_OK; i--)
		if (web_session_end_time(&a->sessions.at[i - 1]) < now)
			r = close_one(a, a->sessions.at[i - 1].id);
	if (r || a->sessions.len < WEB_SESSIONS_MAX)
		return r;
	for (size_t i = 1; i < a->sessions.len; i++)
		if (a->sessions.at[i].seen < a->sessions.at[oldest].seen)
			oldest = i;
	return close_one(a, a->sessions.at[oldest].id);
}

int
web_session_new(struct web_call *c, struct web_account *a, const struct web_flow *f,
	struct web_session **ret)
{
	struct web_session s = {.remember = f->remember, .fresh = true};
	int r = make_room(a);

	if (r)
		return r;
	s.created = s.seen = s.confirmed = clock_unix();
	randombytes_buf(s.id, sizeof(s.id));
	randombytes_buf(c->token, sizeof(c->token));
	hash_sha256(SLICE_OF(c->token), s.hash);
	memcpy(s.peer, c->m->peer.ptr, sizeof(s.peer));
	copy_text(s.device, WEB_NAME_MAX, slice_str(f->device));
	copy_text(s.agent, WEB_AGENT_MAX, utf8_valid(c->m->agent) ? c->m->agent : SLICE_NONE);
	if (VEC_PUSH(&a->sessions, s))
		return LL_ERR_NOMEM;
	c->cookie = WEB_COOKIE_SET;
	c->max_age = f->remember ? REMEMBER_S : 0;
	*ret = &a->sessions.at[a->sessions.len - 1];
	return LL_OK;
}

/* --- links --- */

static int
may_attach(struct ipc_channel *frontend, const struct msg_web_attach *m, struct web_call *c,
	struct ticket **ret)
{
	int r;

	*ret = NULL;
	if (m->peer.len != 16 || !auth.store)
		return LL_ERR_AGAIN;
	if (m->token.len) {
		r = web_session_open(c);
		return r;
	}
	*ret = ticket_find(m->ticket);
	if (!*ret || (*ret)->frontend != frontend || !((*ret)->scope.protocols & SCOPE_JMAP) ||
		!((*ret)->scope.areas & SCOPE_AREA(RECORD_AREA_MAIL)))
		return LL_ERR_NOTFOUND;
	return directory_account(auth.directory, (*ret)->account, &c->owner);
}

void
web_attach(struct ipc_channel *frontend, const struct msg_web_attach *m, int fd)
{
	const struct msg_web_command who = {.peer = m->peer, .token = m->token};
	struct web_call c = {.frontend = frontend, .m = &who};
	struct msg_web_attached reply = {.id = m->id};
	struct ticket *t = NULL;
	int r = may_attach(frontend, m, &c, &t);

	if (r == LL_OK) {
		memcpy(reply.session, t ? t->id : c.session->id, sizeof(reply.session));
		memcpy(reply.account, c.owner.id, sizeof(reply.account));
		reply.address = slice_str(c.owner.address);
		r = session_attach_web(c.owner.id, t, m->peer, fd);
	} else {
		close(fd);
	}
	reply.err = (uint8_t)-r;
	(void)ipc_send_web_attached(frontend, &reply, -1);
	web_account_free(c.account);
}

/* --- commands --- */

int
web_logout(struct web_call *c, struct slice body)
{
	int r = LL_OK;

	c->cookie = WEB_COOKIE_CLEAR;
	if (c->session)
		r = close_one(c->account, c->session->id);
	if (r == LL_OK && c->session)
		r = save(c->account);
	return r;
}

static int
put_session(const struct web_call *c, const struct web_session *s, struct buf *items)
{
	CLEANUP(buf_done) struct buf item = BUF_INIT(4096), ip = BUF_INIT(64);
	struct web_session_form m;
	struct ip_addr addr = ip_addr_new(SLICE_OF(s->peer));
	int r;

	ip_addr_put(&ip, &addr);
	m = (struct web_session_form){.device = slice_str(s->device),
		.agent = slice_str(s->agent),
		.ip = buf_slice(&ip),
		.country = places_find(&auth.places, s->peer),
		.created = (uint64_t)s->created,
		.last_seen = (uint64_t)s->seen,
		.remember = s->remember,
		.current = s == c->session};
	memcpy(m.id, s->id, sizeof(m.id));
	r = web_session_form_put(&item, &m);
	return r ? r : control_items_add(items, buf_slice(&item));
}

int
web_sessions(struct web_call *c, struct slice body)
{
	CLEANUP(buf_done) struct buf items = BUF_INIT(CONTROL_ITEMS_MAX);
	int r = LL_OK;

	VEC_EACH (s, &c->account->sessions)
		if (r == LL_OK && web_session_end_time(s) >= clock_unix())
			r = put_session(c, s, &items);
	return r ? r
		 : web_sessions_form_put(
			   &c->answer, &(struct web_sessions_form){.sessions = buf_slice(&items)});
}

int
web_session_end(struct web_call *c, struct slice body)
{
	struct web_ref m;
	int r = web_ref_get(body, &m);

	if (r == LL_OK && memcmp(m.id, c->session->id, WEB_ID) == 0)
		c->cookie = WEB_COOKIE_CLEAR;
	if (r == LL_OK)
		r = close_one(c->account, m.id);
	return r ? r : save(c->account);
}

int
web_sessions_end(struct web_call *c, struct slice body)
{
	return web_sessions_close(c->account, c->session->id);
}

int
web_key_publish(struct web_call *c, struct slice body)
{
	struct web_publish m;
	int r = web_publish_get(body, &m);

	if (r == LL_OK)
		r = pgp_publish(c->owner.id, m.key);
	if (r == LL_ERR_DENIED)
		c->title = "The account's manifest does not list this key's fingerprint.";
	return r;
}

int
web_alerts(struct web_call *c, struct slice body)
{
	const struct web_place p = web_place();
	struct web_switch m;
	int r = web_switch_get(body, &m);

	if (r == LL_OK && !m.on)
		r = web_need_fresh(c);
	if (r)
		return r;
	c->account->alerts = m.on;
	return web_account_save(&p, c->account);
}

int
web_language(struct web_call *c, struct slice body)
{
	struct web_tongue m;
	int r = web_tongue_get(body, &m);

	if (r == LL_OK && m.language >= LANGUAGES)
		r = LL_ERR_SYNTAX;
	return r ? r : language_account_set(&c->owner, (enum language)m.language);
}
