/* Body hashes shared between the signatures of one message: most use the same canonicalisation, and
 * the body is long. */
#include "base/error.h"
#include "mail/dkim_internal.h"

#include <string.h>

void
dkim_bodies_done(struct dkim_bodies *b)
{
	for (size_t i = 0; i < b->count; i++)
		dkim_body_free(b->at[i].stream);
	*b = (struct dkim_bodies){0};
}

int
dkim_bodies_share(struct dkim_bodies *b, const struct dkim_signature *s, size_t *ret)
{
	struct dkim_body_hash *h;

	for (size_t i = 0; i < b->count; i++)
		if (b->at[i].canon == s->body_canon && b->at[i].limit == s->limit) {
			*ret = i;
			return LL_OK;
		}
	if (b->count == DKIM_BODIES_MAX)
		return LL_ERR_LIMIT;
	h = &b->at[b->count];
	h->canon = s->body_canon;
	h->limit = s->limit;
	h->stream = dkim_body_new(h->canon, h->limit);
	if (!h->stream)
		return LL_ERR_NOMEM;
	*ret = b->count++;
	return LL_OK;
}

int
dkim_bodies_update(struct dkim_bodies *b, struct slice piece)
{
	int r = b->ended ? LL_ERR_STATE : LL_OK;

	for (size_t i = 0; !r && i < b->count; i++)
		r = dkim_body_update(b->at[i].stream, piece);
	return r;
}

int
dkim_bodies_end(struct dkim_bodies *b)
{
	int r = b->ended ? LL_ERR_STATE : LL_OK;

	for (size_t i = 0; !r && i < b->count; i++)
		r = dkim_body_final(b->at[i].stream, b->at[i].hash, &b->at[i].length);
	if (!r)
		b->ended = true;
	return r;
}

const char *
dkim_bodies_compare(const struct dkim_bodies *b, size_t index, const struct dkim_signature *s)
{
	const struct dkim_body_hash *h = &b->at[index];

	if (s->limited && h->length < s->limit)
		return "body is shorter than l=";
	return memcmp(h->hash, s->body_hash, DKIM_HASH_SIZE) ? "body hash does not match" : NULL;
}
