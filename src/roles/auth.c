/* Auth: who lives here and who may come in. It holds the directory keys and, while a sign-in lasts,
 * the unlock secret and the area keys that it opens; it reads messages of fixed form only, and has
 * neither network nor disk. */
#include "roles/auth.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "os/clock.h"
#include "roles/language.h"
#include "roles/letter.h"
#include "store/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILL_LEVELS 1024
#define FILL_LEVEL_MS 2000

struct auth auth;

static void
auth_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	ret->calls = SANDBOX_PASS_FDS;
	ret->max_files = 65536;
}

/* --- frontend --- */

/* How full mailboxes were when somebody last asked: a list's letters, or a burst for one recipient,
 * need not ask the store each time. Every delivery's commit is checked against the quota again. */
static struct {
	struct store_id id;
	uint64_t bytes;
	int64_t until; /* clock_ms; 0: free */
} fill_levels[FILL_LEVELS];

static int
fill_level(const uint8_t account[STORE_ID_LEN], uint64_t *ret_bytes)
{
	size_t slot = be16_get(account) % FILL_LEVELS; /* ids are random */
	int64_t now = clock_ms();
	struct store_stat st;
	struct store_id id;
	int r;

	memcpy(id.b, account, sizeof(id.b));
	if (fill_levels[slot].until <= now || memcmp(&fill_levels[slot].id, &id, sizeof(id)) != 0) {
		r = auth.store ? store_stat(auth.store, id, &st) : LL_ERR_CLOSED;
		if (r)
			return r;
		fill_levels[slot].id = id;
		fill_levels[slot].bytes = st.blob_bytes;
		fill_levels[slot].until = now + FILL_LEVEL_MS;
	}
	*ret_bytes = fill_levels[slot].bytes;
	return LL_OK;
}

static enum rcpt_result
account_state(const struct directory_account *a)
{
	uint64_t bytes;

	if (a->disabled)
		return RCPT_DISABLED;
	if (a->seal_version == 0)
		return RCPT_TEMPORARY; /* its owner has no keys yet */
	if (a->quota == 0)
		return RCPT_LOCAL;
	if (fill_level(a->id, &bytes))
		return RCPT_TEMPORARY;
	return bytes >= a->quota ? RCPT_FULL : RCPT_LOCAL;
}

/* <Postmaster>, which has no domain (RFC 5321 section 4.5.1), and the postmaster of the host's
 * name, who writes the reports, are the one of the host's own domain, or else of the first. */
static struct slice
with_domain(struct slice address, char *space, size_t size)
{
	struct slice host = slice_str(auth.env->config.hostname);
	CLEANUP(buf_done) struct buf domains = BUF_INIT(1 << 20);
	size_t at = slice_find_byte(address, '@');
	struct slice rest;

	if (at != SLICE_NPOS &&
		(!slice_ieq(slice_sub(address, 0, at), S("postmaster")) ||
			!slice_ieq(slice_skip(address, at + 1), host)))
		return address;
	address = slice_sub(address, 0, at);
	if (directory_domain(auth.directory, host) &&
		directory_domains(auth.directory, &domains) == LL_OK && domains.len) {
		rest = buf_slice(&domains);
		host = slice_line(&rest);
	}
	snprintf(space, size, "%.*s@%.*s", SLICE_ARG(address), SLICE_ARG(host));
	return slice_str(space);
}

enum rcpt_result
auth_recipient(struct slice address)
{
	static struct directory_alias alias;
	struct directory_account account;
	bool is_account = false;
	char postmaster[600];
	int r;

	address = with_domain(address, postmaster, sizeof(postmaster));
	r = directory_find(auth.directory, address, &is_account, &account, &alias);
	if (r == LL_OK)
		return is_account ? account_state(&account) : RCPT_LOCAL;
	return r == LL_ERR_DENIED			     ? RCPT_REMOTE
		: r == LL_ERR_NOTFOUND || r == LL_ERR_SYNTAX ? RCPT_UNKNOWN
							     : RCPT_TEMPORARY;
}

static void
on_rcpt_query(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	enum rcpt_result result = auth_recipient(m->rcpt_query.address);

	auth.lookups++;
	(void)ipc_send_rcpt_reply(
		c, &(struct msg_rcpt_reply){.id = m->rcpt_query.id, .result = (uint8_t)result}, -1);
}

static void
on_login_start(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	login_start(c, &m->login_start);
	secret_wipe((void *)(uintptr_t)m->login_start.data.ptr, m->login_start.data.len);
}

static void
on_login_continue(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	login_continue(c, &m->login_continue);
}

static void
on_web_command(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	web_command(c, &m->web_command);
}

static void
on_web_attach(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	web_attach(c, &m->web_attach, fd);
}

/* Of a letter to an account's owner. */
static void
on_deliver_result(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	if (letter_reply_result(m->deliver_result.id, m->deliver_result.code))
		return;
	if (m->deliver_result.code != 250)
		log_warn("alert", "code=%u", m->deliver_result.code);
}

