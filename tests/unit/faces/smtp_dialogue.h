/* Dialogues with the SMTP server for table tests: what the client says, and what must be answered.
 */
#ifndef TESTS_UNIT_FACES_SMTP_DIALOGUE_H
#define TESTS_UNIT_FACES_SMTP_DIALOGUE_H

#include "smtp_peer.h"

#define HELLO "EHLO client.example\r\n"
#define MAIL "MAIL FROM:<a@example.org>\r\n"
#define RCPT "RCPT TO:<b@example.net>\r\n"
#define READY_CODES "220 250 250:2.1.0 250:2.1.5 "

extern const struct smtp_server_config mx, submission, submissions;

struct dialogue {
	const char *name;
	const struct smtp_server_config *config;
	struct slice in;
	const char *codes;
	struct slice body; /* of accepted messages, see struct peer */
	const char *log; /* has to be found in the log, if given */
};

/* Appends the code of each reply with its enhanced code: "220 250 250:2.1.0". */
void reply_codes(struct slice out, struct buf *ret);
/* Checks one in pieces of step octets, with the answers given at once, or late and in reverse
 * order. */
void run_dialogue(const struct dialogue *d, size_t step, bool late);
/* Each in one piece, octet by octet and in small pieces, at once and late. */
void run_dialogues(const struct dialogue *d, size_t n);

#endif
