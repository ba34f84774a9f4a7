/* Read receipts (RFC 9007). One is sent when its owner says so, at most once for an Email: the
 * keyword that says so is stored before the receipt goes out, and taken back only when it is
 * certain that it did not. */
#include "base/error.h"
#include "base/text.h"
#include "faces/jmap_email.h"
#include "faces/jmap_submission.h"
#include "mail/build.h"
#include "mail/header.h"
#include "mail/mdn.h"
#include "mail/mime.h"

#include <stdlib.h>

#define SENT_KEYWORD S("$mdnsent")
#define HEADER_MAX ((size_t)256 << 10)
#define TEXT_MAX ((size_t)64 << 10)
#define RANDOM_LEN 16
#define LOOKS_MAX 4000 /* Emails that a call looks at to find what receipts are for */

static struct jmap_set_error
invalid(const char *property, const char *why)
{
	return (struct jmap_set_error){"invalidProperties", {property}, why};
}

static const struct jmap_set_error fine = {NULL};

/* ---- The object ---- */

static bool
is_key(const json_t *object, const char *name, const char *const *values, unsigned n, unsigned *ret)
{
	struct slice s = json_slice(json_object_get(object, name));

	for (*ret = 0; *ret < n; ++*ret)
		if (slice_ieq(s, slice_str(values[*ret])))
			return true;
	return false;
}

static bool
take_disposition(const json_t *v, struct mdn *m)
{
	unsigned action, sending, type;

	if (!is_key(v, "actionMode", mdn_actions, MDN_ACTIONS, &action) ||
		!is_key(v, "sendingMode", mdn_sendings, MDN_SENDINGS, &sending) ||
		!is_key(v, "type", mdn_types, MDN_TYPES, &type) || json_object_size(v) != 3)
		return false;
	m->action = (enum mdn_action)action;
	m->sending = (enum mdn_sending)sending;
	m->type = (enum mdn_type)type;
	return true;
}

static bool
take_extensions(const json_t *v, struct mdn *m)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)v, key, value)
	{
		if (m->n_extensions == MDN_FIELDS_MAX || !json_is_string(value) ||
			json_string_length(value) > TEXT_MAX || !mdn_extension_ok(slice_str(key)))
			return false;
		m->extensions[m->n_extensions++] =
			(struct mdn_field){slice_str(key), json_slice(value)};
	}
	return json_is_object(v);
}

static bool
take_text(const json_t *v, struct slice *ret)
{
	*ret = json_slice(v);
	return json_is_string(v) && ret->len <= TEXT_MAX;
}

/* A property that a client may set, not null. */
static bool
take_property(const char *key, const json_t *v, struct mdn *m)
{
	const struct {
		const char *name;
		struct slice *at;
	} texts[] = {{"subject", &m->subject}, {"textBody", &m->text},
		{"reportingUA", &m->reporting_ua}, {"finalRecipient", &m->final_recipient}};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(key, texts[i].name))
			return take_text(v, texts[i].at);
	if (!strcmp(key, "includeOriginalMessage")) {
		m->returns_original = json_is_true(v);
		return json_is_boolean(v);
	}
	if (!strcmp(key, "disposition"))
		return take_disposition(v, m);
	if (!strcmp(key, "extensionFields"))
		return take_extensions(v, m);
	return !strcmp(key, "forEmailId");
}

static const char *
mdn_take(const json_t *from, struct mdn *m)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)from, key,
		v) if (!json_is_null(v) && !take_property(key, v, m)) return key;
	if (!json_is_string(json_object_get(from, "forEmailId")))
		return "forEmailId";
	return json_is_object(json_object_get(from, "disposition")) ? NULL : "disposition";
}

/* ---- MDN/send ---- */

struct receipt {
	struct jmap_call *c;
	struct jmap_set *s;
	struct arena mem;
	struct buf original; /* its header, or all of it */
	struct mdn mdn;
	struct mdn_request request;
	struct slice name, from; /* of the identity */
	struct slice recipient; /* "rfc822; a@b" */
	uint32_t email;
	char refused[OUTBOUND_TEXT_MAX];
};

