/* Admission: deliveries that wait under m/in/ are opened, put into their mailboxes and deleted from
 * there in one commit per batch, so that each arrives exactly once. One that does not open is moved
 * to m/bad/ and never holds up the others. */
#include "account/arrive.h"
#include "account/delivered.h"
#include "account/parcel.h"
#include "account/rule_priv.h"
#include "base/secret.h"

#include <stdlib.h>

#define BATCH_MAX 64
#define BATCH_BYTES                                                                                \
	((size_t)72 << 10) /* of entries in one commit, beside rows of several mailboxes */

struct waiting {
	uint8_t key[IN_KEY_LEN];
	struct buf plain;
	struct delivered d;
	struct store_id box; /* where it goes */
	struct mailbox *mb;
	struct arrival x;
};

struct batch {
	struct account *a;
	struct waiting *at; /* room for BATCH_MAX, made for the first */
	size_t n, bytes;
	struct rules *rules; /* NULL: none */
	bool full; /* more are waiting */
	bool retry;
	/* One that did not open; the batch ends before it. */
	uint8_t bad_key[STORE_KEY_MAX];
	size_t bad_len;
	struct buf bad;
};

static void
batch_done(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		buf_done(&b->at[i].plain);
	buf_done(&b->bad);
	rules_free(b->rules);
	free(b->at);
}

/* ---- Opening ---- */

static int
opener_for(struct account *a, uint32_t keyver, struct record_opener **ret)
{
	for (size_t i = 0; i < a->vault->n; i++) {
		int err;
		if (a->vault->at[i].version != keyver)
			continue;
		while (a->openers.len <= i)
			if (VEC_PUSH(&a->openers, NULL))
				return LL_ERR_NOMEM;
		if (!a->openers.at[i]) {
			err = record_opener_new(a->vault->at[i].area.seal, &a->openers.at[i]);
			if (err)
				return err;
		}
		*ret = a->openers.at[i];
		return LL_OK;
	}
	return LL_ERR_AUTH;
}

static int
waiting_open(struct account *a, struct waiting *w, struct slice value)
{
	struct record_want want = {.any = 0};
	struct record_header h;
	struct record_opener *o;
	int err = record_parse(value, &h);

	if (!err)
		err = opener_for(a, h.keyver, &o);
	if (err)
		return err;
	want.header = delivered_header(a->env.id, w->key + IN_KEY_LEN - RECORD_ID_LEN, h.keyver);
	err = record_kem_open(o, &want, value, &h, &w->plain);
	return err ? err : delivered_decode(buf_slice(&w->plain), &w->d);
}

/* Metadata that does not stand in the record: from the side blob. */
static int
waiting_meta(struct account *a, struct waiting *w, struct buf *side, struct message_meta *m)
{
	struct slice bytes = w->d.meta;

	if (w->d.side_meta) {
		int err = entry_side(a, &w->x.entry, side);
		if (err)
			return err;
		bytes = slice_sub(buf_slice(side), 0, w->d.side_meta);
	}
	return message_meta_decode(bytes, m);
}

static int
waiting_arrival(struct account *a, struct waiting *w)
{
	CLEANUP(buf_done) struct buf side = BUF_SECRET(META_BYTES_MAX + SIGNATURE_BYTES_MAX);
	struct message_meta m;
	struct entry *e = &w->x.entry;
	int err;

	*e = (struct entry){.keyver = vault_current(a->vault),
		.internal_date = w->d.internal_date,
		.size = w->d.size,
		.blob = w->d.blob,
		.side = w->d.side,
		.side_meta = w->d.side_meta,
		.side_sig = w->d.side_sig,
		.recipient = w->d.recipient,
		.meta = w->d.meta};
	w->x.sig = w->d.sig;
	err = vault_mask(a->vault, e->keyver, e->blob, w->d.key, e->key);
	secret_wipe(w->d.key, sizeof(w->d.key));
	if (!err)
		err = waiting_meta(a, w, &side, &m);
	if (!err && m.size != w->d.size)
		err = LL_ERR_CORRUPT;
	return err ? err : thread_hashes_make(a, &m, &w->x.hashes);
}

/* Errors that say nothing about the record itself. */
static bool
error_is_ours(int err)
{
	return err == LL_ERR_NOMEM || err == LL_ERR_IO || err == LL_ERR_CLOSED;
}

