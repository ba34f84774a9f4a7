/* The request: its limits, its calls one after the other, result references, and errors. */
#include "faces/jmap_priv.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const error_types[JMAP_ERRORS] = {
	[JMAP_UNKNOWN_METHOD] = "unknownMethod",
	[JMAP_INVALID_ARGUMENTS] = "invalidArguments",
	[JMAP_INVALID_RESULT_REFERENCE] = "invalidResultReference",
	[JMAP_ACCOUNT_NOT_FOUND] = "accountNotFound",
	[JMAP_FROM_ACCOUNT_NOT_FOUND] = "fromAccountNotFound",
	[JMAP_REQUEST_TOO_LARGE] = "requestTooLarge",
	[JMAP_STATE_MISMATCH] = "stateMismatch",
	[JMAP_CANNOT_CALCULATE] = "cannotCalculateChanges",
	[JMAP_ANCHOR_NOT_FOUND] = "anchorNotFound",
	[JMAP_UNSUPPORTED_SORT] = "unsupportedSort",
	[JMAP_UNSUPPORTED_FILTER] = "unsupportedFilter",
	[JMAP_TOO_MANY_CHANGES] = "tooManyChanges",
	[JMAP_UNKNOWN_DATA_TYPE] = "unknownDataType",
	[JMAP_FORBIDDEN] = "forbidden",
	[JMAP_SERVER_UNAVAILABLE] = "serverUnavailable",
	[JMAP_SERVER_FAIL] = "serverFail",
};

enum jmap_error
jmap_bad(struct jmap_call *c, const char *why)
{
	c->why = why;
	return JMAP_INVALID_ARGUMENTS;
}

enum jmap_error
jmap_failed(struct jmap_call *c, int err)
{
	if (err == LL_ERR_RANGE)
		return JMAP_CANNOT_CALCULATE;
	if (err == LL_ERR_AUTH || err == LL_ERR_CORRUPT || err == LL_ERR_CLOSED || err == LL_ERR_IO)
		c->r->stopped = true;
	c->why = ll_strerror(err);
	return err == LL_ERR_AGAIN ? JMAP_SERVER_UNAVAILABLE : JMAP_SERVER_FAIL;
}

struct slice
jmap_id(const struct jmap_call *c, struct slice id)
{
	char name[256];

	if (!id.len || id.ptr[0] != '#')
		return id;
	if (id.len > sizeof(name) || memchr(id.ptr, 0, id.len))
		return SLICE_NONE;
	memcpy(name, id.ptr + 1, id.len - 1);
	name[id.len - 1] = '\0';
	return json_slice(json_object_get(c->r->created, name));
}

void
jmap_reply_open(struct jmap_call *c)
{
	jo_open(&c->o, '{');
	jo_key(&c->o, "accountId");
	jo_str(&c->o, c->j->account_id);
}

void
jmap_created(struct jmap_call *c, const char *creation, const char *id)
{
	json_object_set_new(c->r->created, creation, json_string(id));
}

bool
jmap_arg_uint(struct jmap_call *c, const char *name, uint64_t *ret)
{
	json_t *v = json_member(c->args, name);

	if (!v || json_uint(v, ret))
		return true;
	c->why = name;
	return false;
}

bool
jmap_arg_bool(struct jmap_call *c, const char *name, bool *ret)
{
	json_t *v = json_member(c->args, name);

	if (!v)
		return true;
	*ret = json_is_true(v);
	c->why = name;
	return json_is_boolean(v);
}

/* ---- Result references (RFC 8620 section 3.7) ---- */

static json_t *
reply_parsed(struct jmap_request *r, struct jmap_reply *reply)
{
	if (!reply->parsed)
		reply->parsed = json_read(slice_sub(buf_slice(r->out), reply->offset, reply->len));
	return reply->parsed;
}

