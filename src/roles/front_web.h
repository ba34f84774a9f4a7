/* HTTP in the frontend: what its parts share. A task is one request on its way to its answer. */
#ifndef ROLES_FRONT_WEB_H
#define ROLES_FRONT_WEB_H

#include "faces/http.h"
#include "faces/web_pack.h"
#include "faces/web_policy.h"
#include "roles/front.h"

#define FRONT_EXTRA_HEADERS_MAX 24

struct front_task;

/* Who answers a task. All may be NULL. */
struct front_task_ops {
	/* A piece of the body; returns how much of it is dealt with (the rest:
	 * front_task_consumed). */
	size_t (*body)(struct front_task *t, struct slice piece);
	void (*end)(struct front_task *t);
	void (*room)(struct front_task *t);
	/* Every few seconds. */
	void (*tick)(struct front_task *t);
	/* The task is over, however it ended. The last call. */
	void (*gone)(struct front_task *t);
};

struct front_task {
	struct front_task *next, **at; /* of its connection */
	struct front_conn *c;
	struct http_conn *http;
	uint32_t stream;
	uint64_t id; /* never reused; what other processes are asked with */
	const struct front_task_ops *ops;
	void *state;
	enum web_method method;
	enum http_version version;
	bool websocket, head_sent, over;
	const char *allow; /* the methods that its path has; for 405 and OPTIONS */
	bool everyone; /* pages of any origin may ask: there is no cookie in it */
	bool elsewhere; /* and one of another origin does */
	bool browser; /* a page asks, which signs in by itself */
	bool bearer; /* it came with a token */
	bool has_gzip; /* the client takes it */
	bool webkit; /* the browser is of the engine of Safari */
	bool complete; /* the request's body has ended */
	struct slice path, query, host; /* path is decoded and has no dot segments */
	struct buf text; /* what these are views of */
	struct buf answer; /* a whole answer on its way */
	struct slice rest; /* of it, or of a static file */
	struct buf gathered; /* a body that is wanted whole */
	uint8_t token[32]; /* of the cookie */
	bool has_token;
};

struct front_head {
	uint16_t status;
	uint64_t length;
	const struct web_pack_entry *entry; /* a file of the client, with the fields that it has */
	const char *cache; /* of all else. NULL: no-store */
	unsigned n;
	struct web_header extra[FRONT_EXTRA_HEADERS_MAX];
};

/* Sends the head with everything that every answer has. false: the task is over. */
bool front_task_head(struct front_task *t, const struct front_head *h);
/* The whole answer: head, a copy of the body, end. */
void front_task_answer(
	struct front_task *t, struct front_head *h, const char *type, struct slice body);
/* The whole answer from bytes that stay. */
void front_task_file(struct front_task *t, const struct front_head *h, struct slice body);
/* An RFC 7807 problem: code is what follows "urn:letterlock:". retry: seconds, or 0. */
void front_task_problem(
	struct front_task *t, unsigned status, const char *code, const char *title, unsigned retry);
void front_task_end(struct front_task *t);
void front_task_reset(struct front_task *t);
void front_task_consumed(struct front_task *t, size_t n);
/* What was queued goes out, and events are looked at, when the stack has unwound. */
void front_task_wake(struct front_task *t);
/* Those that asked a process with their id. NULL when it is over. */
struct front_task *front_task_find(uint64_t id);
/* Goes through all of them; start with *pos = 0. */
struct front_task *front_task_next(size_t *pos);

/* front_request.c: fills in what the task has from its request. LL_ERR_SYNTAX: the path. */
int front_request_read(struct front_task *t, const struct http_request *q) CHECKED;
/* Whether a page of this very host asks, or no page at all. */
bool front_own_origin(const struct http_request *q, bool must_be_there);

/* front_site.c: finds out who answers, and lets it. */
void front_site_route(struct front_task *t, const struct http_request *q);
/* Maps the client's file. */
void front_site_init(struct role_env *env);

/* front_command.c: POST /api/v1/auth/<command>, and what else auth is asked. */
void front_command_begin(struct front_task *t, struct slice command, const struct http_request *q);
void front_command_reply(const struct msg_web_reply *m);
void front_command_auth_lost(void);

/* front_oauth.c: for programs that sign in by OAuth. */
void front_oauth_server(struct front_task *t);
/* path: of the resource. */
void front_oauth_resource(struct front_task *t, struct slice path);
/* What the page at /authorize has to ask. */
void front_oauth_request(struct front_task *t);
/* POST /oauth/<path>. */
void front_oauth_begin(struct front_task *t, struct slice path, const struct http_request *q);
void front_oauth_reply(const struct msg_web_reply *m);
void front_oauth_auth_lost(void);

/* front_sts.c: the MTA-STS policy of the domain in "mta-sts.DOMAIN". */
bool front_sts_is_host(struct slice host);
void front_sts_begin(struct front_task *t);
void front_sts_reply(const struct msg_sts_reply *m);
void front_sts_auth_lost(void);

/* front_link.c: requests for the account's session process. */
enum front_link_kind { FRONT_LINK_COOKIE, FRONT_LINK_PASSWORD, FRONT_LINK_TOKEN };
void front_link_init(struct role_env *env);
/* secret: the cookie's token, user NUL password, or OAUTHBEARER's message. */
void front_link_request(struct front_task *t, const struct http_request *q,
	enum front_link_kind kind, struct slice secret);
void front_link_attached(const struct msg_web_attached *m);
void front_link_revoked(const struct msg_web_revoke *m);
void front_link_login_result(const struct msg_login_result *m);
void front_link_auth_lost(void);
#define FRONT_LINK_ID_BIT ((uint64_t)1 << 63) /* in ids of sign-ins that are not connections */

extern const struct front_face front_http;

#endif
