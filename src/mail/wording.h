/* Everything that the server writes to people, in every language that it knows: one table for each.
 * The text is UTF-8; that of bodies has lines ending with CRLF, of at most 78 characters. */
#ifndef MAIL_WORDING_H
#define MAIL_WORDING_H

#include "base/language.h"
#include "mail/build.h"
#include "mail/mdn.h"

/* To the owner of an account, about the account. */
enum alert {
	ALERT_NEW_DEVICE,
	ALERT_RECOVERY_CODE,
	ALERT_TOTP_ADDED,
	ALERT_PASSKEY_ADDED,
	ALERT_FACTOR_REMOVED,
	ALERT_FACTORS_CLEARED,
	ALERT_PASSWORD,
	ALERT_RECOVERY_RENEWED,
	ALERT_APP_PASSWORD,
	ALERTS,
};
enum alert_fact {
	FACT_TIME,
	FACT_NAME,
	FACT_ADDRESS,
	FACT_COUNTRY,
	FACT_DEVICE,
	FACT_PROGRAM,
	FACTS
};

struct wording {
	struct {
		const char *subject, *what;
		const char *advice; /* below the facts */
	} alerts[ALERTS];
	const char *facts[FACTS]; /* "Time"; in French with the space before a colon */
	const char *fact_untold, *fact_roughly;

	/* Delivery reports. */
	const char *report_from; /* the display name */
	const char *report_host; /* goes before the name of the host */
	struct {
		const char *subject, *text;
	} reports[REPORT_ACTIONS];
	const char *report_said; /* between a host and its words */
	const char *report_until; /* goes before a date */

	/* Read receipts; a subject goes before the letter's own. */
	struct {
		const char *subject, *text;
	} receipts[MDN_TYPES];

	/* Vacation notices that leave it to the server what they say. */
	const char *away_subject; /* goes before the letter's own */
	const char *away_text;
};

/* English for a language that is not known, and for none. */
const struct wording *wording(enum language language);

#endif
