/* The life of a connection: bytes become commands, commands run one after the other, in slices
 * where their answers are long, and never faster than the client reads. */
#include "faces/imap_conn.h"

#include "faces/imap_caps.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINE ((size_t)256 * 1024)
#define MAX_SMALL_LITERAL ((uint64_t)64 * 1024)
#define MAX_COMMAND ((size_t)1024 * 1024)
#define MAX_ARENA ((size_t)64 << 20)
#define MAX_OUT ((size_t)512 << 20)
#define KEEP_OUT ((size_t)16 * 1024)
#define INFLATE_STEP ((size_t)32 * 1024)
#define DEFAULT_APPEND_LIMIT ((uint64_t)50 << 20)
#define DEFAULT_MEMORY ((size_t)256 << 20)

static void
on_change(struct account_listener *l, struct mailbox *mb, unsigned events)
{
	struct imap_conn *c = CONTAINER_OF(l, struct imap_conn, listener);

	(void)events;
	if (!c->view.mb || (mb && mb != c->view.mb))
		return;
	c->dirty = true;
	if (c->idling && c->env->wake)
		c->env->wake(c->env->ctx, c);
}

static void
greet(struct imap_conn *c)
{
	buf_put(&c->out, slice_new(c->tag, c->tag_len));
	buf_puts(&c->out, " OK [CAPABILITY ");
	imap_caps_put_session(&c->out, c->env->append_limit, true);
	buf_puts(&c->out, "] Signed in\r\n");
}

struct imap_conn *
imap_conn_new(struct imap_env *env, const struct imap_handover *handover)
{
	struct imap_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (!env->append_limit)
		env->append_limit = DEFAULT_APPEND_LIMIT;
	if (!env->memory_max)
		env->memory_max = DEFAULT_MEMORY;
	c->env = env;
	c->account = env->account;
	c->arena = ARENA_INIT(MAX_ARENA);
	c->out = BUF_INIT(MAX_OUT);
	imap_frame_init(&c->frame, MAX_LINE);
	c->tag_len = MIN(handover->tag.len, IMAP_TAG_MAX);
	if (c->tag_len)
		memcpy(c->tag, handover->tag.ptr, c->tag_len);
	c->listener.changed = on_change;
	account_listen(c->account, &c->listener);
	greet(c);
	if (imap_frame_put(&c->frame, handover->rest) != LL_OK) {
		imap_conn_free(c);
		return NULL;
	}
	return c;
}

/* After a command: whatever it held is given back. */
static void
end_work(struct imap_conn *c)
{
	if (c->cleanup)
		c->cleanup(c->work);
	c->cleanup = NULL;
	c->work = NULL;
	c->resume = NULL;
	c->pondering = c->yield = false;
	arena_reset(&c->arena);
}

void
imap_conn_free(struct imap_conn *c)
{
	if (!c)
		return;
	end_work(c);
	imap_append_free(c);
	imap_view_close(c);
	account_unlisten(c->account, &c->listener);
	uid_list_done(&c->saved);
	imap_deflate_free(c->deflate);
	imap_frame_done(&c->frame);
	arena_done(&c->arena);
	buf_done(&c->out);
	free(c);
}

void
imap_conn_bye(struct imap_conn *c, const char *why)
{
	if (!c->closing && (!c->resume || c->pondering)) {
		buf_puts(&c->out, "* BYE ");
		buf_puts(&c->out, why);
		buf_puts(&c->out, "\r\n");
	}
	c->closing = true;
}

/* ---- Commands ---- */

static bool
take_tag(struct imap_conn *c, struct imap_lex *l)
{
	struct slice tag;

	c->tag_len = 0;
	if (!imap_lex_tag(l, &tag))
		return false;
	if (tag.len > IMAP_TAG_MAX)
		return imap_lex_fail(l, "Tag too long");
	memcpy(c->tag, tag.ptr, tag.len);
	c->tag_len = tag.len;
	return imap_lex_sp(l);
}

/* Tag, name and the UID prefix. */
static bool
take_command(struct imap_conn *c, struct imap_lex *l)
{
	struct slice name;

	c->command = NULL;
	c->uid = false;
	if (!take_tag(c, l) || !imap_lex_name(l, &name))
		return false;
	if (slice_ieq(name, S("UID"))) {
		if (!imap_lex_sp(l) || !imap_lex_name(l, &name))
			return false;
		c->uid = true;
	}
	c->command = imap_command_find(name);
	if (!c->command || (c->uid && !(c->command->flags & MAY_UID))) {
		c->command = NULL;
		return imap_lex_fail(l, "Unknown command");
	}
	return true;
}

void
imap_begin_command(struct imap_conn *c, struct slice text)
{
	struct imap_lex l = imap_lex_new(text, &c->arena);

	if (take_command(c, &l) && !(c->command->flags & NO_SYNC))
		imap_view_sync(c, false);
}

static bool
state_fits(struct imap_conn *c)
{
	if (c->command->states & (c->view.mb ? IN_SELECTED : IN_AUTHENTICATED))
		return true;
	imap_bad(c, c->view.mb ? "Not while a mailbox is selected" : "Select a mailbox first");
	return false;
}

/* Deliveries become visible before commands that ask for news. */
static bool
freshen(struct imap_conn *c)
{
	int err = c->command->flags & FRESH ? account_freshen(c->account) : LL_OK;

	if (err == LL_ERR_AUTH || err == LL_ERR_CORRUPT) {
		imap_put_tagged(c, imap_error_text(err));
		imap_conn_bye(c, "Stored data cannot be trusted");
		return false;
	}
	return true; /* what storage cannot tell now it tells later */
}

