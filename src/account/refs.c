/* Emails that several rows refer to. Most have one row and do not appear here, so the whole list is
 * small and read when something is copied or expunged. */
#include "account/txn.h"

#include <stdlib.h>

#define REFS_PER_PAGE_LOG 9

void
refs_done(struct refs *r)
{
	VEC_DONE(&r->v);
	VEC_DONE(&r->pages);
	r->loaded = false;
}

struct load {
	struct account *a;
	uint8_t set[SET_LEN];
};

static int
refs_page(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct load *l = ctx;
	struct reader r = reader_new(plain);
	uint64_t n = reader_varint(&r), email = 0;
	struct row_page page = {(uint32_t)id->number, rev};

	set_toggle(&l->a->head, l->set, id, rev);
	if (n > 1u << REFS_PER_PAGE_LOG)
		return LL_ERR_CORRUPT;
	for (; n && !r.err; n--) {
		struct ref ref;
		email += reader_varint(&r);
		ref.email = (uint32_t)email;
		ref.extra = (uint32_t)reader_varint(&r);
		if (email >> REFS_PER_PAGE_LOG != id->number || !ref.extra)
			return LL_ERR_CORRUPT;
		if (VEC_PUSH(&l->a->refs.v, ref))
			return LL_ERR_NOMEM;
	}
	return reader_end(&r) ? LL_ERR_CORRUPT : VEC_PUSH(&l->a->refs.pages, page);
}

static int
refs_load(struct account *a)
{
	struct load l = {.a = a};
	int err = LL_OK;

	if (a->refs.loaded)
		return LL_OK;
	if (a->head.refs)
		err = rec_each(a, REC_REF, (struct store_id){{0}}, 0, UINT64_MAX, refs_page, &l);
	if (!err &&
		(memcmp(l.set, a->head.set_ref, SET_LEN) != 0 || a->refs.pages.len != a->head.refs))
		err = LL_ERR_AUTH;
	if (err)
		refs_done(&a->refs);
	else
		a->refs.loaded = true;
	return err;
}

/* ---- Changing ---- */

static uint64_t
refs_page_rev(const struct account *a, uint32_t page)
{
	VEC_EACH (p, &a->refs.pages)
		if (p->page == page)
			return p->rev;
	return 0;
}

static int
refs_seal_page(struct txn *t, uint32_t page)
{
	struct rec_id id = {.type = REC_REF, .number = page};
	CLEANUP(buf_done) struct buf plain = BUF_INIT(STORE_VALUE_MAX);
	CLEANUP(buf_done) struct buf items = BUF_INIT(STORE_VALUE_MAX);
	uint64_t old = refs_page_rev(t->a, page);
	struct row_page now = {page, t->head.rev};
	uint32_t n = 0, last = 0;
	int err;

	VEC_EACH (ref, &t->refs) {
		if (ref->email >> REFS_PER_PAGE_LOG != page)
			continue;
		buf_put_varint(&items, ref->email - last);
		buf_put_varint(&items, ref->extra);
		last = ref->email;
		n++;
	}
	buf_put_varint(&plain, n);
	buf_put(&plain, buf_slice(&items));
	set_toggle(&t->head, t->head.set_ref, &id, old);
	t->head.refs += (n != 0) - (uint32_t)(old != 0);
	if (n) {
		set_toggle(&t->head, t->head.set_ref, &id, now.rev);
		err = buf_err(&items);
		if (!err)
			err = buf_err(&plain);
		if (!err)
			err = txn_put(t, &id, buf_slice(&plain));
	} else {
		now.rev = 0;
		err = txn_del(t, &id);
	}
	return err ? err : VEC_PUSH(&t->ref_pages, now);
}

static int
refs_mark_page(struct uid_list *pages, uint32_t email)
{
	uint32_t page = email >> REFS_PER_PAGE_LOG;

	if (pages->len && pages->at[pages->len - 1] == page)
		return LL_OK;
	return VEC_PUSH(pages, page);
}

/* What becomes of `extra` when n rows come (add) or go; *ret_dead when none is left. */
static uint32_t
refs_count(uint32_t extra, uint32_t n, bool add, bool *ret_dead)
{
	*ret_dead = !add && n > extra;
	if (add)
		return extra + n;
	return n > extra ? 0 : extra - n;
}

static int
refs_merge(struct txn *t, const struct uid_list *emails, bool add, struct uid_list *pages,
	struct uid_list *dead)
{
	const struct ref *old = t->a->refs.v.at, *end = VEC_END(&t->a->refs.v);
	int err = LL_OK;

	for (size_t i = 0, n; i < emails->len && !err; i += n) {
		struct ref ref = {emails->at[i], 0};
		uint32_t before;
		bool gone;
		for (n = 1; i + n < emails->len && emails->at[i + n] == ref.email;)
			n++;
		for (; old < end && old->email < ref.email && !err; old++)
			err = VEC_PUSH(&t->refs, *old);
		if (old < end && old->email == ref.email)
			ref.extra = old++->extra;
		before = ref.extra;
		ref.extra = refs_count(ref.extra, (uint32_t)n, add, &gone);
		if (!err && ref.extra)
			err = VEC_PUSH(&t->refs, ref);
		if (!err && ref.extra != before)
			err = refs_mark_page(pages, ref.email);
		if (!err && gone)
			err = VEC_PUSH(dead, ref.email);
	}
	for (; old < end && !err; old++)
		err = VEC_PUSH(&t->refs, *old);
	return err;
}

static int
refs_change(struct txn *t, const struct uid_list *emails, bool add, struct uid_list *dead)
{
	struct uid_list pages = {0};
	int err = refs_load(t->a);

	if (!err)
		err = refs_merge(t, emails, add, &pages, dead);
	for (size_t i = 0; i < pages.len && !err; i++)
		err = refs_seal_page(t, pages.at[i]);
	t->refs_changed = pages.len != 0;
	uid_list_done(&pages);
	return err;
}

int
txn_refs_add(struct txn *t, const struct uid_list *emails)
{
	struct uid_list none = {0};

	return refs_change(t, emails, true, &none);
}

int
txn_refs_drop(struct txn *t, const struct uid_list *emails, struct uid_list *ret_dead)
{
	size_t before = ret_dead->len;
	int err = refs_change(t, emails, false, ret_dead);

	for (size_t i = before; i < ret_dead->len && !err; i++)
		err = VEC_PUSH(&t->dead, ret_dead->at[i]);
	return err;
}

/* ---- After the commit ---- */

static void
refs_apply_page(struct refs *r, const struct row_page *p)
{
	for (size_t i = 0; i < r->pages.len; i++) {
		if (r->pages.at[i].page != p->page)
			continue;
		if (p->rev)
			r->pages.at[i] = *p;
		else
			VEC_REMOVE(&r->pages, i);
		return;
	}
	if (p->rev && VEC_PUSH(&r->pages, *p))
		refs_done(r); /* read again when needed */
}

void
refs_apply(struct txn *t)
{
	struct refs *r = &t->a->refs;

	VEC_DONE(&r->v);
	r->v.at = t->refs.at;
	r->v.len = t->refs.len;
	r->v.cap = t->refs.cap;
	t->refs.at = NULL;
	t->refs.len = t->refs.cap = 0;
	for (size_t i = 0; i < t->ref_pages.len && r->loaded; i++)
		refs_apply_page(r, &t->ref_pages.at[i]);
}
