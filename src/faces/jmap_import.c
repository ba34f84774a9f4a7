/* ImportJob (urn:letterlock:params:jmap:import): bringing mail over from another IMAP server;
 * docs/api/jmap.md says what a job looks like. What is kept is account/importing.h; the work is
 * done by whoever handed in struct jmap_import. The password only passes through here. */
#include "faces/jmap_mailbox.h"
#include "faces/jmap_stored.h"

#include "account/importing.h"
#include "account/types.h"
#include "base/secret.h"

#include <stdio.h>

#define JOB_ARENA_BYTES ((size_t)1 << 20)
#define SECRET_LEN_MAX 1000

static const char *const errors[IMPORT_ERRORS] = {
	[IMPORT_NO_SERVER] = "serverNotFound",
	[IMPORT_NO_NAME] = "hostNotFound",
	[IMPORT_PRIVATE] = "hostNotPublic",
	[IMPORT_CONNECTION_REFUSED] = "connectionRefused",
	[IMPORT_TIMEOUT] = "timeout",
	[IMPORT_CONNECTION_LOST] = "connectionLost",
	[IMPORT_CERTIFICATE] = "certificateInvalid",
	[IMPORT_NO_TLS] = "noTls",
	[IMPORT_NOT_IMAP] = "notImap",
	[IMPORT_PASSWORD] = "wrongPassword",
	[IMPORT_NO_SIGN_IN] = "noPasswordSignIn",
	[IMPORT_UNAVAILABLE] = "unavailable",
	[IMPORT_QUOTA] = "overQuota",
	[IMPORT_TOO_MANY] = "tooMany",
	[IMPORT_FAILED] = "failed",
};

/* A job as it is shown. */
struct shown {
	struct arena arena;
	struct store_id id;
	struct import_job job;
};

static void
shown_free(struct shown *s)
{
	if (s)
		arena_done(&s->arena);
	free(s);
}

static int
shown_load(struct jmap_call *c, struct store_id id, struct shown **ret)
{
	struct shown *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return LL_ERR_NOMEM;
	s->arena = ARENA_INIT(JOB_ARENA_BYTES);
	s->id = id;
	err = import_load(c->a, id, &s->arena, &s->job);
	if (err)
		shown_free(s);
	else
		*ret = s;
	return err;
}

/* ---- ImportJob/get ---- */

static const struct shown *
shown_of(const struct jmap_object *o)
{
	return o->p;
}

static enum jmap_import_state
working(const struct jmap_call *c, struct store_id id)
{
	const struct jmap_import *i = c->j->env.import;

	return i ? i->state(i->ctx, id) : JMAP_IMPORT_IDLE;
}

static const char *
state_name(const struct jmap_call *c, const struct shown *s)
{
	switch (working(c, s->id)) {
	case JMAP_IMPORT_FINDING:
		return "finding";
	case JMAP_IMPORT_CONNECTING:
		return "connecting";
	case JMAP_IMPORT_RUNNING:
		return "running";
	case JMAP_IMPORT_WAITING:
		return "waiting";
	case JMAP_IMPORT_READY:
	case JMAP_IMPORT_IDLE:
		break;
	}
	if (s->job.phase == IMPORT_FINISHED)
		return "done";
	if (s->job.phase == IMPORT_CHOOSING)
		return "choosing";
	return s->job.phase == IMPORT_PAUSED ? "paused" : "needsSecret";
}

static void
put_id(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jmap_put_id(out, CHANGE_IMPORT, o->id);
}

static void
put_user(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_slice(out, shown_of(o)->job.user);
}

static void
put_host(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	struct slice host = shown_of(o)->job.host;

	jo_slice_or_null(out, host.len ? host : SLICE_NONE);
}

static void
put_port(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_uint(out, shown_of(o)->job.port);
}

static void
put_security(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, shown_of(o)->job.starttls ? "starttls" : "tls");
}

static void
put_state(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_str(out, state_name(c, shown_of(o)));
}

static void
put_has_secret(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	enum jmap_import_state s = working(c, shown_of(o)->id);

	jo_bool(out, s != JMAP_IMPORT_IDLE && s != JMAP_IMPORT_FINDING);
}

