/* Asking rules of a message that arrives (rule_priv.h). Text is compared as search compares it
 * (mail/fold.h): what a search for the text would find, the rule finds too. */
#include "account/rule_priv.h"

#include "mail/address.h"
#include "mail/encoded_word.h"
#include "mail/fold.h"
#include "mail/header.h"

#include <stdlib.h>

#define TEXT_MAX ((size_t)1 << 20) /* of one field, decoded */
#define HEADER_MAX ((size_t)4 << 20) /* read for a rule */

struct ready_condition {
	struct rule_condition c;
	struct search_query *query; /* of RULE_CONTAINS */
	struct buf folded; /* of RULE_IS */
	struct buf domain; /* of RULE_DOMAIN: A-labels */
};
struct ready {
	struct rule rule; /* views of bytes */
	struct buf bytes;
	uint64_t created;
	struct ready_condition *conditions;
};
struct rules {
	VEC(struct ready) v;
};

/* ---- Making ready ---- */

static void
ready_done(struct ready *r)
{
	for (size_t i = 0; r->conditions && i < r->rule.n_conditions; i++) {
		search_query_free(r->conditions[i].query);
		buf_done(&r->conditions[i].folded);
		buf_done(&r->conditions[i].domain);
	}
	free(r->conditions);
	buf_done(&r->bytes);
}

void
rules_free(struct rules *r)
{
	if (!r)
		return;
	VEC_EACH (one, &r->v)
		ready_done(one);
	VEC_DONE(&r->v);
	free(r);
}

static int
condition_ready(struct ready_condition *x, const struct rule_condition *c)
{
	*x = (struct ready_condition){
		.c = *c, .folded = BUF_SECRET(TEXT_MAX), .domain = BUF_INIT(ADDRESS_KEY_MAX)};
	if (c->field >= RULE_ATTACHMENT)
		return LL_OK;
	if (c->match == RULE_CONTAINS)
		return search_query_new(c->text, &x->query);
	if (c->match == RULE_IS)
		return fold_all(slice_trim(c->text), &x->folded);
	/* What is no domain name matches none. */
	if (address_domain_ascii(&x->domain, c->text))
		buf_reset(&x->domain);
	return LL_OK;
}

static int
ready_make(struct ready *r, const struct object *o)
{
	int err;

	*r = (struct ready){.bytes = BUF_SECRET(OBJECT_VALUE_MAX), .created = o->created};
	err = buf_put(&r->bytes, o->value);
	if (!err)
		err = rule_decode(buf_slice(&r->bytes), &r->rule);
	if (err)
		return err;
	r->conditions = calloc(r->rule.n_conditions, sizeof(*r->conditions));
	for (size_t i = 0; i < r->rule.n_conditions && r->conditions && !err; i++)
		err = condition_ready(&r->conditions[i], &r->rule.conditions[i]);
	return r->conditions ? err : LL_ERR_NOMEM;
}

static int
ready_cmp(const void *a, const void *b)
{
	const struct ready *x = a, *y = b;

	if (x->rule.order != y->rule.order)
		return x->rule.order < y->rule.order ? -1 : 1;
	return x->created < y->created ? -1 : x->created > y->created;
}

/* One that a later version has written, or one whose text is too long to compare, is passed over:
 * mail must arrive. */
static int
rules_add(struct rules *r, const struct object *o)
{
	struct ready one;
	int err = ready_make(&one, o);

	if (!err && one.rule.enabled && !VEC_PUSH(&r->v, one))
		return LL_OK;
	ready_done(&one);
	return err == LL_ERR_NOMEM ? err : LL_OK;
}

int
rules_load(struct account *a, struct rules **ret)
{
	const struct object *o;
	struct rules *r;
	size_t pos = 0;
	int err;

	*ret = NULL;
	if (!a->head.objects || !a->head.states[CHANGE_RULES])
		return LL_OK;
	err = account_objects_load(a);
	if (err || !account_object_next(a, CHANGE_RULES, &pos))
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return LL_ERR_NOMEM;
	for (pos = 0; !err && (o = account_object_next(a, CHANGE_RULES, &pos)) != NULL;)
		err = rules_add(r, o);
	if (err || !r->v.len) {
		rules_free(r);
		return err;
	}
	qsort(r->v.at, r->v.len, sizeof(r->v.at[0]), ready_cmp);
	*ret = r;
	return LL_OK;
}

/* ---- Asking ---- */

struct asked {
	struct account *a;
	const struct rule_message *m;
	struct buf scratch, folded, header;
	bool have_header;
	int err;
};

/* Text that is decoded already. */
static bool
text_is(struct asked *x, const struct ready_condition *c, struct slice text)
{
	if (c->c.match == RULE_CONTAINS)
		return search_query_in(c->query, text);
	buf_reset(&x->folded);
	return !fold_all(slice_trim(text), &x->folded) &&
		slice_eq(buf_slice(&x->folded), buf_slice(&c->folded));
}

static bool
encoded_is(struct asked *x, const struct ready_condition *c, struct slice value)
{
	buf_reset(&x->scratch);
	return value.ptr && !encoded_word_decode(&x->scratch, value) &&
		text_is(x, c, buf_slice(&x->scratch));
}

