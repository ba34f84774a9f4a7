/* The web's sign-in, sign-up and keys: bodies of MSG_WEB_COMMAND and MSG_WEB_REPLY.
 *
 * A command takes one form and answers with one. The frontend turns JSON into forms and back
 * (faces/web_api.h) by the same tables, so that auth never parses JSON. What each command means,
 * and when it is permitted, is in docs/api/auth.md; names there are these in camel case. */
#ifndef IPC_WEB_H
#define IPC_WEB_H

#include "base/language.h"
#include "ipc/control.h"

#define WEB_TOKEN_LEN 32
#define WEB_CODE_MAX 64
#define WEB_NAME_MAX 64 /* of a device, a passkey */
#define WEB_CHALLENGE_LEN 32 /* of WebAuthn */
#define WEB_CREDENTIAL_MAX 1023 /* WebAuthn level 3, section 4 */
#define WEB_CLIENT_DATA_MAX 4096
#define WEB_ATTESTATION_MAX 8192
#define WEB_WORK_MAX 64

enum web_cookie { WEB_COOKIE_KEEP, WEB_COOKIE_SET, WEB_COOKIE_CLEAR };

/* Numbers that are words in JSON. */
#define WEB_WORDS_CHANGE "put", "put-new", "delete" /* enum key_change_kind */
#define WEB_WORDS_NEXT "done", "factor", "proof"
enum web_next { WEB_NEXT_DONE, WEB_NEXT_FACTOR, WEB_NEXT_PROOF };
#define WEB_WORDS_REGISTRATION "closed", "invitation", "open"
enum web_registration { WEB_CLOSED, WEB_INVITATION, WEB_OPEN, WEB_REGISTRATIONS };
#define WEB_WORDS_FACTOR "none", "totp", "passkey"
enum web_factor_kind { WEB_FACTOR_NONE, WEB_FACTOR_TOTP, WEB_FACTOR_PASSKEY };
#define WEB_WORDS_UNLOCKER                                                                         \
	"none", "password", "recovery", "webauthn", "app-password" /* enum unlock_type */
#define WEB_WORDS_LANGUAGE LANGUAGE_CODES /* enum language */
#define WEB_WORDS_STATE "locked", "open"
enum web_state { WEB_LOCKED, WEB_UNLOCKED };
#define WEB_WORDS_LETTER "draft", "open", "expired", "withdrawn"
enum web_letter_stage {
	WEB_LETTER_DRAFT,
	WEB_LETTER_OPEN,
	WEB_LETTER_EXPIRED,
	WEB_LETTER_WITHDRAWN,
	WEB_LETTER_STATES
};

/* Letters under a password (docs/api/letters.md). */
#define WEB_PIECE_LEN 61440u /* of a part or a reply; the last one is shorter */
#define WEB_LETTER_TO_MAX 320
#define WEB_LETTER_MESSAGE_ID_MAX 250
#define WEB_LETTER_NOTE_MAX 8000

#define WEB_CLIENT_ID_MAX 2048
#define WEB_REDIRECT_MAX 1024
#define WEB_OAUTH_TOKEN_MAX 320

/* clang-format off */
/* Fields: TEXT is UTF-8; BYTES are base64url in JSON; ID too, null when zero; FLAG is a boolean; TIME is seconds since 1970;
 * WORD is one of the words above; LIST has objects of another form, BLOBS has base64url texts: both as items (control.h). */
