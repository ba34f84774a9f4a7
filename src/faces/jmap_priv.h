/* What the files of JMAP share: a call under way, method tables, helpers for arguments and replies.
 */
#ifndef FACES_JMAP_PRIV_H
#define FACES_JMAP_PRIV_H

#include "account/email.h"
#include "account/message.h"
#include "account/object.h"
#include "faces/jmap.h"
#include "faces/jmap_json.h"

#include <string.h>

/* What a push subscription has heard of. */
struct jmap_told {
	struct store_id id;
	struct jmap_states states;
};

struct jmap {
	struct jmap_env env;
	struct jmap_told told[16];
	size_t n_told;
	char account_id[JMAP_ACCOUNT_ID_LEN + 1];
	char session_state[20];
	bool may_not_send;
	struct buf aliases; /* lines of env.aliases, as they were when identities were read last */
};

/* ---- Method-level errors (RFC 8620 section 3.6.2) ---- */

enum jmap_error {
	JMAP_OK,
	JMAP_UNKNOWN_METHOD,
	JMAP_INVALID_ARGUMENTS,
	JMAP_INVALID_RESULT_REFERENCE,
	JMAP_ACCOUNT_NOT_FOUND,
	JMAP_FROM_ACCOUNT_NOT_FOUND,
	JMAP_REQUEST_TOO_LARGE,
	JMAP_STATE_MISMATCH,
	JMAP_CANNOT_CALCULATE,
	JMAP_ANCHOR_NOT_FOUND,
	JMAP_UNSUPPORTED_SORT,
	JMAP_UNSUPPORTED_FILTER,
	JMAP_TOO_MANY_CHANGES,
	JMAP_UNKNOWN_DATA_TYPE,
	JMAP_FORBIDDEN,
	JMAP_SERVER_UNAVAILABLE,
	JMAP_SERVER_FAIL,
	JMAP_ERRORS, /* one past the last */
};

/* ---- A request under way ---- */

struct jmap_reply {
	const char *method;
	struct slice id;
	size_t offset, len; /* of the arguments, in out */
	json_t *parsed; /* when a reference asked for it */
};

struct jmap_request {
	struct jmap *j;
	struct buf *out;
	json_t *using; /* array */
	json_t *created; /* creation id -> id */
	struct jmap_reply replies[2 * JMAP_CALLS_MAX];
	size_t n_replies;
	bool stopped; /* the store failed: what is left fails too */
};

struct jmap_call {
	struct jmap *j;
	struct account *a;
	struct jmap_request *r;
	json_t *args; /* references resolved */
	struct json_out o; /* of the reply's arguments */
	const char *why; /* description of an error, or NULL; static */
	struct slice id;
	void *ctx; /* the method's own */
	json_t *follow; /* arguments of an Email/set that follows by itself */
	bool again; /* it is not done: the same call goes on after others */
};

/* Writes ["name", {...}, "id"] of the call's answer. False, and nothing: the call is not done. */
bool jmap_call_reply(struct jmap_request *r, json_t *call, bool first);

typedef enum jmap_error jmap_method_fn(struct jmap_call *c);
struct jmap_method {
	const char *name; /* "Email/get" */
	const char *args; /* names that may be given, between spaces; NULL: any */
	const char *capability; /* what `using` must have */
	jmap_method_fn *run;
	bool no_account; /* it has no accountId */
};
/* Tables, each ended by a NULL name. */
extern const struct jmap_method jmap_mailbox_methods[], jmap_thread_methods[], jmap_email_methods[],
	jmap_email_set_methods[], jmap_blob_methods[], jmap_identity_methods[],
	jmap_quota_methods[], jmap_submission_methods[], jmap_rule_methods[], jmap_push_methods[],
	jmap_import_methods[], jmap_settings_methods[], jmap_mdn_methods[];

#define JMAP_CAP_CORE "urn:ietf:params:jmap:core"
#define JMAP_CAP_MAIL "urn:ietf:params:jmap:mail"
#define JMAP_CAP_SUBMISSION "urn:ietf:params:jmap:submission"
#define JMAP_CAP_VACATION "urn:ietf:params:jmap:vacationresponse"
#define JMAP_CAP_BLOB "urn:ietf:params:jmap:blob"
#define JMAP_CAP_QUOTA "urn:ietf:params:jmap:quota"
#define JMAP_CAP_MDN "urn:ietf:params:jmap:mdn"
#define JMAP_CAP_RULES "urn:letterlock:params:jmap:rules"
#define JMAP_CAP_IMPORT "urn:letterlock:params:jmap:import"
#define JMAP_CAP_SETTINGS "urn:letterlock:params:jmap:settings"
#define JMAP_CAP_SNOOZE "urn:letterlock:params:jmap:snooze"
#define JMAP_CAP_VAPID "urn:ietf:params:jmap:webpush-vapid"
#define JMAP_CAP_WEBSOCKET "urn:ietf:params:jmap:websocket"
/* Of ClientSettings: what an account may have. Their bytes are the clients' own, sealed by them. */
#define SETTINGS_PART_MAX OBJECT_VALUE_MAX
#define SETTINGS_PARTS_MAX ((size_t)600)
#define SETTINGS_TOTAL_MAX ((size_t)16 << 20)

