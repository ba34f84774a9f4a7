/* Filters of Email/query (RFC 8621 section 4.4.1) as conditions of the engine. */
#include "faces/jmap_email.h"

#define WORDS_MAX 64

/* What a filter condition's value becomes. */
typedef bool take_fn(
	struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f);

static bool
take_mailbox(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	struct store_id *id = ARENA_NEW(mem, struct store_id);

	if (!json_is_string(v) || !id)
		return false;
	f->mailboxes = id;
	f->n_mailboxes = jmap_id_parse(CHANGE_MAILBOX, jmap_id(c, json_slice(v)), id);
	return true;
}

static bool
take_mailboxes(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	size_t n = json_array_size(v);
	struct store_id *ids = ARENA_ARRAY(mem, struct store_id, n + 1);

	for (size_t i = 0; i < n && ids; i++) {
		const json_t *id = json_array_get(v, i);
		if (!json_is_string(id))
			return false;
		f->n_mailboxes += jmap_id_parse(
			CHANGE_MAILBOX, jmap_id(c, json_slice(id)), &ids[f->n_mailboxes]);
	}
	f->mailboxes = ids;
	return ids && json_is_array(v);
}

static bool
take_keyword(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	f->text = json_slice(v);
	return f->text.len != 0;
}

static bool
take_before(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	f->find.min = INT64_MIN;
	if (!json_utc_date(v, &f->find.max))
		return false;
	f->find.max--;
	return true;
}

static bool
take_after(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	f->find.max = INT64_MAX;
	return json_utc_date(v, &f->find.min);
}

static bool
take_min_size(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	uint64_t size;

	f->find.max = INT64_MAX;
	if (!json_uint(v, &size))
		return false;
	f->find.min = (int64_t)size;
	return true;
}

static bool
take_max_size(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	uint64_t size;

	if (!json_uint(v, &size))
		return false;
	f->find.max = (int64_t)size - 1;
	return true;
}

/* false: the opposite. */
static bool
take_attachment(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	struct find_node *yes = ARENA_NEW(mem, struct find_node);

	if (!json_is_boolean(v) || !yes)
		return false;
	yes->op = FIND_HAS_ATTACHMENT;
	if (json_is_false(v))
		f->find = (struct find_node){.op = FIND_NOT, .kids = yes};
	return true;
}

/* All words of a text must be there, but a quoted one as it stands. */
static struct slice
next_word(struct slice *rest)
{
	struct slice word;
	uint8_t end = ' ';

	*rest = slice_trim(*rest);
	if (rest->len && (rest->ptr[0] == '"' || rest->ptr[0] == '\'')) {
		end = rest->ptr[0];
		if (slice_find_byte(slice_skip(*rest, 1), end) != SLICE_NPOS)
			*rest = slice_skip(*rest, 1);
		else
			end = ' ';
	}
	word = slice_split(rest, end);
	return word;
}

static bool
take_text(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	struct slice rest = json_slice(v), word;
	struct find_node *first = NULL;
	enum find_op op = f->find.op;
	size_t n = 0;

	if (!json_is_string(v))
		return false;
	while (rest.len && n++ < WORDS_MAX) {
		struct find_node *node;
		word = next_word(&rest);
		if (!word.len)
			continue;
		node = ARENA_NEW(mem, struct find_node);
		if (!node)
			return false;
		*node = (struct find_node){.op = op, .text = word, .next = first};
		first = node;
	}
	f->find = (struct find_node){.op = FIND_AND, .kids = first};
	return true;
}

static bool
take_header(struct jmap_call *c, const json_t *v, struct arena *mem, struct email_filter *f)
{
	size_t n = json_array_size(v);

	for (size_t i = 0; i < n; i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	if (!json_is_array(v) || n < 1 || n > 2)
		return false;
	f->find.name = json_slice(json_array_get(v, 0));
	f->find.text = n == 2 ? json_slice(json_array_get(v, 1)) : SLICE_NONE;
	return true;
}

static const struct {
	const char *name;
	enum email_filter_op op;
	enum find_op find;
	take_fn *take;
} conditions[] = {
	{"inMailbox", EMAIL_IN_MAILBOX, FIND_OPS, take_mailbox},
	{"inMailboxOtherThan", EMAIL_IN_OTHER_THAN, FIND_OPS, take_mailboxes},
	{"before", EMAIL_FIND, FIND_INTERNAL, take_before},
	{"after", EMAIL_FIND, FIND_INTERNAL, take_after},
	{"minSize", EMAIL_FIND, FIND_SIZE, take_min_size},
	{"maxSize", EMAIL_FIND, FIND_SIZE, take_max_size},
	{"allInThreadHaveKeyword", EMAIL_ALL_IN_THREAD, FIND_OPS, take_keyword},
	{"someInThreadHaveKeyword", EMAIL_SOME_IN_THREAD, FIND_OPS, take_keyword},
	{"noneInThreadHaveKeyword", EMAIL_NONE_IN_THREAD, FIND_OPS, take_keyword},
	{"hasKeyword", EMAIL_HAS_KEYWORD, FIND_OPS, take_keyword},
	{"notKeyword", EMAIL_NOT_KEYWORD, FIND_OPS, take_keyword},
	{"hasAttachment", EMAIL_FIND, FIND_HAS_ATTACHMENT, take_attachment},
	{"text", EMAIL_FIND, FIND_TEXT, take_text},
	{"from", EMAIL_FIND, FIND_FROM, take_text},
	{"to", EMAIL_FIND, FIND_TO, take_text},
	{"cc", EMAIL_FIND, FIND_CC, take_text},
	{"bcc", EMAIL_FIND, FIND_BCC, take_text},
	{"subject", EMAIL_FIND, FIND_SUBJECT, take_text},
	{"body", EMAIL_FIND, FIND_BODY, take_text},
	{"header", EMAIL_FIND, FIND_HEADER, take_header},
};

static enum jmap_error
take_one(struct jmap_call *c, const char *key, const json_t *v, struct arena *mem,
	struct email_filter *f)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(conditions) && strcmp(key, conditions[i].name))
		i++;
	if (i == ARRAY_SIZE(conditions))
		return JMAP_UNSUPPORTED_FILTER;
	f->op = conditions[i].op;
	f->find.op = conditions[i].find;
	if (conditions[i].take(c, v, mem, f))
		return JMAP_OK;
	return jmap_bad(c,
		f->find.op == FIND_INTERNAL ? "before and after are UTCDates"
					    : "a value in the filter");
}

