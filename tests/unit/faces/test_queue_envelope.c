/* The queue's record, its timetable and its reports. */
#include "t.h"

#include "base/error.h"
#include "faces/queue_envelope.h"

#define ARRIVED ((int64_t)1795299183)

static struct queue_envelope
sample(struct queue_rcpt *rcpts, uint32_t n)
{
	struct queue_envelope e = {
		.sender = S("a@example.org"),
		.envid = S("E1"),
		.language = LANGUAGE_GERMAN,
		.ret = SMTP_RET_HDRS,
		.eight_bit = true,
		.smtputf8 = true,
		.authenticated = true,
		.arrived = ARRIVED,
		.next_attempt = ARRIVED,
		.size = 123456,
		.rcpts = rcpts,
		.rcpt_count = n,
	};

	memset(e.blob, 0xab, sizeof(e.blob));
	memset(e.key, 0xcd, sizeof(e.key));
	return e;
}

static void
round_trip(void)
{
	struct queue_rcpt rcpts[] = {
		{.address = S("b@c.d"), .orcpt = S("rfc822;b@c.d"), .notify = 14},
		{.address = S("\xc3\xa4@c.d"),
			.state = QUEUE_FAILED,
			.told = QUEUE_TOLD_DELAY,
			.code = 550,
			.enhanced = {5, 7, 26},
			.text = S("no \xc3\xa4"),
			.remote = S("mx.c.d")},
		{.address = S("x@y.z"), .state = QUEUE_SENT, .dsn_passed = true},
	};
	struct queue_envelope e = sample(rcpts, 3), back;
	CLEANUP(buf_done)
	struct buf out = BUF_INIT(QUEUE_RECORD_MAX), again = BUF_INIT(QUEUE_RECORD_MAX);
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);

	CHECK_INT(queue_encode(&e, &out), 0);
	CHECK_INT(queue_decode(buf_slice(&out), &arena, &back), 0);
	CHECK_SLICE(back.sender, e.sender);
	CHECK_INT(back.size, e.size);
	CHECK(back.eight_bit && back.smtputf8 && back.authenticated && !back.binary &&
		!back.require_tls);
	CHECK_INT(back.language, LANGUAGE_GERMAN);
	CHECK_SLICE(SLICE_OF(back.key), SLICE_OF(e.key));
	CHECK_INT(back.rcpts[1].enhanced[2], 26);
	CHECK_SLICE(back.rcpts[1].text, rcpts[1].text);
	CHECK(back.rcpts[2].dsn_passed);
	CHECK_INT(queue_encode(&back, &again), 0);
	CHECK_SLICE(buf_slice(&again), buf_slice(&out));
	for (size_t n = 0; n < out.len; n++)
		CHECK_INT(queue_decode(slice_sub(buf_slice(&out), 0, n), &arena, &back),
			LL_ERR_CORRUPT);
	buf_putc(&out, 0);
	CHECK_INT(queue_decode(buf_slice(&out), &arena, &back), LL_ERR_CORRUPT);
	out.ptr[0] = 2;
	CHECK_INT(queue_decode(buf_slice(&out), &arena, &back), LL_ERR_CORRUPT);
	queue_wipe(&e);
	CHECK(e.key[0] == 0 && e.key[31] == 0);
}

static void
held(void)
{
	struct queue_rcpt rcpt = {.address = S("b@c.d")};
	struct queue_envelope e = sample(&rcpt, 1), back;
	CLEANUP(buf_done) struct buf plain = BUF_INIT(4096), out = BUF_INIT(4096);
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);

	CHECK_INT(queue_encode(&e, &plain), 0);
	e.held = true;
	memset(e.held_account, 0x11, sizeof(e.held_account));
	memset(e.held_id, 0x22, sizeof(e.held_id));
	CHECK_INT(queue_encode(&e, &out), 0);
	CHECK_INT(out.len, plain.len + 32);
	CHECK_INT(queue_decode(buf_slice(&plain), &arena, &back), 0);
	CHECK(!back.held);
	CHECK_INT(queue_decode(buf_slice(&out), &arena, &back), 0);
	CHECK(back.held);
	CHECK_SLICE(SLICE_OF(back.held_account), SLICE_OF(e.held_account));
	CHECK_SLICE(SLICE_OF(back.held_id), SLICE_OF(e.held_id));
	for (size_t n = 0; n < out.len; n++)
		CHECK_INT(queue_decode(slice_sub(buf_slice(&out), 0, n), &arena, &back),
			LL_ERR_CORRUPT);
}

