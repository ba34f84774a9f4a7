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
	CLEANUP(buf_wipe) struct buf text = BUF_INIT(OBJECT_VALUE_MAX);
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
