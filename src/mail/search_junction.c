/* Junctions: where two words of a text meet. Usual words are in nearly every letter, and so are their
 * trigrams; which word follows which is what tells a phrase of them. A junction is three bytes, a
 * space and three bytes: it takes no view of what a word is, so that any piece of a text that has
 * one is told by it, wherever the piece begins and ends. */
#include "base/error.h"
#include "base/secret.h"
#include "mail/search_code.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 3 /* bytes */
#define BITS_PER_JUNCTION 3 /* at least; each sets two of them */
#define WORDS ((size_t)1 << (JUNCTION_LOG_MAX - 6))

struct junctions *
junctions_new(void)
{
	return calloc(1, sizeof(struct junctions));
}

void
junctions_free(struct junctions *j)
{
	free(j);
}

void
junctions_clear(struct junctions *j)
{
	secret_wipe(j, sizeof(*j));
}

static uint64_t
junction_hash(uint32_t left, uint32_t right, const uint8_t *key)
{
	uint8_t in[8], out[crypto_shorthash_BYTES];

	be32_put(in, left);
	be32_put(in + 4, right);
	crypto_shorthash(out, in, sizeof(in), key);
	return be64_get(out);
}

static void
add(struct junctions *j, uint64_t h)
{
	size_t mask = ((size_t)1 << JUNCTION_LOG_MAX) - 1;

	j->bits[(h & mask) / 64] |= (uint64_t)1 << h % 64;
	h >>= 32;
	j->bits[(h & mask) / 64] |= (uint64_t)1 << h % 64;
}

void
junctions_text(struct junctions *j, struct slice folded, const uint8_t *key)
{
	uint64_t last = j->last;

	/* Behind the third byte after a space. At the beginning of a text there are zeros, which a
	 * folded text has nowhere. */
	for (size_t i = 0; i < folded.len; i++) {
		last = last << 8 | folded.ptr[i];
		if ((uint8_t)(last >> 24) == ' ' && (uint8_t)(last >> 48))
			add(j, junction_hash(last >> 32 & 0xffffff, last & 0xffffff, key));
	}
	j->last = last;
}

void
junctions_end(struct junctions *j)
{
	j->last = 0;
}

/* A table of half the size has a bit wherever one half of the larger has it: a place is the last
 * bits of a hash. */
static void
halve(uint64_t *bits, size_t words)
{
	for (size_t i = 0; i < words / 2; i++)
		bits[i] |= bits[words / 2 + i];
}

int
junctions_put(struct junctions *j, struct buf *out)
{
	uint8_t log = JUNCTION_LOG_MAX, *to;
	size_t set = 0;

	for (size_t i = 0; i < WORDS; i++)
		set += (size_t)__builtin_popcountll(j->bits[i]);
	while (log > SIGNATURE_LOG_MIN && (size_t)1 << log >= BITS_PER_JUNCTION * set)
		halve(j->bits, (size_t)1 << (log-- - 6));
	to = buf_room(out, 1 + ((size_t)1 << (log - 3)));
	if (!to)
		return buf_err(out);
	*to++ = log;
	for (size_t i = 0; i < (size_t)1 << (log - 3); i++)
		to[i] = (uint8_t)(j->bits[i / 8] >> i % 8 * 8);
	buf_grow(out, 1 + ((size_t)1 << (log - 3)));
	return LL_OK;
}

/* ---- Asking ---- */

static uint32_t
three(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

bool
junction_at(struct slice folded, size_t i, const uint8_t *key, uint64_t *ret_hash)
{
	if (i < SIDE || folded.len - i <= SIDE || folded.ptr[i] != ' ')
		return false;
	*ret_hash = junction_hash(three(folded.ptr + i - SIDE), three(folded.ptr + i + 1), key);
	return true;
}

bool
junctions_have(struct slice bits, uint64_t hash)
{
	return signature_has_bit(bits, hash) && signature_has_bit(bits, hash >> 32);
}
