/* EmailSubmission/set (RFC 8621 section 7.5): an Email is handed to the way out, now or later, and
 * may be taken back while it is held. */
#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "faces/jmap_email.h"
#include "faces/jmap_submission.h"
#include "mail/address.h"

#include <stdlib.h>

#define KEPT_MAX 2000 /* submissions; the oldest are forgotten */
#define MESSAGE_MAX ((size_t)64 << 20)

/* ---- create ---- */

/* One submission on its way. */
struct sending {
	struct jmap_set *s;
	struct arena mem;
	struct buf message;
	uint32_t email;
	json_t *v; /* what will be stored */
	struct outbound_letter letter;
	struct outbound_rcpt rcpts[OUTBOUND_RCPTS_MAX];
	struct store_id id;
	char refused[OUTBOUND_TEXT_MAX];
};

static struct jmap_set_error
invalid(const char *property, const char *why)
{
	return (struct jmap_set_error){"invalidProperties", {property}, why};
}

static const struct jmap_set_error fine = {NULL};

static bool
knows_property(const char *key)
{
	static const char *const known[] = {"identityId", "emailId", "envelope"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(key, known[i]) == 0)
			return true;
	return false;
}

static struct jmap_set_error
take_identity(struct sending *p, const json_t *from)
{
	struct slice id = jmap_id(p->s->c, json_slice(json_object_get(from, "identityId")));
	const struct object *o;
	struct store_id parsed;
	json_t *v;

	if (!jmap_id_parse(CHANGE_IDENTITY, id, &parsed) ||
		!(o = account_object(p->s->c->a, CHANGE_IDENTITY, parsed)))
		return invalid("identityId", "There is no such identity.");
	v = jmap_stored_json(o);
	p->letter.from = arena_dup(&p->mem, json_slice(json_object_get(v, "email")));
	json_decref(v);
	json_object_set_new(p->v, "identityId", json_stringn((const char *)id.ptr, id.len));
	return p->letter.from.ptr ? fine : jmap_set_error_of(LL_ERR_NOMEM);
}

static struct jmap_set_error
take_email(struct sending *p, const json_t *from)
{
	struct account *a = p->s->c->a;
	struct slice id = jmap_id(p->s->c, json_slice(json_object_get(from, "emailId")));
	const struct email_info *info;
	char thread[MESSAGE_ID_TEXT_MAX];
	int err = emails_load(a);

	if (err)
		return jmap_set_error_of(err);
	if (!message_email_id_parse(id, &p->email) || !(info = email_find(a, p->email)))
		return invalid("emailId", "There is no such Email.");
	message_thread_id(info->thread, thread);
	if (info->size > p->s->c->j->env.message_max)
		return (struct jmap_set_error){"tooLarge"};
	err = message_read(a, p->email, 0, info->size, &p->message);
	if (err)
		return jmap_set_error_of(err);
	p->letter.message = buf_slice(&p->message);
	json_object_set_new(p->v, "emailId", json_stringn((const char *)id.ptr, id.len));
	json_object_set_new(p->v, "threadId", json_string(thread));
	return fine;
}

/* ---- The envelope ---- */

static struct jmap_set_error
add_rcpt(struct sending *p, struct slice address)
{
	struct jmap_set_error many = {"tooManyRecipients"};

	for (uint32_t i = 0; i < p->letter.n_rcpts; i++)
		if (slice_ieq(p->rcpts[i].address, address))
			return fine;
	if (p->letter.n_rcpts == OUTBOUND_RCPTS_MAX)
		return many;
	p->rcpts[p->letter.n_rcpts++] = (struct outbound_rcpt){.address = address};
	return fine;
}

/* FUTURERELEASE (RFC 4865): HOLDFOR seconds or HOLDUNTIL a UTCDate. */
static struct jmap_set_error
take_hold(struct sending *p, const json_t *parameters)
{
	int64_t now = p->s->c->j->env.now(p->s->c->j->env.ctx), until = 0;
	const char *key;
	uint64_t seconds;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)parameters, key, v)
	{
		if (slice_ieq(slice_str(key), S("HOLDFOR")) &&
			slice_u64(json_slice(v), OUTBOUND_HOLD_MAX, &seconds) == LL_OK)
			until = now + (int64_t)seconds;
		else if (!slice_ieq(slice_str(key), S("HOLDUNTIL")) || !json_utc_date(v, &until) ||
			until > now + OUTBOUND_HOLD_MAX)
			return invalid("envelope", "This parameter of MAIL is not possible.");
	}
	p->letter.hold_until = until > now ? until : 0;
	return fine;
}

