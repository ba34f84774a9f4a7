/* Email/get and Email/changes (RFC 8621 sections 4.1 to 4.3), and what writes an Email. */
#include "faces/jmap_email.h"

#include "account/snooze.h"

#include "base/text.h"
#include "mail/encoded_word.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- A message ---- */

int
jmap_email_open(struct account *a, uint32_t email, struct jmap_email *ret)
{
	struct jmap_email e = {.a = a,
		.email = email,
		.meta = BUF_SECRET(META_BYTES_MAX),
		.header = BUF_SECRET(MESSAGE_SIZE_MAX)};
	struct message m;
	int err = message_get(a, email, &m);

	/* A copy: reading bodies lets go of what message_get gave. */
	if (!err)
		err = message_meta_encode(&e.meta, &m.meta);
	if (err) {
		buf_done(&e.meta);
		return err;
	}
	*ret = e;
	snprintf(ret->blob_text, sizeof(ret->blob_text), "B%08x", email);
	ret->blob = slice_str(ret->blob_text);
	err = message_meta_decode(buf_slice(&ret->meta), &ret->m);
	if (err)
		jmap_email_done(ret);
	return err;
}

int
jmap_email_parse(struct account *a, struct slice raw, struct slice blob, struct jmap_email *ret)
{
	struct jmap_email e = {.a = a,
		.raw = raw,
		.blob = blob,
		.meta = BUF_SECRET(META_BYTES_MAX),
		.header = BUF_SECRET(MESSAGE_SIZE_MAX)};
	struct arena mem = ARENA_INIT(MIME_ARENA_BYTES * 4);
	int err = message_meta_make(&e.meta, raw, NULL, &mem);

	arena_done(&mem);
	if (!err)
		err = message_meta_decode(buf_slice(&e.meta), &e.m);
	if (err)
		buf_done(&e.meta);
	else
		*ret = e;
	return err;
}

void
jmap_email_done(struct jmap_email *e)
{
	buf_done(&e->meta);
	buf_done(&e->header);
}

int
jmap_email_bytes(struct jmap_email *e, uint64_t offset, uint64_t len, struct buf *out)
{
	if (e->email)
		return message_read(e->a, e->email, offset, len, out);
	return buf_put(out, slice_sub(e->raw, (size_t)offset, (size_t)MIN(len, SIZE_MAX)));
}

int
jmap_email_header(struct jmap_email *e, struct slice *ret)
{
	int err = LL_OK;

	if (!e->have_header)
		err = jmap_email_bytes(e, 0, e->m.header_size, &e->header);
	e->have_header = !err;
	*ret = buf_slice(&e->header);
	return err;
}

/* ---- Properties of an Email ---- */

struct putting {
	struct jmap_call *c;
	struct jmap_email *e;
	const struct email_info *info;
	const struct jmap_email_want *w;
	struct jmap_lists lists;
	bool have_lists;
};

static void
put_id(struct putting *p, struct json_out *o)
{
	char id[MESSAGE_ID_TEXT_MAX];

	message_email_id(p->e->email, id);
	if (p->info)
		jo_str(o, id);
	else
		jo_null(o);
}

static void
put_blob_id(struct putting *p, struct json_out *o)
{
	jo_slice(o, p->e->blob);
}

static void
put_thread_id(struct putting *p, struct json_out *o)
{
	char id[MESSAGE_ID_TEXT_MAX];

	if (p->info)
		message_thread_id(p->info->thread, id);
	if (p->info)
		jo_str(o, id);
	else
		jo_null(o);
}

static void
put_mailbox_ids(struct putting *p, struct json_out *o)
{
	char id[40];
	size_t n;
	const struct email_place *at;

	if (!p->info) {
		jo_null(o);
		return;
	}
	at = email_places(p->c->a, p->e->email, &n);
	jo_open(o, '{');
	for (size_t i = 0; i < n; i++) {
		if (i && at[i].mb == at[i - 1].mb)
			continue;
		jmap_id_put(CHANGE_MAILBOX, mailbox_info(at[i].mb)->id, id);
		jo_key(o, id);
		jo_bool(o, true);
	}
	jo_close(o, '}');
}

static void
put_keyword(struct json_out *o, struct slice name, struct slice *seen, size_t *n)
{
	CLEANUP(buf_done) struct buf lower = BUF_INIT(KEYWORD_LEN_MAX + 1);

	for (size_t i = 0; i < *n; i++)
		if (slice_ieq(seen[i], name))
			return;
	seen[(*n)++] = name;
	for (size_t i = 0; i < name.len; i++)
		buf_putc(&lower, to_lower(name.ptr[i]));
	jo_key_slice(o, buf_slice(&lower));
	jo_bool(o, true);
}

