/* JSON in sealed objects. */
#include "faces/jmap_stored.h"
#include "base/error.h"

json_t *
jmap_stored_json(const struct object *o)
{
	json_t *v = o ? json_read(o->value) : NULL;

	return v ? v : json_object();
}

int
jmap_stored_put(struct jmap_call *c, enum change_type type, struct store_id id, const json_t *v)
{
	CLEANUP(buf_done) struct buf text = BUF_SECRET(OBJECT_VALUE_MAX);
	struct json_out o = {.b = &text};
	struct object_change change = {.type = type, .id = id};
	int err;

	jo_json(&o, v);
	err = buf_err(&text);
	change.value = buf_slice(&text);
	return err ? err : account_objects_change(c->a, &change, 1);
}

bool
jmap_stored_find(
	struct jmap_call *c, enum change_type type, struct slice id, struct jmap_object *ret)
{
	const struct object *o;

	if (!jmap_id_parse(type, id, &ret->id))
		return false;
	o = account_object(c->a, type, ret->id);
	if (o)
		ret->p = jmap_stored_json(o);
	return o != NULL;
}

void
jmap_stored_each(struct jmap_call *c, enum change_type type,
	void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx), void *ctx)
{
	const struct object *o;
	size_t pos = 0;

	while ((o = account_object_next(c->a, type, &pos)) != NULL) {
		struct jmap_object one = {.id = o->id, .p = jmap_stored_json(o)};
		give(c, &one, ctx);
		json_decref(one.p);
	}
}

void
jmap_stored_release(struct jmap_object *o)
{
	json_decref(o->p);
}

void
jmap_stored_member(const struct jmap_object *o, const char *name, struct json_out *out)
{
	const json_t *v = json_object_get(o->p, name);

	if (v)
		jo_json(out, v);
	else
		jo_null(out);
}

/* ---- Methods ---- */

enum jmap_error
jmap_stored_get(struct jmap_call *c, const struct jmap_getter *g)
{
	int err = account_objects_load(c->a);

	return err ? jmap_failed(c, err) : jmap_get(c, g);
}

enum jmap_error
jmap_stored_changes(struct jmap_call *c, enum change_type type)
{
	int err = account_objects_load(c->a);

	return err ? jmap_failed(c, err) : jmap_changes(c, type);
}

void
jmap_set_each(struct jmap_set *s, const struct jmap_setter *how)
{
	const char *key;
	json_t *v;

	json_object_foreach(s->create, key, v) how->create(s, key, v);
	json_object_foreach(s->update, key, v) how->update(s, slice_str(key), v);
	for (size_t i = 0; i < json_array_size(s->destroy); i++)
		how->destroy(s, json_slice(json_array_get(s->destroy, i)));
}

enum jmap_error
jmap_stored_set(struct jmap_call *c, const struct jmap_setter *how)
{
	struct jmap_set s;
	int err = account_objects_load(c->a);
	enum jmap_error e = err ? jmap_failed(c, err) : jmap_set_begin(&s, c, how->type);

	if (e)
		return e;
	jmap_set_each(&s, how);
	e = jmap_set_end(&s);
	jmap_set_done(&s);
	return e;
}

void
jmap_stored_destroy(
	struct jmap_set *s, struct slice key, int (*after)(struct jmap_call *c, struct store_id id))
{
	struct object_change change = {.type = s->type, .destroy = true};
	int err = LL_ERR_NOTFOUND;

	if (jmap_id_parse(s->type, jmap_id(s->c, key), &change.id))
		err = account_objects_change(s->c->a, &change, 1);
	if (!err && after)
		err = after(s->c, change.id);
	if (err) {
		struct jmap_set_error e = jmap_set_error_of(err);
		jmap_set_fail(s, SET_NOT_DESTROYED, key, &e);
	} else {
		jmap_set_destroyed(s, jmap_id(s->c, key));
	}
}
