/* Push messages (RFC 8030) to the addresses that owners' programs have left, sent by lookup. The
 * session says what is new while it is there. While none is, auth itself tells of mail that has
 * come, without saying what: it knows no more. The setting "push" of the directory is the list of
 * subscriptions (faces/push_list.h).
 *
 * Who is told too often stops listening, and whoever could make this server send at will would use
 * it: every account has so many messages a minute, and few to addresses that are not proven. */
#include "account/changes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/text.h"
#include "faces/push_list.h"
#include "keys/webpush.h"
#include "os/clock.h"
#include "roles/auth.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SETTING "push"
#define TTL 86400 /* seconds that a push service keeps it for a device that is away */
#define TOKEN_SECONDS 43200
#define MINUTE_MS 60000
#define PER_MINUTE 60u
#define CODES_PER_MINUTE 3u
#define GATHER_MS 1500 /* several letters are one message */
#define APART_MS 15000 /* between two that tell of mail */
#define ACCOUNTS_MAX 20000u
#define SENT_MAX 1000u
#define TICK_MS 500

struct push_account {
	uint8_t id[RECORD_ID_LEN];
	int64_t minute; /* when it began */
	unsigned sent, codes;
	int64_t told, due; /* of mail; due 0: nothing to tell */
};
/* On its way: who is asked to forget an address that is no more. */
struct sent {
	uint8_t account[RECORD_ID_LEN], subscription[PUSH_ID_LEN];
};

static struct {
	struct map *accounts, *sent;
	uint64_t next_id;
	struct loop_timer timer;
} pu;

static struct slice
id_slice(const uint8_t id[16])
{
	return slice_new(id, 16);
}

/* The server's key for push services follows from the directory's keys, so that it stays the same
 * and needs no place of its own. */
static int
private_key(uint8_t ret[WEBPUSH_PRIVATE_LEN])
{
	uint8_t public[WEBPUSH_PUBLIC_LEN];
	int r = LL_ERR_CRYPTO;

	for (uint8_t i = 0; i < 8 && r; i++) {
		directory_name(auth.keys, "push-key", slice_new(&i, 1), ret);
		r = webpush_public(ret, public);
	}
	return r;
}

int
push_public_key(uint8_t ret[WEBPUSH_PUBLIC_LEN])
{
	uint8_t private[WEBPUSH_PRIVATE_LEN];
	int r = private_key(private);

	if (!r)
		r = webpush_public(private, ret);
	secret_wipe(private, sizeof(private));
	return r;
}

/* --- the list --- */

bool
push_exists(const uint8_t account[RECORD_ID_LEN])
{
	return directory_has_setting(auth.directory, account, SETTING);
}

int
push_set(const uint8_t account[RECORD_ID_LEN], struct slice list)
{
	if (!push_list_ok(list))
		return LL_ERR_SYNTAX;
	return directory_setting_put(auth.directory, account, SETTING, list);
}

