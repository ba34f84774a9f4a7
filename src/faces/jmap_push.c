/* PushSubscription (RFC 8620 section 7.2): where the owner's programs want to hear of changes.
 * Sealed objects of the account; auth has a copy (push_list.h), since mail comes while no session
 * is there. Nothing is sent to an address but a code until its owner has repeated that code. */
#include "faces/jmap_stored.h"

#include "base/text.h"
#include "faces/push_list.h"

#define EXPIRES_MAX ((int64_t)30 * 86400)
#define EXPIRES_USUAL ((int64_t)7 * 86400)
#define DEVICE_ID_MAX 255
#define TYPES_MAX 64
#define BODY_MAX ((size_t)3072)

/* ---- What is stored ---- */

static int64_t
now(const struct jmap *j)
{
	return j->env.now(j->env.ctx);
}

static int64_t
expires_of(const json_t *v)
{
	return (int64_t)json_integer_value(json_object_get(v, "expires"));
}

static bool
verified(const json_t *v)
{
	struct slice said = json_slice(json_object_get(v, "verificationCode"));

	return said.ptr && slice_eq(said, json_slice(json_object_get(v, "code")));
}

static uint32_t
types_of(const json_t *v)
{
	const json_t *types = json_object_get(v, "types");
	uint32_t mask = json_is_array(types) ? 0 : JMAP_PUSH_ALL;

	for (size_t i = 0; i < json_array_size(types); i++)
		mask |= jmap_push_types(json_slice(json_array_get(types, i)));
	return mask;
}

/* ---- The copy for auth ---- */

int
jmap_push_list(struct jmap *j, struct buf *out)
{
	const struct object *o;
	size_t pos = 0;
	int err = account_objects_load(j->env.account);

	while (!err && (o = account_object_next(j->env.account, CHANGE_PUSH, &pos)) != NULL) {
		CLEANUP(buf_done) struct buf key = BUF_INIT(256);
		CLEANUP(buf_done) struct buf auth = BUF_INIT(256);
		json_t *v = jmap_stored_json(o);
		struct push_subscription s = {.url = json_slice(json_object_get(v, "url")),
			.expires = expires_of(v),
			.types = types_of(v),
			.verified = verified(v)};
		memcpy(s.id, o->id.b, sizeof(s.id));
		if (base64url_decode(&key, json_slice(json_object_get(v, "p256dh"))) ||
			base64url_decode(&auth, json_slice(json_object_get(v, "auth"))))
			err = LL_ERR_CORRUPT;
		s.key = buf_slice(&key);
		s.auth = buf_slice(&auth);
		if (!err && s.expires > now(j))
			err = push_list_put(&s, out);
		json_decref(v);
	}
	return err;
}

static int
push_store(struct jmap *j)
{
	CLEANUP(buf_done) struct buf list = BUF_SECRET(PUSH_LIST_MAX);
	int err = jmap_push_list(j, &list);

	if (err)
		return err;
	return j->env.push ? j->env.push->store(j->env.push->ctx, buf_slice(&list)) : LL_OK;
}

static void
send_code(struct jmap *j, struct store_id id, const char *code)
{
	CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
	struct json_out o = {.b = &body};
	char text[40];

	jmap_id_put(CHANGE_PUSH, id, text);
	jo_open(&o, '{');
	jo_key(&o, "@type");
	jo_str(&o, "PushVerification");
	jo_key(&o, "pushSubscriptionId");
	jo_str(&o, text);
	jo_key(&o, "verificationCode");
	jo_str(&o, code);
	jo_close(&o, '}');
	if (!buf_err(&body) && j->env.push)
		j->env.push->send(j->env.push->ctx, id.b, buf_slice(&body));
}

/* ---- State changes ---- */

static struct jmap_told *
told_of(struct jmap *j, struct store_id id)
{
	struct jmap_told *t;

	for (size_t i = 0; i < j->n_told; i++)
		if (!memcmp(j->told[i].id.b, id.b, sizeof(id.b)))
			return &j->told[i];
	/* One that is new knows the states that it was made at. */
	t = &j->told[j->n_told < ARRAY_SIZE(j->told) ? j->n_told++ : 0];
	t->id = id;
	jmap_states_now(j, &t->states);
	return t;
}

