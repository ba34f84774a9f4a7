/* The languages in which the server writes to people. */
#ifndef BASE_LANGUAGE_H
#define BASE_LANGUAGE_H

#include "base/slice.h"

#define LANGUAGE_CODES "", "en", "de", "fr"
enum language {
	LANGUAGE_NONE,
	LANGUAGE_ENGLISH,
	LANGUAGE_GERMAN,
	LANGUAGE_FRENCH,
	LANGUAGES /* one past the last */
};

/* A code like "de", or "" and "none" for LANGUAGE_NONE. LL_ERR_SYNTAX. */
int language_parse(struct slice code, enum language *ret) CHECKED;
/* The language tag (RFC 5646); "" for LANGUAGE_NONE. */
const char *language_code(enum language language);

#endif
