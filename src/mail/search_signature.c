/* Signatures. Distinct trigrams are found with a bit map of all 2^24 of them, which makes the keyed
 * hash, the slow part, run once for each. The map is in leaves that are there once a trigram falls
 * on them: a letter touches few, and what it does not touch costs nothing. */
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/vec.h"
#include "mail/search_code.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define TRIGRAM 3
#define TRIGRAMS ((size_t)1 << 24)
#define LEAF_LOG 12 /* trigrams in a leaf, which have the first twelve bits in common */
#define LEAVES (TRIGRAMS >> LEAF_LOG)
#define DISTINCT_MAX ((size_t)1 << 20) /* with more the signature says nothing anyhow */
#define BITS_PER_TRIGRAM 3
#define WITH_JUNCTIONS 0x80 /* in the first byte */

struct leaf {
	uint64_t bits[(1 << LEAF_LOG) / 64];
};

struct signature_builder {
	struct scan_sink sink;
	struct scan scan;
	uint32_t window; /* the last two bytes of the running text */
	uint32_t seen; /* bytes of it so far, up to two */
	VEC(uint32_t) distinct;
	bool full;
	struct junctions *junctions;
	const uint8_t *key; /* of the signature under way */
	VEC(struct leaf) leaves;
	uint16_t leaf_at[LEAVES]; /* 1 + its place; 0: not there */
};

static_assert(SEARCH_KEY_BYTES == crypto_shorthash_KEYBYTES, "the key is one for SipHash");

static uint64_t
trigram_hash(uint32_t trigram, const uint8_t *key)
{
	uint8_t in[TRIGRAM] = {(uint8_t)(trigram >> 16), (uint8_t)(trigram >> 8), (uint8_t)trigram};
	uint8_t out[crypto_shorthash_BYTES];

	crypto_shorthash(out, in, sizeof(in), key);
	return be64_get(out);
}

/* ---- building ---- */

static struct signature_builder *
builder_of(struct scan_sink *sink)
{
	return CONTAINER_OF(sink, struct signature_builder, sink);
}

static int
add_leaf(struct signature_builder *b, uint32_t trigram)
{
	static const struct leaf empty;
	int err = VEC_PUSH(&b->leaves, empty);

	if (!err)
		b->leaf_at[trigram >> LEAF_LOG] = (uint16_t)b->leaves.len;
	return err;
}

static bool
is_known(const struct signature_builder *b, uint32_t trigram)
{
	uint16_t at = b->leaf_at[trigram >> LEAF_LOG];
	uint32_t in_leaf = trigram & ((1 << LEAF_LOG) - 1);

	return at && b->leaves.at[at - 1].bits[in_leaf / 64] >> in_leaf % 64 & 1;
}

static int
add_distinct(struct signature_builder *b, uint32_t trigram)
{
	uint32_t in_leaf = trigram & ((1 << LEAF_LOG) - 1);
	uint16_t *at = &b->leaf_at[trigram >> LEAF_LOG];
	int err = b->distinct.len < DISTINCT_MAX ? VEC_PUSH(&b->distinct, trigram) : LL_ERR_LIMIT;

	if (!err && !*at)
		err = add_leaf(b, trigram);
	if (!err)
		b->leaves.at[*at - 1].bits[in_leaf / 64] |= (uint64_t)1 << in_leaf % 64;
	return err;
}

static void
build_text(struct scan_sink *sink, struct slice folded)
{
	struct signature_builder *b = builder_of(sink);
	uint32_t w = b->window;
	size_t i = 0;

	for (; b->seen < TRIGRAM - 1 && i < folded.len; i++, b->seen++)
		w = w << 8 | folded.ptr[i];
	for (; i < folded.len && !b->full; i++) {
		w = (w << 8 | folded.ptr[i]) & (TRIGRAMS - 1);
		if (!is_known(b, w) && add_distinct(b, w))
			b->full = b->sink.done = true;
	}
	b->window = w;
	if (!b->full)
		junctions_text(b->junctions, folded, b->key);
}

static void
build_end(struct scan_sink *sink)
{
	struct signature_builder *b = builder_of(sink);

	b->window = b->seen = 0;
	junctions_end(b->junctions);
}

void
signature_builder_free(struct signature_builder *b)
{
	if (!b)
		return;
	scan_done(&b->scan);
	VEC_DONE(&b->distinct);
	VEC_DONE(&b->leaves);
	junctions_free(b->junctions);
	free(b);
}

static void
builder_clear(struct signature_builder *b)
{
	memset(b->leaf_at, 0, sizeof(b->leaf_at));
	if (b->leaves.len)
		secret_wipe(b->leaves.at, b->leaves.len * sizeof(*b->leaves.at));
	if (b->distinct.len)
		secret_wipe(b->distinct.at, b->distinct.len * sizeof(*b->distinct.at));
	junctions_clear(b->junctions);
	b->leaves.len = b->distinct.len = 0;
	b->window = b->seen = 0;
	b->full = false;
	b->sink = (struct scan_sink){.text = build_text, .end = build_end};
}

