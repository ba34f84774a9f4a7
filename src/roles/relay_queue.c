/* Entries of the queue: each is tried when its time has come, its recipients' results are written
 * back, and its sender hears of what failed. A report is in delivery's hands, durably, before the
 * entry says that it was made. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "os/clock.h"
#include "roles/delivery_envelope.h"
#include "roles/relay.h"
#include "store/service.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_ARENA ((size_t)4 << 20)
#define RETRY_MS 5000 /* when something of ours was not there */
#define SIGNATURES_MAX ((size_t)16 << 10)

static void entry_due(void *ctx);
static void entry_settle(struct entry *en);

static void
entry_free(struct entry *en)
{
	(void)map_del(rl.entries, slice_new(en->id, sizeof(en->id)));
	loop_timer_stop(rl.env->loop, &en->timer);
	queue_wipe(&en->e);
	buf_wipe(&en->plain);
	buf_done(&en->message);
	arena_done(&en->arena);
	free(en->tried);
	free(en);
}

static void
wake_in(struct entry *en, int64_t ms)
{
	if (loop_timer_set(rl.env->loop, &en->timer, ms, entry_due, en))
		log_error("queue", "error=%s", "memory");
}

static void
schedule(struct entry *en)
{
	int64_t at = queue_wake(&en->e), now = clock_unix();

	wake_in(en, at <= now ? 0 : MIN(at - now, (int64_t)86400) * 1000);
}

/* --- loading --- */

static int
load_row(void *ctx, struct slice key, struct slice value)
{
	struct slice id = slice_skip(key, sizeof(QUEUE_ENTRY_PREFIX) - 1);
	struct entry *en;
	int r;

	if (id.len != RECORD_ID_LEN || map_get(rl.entries, id))
		return LL_OK;
	en = calloc(1, sizeof(*en));
	if (!en)
		return LL_ERR_NOMEM;
	memcpy(en->id, id.ptr, RECORD_ID_LEN);
	en->arena = ARENA_INIT(ENTRY_ARENA);
	en->plain = BUF_INIT(STORE_VALUE_MAX);
	r = queue_entry_open(rl.opener, en->id, value, &en->plain, &en->arena, &en->e);
	if (r == LL_OK)
		r = map_set(rl.entries, id, en, NULL);
	if (r) {
		log_error("queue-entry", "error=%s", log_quote(slice_str(ll_strerror(r))));
		entry_free(en);
		return LL_OK; /* the others go on */
	}
	schedule(en);
	return LL_OK;
}

void
relay_queue_scan(void)
{
	int r = rl.store ? store_each(rl.store, store_queue, S(QUEUE_ENTRY_PREFIX), load_row, NULL)
			 : LL_ERR_CLOSED;

	if (r)
		log_error("queue-scan", "error=%s", log_quote(slice_str(ll_strerror(r))));
}

void
relay_queue_restart(void)
{
	size_t pos = 0;
	void *value;

	while (map_next(rl.entries, &pos, NULL, &value)) {
		struct entry *en = value;
		en->reporting = false;
		if (!en->busy)
			wake_in(en, RETRY_MS);
	}
}

/* --- writing back --- */

struct pending {
	uint8_t id[RECORD_ID_LEN];
};

static void
written(void *ctx, int err, uint64_t version)
{
	struct pending *p = ctx;
	struct entry *en = map_get(rl.entries, slice_new(p->id, sizeof(p->id)));

	free(p);
	if (err)
		log_error("queue-write", "error=%s", log_quote(slice_str(ll_strerror(err))));
	if (!en)
		return;
	if (err)
		wake_in(en, RETRY_MS);
	else
		schedule(en);
}

static struct record_sender *
queue_sender(void)
{
	uint64_t now = (uint64_t)clock_ms();

	if (!rl.sender)
		return record_sender_new(rl.queue_public, now, &rl.sender) ? NULL : rl.sender;
	return record_sender_fresh(rl.sender, now) || record_sender_renew(rl.sender, now) == LL_OK
		? rl.sender
		: NULL;
}