static void
put_keywords(struct putting *p, struct json_out *o)
{
	static const struct slice system[] = {
		S("$seen"), S("$flagged"), S("$answered"), S("$draft")};
	struct slice seen[KEYWORDS_MAX * 4];
	size_t n, n_seen = 0;
	const struct email_place *at = p->info ? email_places(p->c->a, p->e->email, &n) : NULL;

	if (!p->info) {
		jo_null(o);
		return;
	}
	jo_open(o, '{');
	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		if (email_flags(p->c->a, p->e->email) & email_keyword_flag(system[i]))
			put_keyword(o, system[i], seen, &n_seen);
	for (size_t i = 0; i < n; i++) {
		uint64_t flags = mailbox_row(at[i].mb, at[i].uid)->flags;
		for (size_t k = 0; k < mailbox_keyword_count(at[i].mb); k++)
			if ((flags & FLAG_KEYWORD(k)) && n_seen < ARRAY_SIZE(seen))
				put_keyword(o, mailbox_keyword_name(at[i].mb, k), seen, &n_seen);
	}
	jo_close(o, '}');
}

static void
put_size(struct putting *p, struct json_out *o)
{
	jo_uint(o, p->e->m.size);
}

static void
put_received(struct putting *p, struct json_out *o)
{
	if (p->info)
		jo_time(o, p->info->received);
	else
		jo_null(o);
}

static void
put_strings(struct meta_list l, struct json_out *o)
{
	struct slice s;

	if (!l.count) {
		jo_null(o);
		return;
	}
	jo_open(o, '[');
	while (meta_string_next(&l, &s))
		jo_slice(o, s);
	jo_close(o, ']');
}

static void
put_message_id(struct putting *p, struct json_out *o)
{
	if (!p->e->m.id.len) {
		jo_null(o);
		return;
	}
	jo_open(o, '[');
	jo_slice(o, p->e->m.id);
	jo_close(o, ']');
}

static void
put_in_reply_to(struct putting *p, struct json_out *o)
{
	put_strings(p->e->m.in_reply_to, o);
}

static void
put_references(struct putting *p, struct json_out *o)
{
	put_strings(p->e->m.references, o);
}

#define PUT_LIST(name, which)                                                                      \
	static void name(struct putting *p, struct json_out *o)                                    \
	{                                                                                          \
		jmap_addresses_put(o, p->e->m.envelope.lists[which]);                              \
	}
PUT_LIST(put_sender, META_SENDER)
PUT_LIST(put_from, META_FROM)
PUT_LIST(put_to, META_TO)
PUT_LIST(put_cc, META_CC)
PUT_LIST(put_bcc, META_BCC)
PUT_LIST(put_reply_to, META_REPLY_TO)

static void
put_subject(struct putting *p, struct json_out *o)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT((size_t)1 << 20);

	if (!p->e->m.envelope.subject.ptr) {
		jo_null(o);
		return;
	}
	encoded_word_decode(&text, p->e->m.envelope.subject);
	jo_slice(o, slice_trim(buf_slice(&text)));
}

static void
put_sent(struct putting *p, struct json_out *o)
{
	if (p->e->m.flags & META_HAS_DATE)
		jmap_date_put(o, p->e->m.date, p->e->m.zone);
	else
		jo_null(o);
}

static void
put_has_attachment(struct putting *p, struct json_out *o)
{
	jo_bool(o, p->e->m.flags & META_HAS_ATTACHMENT);
}

static void
put_preview(struct putting *p, struct json_out *o)
{
	jo_slice(o, p->e->m.preview);
}

static void
put_all_headers(struct putting *p, struct json_out *o)
{
	struct slice header;

	if (jmap_email_header(p->e, &header))
		jo_null(o);
	else
		jmap_headers_put(o, header);
}

static bool
lists_ready(struct putting *p)
{
	if (!p->have_lists)
		p->have_lists = !jmap_lists_make(&p->e->m, &p->lists);
	return p->have_lists;
}

static void
put_values(struct putting *p, struct json_out *o)
{
	if (lists_ready(p))
		jmap_values_put(o, p->e, &p->lists, p->w);
	else
		jo_raw(o, S("{}"));
}

static void
put_parts(struct putting *p, struct json_out *o, const uint32_t *at, size_t n)
{
	jo_open(o, '[');
	for (size_t i = 0; i < n; i++)
		jmap_part_put(o, p->e, &p->lists, at[i], &p->w->part);
	jo_close(o, ']');
}

