/* JMAP (RFC 8620, 8621, 9007, 9404, 9425) over the account engine, in the account's session
 * process. No I/O: a request's bytes in, the reply's bytes out. HTTP, WebSocket and EventSource are
 * framed by others (jmap_web.h). */
#ifndef FACES_JMAP_H
#define FACES_JMAP_H

#include "account/account.h"
#include "account/changes.h"
#include "base/buf.h"
#include "base/language.h"
#include "faces/outbound.h"

#define JMAP_REQUEST_MAX ((size_t)10 << 20) /* maxSizeRequest */
#define JMAP_UPLOAD_MAX ((size_t)50 << 20) /* maxSizeUpload */
#define JMAP_CALLS_MAX 64
#define JMAP_GET_MAX 1000
#define JMAP_SET_MAX 1000
#define JMAP_DEPTH_MAX 64 /* of nested arrays and objects in a request */
#define JMAP_REPLY_MAX ((size_t)64 << 20)
#define JMAP_CONCURRENT_REQUESTS 8
#define JMAP_CONCURRENT_UPLOAD 4

/* Push (RFC 8620 section 7.2): handed in, because a session has no network. */
struct jmap_push {
	struct slice key; /* applicationServerKey of RFC 9749, raw; empty: none */
	/* Whether it is a public key of P-256. */
	bool (*key_ok)(struct slice key);
	/* Every subscription from now on (push_list.h); LL_OK when it is durable. */
	int (*store)(void *ctx, struct slice list);
	/* One message for one of them; nothing is promised. */
	void (*send)(void *ctx, const uint8_t id[16], struct slice body);
	void *ctx;
};

/* Bringing mail over (urn:letterlock:params:jmap:import): handed in, because a session has no
 * network. */
enum jmap_import_state {
	JMAP_IMPORT_IDLE, /* nothing is done, and the password is not there */
	JMAP_IMPORT_READY, /* nothing is done; the password is there */
	JMAP_IMPORT_FINDING,
	JMAP_IMPORT_CONNECTING,
	JMAP_IMPORT_RUNNING,
	JMAP_IMPORT_WAITING, /* for another try */
};
struct jmap_import {
	/* The job was made, changed or destroyed by its owner. */
	void (*changed)(void *ctx, struct store_id id);
	/* Gives the password and begins; it is kept in memory only. LL_ERR_NOMEM, LL_ERR_LIMIT. */
	int (*secret)(void *ctx, struct store_id id, struct slice secret);
	enum jmap_import_state (*state)(void *ctx, struct store_id id);
	void *ctx;
};

struct jmap_method;
struct jmap_env {
	struct account *account;
	int64_t (*now)(void *ctx); /* Unix seconds */
	int (*random)(void *ctx, void *p, size_t n);
	void *ctx;
	/* Addresses that the account may send from; the first is its own. Live as long as this. */
	const struct slice *addresses;
	size_t n_addresses;
	/* Others that it may send from at present: appends lines, "@domain" for all of a domain.
	 * May be NULL. */
	int (*aliases)(void *ctx, struct buf *ret_lines);
	/* In which one texts are that a client leaves to the server. May be NULL. */
	enum language (*language)(void *ctx);
	/* The way out; NULL: nothing can be sent from here. */
	const struct jmap_push *push; /* NULL: nothing can be pushed */
	const struct outbound *outbound;
	const struct jmap_import *import; /* NULL: no mail can be brought over */
	uint64_t message_max; /* octets of a letter that is sent */
	/* Further methods; tables end with a NULL name. May be NULL.
	 */
	const struct jmap_method *const *more;
	size_t n_more;
	const struct slice *more_capabilities;
	size_t n_more_capabilities;
};

struct jmap;
/* env is copied, what it points to is not. NULL without memory. */
struct jmap *jmap_new(const struct jmap_env *env);
void jmap_free(struct jmap *j);
/* Whether whoever makes the next requests may send mail. At first: yes. */
void jmap_may_send(struct jmap *j, bool yes);

