/* Making, deleting and subscribing mailboxes, and the first records of an account. */
#include "account/boxops.h"

#include <stdlib.h>

int
account_mailbox(struct account *a, struct slice name, struct mailbox **ret)
{
	CLEANUP(buf_done) struct buf n = BUF_INIT(MAILBOX_NAME_MAX);
	int err = mailbox_name_normalise(&n, name);
	struct mailbox *mb;

	if (err)
		return err;
	mb = boxes_find(a, buf_slice(&n));
	if (!mb)
		return LL_ERR_NOTFOUND;
	*ret = mb;
	return LL_OK;
}

/* ---- Orphaned subscriptions ---- */

static int
orphans_put(struct txn *t, struct slice without, struct slice with)
{
	struct rec_id id = {.type = REC_SUBS};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);

	VEC_EACH (o, &t->a->orphans)
		if (!slice_eq(*o, without) && !slice_eq(*o, with))
			buf_put_blob(&plain, *o);
	if (with.len)
		buf_put_blob(&plain, with);
	if (buf_err(&plain))
		return buf_err(&plain);
	t->head.subs_rev = plain.len ? t->head.rev : 0;
	t->subs_changed = true;
	return plain.len ? txn_put(t, &id, buf_slice(&plain)) : txn_del(t, &id);
}

static bool
orphan_known(const struct account *a, struct slice name)
{
	VEC_EACH (o, &a->orphans)
		if (slice_eq(*o, name))
			return true;
	return false;
}

/* ---- Create ---- */

void
making_drop(struct making *m)
{
	while (m->n)
		mailbox_free(m->made[--m->n]);
}

static uint32_t
uidvalidity_next(struct txn *t)
{
	int64_t now = account_now(t->a);

	if (now > t->head.uidvalidity && now < UINT32_MAX)
		t->head.uidvalidity = (uint32_t)now;
	else
		t->head.uidvalidity++;
	return t->head.uidvalidity;
}

/* A new mailbox in this commit. */
static int
make_one(struct txn *t, struct making *m, struct slice name, enum mailbox_role role)
{
	struct mailbox *mb;
	struct txn_box *b;
	int err;

	if (t->a->boxes.len + m->n >= MAILBOX_COUNT_MAX || m->n == ARRAY_SIZE(m->made))
		return LL_ERR_LIMIT;
	mb = calloc(1, sizeof(*mb));
	if (!mb)
		return LL_ERR_NOMEM;
	m->made[m->n++] = mb;
	mb->account = t->a;
	mb->gone_tail = BUF_INIT(STORE_VALUE_MAX);
	err = account_random(t->a, mb->s.info.id.b, sizeof(mb->s.info.id.b));
	if (err)
		return err;
	mb->s.info.uidnext = mb->s.info.recent_from = 1;
	mb->s.info.role = role;
	mb->s.info.subscribed = orphan_known(t->a, name);
	mb->s.info.uidvalidity = uidvalidity_next(t);
	mb->s.info.highestmodseq = t->head.modseq;
	b = txn_box_get(t, mb);
	if (!b)
		return LL_ERR_NOMEM;
	b->name = strndup((const char *)name.ptr, name.len);
	if (!b->name)
		return LL_ERR_NOMEM;
	b->s.info.name = slice_str(b->name);
	b->created = true;
	b->events = ACCOUNT_CREATED;
	return mb->s.info.subscribed ? orphans_put(t, name, SLICE_NONE) : LL_OK;
}

static bool
made_has(const struct txn *t, struct slice name)
{
	VEC_EACH (b, &t->boxes)
		if (b->name && slice_eq(b->s.info.name, name))
			return true;
	return boxes_find(t->a, name) != NULL;
}

int
making_parents(struct txn *t, struct making *m, struct slice name)
{
	int err = LL_OK;

	for (size_t i = 0; i < name.len && !err; i++) {
		struct slice level = slice_sub(name, 0, i);
		if (name.ptr[i] == '/' && !made_has(t, level))
			err = make_one(t, m, level, MAILBOX_NO_ROLE);
	}
	return err;
}

static int
create_build(struct txn *t, void *ctx)
{
	struct making *m = ctx;
	int err;

	making_drop(m);
	if (boxes_find(t->a, m->name))
		return LL_ERR_EXISTS;
	if (m->role != MAILBOX_NO_ROLE && account_mailbox_by_role(t->a, m->role))
		return LL_ERR_DENIED;
	err = making_parents(t, m, m->name);
	return err ? err : make_one(t, m, m->name, m->role);
}

int
account_mailbox_create(
	struct account *a, struct slice name, enum mailbox_role role, struct mailbox **ret)
{
	CLEANUP(buf_done) struct buf n = BUF_INIT(MAILBOX_NAME_MAX);
	struct making m = {.role = role};
	int err = mailbox_name_normalise(&n, name);

	if (err)
		return err;
	m.name = buf_slice(&n);
	err = txn_run(a, create_build, &m);
	if (err) {
		making_drop(&m);
		return err;
	}
	if (ret)
		*ret = m.made[m.n - 1];
	return LL_OK;
}

/* ---- Delete ---- */

static int
delete_build(struct txn *t, void *ctx)
{
	struct mailbox *mb = ctx;
	struct txn_box *b = txn_box_get(t, mb);
	int err = LL_OK;

	if (mb->gone || !b)
		return mb->gone ? LL_ERR_NOTFOUND : LL_ERR_NOMEM;
	if (mb->s.info.exists)
		return LL_ERR_AGAIN; /* another process has just added to it */
	for (uint32_t i = mb->s.gone_first; i < mb->s.gone_next && !err; i++) {
		struct rec_id id = {.type = REC_GONE, .box = mb->s.info.id, .number = i};
		err = txn_del(t, &id);
	}
	b->deleted = true;
	if (mb->s.page_used && t->head.n_pack < PACK_LIST_MAX)
		t->head.pack[t->head.n_pack++] = mb->s.page;
	if (!err && mb->s.info.subscribed)
		err = orphans_put(t, SLICE_NONE, mb->s.info.name);
	return err;
}

