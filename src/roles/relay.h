/* What the parts of the relay process share.
 *
 *	relay.c          the role: messages, the store, the DKIM keys
 *	relay_queue.c    entries: when to try, what became of them, reports
 *	relay_dest.c     one destination domain: attempts that wait, connections that serve them
 *	relay_conn.c     one connection: route, TLS policy, dialogue */
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
	VEC(struct relay_signing_key) keys;
	SSL_CTX *tls; /* checks certificates where a policy asks for it */
	struct map *entries; /* id -> struct entry */
	struct map *dests; /* domain -> struct dest */
	struct tlsrpt_counters tls_counters;
	unsigned conns;
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
	bool dropped; /* by the operator, during a round */
	bool reporting; /* a report is on its way to delivery */
	bool *tried;
	unsigned attempts; /* under way */
	struct buf message; /* signed, while busy */
};

/* Some recipients of one entry at one domain, to be sent in one transaction. */
struct attempt {
	struct attempt *next;
	struct entry *entry;
	uint32_t n, rcpts[RELAY_RCPTS_MAX];
	struct slice domain; /* in the entry's envelope */
};

/* --- relay_queue.c --- */
/* Looks for entries that are not known yet. */
void relay_queue_scan(void);
/* What came of one attempt: result(i) for each of its recipients has been noted; it is freed. */
void relay_attempt_done(struct attempt *a);
/* A result of ours for all of an attempt's recipients. */
void relay_attempt_fail(struct attempt *a, bool permanent, const char *status, const char *text,
	struct slice remote);
void relay_report_done(const struct msg_deliver_result *m);
void relay_queue_command(struct ipc_channel *c, const struct msg_queue_command *m);
/* The store or delivery went away and came again: what waits for it is tried again. */
void relay_queue_restart(void);

/* --- relay_dest.c --- */
struct dest;
/* Hands over an attempt. */
void relay_dest_submit(struct attempt *a);
/* A connection to the destination is free: the next attempt for it, or NULL. */
struct attempt *relay_dest_next(struct dest *d);
/* A connection has ended. */
void relay_dest_conn_gone(struct dest *d);
struct slice relay_dest_domain(const struct dest *d);

/* --- relay_conn.c --- */
/* Starts a connection for an attempt; it finds its route itself. LL_ERR_NOMEM. */
int relay_conn_start(struct dest *d, struct attempt *a) CHECKED;
void relay_conn_dns(const struct msg_dns_answer *m);
void relay_conn_https(const struct msg_https_reply *m);
/* Lookup went away: everything asked of it fails. */
void relay_conn_lookup_lost(void);

/* --- relay.c --- */
/* The DKIM-Signature fields for a message, put in front of it. */
int relay_sign(struct slice message, struct slice sender, struct buf *out) CHECKED;

#endif
