/* Letters leave a session over one channel to delivery, one at a time: the caller waits for the
 * answer, because what a client is told must be so. Nothing else is read meanwhile. */
#include "roles/session_out.h"
#include "base/error.h"
#include "os/clock.h"
#include "roles/deliver_send.h"
#include "roles/delivery_envelope.h"
#include "roles/session.h"

#include <string.h>

#define ANSWER_MS 70000 /* delivery gives up after 60 s itself */

static struct {
	struct ipc_channel *channel;
	uint8_t ticket[16];
	bool lost;
	uint64_t id; /* of the request under way */
	bool answered;
	struct outbound_answer *answer;
	int cancelled;
} out;

static void
on_message(void *ctx, struct ipc_channel *c, const struct msg *m, int fd)
{
	fd_close(&fd);
	if (m->kind == MSG_KIND_DELIVER_RESULT && m->deliver_result.id == out.id && out.answer) {
		out.answer->code = m->deliver_result.code;
		memcpy(out.answer->text, m->deliver_result.text.ptr, m->deliver_result.text.len);
		out.answer->text[m->deliver_result.text.len] = 0;
		out.answered = true;
	} else if (m->kind == MSG_KIND_HELD_CANCELLED && m->held_cancelled.id == out.id) {
		out.cancelled = -(int)m->held_cancelled.err;
		out.answered = true;
	}
}

static void
on_gone(void *ctx, struct ipc_channel *c, int err)
{
	out.lost = true;
}

static void
drop_channel(void)
{
	ipc_free(TAKE(out.channel));
	out.lost = false;
}

void
session_out_open(const struct msg_session_out *m, int fd)
{
	struct ipc_options o = {ROLE_SESSION, ROLE_DELIVERY, on_message, on_gone, NULL};

	drop_channel();
	memcpy(out.ticket, m->ticket, sizeof(out.ticket));
	out.channel = ipc_new(NULL, fd, &o);
}

/* Until the answer to out.id is there. A late one must not be taken for another's. */
static int
wait_for_answer(void)
{
	int64_t deadline = clock_ms() + ANSWER_MS;
	int r = LL_OK;

	while (!out.answered && r == LL_OK)
		r = out.lost ? LL_ERR_CLOSED : ipc_pump(out.channel, deadline);
	if (r)
		drop_channel();
	return r;
}

static void
begin_request(struct outbound_answer *answer)
{
	out.id++;
	out.answered = false;
	out.answer = answer;
}

static int
encode(const struct outbound_letter *letter, struct buf *ret)
{
	static struct envelope_rcpt rcpts[OUTBOUND_RCPTS_MAX];
	struct delivery_envelope e = {.service = SERVICE_SESSION,
		.tls = true,
		.eight_bit = true,
		.body = SMTP_BODY_8BITMIME,
		.smtputf8 = true,
		.ret = letter->ret,
		.from = letter->from,
		.envid = letter->envid,
		.hold_until = MAX(letter->hold_until, (int64_t)0),
		.n_rcpts = letter->n_rcpts,
		.rcpts = rcpts};

	if (letter->n_rcpts > OUTBOUND_RCPTS_MAX)
		return LL_ERR_LIMIT;
	memcpy(e.ticket, out.ticket, sizeof(e.ticket));
	memcpy(e.hold_id, letter->hold_id, sizeof(e.hold_id));
	for (uint32_t i = 0; i < letter->n_rcpts; i++)
		rcpts[i] = (struct envelope_rcpt){.address = letter->rcpts[i].address,
			.orcpt = letter->rcpts[i].orcpt,
			.notify = letter->rcpts[i].notify};
	return delivery_envelope_encode(ret, &e);
}

static int
out_send(void *ctx, const struct outbound_letter *letter, struct outbound_answer *ret)
{
	CLEANUP(buf_done) struct buf envelope = BUF_INIT(ENVELOPE_MAX);
	struct outbound_answer answer = {0};
	struct msg_deliver m;
	int r = out.channel ? encode(letter, &envelope) : LL_ERR_CLOSED;

	if (r)
		return r;
	begin_request(&answer);
	m = (struct msg_deliver){.id = out.id};
	r = deliver_send(out.channel, &m, buf_slice(&envelope), letter->message);
	if (r == LL_OK)
		r = wait_for_answer();
	out.answer = NULL;
	if (r == LL_OK)
		*ret = answer;
	return r;
}

static int
out_cancel(void *ctx, const uint8_t hold_id[OUTBOUND_HOLD_ID_LEN])
{
	struct msg_held_cancel m = {0};
	int r;

	if (!out.channel)
		return LL_ERR_CLOSED;
	begin_request(NULL);
	m.id = out.id;
	memcpy(m.hold, hold_id, sizeof(m.hold));
	r = ipc_send_held_cancel(out.channel, &m, -1);
	if (r == LL_OK)
		r = wait_for_answer();
	return r ? r : out.cancelled;
}

static int
out_vacation(void *ctx, const struct outbound_vacation *notice)
{
	struct msg_session_vacation m = {.on = notice->on,
		.start = (uint64_t)MAX(notice->start, (int64_t)0),
		.end = (uint64_t)MAX(notice->end, (int64_t)0),
		.subject = notice->subject,
		.text = notice->text,
		.html = notice->html};

	return session_set_vacation(&m);
}

const struct outbound session_outbound = {
	.send = out_send, .cancel = out_cancel, .vacation = out_vacation};
