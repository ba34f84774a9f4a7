/* Open addressing with tombstones; SipHash-2-4 from libsodium. */
#include "base/map.h"
#include "base/error.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct map_key {
	size_t len;
	uint8_t bytes[];
};

struct map_entry {
	struct map_key *key; /* NULL: free; &tomb: deleted */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *at;
	size_t len, used, cap; /* live, live + deleted, slots (power of two) */
	uint8_t seed[crypto_shorthash_KEYBYTES];
};

static struct map_key tomb;

static uint64_t
map_hash(const struct map *m, struct slice key)
{
	uint64_t h;

	crypto_shorthash((unsigned char *)&h, key.ptr, key.len, m->seed);
	return h;
}

struct map *
map_new(void)
{
	struct map *m = calloc(1, sizeof(*m));

	if (m)
		randombytes_buf(m->seed, sizeof(m->seed));
	return m;
}

static void
key_free(struct map_key *k)
{
	if (k != &tomb)
		free(k);
}

void
map_free(struct map *m, void (*free_value)(void *))
{
	if (!m)
		return;
	for (size_t i = 0; i < m->cap; i++) {
		if (m->at[i].key && m->at[i].key != &tomb && free_value)
			free_value(m->at[i].value);
		key_free(m->at[i].key);
	}
	free(m->at);
	free(m);
}

size_t
map_len(const struct map *m)
{
	return m->len;
}

static struct map_entry *
map_find(const struct map *m, struct slice key, uint64_t hash)
{
	if (!m->cap)
		return NULL;
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_entry *e = &m->at[i];
		if (!e->key)
			return NULL;
		if (e->key != &tomb && e->hash == hash &&
			slice_eq(slice_new(e->key->bytes, e->key->len), key))
			return e;
	}
}

void *
map_get(const struct map *m, struct slice key)
{
	struct map_entry *e = map_find(m, key, map_hash(m, key));

	return e ? e->value : NULL;
}

static void
map_place(struct map_entry *at, size_t cap, struct map_entry entry)
{
	size_t i = entry.hash & (cap - 1);

	while (at[i].key)
		i = (i + 1) & (cap - 1);
	at[i] = entry;
}

static int
map_rehash(struct map *m)
{
	size_t cap = m->cap && m->len < m->cap / 4 ? m->cap : MAX(m->cap * 2, (size_t)16);
	struct map_entry *at = calloc(cap, sizeof(*at));

	if (!at)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->at[i].key && m->at[i].key != &tomb)
			map_place(at, cap, m->at[i]);
	free(m->at);
	m->at = at;
	m->cap = cap;
	m->used = m->len;
	return LL_OK;
}

int
map_set(struct map *m, struct slice key, void *value, void **ret_old)
{
	uint64_t hash = map_hash(m, key);
	struct map_entry *e = map_find(m, key, hash);
	struct map_key *k;
	int r;

	if (ret_old)
		*ret_old = e ? e->value : NULL;
	if (e) {
		e->value = value;
		return LL_OK;
	}
	if ((m->used + 1) * 4 > m->cap * 3 && (r = map_rehash(m)))
		return r;
	k = malloc(sizeof(*k) + key.len);
	if (!k)
		return LL_ERR_NOMEM;
	k->len = key.len;
	if (key.len)
		memcpy(k->bytes, key.ptr, key.len);
	map_place(m->at, m->cap, (struct map_entry){k, value, hash});
	m->len++;
	m->used++;
	return LL_OK;
}

void *
map_del(struct map *m, struct slice key)
{
	struct map_entry *e = map_find(m, key, map_hash(m, key));

	if (!e)
		return NULL;
	key_free(e->key);
	e->key = &tomb;
	m->len--;
	return e->value;
}

bool
map_next(const struct map *m, size_t *pos, struct slice *ret_key, void **ret_value)
{
	for (; *pos < m->cap; (*pos)++) {
		struct map_entry *e = &m->at[*pos];
		if (!e->key || e->key == &tomb)
			continue;
		if (ret_key)
			*ret_key = slice_new(e->key->bytes, e->key->len);
		if (ret_value)
			*ret_value = e->value;
		(*pos)++;
		return true;
	}
	return false;
}
