/* Email/set and Email/copy (RFC 8621 sections 4.6 and 4.7). Updates and destructions of a
 * call are done together, in as few commits as hold them. */
#include "faces/jmap_email.h"

#include "account/snooze.h"
#include "mail/build.h"

#include <stdlib.h>

/* ---- Create ---- */

static struct jmap_set_error
invalid(const char *property)
{
	return (struct jmap_set_error){"invalidProperties", {property}, NULL};
}

static void
fail_build(struct jmap_set *s, const char *creation, const struct jmap_built *b)
{
	struct json_out *o = &s->out[SET_NOT_CREATED];
	struct jmap_set_error e = {b->type ? b->type : "invalidProperties", {b->bad}, b->why};

	if (!b->missing.ptr) {
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
		return;
	}
	jo_key(o, creation);
	jo_open(o, '{');
	jo_key(o, "type");
	jo_str(o, "blobNotFound");
	jo_key(o, "notFound");
	jo_open(o, '[');
	jo_slice(o, b->missing);
	jo_close(o, ']');
	jo_close(o, '}');
}

static void
create_one(struct jmap_set *s, const char *creation, json_t *object)
{
	CLEANUP(buf_done) struct buf message = BUF_SECRET(MESSAGE_SIZE_MAX);
	struct jmap_place place;
	struct jmap_built built = {NULL};
	uint32_t email;
	const char *bad = jmap_place_read(s->c, object, &place);
	int err;

	if (bad) {
		struct jmap_set_error e = invalid(bad);
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
		return;
	}
	err = jmap_email_build(s->c, object, &message, &built);
	if (err == LL_ERR_SYNTAX) {
		fail_build(s, creation, &built);
		return;
	}
	if (err) {
		struct jmap_set_error e = jmap_set_error_of(err);
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
		return;
	}
	err = jmap_email_store(s->c, buf_slice(&message), &place, &email);
	if (err) {
		struct jmap_set_error e = jmap_email_store_error(err);
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
		return;
	}
	jmap_email_created_put(s, creation, email);
}

/* ---- Update and destroy ---- */

struct update {
	struct slice id; /* as the client named it */
	struct jmap_place place;
	struct slice remove[KEYWORDS_MAX];
	json_t *whole; /* mailboxIds after the patch */
	json_t *snooze; /* snoozedUntil: a date or null; NULL: not named */
};

struct work {
	struct jmap_set *s;
	struct email_change *changes;
	struct update *updates;
	size_t n, n_updates;
	bool snoozing;
	json_t *names; /* array of those of keywords that were escaped in a path */
};

static void
fail_update(struct work *w, bool destroy, struct slice id, struct jmap_set_error e)
{
	jmap_set_fail(w->s, destroy ? SET_NOT_DESTROYED : SET_NOT_UPDATED, id, &e);
}

static bool
email_id(struct work *w, struct slice id, uint32_t *ret)
{
	return message_email_id_parse(jmap_id(w->s->c, id), ret) && email_find(w->s->c->a, *ret);
}

/* The mailboxes it is in, as JSON. */
static json_t *
boxes_json(struct jmap_call *c, uint32_t email)
{
	json_t *out = json_object();
	char id[40];
	size_t n;
	const struct email_place *p = email_places(c->a, email, &n);

	for (size_t i = 0; i < n; i++) {
		jmap_id_put(CHANGE_MAILBOX, mailbox_info(p[i].mb)->id, id);
		json_object_set_new(out, id, json_true());
	}
	return out;
}

/* "mailboxIds/x": true or null. */
static const char *
patch_box(struct work *w, struct update *u, uint32_t email, struct slice name, json_t *v)
{
	struct slice id = jmap_id(w->s->c, name);
	char key[64];

	if (!u->whole)
		u->whole = boxes_json(w->s->c, email);
	if (!id.len || id.len >= sizeof(key) || (!json_is_true(v) && !json_is_null(v)))
		return "mailboxIds";
	memcpy(key, id.ptr, id.len);
	key[id.len] = '\0';
	if (json_is_true(v))
		json_object_set(u->whole, key, v);
	else
		json_object_del(u->whole, key);
	return NULL;
}

/* What a path's last token names. False: it goes on, where there is nothing below. */
static bool
patch_name(struct work *w, const char *token, struct slice *ret)
{
	struct slice path = slice_str(token);
	char name[512];
	json_t *text;

	*ret = path;
	if (!strchr(token, '~'))
		return !strchr(token, '/');
	if (!jmap_patch_token(&path, name, sizeof(name)) || path.len)
		return false;
	if (!w->names)
		w->names = json_array();
	text = json_string(name);
	*ret = json_slice(text);
	return !json_array_append_new(w->names, text);
}

