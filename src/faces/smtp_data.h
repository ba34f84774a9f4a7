/* The text of a message on the wire: end of DATA and dot-stuffing (RFC 5321 section 4.5.2), and the
 * checks that make a message safe to hand on: only CRLF is a line end, no NUL, no endless line. */
#ifndef FACES_SMTP_DATA_H
#define FACES_SMTP_DATA_H

#include "base/buf.h"

/* What was found wrong; the message is still read to its true end. */
#define SMTP_DATA_BARE 1u /* CR without LF, or LF without CR */
#define SMTP_DATA_NUL 2u
#define SMTP_DATA_LONG 4u /* a line over SMTP_TEXT_LINE_MAX */

struct smtp_data {
	uint64_t size; /* octets of the message so far, without stuffing dots */
	size_t line; /* octets of the line that is open */
	unsigned faults; /* SMTP_DATA_* */
	bool inside; /* not at the start of a line */
	bool cr; /* smtp_data_check: the last octet was CR */
	bool eight_bit;
};

enum smtp_data_result { SMTP_DATA_MORE, SMTP_DATA_PIECE, SMTP_DATA_END };

/* Takes the next piece of the message off *in, as it is to be stored: a view of *in. MORE: what is
 * left of *in (at most 2 octets) means nothing without what follows; give it again. END: the line
 * with the single dot was taken. Start with a zeroed struct. */
enum smtp_data_result smtp_data_next(
	struct smtp_data *d, struct slice *in, struct slice *ret_piece);

/* The same checks for octets that came counted (BDAT), split anywhere. */
void smtp_data_check(struct smtp_data *d, struct slice piece);
/* After the last octet of a counted message. */
void smtp_data_check_end(struct smtp_data *d);

/* Sender's side. Zeroed at the start of a message. */
struct smtp_stuffing {
	uint8_t last, before; /* octets written last */
	bool begun;
};

/* Appends text to out with dots stuffed; pieces may be cut anywhere. Takes what fits in `room`
 * octets of output off *in. Sticky errors of buf. */
int smtp_data_stuff(struct smtp_stuffing *st, struct slice *in, struct buf *out, size_t room);
/* What ends the message: CRLF if it did not end in one, then the single dot. */
int smtp_data_stuff_end(const struct smtp_stuffing *st, struct buf *out);

#endif
