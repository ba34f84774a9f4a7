/* The form in which text is searched and compared: case, accents, compatibility forms and white
 * space folded, one character at a time, so that it may be cut anywhere between characters. */
#ifndef MAIL_FOLD_H
#define MAIL_FOLD_H

#include "base/buf.h"
#include "base/slice.h"

/* NFKD and full case folding of every character (the shape of i;unicode-casemap, RFC 5051, with
 * folding for titlecasing); then diacritics are dropped (combining classes 1, 10-36 and 200-240:
 * accents, Hebrew points, Arabic vowel signs; kana voicing marks, viramas and tone marks of South
 * and South-East Asia stay, they make other words), default-ignorable characters are dropped
 * (soft hyphen, joiners), controls and white space become a space, runs of spaces one space. */
struct fold { /* {0} to start a text */
	bool space; /* the last byte given out was a space */
	uint8_t held[4]; /* a character cut by the end of a chunk */
	uint8_t held_len;
};

/* Appends the folded form of a chunk of UTF-8 (bad bytes become a space). The output never holds
 * bytes below 0x20. Sticky errors of buf only. */
int fold_text(struct fold *f, struct slice utf8, struct buf *out);
int fold_end(struct fold *f, struct buf *out);
/* In one call. */
int fold_all(struct slice utf8, struct buf *out);

/* i;unicode-casemap itself (RFC 5051: titlecase, then NFKD) as a sort key for SORT and collation.
 * Comparing keys as bytes compares the texts. */
int fold_casemap(struct slice utf8, struct buf *out);

#endif
