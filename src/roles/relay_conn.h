/* The inside of one connection of relay's, shared by relay_conn.c and relay_dialogue.c. */
#ifndef ROLES_RELAY_CONN_H
#define ROLES_RELAY_CONN_H

#include "mail/dane.h"
#include "os/stream.h"
#include "roles/relay.h"
#include "roles/relay_policy.h"
#include "roles/relay_sts.h"

struct conn {
	uint64_t id;
	struct dest *dest;
	struct attempt *attempt; /* being sent, or NULL */
	/* where to */
	struct arena arena;
	struct dns_memo *memo;
	VEC(struct dns_query) asked;
	struct mx_route route;
	bool routed;
	size_t host_at, address_at;
	struct dane_host host; /* route.hosts[host_at]; only valid when host_known */
	bool host_known;
	struct relay_sts_policy sts;
	bool sts_known, sts_waiting;
	/* how */
	struct relay_need need; /* of the present host */
	bool clear; /* TLS failed once */
	/* the connection */
	int fd;
	struct loop_watch watch;
	struct loop_timer timer;
	struct stream *stream;
	struct smtp_client *client;
	struct smtp_client_config config;
	struct smtp_client_rcpt rcpts[RELAY_RCPTS_MAX];
	size_t body_at;
	unsigned served; /* messages over this connection */
	bool handshaking;
	bool good; /* counted with relay_dest_good */
	bool idle; /* ready, and waits a little for the next message */
	bool woken; /* that one is there */
	bool leaving; /* it waited long enough */
	bool lost; /* lookup went away while it was needed */
	bool dead;
	char why[400]; /* of the last failure */
	char remote[256];
};

/* --- relay_conn.c --- */
/* Ends the connection; its struct goes from the loop, so that callers on the stack may still look
 * at it. */
void conn_end(struct conn *c);
/* Fails the attempt in hand and ends. */
void conn_give_up(struct conn *c, bool permanent, const char *status, const char *text);
void conn_set_timer(struct conn *c, unsigned seconds);
/* Connects to the present address (again), or to what follows it. */
void conn_connect(struct conn *c);
void conn_next_address(struct conn *c);

/* --- relay_dialogue.c --- */
/* Starts the dialogue over c->fd, which is connected. */
void conn_start_dialogue(struct conn *c);
/* Takes what the dialogue says now and does it. */
void conn_run(struct conn *c);
/* Nothing was heard for too long. */
void conn_dialogue_timeout(struct conn *c);

#endif
