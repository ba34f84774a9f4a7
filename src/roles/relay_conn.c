/* One connection to another mail server: where to, how safe it must be, and the dialogue.
 *
 * Policy of a host, in this order: DANE (RFC 7672) where its records are secure, else MTA-STS (RFC
 * 8461) where the domain enforces one, else TLS if it can be had. Only in the last case may a
 * failed handshake be followed by clear text. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "mail/dane.h"
#include "os/clock.h"
#include "os/stream.h"
#include "roles/relay.h"
#include "roles/relay_sts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONN_ARENA ((size_t)4 << 20)
#define ROUTE_TIMEOUT 60
#define CONNECT_TIMEOUT 30
#define QUEUE_HIGH ((size_t)256 << 10)
#define BODY_PIECE ((size_t)64 << 10)

struct conn {
	uint64_t id;
	struct dest *dest;
	struct attempt *attempt; /* being sent, or NULL */
	/* where to */
	struct arena arena;
	struct dns_memo *memo;
	VEC(struct dns_query) asked;
	struct mx_route route;
	bool routed;
	size_t host_at, address_at;
	struct dane_host host;
	struct relay_sts_policy sts;
	bool sts_known, sts_waiting;
	/* how */
	bool must_encrypt, must_match, clear; /* of the present host; clear: TLS failed once */
	enum tlsrpt_policy policy;
	/* the connection */
	int fd;
	struct loop_watch watch;
	struct loop_timer timer;
	struct stream *stream;
	struct smtp_client *client;
	struct smtp_client_config config;
	struct smtp_client_rcpt rcpts[RELAY_RCPTS_MAX];
	size_t body_at;
	bool handshaking, dead;
	char why[300]; /* of the last failure */
	char remote[256];
};

static struct map *conns; /* id -> struct conn */
static uint64_t next_id;

static void advance(struct conn *c);
static void run(struct conn *c);
static void next_address(struct conn *c);

static void
close_socket(struct conn *c)
{
	loop_unwatch(rl.env->loop, &c->watch);
	fd_close(&c->fd);
	stream_free(TAKE(c->stream));
	smtp_client_free(TAKE(c->client));
	c->handshaking = false;
}

static void
conn_bury(void *ctx)
{
	struct conn *c = ctx;
	struct dest *d = c->dest;

	close_socket(c);
	loop_timer_stop(rl.env->loop, &c->timer);
	dns_memo_free(c->memo);
	relay_sts_release(&c->sts);
	VEC_DONE(&c->asked);
	arena_done(&c->arena);
	free(c);
	relay_dest_conn_gone(d);
}

/* Ends the connection; its struct goes from the loop, so that callers on the stack may still look
 * at it. */
static void
conn_end(struct conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	(void)map_del(conns, slice_new(&c->id, sizeof(c->id)));
	if (loop_timer_set(rl.env->loop, &c->timer, 0, conn_bury, c))
		conn_bury(c);
}

static void
give_up(struct conn *c, bool permanent, const char *status, const char *text)
{
	struct attempt *a = TAKE(c->attempt);

	if (a)
		relay_attempt_fail(a, permanent, status, text, slice_str(c->remote));
	conn_end(c);
}

static void set_timer(struct conn *c, unsigned seconds);

static void
on_timer(void *ctx)
{
	struct conn *c = ctx;

	if (c->client && !c->handshaking) {
		smtp_client_timeout(c->client);
		run(c);
		return;
	}
	snprintf(c->why, sizeof(c->why), "%s",
		c->routed ? "the connection timed out" : "the DNS did not answer");
	if (c->routed && (c->fd >= 0 || c->stream))
		next_address(c);
	else
		give_up(c, false, "4.4.3", c->why);
}

static void
set_timer(struct conn *c, unsigned seconds)
{
	if (loop_timer_set(rl.env->loop, &c->timer, (int64_t)seconds * 1000, on_timer, c))
		give_up(c, false, "4.3.0", "out of memory");
}

/* --- the route --- */

