/* Conformance: blobs, staged and inline, shared and counted. */
#include "base/error.h"
#include "conformance_words.h"

#include <sodium.h>

/* --- blobs --- */

static void
blob_life(void)
{
	struct store_id a = new_id(), b = new_id(), blob = new_id();

	CHECK(blob_absent(a, blob));
	CHECK_INT(COMMIT(a, blob_new(blob, S("sealed"))), LL_OK);
	CHECK(blob_is(a, blob, S("sealed")));
	CHECK(blob_absent(b, blob)); /* the name alone opens nothing */
	CHECK_INT(COMMIT(b, blob_new(blob, S("other"))), LL_ERR_EXISTS);
	CHECK_INT(COMMIT(b, blob_drop(blob)), LL_OK); /* not its own: nothing happens */
	CHECK(blob_is(a, blob, S("sealed")));
	CHECK_INT(COMMIT(b, blob_ref(blob)), LL_OK);
	CHECK_INT(COMMIT(b, blob_ref(blob), blob_ref(blob)), LL_OK);
	CHECK_INT(stat_of(b).blobs, 1);
	CHECK_INT(stat_of(b).blob_bytes, 6);
	CHECK_INT(COMMIT(a, blob_drop(blob)), LL_OK);
	CHECK(blob_absent(a, blob));
	CHECK_INT(stat_of(a).blobs, 0);
	CHECK_INT(stat_of(a).blob_bytes, 0);
	CHECK(blob_is(b, blob, S("sealed")));
	CHECK_INT(COMMIT(b, blob_drop(blob)), LL_OK);
	CHECK(blob_absent(b, blob));
	CHECK_INT(COMMIT(a, blob_ref(blob)), LL_ERR_NOTFOUND); /* gone for everybody */
	CHECK_INT(COMMIT(a, blob_drop(blob)), LL_OK);
	CHECK_INT(COMMIT(a, blob_new(blob, S("again"))), LL_OK);
	CHECK(blob_is(a, blob, S("again")));
}

static void
blob_order_in_commit(void)
{
	struct store_id a = new_id(), blob = new_id();

	CHECK_INT(COMMIT(a, blob_new(blob, S("1")), blob_drop(blob)), LL_OK);
	CHECK(blob_absent(a, blob));
	CHECK_INT(
		COMMIT(a, blob_new(blob, S("1")), blob_drop(blob), blob_new(blob, S("22"))), LL_OK);
	CHECK(blob_is(a, blob, S("22")));
	CHECK_INT(COMMIT(a, blob_drop(blob), blob_ref(blob)), LL_ERR_NOTFOUND);
	CHECK(blob_is(a, blob, S("22")));
	CHECK_INT(stat_of(a).blobs, 1);
	CHECK_INT(stat_of(a).blob_bytes, 2);
}

static void
blob_ranges(void)
{
	static const struct {
		uint64_t offset;
		size_t len, want_from, want_len;
	} cases[] = {
		{0, 1, 0, 1},
		{0, 50000, 0, 50000},
		{0, 50001, 0, 50000},
		{49999, 1, 49999, 1},
		{49999, SIZE_MAX, 49999, 1},
		{50000, 10, 0, 0},
		{UINT64_MAX, 10, 0, 0},
		{12345, 4096, 12345, 4096},
		{7, 0, 0, 0},
	};
	struct store_id p = new_id(), blob = new_id(), empty = new_id();
	CLEANUP(buf_done) struct buf data = BUF_INIT(1 << 20), small = BUF_INIT(10);
	struct slice all = bytes(&data, 50000, 2);

	CHECK_INT(COMMIT(p, blob_new(blob, all), blob_new(empty, S(""))), LL_OK);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
		buf_puts(&b, "x");
		CHECK_INT(store_blob_read(st, p, blob, cases[i].offset, cases[i].len, &b), LL_OK);
		CHECK_SLICE(slice_skip(buf_slice(&b), 1),
			slice_sub(all, cases[i].want_from, cases[i].want_len));
	}
	CHECK(blob_is(p, empty, S("")));
	CHECK_INT(store_blob_read(st, p, blob, 0, 11, &small), LL_ERR_LIMIT);
}

/* Small, middling and large ones. */
static void
staged_blobs(void)
{
	static const size_t sizes[] = {
		0, 1, STORE_INLINE_BLOB_MAX + 1, (size_t)1 << 20, ((size_t)1 << 20) + 1, 5000000};
	struct store_id a = new_id(), b = new_id();
	uint64_t total = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		CLEANUP(buf_done) struct buf data = BUF_INIT(8 << 20);
		struct slice all = bytes(&data, sizes[i], (uint8_t)i);
		struct store_id blob = new_id();
		CHECK_INT(store_blob_put(st, blob, all), LL_OK);
		CHECK_INT(store_blob_put(st, blob, all), LL_ERR_EXISTS);
		CHECK_INT(COMMIT(a, blob_new(blob, S("x"))), LL_ERR_EXISTS);
		CHECK(blob_absent(a, blob));
		/* A commit that fails leaves it staged. */
		CHECK_INT(COMMIT(a, blob_ref(blob), blob_ref(new_id())), LL_ERR_NOTFOUND);
		CHECK(blob_absent(a, blob));
		CHECK_INT(COMMIT(a, blob_ref(blob), put(S("k"), S("v"))), LL_OK);
		CHECK(blob_is(a, blob, all));
		CHECK_INT(store_blob_put(st, blob, all), LL_ERR_EXISTS);
		CHECK_INT(COMMIT(b, blob_ref(blob)), LL_OK);
		total += sizes[i];
		CHECK_INT(stat_of(a).blob_bytes, total);
		CHECK_INT(stat_of(a).blobs, i + 1);
		CHECK_INT(COMMIT(b, blob_drop(blob)), LL_OK);
		CHECK(blob_is(a, blob, all));
	}
}

