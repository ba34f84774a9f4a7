/* Text in any charset to UTF-8, by ICU: its tables are part of the library, so that it works in a
 * process without a file system. */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include "base/buf.h"
#include "base/slice.h"

struct charset;

/* A converter. An unknown or empty name: UTF-8 where the bytes are UTF-8, windows-1252 elsewhere.
 * us-ascii and iso-8859-1 are read as windows-1252, as mail writers mean it, and us-ascii as UTF-8
 * first. NULL only without memory. */
struct charset *charset_new(struct slice name);
void charset_free(struct charset *c);
void charset_freep(struct charset **c);
/* Appends UTF-8; what cannot be converted becomes U+FFFD. A character cut by the end of in is held
 * until the next call; last gives it out. Sticky errors of buf only. */
int charset_convert(struct charset *c, struct slice in, bool last, struct buf *out);

/* In one call. */
int charset_to_utf8(struct slice name, struct slice in, struct buf *out);
/* Whether the name is known: for IMAP SEARCH CHARSET's BADCHARSET. */
bool charset_known(struct slice name);
/* Appends in with every invalid sequence made U+FFFD. */
int charset_scrub_utf8(struct slice in, struct buf *out);

#endif