#define WEB_NONE(F)
#define WEB_PROBLEM(F)    F##_TEXT(code, WEB_CODE_MAX) F##_U32(retry_after) F##_TEXT(title, 256)
#define WEB_DOMAIN(F)     F##_TEXT(name, 256) F##_WORD(registration, REGISTRATION)
#define WEB_DOMAINS(F)    F##_LIST(domains, domain)
#define WEB_ADDRESS(F)    F##_TEXT(address, CONTROL_NAME_MAX)
#define WEB_WORK_FORM(F)  F##_BYTES(challenge, WEB_WORK_MAX) F##_U32(bits) F##_U32(memory) F##_U32(passes)
#define WEB_BEGIN(F)      F##_TEXT(address, CONTROL_NAME_MAX) F##_TEXT(invitation, 64) F##_BYTES(challenge, WEB_WORK_MAX) F##_BYTES(nonce, 8)
#define WEB_BEGUN(F)      F##_ID(handle) F##_ID(account)
#define WEB_REGISTER(F)   F##_ID(handle) F##_BYTES(request, 32)
#define WEB_REGISTERED(F) F##_BYTES(response, 64)
#define WEB_CHANGE(F)     F##_WORD(kind, CHANGE) F##_BYTES(key, CONTROL_KEY_MAX) F##_BYTES(value, CONTROL_VALUE_MAX)
#define WEB_STAGE(F)      F##_ID(handle) F##_ID(change) F##_LIST(changes, change)
#define WEB_CREATE(F)     F##_ID(handle) F##_BYTES(identity, 32) F##_BLOBS(verifiers) F##_FLAG(remember) F##_TEXT(device, WEB_NAME_MAX) F##_WORD(language, LANGUAGE)
#define WEB_LOGIN_START(F) F##_TEXT(address, CONTROL_NAME_MAX) F##_BYTES(ke1, 96) F##_FLAG(remember) F##_TEXT(device, WEB_NAME_MAX)
#define WEB_LOGIN(F)      F##_ID(handle) F##_ID(account) F##_ID(unlocker) F##_BYTES(ke2, 320)
#define WEB_PROOF(F)      F##_ID(handle) F##_BYTES(proof, 64)
#define WEB_CODE(F)       F##_ID(handle) F##_TEXT(code, 16)
#define WEB_PASSKEY_START(F) F##_FLAG(remember) F##_TEXT(device, WEB_NAME_MAX)
#define WEB_ASSERTION(F)  F##_ID(handle) F##_BYTES(credential, WEB_CREDENTIAL_MAX) F##_BYTES(user_handle, 64) F##_BYTES(client_data, WEB_CLIENT_DATA_MAX) F##_BYTES(authenticator_data, 2048) F##_BYTES(signature, 1024)
#define WEB_CHALLENGE(F)  F##_ID(handle) F##_TEXT(rp_id, 256) F##_BYTES(challenge, WEB_CHALLENGE_LEN) F##_ID(account) F##_BLOBS(credentials)
/* The state of a sign-in. next done: the cookie is set and the last four are given. */
#define WEB_SIGNED(F)     F##_WORD(next, NEXT) F##_FLAG(totp) F##_FLAG(passkey) F##_ID(recovery) F##_TEXT(rp_id, 256) F##_BYTES(challenge, WEB_CHALLENGE_LEN) F##_BLOBS(credentials) \
	F##_ID(account) F##_ID(unlocker) F##_TEXT(address, CONTROL_NAME_MAX) F##_BYTES(identity, 32) F##_U64(seq) F##_BYTES(hash, 32)
#define WEB_ACCOUNT_FORM(F)    F##_ID(account) F##_ID(session) F##_TEXT(address, CONTROL_NAME_MAX) F##_TIME(created) F##_U64(quota) F##_U64(used) F##_BYTES(identity, 32) F##_U64(seq) F##_BYTES(hash, 32) \
	F##_FLAG(totp) F##_FLAG(passkey) F##_FLAG(alerts) F##_TIME(confirmed_until) F##_WORD(language, LANGUAGE)
