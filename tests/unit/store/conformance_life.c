/* Conformance: watching, dropping, reopening, and random work against a model. */
#include "base/error.h"
#include "conformance_words.h"

#include <sodium.h>

/* --- watching, dropping, reopening --- */

struct bells {
	struct store_id p;
	unsigned n, wrong;
};

static void
ring(void *ctx, struct store_id partition)
{
	struct bells *b = ctx;

	b->n++;
	b->wrong += memcmp(&b->p, &partition, sizeof(partition)) != 0;
}

/* Rings come from the event loop; a commit of another partition gives them their chance. */
static void
listen(void)
{
	struct store_id p = new_id();

	for (int i = 0; i < 50; i++) {
		CHECK_INT(COMMIT(p, put(S("tick"), S("x"))), LL_OK);
		if (engine->turn)
			engine->turn(st);
	}
}

static void
watching(void)
{
	struct bells a = {.p = new_id()}, b = {.p = a.p};
	struct store_id other = new_id();
	unsigned before;

	CHECK_INT(store_watch(st, a.p, ring, &a), LL_OK);
	CHECK_INT(COMMIT(a.p, put(S("k"), S("1"))), LL_OK);
	CHECK_INT(COMMIT(other, put(S("k"), S("1"))), LL_OK);
	listen();
	CHECK(a.n > 0);
	CHECK_INT(a.wrong, 0);
	before = a.n;
	CHECK_INT(COMMIT_AT(a.p, 7, put(S("k"), S("1"))), LL_ERR_CONFLICT);
	listen();
	CHECK_INT(a.n, before); /* nothing was committed */
	CHECK_INT(store_watch(st, a.p, ring, &b), LL_OK); /* replaces */
	CHECK_INT(COMMIT(a.p, put(S("k"), S("2"))), LL_OK);
	listen();
	CHECK_INT(a.n, before);
	CHECK(b.n > 0);
	before = b.n;
	CHECK_INT(store_drop(st, a.p), LL_OK);
	listen();
	CHECK(b.n > before);
	before = b.n;
	store_unwatch(st, a.p);
	store_unwatch(st, other); /* never watched: fine */
	CHECK_INT(COMMIT(a.p, put(S("k"), S("3"))), LL_OK);
	listen();
	CHECK_INT(b.n, before);
}

static void
dropping(void)
{
	struct store_id p = new_id(), q = new_id(), own = new_id(), shared = new_id();
	CLEANUP(buf_done) struct buf data = BUF_INIT(8 << 20);
	struct store_id large = new_id();

	CHECK_INT(store_drop(st, p), LL_OK); /* nothing there */
	CHECK_INT(COMMIT_AT(p, 0, blob_new(own, S("own")), blob_new(shared, S("shared"))), LL_OK);
	CHECK_INT(COMMIT(q, blob_ref(shared), put(S("k"), S("q"))), LL_OK);
	CHECK_INT(store_blob_put(st, large, bytes(&data, 2000000, 3)), LL_OK);
	CHECK_INT(COMMIT(p, blob_ref(large)), LL_OK);
	put_many(p, "k/", 5000); /* more than fits one go */
	CHECK_INT(store_drop(st, p), LL_OK);
	CHECK_INT(count_each(p, S("")), 0);
	CHECK_INT(stat_of(p).version, 0);
	CHECK_INT(stat_of(p).blobs, 0);
	CHECK_INT(stat_of(p).blob_bytes, 0);
	CHECK(blob_absent(p, own));
	CHECK(blob_absent(p, shared));
	CHECK(blob_absent(p, large));
	CHECK_INT(COMMIT(q, blob_ref(own)), LL_ERR_NOTFOUND);
	CHECK_INT(COMMIT(q, blob_ref(large)), LL_ERR_NOTFOUND);
	CHECK(blob_is(q, shared, S("shared")));
	CHECK(has(q, S("k"), S("q")));
	CHECK_INT(COMMIT_AT(p, 0, put(S("new"), S("life"))), LL_OK);
	CHECK_INT(count_each(p, S("")), 1);
}

/* Commits that are on their way when a drop comes do not survive it. */
static void
drop_behind_commits(void)
{
	struct store_id p = new_id();
	struct landed all = {.returned = true};
	struct store_op op = put(S("k"), S("v"));

	for (unsigned i = 0; i < 20; i++)
		store_commit(st, &(struct store_commit){p, i, &op, 1, 0}, landed_done, &all);
	CHECK_INT(store_drop(st, p), LL_OK);
	drain(&all, 20);
	CHECK_INT(all.conflicts, 0);
	CHECK(absent(p, S("k")));
	CHECK_INT(stat_of(p).version, 0);
}

