/* What all types have in common in Foo/set: its arguments, the parts of its answer, and patches
 * (RFC 8620 section 5.3). */
#include "faces/jmap_priv.h"

#include "base/map.h"

#define PATH_LEN_MAX 1024

static const char *const set_parts[] = {
	"created", "updated", "destroyed", "notCreated", "notUpdated", "notDestroyed"};

static bool
set_args_ok(struct jmap_set *s)
{
	const char *key;
	json_t *v;

	json_object_foreach(s->create, key,
		v) if (!json_is_object(v) || !json_id_ok(slice_str(key))) return false;
	json_object_foreach(s->update, key, v) if (!json_is_object(v)) return false;
	for (size_t i = 0; i < json_array_size(s->destroy); i++)
		if (!json_is_string(json_array_get(s->destroy, i)))
			return false;
	return (!s->create || json_is_object(s->create)) &&
		(!s->update || json_is_object(s->update)) &&
		(!s->destroy || json_is_array(s->destroy));
}

/* ---- What an update need not do ---- */

/* What each type's updates can change. */
static const struct {
	enum change_type type;
	const char *get, *settable;
} updates[] = {
	{CHANGE_MAILBOX, "Mailbox/get", "name parentId role sortOrder isSubscribed"},
	{CHANGE_EMAIL, "Email/get", "keywords mailboxIds snoozedUntil"},
	{CHANGE_IDENTITY, "Identity/get", "name replyTo bcc textSignature htmlSignature"},
	{CHANGE_VACATION, "VacationResponse/get",
		"isEnabled fromDate toDate subject textBody htmlBody"},
	{CHANGE_SUBMISSION, "EmailSubmission/get", "undoStatus"},
	{CHANGE_PUSH, "PushSubscription/get", "verificationCode expires types"},
	{CHANGE_RULES, "Rule/get", "name order isEnabled matchAll conditions actions"},
	{CHANGE_IMPORT, "ImportJob/get", "user host port security secret chosen isPaused"},
};

static bool
list_has(const char *list, const char *name)
{
	struct slice rest = slice_str(list);

	while (rest.len)
		if (slice_eq(slice_split(&rest, ' '), slice_str(name)))
			return true;
	return false;
}

/* A new reference, or NULL: what Foo/get shows of a property at this moment. */
static json_t *
value_now(struct jmap_call *c, const char *get, struct slice id, const char *name)
{
	CLEANUP(buf_done) struct buf out = BUF_SECRET(JMAP_REPLY_MAX);
	const struct jmap_method *m = jmap_method_find(c->j, slice_str(get));
	struct jmap_call sub = {.j = c->j, .a = c->a, .r = c->r, .o = {.b = &out}};
	json_t *reply = NULL, *v = NULL;

	sub.args = json_pack("{s:[s%],s:[s]}", "ids", id.ptr, id.len, "properties", name);
	if (m && sub.args && m->run(&sub) == JMAP_OK && !buf_err(&out))
		reply = json_read(buf_slice(&out));
	v = json_object_get(json_array_get(json_object_get(reply, "list"), 0), name);
	json_incref(v);
	json_decref(reply);
	json_decref(sub.args);
	return v;
}

/* Clients may hand a whole object back: what only the server sets is no error as long as it is what
 * it is (RFC 8620 section 5.3). */
static void
drop_same(struct jmap_set *s, const char *key, json_t *patch, const char *get, const char *settable)
{
	const char *name;
	json_t *v;
	void *next;

	json_object_foreach_safe(patch, next, name, v)
	{
		json_t *now;
		bool same;
		if (strchr(name, '/') || list_has(settable, name))
			continue;
		now = value_now(s->c, get, jmap_id(s->c, slice_str(key)), name);
		same = now && json_equal(now, v);
		json_decref(now);
		if (!same)
			return; /* the type says what is wrong with it */
		json_object_del(patch, name);
	}
}

static void
drop_all_same(struct jmap_set *s)
{
	const char *key;
	json_t *patch;

	for (size_t i = 0; i < ARRAY_SIZE(updates); i++)
		if (updates[i].type == s->type)
			json_object_foreach(s->update, key, patch)
				drop_same(s, key, patch, updates[i].get, updates[i].settable);
}

