/* The account as a whole: opening, listeners, caches, and reading of records. */
#include "account/engine.h"

#include "base/secret.h"

#include <stdlib.h>

#define QUOTA_STEPS 8

const uint8_t signature_key[SEARCH_KEY_BYTES] = "letterlock/sig1";

int64_t
account_now(const struct account *a)
{
	return a->env.now(a->env.ctx);
}

int
account_random(const struct account *a, void *p, size_t n)
{
	return a->env.random(a->env.ctx, p, n);
}

struct store_id
account_id(const struct account *a)
{
	return a->env.id;
}

uint64_t
account_modseq(const struct account *a)
{
	return a->head.modseq;
}

uint64_t
account_bad_deliveries(const struct account *a)
{
	return a->bad;
}

/* ---- Records ---- */

int
rec_get(struct account *a, const struct rec_id *id, uint64_t rev, uint64_t *ret_rev,
	struct buf *out)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	struct rec_key key = rec_key_make(id);
	int err = store_get(a->env.store, a->env.id, rec_key_slice(&key), &sealed);

	if (err)
		return err;
	return vault_open(a->vault, a->env.id, id, rev, buf_slice(&sealed), ret_rev, out);
}

struct each {
	struct account *a;
	enum rec_type type;
	rec_row *row;
	void *ctx;
	struct buf plain;
	uint8_t last[STORE_KEY_MAX];
	size_t last_len;
};

static int
each_record(void *ctx, struct slice key, struct slice value)
{
	struct each *e = ctx;
	struct rec_id id;
	uint64_t rev;
	int err = rec_key_parse(key, e->type, &id);

	if (err)
		return err;
	memcpy(e->last, key.ptr, key.len);
	e->last_len = key.len;
	buf_reset(&e->plain);
	err = vault_open(e->a->vault, e->a->env.id, &id, REV_ANY, value, &rev, &e->plain);
	return err ? err : e->row(e->ctx, &id, rev, buf_slice(&e->plain));
}

int
rec_each(struct account *a, enum rec_type type, struct store_id box, uint64_t from, uint64_t to,
	rec_row *row, void *ctx)
{
	struct each e = {a, type, row, ctx, BUF_INIT(STORE_VALUE_MAX), {0}, 0};
	struct rec_key lo, hi;
	bool more = true;
	int err = LL_OK;

	rec_key_range(type, box, from, to, &lo, &hi);
	while (!err && more) {
		struct slice start = rec_key_slice(&lo);
		if (e.last_len) { /* the least key behind the last */
			e.last[e.last_len++] = 0;
			start = slice_new(e.last, e.last_len);
		}
		more = false;
		err = store_range(a->env.store, a->env.id, start, rec_key_slice(&hi), 0,
			each_record, &e, &more);
	}
	buf_done(&e.plain);
	return err;
}

/* ---- Head ---- */

static int
head_load(struct account *a)
{
	struct rec_id id = {.type = REC_HEAD};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	struct head h;
	uint64_t rev;
	int err = rec_get(a, &id, REV_ANY, &rev, &plain);

	if (!err)
		err = head_decode(buf_slice(&plain), &h);
	if (err)
		return err;
	if (h.rev != rev || h.rev < a->head.rev) /* never backwards */
		return LL_ERR_AUTH;
	a->head = h;
	return LL_OK;
}

/* Version and head that belong together. */
static int
head_load_stable(struct account *a)
{
	for (int i = 0; i < 16; i++) {
		struct store_stat before, after;
		int err = store_stat(a->env.store, a->env.id, &before);
		if (!err)
			err = head_load(a);
		if (!err)
			err = store_stat(a->env.store, a->env.id, &after);
		if (err)
			return err;
		a->version = after.version;
		if (before.version == after.version)
			return LL_OK;
	}
	return LL_ERR_AGAIN;
}

static int
orphan_add(void *ctx, struct slice name)
{
	struct account *a = ctx;
	uint8_t *p = malloc(name.len + 1);

	if (!p || VEC_PUSH(&a->orphans, slice_new(p, name.len))) {
		free(p);
		return LL_ERR_NOMEM;
	}
	memcpy(p, name.ptr, name.len);
	return LL_OK;
}