static struct jmap_set_error
take_email(struct receipt *p, const json_t *from)
{
	struct jmap_call *c = p->c;
	struct slice id = jmap_id(c, json_slice(json_object_get(from, "forEmailId")));
	const struct email_info *info;
	int err = emails_load(c->a);

	if (err)
		return jmap_set_error_of(err);
	if (!message_email_id_parse(id, &p->email) || !(info = email_find(c->a, p->email)))
		return (struct jmap_set_error){"notFound"};
	if (email_has_keyword(c->a, p->email, SENT_KEYWORD))
		return (struct jmap_set_error){"mdnAlreadySent"};
	err = message_read(c->a, p->email, 0,
		p->mdn.returns_original ? info->size : MIN(info->size, HEADER_MAX), &p->original);
	if (!err)
		err = mdn_requested(slice_sub(buf_slice(&p->original), 0,
					    header_length(buf_slice(&p->original))),
			&p->mem, &p->request);
	if (err == LL_ERR_NOTFOUND)
		return (struct jmap_set_error){"notFound", {NULL}, "It asks for no receipt."};
	if (!err && p->mdn.sending == MDN_SENT_AUTOMATICALLY && !p->request.plain)
		return (struct jmap_set_error){"forbidden", {NULL},
			"The receipt would go elsewhere than the Email came from: its owner must "
			"be asked (RFC 8098 section 2.1)."};
	return err ? jmap_set_error_of(err) : fine;
}

/* "rfc822; a@b": whom the receipt is for. A client may say that it is another of the account's
 * addresses. */
static struct jmap_set_error
take_recipient(struct receipt *p)
{
	struct slice given = p->mdn.final_recipient, address = given;
	struct slice type = slice_trim(slice_split(&address, ';'));

	p->recipient = arena_printf(
		&p->mem, "%s; %.*s", is_ascii(p->from) ? "rfc822" : "utf-8", SLICE_ARG(p->from));
	if (!p->recipient.ptr)
		return jmap_set_error_of(LL_ERR_NOMEM);
	if (!given.ptr) {
		p->mdn.final_recipient = p->recipient;
		return fine;
	}
	address = slice_trim(address);
	if (!slice_ieq(type, S("rfc822")) && !slice_ieq(type, S("utf-8")))
		return invalid("finalRecipient", NULL);
	(void)jmap_aliases_read(p->c->j);
	return jmap_address_own(p->c->j, address)
		? fine
		: (struct jmap_set_error){
			  "forbidden", {"finalRecipient"}, "It is not an address of yours."};
}

static int
compose(struct receipt *p, int64_t now, struct buf *out)
{
	const struct jmap_env *env = &p->c->j->env;
	CLEANUP(buf_done) struct buf id = BUF_INIT(1024), boundary = BUF_INIT(128);
	struct mdn_letter l = {.mdn = &p->mdn,
		.request = &p->request,
		.from_name = p->name,
		.from = p->from,
		.language = env->language ? env->language(env->ctx) : LANGUAGE_NONE,
		.now = now};
	uint8_t random[2 * RANDOM_LEN];
	int err = env->random(env->ctx, random, sizeof(random));

	buf_puts(&boundary, "receipt-");
	if (!err)
		err = crockford_encode(&boundary, slice_new(random, RANDOM_LEN));
	if (!err)
		err = build_message_id(&id, slice_new(random + RANDOM_LEN, RANDOM_LEN),
			slice_skip(p->from, slice_rfind_byte(p->from, '@') + 1));
	l.boundary = buf_slice(&boundary);
	l.message_id = buf_slice(&id);
	if (p->mdn.returns_original)
		l.original = buf_slice(&p->original);
	p->mdn.original_message_id = p->request.message_id;
	p->mdn.original_recipient = p->request.original_recipient;
	return err ? err : mdn_build(out, &l);
}

static int
mark(struct receipt *p, bool sent)
{
	struct email_change change = {.email = p->email};
	int err;

	*(sent ? &change.add : &change.remove) = &SENT_KEYWORD;
	*(sent ? &change.n_add : &change.n_remove) = 1;
	err = emails_change(p->c->a, &change, 1);
	return err ? err : change.err;
}

