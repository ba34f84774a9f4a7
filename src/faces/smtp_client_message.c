/* One message of the client dialogue. Commands are written as far as the peer allows (RFC 2920),
 * their replies come back in the same order: RSET, MAIL, each RCPT, DATA; then the body and its
 * reply. */
#include "base/text.h"
#include "faces/smtp_client_priv.h"

#include <string.h>

/* Commands are written ahead up to so many octets of output. */
#define AHEAD_MAX ((size_t)65536)
/* What is kept of each reply, for the queue and for reports. */
#define RESULT_TEXT_MAX ((size_t)1024)

/* ---- Results ---- */

/* At most RESULT_TEXT_MAX octets, not cut inside a character. */
static struct slice
short_text(struct slice text)
{
	size_t n = MIN(text.len, RESULT_TEXT_MAX);

	while (n && n < text.len && (text.ptr[n] & 0xc0) == 0x80)
		n--;
	return slice_sub(text, 0, n);
}

struct smtp_client_result
smtp_client_reply_result(struct smtp_client *c, struct arena *a)
{
	const struct smtp_reply *reply = &c->reply;
	struct smtp_client_result r = {.code = reply->code};

	r.outcome = reply->code / 100 == 2 ? SMTP_OUTCOME_SENT
		: reply->code / 100 == 5   ? SMTP_OUTCOME_PERMANENT
					   : SMTP_OUTCOME_TEMPORARY;
	memcpy(r.enhanced, reply->enhanced, sizeof(r.enhanced));
	if (!r.enhanced[0])
		r.enhanced[0] = reply->code / 100 == 3 ? 4 : reply->code / 100;
	if (a)
		r.text = arena_dup(a, short_text(buf_slice(&reply->text)));
	return r;
}

static struct smtp_client_result
local_result(uint16_t subject, uint16_t detail, const char *text)
{
	return (struct smtp_client_result){.outcome = SMTP_OUTCOME_PERMANENT,
		.local = true,
		.enhanced = {5, subject, detail},
		.text = slice_str(text)};
}

static void
decide(struct smtp_client *c, uint32_t i, const struct smtp_client_result *result)
{
	c->slots[i].result = *result;
	c->slots[i].state = SMTP_RCPT_DECIDED;
}

void
smtp_client_decide_open(struct smtp_client *c, const struct smtp_client_result *result)
{
	for (uint32_t i = 0; i < c->slot_count; i++)
		if (c->slots[i].state != SMTP_RCPT_DECIDED)
			decide(c, i, result);
}

bool
smtp_client_in_message(const struct smtp_client *c)
{
	return c->phase >= SMTP_PHASE_RSET && c->phase <= SMTP_PHASE_END;
}

static void
finish(struct smtp_client *c)
{
	c->done_due = true;
	c->phase = SMTP_PHASE_READY;
}

/* ---- What the peer cannot take ---- */

static bool
offers(const struct smtp_client *c, unsigned flags)
{
	return (c->caps.flags & flags) == flags;
}

/* Nothing in a command may end its line; addresses were checked when they came in, this is the
 * last door. */
static bool
has_space(struct slice s)
{
	return slice_find_byte(s, ' ') != SLICE_NPOS || has_controls(s);
}

/* Why none of the recipients can have it from this peer; outcome SENT: they can. */
static struct smtp_client_result
whole_refusal(const struct smtp_client *c)
{
	const struct smtp_client_message *m = &c->message;

	if (has_controls(m->from) || has_space(m->envid))
		return local_result(1, 7, "bad sender address");
	if (c->caps.size && m->size > c->caps.size)
		return local_result(3, 4, "the message is bigger than the receiving host takes");
	if ((m->smtputf8 || !is_ascii(m->from)) && !offers(c, SMTP_CAP_SMTPUTF8))
		return local_result(6, 7, "the receiving host takes no SMTPUTF8 messages");
	if (m->binary && !offers(c, SMTP_CAP_CHUNKING | SMTP_CAP_BINARYMIME))
		return local_result(6, 3, "the receiving host takes no BINARYMIME messages");
	if (m->eight_bit && !m->binary && !offers(c, SMTP_CAP_8BITMIME))
		return local_result(6, 3, "the receiving host takes no 8BITMIME messages");
	return (struct smtp_client_result){.outcome = SMTP_OUTCOME_SENT};
}

