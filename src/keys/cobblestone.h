/* Suite 0x01: Cobblestone-256, the C2SP chunked encryption of AES-256-GCM and HKDF-SHA512.
 *
 * Sealed form: salt (24) || commitment (32) || chunks, each of 16 KiB plaintext and a 16-byte tag,
 * the last one always shorter than 16 KiB (perhaps empty). The context is not stored; it must be
 * given again to open.
 *
 * Reading a part of something large:
 *
 *	cobblestone_reader_new(key, context, first 56 sealed bytes, sealed length, &r);
 *	cobblestone_reader_range(r, offset, len, &range);     what to fetch
 *	... fetch range.len sealed bytes at range.offset ...
 *	cobblestone_reader_open(r, offset, len, fetched, &out);
 *
 * The reader may be kept for further parts: the key is derived only once. */
#ifndef KEYS_COBBLESTONE_H
#define KEYS_COBBLESTONE_H

#include "base/buf.h"

#define COBBLESTONE_KEY_LEN 32
#define COBBLESTONE_SALT_LEN 24
#define COBBLESTONE_HEADER_LEN 56
#define COBBLESTONE_CHUNK_LEN 16384
#define COBBLESTONE_TAG_LEN 16
/* Longest plaintext: 2^38 chunks. */
#define COBBLESTONE_PLAIN_MAX ((uint64_t)1 << 52)

/* Sealed length of plain_len bytes, which is below COBBLESTONE_PLAIN_MAX. */
uint64_t cobblestone_sealed_len(uint64_t plain_len);
/* The one plaintext length that gives this sealed length, or LL_ERR_SYNTAX: none does. */
int cobblestone_plain_len(uint64_t sealed_len, uint64_t *ret_len) CHECKED;

/* Appends the sealed form under a random salt. plain may not lie inside out. On failure
 * (LL_ERR_NOMEM, LL_ERR_LIMIT, LL_ERR_CRYPTO) out keeps its length. */
int cobblestone_seal(const uint8_t key[COBBLESTONE_KEY_LEN], struct slice context,
	struct slice plain, struct buf *out) CHECKED;
/* The same with a given salt, which must never repeat under one key; only for test vectors. */
int cobblestone_seal_salt(const uint8_t key[COBBLESTONE_KEY_LEN],
	const uint8_t salt[COBBLESTONE_SALT_LEN], struct slice context, struct slice plain,
	struct buf *out) CHECKED;
/* Appends the plaintext. LL_ERR_SYNTAX: a length that no sealed form has; LL_ERR_AUTH: wrong key or
 * context, or altered. On failure out keeps its length and no plaintext is left in it. */
int cobblestone_open(const uint8_t key[COBBLESTONE_KEY_LEN], struct slice context,
	struct slice sealed, struct buf *out) CHECKED;

struct cobblestone_reader;
/* header: at least the first COBBLESTONE_HEADER_LEN sealed bytes; sealed_len: length of the whole.
 * LL_ERR_SYNTAX, LL_ERR_AUTH (commitment), LL_ERR_NOMEM. */
int cobblestone_reader_new(const uint8_t key[COBBLESTONE_KEY_LEN], struct slice context,
	struct slice header, uint64_t sealed_len, struct cobblestone_reader **ret_reader) CHECKED;
/* Wipes; NULL is accepted. */
void cobblestone_reader_free(struct cobblestone_reader *r);
/* Plaintext length that sealed_len stands for. It is authentic once the last byte was opened, or
 * when a sealed record names the same length. */
uint64_t cobblestone_reader_len(const struct cobblestone_reader *r);

struct cobblestone_range {
	uint64_t offset;
	uint64_t len;
};
/* The sealed bytes needed for plaintext [offset, offset + len). LL_ERR_RANGE beyond the end. */
int cobblestone_reader_range(const struct cobblestone_reader *r, uint64_t offset, uint64_t len,
	struct cobblestone_range *ret_range) CHECKED;
/* Opens exactly that range and appends plaintext [offset, offset + len). LL_ERR_RANGE,
 * LL_ERR_SYNTAX (sealed is not the range asked for), LL_ERR_AUTH; on failure out keeps its length.
 */
int cobblestone_reader_open(const struct cobblestone_reader *r, uint64_t offset, uint64_t len,
	struct slice sealed, struct buf *out) CHECKED;

#endif
