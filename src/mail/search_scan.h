/* The one way by which signature and match read a message. */
#ifndef MAIL_SEARCH_SCAN_H
#define MAIL_SEARCH_SCAN_H

#include "mail/search_text.h"

/* Gets the folded texts of a message in pieces. */
struct scan_sink {
	void (*text)(struct scan_sink *sink, struct slice folded);
	void (*end)(struct scan_sink *sink); /* one text is over */
	bool done; /* enough was seen */
};

/* Buffers that are kept between messages. */
struct scan {
	struct scan_sink *sink;
	struct buf decoded, utf8, plain, folded;
};

void scan_init(struct scan *s, struct scan_sink *sink);
void scan_done(struct scan *s);

/* Fields of a header: all covered ones with their names, or the values of one name. */
void scan_header(struct scan *s, struct slice header);
void scan_fields(struct scan *s, struct slice header, struct slice name);
/* Name, description, inner header and text of one part. */
void scan_part(struct scan *s, const struct meta_part *p, struct slice header, struct slice body);
/* All parts of a message, then; its own header too, if asked for. */
void scan_message(struct scan *s, struct slice message, const struct message_meta *m, bool header);

#endif