static void
not_encoded(void)
{
	static const struct queue_rcpt bad[] = {
		{.address = S("")},
		{.address = S("a@b\r\n")},
		{.address = S("a@b"), .notify = 3},
		{.address = S("a@b"), .notify = 16},
		{.address = S("a@b"), .state = QUEUE_STATES},
		{.address = S("a@b"), .told = 4},
		{.address = S("a@b"), .code = 600},
		{.address = S("a@b"), .enhanced = {6, 0, 0}},
		{.address = S("a@b"), .enhanced = {5, 1000, 0}},
		{.address = S("a@b"), .text = S("a\nb")},
	};
	CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct queue_rcpt r = bad[i];
		struct queue_envelope e = sample(&r, 1);
		CHECK_INT(queue_encode(&e, &out), LL_ERR_RANGE);
	}
	struct queue_envelope none = sample(NULL, 0);
	CHECK_INT(queue_encode(&none, &out), LL_ERR_RANGE);
}

static void
backoff(void)
{
	static const int64_t minutes[] = {2, 5, 10, 20, 30, 60, 60, 120, 120, 240, 240, 240};

	for (uint32_t i = 0; i < ARRAY_SIZE(minutes); i++) {
		int64_t seconds = minutes[i] * 60;
		CHECK_INT(queue_backoff(i + 1, 0), seconds - seconds / 10);
		CHECK_INT(queue_backoff(i + 1, (uint32_t)(seconds / 10)), seconds);
		CHECK_INT(
			queue_backoff(i + 1, (uint32_t)(seconds / 10) * 2), seconds + seconds / 10);
		for (uint32_t j = 0; j < 1000; j++) {
			int64_t got = queue_backoff(i + 1, j * 2654435761u);
			CHECK(got >= seconds - seconds / 10 && got <= seconds + seconds / 10);
		}
	}
	CHECK_INT(queue_backoff(UINT32_MAX, 24 * 60), 240 * 60);
	CHECK_INT(queue_backoff(0, 12), 120);
}

static const struct smtp_client_result temporary = {.outcome = SMTP_OUTCOME_TEMPORARY,
	.code = 451,
	.enhanced = {4, 3, 0},
	.text = S("later\nor never")};
static const struct smtp_client_result permanent = {
	.outcome = SMTP_OUTCOME_PERMANENT, .code = 550, .enhanced = {5, 1, 1}, .text = S("no")};
static const struct smtp_client_result sent = {
	.outcome = SMTP_OUTCOME_SENT, .code = 250, .enhanced = {2, 0, 0}, .text = S("ok")};
static const struct smtp_client_result untried = {.outcome = SMTP_OUTCOME_UNTRIED, .local = true};

/* A host that is down for good: tried some thirty times, a warning after four hours, the end after
 * five days, each told once. */
