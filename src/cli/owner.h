/* Being an account's owner: keys are made and changed here, in the command line's own process, and
 * the server gets sealed records, public keys and verifiers only. */
#ifndef CLI_OWNER_H
#define CLI_OWNER_H

#include "cli/client.h"
#include "cli/prompt.h"
#include "keys/account_owner.h"

struct owner {
	struct cli *cli;
	const char *address;
	struct account_owner *keys;
	struct buf verifiers; /* items, for the server */
};

void owner_done(struct owner *o);

/* Begins a new account: an id from the server, keys from here. LL_OK, or cli->error says why not.
 */
int owner_begin(struct owner *o, struct cli *cli, const char *address) CHECKED;
/* Registers a password; for an account just begun, or one that was opened. */
int owner_set_password(struct owner *o, struct slice password, bool rotate) CHECKED;
int owner_add_recovery(struct owner *o, struct app_password *ret_code) CHECKED;
/* given may be NULL: then a new one is made. */
int owner_add_app(struct owner *o, const struct scope *scope, const char *name,
	const struct app_password *given, struct app_password *ret_password,
	uint8_t ret_id[RECORD_ID_LEN]) CHECKED;
/* Stores a new account. */
int owner_create(struct owner *o, uint64_t quota) CHECKED;

/* Signs in with the password, or with the recovery code, and opens the account. */
int owner_open(struct owner *o, struct cli *cli, const char *address, struct slice password,
	const struct app_password *code) CHECKED;
/* Stores what was changed. */
int owner_update(struct owner *o) CHECKED;

#endif
