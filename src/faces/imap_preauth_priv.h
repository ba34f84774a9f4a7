/* What the parts of IMAP before sign-in share. */
#ifndef FACES_IMAP_PREAUTH_PRIV_H
#define FACES_IMAP_PREAUTH_PRIV_H

#include "base/arena.h"
#include "faces/imap_frame.h"
#include "faces/imap_lex.h"
#include "faces/imap_preauth.h"

#define MAX_SASL_LINE ((size_t)12288)
#define MAX_TAG ((size_t)64)
#define MAX_CLIENT_ID ((size_t)1024)

enum preauth_state {
	READY, /* reads commands */
	STARTING_TLS, /* the caller was or is to be told */
	NEED_AUTH, /* a request is to be given out */
	ASKING, /* a request is open */
	SASL_LINE, /* the client's next line answers a challenge */
	FINAL_LINE, /* accepted; the client's empty answer is missing */
	SIGNED_IN,
	CLOSING,
};

struct imap_preauth {
	struct imap_preauth_options options;
	struct imap_frame frame;
	struct arena arena;
	struct buf out;
	struct buf data; /* the SASL message; wiped */
	struct buf client_id;
	struct imap_auth_request request;
	enum preauth_state state;
	unsigned commands, failures, bad;
	size_t tag_len;
	uint8_t tag[MAX_TAG];
};

/* --- imap_preauth_command.c --- */
/* Runs a whole command. */
void preauth_run(struct imap_preauth *p, struct slice text);
struct slice preauth_tag(const struct imap_preauth *p);
/* Takes the tag of a command, as far as it has a good one. */
bool preauth_take_tag(struct imap_preauth *p, struct imap_lex *l);
/* One tagged line; text begins with OK, NO or BAD. */
void preauth_reply(struct imap_preauth *p, const char *text);
/* BAD; after too many of them, BYE. */
void preauth_bad(struct imap_preauth *p, const char *why);
void preauth_put_caps(struct imap_preauth *p);
/* Decodes the client's message into p->data. */
bool preauth_take_data(struct imap_preauth *p, struct slice base64);

#endif