static void
on_login_end(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	login_forget(c, m->login_end.id);
}

/* A frontend may attach only what it signed in itself. */
static struct ticket *
own_ticket(struct ipc_channel *c, const uint8_t id[16])
{
	struct ticket *t = ticket_find(id);

	return t && t->frontend == c ? t : NULL;
}

static void
on_attach(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct ticket *t = own_ticket(c, m->attach.ticket);
	unsigned protocol = m->attach.service == SERVICE_HTTPS ? SCOPE_JMAP : SCOPE_IMAP;

	if (!t || !(t->scope.protocols & protocol) ||
		!(t->scope.areas & SCOPE_AREA(RECORD_AREA_MAIL))) {
		log_error("attach", "error=no-such-sign-in");
		close(fd);
		return;
	}
	session_attach(t, &m->attach, fd);
}

struct rights_search {
	const uint8_t *account;
	bool found;
};

static int
is_account(void *ctx, const struct directory_account *a, struct slice outside)
{
	struct rights_search *s = ctx;

	s->found = s->found || (a && memcmp(a->id, s->account, RECORD_ID_LEN) == 0);
	return LL_OK;
}

/* One may send as every address whose mail one receives. */
static enum login_result
may_send_as(const struct ticket *t, struct slice address)
{
	struct rights_search s = {.account = t->account};
	int r = directory_resolve(auth.directory, address, is_account, &s);

	if (r && r != LL_ERR_NOTFOUND && r != LL_ERR_DENIED && r != LL_ERR_SYNTAX)
		return LOGIN_TEMPORARY;
	return s.found ? LOGIN_OK : LOGIN_NOT_PERMITTED;
}

static void
on_sender_query(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct ticket *t = own_ticket(c, m->sender_query.ticket);
	struct slice address = m->sender_query.address;
	enum login_result r = !t   ? LOGIN_NOT_PERMITTED
		: address.len == 0 ? LOGIN_OK
				   : may_send_as(t, address);

	(void)ipc_send_sender_reply(
		c, &(struct msg_sender_reply){.id = m->sender_query.id, .result = (uint8_t)r}, -1);
}

/* --- delivery --- */

struct resolving {
	struct ipc_channel *c;
	uint64_t id;
};

static int
send_resolved(void *ctx, const struct directory_account *a, struct slice outside)
{
	struct resolving *r = ctx;
	struct msg_resolved m = {.id = r->id, .address = outside};

	if (a) {
		m.result = (uint8_t)(a->disabled       ? RCPT_DISABLED
				: a->seal_version == 0 ? RCPT_TEMPORARY
						       : RCPT_LOCAL);
		memcpy(m.account, a->id, sizeof(m.account));
		m.quota = a->quota;
		m.vacation = vacation_exists(a->id);
		m.push = push_exists(a->id);
		m.keyver = a->seal_version;
		m.seal_key = slice_new(a->seal_public, sizeof(a->seal_public));
		m.address = slice_str(a->address);
	} else {
		m.result = RCPT_REMOTE;
	}
	return ipc_send_resolved(r->c, &m, -1);
}

static void
on_resolve(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct resolving ctx = {c, m->resolve.id};
	char postmaster[600];
	struct slice address = with_domain(m->resolve.address, postmaster, sizeof(postmaster));
	int r;

	auth.lookups++;
	r = directory_resolve(auth.directory, address, send_resolved, &ctx);
	(void)ipc_send_resolved(c,
		&(struct msg_resolved){.id = m->resolve.id,
			.last = 1,
			.result = (uint8_t)(r == LL_OK	     ? RCPT_LOCAL
					: r == LL_ERR_DENIED ? RCPT_REMOTE
					: r == LL_ERR_NOTFOUND || r == LL_ERR_SYNTAX
					? RCPT_UNKNOWN
					: RCPT_TEMPORARY)},
		-1);
}

static void
on_ticket_query(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct ticket *t = ticket_find(m->ticket_query.ticket);
	struct msg_ticket_reply reply = {.id = m->ticket_query.id, .result = LOGIN_REFUSED};
	struct directory_account account;

	if (t && (t->scope.protocols & SCOPE_SMTP) &&
		directory_account(auth.directory, t->account, &account) == LL_OK &&
		!account.disabled) {
		reply.result = (uint8_t)may_send_as(t, m->ticket_query.address);
		reply.language = (uint8_t)language_of(&account);
	}
	(void)ipc_send_ticket_reply(c, &reply, -1);
}

static void
on_sts_query(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	domain_sts_query(c, &m->sts_query);
}

static void
on_pgp_query(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	pgp_query(c, &m->pgp_query);
}

static void
on_vacation_query(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	vacation_query(c, &m->vacation_query);
}

static void
on_push_delivered(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	push_delivered(m->push_delivered.account);
}

static void
on_https_reply(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	push_reply(&m->https_reply);
}

static void
on_dialled(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	dial_answer(&m->dialled, fd);
}

/* --- store --- */

