/* Rules as they are stored (rule.h). */
#include "account/rule.h"

#include "base/text.h"

#include <string.h>

#define RULE_VERSION 1

enum rule_bits {
	BIT_ENABLED = 1,
	BIT_ALL = 2,
	BIT_MOVE = 4,
	BIT_SEEN = 8,
	BIT_FLAGGED = 16,
	BIT_TRASH = 32,
	BIT_STOP = 64,
	BITS_KNOWN = 127,
};

/* ---- Checks ---- */

static bool
text_ok(struct slice s, size_t max)
{
	return s.len <= max && utf8_valid(s) && !has_controls(s);
}

static bool
field_name_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == ':')
			return false;
	return s.len && s.len <= RULE_HEADER_MAX;
}

static bool
keyword_ok(struct slice s)
{
	static const struct slice specials = {(const uint8_t *)"(){%*\"\\]", 8};

	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f ||
			slice_find_byte(specials, s.ptr[i]) != SLICE_NPOS)
			return false;
	return s.len && s.len <= KEYWORD_LEN_MAX;
}

static bool
condition_ok(const struct rule_condition *c)
{
	bool sized = c->field == RULE_SIZE_FROM || c->field == RULE_SIZE_BELOW;
	bool texted = c->field < RULE_ATTACHMENT;
	bool address = c->field == RULE_FROM || c->field == RULE_TO;

	if (c->field >= RULE_FIELDS || c->match >= RULE_MATCHES)
		return false;
	if (c->field == RULE_HEADER ? !field_name_ok(c->name) : c->name.len != 0)
		return false;
	if (c->match == RULE_DOMAIN && !address)
		return false;
	if (!texted && c->match != RULE_CONTAINS)
		return false;
	/* An empty text would be in everything; a header field may be asked for alone. */
	if (texted && !c->text.len && c->field != RULE_HEADER)
		return false;
	return text_ok(c->text, texted ? RULE_TEXT_MAX : 0) && (sized || !c->size);
}

const char *
rule_check(const struct rule *r)
{
	if (!text_ok(r->name, RULE_NAME_MAX))
		return "name";
	if (r->order > RULE_ORDER_MAX)
		return "order";
	if (!r->n_conditions || r->n_conditions > RULE_CONDITIONS_MAX)
		return "conditions";
	for (size_t i = 0; i < r->n_conditions; i++)
		if (!condition_ok(&r->conditions[i]))
			return "conditions";
	if (r->n_keywords > RULE_KEYWORDS_MAX)
		return "actions";
	for (size_t i = 0; i < r->n_keywords; i++)
		if (!keyword_ok(r->keywords[i]))
			return "actions";
	return NULL;
}

/* ---- Stored form ---- */

static unsigned
rule_bits(const struct rule *r)
{
	return (r->enabled ? BIT_ENABLED : 0u) | (r->all ? BIT_ALL : 0u) |
		(r->move ? BIT_MOVE : 0u) | (r->seen ? BIT_SEEN : 0u) |
		(r->flagged ? BIT_FLAGGED : 0u) | (r->trash ? BIT_TRASH : 0u) |
		(r->stop ? BIT_STOP : 0u);
}

int
rule_encode(const struct rule *r, struct buf *out)
{
	if (rule_check(r))
		return LL_ERR_LIMIT;
	buf_putc(out, RULE_VERSION);
	buf_putc(out, (uint8_t)rule_bits(r));
	buf_put_varint(out, r->order);
	buf_put_blob(out, r->name);
	if (r->move)
		buf_put(out, SLICE_OF(r->mailbox.b));
	buf_put_varint(out, r->n_conditions);
	for (size_t i = 0; i < r->n_conditions; i++) {
		const struct rule_condition *c = &r->conditions[i];
		buf_putc(out, (uint8_t)c->field);
		buf_putc(out, (uint8_t)c->match);
		buf_put_blob(out, c->name);
		buf_put_blob(out, c->text);
		buf_put_varint(out, c->size);
	}
	buf_put_varint(out, r->n_keywords);
	for (size_t i = 0; i < r->n_keywords; i++)
		buf_put_blob(out, r->keywords[i]);
	return buf_err(out);
}

static void
condition_read(struct reader *r, struct rule_condition *c)
{
	c->field = (enum rule_field)reader_u8(r);
	c->match = (enum rule_match)reader_u8(r);
	c->name = reader_blob(r);
	c->text = reader_blob(r);
	c->size = reader_varint(r);
}

/* A count of things that follow; 0 and an error when there are too many. */
static size_t
count_read(struct reader *r, size_t max)
{
	uint64_t n = reader_varint(r);

	if (n > max)
		r->err = LL_ERR_CORRUPT;
	return r->err ? 0 : (size_t)n;
}

int
rule_decode(struct slice value, struct rule *ret)
{
	struct reader r = reader_new(value);
	struct rule x = {.n_conditions = 0};
	unsigned bits;

	if (reader_u8(&r) != RULE_VERSION)
		return r.err ? LL_ERR_CORRUPT : LL_ERR_UNSUPPORTED;
	bits = reader_u8(&r);
	x.enabled = bits & BIT_ENABLED;
	x.all = bits & BIT_ALL;
	x.move = bits & BIT_MOVE;
	x.seen = bits & BIT_SEEN;
	x.flagged = bits & BIT_FLAGGED;
	x.trash = bits & BIT_TRASH;
	x.stop = bits & BIT_STOP;
	x.order = reader_varint(&r);
	x.name = reader_blob(&r);
	if (x.move)
		reader_copy(&r, x.mailbox.b, sizeof(x.mailbox.b));
	x.n_conditions = count_read(&r, RULE_CONDITIONS_MAX);
	for (size_t i = 0; i < x.n_conditions; i++)
		condition_read(&r, &x.conditions[i]);
	x.n_keywords = count_read(&r, RULE_KEYWORDS_MAX);
	for (size_t i = 0; i < x.n_keywords; i++)
		x.keywords[i] = reader_blob(&r);
	if (reader_end(&r) || bits > BITS_KNOWN || rule_check(&x))
		return LL_ERR_CORRUPT;
	*ret = x;
	return LL_OK;
}
