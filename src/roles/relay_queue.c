/* Entries of the queue: each is tried when its time has come, and its recipients' results are
 * written back. What the disk does not know yet is never forgotten: an entry stays in memory until
 * its deletion is durable, so that no scan brings it back. */
#include "base/error.h"
#include "base/log.h"
#include "base/map.h"
#include "os/clock.h"
#include "roles/relay.h"
#include "store/service.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_ARENA ((size_t)4 << 20)
#define ENTRY_PLAIN_MAX (STORE_VALUE_MAX - 4096) /* sealing adds about 1300 bytes */
#define RETRY_MS 5000 /* when something of ours was not there */
#define SIGNATURES_MAX ((size_t)16 << 10)
#define SCAN_BACK_MS 60000 /* a commit follows its id's making at most so late */
#define SCAN_EVERY_MS 20 /* at least between scans, and 20 times what the last one took */
#define SCAN_ALL_MS (10 * 60 * 1000) /* whatever the clock did meanwhile is found then */
#define TEXT_SHORT ((size_t)120)

static struct {
	uint64_t newest; /* Unix ms of the newest id seen */
	int64_t next; /* clock_ms before which no scan is made */
	struct loop_timer timer, all;
	uint8_t last[QUEUE_KEY_LEN + 1]; /* where a page ended */
	size_t last_len;
} scan;

static void entry_due(void *ctx);

static void
entry_free(struct entry *en)
{
	(void)map_del(rl.entries, slice_new(en->id, sizeof(en->id)));
	loop_timer_stop(rl.env->loop, &en->timer);
	if (en->cancel)
		relay_held_gone(en->cancel);
	queue_wipe(&en->e);
	buf_done(&en->plain);
	buf_done(&en->message);
	arena_done(&en->arena);
	free(en->tried);
	free(en);
}

void
relay_entry_wake(struct entry *en, int64_t ms)
{
	if (loop_timer_set(rl.env->loop, &en->timer, ms, entry_due, en))
		log_error("queue", "error=%s", "memory");
}

static void
schedule(struct entry *en)
{
	int64_t at = queue_wake(&en->e), now = clock_unix();

	relay_entry_wake(en, at <= now ? 0 : MIN(at - now, (int64_t)86400) * 1000);
}

/* --- loading --- */

static int
add_entry(struct slice id, struct slice value)
{
	struct entry *en = calloc(1, sizeof(*en));
	int r;

	if (!en)
		return LL_ERR_NOMEM;
	memcpy(en->id, id.ptr, RECORD_ID_LEN);
	en->arena = ARENA_INIT(ENTRY_ARENA);
	en->plain = BUF_SECRET(STORE_VALUE_MAX);
	r = queue_entry_open(rl.opener, en->id, value, &en->plain, &en->arena, &en->e);
	if (r == LL_OK)
		r = map_set(rl.entries, id, en, NULL);
	if (r == LL_OK) {
		schedule(en);
		return LL_OK;
	}
	log_error("queue-entry", "error=%s", log_quote(slice_str(ll_strerror(r))));
	entry_free(en);
	return r == LL_ERR_NOMEM ? r : LL_OK; /* the others go on */
}

static int
load_row(void *ctx, struct slice key, struct slice value)
{
	struct slice id = slice_skip(key, sizeof(QUEUE_ENTRY_PREFIX) - 1);

	if (key.len == QUEUE_KEY_LEN) {
		memcpy(scan.last, key.ptr, key.len);
		scan.last[key.len] = 0; /* the next page starts behind it */
		scan.last_len = key.len + 1;
	}
	if (id.len != RECORD_ID_LEN)
		return LL_OK;
	scan.newest = MAX(scan.newest, be64_get(id.ptr));
	return map_get(rl.entries, id) ? LL_OK : add_entry(id, value);
}

/* From a little before the newest that is known: ids begin with the time they were made. */
static int
scan_recent(void)
{
	const struct slice to = S("q/e0"); /* '0' follows '/' */
	uint8_t id[RECORD_ID_LEN] = {0};
	bool more = true;
	int r = LL_OK;

	be64_put(id, scan.newest > SCAN_BACK_MS ? scan.newest - SCAN_BACK_MS : 0);
	queue_entry_key(id, scan.last);
	scan.last_len = QUEUE_KEY_LEN;
	while (r == LL_OK && more)
		r = store_range(rl.store, store_queue, slice_new(scan.last, scan.last_len), to, 0,
			load_row, NULL, &more);
	return r;
}

static void
on_scan_all(void *ctx)
{
	relay_queue_scan(true);
}

