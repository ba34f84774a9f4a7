/* Emails that are put off: they lie in the mailbox with role snoozed, an ordinary one for IMAP,
 * until they are due, and then go back where they were, unread.
 *
 * When and whence is an object of its own (CHANGE_SNOOZE), written before the Email goes and
 * dropped after it is back: between the two an Email that is not in that mailbox is not snoozed,
 * whatever its object says, so neither a crash nor another client's move leaves a trace. */
#ifndef ACCOUNT_SNOOZE_H
#define ACCOUNT_SNOOZE_H

#include "account/email.h"

#define SNOOZES_MAX 2000 /* in one account */

/* Until when, Unix seconds; false when it is not snoozed. Needs emails_load and
 * account_objects_load before. */
bool email_snoozed(const struct account *a, uint32_t email, int64_t *ret_until);

/* Makes ready what emails_change is then told to do with one Email: ret_boxes gets the mailboxes it
 * shall be in. Putting off, until Unix seconds; the mailbox is made when there is none.
 * LL_ERR_NOTFOUND, LL_ERR_LIMIT (SNOOZES_MAX). Both change the account. */
int snooze_begin(struct account *a, uint32_t email, int64_t until,
	struct store_id ret_boxes[EMAIL_MAILBOXES_MAX], size_t *ret_n) CHECKED;
/* Coming back; n is 0 for one that is not snoozed. */
int snooze_back(struct account *a, uint32_t email, struct store_id ret_boxes[EMAIL_MAILBOXES_MAX],
	size_t *ret_n) CHECKED;
/* Drops what was written of Emails that are not snoozed (any more). */
int snooze_tidy(struct account *a) CHECKED;
/* Takes back every Email that is due, unread. *ret_next: when the next one is; 0: there is none. */
int snooze_wake(struct account *a, int64_t now, int64_t *ret_next) CHECKED;

#endif
