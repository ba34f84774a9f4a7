/* One call of a request: its arguments with their result references, its answer, and its errors. */
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

bool
jmap_call_reply(struct jmap_request *r, json_t *call, bool first)
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
		(void)jmap_call_reply(r, call, false);
	json_decref(call);
}
