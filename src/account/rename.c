/* Renaming mailboxes. A tree that is too large for one commit takes several: what is meant is
 * written down first, as an object of the account, and whoever opens the account after a crash goes
 * on with it before anybody sees the halves. */
#include "account/boxops.h"
#include "account/object.h"

#include <stdlib.h>

#define PART_BOXES 128 /* mailboxes of one commit; fewer when their names are long */

struct renaming {
	struct making m;
	struct slice from, to;
	size_t most; /* mailboxes of one commit; 0: all */
	size_t renamed; /* by the last one */
	bool resumed; /* a name that is taken by now stays with who has it */
};

static bool
below(struct slice name, struct slice top)
{
	return name.len > top.len && slice_starts(name, top) && name.ptr[top.len] == '/';
}

static bool
concerns(const struct renaming *r, const struct mailbox *mb)
{
	return slice_eq(mb->s.info.name, r->from) || below(mb->s.info.name, r->from);
}

static int
new_name(const struct account *a, const struct mailbox *mb, const struct renaming *r,
	struct buf *out)
{
	buf_put(out, r->to);
	buf_put(out, slice_skip(mb->s.info.name, r->from.len));
	if (buf_err(out) || out->len > MAILBOX_NAME_MAX)
		return LL_ERR_LIMIT;
	return boxes_find(a, buf_slice(out)) ? LL_ERR_EXISTS : LL_OK;
}

static int
rename_one(struct txn *t, struct mailbox *mb, const struct renaming *r)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(MAILBOX_NAME_MAX + 1);
	struct txn_box *b;
	int err = new_name(t->a, mb, r, &name);

	if (err)
		return err;
	b = txn_box_get(t, mb);
	if (!b || !(b->name = strndup((const char *)name.ptr, name.len)))
		return LL_ERR_NOMEM;
	b->s.info.name = slice_str(b->name);
	b->events |= ACCOUNT_RENAMED;
	return LL_OK;
}

static int
rename_build(struct txn *t, void *ctx)
{
	struct renaming *r = ctx;
	int err = LL_OK;

	making_drop(&r->m);
	r->renamed = 0;
	if (!r->most && boxes_find(t->a, r->to))
		return LL_ERR_EXISTS;
	for (size_t i = 0; i < t->a->boxes.len && !err; i++) {
		struct mailbox *mb = t->a->boxes.at[i];
		if (!concerns(r, mb))
			continue;
		err = rename_one(t, mb, r);
		if (err == LL_ERR_EXISTS && r->resumed)
			err = LL_OK;
		else if (!err && ++r->renamed == r->most)
			break;
	}
	t->nothing = r->renamed == 0;
	return err || t->nothing ? err : making_parents(t, &r->m, r->to);
}

static int
run(struct account *a, struct renaming *r)
{
	int err = txn_run(a, rename_build, r);

	if (err)
		making_drop(&r->m);
	r->m.n = 0;
	return err;
}

/* ---- Several commits ---- */

/* Nothing may be in the way later, when some of them have their new names. */
static int
check_all(const struct account *a, const struct renaming *r)
{
	int err = LL_OK;

	for (size_t i = 0; i < a->boxes.len && !err; i++) {
		CLEANUP(buf_done) struct buf name = BUF_INIT(MAILBOX_NAME_MAX + 1);
		if (concerns(r, a->boxes.at[i]))
			err = new_name(a, a->boxes.at[i], r, &name);
	}
	return err;
}

/* Renames what still has its old name. *ret_some: at least one commit was made. */
static int
rename_rest(struct account *a, struct renaming *r, bool *ret_some)
{
	int err = LL_OK;

	*ret_some = false;
	r->most = PART_BOXES;
	do {
		err = run(a, r);
		if (err == LL_ERR_LIMIT && r->most > 1) {
			r->most /= 2;
			r->renamed = 1; /* nothing was: once more */
			err = LL_OK;
			continue;
		}
		*ret_some |= !err && r->renamed;
	} while (!err && r->renamed);
	return err;
}

static int
forget_intent(struct account *a, struct store_id id)
{
	struct object_change c = {.type = CHANGE_RENAME, .id = id, .destroy = true};
	int err = account_objects_change(a, &c, 1);

	return err == LL_ERR_NOTFOUND ? LL_OK : err; /* another engine has finished it */
}

