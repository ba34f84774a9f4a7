/* ClientSettings (urn:letterlock:params:jmap:settings): what an owner's clients keep for each
 * other, sealed by them under keys that the server never has. To the server they are bytes of some
 * length; what clients need of it is that a set is one commit and that ifInState makes it
 * compare-and-set. */
#include "faces/jmap_stored.h"

#include "base/macros.h"
#include "base/text.h"

#include <stdlib.h>

/* ---- ClientSettings/get, changes ---- */

static void
put_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jmap_put_id(out, CHANGE_SETTINGS, o->id);
}

static void
put_data(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	const struct object *part = account_object(c->a, CHANGE_SETTINGS, o->id);
	CLEANUP(buf_done) struct buf text = BUF_INIT(2 * OBJECT_VALUE_MAX);

	if (part)
		base64_encode(&text, part->value);
	jo_slice(out, buf_slice(&text));
	if (buf_err(&text) && !out->b->err)
		out->b->err = buf_err(&text);
}

static const struct jmap_property props[] = {{"id", put_id}, {"data", put_data}, {NULL, NULL}};

static bool
part_find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	return jmap_id_parse(CHANGE_SETTINGS, id, &ret->id) &&
		account_object(c->a, CHANGE_SETTINGS, ret->id);
}

static void
part_each(struct jmap_call *c,
	void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx), void *ctx)
{
	const struct object *o;
	size_t pos = 0;

	while ((o = account_object_next(c->a, CHANGE_SETTINGS, &pos)) != NULL) {
		struct jmap_object one = {.id = o->id};
		give(c, &one, ctx);
	}
}

static enum jmap_error
settings_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {
		.type = CHANGE_SETTINGS, .props = props, .find = part_find, .each = part_each};

	return jmap_stored_get(c, &g);
}

static enum jmap_error
settings_changes(struct jmap_call *c)
{
	return jmap_stored_changes(c, CHANGE_SETTINGS);
}

/* ---- ClientSettings/set ---- */

/* A set that is being gathered: nothing is done before all of it is known to be right. */
struct gathering {
	struct jmap_set s;
	struct object_change *changes; /* creations, then what goes */
	struct buf *data; /* of the creations */
	size_t n_create, n_destroy, wrong;
};

static void
gathering_done(struct gathering *g)
{
	for (size_t i = 0; g->data && i < json_object_size(g->s.create); i++)
		buf_done(&g->data[i]);
	free(g->data);
	free(g->changes);
	jmap_set_done(&g->s);
}

static void
refuse(struct gathering *g, enum jmap_set_part part, struct slice key, struct jmap_set_error e)
{
	jmap_set_fail(&g->s, part, key, &e);
	g->wrong++;
}

static int
data_take(struct buf *to, const json_t *from)
{
	struct slice text = json_slice(json_object_get(from, "data"));

	*to = BUF_INIT(JMAP_REQUEST_MAX);
	if (!text.ptr || json_object_size(from) != 1 || base64_decode(to, text) || !to->len)
		return LL_ERR_SYNTAX;
	return to->len > SETTINGS_PART_MAX ? LL_ERR_LIMIT : LL_OK;
}

static void
create_take(struct gathering *g, const char *creation, const json_t *from)
{
	struct jmap *j = g->s.c->j;
	struct object_change *change = &g->changes[g->n_create];
	struct buf *data = &g->data[g->n_create++];
	int err = data_take(data, from);

	*change = (struct object_change){.type = CHANGE_SETTINGS, .value = buf_slice(data)};
	if (!err)
		err = j->env.random(j->env.ctx, change->id.b, sizeof(change->id.b));
	if (!err)
		return;
	struct jmap_set_error e = jmap_set_error_of(err);
	if (err == LL_ERR_SYNTAX)
		e.properties[0] = "data";
	refuse(g, SET_NOT_CREATED, slice_str(creation), e);
}

static void
destroy_take(struct gathering *g, struct slice text)
{
	struct object_change *change = &g->changes[g->n_create + g->n_destroy];
	bool again = false;

	*change = (struct object_change){.type = CHANGE_SETTINGS, .destroy = true};
	if (!jmap_id_parse(CHANGE_SETTINGS, jmap_id(g->s.c, text), &change->id) ||
		!account_object(g->s.c->a, CHANGE_SETTINGS, change->id)) {
		refuse(g, SET_NOT_DESTROYED, text, jmap_set_error_of(LL_ERR_NOTFOUND));
		return;
	}
	for (size_t i = g->n_create; i < g->n_create + g->n_destroy; i++)
		again |= !memcmp(g->changes[i].id.b, change->id.b, sizeof(change->id.b));
	g->n_destroy += !again;
}

