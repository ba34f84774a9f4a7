/* What the parts of the auth process share. */
#ifndef ROLES_AUTH_H
#define ROLES_AUTH_H

#include "keys/scope.h"
#include "roles/directory.h"
#include "roles/places.h"
#include "roles/role.h"

struct auth {
	struct role_env *env;
	struct store *store; /* over the present store process; NULL while there is none */
	struct ipc_channel *store_channel;
	struct directory *directory;
	const struct directory_keys *keys;
	const struct opaque_server *opaque;
	struct places places; /* empty without the file */
	struct map *tickets; /* ticket -> struct ticket */
	unsigned long long logins, failures, sessions_started, lookups;
};
extern struct auth auth;

/* What becomes of mail for an address; it may have no domain ("postmaster"). */
enum rcpt_result auth_recipient(struct slice address);

/* --- ticket.c: a finished sign-in, as long as its connection lives --- */
struct ticket {
	uint8_t id[16];
	struct ipc_channel *frontend;
	uint64_t conn;
	uint8_t account[RECORD_ID_LEN];
	uint8_t unlocker[RECORD_ID_LEN];
	struct scope scope;
	struct account_unlocked *unlocked; /* until a session has the keys; may be NULL */
};
struct ticket *ticket_find(const uint8_t id[16]);
/* Takes the place of the connection's old one. NULL without memory. */
struct ticket *ticket_new(struct ipc_channel *frontend, uint64_t conn);
void ticket_free(struct ticket *t); /* NULL is accepted */
/* Its sign-in is over: the frontend that holds it is told, before whatever it is told next. */
void ticket_revoke(struct ticket *t);
/* Frees the one of a connection; those of all connections of a frontend. */
void ticket_forget(struct ipc_channel *frontend, uint64_t conn);
void ticket_forget_all(struct ipc_channel *frontend);

/* --- login.c: SASL --- */
void login_start(struct ipc_channel *frontend, const struct msg_login_start *m);
void login_continue(struct ipc_channel *frontend, const struct msg_login_continue *m);
/* Forgets what a connection, or a whole frontend, has begun or holds. */
void login_forget(struct ipc_channel *frontend, uint64_t conn);
void login_forget_all(struct ipc_channel *frontend);
/* The account has no session any more: its passwords are strangers again. */
void login_session_over(const uint8_t account[RECORD_ID_LEN]);

/* --- login_records.c --- */
/* All verifiers of an account's unlockers. */
struct verifier;
typedef int login_verifier(void *ctx, const struct verifier *v);
int login_verifiers(const uint8_t account[RECORD_ID_LEN], login_verifier *each, void *ctx) CHECKED;
/* The key records of an account ("k/" without verifiers); of the manifests those from the newest
 * down to the pinned one. */
int login_key_records(const uint8_t account[RECORD_ID_LEN], const struct account_pin *pin,
	struct key_records *ret) CHECKED;
/* Those manifests only. */
int login_manifests(const uint8_t account[RECORD_ID_LEN], const struct account_pin *pin,
	struct key_records *ret) CHECKED;

/* --- vacation.c --- */
/* Whether the account has a notice, now or at some time. */
bool vacation_exists(const uint8_t account[RECORD_ID_LEN]);
/* Stores the owner's notice, or that there is none. LL_ERR_LIMIT, errors of the store. */
int vacation_set(
	const uint8_t account[RECORD_ID_LEN], const struct msg_session_vacation *m) CHECKED;
/* Answers delivery, and remembers who was told: the same sender hears it once a week. */
void vacation_query(struct ipc_channel *delivery, const struct msg_vacation_query *m);

