/* The anchor: the first thing an unlock secret opens, and the root of all trust after it. It tells
 * the identity key and the least that a manifest must be. */
#ifndef KEYS_ANCHOR_H
#define KEYS_ANCHOR_H

#include "keys/manifest.h"

#define ANCHOR_BODY_MAX 256

struct anchor {
	uint8_t account[RECORD_ID_LEN];
	uint8_t unlocker[RECORD_ID_LEN];
	uint8_t identity[ED25519_PUBLIC_LEN];
	enum unlock_type type;
	struct scope scope;
	uint64_t floor_seq; /* the manifest that listed the unlocker first */
	struct suite_floor floor;
};

int anchor_encode(const struct anchor *a, struct buf *ret) CHECKED;
/* Strict: LL_ERR_SYNTAX. */
int anchor_decode(struct slice body, struct anchor *ret) CHECKED;

/* Appends the record. key is U_anchor. */
int anchor_seal(const uint8_t key[UNLOCK_KEY_LEN], const struct anchor *a, struct buf *ret) CHECKED;
/* LL_ERR_AUTH: wrong secret, or another account's or unlocker's anchor. */
int anchor_open(const uint8_t key[UNLOCK_KEY_LEN], const uint8_t account[RECORD_ID_LEN],
	const uint8_t unlocker[RECORD_ID_LEN], struct slice record, struct anchor *ret) CHECKED;

#endif
