/* Rule (urn:letterlock:params:jmap:rules): what is done with mail that arrives; docs/api/jmap.md
 * says what they look like. The engine applies them (account/rule.h). */
#include "faces/jmap_stored.h"

#include "account/rule.h"
#include "account/types.h"

static const char *const field_names[RULE_FIELDS] = {
	"from", "to", "subject", "listId", "header", "hasAttachment", "size", "size"};
static const char *const match_names[RULE_MATCHES] = {"contains", "is", "domain"};

/* ---- Writing ---- */

static json_t *
text_json(struct slice s)
{
	return json_stringn(s.len ? (const char *)s.ptr : "", s.len);
}

static json_t *
condition_json(const struct rule_condition *c)
{
	json_t *v = json_object();

	json_object_set_new(v, "field", json_string(field_names[c->field]));
	if (c->field == RULE_HEADER)
		json_object_set_new(v, "name", text_json(c->name));
	if (c->field < RULE_ATTACHMENT) {
		json_object_set_new(v, "match", json_string(match_names[c->match]));
		json_object_set_new(v, "value", text_json(c->text));
	}
	if (c->field >= RULE_SIZE_FROM)
		json_object_set_new(v, c->field == RULE_SIZE_FROM ? "atLeast" : "below",
			json_integer((json_int_t)c->size));
	return v;
}

static json_t *
actions_json(const struct rule *r)
{
	json_t *v = json_object(), *keywords = json_array();
	char id[40];

	jmap_id_put(CHANGE_MAILBOX, r->mailbox, id);
	json_object_set_new(v, "moveTo", r->move ? json_string(id) : json_null());
	for (size_t i = 0; i < r->n_keywords; i++)
		json_array_append_new(keywords, text_json(r->keywords[i]));
	json_object_set_new(v, "keywords", keywords);
	json_object_set_new(v, "seen", json_boolean(r->seen));
	json_object_set_new(v, "flagged", json_boolean(r->flagged));
	json_object_set_new(v, "trash", json_boolean(r->trash));
	json_object_set_new(v, "stop", json_boolean(r->stop));
	return v;
}

/* Without its id. Memory that fails leaves members out, which the caller's reading back tells. */
static json_t *
rule_json(const struct rule *r)
{
	json_t *v = json_object(), *conditions = json_array();

	json_object_set_new(v, "name", text_json(r->name));
	json_object_set_new(v, "order", json_integer((json_int_t)r->order));
	json_object_set_new(v, "isEnabled", json_boolean(r->enabled));
	json_object_set_new(v, "matchAll", json_boolean(r->all));
	for (size_t i = 0; i < r->n_conditions; i++)
		json_array_append_new(conditions, condition_json(&r->conditions[i]));
	json_object_set_new(v, "conditions", conditions);
	json_object_set_new(v, "actions", actions_json(r));
	return v;
}

/* ---- Reading ---- */

static bool
bool_take(const json_t *v, bool *ret)
{
	*ret = json_is_true(v);
	return json_is_boolean(v);
}

static int
name_index(const char *const *names, int n, struct slice s)
{
	int i = 0;

	while (i < n && !slice_eq(s, slice_str(names[i])))
		i++;
	return i;
}

static bool
size_take(const json_t *v, struct rule_condition *c)
{
	json_t *from = json_object_get(v, "atLeast"), *below = json_object_get(v, "below");

	c->field = from ? RULE_SIZE_FROM : RULE_SIZE_BELOW;
	return !from != !below && json_uint(from ? from : below, &c->size) &&
		json_object_size(v) == 2;
}

static bool
condition_take(const json_t *v, struct rule_condition *c)
{
	struct slice match = json_slice(json_object_get(v, "match"));
	size_t members = 3;

	*c = (struct rule_condition){.match = RULE_CONTAINS};
	c->field = (enum rule_field)name_index(
		field_names, RULE_FIELDS, json_slice(json_object_get(v, "field")));
	if (c->field == RULE_FIELDS)
		return false;
	if (c->field == RULE_ATTACHMENT)
		return json_object_size(v) == 1;
	if (c->field >= RULE_SIZE_FROM)
		return size_take(v, c);
	if (c->field == RULE_HEADER) {
		c->name = json_slice(json_object_get(v, "name"));
		members++;
	}
	c->match = (enum rule_match)name_index(match_names, RULE_MATCHES, match);
	c->text = json_slice(json_object_get(v, "value"));
	return c->text.ptr && json_object_size(v) == members;
}

