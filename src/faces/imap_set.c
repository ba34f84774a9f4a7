/* Sequence sets: parsed as written, resolved against the client's own view. */
#include "faces/imap_conn.h"

#include <stdlib.h>

static bool
seq_number(struct imap_lex *l, uint32_t *ret)
{
	if (imap_lex_try(l, '*')) {
		*ret = 0;
		return true;
	}
	return imap_lex_nz_u32(l, ret);
}

static size_t
count_ranges(const struct imap_lex *l)
{
	size_t n = 1;

	for (const uint8_t *p = l->at; p < l->end && *p != ' ' && *p != ')'; p++)
		n += *p == ',';
	return n;
}

bool
imap_set_parse(struct imap_lex *l, struct imap_set *ret)
{
	struct imap_set set = {0};

	if (imap_lex_try(l, '$')) {
		*ret = (struct imap_set){.saved = true};
		return true;
	}
	set.at = ARENA_ARRAY(l->arena, struct imap_range, count_ranges(l));
	if (!set.at)
		return imap_lex_fail(l, "Set too large");
	do {
		struct imap_range *r = &set.at[set.len++];
		if (!seq_number(l, &r->from))
			return imap_lex_fail(l, "Expected a message set");
		r->to = r->from;
		if (imap_lex_try(l, ':') && !seq_number(l, &r->to))
			return false;
	} while (imap_lex_try(l, ','));
	*ret = set;
	return true;
}

static int
span_cmp(const void *a, const void *b)
{
	const struct imap_span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Sorts, drops empty ones and joins those that touch. */
static void
merge(struct imap_spans *s)
{
	size_t kept = 0;

	qsort(s->at, s->len, sizeof(*s->at), span_cmp);
	s->total = 0;
	for (size_t i = 0; i < s->len; i++) {
		struct imap_span *last = kept ? &s->at[kept - 1] : NULL;
		if (s->at[i].from >= s->at[i].to)
			continue;
		if (last && s->at[i].from <= last->to)
			last->to = MAX(last->to, s->at[i].to);
		else
			s->at[kept++] = s->at[i];
	}
	s->len = kept;
	for (size_t i = 0; i < kept; i++)
		s->total += s->at[i].to - s->at[i].from;
}

static void
order(struct imap_range *r, uint32_t star)
{
	uint32_t from = r->from ? r->from : star, to = r->to ? r->to : star;

	r->from = MIN(from, to);
	r->to = MAX(from, to);
}

static int
resolve_seq(struct imap_conn *c, struct imap_range r, struct imap_span *ret)
{
	uint32_t n = (uint32_t)c->view.uids.len;
	bool starred = !r.from || !r.to;

	order(&r, n);
	if (!n && starred && r.from <= 1) { /* "*" and "1:*" of an empty mailbox */
		*ret = (struct imap_span){0, 0};
		return LL_OK;
	}
	if (!r.from || r.to > n)
		return LL_ERR_RANGE;
	*ret = (struct imap_span){r.from - 1, r.to};
	return LL_OK;
}

static void
resolve_uid(struct imap_conn *c, struct imap_range r, struct imap_span *ret)
{
	size_t n = c->view.uids.len;

	order(&r, n ? c->view.uids.at[n - 1] : 0);
	ret->from = (uint32_t)imap_view_lower(c, r.from);
	ret->to = r.to == UINT32_MAX ? (uint32_t)n : (uint32_t)imap_view_lower(c, r.to + 1);
}

/* "$": one span per saved message that the client still knows. */
static int
resolve_saved(struct imap_conn *c, struct imap_spans *ret)
{
	struct imap_spans s = {0};

	s.at = ARENA_ARRAY(&c->arena, struct imap_span, c->saved.len + 1);
	if (!s.at)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < c->saved.len; i++) {
		size_t at = imap_view_find(c, c->saved.at[i]);
		if (at != SIZE_MAX)
			s.at[s.len++] = (struct imap_span){(uint32_t)at, (uint32_t)at + 1};
	}
	merge(&s);
	*ret = s;
	return LL_OK;
}

int
imap_set_resolve(struct imap_conn *c, const struct imap_set *set, bool uid, struct imap_spans *ret)
{
	struct imap_spans s = {0};

	if (set->saved)
		return resolve_saved(c, ret);
	s.at = ARENA_ARRAY(&c->arena, struct imap_span, set->len);
	if (!s.at)
		return LL_ERR_NOMEM;
	for (; s.len < set->len; s.len++) {
		if (uid)
			resolve_uid(c, set->at[s.len], &s.at[s.len]);
		else if (resolve_seq(c, set->at[s.len], &s.at[s.len]) != LL_OK)
			return LL_ERR_RANGE;
	}
	merge(&s);
	*ret = s;
	return LL_OK;
}

uint32_t *
imap_spans_uids(struct imap_conn *c, const struct imap_spans *spans)
{
	uint32_t *uids = ARENA_ARRAY(&c->arena, uint32_t, spans->total + 1);
	size_t n = 0;

	for (size_t i = 0; uids && i < spans->len; i++)
		for (uint32_t j = spans->at[i].from; j < spans->at[i].to; j++)
			uids[n++] = c->view.uids.at[j];
	return uids;
}

bool
imap_take_set(struct imap_conn *c, struct imap_lex *l, struct imap_spans *ret)
{
	struct imap_set set;
	int err;

	if (!imap_lex_sp(l) || !imap_set_parse(l, &set)) {
		imap_syntax(c, l);
		return false;
	}
	err = imap_set_resolve(c, &set, c->uid, ret);
	if (err == LL_ERR_RANGE)
		imap_bad(c, "No message has that number");
	else if (err != LL_OK)
		imap_error(c, err);
	return err == LL_OK;
}

bool
imap_set_has(const struct imap_set *set, uint32_t uid, uint32_t star)
{
	for (size_t i = 0; i < set->len; i++) {
		struct imap_range r = set->at[i];
		order(&r, star);
		if (uid >= r.from && uid <= r.to)
			return true;
	}
	return false;
}
