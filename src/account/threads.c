/* Which thread a new message belongs to. Two messages are of one thread when they name a common
 * message id and have the same base subject (RFC 8621 section 3): so the index maps a keyed hash of
 * both together to the thread. It is read whole when first needed. */
#include "account/engine.h"

#include "keys/kdf.h"
#include "mail/fold.h"
#include "mail/subject.h"

#include <stdlib.h>

struct thread_slot {
	uint64_t hash; /* 0: free */
	uint32_t thread;
};

struct thread_index {
	struct thread_slot *at;
	size_t cap, len; /* cap: a power of two */
};

void
thread_index_free(struct thread_index *t)
{
	if (!t)
		return;
	free(t->at);
	free(t);
}

/* ---- Hashes of a message ---- */

static void
hash_add(const struct hmac *base, struct slice id, struct thread_hashes *h)
{
	struct hmac m = *base;
	uint8_t tag[HASH_MAX_LEN];
	uint64_t v;

	if (!id.len || h->n == THREAD_HASHES_MAX)
		return;
	hmac_put(&m, id);
	hmac_end(&m, tag);
	v = be64_get(tag) | 1;
	for (size_t i = 0; i < h->n; i++)
		if (h->at[i] == v)
			return;
	h->at[h->n++] = v;
}

/* The nearest ancestors: the last of References, then In-Reply-To, and the first of References. */
static void
hash_references(const struct hmac *base, const struct message_meta *m, struct thread_hashes *h)
{
	struct slice last[THREAD_HASHES_MAX - 3], first = SLICE_NONE, id;
	struct meta_list l = m->references;
	size_t n = 0;

	for (; meta_string_next(&l, &id); n++) {
		if (!n)
			first = id;
		last[n % ARRAY_SIZE(last)] = id;
	}
	for (size_t i = MIN(n, ARRAY_SIZE(last)); i; i--, n--)
		hash_add(base, last[(n - 1) % ARRAY_SIZE(last)], h);
	l = m->in_reply_to;
	if (meta_string_next(&l, &id))
		hash_add(base, id, h);
	hash_add(base, first, h);
}

int
thread_hashes_make(struct account *a, const struct message_meta *m, struct thread_hashes *ret)
{
	CLEANUP(buf_done) struct buf subject = BUF_INIT((size_t)1 << 20);
	CLEANUP(buf_done) struct buf folded = BUF_INIT((size_t)4 << 20);
	struct hmac base;

	ret->n = 0;
	if (m->envelope.subject.ptr)
		subject_base(&subject, m->envelope.subject, NULL);
	fold_all(buf_slice(&subject), &folded);
	if (buf_err(&subject) == LL_ERR_NOMEM || buf_err(&folded) == LL_ERR_NOMEM)
		return LL_ERR_NOMEM;
	hmac_init(&base, HASH_SHA256, SLICE_OF(a->head.set_key));
	hmac_put(&base, S("thread"));
	hmac_put(&base, buf_slice(&folded));
	hmac_put(&base, slice_new("", 1));
	hash_add(&base, m->id, ret);
	hash_references(&base, m, ret);
	return LL_OK;
}

int
thread_item_encode(const struct thread_hashes *h, uint32_t thread, struct buf *out)
{
	buf_put_varint(out, thread);
	for (size_t i = 0; i < h->n; i++)
		buf_put_be64(out, h->at[i]);
	return buf_err(out);
}

/* ---- Index ---- */

static struct thread_slot *
slot_of(const struct thread_index *t, uint64_t hash)
{
	size_t i = (size_t)(hash >> 1) & (t->cap - 1);

	while (t->at[i].hash && t->at[i].hash != hash)
		i = (i + 1) & (t->cap - 1);
	return &t->at[i];
}

static int
index_grow(struct thread_index *t)
{
	struct thread_index bigger = {.cap = t->cap ? t->cap * 2 : 256, .len = t->len};

	bigger.at = calloc(bigger.cap, sizeof(*bigger.at));
	if (!bigger.at)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < t->cap; i++)
		if (t->at[i].hash)
			*slot_of(&bigger, t->at[i].hash) = t->at[i];
	free(t->at);
	*t = bigger;
	return LL_OK;
}

/* The oldest thread that knows the id has it. */
static int
index_add(struct thread_index *t, uint64_t hash, uint32_t thread)
{
	struct thread_slot *s;
	int err = t->len * 4 >= t->cap * 3 ? index_grow(t) : LL_OK;

	if (err)
		return err;
	s = slot_of(t, hash);
	if (!s->hash) {
		t->len++;
		*s = (struct thread_slot){hash, thread};
	}
	return LL_OK;
}

static int
index_item(struct thread_index *t, struct slice item)
{
	struct reader r = reader_new(item);
	uint64_t thread = reader_varint(&r);
	int err = LL_OK;

	while (!err && !r.err && r.rest.len)
		err = index_add(t, reader_be64(&r), (uint32_t)thread);
	return err ? err : r.err ? LL_ERR_CORRUPT : LL_OK;
}

static int
index_part(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct reader r = reader_new(plain);
	int err = LL_OK;

	(void)reader_u8(&r);
	while (!err && !r.err && r.rest.len) {
		(void)reader_u8(&r);
		err = index_item(ctx, reader_blob(&r));
	}
	return err ? err : r.err ? LL_ERR_CORRUPT : LL_OK;
}

static int
index_load(struct account *a)
{
	struct thread_index *t;
	int err;

	if (a->threads)
		return LL_OK;
	t = calloc(1, sizeof(*t));
	if (!t)
		return LL_ERR_NOMEM;
	err = rec_each(a, REC_THR, (struct store_id){{0}}, 0, UINT64_MAX, index_part, t);
	if (err)
		thread_index_free(t);
	else
		a->threads = t;
	return err;
}

int
thread_find(struct account *a, const struct thread_hashes *h, uint32_t own, uint32_t *ret)
{
	int err = h->n ? index_load(a) : LL_OK;

	if (err)
		return err;
	*ret = own;
	for (size_t i = 0; i < h->n && a->threads->cap; i++) {
		const struct thread_slot *s = slot_of(a->threads, h->at[i]);
		if (s->hash) {
			*ret = s->thread;
			break;
		}
	}
	return LL_OK;
}

void
thread_learn(struct account *a, const struct thread_hashes *h, uint32_t thread)
{
	for (size_t i = 0; i < h->n && a->threads; i++)
		if (index_add(a->threads, h->at[i], thread))
			thread_index_free(TAKE(a->threads));
}
