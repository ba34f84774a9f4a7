/* Keys of correspondents: what their domain publishes here, in its Web Key Directory
 * (draft-koch-openpgp-webkey-service) or in the DNS (RFC 7929), as far as DNSSEC secures it; and,
 * when somebody wants it, what a key server has. And our own Web Key Directory for others. Nothing
 * is believed here; the client checks every key. */
#include "base/error.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/dns_memo.h"
#include "mail/pgp_armor.h"
#include "mail/pgp_key.h"
#include "roles/front_fetch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define DANE_HASH_LEN 28u /* RFC 7929 section 3 */
#define KEYS_CACHE "private, max-age=300"
#define WAIT_MS 6000 /* for those elsewhere; the writer of a letter waits with us */

struct keys {
	struct front_fetch fetch;
	char address[IPC_ADDRESS_MAX + 1];
	bool wkd_only; /* somebody else asks our directory */
	bool server; /* the key server is asked, and nobody else */
	bool direct; /* the second of the two places of a Web Key Directory is asked */
	unsigned waiting;
	struct buf json; /* the found keys, with commas */
	struct loop_timer timer;
};

static void
keys_gone(struct front_task *t)
{
	struct keys *k = TAKE(t->state);

	loop_timer_stop(t->c->env->loop, &k->timer);
	buf_done(&k->json);
	free(k);
}

const struct front_task_ops front_keys_ops = {.gone = keys_gone};

static struct slice
local_of(const struct keys *k)
{
	struct slice a = slice_str(k->address);

	return slice_sub(a, 0, slice_rfind_byte(a, '@'));
}

static struct slice
domain_of(const struct keys *k)
{
	struct slice a = slice_str(k->address);

	return slice_skip(a, slice_rfind_byte(a, '@') + 1);
}

/* --- what was found --- */

static void
add_key(struct keys *k, const char *source, struct slice key)
{
	struct pgp_key parsed;

	if (pgp_key_read(key, &parsed))
		return;
	buf_printf(&k->json, "%s{\"source\":\"%s\",\"key\":\"", k->json.len ? "," : "", source);
	base64url_encode(&k->json, key);
	buf_puts(&k->json, "\"}");
}

/* Empty: there is none. */
static struct slice
key_server(const struct front_task *t)
{
	struct slice s = slice_str(t->c->env->config.key_server);

	return slice_eq(s, S("none")) ? SLICE_NONE : s;
}

static void
finish_lookup(struct front_task *t, bool local)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT((size_t)1 << 20);
	struct front_head h = {.status = 200, .cache = KEYS_CACHE};
	struct keys *k = t->state;

	buf_puts(&out, "{\"address\":");
	json_text_put(&out, slice_str(k->address));
	buf_printf(&out, ",\"local\":%s,\"server\":", local ? "true" : "false");
	json_text_put(&out, local ? SLICE_NONE : key_server(t));
	buf_puts(&out, ",\"keys\":[");
	buf_put(&out, buf_slice(&k->json));
	buf_puts(&out, "]}");
	front_task_answer(t, &h, "application/json", buf_slice(&out));
}

static void
one_less(struct front_task *t)
{
	struct keys *k = t->state;

	if (--k->waiting == 0)
		finish_lookup(t, false);
}

/* --- elsewhere --- */