static void
on_store(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	if (auth.store)
		(void)store_client_message(auth.store, m, fd);
	fd_close(&fd);
}

static void
on_st_opened(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	session_store_opened(&m->st_opened, fd);
}

static void
use_store(struct role_env *env, struct ipc_channel *c)
{
	if (auth.store) {
		store_client_closed(auth.store);
		store_free(auth.store);
	}
	auth.store = c ? store_client_over(env->loop, c) : NULL;
	auth.store_channel = auth.store ? c : NULL;
	directory_set_store(auth.directory, auth.store);
}

static void
auth_peer(struct role_env *env, enum role role, unsigned index, struct ipc_channel *c, bool gone)
{
	if (role == ROLE_STORE)
		use_store(env, gone ? NULL : c);
	if (role == ROLE_STORE && gone)
		session_store_lost();
	if (role == ROLE_FRONTEND && gone)
		login_forget_all(c);
	if (role == ROLE_RELAY && gone)
		control_relay_gone();
	if (role == ROLE_LOOKUP && gone) {
		push_lost();
		dial_lost();
	}
	if (role == ROLE_DELIVERY && index == 0)
		letter_reply_lost();
	if (role == ROLE_DELIVERY)
		session_delivery_changed(c, gone);
}

/* --- the command line, the parent, relay --- */

static void
on_control_conn(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	control_conn(env, fd);
}

static void
on_processes_reply(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	control_processes_reply(&m->processes_reply);
}

static void
on_queue_reply(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	control_queue_reply(&m->queue_reply);
}

/* Without the table a session has no country. */
static void
open_places(struct slice file)
{
	if (file.len && places_open(file, &auth.places))
		log_error("places", "error=%s", log_quote(slice_str(ll_strerror(LL_ERR_CORRUPT))));
}

static int
auth_start(struct role_env *env)
{
	struct slice keys = role_secret(env, "directory"), opaque = role_secret(env, "opaque");

	auth.env = env;
	if (keys.len != sizeof(struct directory_keys) || opaque.len != sizeof(struct opaque_server))
		return LL_ERR_STATE;
	auth.keys = (const void *)keys.ptr;
	auth.opaque = (const void *)opaque.ptr;
	open_places(role_file(env, "places"));
	auth.tickets = map_new();
	auth.directory = directory_new(NULL, auth.keys);
	return auth.tickets && auth.directory ? LL_OK : LL_ERR_NOMEM;
}

static int
auth_begin(struct role_env *env)
{
	use_store(env, role_peer(env, ROLE_STORE, 0));
	letters_begin();
	return LL_OK;
}

static void
auth_count(struct role_env *env, struct buf *out)
{
	buf_printf(out,
		"logins=%llu\nlogin_failures=%llu\nsessions=%u\nsessions_started=%llu\nlookups=%"
		"llu\n",
		auth.logins, auth.failures, session_count(), auth.sessions_started, auth.lookups);
}

static void
auth_stop(struct role_env *env)
{
	session_end(NULL);
}

static const struct role_message messages[] = {
	{MSG_KIND_RCPT_QUERY, on_rcpt_query},
	{MSG_KIND_LOGIN_START, on_login_start},
	{MSG_KIND_LOGIN_CONTINUE, on_login_continue},
	{MSG_KIND_LOGIN_END, on_login_end},
	{MSG_KIND_ATTACH, on_attach},
	{MSG_KIND_WEB_COMMAND, on_web_command},
	{MSG_KIND_WEB_ATTACH, on_web_attach},
	{MSG_KIND_DELIVER_RESULT, on_deliver_result},
	{MSG_KIND_SENDER_QUERY, on_sender_query},
	{MSG_KIND_RESOLVE, on_resolve},
	{MSG_KIND_TICKET_QUERY, on_ticket_query},
	{MSG_KIND_VACATION_QUERY, on_vacation_query},
	{MSG_KIND_PGP_QUERY, on_pgp_query},
	{MSG_KIND_STS_QUERY, on_sts_query},
	{MSG_KIND_PUSH_DELIVERED, on_push_delivered},
	{MSG_KIND_HTTPS_REPLY, on_https_reply},
	{MSG_KIND_DIALLED, on_dialled},
	{MSG_KIND_ST_VALUE, on_store},
	{MSG_KIND_ST_ROWS, on_store},
	{MSG_KIND_ST_STATED, on_store},
	{MSG_KIND_ST_COMMITTED, on_store},
	{MSG_KIND_ST_BELL, on_store},
	{MSG_KIND_ST_OPENED, on_st_opened},
	{MSG_KIND_CONTROL_CONN, on_control_conn},
	{MSG_KIND_PROCESSES_REPLY, on_processes_reply},
	{MSG_KIND_QUEUE_REPLY, on_queue_reply},
};

const struct role_def role_auth = {
	.role = ROLE_AUTH,
	.profile = auth_profile,
	.start = auth_start,
	.begin = auth_begin,
	.peer = auth_peer,
	.counters = auth_count,
	.stop = auth_stop,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
