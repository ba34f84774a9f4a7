/* Identity (RFC 8621 section 6) and VacationResponse (section 8): JSON objects in the account's
 * sealed store. */
#include "faces/jmap_addresses.h"

#include <stdlib.h>

static void
put_text_member(const struct jmap_object *o, const char *name, struct json_out *out)
{
	jo_slice(out,
		json_is_string(json_object_get(o->p, name))
			? json_slice(json_object_get(o->p, name))
			: S(""));
}

/* ---- Checks ---- */

static bool
addresses_ok(const json_t *v)
{
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *one = json_array_get(v, i);
		json_t *name = json_member(one, "name");
		if (!json_is_object(one) || !json_is_string(json_object_get(one, "email")) ||
			(name && !json_is_string(name)))
			return false;
	}
	return json_is_array(v) || json_is_null(v);
}

enum member_kind { MEMBER_TEXT, MEMBER_ADDRESSES, MEMBER_BOOL, MEMBER_DATE, MEMBER_TEXT_OR_NULL };
struct member {
	const char *name;
	enum member_kind kind;
};

static bool
member_ok(const struct member *m, const json_t *v)
{
	int64_t date;

	switch (m->kind) {
	case MEMBER_TEXT:
		return json_is_string(v);
	case MEMBER_ADDRESSES:
		return addresses_ok(v);
	case MEMBER_BOOL:
		return json_is_boolean(v);
	case MEMBER_DATE:
		return json_is_null(v) || json_utc_date(v, &date);
	default:
		return json_is_string(v) || json_is_null(v);
	}
}

/* Takes the members of `from` into the object; the name of a wrong one. */
static const char *
members_take(json_t *object, json_t *from, const struct member *known)
{
	const char *key;
	json_t *v;

	json_object_foreach(from, key, v)
	{
		const struct member *m = known;
		while (m->name && strcmp(m->name, key))
			m++;
		if (!m->name || !member_ok(m, v))
			return key;
		json_object_set(object, key, v);
	}
	return NULL;
}

static struct jmap_set_error
invalid(const char *property, const char *why)
{
	return (struct jmap_set_error){"invalidProperties", {property}, why};
}

/* ---- Identity ---- */

static const struct member identity_members[] = {{"name", MEMBER_TEXT}, {"email", MEMBER_TEXT},
	{"replyTo", MEMBER_ADDRESSES}, {"bcc", MEMBER_ADDRESSES}, {"textSignature", MEMBER_TEXT},
	{"htmlSignature", MEMBER_TEXT}, {NULL, MEMBER_TEXT}};

static void
identity_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jmap_put_id(out, CHANGE_IDENTITY, o->id);
}

static void
identity_name(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	put_text_member(o, "name", out);
}

static void
identity_email(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	put_text_member(o, "email", out);
}

static void
identity_reply_to(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jmap_stored_member(o, "replyTo", out);
}

static void
identity_bcc(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jmap_stored_member(o, "bcc", out);
}

static void
identity_text(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	put_text_member(o, "textSignature", out);
}

static void
identity_html(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	put_text_member(o, "htmlSignature", out);
}

static void
identity_may_delete(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	struct slice email = json_slice(json_object_get(o->p, "email"));

	jo_bool(out, jmap_identities_of(c->a, email) > 1 || !jmap_address_own(c->j, email));
}

static const struct jmap_property identity_props[] = {
	{"id", identity_id},
	{"name", identity_name},
	{"email", identity_email},
	{"replyTo", identity_reply_to},
	{"bcc", identity_bcc},
	{"textSignature", identity_text},
	{"htmlSignature", identity_html},
	{"mayDelete", identity_may_delete},
	{NULL, NULL},
};

static bool
identity_find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	return jmap_stored_find(c, CHANGE_IDENTITY, id, ret);
}

static void
identity_each(struct jmap_call *c,
	void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx), void *ctx)
{
	jmap_stored_each(c, CHANGE_IDENTITY, give, ctx);
}

static enum jmap_error
identity_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {.type = CHANGE_IDENTITY,
		.props = identity_props,
		.find = identity_find,
		.release = jmap_stored_release,
		.each = identity_each};
	int err = jmap_identities_ready(c);

	return err ? jmap_failed(c, err) : jmap_get(c, &g);
}

static enum jmap_error
identity_changes(struct jmap_call *c)
{
	int err = jmap_identities_ready(c);

	return err ? jmap_failed(c, err) : jmap_changes(c, CHANGE_IDENTITY);
}

