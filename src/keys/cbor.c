/* A reader of CBOR that allocates nothing and never reads past its slice. */
#include "keys/cbor.h"
#include "base/buf.h"
#include "base/error.h"

#define NEST_MAX 8
#define SIMPLE 7 /* major type of true, false, null; of floats, too */

struct cbor
cbor_new(struct slice s)
{
	return (struct cbor){.rest = s};
}

static void
fail(struct cbor *c)
{
	c->err = LL_ERR_SYNTAX;
	c->rest = SLICE_NONE;
}

static const uint8_t *
take(struct cbor *c, size_t n)
{
	const uint8_t *p = c->rest.ptr;

	if (c->err || c->rest.len < n) {
		fail(c);
		return NULL;
	}
	c->rest = slice_skip(c->rest, n);
	return p;
}

/* Initial byte and argument (section 3). */
static unsigned
head(struct cbor *c, uint32_t *ret)
{
	const uint8_t *first = take(c, 1), *more;
	unsigned info = first ? *first & 31u : 0;
	size_t n = info < 24 ? 0 : info == 24 ? 1 : info == 25 ? 2 : 4;

	*ret = info;
	if (!first || n == 0)
		return first ? *first >> 5 : SIMPLE;
	more = info > 26 ? NULL : take(c, n);
	if (!more) {
		fail(c);
		*ret = 0;
		return SIMPLE;
	}
	*ret = n == 1 ? *more : n == 2 ? be16_get(more) : be32_get(more);
	return *first >> 5;
}

bool
cbor_is(const struct cbor *c, enum cbor_type type)
{
	return c->err == 0 && c->rest.len && c->rest.ptr[0] >> 5 == (unsigned)type;
}

static uint32_t
expect(struct cbor *c, enum cbor_type type)
{
	uint32_t n = 0;

	if (!cbor_is(c, type))
		fail(c);
	else
		head(c, &n);
	return c->err ? 0 : n;
}

int64_t
cbor_int(struct cbor *c)
{
	bool negative = cbor_is(c, CBOR_NINT);
	int64_t n = expect(c, negative ? CBOR_NINT : CBOR_UINT);

	return c->err ? 0 : negative ? -1 - n : n;
}

static struct slice
string(struct cbor *c, enum cbor_type type)
{
	uint32_t n = expect(c, type);
	const uint8_t *p = take(c, n);

	return p ? slice_new(p, n) : SLICE_NONE;
}

struct slice
cbor_bytes(struct cbor *c)
{
	return string(c, CBOR_BYTES);
}

struct slice
cbor_text(struct cbor *c)
{
	return string(c, CBOR_TEXT);
}

uint32_t
cbor_map(struct cbor *c)
{
	return expect(c, CBOR_MAP);
}

static void
skip(struct cbor *c, unsigned depth)
{
	uint32_t n;
	unsigned type = head(c, &n);
	uint64_t items = type == CBOR_ARRAY ? n : type == CBOR_MAP ? 2 * (uint64_t)n : 0;

	if (type == CBOR_BYTES || type == CBOR_TEXT)
		(void)take(c, n);
	/* Tags have no place here; of the simple values only false, true and null. */
	if (depth == NEST_MAX || type == SIMPLE - 1 || (type == SIMPLE && (n < 20 || n > 22)))
		fail(c);
	for (uint64_t i = 0; i < items && !c->err; i++)
		skip(c, depth + 1);
}

void
cbor_skip(struct cbor *c)
{
	skip(c, 0);
}
