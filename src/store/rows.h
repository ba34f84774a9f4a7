/* Names and contents of the engine's rows in RocksDB. Small blobs have a column family of their own
 * (small.c). In the other one the first byte of a key says what the row is:
 *
 *   F                          format of the store: be32
 *   R partition(16) key        a record: the value as given
 *   P partition(16)            version be64, blob bytes be64, blobs be64
 *   r partition(16) blob(16)   this partition refers to the blob: empty
 *   B blob(16)                 references be32, where be8, file be64, offset be64, length be64,
 *                              crc32c be32 of the bytes
 *   S segment be64             bytes referred to be64, end be64, sealed be8
 *   D partition(16)            this partition is being dropped: empty */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/store.h"

/* 1: no small blobs in rows */
#define ROWS_FORMAT 2

enum row_kind {
	ROW_FORMAT = 'F',
	ROW_RECORD = 'R',
	ROW_PARTITION = 'P',
	ROW_REF = 'r',
	ROW_BLOB = 'B',
	ROW_SEGMENT = 'S',
	ROW_DROP = 'D',
};

#define ROW_KEY_MAX (1 + STORE_ID_LEN + STORE_KEY_MAX)

struct row_key {
	size_t len;
	uint8_t b[ROW_KEY_MAX];
};

struct row_partition {
	uint64_t version, blob_bytes, blobs;
};
#define ROW_PARTITION_LEN 24

enum blob_where { BLOB_IN_SEGMENT, BLOB_IN_FILE, BLOB_IN_ROW };

/* Where a blob lies. In a segment: offset of its first byte, behind its frame's head. In a file of
 * its own: segment and offset are 0. In a row: offset is the number in its name, segment is 0. */
struct blob_place {
	enum blob_where where;
	uint64_t segment, offset, len;
	uint32_t crc;
};

struct row_blob {
	uint32_t refs;
	struct blob_place place;
};
#define ROW_BLOB_LEN 33

struct row_segment {
	uint64_t live; /* bytes of frames that some blob row points to */
	uint64_t end; /* frames are valid up to here */
	bool sealed; /* never written again */
};
#define ROW_SEGMENT_LEN 17

struct row_key row_key_kind(enum row_kind kind);
struct row_key row_key_id(enum row_kind kind, struct store_id id);
/* key is at most STORE_KEY_MAX bytes. */
struct row_key row_key_record(struct store_id partition, struct slice key);
struct row_key row_key_ref(struct store_id partition, struct store_id blob);
struct row_key row_key_segment(uint64_t number);
/* The first key behind every key that starts with this one. */
struct row_key row_key_after(struct row_key prefix);
/* The id that follows the kind byte, and the last 16 bytes. The key is long enough. */
struct store_id row_key_first_id(struct slice key);
struct store_id row_key_last_id(struct slice key);

void row_partition_put(const struct row_partition *row, uint8_t out[ROW_PARTITION_LEN]);
void row_blob_put(const struct row_blob *row, uint8_t out[ROW_BLOB_LEN]);
void row_segment_put(const struct row_segment *row, uint8_t out[ROW_SEGMENT_LEN]);
/* LL_ERR_CORRUPT when the length or a tag is wrong. */
int row_partition_get(struct slice s, struct row_partition *ret) CHECKED;
int row_blob_get(struct slice s, struct row_blob *ret) CHECKED;
int row_segment_get(struct slice s, struct row_segment *ret) CHECKED;

#endif