static void
ask_dns(struct conn *c)
{
	struct ipc_channel *lookup = role_peer(rl.env, ROLE_LOOKUP, 0);
	struct dns_reply failed = {.status = DNS_SERVFAIL};
	struct dns_query q;

	while (dns_memo_wanted(c->memo, &q)) {
		struct msg_dns_query m = {.id = c->id << 16 | (c->asked.len & 0xffff),
			.type = (uint16_t)q.type,
			.name = q.name};
		if ((VEC_PUSH(&c->asked, q) || !lookup || ipc_send_dns_query(lookup, &m, -1)) &&
			dns_memo_put(c->memo, &q, &failed))
			return;
	}
}

static void
shuffle(struct mx_route *r)
{
	for (size_t i = r->count; i > 1; i--) {
		size_t j = randombytes_uniform((uint32_t)i);
		struct mx_host t = r->hosts[i - 1];
		if (r->hosts[j].preference != t.preference)
			continue;
		r->hosts[i - 1] = r->hosts[j];
		r->hosts[j] = t;
	}
}

/* "user@[192.0.2.1]": the address itself is the host. */
static bool
route_literal(struct conn *c, struct slice domain)
{
	struct slice text = slice_sub(domain, 1, domain.len - 2);

	if (slice_istarts(text, S("IPv6:")))
		text = slice_skip(text, 5);
	if (ip_addr_parse(text, &c->host.addresses[0]))
		return false;
	c->host.address_count = 1;
	c->host.base = domain;
	c->route.status = MX_IMPLICIT;
	c->route.count = 1;
	c->route.hosts[0].host = domain;
	c->sts_known = true;
	return true;
}

/* LL_OK when the route is known, LL_ERR_AGAIN, or the attempt is over. */
static int
find_route(struct conn *c)
{
	struct slice domain = relay_dest_domain(c->dest);
	int r;

	if (c->routed)
		return LL_OK;
	if (domain.len > 2 && domain.ptr[0] == '[') {
		c->routed = route_literal(c, domain);
		return c->routed ? LL_OK : LL_ERR_SYNTAX;
	}
	r = mx_route_find(domain, c->memo, &c->arena, &c->route);
	if (r == LL_OK) {
		c->routed = true;
		shuffle(&c->route);
	}
	return r;
}

static bool
route_usable(struct conn *c)
{
	if (c->route.status == MX_NULL)
		give_up(c, true, "5.1.10", "the domain takes no mail (null MX)");
	else if (c->route.status == MX_NO_DOMAIN)
		give_up(c, true, "5.1.2", "the domain does not exist");
	else if (c->route.status == MX_TEMPORARY)
		give_up(c, false, "4.4.3", "the DNS cannot say where the domain's mail goes");
	else if (c->route.count == 0)
		give_up(c, true, "5.4.4", "the domain has no mail server");
	return !c->dead;
}

static void
skip_host(struct conn *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	c->host_at++;
	c->address_at = 0;
	c->clear = false;
	memset(&c->host, 0, sizeof(c->host));
}

/* What the domain's MTA-STS policy says, once it is known. */
static int
find_sts(struct conn *c)
{
	int r;

	if (c->sts_known)
		return LL_OK;
	if (c->sts_waiting)
		return LL_ERR_AGAIN;
	r = relay_sts_find(relay_dest_domain(c->dest), c->memo, c->id, &c->sts);
	c->sts_known = r == LL_OK;
	c->sts_waiting = r == RELAY_STS_FETCHING;
	return r == RELAY_STS_FETCHING ? LL_ERR_AGAIN : r;
}

