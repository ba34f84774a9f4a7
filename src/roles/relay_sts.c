/* The cache of MTA-STS policies: in memory, and sealed in the store. */
#include "roles/relay_sts.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "keys/cobblestone.h"
#include "keys/kdf.h"
#include "os/clock.h"
#include "roles/relay.h"
#include "store/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_MAX ((size_t)10000)
#define FAILED_FOR 300 /* seconds until a fetch that failed is tried again, section 3.3 */
#define VERSION 1
#define PREFIX "q/s/"
#define KEY_LEN (sizeof(PREFIX) - 1 + HASH_SHA256_LEN)
#define PLAIN_MAX (STORE_VALUE_MAX - 1024)

struct cached {
	int64_t fetched, failed; /* failed: when the last fetch did, or 0 */
	uint32_t max_age;
	char id[64], wanted[64]; /* of what is held; of what is being fetched */
	struct buf text;
};

static struct map *cache; /* domain -> struct cached */

static void
cached_free(void *p)
{
	struct cached *k = p;

	if (k)
		buf_done(&k->text);
	free(k);
}

static struct mtasts_cached
held_of(const struct cached *k)
{
	return (struct mtasts_cached){.present = k && k->text.len,
		.id = slice_str(k ? k->id : ""),
		.fetched = k ? k->fetched : 0,
		.max_age = k ? k->max_age : 0};
}

/* Some entry without a valid policy, else any, makes room. */
static void
make_room(void)
{
	struct slice key, victim = SLICE_NONE;
	size_t pos = 0;
	void *value;

	while (map_next(cache, &pos, &key, &value)) {
		struct mtasts_cached held = held_of(value);
		victim = key;
		if (!mtasts_cached_valid(&held, clock_unix()))
			break;
	}
	cached_free(map_del(cache, victim));
}

static struct cached *
cache_get(struct slice domain, bool make)
{
	struct cached *k;

	if (!cache)
		cache = map_new();
	k = cache ? map_get(cache, domain) : NULL;
	if (k || !make || !cache)
		return k;
	if (map_len(cache) >= CACHE_MAX)
		make_room();
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->text = BUF_INIT(MTASTS_POLICY_MAX);
	if (map_set(cache, domain, k, NULL) == LL_OK)
		return k;
	free(k);
	return NULL;
}

void
relay_sts_release(struct relay_sts_policy *p)
{
	buf_done(&p->text);
}

/* --- in the store --- */

static void
record_key(struct slice domain, uint8_t ret[KEY_LEN])
{
	memcpy(ret, PREFIX, sizeof(PREFIX) - 1);
	hmac_once(HASH_SHA256, SLICE_OF(rl.sts_key), domain, ret + sizeof(PREFIX) - 1);
}

static int
put_context(struct buf *out, struct slice key)
{
	(void)buf_put(out, S("letterlock/1/mta-sts\0"));
	return buf_put(out, key);
}

static void
kept(void *ctx, int err, uint64_t version)
{
	if (err)
		log_warn("mta-sts", "error=%s", log_quote(slice_str(ll_strerror(err))));
}

/* What is too large for a record is held in memory only. */
static void
keep(struct slice domain, const struct cached *k)
{
	CLEANUP(buf_done)
	struct buf plain = BUF_INIT(PLAIN_MAX), context = BUF_INIT(256),
		   sealed = BUF_INIT(STORE_VALUE_MAX);
	uint8_t key[KEY_LEN];
	struct store_op op = {.kind = STORE_PUT, .key = SLICE_OF(key)};
	struct store_commit c = {
		.partition = store_queue, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};

	record_key(domain, key);
	buf_putc(&plain, VERSION);
	buf_put_be64(&plain, (uint64_t)k->fetched);
	buf_put_be32(&plain, k->max_age);
	buf_put_blob(&plain, domain);
	buf_put_blob(&plain, slice_str(k->id));
	buf_put_blob(&plain, buf_slice(&k->text));
	if (!rl.store || buf_err(&plain) || put_context(&context, SLICE_OF(key)) ||
		cobblestone_seal(rl.sts_key, buf_slice(&context), buf_slice(&plain), &sealed))
		return;
	op.value = buf_slice(&sealed);
	store_commit(rl.store, &c, kept, NULL);
}

static void
forget(struct slice key)
{
	struct store_op op = {.kind = STORE_DEL, .key = key};
	struct store_commit c = {
		.partition = store_queue, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};

	store_commit(rl.store, &c, kept, NULL);
}

