/* The index of briefs. Emails never change, so neither does a brief; what is not there is read page
 * by page. Texts repeat (threads, correspondents): each is kept once and named by a number, and the
 * numbers are ranked when somebody sorts, so that sorting compares numbers only. */
#include "account/brief.h"

#include "account/engine.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/subject.h"

#include <sodium.h>
#include <stdlib.h>

#define HERE 0x8000u /* in flags, while it is in the index */
#define SPARE 10000u /* briefs of emails that have gone, before all are dropped */

struct brief_page {
	struct brief at[SLOTS];
};

struct brief_texts {
	uint8_t *bytes; /* one behind the other */
	size_t len, cap;
	VEC(uint32_t) end; /* of each, by name */
	uint32_t *slot; /* hash table of names, 0: free */
	size_t slots; /* a power of two */
	VEC(uint32_t) rank; /* by name */
	VEC(uint32_t) order; /* names in order; those that were ranked so far */
	uint8_t key[crypto_shorthash_KEYBYTES];
};

struct brief_index {
	VEC(struct brief_page *) pages; /* by page number */
	size_t count;
	struct brief_texts texts;
	struct buf scratch, text;
};

void
brief_index_free(struct brief_index *x)
{
	if (!x)
		return;
	VEC_EACH (p, &x->pages)
		free(*p);
	VEC_DONE(&x->pages);
	free(x->texts.bytes);
	free(x->texts.slot);
	VEC_DONE(&x->texts.end);
	VEC_DONE(&x->texts.rank);
	VEC_DONE(&x->texts.order);
	buf_done(&x->scratch);
	buf_done(&x->text);
	free(x);
}

size_t
brief_index_bytes(const struct brief_index *x)
{
	const struct brief_texts *t;
	size_t pages = 0;

	if (!x)
		return 0;
	VEC_EACH (p, &x->pages)
		pages += *p != NULL;
	t = &x->texts;
	return sizeof(*x) + x->pages.cap * sizeof(void *) + pages * sizeof(struct brief_page) +
		t->cap + (t->end.cap + t->rank.cap + t->order.cap + t->slots) * sizeof(uint32_t);
}

void
brief_index_trim(struct account *a, size_t messages)
{
	struct brief_index *x = a->briefs;

	if (!x)
		return;
	buf_done(&x->scratch);
	buf_done(&x->text);
	if (x->count > 2 * messages + SPARE)
		brief_index_free(TAKE(a->briefs));
}

static int
index_make(struct account *a)
{
	struct brief_index *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return LL_ERR_NOMEM;
	x->scratch = BUF_SECRET((size_t)1 << 20);
	x->text = BUF_SECRET((size_t)4 << 20);
	err = account_random(a, x->texts.key, sizeof(x->texts.key));
	if (!err) /* name 0: the empty text */
		err = VEC_PUSH(&x->texts.end, 0);
	if (err)
		brief_index_free(x);
	else
		a->briefs = x;
	return err;
}

/* ---- Texts ---- */

static struct slice
text_of(const struct brief_texts *t, uint32_t name)
{
	uint32_t from = name ? t->end.at[name - 1] : 0;

	return slice_new(t->bytes + from, t->end.at[name] - from);
}

static uint64_t
text_hash(const struct brief_texts *t, struct slice s)
{
	uint64_t h;

	crypto_shorthash((uint8_t *)&h, s.ptr, s.len, t->key);
	return h;
}

/* Where the name of a text is or would be. */
static uint32_t *
text_slot(const struct brief_texts *t, struct slice s)
{
	size_t i = (size_t)text_hash(t, s) & (t->slots - 1);

	while (t->slot[i] && !slice_eq(text_of(t, t->slot[i]), s))
		i = (i + 1) & (t->slots - 1);
	return &t->slot[i];
}

static int
texts_grow(struct brief_texts *t)
{
	size_t slots = t->slots ? t->slots * 2 : 256;
	uint32_t *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return LL_ERR_NOMEM;
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
	for (uint32_t name = 1; name < t->end.len; name++)
		*text_slot(t, text_of(t, name)) = name;
	return LL_OK;
}