static const char *
patch_keyword(struct update *u, struct email_change *change, struct slice keyword, json_t *v)
{
	if ((!json_is_true(v) && !json_is_null(v)) || !jmap_keyword_ok(keyword))
		return "keywords";
	if (json_is_true(v)) {
		if (u->place.n_keywords == ARRAY_SIZE(u->place.keywords))
			return "keywords";
		u->place.keywords[u->place.n_keywords++] = keyword;
	} else {
		if (change->n_remove == ARRAY_SIZE(u->remove))
			return "keywords";
		u->remove[change->n_remove++] = keyword;
	}
	return NULL;
}

/* One property of an update; the name of a wrong one, or the path that leads nowhere. */
static const char *
patch_take(
	struct work *w, struct update *u, struct email_change *change, const char *key, json_t *v)
{
	struct slice name;

	if (!strcmp(key, "keywords")) {
		change->exact = true;
		return jmap_place_keywords(v, &u->place);
	}
	if (!strcmp(key, "mailboxIds")) {
		json_decref(u->whole);
		u->whole = json_incref(v);
		return NULL;
	}
	if (!strcmp(key, "snoozedUntil")) {
		u->snooze = v;
		return NULL;
	}
	if (!strncmp(key, "keywords/", 9))
		return patch_name(w, key + 9, &name) ? patch_keyword(u, change, name, v) : key;
	if (!strncmp(key, "mailboxIds/", 11))
		return patch_name(w, key + 11, &name) ? patch_box(w, u, change->email, name, v)
						      : key;
	return key;
}

static const char *
patch_read(struct work *w, struct update *u, struct email_change *change, json_t *patch)
{
	const char *key, *bad = jmap_patch_paths_ok(patch) ? NULL : "/";
	json_t *v;

	json_object_foreach(patch, key, v)
	{
		if (!bad)
			bad = patch_take(w, u, change, key, v);
	}
	if (!bad && u->whole)
		bad = jmap_place_boxes(w->s->c, u->whole, &u->place);
	json_decref(u->whole);
	u->whole = NULL;
	return bad;
}

/* Where an Email goes that is put off, or taken back before it is due. */
static struct jmap_set_error
snooze_place(struct work *w, struct update *u, uint32_t email)
{
	struct jmap_call *c = w->s->c;
	int64_t until;
	int err;

	if (u->place.n_boxes)
		return (struct jmap_set_error){"invalidProperties", {"snoozedUntil", "mailboxIds"},
			"It says itself where the Email goes."};
	w->snoozing = true;
	if (json_is_null(u->snooze))
		err = snooze_back(c->a, email, u->place.boxes, &u->place.n_boxes);
	else if (!json_utc_date(u->snooze, &until) || until <= c->j->env.now(c->j->env.ctx))
		return (struct jmap_set_error){
			"invalidProperties", {"snoozedUntil"}, "It must be a time to come."};
	else
		err = snooze_begin(c->a, email, until, u->place.boxes, &u->place.n_boxes);
	if (!err)
		err = emails_load(c->a);
	if (err == LL_ERR_LIMIT)
		return (struct jmap_set_error){
			"overQuota", {NULL}, "As many as may be are put off already."};
	return err ? jmap_set_error_of(err) : (struct jmap_set_error){NULL};
}

static void
add_update(struct work *w, const char *key, json_t *patch)
{
	struct update *u = &w->updates[w->n_updates];
	struct email_change *change = &w->changes[w->n];
	struct jmap_set_error wrong = {NULL};
	const char *bad;

	*u = (struct update){.id = slice_str(key)};
	*change = (struct email_change){.email = 0};
	if (!email_id(w, u->id, &change->email)) {
		fail_update(w, false, u->id, (struct jmap_set_error){"notFound"});
		return;
	}
	bad = patch_read(w, u, change, patch);
	if (bad)
		wrong = jmap_set_bad(bad);
	else if (u->snooze)
		wrong = snooze_place(w, u, change->email);
	if (wrong.type) {
		fail_update(w, false, u->id, wrong);
		return;
	}
	change->add = u->place.keywords;
	change->n_add = u->place.n_keywords;
	change->remove = u->remove;
	change->mailboxes = u->place.boxes;
	change->n_mailboxes = u->place.n_boxes;
	w->n++;
	w->n_updates++;
}

static bool
twice(const struct work *w, uint32_t email)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->changes[i].email == email)
			return true;
	return false;
}

