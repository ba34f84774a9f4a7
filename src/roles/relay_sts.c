/* The cache of MTA-STS policies. It is in memory only, so that after a restart a policy is asked
 * for again. */
#include "roles/relay_sts.h"
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "os/clock.h"
#include "roles/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_MAX 10000

struct cached {
	int64_t fetched;
	uint32_t max_age;
	char id[64], wanted[64]; /* of what is held; of what is being fetched */
	struct buf text;
};

static struct map *cache; /* domain -> struct cached */

static void
cached_free(void *p)
{
	struct cached *k = p;

	buf_done(&k->text);
	free(k);
}

static struct cached *
cache_get(struct slice domain, bool make)
{
	struct cached *k;

	if (!cache || (make && map_len(cache) >= CACHE_MAX)) {
		map_free(cache, cached_free);
		cache = map_new();
	}
	k = cache ? map_get(cache, domain) : NULL;
	if (k || !make || !cache)
		return k;
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

/* Applies the held policy, if it is still valid. */
static void
apply(const struct cached *k, struct relay_sts_policy *ret)
{
	struct mtasts_cached held = {.present = k && k->text.len,
		.fetched = k ? k->fetched : 0,
		.max_age = k ? k->max_age : 0};

	if (!mtasts_cached_valid(&held, clock_unix()))
		return;
	ret->text = BUF_INIT(MTASTS_POLICY_MAX);
	if (buf_put(&ret->text, buf_slice(&k->text)) ||
		mtasts_policy_parse(buf_slice(&ret->text), &ret->policy))
		return;
	ret->enforce = ret->policy.mode == MTASTS_MODE_ENFORCE;
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
		lookup, &(struct msg_https_get){.id = id, .url = slice_str(url)}, -1);
}

int
relay_sts_find(
	struct slice domain, struct dns_memo *memo, uint64_t id, struct relay_sts_policy *ret)
{
	struct slice policy_id = SLICE_NONE;
	int record = mtasts_record_find(domain, memo, &policy_id);
	const struct cached *k = cache_get(domain, false);
	struct mtasts_cached held = {.present = k && k->text.len,
		.id = slice_str(k ? k->id : ""),
		.fetched = k ? k->fetched : 0,
		.max_age = k ? k->max_age : 0};

	if (record == LL_ERR_AGAIN)
		return record;
	switch (mtasts_decide(&held, record, policy_id, clock_unix())) {
	case MTASTS_FETCH:
		if (fetch(domain, policy_id, id) == LL_OK)
			return RELAY_STS_FETCHING;
		apply(k, ret);
		return LL_OK;
	case MTASTS_USE:
		apply(k, ret);
		return LL_OK;
	default:
		return LL_OK;
	}
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
			memcpy(k->id, k->wanted, sizeof(k->id));
		}
	} else {
		ret->failed = true;
		log_warn("mta-sts", "domain=%s status=%u", log_quote(domain), m->status);
	}
	apply(k, ret);
}