#define WEB_PAGE(F)       F##_U64(skip)
#define WEB_CHANGES(F)    F##_FLAG(more) F##_LIST(records, change)
#define WEB_UPDATE(F)     F##_ID(change) F##_BLOBS(verifiers)
#define WEB_PIN(F)        F##_BYTES(identity, 32) F##_U64(seq) F##_BYTES(hash, 32)
#define WEB_UNLOCKER(F)   F##_ID(id) F##_WORD(type, UNLOCKER) F##_TEXT(name, WEB_NAME_MAX) F##_U32(areas) F##_U32(protocols) F##_TIME(created) F##_TIME(expires) F##_TIME(last_used)
#define WEB_UNLOCKERS_FORM(F)  F##_LIST(unlockers, unlocker)
#define WEB_SESSION_FORM(F)    F##_ID(id) F##_TEXT(device, WEB_NAME_MAX) F##_TEXT(agent, 128) F##_TEXT(ip, 64) F##_TEXT(country, 2) F##_TIME(created) F##_TIME(last_seen) F##_FLAG(remember) F##_FLAG(current)
#define WEB_SESSIONS_FORM(F)   F##_LIST(sessions, session_form)
#define WEB_FACTOR_FORM(F)     F##_ID(id) F##_WORD(type, FACTOR) F##_TEXT(name, WEB_NAME_MAX) F##_TIME(created) F##_TIME(last_used) F##_ID(unlocker)
#define WEB_FACTORS_FORM(F)    F##_LIST(factors, factor_form)
#define WEB_REF(F)        F##_ID(id)
#define WEB_FACTOR_EDIT(F) F##_ID(id) F##_TEXT(name, WEB_NAME_MAX) F##_ID(unlocker)
#define WEB_TOTP(F)       F##_ID(handle) F##_TEXT(secret, 64) F##_TEXT(uri, 1024)
#define WEB_TOTP_CONFIRM(F) F##_ID(handle) F##_TEXT(code, 16) F##_TEXT(name, WEB_NAME_MAX)
#define WEB_PASSKEY_ADD(F) F##_ID(handle) F##_TEXT(name, WEB_NAME_MAX) F##_BYTES(client_data, WEB_CLIENT_DATA_MAX) F##_BYTES(attestation_object, WEB_ATTESTATION_MAX)
#define WEB_PUBLISH(F)    F##_BYTES(key, 49152)
#define WEB_SWITCH(F)     F##_FLAG(on)
#define WEB_TONGUE(F)     F##_WORD(language, LANGUAGE)
#define WEB_LETTER_SIZE(F) F##_U64(size)
#define WEB_LETTER_NEW(F) F##_ID(id) F##_BYTES(access_hash, 32) F##_TEXT(to, WEB_LETTER_TO_MAX) F##_TEXT(message_id, WEB_LETTER_MESSAGE_ID_MAX) F##_BYTES(note, WEB_LETTER_NOTE_MAX) F##_TIME(send_at) F##_TIME(expires) F##_U32(max_opens) F##_LIST(parts, letter_size)
#define WEB_LETTER_PIECE(F) F##_ID(id) F##_U32(part) F##_U32(piece) F##_BYTES(data, WEB_PIECE_LEN)
#define WEB_LETTER_FORM(F) F##_ID(id) F##_WORD(state, LETTER) F##_TEXT(to, WEB_LETTER_TO_MAX) F##_TEXT(message_id, WEB_LETTER_MESSAGE_ID_MAX) F##_TIME(created) F##_TIME(send_at) F##_TIME(expires) F##_U64(size) F##_U32(opens) F##_U32(max_opens) F##_TIME(first_opened) F##_TIME(last_opened) F##_U32(replies) F##_BYTES(note, WEB_LETTER_NOTE_MAX)
#define WEB_LETTERS_FORM(F) F##_FLAG(more) F##_LIST(letters, letter_form)
#define WEB_LETTER_CHANGE(F) F##_ID(id) F##_TIME(expires)
#define WEB_LETTER_STATE(F) F##_WORD(state, LETTER) F##_TIME(expires)
#define WEB_LETTER_ACCESS(F) F##_ID(id) F##_BYTES(access, 32)
#define WEB_LETTER_OPENED(F) F##_TIME(expires) F##_U32(opens_left) F##_LIST(parts, letter_size)
#define WEB_LETTER_FETCH(F) F##_ID(id) F##_BYTES(access, 32) F##_U32(part) F##_U32(piece)
#define WEB_LETTER_DATA(F) F##_BYTES(data, WEB_PIECE_LEN)
#define WEB_LETTER_REPLY_NEW(F) F##_ID(id) F##_BYTES(access, 32) F##_U64(size)
#define WEB_LETTER_NUMBER(F) F##_U32(reply)
#define WEB_LETTER_REPLY_PIECE(F) F##_ID(id) F##_BYTES(access, 32) F##_U32(reply) F##_U32(piece) F##_BYTES(data, WEB_PIECE_LEN)
#define WEB_LETTER_REPLY_END(F) F##_ID(id) F##_BYTES(access, 32) F##_U32(reply)
/* Programs that sign in by OAuth (docs/api/oauth.md). The last three are of the frontend's own endpoints, not of the API. */
#define WEB_OAUTH_GRANT(F) F##_TEXT(client_id, WEB_CLIENT_ID_MAX) F##_TEXT(redirect_uri, WEB_REDIRECT_MAX) F##_TEXT(challenge, 64) F##_BYTES(code_hash, 32) F##_ID(unlocker) F##_BYTES(sealed, 256)
#define WEB_OAUTH_CODE(F) F##_TEXT(client_id, WEB_CLIENT_ID_MAX) F##_TEXT(redirect_uri, WEB_REDIRECT_MAX) F##_TEXT(code, 64) F##_TEXT(verifier, 128)
#define WEB_OAUTH_TOKEN(F) F##_TEXT(client_id, WEB_CLIENT_ID_MAX) F##_TEXT(token, WEB_OAUTH_TOKEN_MAX)
#define WEB_OAUTH_TOKENS(F) F##_TEXT(access, WEB_OAUTH_TOKEN_MAX) F##_TEXT(refresh, WEB_OAUTH_TOKEN_MAX) F##_U32(expires_in) F##_U32(areas) F##_U32(protocols)
/* Of the session process (faces/web_link.h), not of auth. */
#define WEB_UNLOCK_STATE(F) F##_WORD(state, STATE) F##_ID(account_id) F##_TEXT(address, CONTROL_NAME_MAX) F##_BYTES(unlock_key, 1216)
#define WEB_UNLOCK(F)     F##_BYTES(sealed, 8192)

