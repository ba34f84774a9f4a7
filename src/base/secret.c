/* A small allocator over whole secret pools.
 *
 * A pool is 64 KiB in 64-byte cells with a bitmap kept outside it. The kernel removes memfd_secret
 * pages from its own direct map, so that even a kernel read primitive does not find them. */
#include "base/secret.h"
#include "base/error.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POOL_BYTES ((size_t)65536)
#define CELL ((size_t)64)
#define CELLS (POOL_BYTES / CELL)

struct pool {
	struct pool *next;
	uint8_t *mem;
	uint8_t used[CELLS];
};

static struct pool *pools;
static const char *kind = "none";

static uint8_t *
map_secret(void)
{
	void *p = MAP_FAILED;
#ifdef SYS_memfd_secret
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd >= 0) {
		if (ftruncate(fd, (off_t)POOL_BYTES) == 0)
			p = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (p != MAP_FAILED) {
			kind = "memfd_secret";
			return p;
		}
	}
#endif
	p = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	kind = mlock(p, POOL_BYTES) == 0 ? "locked" : "plain";
	(void)madvise(p, POOL_BYTES, MADV_DONTDUMP);
	(void)madvise(p, POOL_BYTES, MADV_WIPEONFORK);
	return p;
}

static struct pool *
pool_new(void)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->mem = map_secret();
	if (!pool->mem) {
		free(pool);
		return NULL;
	}
	pool->next = pools;
	return pools = pool;
}

static void *
pool_take(struct pool *pool, size_t cells)
{
	for (size_t i = 0, run = 0; i < CELLS; i++) {
		run = pool->used[i] ? 0 : run + 1;
		if (run < cells)
			continue;
		i -= cells - 1;
		memset(pool->used + i, 1, cells);
		return pool->mem + i * CELL;
	}
	return NULL;
}

void *
secret_alloc(size_t n)
{
	size_t cells = (MAX(n, (size_t)1) + CELL - 1) / CELL;
	struct pool *pool;
	void *p;

	if (n > SECRET_MAX)
		return NULL;
	for (pool = pools; pool; pool = pool->next)
		if ((p = pool_take(pool, cells)))
			return p;
	pool = pool_new();
	return pool ? pool_take(pool, cells) : NULL;
}

void
secret_free(void *p, size_t n)
{
	uint8_t *at = p;

	if (!p)
		return;
	sodium_memzero(p, n);
	for (struct pool *pool = pools; pool; pool = pool->next) {
		if (at < pool->mem || at >= pool->mem + POOL_BYTES)
			continue;
		memset(pool->used + (size_t)(at - pool->mem) / CELL, 0,
			(MAX(n, (size_t)1) + CELL - 1) / CELL);
		return;
	}
	assert(false && "secret_free of foreign memory");
}

void
secret_wipe(void *p, size_t n)
{
	if (n)
		sodium_memzero(p, n);
}

bool
secret_eq(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

const char *
secret_kind(void)
{
	return kind;
}

int
secret_after_fork(void)
{
	struct pool *next;

	for (struct pool *pool = pools; pool; pool = next) {
		next = pool->next;
		munmap(pool->mem, POOL_BYTES);
		free(pool);
	}
	pools = NULL;
	return pool_new() ? LL_OK : LL_ERR_NOMEM;
}