static void
commit_entry(struct entry *en, bool delete)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	struct pending *p = calloc(1, sizeof(*p));
	struct record_sender *sender = queue_sender();
	uint8_t key[QUEUE_KEY_LEN];
	struct store_op ops[2];
	struct store_commit c = {
		.partition = store_queue, .expect = STORE_ANY_VERSION, .ops = ops, .n = 1};

	queue_entry_key(en->id, key);
	if (!p || !sender || !rl.store ||
		(!delete &&queue_entry_seal(sender, en->id, &en->e, &value))) {
		free(p);
		wake_in(en, RETRY_MS);
		return;
	}
	memcpy(p->id, en->id, sizeof(p->id));
	ops[0] = (struct store_op){.kind = delete ? STORE_DEL : STORE_PUT,
		.key = SLICE_OF(key),
		.value = buf_slice(&value)};
	if (delete) {
		ops[1] = (struct store_op){.kind = STORE_BLOB_DROP};
		memcpy(ops[1].blob.b, en->e.blob, sizeof(en->e.blob));
		c.n = 2;
	}
	store_commit(rl.store, &c, written, p);
	if (delete)
		entry_free(en);
}

/* --- reports --- */

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

static int
load_message(struct entry *en, struct buf *out)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_BLOB_MAX);
	struct store_id blob;
	int r;

	memcpy(blob.b, en->e.blob, sizeof(blob.b));
	r = rl.store ? store_blob_read(rl.store, store_queue, blob, 0, STORE_BLOB_MAX, &sealed)
		     : LL_ERR_CLOSED;
	return r ? r : record_blob_open(en->e.key, en->e.blob, buf_slice(&sealed), out);
}

/* All recipients that are owed a report now, in one message. */
static int
build(struct entry *en, struct arena *arena, struct slice original, struct buf *out)
{
	struct report_recipient *rcpts =
		ARENA_ARRAY(arena, struct report_recipient, en->e.rcpt_count);
	CLEANUP(buf_done) struct buf id = BUF_INIT(512), boundary = BUF_INIT(128);
	uint8_t random[16];
	struct report rep = {.reporting_host = slice_str(rl.env->config.hostname),
		.envelope_id = en->e.envid,
		.sender = en->e.sender,
		.arrival = en->e.arrived,
		.now = clock_unix(),
		.recipients = rcpts,
		.returned = original,
		.how = en->e.ret == SMTP_RET_FULL ? REPORT_RETURN_FULL : REPORT_RETURN_HEADERS,
		.utf8 = en->e.smtputf8};

	if (!rcpts)
		return LL_ERR_NOMEM;
	for (uint32_t i = 0; i < en->e.rcpt_count; i++) {
		enum queue_report due = queue_report_due(&en->e, i, rep.now);
		if (due != QUEUE_REPORT_NONE &&
			queue_report_recipient(&en->e, i, due, arena, &rcpts[rep.recipients_len++]))
			return LL_ERR_NOMEM;
	}
	randombytes_buf(random, sizeof(random));
	(void)build_message_id(&id, SLICE_OF(random), rep.reporting_host);
	randombytes_buf(random, sizeof(random));
	buf_puts(&boundary, "report-");
	(void)hex_encode(&boundary, SLICE_OF(random));
	rep.message_id = buf_slice(&id);
	rep.boundary = buf_slice(&boundary);
	buf_puts(out, "Return-Path: <>\r\n");
	return build_report(out, &rep);
}

static int
hand_over(struct entry *en, struct slice report)
{
	CLEANUP(buf_done) struct buf payload = BUF_INIT(IPC_PAYLOAD_MAX);
	struct ipc_channel *delivery = role_peer(rl.env, ROLE_DELIVERY, 0);
	struct envelope_rcpt rcpt = {.address = en->e.sender, .notify = SMTP_NOTIFY_NEVER};
	struct delivery_envelope env = {.service = SERVICE_INTERNAL,
		.n_rcpts = 1,
		.rcpts = &rcpt,
		.smtputf8 = en->e.smtputf8};
	struct msg_deliver m = {.id = report_id(en), .body_len = report.len};
	int r = delivery_envelope_encode(&payload, &env);

	m.envelope_len = payload.len;
	if (r == LL_OK)
		r = buf_put(&payload, report);
	m.payload = buf_slice(&payload);
	if (r || !delivery)
		return r ? r : LL_ERR_CLOSED;
	return ipc_send_deliver(delivery, &m, -1);
}

/* Makes the report that is due; true when one is on its way. */
static bool
report(struct entry *en)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(ENTRY_ARENA);
	CLEANUP(buf_done)
	struct buf original = BUF_INIT(STORE_BLOB_MAX),
		   out = BUF_INIT(IPC_PAYLOAD_MAX - 4096);
	bool due = false;
	int r;

	for (uint32_t i = 0; i < en->e.rcpt_count; i++)
		due = due || queue_report_due(&en->e, i, clock_unix()) != QUEUE_REPORT_NONE;
	if (!due || en->reporting)
		return due;
	r = load_message(en, &original);
	if (r == LL_OK) {
		r = build(en, &arena, buf_slice(&original), &out);
		if (r == LL_ERR_LIMIT &&
			en->e.ret == SMTP_RET_FULL) { /* too large to give back whole */
			en->e.ret = SMTP_RET_HDRS;
			buf_reset(&out);
			r = build(en, &arena, buf_slice(&original), &out);
		}
	}
	if (r == LL_OK)
		r = hand_over(en, buf_slice(&out));
	en->reporting = r == LL_OK;
	if (r) {
		log_error("report", "error=%s", log_quote(slice_str(ll_strerror(r))));
		wake_in(en, RETRY_MS);
	}
	return true;
}

