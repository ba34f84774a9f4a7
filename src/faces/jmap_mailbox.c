/* Mailbox/get and Mailbox/changes (RFC 8621 section 2). A mailbox's place in the tree is its name
 * in the engine; a level that is no mailbox of its own stays part of the name. */
#include "faces/jmap_mailbox.h"

static const struct {
	const char *name;
	uint64_t order;
} roles[MAILBOX_ROLES] = {
	[MAILBOX_NO_ROLE] = {NULL, 100},
	[MAILBOX_INBOX] = {"inbox", 1},
	[MAILBOX_DRAFTS] = {"drafts", 2},
	[MAILBOX_SENT] = {"sent", 3},
	[MAILBOX_ARCHIVE] = {"archive", 4},
	[MAILBOX_JUNK] = {"junk", 5},
	[MAILBOX_TRASH] = {"trash", 6},
	[MAILBOX_ALL] = {"all", 7},
	[MAILBOX_FLAGGED] = {"flagged", 8},
	[MAILBOX_IMPORTANT] = {"important", 9},
	[MAILBOX_SNOOZED] = {"snoozed", 10},
};

const char *
jmap_role_name(enum mailbox_role role)
{
	return role < MAILBOX_ROLES ? roles[role].name : NULL;
}

enum mailbox_role
jmap_role_parse(struct slice name)
{
	for (unsigned i = 1; i < MAILBOX_ROLES; i++)
		if (slice_eq(name, slice_str(roles[i].name)))
			return (enum mailbox_role)i;
	return MAILBOX_ROLES;
}

static struct mailbox *
by_name(const struct account *a, struct slice name)
{
	size_t n;
	struct mailbox *const *boxes = account_mailboxes(a, &n);

	for (size_t i = 0; i < n; i++)
		if (slice_eq(mailbox_info(boxes[i])->name, name))
			return boxes[i];
	return NULL;
}

struct mailbox *
jmap_mailbox_parent(const struct account *a, const struct mailbox *mb)
{
	struct slice name = mailbox_info(mb)->name;
	struct mailbox *parent = NULL;
	size_t at;

	while (!parent && (at = slice_rfind_byte(name, '/')) != SLICE_NPOS) {
		name = slice_sub(name, 0, at);
		parent = by_name(a, name);
	}
	return parent;
}

struct slice
jmap_mailbox_name(const struct account *a, const struct mailbox *mb)
{
	const struct mailbox *parent = jmap_mailbox_parent(a, mb);
	struct slice name = mailbox_info(mb)->name;

	return parent ? slice_skip(name, mailbox_info(parent)->name.len + 1) : name;
}

bool
jmap_mailbox_has_child(const struct account *a, const struct mailbox *mb)
{
	size_t n;
	struct mailbox *const *boxes = account_mailboxes(a, &n);

	for (size_t i = 0; i < n; i++)
		if (jmap_mailbox_parent(a, boxes[i]) == mb)
			return true;
	return false;
}

uint64_t
jmap_mailbox_order(const struct account *a, const struct mailbox *mb)
{
	const struct mailbox_info *info = mailbox_info(mb);
	const struct object *o = account_object(a, CHANGE_MAILBOX, info->id);
	struct reader r = reader_new(o ? o->value : SLICE_NONE);

	return o ? reader_varint(&r) : roles[info->role].order;
}

/* ---- Properties ---- */

static const struct mailbox_info *
info_of(const struct jmap_object *o)
{
	return mailbox_info(o->p);
}

static void
put_box_id(const struct mailbox *mb, struct json_out *out)
{
	if (!mb) {
		jo_null(out);
		return;
	}
	jmap_put_id(out, CHANGE_MAILBOX, mailbox_info(mb)->id);
}

static void
put_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	put_box_id(o->p, out);
}

static void
put_name(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	if (info_of(o)->role == MAILBOX_INBOX)
		jo_str(out, "Inbox");
	else
		jo_slice(out, jmap_mailbox_name(c->a, o->p));
}

