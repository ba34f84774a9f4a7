/* The frontend: the one process that reads bytes from strangers. It has neither keys nor disk: it
 * does TLS and framing, asks auth about names and sign-ins, gives messages to delivery, and passes
 * signed-in connections through to their session. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "mail/ip.h"
#include "roles/front_fetch.h"
#include "roles/front_web.h"
#include "roles/tls_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRONT_CONNS_MAX 15000
#define FRONT_CONNS_PER_IP 256
#define FRONT_ACCEPTS_PER_ROUND 64
#define TLS_TIMEOUT 30

struct ip_count {
	unsigned n;
};

static struct {
	struct role_env *env;
	SSL_CTX *tls;
	struct map *conns; /* id -> struct front_conn */
	struct map *ips; /* network (ip_network) -> struct ip_count */
	uint64_t next_id;
	struct loop_watch listeners[ROLE_LISTENERS_MAX];
	struct loop_timer listen_again;
	struct front_conn *dead;
} fs;

uint64_t front_bodies;
struct front_counters front_counters;

static struct slice
id_key(const uint64_t *id)
{
	return slice_new(id, sizeof(*id));
}

const char *
front_ip_text(const struct front_conn *c, char out[46])
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
	bool is_v4 = memcmp(c->ip, v4, sizeof(v4)) == 0;

	return inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? c->ip + 12 : c->ip, out, 46);
}

/* --- the life of a connection --- */

static void
forget_ip(const uint8_t ip[16])
{
	struct ip_count *n = map_get(fs.ips, ip_network(ip));

	if (n && --n->n == 0)
		free(map_del(fs.ips, ip_network(ip)));
}

/* Connections are freed between rounds, so that every caller on the stack may still look at theirs.
 */
static void
bury(void *ctx)
{
	while (fs.dead) {
		struct front_conn *c = fs.dead;
		fs.dead = c->next_dead;
		c->face->free(c);
		loop_timer_stop(fs.env->loop, &c->timer);
		stream_free(c->stream);
		forget_ip(c->ip);
		front_counters.now--;
		free(c);
	}
}

void
front_close(struct front_conn *c)
{
	struct ipc_channel *auth = role_peer(c->env, ROLE_AUTH, 0);

	if (!map_del(fs.conns, id_key(&c->id)))
		return;
	if (c->asked_auth && auth) {
		struct msg_login_end m = {.id = c->id};
		memcpy(m.ticket, c->ticket, sizeof(m.ticket));
		(void)ipc_send_login_end(auth, &m, -1);
	}
	c->closing = true;
	c->next_dead = fs.dead;
	fs.dead = c;
}

void
front_finish(struct front_conn *c)
{
	c->closing = true;
	stream_finish(c->stream);
	front_timeout(c, TLS_TIMEOUT);
}

static void
on_timeout(void *ctx)
{
	struct front_conn *c = ctx;

	if (c->closing || (stream_tls(c->stream) && !SSL_is_init_finished(stream_tls(c->stream))))
		front_close(c);
	else
		c->face->timeout(c);
}

void
front_timeout(struct front_conn *c, unsigned seconds)
{
	if (loop_timer_set(c->env->loop, &c->timer, (int64_t)seconds * 1000, on_timeout, c))
		front_close(c);
}

static size_t
on_input(void *ctx, struct slice in)
{
	struct front_conn *c = ctx;

	return c->closing ? in.len : c->face->input(c, in);
}

static void
on_drained(void *ctx)
{
	struct front_conn *c = ctx;

	if (!c->closing && c->face->drained)
		c->face->drained(c);
}

static void
on_secured(void *ctx)
{
	struct front_conn *c = ctx;

	if (!c->closing)
		c->face->secured(c);
}

static void
on_closed(void *ctx, int err)
{
	struct front_conn *c = ctx;

	if (stream_tls(c->stream) && !SSL_is_init_finished(stream_tls(c->stream)))
		front_counters.tls_failures++;
	front_close(c);
}

static const struct stream_ops stream_ops = {on_input, on_drained, on_secured, on_closed};

