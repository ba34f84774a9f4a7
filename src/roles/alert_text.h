/* What the server writes to the owners of accounts, in every language that it knows. */
#ifndef ROLES_ALERT_TEXT_H
#define ROLES_ALERT_TEXT_H

#include "ipc/web.h"

enum alert {
	ALERT_NEW_DEVICE,
	ALERT_RECOVERY_CODE,
	ALERT_FACTOR_REMOVED,
	ALERT_FACTORS_CLEARED,
	ALERT_PASSWORD,
	ALERTS,
};

/* UTF-8, lines end with CRLF and have at most 78 characters. */
struct alert_text {
	const char *subject;
	const char *what; /* happened */
	const char *advice; /* below the facts; "": none */
};
const struct alert_text *alert_text(enum web_language language, enum alert which);

enum alert_fact { FACT_TIME, FACT_ADDRESS, FACT_COUNTRY, FACT_DEVICE, FACT_PROGRAM, FACTS };
/* "Time", and so on. */
const char *alert_fact(enum web_language language, enum alert_fact which);
/* "not told", "roughly". */
const char *alert_untold(enum web_language language);
const char *alert_roughly(enum web_language language);

#endif