static void
run_command(struct imap_conn *c, struct slice text)
{
	struct imap_lex l = imap_lex_new(text, &c->arena);

	if (!take_command(c, &l)) {
		imap_syntax(c, &l);
		return;
	}
	if (!state_fits(c) || !freshen(c))
		return;
	if (c->command->flags & MAY_UID) /* it names messages: of the newest state */
		imap_view_sync(c, false);
	c->command->run(c, &l);
}

static void
on_literal(struct imap_conn *c, struct slice so_far)
{
	struct imap_lex l = imap_lex_new(so_far, &c->arena);

	if (imap_append_literal(c, so_far)) {
		arena_reset(&c->arena);
		return;
	}
	if (c->frame.literal_size > MAX_SMALL_LITERAL || so_far.len > MAX_COMMAND) {
		take_command(c, &l);
		imap_done(c, "BAD [TOOBIG] Literal too large for this command");
		imap_frame_refuse(&c->frame);
	} else if (imap_frame_accept(&c->frame) != LL_OK) {
		imap_conn_bye(c, "Out of memory");
	} else if (c->frame.literal_sync) {
		buf_puts(&c->out, "+ Go on\r\n");
	}
	arena_reset(&c->arena);
}

static void
bad_line(struct imap_conn *c, struct slice start, const char *why)
{
	struct imap_lex l = imap_lex_new(start, &c->arena);

	imap_append_free(c);
	take_command(c, &l);
	imap_bad(c, why);
	end_work(c);
	imap_frame_next(&c->frame);
}

static void
on_command(struct imap_conn *c, struct slice text)
{
	if (c->idling)
		imap_idle_line(c, text);
	else if (c->append)
		imap_append_end(c, text);
	else
		run_command(c, text);
	if (c->resume)
		return;
	end_work(c);
	imap_frame_next(&c->frame);
}

/* True when a whole command or a part of one was there. */
static bool
read_frame(struct imap_conn *c)
{
	struct slice text;

	switch (c->idling ? imap_frame_line(&c->frame, &text)
			  : imap_frame_command(&c->frame, &text)) {
	case IMAP_FRAME_MORE:
		return false;
	case IMAP_FRAME_LITERAL:
		on_literal(c, text);
		break;
	case IMAP_FRAME_TOO_LONG:
		bad_line(c, text, "Command line too long");
		break;
	case IMAP_FRAME_BARE_LF:
		bad_line(c, text, "Lines end with CR LF");
		break;
	case IMAP_FRAME_COMMAND:
		on_command(c, text);
		break;
	}
	return true;
}

static bool
inflate_more(struct imap_conn *c)
{
	if (!c->deflate || !imap_deflate_pending(c->deflate))
		return false;
	if (imap_deflate_inflate(c->deflate, INFLATE_STEP, &c->frame) == LL_OK)
		return true;
	imap_conn_bye(c, "Damaged compressed data");
	return true;
}

static size_t
unsent(const struct imap_conn *c)
{
	return c->out.len - c->out_sent + (c->deflate ? imap_deflate_wire(c->deflate)->len : 0);
}

bool
imap_full(const struct imap_conn *c)
{
	return unsent(c) >= IMAP_CONN_SLICE;
}

static void
resume(struct imap_conn *c)
{
	c->resume(c, c->work);
	if (c->resume)
		return;
	end_work(c);
	imap_frame_next(&c->frame);
}

enum imap_conn_wants
imap_conn_run(struct imap_conn *c)
{
	c->want_input = false;
	for (;;) {
		if (buf_err(&c->out))
			c->closing = true;
		if (c->closing)
			return IMAP_CONN_CLOSE;
		if (imap_full(c))
			return IMAP_CONN_DRAIN;
		if (c->yield) {
			c->yield = false;
			return IMAP_CONN_AGAIN;
		}
		if (c->resume) {
			resume(c);
			continue;
		}
		if (c->idling)
			imap_view_sync(c, true);
		if (!read_frame(c) && !inflate_more(c))
			break;
	}
	c->want_input = true;
	return IMAP_CONN_INPUT;
}

/* ---- Bytes ---- */

bool
imap_conn_wants_input(const struct imap_conn *c)
{
	return c->want_input;
}

int
imap_conn_input(struct imap_conn *c, struct slice bytes)
{
	if (!c->want_input)
		return LL_ERR_STATE;
	if (c->deflate)
		return imap_deflate_input(c->deflate, bytes);
	return imap_frame_put(&c->frame, bytes);
}

static void
reset_out(struct imap_conn *c)
{
	c->out_sent = 0;
	if (c->out.cap > KEEP_OUT && !c->resume && !buf_err(&c->out))
		buf_done(&c->out);
	else
		c->out.len = 0;
}

struct slice
imap_conn_output(struct imap_conn *c)
{
	struct slice plain = slice_skip(buf_slice(&c->out), c->out_sent);

	if (!c->deflate)
		return plain;
	if (plain.len && imap_deflate_output(c->deflate, plain) != LL_OK)
		c->closing = true;
	reset_out(c);
	return buf_slice(imap_deflate_wire(c->deflate));
}

void
imap_conn_sent(struct imap_conn *c, size_t n)
{
	if (c->deflate) {
		buf_consume(imap_deflate_wire(c->deflate), n);
		return;
	}
	c->out_sent += MIN(n, c->out.len - c->out_sent);
	if (c->out_sent == c->out.len)
		reset_out(c);
}

bool
imap_conn_idling(const struct imap_conn *c)
{
	return c->idling;
}

const char *
imap_conn_command(const struct imap_conn *c)
{
	return c->command ? (const char *)c->command->name.ptr : "-";
}