static struct jmap_set_error
identity_create(struct jmap_set *s, const char *creation, json_t *from)
{
	json_t *v = json_object();
	const char *wrong = members_take(v, from, identity_members);
	struct slice email = json_slice(json_object_get(v, "email"));
	struct store_id id;
	int err = LL_OK;

	if (!wrong && !email.ptr)
		wrong = "email";
	if (!wrong && !jmap_address_own(s->c->j, email)) {
		json_decref(v);
		return (struct jmap_set_error){"forbiddenFrom"};
	}
	if (!wrong)
		err = jmap_identity_new(s->c, v, &id);
	json_decref(v);
	if (wrong || err)
		return wrong ? invalid(wrong, NULL) : jmap_set_error_of(err);
	jmap_set_created(s, creation, id);
	jo_key(&s->out[SET_CREATED], "mayDelete");
	jo_bool(&s->out[SET_CREATED], true);
	jo_close(&s->out[SET_CREATED], '}');
	return (struct jmap_set_error){NULL};
}

/* A patch applied to what is stored, checked, and stored. first: what must be done before it is;
 * may be NULL. */
static struct jmap_set_error
stored_update(struct jmap_set *s, enum change_type type, struct store_id id, json_t *patch,
	const struct member *known, const char *fixed,
	int (*first)(struct jmap_set *s, const json_t *v))
{
	const struct object *o = account_object(s->c->a, type, id);
	json_t *old = jmap_stored_json(o), *now = jmap_patch(old, patch), *checked = json_object();
	const char *wrong = now ? members_take(checked, now, known) : "";
	struct jmap_set_error e = {NULL};
	int err = LL_OK;

	if (!now)
		e = (struct jmap_set_error){"invalidPatch"};
	else if (wrong)
		e = invalid(wrong, NULL);
	else if (fixed && !json_equal(json_object_get(old, fixed), json_object_get(now, fixed)))
		e = invalid(fixed, "This cannot be changed.");
	else if (!first || (err = first(s, checked)) == LL_OK)
		err = jmap_stored_put(s->c, type, id, checked);
	if (err)
		e = jmap_set_error_of(err);
	/* `wrong` may be a key of what is let go: it is written out before. */
	if (e.type)
		jmap_set_fail(s, SET_NOT_UPDATED, s->key, &e);
	json_decref(old);
	json_decref(now);
	json_decref(checked);
	return e;
}

static struct jmap_set_error
identity_destroy(struct jmap_set *s, struct slice text)
{
	struct object_change change = {.type = CHANGE_IDENTITY, .destroy = true};
	const struct object *o;
	struct slice email;
	json_t *v;
	bool may;
	int err;

	if (!jmap_id_parse(CHANGE_IDENTITY, jmap_id(s->c, text), &change.id))
		return (struct jmap_set_error){"notFound"};
	o = account_object(s->c->a, CHANGE_IDENTITY, change.id);
	if (!o)
		return (struct jmap_set_error){"notFound"};
	v = jmap_stored_json(o);
	email = json_slice(json_object_get(v, "email"));
	may = jmap_identities_of(s->c->a, email) > 1 || !jmap_address_own(s->c->j, email);
	json_decref(v);
	if (!may)
		return (struct jmap_set_error){
			"forbidden", {NULL}, "It is the only one of its address."};
	err = account_objects_change(s->c->a, &change, 1);
	return err ? jmap_set_error_of(err) : (struct jmap_set_error){NULL};
}

static void
identity_update(struct jmap_set *s, struct slice key, json_t *patch)
{
	struct jmap_set_error e = {"notFound"};
	struct store_id id;

	s->key = key;
	if (!jmap_id_parse(CHANGE_IDENTITY, jmap_id(s->c, key), &id) ||
		!account_object(s->c->a, CHANGE_IDENTITY, id))
		jmap_set_fail(s, SET_NOT_UPDATED, key, &e);
	else if (!stored_update(s, CHANGE_IDENTITY, id, patch, identity_members, "email", NULL)
			  .type)
		jmap_set_updated(s, jmap_id(s->c, key));
}

static void
identity_add(struct jmap_set *s, const char *creation, json_t *from)
{
	struct jmap_set_error bad = identity_create(s, creation, from);

	if (bad.type)
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &bad);
}

static void
identity_remove(struct jmap_set *s, struct slice key)
{
	struct jmap_set_error bad = identity_destroy(s, key);

	if (bad.type)
		jmap_set_fail(s, SET_NOT_DESTROYED, key, &bad);
	else
		jmap_set_destroyed(s, jmap_id(s->c, key));
}

static enum jmap_error
identity_set(struct jmap_call *c)
{
	static const struct jmap_setter how = {
		CHANGE_IDENTITY, identity_add, identity_update, identity_remove};
	int err = jmap_identities_ready(c);

	return err ? jmap_failed(c, err) : jmap_stored_set(c, &how);
}

