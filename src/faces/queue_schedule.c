/* What happens to a queued message: when it is tried, when it is given up, and what its sender is
 * told. All of it follows from the envelope and the clock that is handed in. */
#include "base/error.h"
#include "base/text.h"
#include "faces/queue_envelope.h"

#include <string.h>

/* ---- When ---- */

int64_t
queue_backoff(uint32_t tries, uint32_t jitter)
{
	/* Early tries are close together for greylisting, then the host is likely down. */
	static const int64_t minutes[] = {2, 5, 10, 20, 30, 60, 60, 120, 120, 240};
	uint32_t i = MIN(tries ? tries - 1 : 0, (uint32_t)ARRAY_SIZE(minutes) - 1);
	int64_t seconds = minutes[i] * 60, tenth = seconds / 10;

	return seconds - tenth + (int64_t)(jitter % (uint32_t)(2 * tenth + 1));
}

static int64_t
expiry(const struct queue_envelope *e)
{
	return e->arrived > INT64_MAX - QUEUE_LIFETIME ? INT64_MAX : e->arrived + QUEUE_LIFETIME;
}

static int64_t
warning_time(const struct queue_envelope *e)
{
	return e->arrived > INT64_MAX - QUEUE_DELAY_WARNING ? INT64_MAX
							    : e->arrived + QUEUE_DELAY_WARNING;
}

/* Its lifetime is over; the last reply stays as the diagnosis (RFC 3463: 4.4.7 delivery time
 * expired). */
static void
expire(struct queue_rcpt *r)
{
	static const uint16_t expired[3] = {4, 4, 7};

	r->state = QUEUE_FAILED;
	memcpy(r->enhanced, expired, sizeof(expired));
}

void
queue_reschedule(struct queue_envelope *e, int64_t now, uint32_t jitter)
{
	if (e->tries < UINT32_MAX)
		e->tries++;
	e->last_attempt = now;
	e->next_attempt = now + queue_backoff(e->tries, jitter);
	if (e->next_attempt < expiry(e))
		return;
	for (uint32_t i = 0; i < e->rcpt_count; i++)
		if (e->rcpts[i].state == QUEUE_WAITING)
			expire(&e->rcpts[i]);
}

int64_t
queue_wake(const struct queue_envelope *e)
{
	int64_t wake = INT64_MAX;

	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		if (e->rcpts[i].state == QUEUE_WAITING)
			wake = MIN(wake, e->next_attempt);
		if (queue_report_due(e, i, INT64_MIN) != QUEUE_REPORT_NONE)
			return 0;
		if (queue_report_due(e, i, INT64_MAX) == QUEUE_REPORT_DELAYED)
			wake = MIN(wake, warning_time(e));
	}
	return wake;
}

bool
queue_finished(const struct queue_envelope *e)
{
	for (uint32_t i = 0; i < e->rcpt_count; i++)
		if (e->rcpts[i].state == QUEUE_WAITING ||
			queue_report_due(e, i, INT64_MAX) != QUEUE_REPORT_NONE)
			return false;
	return true;
}

/* ---- Where to ---- */

struct slice
queue_domain(struct slice address)
{
	size_t at = slice_rfind_byte(address, '@');

	return at == SLICE_NPOS ? SLICE_NONE : slice_skip(address, at + 1);
}

uint32_t
queue_pick(const struct queue_envelope *e, bool *tried, uint32_t *ret, uint32_t max)
{
	struct slice domain = SLICE_NONE;
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->rcpt_count && n < max; i++) {
		struct slice d = queue_domain(e->rcpts[i].address);
		if (tried[i] || e->rcpts[i].state != QUEUE_WAITING)
			continue;
		if (!n)
			domain = d;
		if (!slice_ieq(d, domain))
			continue;
		tried[i] = true;
		ret[n++] = i;
	}
	return n;
}

/* ---- What came of it ---- */

/* One line of at most QUEUE_TEXT_MAX octets, not cut inside a character. */
static int
keep_text(struct slice text, struct arena *arena, struct slice *ret)
{
	size_t n = MIN(text.len, QUEUE_TEXT_MAX);
	uint8_t *p;

	*ret = SLICE_NONE;
	while (n && n < text.len && (text.ptr[n] & 0xc0) == 0x80)
		n--;
	if (!n)
		return LL_OK;
	p = arena_alloc(arena, n);
	if (!p)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		p[i] = text.ptr[i] < ' ' || text.ptr[i] == 127 ? ' ' : text.ptr[i];
	*ret = slice_new(p, n);
	return LL_OK;
}