/* What is asked for ahead is read as if it had not been, whether it is read or not, more than there
 * is room for, too large, or not there at all. */
static void
blobs_ahead(void)
{
	CLEANUP(buf_done) struct buf got = BUF_INIT(STORE_BLOB_MAX);
	struct buf in[40] = {0};
	struct store_id a = new_id(), blobs[ARRAY_SIZE(in)], missing = new_id();
	struct slice data[ARRAY_SIZE(in)];

	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		in[i] = BUF_INIT(STORE_BLOB_MAX);
		data[i] = bytes(&in[i], i * 2500, (uint8_t)i);
		blobs[i] = new_id();
		CHECK_INT(store_blob_put(st, blobs[i], data[i]), LL_OK);
		CHECK_INT(COMMIT(a, blob_ref(blobs[i])), LL_OK);
	}
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		for (size_t k = i; k < MIN(i + 38, ARRAY_SIZE(in)); k += 1 + i % 3)
			store_blob_ahead(st, a, blobs[k], data[k].len);
		store_blob_ahead(st, a, missing, 5000);
		buf_reset(&got);
		CHECK_INT(store_blob_read(st, a, missing, 0, 5000, &got), LL_ERR_NOTFOUND);
		CHECK_INT(store_blob_read(st, a, blobs[i], 0, data[i].len, &got), LL_OK);
		CHECK(slice_eq(buf_slice(&got), data[i]));
		CHECK(blob_is(a, blobs[i], data[i]));
	}
	store_blob_ahead(st, a, blobs[3], data[3].len);
	CHECK_INT(COMMIT(a, blob_drop(blobs[4])), LL_OK); /* a commit between */
	CHECK(blob_is(a, blobs[3], data[3]));
	CHECK(blob_absent(a, blobs[4]));
	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		buf_done(&in[i]);
}

static void
blob_too_large(void)
{
	struct slice huge = {(const uint8_t *)"", STORE_BLOB_MAX + 1}; /* never looked at */

	CHECK_INT(store_blob_put(st, new_id(), huge), LL_ERR_LIMIT);
}

/* Large blobs and the commits that wait for them, among commits that need not. */
static void
large_in_flight(void)
{
	enum { N = 6 };
	struct store_id p = new_id(), q = new_id(), blobs[N];
	CLEANUP(buf_done) struct buf data = BUF_INIT(8 << 20);
	struct landed all = {.returned = true};
	uint64_t expect = 0;

	for (unsigned i = 0; i < N; i++) {
		struct store_op ops[2] = {blob_ref(blobs[i] = new_id()), put(S("n"), S("x"))};
		struct store_op other = put(S("o"), S("x"));
		CHECK_INT(
			store_blob_put(st, blobs[i], bytes(&data, 3000000 + i, (uint8_t)i)), LL_OK);
		store_commit(st, &(struct store_commit){p, expect++, ops, 2, 0}, landed_done, &all);
		/* Must not overtake it. */
		store_commit(
			st, &(struct store_commit){p, expect++, &other, 1, 0}, landed_done, &all);
		store_commit(st, &(struct store_commit){q, i, &other, 1, 0}, landed_done, &all);
	}
	drain(&all, 3 * N);
	CHECK_INT(all.conflicts, 0);
	for (unsigned i = 0; i < N; i++)
		CHECK(blob_is(p, blobs[i], bytes(&data, 3000000 + i, (uint8_t)i)));
}

static void
quota(void)
{
	struct store_id p = new_id(), other = new_id(), blob[4];
	struct store_op ops[4];
	struct store_commit c = {
		.partition = p, .expect = STORE_ANY_VERSION, .ops = ops, .quota = 10};

	for (size_t i = 0; i < ARRAY_SIZE(blob); i++)
		blob[i] = new_id();
	ops[0] = blob_new(blob[0], S("123456"));
	ops[1] = blob_new(blob[1], S("1234"));
	c.n = 2;
	CHECK_INT(store_commit_sync(st, &c, NULL), LL_OK); /* exactly full */
	ops[0] = blob_new(blob[2], S("1"));
	ops[1] = put(S("k"), S("v"));
	CHECK_INT(store_commit_sync(st, &c, NULL), LL_ERR_QUOTA);
	CHECK(absent(p, S("k")));
	CHECK_INT(stat_of(p).blob_bytes, 10);
	ops[0] = blob_drop(blob[1]);
	ops[1] = blob_new(blob[2], S("abc"));
	CHECK_INT(store_commit_sync(st, &c, NULL), LL_OK);
	CHECK_INT(stat_of(p).blob_bytes, 9);
	CHECK_INT(COMMIT(other, blob_new(blob[3], S("1234567"))), LL_OK);
	ops[0] = blob_ref(blob[3]); /* shared bytes count for everyone who refers to them */
	c.n = 1;
	CHECK_INT(store_commit_sync(st, &c, NULL), LL_ERR_QUOTA);
	/* Over it, because it was lowered: what adds nothing goes through. */
	c.quota = 5;
	ops[0] = put(S("k"), S("v"));
	CHECK_INT(store_commit_sync(st, &c, NULL), LL_OK);
	ops[0] = blob_drop(blob[2]);
	CHECK_INT(store_commit_sync(st, &c, NULL), LL_OK);
	CHECK_INT(stat_of(p).blob_bytes, 6);
}

const struct t_case blob_cases[] = {
	T(blob_life),
	T(blob_order_in_commit),
	T(blob_ranges),
	T(blobs_ahead),
	T(staged_blobs),
	T(blob_too_large),
	T(large_in_flight),
	T(quota),
	{NULL, NULL},
};