static int
delete_messages(struct mailbox *mb)
{
	struct uid_list all = {0};
	int err = LL_OK;

	VEC_EACH (row, &mb->rows)
		if (!err)
			err = VEC_PUSH(&all, row->uid);
	if (!err)
		err = mailbox_remove(mb, all.at, all.len, NULL);
	uid_list_done(&all);
	return err;
}

int
account_mailbox_delete(struct account *a, struct mailbox *mb)
{
	int err;

	if (mb->s.info.role == MAILBOX_INBOX)
		return LL_ERR_DENIED;
	err = mailbox_open(mb);
	if (err)
		return err;
	do {
		err = delete_messages(mb);
		if (!err)
			err = txn_run(a, delete_build, mb);
	} while (err == LL_ERR_AGAIN && mb->s.info.exists);
	mailbox_close(mb);
	return err;
}

/* ---- Subscriptions and roles ---- */

struct subscribing {
	struct slice name;
	bool on;
};

static int
subscribe_build(struct txn *t, void *ctx)
{
	const struct subscribing *s = ctx;
	struct mailbox *mb = boxes_find(t->a, s->name);
	struct txn_box *b;

	if (!mb) {
		t->nothing = orphan_known(t->a, s->name) == s->on;
		if (t->nothing)
			return LL_OK;
		return orphans_put(t, s->name, s->on ? s->name : SLICE_NONE);
	}
	t->nothing = mb->s.info.subscribed == s->on;
	if (t->nothing)
		return LL_OK;
	b = txn_box_get(t, mb);
	if (!b)
		return LL_ERR_NOMEM;
	b->s.info.subscribed = s->on;
	b->events |= ACCOUNT_SUBSCRIPTION;
	return LL_OK;
}

int
account_subscribe(struct account *a, struct slice name, bool on)
{
	CLEANUP(buf_done) struct buf n = BUF_INIT(MAILBOX_NAME_MAX);
	struct subscribing s = {.on = on};
	int err = mailbox_name_normalise(&n, name);

	if (err)
		return err;
	s.name = buf_slice(&n);
	return txn_run(a, subscribe_build, &s);
}

struct roling {
	struct mailbox *mb;
	enum mailbox_role role;
};

static int
role_build(struct txn *t, void *ctx)
{
	const struct roling *r = ctx;
	struct mailbox *had = account_mailbox_by_role(t->a, r->role);
	struct txn_box *b;

	t->nothing = r->mb->s.info.role == r->role;
	if (t->nothing)
		return LL_OK;
	if (had && (b = txn_box_get(t, had)) != NULL) {
		b->s.info.role = MAILBOX_NO_ROLE;
		b->events |= ACCOUNT_RENAMED;
	}
	b = txn_box_get(t, r->mb);
	if (!b)
		return LL_ERR_NOMEM;
	b->s.info.role = r->role;
	b->events |= ACCOUNT_RENAMED;
	return LL_OK;
}

int
account_mailbox_set_role(struct account *a, struct mailbox *mb, enum mailbox_role role)
{
	struct roling r = {mb, role};

	if (role == MAILBOX_INBOX || role >= MAILBOX_ROLES || mb->s.info.role == MAILBOX_INBOX)
		return LL_ERR_DENIED;
	return txn_run(a, role_build, &r);
}

/* ---- A new account ---- */

static const struct {
	const char *name;
	enum mailbox_role role;
} first_boxes[] = {
	{"INBOX", MAILBOX_INBOX},
	{"Drafts", MAILBOX_DRAFTS},
	{"Sent", MAILBOX_SENT},
	{"Archive", MAILBOX_ARCHIVE},
	{"Junk", MAILBOX_JUNK},
	{"Trash", MAILBOX_TRASH},
};

static int
first_build(struct txn *t, void *ctx)
{
	struct making *m = ctx;
	int err = LL_OK;

	making_drop(m);
	for (size_t i = 0; i < ARRAY_SIZE(first_boxes) && !err; i++)
		err = make_one(t, m, slice_str(first_boxes[i].name), first_boxes[i].role);
	VEC_EACH (b, &t->boxes)
		b->s.info.subscribed = true;
	return err;
}

static int
first_commit(struct account *a)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	struct rec_id head = {.type = REC_HEAD};
	struct rec_key key = rec_key_make(&head);
	struct making m = {.n = 0};
	struct store_stat st;
	int err = store_get(a->env.store, a->env.id, rec_key_slice(&key), &sealed);

	if (err != LL_ERR_NOTFOUND)
		return err ? err : LL_ERR_EXISTS;
	err = store_stat(a->env.store, a->env.id, &st);
	if (!err)
		err = account_random(a, a->head.set_key, sizeof(a->head.set_key));
	if (!err)
		err = vault_new(&a->env, &a->vault);
	if (!err) {
		a->version = st.version;
		a->head.next_page = 1;
		err = vault_load(a);
	}
	if (err == LL_ERR_NOTFOUND)
		err = vault_start(a);
	if (!err)
		err = txn_run(a, first_build, &m);
	if (err)
		making_drop(&m);
	return err;
}

int
account_create(const struct account_env *env)
{
	struct account *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return LL_ERR_NOMEM;
	a->env = *env;
	a->scratch = BUF_INIT(STORE_BLOB_MAX);
	err = first_commit(a);
	account_close(a);
	return err;
}
