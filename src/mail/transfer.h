/* Content transfer encodings (RFC 2045 section 6), decoded as a stream and tolerant of real damage:
 * stray bytes in base64, missing padding, several padded runs, bare "=" and lower-case hex in
 * quoted-printable, white space at line ends. */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include "base/buf.h"
#include "base/slice.h"

enum transfer_encoding {
	TRANSFER_7BIT,
	TRANSFER_8BIT,
	TRANSFER_BINARY,
	TRANSFER_BASE64,
	TRANSFER_QP,
	TRANSFER_UUENCODE,
	TRANSFER_UNKNOWN, /* a name nobody knows: given out as it is; IMAP BINARY: UNKNOWN-CTE */
};

/* Of a Content-Transfer-Encoding value (comments and case ignored); an empty one is 7bit. */
enum transfer_encoding transfer_encoding_parse(struct slice value);

struct transfer_decoder {
	enum transfer_encoding encoding;
	uint32_t bits; /* base64: bits held back */
	uint8_t count; /* base64: digits in bits; quoted-printable: bytes held */
	uint8_t held[4];
	uint8_t state;
	uint32_t spaces; /* quoted-printable: white space that may end a line */
	uint8_t line[64]; /* uuencode: the line so far */
};

void transfer_decoder_init(struct transfer_decoder *d, enum transfer_encoding encoding);
/* Appends what in decodes to. The output is never longer than the input plus what was held back
 * from earlier calls. Sticky errors of buf only. */
int transfer_decode(struct transfer_decoder *d, struct slice in, struct buf *out);
/* Gives out what was held back. */
int transfer_decode_end(struct transfer_decoder *d, struct buf *out);

/* Encoders: lines of at most 76 characters ending in CRLF, the last one too. Quoted-printable takes
 * CRLF or LF of the input as line ends. */
int transfer_encode_base64(struct buf *out, struct slice in);
int transfer_encode_qp(struct buf *out, struct slice in);

#endif