/* Decides how safe the connection to this host must be; false when the host must not be used. */
static bool
host_permitted(struct conn *c, struct slice name)
{
	c->must_encrypt = c->must_match = false;
	c->policy = TLSRPT_POLICY_NONE;
	if (slice_ieq(name, slice_str(rl.env->config.hostname))) {
		skip_host(c, "the mail server is this one: mail loops back to myself");
		return false;
	}
	if (c->host.state == DANE_DEFER) {
		tlsrpt_count_failure(&rl.tls_counters, TLSRPT_POLICY_TLSA, TLSRPT_DNSSEC_INVALID);
		skip_host(c, c->host.reason ? c->host.reason : "the TLSA records cannot be had");
		return false;
	}
	if (c->host.state != DANE_NONE) {
		c->policy = TLSRPT_POLICY_TLSA;
		c->must_encrypt = true;
		c->must_match = c->host.state == DANE_VERIFY;
		return true;
	}
	if (!c->sts.enforce)
		return true;
	c->policy = TLSRPT_POLICY_STS;
	if (!mtasts_mx_match(&c->sts.policy, name)) {
		tlsrpt_count_failure(
			&rl.tls_counters, TLSRPT_POLICY_STS, TLSRPT_CERTIFICATE_HOST_MISMATCH);
		skip_host(c, "the mail server is not in the domain's MTA-STS policy");
		return false;
	}
	c->must_encrypt = c->must_match = true;
	return true;
}

/* Finds the next host that may be used; LL_ERR_AGAIN, LL_ERR_NOTFOUND. */
static int
find_host(struct conn *c)
{
	while (c->host_at < c->route.count) {
		struct slice name = c->route.hosts[c->host_at].host;
		int r = c->host.address_count
			? LL_OK
			: dane_host_find(&c->route, name, rl.env->config.relay_port, c->memo,
				  &c->arena, &c->host);
		if (r == LL_OK && c->host.state == DANE_NONE)
			r = find_sts(c);
		if (r)
			return r;
		if (!host_permitted(c, name))
			continue;
		if (c->host.address_count)
			return LL_OK;
		skip_host(c, "the mail server has no address");
	}
	return LL_ERR_NOTFOUND;
}

/* --- connecting --- */

static const struct ip_addr *
pick_address(const struct conn *c)
{
	/* IPv6 first: all of them, then IPv4. */
	size_t n = 0;

	for (int version = 6; version >= 4; version -= 2)
		for (size_t i = 0; i < c->host.address_count; i++)
			if (c->host.addresses[i].version == version && n++ == c->address_at)
				return &c->host.addresses[i];
	return NULL;
}

static size_t input(void *ctx, struct slice in);
static void drained(void *ctx);
static void secured(void *ctx);
static void closed(void *ctx, int err);
static const struct stream_ops stream_ops = {input, drained, secured, closed};

static void
start_dialogue(struct conn *c)
{
	int fd = c->fd, on = 1;

	loop_unwatch(rl.env->loop, &c->watch);
	c->fd = -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->stream = stream_new(rl.env->loop, fd, &stream_ops, c);
	c->config = (struct smtp_client_config){.hostname = slice_str(rl.env->config.hostname)};
	c->client = smtp_client_new(&c->config);
	if (!c->stream || !c->client) {
		give_up(c, false, "4.3.0", "out of memory");
		return;
	}
	rl.connections++;
	set_timer(c, smtp_client_timeout_seconds(c->client));
	run(c);
}

static void
on_connect(void *ctx, unsigned events)
{
	struct conn *c = ctx;
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err) {
		snprintf(c->why, sizeof(c->why), "connecting: %s", strerror(err ? err : errno));
		next_address(c);
		return;
	}
	start_dialogue(c);
}

static int
open_socket(const struct ip_addr *ip, uint16_t port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool v6 = ip->version == 6;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -1;
	memcpy(&in6.sin6_addr, ip->bytes, sizeof(in6.sin6_addr));
	memcpy(&in.sin_addr, ip->bytes, sizeof(in.sin_addr));
	r = v6 ? connect(fd, (struct sockaddr *)&in6, sizeof(in6))
	       : connect(fd, (struct sockaddr *)&in, sizeof(in));
	if (r < 0 && errno != EINPROGRESS)
		fd_close(&fd);
	return fd;
}

static void
connect_host(struct conn *c)
{
	const struct ip_addr *ip = pick_address(c);

	close_socket(c);
	if (!ip) {
		skip_host(c, c->why[0] ? c->why : "no address answers");
		advance(c);
		return;
	}
	snprintf(c->remote, sizeof(c->remote), "%.*s", SLICE_ARG(c->route.hosts[c->host_at].host));
	c->fd = open_socket(ip, rl.env->config.relay_port);
	if (c->fd < 0 || loop_watch(rl.env->loop, &c->watch, c->fd, LOOP_WRITE, on_connect, c)) {
		snprintf(c->why, sizeof(c->why), "connecting: %s", strerror(errno));
		next_address(c);
		return;
	}
	set_timer(c, CONNECT_TIMEOUT);
}

