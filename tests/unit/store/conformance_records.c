/* Conformance: records, ranges, commits, versions. */
#include "base/error.h"
#include "conformance_words.h"

#include <sodium.h>

/* --- records --- */

static void
get_and_put(void)
{
	struct store_id p = new_id(), other = new_id();
	CLEANUP(buf_done) struct buf b = BUF_INIT(100);

	CHECK(absent(p, S("a")));
	CHECK_INT(COMMIT(p, put(S("a"), S("1")), put(S("b"), S(""))), LL_OK);
	CHECK(has(p, S("a"), S("1")));
	CHECK(has(p, S("b"), S("")));
	CHECK(absent(other, S("a")));
	CHECK(absent(p, S("")));
	CHECK(absent(p, S("aa")));
	CHECK_INT(COMMIT(p, put(S("a"), S("2")), del(S("b")), del(S("c"))), LL_OK);
	CHECK(has(p, S("a"), S("2")));
	CHECK(absent(p, S("b")));
	buf_puts(&b, "before ");
	CHECK_INT(store_get(st, p, S("a"), &b), LL_OK); /* appends */
	CHECK_SLICE(buf_slice(&b), S("before 2"));
}

static void
keys_are_bytes(void)
{
	struct store_id p = new_id();

	CHECK_INT(COMMIT(p, put(S("\0"), S("nul")), put(S("\0\0"), S("two")),
			  put(S("\xff\xff"), S("high")), put(S("a\0b"), S("mid"))),
		LL_OK);
	CHECK(has(p, S("\0"), S("nul")));
	CHECK(has(p, S("\0\0"), S("two")));
	CHECK(has(p, S("a\0b"), S("mid")));
	check_range(
		p, SLICE_NONE, SLICE_NONE, 0, S("\0=nul \0\0=two a\0b=mid \xff\xff=high "), false);
}

static void
partitions_are_apart(void)
{
	/* Neighbours in every order of bytes; the last one has no successor. */
	struct store_id a = new_id(), b, c, last;

	a.b[14] = 7;
	a.b[15] = 0xff;
	b = c = a;
	b.b[14] = 8;
	b.b[15] = 0;
	c.b[15] = 0xfe;
	memset(last.b, 0xff, sizeof(last.b));
	CHECK_INT(store_drop(st, last), LL_OK);
	CHECK_INT(COMMIT(a, put(S("k"), S("a"))), LL_OK);
	CHECK_INT(COMMIT(b, put(S("k"), S("b"))), LL_OK);
	CHECK_INT(COMMIT(c, put(S("k"), S("c"))), LL_OK);
	CHECK_INT(COMMIT(last, put(S("k"), S("last")), put(S("\xff"), S("end"))), LL_OK);
	check_range(a, SLICE_NONE, SLICE_NONE, 0, S("k=a "), false);
	check_range(b, SLICE_NONE, SLICE_NONE, 0, S("k=b "), false);
	check_range(c, SLICE_NONE, SLICE_NONE, 0, S("k=c "), false);
	check_range(last, SLICE_NONE, SLICE_NONE, 0, S("k=last \xff=end "), false);
	CHECK_INT(store_drop(st, a), LL_OK);
	CHECK(absent(a, S("k")));
	CHECK(has(b, S("k"), S("b")));
	CHECK(has(c, S("k"), S("c")));
	CHECK_INT(store_drop(st, last), LL_OK);
	CHECK(absent(last, S("\xff")));
}

static void
ranges(void)
{
	static const struct {
		struct slice from, to; /* half open */
		size_t limit;
		struct slice want;
		bool more;
	} cases[] = {
		{S(""), S(""), 0, S("a=1 ab=2 b=3 c=4 "), false},
		{S("a"), S("b"), 0, S("a=1 ab=2 "), false},
		{S("aa"), S("c"), 0, S("ab=2 b=3 "), false},
		{S("a\0"), S(""), 0, S("ab=2 b=3 c=4 "), false},
		{S("b"), S("b"), 0, S(""), false},
		{S("c"), S("a"), 0, S(""), false},
		{S("d"), S(""), 0, S(""), false},
		{S(""), S(""), 4, S("a=1 ab=2 b=3 c=4 "), false},
		{S(""), S(""), 3, S("a=1 ab=2 b=3 "), true},
		{S(""), S("c"), 3, S("a=1 ab=2 b=3 "), false},
		{S(""), S(""), 1, S("a=1 "), true},
	};
	struct store_id p = new_id();

	check_range(p, SLICE_NONE, SLICE_NONE, 0, S(""), false);
	CHECK_INT(COMMIT(p, put(S("c"), S("4")), put(S("a"), S("1")), put(S("b"), S("3")),
			  put(S("ab"), S("2"))),
		LL_OK);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_range(p, cases[i].from, cases[i].to, cases[i].limit, cases[i].want,
			cases[i].more);
}