static json_t *
reference_get(struct jmap_request *r, const json_t *ref)
{
	struct slice of = json_slice(json_object_get(ref, "resultOf"));
	struct slice name = json_slice(json_object_get(ref, "name"));
	struct slice path = json_slice(json_object_get(ref, "path"));

	if (!of.ptr || !name.ptr || !path.ptr || json_object_size(ref) != 3)
		return NULL;
	for (size_t i = 0; i < r->n_replies; i++) {
		struct jmap_reply *reply = &r->replies[i];
		if (!slice_eq(reply->id, of))
			continue;
		if (!slice_eq(slice_str(reply->method), name))
			return NULL;
		return json_pointer_get(reply_parsed(r, reply), path);
	}
	return NULL;
}

/* The arguments with every "#name" replaced. */
static enum jmap_error
references_resolve(struct jmap_call *c, json_t *args)
{
	const char *key;
	json_t *v;
	void *next;

	c->args = json_object();
	if (!c->args)
		return JMAP_SERVER_FAIL;
	json_object_foreach_safe(args, next, key, v)
	{
		json_t *got = v;
		if (key[0] == '#') {
			if (json_object_get(args, key + 1))
				return jmap_bad(
					c, "an argument is there both as value and as reference");
			got = reference_get(c->r, v);
			if (!got)
				return JMAP_INVALID_RESULT_REFERENCE;
			json_object_set_new(c->args, key + 1, got);
		} else {
			json_object_set(c->args, key, got);
		}
	}
	return JMAP_OK;
}

/* ---- Calls ---- */

/* The name is the client's: empty and with spaces in it, too. */
static bool
arg_known(const char *args, const char *name)
{
	struct slice rest = slice_str(args), word = slice_str(name);

	while (rest.len)
		if (slice_eq(slice_split(&rest, ' '), word))
			return true;
	return false;
}

static enum jmap_error
call_check(struct jmap_call *c, const struct jmap_method *m)
{
	const char *key;
	json_t *v;
	struct slice account = json_slice(json_object_get(c->args, "accountId"));

	json_object_foreach(c->args, key, v) if (m->args && strcmp(key, "accountId") &&
		!arg_known(m->args, key)) return jmap_bad(c,
		"there is an argument that this method does not have");
	if (m->no_account)
		return JMAP_OK;
	if (!account.ptr)
		return jmap_bad(c, "accountId");
	return slice_eq(account, slice_str(c->j->account_id)) ? JMAP_OK : JMAP_ACCOUNT_NOT_FOUND;
}

static bool
using_has(const struct jmap_request *r, const char *capability)
{
	size_t i;
	json_t *v;

	json_array_foreach(
		r->using, i, v) if (slice_eq(json_slice(v), slice_str(capability))) return true;
	return false;
}

static enum jmap_error
call_run(struct jmap_call *c, struct slice name, json_t *args, const struct jmap_method **ret)
{
	const struct jmap_method *m = jmap_method_find(c->j, name);
	enum jmap_error e;

	if (!m || !using_has(c->r, m->capability))
		return JMAP_UNKNOWN_METHOD;
	*ret = m;
	if (c->r->stopped)
		return JMAP_SERVER_FAIL;
	e = references_resolve(c, args);
	if (!e)
		e = call_check(c, m);
	return e ? e : m->run(c);
}

static void
reply_note(struct jmap_request *r, const char *method, struct slice id, size_t offset)
{
	if (r->n_replies < ARRAY_SIZE(r->replies))
		r->replies[r->n_replies++] = (struct jmap_reply){
			.method = method, .id = id, .offset = offset, .len = r->out->len - offset};
}

static void
put_error(struct jmap_call *c, enum jmap_error e)
{
	jo_open(&c->o, '{');
	jo_key(&c->o, "type");
	jo_str(&c->o, error_types[e]);
	if (c->why) {
		jo_key(&c->o, "description");
		jo_str(&c->o, c->why);
	}
	jo_close(&c->o, '}');
}

static void follow_reply(struct jmap_request *r, json_t *args, struct slice id);

/* The answer to this call has no room, so it is told that; what others have been told stays. */
static bool
was_too_large(struct jmap_call *c)
{
	if (buf_err(c->r->out) != LL_ERR_LIMIT)
		return false;
	c->r->out->err = LL_OK;
	c->why = "The answer is too large.";
	return true;
}