static void
reopening(void)
{
	struct store_id p = new_id(), dropped = new_id(), small = new_id(), large = new_id();
	CLEANUP(buf_done) struct buf data = BUF_INIT(8 << 20);
	struct slice bulk = bytes(&data, 2500000, 9);
	struct store_stat before;

	if (!engine->reopen)
		return;
	CHECK_INT(store_blob_put(st, large, bulk), LL_OK);
	CHECK_INT(
		COMMIT_AT(p, 0, put(S("k"), S("v")), blob_new(small, S("small")), blob_ref(large)),
		LL_OK);
	CHECK_INT(COMMIT(dropped, put(S("k"), S("v"))), LL_OK);
	CHECK_INT(store_drop(st, dropped), LL_OK);
	before = stat_of(p);
	for (int i = 0; i < 3; i++) {
		st = engine->reopen(st);
		if (!st)
			abort();
		CHECK(has(p, S("k"), S("v")));
		CHECK(blob_is(p, small, S("small")));
		CHECK(blob_is(p, large, bulk));
		CHECK(absent(dropped, S("k")));
		CHECK_INT(stat_of(p).version, before.version);
		CHECK_INT(stat_of(p).blobs, before.blobs);
		CHECK_INT(stat_of(p).blob_bytes, before.blob_bytes);
		CHECK_INT(COMMIT(p, put(S("more"), S("x")), blob_new(new_id(), S("yy"))), LL_OK);
		before = stat_of(p);
	}
}

/* Freed with commits under way: they finish, their done is called. */
static void
freeing(void)
{
	struct store_id p = new_id();
	struct landed all = {.returned = true};
	struct store_op op = put(S("k"), S("v"));

	if (!engine->reopen)
		return;
	for (unsigned i = 0; i < 100; i++)
		store_commit(st, &(struct store_commit){p, i, &op, 1, 0}, landed_done, &all);
	st = engine->reopen(st);
	CHECK_INT(all.done, 100);
	CHECK_INT(all.conflicts, 0);
	CHECK_INT(all.err, LL_OK);
	CHECK_INT(stat_of(p).version, 100);
}

/* Random commits against a model in plain memory. */
static void
random_against_model(void)
{
	enum { KEYS = 40, BLOBS = 24, STEPS = 1500 };
	struct store_id p = new_id(), blob[BLOBS];
	int value[KEYS], size[BLOBS];
	uint64_t version = 0;
	CLEANUP(buf_done) struct buf data = BUF_INIT(1 << 20);
	struct slice pool = bytes(&data, 4096, 5);

	memset(value, -1, sizeof(value));
	memset(size, -1, sizeof(size));
	for (size_t i = 0; i < BLOBS; i++)
		blob[i] = new_id();
	for (unsigned step = 0; step < STEPS; step++) {
		struct store_op ops[8];
		int new_value[KEYS], new_size[BLOBS], want = LL_OK;
		char keys[8][8], values[8][16];
		unsigned n = randombytes_uniform(9);
		bool stale = randombytes_uniform(10) == 0;
		uint64_t expect = stale ? version + 1 : version;
		memcpy(new_value, value, sizeof(value));
		memcpy(new_size, size, sizeof(size));
		for (unsigned i = 0; i < n; i++) {
			unsigned k = randombytes_uniform(KEYS), b = randombytes_uniform(BLOBS);
			unsigned len = randombytes_uniform(4096);
			snprintf(keys[i], sizeof(keys[i]), "%03u", k);
			snprintf(values[i], sizeof(values[i]), "%u", step);
			switch (randombytes_uniform(10)) {
			case 0:
				ops[i] = put_new(slice_str(keys[i]), slice_str(values[i]));
				want = !want && new_value[k] >= 0 ? LL_ERR_EXISTS : want;
				new_value[k] = (int)step;
				break;
			case 1:
			case 2:
				ops[i] = del(slice_str(keys[i]));
				new_value[k] = -1;
				break;
			case 3:
				ops[i] = blob_new(blob[b], slice_sub(pool, 0, len));
				want = !want && new_size[b] >= 0 ? LL_ERR_EXISTS : want;
				new_size[b] = (int)len;
				break;
			case 4:
				ops[i] = blob_drop(blob[b]);
				new_size[b] = -1;
				break;
			default:
				ops[i] = put(slice_str(keys[i]), slice_str(values[i]));
				new_value[k] = (int)step;
			}
		}
		want = stale ? LL_ERR_CONFLICT : want;
		CHECK_INT(commit_n(p, expect, ops, n), want);
		if (!want) {
			memcpy(value, new_value, sizeof(value));
			memcpy(size, new_size, sizeof(size));
			version = stat_of(p).version;
		}
		if (engine->reopen && step % 500 == 499)
			st = engine->reopen(st);
	}
	CHECK_INT(stat_of(p).version, version);
	for (unsigned k = 0; k < KEYS; k++) {
		char key[8], text[16];
		snprintf(key, sizeof(key), "%03u", k);
		snprintf(text, sizeof(text), "%d", value[k]);
		CHECK(value[k] < 0 ? absent(p, slice_str(key))
				   : has(p, slice_str(key), slice_str(text)));
	}
	for (unsigned b = 0; b < BLOBS; b++)
		CHECK(size[b] < 0 ? blob_absent(p, blob[b])
				  : blob_is(p, blob[b], slice_sub(pool, 0, (size_t)size[b])));
}

const struct t_case life_cases[] = {
	T(watching),
	T(dropping),
	T(drop_behind_commits),
	T(reopening),
	T(freeing),
	T(random_against_model),
	{NULL, NULL},
};
