/* What a typed password becomes (RFC 8265, OpaqueString). */
#include "base/error.h"
#include "cli/prompt.h"
#include "t.h"

static const struct {
	struct slice typed, want; /* want.ptr NULL: refused */
} table[] = {
	{S("correct horse battery staple"), S("correct horse battery staple")},
	{S("Correct Horse"), S("Correct Horse")}, /* case stays */
	{S("\xcf\x80\xc3\x9f\xc3\xa5"), S("\xcf\x80\xc3\x9f\xc3\xa5")},
	/* a + ring above is one character with its composed form */
	{S("a\xcc\x8a"), S("\xc3\xa5")},
	{S("\xe2\x84\xab"), S("\xc3\x85")}, /* ANGSTROM SIGN */
	/* other spaces: OGHAM SPACE MARK, NO-BREAK SPACE, EM SPACE */
	{S("foo\xe1\x9a\x80"
	   "bar\xc2\xa0x\xe2\x80\x83y"),
		S("foo bar x y")},
	{S("\xf0\x9f\x90\x8e horse"), S("\xf0\x9f\x90\x8e horse")},
	{S("tab\there"), SLICE_NONE},
	{S("nul\0here"), SLICE_NONE},
	{S("\x7f"), SLICE_NONE},
	{S("\xc2\x85"), SLICE_NONE}, /* NEL, a C1 control */
	{S("\xff"), SLICE_NONE},
};

static void
normalise(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct prompt_secret s = {.len = 99};
		int r = prompt_normalise(table[i].typed, &s);

		CHECK_INT(r == LL_OK, table[i].want.ptr != NULL);
		if (table[i].want.ptr)
			CHECK_SLICE(prompt_slice(&s), table[i].want);
		else
			CHECK_INT(s.len, 99);
	}
}

static void
lengths(void)
{
	static char text[PROMPT_MAX + 1];
	struct prompt_secret s;

	memset(text, 'x', sizeof(text));
	CHECK_INT(prompt_normalise(slice_new(text, PROMPT_MAX), &s), 0);
	CHECK_INT(s.len, PROMPT_MAX);
	CHECK(prompt_normalise(slice_new(text, PROMPT_MAX + 1), &s) != 0);
}

T_MAIN(T(normalise), T(lengths))