/* Writes ["name", {...}, "id"]. False, and nothing: the call is not done. */
static bool
call_reply(struct jmap_request *r, json_t *call, bool first)
{
	struct slice name = json_slice(json_array_get(call, 0));
	struct jmap_call c = {.j = r->j,
		.a = r->j->env.account,
		.r = r,
		.o = {.b = r->out},
		.id = json_slice(json_array_get(call, 2))};
	const struct jmap_method *m = NULL;
	size_t start = r->out->len, args;
	enum jmap_error e;

	buf_puts(r->out, first ? "[" : ",[");
	json_text_put(r->out, name);
	buf_putc(r->out, ',');
	args = r->out->len;
	e = call_run(&c, name, json_array_get(call, 1), &m);
	if (was_too_large(&c))
		e = JMAP_REQUEST_TOO_LARGE;
	if (e) {
		buf_truncate(r->out, start);
		buf_puts(r->out, first ? "[\"error\"," : ",[\"error\",");
		args = r->out->len;
		c.o = (struct json_out){.b = r->out};
		put_error(&c, e);
	}
	json_decref(c.args);
	if (c.again && !e) {
		buf_truncate(r->out, start);
		return false;
	}
	reply_note(r, e ? "error" : m->name, c.id, args);
	buf_putc(r->out, ',');
	json_text_put(r->out, c.id);
	buf_putc(r->out, ']');
	if (c.follow)
		follow_reply(r, c.follow, c.id);
	return true;
}

/* What a method brings with it (RFC 8621 section 7.5): a call of its own under the same id, which
 * brings nothing more. */
static void
follow_reply(struct jmap_request *r, json_t *args, struct slice id)
{
	json_t *call = json_pack("[s,o,s%]", "Email/set", args, id.ptr, id.len);

	if (call)
		(void)call_reply(r, call, false);
	json_decref(call);
}

/* ---- The request ---- */

static unsigned
problem(struct buf *out, const char *type, const char *detail, const char *limit)
{
	struct json_out o = {.b = out};

	jo_open(&o, '{');
	jo_key(&o, "type");
	buf_printf(out, "\"urn:ietf:params:jmap:error:%s\"", type);
	o.comma = true;
	jo_key(&o, "status");
	jo_uint(&o, 400);
	jo_key(&o, "detail");
	jo_str(&o, detail);
	if (limit) {
		jo_key(&o, "limit");
		jo_str(&o, limit);
	}
	jo_close(&o, '}');
	return 400;
}

static bool
calls_ok(const json_t *calls)
{
	size_t i;
	json_t *call;

	if (!json_is_array(calls))
		return false;
	json_array_foreach(calls, i, call) if (!json_is_array(call) || json_array_size(call) != 3 ||
		!json_is_string(json_array_get(call, 0)) ||
		!json_is_object(json_array_get(call, 1)) ||
		!json_is_string(json_array_get(call, 2))) return false;
	return true;
}

static bool
created_ok(const json_t *created)
{
	const char *key;
	json_t *v;
	union {
		const json_t *in;
		json_t *out;
	} u = {.in = created};

	if (!created || json_is_null(created))
		return true;
	if (!json_is_object(created))
		return false;
	json_object_foreach(u.out, key,
		v) if (!json_id_ok(slice_str(key)) || !json_id_ok(json_slice(v))) return false;
	return true;
}

/* What is wrong with it as a Request object. 0: nothing. */
static unsigned
request_check(const struct jmap *j, const json_t *q, struct buf *out)
{
	json_t *using = json_object_get(q, "using"), *v;
	json_t *calls = json_object_get(q, "methodCalls");
	size_t i;

	if (!json_is_object(q) || !json_is_array(using) || !calls_ok(calls) ||
		!created_ok(json_object_get(q, "createdIds")))
		return problem(out, "notRequest", "This is not a Request object.", NULL);
	json_array_foreach(using, i, v)
	{
		if (!json_is_string(v))
			return problem(out, "notRequest", "This is not a Request object.", NULL);
		if (!jmap_capability_known(j, json_slice(v)))
			return problem(out, "unknownCapability",
				"There is a capability in `using` that this server does not have.",
				NULL);
	}
	if (json_array_size(calls) > JMAP_CALLS_MAX)
		return problem(out, "limit", "There are too many calls.", "maxCallsInRequest");
	return 0;
}