void
relay_queue_scan(bool all)
{
	int64_t before = clock_ms();
	int r = LL_ERR_CLOSED;

	loop_timer_stop(rl.env->loop, &scan.timer);
	if (rl.store && all)
		r = store_each(rl.store, store_queue, S(QUEUE_ENTRY_PREFIX), load_row, NULL);
	else if (rl.store)
		r = scan_recent();
	if (r && r != LL_ERR_CLOSED)
		log_error("queue-scan", "error=%s", log_quote(slice_str(ll_strerror(r))));
	scan.next = clock_ms() + MAX((int64_t)SCAN_EVERY_MS, 20 * (clock_ms() - before));
	if (all && loop_timer_set(rl.env->loop, &scan.all, SCAN_ALL_MS, on_scan_all, NULL))
		log_error("queue-scan", "error=%s", "memory");
}

static void
on_scan(void *ctx)
{
	relay_queue_scan(false);
}

void
relay_queue_bell(void)
{
	int64_t wait = scan.next - clock_ms();

	if (wait <= 0)
		relay_queue_scan(false);
	else if (!scan.timer.slot && loop_timer_set(rl.env->loop, &scan.timer, wait, on_scan, NULL))
		log_error("queue-scan", "error=%s", "memory");
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
			relay_entry_wake(en, RETRY_MS);
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
	if (!en || en->busy)
		return;
	if (err) {
		en->dirty = true;
		relay_entry_wake(en, RETRY_MS);
	} else if (en->gone) {
		entry_free(en);
	} else if (!en->reporting) {
		schedule(en);
	}
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

/* Not inside a character. */
static struct slice
cut(struct slice text, size_t n)
{
	while (n && n < text.len && (text.ptr[n] & 0xc0) == 0x80)
		n--;
	return slice_sub(text, 0, n);
}

/* Replies that are too long for one record together lose their ends, then are left out. */
static int
encode_within(struct entry *en, struct buf *out)
{
	for (size_t most = QUEUE_TEXT_MAX;; most = most == QUEUE_TEXT_MAX ? TEXT_SHORT : 0) {
		int r;
		for (uint32_t i = 0; i < en->e.rcpt_count; i++) {
			struct queue_rcpt *rcpt = &en->e.rcpts[i];
			rcpt->text = cut(rcpt->text, most);
			if (!most)
				rcpt->remote = SLICE_NONE;
		}
		buf_reset(out);
		r = queue_encode(&en->e, out);
		if (r != LL_ERR_LIMIT || !most)
			return r;
	}
}

/* Moves the envelope to fresh memory: every round adds texts to the arena. */
static int
compact(struct entry *en)
{
	struct arena arena = ARENA_INIT(ENTRY_ARENA);
	struct buf plain = BUF_SECRET(ENTRY_PLAIN_MAX);
	struct queue_envelope e;
	int r = encode_within(en, &plain);

	if (r == LL_OK)
		r = queue_decode(buf_slice(&plain), &arena, &e);
	if (r) {
		buf_done(&plain);
		arena_done(&arena);
		return r;
	}
	queue_wipe(&en->e);
	buf_done(&en->plain);
	arena_done(&en->arena);
	en->e = e;
	en->plain = plain;
	en->arena = arena;
	queue_wipe(&e);
	return LL_OK;
}

static int
make_ops(struct entry *en, struct store_op ops[2], uint8_t key[QUEUE_KEY_LEN], struct buf *value)
{
	struct record_sender *sender;
	int r;

	queue_entry_key(en->id, key);
	if (en->gone) {
		ops[0] = (struct store_op){.kind = STORE_DEL, .key = slice_new(key, QUEUE_KEY_LEN)};
		ops[1] = (struct store_op){.kind = STORE_BLOB_DROP};
		memcpy(ops[1].blob.b, en->e.blob, sizeof(en->e.blob));
		return LL_OK;
	}
	sender = queue_sender();
	r = sender ? compact(en) : LL_ERR_CRYPTO;
	if (r == LL_OK)
		r = queue_entry_seal(sender, en->id, &en->e, value);
	ops[0] = (struct store_op){
		.kind = STORE_PUT, .key = slice_new(key, QUEUE_KEY_LEN), .value = buf_slice(value)};
	return r;
}

static void
commit_entry(struct entry *en)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	struct pending *p = calloc(1, sizeof(*p));
	uint8_t key[QUEUE_KEY_LEN];
	struct store_op ops[2];
	struct store_commit c = {.partition = store_queue,
		.expect = STORE_ANY_VERSION,
		.ops = ops,
		.n = en->gone ? 2 : 1};
	int r = p && rl.store ? make_ops(en, ops, key, &value) : LL_ERR_CLOSED;

	en->dirty = r != LL_OK;
	if (r) {
		log_error("queue-write", "error=%s", log_quote(slice_str(ll_strerror(r))));
		free(p);
		relay_entry_wake(en, RETRY_MS);
		return;
	}
	memcpy(p->id, en->id, sizeof(p->id));
	store_commit(rl.store, &c, written, p);
}

void
relay_entry_settle(struct entry *en)
{
	en->gone = en->gone || en->dropped || queue_finished(&en->e);
	commit_entry(en);
	if (!en->gone)
		relay_report(en);
}

/* --- the message --- */

