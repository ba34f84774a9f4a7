/* What auth keeps of an account for the web, besides its keys: second factors, web sessions, known
 * devices, and when app passwords were used. One sealed record of the directory partition for each
 * account, and one for each session's token, which is found by its hash:
 *	web/  account id          everything below
 *	webt/ SHA-256(token)      account id, session id */
#ifndef ROLES_WEB_ACCOUNT_H
#define ROLES_WEB_ACCOUNT_H

#include "base/vec.h"
#include "ipc/web.h"
#include "keys/server_keys.h"
#include "keys/totp.h"
#include "keys/webauthn.h"
#include "store/store.h"

#define WEB_ID 16
#define WEB_HASH_LEN 32
#define WEB_AGENT_MAX 128
#define WEB_SESSIONS_MAX 32
#define WEB_PASSKEYS_MAX 16
#define WEB_DEVICES_MAX 64
#define WEB_USES_MAX 64
#define WEB_DEVICE_TAG 8

struct web_factor {
	enum web_factor_kind kind;
	uint8_t id[WEB_ID];
	char name[WEB_NAME_MAX + 1];
	int64_t created, used;
	/* TOTP */
	uint8_t secret[TOTP_SECRET_LEN];
	uint64_t step; /* the last that was used */
	/* passkey */
	uint8_t unlocker[WEB_ID]; /* zero: none */
	uint32_t counter;
	uint16_t credential_len, key_len;
	uint8_t credential[WEBAUTHN_ID_MAX], key[WEBAUTHN_KEY_MAX];
};

struct web_session {
	uint8_t id[WEB_ID];
	uint8_t hash[WEB_HASH_LEN]; /* of its token */
	char device[WEB_NAME_MAX + 1], agent[WEB_AGENT_MAX + 1];
	uint8_t peer[16];
	int64_t created, seen, confirmed;
	bool remember;
	bool fresh; /* its token is not stored yet */
};

struct web_use {
	uint8_t unlocker[WEB_ID];
	uint32_t day; /* since 1970 */
};

struct web_device {
	uint8_t tag[WEB_DEVICE_TAG];
};

struct web_hash {
	uint8_t b[WEB_HASH_LEN];
};

struct web_account {
	uint8_t id[WEB_ID];
	bool alerts;
	VEC(struct web_factor) factors;
	VEC(struct web_session) sessions;
	VEC(struct web_use) uses;
	VEC(struct web_device) devices; /* the oldest first */
	VEC(struct web_hash) gone; /* tokens to be deleted */
};

/* Where the records are; nothing is owned. */
struct web_place {
	struct store *store;
	const struct directory_keys *keys;
};

void web_account_free(struct web_account *a); /* wipes; NULL is accepted */
void web_account_cleanup(struct web_account **a);
/* The account's record; one that has none yet is empty, with alerts on. LL_ERR_CLOSED without a
 * store, LL_ERR_CORRUPT, errors of the store. */
int web_account_load(
	const struct web_place *p, const uint8_t id[WEB_ID], struct web_account **ret) CHECKED;
/* Stores it with the tokens of new sessions, and deletes those of sessions that are gone. */
int web_account_save(const struct web_place *p, struct web_account *a) CHECKED;
/* Deletes the record and all tokens. */
int web_account_drop(const struct web_place *p, const uint8_t id[WEB_ID]) CHECKED;

/* Whose token is it? LL_ERR_NOTFOUND. */
int web_token_find(const struct web_place *p, struct slice token, uint8_t ret_account[WEB_ID],
	uint8_t ret_session[WEB_ID]) CHECKED;

struct web_session *web_session_find(const struct web_account *a, const uint8_t id[WEB_ID]);
/* Until when it may be used if nothing more is heard of it. */
int64_t web_session_end_time(const struct web_session *s);
/* Takes a session off; its token goes when the account is saved. */
int web_session_remove(struct web_account *a, const uint8_t id[WEB_ID]) CHECKED;

struct web_factor *web_factor_find(const struct web_account *a, const uint8_t id[WEB_ID]);
/* The account's TOTP secret, or NULL. */
struct web_factor *web_factor_totp(const struct web_account *a);
/* By the credential's id, or NULL. */
struct web_factor *web_factor_passkey(const struct web_account *a, struct slice credential);
bool web_has_passkey(const struct web_account *a);

/* Notes a use today; true when that is news. */
bool web_use_note(struct web_account *a, const uint8_t unlocker[WEB_ID], int64_t now);
/* Seconds since 1970 of the day of the last use; 0: never. */
int64_t web_use_last(const struct web_account *a, const uint8_t unlocker[WEB_ID]);
/* Notes a device; true when it was not known. */
bool web_device_note(struct web_account *a, struct slice agent, const uint8_t peer[16]);

#endif
