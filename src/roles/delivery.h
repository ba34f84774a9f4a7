/* What the parts of the delivery process share: one job is one message on its way into mailboxes
 * and the queue. */
#ifndef ROLES_DELIVERY_H
#define ROLES_DELIVERY_H

#include "account/deliver.h"
#include "base/arena.h"
#include "base/vec.h"
#include "mail/mailauth.h"
#include "roles/delivery_envelope.h"
#include "roles/role.h"

#define DELIVERY_TARGETS_MAX 4000
#define DELIVERY_RECEIVED_MAX                                                                      \
	60 /* RFC 5321 section 6.3: more Received fields than this are a loop */

struct delivery_role {
	struct role_env *env;
	struct store *store; /* NULL while there is none */
	struct map *senders; /* account -> struct sender: encapsulations in use */
	struct map *jobs; /* job id -> struct job */
	uint64_t next_job;
	uint8_t queue_key[XWING_PUBLIC_LEN];
	unsigned long long accepted, refused, deferred, queued;
};
extern struct delivery_role dv;

/* Where one copy of the message goes: an account of ours, or an address elsewhere. */
struct target {
	bool local;
	struct store_id account;
	uint32_t keyver;
	uint64_t quota;
	bool vacation; /* its owner has a notice */
	bool push; /* its owner's programs want to hear of it */
	uint8_t *seal_key; /* XWING_PUBLIC_LEN bytes, owned */
	char *address; /* owned */
	uint32_t rcpt; /* index of the recipient it came from */
};

struct job {
	uint64_t id; /* ours */
	struct ipc_channel *asker; /* a frontend, relay with a report, or NULL: this process's own
				       report */
	uint64_t conn; /* the asker's number */
	uint8_t *payload; /* owned, or mapped */
	size_t payload_len;
	bool mapped;
	struct delivery_envelope envelope;
	struct slice body; /* as received */
	VEC(struct target) targets;
	uint32_t resolving; /* recipients without a full answer */
	struct dns_memo *memo;
	VEC(struct dns_query) asked; /* queries by number */
	struct mailauth *auth;
	bool auth_done;
	struct loop_timer dns_timer;
	bool dns_over; /* too slow: what is not known by now counts as failed */
	uint32_t tickets; /* sender checks under way */
	char refused[IPC_ADDRESS_MAX + 1]; /* a recipient that does not exist */
	struct arena arena; /* of what follows */
	VEC(struct slice) author_keys; /* lookup keys of its From and Sender addresses */
	bool header_utf8;
	struct buf message; /* as it is stored */
	struct delivery *sealed;
	uint32_t commits; /* under way */
	uint16_t code; /* the worst answer so far; 0: none */
	const char *text;
	struct loop_timer timer;
	bool composing;
	bool held; /* to be sent later: relay keeps it, and nobody has it yet */
};

/* job.c */
/* From now on the DNS has only so much time for this message. */
int job_dns_budget(struct job *j) CHECKED;
void job_start(struct ipc_channel *asker, const struct msg_deliver *m, int fd);
void job_resolved(const struct msg_resolved *m);
void job_ticket(const struct msg_ticket_reply *m);
void job_dns(const struct msg_dns_answer *m);
/* A process went away: what waits for it is answered 451, or, for lookup, with SERVFAIL. */
void job_lost(enum role role, const struct ipc_channel *ch);

/* delivery_begin.c: takes the message over and asks what must be known. LL_ERR_SYNTAX: a submission
 * without a readable author. */
int job_begin(struct job *j, const struct msg_deliver *m, int fd) CHECKED;
unsigned job_count_received(const struct job *j);

/* delivery_dns.c: asks lookup what the memo wants and nobody knows yet. */
void job_ask_dns(struct job *j);
/* Nobody answers what was asked: it counts as SERVFAIL. */
void job_dns_failed(struct job *j);
/* The answer to the job's query of that number. */
void job_take_dns(struct job *j, size_t number, const struct msg_dns_answer *m);
/* submission.c of the role: the message of a signed-in author, completed, into out. LL_ERR_SYNTAX
 * with *ret_why. */
int job_complete_submission(struct job *j, struct buf *out, const char **ret_why) CHECKED;
/* delivery_outbound.c: commits queue entries for the targets that are elsewhere; each commit counts
 * in j->commits and calls job_committed. LL_OK when all were begun. */
int job_queue(struct job *j) CHECKED;
void job_committed(void *job, int err, uint64_t version);
/* The same for a message that is held: one copy of everything for relay to keep, which gives it
 * back when its time has come (SERVICE_RELEASED). */
int job_hold(struct job *j) CHECKED;

/* delivery_sessions.c: sessions that submit over a channel of their own. */
void submitter_add(const struct msg_submitter *m, int fd);
/* Whether the channel is a session's, and may use this ticket. */
bool submitter_may(const struct ipc_channel *c, const uint8_t ticket[16]);
/* The account of a session's channel. LL_ERR_CLOSED: it is gone. */
int submitter_account(const struct ipc_channel *c, uint8_t ret[RECORD_ID_LEN]) CHECKED;
void submitter_cancelled(const struct msg_held_cancelled *m);
/* Relay went away: nobody will answer what was asked of it. */
void submitter_relay_lost(void);

/* delivery_report.c: the message is in its mailboxes; tells the sender if that was asked for. */
void job_report_delivered(const struct job *j);
/* Starts a letter of this process's own, with the null return path; it is copied. */
int job_start_own(struct slice to, struct slice message, bool smtputf8) CHECKED;

/* delivery_vacation.c: the message is in its mailboxes; their owners may be away. */
void vacation_delivered(const struct job *j);
void vacation_reply(const struct msg_vacation_reply *m);
/* Auth went away: what it was asked gets no answer. */
void vacation_lost(void);

#endif
