/* Sealed rows of the directory, read one by one and written together (web_row.h). */
#include "roles/web_row.h"
#include "base/error.h"
#include "roles/web_account.h"
#include "store/service.h"

#include <stdlib.h>
#include <string.h>

struct web_row_key
web_row_key(const char *prefix, struct slice one, struct slice two)
{
	struct web_row_key k = {.len = strlen(prefix) + one.len + two.len};

	memcpy(k.b, prefix, strlen(prefix));
	if (one.len)
		memcpy(k.b + strlen(prefix), one.ptr, one.len);
	if (two.len)
		memcpy(k.b + strlen(prefix) + one.len, two.ptr, two.len);
	return k;
}

struct slice
web_row_slice(const struct web_row_key *k)
{
	return slice_new(k->b, k->len);
}

int
web_row_get(const struct web_place *p, struct slice key, struct buf *ret)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(STORE_VALUE_MAX);
	int r = p->store ? store_get(p->store, store_directory, key, &sealed) : LL_ERR_CLOSED;

	return r ? r : directory_open(p->keys, store_directory.b, key, buf_slice(&sealed), ret);
}

void
web_rows_put(
	struct web_rows *w, enum store_op_kind kind, struct web_row_key key, struct slice value)
{
	struct web_row row = {.kind = kind, .key = key, .sealed = BUF_INIT(STORE_VALUE_MAX)};

	if (!w->err)
		w->err = directory_seal(
			w->p->keys, store_directory.b, web_row_slice(&key), value, &row.sealed);
	if (!w->err)
		w->err = VEC_PUSH(&w->rows, row);
	if (w->err)
		buf_done(&row.sealed);
}

void
web_rows_delete(struct web_rows *w, struct web_row_key key)
{
	struct web_row row = {.kind = STORE_DEL, .key = key};

	if (!w->err)
		w->err = VEC_PUSH(&w->rows, row);
}

int
web_rows_commit(const struct web_rows *w)
{
	struct store_op *ops = calloc(w->rows.len + 1, sizeof(*ops));
	struct store_commit c = {.partition = store_directory,
		.expect = STORE_ANY_VERSION,
		.ops = ops,
		.n = w->rows.len};
	int r = w->err ? w->err : !ops ? LL_ERR_NOMEM : w->p->store ? LL_OK : LL_ERR_CLOSED;

	for (size_t i = 0; r == LL_OK && i < w->rows.len; i++) {
		const struct web_row *row = &w->rows.at[i];
		ops[i] = (struct store_op){.kind = row->kind,
			.key = web_row_slice(&row->key),
			.value = buf_slice(&row->sealed)};
	}
	if (r == LL_OK)
		r = store_commit_sync(w->p->store, &c, NULL);
	free(ops);
	return r;
}

void
web_rows_done(struct web_rows *w)
{
	VEC_EACH (row, &w->rows)
		buf_done(&row->sealed);
	VEC_DONE(&w->rows);
}
