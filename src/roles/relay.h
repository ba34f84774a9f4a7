/* What the parts of the relay process share.
 *
 *	relay.c             the role: messages, the store, the DKIM keys
 *	relay_queue.c       entries: when to try, what became of them
 *	relay_release.c     entries that are held until their time, and taken back
 *	relay_report.c      what a sender is told about an entry
 *	relay_operator.c    the operator's commands
 *	relay_dest.c        one destination domain: attempts that wait, connections that serve them
 *	relay_policy.c      decisions without state: which hosts, how safe
 *	relay_conn.c        one connection: route, addresses
 *	relay_dialogue.c    one connection: TLS, messages
 *	relay_sts.c         MTA-STS policies */
#ifndef ROLES_RELAY_H
#define ROLES_RELAY_H

#include "base/vec.h"
#include "mail/dkim.h"
#include "mail/dns_memo.h"
#include "mail/tlsrpt.h"
#include "roles/queue_store.h"
#include "roles/role.h"

#include <openssl/ssl.h>

#define RELAY_CONNS_MAX 100
#define RELAY_CONNS_PER_DOMAIN 5
#define RELAY_RCPTS_MAX 100 /* of one transaction, RFC 5321 section 4.5.3.1.8 */
#define RELAY_LOADED_MAX                                                                           \
	((uint64_t)256 << 20) /* bytes of the messages that connections hold at once */

struct relay_signing_key {
	struct dkim_key *key;
	char domain[256], selector[256];
};

struct relay {
	struct role_env *env;
	struct store *store; /* NULL while there is none */
	struct record_opener *opener;
	struct record_sender *sender; /* to the queue's own key: entries are written back sealed */
	uint8_t queue_public[XWING_PUBLIC_LEN];
	uint8_t sts_key[32]; /* of what is kept of MTA-STS */
	VEC(struct relay_signing_key) keys;
	SSL_CTX *tls; /* checks certificates where a policy asks for it */
	struct map *entries; /* id -> struct entry */
	struct map *dests; /* domain -> struct dest */
	struct tlsrpt_counters tls_counters;
	unsigned conns;
	uint64_t loaded; /* bytes that attempts in connections' hands take */
	unsigned long long sent, deferred, failed, reports, connections;
};
extern struct relay rl;

/* One message in the queue. */
struct entry {
	uint8_t id[RECORD_ID_LEN];
	struct arena arena; /* of the envelope's strings */
	struct buf plain; /* the record's plaintext, which the envelope points into */
	struct queue_envelope e;
	struct loop_timer timer;
	bool busy; /* a round is under way */
	bool unready; /* something of ours was missing: the round does not count */
	bool dropped; /* by the operator, during a round or a report */
	bool dirty; /* the store does not know yet what became of it */
	bool gone; /* over: only its deletion is still to be made durable */
	bool reporting; /* a report is on its way to delivery */
	int64_t report_sent; /* clock_ms */
	int64_t report_now; /* unix seconds for which it says what is due */
	bool *tried;
	unsigned attempts; /* under way */
	unsigned readers; /* attempts that use message */
	struct buf message; /* signed */
	struct held_cancel *cancel; /* its author took it back and waits for the answer */
};

/* Some recipients of one entry at one domain, to be sent in one transaction. */
struct attempt {
	struct attempt *next;
	struct entry *entry;
	uint32_t n, rcpts[RELAY_RCPTS_MAX];
	struct slice domain; /* in the entry's envelope */
	unsigned again; /* how often a connection broke under it */
	uint64_t held; /* its part of rl.loaded */
	bool reading; /* it counts in entry->readers */
};

/* --- relay_queue.c --- */
/* Looks for entries that are not known yet: the recent ones, or all. */
void relay_queue_scan(bool all);
/* Something was committed to the queue. */
void relay_queue_bell(void);
/* What came of one attempt: result(i) for each of its recipients has been noted; it is freed. */
void relay_attempt_done(struct attempt *a);
/* A result of ours for all of an attempt's recipients. */
void relay_attempt_fail(struct attempt *a, bool permanent, const char *status, const char *text,
	struct slice remote);
/* Something of ours was missing: the attempt is over, but counts for nothing and is made again
 * soon. */
void relay_attempt_unready(struct attempt *a);
/* Makes entry->message; false when it cannot be had: then the attempt is over. */
bool relay_attempt_load(struct attempt *a) CHECKED;
/* The body as it was queued. */
int relay_entry_body(struct entry *en, struct buf *out) CHECKED;
/* After a round, or a report: deletes, or writes back, reports and waits. */
void relay_entry_settle(struct entry *en);
void relay_entry_wake(struct entry *en, int64_t ms);
/* The store or delivery went away and came again: what waits for it is tried again. */
void relay_queue_restart(void);

/* Whether an error of relay_entry_body will stay: the message is lost or was altered. */
bool relay_body_spoilt(int err);

/* --- relay_release.c --- */
/* Gives some recipients of a held entry back to delivery. */
void relay_release(struct attempt *a);
/* Delivery's answer; false when it was not about a release. */
bool relay_release_done(const struct msg_deliver_result *m);
/* A delivery process went away: what it had is given to another. */
void relay_release_lost(const struct ipc_channel *delivery);
/* An author takes a held message back: answered when that is durable. */
void relay_held_cancel(struct ipc_channel *delivery, const struct msg_held_cancel *m);
/* An entry of that request is gone for good. */
void relay_held_gone(struct held_cancel *k);
void relay_held_lost(const struct ipc_channel *delivery);

/* --- relay_report.c --- */
/* Makes the report that is due, if one is, and sends it on its way or tries again later. */
void relay_report(struct entry *en);
void relay_report_done(const struct msg_deliver_result *m);
/* True when the report has no answer for so long that none will come. */
bool relay_report_lost(const struct entry *en);

/* --- relay_operator.c --- */
void relay_queue_command(struct ipc_channel *c, const struct msg_queue_command *m);

/* --- relay_dest.c --- */
struct dest;
/* Hands over an attempt. */
void relay_dest_submit(struct attempt *a);
/* A connection to the destination is free: the next attempt for it, or NULL. */
struct attempt *relay_dest_next(struct dest *d);
/* The first message may be sent over a connection (good), or one such has ended. */
void relay_dest_good(struct dest *d, bool good);
/* No connection can be made: the attempt fails with all that wait. While others are good it waits
 * for one of those instead. */
void relay_dest_unreachable(struct dest *d, struct attempt *a, bool permanent, const char *status,
	const char *text, struct slice remote);
/* A connection has ended. */
void relay_dest_conn_gone(struct dest *d);
/* Its domain: A-labels, lower case. */
struct slice relay_dest_domain(const struct dest *d);

/* --- relay_conn.c --- */
/* Starts a connection for an attempt; it finds its route itself. LL_ERR_NOMEM. */
int relay_conn_start(struct dest *d, struct attempt *a) CHECKED;
/* Wakes an idle connection to d; false when there is none. */
bool relay_conn_wake(const struct dest *d);
void relay_conn_dns(const struct msg_dns_answer *m);
void relay_conn_https(const struct msg_https_reply *m);
/* Lookup went away: everything asked of it fails. */
void relay_conn_lookup_lost(void);

/* --- relay.c --- */
/* The message with the DKIM-Signature fields of its author's domain in front of it. */
int relay_sign(struct slice message, struct buf *out) CHECKED;

#endif
