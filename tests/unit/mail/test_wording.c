/* What people are written: all of it in every language, and lines that every program shows. */
#include "t.h"

#include "base/error.h"
#include "base/text.h"
#include "mail/wording.h"

#include <string.h>

#define COLUMNS 78
#define SUBJECT_COLUMNS 60

static size_t
characters(struct slice line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++)
		n += (line.ptr[i] & 0xc0) != 0x80;
	return n;
}

static void
check_body(const char *text)
{
	struct slice rest = slice_str(text);

	CHECK(slice_ends(rest, S("\r\n")));
	CHECK(utf8_valid(rest));
	for (size_t i = 0; i < rest.len; i++)
		CHECK(rest.ptr[i] != '\n' || (i && rest.ptr[i - 1] == '\r'));
	while (rest.len)
		CHECK(characters(slice_line(&rest)) <= COLUMNS);
}

/* A part of a line: a subject, a label, what goes before a date. */
static void
check_words(const char *text)
{
	CHECK(*text && utf8_valid(slice_str(text)) && !strpbrk(text, "\r\n"));
	CHECK(characters(slice_str(text)) <= SUBJECT_COLUMNS);
}

static void
check_other(enum language l, const char *text, const char *english)
{
	CHECK((l == LANGUAGE_ENGLISH) == (strcmp(text, english) == 0));
}

static void
alerts(void)
{
	const struct wording *en = wording(LANGUAGE_ENGLISH);

	for (enum language l = LANGUAGE_ENGLISH; l < LANGUAGES; l++)
		for (enum alert a = 0; a < ALERTS; a++) {
			const struct wording *w = wording(l);
			check_words(w->alerts[a].subject);
			check_body(w->alerts[a].what);
			check_body(w->alerts[a].advice);
			check_other(l, w->alerts[a].subject, en->alerts[a].subject);
			check_other(l, w->alerts[a].what, en->alerts[a].what);
			check_other(l, w->alerts[a].advice, en->alerts[a].advice);
		}
}

static void
facts(void)
{
	for (enum language l = LANGUAGE_ENGLISH; l < LANGUAGES; l++) {
		check_words(wording(l)->fact_untold);
		check_words(wording(l)->fact_roughly);
		for (enum alert_fact f = 0; f < FACTS; f++)
			check_words(wording(l)->facts[f]);
	}
	CHECK_SLICE(slice_str(wording(LANGUAGE_GERMAN)->facts[FACT_COUNTRY]), S("Land"));
	CHECK_SLICE(slice_str(wording(LANGUAGE_FRENCH)->facts[FACT_COUNTRY]), S("Pays\u00a0"));
}

static void
reports(void)
{
	const struct wording *en = wording(LANGUAGE_ENGLISH);

	for (enum language l = LANGUAGE_ENGLISH; l < LANGUAGES; l++) {
		const struct wording *w = wording(l);
		check_words(w->report_from);
		check_words(w->report_host);
		check_words(w->report_said);
		check_words(w->report_until);
		for (enum report_action a = 0; a < REPORT_ACTIONS; a++) {
			check_words(w->reports[a].subject);
			check_body(w->reports[a].text);
			check_other(l, w->reports[a].subject, en->reports[a].subject);
			check_other(l, w->reports[a].text, en->reports[a].text);
		}
	}
}

static void
answers(void)
{
	const struct wording *en = wording(LANGUAGE_ENGLISH);

	for (enum language l = LANGUAGE_ENGLISH; l < LANGUAGES; l++) {
		const struct wording *w = wording(l);
		for (enum mdn_type t = 0; t < MDN_TYPES; t++) {
			check_words(w->receipts[t].subject);
			check_body(w->receipts[t].text);
			check_other(l, w->receipts[t].subject, en->receipts[t].subject);
			check_other(l, w->receipts[t].text, en->receipts[t].text);
		}
		check_words(w->away_subject);
		check_body(w->away_text);
		check_other(l, w->away_subject, en->away_subject);
		check_other(l, w->away_text, en->away_text);
	}
}

/* A code that is not known, or none. */
static void
else_english(void)
{
	CHECK(wording(LANGUAGE_NONE) == wording(LANGUAGE_ENGLISH));
	CHECK(wording(LANGUAGES) == wording(LANGUAGE_ENGLISH));
}

static void
codes(void)
{
	enum language l = LANGUAGE_FRENCH;

	for (enum language i = LANGUAGE_NONE; i < LANGUAGES; i++) {
		CHECK_INT(language_parse(slice_str(language_code(i)), &l), 0);
		CHECK_INT(l, i);
	}
	CHECK_INT(language_parse(S("DE"), &l), 0);
	CHECK_INT(l, LANGUAGE_GERMAN);
	CHECK_INT(language_parse(S("eo"), &l), LL_ERR_SYNTAX);
	CHECK_INT(l, LANGUAGE_GERMAN);
	CHECK_INT(language_parse(S("none"), &l), 0);
	CHECK_INT(l, LANGUAGE_NONE);
	CHECK_SLICE(slice_str(language_code(LANGUAGES)), S(""));
}

T_MAIN(T(alerts), T(facts), T(reports), T(answers), T(else_english), T(codes))