void
relay_report_done(const struct msg_deliver_result *m)
{
	struct entry *en = find_report(m->id);
	int64_t now = clock_unix();

	if (!en)
		return;
	en->reporting = false;
	/* A sender who does not exist here any more cannot be told; nothing is gained by trying for
	 * ever. */
	if (m->code != 250 && m->code / 100 != 5) {
		wake_in(en, RETRY_MS);
		return;
	}
	rl.reports++;
	for (uint32_t i = 0; i < en->e.rcpt_count; i++) {
		enum queue_report due = queue_report_due(&en->e, i, now);
		if (due != QUEUE_REPORT_NONE)
			queue_reported(&en->e, i, due);
	}
	entry_settle(en);
}

/* --- rounds --- */

/* After a round, or a report: delete, report, or write back and wait. */
static void
entry_settle(struct entry *en)
{
	if (en->dropped || queue_finished(&en->e))
		commit_entry(en, true);
	else if (!report(en))
		commit_entry(en, false);
}

static void
round_over(struct entry *en)
{
	for (uint32_t i = 0; i < en->e.rcpt_count; i++)
		rl.deferred += en->e.rcpts[i].state == QUEUE_WAITING;
	queue_reschedule(&en->e, clock_unix(), randombytes_random());
	en->busy = false;
	buf_done(&en->message);
	free(en->tried);
	en->tried = NULL;
	entry_settle(en);
}

/* Hands all recipients that wait, domain by domain, to their destinations. */
static void
submit_all(struct entry *en)
{
	for (;;) {
		struct attempt *a = calloc(1, sizeof(*a));
		if (!a)
			break;
		a->entry = en;
		a->n = queue_pick(&en->e, en->tried, a->rcpts, RELAY_RCPTS_MAX);
		if (!a->n) {
			free(a);
			break;
		}
		a->domain = queue_domain(en->e.rcpts[a->rcpts[0]].address);
		en->attempts++;
		relay_dest_submit(a);
	}
}

void
relay_attempt_done(struct attempt *a)
{
	struct entry *en = a->entry;

	free(a);
	if (en->attempts == 1)
		submit_all(en); /* what the last transaction left untried */
	if (--en->attempts == 0)
		round_over(en);
}

void
relay_attempt_fail(struct attempt *a, bool permanent, const char *status, const char *text,
	struct slice remote)
{
	struct smtp_client_result r = {
		.outcome = permanent ? SMTP_OUTCOME_PERMANENT : SMTP_OUTCOME_TEMPORARY,
		.local = true,
		.text = slice_str(text)};

	r.enhanced[0] = (uint16_t)(status[0] - '0');
	r.enhanced[1] = (uint16_t)(status[2] - '0');
	r.enhanced[2] = (uint16_t)strtoul(status + 4, NULL, 10);
	for (uint32_t i = 0; i < a->n; i++)
		if (queue_note(&a->entry->e, a->rcpts[i], &r, remote, false, &a->entry->arena))
			log_warn("queue-note", "error=%s", "failed");
	rl.failed += permanent ? a->n : 0;
	log_info(permanent ? "failed" : "deferred", "domain=%s reason=%s", log_quote(a->domain),
		log_quote(slice_str(text)));
	relay_attempt_done(a);
}

static int
begin_round(struct entry *en)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_BLOB_MAX);
	int r = load_message(en, &plain);

	if (r)
		return r;
	en->message = BUF_INIT(plain.len + SIGNATURES_MAX);
	en->tried = calloc(MAX(en->e.rcpt_count, 1u), sizeof(*en->tried));
	return en->tried ? relay_sign(buf_slice(&plain), en->e.sender, &en->message) : LL_ERR_NOMEM;
}

