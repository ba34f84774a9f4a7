/* What the files of the IMAP face share about a connection; not for others. */
#ifndef FACES_IMAP_CONN_H
#define FACES_IMAP_CONN_H

#include "account/mailbox.h"
#include "base/arena.h"
#include "base/error.h"
#include "faces/imap.h"
#include "faces/imap_frame.h"
#include "faces/imap_lex.h"

#define IMAP_TAG_MAX ((size_t)255)

enum imap_enabled {
	IMAP_REV2 = 1,
	IMAP_CONDSTORE = 2,
	IMAP_QRESYNC = 4,
	IMAP_UTF8 = 8,
};

/* The sequence numbers of the selected mailbox as this client knows them. */
struct imap_view {
	struct mailbox *mb; /* NULL: none is selected */
	bool readonly;
	VEC(uint32_t) uids; /* sequence number i is at[i - 1]; may hold UIDs that are gone */
	uint32_t uidnext; /* arrivals from here on have not been told */
	uint64_t modseq; /* flag changes after it have not been told */
	uint64_t own_modseq; /* of a change the running command reports by itself */
	size_t keywords; /* how many the client has been told */
	struct uid_list recent; /* ascending: \Recent for this client */
};

struct imap_append;
struct imap_deflate;
struct imap_command;

struct imap_conn {
	struct imap_env *env;
	struct account *account;
	struct account_listener listener;
	struct imap_frame frame;
	struct arena arena; /* of the running command */
	struct buf out;
	size_t out_sent; /* bytes of out that are gone */
	struct imap_deflate *deflate; /* NULL: no compression */
	struct imap_view view;
	struct uid_list saved; /* SEARCHRES: "$" */
	struct imap_append *append; /* an APPEND whose literals are arriving */
	/* A command that goes on in slices: called again until imap_done. */
	void (*resume)(struct imap_conn *c, void *work);
	void *work; /* in the arena */
	void (*cleanup)(void *work); /* may be NULL */
	const struct imap_command *command;
	size_t charged; /* of env->memory_used */
	unsigned enabled; /* enum imap_enabled */
	unsigned bad; /* commands that were no commands, in a row */
	bool uid; /* the running command has the UID prefix */
	bool idling, dirty, closing, want_input;
	bool pondering; /* resume has said nothing yet */
	bool yield; /* others first */
	size_t tag_len;
	uint8_t tag[IMAP_TAG_MAX];
};

enum imap_command_states { IN_AUTHENTICATED = 1, IN_SELECTED = 2, IN_BOTH = 3 };
enum imap_command_flags {
	MAY_UID = 1, /* has a UID form */
	NO_EXPUNGE = 2, /* no EXPUNGE while this runs without UID (RFC 9051 section 7.5.1) */
	NO_SYNC = 4, /* tells nothing about the selected mailbox */
	FRESH = 8, /* takes in deliveries first */
};

struct imap_command {
	struct slice name;
	uint8_t states, flags;
	/* l stands after the name. Answers with imap_done or sets c->resume. */
	void (*run)(struct imap_conn *c, struct imap_lex *l);
};
/* NULL: unknown. */
const struct imap_command *imap_command_find(struct slice name);

/* Takes tag, name and UID prefix of a command whose literals are still to come. */
void imap_begin_command(struct imap_conn *c, struct slice text);

/* ---- Replies (imap_reply.c) ---- */

/* Ends the running command: what the client must hear about its mailbox, then the tagged line.
 * fmt begins with OK, NO or BAD. */
