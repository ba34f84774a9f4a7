/* The embedded engine in a directory of its own that tests may look into. */
#ifndef TESTS_UNIT_STORE_DISK_H
#define TESTS_UNIT_STORE_DISK_H

#include "base/buf.h"
#include "store/embedded.h"

#define MIB ((size_t)1 << 20)
#define LONG 20000 /* too long to stand in a row */

extern char disk_dir[256];
extern struct buf disk_why; /* the last one could not be opened */
extern struct store_embedded_options disk_options;

/* NULL if that failed. */
struct store *open_dir(const char *path);
/* In a fresh disk_dir. */
struct store *open_new(void);
/* Checks that every blob is whole and counted right. */
void verify(struct store *s);
/* After the same check. */
void close_and_remove(struct store *s);
/* Frees it and opens disk_dir again. */
struct store *reopen(struct store *s);

int commit_op(struct store *s, struct store_id p, struct store_op op);
/* Whether the partition has the blob, with just this content. */
bool holds(struct store *s, struct store_id p, struct store_id blob, struct slice want);
/* n bytes that depend on the seed only. */
struct slice fill(uint8_t *out, size_t n, uint32_t seed);
/* Files in a folder of the store, and their bytes. */
size_t count_files(const char *name, uint64_t *ret_bytes);

#endif
