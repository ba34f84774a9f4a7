/* Lookup: asks the DNS and fetches policies, keys and pictures, and has nothing to lose: no keys,
 * no disk.
 *
 * libunbound resolves and validates in this process, so that "secure" is our own finding and not a
 * bit in somebody's packet. libcurl is given the addresses that were found in this way and asks no
 * other resolver. */
#include "roles/lookup.h"
#include "base/error.h"
#include "base/log.h"
#include "mail/dns_memo.h"
#include "roles/role.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#define ROOT_ANCHOR "/usr/share/dns/root.key"
#define FILE_MAX ((size_t)1 << 20)
#define QUERIES_MAX 5000
#define DNS_PORT 53

struct lookup lk;

static struct {
	struct loop_watch watch;
	uint16_t ports[2 * CONFIG_PORTS_MAX + 1];
	unsigned running;
	unsigned long long queries, failures;
} dns;

static int
read_file(const char *path, struct buf *out)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		uint8_t *p = buf_room(out, 65536);
		if (!p)
			return buf_err(out);
		n = read(fd, p, 65536);
		buf_grow(out, (size_t)MAX(n, (ssize_t)0));
	}
	return n < 0 ? LL_ERR_IO : LL_OK;
}

/* --- setting up, before the sandbox --- */

static void
allow(uint16_t port)
{
	size_t i = 0, max = ARRAY_SIZE(dns.ports) - 1;

	while (i < max && dns.ports[i] && dns.ports[i] != port)
		i++;
	if (i < max)
		dns.ports[i] = port;
}

static void
allow_port(struct slice server)
{
	size_t at = slice_rfind_byte(server, '@');
	uint64_t port = DNS_PORT;

	if (at != SLICE_NPOS && slice_u64(slice_skip(server, at + 1), 65535, &port))
		return;
	allow((uint16_t)port);
}

static void
each_stub(const struct role_env *env, void (*fn)(struct slice zone, struct slice server))
{
	struct slice rest = slice_str(env->config.dns_stub);

	while (rest.len) {
		struct slice one = slice_trim(slice_split(&rest, ',')),
			     zone = slice_split(&one, ' ');
		if (zone.len)
			fn(zone, slice_trim(one));
	}
}

static void
allow_stub(struct slice zone, struct slice server)
{
	allow_port(server);
}

static void
set_stub(struct slice zone, struct slice server)
{
	char z[256], s[256];

	snprintf(z, sizeof(z), "%.*s", SLICE_ARG(zone));
	snprintf(s, sizeof(s), "%.*s", SLICE_ARG(server));
	if (ub_ctx_set_stub(lk.ub, z, s, 0))
		log_error("dns-stub", "zone=%s", log_quote(zone));
}

static void
lookup_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	uint16_t import[CONFIG_PORTS_MAX];
	size_t n_import;

	dns.ports[0] = DNS_PORT;
	dns.ports[1] = env->config.https_port;
	dial_ports(env, import, &n_import);
	for (size_t i = 0; i < n_import; i++)
		allow(import[i]);
	if (env->config.dns_forward[0])
		allow_port(slice_str(env->config.dns_forward));
	each_stub(env, allow_stub);
	ret->connect_ports = dns.ports;
	ret->calls = SANDBOX_CONNECT | SANDBOX_THREADS | SANDBOX_PASS_FDS;
	ret->max_files = 4096;
}

/* Trust anchors are read here: libunbound would open their file much later, inside the sandbox. */
static int
add_anchors(const char *path)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX);
	struct slice rest;
	unsigned n = 0;
	int r = read_file(path, &text);

	for (rest = buf_slice(&text); r == LL_OK && rest.len;) {
		struct slice line = slice_trim(slice_line(&rest));
		char record[4096];
		if (line.len == 0 || line.ptr[0] == ';')
			continue;
		snprintf(record, sizeof(record), "%.*s", SLICE_ARG(line));
		if (ub_ctx_add_ta(lk.ub, record) == 0)
			n++;
	}
	if (n == 0)
		log_error("dns-anchor", "path=%s error=%s", log_quote(slice_str(path)),
			"no trust anchor");
	return n ? r : LL_ERR_IO;
}

static int
lookup_start(struct role_env *env)
{
	static const struct {
		const char *name, *value;
	} options[] = {{"module-config:", "validator iterator"}, {"qname-minimisation:", "yes"},
		{"harden-glue:", "yes"}, {"harden-dnssec-stripped:", "yes"},
		{"harden-below-nxdomain:", "yes"}, {"aggressive-nsec:", "yes"},
		{"msg-cache-size:", "8m"}, {"rrset-cache-size:", "16m"}, {"neg-cache-size:", "1m"},
		{"cache-min-ttl:", "0"}, {"cache-max-ttl:", "3600"},
		{"do-not-query-localhost:", "no"}, {"use-syslog:", "no"}};
	const char *anchor = env->config.dns_anchor[0] ? env->config.dns_anchor : ROOT_ANCHOR;

	lk.env = env;
	lk.ub = ub_ctx_create();
	if (!lk.ub)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (ub_ctx_set_option(lk.ub, options[i].name, options[i].value))
			log_warn("dns-option", "name=%s", options[i].name);
	if (env->config.dns_forward[0] && ub_ctx_set_fwd(lk.ub, env->config.dns_forward))
		return LL_ERR_SYNTAX;
	each_stub(env, set_stub);
	ub_ctx_async(lk.ub, 1); /* a thread, started with the first query */
	mallopt(M_ARENA_MAX, 2);
	return add_anchors(anchor) ? LL_ERR_IO : https_start(env);
}