static int
take_record(struct slice plain)
{
	struct reader r = reader_new(plain);
	uint8_t version = reader_u8(&r);
	int64_t fetched = (int64_t)reader_be64(&r);
	uint32_t max_age = reader_be32(&r);
	struct slice domain = reader_blob(&r), id = reader_blob(&r), text = reader_blob(&r);
	struct mtasts_cached held = {.present = true, .fetched = fetched, .max_age = max_age};
	struct cached *k;

	if (reader_end(&r) || version != VERSION || id.len >= sizeof(k->id))
		return LL_ERR_SYNTAX;
	if (!mtasts_cached_valid(&held, clock_unix()))
		return LL_ERR_NOTFOUND;
	k = cache_get(domain, true);
	if (!k || k->text.len)
		return k ? LL_OK : LL_ERR_NOMEM;
	k->fetched = fetched;
	k->max_age = max_age;
	snprintf(k->id, sizeof(k->id), "%.*s", SLICE_ARG(id));
	return buf_put(&k->text, text);
}

static int
load_row(void *ctx, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(PLAIN_MAX), context = BUF_INIT(256);
	int r = put_context(&context, key);

	if (r == LL_OK)
		r = cobblestone_open(rl.sts_key, buf_slice(&context), value, &plain);
	if (r == LL_OK)
		r = take_record(buf_slice(&plain));
	if (r == LL_ERR_NOTFOUND)
		forget(key); /* its time is over */
	else if (r)
		log_error("mta-sts", "error=%s", log_quote(slice_str(ll_strerror(r))));
	return LL_OK;
}

void
relay_sts_load(void)
{
	int r = store_each(rl.store, store_queue, S(PREFIX), load_row, NULL);

	if (r)
		log_error("mta-sts", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

/* --- in use --- */

/* Applies the held policy, if it is still valid. */
static void
apply(const struct cached *k, struct relay_sts_policy *ret)
{
	struct mtasts_cached held = held_of(k);

	if (!mtasts_cached_valid(&held, clock_unix()))
		return;
	ret->text = BUF_INIT(MTASTS_POLICY_MAX);
	if (buf_put(&ret->text, buf_slice(&k->text)) == LL_OK &&
		mtasts_policy_parse(buf_slice(&ret->text), &ret->policy) == LL_OK)
		ret->mode = ret->policy.mode;
}

static int
fetch(struct slice domain, struct slice policy_id, uint64_t id)
{
	struct ipc_channel *lookup = role_peer(rl.env, ROLE_LOOKUP, 0);
	struct cached *k = cache_get(domain, true);
	char url[400];

	if (!k || !lookup)
		return LL_ERR_CLOSED;
	snprintf(k->wanted, sizeof(k->wanted), "%.*s", SLICE_ARG(policy_id));
	snprintf(url, sizeof(url), "https://mta-sts.%.*s/.well-known/mta-sts.txt",
		SLICE_ARG(domain));
	return ipc_send_https_get(
		lookup, &(struct msg_https_get){.id = id, .kind = FETCH_POLICY, .url = slice_str(url)}, -1);
}

int
relay_sts_find(
	struct slice domain, struct dns_memo *memo, uint64_t id, struct relay_sts_policy *ret)
{
	struct slice policy_id = SLICE_NONE;
	int record = mtasts_record_find(domain, memo, &policy_id);
	const struct cached *k = cache_get(domain, false);
	struct mtasts_cached held = held_of(k);

	if (record == LL_ERR_AGAIN)
		return record;
	switch (mtasts_decide(&held, record, policy_id, clock_unix())) {
	case MTASTS_FETCH:
		if ((!k || clock_unix() - k->failed >= FAILED_FOR) &&
			fetch(domain, policy_id, id) == LL_OK)
			return RELAY_STS_FETCHING;
		apply(cache_get(domain, false), ret);
		return LL_OK;
	case MTASTS_USE:
		apply(k, ret);
		return LL_OK;
	case MTASTS_IGNORE:
		break;
	}
	return LL_OK;
}

void
relay_sts_fetched(
	struct slice domain, const struct msg_https_reply *m, struct relay_sts_policy *ret)
{
	struct cached *k = cache_get(domain, true);
	struct mtasts_policy policy;

	if (!k)
		return;
	/* RFC 8461 section 3.2: text/plain, and nothing but 200. */
	if (m->status == 200 && slice_istarts(m->type, S("text/plain")) &&
		mtasts_policy_parse(m->body, &policy) == LL_OK) {
		buf_reset(&k->text);
		if (buf_put(&k->text, m->body) == LL_OK) {
			k->fetched = clock_unix();
			k->max_age = policy.max_age;
			k->failed = 0;
			memcpy(k->id, k->wanted, sizeof(k->id));
			keep(domain, k);
		}
	} else {
		ret->failed = true;
		k->failed = clock_unix();
		log_warn("mta-sts", "domain=%s status=%u", log_quote(domain), m->status);
	}
	apply(k, ret);
}
