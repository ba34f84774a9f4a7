/* Relay: sends mail to other servers. It alone can open the queue; it has no disk, and may connect
 * to the SMTP port only. */
#include "roles/relay.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "keys/kdf.h"
#include "mail/address.h"
#include "mail/header.h"
#include "os/clock.h"
#include "roles/dkim_store.h"
#include "roles/relay_sts.h"
#include "roles/trust.h"
#include "store/client.h"
#include "store/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct relay rl;
static uint16_t ports[2];

static void
relay_profile(const struct role_env *env, struct sandbox_profile *ret)
{
	ports[0] = env->config.relay_port;
	ret->calls = SANDBOX_CONNECT | SANDBOX_PASS_FDS;
	ret->connect_ports = ports;
	ret->max_files = 4096;
}

/* --- DKIM --- */

static int
load_key(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(DKIM_STORE_PLAIN_MAX);
	struct relay_signing_key k = {0};
	struct dkim_stored stored;
	int r = dkim_store_open(role_secret(rl.env, "dkim").ptr, key, value, &plain, &stored);

	if (r == LL_OK)
		r = dkim_key_import(stored.key, &k.key);
	if (r)
		return r;
	snprintf(k.domain, sizeof(k.domain), "%.*s", SLICE_ARG(stored.domain));
	snprintf(k.selector, sizeof(k.selector), "%.*s", SLICE_ARG(stored.selector));
	return VEC_PUSH(&rl.keys, k);
}