/* --- push.c --- */
/* The server's public key for push services (P-256). */
int push_public_key(uint8_t ret[65]) CHECKED;
/* Whether the account has push subscriptions. */
bool push_exists(const uint8_t account[RECORD_ID_LEN]);
/* All that there are from now on (faces/push_list.h). LL_ERR_SYNTAX, errors of the store. */
int push_set(const uint8_t account[RECORD_ID_LEN], struct slice list) CHECKED;
/* A session's message for one of them. */
void push_send(const uint8_t account[RECORD_ID_LEN], const struct msg_session_push_send *m);
/* Mail has come; tells of it where no session does. */
void push_delivered(const uint8_t account[RECORD_ID_LEN]);
/* Lookup's answer; lookup is gone. */
void push_reply(const struct msg_https_reply *m);
void push_lost(void);

/* --- pgp_directory.c --- */
/* Publishes the owner's OpenPGP key, or with an empty one withdraws it. LL_ERR_DENIED: its
 * fingerprint is not in the account's manifest; LL_ERR_NOTFOUND: it does not name the account's
 * address; errors of pgp_key_read. */
int pgp_publish(const uint8_t account[RECORD_ID_LEN], struct slice key) CHECKED;
void pgp_query(struct ipc_channel *frontend, const struct msg_pgp_query *m);

/* domain_sts.c: answers a frontend that is asked for a policy. */
void domain_sts_query(struct ipc_channel *frontend, const struct msg_sts_query *m);

/* --- sessions.c --- */
/* Is a session of that account there, with keys? */
bool session_exists(const uint8_t account[RECORD_ID_LEN]);
/* Gives a connection to the account's session, starting one with the ticket's keys if needed. Takes
 * over fd; on failure it is just closed, which the frontend understands. */
void session_attach(struct ticket *t, const struct msg_attach *m, int fd);
/* The same for a web link: of who is signed in by a cookie (ticket NULL: a session that is not
 * there yet starts locked), or with an app password. LL_ERR_AGAIN: no session can be had. */
int session_attach_web(
	const uint8_t account[RECORD_ID_LEN], struct ticket *t, struct slice peer, int fd) CHECKED;
/* The store's answer to a request for a bound channel. */
void session_store_opened(const struct msg_st_opened *m, int fd);
/* The store process is gone, and with it the requests that were on their way to it. */
void session_store_lost(void);
/* A delivery process came or went: sessions that send get another one. */
void session_delivery_changed(const struct ipc_channel *delivery, bool gone);
/* Ends the session of an account (its keys changed, it was disabled), or all (NULL). */
void session_end(const uint8_t *account);
/* Languages were set, or aliases: sessions whose owners that concerns are told. */
void session_owners_changed(void);
unsigned session_count(void);

/* The channel to an account's session process; NULL when there is none. */
struct ipc_channel *session_channel(const uint8_t account[RECORD_ID_LEN]);

/* --- dial.c: connections to owners' other mail servers, made by lookup --- */
void dial_ask(const uint8_t account[RECORD_ID_LEN], const struct msg_dial *m);
/* Lookup's answer; fd (or -1) is taken over. */
void dial_answer(const struct msg_dialled *m, int fd);
/* Lookup is gone: what was asked of it has failed. */
void dial_lost(void);

/* --- web.c, web_session.c: the web's sign-in --- */
void web_command(struct ipc_channel *frontend, const struct msg_web_command *m);
/* Gives a web link to the session of who holds the token; takes over fd. */
void web_attach(struct ipc_channel *frontend, const struct msg_web_attach *m, int fd);
/* Ends all web sessions of an account. */
void web_sign_out(const uint8_t account[RECORD_ID_LEN]);
/* The account is gone. */
void web_forget(const uint8_t account[RECORD_ID_LEN]);
/* An app password was used. */
void web_note_use(const uint8_t account[RECORD_ID_LEN], const uint8_t unlocker[RECORD_ID_LEN]);
/* Takes off all second factors, for the operator. LL_ERR_NOTFOUND: there are none. */
int web_factors_clear(const struct directory_account *a) CHECKED;

/* --- control.c: the command line --- */
void control_conn(struct role_env *env, int fd);
void control_processes_reply(const struct msg_processes_reply *m);
void control_queue_reply(const struct msg_queue_reply *m);
void control_relay_gone(void);

#endif
