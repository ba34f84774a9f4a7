/* What a query holds, for the files of search. */
#ifndef MAIL_SEARCH_CODE_H
#define MAIL_SEARCH_CODE_H

#include "mail/search_scan.h"

struct search_query {
	struct buf folded;
	struct buf window;
	struct scan_sink sink;
	struct scan scan;
	uint64_t *hashes; /* of its trigrams under the bound key */
	size_t hashes_len;
};

#endif
