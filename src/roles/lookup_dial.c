/* Connecting to the IMAP servers that owners bring their mail over from. An owner chooses the name,
 * and the DNS what it points at: so public addresses only, as for pictures, and the few ports that
 * are made for it. The socket is handed on as soon as it stands; TLS and everything that is said
 * over it are the session's. */
#include "base/error.h"
#include "base/log.h"
#include "mail/dns_memo.h"
#include "mail/ip.h"
#include "mail/srv.h"
#include "os/stream.h"
#include "roles/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIALS_MAX 200
#define ADDRESSES_MAX 8
#define TRY_MS 8000 /* one address */
#define IMAPS_PORT 993

struct dial {
	struct lookup_asker asker;
	uint64_t id;
	uint16_t port;
	char host[SRV_NAME_MAX + 1];
	unsigned waiting; /* for A and AAAA */
	struct ip_addr addresses[ADDRESSES_MAX];
	size_t n, at;
	bool exists, private; /* the name has addresses; one of them was not public */
	int err; /* of the last try */
	int fd;
	struct loop_watch watch;
	struct loop_timer timer;
	/* DIAL_FIND */
	char domain[SRV_NAME_MAX + 1];
	unsigned guess; /* which name is asked about */
};

static unsigned running;

static void next_address(struct dial *d);
static void next_guess(struct dial *d);

/* ---- Answers ---- */

static void
done(struct dial *d, int err)
{
	struct ipc_channel *c = lk.env->peers[d->asker.role][d->asker.index];
	struct msg_dialled m = {
		.id = d->id, .err = (uint8_t)-err, .port = d->port, .host = slice_str(d->host)};

	loop_timer_stop(lk.env->loop, &d->timer);
	loop_unwatch(lk.env->loop, &d->watch);
	if (c)
		(void)ipc_send_dialled(c, &m, err ? -1 : d->fd);
	fd_close(&d->fd);
	running--;
	free(d);
}

/* ---- Addresses ---- */

static void
add_address(struct dial *d, struct slice rdata)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ip_addr ip = ip_addr_new(rdata);
	uint8_t full[16];

	if (rdata.len == 16)
		memcpy(full, rdata.ptr, 16);
	else if (rdata.len == 4) {
		memcpy(full, mapped, sizeof(mapped));
		memcpy(full + 12, rdata.ptr, 4);
	} else
		return;
	d->exists = true;
	if (!lk.env->config.private_fetch && !ip_is_public(full))
		d->private = true;
	else if (d->n < ADDRESSES_MAX && ip.version)
		d->addresses[d->n++] = ip;
}

static void
add_addresses(struct dial *d, const struct msg_dns_answer *m)
{
	struct reader r = reader_new(m->rdata);

	while (m->status == DNS_OK && r.rest.len && !r.err)
		add_address(d, reader_bytes(&r, reader_be16(&r)));
	if (m->status == DNS_SERVFAIL || m->status == DNS_BOGUS)
		d->err = LL_ERR_AGAIN;
}

static void
ask_addresses(struct dial *d, lookup_found *found)
{
	d->waiting = 2;
	d->n = d->at = 0;
	d->exists = d->private = false;
	d->err = LL_OK;
	lookup_ask(slice_str(d->host), DNS_AAAA, found, d);
	lookup_ask(slice_str(d->host), DNS_A, found, d);
}

/* ---- Connecting ---- */

static void
on_connect(void *ctx, unsigned events)
{
	struct dial *d = ctx;
	int err = stream_dial_error(d->fd);

	if (!err) {
		done(d, LL_OK);
		return;
	}
	d->err = err == ECONNREFUSED ? LL_ERR_CLOSED : LL_ERR_AGAIN;
	next_address(d);
}

static void
on_timeout(void *ctx)
{
	struct dial *d = ctx;

	d->err = LL_ERR_AGAIN;
	next_address(d);
}

static void
next_address(struct dial *d)
{
	loop_unwatch(lk.env->loop, &d->watch);
	fd_close(&d->fd);
	while (d->at < d->n) {
		d->fd = stream_dial(ip_addr_bytes(&d->addresses[d->at++]), d->port);
		if (d->fd >= 0 &&
			!loop_watch(lk.env->loop, &d->watch, d->fd, LOOP_WRITE, on_connect, d) &&
			!loop_timer_set(lk.env->loop, &d->timer, TRY_MS, on_timeout, d))
			return;
		d->err = LL_ERR_AGAIN;
		loop_unwatch(lk.env->loop, &d->watch);
		fd_close(&d->fd);
	}
	done(d, d->err ? d->err : LL_ERR_AGAIN);
}

