/* The way into the outbound queue: the message is sealed once to the queue's public key, which only
 * relay can open. */
#include "base/error.h"
#include "keys/record.h"
#include "os/clock.h"
#include "roles/delivery.h"
#include "roles/queue_store.h"
#include "store/service.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static struct record_sender *
queue_sender(void)
{
	static struct record_sender *sender;
	uint64_t now = (uint64_t)clock_ms();

	if (!sender)
		return record_sender_new(dv.queue_key, now, &sender) ? NULL : sender;
	if (record_sender_fresh(sender, now))
		return sender;
	return record_sender_renew(sender, now) ? NULL : sender;
}

/* The message without the Return-Path field that mailboxes get (RFC 5321 section 4.4). */
static struct slice
outgoing(const struct job *j)
{
	struct slice rest = buf_slice(&j->message);

	if (!slice_starts(rest, S("Return-Path:")))
		return rest;
	do
		(void)slice_line(&rest);
	while (rest.len && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t'));
	return rest;
}

/* Seals the message under a fresh data key and stages it. */
static int
stage_body(struct job *j, struct queue_envelope *e)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_BLOB_MAX);
	struct store_id blob;
	int r;

	randombytes_buf(e->blob, sizeof(e->blob));
	randombytes_buf(e->key, sizeof(e->key));
	r = record_blob_seal(e->key, e->blob, outgoing(j), &sealed);
	memcpy(blob.b, e->blob, sizeof(blob.b));
	return r ? r : store_blob_put(dv.store, blob, buf_slice(&sealed));
}

/* Every entry has a blob of its own, because a partition refers to a blob once. */
static int
commit_entry(struct job *j, struct queue_envelope *e)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	struct record_sender *sender = queue_sender();
	uint8_t id[RECORD_ID_LEN], key[QUEUE_KEY_LEN];
	struct store_op ops[2];
	struct store_commit c = {
		.partition = store_queue, .expect = STORE_ANY_VERSION, .ops = ops, .n = 2};
	int r;

	queue_entry_id(clock_unix() * 1000, id);
	queue_entry_key(id, key);
	r = stage_body(j, e);
	if (r == LL_OK)
		r = sender ? queue_entry_seal(sender, id, e, &value) : LL_ERR_CRYPTO;
	if (r)
		return r;
	ops[0] = (struct store_op){
		.kind = STORE_PUT_NEW, .key = SLICE_OF(key), .value = buf_slice(&value)};
	ops[1] = (struct store_op){.kind = STORE_BLOB_REF};
	memcpy(ops[1].blob.b, e->blob, sizeof(e->blob));
	j->commits++;
	dv.queued++;
	store_commit(dv.store, &c, job_committed, j);
	return LL_OK;
}

/* What must be in a record for certain; replies that come later are cut to what is left. */
static size_t
rcpt_size(const struct job *j, const struct target *t)
{
	return strlen(t->address) + j->envelope.rcpts[t->rcpt].orcpt.len + 32;
}

static void
add_rcpt(const struct job *j, const struct target *t, struct queue_envelope *e)
{
	const struct envelope_rcpt *from = &j->envelope.rcpts[t->rcpt];

	e->rcpts[e->rcpt_count++] = (struct queue_rcpt){.address = slice_str(t->address),
		.orcpt = from->orcpt,
		.notify = from->notify,
		.state = QUEUE_WAITING};
}

int
job_queue(struct job *j)
{
	struct queue_rcpt rcpts[QUEUE_ENTRY_RCPTS];
	struct queue_envelope e = {
		.sender = j->envelope.from,
		.envid = j->envelope.envid,
		.ret = j->envelope.ret,
		.eight_bit = j->envelope.eight_bit,
		.binary = j->envelope.body == SMTP_BODY_BINARYMIME,
		.smtputf8 = j->envelope.smtputf8,
		.header_utf8 = j->header_utf8,
		.authenticated = j->envelope.service != SERVICE_SMTP,
		.arrived = clock_unix(),
		.next_attempt = clock_unix(),
		.size = outgoing(j).len,
		.rcpts = rcpts,
	};
	size_t bytes = 0;
	int r = LL_OK;

	VEC_EACH (t, &j->targets) {
		if (t->local || r)
			continue;
		if (e.rcpt_count == QUEUE_ENTRY_RCPTS ||
			(e.rcpt_count && bytes + rcpt_size(j, t) > QUEUE_ENTRY_BYTES)) {
			r = commit_entry(j, &e);
			e.rcpt_count = 0;
			bytes = 0;
		}
		add_rcpt(j, t, &e);
		bytes += rcpt_size(j, t);
	}
	if (r == LL_OK && e.rcpt_count)
		r = commit_entry(j, &e);
	queue_wipe(&e);
	return r;
}
