/* What a submission's message becomes before it is stored or sent. */
#include "base/error.h"
#include "roles/delivery.h"

int
job_complete_submission(struct job *j, struct buf *out, const char **ret_why)
{
	buf_put(out, j->envelope.received);
	return buf_put(out, j->body);
}
