/* Sign-in: PLAIN, SCRAM, OAUTHBEARER and XOAUTH2 over the verifiers of an account's app passwords.
 *
 * A name that nobody has takes the same steps and the same work as one with a wrong password. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "keys/app_password.h"
#include "keys/scram.h"
#include "keys/verifier.h"
#include "mail/ip.h"
#include "os/clock.h"
#include "roles/auth.h"
#include "roles/login_bearer.h"
#include "roles/login_familiar.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define LOGINS_MAX 20000
/* Of one network in LOGIN_FAILURES_S. App passwords cannot be guessed, this saves work. */
#define LOGIN_FAILURES_MAX 100
#define LOGIN_FAILURES_S 600
#define FAILURE_ADDRESSES_MAX 100000

/* An account's app passwords, ready for comparison. */
struct candidates {
	bool known;
	struct directory_account account;
	uint8_t salt[SCRAM_SALT_LEN];
	uint32_t iterations;
	size_t n;
	struct scram_verifier scram[SCRAM_VERIFIERS_MAX];
	struct verifier verifiers[SCRAM_VERIFIERS_MAX];
};

struct login {
	struct ipc_channel *frontend;
	uint64_t conn;
	enum service service;
	uint8_t peer[16];
	struct scram_server *scram;
	struct candidates *c;
	bool bearer; /* by a token, which is good */
	enum sasl_mechanism mechanism;
	int64_t until; /* this time */
	bool told; /* why it fails; the client has the word once more */
	enum login_result why;
};

struct failures {
	int64_t since;
	unsigned n;
};

static struct map *logins, *failures;

static struct slice
login_key(uint8_t key[16], const struct ipc_channel *frontend, uint64_t conn)
{
	memcpy(key, &frontend, 8);
	memcpy(key + 8, &conn, 8);
	return slice_new(key, 16);
}

static void
login_free(struct login *l)
{
	uint8_t key[16];

	(void)map_del(logins, login_key(key, l->frontend, l->conn));
	scram_server_free(l->scram);
	if (l->c)
		secret_wipe(l->c, sizeof(*l->c));
	free(l->c);
	free(l);
}

/* --- the candidates --- */

static int
add_candidate(void *ctx, const struct verifier *v)
{
	struct candidates *c = ctx;

	if (v->type != UNLOCK_APP || c->n == SCRAM_VERIFIERS_MAX)
		return LL_OK;
	memcpy(c->salt, v->salt, sizeof(c->salt));
	c->iterations = v->iterations;
	c->scram[c->n] = v->scram;
	c->verifiers[c->n++] = *v;
	return LL_OK;
}

static int
no_candidate(void *ctx, const struct verifier *v)
{
	return LL_OK;
}

/* The candidates of a name; for one that nobody has, none, with a salt that is the same at every
 * attempt. The store is asked as often as for one that somebody has. */
static int
load_candidates(struct slice name, struct candidates *c)
{
	struct directory_alias *alias = malloc(sizeof(*alias));
	bool is_account = false;
	int r = alias ? directory_find(auth.directory, name, &is_account, &c->account, alias)
		      : LL_ERR_NOMEM;

	free(alias);
	c->known = r == LL_OK && is_account;
	c->iterations = SCRAM_ITERATIONS;
	scram_fake_salt(auth.keys->fake, name, c->salt);
	if (c->known)
		return login_verifiers(c->account.id, add_candidate, c);
	if (r && r != LL_ERR_NOTFOUND && r != LL_ERR_DENIED && r != LL_ERR_SYNTAX)
		return r;
	return login_verifiers(c->salt, no_candidate, NULL);
}

/* --- the end of a sign-in --- */

/* Counted for an IPv4 address or an IPv6 network of 64 bits. Programs on this machine, such as a
 * webmail, sign in for many people and are not counted: NULL. */
static struct failures *
failures_of(const uint8_t peer[16])
{
	struct slice net = ip_network(peer);
	struct failures *f = map_get(failures, net);
	int64_t now = clock_unix();

	if (ip_is_loopback(peer))
		return NULL;
	if (!f && map_len(failures) >= FAILURE_ADDRESSES_MAX) {
		struct map *fresh = map_new();
		if (!fresh)
			return NULL;
		map_free(failures, free);
		failures = fresh;
	}
	if (!f && (!(f = calloc(1, sizeof(*f))) || map_set(failures, net, f, NULL))) {
		free(f);
		return NULL;
	}
	if (now - f->since > LOGIN_FAILURES_S)
		*f = (struct failures){.since = now};
	return f;
}