static void
down_for_good(void)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct queue_rcpt rcpt = {.address = S("b@c.d")};
	struct queue_envelope e = sample(&rcpt, 1);
	unsigned attempts = 0, delays = 0, failures = 0;
	int64_t now = ARRIVED, told = 0;

	for (unsigned guard = 0; !queue_finished(&e) && guard < 1000; guard++) {
		enum queue_report due;
		int64_t wake = queue_wake(&e);
		CHECK(wake <= now || wake > ARRIVED);
		now = MAX(now, wake);
		if (e.rcpts[0].state == QUEUE_WAITING && e.next_attempt <= now) {
			attempts++;
			CHECK_INT(queue_note(&e, 0, &temporary, S("mx.c.d"), false, &arena), 0);
			queue_reschedule(&e, now, attempts * 2654435761u);
		}
		due = queue_report_due(&e, 0, now);
		delays += due == QUEUE_REPORT_DELAYED;
		failures += due == QUEUE_REPORT_FAILED;
		told = due == QUEUE_REPORT_DELAYED ? now : told;
		queue_reported(&e, 0, due);
	}
	CHECK(attempts > 30 && attempts < 60);
	CHECK_INT(delays, 1);
	CHECK_INT(failures, 1);
	CHECK_INT(told, ARRIVED + QUEUE_DELAY_WARNING);
	CHECK(now <= ARRIVED + QUEUE_LIFETIME && now > ARRIVED + QUEUE_LIFETIME - 5 * 3600);
	CHECK_INT(rcpt.state, QUEUE_FAILED);
	CHECK_INT(rcpt.enhanced[2], 7);
	CHECK_SLICE(rcpt.text, S("later or never"));
	CHECK_INT(queue_wake(&e), INT64_MAX);
}

static void
notes(void)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct queue_rcpt rcpts[] = {
		{.address = S("1@c.d"), .notify = SMTP_NOTIFY_SUCCESS},
		{.address = S("2@c.d"), .notify = SMTP_NOTIFY_SUCCESS},
		{.address = S("3@c.d")},
		{.address = S("4@c.d"), .notify = SMTP_NOTIFY_NEVER},
		{.address = S("5@c.d"), .notify = SMTP_NOTIFY_DELAY},
		{.address = S("6@c.d")},
	};
	struct queue_envelope e = sample(rcpts, 6);
	struct report_recipient report;

	CHECK_INT(queue_note(&e, 0, &sent, S("mx"), false, &arena), 0);
	CHECK_INT(queue_note(&e, 1, &sent, S("mx"), true, &arena), 0);
	CHECK_INT(queue_note(&e, 2, &permanent, S("mx"), true, &arena), 0);
	CHECK_INT(queue_note(&e, 3, &permanent, S("mx"), false, &arena), 0);
	CHECK_INT(queue_note(&e, 4, &temporary, S("mx"), false, &arena), 0);
	CHECK_INT(queue_note(&e, 5, &untried, S("mx"), false, &arena), 0);
	CHECK_INT(queue_note(&e, 0, &sent, S("mx"), false, &arena), LL_ERR_STATE);
	CHECK_INT(queue_report_due(&e, 0, ARRIVED), QUEUE_REPORT_RELAYED);
	CHECK_INT(queue_report_due(&e, 1, ARRIVED), QUEUE_REPORT_NONE);
	CHECK_INT(queue_report_due(&e, 2, ARRIVED), QUEUE_REPORT_FAILED);
	CHECK_INT(queue_report_due(&e, 3, ARRIVED), QUEUE_REPORT_NONE);
	CHECK_INT(queue_report_due(&e, 4, ARRIVED + QUEUE_DELAY_WARNING - 1), QUEUE_REPORT_NONE);
	CHECK_INT(queue_report_due(&e, 4, ARRIVED + QUEUE_DELAY_WARNING), QUEUE_REPORT_DELAYED);
	CHECK_INT(queue_report_due(&e, 5, ARRIVED), QUEUE_REPORT_NONE);
	CHECK_INT(rcpts[5].state, QUEUE_WAITING);
	CHECK_INT(queue_wake(&e), 0);
	CHECK_INT(queue_report_recipient(&e, 2, QUEUE_REPORT_FAILED, &arena, &report), 0);
	CHECK_SLICE(report.status, S("5.1.1"));
	CHECK_SLICE(report.diagnostic, S("550 no"));
	CHECK_SLICE(report.final, S("3@c.d"));
	CHECK_INT(report.action, REPORT_FAILED);
	CHECK_INT(queue_report_recipient(&e, 5, QUEUE_REPORT_DELAYED, &arena, &report), 0);
	CHECK_SLICE(report.status, S("4.4.1"));
	CHECK_INT(report.will_retry_until, ARRIVED + QUEUE_LIFETIME);
	queue_reported(&e, 0, QUEUE_REPORT_RELAYED);
	queue_reported(&e, 2, QUEUE_REPORT_FAILED);
	CHECK_INT(queue_report_due(&e, 0, INT64_MAX), QUEUE_REPORT_NONE);
	CHECK_INT(queue_wake(&e), ARRIVED);
	CHECK(!queue_finished(&e));
	CHECK_INT(queue_note(&e, 4, &sent, S("mx"), false, &arena), 0);
	CHECK_INT(queue_note(&e, 5, &sent, S("mx"), false, &arena), 0);
	CHECK(queue_finished(&e));
}

