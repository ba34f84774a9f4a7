/* The conformance suite over the store in memory that other tests use, and its rewinding. */
#include "../../transcripts/memory_store.h"
#include "base/error.h"
#include "conformance.h"
#include "t.h"

static struct store *
open_memory(void)
{
	struct store *s = memory_store_new();

	if (!s)
		abort();
	return s;
}

static int
put(struct store *s, struct slice key, uint64_t expect)
{
	struct store_op op = {.kind = STORE_PUT, .key = key, .value = S("v")};
	struct store_commit c = {.expect = expect, .ops = &op, .n = 1};

	return store_commit_sync(s, &c, NULL);
}

static bool
has(struct store *s, struct slice key)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(10);

	return store_get(s, (struct store_id){{0}}, key, &b) == LL_OK;
}

static void
rewinding(void)
{
	struct store *s = open_memory();
	struct store_stat stat;

	CHECK_INT(put(s, S("before"), 0), LL_OK);
	CHECK_INT(memory_store_mark(s), LL_OK);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(put(s, S("after"), 1), LL_OK);
		CHECK_INT(store_drop(s, (struct store_id){{0}}), LL_OK);
		CHECK(!has(s, S("before")));
		CHECK_INT(memory_store_rewind(s), LL_OK);
		CHECK(has(s, S("before")) && !has(s, S("after")));
		CHECK_INT(store_stat(s, (struct store_id){{0}}, &stat), LL_OK);
		CHECK_INT(stat.version, 1);
	}
	store_free(s);
}

static const struct conformance memory = {.open = open_memory, .close = store_free};

int
main(void)
{
	static const struct t_case own[] = {T(rewinding)};
	int failed = conformance_run(&memory);

	failed += t_main(own, ARRAY_SIZE(own));
	return failed != 0;
}
