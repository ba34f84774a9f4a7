/* Mailbox records: one small record each, all read when the account is opened. */
#include "account/engine.h"

#include <stdlib.h>

#define BOX_VERSION 1
#define BOX_SUBSCRIBED 1

struct keyword_list *
keyword_list_new(const struct slice *names, size_t n)
{
	size_t text = 0;
	struct keyword_list *l;
	uint8_t *p;

	for (size_t i = 0; i < n; i++)
		text += names[i].len;
	l = malloc(sizeof(*l) + n * sizeof(struct slice) + text);
	if (!l)
		return NULL;
	l->n = n;
	p = (uint8_t *)&l->at[n];
	for (size_t i = 0; i < n; i++) {
		memcpy(p, names[i].ptr, names[i].len);
		l->at[i] = slice_new(p, names[i].len);
		p += names[i].len;
	}
	return l;
}

int
box_encode(const struct box_state *s, struct buf *out)
{
	const struct mailbox_info *i = &s->info;
	size_t n = s->keywords ? s->keywords->n : 0;
	const uint64_t numbers[] = {i->role, i->subscribed ? BOX_SUBSCRIBED : 0, i->uidvalidity,
		i->uidnext, i->exists, i->unseen, i->deleted, i->size, i->deleted_size,
		i->highestmodseq, s->page, s->page_used, s->page_bytes, s->gone_first, s->gone_next,
		s->gone_floor, s->gone_rev, n};

	buf_putc(out, BOX_VERSION);
	buf_put_blob(out, i->name);
	for (size_t k = 0; k < ARRAY_SIZE(numbers); k++)
		buf_put_varint(out, numbers[k]);
	for (size_t k = 0; k < n; k++)
		buf_put_blob(out, s->keywords->at[k]);
	buf_put(out, SLICE_OF(s->set_row));
	buf_put(out, SLICE_OF(s->set_gone));
	return buf_err(out);
}

static int
read_keywords(struct reader *r, uint64_t n, struct keyword_list **ret)
{
	struct slice names[KEYWORDS_MAX];

	*ret = NULL;
	if (n > KEYWORDS_MAX)
		return LL_ERR_CORRUPT;
	for (size_t i = 0; i < n; i++)
		names[i] = reader_blob(r);
	if (r->err)
		return LL_ERR_CORRUPT;
	if (n && !(*ret = keyword_list_new(names, (size_t)n)))
		return LL_ERR_NOMEM;
	return LL_OK;
}

enum {
	N_ROLE,
	N_FLAGS,
	N_VALIDITY,
	N_NEXT,
	N_EXISTS,
	N_UNSEEN,
	N_DELETED,
	N_SIZE,
	N_DSIZE,
	N_MODSEQ,
	N_PAGE,
	N_USED,
	N_BYTES,
	N_GFIRST,
	N_GNEXT,
	N_GFLOOR,
	N_GREV,
	N_KEYWORDS,
	N_NUMBERS
};

static const bool number_is_64[N_NUMBERS] = {
	[N_SIZE] = true, [N_DSIZE] = true, [N_MODSEQ] = true, [N_GFLOOR] = true, [N_GREV] = true};

static void
state_fill(const uint64_t v[N_NUMBERS], struct box_state *s)
{
	s->info.role = v[N_ROLE] < MAILBOX_ROLES ? (enum mailbox_role)v[N_ROLE] : MAILBOX_NO_ROLE;
	s->info.subscribed = v[N_FLAGS] & BOX_SUBSCRIBED;
	s->info.uidvalidity = (uint32_t)v[N_VALIDITY];
	s->info.uidnext = s->info.recent_from = (uint32_t)v[N_NEXT];
	s->info.exists = (uint32_t)v[N_EXISTS];
	s->info.unseen = (uint32_t)v[N_UNSEEN];
	s->info.deleted = (uint32_t)v[N_DELETED];
	s->info.size = v[N_SIZE];
	s->info.deleted_size = v[N_DSIZE];
	s->info.highestmodseq = v[N_MODSEQ];
	s->page = (uint32_t)v[N_PAGE];
	s->page_used = (uint32_t)v[N_USED];
	s->page_bytes = (uint32_t)v[N_BYTES];
	s->gone_first = (uint32_t)v[N_GFIRST];
	s->gone_next = (uint32_t)v[N_GNEXT];
	s->gone_floor = v[N_GFLOOR];
	s->gone_rev = v[N_GREV];
}

