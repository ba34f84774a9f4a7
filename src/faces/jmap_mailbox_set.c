/* Mailbox/set (RFC 8621 section 2.5). */
#include "faces/jmap_mailbox.h"

#include "base/text.h"

#include <stdlib.h>

/* What a mailbox shall be: from a create, or from the old one and a patch. */
struct wish {
	struct slice name; /* its own level */
	bool has_parent;
	struct mailbox *parent;
	enum mailbox_role role;
	bool subscribed;
	uint64_t order;
	bool has_order;
};

static const char *const known[] = {"name", "parentId", "role", "sortOrder", "isSubscribed"};

static bool
name_ok(struct slice name)
{
	return name.len && utf8_valid(name) && name.len <= MAILBOX_NAME_MAX;
}

static const char *
wish_parent(struct jmap_call *c, const json_t *v, struct wish *w)
{
	w->parent = NULL;
	if (json_is_null(v))
		return NULL;
	w->parent = jmap_mailbox(c, json_slice(v));
	return w->parent ? NULL : "parentId";
}

static const char *
wish_role(const json_t *v, struct wish *w)
{
	w->role = MAILBOX_NO_ROLE;
	if (json_is_null(v))
		return NULL;
	w->role = jmap_role_parse(json_slice(v));
	return w->role == MAILBOX_ROLES ? "role" : NULL;
}

/* Takes in one property; the name of a wrong one. */
static const char *
wish_take(struct jmap_call *c, const char *key, const json_t *v, struct wish *w)
{
	if (!strcmp(key, "name")) {
		w->name = json_slice(v);
		return name_ok(w->name) ? NULL : "name";
	}
	if (!strcmp(key, "parentId"))
		return wish_parent(c, v, w);
	if (!strcmp(key, "role"))
		return wish_role(v, w);
	if (!strcmp(key, "sortOrder")) {
		w->has_order = true;
		return json_uint(v, &w->order) && w->order <= INT32_MAX ? NULL : key;
	}
	w->subscribed = json_is_true(v);
	return json_is_boolean(v) ? NULL : "isSubscribed";
}

static const char *
wish_fill(struct jmap_call *c, json_t *object, struct wish *w)
{
	const char *key, *bad = NULL;
	json_t *v;

	json_object_foreach(object, key, v)
	{
		size_t i = 0;
		while (i < ARRAY_SIZE(known) && strcmp(known[i], key))
			i++;
		if (!bad)
			bad = i == ARRAY_SIZE(known) ? key : wish_take(c, key, v, w);
	}
	return bad;
}

static void
wish_path(const struct wish *w, struct buf *out)
{
	if (w->parent) {
		buf_put(out, mailbox_info(w->parent)->name);
		buf_putc(out, '/');
	}
	buf_put(out, w->name);
}

static struct jmap_set_error
invalid(const char *property, const char *why)
{
	return (struct jmap_set_error){"invalidProperties", {property}, why};
}

static struct jmap_set_error
name_error(int err)
{
	if (err == LL_ERR_EXISTS)
		return invalid("name", "There is a mailbox of that name.");
	if (err == LL_ERR_SYNTAX || err == LL_ERR_LIMIT)
		return invalid("name", "This cannot be a mailbox's name.");
	if (err == LL_ERR_DENIED)
		return invalid("parentId", "It cannot be put there.");
	return jmap_set_error_of(err);
}

static int
order_store(struct jmap_call *c, struct store_id id, uint64_t order)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(16);
	struct object_change o = {.type = CHANGE_MAILBOX, .id = id};

	buf_put_varint(&value, order);
	o.value = buf_slice(&value);
	return account_objects_change(c->a, &o, 1);
}

/* ---- Create ---- */

static void
created_put(
	struct jmap_set *s, const char *creation, const struct mailbox *mb, const struct wish *w)
{
	struct json_out *o = &s->out[SET_CREATED];

	jmap_set_created(s, creation, mailbox_info(mb)->id);
	if (!w->has_order) {
		jo_key(o, "sortOrder");
		jo_uint(o, jmap_mailbox_order(s->c->a, mb));
	}
	jo_key(o, "isSubscribed");
	jo_bool(o, mailbox_info(mb)->subscribed);
	for (const char *const *p = (const char *const[]){"totalEmails", "unreadEmails",
		     "totalThreads", "unreadThreads", NULL};
		*p; p++) {
		jo_key(o, *p);
		jo_uint(o, 0);
	}
	jo_key(o, "myRights");
	jo_raw(o,
		S("{\"mayReadItems\":true,\"mayAddItems\":true,\"mayRemoveItems\":true,"
		  "\"maySetSeen\":true,\"maySetKeywords\":true,\"mayCreateChild\":true,"
		  "\"mayRename\":true,\"mayDelete\":true,\"maySubmit\":true}"));
	jo_close(o, '}');
}

