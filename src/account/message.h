/* A message's content: its immutable entry (dates, thread, metadata) read from cached pages, and
 * its body read by ranges. Content is named by its email number (struct message_row), not by
 * mailbox and UID. */
#ifndef ACCOUNT_MESSAGE_H
#define ACCOUNT_MESSAGE_H

#include "account/account.h"
#include "mail/meta.h"

struct message {
	uint32_t email, thread; /* EMAILID, THREADID; 0 is never one */
	int64_t internal_date; /* Unix seconds */
	uint64_t size;
	struct message_meta meta; /* views as long as the struct message is good */
	struct slice recipient; /* the address it was delivered to; empty when appended */
};

/* The entry of one email. Read ahead makes a walk in row order cheap. *ret and its views are good
 * until the next call of the engine for this account other than message_get for up to 16 further
 * messages. LL_ERR_NOTFOUND, LL_ERR_CORRUPT, LL_ERR_AUTH. */
int message_get(struct account *a, uint32_t email, struct message *ret) CHECKED;

/* Ids for the wire, fixed for all time: "M" and "T" with hexadecimal digits. */
#define MESSAGE_ID_TEXT_MAX 16
void message_email_id(uint32_t email, char ret_text[MESSAGE_ID_TEXT_MAX]);
void message_thread_id(uint32_t thread, char ret_text[MESSAGE_ID_TEXT_MAX]);
/* The reverse; false when s is no such id. */
bool message_email_id_parse(struct slice s, uint32_t *ret_email);
bool message_thread_id_parse(struct slice s, uint32_t *ret_thread);
/* "F" and 32 digits: MAILBOXID. */
#define MAILBOX_ID_TEXT_LEN 33
void mailbox_id_text(struct store_id id, char ret_text[MAILBOX_ID_TEXT_LEN + 1]);

/* Appends bytes [offset, offset + len) of the message, fewer at its end; opens only the chunks
 * needed. Steady for parts read in a row: the engine keeps the last few bodies' keys ready. */
int message_read(
	struct account *a, uint32_t email, uint64_t offset, uint64_t len, struct buf *out) CHECKED;

/* The message will be read from its start soon. What message_get gave before is good no longer. */
void message_expect(struct account *a, uint32_t email);

#endif