static struct jmap_set_error
take_envelope(struct sending *p, json_t *envelope)
{
	const json_t *from = json_object_get(envelope, "mailFrom"),
		     *to = json_object_get(envelope, "rcptTo");
	const json_t *parameters = json_object_get(from, "parameters");
	struct slice email = json_slice(json_object_get(from, "email"));
	struct jmap_set_error e = fine;

	if (!email.ptr || !json_is_array(to) ||
		(parameters && !json_is_object(parameters) && !json_is_null(parameters)))
		return invalid("envelope", NULL);
	p->letter.from = email;
	if (json_is_object(parameters))
		e = take_hold(p, parameters);
	for (size_t i = 0; i < json_array_size(to) && !e.type; i++) {
		struct slice one = json_slice(json_object_get(json_array_get(to, i), "email"));
		e = one.len ? add_rcpt(p, one) : invalid("envelope", NULL);
	}
	json_object_set(p->v, "envelope", envelope);
	return e;
}

static struct jmap_set_error
rcpts_of_list(struct sending *p, struct meta_list list)
{
	struct jmap_set_error e = fine;
	struct address a;

	while (!e.type && meta_address_next(&list, &a)) {
		CLEANUP(buf_done) struct buf spec = BUF_INIT(1024);
		struct slice kept;
		if (a.kind != ADDRESS_MAILBOX || !a.domain.len ||
			address_put_spec(&spec, a.local, a.domain))
			continue;
		kept = arena_dup(&p->mem, buf_slice(&spec));
		e = kept.ptr ? add_rcpt(p, kept) : jmap_set_error_of(LL_ERR_NOMEM);
	}
	return e;
}

/* "The server MUST generate this from the referenced Email" (section 7): everybody it is addressed
 * to, each once; from the identity. */
static struct jmap_set_error
make_envelope(struct sending *p)
{
	json_t *envelope = json_object(), *to = json_array();
	struct jmap_set_error e = fine;
	struct jmap_email m;
	int err = jmap_email_open(p->s->c->a, p->email, &m);

	if (!err) {
		struct meta_list lists[] = {m.m.envelope.lists[META_TO],
			m.m.envelope.lists[META_CC], m.m.envelope.lists[META_BCC]};
		for (size_t i = 0; i < ARRAY_SIZE(lists) && !e.type; i++)
			e = rcpts_of_list(p, lists[i]);
		jmap_email_done(&m);
	}
	for (uint32_t i = 0; i < p->letter.n_rcpts; i++)
		json_array_append_new(to,
			json_pack("{s:s%,s:n}", "email", p->rcpts[i].address.ptr,
				p->rcpts[i].address.len, "parameters"));
	json_object_set_new(envelope, "mailFrom",
		json_pack("{s:s%,s:n}", "email", p->letter.from.ptr, p->letter.from.len,
			"parameters"));
	json_object_set_new(envelope, "rcptTo", to);
	json_object_set_new(p->v, "envelope", envelope);
	return err ? jmap_set_error_of(err) : e;
}

/* ---- Sending ---- */

struct jmap_set_error
jmap_outbound_error(int err, const struct outbound_answer *answer, char refused[OUTBOUND_TEXT_MAX])
{
	if (err)
		return err == LL_ERR_CLOSED || err == LL_ERR_AGAIN
			? (struct jmap_set_error){"serverUnavailable"}
			: jmap_set_error_of(err);
	switch (answer->code) {
	case 250:
		return fine;
	case 550:
		snprintf(refused, OUTBOUND_TEXT_MAX, "%s", answer->text);
		return (struct jmap_set_error){"invalidRecipients", {NULL}, refused};
	case 555:
		return (struct jmap_set_error){
			"forbiddenFrom", {NULL}, "The sender or From address is not one of yours."};
	case 554:
		snprintf(refused, OUTBOUND_TEXT_MAX, "%s", answer->text);
		return (struct jmap_set_error){"invalidEmail", {NULL}, refused};
	case 452:
		return (struct jmap_set_error){
			"overQuota", {NULL}, "A recipient's mailbox is full."};
	default:
		return (struct jmap_set_error){"serverUnavailable"};
	}
}

static void
put_time(json_t *v, const char *name, int64_t at)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(64);

	date_put_rfc3339(&text, at);
	json_object_set_new(v, name, json_stringn((const char *)text.ptr, text.len));
}

static struct jmap_set_error
send_and_keep(struct sending *p)
{
	const struct jmap_env *env = &p->s->c->j->env;
	struct outbound_answer answer;
	struct jmap_set_error e;
	int64_t now = env->now(env->ctx);
	int err = env->random(env->ctx, p->id.b, sizeof(p->id.b));

	if (err)
		return jmap_set_error_of(err);
	memcpy(p->letter.hold_id, p->id.b, sizeof(p->letter.hold_id));
	p->letter.rcpts = p->rcpts;
	err = env->outbound->send(env->outbound->ctx, &p->letter, &answer);
	e = jmap_outbound_error(err, &answer, p->refused);
	if (e.type)
		return e;
	put_time(p->v, "sendAt", p->letter.hold_until ? p->letter.hold_until : now);
	json_object_set_new(p->v, "reply", json_string("250 2.0.0 Queued"));
	/* It is on its way, whatever becomes of the note: an error would have it sent again. */
	(void)!jmap_stored_put(p->s->c, CHANGE_SUBMISSION, p->id, p->v);
	return fine;
}