void
orphans_done(struct account *a)
{
	VEC_EACH (o, &a->orphans) {
		union {
			const uint8_t *view;
			void *mem;
		} u = {.view = o->ptr};
		free(u.mem);
	}
	VEC_DONE(&a->orphans);
}

int
orphans_load(struct account *a)
{
	struct rec_id id = {.type = REC_SUBS};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	struct reader r;
	int err = LL_OK;

	orphans_done(a);
	if (!a->head.subs_rev)
		return LL_OK;
	err = rec_get(a, &id, a->head.subs_rev, NULL, &plain);
	if (err)
		return err == LL_ERR_NOTFOUND ? LL_ERR_AUTH : err;
	r = reader_new(buf_slice(&plain));
	while (!err && !r.err && r.rest.len)
		err = orphan_add(a, reader_blob(&r));
	return err ? err : reader_end(&r) ? LL_ERR_CORRUPT : LL_OK;
}

/* Everything that is always in memory, as of one version. */
static int
account_load(struct account *a)
{
	int err = LL_ERR_AGAIN;

	for (int i = 0; i < 16; i++) {
		struct store_stat now;
		err = head_load_stable(a);
		if (err)
			return err;
		err = boxes_load(a);
		if (!err)
			err = orphans_load(a);
		if (store_stat(a->env.store, a->env.id, &now))
			return LL_ERR_IO;
		if (now.version == a->version)
			return err;
	}
	return err;
}

bool
account_stale(struct account *a)
{
	struct store_stat now;

	return !store_stat(a->env.store, a->env.id, &now) && now.version != a->version;
}

int
account_reload(struct account *a)
{
	struct store_stat now;
	uint64_t rev = a->head.rev;
	int err = store_stat(a->env.store, a->env.id, &now);

	if (err || now.version == a->version)
		return err;
	err = head_load_stable(a);
	if (err || a->head.rev == rev) /* a commit to records that are not ours */
		return err;
	thread_index_free(TAKE(a->threads));
	refs_done(&a->refs);
	gc_done(&a->gc);
	log_done(&a->log);
	objects_done(&a->objects);
	email_view_free(TAKE(a->emails));
	verdict_store_free(TAKE(a->verdicts));
	err = account_load(a);
	for (size_t i = 0; !err && i < a->boxes.len; i++)
		if (a->boxes.at[i]->users)
			err = mailbox_load(a->boxes.at[i]);
	if (!err)
		account_notify(a, NULL, ACCOUNT_RELOADED);
	return err;
}

/* ---- Open and close ---- */

static int
account_start(struct account *a)
{
	int err = vault_new(&a->env, &a->vault);

	if (!err)
		err = vault_load(a);
	a->env.secrets = NULL;
	a->cache.map = map_new();
	if (!err && !a->cache.map)
		err = LL_ERR_NOMEM;
	return err ? err : account_load(a);
}

int
account_open(const struct account_env *env, struct account **ret)
{
	struct account *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return LL_ERR_NOMEM;
	a->env = *env;
	a->scratch = BUF_INIT(STORE_BLOB_MAX);
	err = account_start(a);
	if (!err && (err = account_rename_resume(a)) == LL_ERR_AGAIN)
		err = LL_OK; /* the disk is full: the mail can be read, and the next one tries */
	if (err) {
		account_close(a);
		return err;
	}
	*ret = a;
	return LL_OK;
}

void
account_trim(struct account *a)
{
	size_t messages = 0;

	page_cache_drop(a);
	body_drop(a);
	email_view_free(TAKE(a->emails));
	verdict_store_trim(a->verdicts);
	log_done(&a->log);
	objects_done(&a->objects);
	thread_index_free(TAKE(a->threads));
	refs_done(&a->refs);
	gc_done(&a->gc);
	signature_builder_free(TAKE(a->signer));
	VEC_EACH (o, &a->openers)
		record_opener_free(*o);
	VEC_DONE(&a->openers);
	VEC_EACH (mb, &a->boxes) {
		mailbox_shrink(*mb);
		messages += (*mb)->s.info.exists;
	}
	brief_index_trim(a, messages);
}

