/* Thread/get and Thread/changes (RFC 8621 section 3). */
#include "faces/jmap_priv.h"

static bool
thread_find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	size_t n;

	return jmap_id_parse(CHANGE_THREAD, id, &ret->id) &&
		thread_emails(c->a, be32_get(ret->id.b), &n) != NULL;
}

static void
put_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	char id[40];

	jmap_id_put(CHANGE_THREAD, o->id, id);
	jo_str(out, id);
}

static void
put_email_ids(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	char id[MESSAGE_ID_TEXT_MAX];
	size_t n;
	const struct email_info *const *e = thread_emails(c->a, be32_get(o->id.b), &n);

	jo_open(out, '[');
	for (size_t i = 0; i < n; i++) {
		message_email_id(e[i]->email, id);
		jo_str(out, id);
	}
	jo_close(out, ']');
}

static const struct jmap_property props[] = {
	{"id", put_id}, {"emailIds", put_email_ids}, {NULL, NULL}};

static enum jmap_error
thread_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {
		.type = CHANGE_THREAD, .props = props, .find = thread_find};
	int err = emails_threads(c->a);

	return err ? jmap_failed(c, err) : jmap_get(c, &g);
}

static enum jmap_error
thread_changes(struct jmap_call *c)
{
	return jmap_changes(c, CHANGE_THREAD);
}

const struct jmap_method jmap_thread_methods[] = {
	{"Thread/get", "ids properties", JMAP_CAP_MAIL, thread_get, false},
	{"Thread/changes", "sinceState maxChanges", JMAP_CAP_MAIL, thread_changes, false}, {NULL}};
