/* Token buckets, counted in milliseconds of refilling. A bucket that is full again is as good as
 * none and is dropped when there are many. */
#include "roles/web_limit.h"
#include "base/error.h"
#include "base/map.h"

#include <stdlib.h>

#define BUCKETS_MAX 100000

static const struct {
	int64_t burst, refill_ms;
} rules[WEB_RULES] = {
	[WEB_RULE_ADDRESS_NETWORK] = {10, 60000},
	[WEB_RULE_ADDRESS] = {60, 30000},
	[WEB_RULE_NETWORK] = {120, 5000},
	[WEB_RULE_CODE] = {10, 300000},
	[WEB_RULE_SIGNUP] = {20, 600000},
	[WEB_RULE_LETTER] = {10, 120000},
	[WEB_RULE_LETTER_NETWORK] = {2000, 50},
	[WEB_RULE_LETTER_NEW] = {60, 60000},
	[WEB_RULE_LETTER_PUT] = {2000, 50},
	[WEB_RULE_PICTURE] = {2000, 1000},
};

struct bucket {
	int64_t units, at;
};

struct web_limits {
	struct map *buckets[WEB_RULES];
};

struct web_limits *
web_limits_new(void)
{
	struct web_limits *l = calloc(1, sizeof(*l));

	for (unsigned i = 0; l && i < WEB_RULES; i++)
		if (!(l->buckets[i] = map_new())) {
			web_limits_free(l);
			return NULL;
		}
	return l;
}

void
web_limits_free(struct web_limits *l)
{
	for (unsigned i = 0; l && i < WEB_RULES; i++)
		map_free(l->buckets[i], free);
	free(l);
}

static int64_t
whole(enum web_rule rule)
{
	return rules[rule].burst * rules[rule].refill_ms;
}

static void
refill(struct bucket *b, enum web_rule rule, int64_t now)
{
	int64_t passed = MAX(now - b->at, (int64_t)0);

	b->units = passed > whole(rule) ? whole(rule) : MIN(whole(rule), b->units + passed);
	b->at = now;
}

static void
sweep(struct web_limits *l, enum web_rule rule, int64_t now)
{
	struct map *fresh;
	struct slice key;
	size_t pos = 0;
	void *value;

	while (map_next(l->buckets[rule], &pos, &key, &value)) {
		struct bucket *b = value;
		refill(b, rule, now);
		if (b->units >= whole(rule))
			free(map_del(l->buckets[rule], key));
	}
	if (map_len(l->buckets[rule]) < BUCKETS_MAX || !(fresh = map_new()))
		return;
	map_free(l->buckets[rule], free);
	l->buckets[rule] = fresh;
}

static struct bucket *
bucket(struct web_limits *l, enum web_rule rule, struct slice key, int64_t now)
{
	struct bucket *b = map_get(l->buckets[rule], key);

	if (b) {
		refill(b, rule, now);
		return b;
	}
	if (map_len(l->buckets[rule]) >= BUCKETS_MAX)
		sweep(l, rule, now);
	b = calloc(1, sizeof(*b));
	if (!b || map_set(l->buckets[rule], key, b, NULL)) {
		free(b);
		return NULL;
	}
	*b = (struct bucket){.units = whole(rule), .at = now};
	return b;
}

uint32_t
web_limits_take(struct web_limits *l, enum web_rule rule, struct slice key, int64_t now_ms)
{
	struct bucket *b = bucket(l, rule, key, now_ms);
	int64_t missing = rules[rule].refill_ms - (b ? b->units : 0);

	if (missing <= 0) {
		b->units -= rules[rule].refill_ms;
		return 0;
	}
	return (uint32_t)((missing + 999) / 1000);
}

void
web_limits_give(struct web_limits *l, enum web_rule rule, struct slice key, int64_t now_ms)
{
	struct bucket *b = bucket(l, rule, key, now_ms);

	if (b)
		b->units = MIN(whole(rule), b->units + rules[rule].refill_ms);
}
