/* What the parts of the frontend share: connections, and how they reach the other processes. */
#ifndef ROLES_FRONT_H
#define ROLES_FRONT_H

#include "os/stream.h"
#include "roles/role.h"

#include <openssl/ssl.h>

struct front_conn;

/* One kind of dialogue. Every function may end the connection with front_close. */
struct front_face {
	void (*start)(struct front_conn *c); /* state is made; the stream is there */
	size_t (*input)(struct front_conn *c, struct slice in);
	void (*drained)(struct front_conn *c);
	void (*secured)(struct front_conn *c); /* TLS is up */
	void (*timeout)(struct front_conn *c);
	void (*free)(struct front_conn *c); /* the state goes */
	/* Answers of other processes to requests of this connection. */
	void (*login_challenge)(struct front_conn *c, const struct msg_login_challenge *m);
	void (*login_result)(struct front_conn *c, const struct msg_login_result *m);
	void (*sender_reply)(struct front_conn *c, const struct msg_sender_reply *m);
	void (*rcpt_reply)(struct front_conn *c, const struct msg_rcpt_reply *m);
	void (*deliver_result)(struct front_conn *c, const struct ipc_channel *from,
		const struct msg_deliver_result *m);
	/* A process went away; what was asked of it over ch gets no answer. ROLE_PARENT: this
	 * process is stopping. */
	void (*lost)(struct front_conn *c, enum role role, const struct ipc_channel *ch);
};

struct front_conn {
	uint64_t id; /* never reused */
	struct role_env *env;
	const struct front_face *face;
	enum service service;
	struct stream *stream;
	struct loop_timer timer;
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	void *state; /* the face's */
	uint8_t ticket[16];
	bool asked_auth, closing; /* asked_auth: auth may hold something of this connection */
	struct front_conn *next_dead;
};

extern const struct front_face front_smtp, front_imap;

/* Ends the connection after what is queued has been sent, or at once. The struct goes when the
 * loop's round is over. */
void front_finish(struct front_conn *c);
void front_close(struct front_conn *c);
/* (Re)arms the connection's time limit. */
void front_timeout(struct front_conn *c, unsigned seconds);
/* Starts TLS as a server; false when it cannot. */
bool front_start_tls(struct front_conn *c);
/* Sends one step of a sign-in to auth; false when auth is not there. mechanism: enum
 * sasl_mechanism. */
bool front_login(
	struct front_conn *c, enum sasl_mechanism mechanism, struct slice data, bool first);
/* Whether programs can get tokens to sign in with: where HTTPS is served. */
bool front_has_tokens(const struct front_conn *c);
/* "192.0.2.1" or "2001:db8::1"; out holds 46 bytes. */
const char *front_ip_text(const struct front_conn *c, char out[46]);

/* Messages larger than a packet travel in memory files, of which only so much may exist at once. */
#define FRONT_BODIES_MAX ((uint64_t)1 << 30)
extern uint64_t front_bodies; /* bytes of unfinished and undelivered messages now */
extern struct front_counters {
	unsigned long long connections, messages, refused, logins, login_failures, tls_failures;
	unsigned now;
} front_counters;

#endif