/* How much there would be. */
static bool
settings_fit(const struct gathering *g)
{
	const struct account *a = g->s.c->a;
	const struct object *o;
	size_t pos = 0, bytes = 0, n = account_object_count(a, CHANGE_SETTINGS) + g->n_create;

	while ((o = account_object_next(a, CHANGE_SETTINGS, &pos)) != NULL)
		bytes += o->value.len;
	for (size_t i = 0; i < g->n_create + g->n_destroy; i++) {
		o = account_object(a, CHANGE_SETTINGS, g->changes[i].id);
		bytes += g->changes[i].value.len;
		if (o)
			bytes -= o->value.len;
	}
	return n - g->n_destroy <= SETTINGS_PARTS_MAX && bytes <= SETTINGS_TOTAL_MAX;
}

/* None is done for the error of one: the others are told so. */
static void
refuse_all(struct gathering *g, const struct jmap_set_error *e)
{
	struct jmap_set *s = &g->s;
	const char *key;
	json_t *v;

	jmap_set_forget(s);
	json_object_foreach(s->create, key, v) jmap_set_fail(s, SET_NOT_CREATED, slice_str(key), e);
	json_object_foreach(s->update, key, v) jmap_set_fail(s, SET_NOT_UPDATED, slice_str(key), e);
	for (size_t i = 0; i < json_array_size(s->destroy); i++)
		jmap_set_fail(s, SET_NOT_DESTROYED, json_slice(json_array_get(s->destroy, i)), e);
}

static void
tell_done(struct gathering *g)
{
	struct jmap_set *s = &g->s;
	size_t i = 0;
	const char *key;
	json_t *v;
	char id[40];

	json_object_foreach(s->create, key, v)
	{
		jmap_id_put(CHANGE_SETTINGS, g->changes[i++].id, id);
		jmap_created(s->c, key, id);
		jo_key(&s->out[SET_CREATED], key);
		jo_open(&s->out[SET_CREATED], '{');
		jo_key(&s->out[SET_CREATED], "id");
		jo_str(&s->out[SET_CREATED], id);
		jo_close(&s->out[SET_CREATED], '}');
	}
	for (; i < g->n_create + g->n_destroy; i++) {
		jmap_id_put(CHANGE_SETTINGS, g->changes[i].id, id);
		jmap_set_destroyed(s, slice_str(id));
	}
}

static void
gather(struct gathering *g)
{
	static const struct jmap_set_error never = {
		"forbidden", {NULL}, "A part is never altered: make another one."};
	const char *key;
	json_t *v;

	json_object_foreach(g->s.create, key, v) create_take(g, key, v);
	json_object_foreach(g->s.update, key, v) refuse(g, SET_NOT_UPDATED, slice_str(key), never);
	for (size_t i = 0; i < json_array_size(g->s.destroy); i++)
		destroy_take(g, json_slice(json_array_get(g->s.destroy, i)));
}

static void
settings_commit(struct gathering *g)
{
	static const struct jmap_set_error with = {
		"forbidden", {NULL}, "All is done or nothing, and a part of this was wrong."};
	static const struct jmap_set_error full = {
		"overQuota", {NULL}, "There is as much as there may be."};
	size_t n = g->n_create + g->n_destroy, made = json_object_size(g->s.create);
	size_t all = made + json_object_size(g->s.update) + json_array_size(g->s.destroy);
	struct jmap_set_error e;
	int err;

	if (g->wrong && g->wrong == all)
		return; /* each has its own reason */
	if (g->wrong || !settings_fit(g)) {
		refuse_all(g, g->wrong ? &with : &full);
		return;
	}
	err = n ? account_objects_change(g->s.c->a, g->changes, n) : LL_OK;
	if (err) {
		e = jmap_set_error_of(err);
		refuse_all(g, &e);
	} else {
		tell_done(g);
	}
}

static enum jmap_error
settings_set(struct jmap_call *c)
{
	struct gathering g = {0};
	int err = account_objects_load(c->a);
	enum jmap_error e = err ? jmap_failed(c, err) : jmap_set_begin(&g.s, c, CHANGE_SETTINGS);
	size_t create, destroy;

	if (e)
		return e;
	create = json_object_size(g.s.create);
	destroy = json_array_size(g.s.destroy);
	g.data = calloc(create + 1, sizeof(*g.data));
	g.changes = calloc(create + destroy + 1, sizeof(*g.changes));
	if (g.data && g.changes) {
		gather(&g);
		settings_commit(&g);
		e = jmap_set_end(&g.s);
	} else {
		e = jmap_failed(c, LL_ERR_NOMEM);
	}
	gathering_done(&g);
	return e;
}

const struct jmap_method jmap_settings_methods[] = {
	{"ClientSettings/get", "ids properties", JMAP_CAP_SETTINGS, settings_get, false},
	{"ClientSettings/changes", "sinceState maxChanges", JMAP_CAP_SETTINGS, settings_changes,
		false},
	{"ClientSettings/set", "ifInState create update destroy", JMAP_CAP_SETTINGS, settings_set,
		false},
	{NULL}};