static void
load_keys(void)
{
	int r;

	VEC_EACH (k, &rl.keys)
		dkim_key_free(k->key);
	rl.keys.len = 0;
	if (!rl.store)
		return;
	r = store_each(rl.store, store_directory, S(DKIM_STORE_PREFIX), load_key, NULL);
	if (r)
		log_error("dkim-keys", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* The domain that signs: the From field's. */
static int
author_domain(struct slice message, struct buf *out)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct address_list list = {0};
	struct header_field from;

	if (!header_find(message, S("From"), &from) ||
		address_list_parse(from.value, &arena, &list))
		return LL_ERR_NOTFOUND;
	for (size_t i = 0; i < list.len; i++)
		if (list.at[i].kind == ADDRESS_MAILBOX && list.at[i].domain.len)
			return address_domain_ascii(out, list.at[i].domain);
	return LL_ERR_NOTFOUND;
}

static int
body_hash(struct slice body, uint8_t ret[DKIM_HASH_SIZE])
{
	struct dkim_body *b = dkim_body_new(DKIM_RELAXED, UINT64_MAX);
	int r = b ? dkim_body_update(b, body) : LL_ERR_NOMEM;

	if (r == LL_OK)
		r = dkim_body_final(b, ret, NULL);
	dkim_body_free(b);
	return r;
}

int
relay_sign(struct slice message, struct buf *out)
{
	CLEANUP(buf_done) struct buf domain = BUF_INIT(1024);
	struct slice header = slice_sub(message, 0, header_length(message)),
		     body = slice_skip(message, header.len);
	uint8_t hash[DKIM_HASH_SIZE];
	bool hashed = false;
	int r = author_domain(header, &domain);

	if (slice_ends(header, S("\r\n\r\n")))
		header.len -= 2;
	VEC_EACH (k, &rl.keys) {
		struct dkim_sign_options o = {.domain = slice_str(k->domain),
			.selector = slice_str(k->selector),
			.now = clock_unix(),
			.header_canon = DKIM_RELAXED,
			.body_canon = DKIM_RELAXED};
		if (r || !slice_eq(o.domain, buf_slice(&domain)))
			continue;
		if (!hashed && body_hash(body, hash))
			return LL_ERR_CRYPTO;
		hashed = true;
		if (dkim_sign(k->key, &o, header, hash, out))
			log_warn("dkim-sign", "domain=%s", log_quote(o.domain));
	}
	return buf_put(out, message);
}

/* --- setting up --- */

/* Without them MTA-STS cannot be met, all else can. */
static void
load_cas(void)
{
	struct slice pem = trust_read(rl.env->config.ca_file, "relay", "mta-sts");

	if (pem.len && trust_use(rl.tls, pem))
		log_warn("relay", "error=%s lost=%s", "no-certificate", "mta-sts");
	trust_forget(&pem);
}

static int
relay_start(struct role_env *env)
{
	struct slice seed = role_secret(env, "queue");
	int r;

	rl.env = env;
	rl.entries = map_new();
	rl.dests = map_new();
	rl.tls = SSL_CTX_new(TLS_client_method());
	if (seed.len != XWING_SEED_LEN || !rl.entries || !rl.dests || !rl.tls)
		return LL_ERR_STATE;
	r = record_opener_new(seed.ptr, &rl.opener);
	if (r)
		return r;
	kdf_derive(seed.ptr, "mta-sts", rl.sts_key, sizeof(rl.sts_key));
	memcpy(rl.queue_public, record_opener_public(rl.opener), sizeof(rl.queue_public));
	SSL_CTX_set_min_proto_version(rl.tls, TLS1_2_VERSION);
	SSL_CTX_set_options(rl.tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	if (SSL_CTX_dane_enable(rl.tls) <= 0)
		return LL_ERR_CRYPTO;
	load_cas();
	return LL_OK;
}

static void
on_bell(void *ctx, struct store_id partition)
{
	relay_queue_bell();
}

static void
use_store(struct ipc_channel *c)
{
	struct store *old = rl.store;

	rl.store = c ? store_client_over(rl.env->loop, c) : NULL;
	if (old) {
		store_client_closed(old);
		store_free(old);
	}
	if (!rl.store)
		return;
	if (store_watch(rl.store, store_queue, on_bell, NULL))
		log_error("queue-watch", "error=%s", "failed");
	load_keys();
	relay_sts_load();
	relay_queue_restart();
	relay_queue_scan(true);
}

static int
relay_begin(struct role_env *env)
{
	use_store(role_peer(env, ROLE_STORE, 0));
	return LL_OK;
}

static void
relay_peer(struct role_env *env, enum role role, unsigned index, struct ipc_channel *c, bool gone)
{
	if (role == ROLE_STORE)
		use_store(gone ? NULL : c);
	else if (role == ROLE_LOOKUP && gone)
		relay_conn_lookup_lost();
	else if (role == ROLE_DELIVERY && gone) {
		relay_release_lost(c);
		relay_held_lost(c);
		relay_queue_restart();
	}
}

static void
on_store(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	if (rl.store)
		(void)store_client_message(rl.store, m, fd);
	fd_close(&fd);
}

static void
on_dns(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	relay_conn_dns(&m->dns_answer);
}

static void
on_https(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	relay_conn_https(&m->https_reply);
}

static void
on_delivered(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	if (!relay_release_done(&m->deliver_result))
		relay_report_done(&m->deliver_result);
}

static void
on_command(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	relay_queue_command(c, &m->queue_command);
}

static void
on_held_cancel(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	relay_held_cancel(c, &m->held_cancel);
}

static void
on_domains(struct role_env *env, struct ipc_channel *c, const struct msg *m, int fd)
{
	load_keys();
}

static void
relay_count(struct role_env *env, struct buf *out)
{
	buf_printf(out,
		"queued=%zu\nsent=%llu\ndeferred=%llu\nfailed=%llu\nreports=%llu\nconnections=%"
		"llu\nopen=%u\n",
		map_len(rl.entries), rl.sent, rl.deferred, rl.failed, rl.reports, rl.connections,
		rl.conns);
	for (unsigned p = 0; p < TLSRPT_POLICIES; p++) {
		buf_printf(out, "tls_%s_success=%llu\n", tlsrpt_policy_name((enum tlsrpt_policy)p),
			(unsigned long long)rl.tls_counters.success[p]);
		for (unsigned f = 0; f < TLSRPT_FAILURES; f++)
			if (rl.tls_counters.failure[p][f])
				buf_printf(out, "tls_%s_%s=%llu\n",
					tlsrpt_policy_name((enum tlsrpt_policy)p),
					tlsrpt_failure_name((enum tlsrpt_failure)f),
					(unsigned long long)rl.tls_counters.failure[p][f]);
	}
}

static const struct role_message messages[] = {
	{MSG_KIND_DNS_ANSWER, on_dns},
	{MSG_KIND_HTTPS_REPLY, on_https},
	{MSG_KIND_DELIVER_RESULT, on_delivered},
	{MSG_KIND_HELD_CANCEL, on_held_cancel},
	{MSG_KIND_QUEUE_COMMAND, on_command},
	{MSG_KIND_DOMAINS_CHANGED, on_domains},
	{MSG_KIND_ST_VALUE, on_store},
	{MSG_KIND_ST_ROWS, on_store},
	{MSG_KIND_ST_STATED, on_store},
	{MSG_KIND_ST_COMMITTED, on_store},
	{MSG_KIND_ST_BELL, on_store},
};

const struct role_def role_relay = {
	.role = ROLE_RELAY,
	.profile = relay_profile,
	.start = relay_start,
	.begin = relay_begin,
	.peer = relay_peer,
	.counters = relay_count,
	.messages = messages,
	.n_messages = ARRAY_SIZE(messages),
};