/* Cheap ones first, so that text is looked for last: the engine asks in order. */
static struct email_filter *
sorted_in(struct email_filter *first, struct email_filter *f)
{
	bool dear = f->op == EMAIL_FIND && f->find.op <= FIND_NOT;
	struct email_filter *last = first;

	if (!first || !dear) {
		f->next = first;
		return f;
	}
	while (last->next) {
		union {
			const struct email_filter *in;
			struct email_filter *out;
		} u = {.in = last->next};
		last = u.out;
	}
	last->next = f;
	return first;
}

static enum jmap_error
make_condition(struct jmap_call *c, json_t *in, struct arena *mem, struct email_filter *out)
{
	struct email_filter *first = NULL;
	const char *key;
	json_t *v;

	json_object_foreach(in, key, v)
	{
		struct email_filter *f = ARENA_NEW(mem, struct email_filter);
		enum jmap_error e = f ? take_one(c, key, v, mem, f) : JMAP_SERVER_FAIL;
		if (e)
			return e;
		first = sorted_in(first, f);
	}
	out->op = EMAIL_AND;
	out->kids = first;
	return JMAP_OK;
}

static enum jmap_error make_node(
	struct jmap_call *c, const json_t *in, struct arena *mem, struct email_filter *out);

static enum jmap_error
make_operator(struct jmap_call *c, struct slice op, const json_t *kids, struct arena *mem,
	struct email_filter *out)
{
	struct email_filter *first = NULL;

	if (slice_eq(op, S("AND")))
		out->op = EMAIL_AND;
	else if (slice_eq(op, S("OR")))
		out->op = EMAIL_OR;
	else if (slice_eq(op, S("NOT")))
		out->op = EMAIL_NOT;
	else
		return jmap_bad(c, "operator");
	if (!json_is_array(kids))
		return jmap_bad(c, "conditions");
	for (size_t i = json_array_size(kids); i; i--) {
		struct email_filter *f = ARENA_NEW(mem, struct email_filter);
		enum jmap_error e =
			f ? make_node(c, json_array_get(kids, i - 1), mem, f) : JMAP_SERVER_FAIL;
		if (e)
			return e;
		f->next = first;
		first = f;
	}
	out->kids = first;
	return JMAP_OK;
}

static enum jmap_error
make_node(struct jmap_call *c, const json_t *in, struct arena *mem, struct email_filter *out)
{
	struct slice op = json_slice(json_object_get(in, "operator"));
	union {
		const json_t *in;
		json_t *out;
	} u = {.in = in};

	if (!json_is_object(in))
		return jmap_bad(c, "filter");
	if (op.ptr)
		return make_operator(c, op, json_object_get(in, "conditions"), mem, out);
	return make_condition(c, u.out, mem, out);
}

enum jmap_error
jmap_filter_make(
	struct jmap_call *c, const json_t *f, struct arena *mem, const struct email_filter **ret)
{
	struct email_filter *root = ARENA_NEW(mem, struct email_filter);
	enum jmap_error e = root ? make_node(c, f, mem, root) : JMAP_SERVER_FAIL;

	if (!e)
		*ret = root;
	return e;
}

static size_t
find_words(const struct find_node *n, struct slice *words, size_t max)
{
	size_t found = 0;

	if (n->op == FIND_AND || n->op == FIND_OR)
		for (const struct find_node *k = n->kids; k && found < max; k = k->next)
			found += find_words(k, words + found, max - found);
	else if ((n->op == FIND_TEXT || n->op == FIND_SUBJECT || n->op == FIND_BODY) &&
		n->text.len && max)
		words[found++] = n->text;
	return found;
}

size_t
jmap_filter_words(const struct email_filter *f, struct slice *words, size_t max)
{
	size_t found = 0;

	if (f->op == EMAIL_FIND)
		return find_words(&f->find, words, max);
	if (f->op == EMAIL_AND || f->op == EMAIL_OR)
		for (const struct email_filter *k = f->kids; k && found < max; k = k->next)
			found += jmap_filter_words(k, words + found, max - found);
	return found;
}
