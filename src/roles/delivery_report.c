/* Reports that a message was delivered here, for senders who asked for them (RFC 3461
 * section 5.2.2, NOTIFY=SUCCESS). A report is a message of its own, made once the mailboxes have
 * theirs. */
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "faces/smtp_param.h"
#include "os/clock.h"
#include "roles/deliver_send.h"
#include "roles/delivery.h"

#define REPORT_MAX ((size_t)1 << 20)

/* Recipients in a mailbox of ours who want it told; each once. */
static size_t
collect(const struct job *j, struct report_recipient *out)
{
	size_t n = 0;
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < j->targets.len; i++) {
		const struct target *t = &j->targets.at[i];
		const struct envelope_rcpt *r = &j->envelope.rcpts[t->rcpt];
		if (!t->local || t->rcpt == last || !(r->notify & SMTP_NOTIFY_SUCCESS))
			continue;
		last = t->rcpt;
		out[n++] = (struct report_recipient){.action = REPORT_DELIVERED,
			.original = r->orcpt,
			.final = r->address,
			.status = S("2.1.5")};
	}
	return n;
}

int
job_start_own(struct slice to, struct slice message, bool smtputf8)
{
	CLEANUP(buf_done) struct buf payload = BUF_INIT(ENVELOPE_MAX + REPORT_MAX);
	struct envelope_rcpt rcpt = {.address = to, .notify = SMTP_NOTIFY_NEVER};
	struct delivery_envelope env = {
		.service = SERVICE_INTERNAL, .n_rcpts = 1, .rcpts = &rcpt, .smtputf8 = smtputf8};
	struct msg_deliver m = {.body_len = message.len};
	int r = delivery_envelope_encode(&payload, &env);

	m.envelope_len = payload.len;
	if (r == LL_OK)
		r = buf_put(&payload, message);
	m.payload = buf_slice(&payload);
	if (r == LL_OK)
		job_start(NULL, &m, -1);
	return r;
}

void
job_report_delivered(const struct job *j)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(REPORT_MAX);
	CLEANUP(buf_done) struct buf out = BUF_INIT(REPORT_MAX), envid = BUF_INIT(SMTP_ENVID_MAX);
	struct report rep = {.reporting_host = slice_str(dv.env->config.hostname),
		.sender = j->envelope.from,
		.language = j->envelope.language,
		.now = clock_unix(),
		.arrival = clock_unix(),
		.returned = buf_slice(&j->message),
		.how = REPORT_RETURN_HEADERS,
		.utf8 = j->envelope.smtputf8 || !is_ascii(j->envelope.from)};
	struct report_recipient *rcpts;
	int r = LL_ERR_NOMEM;

	/* Never about a report (RFC 5321 section 4.5.5). */
	if (j->envelope.from.len == 0 || j->targets.len == 0)
		return;
	rcpts = ARENA_ARRAY(&arena, struct report_recipient, j->targets.len);
	rep.recipients = rcpts;
	rep.recipients_len = rcpts ? collect(j, rcpts) : 0;
	if (rcpts && rep.recipients_len == 0)
		return;
	if (smtp_xtext_decode(&envid, j->envelope.envid) == LL_OK)
		rep.envelope_id = buf_slice(&envid);
	if (rcpts)
		r = deliver_report_build(&out, &rep);
	if (r == LL_OK)
		r = job_start_own(j->envelope.from, buf_slice(&out), j->envelope.smtputf8);
	if (r)
		log_warn("report", "error=%s", log_quote(slice_str(ll_strerror(r))));
}
