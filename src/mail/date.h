/* Dates of header fields: RFC 5322 section 3.3 with the obsolete forms of 4.3, and the damage seen
 * in practice (missing day or seconds, two-digit years, asctime order, zone names). */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "base/buf.h"
#include "base/slice.h"

/* Reads a Date value, comments and folding included. ret_zone: minutes east of UTC; a zone that is
 * missing or unknown is UTC. Years 1900 to 9999. LL_ERR_SYNTAX, LL_ERR_RANGE. */
int mail_date_parse(struct slice value, int64_t *ret_unix, int *ret_zone) CHECKED;
/* "Sat, 21 Nov 2026 23:13:03 +0100": unix time as seen in a zone of that many minutes. */
int mail_date_put(struct buf *out, int64_t unix_seconds, int zone);

#endif
