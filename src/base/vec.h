/* Typed growing arrays.  VEC(struct x) v = {0};  VEC_PUSH(&v, item) is 0 or LL_ERR_NOMEM;
 * VEC_DONE(&v). */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/error.h"
#include "base/macros.h"

#include <stdlib.h>

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *at;                                                                          \
		size_t len, cap;                                                                   \
	}

/* Makes room for at least n items in all. */
#define VEC_RESERVE(v, n) vec_reserve((void **)&(v)->at, &(v)->cap, sizeof(*(v)->at), (n))
#define VEC_PUSH(v, item)                                                                          \
	(VEC_RESERVE((v), (v)->len + 1) ? LL_ERR_NOMEM : ((v)->at[(v)->len++] = (item), LL_OK))
#define VEC_DONE(v)                                                                                \
	do {                                                                                       \
		free((v)->at);                                                                     \
		(v)->at = NULL;                                                                    \
		(v)->len = (v)->cap = 0;                                                           \
	} while (0)
#define VEC_EACH(var, v)                                                                           \
	for (__typeof__((v)->at + 0) var = (v)->at; var && var < (v)->at + (v)->len; var++)
/* Behind the last item; NULL + 0 is no pointer to compute. */
#define VEC_END(v) ((v)->len ? (v)->at + (v)->len : (v)->at)
/* Removes item i and moves the later ones forward. */
#define VEC_REMOVE(v, i)                                                                           \
	do {                                                                                       \
		size_t i_ = (i);                                                                   \
		for ((v)->len--; i_ < (v)->len; i_++)                                              \
			(v)->at[i_] = (v)->at[i_ + 1];                                             \
	} while (0)

static inline int
vec_reserve(void **at, size_t *cap, size_t size, size_t n)
{
	size_t want = MAX(n, MAX(*cap * 2, (size_t)8));
	void *p;

	if (n <= *cap)
		return LL_OK;
	p = reallocarray(*at, want, size);
	if (!p)
		return LL_ERR_NOMEM;
	*at = p;
	*cap = want;
	return LL_OK;
}

#endif