#define WEB_FORMS(M) \
	M(NONE, none) M(PROBLEM, problem) M(DOMAIN, domain) M(DOMAINS, domains) M(ADDRESS, address) M(WORK_FORM, work_form) M(BEGIN, begin) M(BEGUN, begun) \
	M(REGISTER, register) M(REGISTERED, registered) M(CHANGE, change) M(STAGE, stage) M(CREATE, create) M(LOGIN_START, login_start) \
	M(LOGIN, login) M(PROOF, proof) M(CODE, code) M(PASSKEY_START, passkey_start) M(ASSERTION, assertion) M(CHALLENGE, challenge) \
	M(SIGNED, signed) M(ACCOUNT_FORM, account_form) M(PAGE, page) M(CHANGES, changes) M(UPDATE, update) M(PIN, pin) M(UNLOCKER, unlocker) \
	M(UNLOCKERS_FORM, unlockers_form) M(SESSION_FORM, session_form) M(SESSIONS_FORM, sessions_form) M(FACTOR_FORM, factor_form) M(FACTORS_FORM, factors_form) M(REF, ref) \
	M(FACTOR_EDIT, factor_edit) M(TOTP, totp) M(TOTP_CONFIRM, totp_confirm) M(PASSKEY_ADD, passkey_add) M(SWITCH, switch) M(TONGUE, tongue) M(PUBLISH, publish) \
	M(LETTER_SIZE, letter_size) M(LETTER_NEW, letter_new) M(LETTER_PIECE, letter_piece) M(LETTER_FORM, letter_form) M(LETTERS_FORM, letters_form) \
	M(LETTER_CHANGE, letter_change) M(LETTER_STATE, letter_state) M(LETTER_ACCESS, letter_access) M(LETTER_OPENED, letter_opened) \
	M(LETTER_FETCH, letter_fetch) M(LETTER_DATA, letter_data) M(LETTER_REPLY_NEW, letter_reply_new) M(LETTER_NUMBER, letter_number) \
	M(LETTER_REPLY_PIECE, letter_reply_piece) M(LETTER_REPLY_END, letter_reply_end) \
	M(OAUTH_GRANT, oauth_grant) M(OAUTH_CODE, oauth_code) M(OAUTH_TOKEN, oauth_token) M(OAUTH_TOKENS, oauth_tokens) \
	M(UNLOCK_STATE, unlock_state) M(UNLOCK, unlock)

