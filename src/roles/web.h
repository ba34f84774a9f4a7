/* The web's commands in auth: sign-up, sign-in, second factors, sessions. Commands and forms are in
 * ipc/web.h, what they mean in docs/api/auth.md. */
#ifndef ROLES_WEB_H
#define ROLES_WEB_H

#include "mail/wording.h"
#include "roles/control.h"
#include "roles/web_account.h"
#include "roles/web_limit.h"
#include "roles/web_work.h"

#define WEB_FRESH_S 600 /* a proof of the password counts as fresh */
#define WEB_FLOW_S 600 /* a dialogue may take that long */

/* What a dialogue is about. */
enum web_flow_kind {
	FLOW_LOGIN,
	FLOW_PASSKEY, /* a sign-in that begins with a passkey */
	FLOW_SIGNUP,
	FLOW_CONFIRM,
	FLOW_TOTP,
	FLOW_PASSKEY_ADD,
	FLOW_KEYS /* changes staged by a signed-in client; its id is the session's */
};

/* One dialogue of several commands. */
struct web_flow {
	uint8_t id[WEB_ID];
	enum web_flow_kind kind;
	int64_t until; /* clock_unix */
	struct control control; /* of the operator's commands, for those that are shared */
	uint8_t session[WEB_ID]; /* that began it, where one must be signed in */
	char address[CONTROL_NAME_MAX + 1];
	bool remember;
	char device[WEB_NAME_MAX + 1];
	bool password, recovery, passkey, code; /* what was proved */
	uint8_t challenge[WEB_CHALLENGE_LEN];
	uint8_t secret[TOTP_SECRET_LEN];
	char invitation[64];
	uint64_t quota;
	uint8_t change[WEB_ID]; /* of keys: which one is staged, of the client's choice */
};

/* One command being handled. */
struct web_call {
	struct ipc_channel *frontend;
	const struct msg_web_command *m;
	struct web_account *account; /* of who is signed in, and */
	struct web_session *session; /* the session in it; NULL: nobody */
	struct directory_account owner;
	struct buf answer;
	const char *code, *title; /* of an error; NULL: the error's own */
	uint32_t retry;
	enum web_cookie cookie;
	uint32_t max_age;
	uint8_t token[WEB_TOKEN_LEN];
};

/* LL_OK with the body in c->answer, or an error. */
typedef int web_handler(struct web_call *c, struct slice body);

/* --- web.c --- */
struct web_place web_place(void);
struct web_limits *web_limits(void);
/* Sets code and title of an error and returns it. */
int web_fail(struct web_call *c, int err, const char *code, const char *title) CHECKED;
/* A shared command, with what it said in flow->control.answer. */
int web_control(
	struct web_call *c, struct web_flow *f, control_handler *handle, struct slice body) CHECKED;
/* OPAQUE registration by one of them, and its answer. */
int web_register_with(struct web_call *c, struct web_flow *f, control_handler *handle,
	struct slice request) CHECKED;
/* Whether the password was proved lately; and LL_ERR_DENIED, told as "confirm", when not. */
bool web_is_fresh(const struct web_call *c);
int web_need_fresh(struct web_call *c) CHECKED;
/* New dialogue. LL_ERR_NOMEM, LL_ERR_AGAIN (too many). */
int web_flow_new(struct web_call *c, enum web_flow_kind kind, struct web_flow **ret) CHECKED;
/* The dialogue of that kind; those that need a sign-in must be this session's own. LL_ERR_NOTFOUND,
 * told as "expired". */
int web_flow_find(struct web_call *c, const uint8_t id[WEB_ID], enum web_flow_kind kind,
	struct web_flow **ret) CHECKED;
void web_flow_free(struct web_flow *f);
/* Takes tokens for one guess at an address; told as "rate". */
int web_guess(struct web_call *c, struct slice address) CHECKED;
void web_guess_was_right(struct web_call *c, struct slice address);
int web_take(struct web_call *c, enum web_rule rule, struct slice key) CHECKED;
/* One of the client's network, unless it is this machine. */
int web_take_network(struct web_call *c, enum web_rule rule) CHECKED;

/* --- web_login.c --- */
web_handler web_login_start, web_login_password, web_login_recovery, web_login_totp,
	web_login_passkey, web_passkey_start, web_passkey_assert, web_passkey_unlock,
	web_confirm_start, web_confirm_password;
/* Everything is proved: makes a session, answers with a cookie. */
int web_sign_in(struct web_call *c, struct web_flow *f) CHECKED;

/* --- web_signup.c --- */
web_handler web_signup_domains, web_signup_work, web_account_begin, web_account_register,
	web_account_create;

/* --- web_keys.c --- */
web_handler web_account_info, web_picture, web_keys_read, web_keys_stage, web_keys_register,
	web_keys_update, web_unlockers, web_account_delete;

/* --- web_factor.c --- */
web_handler web_factors, web_factor_edit, web_factor_remove, web_totp_begin, web_totp_confirm,
	web_passkey_begin, web_passkey_add;
/* Checks an assertion against the account's passkeys; on LL_OK the factor's counter is raised, to
 * be saved. LL_ERR_AUTH. */
int web_assertion_check(struct web_account *a, const uint8_t challenge[WEB_CHALLENGE_LEN],
	const struct web_assertion *m, struct web_factor **ret) CHECKED;
/* Items: ids of the account's passkeys. */
int web_credentials(const struct web_account *a, struct buf *items) CHECKED;

/* --- web_session.c --- */
web_handler web_logout, web_sessions, web_session_end, web_sessions_end, web_alerts, web_language,
	web_key_publish;
/* Who holds the token: fills c->account, c->session, c->owner. LL_ERR_NOTFOUND: nobody, told as
 * "signed-out". */
int web_session_open(struct web_call *c) CHECKED;
/* A new session in the account's record (not saved yet). Fills c->token, cookie and max_age. */
int web_session_new(struct web_call *c, struct web_account *a, const struct web_flow *f,
	struct web_session **ret) CHECKED;
/* Ends sessions of an account: all, or all but one. */
int web_sessions_close(struct web_account *a, const uint8_t *but) CHECKED;

/* --- web_oauth.c: programs that sign in by OAuth. All but the first are asked by the frontend. ---
 */
web_handler web_oauth_grant, web_oauth_code, web_oauth_refresh, web_oauth_revoke;
/* Codes whose time is over go, and with them the app passwords that nobody got. */
void web_oauth_sweep(void);
/* The account is gone. */
void web_oauth_forget(const uint8_t account[WEB_ID]);

/* --- letter_owner.c, letter_reader.c: letters under a password --- */
web_handler web_letter_create, web_letter_put, web_letter_publish, web_letters, web_letter_change,
	web_letter_withdraw, web_letter_forget;
web_handler web_letter_state, web_letter_open, web_letter_part, web_letter_reply,
	web_letter_reply_put, web_letter_reply_send;

/* --- web_alert.c: mail to the account itself. What cannot be sent is only logged. --- */
/* In the account's language: what happened, and when. */
void web_alert(const struct directory_account *a, enum alert which);
/* The owner of the account did it, or somebody who took the session over. name: of what was made,
 * or NULL. */
void web_alert_done(const struct web_call *c, enum alert which, const char *name);
void web_alert_sign_in(
	const struct directory_account *a, const struct web_session *s, bool recovery);
/* New ways to open the keys: a letter about each. c: the session that did it, or NULL. */
void web_alert_unlockers(
	const struct directory_account *a, const struct web_call *c, struct slice verifiers);

#endif