static int
rename_in_parts(struct account *a, struct renaming *r)
{
	CLEANUP(buf_done) struct buf value = BUF_INIT(2 * MAILBOX_NAME_MAX + 16);
	struct object_change c = {.type = CHANGE_RENAME};
	bool some;
	int err = check_all(a, r), forgot;

	/* Upwards into a missing level: a mailbox could have a name below the old one again. */
	if (!err && below(r->from, r->to))
		err = LL_ERR_LIMIT;
	if (!err)
		err = account_random(a, c.id.b, sizeof(c.id.b));
	if (err)
		return err;
	buf_put_blob(&value, r->from);
	buf_put_blob(&value, r->to);
	c.value = buf_slice(&value);
	err = buf_err(&value) ? buf_err(&value) : account_objects_change(a, &c, 1);
	if (err)
		return err;
	err = rename_rest(a, r, &some);
	if (err && some)
		return err; /* it will be finished */
	forgot = forget_intent(a, c.id);
	return err ? err : forgot;
}

int
account_rename_resume(struct account *a)
{
	int err = a->head.states[CHANGE_RENAME] ? account_objects_load(a) : LL_OK;

	while (!err && a->head.states[CHANGE_RENAME]) {
		CLEANUP(buf_done) struct buf value = BUF_INIT(OBJECT_VALUE_MAX);
		struct renaming r = {.resumed = true};
		size_t pos = 0;
		const struct object *o = account_object_next(a, CHANGE_RENAME, &pos);
		struct store_id id;
		struct reader rd;
		bool some;

		if (!o)
			break;
		id = o->id;
		err = buf_put(&value, o->value); /* the object's own goes with the next change */
		rd = reader_new(buf_slice(&value));
		r.from = reader_blob(&rd);
		r.to = reader_blob(&rd);
		if (!err && reader_end(&rd))
			err = LL_ERR_CORRUPT;
		if (!err)
			err = rename_rest(a, &r, &some);
		if (!err)
			err = forget_intent(a, id);
	}
	return err;
}

/* ---- The call ---- */

/* RENAME INBOX: its messages move to a new mailbox. */
static int
rename_inbox(struct account *a, struct slice to)
{
	struct mailbox *inbox = account_mailbox_by_role(a, MAILBOX_INBOX), *mb;
	struct copy_result moved = {0};
	struct uid_list all = {0};
	int err = mailbox_open(inbox);

	if (err)
		return err;
	err = account_mailbox_create(a, to, MAILBOX_NO_ROLE, &mb);
	VEC_EACH (row, &inbox->rows)
		if (!err)
			err = VEC_PUSH(&all, row->uid);
	if (!err && all.len)
		err = mailbox_move(inbox, all.at, all.len, mb, &moved);
	copy_result_done(&moved);
	uid_list_done(&all);
	mailbox_close(inbox);
	return err;
}

static int
rename_tree(struct account *a, struct renaming *r)
{
	int err = account_rename_resume(a); /* of before, should it have failed half-way */

	if (!err)
		err = run(a, r);
	if (err == LL_ERR_LIMIT)
		err = rename_in_parts(a, r);
	else if (!err && !r->renamed)
		err = LL_ERR_NOTFOUND;
	return err;
}

int
account_mailbox_rename(struct account *a, struct slice old_name, struct slice new_name)
{
	CLEANUP(buf_done) struct buf from = BUF_INIT(MAILBOX_NAME_MAX);
	CLEANUP(buf_done) struct buf to = BUF_INIT(MAILBOX_NAME_MAX);
	struct renaming r = {.most = 0};
	int err = mailbox_name_normalise(&from, old_name);

	if (!err)
		err = mailbox_name_normalise(&to, new_name);
	if (err)
		return err;
	r.from = buf_slice(&from);
	r.to = buf_slice(&to);
	if (below(r.to, r.from) && !slice_eq(r.from, S("INBOX")))
		return LL_ERR_DENIED;
	return slice_eq(r.from, S("INBOX")) ? rename_inbox(a, r.to) : rename_tree(a, &r);
}
