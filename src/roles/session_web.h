/* HTTP in a session process: its web links, and the table of who answers which path.
 *
 * A route's handler sees one exchange at a time: a request that has been read, and an answer that
 * it makes at once or later. Framing, sign-in, security headers, compression are the frontend's. */
#ifndef ROLES_SESSION_WEB_H
#define ROLES_SESSION_WEB_H

#include "account/account.h"
#include "faces/web_link.h"
#include "os/loop.h"

struct web_exchange;

struct web_handler {
	/* The head is there. May answer already; the rest of the body is then dropped. NULL: wait.
	 */
	void (*start)(struct web_exchange *x);
	/* With WEB_ROUTE_STREAM: a piece of the body. */
	void (*body)(struct web_exchange *x, struct slice piece);
	/* The request is complete; body is all of it, or empty with WEB_ROUTE_STREAM. */
	void (*ready)(struct web_exchange *x, struct slice body);
	/* There is room to send again (after web_exchange_room was too small). May be NULL. */
	void (*room)(struct web_exchange *x);
	/* A piece of a WebSocket message. */
	void (*message)(struct web_exchange *x, bool text, bool last, struct slice piece);
	/* The exchange is over, however it ended; free what belongs to it. Always the last call.
	 * May be NULL. */
	void (*gone)(struct web_exchange *x);
};

enum web_route_flags {
	WEB_ROUTE_LOCKED = 1, /* also while the account is locked */
	WEB_ROUTE_STREAM = 2, /* the body comes in pieces */
	WEB_ROUTE_WEBSOCKET = 4
};

struct web_route {
	const char *path; /* exact; one that ends in '/' stands for all below it, too */
	unsigned methods; /* bits 1u << enum web_method; GET includes HEAD */
	unsigned flags;
	uint64_t body_max; /* longer bodies are refused with 413 */
	const struct web_handler *handler;
	const char *limit; /* JMAP's name for body_max, for its own error; NULL: none */
};

/* The tables, one per part: each part defines its own. */
extern const struct web_route session_api_routes[]; /* /api/v1/session: session_unlock.c */
extern const size_t n_session_api_routes;
extern const struct web_route session_jmap_routes[]; /* /jmap/: session_jmap.c */
extern const size_t n_session_jmap_routes;

const struct web_request *web_exchange_request(const struct web_exchange *x);
void web_exchange_set_state(struct web_exchange *x, void *state);
void *web_exchange_state(const struct web_exchange *x);

/* The head of the answer; then its body, in pieces no larger than web_exchange_room, then the end.
 * The helpers below do it in one go. After the end the exchange may be gone at any time. */
int web_exchange_respond(struct web_exchange *x, const struct web_response *a) CHECKED;
size_t web_exchange_room(const struct web_exchange *x);
int web_exchange_body(struct web_exchange *x, struct slice piece) CHECKED;
void web_exchange_end(struct web_exchange *x);
#define WEB_ANSWER_MAX ((size_t)64 << 20)
/* A complete answer with a body of any length up to WEB_ANSWER_MAX; it is copied and sent as there is room.
 */
void web_exchange_answer(
	struct web_exchange *x, uint16_t status, const char *content_type, struct slice body);
/* The same with further headers. */
void web_exchange_answer_with(struct web_exchange *x, uint16_t status, struct slice content_type,
	const struct web_header *headers, unsigned n, struct slice body);
/* An RFC 7807 problem: type is what follows "urn:letterlock:", title a plain sentence. */
void web_exchange_problem(
	struct web_exchange *x, uint16_t status, const char *type, const char *title);
/* Like web_exchange_problem, with a whole type URI ("urn:ietf:params:jmap:error:notJSON"). */
void web_exchange_problem_uri(
	struct web_exchange *x, uint16_t status, const char *uri, const char *title);
/* WebSocket. */
int web_exchange_accept(struct web_exchange *x, const char *subprotocol) CHECKED;
int web_exchange_message(struct web_exchange *x, bool text, bool last, struct slice piece) CHECKED;
void web_exchange_close(struct web_exchange *x, uint16_t code, const char *reason);
/* Gives up; the client sees a broken answer. */
void web_exchange_abort(struct web_exchange *x);

/* Takes over a new web link. sends: whoever signed in may send mail. */
void session_web_conn(struct loop *loop, int fd, bool sends);
/* Whether the exchange came over such a link. */
bool web_exchange_sends(const struct web_exchange *x);
/* How many links there are; what a session waits for before it leaves. */
unsigned session_web_links(void);
/* Told whenever a link comes or goes, or a request is worked on. */
void session_web_on_change(void (*fn)(void));

/* --- session_api.c: JMAP requests under way --- */

typedef void session_answer_fn(struct web_exchange *x, unsigned status, struct buf *out);
struct session_request {
	struct session_request *next;
	struct web_exchange *x;
	struct jmap_job *job; /* its answer comes into out; NULL: it is there already */
	struct buf out;
	session_answer_fn *answer;
};
/* NULL without memory; the exchange has been given up then. */
struct session_request *session_request_new(struct web_exchange *x, session_answer_fn *answer);
/* Takes it over, works on it, and tells the answer, at once or later. */
void session_request_run(struct session_request *q);
/* The exchange is gone. */
void session_request_forget(struct web_exchange *x);
/* Gives up all. */
void session_requests_drop(void);

/* --- session_push.c --- */
extern struct jmap_push session_push;
/* Of this server, from auth. */
void session_push_key(struct slice key);
/* Tells push subscriptions what is new from now on. */
void session_push_start(struct account *a);
/* --- session_import.c: mail from other servers --- */
extern const struct jmap_import session_import;
/* In the template, before the sandbox: reads the certificates that other servers are checked by. */
void session_import_prepare(const char *ca_file);
/* Auth's answer to session_dial; fd (or -1) is taken over. */
struct msg_dialled;
void session_import_dialled(const struct msg_dialled *m, int fd);
/* Whether it is at work: then the session stays, whoever is connected. */
bool session_import_busy(void);

/* The JMAP of the account, which is open; made when first needed. NULL without memory. */
struct jmap *session_jmap(void);
/* What its owner may write as has changed, perhaps. */
void session_jmap_owner_changed(void);

#endif