static void
put_text_body(struct putting *p, struct json_out *o)
{
	(void)lists_ready(p);
	put_parts(p, o, p->lists.text, p->lists.n_text);
}

static void
put_html_body(struct putting *p, struct json_out *o)
{
	(void)lists_ready(p);
	put_parts(p, o, p->lists.html, p->lists.n_html);
}

static void
put_attachments(struct putting *p, struct json_out *o)
{
	(void)lists_ready(p);
	put_parts(p, o, p->lists.attachments, p->lists.n_attachments);
}

static void
put_structure(struct putting *p, struct json_out *o)
{
	struct jmap_part_want w = p->w->part;

	if (lists_ready(p) && p->lists.n)
		jmap_structure_put(o, p->e, &p->lists, 0, &w);
	else
		jo_null(o);
}

static void
put_snoozed(struct putting *p, struct json_out *o)
{
	int64_t until;

	if (p->e->email && !account_objects_load(p->c->a) &&
		email_snoozed(p->c->a, p->e->email, &until))
		jo_time(o, until);
	else
		jo_null(o);
}

static const struct {
	const char *name;
	void (*put)(struct putting *p, struct json_out *o);
	bool get, parse; /* given when properties are not named */
} props[] = {
	{"id", put_id, true, false},
	{"blobId", put_blob_id, true, false},
	{"threadId", put_thread_id, true, false},
	{"mailboxIds", put_mailbox_ids, true, false},
	{"keywords", put_keywords, true, false},
	{"size", put_size, true, false},
	{"receivedAt", put_received, true, false},
	{"messageId", put_message_id, true, true},
	{"inReplyTo", put_in_reply_to, true, true},
	{"references", put_references, true, true},
	{"sender", put_sender, true, true},
	{"from", put_from, true, true},
	{"to", put_to, true, true},
	{"cc", put_cc, true, true},
	{"bcc", put_bcc, true, true},
	{"replyTo", put_reply_to, true, true},
	{"subject", put_subject, true, true},
	{"sentAt", put_sent, true, true},
	{"hasAttachment", put_has_attachment, true, true},
	{"preview", put_preview, true, true},
	{"bodyValues", put_values, true, true},
	{"textBody", put_text_body, true, true},
	{"htmlBody", put_html_body, true, true},
	{"attachments", put_attachments, true, true},
	{"headers", put_all_headers, false, false},
	{"bodyStructure", put_structure, false, false},
	{"snoozedUntil", put_snoozed, false, false},
};

/* ---- What is wanted ---- */

static bool
want_one(struct jmap_email_want *w, const char *name)
{
	size_t i = 0;

	if (!name)
		return false;
	while (i < ARRAY_SIZE(props) && strcmp(name, props[i].name))
		i++;
	if (i < ARRAY_SIZE(props)) {
		w->props |= 1u << i;
		return true;
	}
	return w->n_headers < JMAP_HEADERS_WANTED_MAX &&
		jmap_header_parse(name, &w->headers[w->n_headers]) && ++w->n_headers;
}

enum jmap_error
jmap_email_want_read(struct jmap_call *c, bool parsing, struct jmap_email_want *ret)
{
	json_t *names = json_member(c->args, "properties");
	json_t *parts = json_member(c->args, "bodyProperties");

	*ret = (struct jmap_email_want){.props = names && !parsing ? 1 : 0};
	for (size_t i = 0; i < ARRAY_SIZE(props) && !names; i++)
		ret->props |= (parsing ? props[i].parse : props[i].get) ? 1u << i : 0;
	if (names && !json_is_array(names))
		return jmap_bad(c, "properties");
	for (size_t i = 0; i < json_array_size(names); i++)
		if (!want_one(ret, json_string_value(json_array_get(names, i))))
			return jmap_bad(c, "properties");
	if (!jmap_part_want_read(parts, &ret->part))
		return jmap_bad(c, "bodyProperties");
	if (!jmap_arg_bool(c, "fetchTextBodyValues", &ret->text_values) ||
		!jmap_arg_bool(c, "fetchHTMLBodyValues", &ret->html_values) ||
		!jmap_arg_bool(c, "fetchAllBodyValues", &ret->all_values) ||
		!jmap_arg_uint(c, "maxBodyValueBytes", &ret->max_value))
		return JMAP_INVALID_ARGUMENTS;
	return JMAP_OK;
}

