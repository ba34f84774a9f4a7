/* The conformance suite, written against store.h alone: its words and its runner. */
#include "conformance.h"
#include "base/error.h"
#include "conformance_words.h"

#include <sodium.h>

const struct conformance *engine;
struct store *st;

/* --- words --- */

struct store_id
new_id(void)
{
	struct store_id id;

	randombytes_buf(id.b, sizeof(id.b));
	return id;
}

struct store_op
put(struct slice key, struct slice value)
{
	return (struct store_op){.kind = STORE_PUT, .key = key, .value = value};
}

struct store_op
put_new(struct slice key, struct slice value)
{
	return (struct store_op){.kind = STORE_PUT_NEW, .key = key, .value = value};
}

struct store_op
del(struct slice key)
{
	return (struct store_op){.kind = STORE_DEL, .key = key};
}

struct store_op
blob_new(struct store_id blob, struct slice value)
{
	return (struct store_op){.kind = STORE_BLOB_NEW, .blob = blob, .value = value};
}

struct store_op
blob_ref(struct store_id blob)
{
	return (struct store_op){.kind = STORE_BLOB_REF, .blob = blob};
}

struct store_op
blob_drop(struct store_id blob)
{
	return (struct store_op){.kind = STORE_BLOB_DROP, .blob = blob};
}

int
commit_n(struct store_id p, uint64_t expect, const struct store_op *ops, size_t n)
{
	struct store_commit c = {.partition = p, .expect = expect, .ops = ops, .n = n};

	return store_commit_sync(st, &c, NULL);
}

struct store_stat
stat_of(struct store_id p)
{
	struct store_stat stat = {0};

	CHECK_INT(store_stat(st, p, &stat), LL_OK);
	return stat;
}

bool
has(struct store_id p, struct slice key, struct slice value)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_VALUE_MAX);

	return store_get(st, p, key, &b) == LL_OK && slice_eq(buf_slice(&b), value);
}

bool
absent(struct store_id p, struct slice key)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_VALUE_MAX);

	return store_get(st, p, key, &b) == LL_ERR_NOTFOUND && !b.len;
}

bool
blob_is(struct store_id p, struct store_id blob, struct slice want)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_BLOB_MAX);
	uint64_t size = 0;

	return store_blob_read(st, p, blob, 0, STORE_BLOB_MAX, &b) == LL_OK &&
		slice_eq(buf_slice(&b), want) && store_blob_size(st, p, blob, &size) == LL_OK &&
		size == want.len;
}

bool
blob_absent(struct store_id p, struct store_id blob)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(STORE_BLOB_MAX);
	uint64_t size;

	return store_blob_read(st, p, blob, 0, 1, &b) == LL_ERR_NOTFOUND &&
		store_blob_size(st, p, blob, &size) == LL_ERR_NOTFOUND;
}

/* n bytes that depend on the seed. */
struct slice
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

int
collect_row(void *ctx, struct slice key, struct slice value)
{
	struct rows *rows = ctx;

	buf_put(&rows->text, key);
	buf_putc(&rows->text, '=');
	buf_put(&rows->text, value);
	buf_putc(&rows->text, ' ');
	return ++rows->n == rows->stop_at ? 77 : 0;
}

void
rows_done(struct rows *rows)
{
	buf_done(&rows->text);
}

void
check_range(struct store_id p, struct slice from, struct slice to, size_t limit, struct slice want,
	bool want_more)
{
	CLEANUP(rows_done) struct rows rows = ROWS_INIT;
	bool more = !want_more;

	CHECK_INT(store_range(st, p, from, to, limit, collect_row, &rows, &more), LL_OK);
	CHECK_SLICE(buf_slice(&rows.text), want);
	CHECK_INT(more, want_more);
}

int
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

size_t
count_each(struct store_id p, struct slice prefix)
{
	struct count c = {0};

	CHECK_INT(store_each(st, p, prefix, count_row, &c), LL_OK);
	CHECK(!c.disorder);
	return c.n;
}

/* Puts keys "<prefix><i, four digits>". */
void
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

void
landed_done(void *ctx, int err, uint64_t version)
{
	struct landed *l = ctx;

	CHECK(l->returned);
	l->done++;
	l->conflicts += err == LL_ERR_CONFLICT;
	l->err = err;
	l->version = version;
}

void
drain(struct landed *l, unsigned want)
{
	while (l->done < want)
		if (store_wait(st))
			break;
	CHECK_INT(l->done, want);
}

static int
run_case(const struct t_case *c)
{
	int failed;

	st = engine->open();
	if (!st) {
		printf("FAILED to open for %s\n", c->name);
		return 1;
	}
	failed = t_main(c, 1);
	t_failed = 0;
	engine->close(st);
	failed += t_failed != 0; /* the closing checks too */
	t_failed = 0;
	return failed;
}

int
conformance_run(const struct conformance *which)
{
	static const struct t_case *const parts[] = {record_cases, blob_cases, life_cases};
	int failed = 0;

	engine = which;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const struct t_case *c = parts[i]; c->name; c++)
			failed += run_case(c);
	return failed;
}
