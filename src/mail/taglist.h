/* The tag=value lists of DKIM, ARC, DMARC, MTA-STS and TLSRPT (RFC 6376 section 3.2). */
#ifndef MAIL_TAGLIST_H
#define MAIL_TAGLIST_H

#include "base/arena.h"

#define TAGLIST_MAX 64u

struct tag {
	struct slice name;
	struct slice value; /* without white space at its ends; may hold folding inside */
	struct slice raw; /* all between "=" and ";", a view of the text */
};

struct taglist {
	struct tag tags[TAGLIST_MAX];
	size_t count;
};

/* Splits the text; names keep their case. LL_ERR_SYNTAX for a tag without "=", a bad name or the
 * same name twice; LL_ERR_LIMIT beyond TAGLIST_MAX tags. */
int taglist_parse(struct slice text, struct taglist *ret) CHECKED;
/* The tag of that name (exact), or NULL. */
const struct tag *taglist_find(const struct taglist *list, const char *name);
/* Its value; ptr NULL when there is no such tag. */
struct slice taglist_get(const struct taglist *list, const char *name);

/* Takes one element off a colon-separated value, without white space at its ends. */
struct slice taglist_item(struct slice *rest);
/* Decodes base64 that may be folded and may lack its padding, into the arena. LL_ERR_SYNTAX,
 * LL_ERR_NOMEM. */
int taglist_base64(struct slice value, struct arena *arena, struct slice *ret) CHECKED;

#endif
