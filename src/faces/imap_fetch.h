/* FETCH, shared by its parser, its item writers and its section reader; not for others. */
#ifndef FACES_IMAP_FETCH_H
#define FACES_IMAP_FETCH_H

#include "account/message.h"
#include "faces/imap_conn.h"
#include "mail/transfer.h"

#define IMAP_SECTION_DEPTH 64 /* numbers of a section path */
#define IMAP_FETCH_ITEMS 200

enum fetch_kind {
	FETCH_FLAGS,
	FETCH_UID,
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_ENVELOPE,
	FETCH_BODY,
	FETCH_BODYSTRUCTURE,
	FETCH_SECTION, /* BODY[...], RFC822 and so on */
	FETCH_BINARY,
	FETCH_BINARY_SIZE,
	FETCH_MODSEQ,
	FETCH_EMAILID,
	FETCH_THREADID,
	FETCH_PREVIEW,
	FETCH_SAVEDATE,
	FETCH_KINDS, /* one past the last */
};

enum section_text {
	SECTION_ALL,
	SECTION_HEADER,
	SECTION_FIELDS,
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME,
};

struct fetch_item {
	enum fetch_kind kind;
	bool sets_seen;
	struct slice label; /* what stands before the value */
	/* Of sections */
	enum section_text text;
	uint32_t *path;
	size_t n_path;
	struct slice *fields;
	size_t n_fields;
	bool partial;
	uint32_t offset, length;
};

struct fetch_args {
	struct imap_set set;
	struct fetch_item *items;
	size_t n;
	uint64_t changed_since; /* 0: all */
	bool vanished, sets_seen, has_flags, has_uid, has_modseq;
};

/* A section on its way to the client, read piece by piece. */
struct fetch_stream {
	bool active, decode;
	uint32_t email;
	uint64_t pos, end; /* bytes of the message still to be read */
	uint64_t skip, left; /* of what comes out: to be dropped, to be sent */
	struct transfer_decoder decoder;
};

struct fetch_work {
	struct fetch_args args;
	struct imap_spans spans;
	size_t span; /* current span; at: next message in it; item: next item of the message */
	uint32_t at;
	uint32_t ahead; /* messages of the span before this one are asked for */
	size_t item;
	bool in_message; /* its "* n FETCH (" is out */
	bool bodies; /* of several messages */
	bool have_message; /* message is good */
	bool first; /* no item of this message is out yet */
	struct message_row row;
	struct message message;
	struct fetch_stream stream;
	uint64_t own_modseq; /* of \Seen set by this command */
	bool gone; /* a message was no longer there */
	int err; /* first error, told at the end */
	bool unknown_cte;
};

/* Arguments behind "FETCH"; false with a reason in l. */
bool imap_fetch_parse(struct imap_conn *c, struct imap_lex *l, struct fetch_args *ret);
/* Starts a section's value: writes label and length; the rest follows by the pump. LL_ERR_* when
 * it cannot be read: nothing was written. */
int imap_section_start(
	struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item) CHECKED;
/* Sends a piece. An error leaves a literal unfinished: the connection cannot go on. */
int imap_section_pump(struct imap_conn *c, struct fetch_stream *s) CHECKED;
int imap_binary_size(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item,
	uint64_t *ret) CHECKED;
/* The message's entry, read again where reading its body has made it stale. */
int imap_fetch_message(struct imap_conn *c, struct fetch_work *w) CHECKED;
/* The space between items, then the label. */
void imap_fetch_label(struct imap_conn *c, struct fetch_work *w, const struct fetch_item *item);

#endif
