/* The operator's commands: what the command line and auth say to each other in the bodies of
 * MSG_CONTROL and MSG_CONTROL_REPLY.
 *
 * A request names a command; its body and the body of the answer are forms of CTL_FORMS, encoded
 * like messages (ipc/messages.h). An answer with an error has a sentence for people as its body,
 * perhaps empty. What does not fit into one packet goes in several requests.
 *
 *	command          request       answer      what it does
 *	ping             none          text        the server's version
 *	status           none          text        state of all processes (JSON)
 *	domain-add       name          none        also makes its DKIM keys
 *	domain-list      page          items       of text: A-label names
 *	domain-info      name          items       of dkim: keys and their DNS text
 *	account-begin    name          id          a new account's id, for this address only
 *	account-register opaque        opaque      OPAQUE registration for the account just begun
 *	keys-stage       items         none        of change; kept until create or update
 *	account-create   create        none        the account just begun, with the staged changes
 *	account-list     page          items       of account
 *	account-state    flag          none        disables (1) or enables (0)
 *	account-quota    number        none
 *	account-delete   name          none
 *	unlocker-list    name          items       of unlocker
 *	unlocker-revoke  unlocker_ref  none        an app password, without its owner
 *	login-start      opaque_name   login       KE1 -> KE2; without KE1: for a recovery code
 *	login-password   opaque        login       KE3; then the account's keys may be read, changed
 *	login-recovery   opaque        login       the same with U_auth of the recovery code
 *	login-register   opaque        opaque      registration of a new password, after a login
 *	keys-read        page          items       of change, after a login
 *	keys-update      verifiers     none        the staged changes, after a login
 *	recipient        name          text        what mail for an address meets: local, unknown ...
 *	alias-add        pair          none
 *	alias-remove     pair          none
 *	alias-list       page          items       of pair
 *	invitation-add   invite        text        a code with which accounts of a domain can be made
 *	invitation-list  page          items       of invitation
 *	invitation-revoke name         none        by its code
 *	registration     name          registration what a domain permits
 *	registration-set registration  none
 *	sts              name          sts         the MTA-STS policy of a domain, empty without
 *	sts-set          sts           none        another policy
 *	factors-remove   name          none        all second factors of an account
 *	language         pair          text        of an account or domain: a code, none, or empty to ask
 *	queue            pair          text        a queue command and argument; JSON
 */
#ifndef IPC_CONTROL_H
#define IPC_CONTROL_H

#include "ipc/messages.h"

#define CONTROL_NAME_MAX 512
#define CONTROL_KEY_MAX 64
#define CONTROL_VALUE_MAX ((size_t)64 << 10)
#define CONTROL_ITEMS_MAX ((size_t)140 << 10) /* of one request or answer */
#define CONTROL_TEXT_MAX (IPC_PAYLOAD_MAX - 8)
#define CONTROL_STAGED_MAX ((size_t)4 << 20) /* bytes of changes kept for one connection */