struct signature_builder *
signature_builder_new(void)
{
	struct signature_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	scan_init(&b->scan, &b->sink);
	b->junctions = junctions_new();
	if (!b->junctions) {
		signature_builder_free(b);
		return NULL;
	}
	builder_clear(b);
	return b;
}

static uint8_t
signature_log(size_t distinct)
{
	uint8_t log = SIGNATURE_LOG_MIN;

	while (log < SIGNATURE_LOG_MAX && (size_t)1 << log < BITS_PER_TRIGRAM * distinct)
		log++;
	return log;
}

/* The largest signatures are of texts that have all junctions anyhow. */
static int
put_signature(struct signature_builder *b, struct buf *out, const uint8_t *key)
{
	uint8_t log = b->full ? SIGNATURE_LOG_MIN : signature_log(b->distinct.len), *bits;
	size_t bytes = (size_t)1 << (log - 3);
	bool junctions = !b->full && log < SIGNATURE_LOG_MAX;

	bits = buf_room(out, 1 + bytes);
	if (!bits)
		return buf_err(out);
	*bits++ = junctions ? log | WITH_JUNCTIONS : log;
	memset(bits, b->full ? 0xff : 0, bytes);
	VEC_EACH (t, &b->distinct) {
		uint64_t h = trigram_hash(*t, key) & (bytes * 8 - 1);
		bits[h / 8] |= (uint8_t)(1u << h % 8);
	}
	buf_grow(out, 1 + bytes);
	return junctions ? junctions_put(b->junctions, out) : LL_OK;
}

int
signature_make(struct signature_builder *b, struct buf *out, struct slice message,
	const struct message_meta *m, const uint8_t key[SEARCH_KEY_BYTES])
{
	int err;

	b->key = key;
	scan_message(&b->scan, message, m, true);
	err = put_signature(b, out, key);
	/* What a letter was made of does not stay until the next. */
	builder_clear(b);
	return err;
}

/* ---- asking ---- */

/* What a well-formed signature consists of. */
struct signature {
	struct slice trigrams, junctions; /* bits; no junctions: it knows none */
};

static bool
take_bits(struct slice *s, uint8_t log, uint8_t max, struct slice *ret_bits)
{
	size_t bytes = (size_t)1 << (MAX(log, 3) - 3);

	if (log < SIGNATURE_LOG_MIN || log > max || s->len < 1 + bytes)
		return false;
	*ret_bits = slice_sub(*s, 1, bytes);
	*s = slice_skip(*s, 1 + bytes);
	return true;
}

static bool
signature_read(struct slice s, struct signature *ret)
{
	bool junctions = s.len && s.ptr[0] & WITH_JUNCTIONS;

	*ret = (struct signature){.junctions = SLICE_NONE};
	if (!s.len ||
		!take_bits(
			&s, s.ptr[0] & ~WITH_JUNCTIONS & 0xff, SIGNATURE_LOG_MAX, &ret->trigrams))
		return false;
	if (junctions && (!s.len || !take_bits(&s, s.ptr[0], JUNCTION_LOG_MAX, &ret->junctions)))
		return false;
	return !s.len;
}

static uint32_t
trigram_at(struct slice s, size_t i)
{
	return (uint32_t)s.ptr[i] << 16 | (uint32_t)s.ptr[i + 1] << 8 | s.ptr[i + 2];
}

bool
signature_may_contain(
	struct slice signature, const struct search_query *q, const uint8_t key[SEARCH_KEY_BYTES])
{
	struct slice folded = buf_slice(&q->folded);
	struct signature s;
	uint64_t hash;

	if (!signature_read(signature, &s))
		return true;
	for (size_t i = 0; i + TRIGRAM <= folded.len; i++)
		if (!signature_has_bit(s.trigrams, trigram_hash(trigram_at(folded, i), key)))
			return false;
	for (size_t i = 0; s.junctions.len && i < folded.len; i++)
		if (junction_at(folded, i, key, &hash) && !junctions_have(s.junctions, hash))
			return false;
	return true;
}

int
search_query_bind(struct search_query *q, const uint8_t key[SEARCH_KEY_BYTES], bool junctions)
{
	struct slice folded = buf_slice(&q->folded);
	size_t n = folded.len < TRIGRAM ? 0 : folded.len - TRIGRAM + 1, k = n;
	uint64_t *hashes = calloc(2 * n + 1, sizeof(*hashes));

	if (!hashes)
		return LL_ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		hashes[i] = trigram_hash(trigram_at(folded, i), key);
	for (size_t i = 0; i < n && junctions; i++)
		k += junction_at(folded, i, key, &hashes[k]);
	free(q->hashes);
	q->hashes = hashes;
	q->hashes_len = n;
	q->junctions_len = k - n;
	return LL_OK;
}

bool
signature_may_contain_bound(struct slice signature, const struct search_query *q)
{
	struct signature s;

	if (!signature_read(signature, &s))
		return true;
	for (size_t i = 0; i < q->hashes_len; i++)
		if (!signature_has_bit(s.trigrams, q->hashes[i]))
			return false;
	for (size_t i = 0; s.junctions.len && i < q->junctions_len; i++)
		if (!junctions_have(s.junctions, q->hashes[q->hashes_len + i]))
			return false;
	return true;
}