/* The push service knows the address no more. */
static void
forget(const struct sent *s)
{
	CLEANUP(buf_done) struct buf list = BUF_INIT(DIRECTORY_SETTING_MAX);
	CLEANUP(buf_done) struct buf rest = BUF_INIT(DIRECTORY_SETTING_MAX);
	struct push_subscription one;
	struct slice at;
	int r = directory_setting(auth.directory, s->account, SETTING, &list);

	at = buf_slice(&list);
	while (!r && push_list_next(&at, &one))
		if (memcmp(one.id, s->subscription, sizeof(one.id)) != 0)
			r = push_list_put(&one, &rest);
	if (!r)
		r = directory_setting_put(auth.directory, s->account, SETTING, buf_slice(&rest));
	if (r && r != LL_ERR_NOTFOUND)
		log_warn("push", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* --- limits --- */

static struct push_account *
account_of(const uint8_t id[RECORD_ID_LEN])
{
	struct push_account *a;

	if (!pu.accounts && !(pu.accounts = map_new()))
		return NULL;
	a = map_get(pu.accounts, id_slice(id));
	if (a)
		return a;
	if (map_len(pu.accounts) >= ACCOUNTS_MAX) { /* all begin anew */
		map_free(pu.accounts, free);
		pu.accounts = map_new();
	}
	a = calloc(1, sizeof(*a));
	if (a)
		memcpy(a->id, id, sizeof(a->id));
	if (!a || !pu.accounts || map_set(pu.accounts, id_slice(a->id), a, NULL)) {
		free(a);
		return NULL;
	}
	return a;
}

static bool
within_limits(const uint8_t account[RECORD_ID_LEN], bool verified)
{
	struct push_account *a = account_of(account);
	int64_t now = clock_ms();

	if (!a)
		return false;
	if (now - a->minute >= MINUTE_MS) {
		a->minute = now;
		a->sent = a->codes = 0;
	}
	if (a->sent >= PER_MINUTE || (!verified && a->codes >= CODES_PER_MINUTE))
		return false;
	a->sent++;
	a->codes += !verified;
	return true;
}

/* --- one message --- */

/* "https://host" of an address. */
static struct slice
origin_of(struct slice url)
{
	size_t end = slice_find_byte(slice_skip(url, 8), '/');

	return end == SLICE_NPOS ? url : slice_sub(url, 0, end + 8);
}

static int
headers_put(const struct push_subscription *s, struct buf *out)
{
	uint8_t private[WEBPUSH_PRIVATE_LEN];
	char subject[300];
	int r = private_key(private);

	snprintf(subject, sizeof(subject), "https://%s", auth.env->config.hostname);
	buf_puts(out, "Authorization: ");
	if (!r)
		r = webpush_vapid(private, origin_of(s->url), slice_str(subject),
			clock_unix() + TOKEN_SECONDS, out);
	secret_wipe(private, sizeof(private));
	buf_printf(out, "\nTTL: %d\nUrgency: normal\nTopic: letterlock\n", TTL);
	buf_puts(out,
		s->key.len ? "Content-Type: application/octet-stream\nContent-Encoding: aes128gcm\n"
			   : "Content-Type: application/json\n");
	return r ? r : buf_err(out);
}

static int
body_put(const struct push_subscription *s, struct slice body, struct buf *out)
{
	uint8_t ephemeral[WEBPUSH_PRIVATE_LEN], salt[WEBPUSH_SALT_LEN];
	int r;

	if (!s->key.len)
		return buf_put(out, body);
	randombytes_buf(ephemeral, sizeof(ephemeral));
	randombytes_buf(salt, sizeof(salt));
	r = webpush_seal(s->key.ptr, s->auth.ptr, ephemeral, salt, body, out);
	secret_wipe(ephemeral, sizeof(ephemeral));
	return r;
}

static int
remember(const uint8_t account[RECORD_ID_LEN], const struct push_subscription *s, uint64_t id)
{
	struct sent *x = calloc(1, sizeof(*x));

	if (!pu.sent)
		pu.sent = map_new();
	if (!x || !pu.sent || map_len(pu.sent) >= SENT_MAX) {
		free(x);
		return LL_ERR_LIMIT;
	}
	memcpy(x->account, account, sizeof(x->account));
	memcpy(x->subscription, s->id, sizeof(x->subscription));
	if (map_set(pu.sent, slice_new(&id, sizeof(id)), x, NULL)) {
		free(x);
		return LL_ERR_NOMEM;
	}
	return LL_OK;
}

static void
post(const uint8_t account[RECORD_ID_LEN], const struct push_subscription *s, struct slice body)
{
	CLEANUP(buf_done) struct buf headers = BUF_INIT(2048);
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(4096);
	struct ipc_channel *lookup = role_peer(auth.env, ROLE_LOOKUP, 0);
	struct msg_https_post m = {.id = ++pu.next_id, .url = s->url};
	int r;

	if (!lookup || s->expires <= clock_unix() || !within_limits(account, s->verified))
		return;
	r = headers_put(s, &headers);
	if (!r)
		r = body_put(s, body, &sealed);
	m.headers = buf_slice(&headers);
	m.body = buf_slice(&sealed);
	if (!r)
		r = remember(account, s, m.id);
	if (!r && (r = ipc_send_https_post(lookup, &m, -1)) != LL_OK)
		free(map_del(pu.sent, slice_new(&m.id, sizeof(m.id))));
	if (r)
		log_warn("push", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

void
push_reply(const struct msg_https_reply *m)
{
	struct sent *s = pu.sent ? map_del(pu.sent, slice_new(&m->id, sizeof(m->id))) : NULL;

	if (s && (m->status < 200 || m->status > 299))
		log_info("push", "status=%u", m->status);
	if (s && (m->status == 404 || m->status == 410))
		forget(s);
	free(s);
}

void
push_lost(void)
{
	map_free(TAKE(pu.sent), free);
}

void
push_send(const uint8_t account[RECORD_ID_LEN], const struct msg_session_push_send *m)
{
	CLEANUP(buf_done) struct buf list = BUF_INIT(DIRECTORY_SETTING_MAX);
	struct push_subscription s;
	struct slice at;

	if (directory_setting(auth.directory, account, SETTING, &list))
		return;
	at = buf_slice(&list);
	while (push_list_next(&at, &s))
		if (memcmp(s.id, m->subscription, sizeof(s.id)) == 0)
			post(account, &s, m->body);
}

/* --- mail for an account without a session --- */

/* What its state is only a session knows: another word each time will do. */
static void
tell(const struct push_account *a)
{
	CLEANUP(buf_done) struct buf list = BUF_INIT(DIRECTORY_SETTING_MAX);
	CLEANUP(buf_done) struct buf body = BUF_INIT(1024);
	struct push_subscription s;
	struct slice at;

	buf_puts(&body, "{\"@type\":\"StateChange\",\"changed\":{\"A");
	(void)hex_encode(&body, id_slice(a->id));
	buf_printf(&body, "\":{\"EmailDelivery\":\"d%lld\"}}}", (long long)clock_unix());
	if (buf_err(&body) || directory_setting(auth.directory, a->id, SETTING, &list))
		return;
	at = buf_slice(&list);
	while (push_list_next(&at, &s))
		if (s.verified && (s.types & 1u << CHANGE_DELIVERY))
			post(a->id, &s, buf_slice(&body));
}

static void
on_tick(void *ctx)
{
	int64_t now = clock_ms();
	bool more = false;
	size_t pos = 0;
	void *value;

	while (pu.accounts && map_next(pu.accounts, &pos, NULL, &value)) {
		struct push_account *a = value;
		if (a->due && a->due <= now) {
			a->due = 0;
			a->told = now;
			if (!session_exists(a->id)) /* else that one has told */
				tell(a);
		}
		more |= a->due != 0;
	}
	if (more)
		(void)!loop_timer_set(auth.env->loop, &pu.timer, TICK_MS, on_tick, NULL);
}

void
push_delivered(const uint8_t account[RECORD_ID_LEN])
{
	struct push_account *a = session_exists(account) ? NULL : account_of(account);
	int64_t now = clock_ms();

	if (!a || a->due)
		return;
	a->due = MAX(now + GATHER_MS, a->told ? a->told + APART_MS : 0);
	if (!pu.timer.slot)
		(void)!loop_timer_set(auth.env->loop, &pu.timer, TICK_MS, on_tick, NULL);
}
