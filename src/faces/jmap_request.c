/* A request: its form and limits, its calls one after the other as a job; the same over WebSocket. */
#include "faces/jmap_priv.h"

#include "base/text.h"

#include <stdlib.h>

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
		if (!jmap_call_reply(&job->r, json_array_get(calls, job->next), job->next == 0))
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