int
jmap_email_put(struct jmap_call *c, struct jmap_email *e, const struct jmap_email_want *w)
{
	struct putting p = {.c = c, .e = e, .w = w};
	struct slice header = SLICE_NONE;
	int err = w->n_headers ? jmap_email_header(e, &header) : LL_OK;

	if (err)
		return err;
	p.info = e->email ? email_find(c->a, e->email) : NULL;
	jo_open(&c->o, '{');
	for (size_t i = 0; i < ARRAY_SIZE(props); i++)
		if (w->props & 1u << i) {
			jo_key(&c->o, props[i].name);
			props[i].put(&p, &c->o);
		}
	for (size_t i = 0; i < w->n_headers; i++) {
		jo_key(&c->o, w->headers[i].key);
		jmap_header_find(&c->o, &w->headers[i], header);
	}
	jo_close(&c->o, '}');
	if (p.have_lists)
		jmap_lists_done(&p.lists);
	return LL_OK;
}

/* ---- Methods ---- */

/* LL_ERR_NOTFOUND: there is none. After an error nothing of it was put. */
static int
get_one(struct jmap_call *c, struct slice id, const struct jmap_email_want *w)
{
	uint32_t email;
	struct jmap_email e;
	int err;

	if (!message_email_id_parse(jmap_id(c, id), &email) || !email_find(c->a, email))
		return LL_ERR_NOTFOUND;
	err = jmap_email_open(c->a, email, &e);
	if (err)
		return err;
	err = jmap_email_put(c, &e, w);
	jmap_email_done(&e);
	return err;
}

static int
get_list(struct jmap_call *c, const json_t *ids, const struct jmap_email_want *w,
	struct jmap_absent *absent)
{
	json_t *seen = json_object();
	int err = seen ? LL_OK : LL_ERR_NOMEM;

	for (size_t i = 0; i < json_array_size(ids) && !err; i++) {
		json_t *id = json_array_get(ids, i);
		if (json_object_get(seen, json_string_value(id)))
			continue;
		json_object_set_new(seen, json_string_value(id), json_true());
		err = jmap_absent_put(absent, json_slice(id), get_one(c, json_slice(id), w));
	}
	json_decref(seen);
	return err;
}

static int
get_answer(struct jmap_call *c, const json_t *ids, const struct jmap_email_want *w)
{
	struct jmap_absent absent = JMAP_ABSENT_INIT;
	int err = emails_load(c->a);

	if (err)
		return err;
	jmap_reply_open(c);
	jo_key(&c->o, "state");
	jmap_put_state(&c->o, account_state(c->a, CHANGE_EMAIL));
	jo_key(&c->o, "list");
	jo_open(&c->o, '[');
	err = get_list(c, ids, w, &absent);
	jmap_absent_end(c, &absent);
	return err;
}

static enum jmap_error
email_get(struct jmap_call *c)
{
	json_t *ids = json_member(c->args, "ids");
	struct jmap_email_want w;
	enum jmap_error e = jmap_email_want_read(c, false, &w);
	int err;

	if (e)
		return e;
	if (ids && !json_is_array(ids))
		return jmap_bad(c, "ids");
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (!json_is_string(json_array_get(ids, i)))
			return jmap_bad(c, "ids");
	if (!ids || json_array_size(ids) > JMAP_GET_MAX)
		return JMAP_REQUEST_TOO_LARGE;
	err = get_answer(c, ids, &w);
	return err ? jmap_failed(c, err) : JMAP_OK;
}

static enum jmap_error
email_changes(struct jmap_call *c)
{
	return jmap_changes(c, CHANGE_EMAIL);
}

const struct jmap_method jmap_email_methods[] = {
	{"Email/get",
		"ids properties bodyProperties fetchTextBodyValues fetchHTMLBodyValues "
		"fetchAllBodyValues maxBodyValueBytes",
		JMAP_CAP_MAIL, email_get, false},
	{"Email/changes", "sinceState maxChanges", JMAP_CAP_MAIL, email_changes, false},
	{"Email/query", JMAP_QUERY_ARGS " collapseThreads", JMAP_CAP_MAIL, jmap_email_query, false},
	{"Email/queryChanges", JMAP_QUERY_CHANGES_ARGS " collapseThreads", JMAP_CAP_MAIL,
		jmap_email_query_changes, false},
	{"Email/parse",
		"blobIds properties bodyProperties fetchTextBodyValues fetchHTMLBodyValues "
		"fetchAllBodyValues maxBodyValueBytes",
		JMAP_CAP_MAIL, jmap_email_parse_method, false},
	{"SearchSnippet/get", "filter emailIds", JMAP_CAP_MAIL, jmap_snippet_get, false}, {NULL}};
