/* What the parts of a session process share. */
#ifndef ROLES_SESSION_H
#define ROLES_SESSION_H

#include "account/account.h"
#include "base/language.h"
#include "base/slice.h"
#include "os/loop.h"
#include "store/client.h"

/* NULL while the account is locked. */
struct account *session_account(void);
struct loop *session_loop(void);
/* The account's 16 bytes and its main address. */
const uint8_t *session_account_id(void);
const char *session_address(void);
enum language session_language(void);
uint64_t session_append_limit(void);

/* A key for session_unlock; secret: 32 bytes. LL_ERR_STATE (open already), LL_ERR_LIMIT. */
int session_add_key(uint8_t area, uint32_t version, const uint8_t secret[32]) CHECKED;
/* Opens the account with the keys given; they are wiped in any case. LL_ERR_AUTH: they are not this
 * account's. */
int session_unlock(void) CHECKED;

/* Tells auth the owner's vacation notice and waits until it is durable; m's id is set here. Errors
 * of auth's, LL_ERR_CLOSED, LL_ERR_AGAIN. */
struct msg_session_vacation;
int session_set_vacation(struct msg_session_vacation *m) CHECKED;

/* The same with the list of push subscriptions (faces/push_list.h). */
int session_set_push(struct slice list) CHECKED;
/* Has auth send one of them a message, as far as that is possible. */
void session_send_push(const uint8_t subscription[16], struct slice body);

/* Has auth have lookup connect to a mail server, or look for one; session_import_dialled is told.
 */
struct msg_dial;
int session_dial(const struct msg_dial *m) CHECKED;

/* What the owner may write as besides the main address, as auth knows it now: appends lines,
 * "@domain" for all of one. */
int session_own_addresses(struct buf *ret_lines) CHECKED;

/* Takes Emails that are put off back when they are due, from now on. */
void session_snooze_start(struct account *a);

/* Drops the keys given since. */
void session_forget_keys(void);
/* The public key that mail is sealed to at present, and its version. */
struct slice session_seal_key(uint32_t *ret_version);

/* Work was done: what waits for quiet is put off. */
void session_active(void);
/* Every client is told, then the process ends: its successor opens what is stored. */
void session_give_up(const char *why) __attribute__((noreturn));
/* Looks for deliveries and others' changes now if the store rang. */
void session_look(void);

#endif
