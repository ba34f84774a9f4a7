/* Who may touch what in the store. */
#ifndef STORE_RIGHTS_H
#define STORE_RIGHTS_H

#include "os/roles.h"
#include "store/store.h"

/* The server's own partitions. */
extern const struct store_id store_directory; /* domains, addresses, accounts, DKIM keys */
extern const struct store_id store_queue; /* mail on its way out */
bool store_is_own(const struct store_id *partition); /* one of these two */

/* Whose requests these are; bound: the only partition they may be about. */
struct store_holder {
	enum role role;
	bool has_bound;
	struct store_id bound;
};

enum {
	STORE_MAY_READ = 1,
	STORE_MAY_WRITE = 2,
	STORE_MAY_APPEND = 4 /* new records and blob references only */
};

/* STORE_MAY_* on a key; for blobs and partitions as a whole the key is the empty slice and any
 * prefix counts. */
unsigned store_rights_on(
	const struct store_holder *h, const struct store_id *partition, struct slice key);
/* May all records from `from` to below `to` be read? */
bool store_range_permitted(const struct store_holder *h, const struct store_id *partition,
	struct slice from, struct slice to);
bool store_op_permitted(
	const struct store_holder *h, const struct store_id *partition, const struct store_op *op);

#endif
