/* What the files of the IMAP client share. */
#ifndef FACES_IMAP_CLIENT_PRIV_H
#define FACES_IMAP_CLIENT_PRIV_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"
#include "faces/imap_client.h"
#include "faces/imap_lex.h"

enum client_state {
	CLIENT_GREETING,
	CLIENT_CAPABILITY, /* before STARTTLS or the sign-in */
	CLIENT_STARTTLS,
	CLIENT_HANDSHAKE,
	CLIENT_SIGN_IN,
	CLIENT_SIGNED_IN, /* asks for capabilities once more */
	CLIENT_READY,
	CLIENT_LOGOUT,
	CLIENT_CLOSED
};

/* How the bytes that come are taken. */
enum client_framing { FRAME_LINE, FRAME_LITERAL, FRAME_BODY };

struct imap_client {
	struct imap_client_config config;
	enum client_state state;
	enum imap_client_event event; /* to be told */
	enum imap_client_result result;
	enum imap_client_error error;
	unsigned caps;
	bool caps_known;
	struct buf out;
	uint32_t tag_first, tag_next; /* commands on their way: [first, next) */
	bool continuation; /* "+" is waited for */

	enum client_framing framing;
	struct buf response; /* one response so far, without content */
	struct buf body;
	uint64_t left; /* of the literal */
	bool has_body, too_large, searching;
	bool shown; /* the response has led to an event, and stays until the next call */
	struct arena arena; /* of the response under way */

	struct imap_client_folder folder;
	struct imap_client_message message;
	struct imap_client_mailbox mailbox;
	VEC(uint32_t) uids;
	char text[IMAP_CLIENT_TEXT_MAX + 1];
};

#define CLIENT_RESPONSE_MAX ((size_t)256 << 10)
#define CLIENT_LITERAL_MAX ((size_t)64 << 10)
#define CLIENT_ARENA_MAX ((size_t)1 << 20)
#define CLIENT_OUTPUT_MAX ((size_t)256 << 10)

/* imap_client.c: the dialogue. */
void client_fail(struct imap_client *c, enum imap_client_error why);
void client_said(struct imap_client *c, struct slice text);
/* A tagged response, "+", and the greeting have come. */
void client_tagged(struct imap_client *c, uint32_t tag, enum imap_client_result result,
	struct slice code, struct slice text);
void client_continue(struct imap_client *c);
void client_greeted(struct imap_client *c);
void client_capability(struct imap_client *c, struct slice words);

/* imap_client_parse.c: one whole response, without its last line end. */
void client_response(struct imap_client *c, struct slice line);
/* Takes complete numbers of a SEARCH off the front of what has come so far. */
void client_search(struct imap_client *c, bool complete);

#endif
