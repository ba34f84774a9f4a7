/* Keywords: a mailbox has its own list, and a message a bit for each. */
#include "account/txn.h"

#include <stdlib.h>

size_t
mailbox_keyword_count(const struct mailbox *mb)
{
	return mb->s.keywords ? mb->s.keywords->n : 0;
}

struct slice
mailbox_keyword_name(const struct mailbox *mb, size_t i)
{
	return i < mailbox_keyword_count(mb) ? mb->s.keywords->at[i] : SLICE_NONE;
}

void
mailbox_keyword(const struct mailbox *mb, struct slice name, uint64_t *ret_flag)
{
	*ret_flag = 0;
	for (size_t i = 0; i < mailbox_keyword_count(mb); i++)
		if (slice_ieq(mb->s.keywords->at[i], name))
			*ret_flag = FLAG_KEYWORD(i);
}

/* RFC 9051 flag-keyword: an atom. */
static bool
keyword_ok(struct slice name)
{
	static const char specials[] = "(){%*\"\\]";

	if (!name.len || name.len > KEYWORD_LEN_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || strchr(specials, name.ptr[i]))
			return false;
	return true;
}

static bool
listed(const struct slice *at, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(at[i], name))
			return true;
	return false;
}

struct adding {
	struct mailbox *mb;
	const struct slice *names;
	size_t n;
};

/* Bits that no message has are given to new names when the list is full. Needs the rows. */
static uint64_t
flags_in_use(const struct mailbox *mb)
{
	uint64_t used = 0;

	VEC_EACH (row, &mb->rows)
		used |= row->flags;
	return used;
}

static bool
place_name(struct slice at[KEYWORDS_MAX], size_t *n, uint64_t *used, struct slice name)
{
	if (*n < KEYWORDS_MAX) {
		at[(*n)++] = name;
		return true;
	}
	for (size_t i = 0; i < KEYWORDS_MAX; i++)
		if (!(*used & FLAG_KEYWORD(i))) {
			*used |= FLAG_KEYWORD(i);
			at[i] = name;
			return true;
		}
	return false;
}

static int
adding_build(struct txn *t, void *ctx)
{
	struct adding *x = ctx;
	struct slice at[KEYWORDS_MAX];
	size_t n = mailbox_keyword_count(x->mb), had = n;
	uint64_t used = flags_in_use(x->mb), kept = 0;
	bool changed = false;
	struct txn_box *b;

	if (x->mb->gone)
		return LL_ERR_NOTFOUND;
	for (size_t i = 0; i < had; i++)
		at[i] = x->mb->s.keywords->at[i];
	for (size_t i = 0; i < x->n; i++) { /* names asked for again keep their bits */
		mailbox_keyword(x->mb, x->names[i], &kept);
		used |= kept;
	}
	for (size_t i = 0; i < x->n; i++) {
		if (listed(at, n, x->names[i]))
			continue;
		if (!place_name(at, &n, &used, x->names[i]))
			return LL_ERR_LIMIT;
		changed = true;
	}
	t->nothing = !changed;
	if (!changed)
		return LL_OK;
	b = txn_box_get(t, x->mb);
	if (!b || !(b->keywords = keyword_list_new(at, n)))
		return LL_ERR_NOMEM;
	b->s.keywords = b->keywords;
	b->events |= ACCOUNT_MESSAGES;
	return LL_OK;
}

int
mailbox_keywords_add(struct mailbox *mb, const struct slice *names, size_t n, uint64_t *ret_flags)
{
	struct adding x = {mb, names, n};
	uint64_t flags = 0, one;
	int err;

	for (size_t i = 0; i < n; i++)
		if (!keyword_ok(names[i]))
			return LL_ERR_SYNTAX;
	err = mailbox_open(mb);
	if (err)
		return err;
	err = txn_run(mb->account, adding_build, &x);
	for (size_t i = 0; i < n && !err; i++) {
		mailbox_keyword(mb, names[i], &one);
		flags |= one;
	}
	mailbox_close(mb);
	if (!err)
		*ret_flags = flags;
	return err;
}
