/* Queue entries as sealed records: each opens under its own id only, and with the queue's key only.
 */
#include "../t.h"
#include "base/error.h"
#include "base/secret.h"
#include "roles/queue_store.h"

#include <sodium.h>

struct queue {
	struct record_opener *opener;
	struct record_sender *sender;
};

static struct queue
queue_make(void)
{
	uint8_t seed[XWING_SEED_LEN];
	struct queue q = {0};

	randombytes_buf(seed, sizeof(seed));
	CHECK_INT(record_opener_new(seed, &q.opener), LL_OK);
	CHECK_INT(record_sender_new(record_opener_public(q.opener), 0, &q.sender), LL_OK);
	return q;
}

static void
queue_free(struct queue *q)
{
	record_sender_free(q->sender);
	record_opener_free(q->opener);
}

static int
opened(const struct queue *q, const uint8_t id[RECORD_ID_LEN], struct slice value)
{
	CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(STORE_VALUE_MAX);
	struct queue_envelope e;
	int r = queue_entry_open(q->opener, id, value, &plain, &arena, &e);

	if (r)
		return r;
	CHECK_SLICE(e.sender, S("alice@a.example"));
	CHECK_INT(e.rcpt_count, 2);
	CHECK_SLICE(e.rcpts[1].address, S("carol@c.example"));
	CHECK_INT(e.key[31], 7);
	queue_wipe(&e);
	return LL_OK;
}

static void
test_entries(void)
{
	struct queue q = queue_make(), other = queue_make();
	CLEANUP(buf_done) struct buf value = BUF_INIT(STORE_VALUE_MAX);
	struct queue_rcpt rcpts[] = {
		{.address = S("bob@b.example")}, {.address = S("carol@c.example")}};
	struct queue_envelope e = {.sender = S("alice@a.example"), .rcpts = rcpts, .rcpt_count = 2};
	uint8_t id[RECORD_ID_LEN], id2[RECORD_ID_LEN];

	e.key[31] = 7;
	queue_entry_id(1000, id);
	queue_entry_id(1000, id2);
	CHECK(memcmp(id, id2, sizeof(id)) != 0);
	CHECK_INT(queue_entry_seal(q.sender, id, &e, &value), LL_OK);
	CHECK(slice_find(buf_slice(&value), S("alice")) == SLICE_NPOS);
	CHECK_INT(opened(&q, id, buf_slice(&value)), LL_OK);
	CHECK_INT(opened(&q, id2, buf_slice(&value)), LL_ERR_AUTH);
	CHECK_INT(opened(&other, id, buf_slice(&value)), LL_ERR_AUTH);
	value.ptr[value.len - 1] ^= 1;
	CHECK_INT(opened(&q, id, buf_slice(&value)), LL_ERR_AUTH);
	queue_free(&q);
	queue_free(&other);
}

/* Ids sort by the time they were made, so that a scan can begin where the last one ended. */
static void
test_order(void)
{
	uint8_t a[QUEUE_KEY_LEN], b[QUEUE_KEY_LEN], id[RECORD_ID_LEN];

	for (int64_t ms = 1; ms < ((int64_t)1 << 41); ms = ms * 2 + 1) {
		queue_entry_id(ms, id);
		queue_entry_key(id, a);
		queue_entry_id(ms + 1, id);
		queue_entry_key(id, b);
		CHECK(memcmp(a, b, sizeof(a)) < 0);
	}
}

T_MAIN(T(test_entries), T(test_order))