void
jmap_push_changes(struct jmap *j)
{
	const struct object *o;
	size_t pos = 0;

	if (!j->env.push || account_objects_load(j->env.account))
		return;
	while ((o = account_object_next(j->env.account, CHANGE_PUSH, &pos)) != NULL) {
		CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
		struct jmap_told *told = told_of(j, o->id);
		json_t *v = jmap_stored_json(o);
		if (verified(v) && expires_of(v) > now(j) &&
			jmap_state_change(j, types_of(v), false, &told->states, &body) &&
			!buf_err(&body))
			j->env.push->send(j->env.push->ctx, o->id.b, buf_slice(&body));
		json_decref(v);
	}
}

/* ---- PushSubscription/get: no account, no state; the address and keys are never told ---- */

static const char *const shown[] = {"id", "deviceClientId", "verificationCode", "expires", "types"};

static bool
wanted(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (slice_eq(json_slice(json_array_get(names, i)), slice_str(name)))
			return true;
	return !names || !strcmp(name, "id");
}

static void
put_subscription(struct jmap_call *c, const struct object *o, const json_t *names)
{
	json_t *v = jmap_stored_json(o);
	char id[40];

	jmap_id_put(CHANGE_PUSH, o->id, id);
	jo_open(&c->o, '{');
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		const json_t *member = json_object_get(v, shown[i]);
		if (!wanted(names, shown[i]))
			continue;
		jo_key(&c->o, shown[i]);
		if (i == 0)
			jo_str(&c->o, id);
		else if (!strcmp(shown[i], "expires"))
			jo_time(&c->o, expires_of(v));
		else if (member)
			jo_json(&c->o, member);
		else
			jo_null(&c->o);
	}
	jo_close(&c->o, '}');
	json_decref(v);
}

static const struct object *
find(struct jmap_call *c, struct slice id)
{
	struct store_id at;
	const struct object *o = NULL;
	json_t *v;

	if (jmap_id_parse(CHANGE_PUSH, jmap_id(c, id), &at))
		o = account_object(c->a, CHANGE_PUSH, at);
	v = jmap_stored_json(o);
	if (o && expires_of(v) <= now(c->j))
		o = NULL;
	json_decref(v);
	return o;
}

static bool
names_ok(const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		struct slice name = json_slice(json_array_get(names, i));
		bool known = false;
		for (size_t k = 0; k < ARRAY_SIZE(shown); k++)
			known |= slice_eq(name, slice_str(shown[k]));
		if (!known)
			return false;
	}
	return !names || json_is_array(names);
}

/* Of one device, and no other program's to know (section 7.2.1). */
static bool
asks_private(const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		struct slice name = json_slice(json_array_get(names, i));
		if (slice_eq(name, S("url")) || slice_eq(name, S("keys")))
			return true;
	}
	return false;
}

static void
get_all(struct jmap_call *c, const json_t *names)
{
	const struct object *o;
	size_t pos = 0;

	while ((o = account_object_next(c->a, CHANGE_PUSH, &pos)) != NULL) {
		json_t *v = jmap_stored_json(o);
		if (expires_of(v) > now(c->j))
			put_subscription(c, o, names);
		json_decref(v);
	}
}

static enum jmap_error
push_get(struct jmap_call *c)
{
	json_t *ids = json_member(c->args, "ids"), *names = json_member(c->args, "properties");
	CLEANUP(buf_done) struct buf missing = BUF_INIT(JMAP_REQUEST_MAX);
	struct json_out m = {.b = &missing};
	int err = account_objects_load(c->a);

	if (err)
		return jmap_failed(c, err);
	if (asks_private(names))
		return JMAP_FORBIDDEN;
	if (!names_ok(names))
		return jmap_bad(c, "properties");
	if (!jmap_ids_ok(ids))
		return jmap_bad(c, "ids");
	jo_open(&c->o, '{');
	jo_key(&c->o, "list");
	jo_open(&c->o, '[');
	if (!ids)
		get_all(c, names);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		struct slice id = json_slice(json_array_get(ids, i));
		const struct object *o = find(c, id);
		if (jmap_id_seen(ids, i))
			continue;
		if (o)
			put_subscription(c, o, names);
		else
			jo_slice(&m, id);
	}
	jmap_list_end(c, &missing);
	return JMAP_OK;
}

