/* Passwords that opened an account's running session before. Forgotten by login_session_over. */
#ifndef ROLES_LOGIN_FAMILIAR_H
#define ROLES_LOGIN_FAMILIAR_H

#include "base/slice.h"
#include "keys/record.h"
#include "keys/scram.h"
#include "keys/verifier.h"

#include <stdbool.h>

/* What stands for the password here. False when memory is short: then nothing is familiar. */
bool login_familiar_tag(
	const uint8_t account[RECORD_ID_LEN], struct slice password, uint8_t ret[SCRAM_KEY_LEN]);
/* Finds the verifier of a password that was kept; it must still be among these. */
bool login_familiar_find(const uint8_t account[RECORD_ID_LEN], const uint8_t tag[SCRAM_KEY_LEN],
	const struct verifier *verifiers, size_t n, size_t *ret_index);
void login_familiar_keep(const uint8_t account[RECORD_ID_LEN], const uint8_t tag[SCRAM_KEY_LEN],
	const uint8_t unlocker[RECORD_ID_LEN]);

#endif
