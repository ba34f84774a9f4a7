/* Search: the face's tree is compiled into conditions ordered by cost and asked message by message.
 * What a condition needs (brief, metadata, signature, text) is read only when it is reached, and
 * the signature rules out nearly every message whose text would have to be opened. */
#include "account/find.h"

#include "account/brief.h"
#include "account/engine.h"
#include "mail/encoded_word.h"

#include <stdlib.h>

#define WHOLE_TEXT_MAX ((uint64_t)4 << 20) /* larger messages are searched part by part */

enum find_cost { COST_ROW, COST_BRIEF, COST_FIELD, COST_TEXT };

struct cond {
	enum find_op op;
	enum find_cost cost;
	const struct find_node *node;
	struct search_query *query;
	struct verdicts *verdicts; /* NULL: nothing is remembered */
	struct cond *kids;
	size_t n_kids;
};

/* One message under examination. */
struct exam {
	struct account *a;
	const struct message_row *row;
	struct page *page;
	struct entry entry;
	bool have_entry, have_sig, have_head, have_text;
	bool open; /* bodies may be opened */
	const struct message_meta *meta;
	struct slice sig;
	struct buf text, scratch; /* head or all of the message; decoded values */
	int err;
};

/* ---- What conditions need ---- */

static const struct entry *
exam_entry(struct exam *x)
{
	if (!x->have_entry && !x->err) {
		x->err = entry_get(x->a, x->row->email, &x->page, &x->entry);
		x->have_entry = !x->err;
	}
	return x->have_entry ? &x->entry : NULL;
}

static const struct brief *
exam_brief(struct exam *x)
{
	const struct brief *b = NULL;

	if (!x->err)
		x->err = brief_get(x->a, x->row->email, &b);
	return x->err ? NULL : b;
}

static const struct message_meta *
exam_meta(struct exam *x)
{
	if (!x->meta && exam_entry(x))
		x->err = entry_meta(x->a, x->page, x->row->email, &x->entry, &x->meta);
	return x->err ? NULL : x->meta;
}

/* Whether the text may stand in the message at all. */
static bool
exam_may(struct exam *x, const struct cond *c)
{
	if (!x->have_sig && !x->err) {
		x->err = entry_signature(x->a, x->row->email, &x->sig);
		x->have_sig = !x->err;
	}
	return !x->err && signature_may_contain_bound(x->sig, c->query);
}

static bool
exam_read(struct exam *x, uint64_t offset, uint64_t len)
{
	const struct entry *e = exam_entry(x);

	buf_reset(&x->text);
	x->have_head = x->have_text = false;
	if (e && !x->err)
		x->err = body_read(x->a, e, offset, len, &x->text);
	return !x->err;
}

static bool
exam_head(struct exam *x)
{
	const struct message_meta *m = exam_meta(x);

	if (x->have_head || x->have_text || !m)
		return m != NULL;
	x->have_head = exam_read(x, 0, m->header_size);
	return x->have_head;
}

static bool
exam_text(struct exam *x)
{
	if (!x->have_text)
		x->have_text = exam_read(x, 0, UINT64_MAX);
	return x->have_text;
}

/* ---- Conditions on text ---- */

static bool
ask_subject(struct exam *x, const struct cond *c)
{
	const struct message_meta *m = exam_meta(x);

	if (!m || !m->envelope.subject.ptr)
		return false;
	if (!c->node->text.len)
		return true;
	buf_reset(&x->scratch);
	return !encoded_word_decode(&x->scratch, m->envelope.subject) &&
		search_query_in(c->query, buf_slice(&x->scratch));
}

/* Display name, then the address, each for itself. */
static bool
ask_address(struct exam *x, const struct cond *c, const struct address *addr)
{
	buf_reset(&x->scratch);
	if (addr->name.len && !encoded_word_decode(&x->scratch, addr->name) &&
		search_query_in(c->query, buf_slice(&x->scratch)))
		return true;
	buf_reset(&x->scratch);
	address_put_bare(&x->scratch, addr);
	return search_query_in(c->query, buf_slice(&x->scratch));
}

