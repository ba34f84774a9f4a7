/* Rows of the directory partition that auth keeps for the web: values are sealed, and what belongs
 * together is written in one commit. */
#ifndef ROLES_WEB_ROW_H
#define ROLES_WEB_ROW_H

#include "base/vec.h"
#include "store/store.h"

#define WEB_ROW_KEY_MAX 40

struct web_place;

struct web_row_key {
	uint8_t b[WEB_ROW_KEY_MAX];
	size_t len;
};

/* Prefix and parts one after the other; together they are never longer than WEB_ROW_KEY_MAX. */
struct web_row_key web_row_key(const char *prefix, struct slice one, struct slice two);
struct slice web_row_slice(const struct web_row_key *k);

/* Appends the value of a row, opened. LL_ERR_NOTFOUND, LL_ERR_CORRUPT, LL_ERR_CLOSED. */
int web_row_get(const struct web_place *p, struct slice key, struct buf *ret) CHECKED;

struct web_row {
	enum store_op_kind kind;
	struct web_row_key key;
	struct buf sealed;
};

/* Changes that are gathered, then committed at once. Errors stick until then. */
struct web_rows {
	const struct web_place *p;
	VEC(struct web_row) rows;
	int err;
};

#define WEB_ROWS_INIT(place) ((struct web_rows){.p = (place)})

/* kind: STORE_PUT or STORE_PUT_NEW. The value is sealed at once. */
void web_rows_put(
	struct web_rows *w, enum store_op_kind kind, struct web_row_key key, struct slice value);
void web_rows_delete(struct web_rows *w, struct web_row_key key);
/* The first error of what was gathered, or that of the commit. */
int web_rows_commit(const struct web_rows *w) CHECKED;
/* For CLEANUP too. */
void web_rows_done(struct web_rows *w);

#endif
