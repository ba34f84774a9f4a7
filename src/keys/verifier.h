/* What the server keeps of one unlocker, to know its owner again. Auth seals it under the directory
 * key (server_keys.h) and stores it at account_key_verifier. It opens nothing. */
#ifndef KEYS_VERIFIER_H
#define KEYS_VERIFIER_H

#include "keys/opaque.h"
#include "keys/scope.h"
#include "keys/scram.h"
#include "keys/unlock.h"

#define UNLOCK_NAME_MAX 64
#define VERIFIER_MAX 512

struct verifier {
	enum unlock_type type;
	uint8_t account[RECORD_ID_LEN];
	uint8_t id[RECORD_ID_LEN];
	struct scope scope;
	int64_t created;
	char name[UNLOCK_NAME_MAX + 1]; /* for lists; UTF-8 */
	/* UNLOCK_APP: the salt and iterations are the same in all of an account's verifiers. */
	uint8_t salt[SCRAM_SALT_LEN];
	uint32_t iterations;
	struct scram_verifier scram;
	/* UNLOCK_PASSWORD: the registration record. */
	uint8_t opaque[OPAQUE_RECORD_LEN];
	/* UNLOCK_RECOVERY, UNLOCK_WEBAUTHN: for unlock_auth_check. */
	uint8_t auth_hash[32];
};

/* An app password that was over when it was made: it was for a program that never came for it (docs/api/oauth.md), so
 * nobody ever had it. */
bool verifier_never_given(const struct verifier *v);
/* Appends at most VERIFIER_MAX bytes. LL_ERR_SYNTAX when a field is out of range. */
int verifier_encode(const struct verifier *v, struct buf *ret) CHECKED;
/* Strict: LL_ERR_SYNTAX. */
int verifier_decode(struct slice s, struct verifier *ret) CHECKED;

#endif