static bool
ask_addresses(struct exam *x, const struct cond *c)
{
	static const enum meta_envelope_list lists[FIND_OPS] = {[FIND_FROM] = META_FROM,
		[FIND_TO] = META_TO,
		[FIND_CC] = META_CC,
		[FIND_BCC] = META_BCC};
	const struct message_meta *m = exam_meta(x);
	struct meta_list l;
	struct address addr;

	if (!m)
		return false;
	l = m->envelope.lists[lists[c->op]];
	if (!c->node->text.len)
		return l.count != 0;
	while (meta_address_next(&l, &addr))
		if (ask_address(x, c, &addr))
			return true;
	return false;
}

static bool
ask_header(struct exam *x, const struct cond *c)
{
	return exam_head(x) &&
		search_header(c->query, SEARCH_HEADER, c->node->name,
			slice_sub(buf_slice(&x->text), 0, x->meta->header_size));
}

/* A large message, one part at a time, attachments by their names only. */
static bool
ask_parts(struct exam *x, const struct cond *c, const struct message_meta *m)
{
	struct meta_walk w = meta_walk_new(m);
	struct meta_part p;

	if (c->op == FIND_TEXT && exam_head(x) &&
		search_header(c->query, SEARCH_TEXT, SLICE_NONE, buf_slice(&x->text)))
		return true;
	while (!x->err && meta_walk_next(&w, &p)) {
		uint32_t head = p.body_start - p.header_start;
		uint32_t end = p.kind == MIME_LEAF && slice_ieq(p.type, S("text")) ? p.body_end
										   : p.body_start;
		if (exam_read(x, p.header_start, end - p.header_start) &&
			search_part(c->query, &p, slice_sub(buf_slice(&x->text), 0, head),
				slice_skip(buf_slice(&x->text), head)))
			return true;
	}
	return false;
}

static bool
ask_text(struct exam *x, const struct cond *c)
{
	const struct message_meta *m = exam_meta(x);

	if (!m || !c->node->text.len)
		return m != NULL;
	if (m->size > WHOLE_TEXT_MAX)
		return ask_parts(x, c, m);
	return exam_text(x) &&
		search_message(c->query, c->op == FIND_TEXT ? SEARCH_TEXT : SEARCH_BODY, SLICE_NONE,
			buf_slice(&x->text), m);
}

/* ---- Conditions on numbers ---- */

static bool
between(int64_t v, const struct find_node *n)
{
	return v >= n->min && v <= n->max;
}