static void
next_address(struct conn *c)
{
	c->address_at++;
	c->clear = false;
	connect_host(c);
}

/* Goes on as far as is known what to do. */
static void
advance(struct conn *c)
{
	int r = find_route(c);

	if (r == LL_OK && !route_usable(c))
		return;
	if (r == LL_OK)
		r = find_host(c);
	if (r == LL_OK) {
		connect_host(c);
		return;
	}
	if (r == LL_ERR_AGAIN) {
		ask_dns(c);
		if (!c->sts_waiting && dns_memo_pending(c->memo) == 0)
			advance(c);
		return;
	}
	if (r == LL_ERR_SYNTAX)
		give_up(c, true, "5.1.2", "not a domain");
	else
		give_up(c, false, "4.4.1",
			c->why[0] ? c->why : "no mail server of the domain can be reached");
}

/* --- TLS --- */

static SSL *
make_tls(struct conn *c)
{
	SSL *ssl = SSL_new(rl.tls);
	char name[256], base[256];
	bool ok = ssl != NULL;

	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(c->route.hosts[c->host_at].host));
	snprintf(base, sizeof(base), "%.*s",
		SLICE_ARG(c->host.base.len ? c->host.base : slice_str(name)));
	if (ok && c->policy == TLSRPT_POLICY_TLSA && c->must_match) {
		ok = SSL_dane_enable(ssl, base) > 0;
		SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
		for (size_t i = 0; ok && i < c->host.record_count; i++) {
			const struct dane_record *t = &c->host.records[i];
			ok = SSL_dane_tlsa_add(ssl, t->usage, t->selector, t->matching, t->data.ptr,
				     t->data.len) >= 0;
		}
		for (size_t i = 0; ok && i < c->host.name_count; i++) {
			char other[256];
			snprintf(other, sizeof(other), "%.*s", SLICE_ARG(c->host.names[i]));
			ok = SSL_add1_host(ssl, other) == 1;
		}
	} else if (ok) {
		if (base[0] != '[')
			ok = SSL_set_tlsext_host_name(ssl, base) == 1;
		if (c->must_match)
			ok = ok && SSL_set1_host(ssl, name) == 1;
	}
	if (ok)
		SSL_set_verify(ssl, c->must_match ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (ok)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static void
start_tls(struct conn *c)
{
	SSL *ssl = make_tls(c);

	c->handshaking = true;
	if (!ssl || stream_start_tls(c->stream, ssl, false))
		give_up(c, false, "4.7.5", "TLS cannot be started");
}

static void
secured(void *ctx)
{
	struct conn *c = ctx;

	c->handshaking = false;
	tlsrpt_count_success(&rl.tls_counters, c->policy);
	if (smtp_client_tls_done(c->client))
		give_up(c, false, "4.4.2", "the dialogue is out of step");
	else
		run(c);
}

/* The handshake failed: in clear only where nothing else was promised. */
static void
tls_failed(struct conn *c)
{
	snprintf(c->why, sizeof(c->why), "TLS: %s", stream_tls_error(c->stream));
	tlsrpt_count_failure(&rl.tls_counters, c->policy,
		c->must_match ? TLSRPT_VALIDATION_FAILURE : TLSRPT_STARTTLS_NOT_SUPPORTED);
	log_warn("relay-tls", "host=%s policy=%s error=%s", log_quote(slice_str(c->remote)),
		tlsrpt_policy_name(c->policy), log_quote(slice_str(c->why)));
	if (c->must_encrypt) {
		next_address(c);
		return;
	}
	c->clear = true;
	connect_host(c);
}

static void
closed(void *ctx, int err)
{
	struct conn *c = ctx;

	if (c->dead)
		return;
	if (c->handshaking) {
		tls_failed(c);
		return;
	}
	smtp_client_eof(c->client);
	run(c);
}

/* --- the dialogue --- */

static void
flush(struct conn *c)
{
	struct slice out = smtp_client_output(c->client);

	if (out.len && stream_send(c->stream, out))
		smtp_client_eof(c->client);
	smtp_client_sent(c->client, out.len);
}

static void
send_attempt(struct conn *c)
{
	const struct attempt *a = c->attempt;
	const struct queue_envelope *e = &a->entry->e;
	struct smtp_client_message m = {.from = e->sender,
		.rcpts = c->rcpts,
		.rcpt_count = a->n,
		.size = a->entry->message.len,
		.eight_bit = e->eight_bit,
		.binary = e->binary,
		.smtputf8 = e->smtputf8 || e->header_utf8,
		.ret = e->ret,
		.envid = e->envid};

	for (uint32_t i = 0; i < a->n; i++) {
		const struct queue_rcpt *r = &e->rcpts[a->rcpts[i]];
		c->rcpts[i] = (struct smtp_client_rcpt){
			.address = r->address, .orcpt = r->orcpt, .notify = r->notify};
	}
	c->body_at = 0;
	if (smtp_client_send(c->client, &m))
		give_up(c, false, "4.3.0", "out of memory");
}

static void
on_ready(struct conn *c)
{
	const struct smtp_client_caps *caps = smtp_client_caps(c->client);
	int r = LL_OK;

	if (!caps->tls && !c->clear && (caps->flags & SMTP_CAP_STARTTLS)) {
		r = smtp_client_starttls(c->client);
	} else if (!caps->tls && c->must_encrypt) {
		tlsrpt_count_failure(&rl.tls_counters, c->policy, TLSRPT_STARTTLS_NOT_SUPPORTED);
		snprintf(c->why, sizeof(c->why),
			"the server offers no TLS, which its domain's policy demands");
		next_address(c);
	} else if (c->attempt || (c->attempt = relay_dest_next(c->dest))) {
		send_attempt(c);
	} else {
		r = smtp_client_quit(c->client);
	}
	if (r)
		give_up(c, false, "4.4.2", "the dialogue is out of step");
}

/* The results of a message. */
static void
on_done(struct conn *c)
{
	struct attempt *a = TAKE(c->attempt);
	struct entry *en = a->entry;
	bool dsn = smtp_client_caps(c->client)->flags & SMTP_CAP_DSN;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct smtp_client_result *r = smtp_client_result(c->client, i);
		if (r->outcome == SMTP_OUTCOME_UNTRIED)
			en->tried[a->rcpts[i]] = false;
		else if (queue_note(&en->e, a->rcpts[i], r, slice_str(c->remote), dsn, &en->arena))
			log_warn("queue-note", "error=%s", "failed");
		rl.sent += r->outcome == SMTP_OUTCOME_SENT;
		rl.failed += r->outcome == SMTP_OUTCOME_PERMANENT;
		log_info("relayed", "host=%s tls=%d code=%u outcome=%d",
			log_quote(slice_str(c->remote)), smtp_client_caps(c->client)->tls, r->code,
			(int)r->outcome);
	}
	relay_attempt_done(a);
}

