/* One connection to another mail server: where to, and which address next. Hosts are tried in the
 * order of their preference, and each of them at all its addresses. */
#include "roles/relay_conn.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "roles/dns_answer.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONN_ARENA ((size_t)4 << 20)
#define ROUTE_TIMEOUT 60
#define STS_TIMEOUT 75 /* longer than lookup tries */
#define CONNECT_TIMEOUT 30

static struct map *conns; /* id -> struct conn */
static uint64_t next_id; /* begins at random: late answers to a predecessor find nobody */

static void advance(struct conn *c);

static void
drop_good(struct conn *c)
{
	if (c->good)
		relay_dest_good(c->dest, false);
	c->good = false;
}

/* Closes the socket; whatever was said over it is forgotten. */
static void
conn_close(struct conn *c)
{
	loop_unwatch(rl.env->loop, &c->watch);
	fd_close(&c->fd);
	stream_free(TAKE(c->stream));
	smtp_client_free(TAKE(c->client));
	c->handshaking = c->idle = c->woken = c->leaving = false;
	c->served = 0;
	drop_good(c);
}

static void
conn_bury(void *ctx)
{
	struct conn *c = ctx;
	struct dest *d = c->dest;

	conn_close(c);
	loop_timer_stop(rl.env->loop, &c->timer);
	dns_memo_free(c->memo);
	relay_sts_release(&c->sts);
	VEC_DONE(&c->asked);
	arena_done(&c->arena);
	free(c);
	relay_dest_conn_gone(d);
}

void
conn_end(struct conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	drop_good(c);
	(void)map_del(conns, slice_new(&c->id, sizeof(c->id)));
	/* The timer is armed, so that this takes no memory. */
	if (loop_timer_set(rl.env->loop, &c->timer, 0, conn_bury, c))
		log_error("relay", "error=%s", "memory");
}

void
conn_give_up(struct conn *c, bool permanent, const char *status, const char *text)
{
	struct attempt *a = TAKE(c->attempt);
	bool reached = c->good;

	conn_end(c);
	if (a && c->lost && !permanent)
		relay_attempt_unready(a);
	else if (a && reached)
		relay_attempt_fail(a, permanent, status, text, slice_str(c->remote));
	else if (a)
		relay_dest_unreachable(c->dest, a, permanent, status, text, slice_str(c->remote));
}

static void
on_timer(void *ctx)
{
	struct conn *c = ctx;

	if (c->client && !c->handshaking) {
		conn_dialogue_timeout(c);
		return;
	}
	if (c->sts_waiting && !c->lost) { /* without an answer, what is held of the policy counts */
		relay_conn_https(&(struct msg_https_reply){.id = c->id});
		return;
	}
	snprintf(c->why, sizeof(c->why), "%s",
		c->routed ? "the connection timed out" : "the DNS did not answer");
	if (c->fd >= 0 || c->stream)
		conn_next_address(c);
	else
		conn_give_up(c, false, "4.4.3", c->why);
}

void
conn_set_timer(struct conn *c, unsigned seconds)
{
	if (!c->dead &&
		loop_timer_set(rl.env->loop, &c->timer, (int64_t)seconds * 1000, on_timer, c))
		conn_give_up(c, false, "4.3.0", "out of memory");
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
		c->lost = c->lost || !lookup;
		if ((VEC_PUSH(&c->asked, q) || !lookup || ipc_send_dns_query(lookup, &m, -1)) &&
			dns_memo_put(c->memo, &q, &failed))
			return;
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
	c->host_known = true;
	c->route.status = MX_IMPLICIT;
	c->route.count = 1;
	c->route.hosts[0].host = domain;
	c->sts_known = true;
	return true;
}

/* LL_OK when the route is known; LL_ERR_AGAIN; LL_ERR_SYNTAX: no domain. */
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
	c->routed = r == LL_OK;
	if (c->routed)
		relay_policy_shuffle(&c->route, randombytes_uniform);
	return r;
}

static bool
route_usable(struct conn *c)
{
	if (c->route.status == MX_NULL)
		conn_give_up(c, true, "5.1.10", "the domain takes no mail (null MX)");
	else if (c->route.status == MX_NO_DOMAIN)
		conn_give_up(c, true, "5.1.2", "the domain does not exist");
	else if (c->route.status == MX_TEMPORARY)
		conn_give_up(c, false, "4.4.3", "the DNS cannot say where the domain's mail goes");
	else if (c->route.count == 0)
		conn_give_up(c, true, "5.4.4", "the domain has no mail server");
	else if (relay_policy_trim(&c->route, slice_str(rl.env->config.hostname)))
		conn_give_up(c, true, "5.4.6", "the domain's mail server is this one: a loop");
	return !c->dead;
}

static void
next_host(struct conn *c)
{
	c->host_at++;
	c->address_at = 0;
	c->clear = c->host_known = false;
	memset(&c->host, 0, sizeof(c->host));
}

static void
skip_host(struct conn *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%.*s: %s", SLICE_ARG(c->route.hosts[c->host_at].host),
		why);
	next_host(c);
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
	if (c->sts_waiting)
		conn_set_timer(c, STS_TIMEOUT);
	return c->sts_waiting ? LL_ERR_AGAIN : r;
}

/* Decides how safe the connection to this host must be; false when the host must not be used. */
static bool
host_permitted(struct conn *c, struct slice name)
{
	struct relay_facts facts = {.dane = c->host.state,
		.sts = c->sts.mode,
		.sts_lists =
			c->sts.mode != MTASTS_MODE_NONE && mtasts_mx_match(&c->sts.policy, name)};

	c->need = relay_policy_need(&facts);
	if (c->need.failed)
		tlsrpt_count_failure(&rl.tls_counters, c->need.policy, c->need.failure);
	if (!c->need.usable)
		skip_host(c, c->host.reason ? c->host.reason : c->need.why);
	return c->need.usable;
}