/* M(command, request, answer) */
#define WEB_COMMANDS(M) \
	M("signup-domains", none, domains) M("signup-work", address, work_form) M("account-begin", begin, begun) \
	M("account-register", register, registered) M("keys-stage", stage, none) M("account-create", create, signed) \
	M("login-start", login_start, login) M("login-password", proof, signed) M("login-recovery", proof, signed) \
	M("login-totp", code, signed) M("login-passkey", assertion, signed) \
	M("passkey-start", passkey_start, challenge) M("passkey-assert", assertion, signed) M("passkey-unlock", proof, signed) \
	M("logout", none, none) M("account", none, account_form) M("keys-read", page, changes) M("keys-register", register, registered) \
	M("keys-update", update, pin) M("unlockers", none, unlockers_form) M("sessions", none, sessions_form) M("session-end", ref, none) \
	M("sessions-end", none, none) M("confirm-start", login_start, login) M("confirm-password", proof, none) \
	M("factors", none, factors_form) M("factor-edit", factor_edit, none) M("factor-remove", ref, none) M("totp-begin", none, totp) \
	M("totp-confirm", totp_confirm, ref) M("passkey-begin", none, challenge) M("passkey-add", passkey_add, ref) \
	M("key-publish", publish, none) M("alerts", switch, none) M("language", tongue, none) M("account-delete", none, none) \
	M("oauth-grant", oauth_grant, none) \
	M("letter-create", letter_new, none) M("letter-put", letter_piece, none) M("letter-publish", ref, none) M("letters", page, letters_form) \
	M("letter-change", letter_change, none) M("letter-withdraw", ref, none) M("letter-forget", ref, none) \
	M("letter-state", ref, letter_state) M("letter-open", letter_access, letter_opened) M("letter-part", letter_fetch, letter_data) \
	M("letter-reply", letter_reply_new, letter_number) M("letter-reply-put", letter_reply_piece, none) M("letter-reply-send", letter_reply_end, none)
/* clang-format on */

#define MSG_S_TEXT(n, max) struct slice n;
#define MSG_S_FLAG(n) uint8_t n;
#define MSG_S_WORD(n, words) uint8_t n;
#define MSG_S_TIME(n) uint64_t n;
#define MSG_S_LIST(n, form) struct slice n;
#define MSG_S_BLOBS(n) struct slice n;

#define WEB_STRUCT(NAME, name)                                                                     \
	struct web_##name {                                                                        \
		WEB_##NAME(MSG_S)                                                                  \
	};
WEB_FORMS(WEB_STRUCT)

/* As the codec of ipc/control.h: put appends, LL_ERR_LIMIT; get is strict, LL_ERR_SYNTAX, and gives
 * views. */
#define WEB_CODEC(NAME, name)                                                                      \
	int web_##name##_put(struct buf *out, const struct web_##name *m) CHECKED;                 \
	int web_##name##_get(struct slice body, struct web_##name *ret) CHECKED;
WEB_FORMS(WEB_CODEC)

#endif