static void
on_closed(struct conn *c)
{
	const struct smtp_client_result *e = smtp_client_error(c->client);

	flush(c);
	if (!c->attempt) {
		conn_end(c);
		return;
	}
	snprintf(c->why, sizeof(c->why), "%.*s", SLICE_ARG(e->text));
	next_address(c);
}

/* True while there is more to give and room for it. */
static bool
give_body(struct conn *c)
{
	struct slice message = buf_slice(&c->attempt->entry->message);
	size_t n;

	do {
		if (stream_queued(c->stream) > QUEUE_HIGH)
			return false;
		n = smtp_client_body(c->client, slice_sub(message, c->body_at, BODY_PIECE));
		c->body_at += n;
		flush(c);
	} while (n && c->body_at < message.len);
	return true;
}

static void
run(struct conn *c)
{
	while (!c->dead && c->client) {
		struct smtp_client *client = c->client;
		enum smtp_client_event e = smtp_client_step(client);
		flush(c);
		if (e == SMTP_CLIENT_NONE)
			break;
		if (e == SMTP_CLIENT_BODY && !give_body(c))
			break;
		if (e == SMTP_CLIENT_READY)
			on_ready(c);
		else if (e == SMTP_CLIENT_STARTTLS)
			start_tls(c);
		else if (e == SMTP_CLIENT_DONE)
			on_done(c);
		else if (e == SMTP_CLIENT_CLOSED)
			on_closed(c);
		if (e == SMTP_CLIENT_STARTTLS || e == SMTP_CLIENT_CLOSED || c->client != client)
			return;
	}
	if (!c->dead && c->client)
		set_timer(c, smtp_client_timeout_seconds(c->client));
}