/* ---- PushSubscription/set ---- */

static bool
types_ok(const json_t *v)
{
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	return json_is_null(v) || (json_is_array(v) && json_array_size(v) <= TYPES_MAX);
}

/* "expires" as it is granted: null is the usual time. */
static bool
take_expires(struct jmap_call *c, const json_t *v, json_t *into)
{
	int64_t most = now(c->j) + EXPIRES_MAX, at = now(c->j) + EXPIRES_USUAL;

	if (!json_is_null(v) && (!json_utc_date(v, &at) || at <= now(c->j)))
		return false;
	json_object_set_new(into, "expires", json_integer(MIN(at, most)));
	return true;
}

static bool
take_key(struct jmap_call *c, const json_t *keys, const char *name, size_t len, json_t *into)
{
	struct slice text = json_slice(json_object_get(keys, name));
	CLEANUP(buf_done) struct buf raw = BUF_INIT(256);

	if (!text.ptr || base64url_decode(&raw, text) || raw.len != len ||
		(len == PUSH_KEY_LEN && c->j->env.push && !c->j->env.push->key_ok(buf_slice(&raw))))
		return false;
	json_object_set(into, name, json_object_get(keys, name));
	return true;
}

static bool
take_keys(struct jmap_call *c, const json_t *v, json_t *into)
{
	return json_is_null(v) ||
		(json_is_object(v) && take_key(c, v, "p256dh", PUSH_KEY_LEN, into) &&
			take_key(c, v, "auth", PUSH_AUTH_LEN, into));
}

static bool
take_new(struct jmap_call *c, const char *key, json_t *v, json_t *into)
{
	struct slice text = json_slice(v);

	if (!strcmp(key, "deviceClientId"))
		return text.ptr && text.len <= DEVICE_ID_MAX && !json_object_set(into, key, v);
	if (!strcmp(key, "url"))
		return text.ptr && push_url_ok(text) && !json_object_set(into, key, v);
	if (!strcmp(key, "keys"))
		return take_keys(c, v, into);
	if (!strcmp(key, "expires"))
		return take_expires(c, v, into);
	if (!strcmp(key, "types"))
		return types_ok(v) && !json_object_set(into, key, v);
	return !strcmp(key, "verificationCode") && json_is_null(v);
}

/* Random ids and codes; the object in *v is completed. */
static int
create_store(struct jmap_call *c, json_t *v, struct store_id *ret_id, struct buf *code)
{
	uint8_t random[16];
	int err = c->j->env.random(c->j->env.ctx, ret_id->b, sizeof(ret_id->b));

	if (!err)
		err = c->j->env.random(c->j->env.ctx, random, sizeof(random));
	if (!err)
		err = base64url_encode(code, SLICE_OF(random));
	if (!err)
		err = buf_putc(code, 0);
	if (err)
		return err;
	if (!json_object_get(v, "expires"))
		(void)take_expires(c, json_null(), v);
	json_object_set_new(v, "code", json_string((const char *)code->ptr));
	err = jmap_stored_put(c, CHANGE_PUSH, *ret_id, v);
	return err ? err : push_store(c->j);
}

static void
create_tell(struct jmap_set *s, const char *creation, struct store_id id, const json_t *v)
{
	struct json_out *o = &s->out[SET_CREATED];

	jmap_set_created(s, creation, id);
	jo_key(o, "expires");
	jo_time(o, expires_of(v));
	jo_close(o, '}');
}

static void
push_create(struct jmap_set *s, const char *creation, json_t *from)
{
	CLEANUP(buf_done) struct buf code = BUF_INIT(64);
	struct jmap_set_error e = {NULL};
	json_t *v = json_object(), *member;
	const char *key, *bad = NULL;
	struct store_id id;
	int err;

	json_object_foreach(from, key, member) if (!bad && !take_new(s->c, key, member, v)) bad =
		key;
	if (!bad && !json_object_get(v, "deviceClientId"))
		bad = "deviceClientId";
	if (!bad && !json_object_get(v, "url"))
		bad = "url";
	if (bad)
		e = (struct jmap_set_error){"invalidProperties", {bad}};
	else if (!s->c->j->env.push)
		e = (struct jmap_set_error){"forbidden"};
	else if (account_object_count(s->c->a, CHANGE_PUSH) >= PUSH_SUBSCRIPTIONS_MAX)
		e = (struct jmap_set_error){"overQuota"};
	else if ((err = create_store(s->c, v, &id, &code)) != LL_OK)
		e = jmap_set_error_of(err);
	if (e.type) {
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
	} else {
		create_tell(s, creation, id, v);
		send_code(s->c->j, id, (const char *)code.ptr);
	}
	json_decref(v);
}