static enum queue_state
state_after(enum smtp_outcome outcome)
{
	return outcome == SMTP_OUTCOME_SENT	    ? QUEUE_SENT
		: outcome == SMTP_OUTCOME_PERMANENT ? QUEUE_FAILED
						    : QUEUE_WAITING;
}

int
queue_note(struct queue_envelope *e, uint32_t rcpt, const struct smtp_client_result *result,
	struct slice remote, bool dsn, struct arena *arena)
{
	struct queue_rcpt *r = &e->rcpts[rcpt];
	struct slice text, host;
	int err;

	assert(rcpt < e->rcpt_count);
	if (r->state != QUEUE_WAITING)
		return LL_ERR_STATE;
	if (result->outcome == SMTP_OUTCOME_UNTRIED)
		return LL_OK;
	err = keep_text(result->text, arena, &text);
	if (!err)
		err = keep_text(slice_sub(remote, 0, 255), arena, &host);
	if (err)
		return err;
	r->state = state_after(result->outcome);
	r->dsn_passed = r->state == QUEUE_SENT && dsn;
	r->code = result->code;
	memcpy(r->enhanced, result->enhanced, sizeof(r->enhanced));
	r->text = text;
	r->remote = host;
	return LL_OK;
}

/* ---- Reports ---- */

/* RFC 3461 section 4.1: without NOTIFY failures are told, and delays may be. */
static bool
wants(const struct queue_rcpt *r, unsigned what)
{
	return r->notify ? r->notify & what : what & (SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY);
}

enum queue_report
queue_report_due(const struct queue_envelope *e, uint32_t rcpt, int64_t now)
{
	const struct queue_rcpt *r = &e->rcpts[rcpt];

	if (!e->sender.len || r->told & QUEUE_TOLD_END) /* RFC 5321 section 4.5.5 */
		return QUEUE_REPORT_NONE;
	if (r->state == QUEUE_FAILED)
		return wants(r, SMTP_NOTIFY_FAILURE) ? QUEUE_REPORT_FAILED : QUEUE_REPORT_NONE;
	if (r->state == QUEUE_SENT)
		return wants(r, SMTP_NOTIFY_SUCCESS) && !r->dsn_passed ? QUEUE_REPORT_RELAYED
								       : QUEUE_REPORT_NONE;
	if (now < warning_time(e) || r->told & QUEUE_TOLD_DELAY || !wants(r, SMTP_NOTIFY_DELAY))
		return QUEUE_REPORT_NONE;
	return QUEUE_REPORT_DELAYED;
}

void
queue_reported(struct queue_envelope *e, uint32_t rcpt, enum queue_report report)
{
	assert(rcpt < e->rcpt_count);
	if (report == QUEUE_REPORT_DELAYED)
		e->rcpts[rcpt].told |= QUEUE_TOLD_DELAY;
	else if (report != QUEUE_REPORT_NONE)
		e->rcpts[rcpt].told |= QUEUE_TOLD_END;
}

static struct slice
status_text(const struct queue_rcpt *r, enum queue_report report, struct arena *arena)
{
	if (!r->enhanced[0]) /* nothing was tried yet: no host could be reached */
		return report == QUEUE_REPORT_RELAYED ? S("2.0.0") : S("4.4.1");
	return arena_printf(arena, "%u.%u.%u", r->enhanced[0], r->enhanced[1], r->enhanced[2]);
}

static struct slice
diagnostic_text(const struct queue_rcpt *r, struct arena *arena)
{
	if (!r->code || !r->text.len)
		return r->text;
	return arena_printf(arena, "%u %.*s", r->code, SLICE_ARG(r->text));
}

int
queue_report_recipient(const struct queue_envelope *e, uint32_t rcpt, enum queue_report report,
	struct arena *arena, struct report_recipient *ret)
{
	static const enum report_action actions[] = {
		[QUEUE_REPORT_FAILED] = REPORT_FAILED,
		[QUEUE_REPORT_DELAYED] = REPORT_DELAYED,
		[QUEUE_REPORT_RELAYED] = REPORT_RELAYED,
	};
	const struct queue_rcpt *r = &e->rcpts[rcpt];
	struct report_recipient out = {
		.action = actions[report],
		.original = r->orcpt,
		.final = r->address,
		.status = status_text(r, report, arena),
		.diagnostic = diagnostic_text(r, arena),
		.remote = r->remote,
		.last_attempt = e->last_attempt,
		.will_retry_until = report == QUEUE_REPORT_DELAYED ? expiry(e) : 0,
	};

	assert(rcpt < e->rcpt_count && report != QUEUE_REPORT_NONE);
	if (!out.status.ptr || (r->text.len && !out.diagnostic.ptr))
		return LL_ERR_NOMEM;
	*ret = out;
	return LL_OK;
}