static void
on_unbound(void *ctx, unsigned events)
{
	(void)ub_process(lk.ub);
}

static int
lookup_begin(struct role_env *env)
{
	int r = loop_watch(env->loop, &dns.watch, ub_fd(lk.ub), LOOP_READ, on_unbound, NULL);

	return r ? r : https_begin();
}

/* --- queries --- */

struct query {
	struct lookup_asker asker;
	uint64_t id;
	lookup_found *found; /* of this process's own queries */
	void *ctx;
};

static enum dns_status
status_of(int err, const struct ub_result *r)
{
	if (err || !r)
		return DNS_SERVFAIL;
	if (r->bogus)
		return DNS_BOGUS;
	if (r->rcode == 3)
		return DNS_NXDOMAIN;
	if (r->rcode)
		return DNS_SERVFAIL;
	return r->havedata ? DNS_OK : DNS_NODATA;
}

static void
put_rdata(const struct ub_result *r, struct buf *out)
{
	for (int i = 0; r->data[i]; i++) {
		size_t before = out->len;
		buf_put_be16(out, (uint16_t)r->len[i]);
		if (buf_put(out, slice_new(r->data[i], (size_t)r->len[i])) == LL_OK)
			continue;
		buf_truncate(out, before); /* more than a message holds: the rest is left out */
		out->err = 0;
		return;
	}
}

static void
on_found(void *ctx, int err, struct ub_result *r)
{
	CLEANUP(buf_done) struct buf rdata = BUF_INIT(65536);
	struct query *q = ctx;
	struct msg_dns_answer m = {.id = q->id, .status = (uint8_t)status_of(err, r)};
	struct ipc_channel *c = q->found ? NULL : lk.env->peers[q->asker.role][q->asker.index];

	dns.running--;
	dns.failures += m.status == DNS_SERVFAIL || m.status == DNS_BOGUS;
	if (r) {
		m.secure = r->secure && !r->bogus;
		m.ttl = (uint32_t)MAX(r->ttl, 0);
		m.cname = slice_str(r->canonname);
		if (m.status == DNS_OK)
			put_rdata(r, &rdata);
	}
	m.rdata = buf_slice(&rdata);
	if (q->found)
		q->found(q->ctx, &m);
	else if (c)
		(void)ipc_send_dns_answer(c, &m, -1);
	ub_resolve_free(r);
	free(q);
}

static void
ask(struct query *q, struct slice name, uint16_t type)
{
	char text[260];

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
	dns.queries++;
	dns.running++;
	if (dns.running > QUERIES_MAX || ub_resolve_async(lk.ub, text, type, 1, q, on_found, NULL))
		on_found(q, 1, NULL);
}

void
lookup_ask(struct slice name, uint16_t type, lookup_found *found, void *ctx)
{
	struct query *q = calloc(1, sizeof(*q));

	assert(q);
	*q = (struct query){.found = found, .ctx = ctx};
	ask(q, name, type);
}

static void
refuse(struct query *q)
{
	dns.running++;
	on_found(q, 1, NULL);
}

static struct lookup_asker
asker_of(const struct role_env *env, const struct ipc_channel *c)
{
	for (unsigned r = 0; r < ROLES; r++)
		for (unsigned i = 0; i < ROLE_PEERS_MAX; i++)
			if (env->peers[r][i] == c)
				return (struct lookup_asker){(enum role)r, i};
	return (struct lookup_asker){ROLE_PARENT, 0}; /* whom nothing is answered */
}

static void
on_query(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	struct lookup_asker asker = asker_of(env, c);
	struct query *q = calloc(1, sizeof(*q));

	if (!q)
		return;
	*q = (struct query){.asker = asker, .id = m->dns_query.id};
	/* A frontend has no business in the DNS but a correspondent's key. */
	if (asker.role == ROLE_FRONTEND && m->dns_query.type != DNS_OPENPGPKEY)
		refuse(q);
	else
		ask(q, m->dns_query.name, m->dns_query.type);
}

static void
on_https(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	https_get(asker_of(env, c), &m->https_get);
}

static void
on_post(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	https_post(asker_of(env, c), &m->https_post);
}

static void
on_dial(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	dial_begin(asker_of(env, c), &m->dial);
}

static void
lookup_count(struct role_env *env, struct buf *out)
{
	buf_printf(out, "dns_queries=%llu\ndns_failures=%llu\nrunning=%u\nhttps=%llu\n",
		dns.queries, dns.failures, dns.running, lk.fetches);
}

static const struct role_message messages[] = {
	{MSG_KIND_DNS_QUERY, on_query},
	{MSG_KIND_HTTPS_GET, on_https},
	{MSG_KIND_HTTPS_POST, on_post},
	{MSG_KIND_DIAL, on_dial},
};

const struct role_def role_lookup = {
	.role = ROLE_LOOKUP,
	.profile = lookup_profile,
	.start = lookup_start,
	.begin = lookup_begin,
	.counters = lookup_count,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
