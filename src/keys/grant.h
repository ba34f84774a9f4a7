/* A grant: one key, sealed to an unlocker's public key and signed by the identity key. */
#ifndef KEYS_GRANT_H
#define KEYS_GRANT_H

#include "keys/account_keys.h"

/* Root is granted as area RECORD_AREA_NONE. */
struct grant {
	uint8_t account[RECORD_ID_LEN];
	uint8_t unlocker[RECORD_ID_LEN];
	enum record_area area;
	uint32_t version;
};

/* Appends the record. */
int grant_seal(struct record_sender *to, const struct ed25519_key *identity, const struct grant *g,
	const uint8_t key[RECORD_KEY_LEN], struct buf *ret) CHECKED;
/* LL_ERR_AUTH: not signed by the identity key, not this grant, or not to this unlocker. */
int grant_open(struct record_opener *opener, const uint8_t identity[ED25519_PUBLIC_LEN],
	const struct grant *g, struct slice record, uint8_t ret_key[RECORD_KEY_LEN]) CHECKED;

#endif
