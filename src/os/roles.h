/* The processes and services, and small numbers that travel between them. */
#ifndef OS_ROLES_H
#define OS_ROLES_H

/* The processes. The order is that of starting. */
enum role {
	ROLE_PARENT,
	ROLE_STORE,
	ROLE_TLSKEY,
	ROLE_LOOKUP,
	ROLE_SESSION, /* the template; its children are no peers of the parent */
	ROLE_AUTH,
	ROLE_RELAY,
	ROLE_DELIVERY,
	ROLE_FRONTEND,
	ROLES
};

/* What a listener or a connection speaks. */
enum service {
	SERVICE_SMTP,
	SERVICE_SUBMISSION,
	SERVICE_SUBMISSIONS,
	SERVICE_IMAPS,
	SERVICE_IMAP_LOOPBACK,
	SERVICE_HTTPS,
	SERVICE_INTERNAL, /* no listener: what relay gives to delivery */
	SERVICE_SESSION, /* no listener: what a session sends for its account */
	SERVICE_RELEASED, /* no listener: what relay held back until now */
	SERVICES
};

enum sasl_mechanism {
	SASL_PLAIN,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_256_PLUS,
	SASL_OAUTHBEARER,
	SASL_XOAUTH2
};

enum login_result { LOGIN_OK, LOGIN_REFUSED, LOGIN_TEMPORARY, LOGIN_DISABLED, LOGIN_NOT_PERMITTED };

enum rcpt_result {
	RCPT_LOCAL,
	RCPT_REMOTE,
	RCPT_UNKNOWN,
	RCPT_DISABLED,
	RCPT_FULL,
	RCPT_TEMPORARY
};

/* The tag of a web link over which mail may be sent, when auth gives it to a session. */
#define SESSION_TAG_SENDS "sends"

/* What lookup is to fetch. */
enum fetch_kind {
	FETCH_POLICY, /* for relay: an MTA-STS policy */
	FETCH_KEY, /* for a reader of mail: an OpenPGP key */
	FETCH_PICTURE, /* for a reader of mail: a remote image */
	FETCH_PUSH, /* for auth: a push message is posted */
	FETCH_UNSUBSCRIBE, /* for a reader of mail: leaving a list (RFC 8058); a POST */
	FETCH_KINDS
};

/* What lookup is to do for an owner who brings mail over from elsewhere. */
enum dial_kind {
	DIAL_FIND, /* the IMAP server of a domain */
	DIAL_CONNECT, /* to a host by name, at one of the ports for this */
	DIAL_KINDS
};

enum tls_sign_alg { TLS_SIGN_ECDSA, TLS_SIGN_RSA };

#endif
