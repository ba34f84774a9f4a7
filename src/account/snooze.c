/* See snooze.h. */
#include "account/snooze.h"

#include "account/engine.h"
#include "account/object.h"

#include <stdio.h>

#define SNOOZE_VERSION 1
#define TIDY_AT_ONCE 64
#define NAMES_TRIED 10
#define TRY_AGAIN 600 /* seconds */

struct snooze {
	int64_t until;
	struct store_id from[EMAIL_MAILBOXES_MAX];
	size_t n_from;
};

static struct store_id
snooze_id(uint32_t email)
{
	struct store_id id = {{0}};

	be32_put(id.b, email);
	return id;
}

static int
snooze_decode(struct slice value, struct snooze *ret)
{
	struct reader r = reader_new(value);
	struct snooze s = {.until = 0};
	uint64_t n;

	if (reader_u8(&r) != SNOOZE_VERSION)
		return LL_ERR_UNSUPPORTED;
	s.until = (int64_t)reader_be64(&r);
	n = reader_varint(&r);
	if (n > EMAIL_MAILBOXES_MAX)
		return LL_ERR_CORRUPT;
	for (; s.n_from < n; s.n_from++) {
		struct slice id = reader_bytes(&r, STORE_ID_LEN);
		if (id.len == STORE_ID_LEN)
			memcpy(s.from[s.n_from].b, id.ptr, id.len);
	}
	if (reader_end(&r))
		return LL_ERR_CORRUPT;
	*ret = s;
	return LL_OK;
}

static int
snooze_put(struct account *a, uint32_t email, const struct snooze *s)
{
	CLEANUP(buf_done) struct buf value = BUF_SECRET(OBJECT_VALUE_MAX);
	struct object_change c = {.type = CHANGE_SNOOZE, .id = snooze_id(email)};

	buf_putc(&value, SNOOZE_VERSION);
	buf_put_be64(&value, (uint64_t)s->until);
	buf_put_varint(&value, s->n_from);
	for (size_t i = 0; i < s->n_from; i++)
		buf_put(&value, SLICE_OF(s->from[i].b));
	if (buf_err(&value))
		return buf_err(&value);
	c.value = buf_slice(&value);
	return account_objects_change(a, &c, 1);
}

/* Of an Email that lies in the mailbox. */
static bool
snooze_get(const struct account *a, uint32_t email, struct snooze *ret)
{
	struct mailbox *mb = account_mailbox_by_role(a, MAILBOX_SNOOZED);
	const struct object *o = account_object(a, CHANGE_SNOOZE, snooze_id(email));

	return mb && o && email_in_mailbox(a, email, mb) && !snooze_decode(o->value, ret);
}

bool
email_snoozed(const struct account *a, uint32_t email, int64_t *ret_until)
{
	struct snooze s;

	if (!snooze_get(a, email, &s))
		return false;
	*ret_until = s.until;
	return true;
}

static int
snooze_load(struct account *a)
{
	int err = account_objects_load(a);

	return err ? err : emails_load(a);
}

/* ---- Putting off ---- */

/* The mailbox of that role; made, or taken by its name. */
static int
box_ready(struct account *a, struct mailbox **ret)
{
	struct mailbox *mb = account_mailbox_by_role(a, MAILBOX_SNOOZED);
	char name[32] = "Snoozed";
	int err = LL_OK;

	for (int i = 2; !mb && i < NAMES_TRIED; i++) {
		err = account_mailbox_create(a, slice_str(name), MAILBOX_SNOOZED, &mb);
		if (err == LL_ERR_EXISTS && !account_mailbox(a, slice_str(name), &mb)) {
			err = LL_OK;
			if (mb->s.info.role == MAILBOX_NO_ROLE)
				err = account_mailbox_set_role(a, mb, MAILBOX_SNOOZED);
			else
				mb = NULL; /* it is for something else */
		}
		if (err)
			return err;
		snprintf(name, sizeof(name), "Snoozed %d", i);
	}
	if (mb)
		*ret = mb;
	return mb ? LL_OK : LL_ERR_EXISTS;
}

static size_t
snoozes_count(const struct account *a)
{
	size_t pos = 0, n = 0;

	while (account_object_next(a, CHANGE_SNOOZE, &pos))
		n++;
	return n;
}

/* Where it is now, but for the mailbox of the snoozed. */
static void
from_take(const struct account *a, uint32_t email, const struct mailbox *mb, struct snooze *s)
{
	size_t n;
	const struct email_place *p = email_places(a, email, &n);

	s->n_from = 0;
	for (size_t i = 0; i < n; i++) {
		bool again = p[i].mb == mb;
		for (size_t k = 0; k < i; k++)
			again |= p[k].mb == p[i].mb; /* two copies in one mailbox */
		if (!again && s->n_from < EMAIL_MAILBOXES_MAX)
			s->from[s->n_from++] = p[i].mb->s.info.id;
	}
}