void imap_done(struct imap_conn *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same in two halves, for lines of any length: text is put between them. */
void imap_done_start(struct imap_conn *c);
void imap_done_end(struct imap_conn *c);
/* The tagged line alone. */
void imap_put_tagged(struct imap_conn *c, const char *text);
void imap_bad(struct imap_conn *c, const char *why);
/* BAD with the reason of the lexer. */
void imap_syntax(struct imap_conn *c, const struct imap_lex *l);
/* NO with the response code of an engine error (RFC 9051 section 7.1, RFC 5530). */
void imap_error(struct imap_conn *c, int err);
/* The same where the missing mailbox could be made: TRYCREATE. */
void imap_error_trycreate(struct imap_conn *c, int err);
/* "NO [CODE] text" for an error; static. */
const char *imap_error_text(int err);

bool imap_utf8(const struct imap_conn *c);
/* One string: quoted where that can hold it, else a literal. */
void imap_put_string(struct imap_conn *c, struct slice s);
/* Mailbox name as astring, in modified UTF-7 unless UTF-8 was enabled. */
void imap_put_mailbox(struct imap_conn *c, struct slice name);
/* "3,5:9" of ascending numbers, or of runs in the given order. */
void imap_put_uids(struct buf *out, const uint32_t *uids, size_t n);
/* "(\Seen $Work)". */
void imap_put_flags(struct imap_conn *c, const struct message_row *row);
/* The FLAGS and PERMANENTFLAGS lines of the selected mailbox. */
void imap_put_flag_lines(struct imap_conn *c);
/* The bit of "\\Seen" and so on; false: no such system flag that can be stored. */
bool imap_system_flag(struct slice name, uint64_t *ret);
/* CONDSTORE is in use from now on; tells HIGHESTMODSEQ if that is news. */
void imap_enable_condstore(struct imap_conn *c);

/* So much waits to be sent that a command in slices should pause. */
bool imap_full(const struct imap_conn *c);
/* Nothing may follow the arguments; else the command has been answered. */
bool imap_take_end(struct imap_conn *c, struct imap_lex *l);
/* Mailbox name and the mailbox it names; NULL: the command has been answered. */
struct mailbox *imap_find_mailbox(struct imap_conn *c, struct slice name);

/* ---- View (imap_view.c) ---- */

/* Mailbox is opened already; the view takes it over. LL_ERR_NOMEM. */
int imap_view_open(struct imap_conn *c, struct mailbox *mb, bool readonly) CHECKED;
void imap_view_close(struct imap_conn *c);
/* Tells what has changed; expunges only if they may be told now. */
void imap_view_sync(struct imap_conn *c, bool expunges);
/* Index of the UID in the view, or SIZE_MAX. */
size_t imap_view_find(const struct imap_conn *c, uint32_t uid);
/* Index of the first UID that is not smaller. */
size_t imap_view_lower(const struct imap_conn *c, uint32_t uid);
/* An untagged FETCH with FLAGS (and UID, MODSEQ as enabled). */
void imap_put_flags_fetch(struct imap_conn *c, size_t index, const struct message_row *row);

/* ---- Message sets (imap_set.c) ---- */

struct imap_range {
	uint32_t from, to; /* 0: "*" */
};
struct imap_set {
	struct imap_range *at;
	size_t len;
	bool saved; /* "$" */
};
/* Messages by position in the view, [from, to), ascending, apart. */
struct imap_span {
	uint32_t from, to;
};
struct imap_spans {
	struct imap_span *at;
	size_t len;
	size_t total; /* messages */
};
bool imap_set_parse(struct imap_lex *l, struct imap_set *ret);
/* Sequence numbers or UIDs (uid) of the view. LL_ERR_RANGE: a sequence number that is not there;
 * LL_ERR_NOMEM. */
int imap_set_resolve(
	struct imap_conn *c, const struct imap_set *set, bool uid, struct imap_spans *ret) CHECKED;
/* Their UIDs, ascending, in the arena; NULL without memory. */
uint32_t *imap_spans_uids(struct imap_conn *c, const struct imap_spans *spans);
/* Parses a set and resolves it by c->uid; on failure the command has been answered. */
bool imap_take_set(struct imap_conn *c, struct imap_lex *l, struct imap_spans *ret);
/* Whether a set of UIDs names this one; star is what "*" stands for. For QRESYNC. */
bool imap_set_has(const struct imap_set *set, uint32_t uid, uint32_t star);

/* ---- Names (imap_name.c) ---- */

/* The UTF-8 form of a name the client gave: modified UTF-7 is decoded unless UTF-8 was enabled. */
int imap_name_decode(struct imap_conn *c, struct slice wire, struct slice *ret) CHECKED;
/* RFC 3501 section 5.1.3. */
int mutf7_encode(struct buf *out, struct slice utf8);
int mutf7_decode(struct buf *out, struct slice mutf7) CHECKED;
/* astring, decoded; false: the command has been answered. */
bool imap_take_mailbox(struct imap_conn *c, struct imap_lex *l, struct slice *ret);
/* Flags "(...)" or bare ones up to the end; system flags as bits, keywords by name in the arena. */
struct imap_flags {
	uint64_t system;
	struct slice *keywords;
	size_t n_keywords;
};
bool imap_parse_flags(struct imap_lex *l, bool list_only, struct imap_flags *ret);
/* The bits in mb; makes missing keywords. */
int imap_flags_bits(struct mailbox *mb, const struct imap_flags *f, uint64_t *ret) CHECKED;

/* ---- APPEND while its literals arrive (imap_append.c) ---- */

/* A literal is announced; text is the command so far. True when it was dealt with. */
bool imap_append_literal(struct imap_conn *c, struct slice text);
/* The end of a command whose literals imap_append_literal took. */
void imap_append_end(struct imap_conn *c, struct slice text);
void imap_append_free(struct imap_conn *c);

/* ---- Compression (imap_deflate.c) ---- */
struct imap_deflate *imap_deflate_new(void);
void imap_deflate_free(struct imap_deflate *d);
int imap_deflate_input(struct imap_deflate *d, struct slice bytes) CHECKED;
/* Appends up to max decompressed bytes; LL_ERR_SYNTAX for damaged data. */
int imap_deflate_inflate(struct imap_deflate *d, size_t max, struct imap_frame *frame) CHECKED;
bool imap_deflate_pending(const struct imap_deflate *d);
/* Compresses all of plain and flushes; the wire bytes stay until consumed. */
int imap_deflate_output(struct imap_deflate *d, struct slice plain) CHECKED;
struct buf *imap_deflate_wire(struct imap_deflate *d);

/* ---- Commands ---- */
void imap_run_append(struct imap_conn *c, struct imap_lex *l);
void imap_run_capability(struct imap_conn *c, struct imap_lex *l);
void imap_run_close(struct imap_conn *c, struct imap_lex *l);
void imap_run_compress(struct imap_conn *c, struct imap_lex *l);
void imap_run_copy(struct imap_conn *c, struct imap_lex *l);
void imap_run_create(struct imap_conn *c, struct imap_lex *l);
void imap_run_delete(struct imap_conn *c, struct imap_lex *l);
void imap_run_enable(struct imap_conn *c, struct imap_lex *l);
void imap_run_examine(struct imap_conn *c, struct imap_lex *l);
void imap_run_expunge(struct imap_conn *c, struct imap_lex *l);
void imap_run_fetch(struct imap_conn *c, struct imap_lex *l);
void imap_run_getquota(struct imap_conn *c, struct imap_lex *l);
void imap_run_getquotaroot(struct imap_conn *c, struct imap_lex *l);
void imap_run_id(struct imap_conn *c, struct imap_lex *l);
void imap_run_idle(struct imap_conn *c, struct imap_lex *l);
void imap_run_list(struct imap_conn *c, struct imap_lex *l);
void imap_run_logout(struct imap_conn *c, struct imap_lex *l);
void imap_run_lsub(struct imap_conn *c, struct imap_lex *l);
void imap_run_move(struct imap_conn *c, struct imap_lex *l);
void imap_run_namespace(struct imap_conn *c, struct imap_lex *l);
void imap_run_noop(struct imap_conn *c, struct imap_lex *l);
void imap_run_rename(struct imap_conn *c, struct imap_lex *l);
void imap_run_search(struct imap_conn *c, struct imap_lex *l);
void imap_run_select(struct imap_conn *c, struct imap_lex *l);
void imap_run_sort(struct imap_conn *c, struct imap_lex *l);
void imap_run_status(struct imap_conn *c, struct imap_lex *l);
void imap_run_store(struct imap_conn *c, struct imap_lex *l);
void imap_run_subscribe(struct imap_conn *c, struct imap_lex *l);
void imap_run_thread(struct imap_conn *c, struct imap_lex *l);
void imap_run_unselect(struct imap_conn *c, struct imap_lex *l);
void imap_run_unsubscribe(struct imap_conn *c, struct imap_lex *l);

/* A line while IDLE runs. */
void imap_idle_line(struct imap_conn *c, struct slice line);
/* STATUS items (imap_status.c): parsed list as a mask; the untagged response. */
bool imap_parse_status_items(struct imap_lex *l, unsigned *ret_items);
void imap_put_status(struct imap_conn *c, const struct mailbox *mb, unsigned items);
/* Asking for HIGHESTMODSEQ turns CONDSTORE on. */
void imap_status_note(struct imap_conn *c, unsigned items);
/* "* VANISHED (EARLIER) ...": what was expunged after a modseq, of the UIDs in known (empty: all).
 */
void imap_put_vanished_earlier(struct imap_conn *c, uint64_t since, const struct imap_set *known);
/* "* LIST (...) "/" name" for SELECT under IMAP4rev2. */
void imap_put_list_line(struct imap_conn *c, const struct mailbox *mb);
/* "* 5 FETCH (" for a position in the view. */
void imap_put_fetch_start(struct imap_conn *c, size_t index);

#endif