/* With the null return path (RFC 8098 section 3): nobody answers it. */
static struct jmap_set_error
send_out(struct receipt *p, struct slice message)
{
	const struct outbound *outbound = p->c->j->env.outbound;
	struct outbound_letter letter = {.message = message, .from = S("")};
	struct outbound_answer answer;
	struct outbound_rcpt *rcpts = arena_calloc(&p->mem, p->request.to.len, sizeof(*rcpts));
	int err = rcpts ? LL_OK : LL_ERR_NOMEM;

	for (size_t i = 0; i < p->request.to.len && !err; i++) {
		CLEANUP(buf_done) struct buf spec = BUF_INIT(ADDRESS_KEY_MAX);
		const struct address *to = &p->request.to.at[i];
		err = address_put_spec(&spec, to->local, to->domain);
		rcpts[i].address = arena_dup(&p->mem, buf_slice(&spec));
		if (!err && !rcpts[i].address.ptr)
			err = LL_ERR_NOMEM;
	}
	if (err)
		return jmap_set_error_of(err);
	letter.rcpts = rcpts;
	letter.n_rcpts = (uint32_t)p->request.to.len;
	err = outbound->send(outbound->ctx, &letter, &answer);
	if (err == LL_ERR_AGAIN) /* it may have gone: the keyword stays */
		return (struct jmap_set_error){"serverUnavailable"};
	if (err || answer.code != 250)
		(void)!mark(p, false);
	return jmap_outbound_error(err, &answer, p->refused);
}

static struct jmap_set_error
receipt_send(struct receipt *p, const json_t *from)
{
	const struct jmap_env *env = &p->c->j->env;
	CLEANUP(buf_done) struct buf message = BUF_SECRET(MESSAGE_SIZE_MAX);
	const char *bad = json_is_object(from) ? mdn_take(from, &p->mdn) : "forEmailId";
	struct jmap_set_error e = bad ? invalid(bad, NULL) : take_email(p, from);
	int err;

	if (!e.type)
		e = take_recipient(p);
	if (!e.type && p->request.to.len > OUTBOUND_RCPTS_MAX)
		e = (struct jmap_set_error){"forbidden", {NULL}, "Too many are to be told."};
	if (e.type)
		return e;
	err = compose(p, env->now(env->ctx), &message);
	if (!err && message.len > env->message_max)
		return (struct jmap_set_error){"tooLarge"};
	if (!err)
		err = mark(p, true);
	return err ? jmap_set_error_of(err) : send_out(p, buf_slice(&message));
}

/* What the client did not set itself. */
static void
sent_put(struct receipt *p, const char *creation)
{
	struct json_out *o = &p->s->out[SET_CREATED];

	jo_key(o, creation);
	jo_open(o, '{');
	if (p->recipient.ptr == p->mdn.final_recipient.ptr) {
		jo_key(o, "finalRecipient");
		jo_slice(o, p->recipient);
	}
	jo_key(o, "originalMessageId");
	jo_slice_or_null(o, p->mdn.original_message_id);
	jo_key(o, "originalRecipient");
	jo_slice_or_null(o, p->mdn.original_recipient);
	jo_close(o, '}');
}

static void
send_one(struct jmap_set *s, const json_t *identity, const char *creation, const json_t *from,
	json_t *emails)
{
	struct receipt *p = calloc(1, sizeof(*p));
	struct jmap_set_error e = jmap_set_error_of(LL_ERR_NOMEM);

	if (p) {
		p->c = s->c;
		p->s = s;
		p->mem = ARENA_INIT((size_t)16 << 20);
		p->original = BUF_SECRET(MESSAGE_SIZE_MAX);
		p->from = json_slice(json_object_get(identity, "email"));
		p->name = json_slice(json_object_get(identity, "name"));
		e = receipt_send(p, from);
	}
	if (e.type) {
		jmap_set_fail(s, SET_NOT_CREATED, slice_str(creation), &e);
	} else {
		sent_put(p, creation);
		jmap_remember_email(emails, "#", creation, p->email);
	}
	if (p) {
		arena_done(&p->mem);
		buf_done(&p->original);
	}
	free(p);
}

