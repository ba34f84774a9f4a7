/* What the two halves of building a message share: its header, and its body. */
#ifndef FACES_JMAP_BUILD_H
#define FACES_JMAP_BUILD_H

#include "faces/jmap_email.h"

#define FIELD_MAX ((size_t)1 << 20)

struct building {
	struct jmap_call *c;
	json_t *object, *values;
	struct buf *out;
	struct jmap_built *ret;
	json_t *fields; /* names of header fields written, in lower case */
	uint64_t attachments; /* bytes */
	bool ended; /* the last line end is not the part's own: it may serve the boundary */
};

/* Notes the property that is wrong; LL_ERR_SYNTAX. */
int jmap_build_bad(struct building *b, const char *property, const char *why);
/* No control characters: they could end a field. */
bool jmap_build_clean(struct slice s);
/* "header:...": one field, or several; of the message or of a part. */
int jmap_build_header(struct building *b, const char *key, json_t *value, bool part) CHECKED;
/* The body, its header fields first. */
int jmap_build_body(struct building *b) CHECKED;

#endif