static void
check_rcpt(struct smtp_client *c, uint32_t i)
{
	static const struct smtp_client_result later = {
		.outcome = SMTP_OUTCOME_UNTRIED, .local = true, .enhanced = {4, 5, 3}};
	const struct smtp_client_rcpt *r = &c->message.rcpts[i];
	struct smtp_client_result bad = local_result(1, 3, "bad recipient address");

	if (!r->address.len || has_controls(r->address) || has_space(r->orcpt)) {
		decide(c, i, &bad);
	} else if (!is_ascii(r->address) && !offers(c, SMTP_CAP_SMTPUTF8)) {
		bad = local_result(6, 7, "the receiving host takes no SMTPUTF8 addresses");
		decide(c, i, &bad);
	} else if (c->caps.rcpt_max && i >= c->caps.rcpt_max) {
		decide(c, i, &later);
	} else if (!is_ascii(r->address)) {
		c->utf8 = true;
	}
}

/* Decides without the peer what can be, and lists the rest to be sent. */
static void
check_all(struct smtp_client *c)
{
	struct smtp_client_result bad = whole_refusal(c);

	if (bad.outcome != SMTP_OUTCOME_SENT)
		smtp_client_decide_open(c, &bad);
	for (uint32_t i = 0; i < c->slot_count; i++) {
		if (c->slots[i].state == SMTP_RCPT_OPEN)
			check_rcpt(c, i);
		if (c->slots[i].state == SMTP_RCPT_OPEN)
			c->todo[c->todo_count++] = i;
	}
}

/* Everything of the last message is forgotten. */
static int
begin(struct smtp_client *c, const struct smtp_client_message *message)
{
	arena_reset(&c->arena);
	c->slot_count = c->todo_count = 0;
	c->slots = ARENA_ARRAY(&c->arena, struct smtp_client_slot, message->rcpt_count);
	c->todo = ARENA_ARRAY(&c->arena, uint32_t, message->rcpt_count);
	if (!c->slots || !c->todo)
		return LL_ERR_NOMEM;
	c->slot_count = message->rcpt_count;
	c->message = *message;
	c->utf8 = message->smtputf8 || !is_ascii(message->from);
	c->chunked = message->binary || (offers(c, SMTP_CAP_CHUNKING) && !c->config.no_chunking);
	c->mail_written = c->data_written = c->mail_refused = false;
	c->stuffing = (struct smtp_stuffing){.begun = false};
	c->rcpt_written = c->rcpt_answered = c->accepted = 0;
	c->given = 0;
	c->check = (struct smtp_data){.size = 0};
	return LL_OK;
}

int
smtp_client_send(struct smtp_client *c, const struct smtp_client_message *message)
{
	int err;

	if (c->phase != SMTP_PHASE_READY || c->done_due || !message->rcpt_count)
		return LL_ERR_STATE;
	err = begin(c, message);
	if (err)
		return err;
	check_all(c);
	c->phase = SMTP_PHASE_MAIL;
	if (!c->todo_count) {
		finish(c);
	} else if (c->in_transaction) {
		buf_puts(&c->out, "RSET\r\n");
		c->phase = SMTP_PHASE_RSET;
	}
	return LL_OK;
}

/* ---- Commands out ---- */

