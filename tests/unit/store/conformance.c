/* The conformance suite. Written against store.h alone. */
#include "conformance.h"
#include "base/error.h"
#include "base/vec.h"
#include "t.h"

#include <sodium.h>

static const struct conformance *engine;
static struct store *st; /* of the case that runs */

/* --- words --- */

static struct store_id
new_id(void)
{
	struct store_id id;

	randombytes_buf(id.b, sizeof(id.b));
	return id;
}

static struct store_op
put(struct slice key, struct slice value)
{
	return (struct store_op){.kind = STORE_PUT, .key = key, .value = value};
}

static struct store_op
put_new(struct slice key, struct slice value)
{
	return (struct store_op){.kind = STORE_PUT_NEW, .key = key, .value = value};
}

static struct store_op
del(struct slice key)
{
	return (struct store_op){.kind = STORE_DEL, .key = key};
}

static struct store_op
blob_new(struct store_id blob, struct slice value)
{
	return (struct store_op){.kind = STORE_BLOB_NEW, .blob = blob, .value = value};
}

static struct store_op
blob_ref(struct store_id blob)
{
	return (struct store_op){.kind = STORE_BLOB_REF, .blob = blob};
}

static struct store_op
blob_drop(struct store_id blob)
{
	return (struct store_op){.kind = STORE_BLOB_DROP, .blob = blob};
}

static int
commit_n(struct store_id p, uint64_t expect, const struct store_op *ops, size_t n)
{
	struct store_commit c = {.partition = p, .expect = expect, .ops = ops, .n = n};

	return store_commit_sync(st, &c, NULL);
}

/* Commits against any version. */
#define COMMIT(p, ...)                                                                             \
	commit_n(p, STORE_ANY_VERSION, (const struct store_op[]){__VA_ARGS__},                     \
		ARRAY_SIZE(((const struct store_op[]){__VA_ARGS__})))
#define COMMIT_AT(p, expect, ...)                                                                  \
	commit_n(p, expect, (const struct store_op[]){__VA_ARGS__},                                \
		ARRAY_SIZE(((const struct store_op[]){__VA_ARGS__})))

static struct store_stat
stat_of(struct store_id p)
{
	struct store_stat stat = {0};

	CHECK_INT(store_stat(st, p, &stat), LL_OK);
	return stat;
}

static bool
has(struct store_id p, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_VALUE_MAX);

	return store_get(st, p, key, &b) == LL_OK && slice_eq(buf_slice(&b), value);
}

static bool
absent(struct store_id p, struct slice key)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_VALUE_MAX);

	return store_get(st, p, key, &b) == LL_ERR_NOTFOUND && !b.len;
}

static bool
blob_is(struct store_id p, struct store_id blob, struct slice want)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_BLOB_MAX);
	uint64_t size = 0;

	return store_blob_read(st, p, blob, 0, STORE_BLOB_MAX, &b) == LL_OK &&
		slice_eq(buf_slice(&b), want) && store_blob_size(st, p, blob, &size) == LL_OK &&
		size == want.len;
}

static bool
blob_absent(struct store_id p, struct store_id blob)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_BLOB_MAX);
	uint64_t size;

	return store_blob_read(st, p, blob, 0, 1, &b) == LL_ERR_NOTFOUND &&
		store_blob_size(st, p, blob, &size) == LL_ERR_NOTFOUND;
}

/* n bytes that depend on the seed. */
static struct slice
bytes(struct buf *b, size_t n, uint8_t seed)
{
	unsigned char key[randombytes_SEEDBYTES] = {seed};
	uint8_t *p;

	buf_reset(b);
	p = buf_room(b, n);
	if (!p)
		abort();
	randombytes_buf_deterministic(p, n, key);
	buf_grow(b, n);
	return buf_slice(b);
}

struct rows {
	struct buf text; /* "key=value " */
	size_t n, stop_at;
};

static int
collect_row(void *ctx, struct slice key, struct slice value)
{
	struct rows *rows = ctx;

	buf_put(&rows->text, key);
	buf_putc(&rows->text, '=');
	buf_put(&rows->text, value);
	buf_putc(&rows->text, ' ');
	return ++rows->n == rows->stop_at ? 77 : 0;
}

static void
rows_done(struct rows *rows)
{
	buf_done(&rows->text);
}

#define ROWS_INIT ((struct rows){.text = BUF_INIT(1 << 20)})

static void
check_range(struct store_id p, struct slice from, struct slice to, size_t limit, struct slice want,
	bool want_more)
{
	CLEANUP(rows_done) struct rows rows = ROWS_INIT;
	bool more = !want_more;

	CHECK_INT(store_range(st, p, from, to, limit, collect_row, &rows, &more), LL_OK);
	CHECK_SLICE(buf_slice(&rows.text), want);
	CHECK_INT(more, want_more);
}

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

struct count {
	size_t n;
	uint8_t last[STORE_KEY_MAX];
	size_t last_len;
	bool disorder;
};

static int
count_row(void *ctx, struct slice key, struct slice value)
{
	struct count *c = ctx;

	if (c->n && slice_cmp(slice_new(c->last, c->last_len), key) >= 0)
		c->disorder = true;
	memcpy(c->last, key.ptr, key.len);
	c->last_len = key.len;
	c->n++;
	return 0;
}

static size_t
count_each(struct store_id p, struct slice prefix)
{
	struct count c = {0};

	CHECK_INT(store_each(st, p, prefix, count_row, &c), LL_OK);
	CHECK(!c.disorder);
	return c.n;
}

/* Puts keys "<prefix><i, four digits>". */
static void
put_many(struct store_id p, const char *prefix, unsigned n)
{
	struct store_op ops[100];
	char keys[100][24];

	for (unsigned i = 0; i < n;) {
		unsigned k = 0;
		for (; k < ARRAY_SIZE(ops) && i < n; k++, i++) {
			snprintf(keys[k], sizeof(keys[k]), "%s%04u", prefix, i);
			ops[k] = put(slice_str(keys[k]), slice_str(keys[k]));
		}
		CHECK_INT(commit_n(p, STORE_ANY_VERSION, ops, k), LL_OK);
	}
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

struct landed {
	unsigned done, conflicts;
	int err;
	bool returned; /* from store_commit */
	uint64_t version;
};

static void
landed_done(void *ctx, int err, uint64_t version)
{
	struct landed *l = ctx;

	CHECK(l->returned);
	l->done++;
	l->conflicts += err == LL_ERR_CONFLICT;
	l->err = err;
	l->version = version;
}

static void
drain(struct landed *l, unsigned want)
{
	while (l->done < want)
		if (store_wait(st))
			break;
	CHECK_INT(l->done, want);
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

static const struct t_case cases[] = {
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
	T(blob_life),
	T(blob_order_in_commit),
	T(blob_ranges),
	T(staged_blobs),
	T(blob_too_large),
	T(large_in_flight),
	T(quota),
	T(watching),
	T(dropping),
	T(drop_behind_commits),
	T(reopening),
	T(freeing),
	T(random_against_model),
};

int
conformance_run(const struct conformance *which)
{
	int failed = 0;

	engine = which;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		st = engine->open();
		if (!st) {
			printf("FAILED to open for %s\n", cases[i].name);
			return failed + 1;
		}
		failed += t_main(&cases[i], 1);
		t_failed = 0;
		engine->close(st);
	}
	return failed;
}