static bool
conditions_take(const json_t *v, struct rule *r)
{
	r->n_conditions = json_array_size(v);
	if (!json_is_array(v) || r->n_conditions > RULE_CONDITIONS_MAX)
		return false;
	for (size_t i = 0; i < r->n_conditions; i++)
		if (!condition_take(json_array_get(v, i), &r->conditions[i]))
			return false;
	return true;
}

static bool
keywords_take(const json_t *v, struct rule *r)
{
	r->n_keywords = json_array_size(v);
	if (!json_is_array(v) || r->n_keywords > RULE_KEYWORDS_MAX)
		return false;
	for (size_t i = 0; i < r->n_keywords; i++)
		r->keywords[i] = json_slice(json_array_get(v, i));
	return true;
}

static bool
move_take(struct jmap_call *c, const json_t *v, struct rule *r)
{
	struct mailbox *mb;

	if (json_is_null(v))
		return true;
	mb = jmap_mailbox(c, json_slice(v));
	r->move = mb != NULL || jmap_id_parse(CHANGE_MAILBOX, json_slice(v), &r->mailbox);
	if (mb)
		r->mailbox = mailbox_info(mb)->id;
	return r->move;
}

static bool
action_take(struct jmap_call *c, const char *key, const json_t *v, struct rule *r)
{
	const struct {
		const char *name;
		bool *at;
	} bools[] = {{"seen", &r->seen}, {"flagged", &r->flagged}, {"trash", &r->trash},
		{"stop", &r->stop}};

	for (size_t i = 0; i < ARRAY_SIZE(bools); i++)
		if (!strcmp(key, bools[i].name))
			return bool_take(v, bools[i].at);
	if (!strcmp(key, "moveTo"))
		return move_take(c, v, r);
	return !strcmp(key, "keywords") && keywords_take(v, r);
}

static bool
actions_take(struct jmap_call *c, json_t *from, struct rule *r)
{
	const char *key;
	json_t *v;

	json_object_foreach(from, key, v) if (!action_take(c, key, v, r)) return false;
	return json_is_object(from);
}

static bool
member_take(struct jmap_call *c, const char *key, json_t *v, struct rule *r)
{
	if (!strcmp(key, "name")) {
		r->name = json_slice(v);
		return r->name.ptr != NULL;
	}
	if (!strcmp(key, "order"))
		return json_uint(v, &r->order);
	if (!strcmp(key, "isEnabled"))
		return bool_take(v, &r->enabled);
	if (!strcmp(key, "matchAll"))
		return bool_take(v, &r->all);
	if (!strcmp(key, "conditions"))
		return conditions_take(v, r);
	return !strcmp(key, "actions") && actions_take(c, v, r);
}

/* The name of a member that is wrong, or NULL; *ret holds views of `from`. */
static const char *
rule_take(struct jmap_call *c, json_t *from, struct rule *ret)
{
	const char *key;
	json_t *v;

	*ret = (struct rule){.enabled = true, .all = true, .name = S("")};
	json_object_foreach(from, key, v) if (!member_take(c, key, v, ret)) return key;
	return rule_check(ret);
}

/* ---- Rule/get, Rule/changes ---- */

static void
rule_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jmap_put_id(out, CHANGE_RULES, o->id);
}

#define RULE_MEMBER(fn, name)                                                                      \
	static void fn(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)     \
	{                                                                                          \
		const json_t *v = json_object_get(o->p, name);                                     \
		if (v)                                                                             \
			jo_json(out, v);                                                           \
		else                                                                               \
			jo_null(out);                                                              \
	}
RULE_MEMBER(rule_name, "name")
RULE_MEMBER(rule_order, "order")
RULE_MEMBER(rule_enabled, "isEnabled")
RULE_MEMBER(rule_all, "matchAll")
RULE_MEMBER(rule_conditions, "conditions")
RULE_MEMBER(rule_actions, "actions")

static const struct jmap_property rule_props[] = {
	{"id", rule_id},
	{"name", rule_name},
	{"order", rule_order},
	{"isEnabled", rule_enabled},
	{"matchAll", rule_all},
	{"conditions", rule_conditions},
	{"actions", rule_actions},
	{NULL, NULL},
};

/* NULL: it was written by a later version. */
static json_t *
object_json(const struct object *o)
{
	struct rule r;

	return rule_decode(o->value, &r) ? NULL : rule_json(&r);
}

static bool
rule_find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	const struct object *o;

	if (!jmap_id_parse(CHANGE_RULES, id, &ret->id))
		return false;
	o = account_object(c->a, CHANGE_RULES, ret->id);
	ret->p = o ? object_json(o) : NULL;
	return ret->p != NULL;
}