int
box_decode(struct slice plain, struct box_state *ret)
{
	struct reader r = reader_new(plain);
	struct box_state s = {0};
	struct slice set;
	uint64_t v[N_NUMBERS];
	int err;

	if (reader_u8(&r) != BOX_VERSION)
		return LL_ERR_UNSUPPORTED;
	s.info.name = reader_blob(&r);
	for (size_t i = 0; i < N_NUMBERS; i++) {
		v[i] = reader_varint(&r);
		if (!number_is_64[i] && v[i] > UINT32_MAX)
			return LL_ERR_CORRUPT;
	}
	state_fill(v, &s);
	err = read_keywords(&r, v[N_KEYWORDS], &s.keywords);
	if (err)
		return err;
	set = reader_bytes(&r, 2 * SET_LEN);
	if (reader_end(&r) || s.page_used > SLOTS) {
		free(s.keywords);
		return LL_ERR_CORRUPT;
	}
	memcpy(s.set_row, set.ptr, SET_LEN);
	memcpy(s.set_gone, set.ptr + SET_LEN, SET_LEN);
	*ret = s;
	return LL_OK;
}

void
mailbox_free(struct mailbox *mb)
{
	if (!mb)
		return;
	mailbox_unload(mb);
	free(mb->s.keywords);
	free(mb->name);
	free(mb);
}

int
box_retire(struct account *a, struct mailbox *mb)
{
	if (mb->users && VEC_PUSH(&a->dead, mb))
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < a->boxes.len; i++)
		if (a->boxes.at[i] == mb) {
			VEC_REMOVE(&a->boxes, i);
			break;
		}
	mailbox_unload(mb);
	mb->gone = true;
	mb->s.info.exists = mb->s.info.unseen = mb->s.info.deleted = 0;
	mb->s.info.size = mb->s.info.deleted_size = 0;
	account_notify(a, mb, ACCOUNT_DELETED);
	if (!mb->users)
		mailbox_free(mb);
	return LL_OK;
}

static int
box_cmp(const void *a, const void *b)
{
	const struct mailbox *x = *(struct mailbox *const *)a, *y = *(struct mailbox *const *)b;
	bool xi = x->s.info.role == MAILBOX_INBOX, yi = y->s.info.role == MAILBOX_INBOX;

	if (xi != yi)
		return xi ? -1 : 1;
	return slice_cmp(x->s.info.name, y->s.info.name);
}

void
boxes_sort(struct account *a)
{
	if (a->boxes.len > 1)
		qsort(a->boxes.at, a->boxes.len, sizeof(a->boxes.at[0]), box_cmp);
}

struct mailbox *
boxes_find(const struct account *a, struct slice name)
{
	VEC_EACH (mb, &a->boxes)
		if (slice_eq((*mb)->s.info.name, name))
			return *mb;
	return NULL;
}

/* ---- Loading all, at first and after another process's commit ---- */

struct load {
	struct account *a;
	uint8_t set[SET_LEN];
	uint32_t n;
};

/* Puts a freshly read state into a mailbox, new or known. */
static int
box_install(struct mailbox *mb, const struct box_state *s)
{
	char *name = strndup((const char *)s->info.name.ptr, s->info.name.len);
	uint32_t recent = mb->s.rev ? mb->s.info.recent_from : s->info.recent_from;

	if (!name)
		return LL_ERR_NOMEM;
	mailbox_unload(mb);
	free(mb->name);
	free(mb->s.keywords);
	mb->s = *s;
	mb->name = name;
	mb->s.info.name = slice_new(name, s->info.name.len);
	mb->s.info.recent_from = recent;
	return LL_OK;
}

static int
load_box(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct load *l = ctx;
	struct mailbox *mb = account_mailbox_by_id(l->a, id->box);
	struct box_state s;
	int err;

	set_toggle(&l->a->head, l->set, id, rev);
	l->n++;
	if (mb)
		mb->seen = true;
	if (mb && mb->s.rev == rev)
		return LL_OK;
	err = box_decode(plain, &s);
	if (err)
		return err;
	s.info.id = id->box;
	s.rev = rev;
	if (!mb) {
		mb = calloc(1, sizeof(*mb));
		if (!mb || VEC_PUSH(&l->a->boxes, mb)) {
			free(mb);
			free(s.keywords);
			return LL_ERR_NOMEM;
		}
		mb->account = l->a;
		mb->seen = true;
		mb->gone_tail = BUF_INIT(STORE_VALUE_MAX);
	}
	err = box_install(mb, &s);
	if (err)
		free(s.keywords);
	return err;
}

/* Mailboxes that are not stored any more. */
static int
boxes_sweep(struct account *a)
{
	for (size_t i = 0; i < a->boxes.len;) {
		struct mailbox *mb = a->boxes.at[i];
		bool seen = mb->seen;
		int err = seen ? LL_OK : box_retire(a, mb);
		if (err)
			return err;
		i += seen;
	}
	return LL_OK;
}

int
boxes_load(struct account *a)
{
	struct load l = {.a = a};
	int err;

	VEC_EACH (mb, &a->boxes)
		(*mb)->seen = false;
	err = rec_each(a, REC_BOX, (struct store_id){{0}}, 0, UINT64_MAX, load_box, &l);

	if (!err && (memcmp(l.set, a->head.set_box, SET_LEN) != 0 || l.n != a->head.boxes))
		err = LL_ERR_AUTH;
	if (!err)
		err = boxes_sweep(a);
	if (!err)
		boxes_sort(a);
	return err;
}
