/* One arena per request, command or message, with a hard cap; everything in it is freed at once.
 * Never for secrets. Under ASan (or -DARENA_MALLOC) every allocation is a malloc of its own. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	size_t used, cap; /* bytes handed out; most that may be */
};

#define ARENA_INIT(bytes) ((struct arena){.cap = (bytes)})

void arena_done(struct arena *a);
/* Frees all but one chunk; the arena is empty again. */
void arena_reset(struct arena *a);

/* Zeroed memory aligned for any type, or NULL when memory or the cap is exhausted. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_calloc(struct arena *a, size_t count, size_t size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_calloc((a), (n), sizeof(type)))

/* Copies; ret is NUL-terminated past its length. On failure the slice has ptr NULL. */
struct slice arena_dup(struct arena *a, struct slice s);
/* NUL-terminated copy for system-call edges, or NULL. */
char *arena_str(struct arena *a, struct slice s);
struct slice arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
