/* Where the outbound queue is kept: delivery writes entries that only relay can open.
 *
 * Records of the queue partition:
 *	q/e/ id     one entry: a queue envelope (faces/queue_envelope.h), sealed to the queue's
 *	            X-Wing key as a DELIVERED record whose account is the queue partition and whose
 *	            object is the id
 *	q/s/ name   an MTA-STS policy (roles/relay_sts.h)
 * id: Unix milliseconds (8 bytes), then 8 random bytes. The body is a blob under the data key in
 * the envelope. */
#ifndef ROLES_QUEUE_STORE_H
#define ROLES_QUEUE_STORE_H

#include "faces/queue_envelope.h"
#include "keys/record.h"
#include "store/store.h"

#define QUEUE_ENTRY_PREFIX "q/e/"
#define QUEUE_KEY_LEN (sizeof(QUEUE_ENTRY_PREFIX) - 1 + RECORD_ID_LEN)
#define QUEUE_ENTRY_RCPTS 100 /* more recipients make several entries */
#define QUEUE_ENTRY_BYTES ((size_t)40 << 10) /* of their addresses together */

/* A fresh id. */
void queue_entry_id(int64_t now_ms, uint8_t ret[RECORD_ID_LEN]);
void queue_entry_key(const uint8_t id[RECORD_ID_LEN], uint8_t ret[QUEUE_KEY_LEN]);
/* Appends the sealed entry. */
int queue_entry_seal(struct record_sender *to, const uint8_t id[RECORD_ID_LEN],
	const struct queue_envelope *e, struct buf *ret) CHECKED;
/* Opens one; plain receives the envelope's bytes, into which *ret points; wipe both. LL_ERR_AUTH,
 * LL_ERR_CORRUPT. */
int queue_entry_open(struct record_opener *with, const uint8_t id[RECORD_ID_LEN],
	struct slice value, struct buf *plain, struct arena *arena,
	struct queue_envelope *ret) CHECKED;

#endif