/* ---- Begin and end ---- */

enum jmap_error
jmap_set_begin(struct jmap_set *s, struct jmap_call *c, enum change_type type)
{
	json_t *in_state = json_member(c->args, "ifInState");
	uint64_t state;
	struct store_id after;
	bool part;

	*s = (struct jmap_set){.c = c,
		.type = type,
		.old_state = account_state(c->a, type),
		.create = json_member(c->args, "create"),
		.update = json_member(c->args, "update"),
		.destroy = json_member(c->args, "destroy")};
	if (!set_args_ok(s))
		return jmap_bad(c, "create, update or destroy");
	if (json_object_size(s->create) + json_object_size(s->update) +
			json_array_size(s->destroy) >
		JMAP_SET_MAX)
		return JMAP_REQUEST_TOO_LARGE;
	if (in_state && !json_is_string(in_state))
		return jmap_bad(c, "ifInState");
	if (in_state &&
		(!jmap_state_parse(json_slice(in_state), &state, &after, &part) || part ||
			state != s->old_state))
		return JMAP_STATE_MISMATCH;
	for (size_t i = 0; i < ARRAY_SIZE(s->part); i++) {
		s->part[i] = BUF_INIT(JMAP_REPLY_MAX);
		s->out[i] = (struct json_out){.b = &s->part[i]};
	}
	drop_all_same(s);
	return JMAP_OK;
}

static void
set_error_put(struct json_out *o, const struct jmap_set_error *e)
{
	jo_open(o, '{');
	jo_key(o, "type");
	jo_str(o, e->type);
	if (e->properties[0]) {
		jo_key(o, "properties");
		jo_open(o, '[');
		for (size_t i = 0; i < ARRAY_SIZE(e->properties) && e->properties[i]; i++)
			jo_str(o, e->properties[i]);
		jo_close(o, ']');
	}
	if (e->description) {
		jo_key(o, "description");
		jo_str(o, e->description);
	}
	jo_close(o, '}');
}

bool
jmap_set_first(struct jmap_set *s, enum jmap_set_part part, struct slice key)
{
	struct map **told = &s->told[part];

	if (*told && map_get(*told, key))
		return false;
	if ((!*told && !(*told = map_new())) || map_set(*told, key, s, NULL))
		s->part[part].err = LL_ERR_NOMEM;
	return true;
}

void
jmap_set_fail(struct jmap_set *s, enum jmap_set_part part, struct slice key,
	const struct jmap_set_error *e)
{
	if (!jmap_set_first(s, part, key))
		return;
	jo_key_slice(&s->out[part], key);
	set_error_put(&s->out[part], e);
}

struct jmap_set_error
jmap_set_error_of(int err)
{
	static const struct {
		int err;
		const char *type;
	} types[] = {{LL_ERR_NOTFOUND, "notFound"}, {LL_ERR_QUOTA, "overQuota"},
		{LL_ERR_LIMIT, "tooLarge"}, {LL_ERR_DENIED, "forbidden"},
		{LL_ERR_SYNTAX, "invalidProperties"}, {LL_ERR_EXISTS, "alreadyExists"}};
	struct jmap_set_error e = {.type = "serverFail", .description = ll_strerror(err)};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].err == err)
			e = (struct jmap_set_error){.type = types[i].type};
	return e;
}

void
jmap_set_created(struct jmap_set *s, const char *creation, struct store_id id)
{
	struct json_out *o = &s->out[SET_CREATED];
	char text[40];

	jmap_id_put(s->type, id, text);
	jmap_created(s->c, creation, text);
	jo_key(o, creation);
	jo_open(o, '{');
	jo_key(o, "id");
	jo_str(o, text);
}

void
jmap_set_updated(struct jmap_set *s, struct slice id)
{
	if (!jmap_set_first(s, SET_UPDATED, id))
		return;
	jo_key_slice(&s->out[SET_UPDATED], id);
	jo_null(&s->out[SET_UPDATED]);
}

void
jmap_set_destroyed(struct jmap_set *s, struct slice id)
{
	jo_slice(&s->out[SET_DESTROYED], id);
}