static int
text_add(struct brief_texts *t, struct slice s)
{
	if (t->len + s.len > UINT32_MAX || t->end.len == UINT32_MAX)
		return LL_ERR_LIMIT;
	if (vec_reserve((void **)&t->bytes, &t->cap, 1, t->len + s.len) ||
		VEC_PUSH(&t->end, (uint32_t)(t->len + s.len)))
		return LL_ERR_NOMEM;
	memcpy(t->bytes + t->len, s.ptr, s.len);
	t->len += s.len;
	return LL_OK;
}

static int
text_name(struct brief_texts *t, struct slice s, uint32_t *ret)
{
	uint32_t *slot;
	int err = t->end.len * 4 >= t->slots * 3 ? texts_grow(t) : LL_OK;

	*ret = 0;
	s = slice_sub(s, 0, MIN(s.len, BRIEF_TEXT_MAX));
	if (err || !s.len)
		return err;
	slot = text_slot(t, s);
	if (!*slot) {
		err = text_add(t, s);
		if (err)
			return err;
		*slot = (uint32_t)t->end.len - 1;
	}
	*ret = *slot;
	return LL_OK;
}

static int
name_cmp(const void *a, const void *b, void *ctx)
{
	return slice_cmp(text_of(ctx, *(const uint32_t *)a), text_of(ctx, *(const uint32_t *)b));
}

/* The new names, sorted, are merged into the order from its end. */
static int
ranks_merge(struct brief_texts *t)
{
	size_t old = t->order.len, n = t->end.len - old, at = t->end.len;
	uint32_t *fresh = malloc(n * sizeof(*fresh));

	if (!fresh || VEC_RESERVE(&t->order, t->end.len) || VEC_RESERVE(&t->rank, t->end.len)) {
		free(fresh);
		return LL_ERR_NOMEM;
	}
	for (size_t i = 0; i < n; i++)
		fresh[i] = (uint32_t)(old + i);
	qsort_r(fresh, n, sizeof(*fresh), name_cmp, t);
	while (n)
		t->order.at[--at] = old && name_cmp(&t->order.at[old - 1], &fresh[n - 1], t) > 0
			? t->order.at[--old]
			: fresh[--n];
	free(fresh);
	t->order.len = t->rank.len = t->end.len;
	for (size_t i = 0; i < t->order.len; i++)
		t->rank.at[t->order.at[i]] = (uint32_t)i;
	return LL_OK;
}

int
briefs_rank(struct account *a)
{
	int err = a->briefs ? LL_OK : index_make(a);

	if (err || a->briefs->texts.order.len == a->briefs->texts.end.len)
		return err;
	return ranks_merge(&a->briefs->texts);
}

uint32_t
brief_rank(const struct account *a, uint32_t text)
{
	return a->briefs->texts.rank.at[text];
}

/* ---- Collation keys ---- */

static bool
is_named(enum brief_text kind)
{
	return kind == BRIEF_NAMED_FROM || kind == BRIEF_NAMED_TO;
}

/* The first address of a list: its mailbox part, or what a reader shows for it. */
static int
key_address(const struct message_meta *m, enum brief_text kind, struct buf *out)
{
	bool to = kind == BRIEF_SHOWN_TO || kind == BRIEF_NAMED_TO, found;
	struct meta_list l = m->envelope.lists[to ? META_TO : META_FROM];
	struct address addr;

	do {
		found = meta_address_next(&l, &addr);
	} while (found && is_named(kind) && addr.kind != ADDRESS_MAILBOX);
	return found ? brief_address(&addr, kind != BRIEF_FROM, out) : LL_OK;
}

static bool
starts_with_group(const struct message_meta *m, enum meta_envelope_list list)
{
	struct meta_list l = m->envelope.lists[list];
	struct address addr;

	return meta_address_next(&l, &addr) && addr.kind != ADDRESS_MAILBOX;
}

int
brief_address(const struct address *addr, bool display, struct buf *out)
{
	if (addr->kind == ADDRESS_GROUP || (display && addr->name.len))
		return encoded_word_decode(out, addr->name);
	return display ? address_put_bare(out, addr) : buf_put(out, addr->local);
}

/* Appends the collation key of one kind. */
static int
brief_key(const struct message_meta *m, enum brief_text kind, struct buf *scratch, struct buf *out)
{
	int err;

	buf_reset(scratch);
	if (kind != BRIEF_SUBJECT)
		err = key_address(m, kind, scratch);
	else
		err = m->envelope.subject.ptr ? subject_base(scratch, m->envelope.subject, NULL)
					      : LL_OK;
	return err ? err : fold_casemap(buf_slice(scratch), out);
}

