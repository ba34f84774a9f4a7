/* Bump allocation with a hard cap. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_MALLOC 1
#endif
#endif

#define ARENA_ALIGN 16u
#define ARENA_CHUNK ((size_t)4096 - 64)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(ARENA_ALIGN) uint8_t bytes[];
};

void
arena_done(struct arena *a)
{
	for (struct arena_chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
	a->used = 0;
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *keep = NULL;

#ifndef ARENA_MALLOC
	if (a->chunks && a->chunks->size <= ARENA_CHUNK) {
		keep = a->chunks;
		a->chunks = keep->next;
	}
#endif
	arena_done(a);
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
		a->chunks = keep;
	}
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	size_t size, total;
	void *p;

	if (n > a->cap || __builtin_add_overflow(n, ARENA_ALIGN - 1, &n))
		return NULL;
	n &= ~(size_t)(ARENA_ALIGN - 1);
	if (__builtin_add_overflow(a->used, n, &total) || total > a->cap)
		return NULL;
#ifdef ARENA_MALLOC
	c = NULL;
	size = n;
#else
	size = MAX(n, ARENA_CHUNK);
#endif
	if (!c || c->size - c->used < n) {
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		*c = (struct arena_chunk){.next = a->chunks, .size = size};
		a->chunks = c;
	}
	p = c->bytes + c->used;
	c->used += n;
	a->used = total;
	return memset(p, 0, n);
}

void *
arena_calloc(struct arena *a, size_t count, size_t size)
{
	size_t n;

	return __builtin_mul_overflow(count, size, &n) ? NULL : arena_alloc(a, n);
}

char *
arena_str(struct arena *a, struct slice s)
{
	char *p = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;

	if (p && s.len)
		memcpy(p, s.ptr, s.len);
	return p;
}

struct slice
arena_dup(struct arena *a, struct slice s)
{
	char *p = arena_str(a, s);

	return p ? slice_new(p, s.len) : SLICE_NONE;
}

struct slice
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
	if (!p)
		return SLICE_NONE;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return slice_new(p, (size_t)n);
}