bool jmap_capability_known(const struct jmap *j, struct slice name);
/* Octets that the attachments of a message may have together, so that it can be sent. */
uint64_t jmap_attachments_max(const struct jmap *j);
const struct jmap_method *jmap_method_find(const struct jmap *j, struct slice name);

/* Opens a reply: what follows are its members after accountId. */
void jmap_reply_open(struct jmap_call *c);

/* ---- Arguments ---- */

enum jmap_error jmap_bad(struct jmap_call *c, const char *why); /* invalidArguments */
/* The method error for an engine's error. */
enum jmap_error jmap_failed(struct jmap_call *c, int err);
/* An id, or what a creation id ("#k1") was given. Empty: unknown creation id. */
struct slice jmap_id(const struct jmap_call *c, struct slice id);
/* Optional arguments: false and JMAP_INVALID_ARGUMENTS's reason when the type is wrong. */
bool jmap_arg_uint(struct jmap_call *c, const char *name, uint64_t *ret);
bool jmap_arg_bool(struct jmap_call *c, const char *name, bool *ret);
/* Remembers that an object was created under a creation id. */
void jmap_created(struct jmap_call *c, const char *creation, const char *id);

/* ---- Ids ---- */

void jmap_id_put(enum change_type type, struct store_id id, char ret_text[40]);
void jmap_put_id(struct json_out *out, enum change_type type, struct store_id id);
bool jmap_id_parse(enum change_type type, struct slice text, struct store_id *ret);
bool jmap_hex_id(struct slice text, uint8_t letter, struct store_id *ret);
struct mailbox *jmap_mailbox(const struct jmap_call *c, struct slice id);

/* Whether the account has this address, or may write under it. */
bool jmap_address_own(const struct jmap *j, struct slice email);
/* Learns what it may write as at present. False: nobody could be asked, or not all was told. */
bool jmap_aliases_read(struct jmap *j);

/* ---- Foo/get ---- */

struct jmap_object {
	struct store_id id;
	void *p; /* the type's own */
};
struct jmap_property {
	const char *name;
	void (*put)(struct jmap_call *c, const struct jmap_object *o, struct json_out *out);
};
struct jmap_getter {
	enum change_type type;
	const struct jmap_property *props; /* ended by a NULL name; the first is id */
	/* Finds by id; false when there is none. */
	bool (*find)(struct jmap_call *c, struct slice id, struct jmap_object *ret);
	/* Lets go of what find gave; may be NULL. */
	void (*release)(struct jmap_object *o);
	/* Calls give for each; NULL: ids may not be null. */
	void (*each)(struct jmap_call *c,
		void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx),
		void *ctx);
	/* The state when it is none of the change log's. */
	const char *state;
};
enum jmap_error jmap_get(struct jmap_call *c, const struct jmap_getter *g);
/* Whether all of them are texts; NULL is none. */
bool jmap_ids_ok(const json_t *ids);
/* Whether the n-th stood there before: an identical id counts once (RFC 8620 section 5.1). */
bool jmap_id_seen(const json_t *ids, size_t n);
/* Closes "list" and the reply; missing: what is in "notFound", without brackets. */
void jmap_list_end(struct jmap_call *c, const struct buf *missing);
/* Ids of which a Foo/get has nothing to show; damaged ones are in both. */
struct jmap_absent {
	struct buf missing, damaged;
};
#define JMAP_ABSENT_INIT                                                                           \
	((struct jmap_absent){BUF_INIT(JMAP_REQUEST_MAX), BUF_INIT(JMAP_REQUEST_MAX)})
/* What became of one id: LL_ERR_NOTFOUND, and LL_ERR_AUTH or _CORRUPT for what is stored but does
 * not open, are taken in, so that it does not hide the others. Returns every other error. */
int jmap_absent_put(struct jmap_absent *x, struct slice id, int err) CHECKED;
/* jmap_list_end with both lists; frees them. */
void jmap_absent_end(struct jmap_call *c, struct jmap_absent *x);
/* A member: the items as a list, or null where there are none. */
void jmap_list_put(struct json_out *o, const char *name, const struct buf *items);
void jmap_put_state(struct json_out *o, uint64_t state);
/* Parses what jmap_put_state or a page of changes gave. ret_after: the last id seen of the changes
 * at that modseq. */
bool jmap_state_parse(struct slice s, uint64_t *ret, struct store_id *ret_after, bool *ret_part);
enum jmap_error jmap_changes(struct jmap_call *c, enum change_type type);