static struct jmap_set_error
create_one(struct jmap_set *s, const char *creation, json_t *object)
{
	CLEANUP(buf_done) struct buf path = BUF_INIT(4 * MAILBOX_NAME_MAX);
	struct wish w = {.role = MAILBOX_NO_ROLE};
	const char *bad = wish_fill(s->c, object, &w);
	struct mailbox *mb = NULL;
	struct slice name;
	int err;

	if (bad || !w.name.ptr)
		return invalid(bad ? bad : "name", NULL);
	if (w.role != MAILBOX_NO_ROLE && account_mailbox_by_role(s->c->a, w.role))
		return invalid("role", "Another mailbox has this role.");
	if (slice_find_byte(w.name, '/') != SLICE_NPOS)
		return invalid("name", "A name cannot have a slash.");
	wish_path(&w, &path);
	err = account_mailbox_create(s->c->a, buf_slice(&path), w.role, &mb);
	if (err)
		return name_error(err);
	name = mailbox_info(mb)->name;
	if (w.subscribed && !mailbox_info(mb)->subscribed)
		err = account_subscribe(s->c->a, name, true);
	if (!err && w.has_order)
		err = order_store(s->c, mailbox_info(mb)->id, w.order);
	if (err)
		return jmap_set_error_of(err);
	created_put(s, creation, mb, &w);
	return (struct jmap_set_error){NULL};
}

/* One that names another creation of this call waits until that is made. */
static bool
must_wait(struct jmap_set *s, const json_t *object, const json_t *left)
{
	struct slice parent = json_slice(json_object_get(object, "parentId"));
	char name[256];

	if (parent.len < 2 || parent.ptr[0] != '#' || parent.len >= sizeof(name))
		return false;
	memcpy(name, parent.ptr + 1, parent.len - 1);
	name[parent.len - 1] = '\0';
	return json_object_get(left, name) != NULL;
}

static void
create_all(struct jmap_set *s)
{
	json_t *left = json_copy(s->create), *v;
	bool again = true;
	const char *key;
	void *next;

	while (again && json_object_size(left)) {
		again = false;
		json_object_foreach_safe(left, next, key, v)
		{
			struct jmap_set_error e;
			if (must_wait(s, v, left))
				continue;
			again = true;
			e = create_one(s, key, v);
			if (e.type)
				jmap_set_fail(s, SET_NOT_CREATED, slice_str(key), &e);
			json_object_del(left, key);
		}
	}
	json_object_foreach(left, key, v)
	{
		struct jmap_set_error e = invalid("parentId", NULL);
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(key), &e);
	}
	json_decref(left);
}

/* ---- Update ---- */

static int
update_path(struct jmap_set *s, struct mailbox *mb, const struct wish *w)
{
	CLEANUP(buf_done) struct buf path = BUF_INIT(4 * MAILBOX_NAME_MAX);
	CLEANUP(buf_done) struct buf old = BUF_INIT(MAILBOX_NAME_MAX);

	wish_path(w, &path);
	buf_put(&old, mailbox_info(mb)->name);
	if (slice_eq(buf_slice(&path), buf_slice(&old)))
		return LL_OK;
	return account_mailbox_rename(s->c->a, buf_slice(&old), buf_slice(&path));
}

static struct jmap_set_error
update_check(struct jmap_set *s, struct mailbox *mb, const struct wish *old, const struct wish *w)
{
	const struct mailbox *other = account_mailbox_by_role(s->c->a, w->role);
	bool moved = w->parent != old->parent || !slice_eq(w->name, old->name);

	if (old->role == MAILBOX_INBOX && (moved || w->role != old->role))
		return (struct jmap_set_error){"forbidden", {NULL}, "The inbox stays what it is."};
	if (w->role == MAILBOX_INBOX && old->role != MAILBOX_INBOX)
		return invalid("role", NULL);
	if (other && other != mb && w->role != MAILBOX_NO_ROLE)
		return invalid("role", "Another mailbox has this role.");
	if (!slice_eq(w->name, old->name) && slice_find_byte(w->name, '/') != SLICE_NPOS)
		return invalid("name", "A name cannot have a slash.");
	for (const struct mailbox *p = w->parent; p; p = jmap_mailbox_parent(s->c->a, p))
		if (p == mb)
			return invalid("parentId", "It cannot be put into itself.");
	return (struct jmap_set_error){NULL};
}

