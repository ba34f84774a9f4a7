/* Reports to senders (RFC 3464). A report is in delivery's hands, durably, before the entry says
 * that it was made. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "faces/smtp_param.h"
#include "os/clock.h"
#include "roles/deliver_send.h"
#include "roles/delivery_envelope.h"
#include "roles/relay.h"

#define REPORT_ARENA ((size_t)4 << 20)
#define RETURN_MAX ((size_t)4 << 20) /* messages above are given back as their header */
#define RETRY_MS 5000
#define ANSWER_MS 120000 /* delivery has answered by then, or never will */

static uint64_t
report_id(const struct entry *en)
{
	return be64_get(en->id + 8);
}

static struct entry *
find_report(uint64_t id)
{
	size_t pos = 0;
	void *value;

	while (map_next(rl.entries, &pos, NULL, &value))
		if (report_id(value) == id && ((struct entry *)value)->reporting)
			return value;
	return NULL;
}

/* All recipients that are owed a report now, in one message. */
static int
build(struct entry *en, struct arena *arena, struct slice original, bool full, struct buf *out)
{
	struct report_recipient *rcpts =
		ARENA_ARRAY(arena, struct report_recipient, en->e.rcpt_count);
	CLEANUP(buf_done) struct buf envid = BUF_INIT(SMTP_ENVID_MAX);
	struct report rep = {.reporting_host = slice_str(rl.env->config.hostname),
		.sender = en->e.sender,
		.language = en->e.language,
		.arrival = en->e.arrived,
		.now = en->report_now,
		.recipients = rcpts,
		.returned = original,
		.how = full ? REPORT_RETURN_FULL : REPORT_RETURN_HEADERS,
		.utf8 = en->e.smtputf8 || !is_ascii(en->e.sender)};

	if (!rcpts)
		return LL_ERR_NOMEM;
	for (uint32_t i = 0; i < en->e.rcpt_count; i++) {
		enum queue_report due = queue_report_due(&en->e, i, rep.now);
		if (due != QUEUE_REPORT_NONE &&
			queue_report_recipient(&en->e, i, due, arena, &rcpts[rep.recipients_len++]))
			return LL_ERR_NOMEM;
	}
	if (smtp_xtext_decode(&envid, en->e.envid) == LL_OK)
		rep.envelope_id = buf_slice(&envid);
	return deliver_report_build(out, &rep);
}

static int
hand_over(struct entry *en, struct slice report)
{
	CLEANUP(buf_done) struct buf envelope = BUF_INIT(IPC_PAYLOAD_MAX);
	struct ipc_channel *delivery = role_peer(rl.env, ROLE_DELIVERY, 0);
	struct envelope_rcpt rcpt = {.address = en->e.sender, .notify = SMTP_NOTIFY_NEVER};
	struct delivery_envelope env = {.service = SERVICE_INTERNAL,
		.n_rcpts = 1,
		.rcpts = &rcpt,
		.smtputf8 = en->e.smtputf8};
	struct msg_deliver m = {.id = report_id(en)};
	int r = delivery_envelope_encode(&envelope, &env);

	if (r || !delivery)
		return r ? r : LL_ERR_CLOSED;
	return deliver_send(delivery, &m, buf_slice(&envelope), report);
}

/* The whole message goes back where it was asked for, if it is not too large to be welcome. */
static int
make(struct entry *en, struct buf *out)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(REPORT_ARENA);
	CLEANUP(buf_done) struct buf original = BUF_INIT(STORE_BLOB_MAX);
	int r = relay_entry_body(en, &original);

	/* A message that is lost or spoilt cannot be given back, but it can be spoken of. */
	if (r == LL_ERR_NOTFOUND || r == LL_ERR_CORRUPT || r == LL_ERR_AUTH) {
		log_error("queue-body", "error=%s", log_quote(slice_str(ll_strerror(r))));
		buf_reset(&original);
		r = LL_OK;
	}
	return r ? r
		 : build(en, &arena, buf_slice(&original),
			   en->e.ret == SMTP_RET_FULL && original.len <= RETURN_MAX, out);
}

/* What was due is done. */
static void
mark_told(struct entry *en)
{
	for (uint32_t i = 0; i < en->e.rcpt_count; i++) {
		enum queue_report due = queue_report_due(&en->e, i, en->report_now);
		if (due != QUEUE_REPORT_NONE)
			queue_reported(&en->e, i, due);
	}
}

void
relay_report(struct entry *en)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(RETURN_MAX + REPORT_ARENA);
	bool due = false;
	int r;

	for (uint32_t i = 0; i < en->e.rcpt_count; i++)
		due = due || queue_report_due(&en->e, i, clock_unix()) != QUEUE_REPORT_NONE;
	if (!due || en->reporting)
		return;
	en->report_now = clock_unix();
	r = make(en, &out);
	if (r == LL_OK)
		r = hand_over(en, buf_slice(&out));
	en->reporting = r == LL_OK;
	en->report_sent = clock_ms();
	if (r)
		log_error("report", "error=%s", log_quote(slice_str(ll_strerror(r))));
	if (r == LL_ERR_SYNTAX) {
		mark_told(en);
		en->dirty = true;
	}
	relay_entry_wake(en, r ? RETRY_MS : ANSWER_MS);
}

bool
relay_report_lost(const struct entry *en)
{
	return clock_ms() - en->report_sent >= ANSWER_MS;
}

void
relay_report_done(const struct msg_deliver_result *m)
{
	struct entry *en = find_report(m->id);

	if (!en)
		return;
	en->reporting = false;
	if (m->code != 250 && m->code / 100 != 5) {
		relay_entry_wake(en, RETRY_MS);
		return;
	}
	/* A sender who does not exist any more cannot be told; nothing is gained by trying for
	 * ever. */
	if (m->code != 250)
		log_warn("report-refused", "code=%u", m->code);
	rl.reports++;
	mark_told(en);
	relay_entry_settle(en);
}
