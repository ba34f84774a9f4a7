/* A disk that can lose power. While it records, every change that this process makes below one
 * folder goes into a log, with the syncs between. From the log the folder can be made again as it
 * may look after a power cut at any point: what was synced is there, what was not is gone, or, if
 * so wished, partly there.
 *
 * It is linked into the test program and takes the place of the C library's calls, also for
 * RocksDB. */
#ifndef TESTS_FAULT_DISK_H
#define TESTS_FAULT_DISK_H

#include "base/slice.h"

/* What the disk does with what was not synced, and which syncs it pretends to do. */
enum disk_loss {
	DISK_DROP, /* all of it is gone */
	DISK_TEAR, /* any 512 bytes of it may be there, and the first so many names */
	/* Negative controls: */
	DISK_NO_SYNC, /* no sync works */
	DISK_NO_BLOB_SYNC, /* none of segments and large files */
	DISK_NO_RECORD_SYNC, /* none of RocksDB's files */
	DISK_NO_NAME_SYNC, /* none of folders */
};

/* False in a build with the thread sanitizer, which wants the C library's calls for itself. */
bool disk_works(void);
/* Before the fork: reads the folder as it is, all of it durable, and makes the shared log. */
void disk_begin(const char *root);
/* In the child: from now on changes are logged. */
void disk_record(void);
/* In the child: from the so-manieth sync on, all of them fail with EIO; 0: none. */
void disk_fail(size_t syncs);
/* In the child: a mark among the changes. */
void disk_mark(uint32_t kind, const void *data, size_t len);

/* After the child has gone: the number of entries. */
size_t disk_entries(void);
/* The mark at this entry, if it is one. */
bool disk_mark_at(size_t entry, uint32_t *ret_kind, struct slice *ret_data);
/* How many files in the folder, with this ending, the child made and removed. */
void disk_count(const char *dir, const char *ending, size_t *ret_made, size_t *ret_removed);
/* Makes `to` as the folder would be after a cut before this entry. */
void disk_cut(size_t entry, enum disk_loss loss, uint64_t seed, const char *to);
/* Forgets all of it. */
void disk_end(void);

#endif