static void
range_stops(void)
{
	struct store_id p = new_id();
	CLEANUP(rows_done) struct rows rows = ROWS_INIT;
	bool more;

	CHECK_INT(COMMIT(p, put(S("a"), S("1")), put(S("b"), S("2")), put(S("c"), S("3"))), LL_OK);
	rows.stop_at = 2;
	CHECK_INT(store_range(st, p, S(""), S(""), 0, collect_row, &rows, &more), 77);
	CHECK_SLICE(buf_slice(&rows.text), S("a=1 b=2 "));
	rows.n = 0;
	CHECK_INT(store_each(st, p, S(""), collect_row, &rows), 77);
}

static void
paging(void)
{
	struct store_id p = new_id();
	struct count c = {0};
	bool more = false;

	put_many(p, "m/", 2 * STORE_RANGE_MAX);
	put_many(p, "n/", 7);
	put_many(p, "l", 3);
	CHECK_INT(store_range(st, p, S(""), S(""), 0, count_row, &c, &more), LL_OK);
	CHECK_INT(c.n, STORE_RANGE_MAX);
	CHECK(more);
	c = (struct count){0};
	CHECK_INT(
		store_range(st, p, S(""), S(""), STORE_RANGE_MAX + 1, count_row, &c, &more), LL_OK);
	CHECK_INT(c.n, STORE_RANGE_MAX);
	CHECK_INT(count_each(p, S("m/")), 2 * STORE_RANGE_MAX);
	CHECK_INT(count_each(p, S("n/")), 7);
	CHECK_INT(count_each(p, S("l")), 3);
	CHECK_INT(count_each(p, S("")), 2 * STORE_RANGE_MAX + 10);
	CHECK_INT(count_each(p, S("x")), 0);
}

/* Pages that end at the longest key there is, and prefixes without a successor. */
static void
each_at_the_edges(void)
{
	struct store_id p = new_id();
	struct store_op ops[STORE_OPS_MAX];
	uint8_t keys[STORE_RANGE_MAX + 2][STORE_KEY_MAX];

	for (size_t i = 0; i < STORE_RANGE_MAX + 2; i++) {
		memset(keys[i], 0xff, STORE_KEY_MAX);
		uint16_t last = (uint16_t)(0xffff - (STORE_RANGE_MAX + 1) + i);
		keys[i][STORE_KEY_MAX - 2] = (uint8_t)(last >> 8);
		keys[i][STORE_KEY_MAX - 1] = (uint8_t)last;
		ops[i] = put(SLICE_OF(keys[i]), S("x"));
	}
	CHECK_INT(commit_n(p, STORE_ANY_VERSION, ops, STORE_RANGE_MAX + 2), LL_OK);
	CHECK_INT(count_each(p, S("\xff")), STORE_RANGE_MAX + 2);
	CHECK_INT(count_each(p, S("\xff\xff\xff")), STORE_RANGE_MAX + 2);
	CHECK_INT(count_each(p, S("")), STORE_RANGE_MAX + 2);
	CHECK_INT(count_each(p, slice_new(keys[0], STORE_KEY_MAX)), 1);
}

/* --- commits --- */

static void
versions(void)
{
	struct store_id p = new_id();
	struct store_op op = put(S("a"), S("1"));
	struct store_commit c = {.partition = p, .expect = 0, .ops = &op, .n = 1};
	uint64_t version = 0, next = 0;

	CHECK_INT(stat_of(p).version, 0);
	CHECK_INT(store_commit_sync(st, &c, &version), LL_OK);
	CHECK(version > 0);
	CHECK_INT(stat_of(p).version, version);
	CHECK_INT(store_commit_sync(st, &c, &next), LL_ERR_CONFLICT); /* expects 0 still */
	CHECK_INT(next, 0);
	c.expect = version + 1;
	CHECK_INT(store_commit_sync(st, &c, &next), LL_ERR_CONFLICT);
	c.expect = version;
	CHECK_INT(store_commit_sync(st, &c, &next), LL_OK);
	CHECK(next != version);
	c.expect = next;
	c.n = 0; /* nothing but the version */
	CHECK_INT(store_commit_sync(st, &c, &version), LL_OK);
	CHECK(version != next);
	CHECK_INT(stat_of(p).version, version);
}