static void
add_destroy(struct work *w, struct slice id)
{
	struct email_change *change = &w->changes[w->n];

	*change = (struct email_change){.destroy = true};
	if (!email_id(w, id, &change->email))
		fail_update(w, true, id, (struct jmap_set_error){"notFound"});
	else if (!twice(w, change->email))
		w->n++;
}

static struct jmap_set_error
change_error(int err)
{
	if (err == LL_ERR_SYNTAX)
		return invalid("keywords");
	if (err == LL_ERR_LIMIT)
		return (struct jmap_set_error){"tooManyKeywords"};
	if (err == LL_ERR_DENIED)
		return invalid("mailboxIds");
	return jmap_set_error_of(err);
}

static void
work_tell(struct work *w)
{
	char id[MESSAGE_ID_TEXT_MAX];

	for (size_t i = 0; i < w->n; i++) {
		const struct email_change *c = &w->changes[i];
		message_email_id(c->email, id);
		if (c->err)
			fail_update(w, c->destroy, slice_str(id), change_error(c->err));
		else if (c->destroy)
			jmap_set_destroyed(w->s, slice_str(id));
		else
			jmap_set_updated(w->s, slice_str(id));
	}
}

/* Does what has been gathered, and tells of it. */
static int
work_flush(struct work *w)
{
	int err = emails_change(w->s->c->a, w->changes, w->n);

	if (!err)
		work_tell(w);
	w->n = w->n_updates = 0;
	return err ? err : emails_load(w->s->c->a);
}

/* An Email may be named by its id and by that of its creation: what comes second changes what the
 * first has left. */
static int
add_updates(struct work *w)
{
	const char *key;
	uint32_t email;
	int err = LL_OK;
	json_t *v;

	json_object_foreach(w->s->update, key, v)
	{
		if (email_id(w, slice_str(key), &email) && twice(w, email))
			err = work_flush(w);
		if (err)
			return err;
		add_update(w, key, v);
	}
	return work_flush(w);
}

static int
work_run(struct work *w)
{
	size_t most = json_object_size(w->s->update) + json_array_size(w->s->destroy);
	int err;

	w->changes = calloc(most + 1, sizeof(*w->changes));
	w->updates = calloc(json_object_size(w->s->update) + 1, sizeof(*w->updates));
	if (!w->changes || !w->updates)
		return LL_ERR_NOMEM;
	/* What is to be destroyed goes in a second round: an Email may be in both. */
	err = add_updates(w);
	if (!err && w->snoozing)
		err = snooze_tidy(w->s->c->a);
	if (!err)
		err = emails_load(w->s->c->a);
	for (size_t i = 0; i < json_array_size(w->s->destroy) && !err; i++)
		add_destroy(w, json_slice(json_array_get(w->s->destroy, i)));
	return err ? err : work_flush(w);
}

enum jmap_error
jmap_email_set(struct jmap_call *c)
{
	struct jmap_set s;
	struct work w = {.s = &s};
	const char *key;
	json_t *v;
	enum jmap_error e = jmap_set_begin(&s, c, CHANGE_EMAIL);
	int err;

	if (e)
		return e;
	err = emails_load(c->a);
	json_object_foreach(s.create, key, v) if (!err) create_one(&s, key, v);
	if (!err)
		err = emails_load(c->a);
	if (!err)
		err = work_run(&w);
	free(w.changes);
	free(w.updates);
	json_decref(w.names);
	e = err ? jmap_failed(c, err) : jmap_set_end(&s);
	jmap_set_done(&s);
	return e;
}

/* There is one account only: nothing to copy from (RFC 8620 section 5.4). */
enum jmap_error
jmap_email_copy(struct jmap_call *c)
{
	struct slice from = json_slice(json_object_get(c->args, "fromAccountId"));

	if (!from.ptr || !json_is_object(json_object_get(c->args, "create")))
		return jmap_bad(c, from.ptr ? "create" : "fromAccountId");
	if (slice_eq(from, slice_str(c->j->account_id)))
		return jmap_bad(c, "fromAccountId and accountId are the same");
	return JMAP_FROM_ACCOUNT_NOT_FOUND;
}

const struct jmap_method jmap_email_set_methods[] = {
	{"Email/set", "ifInState create update destroy", JMAP_CAP_MAIL, jmap_email_set, false},
	{"Email/import", "ifInState emails", JMAP_CAP_MAIL, jmap_email_import, false},
	{"Email/copy",
		"fromAccountId ifFromInState ifInState create onSuccessDestroyOriginal "
		"destroyFromIfInState",
		JMAP_CAP_MAIL, jmap_email_copy, false},
	{NULL}};
