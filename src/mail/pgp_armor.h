/* OpenPGP's ASCII armor (RFC 9580 section 6), as key servers answer. */
#ifndef MAIL_PGP_ARMOR_H
#define MAIL_PGP_ARMOR_H

#include "base/buf.h"
#include "base/slice.h"

/* Appends the bytes of the first public key block in the text. Header lines and the checksum are
 * not looked at, as RFC 9580 section 6.1 has it. LL_ERR_NOTFOUND without a block, LL_ERR_SYNTAX for
 * a broken one; out is then as it was. */
int pgp_armor_read(struct slice text, struct buf *out) CHECKED;

#endif