/* What may change: the code is repeated, the time and types are others. */
static bool
take_patch(struct jmap_call *c, const char *key, json_t *v, json_t *into)
{
	if (!strcmp(key, "verificationCode"))
		return json_is_string(v) &&
			slice_eq(json_slice(v), json_slice(json_object_get(into, "code"))) &&
			!json_object_set(into, key, v);
	if (!strcmp(key, "expires"))
		return take_expires(c, v, into);
	return !strcmp(key, "types") && types_ok(v) && !json_object_set(into, key, v);
}

static void
push_update(struct jmap_set *s, struct slice key, json_t *patch)
{
	const struct object *o = find(s->c, key);
	struct jmap_set_error e = {"notFound"};
	json_t *v = jmap_stored_json(o), *member;
	struct store_id id = o ? o->id : (struct store_id){{0}};
	const char *name, *bad = NULL;
	int err = LL_OK;

	json_object_foreach(patch, name,
		member) if (o && !bad && !take_patch(s->c, name, member, v)) bad = name;
	if (o && !bad)
		err = jmap_stored_put(s->c, CHANGE_PUSH, id, v);
	if (o && !bad && !err)
		err = push_store(s->c->j);
	if (bad)
		e = jmap_set_bad(bad);
	else if (err)
		e = jmap_set_error_of(err);
	if (!o || bad || err) {
		jmap_set_fail(s, SET_NOT_UPDATED, key, &e);
	} else if (jmap_set_first(s, SET_UPDATED, jmap_id(s->c, key))) {
		jo_key_slice(&s->out[SET_UPDATED], jmap_id(s->c, key));
		jo_open(&s->out[SET_UPDATED], '{');
		jo_key(&s->out[SET_UPDATED], "expires");
		jo_time(&s->out[SET_UPDATED], expires_of(v));
		jo_close(&s->out[SET_UPDATED], '}');
	}
	json_decref(v);
}

static int
push_destroyed(struct jmap_call *c, struct store_id id)
{
	return push_store(c->j);
}

static void
push_destroy(struct jmap_set *s, struct slice key)
{
	jmap_stored_destroy(s, key, push_destroyed);
}

/* Those that have run out make room. */
static int
tidy(struct jmap_call *c)
{
	struct object_change gone[PUSH_SUBSCRIPTIONS_MAX];
	const struct object *o;
	size_t pos = 0, n = 0;
	int err = account_objects_load(c->a);

	while (!err && n < ARRAY_SIZE(gone) &&
		(o = account_object_next(c->a, CHANGE_PUSH, &pos)) != NULL) {
		json_t *v = jmap_stored_json(o);
		if (expires_of(v) <= now(c->j))
			gone[n++] = (struct object_change){
				.type = CHANGE_PUSH, .id = o->id, .destroy = true};
		json_decref(v);
	}
	return err || !n ? err : account_objects_change(c->a, gone, n);
}

static enum jmap_error
push_set(struct jmap_call *c)
{
	static const struct jmap_setter how = {CHANGE_PUSH, push_create, push_update, push_destroy};
	struct jmap_set s;
	int err = tidy(c);
	enum jmap_error e = err ? jmap_failed(c, err) : jmap_set_begin(&s, c, CHANGE_PUSH);

	if (e)
		return e;
	jmap_set_each(&s, &how);
	jo_open(&c->o, '{');
	e = jmap_set_parts(&s);
	jo_close(&c->o, '}');
	jmap_set_done(&s);
	return e;
}

const struct jmap_method jmap_push_methods[] = {
	{"PushSubscription/get", "ids properties", JMAP_CAP_CORE, push_get, true},
	{"PushSubscription/set", "create update destroy", JMAP_CAP_CORE, push_set, true}, {NULL}};