void
jmap_set_part_put(struct jmap_set *s, enum jmap_set_part part)
{
	jmap_set_part_as(s, set_parts[part], part);
}

void
jmap_set_part_as(struct jmap_set *s, const char *name, enum jmap_set_part part)
{
	struct json_out *o = &s->c->o;
	const struct buf *b = &s->part[part];

	jo_key(o, name);
	if (!b->len) {
		jo_null(o);
		return;
	}
	jo_open(o, part == SET_DESTROYED ? '[' : '{');
	buf_put(o->b, buf_slice(b));
	jo_close(o, part == SET_DESTROYED ? ']' : '}');
	if (buf_err(b) && !o->b->err)
		o->b->err = buf_err(b);
}

enum jmap_error
jmap_set_parts(struct jmap_set *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->part); i++)
		jmap_set_part_put(s, (enum jmap_set_part)i);
	return JMAP_OK;
}

enum jmap_error
jmap_set_end(struct jmap_set *s)
{
	struct json_out *o = &s->c->o;

	jmap_reply_open(s->c);
	jo_key(o, "oldState");
	jmap_put_state(o, s->old_state);
	jo_key(o, "newState");
	jmap_put_state(o, account_state(s->c->a, s->type));
	(void)jmap_set_parts(s);
	jo_close(o, '}');
	return JMAP_OK;
}

void
jmap_set_forget(struct jmap_set *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->part); i++) {
		buf_reset(&s->part[i]);
		s->out[i].comma = false;
		map_free(TAKE(s->told[i]), NULL);
	}
}

void
jmap_set_done(struct jmap_set *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->part); i++) {
		buf_done(&s->part[i]);
		map_free(s->told[i], NULL);
	}
}

/* ---- Patches ---- */

/* "~1" and "~0" stand for "/" and "~" (RFC 6901). */
bool
jmap_patch_token(struct slice *path, char *out, size_t max)
{
	struct slice t = slice_split(path, '/');
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++) {
		char ch = (char)t.ptr[i];
		if (n + 1 >= max || !ch)
			return false;
		if (ch == '~' && i + 1 < t.len && (t.ptr[i + 1] == '0' || t.ptr[i + 1] == '1'))
			ch = t.ptr[++i] == '0' ? '~' : '/';
		else if (ch == '~')
			return false;
		out[n++] = ch;
	}
	out[n] = '\0';
	return true;
}

static bool
patch_one(json_t *object, struct slice path, json_t *v)
{
	char name[PATH_LEN_MAX];

	if (!jmap_patch_token(&path, name, sizeof(name)))
		return false;
	while (path.len) {
		object = json_object_get(object, name);
		if (!json_is_object(object) || !jmap_patch_token(&path, name, sizeof(name)))
			return false; /* no such parent, or within an array */
	}
	if (json_is_null(v))
		json_object_del(object, name);
	else
		json_object_set(object, name, v);
	return true;
}

bool
jmap_patch_paths_ok(const json_t *patch)
{
	union {
		const json_t *in;
		json_t *out;
	} p = {.in = patch};
	const char *key;
	json_t *v;

	json_object_foreach(p.out, key, v)
	{
		const char *end = strchr(key, '/');
		if (end && strlen(key) >= PATH_LEN_MAX)
			return false;
		for (; end; end = strchr(end + 1, '/'))
			if (json_object_getn(patch, key, (size_t)(end - key)))
				return false;
	}
	return true;
}

struct jmap_set_error
jmap_set_bad(const char *property)
{
	return strchr(property, '/') ? (struct jmap_set_error){"invalidPatch"}
				     : (struct jmap_set_error){"invalidProperties", {property}};
}

json_t *
jmap_patch(const json_t *object, const json_t *patch)
{
	union {
		const json_t *in;
		json_t *out;
	} p = {.in = patch};
	json_t *copy = jmap_patch_paths_ok(patch) ? json_deep_copy(object) : NULL, *v;
	const char *key;

	json_object_foreach(p.out, key, v) if (copy && !patch_one(copy, slice_str(key), v))
	{
		json_decref(copy);
		copy = NULL;
	}
	return copy;
}
