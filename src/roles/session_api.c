/* JMAP requests under way. Each gets a slice of work at once, which is all that most need; those
 * that need more (a search that reads letters) take turns, with whatever else comes in between.
 * Whoever goes away before the answer has given up: the rest of the work is not done. */
#include "base/error.h"
#include "faces/jmap.h"
#include "roles/session.h"
#include "roles/session_web.h"

#include <stdlib.h>

static struct {
	struct session_request *first; /* whose turn it is */
	unsigned n;
	struct loop_timer timer;
} api;

static void
request_free(struct session_request *q)
{
	jmap_job_free(q->job);
	buf_done(&q->out);
	free(q);
}

static_assert(JMAP_REPLY_MAX <= WEB_ANSWER_MAX, "what can be made can be sent");

struct session_request *
session_request_new(struct web_exchange *x, session_answer_fn *answer)
{
	struct session_request *q = calloc(1, sizeof(*q));

	if (!q) {
		web_exchange_abort(x);
		return NULL;
	}
	q->x = x;
	q->answer = answer;
	q->out = BUF_SECRET(JMAP_REPLY_MAX);
	return q;
}

/* A slice of it; true when it is over. */
static bool
request_step(struct session_request *q)
{
	struct jmap *j = session_jmap();
	unsigned status = j ? 0 : 500;

	if (j) {
		jmap_may_send(j, web_exchange_sends(q->x));
		status = q->job ? jmap_job_step(q->job) : 200;
	}
	if (!status)
		return false;
	q->answer(q->x, status, &q->out);
	request_free(q);
	return true;
}

static void
request_last(struct session_request *q)
{
	struct session_request **at = &api.first;

	while (*at)
		at = &(*at)->next;
	q->next = NULL;
	*at = q;
	api.n++;
}

static void
on_turn(void *ctx)
{
	struct session_request *q = api.first;

	api.first = q->next;
	api.n--;
	if (!request_step(q))
		request_last(q);
	if (api.first && loop_timer_set(session_loop(), &api.timer, 0, on_turn, NULL))
		session_requests_drop();
}

void
session_request_run(struct session_request *q)
{
	if (request_step(q))
		return;
	if (api.n >= JMAP_CONCURRENT_REQUESTS ||
		(!api.timer.slot && loop_timer_set(session_loop(), &api.timer, 0, on_turn, NULL))) {
		q->answer(q->x, jmap_job_refuse(q->job), &q->out);
		request_free(q);
		return;
	}
	request_last(q);
}

void
session_request_forget(struct web_exchange *x)
{
	struct session_request **at = &api.first, *q;

	while ((q = *at)) {
		if (q->x != x) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		api.n--;
		request_free(q);
	}
	if (!api.first)
		loop_timer_stop(session_loop(), &api.timer);
}

void
session_requests_drop(void)
{
	while (api.first) {
		struct web_exchange *x = api.first->x;
		session_request_forget(x);
		web_exchange_abort(x);
	}
}