static bool
domain_is(struct asked *x, const struct ready_condition *c, struct slice domain)
{
	struct slice want = buf_slice(&c->domain), got;

	buf_reset(&x->scratch);
	if (!want.len || address_domain_ascii(&x->scratch, domain))
		return false;
	got = buf_slice(&x->scratch);
	return slice_eq(got, want) ||
		(slice_ends(got, want) && got.ptr[got.len - want.len - 1] == '.');
}

static bool
address_is(struct asked *x, const struct ready_condition *c, const struct address *addr)
{
	if (c->c.match == RULE_DOMAIN)
		return addr->domain.ptr && domain_is(x, c, addr->domain);
	if (addr->name.len && encoded_is(x, c, addr->name))
		return true;
	buf_reset(&x->scratch);
	address_put_bare(&x->scratch, addr);
	return text_is(x, c, buf_slice(&x->scratch));
}

static bool
list_is(struct asked *x, const struct ready_condition *c, enum meta_envelope_list which)
{
	struct meta_list l = x->m->meta->envelope.lists[which];
	struct address addr;

	while (meta_address_next(&l, &addr))
		if (addr.kind == ADDRESS_MAILBOX && address_is(x, c, &addr))
			return true;
	return false;
}

static bool
recipient_is(struct asked *x, const struct ready_condition *c)
{
	struct slice rest = x->m->recipient;
	size_t at = rest.len;

	while (at && rest.ptr[at - 1] != '@')
		at--;
	if (!at)
		return false;
	return address_is(x, c,
		&(struct address){.kind = ADDRESS_MAILBOX,
			.local = slice_sub(rest, 0, at - 1),
			.domain = slice_skip(rest, at)});
}

static struct slice
header_of(struct asked *x)
{
	uint64_t len = MIN((uint64_t)x->m->meta->header_size, (uint64_t)HEADER_MAX);

	if (!x->have_header && !x->err)
		x->err = body_read(x->a, x->m->entry, 0, len, &x->header);
	x->have_header = !x->err;
	return buf_slice(&x->header);
}

static bool
header_is(struct asked *x, const struct ready_condition *c)
{
	struct header_iter it = header_iter_new(header_of(x));
	struct header_field f;

	while (!x->err && header_next(&it, &f))
		if (slice_ieq(f.name, c->c.name) && (!c->c.text.len || encoded_is(x, c, f.value)))
			return true;
	return false;
}

static bool
condition_holds(struct asked *x, const struct ready_condition *c)
{
	const struct message_meta *m = x->m->meta;

	switch (c->c.field) {
	case RULE_FROM:
		return list_is(x, c, META_FROM);
	case RULE_TO:
		return list_is(x, c, META_TO) || list_is(x, c, META_CC) ||
			list_is(x, c, META_BCC) || recipient_is(x, c);
	case RULE_SUBJECT:
		return encoded_is(x, c, m->envelope.subject);
	case RULE_LIST_ID:
		return m->list_id.ptr && text_is(x, c, m->list_id);
	case RULE_HEADER:
		return header_is(x, c);
	case RULE_ATTACHMENT:
		return m->flags & META_HAS_ATTACHMENT;
	case RULE_SIZE_FROM:
		return m->size >= c->c.size;
	default:
		return m->size < c->c.size;
	}
}

static bool
rule_holds(struct asked *x, const struct ready *r)
{
	for (size_t i = 0; i < r->rule.n_conditions; i++)
		if (condition_holds(x, &r->conditions[i]) != r->rule.all)
			return !r->rule.all;
	return r->rule.all;
}

/* ---- Doing ---- */

static void
outcome_place(struct account *a, const struct rule *r, struct rule_outcome *out)
{
	const struct mailbox *mb = NULL;

	if (r->trash)
		mb = account_mailbox_by_role(a, MAILBOX_TRASH);
	else if (r->move)
		mb = account_mailbox_by_id(a, r->mailbox);
	if (!mb || out->placed)
		return;
	out->placed = true;
	out->mailbox = mb->s.info.id;
}

static void
outcome_add(struct account *a, const struct rule *r, struct rule_outcome *out)
{
	outcome_place(a, r, out);
	out->flags |= (r->seen ? FLAG_SEEN : 0) | (r->flagged ? FLAG_FLAGGED : 0);
	for (size_t i = 0; i < r->n_keywords && out->n_keywords < ARRAY_SIZE(out->keywords); i++)
		out->keywords[out->n_keywords++] = r->keywords[i];
}

int
rules_apply(struct account *a, const struct rules *r, const struct rule_message *m,
	struct rule_outcome *ret)
{
	struct asked x = {.a = a,
		.m = m,
		.scratch = BUF_SECRET(TEXT_MAX),
		.folded = BUF_SECRET(2 * TEXT_MAX),
		.header = BUF_SECRET(HEADER_MAX)};
	struct rule_outcome out = {.placed = false};

	VEC_EACH (one, &r->v) {
		if (!rule_holds(&x, one) || x.err)
			continue;
		outcome_add(a, &one->rule, &out);
		if (one->rule.stop)
			break;
	}
	buf_done(&x.scratch);
	buf_done(&x.folded);
	buf_done(&x.header);
	if (!x.err)
		*ret = out;
	return x.err;
}