/* A new reference; NULL when there is no such identity. */
static json_t *
find_identity(struct jmap_call *c)
{
	struct slice id = jmap_id(c, json_slice(json_object_get(c->args, "identityId")));
	const struct object *o = NULL;
	struct store_id parsed;

	if (jmap_id_parse(CHANGE_IDENTITY, id, &parsed))
		o = account_object(c->a, CHANGE_IDENTITY, parsed);
	return o ? jmap_stored_json(o) : NULL;
}

static enum jmap_error
mdn_send(struct jmap_call *c)
{
	json_t *send = json_member(c->args, "send"), *identity, *emails, *v;
	struct jmap_set s;
	const char *key;
	int err = account_objects_load(c->a);
	enum jmap_error e;

	if (err)
		return jmap_failed(c, err);
	if (!json_is_object(send))
		return jmap_bad(c, "send");
	if (!jmap_following_ok(c->args))
		return jmap_bad(c, "onSuccessUpdateEmail");
	if (json_object_size(send) > JMAP_SET_MAX)
		return JMAP_REQUEST_TOO_LARGE;
	json_object_foreach(send, key, v) if (!json_id_ok(slice_str(key))) return jmap_bad(
		c, "send");
	identity = find_identity(c);
	if (!identity)
		return jmap_bad(c, "identityId");
	e = jmap_set_begin(&s, c, CHANGE_EMAIL);
	if (e) {
		json_decref(identity);
		return e;
	}
	emails = json_object();
	json_object_foreach(send, key, v)
	{
		struct jmap_set_error no = {"forbidden", {NULL}, "This sign-in may not send mail."};
		if (c->j->env.outbound && !c->j->may_not_send)
			send_one(&s, identity, key, v, emails);
		else
			jmap_set_fail(&s, SET_NOT_CREATED, slice_str(key), &no);
	}
	jmap_reply_open(c);
	jmap_set_part_as(&s, "sent", SET_CREATED);
	jmap_set_part_as(&s, "notSent", SET_NOT_CREATED);
	jo_close(&c->o, '}');
	jmap_set_done(&s);
	c->follow = jmap_following(c->args, emails);
	json_decref(emails);
	json_decref(identity);
	return JMAP_OK;
}

/* ---- MDN/parse ---- */

static void
put_disposition(struct json_out *o, const struct mdn *m)
{
	jo_key(o, "disposition");
	jo_open(o, '{');
	jo_key(o, "actionMode");
	jo_str(o, mdn_actions[m->action]);
	jo_key(o, "sendingMode");
	jo_str(o, mdn_sendings[m->sending]);
	jo_key(o, "type");
	jo_str(o, mdn_types[m->type]);
	jo_close(o, '}');
}

static void
put_errors(struct json_out *o, const struct mdn *m)
{
	jo_key(o, "error");
	if (!m->n_errors) {
		jo_null(o);
		return;
	}
	jo_open(o, '[');
	for (size_t i = 0; i < m->n_errors; i++)
		jo_slice(o, m->errors[i]);
	jo_close(o, ']');
}

static void
put_extensions(struct json_out *o, const struct mdn *m)
{
	jo_key(o, "extensionFields");
	if (!m->n_extensions) {
		jo_null(o);
		return;
	}
	jo_open(o, '{');
	for (size_t i = 0; i < m->n_extensions; i++) {
		jo_key_slice(o, m->extensions[i].name);
		jo_slice(o, m->extensions[i].value);
	}
	jo_close(o, '}');
}

/* The Email that it is about, which has its Message-ID: looked for among the newest. */
static uint32_t
find_by_message_id(struct jmap_call *c, struct slice message_id, size_t *looks)
{
	size_t n;
	const struct email_info *all = emails_all(c->a, &n);
	struct message m;

	for (; n && message_id.len && *looks; n--, --*looks)
		if (!message_get(c->a, all[n - 1].email, &m) &&
			slice_eq(slice_trim(m.meta.envelope.message_id), message_id))
			return m.email;
	return 0;
}