/* The problem object as a RequestError. */
static void
ws_problem(struct slice id, struct slice inside, struct buf *out)
{
	struct json_out o = {.b = out};

	jo_open(&o, '{');
	jo_key(&o, "@type");
	jo_str(&o, "RequestError");
	jo_key(&o, "requestId");
	jo_slice_or_null(&o, id);
	buf_putc(out, ',');
	buf_put(out, slice_skip(inside, 1));
}

/* ---- The request under way ---- */

struct jmap_job {
	struct jmap_request r;
	json_t *q;
	size_t next; /* the call to go on with */
	unsigned status; /* of the answer; 0: not done */
	bool ws;
};

static void
job_open(struct jmap_job *job)
{
	struct jmap_request *r = &job->r;
	json_t *created = json_member(job->q, "createdIds");
	struct slice id = json_slice(json_object_get(job->q, "id"));

	r->using = json_object_get(job->q, "using");
	r->created = json_object();
	if (!r->created) {
		job->status = 500;
		return;
	}
	if (created)
		json_object_update(r->created, created);
	buf_puts(r->out, job->ws ? "{\"@type\":\"Response\"," : "{");
	if (job->ws && id.ptr) {
		buf_puts(r->out, "\"requestId\":");
		json_text_put(r->out, id);
		buf_putc(r->out, ',');
	}
	buf_puts(r->out, "\"methodResponses\":[");
}

static void
job_close(struct jmap_job *job)
{
	struct jmap_request *r = &job->r;

	buf_putc(r->out, ']');
	if (json_member(job->q, "createdIds")) {
		struct json_out o = {.b = r->out};
		buf_puts(r->out, ",\"createdIds\":");
		jo_json(&o, r->created);
	}
	buf_puts(r->out, ",\"sessionState\":");
	json_text_put(r->out, slice_str(r->j->session_state));
	buf_putc(r->out, '}');
}

/* An answer that was too large leaves nothing of itself. */
static unsigned
job_failed(struct jmap_job *job)
{
	CLEANUP(buf_done) struct buf bad = BUF_INIT(4096);

	buf_reset(job->r.out);
	if (!job->ws)
		return 500;
	problem(&bad, "limit", "The answer is too large.", "maxSizeResponse");
	ws_problem(json_slice(json_object_get(job->q, "id")), buf_slice(&bad), job->r.out);
	return 200;
}

unsigned
jmap_job_step(struct jmap_job *job)
{
	json_t *calls = json_object_get(job->q, "methodCalls");

	if (job->status)
		return job->status;
	while (job->next < json_array_size(calls)) {
		if (!call_reply(&job->r, json_array_get(calls, job->next), job->next == 0))
			return 0;
		job->next++;
	}
	job_close(job);
	job->status = buf_err(job->r.out) ? job_failed(job) : 200;
	return job->status;
}

unsigned
jmap_job_refuse(struct jmap_job *job)
{
	CLEANUP(buf_done) struct buf bad = BUF_INIT(4096);

	buf_reset(job->r.out);
	problem(&bad, "limit", "Too many requests are under way.", "maxConcurrentRequests");
	if (job->ws)
		ws_problem(json_slice(json_object_get(job->q, "id")), buf_slice(&bad), job->r.out);
	else
		buf_put(job->r.out, buf_slice(&bad));
	job->status = 400;
	return job->status;
}

void
jmap_job_free(struct jmap_job *job)
{
	if (!job)
		return;
	for (size_t i = 0; i < job->r.n_replies; i++)
		json_decref(job->r.replies[i].parsed);
	json_decref(job->r.created);
	json_decref(job->q);
	free(job);
}