/* The account's id in JMAP: "A" and 32 hexadecimal digits. */
#define JMAP_ACCOUNT_ID_LEN 33
void jmap_account_id(struct store_id id, char ret_text[JMAP_ACCOUNT_ID_LEN + 1]);

/* What env.aliases gives has changed: so do the Identities, unless no client has looked at them
 * yet. Errors of the account. */
int jmap_addresses_changed(struct jmap *j) CHECKED;

/* One API request (RFC 8620 section 3.3), in slices of some milliseconds: what takes long (a search
 * that reads letters) lets others go first. The answer is put into out, empty at first, which lives
 * as long as the job; at each step the account is that of now. NULL without memory. */
struct jmap_job;
struct jmap_job *jmap_job_new(struct jmap *j, struct slice request, struct buf *out);
/* 0: not done yet. Else the HTTP status: 200 with a Response object, else a problem object
 * (application/problem+json); 500 and an empty answer when memory fails. */
unsigned jmap_job_step(struct jmap_job *job);
/* The answer is instead that too many are under way; its status. */
unsigned jmap_job_refuse(struct jmap_job *job);
/* Gives up what is not done. NULL is accepted. */
void jmap_job_free(struct jmap_job *job);
/* All steps at once. */
unsigned jmap_api(struct jmap *j, struct slice request, struct buf *out);
/* The session object (RFC 8620 section 2). origin: "https://host:port", no slash at the end. */
int jmap_session(struct jmap *j, struct slice origin, struct buf *out) CHECKED;

/* Upload (section 6.1): appends the reply, returns the HTTP status. */
unsigned jmap_upload(struct jmap *j, struct slice account, struct slice type, struct slice data,
	struct buf *out);
/* Download (section 6.2): the blob's bytes. LL_ERR_NOTFOUND. ret_type: media type of the part or
 * upload; appended, may stay empty. */
int jmap_download(struct jmap *j, struct slice account, struct slice blob, struct buf *out,
	struct buf *ret_type) CHECKED;

/* ---- State changes (RFC 8620 section 7) ----
 * When the bell rings, the holder of an EventSource or WebSocket asks what is new since it last
 * told. */
#define JMAP_PUSH_ALL UINT32_MAX
struct jmap_states {
	uint64_t at[CHANGE_TYPES];
};
/* Bits (1 << enum change_type) of type names separated by commas; "*" is all of them. */
uint32_t jmap_push_types(struct slice names);
void jmap_states_now(const struct jmap *j, struct jmap_states *ret);
/* Appends a StateChange object of the types that differ from *told, and brings *told up to date;
 * false and nothing when none does. push_state: also a pushState (RFC 8887 section 4.3.5.1). */
bool jmap_state_change(
	struct jmap *j, uint32_t types, bool push_state, struct jmap_states *told, struct buf *out);
/* Appends the states as one word: a pushState, and an EventSource's event id. */
int jmap_push_state_put(const struct jmap_states *s, struct buf *out);
/* What a client knows that comes with such a word: without one all that is now; with one that is none
 * of ours, or no longer, nothing, so that it is told everything. */
void jmap_states_since(const struct jmap *j, struct slice text, struct jmap_states *ret);

/* Tells push subscriptions what is new since they were told last. */
void jmap_push_changes(struct jmap *j);
/* Appends the list of them as auth wants it. */
int jmap_push_list(struct jmap *j, struct buf *out) CHECKED;

/* One WebSocket message (RFC 8887): Request, WebSocketPushEnable or Disable. A request gives a job,
 * whose answer will be in out; when something is wrong, NULL, and out has the answer. Nothing for
 * the latter two, which change *push, the types that are to be pushed, and *told, what the client
 * knows of them: then call jmap_state_change. */
struct jmap_job *jmap_ws_message(struct jmap *j, struct slice message, uint32_t *push,
	struct jmap_states *told, struct buf *out);

#endif