static void
rule_release(struct jmap_object *o)
{
	json_decref(o->p);
}

static void
rule_each(struct jmap_call *c,
	void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx), void *ctx)
{
	const struct object *o;
	size_t pos = 0;

	while ((o = account_object_next(c->a, CHANGE_RULES, &pos)) != NULL) {
		struct jmap_object one = {.id = o->id, .p = object_json(o)};
		if (one.p)
			give(c, &one, ctx);
		json_decref(one.p);
	}
}

static enum jmap_error
rule_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {.type = CHANGE_RULES,
		.props = rule_props,
		.find = rule_find,
		.release = rule_release,
		.each = rule_each};

	return jmap_stored_get(c, &g);
}

static enum jmap_error
rule_changes(struct jmap_call *c)
{
	return jmap_stored_changes(c, CHANGE_RULES);
}

/* ---- Rule/set ---- */

static int
rule_put(struct jmap_call *c, struct store_id id, const struct rule *r)
{
	CLEANUP(buf_done) struct buf value = BUF_SECRET(OBJECT_VALUE_MAX);
	struct object_change change = {.type = CHANGE_RULES, .id = id};
	int err = rule_encode(r, &value);

	change.value = buf_slice(&value);
	return err ? err : account_objects_change(c->a, &change, 1);
}

static void
rule_created(struct jmap_set *s, const char *creation, struct store_id id, const struct rule *r)
{
	struct json_out *o = &s->out[SET_CREATED];
	json_t *v = rule_json(r);
	const char *key;
	json_t *member;

	jmap_set_created(s, creation, id);
	json_object_foreach(v, key, member)
	{
		jo_key(o, key);
		jo_json(o, member);
	}
	jo_close(o, '}');
	json_decref(v);
}

static void
rule_create(struct jmap_set *s, const char *creation, json_t *from)
{
	struct rule r;
	const char *wrong = rule_take(s->c, from, &r);
	struct jmap_set_error e = {"invalidProperties", {wrong}};
	struct store_id id;
	int err = LL_OK;

	if (!wrong && account_object_count(s->c->a, CHANGE_RULES) >= RULES_MAX) {
		e = (struct jmap_set_error){
			"overQuota", {NULL}, "There are as many rules as there may be."};
	} else if (!wrong) {
		err = s->c->j->env.random(s->c->j->env.ctx, id.b, sizeof(id.b));
		if (!err)
			err = rule_put(s->c, id, &r);
		if (!err) {
			rule_created(s, creation, id, &r);
			return;
		}
		e = jmap_set_error_of(err);
	}
	jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
}

static void
rule_update(struct jmap_set *s, struct slice key, json_t *patch)
{
	struct jmap_set_error e = {"notFound"};
	const char *wrong = NULL;
	struct jmap_object o;
	struct rule r;
	json_t *now;
	int err = LL_OK;

	if (!rule_find(s->c, jmap_id(s->c, key), &o)) {
		jmap_set_fail(s, SET_NOT_UPDATED, key, &e);
		return;
	}
	now = jmap_patch(o.p, patch);
	if (now)
		wrong = rule_take(s->c, now, &r);
	if (now && !wrong)
		err = rule_put(s->c, o.id, &r);
	if (!now)
		e = (struct jmap_set_error){"invalidPatch"};
	else if (wrong)
		e = (struct jmap_set_error){"invalidProperties", {wrong}};
	else if (err)
		e = jmap_set_error_of(err);
	/* `wrong` may be a key of what is let go: it is written out before. */
	if (!now || wrong || err)
		jmap_set_fail(s, SET_NOT_UPDATED, key, &e);
	else
		jmap_set_updated(s, jmap_id(s->c, key));
	json_decref(now);
	rule_release(&o);
}

static void
rule_destroy(struct jmap_set *s, struct slice key)
{
	jmap_stored_destroy(s, key, NULL);
}

static enum jmap_error
rule_set(struct jmap_call *c)
{
	static const struct jmap_setter how = {
		CHANGE_RULES, rule_create, rule_update, rule_destroy};

	return jmap_stored_set(c, &how);
}

const struct jmap_method jmap_rule_methods[] = {
	{"Rule/get", "ids properties", JMAP_CAP_RULES, rule_get, false},
	{"Rule/changes", "sinceState maxChanges", JMAP_CAP_RULES, rule_changes, false},
	{"Rule/set", "ifInState create update destroy", JMAP_CAP_RULES, rule_set, false}, {NULL}};
