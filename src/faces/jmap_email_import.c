/* Email/import (RFC 8621 section 4.8). Messages come by the hundred when somebody moves here, so as
 * many as fit into memory are staged and then appended in one commit for each mailbox; only when a
 * commit fails are its messages tried one by one, so that each has its own answer. */
#include "faces/jmap_email.h"

#include "account/upload.h"

#include <stdlib.h>

#define WINDOW_ITEMS 64
#define WINDOW_BYTES ((size_t)8 << 20)

struct item {
	const char *creation;
	struct jmap_place place;
	struct staged_message *staged;
	uint32_t email; /* 0: not stored */
	int err;
};

struct import {
	struct jmap_set *s;
	struct item items[WINDOW_ITEMS];
	size_t n, bytes;
	struct store_id *used; /* uploads that are messages now */
	size_t n_used;
};

static struct jmap_set_error
invalid(const char *property)
{
	return (struct jmap_set_error){"invalidProperties", {property}, NULL};
}

/* Parses and seals it; the plaintext goes at once. */
static struct jmap_set_error
item_stage(struct import *m, struct slice blob, struct item *item)
{
	CLEANUP(buf_done) struct buf raw = BUF_SECRET(MESSAGE_SIZE_MAX);
	struct jmap_call *c = m->s->c;
	int err = jmap_blob_read(c->a, blob, &raw, NULL);

	if (err == LL_ERR_NOTFOUND)
		return invalid("blobId");
	if (!err && !raw.len)
		return (struct jmap_set_error){"invalidEmail"};
	if (!err)
		err = message_stage(c->a, buf_slice(&raw), item->place.received, &item->staged);
	if (err)
		return jmap_email_store_error(err);
	m->bytes += raw.len;
	if (jmap_hex_id(blob, 'U', &m->used[m->n_used]))
		m->n_used++;
	return (struct jmap_set_error){NULL};
}

static bool
same_box(const struct item *a, const struct item *b)
{
	return !memcmp(a->place.boxes[0].b, b->place.boxes[0].b, STORE_ID_LEN);
}

static int
append_some(struct mailbox *mb, struct item *const *items, size_t n)
{
	struct append_item in[WINDOW_ITEMS] = {{0}};
	struct uid_list uids = {0};
	int err;

	for (size_t i = 0; i < n; i++) {
		in[i] = (struct append_item){.message = items[i]->staged};
		items[i]->err = jmap_place_flags(mb, &items[i]->place, &in[i].flags);
		if (items[i]->err)
			return items[i]->err;
	}
	err = mailbox_append(mb, in, n, &uids);
	for (size_t i = 0; i < n && !err; i++) {
		const struct message_row *row = mailbox_row(mb, uids.at[i]);
		items[i]->email = row ? row->email : 0;
		items[i]->err = row ? LL_OK : LL_ERR_AGAIN;
	}
	uid_list_done(&uids);
	return err;
}

/* Those of one mailbox: all in one commit, else each for itself. */
static void
append_all(struct mailbox *mb, struct item *const *items, size_t n)
{
	int err = mb ? mailbox_open(mb) : LL_ERR_NOTFOUND;
	bool open = !err;

	if (open)
		err = append_some(mb, items, n);
	for (size_t i = 0; i < n && err; i++)
		items[i]->err = open && n > 1 ? append_some(mb, &items[i], 1) : err;
	if (open)
		mailbox_close(mb);
}

/* Into the further mailboxes. */
static int
spread(struct import *m)
{
	struct email_change changes[WINDOW_ITEMS];
	struct item *of[WINDOW_ITEMS];
	size_t n = 0;
	int err = emails_load(m->s->c->a);

	for (size_t i = 0; i < m->n; i++) {
		struct item *item = &m->items[i];
		if (!item->email || item->place.n_boxes < 2)
			continue;
		of[n] = item;
		changes[n++] = (struct email_change){.email = item->email,
			.mailboxes = item->place.boxes,
			.n_mailboxes = item->place.n_boxes};
	}
	if (!err && n)
		err = emails_change(m->s->c->a, changes, n);
	for (size_t i = 0; i < n; i++)
		of[i]->err = err ? err : changes[i].err;
	return err || !n ? err : emails_load(m->s->c->a);
}

