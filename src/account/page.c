/* Pages of immutable items by email number, opened on demand and kept while there is room. A miss
 * that continues a walk reads several pages in one call of the store. */
#include "account/engine.h"

#include <stdlib.h>

#define CACHE_BYTES ((size_t)64 << 20)
#define CACHE_PAGES_KEPT 40 /* whatever they take: message_get promises some */
#define AHEAD_MAX 16
#define PART_VERSION 1

int
item_put(struct buf *part, uint8_t slot, struct slice item)
{
	if (!part->len)
		buf_putc(part, PART_VERSION);
	buf_putc(part, slot);
	return buf_put_blob(part, item);
}

/* ---- Cache ---- */

static struct slice
page_key(enum rec_type type, uint32_t no, uint8_t key[5])
{
	key[0] = (uint8_t)type;
	be32_put(key + 1, no);
	return slice_new(key, 5);
}

static void
page_free(struct page *p)
{
	for (size_t i = 0; i < SLOTS; i++) {
		free(p->meta[i]);
		if (p->side[i])
			buf_done(p->side[i]);
		free(p->side[i]);
	}
	buf_done(&p->plain);
	free(p);
}

static void
page_unlink(struct page_cache *c, struct page *p)
{
	*(p->newer ? &p->newer->older : &c->newest) = p->older;
	*(p->older ? &p->older->newer : &c->oldest) = p->newer;
	p->newer = p->older = NULL;
}

static void
page_front(struct page_cache *c, struct page *p)
{
	p->older = c->newest;
	p->newer = NULL;
	*(c->newest ? &c->newest->newer : &c->oldest) = p;
	c->newest = p;
}

static void
page_evict(struct page_cache *c)
{
	while (c->bytes > CACHE_BYTES && c->count > CACHE_PAGES_KEPT) {
		struct page *p = c->oldest;
		uint8_t key[5];
		struct slice k = page_key(p->type, p->no, key);
		if (map_get(c->map, k) == p)
			map_del(c->map, k);
		for (size_t i = 0; i < REC_TYPES; i++)
			if (c->last[i] == p)
				c->last[i] = NULL;
		page_unlink(c, p);
		c->bytes -= p->bytes;
		c->count--;
		page_free(p);
	}
}

void
page_account(struct account *a, struct page *p, size_t bytes)
{
	p->bytes += bytes;
	a->cache.bytes += bytes;
}

void
page_cache_drop(struct account *a)
{
	struct page_cache *c = &a->cache;
	struct slice k;
	void *v;

	for (struct page *p = c->newest, *next; p; p = next) {
		next = p->older;
		page_free(p);
	}
	for (size_t pos = 0; c->map && map_next(c->map, &pos, &k, &v);)
		map_del(c->map, k);
	*c = (struct page_cache){.map = c->map};
}

/* A page that was read again replaces the old one, whose views stay good until it is evicted. */
static int
page_insert(struct account *a, struct page *p)
{
	struct page_cache *c = &a->cache;
	uint8_t key[5];
	int err = map_set(c->map, page_key(p->type, p->no, key), p, NULL);

	a->spent += SPENT_PAGE_BYTE * p->plain.len;
	if (err)
		return err;
	c->last[p->type] = NULL;
	page_front(c, p);
	c->count++;
	page_account(a, p, sizeof(*p) + p->plain.cap);
	return LL_OK;
}

/* ---- Reading ---- */

struct page_load {
	struct account *a;
	enum rec_type type;
	struct page *page; /* being filled */
};

/* Finds the items once all parts are together, since the buffer moves while it grows. */
static int
page_index(struct page *p)
{
	struct reader r = reader_new(buf_slice(&p->plain));

	while (!r.err && r.rest.len) {
		struct reader part = reader_new(reader_blob(&r));
		if (reader_u8(&part) != PART_VERSION)
			return LL_ERR_UNSUPPORTED;
		while (!part.err && part.rest.len) {
			uint8_t slot = reader_u8(&part);
			struct slice item = reader_blob(&part);
			if (slot >= SLOTS)
				return LL_ERR_CORRUPT;
			p->item[slot] = item;
		}
		if (part.err)
			return LL_ERR_CORRUPT;
	}
	return r.err ? LL_ERR_CORRUPT : LL_OK;
}

/* Read ahead once more. */
static bool
page_same(struct account *a, const struct page *p)
{
	uint8_t key[5];
	const struct page *have = map_get(a->cache.map, page_key(p->type, p->no, key));

	return have && slice_eq(buf_slice(&have->plain), buf_slice(&p->plain));
}

static int
page_finish(struct page_load *l)
{
	struct page *p = l->page;
	int err;

	l->page = NULL;
	if (!p)
		return LL_OK;
	if (page_same(l->a, p)) {
		page_free(p);
		return LL_OK;
	}
	err = page_index(p);
	if (!err)
		err = page_insert(l->a, p);
	if (err)
		page_free(p);
	return err;
}

static int
page_start(struct page_load *l, uint32_t no)
{
	int err = page_finish(l);

	if (err)
		return err;
	l->page = calloc(1, sizeof(*l->page));
	if (!l->page)
		return LL_ERR_NOMEM;
	l->page->type = l->type;
	l->page->no = no;
	l->page->plain = BUF_SECRET((size_t)32 << 20);
	return LL_OK;
}

static int
page_row(void *ctx, const struct rec_id *id, uint64_t rev, struct slice plain)
{
	struct page_load *l = ctx;
	int err = LL_OK;

	if (!l->page || l->page->no != id->number)
		err = page_start(l, (uint32_t)id->number);
	return err ? err : buf_put_blob(&l->page->plain, plain);
}

/* How many pages to read at a miss. */
static uint32_t
page_ahead(struct page_cache *c, enum rec_type type, uint32_t no)
{
	bool walk = c->ahead_next[type] == no && no;
	unsigned n = walk ? MIN(MAX(c->ahead[type] * 2, 2u), (unsigned)AHEAD_MAX) : 1;

	c->ahead[type] = n;
	c->ahead_next[type] = no + n;
	return n;
}

static int
page_read(struct account *a, enum rec_type type, uint32_t no)
{
	struct page_load l = {.a = a, .type = type};
	uint32_t n = page_ahead(&a->cache, type, no);
	int err;

	page_evict(&a->cache);
	a->spent += SPENT_CALL;
	err = rec_each(a, type, (struct store_id){{0}}, no, (uint64_t)no + n, page_row, &l);
	if (!err)
		return page_finish(&l);
	if (l.page)
		page_free(l.page);
	return err;
}

static struct page *
page_lookup(struct account *a, enum rec_type type, uint32_t no)
{
	struct page_cache *c = &a->cache;
	struct page *p = c->last[type];
	uint8_t key[5];

	if (p && p->no == no)
		return p;
	p = map_get(c->map, page_key(type, no, key));
	if (p) {
		page_unlink(c, p);
		page_front(c, p);
		c->last[type] = p;
	}
	return p;
}

int
page_item(struct account *a, enum rec_type type, uint32_t email, struct page **ret_page,
	struct slice *ret_item)
{
	uint32_t no = email >> SLOTS_LOG, slot = email & (SLOTS - 1);
	struct page *p = page_lookup(a, type, no);

	if (!p || !p->item[slot].ptr) { /* not read, or the page has grown since */
		int err = page_read(a, type, no);
		if (err)
			return err;
		p = page_lookup(a, type, no);
	}
	if (!p || !p->item[slot].ptr)
		return LL_ERR_NOTFOUND;
	*ret_page = p;
	*ret_item = p->item[slot];
	return LL_OK;
}