/* clang-format off */
#define CTL_NONE(F)
#define CTL_NAME(F)         F##_BYTES(name, CONTROL_NAME_MAX)
#define CTL_TEXT(F)         F##_BYTES(text, CONTROL_TEXT_MAX)
#define CTL_ID(F)           F##_ID(id)
#define CTL_OPAQUE(F)       F##_BYTES(data, 512)
#define CTL_OPAQUE_NAME(F)  F##_BYTES(name, CONTROL_NAME_MAX) F##_BYTES(data, 512)
#define CTL_FLAG(F)         F##_BYTES(name, CONTROL_NAME_MAX) F##_U8(on)
#define CTL_NUMBER(F)       F##_BYTES(name, CONTROL_NAME_MAX) F##_U64(number)
#define CTL_PAIR(F)         F##_BYTES(name, CONTROL_NAME_MAX) F##_BYTES(other, CONTROL_NAME_MAX)
/* Which part of a list: items before `skip` are left out. */
#define CTL_PAGE(F)         F##_U64(skip)
/* Items one after the other, each with a 4-byte length; more: ask again and skip what was had. */
#define CTL_ITEMS(F)        F##_U8(more) F##_BYTES(items, CONTROL_ITEMS_MAX)
/* A list of verifiers (keys/verifier.h), as items. */
#define CTL_VERIFIERS(F)    F##_BYTES(items, CONTROL_ITEMS_MAX)
#define CTL_CREATE(F)       F##_U64(quota) F##_BYTES(identity, 32) F##_BYTES(items, CONTROL_ITEMS_MAX)
/* What a sign-in needs and gives: ids for key derivation; the pin once it is done. */
#define CTL_LOGIN(F)        F##_ID(account) F##_ID(unlocker) F##_BYTES(data, 512) F##_BYTES(identity, 32) F##_U64(seq) F##_BYTES(hash, 32)
#define CTL_UNLOCKER_REF(F) F##_BYTES(name, CONTROL_NAME_MAX) F##_ID(id)
/* Items. kind: enum key_change_kind; a record that was read is a KEY_PUT. */
#define CTL_CHANGE(F)       F##_U8(kind) F##_BYTES(key, CONTROL_KEY_MAX) F##_BYTES(value, CONTROL_VALUE_MAX)
#define CTL_DKIM(F)         F##_U8(algorithm) F##_U64(created) F##_BYTES(selector, 64) F##_BYTES(record, 4096)
#define CTL_ACCOUNT(F)      F##_ID(id) F##_U8(disabled) F##_U64(quota) F##_U64(used) F##_U64(created) F##_BYTES(name, CONTROL_NAME_MAX)
#define CTL_UNLOCKER(F)     F##_ID(id) F##_U8(type) F##_U32(areas) F##_U32(protocols) F##_U64(expires) F##_U64(created) F##_U64(last_used) F##_BYTES(name, 256)

#define CTL_INVITE(F)       F##_BYTES(name, CONTROL_NAME_MAX) F##_U64(quota) F##_U64(expires) F##_U32(uses)
#define CTL_INVITATION(F)   F##_BYTES(code, 64) F##_BYTES(name, CONTROL_NAME_MAX) F##_U64(quota) F##_U64(created) F##_U64(expires) F##_U32(uses)
/* mode: enum web_registration (ipc/web.h) */
#define CTL_REGISTRATION(F) F##_BYTES(name, CONTROL_NAME_MAX) F##_U8(mode) F##_U64(quota)
/* text: of the policy file; changed: when, Unix seconds. */
#define CTL_STS(F)          F##_BYTES(name, CONTROL_NAME_MAX) F##_U64(changed) F##_BYTES(text, 16384)

#define CTL_FORMS(M) \
	M(NONE, none) M(NAME, name) M(TEXT, text) M(ID, id) M(OPAQUE, opaque) M(OPAQUE_NAME, opaque_name) M(FLAG, flag) \
	M(NUMBER, number) M(PAIR, pair) M(PAGE, page) M(ITEMS, items) M(VERIFIERS, verifiers) M(CREATE, create) M(LOGIN, login) \
	M(UNLOCKER_REF, unlocker_ref) M(CHANGE, change) M(DKIM, dkim) M(ACCOUNT, account) M(UNLOCKER, unlocker) \
	M(INVITE, invite) M(INVITATION, invitation) M(REGISTRATION, registration) M(STS, sts)
/* clang-format on */

#define CTL_STRUCT(NAME, name)                                                                     \
	struct control_##name {                                                                    \
		CTL_##NAME(MSG_S)                                                                  \
	};
CTL_FORMS(CTL_STRUCT)

/* control_x_put appends the body of a struct control_x: LL_ERR_LIMIT when a field is longer than
 * its maximum. control_x_get is strict (LL_ERR_SYNTAX); slices of ret are views into body. */
#define CTL_CODEC(NAME, name)                                                                      \
	int control_##name##_put(struct buf *out, const struct control_##name *m) CHECKED;         \
	int control_##name##_get(struct slice body, struct control_##name *ret) CHECKED;
CTL_FORMS(CTL_CODEC)

/* Appends one item; LL_ERR_LIMIT when the list would get longer than CONTROL_ITEMS_MAX (then it is
 * as before). */
int control_items_add(struct buf *items, struct slice item) CHECKED;
/* The next item of a list; false at its end, or when it is malformed (then r->err is set). */
bool control_items_next(struct reader *r, struct slice *ret);

#endif