static void
write_mail(struct smtp_client *c)
{
	const struct smtp_client_message *m = &c->message;

	buf_puts(&c->out, "MAIL FROM:<");
	buf_put(&c->out, m->from);
	buf_putc(&c->out, '>');
	if (offers(c, SMTP_CAP_SIZE))
		buf_printf(&c->out, " SIZE=%llu", (unsigned long long)m->size);
	if (m->binary)
		buf_puts(&c->out, " BODY=BINARYMIME");
	else if (m->eight_bit)
		buf_puts(&c->out, " BODY=8BITMIME");
	if (c->utf8)
		buf_puts(&c->out, " SMTPUTF8");
	if (offers(c, SMTP_CAP_DSN) && m->ret != SMTP_RET_NONE)
		buf_puts(&c->out, m->ret == SMTP_RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (offers(c, SMTP_CAP_DSN) && m->envid.len) {
		buf_puts(&c->out, " ENVID=");
		buf_put(&c->out, m->envid);
	}
	buf_put(&c->out, S("\r\n"));
	c->mail_written = true;
}

static void
write_notify(struct smtp_client *c, unsigned notify)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{SMTP_NOTIFY_NEVER, "NEVER"},
		{SMTP_NOTIFY_SUCCESS, "SUCCESS"},
		{SMTP_NOTIFY_FAILURE, "FAILURE"},
		{SMTP_NOTIFY_DELAY, "DELAY"},
	};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (notify & names[i].flag) {
			buf_puts(&c->out, before);
			buf_puts(&c->out, names[i].name);
			before = ",";
		}
}

static void
write_rcpt(struct smtp_client *c, const struct smtp_client_rcpt *r)
{
	buf_puts(&c->out, "RCPT TO:<");
	buf_put(&c->out, r->address);
	buf_putc(&c->out, '>');
	if (offers(c, SMTP_CAP_DSN)) {
		write_notify(c, r->notify);
		if (r->orcpt.len) {
			buf_puts(&c->out, " ORCPT=");
			buf_put(&c->out, r->orcpt);
		}
	}
	buf_put(&c->out, S("\r\n"));
}

static bool
pipelining(const struct smtp_client *c)
{
	return offers(c, SMTP_CAP_PIPELINING);
}

/* May the next RCPT be written? Without PIPELINING only after the last reply. */
static bool
may_write_rcpt(const struct smtp_client *c)
{
	if (c->rcpt_written == c->todo_count || c->mail_refused)
		return false;
	if (!pipelining(c))
		return c->phase == SMTP_PHASE_RCPT && c->rcpt_answered == c->rcpt_written;
	return c->out.len - c->sent < AHEAD_MAX;
}

static void
write_data(struct smtp_client *c)
{
	buf_puts(&c->out, "DATA\r\n");
	c->data_written = true;
}

static void
write_envelope(struct smtp_client *c)
{
	if (!c->mail_written && (pipelining(c) || c->phase == SMTP_PHASE_MAIL))
		write_mail(c);
	while (may_write_rcpt(c))
		write_rcpt(c, &c->message.rcpts[c->todo[c->rcpt_written++]]);
	/* RFC 2920 section 3.1: DATA may be the last of a group. */
	if (pipelining(c) && !c->chunked && !c->data_written && !c->mail_refused &&
		c->rcpt_written == c->todo_count)
		write_data(c);
}

/* All recipients have their answer: is there a body to send? */
static void
end_envelope(struct smtp_client *c)
{
	if (c->data_written) {
		c->phase = SMTP_PHASE_DATA;
	} else if (!c->accepted) {
		finish(c);
	} else if (c->chunked) {
		buf_printf(&c->out, "BDAT %llu LAST\r\n", (unsigned long long)c->message.size);
		c->phase = SMTP_PHASE_BODY;
	} else {
		write_data(c);
		c->phase = SMTP_PHASE_DATA;
	}
}

void
smtp_client_pump(struct smtp_client *c)
{
	if (c->phase <= SMTP_PHASE_RCPT)
		write_envelope(c);
	if (c->phase == SMTP_PHASE_RCPT && c->rcpt_answered == c->rcpt_written &&
		(c->mail_refused || c->rcpt_written == c->todo_count))
		end_envelope(c);
	if (c->phase == SMTP_PHASE_BODY && c->given == c->message.size) {
		if (!c->chunked)
			smtp_data_stuff_end(&c->stuffing, &c->out);
		c->phase = SMTP_PHASE_END;
	}
}