static struct jmap_set_error
prepare(struct sending *p, const json_t *from)
{
	json_t *envelope = json_object_get(from, "envelope");
	struct jmap_set_error e = fine;
	const char *key;
	json_t *v;

	if (!p->s->c->j->env.outbound || p->s->c->j->may_not_send)
		return (struct jmap_set_error){
			"forbiddenToSend", {NULL}, "This sign-in may not send mail."};
	json_object_foreach((json_t *)(uintptr_t)from, key,
		v) if (!knows_property(key)) return invalid(key, "This is not for you to set.");
	e = take_identity(p, from);
	if (!e.type)
		e = take_email(p, from);
	if (!e.type)
		e = json_is_object(envelope)		      ? take_envelope(p, envelope)
			: envelope && !json_is_null(envelope) ? invalid("envelope", NULL)
							      : make_envelope(p);
	if (!e.type && !p->letter.n_rcpts)
		e = (struct jmap_set_error){"noRecipients"};
	return e;
}

static void
tell_created(struct sending *p, const char *creation)
{
	struct json_out *o = &p->s->out[SET_CREATED];
	char id[40];

	jmap_id_put(CHANGE_SUBMISSION, p->id, id);
	jmap_created(p->s->c, creation, id);
	jo_key(o, creation);
	jmap_submission_put(p->s->c, p->id, p->v, o);
}

void
jmap_remember_email(json_t *emails, const char *prefix, const char *key, uint32_t email)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(512);
	char id[MESSAGE_ID_TEXT_MAX];

	message_email_id(email, id);
	buf_printf(&name, "%s%s", prefix, key);
	buf_putc(&name, 0);
	if (!buf_err(&name))
		json_object_set_new(emails, (const char *)name.ptr, json_string(id));
}

static void
create_one(struct jmap_set *s, const char *creation, json_t *from, json_t *emails)
{
	struct sending *p = calloc(1, sizeof(*p));
	struct jmap_set_error e = jmap_set_error_of(LL_ERR_NOMEM);

	if (p && json_is_object(from)) {
		p->s = s;
		p->mem = ARENA_INIT((size_t)1 << 20);
		p->message = BUF_SECRET(MESSAGE_MAX);
		p->v = json_object();
		e = prepare(p, from);
		if (!e.type)
			e = send_and_keep(p);
	} else if (p) {
		e = invalid(NULL, "An object is wanted.");
	}
	if (e.type) {
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
	} else {
		tell_created(p, creation);
		jmap_remember_email(emails, "#", creation, p->email);
	}
	if (p) {
		arena_done(&p->mem);
		buf_done(&p->message);
		json_decref(p->v);
	}
	free(p);
}

/* ---- update: taking back ---- */

static struct jmap_set_error
cancel_one(struct jmap_set *s, struct store_id id, json_t *v)
{
	const struct jmap_env *env = &s->c->j->env;
	const char *status = jmap_submission_undo(s->c, v);
	int err;

	if (strcmp(status, "canceled") == 0)
		return fine;
	if (strcmp(status, "pending"))
		return (struct jmap_set_error){"cannotUnsend"};
	err = env->outbound->cancel(env->outbound->ctx, id.b);
	if (err == LL_ERR_STATE || err == LL_ERR_NOTFOUND)
		return (struct jmap_set_error){"cannotUnsend"};
	if (err)
		return (struct jmap_set_error){"serverUnavailable"};
	json_object_set_new(v, "canceled", json_true());
	err = jmap_stored_put(s->c, CHANGE_SUBMISSION, id, v);
	return err ? jmap_set_error_of(err) : fine;
}

static struct jmap_set_error
apply_update(struct jmap_set *s, struct store_id id, json_t *v, const json_t *patch)
{
	const char *key;
	json_t *to;

	if (!json_is_object(patch))
		return (struct jmap_set_error){"invalidPatch"};
	json_object_foreach((json_t *)(uintptr_t)patch, key, to) if (strcmp(key, "undoStatus") ||
		!slice_eq(json_slice(to), S("canceled"))) return invalid(key,
		"Only undoStatus can become \"canceled\".");
	return json_object_size(patch) ? cancel_one(s, id, v) : fine;
}

