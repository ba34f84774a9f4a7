/* The MIME tree of a message with byte-exact offsets (RFC 2045, 2046), read in one linear pass over
 * any bytes. Damaged, unterminated and endlessly nested input gives a tree too. */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/arena.h"
#include "base/slice.h"
#include "mail/transfer.h"

#define MIME_DEPTH_MAX 64 /* deeper parts are leaves */
#define MIME_PARTS_MAX 2000 /* further boundaries are text of the last part */
#define MIME_PARAMS_MAX 64 /* parameters kept per field */
#define MIME_LANGUAGES_MAX 4
#define MIME_VALUE_MAX 8192 /* bytes of a structured value that are read */
#define MIME_ARENA_BYTES                                                                           \
	((size_t)64 << 20) /* an arena that no message exhausts; most need 8 KiB                   \
			    */
#define MIME_MESSAGE_MAX UINT32_MAX /* bytes; longer messages: LL_ERR_LIMIT */

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* has children unless broken */
	MIME_MESSAGE, /* message/rfc822 or message/global: one child, the root of the inner message
		       */
};

struct mime_param {
	struct slice name; /* as written, RFC 2231 marks included ("filename*0*") */
	struct slice value; /* quoting removed, nothing decoded */
};

struct mime_params {
	struct mime_param *at;
	size_t len;
};

/* A Content-Type, Content-Disposition or like value: value *(";" parameter). */
struct mime_content {
	struct slice type, subtype; /* subtype ptr NULL where the value has no slash */
	struct mime_params params;
};

struct mime_part {
	/* Parts are in pre-order; part 0 is the message itself. */
	uint32_t parent; /* index; of part 0: 0 */
	uint32_t next; /* next sibling, or 0 */
	uint32_t children; /* the first child is index + 1 */
	uint16_t depth;
	uint8_t kind; /* enum mime_kind */
	uint8_t encoding; /* enum transfer_encoding; of composite parts as declared */
	bool typed; /* a Content-Type was there and readable */
	/* Header: [header_start, body_start), its empty line included. Body: [body_start,
	 * body_end), without the line end that belongs to the boundary after it. */
	uint32_t header_start, body_start, body_end;
	/* Lines ended by LF, plus one for an unended last line. */
	uint32_t header_lines, body_lines;
	/* Defaults filled in: text/plain, message/rfc822 in a multipart/digest. Other strings have
	 * ptr NULL when the field is not there; they are raw values, trimmed, still folded. */
	struct mime_content content;
	struct mime_content disposition; /* type only; ptr NULL: none */
	struct slice id, description, encoding_name, md5, location;
	struct slice language[MIME_LANGUAGES_MAX];
	uint8_t languages;
};

struct mime_tree {
	struct slice message;
	struct mime_part *parts;
	uint32_t len;
	bool damaged; /* a multipart without its closing boundary, or without any */
	bool truncated; /* a limit above was met */
};

/* Strings are views of the message or live in the arena; about 1 KiB of arena a part.
 * LL_ERR_LIMIT when the message is longer than MIME_MESSAGE_MAX, LL_ERR_NOMEM. */
int mime_parse(struct slice message, struct arena *a, struct mime_tree *ret) CHECKED;

/* Reads one structured value. LL_ERR_NOMEM only. */
int mime_content_parse(struct slice value, struct arena *a, struct mime_content *ret) CHECKED;
/* The raw value of a parameter by its plain name; ptr NULL when missing. */
struct slice mime_param_raw(const struct mime_params *p, struct slice name);
/* Appends the decoded UTF-8 value: RFC 2231 continuations and charsets first, then the plain form
 * with its encoded words (wrong, but common). LL_ERR_NOTFOUND, sticky errors of buf. */
int mime_param_decode(struct buf *out, const struct mime_params *p, struct slice name) CHECKED;

#endif