/* ---- Reading ---- */

static int
brief_text_make(
	struct brief_index *x, const struct message_meta *m, enum brief_text kind, uint32_t *ret)
{
	int err;

	buf_reset(&x->text);
	err = brief_key(m, kind, &x->scratch, &x->text);
	return err ? err : text_name(&x->texts, buf_slice(&x->text), ret);
}

static int
brief_make(struct account *a, struct page *p, uint32_t email, struct brief *ret)
{
	struct brief_index *x = a->briefs;
	const struct message_meta *m = p->meta[email & (SLOTS - 1)];
	struct message_meta own;
	struct entry e;
	int err = entry_decode(p->item[email & (SLOTS - 1)], &e);

	if (!err && !m && e.side_meta)
		err = entry_meta(a, p, email, &e, &m);
	else if (!err && !m)
		err = message_meta_decode(e.meta, &own);
	if (err)
		return err;
	a->spent += SPENT_META;
	m = m ? m : &own;
	*ret = (struct brief){.received = e.internal_date,
		.sent = m->flags & META_HAS_DATE ? m->date : e.internal_date,
		.thread = e.thread,
		.flags = (uint16_t)(m->flags | HERE),
		.zone = m->zone};
	for (int i = 0; i < BRIEF_NAMED_FROM && !err; i++)
		err = brief_text_make(x, m, (enum brief_text)i, &ret->text[i]);
	ret->text[BRIEF_NAMED_FROM] = ret->text[BRIEF_SHOWN_FROM];
	ret->text[BRIEF_NAMED_TO] = ret->text[BRIEF_SHOWN_TO];
	if (!err && starts_with_group(m, META_FROM))
		err = brief_text_make(x, m, BRIEF_NAMED_FROM, &ret->text[BRIEF_NAMED_FROM]);
	if (!err && starts_with_group(m, META_TO))
		err = brief_text_make(x, m, BRIEF_NAMED_TO, &ret->text[BRIEF_NAMED_TO]);
	return err;
}

static struct brief_page *
page_room(struct brief_index *x, uint32_t no)
{
	if (VEC_RESERVE(&x->pages, (size_t)no + 1))
		return NULL;
	while (x->pages.len <= no)
		x->pages.at[x->pages.len++] = NULL;
	if (!x->pages.at[no])
		x->pages.at[no] = calloc(1, sizeof(struct brief_page));
	return x->pages.at[no];
}

/* All of the page that is not there yet. One that is damaged hinders only those who ask for it. */
static int
page_brief(struct account *a, uint32_t email)
{
	uint32_t no = email >> SLOTS_LOG;
	struct brief_page *bp;
	struct page *p;
	struct slice item;
	int err = page_item(a, REC_MSG, email, &p, &item);

	if (!err && !(bp = page_room(a->briefs, no)))
		err = LL_ERR_NOMEM;
	for (uint32_t i = 0; i < SLOTS && !err; i++) {
		struct brief b;
		if (!p->item[i].ptr || bp->at[i].flags & HERE)
			continue;
		err = brief_make(a, p, no << SLOTS_LOG | i, &b);
		if (!err) {
			bp->at[i] = b;
			a->briefs->count++;
		} else if (err != LL_ERR_NOMEM && i != (email & (SLOTS - 1))) {
			err = LL_OK;
		}
	}
	return err;
}

static const struct brief *
brief_look(const struct brief_index *x, uint32_t email)
{
	uint32_t no = email >> SLOTS_LOG;
	const struct brief_page *p = x && no < x->pages.len ? x->pages.at[no] : NULL;
	const struct brief *b = p ? &p->at[email & (SLOTS - 1)] : NULL;

	return b && b->flags & HERE ? b : NULL;
}

int
brief_get(struct account *a, uint32_t email, const struct brief **ret)
{
	int err = a->briefs ? LL_OK : index_make(a);

	if (err)
		return err;
	if (!(*ret = brief_look(a->briefs, email))) {
		err = page_brief(a, email);
		if (!err && !(*ret = brief_look(a->briefs, email)))
			err = LL_ERR_NOTFOUND;
	}
	return err;
}
