/* Where a new Email goes, with which keywords, and how it gets there: for all that make Emails. */
#include "faces/jmap_email.h"

#include "mail/build.h"

const char *
jmap_place_boxes(struct jmap_call *c, const json_t *ids, struct jmap_place *p)
{
	const char *key;
	json_t *v;
	union {
		const json_t *in;
		json_t *out;
	} u = {.in = ids};

	p->n_boxes = 0;
	json_object_foreach(u.out, key, v)
	{
		struct mailbox *mb = jmap_mailbox(c, slice_str(key));
		if (!mb || !json_is_true(v) || p->n_boxes == EMAIL_MAILBOXES_MAX)
			return "mailboxIds";
		p->boxes[p->n_boxes++] = mailbox_info(mb)->id;
	}
	return p->n_boxes ? NULL : "mailboxIds";
}

bool
jmap_keyword_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || strchr("(){]%*\"\\", name.ptr[i]))
			return false;
	return name.len > 0 && name.len <= KEYWORD_LEN_MAX;
}

const char *
jmap_place_keywords(const json_t *keywords, struct jmap_place *p)
{
	const char *key;
	json_t *v;
	union {
		const json_t *in;
		json_t *out;
	} u = {.in = keywords};

	p->n_keywords = 0;
	if (keywords && !json_is_null(keywords) && !json_is_object(keywords))
		return "keywords";
	json_object_foreach(u.out, key, v)
	{
		if (!json_is_true(v) || !jmap_keyword_ok(slice_str(key)) ||
			p->n_keywords == ARRAY_SIZE(p->keywords))
			return "keywords";
		p->keywords[p->n_keywords++] = slice_str(key);
	}
	return NULL;
}

const char *
jmap_place_read(struct jmap_call *c, json_t *object, struct jmap_place *p)
{
	json_t *received = json_member(object, "receivedAt");
	const char *bad = jmap_place_boxes(c, json_object_get(object, "mailboxIds"), p);

	p->received = 0;
	if (!bad)
		bad = jmap_place_keywords(json_object_get(object, "keywords"), p);
	if (!bad && received && !json_utc_date(received, &p->received))
		bad = "receivedAt";
	return bad;
}

int
jmap_place_flags(struct mailbox *mb, const struct jmap_place *p, uint64_t *ret)
{
	struct slice names[KEYWORDS_MAX + 4];
	uint64_t flags = 0, more = 0;
	size_t n = 0;
	int err = LL_OK;

	for (size_t i = 0; i < p->n_keywords; i++) {
		uint64_t flag = email_keyword_flag(p->keywords[i]);
		flags |= flag;
		if (!flag)
			names[n++] = p->keywords[i];
	}
	if (n)
		err = mailbox_keywords_add(mb, names, n, &more);
	*ret = flags | more;
	return err;
}

/* Into the first mailbox, then into the others as well. */
static int
store_staged(struct jmap_call *c, struct staged_message *staged, const struct jmap_place *p,
	uint32_t *ret_email)
{
	struct mailbox *mb = account_mailbox_by_id(c->a, p->boxes[0]);
	struct append_item item = {.message = staged};
	struct uid_list uids = {0};
	const struct message_row *row;
	int err = mb ? mailbox_open(mb) : LL_ERR_NOTFOUND;

	if (err)
		return err;
	err = jmap_place_flags(mb, p, &item.flags);
	if (!err)
		err = mailbox_append(mb, &item, 1, &uids);
	row = !err ? mailbox_row(mb, uids.at[0]) : NULL;
	if (!err && !row)
		err = LL_ERR_AGAIN;
	if (!err)
		*ret_email = row->email;
	uid_list_done(&uids);
	mailbox_close(mb);
	if (!err && p->n_boxes > 1) {
		struct email_change more = {
			.email = *ret_email, .mailboxes = p->boxes, .n_mailboxes = p->n_boxes};
		err = emails_change(c->a, &more, 1);
		err = err ? err : more.err;
	}
	return err;
}

int
jmap_email_store(
	struct jmap_call *c, struct slice message, const struct jmap_place *p, uint32_t *ret_email)
{
	CLEANUP(staged_message_freep) struct staged_message *staged = NULL;
	int err = message_stage(c->a, message, p->received, &staged);

	if (!err)
		err = store_staged(c, staged, p, ret_email);
	return err ? err : emails_load(c->a);
}

void
jmap_email_created(struct jmap_call *c, struct json_out *o, uint32_t email)
{
	const struct email_info *info = email_find(c->a, email);
	char id[MESSAGE_ID_TEXT_MAX];

	jo_open(o, '{');
	message_email_id(email, id);
	jo_key(o, "id");
	jo_str(o, id);
	id[0] = 'B';
	jo_key(o, "blobId");
	jo_str(o, id);
	message_thread_id(info ? info->thread : email, id);
	jo_key(o, "threadId");
	jo_str(o, id);
	jo_key(o, "size");
	jo_uint(o, info ? info->size : 0);
	jo_close(o, '}');
}

void
jmap_email_created_put(struct jmap_set *s, const char *creation, uint32_t email)
{
	char id[MESSAGE_ID_TEXT_MAX];

	message_email_id(email, id);
	jmap_created(s->c, creation, id);
	jo_key(&s->out[SET_CREATED], creation);
	jmap_email_created(s->c, &s->out[SET_CREATED], email);
}

struct jmap_set_error
jmap_email_store_error(int err)
{
	if (err == LL_ERR_LIMIT)
		return (struct jmap_set_error){"tooManyKeywords"};
	return jmap_set_error_of(err);
}