/* ---- Replies in ---- */

/* 421 ends the connection anywhere, 3xx is an answer to DATA only. True: dealt with. */
static bool
unfit(struct smtp_client *c)
{
	if (c->reply.code == 421)
		smtp_client_fail_reply(c);
	else if (c->reply.code / 100 == 3)
		smtp_client_fail(c, SMTP_OUTCOME_TEMPORARY, "the peer's replies are out of order");
	else
		return false;
	return true;
}

void
smtp_client_on_rset(struct smtp_client *c)
{
	if (unfit(c))
		return;
	if (c->reply.code / 100 != 2) {
		smtp_client_fail_reply(c);
		return;
	}
	c->in_transaction = false;
	c->phase = SMTP_PHASE_MAIL;
}

void
smtp_client_on_mail(struct smtp_client *c)
{
	struct smtp_client_result r;

	if (unfit(c))
		return;
	c->phase = SMTP_PHASE_RCPT;
	if (c->reply.code / 100 == 2) {
		c->in_transaction = true;
		return;
	}
	c->mail_refused = true;
	r = smtp_client_reply_result(c, &c->arena);
	smtp_client_decide_open(c, &r);
}

void
smtp_client_on_rcpt(struct smtp_client *c)
{
	struct smtp_client_result r;
	uint32_t i;

	if (unfit(c))
		return;
	if (c->rcpt_answered == c->rcpt_written) {
		smtp_client_fail(c, SMTP_OUTCOME_TEMPORARY, "the peer answers more than was asked");
		return;
	}
	i = c->todo[c->rcpt_answered++];
	if (c->slots[i].state == SMTP_RCPT_DECIDED) /* MAIL was refused */
		return;
	if (c->reply.code / 100 == 2) {
		c->slots[i].state = SMTP_RCPT_ACCEPTED;
		c->accepted++;
		return;
	}
	r = smtp_client_reply_result(c, &c->arena);
	if (r.code == 452 && c->accepted) /* RFC 5321 section 4.5.3.1.10 */
		r.outcome = SMTP_OUTCOME_UNTRIED;
	decide(c, i, &r);
}

void
smtp_client_on_data(struct smtp_client *c)
{
	struct smtp_client_result r;

	if (c->reply.code == 354) {
		c->phase = SMTP_PHASE_BODY;
		if (c->accepted)
			return;
		/* RFC 2920 section 3.1: nobody is to have it, so nothing is sent. */
		smtp_data_stuff_end(&c->stuffing, &c->out);
		c->phase = SMTP_PHASE_END;
		return;
	}
	if (unfit(c))
		return;
	if (c->reply.code / 100 == 2) {
		smtp_client_fail(c, SMTP_OUTCOME_TEMPORARY, "the peer's replies are out of order");
		return;
	}
	r = smtp_client_reply_result(c, &c->arena);
	smtp_client_decide_open(c, &r);
	finish(c);
}

/* A reply before the body is complete: the dialogue cannot go on, but the words count. */
void
smtp_client_on_early(struct smtp_client *c)
{
	struct smtp_client_result r = smtp_client_reply_result(c, &c->arena);

	if (c->reply.code < 400) {
		smtp_client_fail(c, SMTP_OUTCOME_TEMPORARY, "the peer's replies are out of order");
		return;
	}
	smtp_client_decide_open(c, &r);
	smtp_client_fail_reply(c);
}

void
smtp_client_on_end(struct smtp_client *c)
{
	struct smtp_client_result r;

	if (unfit(c))
		return;
	r = smtp_client_reply_result(c, &c->arena);
	smtp_client_decide_open(c, &r);
	c->in_transaction = false;
	finish(c);
}
