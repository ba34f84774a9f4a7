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
stage_body(struct queue_envelope *e, struct slice message)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_BLOB_MAX);
	struct store_id blob;
	int r;

	randombytes_buf(e->blob, sizeof(e->blob));
	randombytes_buf(e->key, sizeof(e->key));
	r = record_blob_seal(e->key, e->blob, message, &sealed);
	memcpy(blob.b, e->blob, sizeof(blob.b));
	return r ? r : store_blob_put(dv.store, blob, buf_slice(&sealed));
}

/* Every entry has a blob of its own, because a partition refers to a blob once. */
static int
commit_entry(struct job *j, struct queue_envelope *e, struct slice message)
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
	r = stage_body(e, message);
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

/* Entries being filled, one after the other: each has as many recipients as fit for certain;
 * replies that come later are cut to what is left. */
struct filling {
	struct job *j;
	struct slice message;
	struct queue_envelope e;
	struct queue_rcpt rcpts[QUEUE_ENTRY_RCPTS];
	size_t bytes;
};

static int
fill_commit(struct filling *f)
{
	int r = f->e.rcpt_count ? commit_entry(f->j, &f->e, f->message) : LL_OK;

	f->e.rcpt_count = 0;
	f->bytes = 0;
	return r;
}

/* Adds a recipient under the address that it has now. */
static int
fill_add(struct filling *f, const struct envelope_rcpt *rcpt, struct slice address)
{
	size_t size = address.len + rcpt->orcpt.len + 32;
	int r = LL_OK;

	if (f->e.rcpt_count == QUEUE_ENTRY_RCPTS ||
		(f->e.rcpt_count && f->bytes + size > QUEUE_ENTRY_BYTES))
		r = fill_commit(f);
	f->rcpts[f->e.rcpt_count++] = (struct queue_rcpt){.address = address,
		.orcpt = rcpt->orcpt,
		.notify = rcpt->notify,
		.state = QUEUE_WAITING};
	f->bytes += size;
	return r;
}

static void
fill_begin(struct filling *f, struct job *j, struct slice message)
{
	f->j = j;
	f->message = message;
	f->bytes = 0;
	f->e = (struct queue_envelope){
		.sender = j->envelope.from,
		.envid = j->envelope.envid,
		.language = j->envelope.language,
		.ret = j->envelope.ret,
		.eight_bit = j->envelope.eight_bit,
		.binary = j->envelope.body == SMTP_BODY_BINARYMIME,
		.smtputf8 = j->envelope.smtputf8,
		.header_utf8 = j->header_utf8,
		.authenticated = j->envelope.service != SERVICE_SMTP,
		.arrived = clock_unix(),
		.next_attempt = clock_unix(),
		.size = message.len,
		.rcpts = f->rcpts,
	};
}

int
job_queue(struct job *j)
{
	struct filling f;
	int r = LL_OK;

	fill_begin(&f, j, outgoing(j));
	VEC_EACH (t, &j->targets)
		if (!t->local && r == LL_OK)
			r = fill_add(&f, &j->envelope.rcpts[t->rcpt], slice_str(t->address));
	if (r == LL_OK)
		r = fill_commit(&f);
	queue_wipe(&f.e);
	return r;
}

int
job_hold(struct job *j)
{
	const struct delivery_envelope *e = &j->envelope;
	struct filling f;
	int r = LL_OK;

	fill_begin(&f, j, buf_slice(&j->message));
	f.e.held = true;
	f.e.next_attempt = e->hold_until;
	memcpy(f.e.held_id, e->hold_id, sizeof(f.e.held_id));
	r = submitter_account(j->asker, f.e.held_account);
	for (uint32_t i = 0; i < e->n_rcpts && r == LL_OK; i++)
		r = fill_add(&f, &e->rcpts[i], e->rcpts[i].address);
	if (r == LL_OK)
		r = fill_commit(&f);
	queue_wipe(&f.e);
	return r;
}
