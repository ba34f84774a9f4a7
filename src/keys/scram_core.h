/* The computations of SCRAM that both sides share. Only for scram*.c. */
#ifndef KEYS_SCRAM_CORE_H
#define KEYS_SCRAM_CORE_H

#include "keys/scram.h"

/* printable characters without comma: a nonce of either side (RFC 5802 section 7). */
bool scram_nonce_valid(struct slice nonce);
/* 24 random characters of base64. */
void scram_nonce_make(struct buf *out);
/* HMAC-SHA-256 */
void scram_hmac(const uint8_t key[SCRAM_KEY_LEN], struct slice data, uint8_t ret[SCRAM_KEY_LEN]);

/* Takes "x=value" up to the next comma from *rest. False when it does not stand there. *rest then
 * starts behind the comma; *ret_more says that there was one. */
bool scram_take(struct slice *rest, char attribute, struct slice *ret_value, bool *ret_more);
/* Whether rest is empty-free attr-val pairs that may be ignored (extensions). */
bool scram_extensions_valid(struct slice rest);

#endif