static void
put_error(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	const struct import_job *j = &shown_of(o)->job;

	if (!j->error) {
		jo_null(out);
		return;
	}
	jo_open(out, '{');
	jo_key(out, "type");
	jo_str(out, errors[j->error]);
	jo_key(out, "description");
	jo_slice_or_null(out, j->words.len ? j->words : SLICE_NONE);
	jo_close(out, '}');
}

static void
put_number(struct json_out *out, const char *name, uint64_t v)
{
	jo_key(out, name);
	jo_uint(out, v);
}

static void
put_folder(const struct import_job *j, size_t i, struct json_out *out)
{
	static const struct store_id none;
	const struct import_folder *f = &j->folders[i];
	const char *role = jmap_role_name(f->role);
	char id[40];

	jo_open(out, '{');
	jo_key(out, "id");
	snprintf(id, sizeof(id), "f%zu", i);
	jo_str(out, id);
	jo_key(out, "name");
	jo_slice(out, f->name);
	jo_key(out, "role");
	jo_slice_or_null(out, role ? slice_str(role) : SLICE_NONE);
	jo_key(out, "isChosen");
	jo_bool(out, f->bits & IMPORT_FOLDER_CHOSEN);
	jo_key(out, "isDone");
	jo_bool(out, f->bits & IMPORT_FOLDER_DONE);
	jo_key(out, "mailboxId");
	jmap_id_put(CHANGE_MAILBOX, f->target, id);
	jo_slice_or_null(
		out, memcmp(f->target.b, none.b, STORE_ID_LEN) ? slice_str(id) : SLICE_NONE);
	put_number(out, "total", f->total);
	put_number(out, "added", f->added);
	put_number(out, "found", f->found);
	put_number(out, "skipped", f->skipped);
	jo_close(out, '}');
}

static void
put_folders(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	const struct import_job *j = &shown_of(o)->job;

	jo_open(out, '[');
	for (size_t i = 0; i < j->n_folders; i++)
		put_folder(j, i, out);
	jo_close(out, ']');
}

static void
put_created(struct jmap_call *c, const struct jmap_object *o, struct json_out *out)
{
	jo_time(out, shown_of(o)->job.created);
}

static const struct jmap_property job_props[] = {
	{"id", put_id},
	{"user", put_user},
	{"host", put_host},
	{"port", put_port},
	{"security", put_security},
	{"state", put_state},
	{"hasSecret", put_has_secret},
	{"error", put_error},
	{"folders", put_folders},
	{"createdAt", put_created},
	{NULL, NULL},
};

static bool
job_find(struct jmap_call *c, struct slice id, struct jmap_object *ret)
{
	struct shown *s;

	if (!jmap_id_parse(CHANGE_IMPORT, id, &ret->id) || shown_load(c, ret->id, &s))
		return false;
	ret->p = s;
	return true;
}

static void
job_release(struct jmap_object *o)
{
	shown_free(o->p);
}

static void
job_each(struct jmap_call *c,
	void (*give)(struct jmap_call *c, const struct jmap_object *o, void *ctx), void *ctx)
{
	const struct object *o;
	size_t pos = 0;

	while ((o = account_object_next(c->a, CHANGE_IMPORT, &pos)) != NULL) {
		struct jmap_object one = {.id = o->id};
		struct shown *s;
		if (shown_load(c, o->id, &s))
			continue;
		one.p = s;
		give(c, &one, ctx);
		shown_free(s);
	}
}

static enum jmap_error
job_get(struct jmap_call *c)
{
	static const struct jmap_getter g = {.type = CHANGE_IMPORT,
		.props = job_props,
		.find = job_find,
		.release = job_release,
		.each = job_each};

	return jmap_stored_get(c, &g);
}

static enum jmap_error
job_changes(struct jmap_call *c)
{
	return jmap_stored_changes(c, CHANGE_IMPORT);
}

/* ---- ImportJob/set ---- */

/* What an owner wants. */
struct wish {
	struct import_job *job;
	json_t *secret; /* a string, or NULL */
	bool server; /* who and where has changed */
};

