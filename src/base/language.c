/* Numbers and codes of languages; what is written in them is in mail/wording.h. */
#include "base/language.h"
#include "base/error.h"

static const char *const codes[] = {LANGUAGE_CODES};

_Static_assert(ARRAY_SIZE(codes) == LANGUAGES, "each language has a code");

int
language_parse(struct slice code, enum language *ret)
{
	if (slice_ieq(code, S("none")))
		code = S("");
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (slice_ieq(code, slice_str(codes[i]))) {
			*ret = (enum language)i;
			return LL_OK;
		}
	return LL_ERR_SYNTAX;
}

const char *
language_code(enum language language)
{
	return (size_t)language < ARRAY_SIZE(codes) ? codes[language] : "";
}