static void
on_addresses(void *ctx, const struct msg_dns_answer *m)
{
	struct dial *d = ctx;

	add_addresses(d, m);
	if (--d->waiting)
		return;
	if (d->n)
		next_address(d);
	else
		done(d, d->private ? LL_ERR_DENIED : d->err ? d->err : LL_ERR_NOTFOUND);
}

/* ---- Finding ---- */

/* The record of the lowest priority; the weight is for those who ask often. */
static bool
best_srv(const struct msg_dns_answer *m, struct srv *ret)
{
	struct reader r = reader_new(m->rdata);
	struct srv one;
	bool found = false;

	while (m->status == DNS_OK && r.rest.len && !r.err) {
		struct slice rdata = reader_bytes(&r, reader_be16(&r));
		if (srv_parse(rdata, &one) || !one.target[0] || !one.port)
			continue;
		if (!found || one.priority < ret->priority)
			*ret = one;
		found = true;
	}
	return found;
}

static void
on_srv(void *ctx, const struct msg_dns_answer *m)
{
	struct dial *d = ctx;
	struct srv s;

	if (!best_srv(m, &s)) {
		next_guess(d);
		return;
	}
	snprintf(d->host, sizeof(d->host), "%s", s.target);
	d->port = s.port;
	d->fd = -1;
	done(d, LL_OK);
}

static void
on_guess(void *ctx, const struct msg_dns_answer *m)
{
	struct dial *d = ctx;

	add_addresses(d, m);
	if (--d->waiting)
		return;
	if (d->exists)
		done(d, LL_OK);
	else
		next_guess(d);
}

/* What is usual, where the domain does not say. */
static void
next_guess(struct dial *d)
{
	static const char *const names[] = {"imap", "mail"};
	int n;

	if (d->guess == ARRAY_SIZE(names)) {
		d->host[0] = '\0';
		done(d, LL_ERR_NOTFOUND);
		return;
	}
	n = snprintf(d->host, sizeof(d->host), "%s.%s", names[d->guess++], d->domain);
	d->port = IMAPS_PORT;
	if (n < (int)sizeof(d->host))
		ask_addresses(d, on_guess);
	else
		next_guess(d);
}

static void
find_server(struct dial *d)
{
	char name[SRV_NAME_MAX + 16];

	memcpy(d->domain, d->host, sizeof(d->domain));
	snprintf(name, sizeof(name), "_imaps._tcp.%s", d->domain);
	lookup_ask(slice_str(name), DNS_SRV, on_srv, d);
}

/* ---- Beginning ---- */

void
dial_ports(const struct role_env *env, uint16_t ret[CONFIG_PORTS_MAX], size_t *ret_n)
{
	struct slice rest = slice_str(env->config.import_ports);
	uint64_t port;

	for (*ret_n = 0; rest.len && *ret_n < CONFIG_PORTS_MAX;)
		if (!slice_u64(slice_trim(slice_split(&rest, ',')), 65535, &port) && port)
			ret[(*ret_n)++] = (uint16_t)port;
}

static bool
port_allowed(uint16_t port)
{
	uint16_t ports[CONFIG_PORTS_MAX];
	size_t n;

	dial_ports(lk.env, ports, &n);
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

void
dial_begin(struct lookup_asker asker, const struct msg_dial *m)
{
	struct dial *d = calloc(1, sizeof(*d));
	struct ip_addr literal;
	bool bad = !m->host.len || m->host.len > SRV_NAME_MAX || m->kind >= DIAL_KINDS ||
		!ip_addr_parse(m->host, &literal);

	if (!d)
		return;
	*d = (struct dial){
		.asker = asker, .id = m->id, .port = m->port, .fd = -1, .watch = LOOP_WATCH_NONE};
	running++;
	lk.fetches++;
	snprintf(d->host, sizeof(d->host), "%.*s", SLICE_ARG(m->host));
	if (bad || (m->kind == DIAL_CONNECT && !port_allowed(m->port)))
		done(d, LL_ERR_DENIED);
	else if (running > DIALS_MAX)
		done(d, LL_ERR_LIMIT);
	else if (m->kind == DIAL_FIND)
		find_server(d);
	else
		ask_addresses(d, on_addresses);
}
