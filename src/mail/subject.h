/* Base subject of RFC 5256 section 2.1: what threads and subject sorting compare. */
#ifndef MAIL_SUBJECT_H
#define MAIL_SUBJECT_H

#include "base/buf.h"
#include "base/slice.h"

/* Appends the base subject of a raw Subject value (folding and encoded words are handled) as UTF-8,
 * in its own case; compare with fold_casemap. ret_reply (may be NULL): whether it was a reply or
 * forward. Sticky errors of buf only. */
int subject_base(struct buf *out, struct slice value, bool *ret_reply);

#endif
