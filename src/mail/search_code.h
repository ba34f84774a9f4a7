/* What a query holds, for the files of search. */
#ifndef MAIL_SEARCH_CODE_H
#define MAIL_SEARCH_CODE_H

#include "mail/search_scan.h"

/* ---- Junctions (search_junction.c) ---- */

#define JUNCTION_LOG_MAX 17 /* log2 of their bits in a signature */
struct junctions {
	uint64_t last; /* bytes of the running text */
	uint64_t bits[((size_t)1 << JUNCTION_LOG_MAX) / 64];
};
/* Whether the bit of a hash is set in bits whose number is a power of two. */
static inline bool
signature_has_bit(struct slice bits, uint64_t hash)
{
	uint64_t at = hash & (bits.len * 8 - 1);

	return bits.ptr[at / 8] >> at % 8 & 1;
}
struct junctions *junctions_new(void);
void junctions_free(struct junctions *j);
void junctions_clear(struct junctions *j);
/* A piece of a text, and its end. */
void junctions_text(struct junctions *j, struct slice folded, const uint8_t *key);
void junctions_end(struct junctions *j);
/* Appends log2 of the number of bits, and the bits; then they can only be cleared. */
int junctions_put(struct junctions *j, struct buf *out) CHECKED;
/* The hash of the junction whose space stands at i; false: there is none. */
bool junction_at(struct slice folded, size_t i, const uint8_t *key, uint64_t *ret_hash);
bool junctions_have(struct slice bits, uint64_t hash);

struct search_query {
	struct buf folded;
	struct buf window;
	struct scan_sink sink;
	struct scan scan;
	uint64_t *hashes; /* of its trigrams under the bound key, then of its junctions */
	size_t hashes_len, junctions_len;
};

#endif
