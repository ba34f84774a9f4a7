/* Memory files: how what is larger than a packet goes from one process to another. */
#ifndef OS_MEMFILE_H
#define OS_MEMFILE_H

#include "base/slice.h"

/* A new, empty one; a descriptor, or LL_ERR_NOMEM. */
int memfile_new(const char *name) CHECKED;
/* Appends. LL_ERR_NOMEM. */
int memfile_write(int fd, struct slice data) CHECKED;
/* From now on nobody can change its bytes or its length. LL_ERR_NOMEM. */
int memfile_seal(int fd) CHECKED;

/* May fd, which a process that is not trusted sent, be mapped for at least len bytes? It must be
 * a memory file that cannot shrink, or a reader would be killed by its sender; a `constant` one
 * cannot be written either. LL_ERR_DENIED. */
int memfile_check(int fd, uint64_t len, bool constant) CHECKED;

#endif