static int
batch_row(void *ctx, struct slice key, struct slice value)
{
	struct batch *b = ctx;
	struct waiting *w;
	int err = LL_ERR_SYNTAX;

	if (!b->at && !(b->at = calloc(BATCH_MAX, sizeof(*b->at))))
		return LL_ERR_NOMEM;
	w = &b->at[b->n];
	*w = (struct waiting){.plain = BUF_SECRET(STORE_VALUE_MAX)};
	if (key.len == IN_KEY_LEN) {
		memcpy(w->key, key.ptr, key.len);
		err = waiting_open(b->a, w, value);
		if (!err)
			err = waiting_arrival(b->a, w);
	}
	if (!err && b->n && b->bytes + arrival_bytes(&w->x) > BATCH_BYTES) {
		buf_done(&w->plain);
		b->full = true;
		return 1;
	}
	if (!err) {
		b->bytes += arrival_bytes(&w->x);
		b->n++;
		return LL_OK;
	}
	buf_done(&w->plain);
	if (error_is_ours(err))
		return err;
	memcpy(b->bad_key, key.ptr, key.len);
	b->bad_len = key.len;
	err = buf_put(&b->bad, value);
	b->full = true;
	return err ? err : 1;
}

/* ---- Where they go ---- */

static struct mailbox *
target_find(struct account *a, const struct delivered *d, struct buf *name)
{
	struct mailbox *mb = NULL;

	if (d->role != MAILBOX_NO_ROLE)
		return account_mailbox_by_role(a, (enum mailbox_role)d->role);
	if (!mailbox_name_normalise(name, d->mailbox))
		mb = boxes_find(a, buf_slice(name));
	return mb;
}

/* What the delivery asks for, or else the inbox. */
static int
delivered_target(struct account *a, const struct waiting *w, struct mailbox **ret)
{
	CLEANUP(buf_done) struct buf name = BUF_INIT(MAILBOX_NAME_MAX);
	struct mailbox *mb = target_find(a, &w->d, &name);
	int err = LL_OK;

	if (!mb && w->d.create && name.len) {
		err = account_mailbox_create(a, buf_slice(&name), MAILBOX_NO_ROLE, &mb);
		if (err == LL_ERR_LIMIT)
			err = LL_OK;
	}
	if (!mb)
		mb = account_mailbox_by_role(a, MAILBOX_INBOX);
	if (!err && !mb)
		err = LL_ERR_CORRUPT;
	if (!err)
		*ret = mb;
	return err;
}

/* Mail that was put aside as forged is nothing for rules. */
static int
waiting_rules(struct batch *b, struct waiting *w, struct rule_outcome *out)
{
	CLEANUP(buf_done) struct buf side = BUF_SECRET(META_BYTES_MAX + SIGNATURE_BYTES_MAX);
	struct message_meta meta;
	struct rule_message m = {&w->x.entry, &meta, w->d.recipient};
	int err;

	if (!b->rules || w->d.role == MAILBOX_JUNK)
		return LL_OK;
	err = waiting_meta(b->a, w, &side, &meta);
	if (!err)
		err = rules_apply(b->a, b->rules, &m, out);
	return err && error_is_ours(err) ? err : LL_OK;
}

/* Adds the names one by one when they do not go in together: better some than none. */
static int
keywords_add(struct mailbox *mb, const struct slice *names, size_t n, uint64_t *flags)
{
	uint64_t bits = 0;
	int err = n ? mailbox_keywords_add(mb, names, n, &bits) : LL_OK;

	for (size_t i = 0; i < n && n > 1 && (err == LL_ERR_SYNTAX || err == LL_ERR_LIMIT); i++) {
		uint64_t bit = 0;
		int e = mailbox_keywords_add(mb, &names[i], 1, &bit);
		bits |= bit;
		if (e && e != LL_ERR_SYNTAX && e != LL_ERR_LIMIT)
			err = e;
	}
	*flags |= bits;
	return err == LL_ERR_SYNTAX || err == LL_ERR_LIMIT ? LL_OK : err;
}

static int
waiting_target(struct batch *b, struct waiting *w)
{
	struct rule_outcome out = {.placed = false};
	struct mailbox *mb = NULL;
	uint64_t keywords = 0;
	int err = waiting_rules(b, w, &out);

	if (!err && out.placed)
		mb = account_mailbox_by_id(b->a, out.mailbox);
	if (!err && !mb)
		err = delivered_target(b->a, w, &mb);
	if (err)
		return err;
	w->box = mb->s.info.id;
	err = mailbox_load(mb);
	if (!err)
		err = keywords_add(mb, w->d.keywords, w->d.n_keywords, &keywords);
	if (!err)
		err = keywords_add(mb, out.keywords, out.n_keywords, &keywords);
	w->x.flags = ((w->d.flags | out.flags) & FLAGS_SYSTEM) | keywords;
	return err;
}

