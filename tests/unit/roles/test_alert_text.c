/* What owners are told: all of it in every language, and lines that every program shows. */
#include "t.h"

#include "base/text.h"
#include "roles/alert_text.h"

#include <string.h>

#define COLUMNS 78

static size_t
characters(struct slice line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++)
		n += (line.ptr[i] & 0xc0) != 0x80;
	return n;
}

static void
check_lines(const char *text)
{
	struct slice rest = slice_str(text);

	CHECK(slice_ends(rest, S("\r\n")));
	CHECK(utf8_valid(rest));
	for (size_t i = 0; i < rest.len; i++)
		CHECK(rest.ptr[i] != '\n' || (i && rest.ptr[i - 1] == '\r'));
	while (rest.len)
		CHECK(characters(slice_line(&rest)) <= COLUMNS);
}

static void
letters(void)
{
	for (enum web_language l = WEB_ENGLISH; l < WEB_LANGUAGES; l++)
		for (enum alert a = 0; a < ALERTS; a++) {
			const struct alert_text *t = alert_text(l, a);
			CHECK(*t->subject && utf8_valid(slice_str(t->subject)));
			CHECK(!strpbrk(t->subject, "\r\n"));
			check_lines(t->what);
			check_lines(t->advice);
			if (l != WEB_ENGLISH)
				CHECK(strcmp(t->what, alert_text(WEB_ENGLISH, a)->what) != 0);
		}
}

static void
facts(void)
{
	for (enum web_language l = WEB_ENGLISH; l < WEB_LANGUAGES; l++) {
		CHECK(*alert_untold(l) && *alert_roughly(l));
		for (enum alert_fact f = 0; f < FACTS; f++)
			CHECK(*alert_fact(l, f));
	}
	CHECK_SLICE(slice_str(alert_fact(WEB_GERMAN, FACT_COUNTRY)), S("Land"));
	CHECK_SLICE(slice_str(alert_fact(WEB_FRENCH, FACT_COUNTRY)), S("Pays"));
}

/* A code that is not known, or none. */
static void
else_english(void)
{
	CHECK(alert_text(WEB_LANGUAGE_NONE, ALERT_PASSWORD) ==
		alert_text(WEB_ENGLISH, ALERT_PASSWORD));
	CHECK(alert_text(WEB_LANGUAGES, ALERT_PASSWORD) == alert_text(WEB_ENGLISH, ALERT_PASSWORD));
}

T_MAIN(T(letters), T(facts), T(else_english))