static void
put_escaped(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];
		if (is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_putc(out, c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static int
ask_wkd(struct front_task *t)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(2048), domain = BUF_INIT(256);
	struct ipc_channel *lookup = role_peer(t->c->env, ROLE_LOOKUP, 0);
	struct keys *k = t->state;
	char hash[PGP_WKD_HASH_LEN + 1];
	struct msg_https_get m = {.id = t->id, .kind = FETCH_KEY};
	int r = address_domain_ascii(&domain, domain_of(k));

	if (r == LL_OK)
		r = pgp_wkd_hash(local_of(k), hash);
	if (r)
		return r;
	if (k->direct)
		buf_printf(&url, "https://%.*s/.well-known/openpgpkey/hu/%s?l=", SLICE_ARG(domain),
			hash);
	else
		buf_printf(&url, "https://openpgpkey.%.*s/.well-known/openpgpkey/%.*s/hu/%s?l=",
			SLICE_ARG(domain), SLICE_ARG(domain), hash);
	put_escaped(&url, local_of(k));
	m.url = buf_slice(&url);
	r = buf_err(&url) || !lookup ? LL_ERR_CLOSED : ipc_send_https_get(lookup, &m, -1);
	k->waiting += r == LL_OK;
	return r;
}

static int
ask_dane(struct front_task *t)
{
	CLEANUP(buf_done) struct buf lower = BUF_INIT(512), name = BUF_INIT(512);
	struct ipc_channel *lookup = role_peer(t->c->env, ROLE_LOOKUP, 0);
	struct msg_dns_query m = {.id = t->id, .type = DNS_OPENPGPKEY};
	struct keys *k = t->state;
	struct slice local = local_of(k);
	uint8_t hash[crypto_hash_sha256_BYTES];
	int r;

	for (size_t i = 0; i < local.len; i++)
		buf_putc(&lower, to_lower(local.ptr[i]));
	crypto_hash_sha256(hash, lower.ptr, lower.len);
	(void)hex_encode(&name, slice_new(hash, DANE_HASH_LEN));
	buf_puts(&name, "._openpgpkey.");
	r = address_domain_ascii(&name, domain_of(k));
	m.name = buf_slice(&name);
	if (r == LL_OK)
		r = lookup ? ipc_send_dns_query(lookup, &m, -1) : LL_ERR_CLOSED;
	k->waiting += r == LL_OK;
	return r;
}

/* The interface that Hagrid servers have: only keys whose address has agreed. */
static int
ask_server(struct front_task *t)
{
	CLEANUP(buf_done) struct buf url = BUF_INIT(2048);
	struct ipc_channel *lookup = role_peer(t->c->env, ROLE_LOOKUP, 0);
	struct msg_https_get m = {.id = t->id, .kind = FETCH_KEY};
	struct keys *k = t->state;
	int r;

	buf_printf(&url, "https://%.*s/vks/v1/by-email/", SLICE_ARG(key_server(t)));
	put_escaped(&url, slice_str(k->address));
	m.url = buf_slice(&url);
	r = buf_err(&url) || !lookup ? LL_ERR_CLOSED : ipc_send_https_get(lookup, &m, -1);
	k->waiting += r == LL_OK;
	return r;
}

/* Whoever has not answered by now has no key for us. */
static void
on_late(void *ctx)
{
	struct front_task *t = ctx;

	if (!t->over && !t->head_sent)
		finish_lookup(t, false);
}

static void
ask_elsewhere(struct front_task *t)
{
	struct keys *k = t->state;

	if (loop_timer_set(t->c->env->loop, &k->timer, WAIT_MS, on_late, t)) {
		front_task_reset(t);
		return;
	}
	k->waiting = 1; /* this function's own */
	if (k->server) {
		(void)ask_server(t);
	} else {
		(void)ask_wkd(t);
		(void)ask_dane(t);
	}
	one_less(t);
}

static void
server_reply(struct front_task *t, const struct msg_https_reply *m)
{
	CLEANUP(buf_done) struct buf key = BUF_INIT(PGP_KEY_MAX);

	if (m->status == 200 && pgp_armor_read(m->body, &key) == LL_OK)
		add_key(t->state, "keyserver", buf_slice(&key));
	one_less(t);
}

/* Only where the first place does not exist is the second one asked. */
void
front_keys_https(struct front_task *t, const struct msg_https_reply *m)
{
	struct keys *k = t->state;

	if (k->server) {
		server_reply(t, m);
		return;
	}
	if (m->status == 200)
		add_key(k, "wkd", m->body);
	if (m->status == 0 && !k->direct) {
		k->direct = true;
		(void)ask_wkd(t);
	}
	one_less(t);
}

void
front_keys_dns(const struct msg_dns_answer *m)
{
	struct front_task *t = front_task_find(m->id);
	struct reader r = reader_new(m->rdata);

	if (!t || t->ops != &front_keys_ops || t->over || t->head_sent)
		return;
	while (m->secure && m->status == DNS_OK && r.rest.len && !r.err)
		add_key(t->state, "dane", reader_bytes(&r, reader_be16(&r)));
	one_less(t);
}

/* --- here --- */

static int
ask_directory(struct front_task *t, struct slice address, struct slice hash)
{
	struct ipc_channel *auth = role_peer(t->c->env, ROLE_AUTH, 0);
	struct msg_pgp_query m = {.id = t->id, .address = address, .hash = hash};

	return auth ? ipc_send_pgp_query(auth, &m, -1) : LL_ERR_CLOSED;
}

static void
finish_wkd(struct front_task *t, const struct msg_pgp_reply *m)
{
	struct front_head h = {.status = 200, .cache = "public, max-age=300"};

	if (m->err) {
		front_task_problem(t, 404, "not-found", "There is no key under this name.", 0);
		return;
	}
	h.extra[h.n++] = (struct web_header){S("access-control-allow-origin"), S("*")};
	front_task_answer(t, &h, "application/octet-stream", m->key);
}

void
front_keys_directory(const struct msg_pgp_reply *m)
{
	struct front_task *t = front_task_find(m->id);
	struct keys *k;

	if (!t || t->ops != &front_keys_ops || t->over || t->head_sent)
		return;
	k = t->state;
	if (k->wkd_only) {
		finish_wkd(t, m);
		return;
	}
	if (m->err == 0)
		add_key(k, "directory", m->key);
	if (m->local)
		finish_lookup(t, true);
	else
		ask_elsewhere(t);
}

static void
keys_go(struct front_task *t)
{
	struct keys *k = t->state;

	if (ask_directory(t, slice_str(k->address), SLICE_NONE))
		front_task_problem(t, 503, "unavailable", "Please try again.", 5);
}

static void
begin(struct front_task *t, const struct http_request *q, void (*go)(struct front_task *t))
{
	CLEANUP(buf_done) struct buf address = BUF_INIT(IPC_ADDRESS_MAX);
	struct slice s;
	size_t at;
	struct keys *k;
	int r = web_query_value(t->query, "address", &address);

	s = buf_slice(&address);
	at = slice_rfind_byte(s, '@');
	if (r || at == SLICE_NPOS || at == 0 || at + 1 == s.len) {
		front_task_problem(t, 400, "request", "The address is missing.", 0);
		return;
	}
	front_fetch_begin(t, q, "account", &front_keys_ops, go, sizeof(*k));
	if (t->ops != &front_keys_ops)
		return;
	k = t->state;
	k->json = BUF_INIT((size_t)1 << 20);
	memcpy(k->address, s.ptr, s.len);
}

void
front_keys_begin(struct front_task *t, const struct http_request *q)
{
	begin(t, q, keys_go);
}

/* --- a key server, which learns the address --- */

static void
server_go(struct front_task *t)
{
	struct keys *k = t->state;

	k->server = true;
	ask_elsewhere(t);
}

void
front_key_server_begin(struct front_task *t, const struct http_request *q)
{
	if (key_server(t).len)
		begin(t, q, server_go);
	else
		front_task_problem(t, 404, "not-found", "There is no key server.", 0);
}

/* --- our own directory --- */

static struct slice
host_name(struct slice host)
{
	return slice_sub(host, 0, slice_find_byte(host, ':'));
}

/* A client that says whose name it is (l=) is answered for every address of its owner.
 * rest: "hu/NAME" (the domain is the host's), "DOMAIN/hu/NAME", "policy" or "DOMAIN/policy". */
void
front_wkd_begin(struct front_task *t, struct slice rest)
{
	CLEANUP(buf_done) struct buf address = BUF_INIT(IPC_ADDRESS_MAX);
	struct front_head h = {.status = 200, .cache = "public, max-age=3600"};
	struct slice domain = host_name(t->host), first;
	char hash[PGP_WKD_HASH_LEN + 1];
	struct keys *k;
	bool by_name;

	if (!slice_starts(rest, S("hu/")) && !slice_eq(rest, S("policy")))
		domain = slice_split(&rest, '/');
	if (slice_eq(rest, S("policy"))) {
		front_task_answer(t, &h, "text/plain; charset=utf-8", SLICE_NONE);
		return;
	}
	first = slice_split(&rest, '/');
	if (!slice_eq(first, S("hu")) || rest.len != PGP_WKD_HASH_LEN) {
		front_task_problem(t, 404, "not-found", "There is nothing here.", 0);
		return;
	}
	k = calloc(1, sizeof(*k));
	if (!k) {
		front_task_reset(t);
		return;
	}
	k->wkd_only = true;
	t->state = k;
	t->ops = &front_keys_ops;
	by_name = web_query_value(t->query, "l", &address) == LL_OK && address.len &&
		pgp_wkd_hash(buf_slice(&address), hash) == LL_OK && slice_eq(slice_str(hash), rest);
	if (!by_name)
		buf_reset(&address);
	buf_putc(&address, '@');
	if (buf_put(&address, domain) ||
		ask_directory(t, buf_slice(&address), by_name ? SLICE_NONE : rest))
		front_task_problem(t, 503, "unavailable", "Please try again.", 5);
}