/* A report that fails is not reported on. */
static void
null_sender(void)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	struct queue_rcpt rcpt = {.address = S("b@c.d")};
	struct queue_envelope e = sample(&rcpt, 1);

	e.sender = SLICE_NONE;
	CHECK_INT(queue_report_due(&e, 0, INT64_MAX), QUEUE_REPORT_NONE);
	CHECK_INT(queue_note(&e, 0, &permanent, S("mx"), false, &arena), 0);
	CHECK(queue_finished(&e));
}

static void
picking(void)
{
	struct queue_rcpt rcpts[] = {{.address = S("1@a.b")}, {.address = S("2@c.d")},
		{.address = S("3@A.B")}, {.address = S("4@a.b"), .state = QUEUE_SENT},
		{.address = S("\"x@c.d\"@a.b")}, {.address = S("6@e.f")}};
	struct queue_envelope e = sample(rcpts, 6);
	bool tried[6] = {false};
	uint32_t got[6];

	CHECK_INT(queue_pick(&e, tried, got, 2), 2);
	CHECK(got[0] == 0 && got[1] == 2);
	CHECK_INT(queue_pick(&e, tried, got, 6), 1);
	CHECK_INT(got[0], 1);
	CHECK_INT(queue_pick(&e, tried, got, 6), 1);
	CHECK_INT(got[0], 4);
	CHECK_INT(queue_pick(&e, tried, got, 6), 1);
	CHECK_INT(got[0], 5);
	CHECK_INT(queue_pick(&e, tried, got, 6), 0);
}

static void
from_transaction(void)
{
	static const struct smtp_rcpt rcpts[] = {
		{.path = {.text = S("b@c.d")}, .accepted = true, .notify = 2},
		{.path = {.text = S("e@f.g")}},
		{.path = {.text = S("h@i.j")}, .accepted = true, .orcpt = S("rfc822;h")},
	};
	struct smtp_envelope from = {.from = {.text = S("a@b.c")},
		.body = SMTP_BODY_BINARYMIME,
		.size = 9,
		.rcpts = rcpts,
		.rcpt_count = 3,
		.rcpt_accepted = 2};
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
	struct queue_envelope e;

	CHECK_INT(queue_from_smtp(&from, true, ARRIVED, &arena, &e), 0);
	CHECK_INT(e.rcpt_count, 2);
	CHECK_SLICE(e.rcpts[1].address, S("h@i.j"));
	CHECK(e.binary && e.authenticated);
	CHECK_INT(queue_wake(&e), ARRIVED);
	CHECK_INT(queue_encode(&e, &out), 0);
	from.rcpt_accepted = 0;
	CHECK_INT(queue_from_smtp(&from, true, ARRIVED, &arena, &e), LL_ERR_RANGE);
}

T_MAIN(T(round_trip), T(held), T(not_encoded), T(backoff), T(down_for_good), T(notes),
	T(null_sender), T(picking), T(from_transaction))