static void
put_parent(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	put_box_id(jmap_mailbox_parent(c->a, o->p), out);
}

static void
put_role(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	const char *name = jmap_role_name(info_of(o)->role);

	if (name)
		jo_str(out, name);
	else
		jo_null(out);
}

static void
put_order(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, jmap_mailbox_order(c->a, o->p));
}

static struct email_counts
counts_of(struct jmap_call *c, const struct jmap_object *o)
{
	struct email_counts counts = {0};

	if (email_counts(c->a, o->p, &counts))
		c->o.b->err = LL_ERR_IO;
	return counts;
}

static void
put_total(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, counts_of(c, o).emails);
}

static void
put_unread(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, counts_of(c, o).unread);
}

static void
put_threads(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, counts_of(c, o).threads);
}

static void
put_unread_threads(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, counts_of(c, o).unread_threads);
}

static void
put_rights(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	static const char *const rights[] = {"mayReadItems", "mayAddItems", "mayRemoveItems",
		"maySetSeen", "maySetKeywords", "mayCreateChild", "mayRename", "mayDelete",
		"maySubmit"};
	bool inbox = info_of(o)->role == MAILBOX_INBOX;

	jo_open(out, '{');
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		jo_key(out, rights[i]);
		jo_bool(out,
			!inbox ||
				(strcmp(rights[i], "mayRename") != 0 &&
					strcmp(rights[i], "mayDelete") != 0));
	}
	jo_close(out, '}');
}

static void
put_subscribed(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_bool(out, info_of(o)->subscribed);
}

static const struct jmap_property props[] = {
	{"id", put_id},
	{"name", put_name},
	{"parentId", put_parent},
	{"role", put_role},
	{"sortOrder", put_order},
	{"totalEmails", put_total},
	{"unreadEmails", put_unread},
	{"totalThreads", put_threads},
	{"unreadThreads", put_unread_threads},
	{"myRights", put_rights},
	{"isSubscribed", put_subscribed},
	{NULL, NULL},
};

/* ---- Methods ---- */

static bool
find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	struct mailbox *mb = jmap_mailbox(c, id);

	if (!mb)
		return false;
	*ret = (struct jmap_object){.id = mailbox_info(mb)->id, .p = mb};
	return true;
}

static void
each(struct jmap_call *c, void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx),
	void *ctx)
{
	size_t n;
	struct mailbox *const *boxes = account_mailboxes(c->a, &n);

	for (size_t i = 0; i < n; i++)
		give(c, &(struct jmap_object){.id = mailbox_info(boxes[i])->id, .p = boxes[i]},
			ctx);
}

static enum jmap_error
mailbox_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {
		.type = CHANGE_MAILBOX, .props = props, .find = find, .each = each};
	int err = account_objects_load(c->a);

	if (!err)
		err = emails_load(c->a);
	return err ? jmap_failed(c, err) : jmap_get(c, &g);
}

static enum jmap_error
mailbox_changes(struct jmap_call *c)
{
	return jmap_changes(c, CHANGE_MAILBOX);
}

const struct jmap_method jmap_mailbox_methods[] = {
	{"Mailbox/get", "ids properties", JMAP_CAP_MAIL, mailbox_get, false},
	{"Mailbox/changes", "sinceState maxChanges", JMAP_CAP_MAIL, mailbox_changes, false},
	{"Mailbox/query", JMAP_QUERY_ARGS " sortAsTree filterAsTree", JMAP_CAP_MAIL,
		jmap_mailbox_query, false},
	{"Mailbox/queryChanges", JMAP_QUERY_CHANGES_ARGS " sortAsTree filterAsTree", JMAP_CAP_MAIL,
		jmap_mailbox_query_changes, false},
	{"Mailbox/set", "ifInState create update destroy onDestroyRemoveEmails", JMAP_CAP_MAIL,
		jmap_mailbox_set, false},
	{NULL}};
