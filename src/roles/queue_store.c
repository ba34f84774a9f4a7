/* Queue entries as sealed records. */
#include "roles/queue_store.h"
#include "base/error.h"
#include "store/service.h"

#include <sodium.h>
#include <string.h>

void
queue_entry_id(int64_t now_ms, uint8_t ret[RECORD_ID_LEN])
{
	be64_put(ret, (uint64_t)now_ms);
	randombytes_buf(ret + 8, 8);
}

void
queue_entry_key(const uint8_t id[RECORD_ID_LEN], uint8_t ret[QUEUE_KEY_LEN])
{
	memcpy(ret, QUEUE_ENTRY_PREFIX, sizeof(QUEUE_ENTRY_PREFIX) - 1);
	memcpy(ret + sizeof(QUEUE_ENTRY_PREFIX) - 1, id, RECORD_ID_LEN);
}

static struct record_header
entry_header(const uint8_t id[RECORD_ID_LEN])
{
	struct record_header h = {.kind = RECORD_DELIVERED, .suite = RECORD_KEM};

	memcpy(h.account, store_queue.b, sizeof(h.account));
	memcpy(h.object, id, sizeof(h.object));
	return h;
}

int
queue_entry_seal(struct record_sender *to, const uint8_t id[RECORD_ID_LEN],
	const struct queue_envelope *e, struct buf *ret)
{
	CLEANUP(buf_done) struct buf plain = BUF_SECRET(STORE_VALUE_MAX);
	struct record_header h = entry_header(id);
	int r = queue_encode(e, &plain);

	return r ? r : record_kem_seal(to, &h, buf_slice(&plain), ret);
}

int
queue_entry_open(struct record_opener *with, const uint8_t id[RECORD_ID_LEN], struct slice value,
	struct buf *plain, struct arena *arena, struct queue_envelope *ret)
{
	struct record_want want = {.header = entry_header(id)};
	int r = record_kem_open(with, &want, value, NULL, plain);

	return r ? r : queue_decode(buf_slice(plain), arena, ret);
}
