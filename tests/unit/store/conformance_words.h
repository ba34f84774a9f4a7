/* The conformance suite's own words. */
#ifndef TESTS_UNIT_STORE_CONFORMANCE_WORDS_H
#define TESTS_UNIT_STORE_CONFORMANCE_WORDS_H

#include "base/buf.h"
#include "conformance.h"
#include "t.h"

extern const struct conformance *engine;
extern struct store *st; /* of the case that runs */

/* The cases, file by file; an entry without a name ends each. */
extern const struct t_case record_cases[], blob_cases[], life_cases[];

struct rows {
	struct buf text; /* "key=value " */
	size_t n, stop_at;
};

struct count {
	size_t n;
	uint8_t last[STORE_KEY_MAX];
	size_t last_len;
	bool disorder;
};

struct landed {
	unsigned done, conflicts;
	int err;
	bool returned; /* from store_commit */
	uint64_t version;
};

#define ROWS_INIT ((struct rows){.text = BUF_INIT(1 << 20)})

/* Commits against any version. */
#define COMMIT(p, ...)                                                                             \
	commit_n(p, STORE_ANY_VERSION, (const struct store_op[]){__VA_ARGS__},                     \
		ARRAY_SIZE(((const struct store_op[]){__VA_ARGS__})))
#define COMMIT_AT(p, expect, ...)                                                                  \
	commit_n(p, expect, (const struct store_op[]){__VA_ARGS__},                                \
		ARRAY_SIZE(((const struct store_op[]){__VA_ARGS__})))

struct store_id new_id(void);
struct store_op put(struct slice key, struct slice value);
struct store_op put_new(struct slice key, struct slice value);
struct store_op del(struct slice key);
struct store_op blob_new(struct store_id blob, struct slice value);
struct store_op blob_ref(struct store_id blob);
struct store_op blob_drop(struct store_id blob);
int commit_n(struct store_id p, uint64_t expect, const struct store_op *ops, size_t n);
struct store_stat stat_of(struct store_id p);
bool has(struct store_id p, struct slice key, struct slice value);
bool absent(struct store_id p, struct slice key);
bool blob_is(struct store_id p, struct store_id blob, struct slice want);
bool blob_absent(struct store_id p, struct store_id blob);
struct slice bytes(struct buf *b, size_t n, uint8_t seed);
int collect_row(void *ctx, struct slice key, struct slice value);
void rows_done(struct rows *rows);
void check_range(struct store_id p, struct slice from, struct slice to, size_t limit,
	struct slice want, bool want_more);
int count_row(void *ctx, struct slice key, struct slice value);
size_t count_each(struct store_id p, struct slice prefix);
void put_many(struct store_id p, const char *prefix, unsigned n);
void landed_done(void *ctx, int err, uint64_t version);
void drain(struct landed *l, unsigned want);

#endif
