/* Cuts the bytes of an IMAP client into whole commands: a command is its lines and its literals up
 * to the CRLF that ends it (RFC 9051 section 2.2.1, RFC 7888). What comes out is one contiguous
 * view, so the parsers behind it never have to be resumed. No I/O. */
#ifndef FACES_IMAP_FRAME_H
#define FACES_IMAP_FRAME_H

#include "base/buf.h"

struct imap_frame {
	struct buf in;
	size_t start; /* of the command that is being collected */
	size_t scan; /* first byte not looked at */
	size_t line_start; /* of the current line inside the command */
	size_t line_bytes; /* line bytes of this command so far, literals not counted */
	size_t max_line; /* most line bytes of one command */
	uint64_t literal_size; /* of the announced literal */
	uint64_t skip; /* literal bytes still to be dropped */
	bool literal_sync; /* the client waits for a continuation request */
	bool skipping; /* the rest of this command is dropped */
	bool announced; /* an announced literal waits for accept or refuse */
};

enum imap_frame_event {
	IMAP_FRAME_MORE, /* not yet */
	IMAP_FRAME_COMMAND, /* ret is a whole command without its last CRLF */
	IMAP_FRAME_LITERAL, /* literal_size and literal_sync are set; ret is the command so far;
			     * answer with imap_frame_accept or imap_frame_refuse */
	IMAP_FRAME_TOO_LONG, /* ret is the start of the command; the rest of it is dropped */
	IMAP_FRAME_BARE_LF, /* a line that ended without CR was dropped */
};

void imap_frame_init(struct imap_frame *f, size_t max_line);
/* Wipes and frees. */
void imap_frame_done(struct imap_frame *f);

/* Appends client bytes; views given out before are no longer valid. LL_ERR_NOMEM. */
int imap_frame_put(struct imap_frame *f, struct slice bytes) CHECKED;
/* The next command. A view lives until imap_frame_next or imap_frame_put. */
enum imap_frame_event imap_frame_command(struct imap_frame *f, struct slice *ret);
/* One line for itself, for SASL answers and the end of IDLE; never a literal. */
enum imap_frame_event imap_frame_line(struct imap_frame *f, struct slice *ret);
/* Takes the announced literal into the command; room for it is made at once. LL_ERR_NOMEM. */
int imap_frame_accept(struct imap_frame *f) CHECKED;
/* Drops this command: after a synchronising literal nothing more comes, otherwise the literal and
 * the rest of the command are skipped without being kept. */
void imap_frame_refuse(struct imap_frame *f);
/* The command or line just given out has been dealt with. */
void imap_frame_next(struct imap_frame *f);
/* As imap_frame_next, and overwrites it; for commands that carried a password. */
void imap_frame_next_wipe(struct imap_frame *f);
/* Bytes that came after the current command. */
struct slice imap_frame_rest(const struct imap_frame *f);
/* Drops them: they belong to another layer from here on. */
void imap_frame_cut_rest(struct imap_frame *f);
/* Forgets the first n bytes of the command that is being collected: literals dealt with. */
void imap_frame_cut_start(struct imap_frame *f, size_t n);

#endif
