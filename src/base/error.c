/* Texts for error codes, and descriptor closing. */
#include "base/error.h"
#include "base/macros.h"

#include <unistd.h>

static const char *const texts[] = {
	[-LL_OK] = "ok",
	[-LL_ERR_NOMEM] = "out of memory",
	[-LL_ERR_LIMIT] = "limit exceeded",
	[-LL_ERR_SYNTAX] = "malformed input",
	[-LL_ERR_AUTH] = "authentication failed",
	[-LL_ERR_DENIED] = "not permitted",
	[-LL_ERR_NOTFOUND] = "not found",
	[-LL_ERR_EXISTS] = "exists already",
	[-LL_ERR_CONFLICT] = "conflict",
	[-LL_ERR_IO] = "input/output error",
	[-LL_ERR_AGAIN] = "temporarily unavailable",
	[-LL_ERR_STATE] = "not permitted in this state",
	[-LL_ERR_UNSUPPORTED] = "not supported",
	[-LL_ERR_CORRUPT] = "stored data is damaged",
	[-LL_ERR_CRYPTO] = "cryptographic failure",
	[-LL_ERR_QUOTA] = "quota exceeded",
	[-LL_ERR_CLOSED] = "peer went away",
	[-LL_ERR_RANGE] = "number out of range",
	[-LL_ERR_INTERNAL] = "internal error",
};

const char *
ll_strerror(int err)
{
	if (err > 0 || err <= -(int)ARRAY_SIZE(texts))
		return "unknown error";
	return texts[-err];
}

void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