/* Adding keywords and mailboxes are commits, after which a mailbox found before may be gone. */
static int
waiting_box(struct account *a, struct waiting *w)
{
	w->mb = account_mailbox_by_id(a, w->box);
	return w->mb ? mailbox_load(w->mb) : LL_ERR_AGAIN;
}

/* ---- The commit ---- */

/* Those for one mailbox, in the order in which they came. */
static int
admit_box(struct txn *t, struct batch *b, struct mailbox *mb)
{
	struct arrival some[BATCH_MAX];
	struct txn_box *box = txn_box_get(t, mb);
	size_t n = 0;
	int err;

	for (size_t i = 0; i < b->n; i++)
		if (b->at[i].mb == mb)
			some[n++] = b->at[i].x;
	if (!box)
		return LL_ERR_NOMEM;
	err = arrivals_place(t, box, some, n);
	return err ? err : arrivals_rows(t, box, some, n);
}

static int
admit_build(struct txn *t, void *ctx)
{
	struct batch *b = ctx;
	int err = LL_OK;

	if (b->retry)
		return LL_ERR_AGAIN; /* what was looked up before may be gone: begin anew */
	b->retry = true;
	for (size_t i = 0; i < b->n && !err; i++) {
		bool first = true;
		for (size_t k = 0; k < i; k++)
			first &= b->at[k].mb != b->at[i].mb;
		if (first)
			err = admit_box(t, b, b->at[i].mb);
	}
	for (size_t i = 0; i < b->n && !err; i++)
		err = txn_del_key(t, SLICE_OF(b->at[i].key));
	t->delivered = true;
	t->grows = false; /* the quota was looked at when it was delivered */
	return err;
}

static int
batch_admit(struct batch *b)
{
	int err = rules_load(b->a, &b->rules);

	for (size_t i = 0; i < b->n && !err; i++)
		err = waiting_target(b, &b->at[i]);
	for (size_t i = 0; i < b->n && !err; i++)
		err = waiting_box(b->a, &b->at[i]);
	if (!err)
		err = txn_run(b->a, admit_build, b);
	if (err)
		thread_index_free(TAKE(b->a->threads));
	else
		gc_keep_up(b->a);
	return err;
}

static int
bad_build(struct txn *t, void *ctx)
{
	struct batch *b = ctx;
	CLEANUP(buf_done) struct buf key = BUF_INIT(STORE_KEY_MAX);
	int err;

	t->silent = true;
	buf_puts(&key, BAD_PREFIX);
	buf_put(&key, slice_skip(slice_new(b->bad_key, b->bad_len), sizeof(IN_PREFIX) - 1));
	err = buf_err(&key);
	if (!err)
		err = txn_put_raw(t, buf_slice(&key), buf_slice(&b->bad));
	return err ? err : txn_del_key(t, slice_new(b->bad_key, b->bad_len));
}

static int
batch_bad(struct batch *b)
{
	int err = txn_run(b->a, bad_build, b);

	if (!err)
		b->a->bad++;
	return err;
}

/* One batch; *ret_more when others may be waiting. */
static int
admit_batch(struct account *a, size_t most, bool *ret_more)
{
	CLEANUP(batch_done) struct batch b = {.a = a, .bad = BUF_INIT(STORE_VALUE_MAX)};
	int err = store_range(
		a->env.store, a->env.id, S(IN_PREFIX), S("m/in0"), most, batch_row, &b, ret_more);

	if (err > 0)
		err = LL_OK;
	if (!err && b.n)
		err = batch_admit(&b);
	if (!err && b.bad_len)
		err = batch_bad(&b);
	*ret_more |= b.full;
	return err;
}

int
account_poll(struct account *a)
{
	bool more = true;
	size_t most = BATCH_MAX;
	int tries = 0, err;

	a->stale = true;
	a->poll_again = a->busy != 0;
	if (a->busy) /* the store rang from within a commit */
		return LL_OK;
	(void)store_rang(a->env.store, a->env.id); /* what rings from here on is news */
	err = account_reload(a);

	while (!err && more) {
		more = false;
		err = admit_batch(a, most, &more);
		if (err == LL_ERR_AGAIN && tries++ < 16) {
			more = true;
			err = LL_OK;
		} else if (err == LL_ERR_LIMIT && most > 1) {
			most /= 2; /* scattered over more mailboxes than a commit holds */
			more = true;
			err = LL_OK;
		}
	}
	a->stale = err != LL_OK;
	return err;
}

int
account_freshen(struct account *a)
{
	return a->stale || store_rang(a->env.store, a->env.id) ? account_poll(a) : LL_OK;
}
