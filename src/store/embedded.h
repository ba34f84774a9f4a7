/* The embedded store: RocksDB for records and small blobs, own append-only segment files for larger
 * ones, one thread that writes batches. It runs inside the store process (and in tests).
 *
 * Order of one batch: append the blob frames, if there are any, and sync the segment; then one
 * synced RocksDB batch with small blobs, records, pointers, counts and versions; then completion. A
 * pointer never precedes its blob.
 *
 * Threads: one thread owns the handle and calls commit, wait, run, watch, drop and free. The
 * reading calls and blob_put may come from any thread. */
#ifndef STORE_EMBEDDED_H
#define STORE_EMBEDDED_H

#include "store/store.h"

/* Zero or NULL means the default in brackets. */
struct store_embedded_options {
	size_t cache_bytes; /* RocksDB block cache [64 MiB] */
	size_t write_buffer; /* RocksDB write buffer, of which there are up to three [64 MiB] */
	uint64_t small_bytes; /* blobs up to here stand beside the records [8 KiB] */
	uint64_t segment_bytes; /* a segment is full from here [256 MiB] */
	uint64_t large_bytes; /* staged blobs above this get a file of their own [1 MiB] */
	uint64_t staged_memory; /* smaller ones too once so many bytes of them wait [64 MiB] */
	uint64_t min_free; /* commits that add data are refused below this free space [64 MiB] */
	unsigned gc_dead_percent; /* a full segment is collected from here [50] */
	unsigned staged_seconds; /* staged blobs without a reference are swept [3600] */
	struct buf *why; /* receives one line on why the open failed [nobody asks] */
};

/* Opens or makes the store in dir (made with mode 0700; its parent must exist). options may be
 * NULL. Sets the process's umask to 077: RocksDB makes files at any time.
 * LL_ERR_AGAIN: another process has it open. LL_ERR_UNSUPPORTED: written by a newer version.
 * LL_ERR_CORRUPT, LL_ERR_IO, LL_ERR_NOMEM. */
int store_embedded_open(
	const char *dir, const struct store_embedded_options *options, struct store **ret) CHECKED;

/* Readable when store_embedded_run has something to do; for poll, never to be read. */
int store_embedded_fd(struct store *s);
/* Calls the pending done and bell callbacks. LL_ERR_IO: a write or sync has failed, nothing more
 * will be accepted, and the process must exit. */
int store_embedded_run(struct store *s) CHECKED;

/* Waits until no segment is worth collecting and nothing is left to sweep. */
int store_embedded_settle(struct store *s) CHECKED;

/* Makes a copy of everything committed so far in dir, which must not exist and must be on the same
 * file system: blob files are hard links. It can be opened as a store, or copied away and removed.
 * LL_ERR_EXISTS, LL_ERR_IO. */
int store_embedded_backup(struct store *s, const char *dir) CHECKED;

struct store_embedded_report {
	uint64_t partitions, records, blobs, blob_bytes;
	uint64_t damaged; /* blobs that are missing or fail their checksum */
	uint64_t miscounted; /* partitions, segments or reference counts whose sums are wrong */
};

/* Reads every record and blob and recomputes every count, as of now, while commits go on.
 * LL_ERR_CORRUPT when something is damaged or miscounted (*ret is filled then too). */
int store_embedded_verify(struct store *s, struct store_embedded_report *ret) CHECKED;

#endif