static void
tell(struct import *m, int err)
{
	for (size_t i = 0; i < m->n; i++) {
		struct item *item = &m->items[i];
		int why = err ? err : item->err;
		if (why) {
			struct jmap_set_error e = jmap_email_store_error(why);
			jmap_set_fail(m->s, SET_NOT_CREATED, slice_str(item->creation), &e);
		} else {
			jmap_email_created_put(m->s, item->creation, item->email);
		}
		staged_message_free(item->staged);
	}
	m->n = m->bytes = 0;
}

static void
flush(struct import *m)
{
	bool done[WINDOW_ITEMS] = {false};

	for (size_t i = 0; i < m->n; i++) {
		struct item *group[WINDOW_ITEMS];
		size_t n = 0;
		for (size_t k = i; k < m->n && !done[i]; k++) {
			if (done[k] || !same_box(&m->items[i], &m->items[k]))
				continue;
			group[n++] = &m->items[k];
			done[k] = k > i;
		}
		if (n)
			append_all(account_mailbox_by_id(m->s->c->a, m->items[i].place.boxes[0]),
				group, n);
	}
	tell(m, m->n ? spread(m) : LL_OK);
}

static void
import_one(struct import *m, const char *creation, json_t *object)
{
	struct slice blob = json_slice(json_object_get(object, "blobId"));
	struct item *item = &m->items[m->n];
	struct jmap_set_error e;
	const char *bad;

	*item = (struct item){.creation = creation};
	bad = json_is_object(object) && blob.ptr ? jmap_place_read(m->s->c, object, &item->place)
						 : "blobId";
	e = bad ? invalid(bad) : item_stage(m, jmap_id(m->s->c, blob), item);
	if (e.type) {
		jmap_set_fail(m->s, SET_NOT_CREATED, slice_str(creation), &e);
		return;
	}
	m->n++;
	if (m->n == WINDOW_ITEMS || m->bytes >= WINDOW_BYTES)
		flush(m);
}

static void
put_answer(struct jmap_call *c, struct jmap_set *s)
{
	jmap_reply_open(c);
	jo_key(&c->o, "oldState");
	jmap_put_state(&c->o, s->old_state);
	jo_key(&c->o, "newState");
	jmap_put_state(&c->o, account_state(c->a, CHANGE_EMAIL));
	jmap_set_part_put(s, SET_CREATED);
	jmap_set_part_put(s, SET_NOT_CREATED);
	jo_close(&c->o, '}');
}

static int
import_all(struct jmap_set *s, json_t *emails)
{
	struct import *m = calloc(1, sizeof(*m));
	const char *key;
	json_t *v;
	int err = m ? emails_load(s->c->a) : LL_ERR_NOMEM;

	if (m)
		m->used = calloc(json_object_size(emails) + 1, sizeof(*m->used));
	if (!err && !m->used)
		err = LL_ERR_NOMEM;
	if (!err) {
		m->s = s;
		json_object_foreach(emails, key, v) import_one(m, key, v);
		flush(m);
		/* What cannot be let go of now goes with its day. */
		(void)!account_uploads_used(s->c->a, m->used, m->n_used);
	}
	if (m)
		free(m->used);
	free(m);
	return err;
}

enum jmap_error
jmap_email_import(struct jmap_call *c)
{
	struct jmap_set s;
	json_t *emails = json_member(c->args, "emails");
	enum jmap_error e = jmap_set_begin(&s, c, CHANGE_EMAIL);
	int err;

	if (!e && !json_is_object(emails))
		e = jmap_bad(c, "emails");
	if (!e && json_object_size(emails) > JMAP_SET_MAX)
		e = JMAP_REQUEST_TOO_LARGE;
	if (e)
		return e;
	err = import_all(&s, emails);
	if (err)
		e = jmap_failed(c, err);
	else
		put_answer(c, &s);
	jmap_set_done(&s);
	return e;
}
