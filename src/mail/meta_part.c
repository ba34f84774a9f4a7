/* Finding parts by IMAP section number, and back. A part that holds nothing but a broken multipart
 * or is the whole message counts as its own part 1, as BODYSTRUCTURE shows it. */
#include "base/error.h"
#include "base/text.h"
#include "mail/meta.h"

static bool
has_children(const struct meta_part *p)
{
	return p->kind == MIME_MULTIPART && p->children;
}

int
meta_part_at(const struct message_meta *m, uint32_t index, struct meta_part *ret)
{
	struct meta_walk w = meta_walk_new(m);
	struct meta_part p;

	while (meta_walk_next(&w, &p)) {
		if (p.index == index) {
			*ret = p;
			return LL_OK;
		}
	}
	return LL_ERR_NOTFOUND;
}

/* The n-th child of the part that w gave last; w is then at that child. */
static int
walk_to_child(struct meta_walk *w, struct meta_part *p, uint32_t n)
{
	uint32_t want = p->index + 1, end = p->end;

	while (w->index < end && meta_walk_next(w, p)) {
		if (p->index != want)
			continue;
		if (--n == 0)
			return LL_OK;
		want = p->end;
	}
	return LL_ERR_NOTFOUND;
}

/* One number of a section path below the part p; first: below the whole message. */
static int
step(struct meta_walk *w, struct meta_part *p, uint32_t n, bool first)
{
	if (!n || (!first && p->kind == MIME_LEAF))
		return LL_ERR_NOTFOUND;
	if (!first && p->kind == MIME_MESSAGE && walk_to_child(w, p, 1))
		return LL_ERR_NOTFOUND;
	if (has_children(p))
		return walk_to_child(w, p, n);
	return n == 1 ? LL_OK : LL_ERR_NOTFOUND;
}

int
meta_part_find(const struct message_meta *m, const uint32_t *path, size_t n, struct meta_part *ret)
{
	struct meta_walk w = meta_walk_new(m);
	struct meta_part p;
	int err = meta_walk_next(&w, &p) ? LL_OK : LL_ERR_NOTFOUND;

	for (size_t i = 0; i < n && !err; i++)
		err = step(&w, &p, path[i], i == 0);
	if (!err)
		*ret = p;
	return err;
}

int
meta_part_inner(const struct message_meta *m, const struct meta_part *outer, struct meta_part *ret)
{
	return outer->kind == MIME_MESSAGE ? meta_part_at(m, outer->index + 1, ret)
					   : LL_ERR_NOTFOUND;
}

/* What the way down to a part passes. */
struct level {
	uint32_t position; /* among its siblings, from 1 */
	uint8_t kind;
	bool container;
};

static int
put_number(struct buf *out, const struct level *levels, size_t depth)
{
	size_t start = out->len;
	bool named = false;

	for (size_t i = 0; i <= depth; i++) {
		bool child = i > 0 && levels[i - 1].kind == MIME_MULTIPART;
		named = child || !levels[i].container;
		if (!named)
			continue;
		if (out->len > start)
			buf_putc(out, '.');
		buf_put_u64dec(out, child ? levels[i].position : 1);
	}
	return named ? buf_err(out) : LL_ERR_NOTFOUND;
}

int
meta_part_number(struct buf *out, const struct message_meta *m, uint32_t index)
{
	struct level levels[MIME_DEPTH_MAX + 1] = {0};
	struct meta_walk w = meta_walk_new(m);
	size_t last = 0, before = out->len;
	struct meta_part p;
	int err;

	while (meta_walk_next(&w, &p)) {
		struct level *l = &levels[p.depth];
		l->position = p.depth > last ? 1 : l->position + 1;
		l->kind = p.kind;
		l->container = has_children(&p);
		last = p.depth;
		if (p.index != index)
			continue;
		err = put_number(out, levels, p.depth);
		if (err)
			buf_truncate(out, before);
		return err;
	}
	return LL_ERR_NOTFOUND;
}

int
meta_param_find(struct meta_list params, struct slice name, struct slice *ret)
{
	struct mime_param p;

	while (meta_param_next(&params, &p)) {
		if (slice_ieq(p.name, name)) {
			*ret = p.value;
			return LL_OK;
		}
	}
	return LL_ERR_NOTFOUND;
}

static int
param_decode(struct buf *out, struct meta_list l, const char *name)
{
	struct mime_param at[MIME_PARAMS_MAX];
	struct mime_params params = {.at = at};

	while (params.len < MIME_PARAMS_MAX && meta_param_next(&l, &at[params.len]))
		params.len++;
	return mime_param_decode(out, &params, slice_str(name));
}

int
meta_part_filename(struct buf *out, const struct meta_part *p)
{
	int err = param_decode(out, p->disposition_params, "filename");

	return err == LL_ERR_NOTFOUND ? param_decode(out, p->params, "name") : err;
}
