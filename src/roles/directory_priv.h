/* Inside the directory: sealed records, read through a cache. */
#ifndef ROLES_DIRECTORY_PRIV_H
#define ROLES_DIRECTORY_PRIV_H

#include "base/map.h"
#include "roles/directory.h"

struct directory {
	struct store *store; /* NULL while there is none */
	const struct directory_keys *keys;
	struct map *cache; /* record key -> struct cached */
	struct map *own; /* account id -> struct buf, lines of directory_own; NULL: not known */
};

/* The key of a record. */
struct directory_record {
	uint8_t bytes[64];
	size_t len;
};

static inline struct slice
directory_record_slice(const struct directory_record *k)
{
	return slice_new(k->bytes, k->len);
}

/* prefix, then the HMAC of the name. */
struct directory_record directory_name_key(
	const struct directory *d, const char *prefix, const char *kind, struct slice name);
/* A domain as the directory spells it: its A-labels. LL_ERR_SYNTAX. */
int directory_domain_name(struct slice domain, struct buf *ret) CHECKED;

/* A record's value as it is stored, opened. */
int directory_record_open(
	struct directory *d, struct slice key, struct slice sealed, struct buf *ret) CHECKED;
/* The value of a record, opened. LL_ERR_NOTFOUND. */
int directory_get(struct directory *d, const struct directory_record *k, struct buf *ret) CHECKED;
/* Fills op, which points into k and sealed. fresh: it must not exist. */
int directory_add_put(struct directory *d, const struct directory_record *k, bool fresh,
	struct slice value, struct buf *sealed, struct store_op *op) CHECKED;
int directory_commit(struct directory *d, const struct store_op *ops, size_t n) CHECKED;

/* Who owns which address has changed. */
void directory_own_forget(struct directory *d);

/* Every setting of the account. */
int directory_settings_delete(struct directory *d, const uint8_t account[RECORD_ID_LEN]) CHECKED;

#endif
