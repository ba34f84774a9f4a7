/* The store: records and blobs in partitions, behind one narrow interface with several homes.
 *
 * A partition (16 bytes: an account, a domain, a queue shard, ...) holds records, ordered by key,
 * and references to blobs. A blob is immutable, named by 16 random bytes, and kept as long as some
 * partition refers to it. Every value is sealed by the caller: the store sees ciphertext and sizes.
 * Nothing is reported done before it is durable.
 *
 * Two kinds of handle implement it: the embedded engine itself (in the store process and in tests)
 * and the client end of an IPC channel (everywhere else), which the store process has bound to what
 * that peer may touch. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/slice.h"

#define STORE_ID_LEN 16
#define STORE_KEY_MAX 128
#define STORE_VALUE_MAX ((size_t)64 << 10)
#define STORE_OPS_MAX 512
#define STORE_COMMIT_MAX                                                                           \
	((size_t)128 << 10) /* keys, values and inline blobs of one commit together */
#define STORE_BLOB_MAX ((size_t)128 << 20)
#define STORE_INLINE_BLOB_MAX                                                                      \
	((size_t)64 << 10) /* larger ones are staged with store_blob_put first */
#define STORE_RANGE_MAX 500 /* records of one range call */

struct store_id {
	uint8_t b[STORE_ID_LEN];
};

struct store;

/* Commit against any version: for appends that read nothing. Such a commit does not change the
 * version that others check. */
#define STORE_ANY_VERSION UINT64_MAX

enum store_op_kind {
	STORE_PUT, /* key, value */
	STORE_PUT_NEW, /* key, value; the whole commit is LL_ERR_EXISTS when the key is there */
	STORE_DEL, /* key; absent is fine */
	STORE_BLOB_NEW, /* blob, value: write a blob of at most STORE_INLINE_BLOB_MAX bytes and
			   refer to it; LL_ERR_EXISTS when the name is taken */
	STORE_BLOB_REF, /* blob: refer to one staged by store_blob_put or referred to by another
			   partition; LL_ERR_NOTFOUND. A partition refers to a blob or not: again
			   is fine and changes nothing */
	STORE_BLOB_DROP, /* blob: give up this partition's reference; absent is fine. The last one
			    deletes the blob */
};

struct store_op {
	enum store_op_kind kind;
	struct slice key, value; /* key: 1 to STORE_KEY_MAX bytes */
	struct store_id blob;
};

struct store_commit {
	struct store_id partition;
	uint64_t expect; /* the version read before, or STORE_ANY_VERSION */
	const struct store_op *ops; /* applied in this order; a later one sees the earlier ones */
	size_t n; /* 0 is fine: only the version changes */
	uint64_t quota; /* most blob bytes the partition may refer to afterwards; 0: no limit.
			   LL_ERR_QUOTA. A commit that adds no blob bytes is never refused */
};

struct store_stat {
	uint64_t version; /* 0: nothing was ever committed against a version */
	uint64_t blob_bytes; /* size of all blobs this partition refers to */
	uint64_t blobs;
};

/* One record of a range; the views live until the callback returns. Nonzero stops the scan and is
 * returned. */
typedef int store_row(void *ctx, struct slice key, struct slice value);
/* The commit is durable (err 0, its new version; against STORE_ANY_VERSION the unchanged one) or
 * did nothing (LL_ERR_CONFLICT, _EXISTS, _NOTFOUND, _QUOTA, _LIMIT, _DENIED; _AGAIN: the disk is
 * nearly full and the commit would add to it). LL_ERR_IO and LL_ERR_CLOSED: unknown, the store is
 * going down. */
typedef void store_done(void *ctx, int err, uint64_t version);
/* Something was committed to the partition. A hint: may be late, merged with others, or doubled. */
typedef void store_bell(void *ctx, struct store_id partition);

struct store_vtable {
	void (*free)(struct store *);
	int (*get)(
		struct store *, struct store_id partition, struct slice key, struct buf *ret_value);
	int (*range)(struct store *, struct store_id partition, struct slice from, struct slice to,
		size_t limit, store_row *row, void *ctx, bool *ret_more);
	int (*stat)(struct store *, struct store_id partition, struct store_stat *ret);
	void (*commit)(struct store *, const struct store_commit *, store_done *done, void *ctx);
	int (*wait)(struct store *);
	int (*blob_put)(struct store *, struct store_id blob, struct slice data);
	int (*blob_read)(struct store *, struct store_id partition, struct store_id blob,
		uint64_t offset, size_t len, struct buf *ret_data);
	void (*blob_ahead)(
		struct store *, struct store_id partition, struct store_id blob, size_t len);
	int (*blob_size)(
		struct store *, struct store_id partition, struct store_id blob, uint64_t *ret);
	int (*watch)(struct store *, struct store_id partition, store_bell *bell, void *ctx);
	void (*unwatch)(struct store *, struct store_id partition);
	bool (*rang)(struct store *, struct store_id partition);
	int (*drop)(struct store *, struct store_id partition);
};