int
relay_entry_body(struct entry *en, struct buf *out)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_BLOB_MAX);
	struct store_id blob;
	int r;

	memcpy(blob.b, en->e.blob, sizeof(blob.b));
	r = rl.store ? store_blob_read(rl.store, store_queue, blob, 0, STORE_BLOB_MAX, &sealed)
		     : LL_ERR_CLOSED;
	return r ? r : record_blob_open(en->e.key, en->e.blob, buf_slice(&sealed), out);
}

static int
make_message(struct entry *en)
{
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_BLOB_MAX);
	int r = relay_entry_body(en, &plain);

	if (r)
		return r;
	/* What came from outside and only passes through is not ours to sign. */
	if (!en->e.authenticated) {
		en->message = plain;
		plain = BUF_INIT(0);
		return LL_OK;
	}
	en->message = BUF_INIT(plain.len + SIGNATURES_MAX);
	r = relay_sign(buf_slice(&plain), &en->message);
	if (r)
		buf_done(&en->message);
	return r;
}

/* The sender hears of it. */
bool
relay_body_spoilt(int err)
{
	return err == LL_ERR_NOTFOUND || err == LL_ERR_CORRUPT || err == LL_ERR_AUTH ||
		err == LL_ERR_SYNTAX;
}

bool
relay_attempt_load(struct attempt *a)
{
	struct entry *en = a->entry;
	int r = a->reading || en->readers ? LL_OK : make_message(en);

	if (r == LL_OK) {
		en->readers += !a->reading;
		a->reading = true;
		return true;
	}
	log_error("queue-body", "error=%s", log_quote(slice_str(ll_strerror(r))));
	if (relay_body_spoilt(r)) {
		relay_attempt_fail(
			a, true, "5.3.0", "the message was damaged while it waited", SLICE_NONE);
	} else {
		relay_attempt_unready(a);
	}
	return false;
}

static void
attempt_free(struct attempt *a)
{
	rl.loaded -= a->held;
	if (a->reading && --a->entry->readers == 0)
		buf_done(&a->entry->message);
	free(a);
}

/* --- rounds --- */

static void
round_over(struct entry *en)
{
	for (uint32_t i = 0; i < en->e.rcpt_count; i++)
		rl.deferred += en->e.rcpts[i].state == QUEUE_WAITING;
	en->busy = false;
	free(TAKE(en->tried));
	if (!en->unready) {
		queue_reschedule(&en->e, clock_unix(), randombytes_random());
		relay_entry_settle(en);
		return;
	}
	en->unready = false;
	en->dirty = true;
	relay_entry_wake(en, RETRY_MS);
}

/* Held recipients of one domain go back together the first time. Where that failed one of them may
 * have got its copy, so that from then on each goes alone. */
static uint32_t
most_at_once(const struct entry *en)
{
	return en->e.held && en->e.tries ? 1 : RELAY_RCPTS_MAX;
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
		a->n = queue_pick(&en->e, en->tried, a->rcpts, most_at_once(en));
		if (!a->n) {
			free(a);
			break;
		}
		a->domain = queue_domain(en->e.rcpts[a->rcpts[0]].address);
		en->attempts++;
		if (en->e.held)
			relay_release(a);
		else
			relay_dest_submit(a);
	}
}

void
relay_attempt_done(struct attempt *a)
{
	struct entry *en = a->entry;

	attempt_free(a);
	if (en->attempts == 1)
		submit_all(en); /* what the last transaction left untried */
	if (--en->attempts == 0)
		round_over(en);
}

void
relay_attempt_unready(struct attempt *a)
{
	a->entry->unready = true;
	relay_attempt_done(a);
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

static void
begin_round(struct entry *en)
{
	en->tried = calloc(MAX(en->e.rcpt_count, 1u), sizeof(*en->tried));
	if (!en->tried) {
		relay_entry_wake(en, RETRY_MS);
		return;
	}
	en->busy = true;
	en->attempts = 1; /* this function's own */
	submit_all(en);
	if (--en->attempts == 0)
		round_over(en);
}

static bool
may_be_tried(const struct entry *en)
{
	bool waiting = false;

	for (uint32_t i = 0; i < en->e.rcpt_count; i++)
		waiting = waiting || en->e.rcpts[i].state == QUEUE_WAITING;
	return waiting && !en->dropped && en->e.next_attempt <= clock_unix();
}

static void
entry_due(void *ctx)
{
	struct entry *en = ctx;

	if (en->busy)
		return;
	if (en->reporting && !relay_report_lost(en)) {
		relay_entry_wake(en, RETRY_MS);
		return;
	}
	en->reporting = false;
	if (en->gone || en->dirty || en->dropped)
		relay_entry_settle(en);
	else if (may_be_tried(en))
		begin_round(en);
	else if (queue_wake(&en->e) <= clock_unix() || queue_finished(&en->e))
		relay_entry_settle(en);
	else
		schedule(en);
}