static bool
ask_uids(const struct exam *x, const struct find_node *n)
{
	size_t lo = 0, hi = n->n_uids;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (n->uids[mid] < x->row->uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n->n_uids && n->uids[lo] == x->row->uid;
}

static int64_t
day_of(int64_t seconds)
{
	return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
}

static bool
ask_sent(const struct brief *b, const struct find_node *n)
{
	int64_t east = b->flags & META_HAS_DATE ? (int64_t)b->zone * 60 : 0;

	return between(day_of(b->sent + east), n);
}

static bool
ask_row(struct exam *x, const struct cond *c)
{
	const struct find_node *n = c->node;

	switch (c->op) {
	case FIND_FLAGS:
		return (x->row->flags & n->mask) == n->bits;
	case FIND_UIDS:
		return ask_uids(x, n);
	case FIND_MODSEQ:
		return n->min <= 0 || x->row->modseq >= (uint64_t)n->min;
	case FIND_SIZE:
		return between(x->row->size, n);
	case FIND_SAVED:
		return between(x->row->saved, n);
	default:
		return x->row->email == n->min;
	}
}

static bool
ask_brief(struct exam *x, const struct cond *c)
{
	const struct brief *b = exam_brief(x);

	if (!b)
		return false;
	switch (c->op) {
	case FIND_THREAD:
		return b->thread == c->node->min;
	case FIND_INTERNAL:
		return between(b->received, c->node);
	case FIND_SENT:
		return ask_sent(b, c->node);
	default:
		return b->flags & META_HAS_ATTACHMENT;
	}
}

/* ---- The tree ---- */

static enum find_answer ask(struct exam *x, const struct cond *c);

/* FIND_NOT is said of all its kids together. */
static enum find_answer
ask_group(struct exam *x, const struct cond *c)
{
	enum find_answer decides = c->op == FIND_OR ? ANSWER_YES : ANSWER_NO;
	enum find_answer end = c->op == FIND_AND ? ANSWER_YES : ANSWER_NO;

	for (size_t i = 0; i < c->n_kids; i++) {
		enum find_answer one = ask(x, &c->kids[i]);
		if (one == decides)
			return c->op == FIND_AND ? ANSWER_NO : ANSWER_YES;
		if (one == ANSWER_UNKNOWN)
			end = ANSWER_UNKNOWN;
	}
	return end;
}

typedef bool ask_fn(struct exam *x, const struct cond *c);

static const struct {
	ask_fn *ask;
	enum find_cost cost;
	bool text; /* has a query */
	bool covered; /* the signature knows the text */
} ops[FIND_OPS] = {
	[FIND_AND] = {NULL, COST_ROW, false, false},
	[FIND_OR] = {NULL, COST_ROW, false, false},
	[FIND_NOT] = {NULL, COST_ROW, false, false},
	[FIND_FLAGS] = {ask_row, COST_ROW, false, false},
	[FIND_UIDS] = {ask_row, COST_ROW, false, false},
	[FIND_MODSEQ] = {ask_row, COST_ROW, false, false},
	[FIND_SIZE] = {ask_row, COST_ROW, false, false},
	[FIND_SAVED] = {ask_row, COST_ROW, false, false},
	[FIND_EMAIL] = {ask_row, COST_ROW, false, false},
	[FIND_THREAD] = {ask_brief, COST_BRIEF, false, false},
	[FIND_INTERNAL] = {ask_brief, COST_BRIEF, false, false},
	[FIND_SENT] = {ask_brief, COST_BRIEF, false, false},
	[FIND_HAS_ATTACHMENT] = {ask_brief, COST_BRIEF, false, false},
	[FIND_FROM] = {ask_addresses, COST_FIELD, true, true},
	[FIND_TO] = {ask_addresses, COST_FIELD, true, true},
	[FIND_CC] = {ask_addresses, COST_FIELD, true, true},
	[FIND_BCC] = {ask_addresses, COST_FIELD, true, true},
	[FIND_SUBJECT] = {ask_subject, COST_FIELD, true, true},
	[FIND_HEADER] = {ask_header, COST_TEXT, true, true},
	[FIND_BODY] = {ask_text, COST_TEXT, true, true},
	[FIND_TEXT] = {ask_text, COST_TEXT, true, true},
};

static enum find_answer
ask_one(struct exam *x, const struct cond *c)
{
	bool covered = ops[c->op].covered && c->node->text.len &&
		(c->op != FIND_HEADER || search_field_covered(c->node->name));
	bool yes = false;

	if (!covered || exam_may(x, c)) {
		if (c->cost == COST_TEXT && !x->open)
			return ANSWER_UNKNOWN;
		yes = ops[c->op].ask(x, c);
	}
	if (!x->err)
		verdict_put(c->verdicts, x->a, x->row->email, yes);
	return yes ? ANSWER_YES : ANSWER_NO;
}

static enum find_answer
ask(struct exam *x, const struct cond *c)
{
	enum find_answer known;

	if (x->err)
		return ANSWER_NO;
	if (c->op <= FIND_NOT)
		return ask_group(x, c);
	known = verdict_get(c->verdicts, x->row->email);
	return known == ANSWER_UNKNOWN ? ask_one(x, c) : known;
}

/* ---- Compiling ---- */

static void
cond_done(struct cond *c)
{
	for (size_t i = 0; i < c->n_kids; i++)
		cond_done(&c->kids[i]);
	free(c->kids);
	search_query_free(c->query);
}

static int
cond_cmp(const void *a, const void *b)
{
	const struct cond *x = a, *y = b;

	return (int)x->cost - (int)y->cost;
}

static int cond_make(struct cond *c, const struct find_node *n, unsigned depth);

static int
cond_kids(struct cond *c, unsigned depth)
{
	size_t n = 0;

	for (const struct find_node *k = c->node->kids; k; k = k->next)
		n++;
	c->kids = calloc(n + 1, sizeof(*c->kids));
	if (!c->kids)
		return LL_ERR_NOMEM;
	for (const struct find_node *k = c->node->kids; k; k = k->next) {
		int err = cond_make(&c->kids[c->n_kids++], k, depth + 1);
		if (err)
			return err;
		c->cost = MAX(c->cost, c->kids[c->n_kids - 1].cost);
	}
	qsort(c->kids, n, sizeof(*c->kids), cond_cmp);
	return LL_OK;
}

static int
cond_make(struct cond *c, const struct find_node *n, unsigned depth)
{
	int err = LL_OK;

	*c = (struct cond){.op = n->op, .node = n};
	if (n->op >= FIND_OPS)
		return LL_ERR_UNSUPPORTED;
	if (depth > FIND_DEPTH_MAX)
		return LL_ERR_LIMIT;
	c->cost = ops[n->op].cost;
	if (n->op <= FIND_NOT)
		return cond_kids(c, depth);
	if (ops[n->op].text) {
		err = search_query_new(n->text, &c->query);
		if (!err)
			err = search_query_bind(c->query, signature_key, c->cost == COST_TEXT);
	}
	return err;
}

/* ---- One message at a time, for queries over several mailboxes ---- */

struct finder {
	struct cond root;
	struct exam x;
};

static void
exam_next(struct exam *x, const struct message_row *row)
{
	x->row = row;
	x->have_entry = x->have_sig = x->have_head = x->have_text = false;
	x->meta = NULL;
}

int
finder_new(struct account *a, const struct find_node *root, struct finder **ret)
{
	struct finder *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return LL_ERR_NOMEM;
	f->x = (struct exam){.a = a,
		.text = BUF_SECRET(MESSAGE_SIZE_MAX + 1),
		.scratch = BUF_SECRET((size_t)4 << 20)};
	err = cond_make(&f->root, root, 0);
	if (err)
		finder_free(f);
	else
		*ret = f;
	return err;
}

void
finder_free(struct finder *f)
{
	if (!f)
		return;
	cond_done(&f->root);
	buf_done(&f->x.text);
	buf_done(&f->x.scratch);
	free(f);
}

bool
finder_reads(const struct finder *f)
{
	return f->root.cost >= COST_FIELD;
}

static void
cond_bind(struct cond *c, struct account *a, uint64_t since)
{
	for (size_t i = 0; i < c->n_kids; i++)
		cond_bind(&c->kids[i], a, since);
	if (ops[c->op].text)
		c->verdicts = verdicts_of(a, c->node, since);
}

void
finder_bind(struct finder *f, uint64_t since)
{
	cond_bind(&f->root, f->x.a, since);
}

static int
finder_err(const struct finder *f)
{
	return f->x.err == LL_ERR_NOTFOUND ? LL_ERR_CORRUPT : f->x.err;
}

int
finder_guess(struct finder *f, const struct message_row *row, enum find_answer *ret)
{
	exam_next(&f->x, row);
	f->x.open = false;
	*ret = ask(&f->x, &f->root);
	return finder_err(f);
}

/* What can be told without its body may decide, even where a condition on the body comes first. */
int
finder_ask(struct finder *f, const struct message_row *row, bool *ret)
{
	enum find_answer said;
	int err = finder_guess(f, row, &said);

	if (!err && said == ANSWER_UNKNOWN) {
		f->x.open = true;
		said = ask(&f->x, &f->root);
		err = finder_err(f);
	}
	*ret = said == ANSWER_YES;
	return err;
}
