/* The envelope between the frontend and delivery: round trip, every truncation, hostile numbers. */
#include "base/error.h"
#include "roles/delivery_envelope.h"
#include "t.h"

static struct envelope_rcpt room[ENVELOPE_RCPTS_MAX];

static struct delivery_envelope
example(struct envelope_rcpt rcpts[2])
{
	rcpts[0] = (struct envelope_rcpt){S("a@b.example"), S("rfc822;a@b.example"), 3};
	rcpts[1] = (struct envelope_rcpt){S("postmaster"), SLICE_NONE, 0};
	return (struct delivery_envelope){.service = SERVICE_SUBMISSION,
		.client_ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = 7},
		.tls = true,
		.eight_bit = true,
		.language = LANGUAGE_FRENCH,
		.body = SMTP_BODY_8BITMIME,
		.ret = SMTP_RET_HDRS,
		.ticket = {1, 2, 3},
		.hold_until = 1795299183,
		.hold_id = {4, 5},
		.helo = S("client.example"),
		.received = S("Received: from x\r\n"),
		.from = S("me@c.example"),
		.envid = S("id+2B1"),
		.n_rcpts = 2,
		.rcpts = rcpts};
}

static void
round_trip(void)
{
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(ENVELOPE_MAX), again = BUF_INIT(ENVELOPE_MAX);
	struct envelope_rcpt rcpts[2];
	struct delivery_envelope e = example(rcpts), d = {.rcpts = room};

	CHECK_INT(delivery_envelope_encode(&bytes, &e), 0);
	CHECK_INT(delivery_envelope_decode(buf_slice(&bytes), &d), 0);
	CHECK_INT(d.service, SERVICE_SUBMISSION);
	CHECK(d.tls && d.eight_bit && !d.smtputf8);
	CHECK_INT(d.language, LANGUAGE_FRENCH);
	CHECK(memcmp(d.client_ip, e.client_ip, 16) == 0 && memcmp(d.ticket, e.ticket, 16) == 0);
	CHECK(d.hold_until == e.hold_until && memcmp(d.hold_id, e.hold_id, 16) == 0);
	CHECK_SLICE(d.helo, e.helo);
	CHECK_SLICE(d.received, e.received);
	CHECK_SLICE(d.from, e.from);
	CHECK_SLICE(d.envid, e.envid);
	CHECK_INT(d.n_rcpts, 2);
	CHECK_SLICE(d.rcpts[0].orcpt, rcpts[0].orcpt);
	CHECK_SLICE(d.rcpts[1].address, S("postmaster"));
	CHECK_INT(delivery_envelope_encode(&again, &d), 0);
	CHECK_SLICE(buf_slice(&again), buf_slice(&bytes));
}

static void
truncated_or_longer(void)
{
	CLEANUP(buf_done) struct buf bytes = BUF_INIT(ENVELOPE_MAX);
	struct envelope_rcpt rcpts[2];
	struct delivery_envelope e = example(rcpts);

	CHECK_INT(delivery_envelope_encode(&bytes, &e), 0);
	for (size_t n = 0; n < bytes.len; n++) {
		struct delivery_envelope d = {.rcpts = room};
		CHECK_INT(delivery_envelope_decode(slice_new(bytes.ptr, n), &d), LL_ERR_SYNTAX);
		CHECK(d.rcpts == room && d.n_rcpts == 0); /* untouched */
	}
	buf_putc(&bytes, 0);
	CHECK_INT(delivery_envelope_decode(
			  buf_slice(&bytes), &(struct delivery_envelope){.rcpts = room}),
		LL_ERR_SYNTAX);
}

static void
hostile_numbers(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changed[] = {
		{0, SERVICES}, /* the service */
		{17, LANGUAGES << 3}, /* flags, and above them the language */
		{18, SMTP_BODY_BINARYMIME + 1},
		{19, SMTP_RET_HDRS + 1},
	};
	struct envelope_rcpt rcpts[2];
	struct delivery_envelope e = example(rcpts);

	for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
		CLEANUP(buf_done) struct buf bytes = BUF_INIT(ENVELOPE_MAX);
		CHECK_INT(delivery_envelope_encode(&bytes, &e), 0);
		bytes.ptr[changed[i].at] = changed[i].value;
		CHECK_INT(delivery_envelope_decode(
				  buf_slice(&bytes), &(struct delivery_envelope){.rcpts = room}),
			LL_ERR_SYNTAX);
	}
	e.n_rcpts = 0;
	{
		CLEANUP(buf_done) struct buf bytes = BUF_INIT(ENVELOPE_MAX);
		CHECK_INT(delivery_envelope_encode(&bytes, &e), 0);
		buf_truncate(&bytes, bytes.len - 1);
		buf_put_varint(&bytes, ENVELOPE_RCPTS_MAX + 1);
		CHECK_INT(delivery_envelope_decode(
				  buf_slice(&bytes), &(struct delivery_envelope){.rcpts = room}),
			LL_ERR_LIMIT);
	}
}

T_MAIN(T(round_trip), T(truncated_or_longer), T(hostile_numbers))
