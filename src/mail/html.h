/* The text a reader sees in an HTML document, for search and previews: tags, comments, scripts and
 * styles dropped, blocks separated by line ends, entities decoded. A stream; never fails. */
#ifndef MAIL_HTML_H
#define MAIL_HTML_H

#include "base/buf.h"
#include "base/slice.h"

struct html_text {
	uint8_t state;
	uint8_t quote; /* within a tag: the open quote */
	uint8_t name_len;
	uint8_t name[32]; /* tag or entity so far */
	uint8_t skip; /* 1 + index of the element whose content is dropped */
	uint8_t match; /* progress of its end, or of a comment's */
	bool closing;
};

/* {0} is a fresh one. Input and output are UTF-8. Output is at most about the input's length. */
int html_text(struct html_text *h, struct slice in, struct buf *out);
int html_text_end(struct html_text *h, struct buf *out);

#endif
