/* Encoded words (RFC 2047) and their writer. */
#ifndef MAIL_ENCODED_WORD_H
#define MAIL_ENCODED_WORD_H

#include "base/buf.h"
#include "base/slice.h"

/* Unfolds an unstructured value or a phrase and decodes its encoded words; the result is always
 * valid UTF-8 without CR, LF and NUL. White space between adjacent encoded words is dropped, bytes
 * of adjacent words with the same charset are converted together (split characters are common).
 * What is not a proper encoded word stays as it is. Raw 8-bit text: UTF-8, else windows-1252. */
int encoded_word_decode(struct buf *out, struct slice value);

/* Appends UTF-8 text as ASCII: as it is when it may stand so, else as encoded words of at most 75
 * characters, separated by single spaces (header_put folds there). */
int encoded_word_encode(struct buf *out, struct slice utf8);

#endif
