/* One message waiting to go out: its binary form (sealed by the caller before it is stored), when
 * to try it again, and what became of each recipient. Pure functions: the relay is a thin loop over
 * them.
 *
 *	loop: load what is due (queue_wake) -> queue_pick a destination -> send -> queue_note each
 *	recipient -> when all destinations had their turn queue_reschedule -> queue_report_due and
 *	send the reports, queue_reported -> store again, or delete if queue_finished */
#ifndef FACES_QUEUE_ENVELOPE_H
#define FACES_QUEUE_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "faces/smtp_client.h"
#include "faces/smtp_server.h"
#include "mail/build.h"

#define QUEUE_LIFETIME ((int64_t)5 * 86400) /* RFC 5321 section 4.5.4.1: 4-5 days */
#define QUEUE_DELAY_WARNING ((int64_t)4 * 3600) /* then the sender hears that it takes longer */
#define QUEUE_RCPTS_MAX 10000u
#define QUEUE_TEXT_MAX ((size_t)1024) /* of a kept reply */
#define QUEUE_RECORD_MAX ((size_t)32 << 20) /* an encoded envelope stays below this */

enum queue_state {
	QUEUE_WAITING,
	QUEUE_SENT, /* the next host took it */
	QUEUE_FAILED, /* refused for good, or its time is over */
	QUEUE_STATES
};

/* Which of its reports a recipient has had. */
#define QUEUE_TOLD_DELAY 1u
#define QUEUE_TOLD_END 2u

struct queue_rcpt {
	struct slice address; /* local@domain */
	struct slice orcpt; /* "type;xtext" or empty */
	unsigned notify; /* SMTP_NOTIFY_* */
	enum queue_state state;
	unsigned told; /* QUEUE_TOLD_* */
	bool dsn_passed; /* sent to a host that announced DSN: it reports success itself */
	uint16_t code; /* last reply, or 0 */
	uint16_t enhanced[3]; /* last status, class 0: none yet */
	struct slice text; /* last words, one line */
	struct slice remote; /* host that said so, or empty */
};

struct queue_envelope {
	struct slice sender; /* empty: a report, never reported on */
	struct slice envid; /* xtext, or empty */
	enum language language; /* of the sender, for reports; LANGUAGE_NONE: not known */
	enum smtp_ret ret;
	bool eight_bit, binary, smtputf8, header_utf8, require_tls;
	bool authenticated; /* submitted here, not forwarded */
	/* Held: when its time has come it goes back to delivery, which finds the ways; until then
	 * the account that sent it may take it back under this id. */
	bool held;
	uint8_t held_account[16], held_id[16];
	int64_t arrived, next_attempt, last_attempt; /* unix seconds; last 0: never */
	uint32_t tries;
	uint64_t size; /* octets of the body blob in clear */
	uint8_t blob[16]; /* its id */
	uint8_t key[32]; /* its data key: the record that holds this is sealed, wipe what is decoded
			  */
	struct queue_rcpt *rcpts;
	uint32_t rcpt_count;
};

/* ---- Form ---- */
/* Appends the envelope; LL_ERR_LIMIT when it breaks a limit above, LL_ERR_RANGE for fields that do
 * not fit together. */
int queue_encode(const struct queue_envelope *e, struct buf *out) CHECKED;
/* Strings are views of record, the recipients are in the arena. Everything is checked, nothing may
 * be left over: LL_ERR_CORRUPT, LL_ERR_NOMEM. What decodes encodes to the same octets. */
int queue_decode(struct slice record, struct arena *arena, struct queue_envelope *ret) CHECKED;
/* Clears the data key. */
void queue_wipe(struct queue_envelope *e);

/* ---- Attempts ---- */
/* Seconds to wait after that many tries: 2, 5, 10, 20, 30 minutes, 1, 1, 2, 2 hours, then 4. jitter
 * is random and moves it by up to a tenth, so that what failed together is not tried together. */
int64_t queue_backoff(uint32_t tries, uint32_t jitter);
/* The domain part of an address. */
struct slice queue_domain(struct slice address);
/* Picks the first waiting recipient that is not marked in tried[] and all others of its domain, at
 * most max; marks them. Returns how many indices were put to ret (0: all had their turn). */
uint32_t queue_pick(const struct queue_envelope *e, bool *tried, uint32_t *ret, uint32_t max);
/* What came of an attempt for one recipient. remote: the host that was spoken to; its reply's text
 * and the host name are copied to the arena. dsn: it announced DSN. UNTRIED changes nothing: clear
 * its tried[] so that queue_pick gives it again in the same round. LL_ERR_STATE: it does not wait;
 * LL_ERR_NOMEM leaves it as it was. */
int queue_note(struct queue_envelope *e, uint32_t rcpt, const struct smtp_client_result *result,
	struct slice remote, bool dsn, struct arena *arena) CHECKED;
/* After a round: counts it, sets next_attempt; recipients whose lifetime ends before that fail
 * with 4.4.7 (RFC 3463). */
void queue_reschedule(struct queue_envelope *e, int64_t now, uint32_t jitter);
/* When there is something to do next: an attempt, a delay warning or a report. INT64_MAX: never. */
int64_t queue_wake(const struct queue_envelope *e);
/* Nobody waits and no report is due: the entry can be deleted. */
bool queue_finished(const struct queue_envelope *e);

/* ---- Reports (RFC 3461, RFC 3464) ---- */
enum queue_report {
	QUEUE_REPORT_NONE,
	QUEUE_REPORT_FAILED,
	QUEUE_REPORT_DELAYED,
	QUEUE_REPORT_RELAYED
};
/* The report that is owed for a recipient now. */
enum queue_report queue_report_due(const struct queue_envelope *e, uint32_t rcpt, int64_t now);
/* The report went out (or has nobody to go to). */
void queue_reported(struct queue_envelope *e, uint32_t rcpt, enum queue_report report);
/* The per-recipient fields for build_report; strings live in the arena or in e. LL_ERR_NOMEM. */
int queue_report_recipient(const struct queue_envelope *e, uint32_t rcpt, enum queue_report report,
	struct arena *arena, struct report_recipient *ret) CHECKED;

/* The envelope of a message that was accepted for sending on: all accepted recipients, waiting, due
 * now. Strings stay views of the transaction. The caller adds blob, key and the header's facts. */
int queue_from_smtp(const struct smtp_envelope *from, bool authenticated, int64_t now,
	struct arena *arena, struct queue_envelope *ret) CHECKED;

#endif
