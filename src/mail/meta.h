/* What is kept about every message beside its body: sizes, envelope, thread ids, MIME tree,
 * preview. One compact encoding (sealed by the layers above), read in place without copies, and the
 * IMAP and JMAP views rendered from it. */
#ifndef MAIL_META_H
#define MAIL_META_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "mail/address.h"
#include "mail/mime.h"

#define META_VERSION 1
#define META_BYTES_MAX ((size_t)1 << 20) /* most that one message's encoding takes */
#define META_PREVIEW_CHARS 200 /* RFC 8970 */
#define META_IDS_MAX 128 /* message ids kept from References */

enum meta_flags {
	META_HAS_ATTACHMENT = 1, /* RFC 8621 section 4.1.4: a part a person would call a file */
	META_TRUNCATED = 2, /* a limit was met: some strings, parts or addresses are missing */
	META_DAMAGED = 4, /* broken MIME */
	META_UTF8_HEADER = 8, /* raw 8-bit header: message/global */
	META_HAS_DATE = 16, /* date and zone were readable */
	META_HAS_CALENDAR = 32, /* a text/calendar part */
	META_ENCRYPTED = 64, /* multipart/encrypted or S/MIME enveloped data at the root */
	META_SIGNED = 128, /* multipart/signed at the root */
};

/* Encoded lists, walked by the functions below. */
struct meta_list {
	struct slice bytes;
	uint32_t count;
};

enum meta_envelope_list { META_FROM, META_SENDER, META_REPLY_TO, META_TO, META_CC, META_BCC };
#define META_ENVELOPE_LISTS 6

/* Strings: unfolded values as valid UTF-8 without CR, LF and NUL, encoded words not decoded; ptr
 * NULL when the field is missing. Lists are as written: Sender and Reply-To default to From when
 * rendered. */
struct meta_envelope {
	struct slice date, subject, in_reply_to, message_id;
	struct meta_list lists[META_ENVELOPE_LISTS];
};

/* All slices are views of the encoded bytes. */
struct message_meta {
	uint32_t flags; /* enum meta_flags */
	uint64_t size; /* of the whole message; RFC822.SIZE */
	uint32_t header_size;
	int64_t date; /* of the Date field, Unix seconds; 0 without one */
	int16_t zone; /* its zone, minutes east */
	struct meta_envelope envelope;
	struct slice id; /* Message-ID without brackets and comments; ptr NULL: none */
	struct meta_list in_reply_to, references; /* ids without brackets, in the order written */
	struct slice
		list_id; /* the id within the brackets of List-Id, lower case; ptr NULL: none */
	struct slice preview; /* UTF-8, at most META_PREVIEW_CHARS characters, no line ends */
	struct meta_list parts;
};

struct meta_part {
	uint32_t index, parent, children;
	uint32_t end; /* index behind the last descendant: the next sibling, if there is one */
	uint16_t depth;
	uint8_t kind; /* enum mime_kind */
	uint8_t encoding; /* enum transfer_encoding */
	bool message_root; /* part 0, and the root of a MIME_MESSAGE's inner message */
	uint32_t header_start, body_start, body_end;
	uint32_t header_lines, body_lines;
	struct slice type, subtype; /* as written; compare without case */
	struct slice id, description, encoding_name, md5, location,
		disposition; /* ptr NULL: none */
	struct meta_list params, disposition_params, languages;
	struct meta_envelope envelope; /* of a MIME_MESSAGE part: its inner message's */
};

/* ---- Making ---- */

/* Parses the message and appends its encoding. tree (may be NULL) is one the caller has from
 * mime_parse already; else one is made in the arena, whose cap should be MIME_ARENA_BYTES.
 * LL_ERR_LIMIT (message too long), LL_ERR_NOMEM. */
int message_meta_make(struct buf *out, struct slice message, const struct mime_tree *tree,
	struct arena *a) CHECKED;

/* ---- Reading ---- */

/* Strict and complete: every list, offset and nesting is checked, and only what message_meta_make
 * can have written is accepted. LL_ERR_CORRUPT, LL_ERR_UNSUPPORTED (another version). */
int message_meta_decode(struct slice bytes, struct message_meta *ret) CHECKED;
/* Encodes again, byte for byte what was decoded. */
int message_meta_encode(struct buf *out, const struct message_meta *m);

/* These take the first item off the list; false when it is empty. */
bool meta_address_next(struct meta_list *l, struct address *ret);
bool meta_string_next(struct meta_list *l, struct slice *ret);
bool meta_param_next(struct meta_list *l, struct mime_param *ret);

/* Walk in pre-order: struct meta_part p; struct meta_walk w = meta_walk_new(m);
 * while (meta_walk_next(&w, &p)) ... */
struct meta_walk {
	struct meta_list rest;
	uint32_t index;
	uint8_t kind; /* of the part given last */
};
struct meta_walk meta_walk_new(const struct message_meta *m);
bool meta_walk_next(struct meta_walk *w, struct meta_part *ret);

/* The part an IMAP section number means (RFC 9051 section 6.4.5.1): path of n numbers from 1; n = 0
 * is the message itself. LL_ERR_NOTFOUND. BODY[2.HEADER] and BODY[2.TEXT] of a MIME_MESSAGE part
 * are the header and body of the part that follows it in the walk: meta_part_inner. */
int meta_part_find(const struct message_meta *m, const uint32_t *path, size_t n,
	struct meta_part *ret) CHECKED;
/* The root of a MIME_MESSAGE part's inner message. LL_ERR_NOTFOUND for other parts. */
int meta_part_inner(
	const struct message_meta *m, const struct meta_part *outer, struct meta_part *ret) CHECKED;
int meta_part_at(const struct message_meta *m, uint32_t index, struct meta_part *ret) CHECKED;
/* Appends the IMAP section number of a part ("2.1"; "1" for the root of a message that is no
 * multipart). LL_ERR_NOTFOUND for parts without one: the root of a multipart message. */
int meta_part_number(struct buf *out, const struct message_meta *m, uint32_t index) CHECKED;
/* Appends the decoded file name (disposition filename, else type name). LL_ERR_NOTFOUND. */
int meta_part_filename(struct buf *out, const struct meta_part *p) CHECKED;
/* Appends a parameter's raw value by plain name (params or disposition_params). LL_ERR_NOTFOUND. */
int meta_param_find(struct meta_list params, struct slice name, struct slice *ret) CHECKED;

/* ---- IMAP ---- */
enum meta_imap_flags {
	META_IMAP_UTF8 = 1, /* UTF8=ACCEPT or IMAP4rev2: UTF-8 may stand in quoted strings */
};

/* The parenthesised values behind the item's name. Strings are quoted, or synchronising literals
 * where quoting cannot hold them. Sticky errors of buf only. */
int meta_imap_envelope(struct buf *out, const struct message_meta *m, unsigned flags);
int meta_imap_body(struct buf *out, const struct message_meta *m, unsigned flags);
int meta_imap_bodystructure(struct buf *out, const struct message_meta *m, unsigned flags);
/* One nstring the same way: NIL for ptr NULL. */
int meta_imap_string(struct buf *out, struct slice s, unsigned flags);

#endif