/* Finds the next host that may be used; LL_ERR_AGAIN, LL_ERR_NOTFOUND. */
static int
find_host(struct conn *c)
{
	while (c->host_at < c->route.count) {
		struct slice name = c->route.hosts[c->host_at].host;
		int r = c->host_known ? LL_OK
				      : dane_host_find(&c->route, name, rl.env->config.relay_port,
						c->memo, &c->arena, &c->host);
		c->host_known = r == LL_OK;
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

/* Goes on as far as is known what to do. */
static void
advance(struct conn *c)
{
	int r = find_route(c);

	if (r == LL_OK && !route_usable(c))
		return;
	if (r == LL_OK)
		r = find_host(c);
	if (c->lost && r != LL_ERR_SYNTAX) { /* what it did not say might have forbidden this */
		conn_give_up(c, false, "4.4.3", "the DNS cannot be asked now");
	} else if (r == LL_OK) {
		conn_connect(c);
	} else if (r == LL_ERR_AGAIN) {
		ask_dns(c);
		if (!c->sts_waiting && dns_memo_pending(c->memo) == 0)
			advance(c);
	} else if (r == LL_ERR_SYNTAX) {
		conn_give_up(c, true, "5.1.2", "not a domain");
	} else {
		conn_give_up(c, false, "4.4.1",
			c->why[0] ? c->why : "no mail server of the domain can be reached");
	}
}

/* --- connecting --- */

static void
on_connect(void *ctx, unsigned events)
{
	struct conn *c = ctx;
	int err = stream_dial_error(c->fd);

	if (err) {
		snprintf(c->why, sizeof(c->why), "%s: %s", c->remote, strerror(err));
		conn_next_address(c);
		return;
	}
	rl.connections++;
	conn_start_dialogue(c);
}

static int
watch_connect(struct conn *c)
{
	return loop_watch(rl.env->loop, &c->watch, c->fd, LOOP_WRITE, on_connect, c);
}

void
conn_connect(struct conn *c)
{
	const struct ip_addr *ip;

	conn_close(c);
	/* An address that fails at once is followed by the next, without a deeper stack. */
	while ((ip = relay_policy_address(
			c->host.addresses, c->host.address_count, c->address_at))) {
		snprintf(c->remote, sizeof(c->remote), "%.*s",
			SLICE_ARG(c->route.hosts[c->host_at].host));
		c->fd = stream_dial(ip_addr_bytes(ip), rl.env->config.relay_port);
		if (c->fd >= 0 && watch_connect(c) == LL_OK) {
			conn_set_timer(c, CONNECT_TIMEOUT);
			return;
		}
		snprintf(c->why, sizeof(c->why), "%s: %s", c->remote, strerror(errno));
		fd_close(&c->fd);
		c->address_at++;
		c->clear = false;
	}
	next_host(c);
	advance(c);
}

void
conn_next_address(struct conn *c)
{
	c->address_at++;
	c->clear = false;
	conn_connect(c);
}

/* --- messages --- */

int
relay_conn_start(struct dest *d, struct attempt *a)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!conns) {
		conns = map_new();
		randombytes_buf(&next_id, sizeof(next_id));
		next_id >>= 17; /* the number of a query stands below it */
	}
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
	if (!c->memo || map_set(conns, slice_new(&c->id, sizeof(c->id)), c, NULL) ||
		loop_timer_set(rl.env->loop, &c->timer, ROUTE_TIMEOUT * 1000, on_timer, c)) {
		(void)map_del(conns, slice_new(&c->id, sizeof(c->id)));
		dns_memo_free(c->memo);
		free(c);
		return LL_ERR_NOMEM;
	}
	advance(c);
	return LL_OK;
}

static struct conn *
find(uint64_t id)
{
	return conns ? map_get(conns, slice_new(&id, sizeof(id))) : NULL;
}

void
relay_conn_dns(const struct msg_dns_answer *m)
{
	struct conn *c = find(m->id >> 16);
	size_t number = (size_t)(m->id & 0xffff);

	if (!c || c->dead || number >= c->asked.len || c->fd >= 0 || c->stream)
		return;
	if (dns_answer_put(c->memo, &c->asked.at[number], m))
		log_debug("dns-memo", "error=full");
	if (dns_memo_pending(c->memo) == 0 && !c->sts_waiting)
		advance(c);
}

void
relay_conn_https(const struct msg_https_reply *m)
{
	struct conn *c = find(m->id);

	if (!c || c->dead || !c->sts_waiting)
		return;
	conn_set_timer(c, ROUTE_TIMEOUT);
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
	size_t pos = 0;
	void *value;

	while (conns && map_next(conns, &pos, NULL, &value)) {
		struct conn *c = value;
		if (c->fd >= 0 || c->stream)
			continue;
		c->lost = true;
		/* The timer goes on from here: this may start other connections. */
		if (loop_timer_set(rl.env->loop, &c->timer, 0, on_timer, c))
			log_error("relay", "error=%s", "memory");
	}
}

bool
relay_conn_wake(const struct dest *d)
{
	size_t pos = 0;
	void *value;

	while (conns && map_next(conns, &pos, NULL, &value)) {
		struct conn *c = value;
		if (c->dest != d || !c->idle || c->woken)
			continue;
		c->woken = loop_timer_set(rl.env->loop, &c->timer, 0, on_timer, c) == LL_OK;
		return c->woken;
	}
	return false;
}