static void
put_for_email(struct jmap_call *c, struct slice message_id, size_t *looks)
{
	uint32_t email = find_by_message_id(c, message_id, looks);
	char id[MESSAGE_ID_TEXT_MAX];

	jo_key(&c->o, "forEmailId");
	if (email) {
		message_email_id(email, id);
		jo_str(&c->o, id);
	} else {
		jo_null(&c->o);
	}
}

static void
mdn_put(struct jmap_call *c, const struct mdn *m, size_t *looks)
{
	const struct {
		const char *name;
		struct slice value;
	} texts[] = {{"subject", m->subject}, {"textBody", m->text},
		{"reportingUA", m->reporting_ua}, {"mdnGateway", m->gateway},
		{"originalRecipient", m->original_recipient},
		{"finalRecipient", m->final_recipient},
		{"originalMessageId", m->original_message_id}};

	jo_open(&c->o, '{');
	put_for_email(c, m->original_message_id, looks);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		jo_key(&c->o, texts[i].name);
		jo_slice_or_null(&c->o, texts[i].value);
	}
	jo_key(&c->o, "includeOriginalMessage");
	jo_bool(&c->o, m->returns_original);
	put_disposition(&c->o, m);
	put_errors(&c->o, m);
	put_extensions(&c->o, m);
	jo_close(&c->o, '}');
}

struct parsing {
	struct json_out missing, damaged;
	size_t looks; /* Emails that may still be looked at */
};

static int
parse_one(struct jmap_call *c, struct slice id, struct parsing *x)
{
	CLEANUP(buf_done) struct buf raw = BUF_SECRET(MESSAGE_SIZE_MAX);
	CLEANUP(arena_done) struct arena mem = ARENA_INIT(MIME_ARENA_BYTES);
	struct slice real = jmap_id(c, id);
	struct mdn *m = arena_calloc(&mem, 1, sizeof(*m));
	int err = m ? jmap_blob_read(c->a, real, &raw, NULL) : LL_ERR_NOMEM;

	if (err == LL_ERR_NOTFOUND) {
		jo_slice(&x->missing, id);
		return LL_OK;
	}
	if (!err)
		err = mdn_parse(buf_slice(&raw), &mem, m);
	if (err == LL_ERR_SYNTAX || err == LL_ERR_LIMIT) {
		jo_slice(&x->damaged, id);
		return LL_OK;
	}
	if (err)
		return err;
	jo_key_slice(&c->o, id);
	mdn_put(c, m, &x->looks);
	return LL_OK;
}

static enum jmap_error
mdn_parse_method(struct jmap_call *c)
{
	json_t *ids = json_member(c->args, "blobIds");
	CLEANUP(buf_done) struct buf missing = BUF_INIT(JMAP_REQUEST_MAX);
	CLEANUP(buf_done) struct buf damaged = BUF_INIT(JMAP_REQUEST_MAX);
	struct parsing x = {{.b = &missing}, {.b = &damaged}, LOOKS_MAX};
	int err;

	if (!ids || !jmap_ids_ok(ids))
		return jmap_bad(c, "blobIds");
	if (json_array_size(ids) > JMAP_GET_MAX)
		return JMAP_REQUEST_TOO_LARGE;
	err = emails_load(c->a);
	jmap_reply_open(c);
	jo_key(&c->o, "parsed");
	jo_open(&c->o, '{');
	for (size_t i = 0; i < json_array_size(ids) && !err; i++)
		if (!jmap_id_seen(ids, i))
			err = parse_one(c, json_slice(json_array_get(ids, i)), &x);
	jo_close(&c->o, '}');
	jmap_list_put(&c->o, "notParsable", &damaged);
	jmap_list_put(&c->o, "notFound", &missing);
	jo_close(&c->o, '}');
	return err ? jmap_failed(c, err) : JMAP_OK;
}

const struct jmap_method jmap_mdn_methods[] = {
	{"MDN/send", "identityId send onSuccessUpdateEmail", JMAP_CAP_MDN, mdn_send, false},
	{"MDN/parse", "blobIds", JMAP_CAP_MDN, mdn_parse_method, false}, {NULL}};