static size_t
input(void *ctx, struct slice in)
{
	struct conn *c = ctx;

	if (!c->dead && c->client) {
		smtp_client_feed(c->client, in);
		run(c);
	}
	return in.len;
}

static void
drained(void *ctx)
{
	run(ctx);
}

/* --- messages --- */

int
relay_conn_start(struct dest *d, struct attempt *a)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!conns)
		conns = map_new();
	if (!c || !conns) {
		free(c);
		return LL_ERR_NOMEM;
	}
	*c = (struct conn){.id = ++next_id,
		.dest = d,
		.attempt = a,
		.fd = -1,
		.watch = LOOP_WATCH_NONE,
		.arena = ARENA_INIT(CONN_ARENA),
		.memo = dns_memo_new()};
	if (!c->memo || map_set(conns, slice_new(&c->id, sizeof(c->id)), c, NULL)) {
		dns_memo_free(c->memo);
		free(c);
		return LL_ERR_NOMEM;
	}
	set_timer(c, ROUTE_TIMEOUT);
	advance(c);
	return LL_OK;
}

static struct conn *
find(uint64_t id)
{
	return conns ? map_get(conns, slice_new(&id, sizeof(id))) : NULL;
}

static void
put_answer(struct conn *c, const struct dns_query *q, const struct msg_dns_answer *m)
{
	struct slice rdata[DNS_RECORDS_MAX];
	struct dns_reply reply = {.status = (enum dns_status)m->status,
		.secure = m->secure,
		.ttl = m->ttl,
		.canonical = m->cname,
		.rdata = rdata};
	struct reader r = reader_new(m->rdata);

	while (r.rest.len && !r.err && reply.count < DNS_RECORDS_MAX)
		rdata[reply.count++] = reader_bytes(&r, reader_be16(&r));
	if (r.err || m->status > DNS_BOGUS)
		reply = (struct dns_reply){.status = DNS_SERVFAIL};
	if (dns_memo_put(c->memo, q, &reply))
		log_debug("dns-memo", "error=%s", "full");
}

void
relay_conn_dns(const struct msg_dns_answer *m)
{
	struct conn *c = find(m->id >> 16);
	size_t number = (size_t)(m->id & 0xffff);

	if (!c || c->dead || number >= c->asked.len || c->fd >= 0 || c->stream)
		return;
	put_answer(c, &c->asked.at[number], m);
	if (dns_memo_pending(c->memo) == 0 && !c->sts_waiting)
		advance(c);
}

void
relay_conn_https(const struct msg_https_reply *m)
{
	struct conn *c = find(m->id);

	if (!c || c->dead || !c->sts_waiting)
		return;
	c->sts_waiting = false;
	c->sts_known = true;
	relay_sts_fetched(relay_dest_domain(c->dest), m, &c->sts);
	if (c->sts.failed)
		tlsrpt_count_failure(
			&rl.tls_counters, TLSRPT_POLICY_STS, TLSRPT_STS_POLICY_FETCH_ERROR);
	advance(c);
}

void
relay_conn_lookup_lost(void)
{
	struct dns_reply failed = {.status = DNS_SERVFAIL};
	size_t pos = 0;
	void *value;

	while (conns && map_next(conns, &pos, NULL, &value)) {
		struct conn *c = value;
		if (c->fd >= 0 || c->stream)
			continue;
		VEC_EACH (q, &c->asked)
			if (dns_memo_put(c->memo, q, &failed))
				break;
		give_up(c, false, "4.4.3", "the DNS cannot be asked now");
	}
}
