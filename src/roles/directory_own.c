/* Which aliases lead to an account, the other way round than mail goes. All of it is found out at
 * once when somebody asks, and forgotten when an address changes, which is seldom. */
#include "base/error.h"
#include "roles/directory.h"
#include "roles/directory_priv.h"

#include <stdlib.h>

#define LINES_MAX ((size_t)64 << 20)

static void
lines_free(void *p)
{
	struct buf *lines = p;

	if (lines)
		buf_done(lines);
	free(lines);
}

void
directory_own_forget(struct directory *d)
{
	map_free(d->own, lines_free);
	d->own = NULL;
}

static struct buf *
lines_of(struct map *own, struct slice account)
{
	struct buf *lines = map_get(own, account);

	if (lines)
		return lines;
	lines = malloc(sizeof(*lines));
	if (!lines)
		return NULL;
	*lines = BUF_INIT(DIRECTORY_OWN_MAX);
	if (map_set(own, account, lines, NULL) == LL_OK)
		return lines;
	free(lines);
	return NULL;
}

struct finding {
	struct map *own;
	struct slice alias;
};

static int
on_found(void *ctx, const struct directory_account *a, struct slice outside)
{
	struct finding *f = ctx;
	struct buf *lines = a ? lines_of(f->own, SLICE_OF(a->id)) : NULL;

	if (!a)
		return LL_OK;
	if (!lines)
		return LL_ERR_NOMEM;
	if (lines->len + f->alias.len + 1 > DIRECTORY_OWN_MAX)
		return LL_OK;
	buf_put(lines, f->alias);
	return buf_putc(lines, '\n');
}

/* One alias after the other; each stands in as many lines as it has targets. */
static int
find_all(struct directory *d, struct slice lines, struct map *own)
{
	struct slice last = SLICE_NONE;
	int r = LL_OK;

	while (lines.len && r == LL_OK) {
		struct slice line = slice_line(&lines), alias = slice_split(&line, ' ');
		struct finding f = {own, alias};
		if (slice_eq(alias, last))
			continue;
		last = alias;
		r = directory_resolve(d, alias, on_found, &f);
		r = r == LL_ERR_NOTFOUND || r == LL_ERR_DENIED ? LL_OK : r;
	}
	return r;
}

static int
own_load(struct directory *d)
{
	CLEANUP(buf_done) struct buf lines = BUF_INIT(LINES_MAX);
	struct map *own;
	int r;

	if (d->own)
		return LL_OK;
	own = map_new();
	r = own ? directory_aliases(d, &lines) : LL_ERR_NOMEM;
	if (r == LL_OK)
		r = find_all(d, buf_slice(&lines), own);
	if (r == LL_OK)
		d->own = own;
	else
		map_free(own, lines_free);
	return r;
}

int
directory_own(struct directory *d, const uint8_t account[RECORD_ID_LEN], struct buf *ret_lines)
{
	int r = own_load(d);
	const struct buf *lines = r ? NULL : map_get(d->own, slice_new(account, RECORD_ID_LEN));

	return lines ? buf_put(ret_lines, buf_slice(lines)) : r;
}
