/* What decodes encodes to the same octets; and whatever state a record is in, its message comes to
 * an end in bounded time with no report given twice. The last octets of the input are the results
 * of attempts. */
#include "faces/queue_envelope.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
report_all(struct queue_envelope *e, int64_t now)
{
	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		enum queue_report due = queue_report_due(e, i, now);
		queue_reported(e, i, due);
		if (due != QUEUE_REPORT_NONE && queue_report_due(e, i, now) != QUEUE_REPORT_NONE)
			abort();
	}
}

static void
live(struct queue_envelope *e, struct slice results, struct arena *arena)
{
	int64_t now = e->arrived;
	unsigned rounds = 0;

	while (!queue_finished(e)) {
		if (++rounds > 200)
			abort();
		for (uint32_t i = 0; i < e->rcpt_count; i++) {
			struct smtp_client_result r = {.enhanced = {4, 0, 0}, .text = S("a\tb")};
			if (e->rcpts[i].state != QUEUE_WAITING)
				continue;
			r.outcome = results.len
				? (enum smtp_outcome)(results.ptr[(i + rounds) % results.len] & 3)
				: SMTP_OUTCOME_TEMPORARY;
			if (queue_note(e, i, &r, S("mx"), rounds & 1, arena))
				abort();
		}
		queue_reschedule(e, now, rounds * 2654435761u);
		report_all(e, now);
		if (e->next_attempt <= now)
			abort();
		now = e->next_attempt;
	}
	if (queue_wake(e) != INT64_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 24);
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 26);
	struct slice in = slice_new(data, size), record;
	struct queue_envelope e;

	record = slice_sub(in, 0, size > 4 ? size - 4 : 0);
	if (queue_decode(record, &arena, &e))
		return 0;
	if (queue_encode(&e, &again) || !slice_eq(buf_slice(&again), record))
		abort();
	if (e.arrived < (int64_t)1 << 40)
		live(&e, slice_skip(in, record.len), &arena);
	return 0;
}