/* What is wrong with its bytes. 0: nothing, and *ret_q is what they say. */
static unsigned
request_read(struct slice request, json_t **ret_q, struct buf *out)
{
	if (request.len > JMAP_REQUEST_MAX)
		return problem(out, "limit", "The request is too large.", "maxSizeRequest");
	if (json_depth(request) > JMAP_DEPTH_MAX)
		return problem(out, "limit", "The request is nested too deeply.", "maxDepth");
	*ret_q = json_read(request);
	return *ret_q ? 0 : problem(out, "notJSON", "This is not I-JSON.", NULL);
}

struct jmap_job *
jmap_job_new(struct jmap *j, struct slice request, struct buf *out)
{
	struct jmap_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->r = (struct jmap_request){.j = j, .out = out};
	job->status = request_read(request, &job->q, out);
	if (!job->status)
		job->status = request_check(j, job->q, out);
	if (!job->status)
		job_open(job);
	return job;
}

unsigned
jmap_api(struct jmap *j, struct slice request, struct buf *out)
{
	struct jmap_job *job = jmap_job_new(j, request, out);
	unsigned status = job ? 0 : 500;

	while (!status)
		status = jmap_job_step(job);
	jmap_job_free(job);
	return status;
}

/* ---- WebSocket (RFC 8887) ---- */

static struct jmap_job *
ws_request(struct jmap *j, json_t *q, struct buf *out)
{
	CLEANUP(buf_done) struct buf bad = BUF_INIT(4096);
	struct jmap_job *job;

	if (request_check(j, q, &bad)) {
		ws_problem(json_slice(json_object_get(q, "id")), buf_slice(&bad), out);
		return NULL;
	}
	job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	*job = (struct jmap_job){.r = {.j = j, .out = out}, .q = json_incref(q), .ws = true};
	job_open(job);
	return job;
}

static uint32_t
ws_types(const json_t *types)
{
	uint32_t mask = 0;
	size_t i;
	json_t *v;

	if (!types || json_is_null(types))
		return JMAP_PUSH_ALL;
	json_array_foreach(types, i, v) mask |= jmap_push_types(json_slice(v));
	return mask;
}

/* What a message may have of these must be of its type (sections 4.3.2 and 4.3.5.2). */
static bool
ws_members_ok(const json_t *q)
{
	const json_t *id = json_member(q, "id"), *types = json_member(q, "dataTypes"),
		     *state = json_member(q, "pushState");

	return (!id || json_is_string(id)) && (!types || jmap_ids_ok(types)) &&
		(!state || json_is_string(state));
}

struct jmap_job *
jmap_ws_message(struct jmap *j, struct slice message, uint32_t *push, struct jmap_states *told,
	struct buf *out)
{
	CLEANUP(buf_done) struct buf bad = BUF_INIT(4096);
	bool fits = message.len <= JMAP_REQUEST_MAX && json_depth(message) <= JMAP_DEPTH_MAX;
	json_t *q = fits ? json_read(message) : NULL;
	struct slice type = ws_members_ok(q) ? json_slice(json_object_get(q, "@type")) : SLICE_NONE;
	struct jmap_job *job = NULL;

	if (slice_eq(type, S("Request"))) {
		job = ws_request(j, q, out);
	} else if (slice_eq(type, S("WebSocketPushEnable"))) {
		*push = ws_types(json_object_get(q, "dataTypes"));
		jmap_states_since(j, json_slice(json_object_get(q, "pushState")), told);
	} else if (slice_eq(type, S("WebSocketPushDisable"))) {
		*push = 0;
	} else {
		if (!fits)
			problem(&bad, "limit", "The request is too large.", "maxSizeRequest");
		else
			problem(&bad, q ? "notRequest" : "notJSON",
				"This is no message of the jmap protocol.", NULL);
		ws_problem(json_slice(json_object_get(q, "id")), buf_slice(&bad), out);
	}
	json_decref(q);
	return job;
}