static struct jmap_set_error
update_one(struct jmap_set *s, struct slice id, json_t *patch)
{
	struct mailbox *mb = jmap_mailbox(s->c, id);
	struct wish old, w;
	struct jmap_set_error e;
	const char *bad;
	int err;

	if (!mb)
		return (struct jmap_set_error){"notFound"};
	old = (struct wish){.name = mailbox_info(mb)->role == MAILBOX_INBOX
			? S("Inbox")
			: jmap_mailbox_name(s->c->a, mb),
		.parent = jmap_mailbox_parent(s->c->a, mb),
		.role = mailbox_info(mb)->role,
		.subscribed = mailbox_info(mb)->subscribed};
	w = old;
	bad = wish_fill(s->c, patch, &w);
	if (bad)
		return jmap_set_bad(bad);
	e = update_check(s, mb, &old, &w);
	if (e.type)
		return e;
	err = old.role == MAILBOX_INBOX ? LL_OK : update_path(s, mb, &w);
	if (err)
		return name_error(err);
	if (w.role != old.role)
		err = account_mailbox_set_role(s->c->a, mb, w.role);
	if (!err && w.subscribed != old.subscribed)
		err = account_subscribe(s->c->a, mailbox_info(mb)->name, w.subscribed);
	if (!err && w.has_order)
		err = order_store(s->c, mailbox_info(mb)->id, w.order);
	return err ? jmap_set_error_of(err) : (struct jmap_set_error){NULL};
}

/* ---- Destroy ---- */

static struct jmap_set_error
destroy_one(struct jmap_set *s, struct slice id, bool remove)
{
	struct mailbox *mb = jmap_mailbox(s->c, id);
	struct object_change order = {.type = CHANGE_MAILBOX, .destroy = true};
	bool has_order;
	int err;

	if (!mb)
		return (struct jmap_set_error){"notFound"};
	if (mailbox_info(mb)->role == MAILBOX_INBOX)
		return (struct jmap_set_error){"forbidden", {NULL}, "The inbox stays."};
	if (jmap_mailbox_has_child(s->c->a, mb))
		return (struct jmap_set_error){"mailboxHasChild"};
	if (mailbox_info(mb)->exists && !remove)
		return (struct jmap_set_error){"mailboxHasEmail"};
	order.id = mailbox_info(mb)->id;
	has_order = account_object(s->c->a, CHANGE_MAILBOX, order.id) != NULL;
	err = account_mailbox_delete(s->c->a, mb);
	if (!err && has_order)
		err = account_objects_change(s->c->a, &order, 1);
	return err ? jmap_set_error_of(err) : (struct jmap_set_error){NULL};
}

/* Children before their parents, whatever the order asked for. */
static void
destroy_all(struct jmap_set *s, bool remove)
{
	size_t n = json_array_size(s->destroy);
	bool *done = calloc(n + 1, sizeof(*done)), again = done != NULL;

	while (again) {
		again = false;
		for (size_t i = 0; i < n; i++) {
			struct slice id = json_slice(json_array_get(s->destroy, i));
			struct jmap_set_error e;
			if (done[i])
				continue;
			e = destroy_one(s, id, remove);
			if (e.type)
				continue;
			jmap_set_destroyed(s, jmap_id(s->c, id));
			done[i] = again = true;
		}
	}
	for (size_t i = 0; i < n && done; i++) {
		struct slice id = json_slice(json_array_get(s->destroy, i));
		struct jmap_set_error e;
		if (done[i])
			continue;
		e = destroy_one(s, id, remove);
		if (e.type)
			jmap_set_fail(s, SET_NOT_DESTROYED, id, &e);
		else
			jmap_set_destroyed(s, jmap_id(s->c, id));
	}
	free(done);
}

enum jmap_error
jmap_mailbox_set(struct jmap_call *c)
{
	struct jmap_set s;
	bool remove = false;
	const char *key;
	json_t *v;
	enum jmap_error e = jmap_set_begin(&s, c, CHANGE_MAILBOX);
	int err;

	if (!e && !jmap_arg_bool(c, "onDestroyRemoveEmails", &remove))
		e = JMAP_INVALID_ARGUMENTS;
	if (e)
		return e;
	err = account_objects_load(c->a);
	if (err)
		return jmap_failed(c, err);
	create_all(&s);
	json_object_foreach(s.update, key, v)
	{
		struct jmap_set_error bad = update_one(&s, slice_str(key), v);
		if (bad.type)
			jmap_set_fail(&s, SET_NOT_UPDATED, slice_str(key), &bad);
		else
			jmap_set_updated(&s, jmap_id(c, slice_str(key)));
	}
	destroy_all(&s, remove);
	e = jmap_set_end(&s);
	jmap_set_done(&s);
	return e;
}
