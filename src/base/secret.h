/* Memory for keys: memfd_secret where the kernel has it, else locked and undumped pages. Wiped when
 * freed. Secrets never live in an arena, a buf that outlives its call, or a log line. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/slice.h"

/* Zeroed secret memory of at most SECRET_MAX bytes, or NULL. */
#define SECRET_MAX ((size_t)8192)
void *secret_alloc(size_t n);
/* Wipes and frees; NULL is accepted. n is the size given to secret_alloc. */
void secret_free(void *p, size_t n);
#define SECRET_NEW(type) ((type *)secret_alloc(sizeof(type)))
/* For types with a fixed size: wipes, frees, clears the pointer. */
#define SECRET_FREE(p) (secret_free((p), sizeof(*(p))), (p) = NULL)

/* Wipes memory in a way the compiler keeps. */
void secret_wipe(void *p, size_t n);
/* Constant-time comparison of n bytes. */
bool secret_eq(const void *a, const void *b, size_t n);

/* "none" (as long as there is none), "memfd_secret", "locked" or "plain": how secret memory is held in this process; for `letterlock
 * status`. */
const char *secret_kind(void);

/* After fork: memfd_secret pages are shared between parent and child, so the child takes a pool of
 * its own and can no longer see what the parent allocates from now on. Call at once in the child;
 * what the parent had allocated before the fork must not be used any more. 0 or LL_ERR_NOMEM. */
int secret_after_fork(void) CHECKED;

#endif
