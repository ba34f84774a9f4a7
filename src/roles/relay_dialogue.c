/* One connection to another mail server: TLS, and the messages.
 *
 * Only where neither DANE nor MTA-STS promised anything may a failed handshake be followed by clear
 * text. */
#include "base/error.h"
#include "base/log.h"
#include "roles/relay_conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define QUEUE_HIGH ((size_t)256 << 10)
#define BODY_PIECE ((size_t)64 << 10)
#define IDLE_SECONDS 3 /* for the next message to the same domain */
#define SERVED_MAX 100 /* messages over one connection, so that others have their turn */
#define AGAIN_MAX 3 /* connections that may break under one attempt in a round */

static size_t input(void *ctx, struct slice in);
static void drained(void *ctx);
static void secured(void *ctx);
static void closed(void *ctx, int err);
static const struct stream_ops stream_ops = {input, drained, secured, closed};

void
conn_start_dialogue(struct conn *c)
{
	int fd = c->fd, on = 1;

	loop_unwatch(rl.env->loop, &c->watch);
	c->fd = -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->stream = stream_new(rl.env->loop, fd, &stream_ops, c);
	c->config = (struct smtp_client_config){.hostname = slice_str(rl.env->config.hostname)};
	c->client = smtp_client_new(&c->config);
	if (!c->stream || !c->client) {
		conn_give_up(c, false, "4.3.0", "out of memory");
		return;
	}
	conn_run(c);
}

/* --- TLS --- */

static bool
name_add(SSL *ssl, struct slice name)
{
	char text[256];

	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
	return SSL_add1_host(ssl, text) == 1;
}

static bool
use_dane(struct conn *c, SSL *ssl, const char *base)
{
	if (SSL_dane_enable(ssl, base) <= 0)
		return false;
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < c->host.record_count; i++) {
		const struct dane_record *t = &c->host.records[i];
		if (SSL_dane_tlsa_add(
			    ssl, t->usage, t->selector, t->matching, t->data.ptr, t->data.len) < 0)
			return false;
	}
	for (size_t i = 0; i < c->host.name_count; i++)
		if (!name_add(ssl, c->host.names[i]))
			return false;
	return true;
}

/* Certificates are for the host's name, and in the field made for that (RFC 8461 section 4.1). */
static bool
use_names(struct conn *c, SSL *ssl, char *base, const char *name)
{
	if (base[0] != '[' && SSL_set_tlsext_host_name(ssl, base) != 1)
		return false;
	if (!c->need.match && !c->need.report)
		return true;
	SSL_set_hostflags(
		ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return SSL_set1_host(ssl, name) == 1;
}

static SSL *
make_tls(struct conn *c)
{
	SSL *ssl = SSL_new(rl.tls);
	char name[256], base[256];
	bool ok;

	if (!ssl)
		return NULL;
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(c->route.hosts[c->host_at].host));
	snprintf(base, sizeof(base), "%.*s",
		SLICE_ARG(c->host.base.len ? c->host.base : slice_str(name)));
	ok = c->need.policy == TLSRPT_POLICY_TLSA && c->need.match ? use_dane(c, ssl, base)
								   : use_names(c, ssl, base, name);
	SSL_set_verify(ssl, c->need.match ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (ok)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static void
start_tls(struct conn *c)
{
	SSL *ssl = make_tls(c);

	if (!ssl || stream_start_tls(c->stream, ssl, false))
		conn_give_up(c, false, "4.7.5", "TLS cannot be started");
	else
		c->handshaking = true;
}

/* What was wrong with the certificate (RFC 8460 section 4.3). */
static enum tlsrpt_failure
certificate_failure(const struct conn *c)
{
	static const struct {
		long error;
		enum tlsrpt_failure failure;
	} table[] = {
		{X509_V_ERR_HOSTNAME_MISMATCH, TLSRPT_CERTIFICATE_HOST_MISMATCH},
		{X509_V_ERR_CERT_HAS_EXPIRED, TLSRPT_CERTIFICATE_EXPIRED},
		{X509_V_ERR_DANE_NO_MATCH, TLSRPT_VALIDATION_FAILURE},
		{X509_V_OK, TLSRPT_VALIDATION_FAILURE},
	};
	const SSL *ssl = stream_tls(c->stream);
	long error = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].error == error)
			return table[i].failure;
	return TLSRPT_CERTIFICATE_NOT_TRUSTED;
}

static void
secured(void *ctx)
{
	struct conn *c = ctx;
	bool good = !c->need.report || SSL_get_verify_result(stream_tls(c->stream)) == X509_V_OK;

	c->handshaking = false;
	if (good)
		tlsrpt_count_success(&rl.tls_counters, c->need.policy);
	else
		tlsrpt_count_failure(&rl.tls_counters, c->need.policy, certificate_failure(c));
	if (smtp_client_tls_done(c->client))
		conn_give_up(c, false, "4.4.2", "the dialogue is out of step");
	else
		conn_run(c);
}

