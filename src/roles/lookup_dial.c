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
/* For the DNS. Resolving goes on for minutes where no server of a zone answers; whoever waits here
 * can name another server meanwhile. */
#define FIND_MS 10000
#define NAME_MS 20000
#define IMAPS_PORT 993

struct dial;

/* Something that may name the server of a domain. */
struct hint {
	struct dial *d;
	unsigned waiting; /* answers that are still to come */
	bool found;
	uint16_t port;
	char host[SRV_NAME_MAX + 1];
};

enum { HINT_SRV, HINT_IMAP, HINT_MAIL, HINTS };

struct dial {
	struct lookup_asker asker;
	uint64_t id;
	uint16_t port;
	char host[SRV_NAME_MAX + 1];
	unsigned open; /* questions to the DNS; their answers need this struct */
	bool over; /* its own answer is given */
	unsigned waiting; /* for A and AAAA */
	struct ip_addr addresses[ADDRESSES_MAX];
	size_t n, at;
	bool private; /* one of the addresses was not public */
	int err; /* of the last try */
	int fd;
	struct loop_watch watch;
	struct loop_timer timer;
	struct hint hints[HINTS]; /* DIAL_FIND: the first that is found counts */
};

static unsigned running;

static void next_address(struct dial *d);

/* ---- Answers ---- */

static void
release(struct dial *d)
{
	if (d->over && !d->open)
		free(d);
}

/* False: the answer comes too late, and d may be gone. */
static bool
still_wanted(struct dial *d)
{
	d->open--;
	if (!d->over)
		return true;
	release(d);
	return false;
}

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
	d->over = true;
	release(d);
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

/* What is known of the name by now is all that will be. */
static void
addresses_known(struct dial *d)
{
	d->waiting = 0;
	if (d->n)
		next_address(d);
	else
		done(d, d->private ? LL_ERR_DENIED : d->err ? d->err : LL_ERR_NOTFOUND);
}

static void
on_addresses(void *ctx, const struct msg_dns_answer *m)
{
	struct dial *d = ctx;

	if (!still_wanted(d) || !d->waiting)
		return;
	add_addresses(d, m);
	if (--d->waiting == 0)
		addresses_known(d);
}

static void
on_names_late(void *ctx)
{
	struct dial *d = ctx;

	d->err = LL_ERR_AGAIN;
	addresses_known(d);
}

static void
connect_to(struct dial *d)
{
	if (loop_timer_set(lk.env->loop, &d->timer, NAME_MS, on_names_late, d)) {
		done(d, LL_ERR_NOMEM);
		return;
	}
	d->open = d->waiting = 2;
	lookup_ask(slice_str(d->host), DNS_AAAA, on_addresses, d);
	lookup_ask(slice_str(d->host), DNS_A, on_addresses, d);
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

/* Answers with the first hint that is found, once those before it are known to be none; final: what
 * has not come by now is none. */
static void
decide(struct dial *d, bool final)
{
	int err = final ? LL_ERR_AGAIN : LL_ERR_NOTFOUND;

	d->host[0] = '\0';
	for (struct hint *h = d->hints; h < d->hints + HINTS; h++) {
		if (h->waiting && !final)
			return;
		if (!h->found)
			continue;
		memcpy(d->host, h->host, sizeof(d->host));
		d->port = h->port;
		err = LL_OK;
		break;
	}
	done(d, err);
}

static void
on_find_late(void *ctx)
{
	decide(ctx, true);
}

static void
on_srv(void *ctx, const struct msg_dns_answer *m)
{
	struct hint *h = ctx;
	struct srv s;

	if (!still_wanted(h->d))
		return;
	h->waiting--;
	if (best_srv(m, &s)) {
		snprintf(h->host, sizeof(h->host), "%s", s.target);
		h->port = s.port;
		h->found = true;
	}
	decide(h->d, false);
}

/* A name that has an address, whichever. */
static void
on_guess(void *ctx, const struct msg_dns_answer *m)
{
	struct hint *h = ctx;

	if (!still_wanted(h->d))
		return;
	h->found |= m->status == DNS_OK && m->rdata.len;
	h->waiting = h->found ? 0 : h->waiting - 1;
	decide(h->d, false);
}

/* All at once: where a zone's servers do not answer, each question takes its time. What is usual
 * counts where the domain does not say. */
static void
find_server(struct dial *d)
{
	static const char *const usual[HINTS] = {"_imaps._tcp", "imap", "mail"};
	static const struct {
		uint8_t hint;
		uint16_t type;
		lookup_found *found;
	} asked[] = {{HINT_SRV, DNS_SRV, on_srv}, {HINT_IMAP, DNS_AAAA, on_guess},
		{HINT_IMAP, DNS_A, on_guess}, {HINT_MAIL, DNS_AAAA, on_guess},
		{HINT_MAIL, DNS_A, on_guess}};
	char names[HINTS][SRV_NAME_MAX + 16];

	for (size_t i = 0; i < HINTS; i++) {
		snprintf(names[i], sizeof(names[i]), "%s.%s", usual[i], d->host);
		d->hints[i] = (struct hint){.d = d, .port = IMAPS_PORT};
		snprintf(d->hints[i].host, sizeof(d->hints[i].host), "%s", names[i]);
	}
	if (loop_timer_set(lk.env->loop, &d->timer, FIND_MS, on_find_late, d)) {
		done(d, LL_ERR_NOMEM);
		return;
	}
	d->open = ARRAY_SIZE(asked);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		d->hints[asked[i].hint].waiting++;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		lookup_ask(slice_str(names[asked[i].hint]), asked[i].type, asked[i].found,
			&d->hints[asked[i].hint]);
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
		connect_to(d);
}
