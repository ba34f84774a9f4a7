/* Header fields of a message or body part, byte-exact: any bytes are accepted, nothing is copied,
 * nothing fails. Lines end in CRLF or LF; a bare CR is data. RFC 5322 section 2.2, obsolete forms
 * included. */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"
#include "base/slice.h"

/* Fields given out per header; what follows is passed over, the body is still found. */
#define HEADER_FIELDS_MAX 10000

struct header_field {
	/* Before the colon, without white space at its end. Empty for a line that is no field
	 * (an mbox "From " line, a line without a colon): then value is the whole line. */
	struct slice name;
	/* After the colon, with its folding, without the last line end. */
	struct slice value;
	/* The whole field with its last line end, and where it starts in the input. */
	struct slice raw;
	size_t offset;
};

struct header_iter {
	struct slice input;
	size_t pos, fields;
};

/* The input starts with the header; it may end within it, or go on with the body. */
struct header_iter header_iter_new(struct slice input);
/* False at the empty line that ends the header, at the end of the input, or at the limit. */
bool header_next(struct header_iter *it, struct header_field *ret);
/* Offset of the body: behind the empty line, or the end of the input. Linear. */
size_t header_length(struct slice input);

/* First field of that name (ASCII case-insensitive). */
bool header_find(struct slice input, struct slice name, struct header_field *ret);

/* Length of the comment that s starts with, those within it and both parentheses included (RFC 5322
 * section 3.2.2); 0: it has no end. */
size_t header_comment_length(struct slice s);

/* Appends the value unfolded (CRLF or LF before white space removed, other CR, LF and NUL made
 * spaces) and trimmed. Sticky errors of buf. */
int header_unfold(struct buf *out, struct slice value);

#endif