bool
front_start_tls(struct front_conn *c)
{
	SSL *ssl = SSL_new(fs.tls);

	if (!ssl)
		return false;
	SSL_set_app_data(ssl, c);
	front_timeout(c, TLS_TIMEOUT);
	return stream_start_tls(c->stream, ssl, true) == LL_OK;
}

static bool
count_ip(const uint8_t ip[16])
{
	struct ip_count *n = map_get(fs.ips, ip_network(ip));

	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n || map_set(fs.ips, ip_network(ip), n, NULL)) {
			free(n);
			return false;
		}
	}
	if (n->n >= FRONT_CONNS_PER_IP && !ip_is_loopback(ip))
		return false;
	n->n++;
	return true;
}

static void
sockaddr_ip(const struct sockaddr_storage *addr, uint8_t ip[16])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

	memset(ip, 0, 16);
	if (addr->ss_family == AF_INET6) {
		memcpy(ip, &in6->sin6_addr, 16);
		return;
	}
	ip[10] = ip[11] = 0xff;
	memcpy(ip + 12, &in->sin_addr, 4);
}

static const struct front_face *const faces[SERVICES] = {
	[SERVICE_SMTP] = &front_smtp,
	[SERVICE_SUBMISSION] = &front_smtp,
	[SERVICE_SUBMISSIONS] = &front_smtp,
	[SERVICE_IMAPS] = &front_imap,
	[SERVICE_IMAP_LOOPBACK] = &front_imap,
	[SERVICE_HTTPS] = &front_http,
	[SERVICE_INTERNAL] = &front_smtp,
};

static struct front_conn *
conn_new(enum service service, int fd, const uint8_t ip[16])
{
	struct front_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	*c = (struct front_conn){
		.id = ++fs.next_id, .env = fs.env, .service = service, .face = faces[service]};
	memcpy(c->ip, ip, 16);
	c->stream = stream_new(fs.env->loop, fd, &stream_ops, c);
	if (!c->stream || map_set(fs.conns, id_key(&c->id), c, NULL)) {
		stream_free(c->stream);
		free(c);
		return NULL;
	}
	return c;
}