static void
tls_failed(struct conn *c)
{
	snprintf(c->why, sizeof(c->why), "%s: TLS: %s", c->remote, stream_tls_error(c->stream));
	tlsrpt_count_failure(&rl.tls_counters, c->need.policy, certificate_failure(c));
	log_warn("relay-tls", "host=%s policy=%s error=%s", log_quote(slice_str(c->remote)),
		tlsrpt_policy_name(c->need.policy), log_quote(slice_str(c->why)));
	if (c->need.encrypt) {
		conn_next_address(c);
		return;
	}
	c->clear = true;
	conn_connect(c);
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
	c->idle = false;
	smtp_client_eof(c->client);
	conn_run(c);
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
	struct attempt *a = c->attempt;
	const struct queue_envelope *e = &a->entry->e;
	struct smtp_client_message m = {.from = e->sender,
		.rcpts = c->rcpts,
		.rcpt_count = a->n,
		.eight_bit = e->eight_bit,
		.binary = e->binary,
		.smtputf8 = e->smtputf8 || e->header_utf8,
		.ret = e->ret,
		.envid = e->envid};

	c->attempt = NULL;
	if (!relay_attempt_load(a))
		return;
	c->attempt = a;
	m.size = a->entry->message.len;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct queue_rcpt *r = &e->rcpts[a->rcpts[i]];
		c->rcpts[i] = (struct smtp_client_rcpt){
			.address = r->address, .orcpt = r->orcpt, .notify = r->notify};
	}
	c->body_at = 0;
	if (smtp_client_send(c->client, &m))
		conn_give_up(c, false, "4.3.0", "out of memory");
}

/* The next message, if this connection may take one more. */
static bool
take_next(struct conn *c)
{
	uint32_t most = smtp_client_caps(c->client)->mail_max;

	if (c->attempt)
		return true;
	if (c->served >= SERVED_MAX || (most && c->served >= most))
		c->leaving = true;
	else
		c->attempt = relay_dest_next(c->dest);
	return c->attempt != NULL;
}

static int
leave_or_wait(struct conn *c)
{
	if (c->leaving)
		return smtp_client_quit(c->client);
	c->idle = true;
	c->woken = false;
	return LL_OK;
}

static void
on_ready(struct conn *c)
{
	const struct smtp_client_caps *caps = smtp_client_caps(c->client);
	int r = LL_OK;

	if (!caps->tls && !c->clear && (caps->flags & SMTP_CAP_STARTTLS)) {
		r = smtp_client_starttls(c->client);
	} else if (!caps->tls && c->need.encrypt) {
		tlsrpt_count_failure(
			&rl.tls_counters, c->need.policy, TLSRPT_STARTTLS_NOT_SUPPORTED);
		snprintf(c->why, sizeof(c->why),
			"%s: no TLS is offered, which the domain's policy demands", c->remote);
		conn_next_address(c);
	} else {
		if (!c->good)
			relay_dest_good(c->dest, true);
		c->good = true;
		if (take_next(c))
			send_attempt(c);
		else
			r = leave_or_wait(c);
	}
	if (r)
		conn_give_up(c, false, "4.4.2", "the dialogue is out of step");
}

/* The connection ended before anything was said about any recipient. */
static bool
broke(const struct conn *c, const struct attempt *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct smtp_client_result *r = smtp_client_result(c->client, i);
		if (r->outcome != SMTP_OUTCOME_TEMPORARY || (!r->local && r->code != 421))
			return false;
	}
	return true;
}

static void
note_results(struct conn *c, struct attempt *a)
{
	struct entry *en = a->entry;
	bool dsn = smtp_client_caps(c->client)->flags & SMTP_CAP_DSN;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct smtp_client_result *r = smtp_client_result(c->client, i);
		if (r->outcome == SMTP_OUTCOME_UNTRIED)
			en->tried[a->rcpts[i]] = false;
		else if (queue_note(&en->e, a->rcpts[i], r, slice_str(c->remote), dsn, &en->arena))
			log_error("queue-note", "error=%s", "failed");
		rl.sent += r->outcome == SMTP_OUTCOME_SENT;
		rl.failed += r->outcome == SMTP_OUTCOME_PERMANENT;
		log_info("relayed", "host=%s tls=%d code=%u status=%u.%u.%u",
			log_quote(slice_str(c->remote)), smtp_client_caps(c->client)->tls, r->code,
			r->enhanced[0], r->enhanced[1], r->enhanced[2]);
	}
}

static void
on_done(struct conn *c)
{
	struct attempt *a = TAKE(c->attempt);

	if (a->again < AGAIN_MAX && broke(c, a)) {
		a->again++;
		c->attempt = a; /* CLOSED follows: over the next connection */
		return;
	}
	note_results(c, a);
	c->served++;
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
	snprintf(c->why, sizeof(c->why), "%s: %.*s", c->remote, SLICE_ARG(e->text));
	if (c->served) /* it was good so far */
		conn_connect(c);
	else
		conn_next_address(c);
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

static void (*const events[])(struct conn *c) = {
	[SMTP_CLIENT_READY] = on_ready,
	[SMTP_CLIENT_STARTTLS] = start_tls,
	[SMTP_CLIENT_DONE] = on_done,
	[SMTP_CLIENT_CLOSED] = on_closed,
};

void
conn_run(struct conn *c)
{
	const struct smtp_client *client = c->client;

	/* An event may end the connection or begin another one in its place. */
	while (!c->dead && c->client == client && client && !c->handshaking && !c->idle) {
		enum smtp_client_event e = smtp_client_step(c->client);
		flush(c);
		if (e == SMTP_CLIENT_NONE || (e == SMTP_CLIENT_BODY && !give_body(c)))
			break;
		if (e != SMTP_CLIENT_BODY)
			events[e](c);
	}
	if (!c->dead && client && c->client == client)
		conn_set_timer(c, c->idle ? IDLE_SECONDS : smtp_client_timeout_seconds(c->client));
}

void
conn_dialogue_timeout(struct conn *c)
{
	if (!c->idle) {
		smtp_client_timeout(c->client);
	} else {
		c->leaving = !c->woken;
		c->idle = c->woken = false;
	}
	conn_run(c);
}

static size_t
input(void *ctx, struct slice in)
{
	struct conn *c = ctx;

	if (!c->dead && c->client) {
		c->idle = false; /* whatever it says, it is heard */
		smtp_client_feed(c->client, in);
		conn_run(c);
	}
	return in.len;
}

static void
drained(void *ctx)
{
	conn_run(ctx);
}