int
snooze_begin(struct account *a, uint32_t email, int64_t until,
	struct store_id ret_boxes[EMAIL_MAILBOXES_MAX], size_t *ret_n)
{
	struct mailbox *mb;
	struct snooze s;
	bool again;
	int err = box_ready(a, &mb);

	if (!err)
		err = snooze_load(a);
	if (err)
		return err;
	if (!email_find(a, email))
		return LL_ERR_NOTFOUND;
	again = snooze_get(a, email, &s);
	if (!again && snoozes_count(a) >= SNOOZES_MAX)
		return LL_ERR_LIMIT;
	if (!again)
		from_take(a, email, mb, &s);
	s.until = until;
	ret_boxes[0] = mb->s.info.id;
	*ret_n = 1;
	return snooze_put(a, email, &s);
}

/* ---- Coming back ---- */

/* Those it came from that are still there, or else the inbox. */
static size_t
back_boxes(
	const struct account *a, const struct snooze *s, struct store_id ret[EMAIL_MAILBOXES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_from; i++)
		if (account_mailbox_by_id(a, s->from[i]))
			ret[n++] = s->from[i];
	if (!n)
		ret[n++] = account_mailbox_by_role(a, MAILBOX_INBOX)->s.info.id;
	return n;
}

int
snooze_back(struct account *a, uint32_t email, struct store_id ret_boxes[EMAIL_MAILBOXES_MAX],
	size_t *ret_n)
{
	struct snooze s;
	int err = snooze_load(a);

	*ret_n = 0;
	if (!err && snooze_get(a, email, &s))
		*ret_n = back_boxes(a, &s, ret_boxes);
	return err;
}

/* The first few that mean nothing any more. */
static size_t
tidy_find(const struct account *a, struct object_change at[TIDY_AT_ONCE])
{
	const struct object *o;
	struct snooze s;
	size_t pos = 0, n = 0;

	while (n < TIDY_AT_ONCE && (o = account_object_next(a, CHANGE_SNOOZE, &pos)) != NULL)
		if (!snooze_get(a, be32_get(o->id.b), &s))
			at[n++] = (struct object_change){
				.type = CHANGE_SNOOZE, .id = o->id, .destroy = true};
	return n;
}

int
snooze_tidy(struct account *a)
{
	struct object_change at[TIDY_AT_ONCE];
	size_t n = 1;
	int err = LL_OK;

	while (n && !err) {
		err = snooze_load(a);
		n = err ? 0 : tidy_find(a, at);
		if (n)
			err = account_objects_change(a, at, n);
	}
	return err;
}

/* What cannot go back now (a mailbox without room for its keywords, say) stays and is tried again.
 */
static int
wake_one(struct account *a, uint32_t email)
{
	static const struct slice seen[] = {{(const uint8_t *)"$seen", 5}};
	struct store_id boxes[EMAIL_MAILBOXES_MAX];
	struct email_change c = {.email = email, .remove = seen, .n_remove = 1};
	struct snooze s;
	int err = snooze_load(a);

	if (err || !snooze_get(a, email, &s))
		return err;
	c.mailboxes = boxes;
	c.n_mailboxes = back_boxes(a, &s, boxes);
	return emails_change(a, &c, 1);
}

/* Emails that are due; *ret_next: when the first of the others is. */
static int
wake_find(const struct account *a, int64_t now, struct uid_list *due, int64_t *ret_next)
{
	const struct object *o;
	struct snooze s;
	size_t pos = 0;
	int err = LL_OK;

	*ret_next = 0;
	while (!err && (o = account_object_next(a, CHANGE_SNOOZE, &pos)) != NULL) {
		uint32_t email = be32_get(o->id.b);
		if (!snooze_get(a, email, &s))
			continue;
		if (s.until <= now)
			err = VEC_PUSH(due, email);
		else if (!*ret_next || s.until < *ret_next)
			*ret_next = s.until;
	}
	return err;
}

int
snooze_wake(struct account *a, int64_t now, int64_t *ret_next)
{
	struct uid_list due = {0};
	int64_t next = 0;
	int err = LL_OK;

	*ret_next = 0;
	if (!a->head.objects || !a->head.states[CHANGE_SNOOZE])
		return LL_OK;
	err = snooze_load(a);
	if (!err)
		err = wake_find(a, now, &due, &next);
	for (size_t i = 0; i < due.len && !err; i++)
		err = wake_one(a, due.at[i]);
	if (!err && due.len)
		err = snooze_tidy(a);
	due.len = 0;
	if (!err)
		err = wake_find(a, now, &due, &next);
	if (!err)
		*ret_next = due.len ? now + TRY_AGAIN : next;
	uid_list_done(&due);
	return err;
}