static void
entry_due(void *ctx)
{
	struct entry *en = ctx;
	bool waiting = false;
	int r;

	if (en->busy || en->reporting)
		return;
	for (uint32_t i = 0; i < en->e.rcpt_count; i++)
		waiting = waiting || en->e.rcpts[i].state == QUEUE_WAITING;
	if (!waiting || en->dropped || en->e.next_attempt > clock_unix()) {
		if (en->dropped || queue_wake(&en->e) <= clock_unix() || queue_finished(&en->e))
			entry_settle(en);
		else
			schedule(en);
		return;
	}
	r = begin_round(en);
	if (r) {
		log_error("queue-load", "error=%s", log_quote(slice_str(ll_strerror(r))));
		buf_done(&en->message);
		free(en->tried);
		en->tried = NULL;
		wake_in(en, RETRY_MS);
		return;
	}
	en->busy = true;
	en->attempts = 1; /* this function's own */
	submit_all(en);
	if (--en->attempts == 0)
		round_over(en);
}

/* --- the operator --- */

static void
put_json_text(struct buf *out, struct slice s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			buf_printf(out, "\\u%04x", s.ptr[i]);
		else if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_printf(out, "\\%c", s.ptr[i]);
		else
			buf_putc(out, s.ptr[i]);
	}
	buf_putc(out, '"');
}

static void
list_entry(const struct entry *en, struct buf *out)
{
	static const char *const states[QUEUE_STATES] = {"waiting", "sent", "failed"};

	buf_puts(out, out->len > 1 ? ",{\"id\":\"" : "{\"id\":\"");
	(void)hex_encode(out, SLICE_OF(en->id));
	buf_puts(out, "\",\"sender\":");
	put_json_text(out, en->e.sender);
	buf_printf(out,
		",\"size\":%llu,\"arrived\":%lld,\"next_attempt\":%lld,\"tries\":%u,\"active\":%s,"
		"\"recipients\":[",
		(unsigned long long)en->e.size, (long long)en->e.arrived,
		(long long)en->e.next_attempt, en->e.tries, en->busy ? "true" : "false");
	for (uint32_t i = 0; i < en->e.rcpt_count; i++) {
		const struct queue_rcpt *r = &en->e.rcpts[i];
		buf_puts(out, i ? ",{\"address\":" : "{\"address\":");
		put_json_text(out, r->address);
		buf_printf(out, ",\"state\":\"%s\",\"code\":%u,\"status\":\"%u.%u.%u\",\"text\":",
			states[r->state], r->code, r->enhanced[0], r->enhanced[1], r->enhanced[2]);
		put_json_text(out, r->text);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}");
}

static int
list(struct buf *out)
{
	size_t pos = 0;
	void *value;

	buf_putc(out, '[');
	while (map_next(rl.entries, &pos, NULL, &value)) {
		size_t before = out->len;
		list_entry(value, out);
		if (buf_err(out) ||
			out->len >
				IPC_PAYLOAD_MAX - 64) { /* the rest does not fit: an honest end */
			out->err = 0;
			buf_truncate(out, before);
			break;
		}
	}
	return buf_putc(out, ']');
}

static int
for_entries(struct slice which, void (*act)(struct entry *))
{
	CLEANUP(buf_done) struct buf id = BUF_INIT(RECORD_ID_LEN);
	bool all = slice_eq(which, S("all"));
	size_t pos = 0, n = 0;
	void *value;

	if (!all && hex_decode(&id, which))
		return LL_ERR_SYNTAX;
	while (map_next(rl.entries, &pos, NULL, &value)) {
		struct entry *en = value;
		if (!all && !slice_eq(SLICE_OF(en->id), buf_slice(&id)))
			continue;
		act(en);
		n++;
	}
	return n || all ? LL_OK : LL_ERR_NOTFOUND;
}

static void
retry_now(struct entry *en)
{
	if (en->busy)
		return;
	en->e.next_attempt = clock_unix();
	wake_in(en, 0);
}

static void
drop(struct entry *en)
{
	en->dropped = true;
	if (!en->busy)
		wake_in(en, 0);
}

void
relay_queue_command(struct ipc_channel *c, const struct msg_queue_command *m)
{
	CLEANUP(buf_done) struct buf json = BUF_INIT(IPC_PAYLOAD_MAX);
	int r = LL_ERR_UNSUPPORTED;

	if (slice_eq(m->command, S("list")))
		r = list(&json);
	else if (slice_eq(m->command, S("retry")))
		r = for_entries(m->argument, retry_now);
	else if (slice_eq(m->command, S("drop")))
		r = slice_eq(m->argument, S("all")) ? LL_ERR_SYNTAX
						    : for_entries(m->argument, drop);
	(void)ipc_send_queue_reply(c,
		&(struct msg_queue_reply){
			.id = m->id, .err = (uint8_t)-r, .json = buf_slice(&json)},
		-1);
}
