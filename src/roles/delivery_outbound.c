/* The way into the outbound queue. */
#include "base/error.h"
#include "roles/delivery.h"

int
job_queue(struct job *j, store_done *done, void *ctx)
{
	return LL_ERR_UNSUPPORTED;
}