static void
count_failure(const struct login *l, enum login_result result)
{
	struct failures *f = failures_of(l->peer);

	auth.failures++;
	if (f && result == LOGIN_REFUSED)
		f->n++;
}

/* A token that is not good: the client is told why and answers before the sign-in fails (RFC 7628,
 * section 3.2.3). HTTP has its own way to say it. */
static bool
tell_why(struct login *l, enum login_result result)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(512);

	if (!l->bearer || l->told || l->service == SERVICE_HTTPS || result == LOGIN_TEMPORARY)
		return false;
	l->told = true;
	l->why = result;
	login_bearer_failure(l->mechanism, result != LOGIN_REFUSED, &out);
	(void)ipc_send_login_challenge(l->frontend,
		&(struct msg_login_challenge){.id = l->conn, .data = buf_slice(&out)}, -1);
	return true;
}

static void
refuse(struct login *l, enum login_result result, struct slice data)
{
	if (!l->told)
		count_failure(l, result);
	if (tell_why(l, result))
		return;
	log_info("login-refused", "service=%s result=%d", service_name(l->service), (int)result);
	(void)ipc_send_login_result(l->frontend,
		&(struct msg_login_result){.id = l->conn, .result = (uint8_t)result, .data = data},
		-1);
	login_free(l);
}

static enum scope_protocol
protocol_of(enum service s)
{
	if (s == SERVICE_HTTPS)
		return SCOPE_JMAP;
	return s == SERVICE_IMAP_LOOPBACK || s == SERVICE_IMAPS ? SCOPE_IMAP : SCOPE_SMTP;
}

/* Does it end in a session, which needs the mail keys? */
static bool
reads_mail(enum service s)
{
	return protocol_of(s) != SCOPE_SMTP;
}

/* Opens what the app password may open. Only when a session must be started: one that is there has
 * its keys. */
static int
unlock(struct ticket *t, const struct directory_account *account,
	const uint8_t client_key[SCRAM_KEY_LEN])
{
	struct key_records records = {0};
	struct account_open open = {.type = UNLOCK_APP,
		.secret = slice_new(client_key, SCRAM_KEY_LEN),
		.records = &records,
		.pin = &account->pin,
		.now = clock_unix()};
	int r = login_key_records(t->account, &account->pin, &records);

	memcpy(open.account, t->account, sizeof(open.account));
	memcpy(open.unlocker, t->unlocker, sizeof(open.unlocker));
	if (r == LL_OK)
		r = account_unlock(&open, &t->unlocked);
	key_records_done(&records);
	return r;
}

static int
make_ticket(
	struct login *l, size_t index, const uint8_t client_key[SCRAM_KEY_LEN], struct ticket **ret)
{
	const struct verifier *v = &l->c->verifiers[index];
	struct ticket *t = ticket_new(l->frontend, l->conn);
	int r = LL_OK;

	if (!t)
		return LL_ERR_NOMEM;
	memcpy(t->account, v->account, sizeof(t->account));
	memcpy(t->unlocker, v->id, sizeof(t->unlocker));
	t->scope = v->scope;
	if (reads_mail(l->service) && !session_exists(t->account))
		r = unlock(t, &l->c->account, client_key);
	if (r == LL_OK)
		*ret = t;
	else
		ticket_free(t);
	return r;
}

static void
succeed(struct login *l, size_t index, const uint8_t client_key[SCRAM_KEY_LEN], struct slice data)
{
	const struct verifier *v = &l->c->verifiers[index];
	struct msg_login_result m = {
		.id = l->conn, .result = LOGIN_OK, .until = (uint64_t)l->until, .data = data};
	struct ticket *t = NULL;
	int r;

	if (l->c->account.disabled) {
		refuse(l, LOGIN_DISABLED, SLICE_NONE);
		return;
	}
	if (scope_check(&v->scope, protocol_of(l->service), clock_unix()) ||
		(reads_mail(l->service) && !(v->scope.areas & SCOPE_AREA(RECORD_AREA_MAIL)))) {
		refuse(l, LOGIN_NOT_PERMITTED, SLICE_NONE);
		return;
	}
	r = make_ticket(l, index, client_key, &t);
	if (r) {
		log_error("unlock", "error=%s", log_quote(slice_str(ll_strerror(r))));
		refuse(l, r == LL_ERR_DENIED ? LOGIN_NOT_PERMITTED : LOGIN_TEMPORARY, SLICE_NONE);
		return;
	}
	auth.logins++;
	web_note_use(t->account, t->unlocker);
	memcpy(m.ticket, t->id, sizeof(m.ticket));
	m.address = slice_str(l->c->account.address);
	(void)ipc_send_login_result(l->frontend, &m, -1);
	login_free(l);
}