static void
wish_wipe(struct wish *w)
{
	if (w->secret)
		secret_wipe((void *)(uintptr_t)json_string_value(w->secret),
			json_string_length(w->secret));
}

static bool
take_host(struct wish *w, json_t *v)
{
	w->job->host = json_is_null(v) ? S("") : slice_trim(json_slice(v));
	w->server = true;
	return w->job->host.ptr != NULL;
}

static bool
take_user(struct wish *w, json_t *v)
{
	w->job->user = slice_trim(json_slice(v));
	w->server = true;
	return w->job->user.ptr != NULL;
}

static bool
take_port(struct wish *w, json_t *v)
{
	uint64_t port;

	if (!json_uint(v, &port) || !port || port > UINT16_MAX)
		return false;
	w->job->port = (uint16_t)port;
	w->server = true;
	return true;
}

static bool
take_security(struct wish *w, json_t *v)
{
	w->job->starttls = slice_eq(json_slice(v), S("starttls"));
	w->server = true;
	return w->job->starttls || slice_eq(json_slice(v), S("tls"));
}

static bool
take_secret(struct wish *w, json_t *v)
{
	w->secret = v;
	return json_string_length(v) && json_string_length(v) <= SECRET_LEN_MAX;
}

static struct import_folder *
folder_of(struct import_job *j, struct slice id)
{
	uint64_t n;

	if (id.len < 2 || id.ptr[0] != 'f' || slice_u64(slice_skip(id, 1), UINT32_MAX, &n) ||
		n >= j->n_folders)
		return NULL;
	return &j->folders[n];
}

static bool
take_chosen(struct wish *w, json_t *v)
{
	struct import_job *j = w->job;

	if (!json_is_array(v) || !j->n_folders)
		return false;
	for (size_t i = 0; i < j->n_folders; i++)
		j->folders[i].bits &= ~(unsigned)IMPORT_FOLDER_CHOSEN;
	for (size_t i = 0; i < json_array_size(v); i++) {
		struct import_folder *f = folder_of(j, json_slice(json_array_get(v, i)));
		if (!f)
			return false;
		f->bits |= IMPORT_FOLDER_CHOSEN;
	}
	return true;
}

/* Going on after the end means looking for what is new there. */
static bool
take_paused(struct wish *w, json_t *v)
{
	struct import_job *j = w->job;

	if (!json_is_boolean(v))
		return false;
	if (json_is_true(v)) {
		if (j->phase == IMPORT_ACTIVE)
			j->phase = IMPORT_PAUSED;
		return true;
	}
	if (j->phase == IMPORT_NEW)
		return true;
	for (size_t i = 0; i < j->n_folders && j->phase == IMPORT_FINISHED; i++)
		j->folders[i].bits &= ~(unsigned)IMPORT_FOLDER_DONE;
	j->phase = IMPORT_ACTIVE;
	j->error = IMPORT_NO_ERROR;
	j->words = SLICE_NONE;
	return true;
}

/* The name of a member that is wrong, or NULL. */
static const char *
wish_take(struct wish *w, json_t *from)
{
	static const struct {
		const char *name;
		bool (*take)(struct wish *w, json_t *v);
	} members[] = {{"host", take_host}, {"user", take_user}, {"port", take_port},
		{"security", take_security}, {"secret", take_secret}, {"chosen", take_chosen},
		{"isPaused", take_paused}};
	const char *key;
	json_t *v;

	json_object_foreach(from, key, v)
	{
		size_t i = 0;
		while (i < ARRAY_SIZE(members) && strcmp(members[i].name, key))
			i++;
		if (i == ARRAY_SIZE(members) || !members[i].take(w, v))
			return key;
	}
	/* Another server has other folders. */
	if (w->server && w->job->phase != IMPORT_NEW)
		return "host";
	if (w->server)
		w->job->error = IMPORT_NO_ERROR;
	return import_check(w->job);
}

