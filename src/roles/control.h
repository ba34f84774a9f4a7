/* What the parts of auth that answer the operator share. The commands and their bodies are in
 * ipc/control.h. */
#ifndef ROLES_CONTROL_H
#define ROLES_CONTROL_H

#include "ipc/control.h"
#include "keys/account_owner.h"
#include "roles/auth.h"

/* Who signed in, or is about to, as an account's owner. */
struct control_owner {
	uint8_t account[RECORD_ID_LEN], unlocker[RECORD_ID_LEN];
	bool known; /* else everything here is made up, and no proof will fit */
	bool proved;
	uint8_t auth_hash[32]; /* of a recovery code */
	struct opaque_login *opaque; /* secret memory; NULL without KE1 */
};

/* One connection of the command line. */
struct control {
	struct control *next;
	struct ipc_channel *channel;
	uint32_t id; /* of the request being handled */
	const char *why; /* static text for an error's answer; NULL: the error's own */
	struct buf answer;
	bool waits_status;
	uint64_t waits_queue; /* id at relay, or 0 */
	bool began; /* account-begin: */
	uint8_t new_account[RECORD_ID_LEN];
	char new_address[DIRECTORY_ADDRESS_MAX];
	struct key_changes staged;
	size_t staged_bytes;
	struct control_owner owner;
};

/* The answer comes later, by control_answer. */
#define CONTROL_LATER 1

/* Handles one request: LL_OK with the body in c->answer, an error with c->why, or CONTROL_LATER. */
typedef int control_handler(struct control *c, struct slice body);

/* control_domain.c */
control_handler control_domain_add, control_domain_list, control_domain_info, control_recipient,
	control_alias_add, control_alias_remove, control_alias_list;
/* control_account.c */
control_handler control_account_begin, control_account_register, control_account_create,
	control_account_list, control_account_state, control_account_quota, control_account_delete;
/* control_keys.c */
control_handler control_keys_stage, control_keys_read, control_keys_update;
/* control_login.c */
control_handler control_login_start, control_login_password, control_login_recovery,
	control_login_register, control_unlocker_list, control_unlocker_revoke;

/* control_web.c */
control_handler control_invitation_add, control_invitation_list, control_invitation_revoke,
	control_registration, control_registration_set, control_factors_remove, control_language,
	control_owner_update;

/* domain_sts.c */
control_handler control_sts, control_sts_set;

/* Sets c->why and returns err. */
int control_fail(struct control *c, int err, const char *why) CHECKED;
/* The account of an address that is its own, not an alias'. LL_ERR_NOTFOUND with c->why. */
int control_find(struct control *c, struct slice address, struct directory_account *ret) CHECKED;
/* The same where the whole command is the address. */
int control_find_named(struct control *c, struct slice body, struct directory_account *ret) CHECKED;
/* Forgets staged changes. */
void control_unstage(struct control *c);
/* Ends the account's session and the sign-ins of one unlocker, or of all (NULL). */
void control_sign_out(const uint8_t account[RECORD_ID_LEN], const uint8_t *unlocker);

/* Collects one page of a list. */
struct control_list {
	uint64_t skip; /* items still to be left out */
	bool more;
	struct buf items;
};
/* Reads the request; the list is to be released with control_list_done. */
int control_list_begin(struct control_list *l, struct slice body) CHECKED;
/* LL_OK, or LL_ERR_LIMIT: the page is full, stop. */
int control_list_add(struct control_list *l, struct slice item) CHECKED;
/* Writes the page as the answer; r is how the collecting ended. */
int control_list_end(struct control *c, struct control_list *l, int r) CHECKED;
void control_list_done(struct control_list *l);

/* What a new account, or a new manifest of an account, brings. */
struct control_keys {
	const uint8_t *account;
	const struct account_pin *pin; /* of the manifest that is known; NULL for a new account */
	const uint8_t *identity; /* of a new account */
	struct slice verifiers; /* items */
};
/* Checks the staged changes and verifiers against the manifest among them, and that against the
 * pin, then stores all. Nothing is stored on LL_ERR_AUTH and LL_ERR_SYNTAX. LL_ERR_EXISTS: another
 * client was faster. */
int control_keys_store(struct control *c, const struct control_keys *k, struct manifest **ret,
	struct account_pin *ret_pin) CHECKED;
/* Takes over what the directory knows of a manifest. */
void control_set_keys(
	struct directory_account *a, const struct manifest *m, const struct account_pin *pin);

#endif
