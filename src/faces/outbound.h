/* How a face in the session process sends a letter: handed in, because only a role may talk to
 * other processes. Calls block until the letter is durable in mailboxes here and in the queue. */
#ifndef FACES_OUTBOUND_H
#define FACES_OUTBOUND_H

#include "faces/smtp.h"

#define OUTBOUND_RCPTS_MAX 1000
#define OUTBOUND_HOLD_MAX ((int64_t)366 * 86400) /* seconds that a letter may be held at most */
#define OUTBOUND_HOLD_ID_LEN 16
#define OUTBOUND_TEXT_MAX 513

struct outbound_rcpt {
	struct slice address; /* local@domain */
	struct slice orcpt; /* RFC 3461, or empty */
	unsigned notify; /* SMTP_NOTIFY_* */
};

struct outbound_letter {
	struct slice message; /* RFC 5322, CRLF; completed on its way like any submission */
	struct slice from; /* return path; must be an address of the account */
	const struct outbound_rcpt *rcpts;
	uint32_t n_rcpts; /* 1 to OUTBOUND_RCPTS_MAX */
	struct slice envid; /* RFC 3461, or empty */
	enum smtp_ret ret;
	int64_t hold_until; /* Unix seconds; 0 or past: goes now */
	uint8_t hold_id[OUTBOUND_HOLD_ID_LEN]; /* for outbound.cancel; random */
};

/* The answer in SMTP's terms: 250; 550 with the address of a recipient that does not exist; 555
 * with a sentence when the author may not use the return path or From; 554 with a sentence when the
 * message is refused; 451, 452 for now. */
struct outbound_answer {
	uint16_t code;
	char text[OUTBOUND_TEXT_MAX];
};

/* A vacation notice (RFC 8621 section 8); the server keeps its text readable for itself. */
#define OUTBOUND_VACATION_TEXT_MAX ((size_t)24 << 10)
#define OUTBOUND_VACATION_HTML_MAX ((size_t)32 << 10)
struct outbound_vacation {
	bool on;
	int64_t start, end; /* Unix seconds; 0: open */
	struct slice subject, text, html; /* UTF-8; subject at most 998 bytes; what is empty is
					     written by the server in the owner's language */
};

struct outbound {
	/* LL_OK when *ret is filled; LL_ERR_CLOSED, LL_ERR_AGAIN (nobody answered in time: it may
	 * or may not have been sent), LL_ERR_LIMIT, LL_ERR_NOMEM. */
	int (*send)(void *ctx, const struct outbound_letter *letter, struct outbound_answer *ret);
	/* Takes back what is still held: LL_OK when it is durable that it will not go,
	 * LL_ERR_NOTFOUND, LL_ERR_STATE (on its way), LL_ERR_CLOSED, LL_ERR_AGAIN. */
	int (*cancel)(void *ctx, const uint8_t hold_id[OUTBOUND_HOLD_ID_LEN]);
	/* From now on; LL_OK when it is durable. LL_ERR_LIMIT: too long. */
	int (*vacation)(void *ctx, const struct outbound_vacation *notice);
	void *ctx;
};

#endif