static void
any_version(void)
{
	struct store_id p = new_id();
	struct store_op op = put(S("in"), S("mail"));
	struct store_commit any = {.partition = p, .expect = STORE_ANY_VERSION, .ops = &op, .n = 1};
	uint64_t version = 99, got = 99;

	CHECK_INT(store_commit_sync(st, &any, &got), LL_OK);
	CHECK_INT(got, 0);
	CHECK_INT(stat_of(p).version, 0);
	CHECK_INT(COMMIT_AT(p, 0, put(S("a"), S("1"))), LL_OK);
	version = stat_of(p).version;
	CHECK_INT(store_commit_sync(st, &any, &got), LL_OK);
	CHECK_INT(got, version);
	CHECK_INT(stat_of(p).version, version); /* others' checks still hold */
	CHECK_INT(COMMIT_AT(p, version, put(S("a"), S("2"))), LL_OK);
	CHECK(has(p, S("in"), S("mail")));
}

static void
all_or_nothing(void)
{
	struct store_id p = new_id(), blob = new_id(), nobody = new_id();

	CHECK_INT(COMMIT_AT(p, 0, put(S("old"), S("1"))), LL_OK);
	/* Each fails at its last operation. */
	CHECK_INT(COMMIT(p, put(S("a"), S("1")), del(S("old")), blob_new(blob, S("bytes")),
			  put_new(S("old2"), S("2")), put_new(S("a"), S("x"))),
		LL_ERR_EXISTS);
	CHECK_INT(COMMIT(p, put(S("a"), S("1")), blob_new(blob, S("bytes")), blob_ref(nobody)),
		LL_ERR_NOTFOUND);
	CHECK_INT(
		COMMIT_AT(p, 99, put(S("a"), S("1")), blob_new(blob, S("bytes"))), LL_ERR_CONFLICT);
	CHECK(has(p, S("old"), S("1")));
	CHECK(absent(p, S("a")));
	CHECK(absent(p, S("old2")));
	CHECK(blob_absent(p, blob));
	CHECK_INT(stat_of(p).blobs, 0);
	CHECK_INT(stat_of(p).blob_bytes, 0);
	/* and the name is still free */
	CHECK_INT(COMMIT(p, put(S("a"), S("1")), blob_new(blob, S("bytes"))), LL_OK);
	CHECK(blob_is(p, blob, S("bytes")));
}

static void
put_new_is_new(void)
{
	struct store_id p = new_id();

	CHECK_INT(COMMIT(p, put_new(S("a"), S("1"))), LL_OK);
	CHECK_INT(COMMIT(p, put_new(S("a"), S("2"))), LL_ERR_EXISTS);
	CHECK(has(p, S("a"), S("1")));
	CHECK_INT(COMMIT(p, del(S("a")), put_new(S("a"), S("3"))), LL_OK); /* in order */
	CHECK(has(p, S("a"), S("3")));
	CHECK_INT(COMMIT(p, put_new(S("b"), S("1")), put_new(S("b"), S("2"))), LL_ERR_EXISTS);
	CHECK(absent(p, S("b")));
	CHECK_INT(COMMIT(p, put(S("c"), S("1")), del(S("c"))), LL_OK);
	CHECK(absent(p, S("c")));
}

static void
limits(void)
{
	struct store_id p = new_id(), blob = new_id();
	CLEANUP(buf_done) struct buf data = BUF_INIT(STORE_COMMIT_MAX);
	struct slice big = bytes(&data, STORE_COMMIT_MAX, 1);
	struct store_op ops[STORE_OPS_MAX + 1];
	struct slice value = slice_sub(big, 0, STORE_VALUE_MAX);
	struct slice key = slice_sub(big, 0, STORE_KEY_MAX);

	CHECK_INT(COMMIT(p, put(key, value)), LL_OK);
	CHECK(has(p, key, value));
	CHECK_INT(COMMIT(p, put(slice_sub(big, 0, STORE_KEY_MAX + 1), S(""))), LL_ERR_LIMIT);
	CHECK_INT(COMMIT(p, put(S("k"), slice_sub(big, 0, STORE_VALUE_MAX + 1))), LL_ERR_LIMIT);
	CHECK_INT(COMMIT(p, put(S(""), S("v"))), LL_ERR_LIMIT);
	CHECK_INT(COMMIT(p, blob_new(blob, slice_sub(big, 0, STORE_INLINE_BLOB_MAX + 1))),
		LL_ERR_LIMIT);
	CHECK_INT(COMMIT(p, blob_new(blob, slice_sub(big, 0, STORE_INLINE_BLOB_MAX))), LL_OK);
	CHECK_INT(COMMIT(p, put(S("k"), value), put(S("k"), value)), LL_ERR_LIMIT);
	CHECK_INT(COMMIT(p, put(S("k"), slice_sub(value, 0, STORE_VALUE_MAX - 2)),
			  put(S("l"), value)),
		LL_OK); /* STORE_COMMIT_MAX exactly */
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		ops[i] = put(S("many"), S("x"));
	CHECK_INT(commit_n(p, STORE_ANY_VERSION, ops, STORE_OPS_MAX + 1), LL_ERR_LIMIT);
	CHECK_INT(commit_n(p, STORE_ANY_VERSION, ops, STORE_OPS_MAX), LL_OK);
	CHECK(absent(p, slice_sub(big, 0, STORE_KEY_MAX + 1)));
}