/* Stores it, then has it worked at. */
static int
wish_do(struct jmap_call *c, struct store_id id, struct wish *w)
{
	const struct jmap_import *i = c->j->env.import;
	int err = import_store(c->a, id, w->job);

	if (err || !i)
		return err ? err : LL_ERR_UNSUPPORTED;
	i->changed(i->ctx, id);
	return w->secret ? i->secret(i->ctx, id, json_slice(w->secret)) : LL_OK;
}

static struct jmap_set_error
error_of(int err, const char *wrong)
{
	if (wrong)
		return (struct jmap_set_error){"invalidProperties", {wrong}};
	if (err == LL_ERR_UNSUPPORTED)
		return (struct jmap_set_error){"forbidden"};
	return jmap_set_error_of(err);
}

static void
job_created(struct jmap_set *s, const char *creation, struct store_id id)
{
	struct json_out *out = &s->out[SET_CREATED];
	struct jmap_object o = {.id = id};
	struct shown *shown;
	char text[40];

	jmap_id_put(CHANGE_IMPORT, id, text);
	jmap_created(s->c, creation, text);
	if (shown_load(s->c, id, &shown))
		return;
	o.p = shown;
	jo_key(out, creation);
	jo_open(out, '{');
	for (const struct jmap_property *p = job_props; p->name; p++) {
		jo_key(out, p->name);
		p->put(s->c, &o, out);
	}
	jo_close(out, '}');
	shown_free(shown);
}

static void
job_create(struct jmap_set *s, const char *creation, json_t *from)
{
	const struct jmap_env *env = &s->c->j->env;
	struct import_job job = {.port = 993, .created = env->now(env->ctx)};
	struct wish w = {.job = &job};
	const char *wrong = wish_take(&w, from);
	struct jmap_set_error e;
	struct store_id id;
	int err = LL_OK;

	if (!wrong && account_object_count(s->c->a, CHANGE_IMPORT) >= IMPORTS_MAX)
		err = LL_ERR_LIMIT;
	if (!wrong && !err)
		err = env->random(env->ctx, id.b, sizeof(id.b));
	if (!wrong && !err)
		err = wish_do(s->c, id, &w);
	wish_wipe(&w);
	if (!wrong && !err) {
		job_created(s, creation, id);
		return;
	}
	e = error_of(err, wrong);
	if (err == LL_ERR_LIMIT)
		e = (struct jmap_set_error){"overQuota"};
	jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
}

static void
job_update(struct jmap_set *s, struct slice key, json_t *patch)
{
	struct jmap_object o;
	struct jmap_set_error e = {"notFound"};
	struct wish w = {.server = false};
	const char *wrong;
	int err = LL_OK;

	if (!job_find(s->c, jmap_id(s->c, key), &o)) {
		jmap_set_fail(s, SET_NOT_UPDATED, key, &e);
		return;
	}
	w.job = &((struct shown *)o.p)->job;
	wrong = wish_take(&w, patch);
	if (!wrong)
		err = wish_do(s->c, o.id, &w);
	wish_wipe(&w);
	e = error_of(err, wrong);
	if (wrong || err)
		jmap_set_fail(s, SET_NOT_UPDATED, key, &e);
	else
		jmap_set_updated(s, jmap_id(s->c, key));
	job_release(&o);
}

static int
job_destroyed(struct jmap_call *c, struct store_id id)
{
	const struct jmap_import *i = c->j->env.import;

	if (i)
		i->changed(i->ctx, id);
	return LL_OK;
}

static void
job_destroy(struct jmap_set *s, struct slice key)
{
	jmap_stored_destroy(s, key, job_destroyed);
}

static enum jmap_error
job_set(struct jmap_call *c)
{
	static const struct jmap_setter how = {CHANGE_IMPORT, job_create, job_update, job_destroy};

	return jmap_stored_set(c, &how);
}

const struct jmap_method jmap_import_methods[] = {
	{"ImportJob/get", "ids properties", JMAP_CAP_IMPORT, job_get, false},
	{"ImportJob/changes", "sinceState maxChanges", JMAP_CAP_IMPORT, job_changes, false},
	{"ImportJob/set", "ifInState create update destroy", JMAP_CAP_IMPORT, job_set, false},
	{NULL}};
