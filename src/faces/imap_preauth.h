/* IMAP until sign-in, as the frontend speaks it: greeting, capabilities, ID, STARTTLS, LOGIN and
 * AUTHENTICATE. Knows no account; asks the caller to have a SASL exchange judged and hands the
 * connection over. No I/O.
 *
 * Use: feed bytes with imap_preauth_input while imap_preauth_wants_input; then call
 * imap_preauth_next until it gives IMAP_PREAUTH_MORE; send and consume imap_preauth_output before
 * acting on an event. */
#ifndef FACES_IMAP_PREAUTH_H
#define FACES_IMAP_PREAUTH_H

#include "base/buf.h"

struct imap_preauth;

struct imap_preauth_options {
	bool tls; /* TLS is on already */
	bool starttls; /* TLS can be had by STARTTLS */
	bool channel_binding; /* this TLS connection can bind: SCRAM-SHA-256-PLUS is offered */
	bool tokens; /* OAUTHBEARER and XOAUTH2 are offered */
	unsigned max_failures; /* failed sign-ins until BYE; 0: 5 */
	unsigned max_commands; /* commands before sign-in until BYE; 0: 100 */
};

enum imap_preauth_event {
	IMAP_PREAUTH_MORE, /* nothing until more input or an answer to a request */
	IMAP_PREAUTH_STARTTLS, /* send the output, start TLS, call imap_preauth_tls_started */
	IMAP_PREAUTH_AUTH, /* the request wants challenge, accept or reject */
	IMAP_PREAUTH_SIGNED_IN, /* accepted and the client knows: hand the connection over */
	IMAP_PREAUTH_CLOSE, /* send the output and close */
};

struct imap_auth_request {
	const char *mechanism; /* "PLAIN" (LOGIN too), "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
				"OAUTHBEARER", "XOAUTH2" */
	struct slice data; /* the client's message; a view until the next call, wiped then */
	bool first; /* starts an exchange; otherwise it answers a challenge */
};

/* What the session's imap_conn needs to go on where this stopped. */
struct imap_handover {
	struct slice tag; /* of the command that signed in; the session completes it */
	struct slice rest; /* bytes that came after that command */
	struct slice client_id; /* the list the client gave with ID, as received; may be empty */
};

/* Why a sign-in failed; each has its response code (RFC 5530, RFC 9051 section 7.1). */
enum imap_auth_failure {
	IMAP_AUTH_WRONG, /* AUTHENTICATIONFAILED */
	IMAP_AUTH_DISABLED, /* AUTHORIZATIONFAILED: known, but may not */
	IMAP_AUTH_EXPIRED, /* EXPIRED */
	IMAP_AUTH_TEMPORARY, /* UNAVAILABLE; not counted as a failure of the client */
	IMAP_AUTH_LIMIT, /* LIMIT: too many attempts or connections */
};

/* Puts the greeting into the output at once. NULL without memory. */
struct imap_preauth *imap_preauth_new(const struct imap_preauth_options *options);
/* Wipes and frees; NULL is accepted. */
void imap_preauth_free(struct imap_preauth *p);

/* False while a request is open, after a hand-over, and while much is buffered. */
bool imap_preauth_wants_input(const struct imap_preauth *p);
/* Takes all the bytes. LL_ERR_STATE when input is not wanted, LL_ERR_NOMEM. */
int imap_preauth_input(struct imap_preauth *p, struct slice bytes) CHECKED;
enum imap_preauth_event imap_preauth_next(struct imap_preauth *p, struct imap_auth_request *ret);
/* What is to be sent; the caller consumes what it sent with buf_consume. */
struct buf *imap_preauth_output(struct imap_preauth *p);

void imap_preauth_tls_started(struct imap_preauth *p, bool channel_binding);
/* Passes a server message of the mechanism on (for SCRAM also its last one, whose empty answer
 * comes as one more request unless `accept` carried it). */
void imap_preauth_challenge(struct imap_preauth *p, struct slice data);
/* Success. `final` is the mechanism's last message (SCRAM "v=..."), or empty; it is shown to the
 * client first (RFC 4959, RFC 9051 section 6.2.2). imap_preauth_next then gives SIGNED_IN. */
void imap_preauth_accept(struct imap_preauth *p, struct slice final);
void imap_preauth_reject(struct imap_preauth *p, enum imap_auth_failure why);
/* Views that live as long as p; valid after SIGNED_IN. */
void imap_preauth_handover(const struct imap_preauth *p, struct imap_handover *ret);
/* The session could not take over: the client gets NO [UNAVAILABLE] and may try again. */
void imap_preauth_handover_failed(struct imap_preauth *p);
/* The server shuts down or an idle limit passed: BYE; next gives CLOSE. */
void imap_preauth_bye(struct imap_preauth *p, const char *why);

#endif
