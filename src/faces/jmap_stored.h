/* Objects that are kept as JSON in the account's sealed store (account/object.h): identities, the
 * vacation response, submissions. In a jmap_object of such a type, p is the JSON. */
#ifndef FACES_JMAP_STORED_H
#define FACES_JMAP_STORED_H

#include "faces/jmap_priv.h"

/* A new reference; an empty object when there is none, or it cannot be read. */
json_t *jmap_stored_json(const struct object *o);
/* Stores it under its id, new or instead of the old. LL_ERR_LIMIT: too long. */
int jmap_stored_put(
	struct jmap_call *c, enum change_type type, struct store_id id, const json_t *v) CHECKED;

/* For a jmap_getter. */
bool jmap_stored_find(
	struct jmap_call *c, enum change_type type, struct slice id, struct jmap_object *ret);
void jmap_stored_each(struct jmap_call *c, enum change_type type,
	void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx), void *ctx);
void jmap_stored_release(struct jmap_object *o);
/* A member as it is, or null. */
void jmap_stored_member(const struct jmap_object *o, const char *name, struct json_out *out);

/* Foo/get and Foo/changes of such a type: its objects are read first. */
enum jmap_error jmap_stored_get(struct jmap_call *c, const struct jmap_getter *g);
enum jmap_error jmap_stored_changes(struct jmap_call *c, enum change_type type);

/* Foo/set: what is done with each of the arguments. Each tells of what came of it. */
struct jmap_setter {
	enum change_type type;
	void (*create)(struct jmap_set *s, const char *creation, json_t *from);
	void (*update)(struct jmap_set *s, struct slice key, json_t *patch);
	void (*destroy)(struct jmap_set *s, struct slice key);
};
void jmap_set_each(struct jmap_set *s, const struct jmap_setter *how);
enum jmap_error jmap_stored_set(struct jmap_call *c, const struct jmap_setter *how);
/* For a jmap_setter: destroys one. after: what else there is to do; may be NULL. */
void jmap_stored_destroy(struct jmap_set *s, struct slice key,
	int (*after)(struct jmap_call *c, struct store_id id));

#endif
