/* Small sealed objects of the account beside its mail: identities, the vacation response,
 * submissions, push subscriptions, rules, client settings, uploads. The engine knows their type, id
 * and history; what they say is the caller's. They stand in the one change log (changes.h). */
#ifndef ACCOUNT_OBJECT_H
#define ACCOUNT_OBJECT_H

#include "account/account.h"
#include "account/changes.h"

#define OBJECT_VALUE_MAX ((size_t)60000)
#define OBJECT_COUNT_MAX 20000 /* of all types together */

struct object {
	/* CHANGE_IDENTITY and after; or CHANGE_MAILBOX, for what the engine does not know of the
	 * mailbox with this id. */
	enum change_type type;
	struct store_id id;
	uint64_t created, modseq; /* of its first and its last change */
	struct slice value;
};

/* Reads them if they are not there. The views that the others give live until the next change of
 * objects or account_poll. */
int account_objects_load(struct account *a) CHECKED;
/* NULL when there is none. */
const struct object *account_object(
	const struct account *a, enum change_type type, struct store_id id);
/* Start with *pos = 0; NULL at the end. In order of creation. */
const struct object *account_object_next(
	const struct account *a, enum change_type type, size_t *pos);

/* How many there are. */
size_t account_object_count(const struct account *a, enum change_type type);

enum object_blob { OBJECT_NO_BLOB, OBJECT_BLOB_NEW, OBJECT_BLOB_STAGED, OBJECT_BLOB_DROP };
struct object_change {
	enum change_type type;
	struct store_id id;
	bool destroy;
	struct slice value; /* all of it, new or instead of the old */
	/* A blob that comes or goes with it; sealed bytes for OBJECT_BLOB_NEW. */
	enum object_blob how;
	struct store_id blob;
	struct slice sealed;
};
/* All in one commit. LL_ERR_NOTFOUND (destroy), LL_ERR_LIMIT, LL_ERR_QUOTA. */
int account_objects_change(
	struct account *a, const struct object_change *changes, size_t n) CHECKED;

#endif