/* --- passwords --- */

/* As scram_check_password, but quick for a password that a running session knows. A session that
 * is there has its keys: the client key is not needed then, and is left empty. */
static int
check_password(
	struct candidates *c, struct slice password, size_t *ret_index, uint8_t *ret_client_key)
{
	struct scram_account account = {
		slice_new(c->salt, sizeof(c->salt)), c->iterations, c->scram, c->n};
	bool running = c->known && session_exists(c->account.id);
	uint8_t tag[SCRAM_KEY_LEN];
	int r;

	running = running && login_familiar_tag(c->account.id, password, tag);
	if (running && login_familiar_find(c->account.id, tag, c->verifiers, c->n, ret_index)) {
		memset(ret_client_key, 0, SCRAM_KEY_LEN);
		r = LL_OK;
	} else {
		r = scram_check_password(&account, password, ret_index, ret_client_key);
		if (r == LL_OK && running)
			login_familiar_keep(c->account.id, tag, c->verifiers[*ret_index].id);
	}
	secret_wipe(tag, sizeof(tag));
	return r;
}

/* --- mechanisms --- */

/* RFC 4616: [authzid] NUL authcid NUL passwd. */
static void
plain(struct login *l, struct slice data)
{
	struct slice rest = data, authzid = slice_split(&rest, 0), authcid = slice_split(&rest, 0);
	struct app_password password;
	uint8_t client_key[SCRAM_KEY_LEN];
	size_t index = 0;
	bool well_formed;
	int r;

	if (authcid.len == 0 || rest.len == 0 || slice_find_byte(rest, 0) != SLICE_NPOS ||
		(authzid.len && !slice_eq(authzid, authcid))) {
		refuse(l, LOGIN_REFUSED, SLICE_NONE);
		return;
	}
	r = load_candidates(authcid, l->c);
	well_formed = app_password_parse(rest, &password) == LL_OK;
	if (r == LL_OK)
		r = check_password(l->c, well_formed ? app_password_slice(&password) : S("-"),
			&index, client_key);
	secret_wipe(&password, sizeof(password));
	if (r == LL_OK)
		succeed(l, index, client_key, SLICE_NONE);
	else
		refuse(l, r == LL_ERR_AUTH ? LOGIN_REFUSED : LOGIN_TEMPORARY, SLICE_NONE);
	secret_wipe(client_key, sizeof(client_key));
}

/* RFC 7628, or the same in its older form. */
static void
bearer(struct login *l, struct slice data)
{
	uint8_t client_key[SCRAM_KEY_LEN] = {0};
	struct oauth_token t = {};
	size_t index = 0;
	int r = login_bearer_open(l->mechanism, data, &t, &l->c->account);

	l->bearer = true;
	if (r == LL_OK) {
		l->c->known = true;
		l->c->iterations = SCRAM_ITERATIONS;
		r = login_verifiers(t.account, add_candidate, l->c);
	}
	if (r == LL_OK)
		r = check_password(l->c, app_password_slice(&t.password), &index, client_key);
	l->until = t.expires;
	secret_wipe(&t, sizeof(t));
	if (r == LL_OK)
		succeed(l, index, client_key, SLICE_NONE);
	else
		refuse(l, r == LL_ERR_AUTH ? LOGIN_REFUSED : LOGIN_TEMPORARY, SLICE_NONE);
	secret_wipe(client_key, sizeof(client_key));
}

