/* Text search: the searchable text of a message, a signature that rules most messages out without
 * opening them, and the exact match. All three read a message through the same pipe (transfer
 * decoding, charset, HTML, fold.h), so the signature never denies what the match would find.
 *
 * Searchable are: all header fields of the message (encoded words decoded) except cryptographic
 * blobs (search_field_covered), header fields of attached messages, the text of text parts, and
 * names and descriptions of all parts. */
#ifndef MAIL_SEARCH_TEXT_H
#define MAIL_SEARCH_TEXT_H

#include "base/buf.h"
#include "base/slice.h"
#include "mail/meta.h"

#define SEARCH_QUERY_MAX 4096 /* bytes of a folded query */
#define SEARCH_KEY_BYTES 16
#define SEARCH_TEXT_MAX ((size_t)64 << 20) /* folded text read per message */
#define SIGNATURE_LOG_MIN 6 /* log2 of its bits */
#define SIGNATURE_LOG_MAX 19
#define SIGNATURE_BYTES_MAX (1 + ((size_t)1 << (SIGNATURE_LOG_MAX - 3)))

enum search_scope {
	SEARCH_TEXT, /* header and body: IMAP TEXT */
	SEARCH_BODY, /* IMAP BODY */
	SEARCH_HEADER, /* fields of one name (or all, for an empty name) */
};

/* ---- Query ---- */
struct search_query; /* folded, with its search tables; reusable */

/* LL_ERR_LIMIT, LL_ERR_NOMEM. An empty query matches every text, and every message that has the
 * field for SEARCH_HEADER (RFC 9051 section 6.4.4). */
int search_query_new(struct slice utf8, struct search_query **ret) CHECKED;
void search_query_free(struct search_query *q);
void search_query_freep(struct search_query **q);

/* Whether a text (UTF-8) holds the query. */
bool search_query_in(struct search_query *q, struct slice utf8);

/* ---- Signature ----
 * First byte log2 of the number of bits, then the bits: one keyed hash per distinct three folded
 * bytes, about three to six bits each. When the first byte's highest bit is set, which is not part
 * of the logarithm, the same follows for junctions: two bits of a keyed hash for each three bytes,
 * space, three bytes. Signatures without them stay good: they deny less. Without the key it tells
 * only roughly how much text there is. One key per account. */
struct signature_builder; /* grows with the texts; one kept makes the next signature cheaper */

struct signature_builder *signature_builder_new(void);
void signature_builder_free(struct signature_builder *b);
/* Appends the signature of a message. m is its metadata. LL_ERR_NOMEM. */
int signature_make(struct signature_builder *b, struct buf *out, struct slice message,
	const struct message_meta *m, const uint8_t key[SEARCH_KEY_BYTES]) CHECKED;
/* False: no text of the message holds the query (folded length of 3 bytes and more; shorter ones
 * always give true). Damaged or missing signatures give true. */
bool signature_may_contain(
	struct slice signature, const struct search_query *q, const uint8_t key[SEARCH_KEY_BYTES]);
/* Prepares the bit positions once for many signatures of one account. Must outlive its use.
 * junctions: they count, too; for queries that are asked of whole texts (search_message, _header,
 * _part), not of what a parser made of them. */
int search_query_bind(
	struct search_query *q, const uint8_t key[SEARCH_KEY_BYTES], bool junctions) CHECKED;
bool signature_may_contain_bound(struct slice signature, const struct search_query *q);

/* ---- Match ---- */

/* Whether a field of that name is part of the signature; others must be looked at. */
bool search_field_covered(struct slice name);
/* Whether the scope of a whole message holds the query. name is for SEARCH_HEADER. */
bool search_message(struct search_query *q, enum search_scope scope, struct slice name,
	struct slice message, const struct message_meta *m);
/* The same for bytes that arrive in pieces (a sealed body read by ranges): header alone, or one
 * part whose bytes [header_start, body_end) are given. */
bool search_header(
	struct search_query *q, enum search_scope scope, struct slice name, struct slice header);
bool search_part(
	struct search_query *q, const struct meta_part *p, struct slice header, struct slice body);

/* ---- Text ---- */

/* Appends the decoded text of a leaf part as UTF-8, HTML stripped, not folded; stops at max bytes.
 * For previews, spam filters, JMAP search snippets. Nothing for parts that are not text. */
int search_part_text(
	struct buf *out, const struct meta_part *p, struct slice body, size_t max) CHECKED;

#endif
