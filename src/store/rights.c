/* Rights as a table, and what they mean for a key, a range and an operation. */
#include "store/rights.h"

#include <string.h>

const struct store_id store_directory = {"letterlock/dir"};
const struct store_id store_queue = {"letterlock/queue"};

/* What a role may do where. partition NULL: any that is not the server's own. */
static const struct right {
	enum role role;
	const struct store_id *partition;
	const char *prefix;
	unsigned may;
} rights[] = {
	{ROLE_AUTH, &store_directory, "", STORE_MAY_READ | STORE_MAY_WRITE},
	{ROLE_AUTH, NULL, "", STORE_MAY_READ | STORE_MAY_WRITE},
	{ROLE_SESSION, NULL, "m/", STORE_MAY_READ | STORE_MAY_WRITE},
	{ROLE_DELIVERY, NULL, "m/in/", STORE_MAY_APPEND},
	{ROLE_DELIVERY, &store_queue, "q/", STORE_MAY_APPEND},
	{ROLE_RELAY, &store_queue, "q/", STORE_MAY_READ | STORE_MAY_WRITE},
	{ROLE_RELAY, &store_directory, "dkim/", STORE_MAY_READ},
};

bool
store_is_own(const struct store_id *p)
{
	return memcmp(p, &store_directory, sizeof(*p)) == 0 ||
		memcmp(p, &store_queue, sizeof(*p)) == 0;
}

static bool
applies(const struct right *r, enum role role, const struct store_id *partition)
{
	return r->role == role &&
		(r->partition ? memcmp(r->partition, partition, sizeof(*partition)) == 0
			      : !store_is_own(partition));
}

/* The rights on a key; for blobs and partitions as a whole the key is the empty slice and any
 * prefix counts. */
unsigned
store_rights_on(const struct store_holder *h, const struct store_id *partition, struct slice key)
{
	unsigned may = 0;

	if (h->has_bound && memcmp(partition, &h->bound, sizeof(*partition)))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		const struct right *r = &rights[i];
		if (applies(r, h->role, partition) &&
			(key.len == 0 || slice_starts(key, slice_str(r->prefix))))
			may |= r->may;
	}
	return may;
}

/* Does every key below `to` that is not below `from` start with prefix? `to` starts with it, or is
 * the first string behind all that do. */
static bool
range_within(struct slice from, struct slice to, struct slice prefix)
{
	size_t last = prefix.len - 1;

	if (prefix.len == 0)
		return true;
	if (!slice_starts(from, prefix))
		return false;
	return slice_starts(to, prefix) ||
		(to.len == prefix.len && memcmp(to.ptr, prefix.ptr, last) == 0 &&
			to.ptr[last] == prefix.ptr[last] + 1);
}

bool
store_range_permitted(const struct store_holder *h, const struct store_id *partition,
	struct slice from, struct slice to)
{
	if (h->has_bound && memcmp(partition, &h->bound, sizeof(*partition)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
		if ((rights[i].may & STORE_MAY_READ) && applies(&rights[i], h->role, partition) &&
			range_within(from, to, slice_str(rights[i].prefix)))
			return true;
	return false;
}

bool
store_op_permitted(
	const struct store_holder *h, const struct store_id *partition, const struct store_op *op)
{
	bool keyed = op->kind == STORE_PUT || op->kind == STORE_PUT_NEW || op->kind == STORE_DEL;
	unsigned may = store_rights_on(h, partition, op->key);

	if (keyed != (op->key.len > 0)) /* the empty key would stand below no prefix */
		return false;
	if (may & STORE_MAY_WRITE)
		return true;
	return (may & STORE_MAY_APPEND) &&
		(op->kind == STORE_PUT_NEW || op->kind == STORE_BLOB_NEW ||
			op->kind == STORE_BLOB_REF);
}