static void
welcome(enum service service, int fd, const struct sockaddr_storage *addr)
{
	static const int on = 1;
	struct front_conn *c;
	uint8_t ip[16];

	sockaddr_ip(addr, ip);
	if (map_len(fs.conns) >= FRONT_CONNS_MAX || !count_ip(ip)) {
		close(fd);
		front_counters.refused++;
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c = conn_new(service, fd, ip);
	if (!c) {
		forget_ip(ip);
		return;
	}
	front_counters.connections++;
	front_counters.now++;
	if (service == SERVICE_SUBMISSIONS || service == SERVICE_IMAPS ||
		service == SERVICE_HTTPS) {
		if (!front_start_tls(c))
			front_close(c);
		return;
	}
	c->face->start(c);
}

static void
listen_want(unsigned events)
{
	for (unsigned i = 0; i < fs.env->n_listeners; i++)
		loop_want(fs.env->loop, &fs.listeners[i], events);
}

static void
on_listen_again(void *ctx)
{
	listen_want(LOOP_READ);
}

/* Out of descriptors: whoever waits to be accepted would wake the loop again at once. */
static void
listen_later(void)
{
	log_warn("accept", "error=%s", log_quote(slice_str(strerror(errno))));
	if (loop_timer_set(fs.env->loop, &fs.listen_again, 500, on_listen_again, NULL) == LL_OK)
		listen_want(0);
}

static void
on_listener(void *ctx, unsigned events)
{
	struct role_listener *l = ctx;

	for (int i = 0; i < FRONT_ACCEPTS_PER_ROUND; i++) {
		struct sockaddr_storage addr;
		socklen_t len = sizeof(addr);
		int fd = accept4(
			l->fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 &&
			(errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
			listen_later();
		if (fd < 0)
			return;
		welcome(l->service, fd, &addr);
	}
}

/* --- other processes --- */

bool
front_has_tokens(const struct front_conn *c)
{
	for (unsigned i = 0; i < c->env->n_listeners; i++)
		if (c->env->listeners[i].service == SERVICE_HTTPS)
			return true;
	return false;
}

bool
front_login(struct front_conn *c, enum sasl_mechanism mechanism, struct slice data, bool first)
{
	struct ipc_channel *auth = role_peer(c->env, ROLE_AUTH, 0);
	SSL *ssl = stream_tls(c->stream);
	uint8_t binding[32];
	struct msg_login_start m = {.id = c->id,
		.service = (uint8_t)c->service,
		.mechanism = (uint8_t)mechanism,
		.peer = slice_new(c->ip, 16),
		.data = data};

	if (!auth)
		return false;
	c->asked_auth = true;
	if (!first)
		return ipc_send_login_continue(auth,
			       &(struct msg_login_continue){.id = c->id, .data = data},
			       -1) == LL_OK;
	if (ssl && tls_exporter_binding(ssl, binding))
		m.binding = slice_new(binding, sizeof(binding));
	return ipc_send_login_start(auth, &m, -1) == LL_OK;
}

/* Whose request an answer is for. NULL when it is gone or on its way out, or has not even begun:
 * then nobody asked. */
static struct front_conn *
find(uint64_t id)
{
	struct front_conn *c = map_get(fs.conns, id_key(&id));

	return c && c->state && !c->closing ? c : NULL;
}

static void
on_rcpt_reply(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	struct front_conn *c = find(m->rcpt_reply.id >> 16);

	if (c && c->face->rcpt_reply)
		c->face->rcpt_reply(c, &m->rcpt_reply);
}

static void
on_login_challenge(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	struct front_conn *c = find(m->login_challenge.id);

	if (c && c->face->login_challenge)
		c->face->login_challenge(c, &m->login_challenge);
}

static void
on_login_result(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	struct front_conn *c = find(m->login_result.id);
	bool ok = m->login_result.result == LOGIN_OK;

	front_counters.logins += ok;
	front_counters.login_failures += !ok;
	if (m->login_result.id & FRONT_LINK_ID_BIT)
		front_link_login_result(&m->login_result);
	if (!c || !c->face->login_result)
		return;
	memcpy(c->ticket, m->login_result.ticket, sizeof(c->ticket));
	c->face->login_result(c, &m->login_result);
}

static void
on_sender_reply(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	struct front_conn *c = find(m->sender_reply.id);

	if (c && c->face->sender_reply)
		c->face->sender_reply(c, &m->sender_reply);
}

static void
on_deliver_result(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	struct front_conn *c = find(m->deliver_result.id);

	if (c && c->face->deliver_result)
		c->face->deliver_result(c, ch, &m->deliver_result);
}

static void
on_signed(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	tls_server_signed(&m->sign_done);
}

static void
on_web_reply(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	front_command_reply(&m->web_reply);
	front_oauth_reply(&m->web_reply);
	front_fetch_signed(&m->web_reply);
}

static void
on_fetched(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	front_fetch_reply(&m->https_reply, fd);
	fd_close(&fd);
}

static void
on_dns(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	front_keys_dns(&m->dns_answer);
}

static void
on_pgp_reply(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	front_keys_directory(&m->pgp_reply);
}

static void
on_sts_reply(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	front_sts_reply(&m->sts_reply);
}

static void
on_web_attached(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	front_link_attached(&m->web_attached);
}

static void
on_web_revoke(struct role_env *env, struct ipc_channel *ch, const struct msg *m, int fd)
{
	front_link_revoked(&m->web_revoke);
}

/* Who waits for an answer of a process that is gone gets a temporary error now. */
static void
front_peer(struct role_env *env, enum role role, unsigned index, struct ipc_channel *c, bool gone)
{
	size_t pos = 0;
	void *value;

	if (!gone)
		return;
	if (role == ROLE_AUTH) {
		front_link_auth_lost();
		front_command_auth_lost();
		front_oauth_auth_lost();
		front_sts_auth_lost();
	}
	if (role == ROLE_AUTH || role == ROLE_LOOKUP)
		front_fetch_lost();
	while (map_next(fs.conns, &pos, NULL, &value))
		((struct front_conn *)value)->face->lost(value, role, c);
}

static struct ipc_channel *
tlskey(void)
{
	return role_peer(fs.env, ROLE_TLSKEY, 0);
}

static void
front_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	ret->calls = SANDBOX_ACCEPT | SANDBOX_PASS_FDS;
	ret->max_files = 65536;
}

/* What a client may ask for by ALPN (RFC 7301) where TLS comes first; SMTP's names are those that
 * Exim and Dovecot know. */
static const struct slice protocols[SERVICES] = {
	[SERVICE_SUBMISSIONS] = S("\x04smtp\x05"
				  "esmtp\x0asubmission"),
	[SERVICE_IMAPS] = S("\x04imap"),
	[SERVICE_HTTPS] = S("\x02h2\x08http/1.1"),
};

/* HTTP/2 where the client has it. A client that came for something else is not let in, so that
 * nothing it says is taken for this protocol (RFC 9325, section 3.8). */
static int
choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len, const unsigned char *in,
	unsigned in_len, void *ctx)
{
	const struct front_conn *c = SSL_get_app_data(ssl);
	struct slice ours = protocols[c->service];
	unsigned char *chosen;

	if (ours.len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_select_next_proto(&chosen, ret_len, ours.ptr, (unsigned)ours.len, in, in_len) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
front_start(struct role_env *env)
{
	fs.env = env;
	fs.conns = map_new();
	fs.ips = map_new();
	fs.tls = tls_server_context(role_data(env, "tls-certificate"), tlskey);
	if (!fs.conns || !fs.ips || !fs.tls)
		return LL_ERR_CRYPTO;
	SSL_CTX_set_alpn_select_cb(fs.tls, choose_alpn, NULL);
	front_link_init(env);
	front_site_init(env);
	return LL_OK;
}

static int
front_begin(struct role_env *env)
{
	loop_at_round_end(env->loop, bury, NULL);
	for (unsigned i = 0; i < env->n_listeners; i++) {
		int r = loop_watch(env->loop, &fs.listeners[i], env->listeners[i].fd, LOOP_READ,
			on_listener, &env->listeners[i]);
		if (r)
			return r;
	}
	return LL_OK;
}

static void
front_stop(struct role_env *env)
{
	size_t pos = 0;
	void *value;

	while (map_next(fs.conns, &pos, NULL, &value))
		((struct front_conn *)value)->face->lost(value, ROLE_PARENT, NULL);
}

static void
front_count(struct role_env *env, struct buf *out)
{
	const struct front_counters *n = &front_counters;

	buf_printf(out,
		"connections=%llu\nopen=%u\nmessages=%llu\nrefused=%llu\nlogins=%llu\nlogin_"
		"failures=%llu\ntls_failures=%llu\n",
		n->connections, n->now, n->messages, n->refused, n->logins, n->login_failures,
		n->tls_failures);
}

static const struct role_message messages[] = {
	{MSG_KIND_RCPT_REPLY, on_rcpt_reply},
	{MSG_KIND_LOGIN_CHALLENGE, on_login_challenge},
	{MSG_KIND_LOGIN_RESULT, on_login_result},
	{MSG_KIND_SENDER_REPLY, on_sender_reply},
	{MSG_KIND_DELIVER_RESULT, on_deliver_result},
	{MSG_KIND_SIGN_DONE, on_signed},
	{MSG_KIND_WEB_REPLY, on_web_reply},
	{MSG_KIND_HTTPS_REPLY, on_fetched},
	{MSG_KIND_DNS_ANSWER, on_dns},
	{MSG_KIND_PGP_REPLY, on_pgp_reply},
	{MSG_KIND_STS_REPLY, on_sts_reply},
	{MSG_KIND_WEB_ATTACHED, on_web_attached},
	{MSG_KIND_WEB_REVOKE, on_web_revoke},
};

const struct role_def role_frontend = {
	.role = ROLE_FRONTEND,
	.profile = front_profile,
	.start = front_start,
	.begin = front_begin,
	.peer = front_peer,
	.counters = front_count,
	.stop = front_stop,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
