/* What is known of texts: whether a condition on a message's text holds never changes, and is dear
 * to find out. It is remembered for every condition by itself, so that the same words are not
 * looked for twice in a letter, whoever asks, by whatever protocol, whatever else is asked with
 * them, and whatever happens in the mailbox meanwhile. */
#include "account/find.h"

#include "account/engine.h"
#include "base/secret.h"

#include <stdlib.h>

#define TABLES 64 /* conditions whose answers are kept */
#define KEPT_BYTES ((size_t)128 << 10) /* of them, when nobody asks for a while */

/* Two bits for each email. */
struct verdicts {
	struct buf key; /* empty: free */
	uint8_t *at;
	size_t bytes;
	uint64_t used;
};
struct verdict_store {
	struct verdicts tables[TABLES];
	uint64_t clock;
};

static void
verdicts_done(struct verdicts *v)
{
	buf_done(&v->key);
	if (v->at)
		secret_wipe(v->at, v->bytes);
	free(v->at);
	*v = (struct verdicts){.used = 0};
}

void
verdict_store_free(struct verdict_store *s)
{
	for (size_t i = 0; s && i < TABLES; i++)
		verdicts_done(&s->tables[i]);
	free(s);
}

size_t
verdict_store_bytes(const struct verdict_store *s)
{
	size_t n = 0;

	for (size_t i = 0; s && i < TABLES; i++)
		n += s->tables[i].bytes;
	return n;
}

void
verdict_store_trim(struct verdict_store *s)
{
	while (verdict_store_bytes(s) > KEPT_BYTES) {
		struct verdicts *oldest = NULL;
		for (size_t i = 0; i < TABLES; i++)
			if (s->tables[i].bytes && (!oldest || s->tables[i].used < oldest->used))
				oldest = &s->tables[i];
		verdicts_done(oldest);
	}
}

uint64_t
verdicts_now(const struct account *a)
{
	return a->verdicts ? a->verdicts->clock : 0;
}

/* The table of that key, or the one to put it in: that not used for longest, but none used after
 * `since`. */
static struct verdicts *
table_place(struct verdict_store *s, struct slice key, uint64_t since)
{
	struct verdicts *v = NULL;

	for (size_t i = 0; i < TABLES; i++) {
		struct verdicts *at = &s->tables[i];
		if (at->key.len && slice_eq(buf_slice(&at->key), key))
			return at;
		if (at->used <= since && (!v || at->used < v->used))
			v = at;
	}
	return v;
}

static bool
condition_key(const struct find_node *n, struct buf *out)
{
	buf_putc(out, (uint8_t)n->op);
	buf_put_blob(out, n->name);
	buf_put_blob(out, n->text);
	return !buf_err(out);
}

struct verdicts *
verdicts_of(struct account *a, const struct find_node *n, uint64_t since)
{
	CLEANUP(buf_done) struct buf key = BUF_SECRET((size_t)64 << 10);
	struct verdicts *v;

	if (!a->verdicts)
		a->verdicts = calloc(1, sizeof(*a->verdicts));
	if (!a->verdicts || !condition_key(n, &key))
		return NULL;
	v = table_place(a->verdicts, buf_slice(&key), since);
	if (!v)
		return NULL;
	if (!slice_eq(buf_slice(&v->key), buf_slice(&key))) {
		verdicts_done(v);
		v->key = key;
		key = BUF_INIT(0);
	}
	v->used = ++a->verdicts->clock;
	return v;
}

enum find_answer
verdict_get(const struct verdicts *v, uint32_t email)
{
	return v && email / 4 < v->bytes ? (enum find_answer)(v->at[email / 4] >> email % 4 * 2 & 3)
					 : ANSWER_UNKNOWN;
}

void
verdict_put(struct verdicts *v, const struct account *a, uint32_t email, bool yes)
{
	size_t bytes = (((size_t)a->head.next_page + 1) << SLOTS_LOG) / 4;
	uint8_t *at;

	if (!v || email / 4 >= bytes)
		return;
	if (v->bytes < bytes) {
		at = realloc(v->at, bytes);
		if (!at)
			return;
		memset(at + v->bytes, 0, bytes - v->bytes);
		v->at = at;
		v->bytes = bytes;
	}
	v->at[email / 4] |= (uint8_t)((yes ? ANSWER_YES : ANSWER_NO) << email % 4 * 2);
}
