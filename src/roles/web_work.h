/* Proof of work for open registration: a challenge bound to an address and a time, that costs the
 * client memory and a second or so, and the server one try. Challenges are not stored; those that
 * were used are, until they expire. */
#ifndef ROLES_WEB_WORK_H
#define ROLES_WEB_WORK_H

#include "base/slice.h"

#define WEB_WORK_CHALLENGE_LEN 33
#define WEB_WORK_NONCE_LEN 8
#define WEB_WORK_BITS 6 /* at least */
#define WEB_WORK_BITS_MAX 12
#define WEB_WORK_MEMORY_KIB 8192
#define WEB_WORK_PASSES 1
#define WEB_WORK_S 600

struct web_work;
struct web_work *web_work_new(const uint8_t key[32]); /* the key is copied; NULL without memory */
void web_work_free(struct web_work *w);

/* A challenge for a (folded) address; *ret_bits: how many zero bits it asks for. More, the more
 * were solved lately. */
void web_work_challenge(struct web_work *w, struct slice address, int64_t now,
	uint8_t ret[WEB_WORK_CHALLENGE_LEN], uint32_t *ret_bits);
/* Checks a solution, once. LL_ERR_DENIED: wrong, for another address, too old, or used before;
 * LL_ERR_NOMEM. */
int web_work_check(struct web_work *w, struct slice address, int64_t now, struct slice challenge,
	struct slice nonce) CHECKED;

#endif