/* For implementations: whether a commit keeps to the limits above, and how many bytes it carries.
 * LL_ERR_LIMIT, LL_ERR_UNSUPPORTED. */
int store_commit_check(const struct store_commit *c, size_t *ret_bytes) CHECKED;
/* Which fields of an op count. */
bool store_op_has_key(enum store_op_kind kind);
bool store_op_has_value(enum store_op_kind kind);

/* Base of every implementation; first member of its struct. */
struct store {
	const struct store_vtable *v;
};

/* NULL is accepted. Commits under way finish first, their done callbacks are called. */
void store_free(struct store *s);

/* The value of a record, appended to ret_value. LL_ERR_NOTFOUND. */
int store_get(struct store *s, struct store_id partition, struct slice key,
	struct buf *ret_value) CHECKED;
/* Records with from <= key < to (an empty `to`: no upper end), in order, at most limit (0 or more
 * than STORE_RANGE_MAX: STORE_RANGE_MAX). *ret_more says that others follow. Not a snapshot:
 * compare store_stat versions where that matters. */
int store_range(struct store *s, struct store_id partition, struct slice from, struct slice to,
	size_t limit, store_row *row, void *ctx, bool *ret_more) CHECKED;
/* Every record whose key starts with prefix, page by page. */
int store_each(struct store *s, struct store_id partition, struct slice prefix, store_row *row,
	void *ctx) CHECKED;
int store_stat(struct store *s, struct store_id partition, struct store_stat *ret) CHECKED;

/* All or nothing, durable before done is called. Commits of one partition take effect in the order
 * of these calls; those of different partitions in any. The ops are copied before this returns;
 * done is called from the handle's event loop, or, where there is none, from store_commit_sync or
 * store_wait, never before this returns. */
void store_commit(struct store *s, const struct store_commit *c, store_done *done, void *ctx);
/* Blocks until at least one pending done has been called; returns at once when nothing is pending.
 * LL_ERR_CLOSED: the store has gone, every pending done was called with an error. */
int store_wait(struct store *s) CHECKED;
/* Commits and waits. ret_version may be NULL. */
int store_commit_sync(struct store *s, const struct store_commit *c, uint64_t *ret_version) CHECKED;

/* Stages a blob of any size up to STORE_BLOB_MAX under a fresh random name. Nothing refers to it
 * yet: a commit with STORE_BLOB_REF must follow within the hour, else it is swept. Durable only
 * with that commit. LL_ERR_EXISTS when the name is taken, LL_ERR_LIMIT, LL_ERR_AGAIN (disk nearly
 * full), LL_ERR_IO. */
int store_blob_put(struct store *s, struct store_id blob, struct slice data) CHECKED;
/* Appends the bytes [offset, offset + len) of a blob that the partition refers to, fewer at its
 * end. LL_ERR_NOTFOUND; LL_ERR_CORRUPT (noticed when the whole blob is read). */
int store_blob_read(struct store *s, struct store_id partition, struct store_id blob,
	uint64_t offset, size_t len, struct buf *ret_data) CHECKED;
/* Says that the first len bytes, and just these, will be read soon. It may do nothing. */
void store_blob_ahead(struct store *s, struct store_id partition, struct store_id blob, size_t len);
int store_blob_size(
	struct store *s, struct store_id partition, struct store_id blob, uint64_t *ret) CHECKED;

/* One watch per partition and handle; again replaces it. The handle's own commits ring too. The
 * bell is rung from where done is called. */
int store_watch(struct store *s, struct store_id partition, store_bell *bell, void *ctx) CHECKED;
void store_unwatch(struct store *s, struct store_id partition);
/* Whether the bell of a watched partition has rung since this was asked last, even if it was not
 * heard yet: a commit whose done anybody was told of has rung. True as well where that is not
 * known. Costs no way to the store and back. */
bool store_rang(struct store *s, struct store_id partition);

/* Deletes every record and blob reference of a partition and its version. Durable when it returns,
 * and all or nothing when the store dies meanwhile. */
int store_drop(struct store *s, struct store_id partition) CHECKED;

#endif