/* ---- Foo/set ---- */

struct jmap_set_error {
	const char *type;
	const char *properties[4]; /* NULL ended, or empty */
	const char *description;
};
/* Parts of the reply, gathered as they come. */
struct jmap_set {
	struct jmap_call *c;
	uint64_t old_state;
	enum change_type type;
	struct buf part[6];
	struct json_out out[6];
	struct map *told[6]; /* the names in each part; NULL: none yet */
	json_t *create, *update, *destroy;
	struct slice key; /* of the object under way */
};
enum jmap_set_part {
	SET_CREATED,
	SET_UPDATED,
	SET_DESTROYED,
	SET_NOT_CREATED,
	SET_NOT_UPDATED,
	SET_NOT_DESTROYED
};
/* Reads and checks the arguments. What an update names but does not change is taken out of it. */
enum jmap_error jmap_set_begin(struct jmap_set *s, struct jmap_call *c, enum change_type type);
/* Whether a part says nothing of this name yet; from now on it does. A client may call one object
 * by its id and by that of its creation, but no name stands twice in an answer (RFC 7493
 * section 2.3). */
bool jmap_set_first(struct jmap_set *s, enum jmap_set_part part, struct slice key);
void jmap_set_fail(struct jmap_set *s, enum jmap_set_part part, struct slice key,
	const struct jmap_set_error *e);
/* The error for an engine's error. */
struct jmap_set_error jmap_set_error_of(int err);
/* Remembers a new object, and opens what is told of it: the id is written, other members may
 * follow. */
void jmap_set_created(struct jmap_set *s, const char *creation, struct store_id id);
/* An updated object with nothing else to tell. */
void jmap_set_updated(struct jmap_set *s, struct slice id);
void jmap_set_destroyed(struct jmap_set *s, struct slice id);
/* Writes one part, as a member; an empty one is null. */
void jmap_set_part_put(struct jmap_set *s, enum jmap_set_part part);
/* The same under another name. */
void jmap_set_part_as(struct jmap_set *s, const char *name, enum jmap_set_part part);
/* Writes what was done, for a reply that has been opened. */
enum jmap_error jmap_set_parts(struct jmap_set *s);
/* Writes the reply. */
enum jmap_error jmap_set_end(struct jmap_set *s);
/* Takes back what was gathered. */
void jmap_set_forget(struct jmap_set *s);
void jmap_set_done(struct jmap_set *s);
/* A new object with a patch applied (RFC 8620 section 5.3); NULL: an invalid path. */
json_t *jmap_patch(const json_t *object, const json_t *patch);
/* Whether each path means something by itself: none leads below another. */
bool jmap_patch_paths_ok(const json_t *patch);
/* Takes the first token off a path, its escapes resolved, as text that ends in NUL. */
bool jmap_patch_token(struct slice *path, char *out, size_t max) CHECKED;
/* invalidProperties; of a path that leads nowhere invalidPatch. */
struct jmap_set_error jmap_set_bad(const char *property);

/* ---- Foo/query ---- */

struct jmap_window {
	size_t from, to; /* of the whole result */
	json_int_t position, offset; /* what was asked for */
	uint64_t limit; /* UINT64_MAX: none */
	struct slice anchor;
	bool anchored, total;
};
/* The place of a result, or SIZE_MAX. */
typedef size_t jmap_index_fn(struct jmap_call *c, struct slice id, void *ctx);
/* position, anchor, anchorOffset, limit, calculateTotal over n results. */
enum jmap_error jmap_window(
	struct jmap_call *c, size_t n, jmap_index_fn *index_of, void *ctx, struct jmap_window *ret);
/* The same in steps, for results that are not all known: the arguments; how many of the results
 * must be known (SIZE_MAX: all) when n are; the part of them. */
enum jmap_error jmap_window_read(struct jmap_call *c, struct jmap_window *ret);
size_t jmap_window_need(struct jmap_call *c, const struct jmap_window *w, size_t n,
	jmap_index_fn *index_of, void *ctx);
enum jmap_error jmap_window_set(
	struct jmap_call *c, struct jmap_window *w, size_t n, jmap_index_fn *index_of, void *ctx);
/* The members before "ids", and after. */
void jmap_query_head(
	struct jmap_call *c, uint64_t state, bool can_calculate, const struct jmap_window *w);
void jmap_query_tail(struct jmap_call *c, size_t n, const struct jmap_window *w);
/* Whether "sort" is a list of Comparators with properties of these, ended by NULL. */
enum jmap_error jmap_sort_check(struct jmap_call *c, const char *const *names);
#define JMAP_QUERY_ARGS "filter sort position anchor anchorOffset limit calculateTotal"
#define JMAP_QUERY_CHANGES_ARGS "filter sort sinceQueryState maxChanges upToId calculateTotal"

#endif
