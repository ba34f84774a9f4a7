/* Reading what threading needs of each message. */
#include "account/thread_build.h"

#include "mail/fold.h"
#include "mail/subject.h"

#include <stdlib.h>

#define THREAD_MEMORY ((size_t)512 << 20)

static int
item_subject(struct thread_build *t, const struct message_meta *m, struct thread_item *item)
{
	int err = LL_OK;

	buf_reset(&t->subject);
	buf_reset(&t->folded);
	if (m->envelope.subject.ptr)
		err = subject_base(&t->subject, m->envelope.subject, &item->reply);
	if (!err)
		err = fold_casemap(buf_slice(&t->subject), &t->folded);
	if (err)
		return err;
	item->subject = arena_dup(&t->mem, buf_slice(&t->folded));
	return item->subject.ptr ? LL_OK : LL_ERR_NOMEM;
}

static int
item_ids(struct thread_build *t, const struct message_meta *m, struct thread_item *item)
{
	struct meta_list l = m->references.count ? m->references : m->in_reply_to;
	uint32_t n = m->references.count ? l.count : MIN(l.count, 1u);
	struct slice id;

	item->id = arena_dup(&t->mem, m->id);
	item->refs = ARENA_ARRAY(&t->mem, struct slice, n + 1);
	if (!item->id.ptr || !item->refs)
		return LL_ERR_NOMEM;
	while (item->n_refs < n && meta_string_next(&l, &id)) {
		item->refs[item->n_refs] = arena_dup(&t->mem, id);
		if (!item->refs[item->n_refs++].ptr)
			return LL_ERR_NOMEM;
	}
	return LL_OK;
}

static int
item_make(struct thread_build *t, struct account *a, const struct message_row *row,
	struct thread_item *item)
{
	struct page *p;
	struct entry e;
	const struct message_meta *m;
	int err = entry_get(a, row->email, &p, &e);

	if (!err)
		err = entry_meta(a, p, row->email, &e, &m);
	if (err)
		return err == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : err;
	*item = (struct thread_item){
		.uid = row->uid, .date = m->flags & META_HAS_DATE ? m->date : e.internal_date};
	err = item_subject(t, m, item);
	return err ? err : item_ids(t, m, item);
}

int
thread_build_start(struct thread_build *t, size_t n)
{
	*t = (struct thread_build){.first = THREAD_NONE,
		.mem = ARENA_INIT(THREAD_MEMORY),
		.items = calloc(n + 1, sizeof(*t->items)),
		.subject = BUF_INIT((size_t)1 << 20),
		.folded = BUF_INIT((size_t)4 << 20)};
	return t->items ? LL_OK : LL_ERR_NOMEM;
}

int
thread_build_item(struct thread_build *t, struct mailbox *mb, uint32_t uid)
{
	const struct message_row *row = mailbox_row(mb, uid);

	mb->account->spent += row ? SPENT_META : SPENT_ROW;
	return row ? item_make(t, mb->account, row, &t->items[t->n_items++]) : LL_OK;
}

void
thread_build_done(struct thread_build *t)
{
	free(t->items);
	map_free(t->ids, NULL);
	VEC_DONE(t);
	arena_done(&t->mem);
	buf_done(&t->subject);
	buf_done(&t->folded);
}

int
thread_build_node(struct thread_build *t, const struct thread_item *item, uint32_t *ret)
{
	struct build_node n = {.item = THREAD_NONE,
		.parent = THREAD_NONE,
		.child = THREAD_NONE,
		.next = THREAD_NONE};

	if (item) {
		n.uid = n.order_uid = item->uid;
		n.date = item->date;
		n.item = (uint32_t)(item - t->items);
	}
	if (t->len == THREAD_NONE)
		return LL_ERR_LIMIT;
	*ret = (uint32_t)t->len;
	return VEC_PUSH(t, n);
}
