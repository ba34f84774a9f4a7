/* Whether a message is in the account already, so that bringing mail over brings nothing twice.
 *
 * A twin has the same Message-ID and subject, and the same content behind the header, whatever
 * transports or mbox files have done to the header; line ends at its end do not count. A message
 * without a Message-ID has a twin only where every octet is the same. */
#ifndef ACCOUNT_TWIN_H
#define ACCOUNT_TWIN_H

#include "account/account.h"

/* By what is known before the content is fetched: header holds the fields Message-ID and Subject,
 * size is that of the whole message. The same id, subject and size will do. LL_ERR_NOTFOUND: none
 * that is certain. Loads the view of Emails (email.h). */
int twin_find_listed(
	struct account *a, struct slice header, uint64_t size, uint32_t *ret_email) CHECKED;
/* By the whole message. */
int twin_find(struct account *a, struct slice message, uint32_t *ret_email) CHECKED;
/* Equal for messages that may be twins. */
int twin_key(struct account *a, struct slice message, uint64_t *ret_key) CHECKED;

#endif