static void
scram_first(struct login *l, enum sasl_mechanism mechanism, struct slice binding, struct slice data)
{
	CLEANUP(buf_done) struct buf out = BUF_SECRET(SCRAM_MESSAGE_MAX);
	struct scram_binding bind = {S("tls-exporter"), binding};
	struct scram_server_options o = {.plus = mechanism == SASL_SCRAM_SHA_256_PLUS,
		.plus_offered = binding.len > 0,
		.bindings = &bind,
		.n_bindings = binding.len > 0};
	struct scram_account account;
	struct slice name;
	int r = scram_server_new(&o, &l->scram), loaded = LL_OK;

	if (r == LL_OK)
		r = scram_server_first(l->scram, data, &name);
	if (r == LL_OK)
		r = loaded = load_candidates(name, l->c);
	if (r == LL_OK) {
		account = (struct scram_account){slice_new(l->c->salt, sizeof(l->c->salt)),
			l->c->iterations, l->c->scram, l->c->n};
		r = scram_server_challenge(l->scram, &account, &out);
	}
	if (r)
		refuse(l, loaded || r == LL_ERR_NOMEM ? LOGIN_TEMPORARY : LOGIN_REFUSED,
			SLICE_NONE);
	else
		(void)ipc_send_login_challenge(l->frontend,
			&(struct msg_login_challenge){.id = l->conn, .data = buf_slice(&out)}, -1);
}

static void
scram_last(struct login *l, struct slice data)
{
	CLEANUP(buf_done) struct buf out = BUF_SECRET(SCRAM_MESSAGE_MAX);
	uint8_t client_key[SCRAM_KEY_LEN];
	size_t index = 0;
	int r = scram_server_final(l->scram, data, &out, &index, client_key);

	if (r == LL_OK)
		succeed(l, index, client_key, buf_slice(&out));
	else
		refuse(l, LOGIN_REFUSED, SLICE_NONE);
	secret_wipe(client_key, sizeof(client_key));
}

/* --- messages --- */

static struct login *
login_new(struct ipc_channel *frontend, const struct msg_login_start *m)
{
	struct login *l = calloc(1, sizeof(*l));
	uint8_t key[16];
	void *old = NULL;

	if (!l)
		return NULL;
	l->frontend = frontend;
	l->conn = m->id;
	l->service = (enum service)m->service;
	l->mechanism = (enum sasl_mechanism)m->mechanism;
	memcpy(l->peer, m->peer.ptr, MIN(m->peer.len, sizeof(l->peer)));
	l->c = calloc(1, sizeof(*l->c));
	if ((old = map_get(logins, login_key(key, frontend, m->id))))
		login_free(old);
	if (l->c && map_len(logins) < LOGINS_MAX &&
		map_set(logins, login_key(key, frontend, m->id), l, NULL) == LL_OK)
		return l;
	free(l->c);
	free(l);
	return NULL;
}

void
login_start(struct ipc_channel *frontend, const struct msg_login_start *m)
{
	struct failures *f;
	struct login *l;

	if (!logins && !((logins = map_new()) && (failures = map_new())))
		return;
	l = login_new(frontend, m);
	f = l ? failures_of(l->peer) : NULL;
	if (!l)
		(void)ipc_send_login_result(frontend,
			&(struct msg_login_result){.id = m->id, .result = LOGIN_TEMPORARY}, -1);
	else if (f && f->n > LOGIN_FAILURES_MAX)
		refuse(l, LOGIN_TEMPORARY, SLICE_NONE);
	else if (m->mechanism == SASL_PLAIN)
		plain(l, m->data);
	else if (m->mechanism == SASL_OAUTHBEARER || m->mechanism == SASL_XOAUTH2)
		bearer(l, m->data);
	else
		scram_first(l, (enum sasl_mechanism)m->mechanism, m->binding, m->data);
}

void
login_continue(struct ipc_channel *frontend, const struct msg_login_continue *m)
{
	uint8_t key[16];
	struct login *l = logins ? map_get(logins, login_key(key, frontend, m->id)) : NULL;

	if (l && l->scram)
		scram_last(l, m->data);
	else if (l && l->told)
		refuse(l, l->why, SLICE_NONE);
	else
		(void)ipc_send_login_result(frontend,
			&(struct msg_login_result){.id = m->id, .result = LOGIN_REFUSED}, -1);
}

void
login_forget(struct ipc_channel *frontend, uint64_t conn)
{
	uint8_t key[16];
	struct login *l;

	if (logins && (l = map_get(logins, login_key(key, frontend, conn))))
		login_free(l);
	ticket_forget(frontend, conn);
}

void
login_forget_all(struct ipc_channel *frontend)
{
	size_t pos = 0;
	void *value;

	while (logins && map_next(logins, &pos, NULL, &value))
		if (((struct login *)value)->frontend == frontend)
			login_free(value);
	ticket_forget_all(frontend);
}
