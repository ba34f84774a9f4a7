/* Policies published as the one TXT record at a well-known label: MTA-STS, TLSRPT. */
#ifndef MAIL_TXT_RECORD_H
#define MAIL_TXT_RECORD_H

#include "mail/dns_memo.h"

/* Whether the text begins with "v=VERSION", as a tag list does. */
bool txt_record_is(struct slice text, struct slice version);
/* The record of that version at LABEL.DOMAIN. LL_ERR_NOTFOUND: none, or several; LL_ERR_AGAIN;
 * LL_ERR_IO: DNS fails now; LL_ERR_NOMEM. */
int txt_record_find(struct dns_memo *memo, struct slice label, struct slice domain,
	struct slice version, struct slice *ret) CHECKED;

#endif
