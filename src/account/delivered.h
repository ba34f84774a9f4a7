/* What a DELIVERED record says, for the process that makes it and the one that admits it. */
#ifndef ACCOUNT_DELIVERED_H
#define ACCOUNT_DELIVERED_H

#include "account/deliver.h"

#define DELIVERED_VERSION 1

struct delivered {
	uint64_t size;
	int64_t internal_date;
	uint8_t key[RECORD_KEY_LEN]; /* of body and side */
	struct store_id blob, side;
	uint32_t side_meta, side_sig; /* lengths in the side blob; 0: inline */
	uint32_t role;
	bool create;
	uint64_t flags;
	struct slice recipient, mailbox;
	struct slice keywords[DELIVERY_KEYWORDS_MAX];
	size_t n_keywords;
	struct slice meta, sig;
};

int delivered_encode(const struct delivered *d, struct buf *out) CHECKED;
/* Views of plain. LL_ERR_CORRUPT, LL_ERR_UNSUPPORTED. */
int delivered_decode(struct slice plain, struct delivered *ret) CHECKED;
/* object: the last 16 bytes of the record's key. */
struct record_header delivered_header(
	struct store_id account, const uint8_t object[RECORD_ID_LEN], uint32_t keyver);

#endif