static void
many_in_flight(void)
{
	enum { PARTITIONS = 8, EACH = 200 };
	struct store_id p[PARTITIONS];
	struct landed all = {.returned = true};

	for (unsigned i = 0; i < PARTITIONS; i++)
		p[i] = new_id();
	for (unsigned n = 0; n < EACH; n++)
		for (unsigned i = 0; i < PARTITIONS; i++) {
			/* The buffers are reused at once: the ops must have been copied. */
			char key[16], value[16];
			struct store_op ops[2];
			snprintf(key, sizeof(key), "%06u", n);
			snprintf(value, sizeof(value), "%u/%u", i, n);
			ops[0] = put(slice_str(key), slice_str(value));
			ops[1] = put(S("last"), slice_str(value));
			struct store_commit c = {
				.partition = p[i], .expect = n, .ops = ops, .n = 2};
			store_commit(st, &c, landed_done, &all);
			memset(key, 'x', sizeof(key));
			memset(value, 'x', sizeof(value));
		}
	drain(&all, PARTITIONS * EACH);
	/* In order, so each found the version that its predecessor made. */
	CHECK_INT(all.conflicts, 0);
	for (unsigned i = 0; i < PARTITIONS; i++) {
		char value[16];
		snprintf(value, sizeof(value), "%u/%u", i, EACH - 1);
		CHECK(has(p[i], S("last"), slice_str(value)));
		CHECK_INT(count_each(p[i], S("0")), EACH);
	}
}

static void
done_comes_later(void)
{
	struct store_id p = new_id();
	struct store_op op = put(S(""), S("")); /* refused, but not before store_commit returns */
	struct store_commit c = {.partition = p, .ops = &op, .n = 1};
	struct landed l = {0};

	store_commit(st, &c, landed_done, &l);
	l.returned = true;
	drain(&l, 1);
	CHECK_INT(l.err, LL_ERR_LIMIT);
	CHECK_INT(store_wait(st), LL_OK); /* nothing pending */
}

struct race {
	struct store_id p;
	unsigned won, lost;
};

static void
race_done(void *ctx, int err, uint64_t version)
{
	struct race *r = ctx;

	r->won += err == LL_OK;
	r->lost += err == LL_ERR_CONFLICT;
}

static void
one_of_many_wins(void)
{
	struct race r = {.p = new_id()};
	struct store_op op = put(S("a"), S("1"));
	struct store_commit c = {.partition = r.p, .expect = 0, .ops = &op, .n = 1};

	for (int i = 0; i < 50; i++)
		store_commit(st, &c, race_done, &r);
	while (r.won + r.lost < 50 && !store_wait(st))
		;
	CHECK_INT(r.won, 1);
	CHECK_INT(r.lost, 49);
}

struct chain {
	struct store_id p;
	unsigned left;
	int err;
};

/* Commits again from within done, and reads. */
static void
chain_done(void *ctx, int err, uint64_t version)
{
	struct chain *ch = ctx;
	struct store_op op = put(S("n"), S("x"));
	struct store_commit c = {.partition = ch->p, .expect = version, .ops = &op, .n = 1};

	if (err)
		ch->err = err;
	CHECK_INT(stat_of(ch->p).version, version);
	if (ch->left == 25) {
		/* A blocking commit inside a callback. */
		CHECK_INT(COMMIT(ch->p, put(S("sync"), S("x"))), LL_OK);
	}
	if (!err && --ch->left)
		store_commit(st, &c, chain_done, ch);
}

static void
commits_from_done(void)
{
	struct chain ch = {.p = new_id(), .left = 50};
	struct store_op op = put(S("n"), S("x"));
	struct store_commit c = {.partition = ch.p, .ops = &op, .n = 1};

	store_commit(st, &c, chain_done, &ch);
	while (ch.left && !ch.err && !store_wait(st))
		;
	CHECK_INT(ch.err, LL_OK);
	CHECK_INT(ch.left, 0);
}

const struct t_case record_cases[] = {
	T(get_and_put),
	T(keys_are_bytes),
	T(partitions_are_apart),
	T(ranges),
	T(range_stops),
	T(paging),
	T(each_at_the_edges),
	T(versions),
	T(any_version),
	T(all_or_nothing),
	T(put_new_is_new),
	T(limits),
	T(many_in_flight),
	T(done_comes_later),
	T(one_of_many_wins),
	T(commits_from_done),
	{NULL, NULL},
};