/* ---- VacationResponse: one object, always there ---- */

static const struct member vacation_members[] = {{"isEnabled", MEMBER_BOOL},
	{"fromDate", MEMBER_DATE}, {"toDate", MEMBER_DATE}, {"subject", MEMBER_TEXT_OR_NULL},
	{"textBody", MEMBER_TEXT_OR_NULL}, {"htmlBody", MEMBER_TEXT_OR_NULL}, {NULL, MEMBER_TEXT}};

static void
vacation_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, "singleton");
}

static void
vacation_enabled(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_bool(out, json_is_true(json_object_get(o->p, "isEnabled")));
}

#define VACATION_MEMBER(fn, name)                                                                  \
	static void fn(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)     \
	{                                                                                          \
		jmap_stored_member(o, name, out);                                                  \
	}
VACATION_MEMBER(vacation_from, "fromDate")
VACATION_MEMBER(vacation_to, "toDate")
VACATION_MEMBER(vacation_subject, "subject")
VACATION_MEMBER(vacation_text, "textBody")
VACATION_MEMBER(vacation_html, "htmlBody")

static const struct jmap_property vacation_props[] = {
	{"id", vacation_id},
	{"isEnabled", vacation_enabled},
	{"fromDate", vacation_from},
	{"toDate", vacation_to},
	{"subject", vacation_subject},
	{"textBody", vacation_text},
	{"htmlBody", vacation_html},
	{NULL, NULL},
};

static bool
vacation_find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	if (!jmap_id_parse(CHANGE_VACATION, id, &ret->id))
		return false;
	ret->p = jmap_stored_json(account_object(c->a, CHANGE_VACATION, ret->id));
	return true;
}

static void
vacation_each(struct jmap_call *c,
	void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx), void *ctx)
{
	struct jmap_object o;

	if (vacation_find(c, S("singleton"), &o)) {
		give(c, &o, ctx);
		json_decref(o.p);
	}
}

static enum jmap_error
vacation_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {.type = CHANGE_VACATION,
		.props = vacation_props,
		.find = vacation_find,
		.release = jmap_stored_release,
		.each = vacation_each};

	return jmap_stored_get(c, &g);
}

/* Whoever answers while nobody is here must know first. */
static int
vacation_tell(struct jmap_set *s, const json_t *v)
{
	const struct outbound *out = s->c->j->env.outbound;
	struct outbound_vacation notice = {.on = json_is_true(json_object_get(v, "isEnabled")),
		.subject = json_slice(json_object_get(v, "subject")),
		.text = json_slice(json_object_get(v, "textBody")),
		.html = json_slice(json_object_get(v, "htmlBody"))};

	(void)json_utc_date(json_object_get(v, "fromDate"), &notice.start);
	(void)json_utc_date(json_object_get(v, "toDate"), &notice.end);
	return out ? out->vacation(out->ctx, &notice) : LL_OK;
}

static void
vacation_update(struct jmap_set *s, struct slice key, json_t *patch)
{
	struct jmap_set_error e = {"notFound"};
	struct store_id id;

	s->key = key;
	if (!jmap_id_parse(CHANGE_VACATION, key, &id))
		jmap_set_fail(s, SET_NOT_UPDATED, key, &e);
	else if (!stored_update(
			 s, CHANGE_VACATION, id, patch, vacation_members, NULL, vacation_tell)
			  .type)
		jmap_set_updated(s, key);
}

static const struct jmap_set_error singleton = {"singleton"};

static void
vacation_create(struct jmap_set *s, const char *creation, json_t *from)
{
	jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &singleton);
}

static void
vacation_destroy(struct jmap_set *s, struct slice key)
{
	jmap_set_fail(s, SET_NOT_DESTROYED, key, &singleton);
}

static enum jmap_error
vacation_set(struct jmap_call *c)
{
	static const struct jmap_setter how = {
		CHANGE_VACATION, vacation_create, vacation_update, vacation_destroy};

	return jmap_stored_set(c, &how);
}

const struct jmap_method jmap_identity_methods[] = {
	{"Identity/get", "ids properties", JMAP_CAP_SUBMISSION, identity_get, false},
	{"Identity/changes", "sinceState maxChanges", JMAP_CAP_SUBMISSION, identity_changes, false},
	{"Identity/set", "ifInState create update destroy", JMAP_CAP_SUBMISSION, identity_set,
		false},
	{"VacationResponse/get", "ids properties", JMAP_CAP_VACATION, vacation_get, false},
	{"VacationResponse/set", "ifInState create update destroy", JMAP_CAP_VACATION, vacation_set,
		false},
	{NULL}};
