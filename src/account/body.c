/* Reading of sealed bodies by byte range. */
#include "account/engine.h"

#include "base/secret.h"

#define WHOLE_MAX ((uint64_t)256 << 10) /* bodies up to here are fetched with one call */

static void
reader_drop(struct body_reader *r)
{
	cobblestone_reader_free(r->reader);
	*r = (struct body_reader){.reader = NULL};
}

void
body_drop(struct account *a)
{
	for (size_t i = 0; i < BODY_READERS; i++)
		reader_drop(&a->readers[i]);
	buf_done(&a->scratch);
	a->scratch_whole = false;
}

static struct body_reader *
reader_find(struct account *a, struct store_id blob)
{
	for (size_t i = 0; i < BODY_READERS; i++)
		if (a->readers[i].reader && !memcmp(a->readers[i].blob.b, blob.b, sizeof(blob.b)))
			return &a->readers[i];
	return NULL;
}

static int
fetch(struct account *a, struct store_id blob, uint64_t offset, uint64_t len)
{
	buf_reset(&a->scratch);
	a->scratch_whole = false;
	if (len > SIZE_MAX)
		return LL_ERR_LIMIT;
	return store_blob_read(a->env.store, a->env.id, blob, offset, (size_t)len, &a->scratch);
}

/* A reader in the place of the one unused for longest. head: the blob's first bytes. */
static int
reader_make(struct account *a, const struct entry *e, struct slice head, struct body_reader **ret)
{
	struct body_reader *r = &a->readers[0];
	uint8_t key[RECORD_KEY_LEN];
	int err = vault_mask(a->vault, e->keyver, e->blob, e->key, key);

	if (err)
		return err;
	for (size_t i = 1; i < BODY_READERS; i++)
		if (a->readers[i].used < r->used)
			r = &a->readers[i];
	reader_drop(r);
	err = record_blob_reader(key, e->blob.b, head, cobblestone_sealed_len(e->size), &r->reader);
	secret_wipe(key, sizeof(key));
	if (err)
		return err;
	r->blob = e->blob;
	*ret = r;
	return LL_OK;
}

/* Opens [offset, offset + len) from sealed bytes that start at `from` of the blob. */
static int
open_range(const struct body_reader *r, uint64_t offset, uint64_t len, struct slice sealed,
	uint64_t from, struct buf *out)
{
	struct cobblestone_range need;
	int err = cobblestone_reader_range(r->reader, offset, len, &need);

	if (err)
		return err;
	if (need.offset < from || need.offset - from > sealed.len ||
		need.len > sealed.len - (need.offset - from))
		return LL_ERR_CORRUPT; /* the blob is shorter than the entry says */
	return cobblestone_reader_open(r->reader, offset, len,
		slice_sub(sealed, (size_t)(need.offset - from), (size_t)need.len), out);
}

static int
read_first(struct account *a, const struct entry *e, uint64_t offset, uint64_t len,
	struct body_reader **ret, bool *ret_done, struct buf *out)
{
	uint64_t all = cobblestone_sealed_len(e->size);
	bool whole = all <= WHOLE_MAX || (!offset && len == e->size);
	int err = fetch(a, e->blob, 0, whole ? all : COBBLESTONE_HEADER_LEN);

	if (!err && a->scratch.len < COBBLESTONE_HEADER_LEN)
		err = LL_ERR_CORRUPT;
	if (!err)
		err = reader_make(a, e, buf_slice(&a->scratch), ret);
	*ret_done = whole;
	if (err || !whole)
		return err;
	a->scratch_of = e->blob;
	a->scratch_whole = true;
	return open_range(*ret, offset, len, buf_slice(&a->scratch), 0, out);
}

int
body_read(struct account *a, const struct entry *e, uint64_t offset, uint64_t len, struct buf *out)
{
	struct body_reader *r = reader_find(a, e->blob);
	struct cobblestone_range need;
	bool done = false;
	int err = LL_OK;

	if (offset >= e->size)
		return LL_OK;
	len = MIN(len, e->size - offset);
	if (!len)
		return LL_OK;
	a->spent += SPENT_CALL + SPENT_TEXT_BYTE * len;
	if (!r)
		err = read_first(a, e, offset, len, &r, &done, out);
	if (err == LL_ERR_NOTFOUND)
		err = LL_ERR_CORRUPT;
	if (err)
		return err;
	r->used = ++a->reader_clock;
	if (done)
		return LL_OK;
	if (a->scratch_whole && !memcmp(a->scratch_of.b, e->blob.b, sizeof(e->blob.b)))
		return open_range(r, offset, len, buf_slice(&a->scratch), 0, out);
	err = cobblestone_reader_range(r->reader, offset, len, &need);
	if (!err)
		err = fetch(a, e->blob, need.offset, need.len);
	if (err)
		return err;
	return open_range(r, offset, len, buf_slice(&a->scratch), need.offset, out);
}

void
body_expect(struct account *a, const struct entry *e)
{
	uint64_t all = cobblestone_sealed_len(e->size);

	if (all <= WHOLE_MAX && !reader_find(a, e->blob))
		store_blob_ahead(a->env.store, a->env.id, e->blob, (size_t)all);
}