size_t
account_cached(const struct account *a)
{
	size_t n = a->cache.bytes + a->scratch.cap + brief_index_bytes(a->briefs) +
		email_view_bytes(a->emails) + verdict_store_bytes(a->verdicts) +
		a->log.events.cap * sizeof(struct log_event);

	VEC_EACH (mb, &a->boxes)
		n += (*mb)->rows.cap * sizeof(struct message_row) + (*mb)->gone_tail.cap;
	return n;
}

void
account_close(struct account *a)
{
	if (!a)
		return;
	account_trim(a);
	verdict_store_free(a->verdicts);
	VEC_EACH (mb, &a->boxes)
		mailbox_free(*mb);
	VEC_DONE(&a->boxes);
	VEC_EACH (mb, &a->dead)
		mailbox_free(*mb);
	VEC_DONE(&a->dead);
	orphans_done(a);
	brief_index_free(a->briefs);
	map_free(a->cache.map, NULL);
	vault_free(a->vault);
	free(a);
}

/* ---- Listeners ---- */

void
account_listen(struct account *a, struct account_listener *l)
{
	l->next = a->listeners;
	a->listeners = l;
}

void
account_unlisten(struct account *a, struct account_listener *l)
{
	for (struct account_listener **p = &a->listeners; *p; p = &(*p)->next)
		if (*p == l) {
			*p = l->next;
			return;
		}
}

void
account_notify(struct account *a, struct mailbox *mb, unsigned events)
{
	for (struct account_listener *l = a->listeners, *next; l; l = next) {
		next = l->next;
		l->changed(l, mb, events);
	}
}

/* ---- Lists and numbers ---- */

struct mailbox *const *
account_mailboxes(const struct account *a, size_t *ret_n)
{
	*ret_n = a->boxes.len;
	return a->boxes.at;
}

struct mailbox *
account_mailbox_by_id(const struct account *a, struct store_id id)
{
	VEC_EACH (mb, &a->boxes)
		if (!memcmp((*mb)->s.info.id.b, id.b, sizeof(id.b)))
			return *mb;
	return NULL;
}

struct mailbox *
account_mailbox_by_role(const struct account *a, enum mailbox_role role)
{
	VEC_EACH (mb, &a->boxes)
		if (role != MAILBOX_NO_ROLE && (*mb)->s.info.role == role)
			return *mb;
	return NULL;
}

const struct slice *
account_orphan_subscriptions(const struct account *a, size_t *ret_n)
{
	*ret_n = a->orphans.len;
	return a->orphans.at;
}

int
account_quota(struct account *a, struct account_quota *ret)
{
	struct store_stat st;
	struct account_quota q = {.limit = a->env.quota};
	int err = LL_OK;

	/* What has just been expunged should not count. */
	for (int i = 0; i < QUOTA_STEPS && a->head.gcs && !err; i++)
		err = gc_step(a);
	if (!err)
		err = store_stat(a->env.store, a->env.id, &st);
	if (err)
		return err;
	q.bytes = st.blob_bytes;
	VEC_EACH (mb, &a->boxes)
		q.messages += (*mb)->s.info.exists;
	*ret = q;
	return LL_OK;
}

int
account_work(struct account *a, bool *ret_more)
{
	int err = a->poll_again ? account_poll(a) : LL_OK;

	if (!err && gc_pending(a))
		err = gc_step(a);
	if (!err)
		*ret_more = gc_pending(a) || a->poll_again;
	return err;
}

const struct mailbox_info *
mailbox_info(const struct mailbox *mb)
{
	return &mb->s.info;
}

struct account *
mailbox_account(const struct mailbox *mb)
{
	return mb->account;
}

bool
mailbox_gone(const struct mailbox *mb)
{
	return mb->gone;
}

uint32_t
mailbox_claim_recent(struct mailbox *mb)
{
	uint32_t from = mb->s.info.recent_from;

	mb->s.info.recent_from = mb->s.info.uidnext;
	return from;
}
