/* Sealed records of the directory, read through a cache. Auth is their only writer, so that the
 * cache is never stale. */
#include "base/error.h"
#include "roles/directory_priv.h"
#include "store/service.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_MAX 100000

struct cached {
	bool missing;
	size_t len;
	uint8_t value[];
};

struct directory_record
directory_name_key(
	const struct directory *d, const char *prefix, const char *kind, struct slice name)
{
	struct directory_record k = {.len = strlen(prefix) + 32};

	memcpy(k.bytes, prefix, strlen(prefix));
	directory_name(d->keys, kind, name, k.bytes + strlen(prefix));
	return k;
}

static void
cache_clear(struct directory *d)
{
	struct map *fresh = map_new();

	if (!fresh)
		return;
	map_free(d->cache, free);
	d->cache = fresh;
}

static void
cache_put(struct directory *d, struct slice key, bool missing, struct slice value)
{
	struct cached *c = malloc(sizeof(*c) + value.len);
	void *old = NULL;

	if (!c)
		return;
	*c = (struct cached){.missing = missing, .len = value.len};
	if (value.len)
		memcpy(c->value, value.ptr, value.len);
	if (map_len(d->cache) >= CACHE_MAX)
		cache_clear(d);
	if (map_set(d->cache, key, c, &old))
		free(c);
	free(old);
}

int
directory_record_open(struct directory *d, struct slice key, struct slice sealed, struct buf *ret)
{
	return directory_open(d->keys, store_directory.b, key, sealed, ret);
}

int
directory_get(struct directory *d, const struct directory_record *k, struct buf *ret)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	struct cached *c = map_get(d->cache, directory_record_slice(k));
	size_t before = ret->len;
	int r;

	if (c)
		return c->missing ? LL_ERR_NOTFOUND : buf_put(ret, slice_new(c->value, c->len));
	r = d->store ? store_get(d->store, store_directory, directory_record_slice(k), &sealed)
		     : LL_ERR_CLOSED;
	if (r == LL_OK)
		r = directory_record_open(d, directory_record_slice(k), buf_slice(&sealed), ret);
	if (r == LL_OK || r == LL_ERR_NOTFOUND)
		cache_put(d, directory_record_slice(k), r != LL_OK,
			slice_skip(buf_slice(ret), before));
	return r;
}

int
directory_add_put(struct directory *d, const struct directory_record *k, bool fresh,
	struct slice value, struct buf *sealed, struct store_op *op)
{
	int r = directory_seal(
		d->keys, store_directory.b, directory_record_slice(k), value, sealed);

	*op = (struct store_op){.kind = fresh ? STORE_PUT_NEW : STORE_PUT,
		.key = directory_record_slice(k),
		.value = buf_slice(sealed)};
	return r;
}

int
directory_commit(struct directory *d, const struct store_op *ops, size_t n)
{
	struct store_commit c = {
		.partition = store_directory, .expect = STORE_ANY_VERSION, .ops = ops, .n = n};
	int r = d->store ? store_commit_sync(d->store, &c, NULL) : LL_ERR_CLOSED;

	cache_clear(d);
	return r;
}