static void
update_one(struct jmap_set *s, const char *key, const json_t *patch, json_t *emails)
{
	struct jmap_set_error e = {"notFound"};
	struct slice id = jmap_id(s->c, slice_str(key));
	const struct object *o = NULL;
	struct store_id parsed;
	uint32_t email;
	json_t *v;

	if (jmap_id_parse(CHANGE_SUBMISSION, id, &parsed))
		o = account_object(s->c->a, CHANGE_SUBMISSION, parsed);
	v = jmap_stored_json(o);
	if (o)
		e = apply_update(s, parsed, v, patch);
	if (e.type)
		jmap_set_fail(s, SET_NOT_UPDATED, slice_str(key), &e);
	else
		jmap_set_updated(s, id);
	if (!e.type && message_email_id_parse(json_slice(json_object_get(v, "emailId")), &email))
		jmap_remember_email(emails, "", key, email);
	json_decref(v);
}

static void
destroy_one(struct jmap_set *s, struct slice text, json_t *emails)
{
	struct object_change change = {.type = CHANGE_SUBMISSION, .destroy = true};
	struct jmap_set_error e = {"notFound"};
	struct slice id = jmap_id(s->c, text);
	int err = LL_ERR_NOTFOUND;

	if (jmap_id_parse(CHANGE_SUBMISSION, id, &change.id))
		err = account_objects_change(s->c->a, &change, 1);
	if (err && err != LL_ERR_NOTFOUND)
		e = jmap_set_error_of(err);
	if (err)
		jmap_set_fail(s, SET_NOT_DESTROYED, text, &e);
	else
		jmap_set_destroyed(s, id);
}

/* Room for new ones: what has long gone is forgotten. */
static int
forget_old(struct jmap_call *c)
{
	const struct object *o;
	size_t pos, n = account_object_count(c->a, CHANGE_SUBMISSION);
	int err = LL_OK;

	while (n > KEPT_MAX && err == LL_OK) {
		struct object_change change = {.type = CHANGE_SUBMISSION, .destroy = true};
		pos = 0;
		o = account_object_next(c->a, CHANGE_SUBMISSION, &pos);
		if (!o)
			break;
		change.id = o->id;
		err = account_objects_change(c->a, &change, 1);
		n--;
	}
	return err;
}

/* ---- onSuccess ---- */

bool
jmap_following_ok(const json_t *args)
{
	json_t *updates = json_member(args, "onSuccessUpdateEmail"),
	       *destroys = json_member(args, "onSuccessDestroyEmail"), *v;
	const char *key;

	json_object_foreach(updates, key, v) if (!json_is_object(v)) return false;
	return (!updates || json_is_object(updates)) && (!destroys || jmap_ids_ok(destroys));
}

json_t *
jmap_following(const json_t *args, const json_t *emails)
{
	const json_t *updates = json_object_get(args, "onSuccessUpdateEmail"),
		     *destroys = json_object_get(args, "onSuccessDestroyEmail");
	json_t *update = json_object(), *destroy = json_array(), *call;
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)updates, key, v)
	{
		const char *email = json_string_value(json_object_get(emails, key));
		if (email)
			json_object_set(update, email, v);
	}
	for (size_t i = 0; i < json_array_size(destroys); i++) {
		const char *of = json_string_value(json_array_get(destroys, i));
		json_t *email = of ? json_object_get(emails, of) : NULL;
		if (email)
			json_array_append(destroy, email);
	}
	if (!json_object_size(update) && !json_array_size(destroy)) {
		json_decref(update);
		json_decref(destroy);
		return NULL;
	}
	call = json_object();
	json_object_set(call, "accountId", json_object_get(args, "accountId"));
	json_object_set_new(call, "update", update);
	json_object_set_new(call, "destroy", destroy);
	return call;
}

enum jmap_error
jmap_submission_set(struct jmap_call *c)
{
	struct jmap_set s;
	const char *key;
	json_t *v, *emails;
	enum jmap_error e;
	int err;

	if (!jmap_following_ok(c->args))
		return jmap_bad(c, "onSuccessUpdateEmail or onSuccessDestroyEmail");
	err = account_objects_load(c->a);
	if (err == LL_OK)
		err = forget_old(c);
	e = err ? jmap_failed(c, err) : jmap_set_begin(&s, c, CHANGE_SUBMISSION);
	if (e)
		return e;
	emails = json_object();
	json_object_foreach(s.create, key, v) create_one(&s, key, v, emails);
	json_object_foreach(s.update, key, v) update_one(&s, key, v, emails);
	for (size_t i = 0; i < json_array_size(s.destroy); i++)
		destroy_one(&s, json_slice(json_array_get(s.destroy, i)), emails);
	e = jmap_set_end(&s);
	jmap_set_done(&s);
	if (!e)
		c->follow = jmap_following(c->args, emails);
	json_decref(emails);
	return e;
}
